/* SPDX-License-Identifier: MIT
 * Elements of constants, wherever and in whatever type they lie. */
#ifndef XAI__GRAPH_CONSTANT_H
#define XAI__GRAPH_CONSTANT_H

#include "io/weights.h"

/* Never changes, and owns nothing: what it points to outlives it. All zero: no constant. Float32 is read where it lies;
 * what lies in another type stays there, since kernels have copies of their own and nobody else looks twice. */
typedef struct xai__constant {
    const float *data;         /* NULL: widened whenever it is read */
    const xai__weight *weight; /* of a type that can be widened; NULL: data's elements are no file's, or are float32 */
} xai__constant;

bool xai__constant_exists(const xai__constant *constant);

/* What tells it from others: the same address for all that share its elements. */
const void *xai__constant_id(const xai__constant *constant);

/* Writes the n elements from first on. Any thread. */
void xai__constant_read(float *out, const xai__constant *constant, size_t first, size_t n);

/* All n elements in one piece: where they lie, or a copy that is returned through copy, too, for the caller to free.
 * NULL: out of memory. */
const float *xai__constant_borrow(float **copy, xai_context *context, const xai__constant *constant, size_t n);

/* Nobody reads the n elements from first on for now: weights, whose file they may lie in, lets go of its pages; NULL:
 * there is no file. Any thread. */
void xai__constant_forget(const xai__constant *constant, size_t first, size_t n, const xai__weights *weights);

#endif
