# SPDX-License-Identifier: MIT
"""Random tensors that libxai draws too: element i of tensor NAME is a function of NAME, i and the seed (model/parameters.c)."""
import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix64(x):
    x = np.atleast_1d(np.asarray(x, np.uint64))  # scalars warn where they wrap
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def fnv1a64(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def uniform(name, count, seed=0):
    """count doubles in [0, 1)."""
    key = np.uint64(fnv1a64(name)) ^ mix64(seed)
    bits = mix64(key + (np.arange(count, dtype=np.uint64) + np.uint64(1)) * GOLDEN)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def draw(name, shape, low, high, seed=0):
    """A float32 tensor with elements from low to high."""
    u = uniform(name, int(np.prod(shape)), seed)
    return (low + (high - low) * u).astype(np.float32).reshape(shape)


def parameter(name, shape, kind, seed=0):
    """A network's parameter; kind as enum xai__parameter_kind."""
    bound = np.sqrt(6.0 / np.prod(shape[1:], dtype=np.float64))
    low, high = {"weight": (-bound, bound), "shift": (-0.1, 0.1), "scale": (0.9, 1.1), "variance": (1.0, 1.2)}[kind]
    return draw(name, shape, low, high, seed)


def picture(name, height, width, seed=0):
    """1 x 3 x height x width: noise on a slope, so that a shifted or flipped map is noticed."""
    u = uniform(name, 3 * height * width, seed).reshape(3, height, width)
    y, x = np.arange(height, dtype=np.float64)[:, None], np.arange(width, dtype=np.float64)[None, :]
    return ((2 * u - 1) + (y / height - x / width)).astype(np.float32)[None]
