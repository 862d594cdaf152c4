#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes segments.h: what scikit-image makes of a drawn picture and of photographs below $XAI_TEST_DATA.

Run: XAI_TEST_DATA=... python3 make_segments.py (needs numpy, Pillow and scikit-image). Of each map of labels: their
number and the CRC of them as little-endian 32-bit integers from 0 on; and the CRC of the picture that mark_boundaries()
draws with them.
"""
import os
import pathlib
import zlib

import numpy as np
import PIL.Image
import skimage
from skimage.segmentation import felzenszwalb, mark_boundaries, quickshift, slic

HERE = pathlib.Path(__file__).resolve().parent
DATA = pathlib.Path(os.environ["XAI_TEST_DATA"])

PICTURES = ["", "images/lime/cat_mouse.jpg", "images/pytorch-grad-cam/both.png", "images/scikit-image/chelsea.png",
            "images/scikit-image/rocket.jpg"]

# Options as C writes them, and the call.
CASES = [
    (".method = \"quickshift\"", lambda image: quickshift(image, kernel_size=4, max_dist=200, ratio=0.2)),
    (".method = \"quickshift\", .kernel_size = 3, .max_dist = 6, .ratio = 0.5, .sigma = 1, .seed = 7, .flags = XAI_SEGMENT_SET_SEED",
     lambda image: quickshift(image, kernel_size=3, max_dist=6, ratio=0.5, sigma=1, rng=7)),
    (".method = \"slic\"", lambda image: slic(image)),
    (".method = \"slic\", .n_segments = 60, .compactness = 3, .sigma = 1.5, .flags = XAI_SEGMENT_KEEP_FRAGMENTS",
     lambda image: slic(image, n_segments=60, compactness=3, sigma=1.5, enforce_connectivity=False)),
    (".method = \"felzenszwalb\"", lambda image: felzenszwalb(image, scale=100, min_size=50)),
    (".method = \"felzenszwalb\", .scale = 300, .sigma = 0.5, .min_size = 20",
     lambda image: felzenszwalb(image, scale=300, sigma=0.5, min_size=20)),
]


def drawn():
    """Coloured stripes and a disc, each pixel a little different."""
    y, x = np.mgrid[0:48, 0:70]
    disc = (x - 30) ** 2 + (y - 20) ** 2 < 150
    noise = (x * 7 + y * 13 + x * y % 11) % 17
    image = np.stack([x // 12 * 40 + noise, y // 9 * 45 + noise, np.where(disc, 200, 40) + noise], -1)
    return np.minimum(image, 255).astype(np.uint8)


def load(path):
    return np.array(PIL.Image.open(DATA / path).convert("RGB")) if path else drawn()


def row(path, options, cut):
    image = load(path)
    labels = np.unique(cut(image), return_inverse=True)[1].reshape(image.shape[:2]).astype("<i4")
    lines = np.rint(mark_boundaries(image, labels) * 255).astype(np.uint8)
    return f'    {{ "{path}", {labels.max() + 1}, 0x{zlib.crc32(labels.tobytes()):08x}, 0x{zlib.crc32(lines.tobytes()):08x},\n      {{ {options} }} }},'


def main():
    rows = [row(path, *case) for path in PICTURES for case in CASES]
    text = f"""/* SPDX-License-Identifier: MIT
 * What scikit-image's segmentations give. Made by make_segments.py with
 * scikit-image {skimage.__version__}, Pillow {PIL.__version__}; do not edit. */
#ifndef XAI_GOLDEN_SEGMENTS_H
#define XAI_GOLDEN_SEGMENTS_H

#include <xai/segments.h>

/* clang-format off */

static const struct {{
    const char *path; /* empty: the drawn picture */
    uint32_t count, labels, lines;
    xai_segment_options options;
}} cut[] = {{
""" + "\n".join(rows) + """
};

#endif
"""
    (HERE / "segments.h").write_text(text)


if __name__ == "__main__":
    main()
