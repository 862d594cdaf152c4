/* SPDX-License-Identifier: MIT
 * Drawing: maps made ready for the eye, and painted. */
#ifndef XAI__EXPLAIN_DRAW_H
#define XAI__EXPLAIN_DRAW_H

#include "explain/attribution.h"
#include "io/colormap.h"
#include "io/image.h"

/* What a picture is drawn from. */
typedef struct xai__drawing {
    const xai_attribution *attribution;
    xai_draw_options options; /* defaults filled in */
    const xai__colormap *colormap;
    bool is_flipped;        /* the colour map runs backwards */
    const xai_image *under; /* NULL: nothing */
    int64_t height, width;  /* of the picture */
} xai__drawing;

/* Do the options ask for more than the whole range of the map, as it is? */
static inline bool xai__draw_is_changed(const xai_draw_options *options)
{
    return options->percentile < 100 || options->smooth > 0;
}

/* A map of H x W, smoothed and clipped in place as the options say: 0 to 1, or -1 to 1 if it is signed. XAI_FLAT: it
 * is the same everywhere, and 0. */
xai_status xai__draw_scale(xai_tensor *map, const xai__drawing *d, bool is_signed);

/* The map at the picture's size: 0 to 1, or -1 to 1 if it is signed. one_sided: signed maps lose their negative part.
 * XAI_FLAT: it is the same everywhere, and 0. */
xai_status xai__draw_map(xai_tensor **out, const xai__drawing *d, bool one_sided);

/* Painters, one a kind. */
xai_status xai__draw_heat(xai_image **out, const xai__drawing *d, const xai_tensor *map);
xai_status xai__draw_masked(xai_image **out, const xai__drawing *d, const xai_tensor *map);
xai_status xai__draw_contours(xai_image **out, const xai__drawing *d, const xai_tensor *map);

#endif
