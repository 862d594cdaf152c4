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

/* The parameter that a node has as that part; -1: none. */
static int32_t part_of(const xai__graph *graph, const xai__node *node, size_t part)
{
    int32_t value = has_parameters(node) && node->n_inputs > 1 + part ? node->inputs[1 + part] : -1;

    return value >= 0 && xai__graph_is_constant(graph, value) && graph->values[node->output].name != NULL ? value : -1;
}

/* A module that is called twice has its parameters in two nodes, as have modules that share them. */
static bool was_met(const xai__graph *graph, size_t node, int32_t value)
{
    for (size_t i = 0; i < node; i++)
        for (size_t part = 0; part < 2; part++)
            if (part_of(graph, &graph->nodes[i], part) == value)
                return true;
    return false;
}

/* The output's name may be that of one call, path#1; a state dict knows the path alone. */
static const char *path_of(const xai__graph *graph, int32_t output)
{
    for (size_t i = 0; i < graph->n_names; i++)
        if (graph->names[i].value == output)
            return graph->names[i].path;
    return graph->values[output].name;
}

bool xai__parameter_next(xai__parameter *out, const xai__graph *graph, size_t *at)
{
    while (*at < 2 * graph->n_nodes) {
        size_t node = *at / 2, part = *at % 2;
        int32_t value = part_of(graph, &graph->nodes[node], part);

        ++*at;
        if (value < 0 || was_met(graph, node, value))
            continue;
        *out = (xai__parameter){ value, path_of(graph, graph->nodes[node].output), parts[part] };
        return true;
    }
    return false;
}

/* Counted through from the start each time: models have some hundred nodes, and nobody asks in a loop that matters. */
static bool find_number(xai__parameter *out, const xai_model *model, size_t index)
{
    for (size_t at = 0; model != NULL && xai__parameter_next(out, &model->graph, &at);)
        if (index-- == 0)
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
    slot = xai__grow(context, values, *n, sizeof *slot);
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
    bool found = false;
    int32_t value;
    xai_status status = layer != NULL ? xai__graph_find(&value, graph, layer) : XAI_E_NO_MEMORY;

    xai__free(graph->context, layer);
    if (status < 0)
        return status;
    for (size_t i = 0; i < 2 && status == XAI_OK; i++) {
        int32_t node = graph->values[value].producer, parameter;

        /* A layer's name alone stands for both of its parts. */
        if ((part < 2 && i != part) || node < 0 || (parameter = part_of(graph, &graph->nodes[node], i)) < 0)
            continue;
        found = true;
        status = add_value(values, n, graph->context, parameter);
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

    for (size_t at = 0; model != NULL && xai__parameter_next(&unused, &model->graph, &at);)
        n++;
    return n;
}

size_t xai_model_parameter_name(const xai_model *model, size_t index, char *buffer, size_t capacity)
{
    xai__parameter p;
    int length;

    if (capacity > 0)
        buffer[0] = '\0';
    if (!find_number(&p, model, index))
        return 0;
    length = snprintf(buffer, capacity, "%s.%s", p.path, p.part);
    return length > 0 ? (size_t)length : 0;
}

size_t xai_model_parameter_shape(const xai_model *model, size_t index, int64_t *shape, size_t capacity)
{
    xai__parameter p;
    const xai__value *value;

    if (!find_number(&p, model, index))
        return 0;
    value = &model->graph.values[p.value];
    for (size_t i = 0; i < value->rank && i < capacity; i++)
        shape[i] = value->shape[i];
    return value->rank;
}
