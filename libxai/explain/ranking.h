/* SPDX-License-Identifier: MIT
 * The order of a map's elements: by value, and the rank that each has in it. */
#ifndef XAI__EXPLAIN_RANKING_H
#define XAI__EXPLAIN_RANKING_H

#include <stdint.h>

#include <xai/context.h>

/* A new array of the indices of n values, the largest value first, equal ones by index; the caller frees it. NULL with
 * the message set where memory runs out. */
uint32_t *xai__ranking_descending(xai_context *context, const double *values, size_t n);

/* Replaces each value by its rank, 1 for the smallest; equal values share the mean of their ranks. */
xai_status xai__ranking_of_values(xai_context *context, double *values, size_t n);

#endif
