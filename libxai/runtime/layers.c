/* SPDX-License-Identifier: MIT
 * The list of values that can be hooked, and the kernels that compute them. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "graph/names.h"
#include "ops/op.h"
#include "runtime/cache.h"

/* The index-th value that has a name; -1 behind the last. */
static int32_t named_value(const xai__graph *graph, size_t index)
{
    for (size_t i = 0; i < graph->n_values; i++)
        if (graph->values[i].name != NULL && index-- == 0)
            return (int32_t)i;
    return -1;
}

size_t xai_model_n_layers(const xai_model *model)
{
    size_t n = 0;

    for (size_t i = 0; i < model->graph.n_values; i++)
        n += model->graph.values[i].name != NULL;
    return n;
}

/* Values that lie in another one's memory have no step. */
static const char *kernel_name(const xai__plan *plan, int32_t value)
{
    const xai__step *step = plan->step_of[value] >= 0 ? &plan->steps[plan->step_of[value]] : NULL;

    if (step == NULL)
        return plan->graph->values[value].producer >= 0 ? "view" : "";
    return step->kernel != NULL ? step->kernel->name : "ref";
}

/* Made once a model and kept with it, since the caller borrows the texts. */
static xai_status make_aliases(xai_model *model)
{
    xai_context *context = model->object.context;
    xai_status status = XAI_OK;
    char **aliases;

    if (model->aliases != NULL)
        return XAI_OK;
    aliases = xai__zalloc_array(context, model->graph.n_values, sizeof *aliases);
    if (aliases == NULL)
        return XAI_E_NO_MEMORY;
    model->aliases = aliases;
    for (size_t i = 0; i < model->graph.n_values && status == XAI_OK; i++) {
        xai__text text;

        if (model->graph.values[i].name == NULL)
            continue;
        xai__text_init(&text, context);
        xai__graph_aliases(&text, &model->graph, (int32_t)i);
        aliases[i] = text.failed ? NULL : xai__strdup(context, xai__text_get(&text));
        status = aliases[i] != NULL ? XAI_OK : XAI_E_NO_MEMORY;
        xai__text_fini(&text);
    }
    if (status < 0)
        xai__model_free_aliases(model);
    return status;
}

/* Through the plan of a plain forward pass, for which latency is the purpose: what users ask about. */
static xai_status fill(xai_layer *layer, xai_model *model, int32_t value)
{
    const xai__value *v = &model->graph.values[value];
    const xai__plan_key key = { .graph = &model->graph,
                                .purpose = XAI__LATENCY,
                                .n_early = model->graph.n_nodes,
                                .feeds = &model->graph.input,
                                .n_feeds = 1,
                                .taps = &model->graph.output,
                                .n_taps = 1,
                                .fetches = &model->graph.output,
                                .n_fetches = 1 };
    xai__plan *plan;
    xai_status status = xai__cache_plan(&plan, model, &key);

    if (status < 0)
        return status;
    pthread_mutex_lock(&model->lock);
    status = make_aliases(model);
    pthread_mutex_unlock(&model->lock);
    if (status == XAI_OK) {
        layer->name = v->name;
        layer->aliases = model->aliases[value];
        layer->op = v->producer >= 0 ? xai__op_find(model->graph.nodes[v->producer].op)->name : "Input";
        layer->kernel = kernel_name(plan, value); /* kernels' names are static */
        memcpy(layer->shape, v->shape, v->rank * sizeof *v->shape);
        layer->rank = v->rank;
    }
    xai__cache_release(model, plan);
    return status;
}

xai_status xai_model_layer(xai_layer *out, xai_model *model, size_t index)
{
    xai_layer layer = { 0 };
    xai_status status;
    size_t room;

    xai__enter();
    if (out == NULL || model == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "model");
    status = xai__options_room(&room, sizeof layer, out, "out");
    if (status < 0)
        return status;
    if (index >= xai_model_n_layers(model))
        return xai__fail(XAI_E_INVALID, "there is no layer %zu, the model has %zu", index, xai_model_n_layers(model));
    layer.struct_size = out->struct_size;
    status = fill(&layer, model, named_value(&model->graph, index));
    if (status == XAI_OK)
        memcpy(out, &layer, room);
    return status;
}
