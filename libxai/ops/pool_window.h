/* SPDX-License-Identifier: MIT
 * What a pool and its gradient see of a window. */
#ifndef XAI__OPS_POOL_WINDOW_H
#define XAI__OPS_POOL_WINDOW_H

#include "ops/op.h"

/* The part of a window that lies inside the picture, and the size that an average divides by. */
typedef struct xai__pool_span {
    int64_t y0, y1, x0, x1;
    int64_t divisor;
} xai__pool_span;

/* The window of output y, x over maps of these rows and columns. Only for dilation 1; counted padding ends where the
 * padding does, as with ceil_mode in torch. */
xai__pool_span xai__pool_window(const xai__attributes *attributes, const int64_t extents[2], int64_t y, int64_t x);

/* Where in map the maximum of that window is: the first in row-major order, or the last NaN, as in torch; -1 if the
 * window has no pixel. */
int64_t xai__pool_maximum(const xai__attributes *attributes, const int64_t extents[2], const float *map, int64_t y,
                          int64_t x);

#endif
