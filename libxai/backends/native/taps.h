/* SPDX-License-Identifier: MIT
 * Which taps of a gradient's output there are, and which inputs they read. */
#ifndef XAI__NATIVE_TAPS_H
#define XAI__NATIVE_TAPS_H

#include "backends/native/geometry.h"

/* Taps that reach an output, of one direction: first, first + step, ... n of them; the input under the first. The
 * inputs under the others lie each `back` before the one under the tap before. */
typedef struct xai__taps {
    int32_t first, step, n, in, back;
    bool is_whole; /* none is missing at a border */
} xai__taps;

/* Of output o; in and out of the axis are those of the gradient: dy and dx. */
xai__taps xai__taps_back(const xai__axis *axis, int32_t o);

/* Of outputs phase, phase + stride, ... as if the map went on in all directions; the input is under the first's. */
xai__taps xai__taps_of_phase(const xai__axis *axis, int32_t phase);

/* How many outputs before `end`, a stride apart from o on, have the taps that o has. */
int32_t xai__taps_alike(const xai__axis *axis, const xai__taps *taps, int32_t o, int32_t end);

/* Taps that the same outputs see, in both directions: those of some rows and some columns of the kernel, `step` apart.
 * Packed weights have the taps of a class side by side, the smallest class first. */
typedef struct xai__tap_class {
    int32_t row, col, row_step, col_step; /* the first in the kernel */
    int32_t n_rows, n_cols;
    int64_t before; /* taps of the classes that lie before it */
} xai__tap_class;

/* The class of a tap. */
xai__tap_class xai__tap_class_of(const xai__axis *rows, const xai__axis *cols, int32_t row, int32_t col);

#endif
