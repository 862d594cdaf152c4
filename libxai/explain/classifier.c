/* SPDX-License-Identifier: MIT
 * The linear layer that a network decides with. */
#include "explain/classifier.h"

#include "core/error.h"
#include "graph/names.h"

static const xai__node *producer(const xai__graph *graph, int32_t value)
{
    int32_t node = graph->values[value].producer;

    return node >= 0 ? &graph->nodes[node] : NULL;
}

static bool is_view(const xai__node *node)
{
    return node->op == XAI__OP_RESHAPE || node->op == XAI__OP_IDENTITY;
}

/* An average of the whole map, under either name. */
static bool is_global_pool(const xai__graph *graph, const xai__node *node)
{
    const xai__value *in = &graph->values[node->inputs[0]], *out = &graph->values[node->output];
    const int32_t *kernel = node->attributes.kernel, *pads = node->attributes.pads;

    if (node->op == XAI__OP_GLOBAL_AVERAGE_POOL)
        return true;
    return node->op == XAI__OP_AVERAGE_POOL && out->shape[2] == 1 && out->shape[3] == 1 && kernel[0] == in->shape[2] &&
           kernel[1] == in->shape[3] && pads[0] == 0 && pads[1] == 0 && pads[2] == 0 && pads[3] == 0;
}

/* A weight that is computed is no classifier's: its rows would be other directions for every picture. */
static bool is_linear(const xai__graph *graph, const xai__node *node)
{
    const xai__value *weight;

    if (node->op != XAI__OP_GEMM && node->op != XAI__OP_CONV)
        return false;
    weight = &graph->values[node->inputs[1]];
    if (!xai__value_is_constant(weight))
        return false;
    return node->op == XAI__OP_GEMM || (weight->shape[2] == 1 && weight->shape[3] == 1 && node->attributes.groups == 1);
}

/* Back through views to a global pool; the pool's input, or -1. */
static int32_t pooled_map(const xai__graph *graph, int32_t value)
{
    for (const xai__node *node = producer(graph, value); node != NULL; node = producer(graph, value)) {
        if (is_global_pool(graph, node))
            return node->inputs[0];
        if (!is_view(node))
            break;
        value = node->inputs[0];
    }
    return -1;
}

/* Nodes stand in an order in which they can be run, so that the last listed is the last before the output. */
int32_t xai__last_pooled(const xai__graph *graph)
{
    for (size_t n = graph->n_nodes; n-- > 0;)
        if (is_global_pool(graph, &graph->nodes[n]))
            return graph->nodes[n].inputs[0];
    return -1;
}

static void fill(xai__classifier *out, const xai__graph *graph, int32_t node)
{
    const xai__node *n = &graph->nodes[node];
    const xai__value *weight = &graph->values[n->inputs[1]];

    *out = (xai__classifier){ .node = node,
                              .layer = pooled_map(graph, n->inputs[0]),
                              .weights = weight->constant,
                              .n_classes = weight->shape[0],
                              .n_inputs = weight->shape[1] };
}

xai_status xai__classifier_at(xai__classifier *out, const xai__graph *graph, int32_t value)
{
    int32_t node = graph->values[value].producer;

    if (node < 0 || !is_linear(graph, &graph->nodes[node]))
        return xai__fail(XAI_E_UNSUPPORTED, "'%s' is not the output of a linear layer or 1x1 convolution",
                         graph->values[value].name);
    fill(out, graph, node);
    return XAI_OK;
}

/* A linear layer that is met before any pool is the usual classifier. Where a pool comes first (SqueezeNet:
 * convolution, ReLU, pool), the map that it averages has a channel a class, and is the explanation itself: rectified,
 * where it is so averaged. */
xai_status xai__classifier_find(xai__classifier *out, const xai__graph *graph)
{
    int32_t value = graph->output, map = -1, rectified = -1;

    for (const xai__node *node = producer(graph, value); node != NULL; node = producer(graph, value)) {
        if (is_linear(graph, node)) {
            fill(out, graph, graph->values[value].producer);
            if (map >= 0) {
                out->is_map = true;
                out->layer = rectified >= 0 ? rectified : value;
            }
            return XAI_OK;
        }
        if (is_global_pool(graph, node))
            map = node->inputs[0];
        else if (node->op == XAI__OP_RELU && map >= 0)
            rectified = value;
        else if (node->op != XAI__OP_SOFTMAX && !is_view(node))
            break;
        value = node->inputs[0];
    }
    return xai__fail(XAI_E_UNSUPPORTED, "the network does not end with a linear layer or 1x1 convolution");
}

xai_status xai__classifier_of(xai__classifier *out, const xai_model *model, const char *name)
{
    int32_t value;
    xai_status status;

    if (name == NULL)
        name = model->classifier;
    if (name == NULL)
        return xai__classifier_find(out, &model->graph);
    status = xai__graph_find(&value, &model->graph, name);
    return status < 0 ? status : xai__classifier_at(out, &model->graph, value);
}
