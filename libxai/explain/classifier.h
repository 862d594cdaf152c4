/* SPDX-License-Identifier: MIT
 * The linear layer that a network decides with, and the map that it reads. */
#ifndef XAI__EXPLAIN_CLASSIFIER_H
#define XAI__EXPLAIN_CLASSIFIER_H

#include "model/model.h"

typedef struct xai__classifier {
    int32_t node;  /* a Gemm or a 1x1 convolution */
    int32_t layer; /* the map that it reads through a global average pool; -1: none */
    bool is_map; /* a convolution before the pool: its own (rectified) output is a map a class, and layer is that output
                  */
    xai__constant weights; /* n_classes x n_inputs */
    int64_t n_classes, n_inputs;
} xai__classifier;

/* From the output back through Softmax, views and pools to the first Gemm or 1x1 convolution. XAI_E_UNSUPPORTED if
 * there is none. */
xai_status xai__classifier_find(xai__classifier *out, const xai__graph *graph);

/* The same for a layer that the caller names. */
xai_status xai__classifier_at(xai__classifier *out, const xai__graph *graph, int32_t value);

/* The layer that the caller names; NULL: the manifest's, else the one that is found. */
xai_status xai__classifier_of(xai__classifier *out, const xai_model *model, const char *name);

/* The input of the network's last global average pool, -1 if it has none. */
int32_t xai__last_pooled(const xai__graph *graph);

#endif
