/* SPDX-License-Identifier: MIT
 * Gradient as a graph: reverse-mode differentiation that adds nodes in place of computing numbers. */
#include "model/gradient.h"

#include "core/error.h"
#include "core/memory.h"
#include "ops/op.h"

/* Gradients of a value that is read several times add up. */
static xai_status accumulate(xai__gradient *gradient, int32_t value, int32_t more)
{
    const xai__attributes attributes = xai__attributes_default();
    const int32_t both[2] = { gradient->values[value], more };

    gradient->values[value] = both[0] < 0 ? more : xai__op_add(&gradient->graph, XAI__OP_ADD, &attributes, both, 2);
    return gradient->values[value] < 0 ? gradient->values[value] : XAI_OK;
}

/* What the gradient of a node's output lacks, those of its inputs lack too. */
static void pass_on_blocked(xai__gradient *gradient, const xai__node *node, int32_t blocker)
{
    for (size_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] >= 0)
            gradient->blocked[node->inputs[i]] = blocker;
}

/* Through one node, which is copied: the graph's arrays may move while nodes are added. */
static xai_status differentiate(xai__gradient *gradient, int32_t index)
{
    const xai__node node = gradient->graph.nodes[index];
    const xai__op_row *row = xai__op_find(node.op);
    int32_t *gradients = xai__alloc_array(gradient->graph.context, node.n_inputs, sizeof *gradients);
    xai_status status = gradients != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    for (size_t i = 0; i < node.n_inputs && gradients != NULL; i++)
        gradients[i] = -1;
    if (status == XAI_OK)
        status = row->vjp(
            &(xai__op_vjp){ &gradient->graph, index, gradient->values[node.output], gradient->rule, gradients });
    for (size_t i = 0; i < node.n_inputs && status == XAI_OK; i++)
        if (gradients[i] >= 0 && node.inputs[i] >= 0)
            status = accumulate(gradient, node.inputs[i], gradients[i]);
    xai__free(gradient->graph.context, gradients);
    return status;
}

/* From the last node to the first: by then every reader of a value has added its part to the value's gradient. Only
 * what depends on `of` has one; nodes that the walk adds stand behind n_forward and are not visited. */
static xai_status walk_back(xai__gradient *gradient)
{
    xai_status status = XAI_OK;

    for (size_t i = gradient->n_forward; i-- > 0 && status == XAI_OK;) {
        const xai__node *node = &gradient->graph.nodes[i];
        int32_t blocker = gradient->blocked[node->output];

        if (gradient->values[node->output] < 0 && blocker < 0)
            continue;
        if (blocker < 0 && xai__op_find(node->op)->vjp == NULL)
            blocker = (int32_t)i;
        if (blocker >= 0)
            pass_on_blocked(gradient, node, blocker);
        else
            status = differentiate(gradient, (int32_t)i);
    }
    return status;
}

/* The graph starts as a copy of the network's, so that values keep their numbers and forward values can be read. */
static xai_status start(xai__gradient *gradient, const xai__graph *network)
{
    const xai__value *of = &network->values[gradient->of];
    xai_context *context = network->context;
    xai_status status;

    xai__graph_init(&gradient->graph, context);
    status = xai__graph_copy(&gradient->graph, network);
    gradient->n_forward = network->n_nodes;
    gradient->values = xai__alloc_array(context, network->n_values, sizeof *gradient->values);
    gradient->blocked = xai__alloc_array(context, network->n_values, sizeof *gradient->blocked);
    if (status < 0 || gradient->values == NULL || gradient->blocked == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < network->n_values; i++)
        gradient->values[i] = gradient->blocked[i] = -1;
    /* Fed at run time: the derivative of the target with respect to `of`, so one graph serves every target. */
    gradient->seed = xai__graph_add_value(&gradient->graph, of->shape, of->rank);
    if (gradient->seed < 0)
        return gradient->seed;
    gradient->values[gradient->of] = gradient->seed;
    return XAI_OK;
}

xai_status xai__gradient_build(xai__gradient **out, const xai__graph *network, int32_t of, uint32_t rule)
{
    xai__gradient *gradient = xai__zalloc_array(network->context, 1, sizeof *gradient);
    xai_status status;

    *out = NULL;
    if (gradient == NULL)
        return XAI_E_NO_MEMORY;
    gradient->refs = 1;
    gradient->of = of;
    gradient->rule = rule;
    status = start(gradient, network);
    if (status == XAI_OK)
        status = walk_back(gradient);
    if (status < 0) {
        xai__gradient_free(gradient);
        return status;
    }
    *out = gradient;
    return XAI_OK;
}

void xai__gradient_free(xai__gradient *gradient)
{
    xai_context *context = gradient->graph.context;

    xai__graph_fini(&gradient->graph);
    xai__free(context, gradient->values);
    xai__free(context, gradient->blocked);
    xai__free(context, gradient);
}

xai_status xai__gradient_find(int32_t *out, const xai__gradient *gradient, int32_t value)
{
    const xai__graph *graph = &gradient->graph;
    int32_t blocker = gradient->blocked[value];
    const char *name = graph->values[value].name != NULL ? graph->values[value].name : "a parameter";
    const char *of = graph->values[gradient->of].name;

    *out = gradient->values[value];
    if (blocker >= 0)
        return xai__fail(XAI_E_UNSUPPORTED, "the gradient of '%s' with respect to '%s' passes %s '%s', which has none",
                         of, name, xai__op_find(graph->nodes[blocker].op)->name,
                         graph->values[graph->nodes[blocker].output].name);
    if (*out < 0)
        return xai__fail(XAI_E_INVALID, "'%s' does not depend on '%s'", of, name);
    return XAI_OK;
}
