# SPDX-License-Identifier: MIT
"""RISE's masks and maps as eclique/RISE makes them, for tests/unit/explain_rise.c: rise.safetensors.

The original is a script, not a package; this is its recipe written anew: numpy's global generator, skimage's resize of
order 1 with mode reflect, products in float32. The classifier is two linear classes through a sigmoid of their
difference, so that it can be written in C as well.

    python3 make_rise.py rise.safetensors
"""
import sys

import numpy as np
import torch
from safetensors.numpy import save_file
from skimage.transform import resize

CASES = {  # name: (height, width, cells, keep, masks, seed)
    "square": (32, 32, 8, 0.5, 12, 0),
    "wide": (21, 34, 5, 0.1, 10, 7),
    "single": (16, 16, 4, 0.7, 6, 4294967295),
}


def make_masks(height, width, cells, keep, n, seed):
    np.random.seed(seed)
    cell = [int(np.ceil(height / cells)), int(np.ceil(width / cells))]
    grids = (np.random.rand(n, cells, cells) < keep).astype("float32")
    masks = np.empty((n, height, width))
    for i in range(n):
        down, across = np.random.randint(0, cell[0]), np.random.randint(0, cell[1])
        large = resize(grids[i], ((cells + 1) * cell[0], (cells + 1) * cell[1]), order=1, mode="reflect",
                       anti_aliasing=False)
        masks[i] = large[down:down + height, across:across + width]
    return masks.astype("float32")


def zoom_otherwise():
    """One grid as TorchRay, xplique and openvino enlarge it. torch's bilinear without align_corners is tf.image's, its
    bicubic is cv2's; all are cut from a shift of (1, 2)."""
    height, width, cells = 20, 33, 7
    grid = torch.tensor([[float(7 * i * i % 3 > 0) for i in range(cells * cells)]]).reshape(1, 1, cells, cells)
    cell = -(-height // cells), -(-width // cells)
    zoom = torch.nn.functional.interpolate
    padded = torch.nn.functional.pad(grid, (1, 1, 1, 1), mode="reflect")
    large = {
        "torchray": zoom(padded, size=(height + cell[0], width + cell[1]), mode="bilinear", align_corners=False),
        "xplique": zoom(grid, size=(int(height * (1 + 1 / cells)), int(width * (1 + 1 / cells))), mode="bilinear",
                        align_corners=False),
        "openvino": zoom(grid, size=((cells + 1) * cell[0], (cells + 1) * cell[1]), mode="bicubic",
                         align_corners=False).clip(0, 1),
    }
    return {name + ".mask": mask[0, 0, 1:1 + height, 2:2 + width].numpy().copy() for name, mask in large.items()}


def score(images):
    weights = np.arange(images[0].size, dtype=np.float64) * 37 % 23 - 11
    z = images.reshape(len(images), -1).astype(np.float64) @ weights / 40
    return (1 / (1 + np.exp(-z))).astype("float32")


def main():
    out = zoom_otherwise()
    for name, (height, width, cells, keep, n, seed) in CASES.items():
        masks = make_masks(height, width, cells, keep, n, seed)
        image = (np.arange(3 * height * width) * 53 % 29 / 14 - 1).astype("float32").reshape(3, height, width)
        scores = score(masks[:, None] * image)
        out[name + ".masks"] = masks
        out[name + ".map"] = (scores @ masks.reshape(n, -1)).reshape(height, width) / np.float32(n) / np.float32(keep)
    save_file(out, sys.argv[1])


main()
