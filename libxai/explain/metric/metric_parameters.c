/* SPDX-License-Identifier: MIT
 * Copies of a model in which some layers have lost what they learnt. */
#include "explain/metric/metric_parameters.h"

#include <math.h>
#include <string.h>

#include <xai/metrics.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "graph/names.h"

/* Inputs of a batch norm behind x. */
enum { SCALE = 1, SHIFT, MEAN, VARIANCE };

/* A value without a name cannot be asked for, so it is no layer. */
bool xai__parameters_exist(const xai__graph *graph, const xai__node *node)
{
    bool has_kind = node->op == XAI__OP_CONV || node->op == XAI__OP_GEMM || node->op == XAI__OP_BATCH_NORM;

    return has_kind && node->n_inputs > 1 && node->inputs[1] >= 0 && xai__graph_is_constant(graph, node->inputs[1]) &&
           graph->values[node->output].name != NULL;
}

const char *xai_metric_layer(const xai_model *model, size_t index)
{
    const xai__graph *graph = &model->graph;

    for (size_t n = graph->n_nodes; n-- > 0;)
        if (xai__parameters_exist(graph, &graph->nodes[n]) && index-- == 0)
            return graph->values[graph->nodes[n].output].name;
    return NULL;
}

/* --- which --- */

/* layer4 holds layer4.1.conv2, and not layer40. */
static bool is_inside(const char *path, const char *container)
{
    size_t length = strlen(container);

    return strncmp(path, container, length) == 0 && path[length] == '.';
}

xai_status xai__parameters_mark(bool *marked, const xai__graph *graph, const char *name)
{
    int32_t value = -1;
    xai_status status = xai__graph_find(&value, graph, name);
    size_t n = 0;

    if (status < 0)
        return status;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const xai__node *node = &graph->nodes[i];

        if (!xai__parameters_exist(graph, node) ||
            (node->output != value && !is_inside(graph->values[node->output].name, name)))
            continue;
        marked[i] = true;
        n++;
    }
    return n > 0 ? XAI_OK : xai__fail(XAI_E_INVALID, "'%s' has no parameters", name);
}

/* --- new parameters --- */

/* Gives a constant of the copy new memory; the original's is shared until then. */
static float *replace(xai__graph *graph, int32_t value)
{
    float *data = xai__graph_block(graph, graph->values[value].size);

    if (data != NULL)
        graph->values[value].constant = (xai__constant){ .data = data };
    return data;
}

/* Even numbers of width 2 / sqrt(fan_in), for weights and bias. */
static xai_status draw_weights(xai__graph *graph, const xai__node *node, uint64_t key)
{
    const xai__value *weight = &graph->values[node->inputs[1]];
    double bound = 1 / sqrt((double)weight->size / (double)weight->shape[0]);
    uint64_t n_drawn = 0;

    for (size_t i = 1; i < node->n_inputs; i++) {
        int32_t value = node->inputs[i];
        float *data;

        if (value < 0 || !xai__graph_is_constant(graph, value))
            continue;
        data = replace(graph, value);
        if (data == NULL)
            return XAI_E_NO_MEMORY;
        for (size_t j = 0; j < graph->values[value].size; j++)
            data[j] = (float)(bound * (2 * xai__rng_uniform_at(key, n_drawn++) - 1));
    }
    return XAI_OK;
}

static xai_status reset_batch_norm(xai__graph *graph, const xai__node *node)
{
    for (size_t i = SCALE; i <= VARIANCE; i++) {
        float *data = replace(graph, node->inputs[i]);

        if (data == NULL)
            return XAI_E_NO_MEMORY;
        for (size_t j = 0; j < graph->values[node->inputs[i]].size; j++)
            data[j] = i == SCALE || i == VARIANCE ? 1 : 0;
    }
    return XAI_OK;
}

/* A node's numbers depend on its place, not on what else is random. */
static xai_status draw(xai_model *model, const bool *marked, uint64_t seed)
{
    xai__graph *graph = &model->graph;
    xai_status status = XAI_OK;

    for (size_t i = 0; i < graph->n_nodes && status == XAI_OK; i++) {
        const xai__node *node = &graph->nodes[i];

        if (!marked[i])
            continue;
        status = node->op == XAI__OP_BATCH_NORM ? reset_batch_norm(graph, node)
                                                : draw_weights(graph, node, xai__mix64(seed + xai__mix64(i + 1)));
    }
    return status;
}

/* The copy is the same network, so what is known of the original holds for it, too. */
xai_status xai__parameters_randomise(xai_model **out, xai_model *model, const bool *marked, uint64_t seed)
{
    xai_model *copy = NULL;
    xai_status status = xai__model_derive(&copy, model, model->architecture);

    if (status < 0)
        return status;
    copy->gives_probabilities = model->gives_probabilities;
    if (model->classifier != NULL) {
        copy->classifier = xai__strdup(model->object.context, model->classifier);
        status = copy->classifier != NULL ? XAI_OK : XAI_E_NO_MEMORY;
    }
    if (status == XAI_OK)
        status = draw(copy, marked, seed);
    if (status < 0)
        xai_model_unref(copy);
    else
        *out = copy;
    return status;
}
