/* SPDX-License-Identifier: MIT
 * Specialisation of a graph: what depends on constants alone is computed now, identities disappear, and names follow.
 */
#include "model/specialise.h"

#include "core/error.h"
#include "core/memory.h"
#include "ops/op.h"

/* A constant expression larger than this is left to run time. */
enum { LARGEST_CONSTANT = 1 << 26, MAX_INPUTS = 64 };

static bool is_constant_expression(const xai__graph *graph, const xai__node *node)
{
    if (graph->values[node->output].size > LARGEST_CONSTANT)
        return false;
    for (size_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] >= 0 && !xai__graph_is_constant(graph, node->inputs[i]))
            return false;
    return true;
}

/* By the reference, so that every backend starts from the same constants. */
static xai_status fold(xai__graph *graph, int32_t index)
{
    const xai__node *node = &graph->nodes[index];
    float *block = xai__graph_block(graph, graph->values[node->output].size), *copies[MAX_INPUTS] = { NULL };
    const float *inputs[MAX_INPUTS] = { NULL };
    xai_status status = block != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    for (size_t i = 0; i < node->n_inputs && status == XAI_OK; i++) {
        const xai__value *value = node->inputs[i] >= 0 ? &graph->values[node->inputs[i]] : NULL;

        if (value == NULL)
            continue;
        inputs[i] = xai__constant_borrow(&copies[i], graph->context, &value->constant, value->size);
        status = inputs[i] != NULL ? XAI_OK : XAI_E_NO_MEMORY;
    }
    if (status == XAI_OK) {
        xai__op_compute(graph, index, inputs, block, NULL);
        graph->values[node->output].constant.data = block;
        graph->values[node->output].producer = -1;
    }
    for (size_t i = 0; i < node->n_inputs; i++)
        xai__free(graph->context, copies[i]);
    return status;
}

/* What names point at; a value that had no name of its own takes the alias for one. */
static void rename(xai__graph *graph, const int32_t *alias)
{
    for (size_t i = 0; i < graph->n_values; i++) {
        xai__value *target = &graph->values[alias[i]];

        if (alias[i] == (int32_t)i)
            continue;
        if (target->name == NULL && !xai__value_is_constant(target))
            target->name = graph->values[i].name;
        graph->values[i].name = NULL;
    }
    for (size_t i = 0; i < graph->n_names; i++)
        graph->names[i].value = alias[graph->names[i].value];
    if (graph->output >= 0)
        graph->output = alias[graph->output];
}

/* Visits the nodes in order, keeping those that are still needed. */
static xai_status sweep(xai__graph *graph, int32_t *alias)
{
    size_t kept = 0;

    for (size_t n = 0; n < graph->n_nodes; n++) {
        xai__node *node = &graph->nodes[n];
        bool is_gone = node->op == XAI__OP_IDENTITY;

        /* Producers come first, so an alias already stands for the value at the end of a chain of identities. */
        for (size_t i = 0; i < node->n_inputs; i++)
            if (node->inputs[i] >= 0)
                node->inputs[i] = alias[node->inputs[i]];
        if (is_gone) {
            alias[node->output] = node->inputs[0];
        } else if (is_constant_expression(graph, node)) {
            xai_status status = fold(graph, (int32_t)n);

            if (status < 0)
                return status;
            is_gone = true;
        }
        if (is_gone) {
            graph->values[node->output].producer = -1;
            xai__free(graph->context, node->inputs);
            node->inputs = NULL;
            continue;
        }
        graph->values[node->output].producer = (int32_t)kept;
        if (kept != n) { /* moved, inputs and all: what is left behind must not be freed a second time */
            graph->nodes[kept] = *node;
            node->inputs = NULL;
        }
        kept++;
    }
    graph->n_nodes = kept;
    return XAI_OK;
}

xai_status xai__specialise(xai__graph *graph)
{
    int32_t *alias = xai__alloc_array(graph->context, graph->n_values, sizeof *alias);
    xai_status status;

    if (alias == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < graph->n_values; i++)
        alias[i] = (int32_t)i;
    status = sweep(graph, alias);
    if (status == XAI_OK)
        rename(graph, alias);
    xai__free(graph->context, alias);
    return status;
}
