/* SPDX-License-Identifier: MIT
 * Names of what training changes: those of the state dict, read off the graph. */
#ifndef XAI__MODEL_PARAMETER_NAMES_H
#define XAI__MODEL_PARAMETER_NAMES_H

#include "graph/graph.h"

/* A constant that is trained: weight or bias of a convolution, linear layer or batch norm. */
typedef struct xai__parameter {
    int32_t value;
    const char *path; /* of the module */
    const char *part; /* "weight" or "bias" */
} xai__parameter;

/* The next one in the order of the nodes; false behind the last one. *at is 0 before the first. One that several nodes
 * compute with comes once, with the first of them. */
bool xai__parameter_next(xai__parameter *out, const xai__graph *graph, size_t *at);

/* Values of the parameters that name stands for: one parameter, or all of a layer. Adds them to *values, which holds *n
 * and is xai__free()d by the caller; what is there already is not added twice. XAI_E_NOT_FOUND lists near names. */
xai_status xai__parameters_find(int32_t **values, size_t *n, const xai__graph *graph, const char *name);

#endif
