/* SPDX-License-Identifier: MIT
 * Gradients of objectives with respect to what the model sees, layer by layer. */
#include <string.h>

#include "core/error.h"
#include "core/tensor.h"
#include "explain/visualize/visualize.h"
#include "ops/op.h"

/* Steps in which gradients are let through rectifiers that are all shut: lucid's. */
enum { N_REDIRECTED = 16 };

/* One layer's passes. */
typedef struct pass {
    xai__visualization *v;
    int32_t layer;
    bool is_known; /* seeds hold the gradient already */
} pass;

static bool couples(const xai__visualization *v, int32_t layer)
{
    for (size_t i = 0; i < v->objectives.n; i++)
        if (v->objectives.terms[i].value == layer && xai__term_couples(&v->objectives.terms[i]))
            return true;
    return false;
}

static xai_status seed(void *user, float *out, size_t target, size_t first, size_t n, xai_tensor *const *fetched)
{
    const pass *p = user;
    size_t size = p->v->session->model->graph.values[p->layer].size;

    if (!p->is_known)
        return xai__objectives_evaluate(&p->v->objectives, p->layer, out, fetched[0]->data, first, n);
    memcpy(out + first * size, p->v->seeds + first * size, n * size * sizeof *out);
    return XAI_OK;
}

/* What couples pictures needs all of them, but a small budget runs them in parts; so they run forward once more. */
static xai_status evaluate_ahead(pass *p)
{
    xai__visualization *v = p->v;
    xai_tensor *elements = NULL;
    const xai__request request = {
        .feed = v->session->model->graph.input, .fed = v->seen, .fetches = &p->layer, .n_fetches = 1
    };
    xai_status status = xai__session_run(&elements, v->session, &request);

    if (status == XAI_OK)
        status = xai__objectives_evaluate(&v->objectives, p->layer, v->seeds, elements->data, 0, v->n_pictures);
    p->is_known = true;
    xai_tensor_unref(elements);
    return status;
}

/* d (weighted sum) / d seen, for all pictures, N x 3 x H x W: forward to the layer, back from it. */
static xai_status differentiate(xai_tensor **gradient, pass *p, uint32_t rule)
{
    const xai__graph *graph = &p->v->session->model->graph;
    xai_tensor *elements = NULL;
    const xai__backward backward = { .of = p->layer,
                                     .rule = rule,
                                     .wrt = &graph->input,
                                     .n_wrt = 1,
                                     .n_targets = 1,
                                     .seed = seed,
                                     .user = p,
                                     .out = gradient };
    const xai__request request = {
        .feed = graph->input, .fed = p->v->seen, .fetches = &p->layer, .n_fetches = 1, .backward = &backward
    };
    xai_status status = xai__session_run(&elements, p->v->session, &request);

    xai_tensor_unref(elements);
    return status;
}

static bool is_zero(const float *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (data[i] != 0)
            return false;
    return true;
}

/* Pictures whose gradient vanished take the one that passes shut rectifiers where it would open them. */
static xai_status redirect(xai_tensor *gradient, pass *p)
{
    xai__visualization *v = p->v;
    xai_tensor *other = NULL;
    xai_status status = XAI_OK;
    bool is_needed = false;

    for (size_t i = 0; i < v->n_pictures && !is_needed; i++)
        is_needed = is_zero(gradient->data + i * v->seen_size, v->seen_size);
    if (!is_needed)
        return XAI_OK;
    status = differentiate(&other, p, XAI__RELU_DECONVNET);
    for (size_t i = 0; i < v->n_pictures && status == XAI_OK; i++)
        if (is_zero(gradient->data + i * v->seen_size, v->seen_size))
            memcpy(gradient->data + i * v->seen_size, other->data + i * v->seen_size,
                   v->seen_size * sizeof *other->data);
    xai_tensor_unref(other);
    return status;
}

/* Layers are passed one after the other: the sum's gradient is the sum of theirs. */
static xai_status add_layer(xai__visualization *v, int32_t layer)
{
    pass p = { .v = v, .layer = layer };
    xai_tensor *gradient = NULL;
    xai_status status = couples(v, layer) ? evaluate_ahead(&p) : XAI_OK;

    if (status == XAI_OK)
        status = differentiate(&gradient, &p, XAI__RELU_PLAIN);
    if (status == XAI_OK && (v->options.flags & XAI_VISUALIZE_REDIRECT) != 0 && v->n_done < N_REDIRECTED)
        status = redirect(gradient, &p);
    for (size_t i = 0; status == XAI_OK && i < gradient->size; i++)
        v->of_seen[i] += gradient->data[i];
    xai_tensor_unref(gradient);
    return status;
}

xai_status xai__visualization_differentiate(xai__visualization *v)
{
    xai_status status = XAI_OK;

    memset(v->of_seen, 0, v->n_pictures * v->seen_size * sizeof *v->of_seen);
    for (size_t i = 0; i < v->n_layers && status == XAI_OK; i++)
        status = add_layer(v, v->layers[i]);
    return status;
}
