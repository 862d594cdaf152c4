#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write colormap_tables.c from matplotlib's colour maps of 256 entries.

Usage: make_colormaps.py > colormap_tables.c

An entry v of [0, 1] is kept as 2 * floor(255 v), plus 1 where 255 v rounds up (halves to even, as numpy does), so that
both ways to make a byte of it can be had exactly.
"""
import matplotlib
import numpy as np

NAMES = ("jet", "jet_r", "viridis", "turbo", "gray", "RdBu")

HEAD = """/* SPDX-License-Identifier: MIT
 * Colour maps. Made by make_colormaps.py from matplotlib {version}; do not edit. */
#include "io/colormap.h"

/* clang-format off */
const xai__colormap xai__colormaps[XAI__N_COLORMAPS] = {{"""


def steps(name):
    colours = 255 * matplotlib.colormaps[name](np.arange(256))[:, :3]
    down, nearest = np.floor(colours).astype(int), np.rint(colours).astype(int)
    assert ((nearest == down) | (nearest == down + 1)).all()
    assert (down == colours.astype(np.uint8)).all()
    return 2 * down + (nearest > down)


print(HEAD.format(version=matplotlib.__version__))
for name in NAMES:
    print('{ "%s", {' % name)
    rows = ["{%d,%d,%d}" % tuple(row) for row in steps(name)]
    for at in range(0, len(rows), 8):
        print(",".join(rows[at : at + 8]) + ",")
    print("} },")
print("};")
