/* SPDX-License-Identifier: MIT
 * Lowering: a graph becomes a list of fused chains, each one operator followed by elementwise stages. */
#ifndef XAI__RUNTIME_LOWER_H
#define XAI__RUNTIME_LOWER_H

#include "backends/backend.h"
#include "graph/graph.h"
#include "runtime/plan_key.h"

enum xai__fused_kind {
    XAI__FUSED_KERNEL,    /* for the backends: a convolution, GEMM, pool or map with its epilogue */
    XAI__FUSED_REFERENCE, /* a node that only its reference computes */
    XAI__FUSED_VIEW,      /* the input's elements under another shape */
    XAI__FUSED_CONCAT     /* of channels: free where the parts were written in place */
};

/* A stage of an epilogue, before there are addresses. */
typedef struct xai__fused_stage {
    xai__stage stage; /* scale, shift and operand are filled by the plan */
    int32_t node;     /* the node it computes; the base's own for its bias */
    int32_t operand;  /* value that ADD, MUL or MASK reads; -1: none */
    int32_t value;    /* its result */
} xai__fused_stage;

typedef struct xai__fused {
    uint32_t kind;
    int32_t node;   /* the base; -1: a map, which begins with its input as it is */
    int32_t input;  /* value that the base reads first */
    int32_t beside; /* value that the base reads too, in the layout of its result; -1: none */
    int32_t value;  /* the base's result; -1: no value of the graph (a convolution before its bias) */
    size_t n_stages;
    xai__fused_stage stages[XAI__MAX_STAGES];
} xai__fused;

typedef struct xai__lowered {
    const xai__graph *graph;
    xai__fused *fused;
    size_t n_fused;
    size_t n_early;    /* chains that run before the last feed is there */
    bool *is_needed;   /* a node each */
    bool *is_cut;      /* a value each */
    bool *is_wanted;   /* a value each: read by another chain, or delivered */
    int32_t *fused_of; /* a value each: the chain that makes it; -1: fed, constant or not computed */
} xai__lowered;

/* The graph between feeds and fetches, in an order in which it can be run. XAI_E_UNSUPPORTED if a fetch needs more than
 * the feeds. */
xai_status xai__lower(xai__lowered *out, const xai__plan_key *key);
void xai__lowered_fini(xai__lowered *lowered);

/* Value that a chain ends with. */
int32_t xai__fused_last(const xai__fused *fused);

/* The constant that a node's kernel has for its weights; NULL: it has none. */
const xai__value *xai__weights_of(const xai__graph *graph, const xai__node *node);

/* True if the node's kernel wants its weights transposed: it carries a gradient through what is then an ordinary
 * convolution or GEMM. */
bool xai__transposes_weights(const xai__node *node);

/* Describes the chain with its first n_stages stages; layouts and addresses are left to the plan. */
void xai__fused_describe(xai__op_desc *desc, const xai__graph *graph, const xai__fused *fused, uint32_t purpose);

#endif
