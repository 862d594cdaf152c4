/* SPDX-License-Identifier: MIT
 * Colour maps. */
#include "io/colormap.h"

#include <string.h>

const xai__colormap *xai__colormap_find(const char *name)
{
    for (size_t i = 0; i < XAI__N_COLORMAPS; i++)
        if (strcmp(xai__colormaps[i].name, name) == 0)
            return &xai__colormaps[i];
    return NULL;
}

/* Equal bins, the last one closed: 1 is the last colour. */
static size_t find_bin(float value)
{
    if (!(value > 0))
        return 0;
    return value < 1 ? (size_t)(value * 256) : 255;
}

void xai__colormap_paint(uint8_t *rgb, const float *map, size_t n, const xai__colormap *colormap,
                         enum xai__rounding rounding)
{
    static const uint16_t black[3];
    uint16_t extra = rounding == XAI__ROUND_NEAREST ? 1 : 0;

    for (size_t i = 0; i < n; i++, rgb += 3) {
        const uint16_t *steps = map[i] == map[i] ? colormap->steps[find_bin(map[i])] : black;

        for (size_t c = 0; c < 3; c++)
            rgb[c] = (uint8_t)((steps[c] + extra) / 2);
    }
}
