/* SPDX-License-Identifier: MIT
 * Names of what training changes. An architecture takes a parameter under its module's path, which is also the name of
 * the module's output, so nothing has to be stored. */
#include "model/parameter_names.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "graph/names.h"
#include "model/model.h"

static const char *const parts[2] = { "weight", "bias" };

/* Inputs 1 and 2 of these; a batch norm's statistics behind them are not trained. */
static bool has_parameters(const xai__node *node)
{
    return node->op == XAI__OP_CONV || node->op == XAI__OP_GEMM || node->op == XAI__OP_BATCH_NORM;
}

static bool find_part(xai__parameter *out, const xai__graph *graph, size_t node, size_t part)
{
    const xai__node *n = &graph->nodes[node];
    int32_t value = has_parameters(n) && n->n_inputs > 1 + part ? n->inputs[1 + part] : -1;

    if (value < 0 || !xai__graph_is_constant(graph, value) || graph->values[n->output].name == NULL)
        return false;
    *out = (xai__parameter){ value, (int32_t)node, parts[part] };
    return true;
}

/* Counted through from the start each time: models have some hundred nodes, and nobody asks in a loop that matters. */
bool xai__parameter_at(xai__parameter *out, const xai__graph *graph, size_t index)
{
    for (size_t node = 0; node < graph->n_nodes; node++)
        for (size_t part = 0; part < 2; part++)
            if (find_part(out, graph, node, part) && index-- == 0)
                return true;
    return false;
}

/* Once each: layers may be named by more than one path. */
static xai_status add_value(int32_t **values, size_t *n, xai_context *context, int32_t value)
{
    int32_t *slot;

    for (size_t i = 0; i < *n; i++)
        if ((*values)[i] == value)
            return XAI_OK;
    slot = xai__grow(context, (void **)values, *n, sizeof *slot);
    if (slot == NULL)
        return XAI_E_NO_MEMORY;
    *slot = value;
    ++*n;
    return XAI_OK;
}

/* How long the name of a layer is in front of ".weight" or ".bias"; all of it, if it ends with neither. */
static size_t layer_length(const char *name, size_t *part)
{
    size_t length = strlen(name);

    for (*part = 0; *part < 2; ++*part) {
        size_t n = strlen(parts[*part]);

        if (length > n + 1 && name[length - n - 1] == '.' && strcmp(name + length - n, parts[*part]) == 0)
            return length - n - 1;
    }
    return length;
}

xai_status xai__parameters_find(int32_t **values, size_t *n, const xai__graph *graph, const char *name)
{
    size_t part, length = layer_length(name, &part), before = *n;
    char *layer = xai__strndup(graph->context, name, length);
    xai__parameter parameter;
    bool found = false;
    int32_t value;
    xai_status status = layer != NULL ? xai__graph_find(&value, graph, layer) : XAI_E_NO_MEMORY;

    xai__free(graph->context, layer);
    if (status < 0)
        return status;
    for (size_t i = 0; i < 2 && status == XAI_OK; i++) {
        int32_t node = graph->values[value].producer;

        /* A layer's name alone stands for both of its parts. */
        if ((part < 2 && i != part) || node < 0 || !find_part(&parameter, graph, (size_t)node, i))
            continue;
        found = true;
        status = add_value(values, n, graph->context, parameter.value);
    }
    if (status == XAI_OK && !found && *n == before)
        status = xai__fail(XAI_E_NOT_FOUND, "'%.200s' has no parameters: its operator is not trained", name);
    return status;
}

/* --- public --- */

size_t xai_model_n_parameters(const xai_model *model)
{
    xai__parameter unused;
    size_t n = 0;

    while (model != NULL && xai__parameter_at(&unused, &model->graph, n))
        n++;
    return n;
}

size_t xai_model_parameter_name(const xai_model *model, size_t index, char *buffer, size_t capacity)
{
    xai__parameter p;
    int length;

    if (capacity > 0)
        buffer[0] = '\0';
    if (model == NULL || !xai__parameter_at(&p, &model->graph, index))
        return 0;
    length = snprintf(buffer, capacity, "%s.%s", model->graph.values[model->graph.nodes[p.node].output].name, p.part);
    return length > 0 ? (size_t)length : 0;
}

size_t xai_model_parameter_shape(const xai_model *model, size_t index, int64_t *shape, size_t capacity)
{
    xai__parameter p;
    const xai__value *value;

    if (model == NULL || !xai__parameter_at(&p, &model->graph, index))
        return 0;
    value = &model->graph.values[p.value];
    for (size_t i = 0; i < value->rank && i < capacity; i++)
        shape[i] = value->shape[i];
    return value->rank;
}
