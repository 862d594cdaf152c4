/* SPDX-License-Identifier: MIT
 * Gradient as a graph: the network's values under their own indices, then the nodes that carry a gradient back. */
#ifndef XAI__MODEL_GRADIENT_H
#define XAI__MODEL_GRADIENT_H

#include "graph/graph.h"

typedef struct xai__gradient {
    xai__graph graph;
    size_t refs;      /* plans that use it; counted under the model's lock */
    size_t n_forward; /* nodes of the network itself */
    int32_t of;       /* value that is differentiated */
    uint32_t rule;    /* one of enum xai__relu_rule */
    int32_t seed;     /* value that is fed: the gradient of some score with respect to `of` */
    int32_t *values;  /* a value of the network each: its gradient, -1 where none flows */
    int32_t *blocked; /* a value each: the node without a derivative that its gradient is missing; -1: none */
} xai__gradient;

/* Builds the gradient of one value of a network with respect to all others and the parameters, with one reference. The
 * network must outlive it. */
xai_status xai__gradient_build(xai__gradient **out, const xai__graph *network, int32_t of, uint32_t rule);
void xai__gradient_free(xai__gradient *gradient);

/* The value that holds the gradient with respect to `value`. XAI_E_UNSUPPORTED if an operator in between has no
 * derivative, XAI_E_INVALID if `of` does not depend on it. */
xai_status xai__gradient_find(int32_t *out, const xai__gradient *gradient, int32_t value);

#endif
