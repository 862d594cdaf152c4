/* SPDX-License-Identifier: MIT
 * A network as data. */
#include "graph/graph.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"

void xai__graph_init(xai__graph *graph, xai_context *context)
{
    *graph = (xai__graph){ .context = context, .input = -1, .output = -1 };
}

void xai__graph_fini(xai__graph *graph)
{
    xai_context *context = graph->context;

    /* Models are torn down half-built: a graph that never met a context owns nothing. */
    if (context == NULL)
        return;
    for (size_t i = 0; i < graph->n_nodes; i++)
        xai__free(context, graph->nodes[i].inputs);
    for (size_t i = 0; i < graph->n_names; i++)
        xai__free(context, graph->names[i].path);
    for (size_t i = 0; i < graph->n_blocks; i++)
        xai__free(context, graph->blocks[i]);
    for (size_t i = 0; i < graph->n_texts; i++)
        xai__free(context, graph->texts[i]);
    xai__free(context, graph->values);
    xai__free(context, graph->nodes);
    xai__free(context, graph->names);
    xai__free(context, graph->blocks);
    xai__free(context, graph->texts);
    graph->context = NULL;
}

/* The copy's constants and names point into the original; blocks and texts, which own them, are not copied. */
static xai_status copy_value(xai__graph *out, const xai__value *value)
{
    xai__value *slot = xai__grow(out->context, &out->values, out->n_values, sizeof *slot);

    if (slot == NULL)
        return XAI_E_NO_MEMORY;
    *slot = *value;
    out->n_values++;
    return XAI_OK;
}

/* The count grows last, so that what xai__graph_fini() frees is always whole. */
static xai_status copy_node(xai__graph *out, const xai__node *node)
{
    xai__node *slot = xai__grow(out->context, &out->nodes, out->n_nodes, sizeof *slot);

    if (slot == NULL)
        return XAI_E_NO_MEMORY;
    *slot = *node;
    slot->inputs = xai__alloc_array(out->context, node->n_inputs, sizeof *slot->inputs);
    if (slot->inputs == NULL)
        return XAI_E_NO_MEMORY;
    memcpy(slot->inputs, node->inputs, node->n_inputs * sizeof *slot->inputs);
    out->n_nodes++;
    return XAI_OK;
}

static xai_status copy_name(xai__graph *out, const xai__name *name)
{
    xai__name *slot = xai__grow(out->context, &out->names, out->n_names, sizeof *slot);

    if (slot == NULL)
        return XAI_E_NO_MEMORY;
    *slot = *name;
    slot->path = xai__strdup(out->context, name->path);
    if (slot->path == NULL)
        return XAI_E_NO_MEMORY;
    out->n_names++;
    return XAI_OK;
}

xai_status xai__graph_copy(xai__graph *out, const xai__graph *graph)
{
    xai_status status = XAI_OK;

    for (size_t i = 0; i < graph->n_values && status == XAI_OK; i++)
        status = copy_value(out, &graph->values[i]);
    for (size_t i = 0; i < graph->n_nodes && status == XAI_OK; i++)
        status = copy_node(out, &graph->nodes[i]);
    for (size_t i = 0; i < graph->n_names && status == XAI_OK; i++)
        status = copy_name(out, &graph->names[i]);
    out->input = graph->input;
    out->output = graph->output;
    return status;
}

static bool is_among(int32_t value, const int32_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] == value)
            return true;
    return false;
}

void xai__graph_mark_computed(bool *marked, const xai__graph *graph, const int32_t *feeds, size_t n_feeds,
                              const int32_t *fetches, size_t n_fetches)
{
    for (size_t i = 0; i < n_fetches; i++)
        marked[fetches[i]] = true;
    /* Nodes stand in an order in which they can be computed, so one pass backwards sees each value's readers before the
     * node that makes it. What makes a feed is not needed: its value is given. */
    for (size_t n = graph->n_nodes; n-- > 0;) {
        const xai__node *node = &graph->nodes[n];

        if (!marked[node->output] || is_among(node->output, feeds, n_feeds))
            continue;
        for (size_t i = 0; i < node->n_inputs; i++)
            if (node->inputs[i] >= 0)
                marked[node->inputs[i]] = true;
    }
}

int32_t xai__graph_add_value(xai__graph *graph, const int64_t *shape, uint32_t rank)
{
    xai__value *value;
    char text[128];
    size_t size;

    /* Backends take extents as int32_t: this bounds every one of them. */
    if (!xai__shape_size(&size, shape, rank) || size > INT32_MAX)
        return xai__fail(XAI_E_LIMIT, "a value of shape %s is too large",
                         xai__shape_text(text, sizeof text, shape, rank));
    value = xai__grow(graph->context, &graph->values, graph->n_values, sizeof *value);
    if (value == NULL)
        return XAI_E_NO_MEMORY;
    *value = (xai__value){ .rank = rank, .size = size, .producer = -1 };
    memcpy(value->shape, shape, rank * sizeof *shape);
    return (int32_t)graph->n_values++;
}

int32_t xai__graph_add_constant(xai__graph *graph, const int64_t *shape, uint32_t rank, const float *data)
{
    int32_t value = xai__graph_add_value(graph, shape, rank);

    if (value >= 0)
        graph->values[value].constant.data = data;
    return value;
}

int32_t xai__graph_add_weight(xai__graph *graph, const int64_t *shape, uint32_t rank, const xai__weight *weight)
{
    int32_t value = xai__graph_add_value(graph, shape, rank);

    if (value >= 0)
        graph->values[value].constant.weight = weight;
    return value;
}

int32_t xai__graph_add_node(xai__graph *graph, uint32_t op, const xai__attributes *attributes, const int32_t *inputs,
                            size_t n_inputs, const int64_t *shape, uint32_t rank)
{
    xai_context *context = graph->context;
    int32_t output = xai__graph_add_value(graph, shape, rank);
    xai__node *node;

    if (output < 0)
        return output;
    node = xai__grow(context, &graph->nodes, graph->n_nodes, sizeof *node);
    if (node == NULL)
        return XAI_E_NO_MEMORY;
    *node = (xai__node){ .op = op, .attributes = *attributes, .n_inputs = n_inputs, .output = output };
    node->inputs = xai__alloc_array(context, n_inputs, sizeof *inputs);
    if (node->inputs == NULL)
        return XAI_E_NO_MEMORY;
    memcpy(node->inputs, inputs, n_inputs * sizeof *inputs);
    graph->values[output].producer = (int32_t)graph->n_nodes++;
    return output;
}

float *xai__graph_block(xai__graph *graph, size_t size)
{
    float **slot = xai__grow(graph->context, &graph->blocks, graph->n_blocks, sizeof *slot);

    if (slot == NULL)
        return NULL;
    *slot = xai__alloc_array(graph->context, size, sizeof(float));
    if (*slot != NULL)
        graph->n_blocks++;
    return *slot;
}

bool xai__graph_is_constant(const xai__graph *graph, int32_t value)
{
    return xai__value_is_constant(&graph->values[value]);
}

bool xai__value_is_constant(const xai__value *value)
{
    return xai__constant_exists(&value->constant);
}
