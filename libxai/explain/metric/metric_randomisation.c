/* SPDX-License-Identifier: MIT
 * Parameter randomisation: what is left of a map once layers have lost what they learnt. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/tensor.h"
#include "explain/explainer.h"
#include "explain/metric/metric.h"
#include "explain/metric/metric_parameters.h"
#include "runtime/session.h"

enum { KNOWN_FLAGS = XAI_RANDOMISATION_INDEPENDENT | XAI_RANDOMISATION_SIGNED };

/* A check in progress. */
typedef struct check {
    xai_randomisation_options options;
    xai_run_options run;
    xai_explainer explainer;
    xai_context *context;
    xai_session *session;
    const xai_tensor *input;
    xai_target target;
    size_t n_layers, n_done;
    bool *marked; /* nodes whose parameters are random */
    xai_tensor *map;
    double *agreement;
    bool is_flat; /* some map was */
} check;

/* --- maps --- */

/* Divided by the largest magnitude; a map of zeros stays. */
static void scale(xai_tensor *map, bool is_signed)
{
    float largest = 0;

    for (size_t i = 0; i < map->size; i++)
        largest = fabsf(map->data[i]) > largest ? fabsf(map->data[i]) : largest;
    for (size_t i = 0; i < map->size && largest > 0; i++)
        map->data[i] = (is_signed ? map->data[i] : fabsf(map->data[i])) / largest;
}

/* The map may be the callback's own, so that it is scaled in a copy. */
static xai_status explain(xai_tensor **out, const check *c, xai_session *session)
{
    xai_tensor *map = NULL;
    xai_status status = xai__explainer_map(&map, &c->explainer, session, c->input, &c->target);

    if (status == XAI_OK)
        status = xai__tensor_create(out, c->context, map->shape, map->rank);
    if (status == XAI_OK) {
        memcpy((*out)->data, map->data, map->size * sizeof *map->data);
        scale(*out, (c->options.flags & XAI_RANDOMISATION_SIGNED) != 0);
    }
    xai_tensor_unref(map);
    return status;
}

/* A flat map agrees with nothing: the network that made it has nothing left to say. */
static xai_status compare(check *c, const xai_tensor *map, size_t layer)
{
    const char *measure = c->options.measure != NULL ? c->options.measure : "spearman";
    xai_status status = xai_metric_agreement(&c->agreement[layer], c->map, map, measure, NULL);

    c->is_flat |= status == XAI_FLAT;
    return status < 0 ? status : XAI_OK;
}

/* --- layers --- */

static const char *layer_name(const check *c, size_t layer)
{
    return c->options.layers != NULL ? c->options.layers[layer] : xai_metric_layer(c->session->model, layer);
}

static xai_status mark(check *c, size_t layer)
{
    const xai__graph *graph = &c->session->model->graph;

    if ((c->options.flags & XAI_RANDOMISATION_INDEPENDENT) != 0)
        memset(c->marked, 0, graph->n_nodes * sizeof *c->marked);
    return xai__parameters_mark(c->marked, graph, layer_name(c, layer));
}

/* The copy goes before the next one comes, with its plans and packed weights. */
static xai_status run_layer(check *c, size_t layer)
{
    const xai_session_options options = { .struct_size = sizeof options,
                                          .memory_budget = c->session->memory_budget,
                                          .purpose = c->session->purpose };
    xai_model *copy = NULL;
    xai_session *session = NULL;
    xai_tensor *map = NULL;
    xai_status status = mark(c, layer);

    if (status == XAI_OK)
        status = xai__parameters_randomise(&copy, c->session->model, c->marked, c->run.seed);
    if (status == XAI_OK)
        status = xai_session_create(&session, copy, &options);
    if (status == XAI_OK)
        status = explain(&map, c, session);
    if (status == XAI_OK)
        status = compare(c, map, layer);
    xai_tensor_unref(map);
    xai_session_unref(session);
    xai_model_unref(copy);
    return status;
}

