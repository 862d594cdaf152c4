/* SPDX-License-Identifier: MIT
 * Ward clustering of the rows of a matrix: the same merges, in the same order, as scipy's ward linkage. */
#ifndef XAI__TREE_WARD_H
#define XAI__TREE_WARD_H

#include <stddef.h>
#include <stdint.h>

#include <xai/context.h>

/* The distances take n * (n - 1) / 2 doubles: 1 GiB at this many rows. */
enum { XAI__WARD_MAX_ROWS = 16384 };

/* Merge number k of n rows makes cluster n + k; clusters below n are the rows themselves. */
typedef struct xai__ward_merge {
    uint32_t a, b; /* a < b */
    double height; /* distance that was bridged; never falls */
} xai__ward_merge;

/* Fills merges[0 .. n - 2] for rows, n x k, which are finite. */
xai_status xai__ward(xai__ward_merge *merges, xai_context *context, const float *rows, size_t n, size_t k);

#endif
