/* SPDX-License-Identifier: MIT
 * Gradients with respect to parameters: a backward pass gives each picture its own, since a batch is implicit. */
#include "explain/influence/influence_network.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "model/parameter_names.h"
#include "runtime/session.h"

enum { MOST_AT_ONCE = 32, ELEMENTS_AT_ONCE = 256 };

static const uint64_t default_budget = (uint64_t)256 << 20;

static const xai__graph *graph_of(const xai__network *network)
{
    return &network->training->session->model->graph;
}

/* --- which parameters --- */

static xai_status find_all(xai__network *network)
{
    const xai__graph *graph = graph_of(network);
    xai__parameter parameter;

    for (size_t at = 0; xai__parameter_next(&parameter, graph, &at);) {
        int32_t *slot = xai__grow(graph->context, &network->parameters, network->n_parameters, sizeof *slot);

        if (slot == NULL)
            return XAI_E_NO_MEMORY;
        *slot = parameter.value;
        network->n_parameters++;
    }
    return XAI_OK;
}

/* Influence is asked about the layer that decides unless told otherwise; TracIn is about what training changed. */
static xai_status find_parameters(xai__network *network, const xai_influence_options *options, bool takes_all)
{
    const xai__graph *graph = graph_of(network);
    const char *decides = graph->values[network->training->logits].name;
    xai_status status = XAI_OK;

    if (options->n_parameters == 0)
        return takes_all ? find_all(network)
                         : xai__parameters_find(&network->parameters, &network->n_parameters, graph, decides);
    for (size_t i = 0; i < options->n_parameters && status == XAI_OK; i++) {
        if (options->parameters == NULL || options->parameters[i] == NULL)
            return xai__fail(XAI_E_INVALID, "parameter name %zu is NULL", i);
        status = xai__parameters_find(&network->parameters, &network->n_parameters, graph, options->parameters[i]);
    }
    return status;
}

/* Pictures are decoded once if they fit into half of the budget. */
static xai_status keep_inputs(xai__network *network)
{
    const xai_training *t = network->training;
    size_t size;

    if (!xai__mul_size(&size, t->n, network->input_size) || size > network->budget / 2 / sizeof(float))
        return XAI_OK;
    network->inputs = xai__alloc_array(t->object.context, size, sizeof *network->inputs);
    if (network->inputs == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < t->n; i++) {
        xai_tensor *one = NULL;
        xai_status status = xai__training_prepare(&one, t, NULL, i, 1);

        if (status < 0)
            return status;
        memcpy(network->inputs + i * network->input_size, one->data, network->input_size * sizeof(float));
        xai_tensor_unref(one);
    }
    return XAI_OK;
}

/* The budget decides how many pictures' gradients are computed at a time, and whether prepared pictures are kept;
 * neither changes a bit. */
xai_status xai__network_init(xai__network *network, const xai_training *training, const xai_influence *influence,
                             bool takes_all, size_t n_rows)
{
    uint64_t fits;
    size_t size;
    xai_status status;

    *network = (xai__network){ .training = training, .session = xai_session_ref(training->session) };
    network->budget = influence->run.memory_budget != 0 ? influence->run.memory_budget : default_budget;
    network->input_size = graph_of(network)->values[graph_of(network)->input].size;
    status = find_parameters(network, &influence->options, takes_all);
    if (status < 0)
        return status;
    for (size_t i = 0; i < network->n_parameters; i++)
        network->n += graph_of(network)->values[network->parameters[i]].size;
    if (!xai__mul_size(&size, network->n, 2 * n_rows * sizeof(float)))
        return xai__fail_memory();
    /* Twice, since the backward pass has its tensors beside our rows for a moment. */
    fits = network->budget / size;
    network->n_at_once = fits < 1 ? 1 : fits < MOST_AT_ONCE ? (size_t)fits : MOST_AT_ONCE;
    return keep_inputs(network);
}

