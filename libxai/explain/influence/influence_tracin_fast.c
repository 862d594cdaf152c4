/* SPDX-License-Identifier: MIT
 * TracInCP through the layer that decides: its gradient is an outer product, so the product of two gradients is that of
 * the gradients at the logits times that of the features. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "core/threads.h"
#include "explain/influence/influence.h"

enum { CHUNK = 16 };

/* One checkpoint's share of all scores. */
typedef struct job {
    const xai_training *t;
    double rate;
    bool has_bias;
    size_t n_tests;
    const float *x;          /* of the tests; NULL: each example is its own, only, test */
    const double *residuals; /* likewise */
    double *scores;          /* n_tests x n, added to */
    double *memory;          /* n_classes a lane */
} job;

/* The bias's feature is 1 for every example. */
static double product_of_features(const job *j, const float *a, const float *b)
{
    return xai__dot_f32(a, b, j->t->n_features) + (j->has_bias ? 1 : 0);
}

static void residual_of(double *out, const xai_training *t, size_t index)
{
    const xai__rows row = { t->features + index * t->stride, 1, t->stride };

    xai__softmax_residuals(out, t, &row, &t->examples.labels[index]);
}

/* rate (r_test . r_i) (x_test . x_i + 1), r being softmax less one for the label: the product of two outer products.
 * Tasks are runs of examples, so that no two write one score. */
static void add_chunk(void *user, size_t chunk, size_t lane)
{
    const job *j = user;
    const xai_training *t = j->t;
    double *own = j->memory + lane * t->n_classes;

    for (size_t i = chunk * CHUNK; i < t->n && i < (chunk + 1) * CHUNK; i++) {
        const float *x = t->features + i * t->stride;

        residual_of(own, t, i);
        for (size_t k = 0; k < j->n_tests; k++) {
            const double *residual = j->x != NULL ? j->residuals + k * t->n_classes : own;
            const float *test = j->x != NULL ? j->x + k * t->n_features : x;

            j->scores[k * t->n + i] += j->rate * xai__dot(own, residual, t->n_classes) *
                                       product_of_features(j, x, test);
        }
    }
}

