/* SPDX-License-Identifier: MIT
 * The oracle for everything that runs graphs: every value of one image, by the operators' plain references, node by
 * node. */
#ifndef XAI_GRAPH_REFERENCE_H
#define XAI_GRAPH_REFERENCE_H

#include "graph/names.h"
#include "ops/op.h"
#include "testing.h"

typedef struct graph_reference {
    const xai__graph *graph;
    const float **values; /* NULL: not computed */
    float **owned;
} graph_reference;

/* Nodes with an input that was not computed, because it lies before the feed, are left out. */
static inline void graph_reference_node(graph_reference *r, int32_t index)
{
    const xai__node *node = &r->graph->nodes[index];
    const float *inputs[64] = { NULL };

    if (r->values[node->output] != NULL)
        return;
    for (size_t i = 0; i < node->n_inputs; i++) {
        inputs[i] = node->inputs[i] >= 0 ? r->values[node->inputs[i]] : NULL;
        if (node->inputs[i] >= 0 && inputs[i] == NULL)
            return;
    }
    r->owned[node->output] = malloc((r->graph->values[node->output].size + 1) * sizeof(float));
    ck_assert_ptr_nonnull(r->owned[node->output]);
    xai__op_compute(r->graph, index, inputs, r->owned[node->output], NULL);
    r->values[node->output] = r->owned[node->output];
}

/* Read at once, whatever its type. */
static inline void graph_reference_constant(graph_reference *r, size_t index)
{
    const xai__value *value = &r->graph->values[index];

    if (!xai__value_is_constant(value))
        return;
    r->owned[index] = malloc((value->size + 1) * sizeof(float));
    ck_assert_ptr_nonnull(r->owned[index]);
    xai__constant_read(r->owned[index], &value->constant, 0, value->size);
    r->values[index] = r->owned[index];
}

/* Computes everything that feed, a value, leads to; data holds its elements and is borrowed. */
static inline void graph_reference_run(graph_reference *r, const xai__graph *graph, int32_t feed, const float *data)
{
    r->graph = graph;
    r->values = calloc(graph->n_values, sizeof *r->values);
    r->owned = calloc(graph->n_values, sizeof *r->owned);
    ck_assert(r->values != NULL && r->owned != NULL);
    for (size_t i = 0; i < graph->n_values; i++)
        graph_reference_constant(r, i);
    r->values[feed] = data;
    for (size_t i = 0; i < graph->n_nodes; i++)
        graph_reference_node(r, (int32_t)i);
}

/* Goes on with a further value: what waited for it is computed. */
static inline void graph_reference_feed(graph_reference *r, int32_t feed, const float *data)
{
    r->values[feed] = data;
    for (size_t i = 0; i < r->graph->n_nodes; i++)
        graph_reference_node(r, (int32_t)i);
}

/* A value by its index; fails if it was not computed. */
static inline const float *graph_reference_at(const graph_reference *r, int32_t value)
{
    ck_assert_int_ge(value, 0);
    ck_assert_msg(r->values[value] != NULL, "value %d was not computed", value);
    return r->values[value];
}

/* A value by its name. */
static inline const float *graph_reference_value(const graph_reference *r, const char *name)
{
    int32_t value = -1;

    ck_assert_ok(xai__graph_find(&value, r->graph, name));
    return graph_reference_at(r, value);
}

static inline void graph_reference_free(graph_reference *r)
{
    for (size_t i = 0; i < r->graph->n_values; i++)
        free(r->owned[i]);
    free(r->owned);
    free(r->values);
}

#endif
