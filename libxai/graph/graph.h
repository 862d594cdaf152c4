/* SPDX-License-Identifier: MIT
 * A network as data: values, and the nodes that make them, in an order in which they can be computed. */
#ifndef XAI__GRAPH_GRAPH_H
#define XAI__GRAPH_GRAPH_H

#include <stdbool.h>

#include <xai/tensor.h>

#include "graph/constant.h"

enum { XAI__MAX_RANK = XAI_TENSOR_MAX_RANK };

/* Operators, under ONNX's names; ops/ has a row for each. */
enum xai__operator {
    XAI__OP_CONV,                /* x, weight [O][I/groups][kh][kw], bias [O] or none */
    XAI__OP_GEMM,                /* x [1][K], weight [N][K], bias [N] or none */
    XAI__OP_BATCH_NORM,          /* x, scale, bias, mean, variance, each [C] */
    XAI__OP_RELU,                /* x */
    XAI__OP_CLIP,                /* x; low, high */
    XAI__OP_SIGMOID,             /* x */
    XAI__OP_SILU,                /* x */
    XAI__OP_HARD_SIGMOID,        /* x; low is the slope, high the offset */
    XAI__OP_HARD_SWISH,          /* x */
    XAI__OP_ADD,                 /* a, b, broadcast */
    XAI__OP_MUL,                 /* a, b, broadcast */
    XAI__OP_CONCAT,              /* any number of parts; axis */
    XAI__OP_MAX_POOL,            /* x */
    XAI__OP_AVERAGE_POOL,        /* x */
    XAI__OP_GLOBAL_AVERAGE_POOL, /* x */
    XAI__OP_RESHAPE,             /* x; shape */
    XAI__OP_IDENTITY,            /* x */
    XAI__OP_SOFTMAX,             /* x; axis */
    XAI__OP_SLICE,               /* x; starts, ends, steps for every axis */
    XAI__OP_PAD,                 /* x; before, after for every axis, filled with low; step - 1 of them in between */
    XAI__OP_GATHER,              /* x [R][K], constant indices [N]; gives [R][N] */
    XAI__OP_SCATTER_SUM, /* x [R][N], constant indices [N]; shape [R][K]: column i is added to that of index i */

    /* What carries gradients back; dy is the gradient of an operator's output. */
    XAI__OP_CONV_DATA,                /* dy, weight; the convolution's attributes; shape is that of x */
    XAI__OP_CONV_WEIGHTS,             /* dy, x; the convolution's attributes; shape is that of the weight */
    XAI__OP_GEMM_DATA,                /* dy [R][N], weight [N][K]; gives [R][K] */
    XAI__OP_GEMM_WEIGHTS,             /* dy [R][N], x [R][K]; gives [N][K] */
    XAI__OP_MASK,                     /* dy, y; axis is one of enum xai__mask_rule; low, high */
    XAI__OP_ACTIVATION_DATA,          /* dy, x; axis is the activation's operator; its low, high */
    XAI__OP_SOFTMAX_DATA,             /* dy, y; axis */
    XAI__OP_MAX_POOL_DATA,            /* dy, x; the pool's attributes: dy goes to the first maximum of its window */
    XAI__OP_AVERAGE_POOL_DATA,        /* dy; the pool's attributes; shape is that of x */
    XAI__OP_GLOBAL_AVERAGE_POOL_DATA, /* dy; shape is that of x */
    XAI__OP_SUM_TO,                   /* x; shape: summed over the axes that broadcasting would have repeated */
    XAI__N_OPERATORS
};

/* Where XAI__OP_MASK lets v = dy pass. POSITIVE: y > 0. SEED: v > 0. BOTH: y > 0 and v > 0. INSIDE: low < y < high. As
 * the backends' enum xai__mask. */
enum xai__mask_rule { XAI__RULE_POSITIVE, XAI__RULE_SEED, XAI__RULE_BOTH, XAI__RULE_INSIDE };

/* What an operator is told beside its inputs; each uses some of it. */
typedef struct xai__attributes {
    int32_t kernel[2], stride[2], dilation[2]; /* rows, columns */
    int32_t pads[4];                           /* top, left, bottom, right */
    int32_t groups, axis;
    bool ceil_mode, count_pad;
    float low, high, epsilon;
    int64_t begin[XAI__MAX_RANK], end[XAI__MAX_RANK], step[XAI__MAX_RANK];
    int64_t shape[XAI__MAX_RANK];
    uint32_t rank;
} xai__attributes;

/* One array that is computed, fed or constant. Shapes are those of one image; the image index is an outermost dimension
 * that is implied at run time. */
typedef struct xai__value {
    const char *name; /* canonical; NULL for constants */
    int64_t shape[XAI__MAX_RANK];
    uint32_t rank;
    size_t size;            /* elements for one image */
    int32_t producer;       /* node, -1: the input or a constant */
    xai__constant constant; /* all zero: it is computed or fed */
} xai__value;

/* A call of an operator. It has one output. */
typedef struct xai__node {
    uint32_t op;
    xai__attributes attributes;
    int32_t *inputs;
    size_t n_inputs;
    int32_t output;
} xai__node;

/* A name of a value: a module path and which call of that module it was, from 1. */
typedef struct xai__name {
    char *path;
    int32_t value;
    uint32_t call, n_calls;
} xai__name;

typedef struct xai__graph {
    xai_context *context; /* borrowed from the model */
    xai__value *values;
    size_t n_values;
    xai__node *nodes;
    size_t n_nodes;
    xai__name *names; /* in order of registration */
    size_t n_names;
    float **blocks; /* memory of constants that the graph owns */
    size_t n_blocks;
    char **texts; /* canonical names that had to be put together */
    size_t n_texts;
    int32_t input, output;
} xai__graph;

void xai__graph_init(xai__graph *graph, xai_context *context);
void xai__graph_fini(xai__graph *graph);

/* Fills an empty graph with what another one holds. Constants and canonical names are shared, so that one must outlive
 * this one. */
xai_status xai__graph_copy(xai__graph *out, const xai__graph *graph);

/* Marks the values that take part in computing fetches from feeds, both included. marked is zeroed, a value each. */
void xai__graph_mark_computed(bool *marked, const xai__graph *graph, const int32_t *feeds, size_t n_feeds,
                              const int32_t *fetches, size_t n_fetches);

/* Builders return an index >= 0, or a negative status. Names come later, by xai__graph_name(). */
int32_t xai__graph_add_value(xai__graph *graph, const int64_t *shape, uint32_t rank);
int32_t xai__graph_add_constant(xai__graph *graph, const int64_t *shape, uint32_t rank, const float *data);
int32_t xai__graph_add_weight(xai__graph *graph, const int64_t *shape, uint32_t rank, const xai__weight *weight);
int32_t xai__graph_add_node(xai__graph *graph, uint32_t op, const xai__attributes *attributes, const int32_t *inputs,
                            size_t n_inputs, const int64_t *shape, uint32_t rank);

/* Memory for a constant, owned by the graph; NULL if there is none. */
float *xai__graph_block(xai__graph *graph, size_t size);

/* Is it a constant? */
bool xai__graph_is_constant(const xai__graph *graph, int32_t value);
bool xai__value_is_constant(const xai__value *value);

#endif
