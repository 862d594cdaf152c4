/* SPDX-License-Identifier: MIT
 * Superpixels as their makers see them. */
#ifndef XAI__EXPLAIN_SEGMENT_SEGMENT_H
#define XAI__EXPLAIN_SEGMENT_SEGMENT_H

#include <xai/segments.h>

#include "core/object.h"

struct xai_segments {
    xai__object object;
    int32_t *labels; /* row-major, 0 to n - 1, each of them in use */
    int32_t width, height;
    uint32_t n;
};

enum { XAI__SEGMENT_CHANNELS = 3 };

/* A picture being cut up: three planes of doubles, as the method wants colours, and what it writes. */
typedef struct xai__segmentation {
    xai_context *context;
    xai_segment_options options; /* defaults filled in */
    const xai_image *image;
    size_t width, height, n_pixels;
    double *planes[XAI__SEGMENT_CHANNELS]; /* one block, which the first one begins */
    int32_t *labels;                       /* any numbers from 0 to n_pixels - 1 */
} xai__segmentation;

/* Makers. Each fills labels; planes are there. */
xai_status xai__segment_quickshift(xai__segmentation *s);
xai_status xai__segment_slic(xai__segmentation *s);
xai_status xai__segment_felzenszwalb(xai__segmentation *s);
xai_status xai__segment_grid(xai__segmentation *s);

/* Fills the planes: red, green and blue from 0 to 1, of which `low` becomes 0 and `high` 1, or CIELAB (D65) of them;
 * each times factor. */
void xai__segment_colours(xai__segmentation *s, bool is_lab, double low, double high, double factor);

/* A Gaussian over the planes, cut off at four standard deviations, edges mirrored (the edge itself repeated): scipy's
 * gaussian_filter. */
xai_status xai__segment_smooth(xai__segmentation *s, double sigma);

#endif