static xai_status run(job *j, const xai_influence *influence, size_t checkpoint)
{
    xai_context *context = influence->object.context;
    xai__team team = xai__team_take(context);

    j->t = influence->checkpoints[checkpoint];
    j->rate = influence->rates[checkpoint];
    j->has_bias = j->t->n_inputs > j->t->n_features && !influence->is_captum;
    j->memory = xai__alloc_array(context, xai__team_size(&team) * j->t->n_classes, sizeof *j->memory);
    if (j->memory != NULL)
        xai__team_run(&team, (j->t->n + CHUNK - 1) / CHUNK, add_chunk, j);
    xai__team_give_back(&team);
    xai__free(context, j->memory);
    return j->memory != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* The record is that of the last checkpoint, the network as it was left. */
static xai_status add_checkpoint(double *scores, xai_influence_record *records, const xai_influence *influence,
                                 size_t checkpoint, const xai_tensor *inputs, int64_t *labels)
{
    const xai_training *t = influence->checkpoints[checkpoint];
    size_t n_tests = (size_t)inputs->shape[0], size;
    xai_tensor *x = NULL;
    double *residuals = xai__mul_size(&size, n_tests, t->n_classes)
                            ? xai__alloc_array(influence->object.context, size, sizeof *residuals)
                            : NULL;
    xai_status status = XAI_OK;

    if (residuals == NULL)
        return XAI_E_NO_MEMORY;
    if (inputs->rank == 4)
        status = xai__training_features(&x, t, inputs);
    else
        x = xai_tensor_ref((xai_tensor *)inputs);
    for (size_t i = 0; i < n_tests && status == XAI_OK; i++) {
        xai_influence_record record;

        status = xai__softmax_look(&record, NULL, residuals + i * t->n_classes, t, x->data + i * t->n_features,
                                   labels[i]);
        if (records != NULL && status == XAI_OK)
            records[i] = record;
    }
    if (status == XAI_OK) {
        job j = { .n_tests = n_tests, .x = x->data, .residuals = residuals, .scores = scores };

        status = run(&j, influence, checkpoint);
    }
    xai_tensor_unref(x);
    xai__free(influence->object.context, residuals);
    return status;
}

/* Features of test examples are those of one network. Sets of features alone are the caller's affair: softmax
 * regression over columns of numbers has the same ones at every checkpoint. */
static xai_status check_features(const xai_influence *influence, const xai_tensor *inputs)
{
    for (size_t i = 0; i < influence->n_checkpoints; i++) {
        const xai_training *t = influence->checkpoints[i];

        if (inputs->rank == 4 && t->session == NULL)
            return xai__fail(XAI_E_UNSUPPORTED, "checkpoint %zu has features alone and cannot look at pictures", i);
        if (inputs->rank == 2 && t->n_features != (size_t)inputs->shape[1])
            return xai__fail(XAI_E_SHAPE, "checkpoint %zu has %zu features, the test examples %lld", i, t->n_features,
                             (long long)inputs->shape[1]);
        if (inputs->rank == 2 && t->session != NULL && influence->n_checkpoints > 1)
            return xai__fail(XAI_E_UNSUPPORTED, "with %zu checkpoints the test examples have to be pictures",
                             influence->n_checkpoints);
    }
    return XAI_OK;
}

/* Without labels every checkpoint is asked about the class that the last one predicts. */
static xai_status choose_labels(int64_t *out, const xai_influence *influence, const xai_tensor *inputs,
                                const int64_t *labels)
{
    const xai_training *t = influence->checkpoints[influence->n_checkpoints - 1];
    double *residual = xai__alloc_array(influence->object.context, t->n_classes, sizeof *residual);
    xai_tensor *x = NULL;
    xai_status status = residual != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    if (status == XAI_OK && inputs->rank == 4)
        status = xai__training_features(&x, t, inputs);
    for (int64_t i = 0; i < inputs->shape[0] && status == XAI_OK; i++) {
        const float *row = (x != NULL ? x->data : inputs->data) + i * (int64_t)t->n_features;
        xai_influence_record record;

        status = xai__softmax_look(&record, NULL, residual, t, row, labels != NULL ? labels[i] : -1);
        out[i] = status == XAI_OK ? record.label : -1;
    }
    xai_tensor_unref(x);
    xai__free(influence->object.context, residual);
    return status;
}

static xai_status begin(xai_influence *influence)
{
    (void)influence;
    return XAI_OK;
}

static xai_status ask(double *scores, xai_influence_record *records, xai_influence *influence, const xai_tensor *inputs,
                      const int64_t *labels)
{
    size_t n_tests = (size_t)inputs->shape[0], n = influence->checkpoints[0]->n;
    int64_t *resolved = xai__alloc_array(influence->object.context, n_tests, sizeof *resolved);
    xai_status status = resolved != NULL ? check_features(influence, inputs) : XAI_E_NO_MEMORY;

    if (status == XAI_OK)
        status = choose_labels(resolved, influence, inputs, labels);
    for (size_t i = 0; i < n_tests * n; i++)
        scores[i] = 0;
    for (size_t i = 0; i < influence->n_checkpoints && status == XAI_OK; i++)
        status = add_checkpoint(scores, records, influence, i, inputs, resolved);
    xai__free(influence->object.context, resolved);
    return status;
}

static xai_status self(double *scores, double *residual, xai_influence *influence)
{
    xai_status status = XAI_OK;

    (void)residual;
    memset(scores, 0, influence->checkpoints[0]->n * sizeof *scores);
    for (size_t i = 0; i < influence->n_checkpoints && status == XAI_OK; i++) {
        job j = { .n_tests = 1, .scores = scores };

        status = run(&j, influence, i);
    }
    return status;
}

const xai__influence_method xai__influence_tracin_fast = {
    "tracin-fast", XAI__INFLUENCE_RATES | XAI__INFLUENCE_PROFILE, true, begin, ask, self, NULL
};
