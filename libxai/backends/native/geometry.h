/* SPDX-License-Identifier: MIT
 * Windows that slide: which taps of an output lie inside the map, which outputs an input reaches. */
#ifndef XAI__NATIVE_GEOMETRY_H
#define XAI__NATIVE_GEOMETRY_H

#include "backends/backend.h"

static inline int64_t xai__smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t xai__larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* One direction of a convolution or pooling. Output o reads the inputs o * stride - pad + k * dilation. */
typedef struct xai__axis {
    int32_t in, out, kernel, stride, dilation, pad;
} xai__axis;

/* Outputs [first, end) that have the taps [tap, tap_end) inside the map. Those in the padding are left out, not
 * multiplied by zero: the sum is the same, unless a weight is infinite or NaN. */
typedef struct xai__span {
    int32_t first, end, tap, tap_end;
} xai__span;

void xai__axes_of(xai__axis *rows, xai__axis *cols, const xai__op_desc *desc);

/* The longest span that starts at first and ends at end or before. */
xai__span xai__axis_span(const xai__axis *axis, int32_t first, int32_t end);

/* Makes of the outputs [*first, *end) the inputs that they read, inside the map; may be empty. */
void xai__axis_needs(const xai__axis *axis, int32_t *first, int32_t *end);

/* Writes to [*first, *end) the outputs whose bits may change with any of these inputs; may be empty. tile: see
 * xai__method. */
void xai__axis_reach(const xai__axis *axis, int32_t tile, int32_t *first, int32_t *end);

/* The same where input i adds to the outputs i * stride - pad + k * dilation: the gradient of a convolution. */
void xai__axis_reach_back(const xai__axis *axis, int32_t *first, int32_t *end);

#endif
