/* SPDX-License-Identifier: MIT
 * Affine resampling of planes, and its adjoint: shifts, padding, enlarging and turning are all of this one kind. */
#ifndef XAI__EXPLAIN_VISUALIZE_WARP_H
#define XAI__EXPLAIN_VISUALIZE_WARP_H

#include <stdbool.h>
#include <stddef.h>

/* Output (row, column) reads the input at row y[0] * row + y[1] * column + y[2], and likewise x for its column. */
typedef struct xai__warp {
    size_t in_height, in_width, out_height, out_width;
    double y[3], x[3];
    float fill;        /* what lies outside the input */
    bool repeats_edge; /* what lies below and to the right is the last pixel, in place of fill */
    bool is_nearest;   /* the nearest pixel, halves away from zero; else bilinear */
} xai__warp;

/* A copy of the input from (top, left) on, which may lie outside. */
xai__warp xai__warp_shift(size_t in_height, size_t in_width, size_t out_height, size_t out_width, double top,
                          double left, float fill);

/* torch's bilinear resampling with align_corners=True. */
xai__warp xai__warp_aligned(size_t in_height, size_t in_width, size_t out_height, size_t out_width);

/* TensorFlow 1's bilinear resampling: output i reads the input at i * in / out, the last pixel stands for what is
 * beyond. */
xai__warp xai__warp_legacy(size_t in_height, size_t in_width, size_t out_height, size_t out_width);

/* Turned about the centre by radians, counter-clockwise as one looks at it; the size stays. */
xai__warp xai__warp_rotation(size_t height, size_t width, double radians);

/* n_planes planes, one behind the other. */
void xai__warp_run(float *out, const xai__warp *warp, const float *in, size_t n_planes);

/* The transpose of what is linear in it: `in` is overwritten. */
void xai__warp_adjoint(float *in, const xai__warp *warp, const float *out, size_t n_planes);

#endif
