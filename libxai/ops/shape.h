/* SPDX-License-Identifier: MIT
 * Shape rules that several families share. */
#ifndef XAI__OPS_SHAPE_H
#define XAI__OPS_SHAPE_H

#include "ops/op.h"

/* Is this the shape of value? */
bool xai__shape_is(const xai__value *value, const int64_t *shape, uint32_t rank);

/* The output has the shape of input 0. */
xai_status xai__shape_same(const xai__op_shapes *shapes);

/* Fails unless input index has this rank. */
xai_status xai__shape_rank(const xai__op_shapes *shapes, size_t index, uint32_t rank);

/* Fails unless input index is a vector of n elements; an absent input is fine. */
xai_status xai__shape_vector(const xai__op_shapes *shapes, size_t index, int64_t n);

/* Fails unless input index has the shape of input 0. */
xai_status xai__shape_equal(const xai__op_shapes *shapes, size_t index);

/* The output has the shape that the attributes name; so has value, unless it is NULL. */
xai_status xai__shape_given(const xai__op_shapes *shapes, xai__value *value);

/* Fails unless input 0, the gradient of what forward gives for these inputs, has the shape of that. */
xai_status xai__shape_gradient(const xai__op_shapes *shapes, const xai__op_row *forward,
                               const xai__value *const *inputs, size_t n_inputs);

/* Rows and columns of what a sliding window gives, from kernel, stride, dilation, pads and ceil_mode. As torch does,
 * with ceil_mode a window that would start in the padding behind the end is left out. */
xai_status xai__shape_windows(int64_t out[2], const xai__attributes *attributes, const int64_t in[2]);

/* The output along one axis (0: rows, 1: columns) of n whose window has pixel i under tap k; -1 if there is none. */
int64_t xai__shape_output_under(const xai__attributes *attributes, int axis, int64_t i, int64_t k, int64_t n);

#endif