static xai_status run_layers(check *c)
{
    xai_status status = XAI_OK;

    while (c->n_done < c->n_layers && status == XAI_OK) {
        status = run_layer(c, c->n_done);
        if (status < 0)
            return status;
        c->n_done++;
        if (c->run.progress != NULL && c->run.progress(c->n_done, c->n_layers, c->run.user) != 0 &&
            c->n_done < c->n_layers)
            status = XAI_PARTIAL;
    }
    return status == XAI_OK && c->is_flat ? XAI_FLAT : status;
}

/* --- the public function --- */

/* Names are looked up before anything runs. */
static xai_status check_layers(check *c)
{
    xai_status status = XAI_OK;

    while (c->options.layers == NULL && xai_metric_layer(c->session->model, c->n_layers) != NULL)
        c->n_layers++;
    if (c->options.layers != NULL)
        c->n_layers = c->options.n_layers;
    if (c->n_layers == 0)
        return xai__fail(XAI_E_INVALID, "there is no layer to randomise");
    c->marked = xai__zalloc_array(c->context, c->session->model->graph.n_nodes, sizeof *c->marked);
    c->agreement = c->marked != NULL ? xai__zalloc_array(c->context, c->n_layers, sizeof *c->agreement) : NULL;
    if (c->agreement == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < c->n_layers && status == XAI_OK; i++)
        status = layer_name(c, i) != NULL ? mark(c, i) : xai__fail(XAI_E_INVALID, "layer %zu has no name", i);
    memset(c->marked, 0, c->session->model->graph.n_nodes * sizeof *c->marked);
    return status;
}

static xai_status read_options(check *c, const xai_randomisation_options *options, const xai_explainer *explainer)
{
    const xai_randomisation_options *o = &c->options;
    xai_status status = XAI__OPTIONS_READ(&c->options, options);

    if (status == XAI_OK)
        status = XAI__OPTIONS_READ(&c->run, o->run);
    if (status == XAI_OK)
        status = xai__explainer_read(&c->explainer, explainer, c->session);
    if (status < 0)
        return status;
    if (o->reserved != 0 || (o->flags & ~(uint32_t)KNOWN_FLAGS) != 0)
        return xai__fail(XAI_E_INVALID, "flags are %u, reserved is %u", o->flags, o->reserved);
    if ((o->layers == NULL) != (o->n_layers == 0))
        return xai__fail(XAI_E_INVALID, "layers is %s, n_layers %zu", o->layers == NULL ? "NULL" : "given",
                         o->n_layers);
    return check_layers(c);
}

/* A measure that is unknown should fail before the first copy is made. */
static xai_status begin(check *c, const xai_target *target)
{
    bool has_target;
    xai_status status = xai__explainer_resolve(&c->target, &has_target, c->session, c->input, target);

    if (status == XAI_OK)
        status = explain(&c->map, c, c->session);
    return status == XAI_OK ? compare(c, c->map, 0) : status;
}

static xai_status finish(xai_tensor **out, const check *c)
{
    const int64_t n = (int64_t)c->n_done;
    xai_status status = xai__tensor_create(out, c->context, &n, 1);

    for (size_t i = 0; i < c->n_done && status == XAI_OK; i++)
        (*out)->data[i] = (float)c->agreement[i];
    return status;
}

xai_status xai_metric_randomisation(xai_tensor **out, xai_session *session, const xai_tensor *input,
                                    const xai_target *target, const xai_explainer *explainer,
                                    const xai_randomisation_options *options)
{
    check c = { .session = session, .input = input };
    xai_status status, remark = XAI_OK;

    XAI__ENTER(out);
    if (out == NULL || session == NULL || input == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : session == NULL ? "session" : "input");
    c.context = input->object.context;
    status = read_options(&c, options, explainer);
    if (status == XAI_OK)
        status = begin(&c, target);
    if (status == XAI_OK)
        status = remark = run_layers(&c);
    if (status >= 0)
        status = finish(out, &c);
    xai_tensor_unref(c.map);
    xai__free(c.context, c.marked);
    xai__free(c.context, c.agreement);
    return status < 0 ? status : remark;
}