void xai__network_fini(xai__network *network)
{
    xai_context *context;

    if (network->training == NULL)
        return;
    context = network->training->object.context;
    xai__free(context, network->parameters);
    xai__free(context, network->inputs);
    xai_session_unref(network->session);
    *network = (xai__network){ 0 };
}

void xai__network_parameters(double *out, const xai__network *network)
{
    for (size_t i = 0; i < network->n_parameters; i++) {
        const xai__value *value = &graph_of(network)->values[network->parameters[i]];

        for (size_t first = 0; first < value->size; first += ELEMENTS_AT_ONCE) {
            float elements[ELEMENTS_AT_ONCE];
            size_t n = value->size - first < ELEMENTS_AT_ONCE ? value->size - first : ELEMENTS_AT_ONCE;

            xai__constant_read(elements, &value->constant, first, n);
            for (size_t k = 0; k < n; k++)
                *out++ = elements[k];
        }
    }
}

xai_status xai__network_inputs(xai_tensor **out, const xai__network *network, const uint32_t *examples, size_t first,
                               size_t n)
{
    const int64_t *one = graph_of(network)->values[graph_of(network)->input].shape;
    const int64_t shape[4] = { (int64_t)n, one[1], one[2], one[3] };
    size_t size = network->input_size;
    xai_status status;

    if (network->inputs == NULL)
        return xai__training_prepare(out, network->training, examples, first, n);
    status = xai__tensor_create(out, network->training->object.context, shape, 4);
    for (size_t i = 0; i < n && status == XAI_OK; i++)
        memcpy((*out)->data + i * size, network->inputs + (examples != NULL ? examples[first + i] : first + i) * size,
               size * sizeof(float));
    return status;
}

xai_status xai__network_tests(xai_tensor **out, const xai_tensor *inputs, size_t first, size_t n)
{
    const int64_t shape[4] = { (int64_t)n, inputs->shape[1], inputs->shape[2], inputs->shape[3] };
    size_t size = inputs->size / (size_t)inputs->shape[0];
    xai_status status = xai__tensor_create(out, inputs->object.context, shape, 4);

    if (status == XAI_OK)
        memcpy((*out)->data, inputs->data + first * size, n * size * sizeof(float));
    return status;
}

/* --- gradients --- */

typedef struct seeds {
    const int64_t *labels; /* NULL: every logit has a seed of its own */
    size_t n_classes;
} seeds;

/* In double up to the last step, as the features' softmax. */
static void fill_softmax(float *seed, const float *logits, size_t n, int64_t label)
{
    double top = logits[0], sum = 0;

    for (size_t c = 1; c < n; c++)
        top = logits[c] > top ? logits[c] : top;
    for (size_t c = 0; c < n; c++)
        sum += exp((double)logits[c] - top);
    for (size_t c = 0; c < n; c++)
        seed[c] = (float)(exp((double)logits[c] - top) / sum - ((int64_t)c == label));
}

/* d loss / d logits = softmax less one for the label; without labels a row of the identity for each logit. */
static xai_status fill_seed(void *user, float *seed, size_t target, size_t first, size_t n, xai_tensor *const *fetched)
{
    const seeds *s = user;
    size_t size = s->n_classes;

    for (size_t i = first; i < first + n; i++) {
        float *row = seed + i * size;

        if (s->labels != NULL)
            fill_softmax(row, fetched[0]->data + i * size, size, s->labels[i]);
        for (size_t c = 0; c < size && s->labels == NULL; c++)
            row[c] = c == target ? 1 : 0;
    }
    return XAI_OK;
}

/* From a tensor a row and parameter, n_images x its shape, to one run of n elements a row and picture: dot products
 * then go over all parameters at once. */
static void gather(float *out, xai_tensor *const *gradients, const xai__network *network, size_t n_images,
                   size_t n_rows)
{
    for (size_t image = 0; image < n_images; image++)
        for (size_t row = 0; row < n_rows; row++)
            for (size_t i = 0; i < network->n_parameters; i++) {
                const xai_tensor *g = gradients[row * network->n_parameters + i];
                size_t size = g->size / n_images;

                memcpy(out, g->data + image * size, size * sizeof(float));
                out += size;
            }
}

