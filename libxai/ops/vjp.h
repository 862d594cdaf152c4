/* SPDX-License-Identifier: MIT
 * What the operators' VJPs share. Adding a node moves the graph's arrays, so all of this goes by index. */
#ifndef XAI__OPS_VJP_H
#define XAI__OPS_VJP_H

#include "ops/op.h"

/* Input number i of the node, -1 if it is absent; its output; a copy of its attributes. */
int32_t xai__vjp_input(const xai__op_vjp *vjp, size_t i);
int32_t xai__vjp_output(const xai__op_vjp *vjp);
xai__attributes xai__vjp_attributes(const xai__op_vjp *vjp);

/* Says that value is the gradient of input i, or passes its negative status on. */
xai_status xai__vjp_set(const xai__op_vjp *vjp, size_t i, int32_t value);

/* The gradient of input i, if that is there, is op(a, b), or op(a) where b is -1, with the node's attributes and the
 * shape of input i as attribute. */
xai_status xai__vjp_add(const xai__op_vjp *vjp, size_t i, uint32_t op, int32_t a, int32_t b);

/* Value summed to the shape of value like, which broadcasting turned into that of value. */
int32_t xai__vjp_sum_like(xai__graph *graph, int32_t value, int32_t like);

/* The gradient of input i, if that is there, a vector of a number a channel: value, with channels along axis 1, summed
 * over all others. */
xai_status xai__vjp_add_channels(const xai__op_vjp *vjp, size_t i, int32_t value);

/* Where the gradient passes a mask, with the node's output. */
int32_t xai__vjp_mask(const xai__op_vjp *vjp, int32_t gradient, enum xai__mask_rule rule);

#endif
