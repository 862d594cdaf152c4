/* SPDX-License-Identifier: MIT
 * Quickshift's two passes over a picture's rows, once an instruction set. */
#ifndef XAI__EXPLAIN_SEGMENT_QUICKSHIFT_H
#define XAI__EXPLAIN_SEGMENT_QUICKSHIFT_H

#include "core/threads.h"
#include "explain/segment/segment.h"

/* Both passes visit a row's neighbours offset by offset, row-major, so that loops run along rows, while each pixel
 * meets its neighbours in scikit-image's order: the first of equally near ones wins, and sums round alike. */
typedef struct xai__climb {
    const xai__segmentation *s;
    ptrdiff_t reach;   /* of the window, to each side */
    double factor;     /* of squared distances in the kernel's exponent */
    double *density;   /* begins as noise, so that flat areas have an order */
    double *distances; /* squared, a row a lane */
    double *nearest;   /* likewise: of the nearest denser pixel so far */
    int64_t *offsets;  /* likewise: where it is */
} xai__climb;

/* Tasks, a row each, whose job is an xai__climb: adds up densities; finds the way up, into labels. Plain loops over
 * rows, of which the compiler makes vectors: every instruction set gives the same bits. */
typedef struct xai__quickshift {
    xai__task_fn sum_row, climb_row;
} xai__quickshift;

extern const xai__quickshift xai__quickshift_baseline;
#if defined(__x86_64__)
extern const xai__quickshift xai__quickshift_avx2, xai__quickshift_avx512;
#endif

#endif