/* One forward pass for all rows; then a backward pass a row, each giving every image's own gradient and not their sum.
 */
xai_status xai__network_gradients(float *out, const xai__network *network, const xai_tensor *inputs,
                                  const int64_t *labels)
{
    const xai_training *t = network->training;
    xai_context *context = t->object.context;
    size_t n_rows = labels != NULL ? 1 : t->n_classes, n_tensors = n_rows * network->n_parameters;
    xai_tensor *logits = NULL, **gradients = xai__zalloc_array(context, n_tensors, sizeof(xai_tensor *));
    seeds s = { labels, t->n_classes };
    const xai__backward backward = { .of = t->logits,
                                     .wrt = network->parameters,
                                     .n_wrt = network->n_parameters,
                                     .n_targets = n_rows,
                                     .seed = fill_seed,
                                     .user = &s,
                                     .out = gradients };
    const xai__request request = {
        .feed = graph_of(network)->input, .fed = inputs, .fetches = &t->logits, .n_fetches = 1, .backward = &backward
    };
    xai_status status = gradients != NULL ? xai__session_run(&logits, network->session, &request) : XAI_E_NO_MEMORY;

    if (status == XAI_OK)
        gather(out, gradients, network, (size_t)inputs->shape[0], n_rows);
    for (size_t i = 0; gradients != NULL && i < n_tensors; i++)
        xai_tensor_unref(gradients[i]);
    xai_tensor_unref(logits);
    xai__free(context, gradients);
    return status;
}

/* Loss and prediction come through the features, so that all methods report the same numbers. */
xai_status xai__network_look(xai_influence_record *records, int64_t *labels, const xai__network *network,
                             const xai_tensor *inputs)
{
    const xai_training *t = network->training;
    double *residual = xai__alloc_array(t->object.context, t->n_classes, sizeof *residual);
    xai_tensor *x = NULL;
    xai_status status = residual != NULL ? xai__training_features(&x, t, inputs) : XAI_E_NO_MEMORY;

    for (int64_t i = 0; i < inputs->shape[0] && status == XAI_OK; i++) {
        status = xai__softmax_look(&records[i], NULL, residual, t, x->data + i * (int64_t)t->n_features, labels[i]);
        labels[i] = status == XAI_OK ? records[i].label : labels[i];
    }
    xai_tensor_unref(x);
    xai__free(t->object.context, residual);
    return status;
}

/* --- steps --- */

/* Constants are shared with the original, so a changed one becomes the copy's own. */
static xai_status change(xai_model *model, const xai__network *network, const double *v, double step)
{
    for (size_t i = 0; i < network->n_parameters; i++) {
        xai__value *value = &model->graph.values[network->parameters[i]];
        float *block = xai__graph_block(&model->graph, value->size);

        if (block == NULL)
            return XAI_E_NO_MEMORY;
        xai__constant_read(block, &value->constant, 0, value->size);
        for (size_t k = 0; k < value->size; k++)
            block[k] = (float)((double)block[k] + step * v[k]);
        v += value->size;
        value->constant = (xai__constant){ .data = block };
    }
    return XAI_OK;
}

/* A model of its own has its own packed weights and plans, and drops them with the session. */
xai_status xai__network_step(xai_session **out, const xai__network *network, const double *v, double step)
{
    const xai_session *session = network->training->session;
    const xai_session_options options = { .struct_size = sizeof options,
                                          .memory_budget = session->memory_budget,
                                          .purpose = session->purpose };
    xai_model *model = NULL;
    xai_status status = xai__model_derive(&model, session->model, session->model->architecture);

    if (status == XAI_OK)
        status = change(model, network, v, step);
    if (status == XAI_OK)
        status = xai_session_create(out, model, &options);
    xai_model_unref(model);
    return status;
}
