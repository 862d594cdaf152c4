/* SPDX-License-Identifier: MIT
 * What operators mean: a row each, with the rule for its shape and the plain loops that define its result. */
#ifndef XAI__OPS_OP_H
#define XAI__OPS_OP_H

#include "graph/graph.h"

/* Half-open rows and columns of an output of rank 4. */
typedef struct xai__op_window {
    int64_t y0, y1, x0, x1;
} xai__op_window;

/* One image through one node. */
typedef struct xai__op_run {
    const xai__attributes *attributes;
    const xai__value *const *values; /* shapes of the inputs; NULL: an optional input that is absent */
    const float *const *inputs;      /* elements of the inputs, compact */
    size_t n_inputs;
    const xai__value *value; /* shape of the output */
    float *out;
    xai__op_window window; /* what of the output is wanted; operators that are not local compute everything */
} xai__op_run;

/* Inputs as a shape rule sees them. */
typedef struct xai__op_shapes {
    const xai__attributes *attributes;
    const xai__value *const *values;
    size_t n_inputs;
    int64_t *shape; /* the result, XAI__MAX_RANK extents */
    uint32_t *rank;
} xai__op_shapes;

/* How a gradient passes a rectifying activation. */
enum xai__relu_rule {
    XAI__RELU_PLAIN,     /* as it is */
    XAI__RELU_GUIDED,    /* what is negative is stopped as well (Springenberg et al. 2015) */
    XAI__RELU_DECONVNET, /* only what is negative is stopped (Zeiler, Fergus 2014) */
    XAI__N_RELU_RULES
};

/* A gradient on its way back through a node. */
typedef struct xai__op_vjp {
    xai__graph *graph; /* nodes are added here; the node's own inputs and output are values of it */
    int32_t node;
    int32_t gradient;   /* value: that of the node's output */
    uint32_t rule;      /* one of enum xai__relu_rule */
    int32_t *gradients; /* result, one an input: a value, or -1 where none flows */
} xai__op_vjp;

typedef struct xai__op_row {
    const char *name;
    size_t min_inputs, max_inputs; /* inputs behind min_inputs may be absent */
    xai_status (*shape)(const xai__op_shapes *shapes);
    void (*reference)(const xai__op_run *run);

    /* Gradient as a graph: adds the nodes that carry a gradient of the output back to the inputs; gradients are -1
     * before. NULL: not differentiable. */
    xai_status (*vjp)(const xai__op_vjp *vjp);
} xai__op_row;

/* The row of enum xai__operator. */
const xai__op_row *xai__op_find(uint32_t op);

/* Groups, kernel, strides and dilations of 1, all else 0. */
xai__attributes xai__attributes_default(void);

/* Adds a node after working out the shape of its output; absent optional inputs are -1. Returns the output, or a
 * negative status whose message names the operator. */
int32_t xai__op_add(xai__graph *graph, uint32_t op, const xai__attributes *attributes, const int32_t *inputs,
                    size_t n_inputs);

/* Computes a node's output, or a window of it (NULL: everything), by its reference. */
void xai__op_compute(const xai__graph *graph, int32_t node, const float *const *inputs, float *out,
                     const xai__op_window *window);

/* The part of a node's output that may change with a window of this input; false: all of it. Input and output have rank
 * 4, and the operator is the model's own, not a gradient's. */
bool xai__op_reach(xai__op_window *out, const xai__graph *graph, int32_t node, size_t input,
                   const xai__op_window *dirty);

/* scale = gamma / sqrt(variance + epsilon), shift = beta - mean * scale, each rounded once from double. */
void xai__batch_norm_affine(float *scale, float *shift, size_t n, const float *const gamma_beta_mean_variance[4],
                            float epsilon);

/* The same of four constants of a graph. */
void xai__batch_norm_read(float *scale, float *shift, const xai__value *const gamma_beta_mean_variance[4],
                          float epsilon);

/* Rows; each family in a file of its own. */
extern const xai__op_row xai__op_conv, xai__op_gemm, xai__op_batch_norm, xai__op_relu, xai__op_clip, xai__op_sigmoid,
    xai__op_silu, xai__op_hard_sigmoid, xai__op_hard_swish, xai__op_binary_add, xai__op_binary_mul, xai__op_concat,
    xai__op_max_pool, xai__op_average_pool, xai__op_global_average_pool, xai__op_reshape, xai__op_identity,
    xai__op_softmax, xai__op_slice, xai__op_pad, xai__op_gather, xai__op_scatter_sum, xai__op_conv_data,
    xai__op_conv_weights, xai__op_gemm_data, xai__op_gemm_weights, xai__op_mask, xai__op_activation_data,
    xai__op_softmax_data, xai__op_max_pool_data, xai__op_average_pool_data, xai__op_global_average_pool_data,
    xai__op_sum_to;

#endif
