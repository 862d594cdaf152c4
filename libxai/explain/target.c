/* SPDX-License-Identifier: MIT
 * Targets: the scores that are explained, as numbers and as gradients. */
#include "explain/target.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "graph/names.h"

/* --- one target --- */

static xai_status check_class(int64_t index, int64_t lowest, int64_t n)
{
    if (index >= lowest && index < n)
        return XAI_OK;
    return xai__fail(XAI_E_INVALID, "there is no class %lld, the model has %lld", (long long)index, (long long)n);
}

static xai_status check_element(int32_t *value, const xai_model *model, const xai_target *target)
{
    const xai__value *v;
    xai_status status;

    if (target->value == NULL)
        return xai__fail(XAI_E_INVALID, "a target of score %u names no value", target->score);
    status = xai__graph_find(value, &model->graph, target->value);
    if (status < 0)
        return status;
    v = &model->graph.values[*value];
    if (target->index < -1 || target->index >= (int64_t)v->size)
        return xai__fail(XAI_E_INVALID, "'%s' has %zu elements, none is number %lld", target->value, v->size,
                         (long long)target->index);
    return XAI_OK;
}

static xai_status check_kind(const xai_target *target, uint32_t n_kinds)
{
    if (target->score >= n_kinds)
        return xai__fail(XAI_E_INVALID, "score %u cannot be explained by this method", target->score);
    if (target->reserved != 0)
        return xai__fail(XAI_E_INVALID, "a target's reserved field is %u", target->reserved);
    return XAI_OK;
}

static xai_status check_classes(const xai_target *target, int64_t n_classes)
{
    xai_status status = check_class(target->index, -1, n_classes);

    if (status == XAI_OK && target->score == XAI_SCORE_MARGIN)
        status = check_class(target->against, 0, n_classes);
    return status;
}

xai_status xai__target_check(int32_t *value, const xai_model *model, const xai_target *target, uint32_t n_kinds)
{
    xai_status status = check_kind(target, n_kinds);

    if (status < 0)
        return status;
    if (target->score == XAI_SCORE_VALUE)
        return check_element(value, model, target);
    *value = model->graph.output;
    return check_classes(target, (int64_t)xai_model_n_classes(model));
}

/* Of equal ones the first, as NumPy's argmax; NaN is never larger. */
static size_t largest(const float *elements, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (elements[i] > elements[best])
            best = i;
    return best;
}

void xai__target_resolve(xai_target *target, const float *elements, size_t n)
{
    if (target->index < 0)
        target->index = (int64_t)largest(elements, n);
}

/* Sum of exp(x - largest), and the largest: a softmax is the same whatever is taken off all logits, and no exponential
 * overflows then. */
static double exponential_sum(double *top, const float *logits, size_t n)
{
    double sum = 0;

    *top = logits[largest(logits, n)];
    for (size_t i = 0; i < n; i++)
        sum += exp(logits[i] - *top);
    return sum;
}

double xai__target_probability_of(bool gives_probabilities, const float *elements, size_t n, int64_t index)
{
    double top, sum;

    if (gives_probabilities)
        return elements[index];
    sum = exponential_sum(&top, elements, n);
    return exp(elements[index] - top) / sum;
}

double xai__target_probability(const xai_model *model, const float *logits, size_t n, int64_t index)
{
    return xai__target_probability_of(model->gives_probabilities, logits, n, index);
}

static double largest_of(const float *elements, size_t n)
{
    float largest = elements[0];

    for (size_t i = 1; i < n; i++)
        largest = elements[i] > largest ? elements[i] : largest;
    return largest;
}

double xai__target_score_of(const xai_target *target, bool gives_probabilities, const float *elements, size_t n)
{
    double score = elements[target->index];

    if (target->score == XAI_SCORE_PROBABILITY)
        return xai__target_probability_of(gives_probabilities, elements, n, target->index);
    if (target->score == XAI__SCORE_IS_TOP)
        return largest_of(elements, n) <= score;
    return target->score == XAI_SCORE_MARGIN ? score - elements[target->against] : score;
}

