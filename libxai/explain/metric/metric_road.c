/* SPDX-License-Identifier: MIT
 * ROAD: remove and debias. Pixels that go become what their neighbours foretell, so that neither the shape of a hole
 * nor its colour tells the network what was there. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "explain/metric/impute.h"
#include "explain/metric/metric_faithfulness.h"
#include "explain/ranking.h"

/* Shares of the pixels that go: pytorch-grad-cam's 10, 20, ... 90 % and Quantus' 1, 3, ... 99 %. */
enum { GRAD_CAM_STEPS = 9, QUANTUS_STEPS = 50 };

static const double DEFAULT_SIGMA = 0.01;

/* A removal in progress. Images of both orders take turns, so that a run which is stopped has as many of each. */
typedef struct road {
    size_t n_steps, n_orders;
    bool starts_with_least;
    bool *is_gone; /* n_images x pixels */
} road;

/* --- which pixels go --- */

/* numpy.percentile() of float32 numbers, in descending order: interpolation in single precision, whose rounding decides
 * about pixels at the threshold. */
static float percentile(const double *values, const uint32_t *order, size_t n, int percent)
{
    double at = percent / 100.0 * (double)(n - 1), low = floor(at);
    size_t i = (size_t)low, next = i + 1 < n ? i + 1 : i;
    float below = (float)values[order[n - 1 - i]], above = (float)values[order[n - 1 - next]];
    float share = (float)(at - low), step = above - below;

    return share < 0.5f ? below + step * share : above - step * (1 - share);
}

