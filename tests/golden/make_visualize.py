#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes visualize.npy: what lucent finds at each of 32 steps, from a start that any language can make.

    make_visualize.py DATA           writes visualize.npy beside this file
    make_visualize.py DATA --float32 how far lucent is in float32 from what it is in float64

DATA is what XAI_TEST_DATA names. Made with torch-lucent 0.1.8, kornia 0.4.1 (the newest that lucent takes), torch 2.15.0,
torchvision 0.29.2. All of it is lucent's own: parameters, transforms, objectives, steps. Only three things are put in
its way: IPython, which it imports to show pictures, is an empty module where there is none; the start is given; and the
random choices of its transforms are those that libxai draws for seed 0, so that both see the same. The rows are those
of visualize.c.
"""
import importlib.util
import os
import sys
import types

import numpy as np
import torch
import torchvision
from safetensors.torch import load_file

if importlib.util.find_spec('IPython') is None:
    sys.modules['IPython'] = types.ModuleType('IPython')
    sys.modules['IPython'].display = sys.modules['IPython.display'] = types.ModuleType('IPython.display')

from lucent.optvis import objectives, param, render, transform  # noqa: E402
from lucent.optvis.param import color  # noqa: E402

SIDE, STEPS, WIDTH = 64, 32, 4
MASK = (1 << 64) - 1
DIRECTION = np.sin(np.arange(256)).astype(np.float32)


# The random numbers of libxai/core/rng.c, and which of a step's numbers lucent's choices are, in lucent's order.
def mix(x):
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 & MASK
    x = (x ^ x >> 27) * 0x94d049bb133111eb & MASK
    return x ^ x >> 31


def uniform(key, index):
    return (mix(key + (index + 1) * 0x9e3779b97f4a7c15 & MASK) >> 11) * 2.0**-53


ORDER = [1, 0, 2, 3, 5, 4]


class Choices:
    def __init__(self, seed=0):
        self.key = mix(mix(seed) ^ 0x7472616e73666f72)
        self.n = 0

    def __call__(self, items):
        number = self.n // len(ORDER) * 8 + ORDER[self.n % len(ORDER)]
        self.n += 1
        items = range(items) if isinstance(items, int) else items
        return items[int(uniform(self.key, number) * len(items))]


def noise(shape):
    """Whole numbers in double, so that every language makes the same. Of high contrast: a picture that is almost grey,
    as lucent's own start, is full of ties, which rounding decides."""
    index = np.arange(np.prod(shape), dtype=np.uint64) * np.uint64(2654435761)
    values = ((index % np.uint64(1 << 32)).astype(np.float64) / (1 << 32) - 0.5) * WIDTH
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def parameters(fourier, n, double):
    """lucent's, with its random numbers replaced."""
    color.color_correlation_normalized = color.color_correlation_normalized.astype('f8' if double else 'f4')
    made = torch.randn
    torch.randn = lambda *shape: noise(shape).double() if double else noise(shape)
    try:
        return param.image(SIDE, sd=1, batch=n, fft=fourier)
    finally:
        torch.randn = made


# Parameterisation, pictures, transforms, float64 (where lucent has no constants of float32), objective.
ROWS = [
    ('pixel', 1, False, True, objectives.channel('layer3_1', 5)),
    ('fourier', 1, False, True, objectives.channel('layer3_1', 5)),
    ('pixel', 1, False, True, objectives.channel('labels', 283)),
    ('fourier', 1, True, False, objectives.channel('layer3_1', 5)),
    ('fourier', 1, False, True, objectives.neuron('layer4_0', 380)),
    ('fourier', 1, False, True, objectives.direction('layer3_1', torch.from_numpy(DIRECTION))),
    ('fourier', 2, False, False, objectives.channel('layer3_1', 5) - 10 * objectives.diversity('layer2_1')),
    ('pixel', 3, False, False, objectives.channel_interpolate('layer3_1', 5, 'layer2_0', 9)),
    ('pixel', 1, False, False, objectives.channel('layer3_1', 5) - 1e-3 * objectives.blur_input_each_step()),
    ('pixel', 1, False, True, objectives.channel('layer2_1', 9)),
]


def trace(data, row, double):
    name, n, transforms, _, objective = row
    model = load_model(data).double() if double else load_model(data)
    values = []

    def watched(features):
        loss = objective(features)
        values.append(-float(loss))
        return loss

    np.random.choice = Choices()
    render.render_vis(model, watched, lambda: parameters(name == 'fourier', n, double), thresholds=(STEPS,),
                      transforms=transform.standard_transforms if transforms else [], progress=False, show_image=False)
    return values


def load_model(data):
    model = torchvision.models.resnet18()
    model.load_state_dict(load_file(os.path.join(data, 'imagenet-resnet18-pq/resnet18.safetensors')))
    return model.eval()


def main():
    torch.set_num_threads(1)
    data = sys.argv[1]
    if '--float32' not in sys.argv:
        traces = np.array([trace(data, row, row[3]) for row in ROWS], np.float32)
        np.save(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'visualize.npy'), traces)
        return
    for row in ROWS:
        if row[3]:
            values, exact = (np.array(trace(data, row, double)) for double in (False, True))
            print(row[0], row[4].name, np.abs(values / exact - 1).max(), flush=True)


if __name__ == '__main__':
    main()
