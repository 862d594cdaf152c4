#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes occlusion.txt: captum's Occlusion of a made function of a made picture.

Run: python3 make_occlusion.py (needs numpy, torch and captum). For each case a line
  case CHANNELS HEIGHT WIDTH WINDOW_HEIGHT WINDOW_WIDTH STRIDE_HEIGHT STRIDE_WIDTH BASELINE
where BASELINE is a value, or "image" for the made one, and then a line for each row of the map.

Picture, baseline and weights are fractions of small whole numbers, which tests make likewise; the function's square lets
windows interact, so that a drop is not the sum of its pixels'.
"""
import pathlib

import captum
import numpy as np
import torch
from captum.attr import Occlusion

HERE = pathlib.Path(__file__).resolve().parent
# shape, window, stride, baseline
CASES = [((1, 7, 5), (3, 2), (2, 1), 0.0), ((3, 13, 9), (4, 5), (3, 5), 0.25), ((2, 10, 16), (1, 16), (1, 16), "image"),
         ((3, 8, 8), (8, 8), (3, 3), "image"), ((1, 9, 11), (5, 5), (5, 2), -1.5), ((3, 12, 7), (2, 7), (1, 7), "image"),
         ((2, 6, 17), (6, 4), (6, 3), 0.0)]


def fractions(size, factor, offset, modulus, shift):
    return (np.arange(size) * factor + offset) % modulus / modulus - shift


def made(shape, *numbers):
    return torch.from_numpy(fractions(int(np.prod(shape)), *numbers).astype(np.float32).reshape(1, *shape))


def function(shape):
    size = int(np.prod(shape))
    weights, others = fractions(size, 53, 7, 89, 0.5), fractions(size, 29, 3, 97, 0.4)

    def scores(x):
        flat = x.double().reshape(len(x), -1).numpy()
        return torch.from_numpy(flat @ weights + (flat @ others)**2 / 16)

    return scores


def occlude(shape, window, stride, baseline):
    channels = shape[0]
    of_pixels = made(shape, 17, 5, 61, 0.4) if baseline == "image" else baseline
    maps = Occlusion(function(shape)).attribute(made(shape, 37, 11, 101, 0.3), sliding_window_shapes=(channels, *window),
                                                strides=(channels, *stride), baselines=of_pixels)
    return maps[0, 0].numpy()


def main():
    lines = [f"# captum {captum.__version__}, by make_occlusion.py"]
    for shape, window, stride, baseline in CASES:
        lines.append("case " + " ".join(map(str, (*shape, *window, *stride, baseline))))
        lines += [" ".join(f"{number:.9g}" for number in row) for row in occlude(shape, window, stride, baseline)]
    (HERE / "occlusion.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
