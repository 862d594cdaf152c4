/* SPDX-License-Identifier: MIT
 * Colour maps: 256 colours for the numbers from 0 to 1, as matplotlib has them. */
#ifndef XAI__IO_COLORMAP_H
#define XAI__IO_COLORMAP_H

#include <stddef.h>
#include <stdint.h>

enum { XAI__N_COLORMAPS = 6 };

/* How a number becomes a byte: cut off, or to the nearest with halves to even. */
enum xai__rounding { XAI__ROUND_DOWN, XAI__ROUND_NEAREST };

typedef struct xai__colormap {
    const char *name;
    uint16_t steps[256][3]; /* 2 x the byte rounded down, plus 1 where the nearest is one more */
} xai__colormap;

extern const xai__colormap xai__colormaps[XAI__N_COLORMAPS];

/* By matplotlib's name: jet, jet_r, viridis, turbo, gray, RdBu. NULL if there is none of that name. */
const xai__colormap *xai__colormap_find(const char *name);

/* Colours n numbers. Below 0 and above 1 the end colours go on; NaN is black. rgb has room for 3 n bytes. */
void xai__colormap_paint(uint8_t *rgb, const float *map, size_t n, const xai__colormap *colormap,
                         enum xai__rounding rounding);

#endif
