/* SPDX-License-Identifier: MIT
 * Copies of a model in which some layers have lost what they learnt. */
#ifndef XAI__EXPLAIN_METRIC_METRIC_PARAMETERS_H
#define XAI__EXPLAIN_METRIC_METRIC_PARAMETERS_H

#include "model/model.h"

/* Whether a node computes with parameters that can be drawn anew. */
bool xai__parameters_exist(const xai__graph *graph, const xai__node *node);

/* Marks the nodes of layer `name`: the one whose value it names, or those of all modules inside it. marked: a node
 * each. XAI_E_INVALID where it has no parameters. */
xai_status xai__parameters_mark(bool *marked, const xai__graph *graph, const char *name);

/* A copy of model whose marked nodes have parameters that depend on seed alone. */
xai_status xai__parameters_randomise(xai_model **out, xai_model *model, const bool *marked, uint64_t seed);

#endif