/* pytorch-grad-cam: what reaches a percentile. The least relevant first: of 1 less the map, in single precision. */
static xai_status choose_by_percentile(bool *is_gone, size_t stride, const xai__faithfulness *f, size_t n_steps,
                                       bool is_least)
{
    double *values = xai__alloc_array(f->context, f->n_pixels, sizeof *values);
    uint32_t *order;

    if (values == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < f->n_pixels; i++)
        values[i] = (double)(is_least ? 1 - (float)f->values[i] : (float)f->values[i]);
    order = xai__ranking_descending(f->context, values, f->n_pixels);
    for (size_t step = 0; step < n_steps && order != NULL; step++) {
        float level = percentile(values, order, f->n_pixels, (int)(100 - 10 * (step + 1)));

        for (size_t i = 0; i < f->n_pixels; i++)
            is_gone[step * stride + i] = (float)values[i] >= level;
    }
    xai__free(f->context, values);
    xai__free(f->context, order);
    return order != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* Quantus: so many, rounded down. */
static xai_status choose_by_rank(bool *is_gone, const xai__faithfulness *f, size_t n_steps)
{
    uint32_t *order = xai__ranking_descending(f->context, f->values, f->n_pixels);

    if (order == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t step = 0; step < n_steps; step++) {
        size_t n = f->n_pixels * (2 * step + 1) / 100;

        for (size_t i = 0; i < n; i++)
            is_gone[step * f->n_pixels + order[i]] = true;
    }
    xai__free(f->context, order);
    return XAI_OK;
}

static xai_status choose_pixels(road *r, const xai__faithfulness *f)
{
    size_t n_images = r->n_steps * r->n_orders;
    xai_status status = XAI_OK;

    r->is_gone = xai__zalloc_array(f->context, n_images, f->n_pixels);
    if (r->is_gone == NULL)
        return XAI_E_NO_MEMORY;
    if (f->profile == XAI__METRIC_QUANTUS)
        return choose_by_rank(r->is_gone, f, r->n_steps);
    for (size_t i = 0; i < r->n_orders && status == XAI_OK; i++)
        status = choose_by_percentile(r->is_gone + i * f->n_pixels, r->n_orders * f->n_pixels, f, r->n_steps,
                                      r->starts_with_least || i == 1);
    return status;
}

/* --- images --- */

/* Noise by index, or what is given: the same for all images, or each its own. */
static double noise_of(const xai__faithfulness *f, uint64_t index, size_t element)
{
    const xai_tensor *given = f->options.perturbations;
    double pair[2];

    if (given != NULL)
        return given->data[(given->shape[0] == 1 ? 0 : index * f->n_elements) + element];
    xai__rng_normal_pair_at(pair, f->run.seed, index * ((f->n_elements + 1) / 2) + element / 2);
    return (f->options.sigma > 0 ? (double)f->options.sigma : DEFAULT_SIGMA) * pair[element % 2];
}

/* The note says whether memory ran out. */
static void make_imputed(void *user, uint64_t index, float *image, void *note)
{
    const xai__faithfulness *f = user;
    const road *r = f->own;
    const bool *is_gone = r->is_gone + index * f->n_pixels;
    double failure;

    memcpy(image, f->input, f->n_elements * sizeof *image);
    failure = xai__impute(image, f->context, is_gone, f->n_channels, (size_t)f->scorer.input->shape[2],
                          (size_t)f->scorer.input->shape[3]) < 0;
    for (size_t i = 0; i < f->n_elements; i++)
        if (is_gone[i % f->n_pixels])
            image[i] = (float)((double)image[i] + noise_of(f, index, i));
    memcpy(note, &failure, sizeof failure);
}

/* --- metrics --- */

/* Mean over the steps of an order. pytorch-grad-cam's are what the score gains, Quantus' how often the class stays the
 * top one. */
static double mean_of(const xai__faithfulness *f, const road *r, size_t order)
{
    double before = f->profile == XAI__METRIC_QUANTUS ? 0 : f->scorer.plain_scores[0], sum = 0;
    size_t n = 0;

    for (size_t i = order; i < f->n_done; i += r->n_orders, n++)
        sum += f->scores[i] - before;
    return n > 0 ? sum / (double)n : 0;
}

/* Of the pixels, how many image number index lacks. */
static double share_gone(const xai__faithfulness *f, size_t index)
{
    const road *r = f->own;
    size_t n = 0;

    for (size_t k = 0; k < f->n_pixels; k++)
        n += r->is_gone[index * f->n_pixels + k];
    return (double)n / (double)f->n_pixels;
}

static xai_status check_noise(const xai__faithfulness *f, size_t n_images)
{
    const xai_tensor *given = f->options.perturbations;

    if (given == NULL || given->shape[0] == 1 || given->shape[0] == (int64_t)n_images)
        return XAI_OK;
    return xai__fail(XAI_E_SHAPE, "there are perturbations for %lld images, %s has %zu; expected 1 or as many",
                     (long long)given->shape[0], f->row->name, n_images);
}

static xai_status ask(xai__faithfulness *f, const road *r)
{
    xai_status status = check_noise(f, r->n_steps * r->n_orders);

    if (status == XAI_OK && f->profile == XAI__METRIC_QUANTUS)
        status = xai__faithfulness_ask_for_top(f);
    if (status == XAI_OK)
        status = xai__faithfulness_run(f, r->n_steps * r->n_orders, make_imputed);
    for (size_t i = 0; i < f->n_done && status >= 0; i++)
        if (f->notes[i] != 0)
            status = xai__fail_memory();
    return status;
}

static xai_status follow(double *out, xai_tensor **curve, xai__faithfulness *f, size_t n_orders, bool starts_with_least)
{
    road r = { .n_steps = f->profile == XAI__METRIC_QUANTUS ? QUANTUS_STEPS : GRAD_CAM_STEPS,
               .n_orders = n_orders,
               .starts_with_least = starts_with_least };
    xai_status status = choose_pixels(&r, f), remark;

    f->own = &r;
    if (status == XAI_OK)
        status = ask(f, &r);
    remark = status;
    if (status >= 0 && n_orders == 1)
        status = xai__faithfulness_curve(curve, f, share_gone);
    if (status >= 0)
        *out = n_orders == 1 ? mean_of(f, &r, 0) : (mean_of(f, &r, 1) - mean_of(f, &r, 0)) / 2;
    f->own = NULL;
    xai__free(f->context, r.is_gone);
    return status < 0 ? status : remark;
}

xai_status xai__faithfulness_road(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    return follow(out, curve, f, 2, false);
}

xai_status xai__faithfulness_road_most(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    return follow(out, curve, f, 1, false);
}

xai_status xai__faithfulness_road_least(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    return follow(out, curve, f, 1, true);
}
