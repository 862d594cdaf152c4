/* SPDX-License-Identifier: MIT
 * TracInCP: products of gradients with respect to all parameters, or those that are named, over checkpoints. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "explain/influence/influence_network.h"

typedef struct tracin {
    xai__network *networks; /* one a checkpoint */
    size_t n;
} tracin;

/* Names are looked up in each checkpoint: only architectures have to agree. */
static xai_status begin(xai_influence *influence)
{
    xai_context *context = influence->object.context;
    tracin *state = xai__zalloc_array(context, 1, sizeof *state);
    xai_status status = XAI_OK;

    if (state == NULL)
        return XAI_E_NO_MEMORY;
    influence->state = state;
    state->networks = xai__zalloc_array(context, influence->n_checkpoints, sizeof *state->networks);
    if (state->networks == NULL)
        return XAI_E_NO_MEMORY;
    state->n = influence->n_checkpoints;
    for (size_t i = 0; i < state->n && status == XAI_OK; i++)
        status = xai__network_init(&state->networks[i], influence->checkpoints[i], influence, true, 1);
    return status;
}

static void end(xai_influence *influence)
{
    tracin *state = influence->state;

    if (state == NULL)
        return;
    for (size_t i = 0; i < state->n; i++)
        xai__network_fini(&state->networks[i]);
    xai__free(influence->object.context, state->networks);
    xai__free(influence->object.context, state);
}

/* How many gradients there are room for. */
typedef struct shares {
    size_t tests;   /* kept */
    size_t at_once; /* computed at a time; each takes room twice, as tensors and as a row */
} shares;

/* The training set is gone through once for all tests that are kept, so these come first. */
static shares share_budget(const xai__network *network, size_t n_tests)
{
    uint64_t rows = network->budget / ((uint64_t)network->n * sizeof(float)), left;
    shares out = { n_tests, network->n_at_once };

    if (rows < n_tests + (uint64_t)2)
        out.tests = rows > 3 ? (size_t)rows - 2 : 1;
    left = rows > out.tests ? (rows - out.tests) / 2 : 0;
    if (left < out.at_once)
        out.at_once = left > 0 ? (size_t)left : 1;
    return out;
}

/* scores[test * n + i] += rate * g_test . g_i. Gradients of the training examples batch by batch: with those of the
 * tests, or with themselves (tests NULL). */
static xai_status add_products(double *scores, const xai__network *network, double rate, const float *tests,
                               size_t n_tests, size_t at_once)
{
    const xai_training *t = network->training;
    size_t n = network->n, size;
    float *rows = xai__mul_size(&size, at_once, n) ? xai__alloc_array(t->object.context, size, sizeof *rows) : NULL;
    xai_status status = rows != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    for (size_t first = 0; first < t->n && status == XAI_OK; first += at_once) {
        size_t count = t->n - first < at_once ? t->n - first : at_once;
        xai_tensor *inputs = NULL;

        status = xai__network_inputs(&inputs, network, NULL, first, count);
        if (status == XAI_OK)
            status = xai__network_gradients(rows, network, inputs, t->examples.labels + first);
        for (size_t i = 0; i < count && status == XAI_OK; i++)
            for (size_t k = 0; k < n_tests; k++)
                scores[k * t->n + first + i] += rate * xai__dot_f32(rows + i * n,
                                                                    tests != NULL ? tests + k * n : rows + i * n, n);
        xai_tensor_unref(inputs);
    }
    xai__free(t->object.context, rows);
    return status;
}

/* Gradients of tests first to first + n, n x their elements. */
static xai_status look_at_tests(float *out, const xai__network *network, const xai_tensor *inputs,
                                const int64_t *labels, size_t first, size_t n, size_t at_once)
{
    xai_status status = XAI_OK;

    for (size_t i = 0; i < n && status == XAI_OK; i += at_once) {
        xai_tensor *some = NULL;

        status = xai__network_tests(&some, inputs, first + i, n - i < at_once ? n - i : at_once);
        if (status == XAI_OK)
            status = xai__network_gradients(out + i * network->n, network, some, labels + first + i);
        xai_tensor_unref(some);
    }
    return status;
}

/* As many tests' gradients as fit are kept, while the training set's stream past: there are more of them. */
static xai_status add_checkpoint(double *scores, const xai__network *network, double rate, const xai_tensor *inputs,
                                 const int64_t *labels)
{
    const xai_training *t = network->training;
    size_t n_tests = (size_t)inputs->shape[0], size;
    shares room = share_budget(network, n_tests);
    float *tests = xai__mul_size(&size, room.tests, network->n)
                       ? xai__alloc_array(t->object.context, size, sizeof *tests)
                       : NULL;
    xai_status status = tests != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    for (size_t first = 0; first < n_tests && status == XAI_OK; first += room.tests) {
        size_t n = n_tests - first < room.tests ? n_tests - first : room.tests;

        status = look_at_tests(tests, network, inputs, labels, first, n, room.at_once);
        if (status == XAI_OK)
            status = add_products(scores + first * t->n, network, rate, tests, n, room.at_once);
    }
    xai__free(t->object.context, tests);
    return status;
}

static xai_status ask(double *scores, xai_influence_record *records, xai_influence *influence, const xai_tensor *inputs,
                      const int64_t *labels)
{
    const tracin *state = influence->state;
    xai_context *context = influence->object.context;
    size_t n_tests = (size_t)inputs->shape[0], n = influence->checkpoints[0]->n;
    xai_influence_record *own = xai__alloc_array(context, n_tests, sizeof *own);
    int64_t *resolved = xai__alloc_array(context, n_tests, sizeof *resolved);
    xai_status status = own != NULL && resolved != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    for (size_t i = 0; i < n_tests && status == XAI_OK; i++)
        resolved[i] = labels != NULL ? labels[i] : -1;
    /* Every checkpoint is asked about the class that the last one predicts. */
    if (status == XAI_OK)
        status = xai__network_look(own, resolved, &state->networks[state->n - 1], inputs);
    for (size_t i = 0; i < n_tests * n; i++)
        scores[i] = 0;
    for (size_t i = 0; i < state->n && status == XAI_OK; i++)
        status = add_checkpoint(scores, &state->networks[i], influence->rates[i], inputs, resolved);
    for (size_t i = 0; i < n_tests && records != NULL && status == XAI_OK; i++)
        records[i] = own[i];
    xai__free(context, own);
    xai__free(context, resolved);
    return status;
}

/* rate |g_i|^2: each example's gradient with itself, so that it is computed once. */
static xai_status self(double *scores, double *residual, xai_influence *influence)
{
    const tracin *state = influence->state;
    xai_status status = XAI_OK;

    (void)residual;
    memset(scores, 0, influence->checkpoints[0]->n * sizeof *scores);
    for (size_t i = 0; i < state->n && status == XAI_OK; i++)
        status = add_products(scores, &state->networks[i], influence->rates[i], NULL, 1, state->networks[i].n_at_once);
    return status;
}

const xai__influence_method xai__influence_tracin = {
    "tracin", XAI__INFLUENCE_PARAMETERS | XAI__INFLUENCE_RATES | XAI__INFLUENCE_PROFILE, false, begin, ask, self, end
};