double xai__target_score(const xai_target *target, const xai_model *model, const float *elements, size_t n)
{
    return xai__target_score_of(target, model->gives_probabilities, elements, n);
}

/* d p[c] / d z[j] = p[c] (delta(c, j) - p[j]). */
static void differentiate_softmax(float *out, const float *logits, size_t n, size_t index)
{
    double top, sum = exponential_sum(&top, logits, n), p = exp(logits[index] - top) / sum;

    for (size_t j = 0; j < n; j++)
        out[j] = (float)(p * ((j == index) - exp(logits[j] - top) / sum));
}

void xai__target_gradient(float *out, const xai_target *target, const xai_model *model, const float *elements, size_t n)
{
    if (target->score == XAI_SCORE_PROBABILITY && !model->gives_probabilities) {
        differentiate_softmax(out, elements, n, (size_t)target->index);
        return;
    }
    /* Added, not set: the margin of a class against itself is 0, and so is its slope. */
    memset(out, 0, n * sizeof *out);
    out[target->index] += 1;
    if (target->score == XAI_SCORE_MARGIN)
        out[target->against] -= 1;
}

/* --- a list of targets --- */

/* out->context is set. */
static xai_status copy_targets(xai__targets *out, const xai_target *targets, size_t n)
{
    static const xai_target top = { .index = -1 };

    out->n = n > 0 ? n : 1;
    out->items = xai__alloc_array(out->context, out->n, sizeof *out->items);
    out->values = xai__zalloc_array(out->context, out->n, sizeof *out->values);
    if (out->items == NULL || out->values == NULL)
        return XAI_E_NO_MEMORY;
    memcpy(out->items, n > 0 ? targets : &top, out->n * sizeof *targets);
    return XAI_OK;
}

xai_status xai__targets_init(xai__targets *out, const xai_model *model, const xai_target *targets, size_t n_targets,
                             uint32_t n_kinds)
{
    xai_status status;

    *out = (xai__targets){ .model = model, .context = model->object.context };
    status = copy_targets(out, targets, n_targets);
    for (size_t i = 0; i < out->n && status == XAI_OK; i++)
        status = xai__target_check(&out->values[i], model, &out->items[i], n_kinds);
    if (status < 0)
        xai__targets_fini(out);
    return status;
}

xai_status xai__targets_init_classes(xai__targets *out, xai_context *context, int64_t n_classes,
                                     const xai_target *targets, size_t n_targets)
{
    xai_status status;

    *out = (xai__targets){ .context = context };
    status = copy_targets(out, targets, n_targets);
    for (size_t i = 0; i < out->n && status == XAI_OK; i++) {
        status = check_kind(&out->items[i], XAI_SCORE_VALUE);
        if (status == XAI_OK)
            status = check_classes(&out->items[i], n_classes);
    }
    if (status < 0)
        xai__targets_fini(out);
    return status;
}

/* Leaves nothing, so that it may be called again. */
void xai__targets_fini(xai__targets *targets)
{
    xai__free(targets->context, targets->items);
    xai__free(targets->context, targets->values);
    targets->items = NULL;
    targets->values = NULL;
}

/* Neighbours alone: what comes out stands in the caller's order, and is filled a run at a time. */
size_t xai__targets_share(xai__targets *part, const xai__targets *targets, size_t first)
{
    size_t end = first + 1;

    while (end < targets->n && targets->values[end] == targets->values[first])
        end++;
    *part = *targets;
    part->items += first;
    part->values += first;
    part->n = end - first;
    return end;
}

/* The top class is that of the request's first image, once and for all: points on a path or under noise are asked about
 * one class, not each about its own. */
xai_status xai__targets_seed(void *user, float *seed, size_t target, size_t first, size_t n, xai_tensor *const *fetched)
{
    const xai__targets *targets = user;
    xai_target *item = &targets->items[target];
    size_t size = targets->model->graph.values[targets->values[target]].size;

    xai__target_resolve(item, fetched[0]->data, size);
    for (size_t i = first; i < first + n; i++)
        xai__target_gradient(seed + i * size, item, targets->model, fetched[0]->data + i * size, size);
    return XAI_OK;
}
