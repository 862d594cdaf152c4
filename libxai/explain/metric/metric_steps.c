/* SPDX-License-Identifier: MIT
 * Faithfulness estimate and correlation, monotonicity and its correlation: whether what the map says of some elements
 * is what the score says when these, and no others, are changed. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/mt19937.h"
#include "core/rng.h"
#include "core/tensor.h"
#include "explain/metric/metric_faithfulness.h"
#include "explain/ranking.h"

/* Quantus' defaults; and ours where its many passes are too many for pictures. */
enum { SUBSET = 224, RUNS = 100, QUANTUS_SAMPLES = 100, SAMPLES = 8, CORRELATION_STEPS = 28 };

/* What changes from image to image. */
typedef struct parts {
    size_t n_samples;  /* images a step */
    uint32_t *subsets; /* faithfulness-correlation: elements that go, n_steps x step */
    float *values;     /* monotonicity-correlation: what they become, an image each */
} parts;

/* --- what the map says --- */

static double value_at(const xai__faithfulness *f, size_t ranked)
{
    return f->values[f->n_values == f->n_ranked ? ranked : ranked % f->n_pixels];
}

static void read_magnitudes(xai__faithfulness *f)
{
    for (size_t i = 0; i < f->n_values; i++)
        f->values[i] = fabs(f->values[i]);
}

/* The smallest first. */
static void turn_around(xai__faithfulness *f)
{
    for (size_t i = 0; i < f->n_ranked; i++)
        f->position[i] = (uint32_t)(f->n_ranked - 1 - f->position[i]);
}

/* Sums of the map over the elements of each step. */
static double *sum_steps(const xai__faithfulness *f)
{
    double *sums = xai__zalloc_array(f->context, f->n_steps, sizeof *sums);

    for (size_t i = 0; i < f->n_ranked && sums != NULL; i++)
        sums[f->position[i] / f->step] += value_at(f, i);
    return sums;
}

static double *sum_subsets(const xai__faithfulness *f, const parts *p)
{
    double *sums = xai__zalloc_array(f->context, f->n_steps, sizeof *sums);

    for (size_t i = 0; i < f->n_steps * f->step && sums != NULL; i++)
        sums[i / f->step] += value_at(f, p->subsets[i]);
    return sums;
}

/* --- images --- */

static size_t ranked_at(const xai__faithfulness *f, size_t element)
{
    return f->n_ranked == f->n_elements ? element : element % f->n_pixels;
}

static void make_without_step(void *user, uint64_t index, float *image, void *note)
{
    const xai__faithfulness *f = user;

    for (size_t i = 0; i < f->n_elements; i++)
        image[i] = f->position[ranked_at(f, i)] / f->step == index ? f->substrate[i] : f->input[i];
}

static void make_without_subset(void *user, uint64_t index, float *image, void *note)
{
    const xai__faithfulness *f = user;
    const uint32_t *subset = ((const parts *)f->own)->subsets + index * f->step;

    memcpy(image, f->input, f->n_elements * sizeof *image);
    for (size_t i = 0; i < f->step; i++)
        for (size_t at = subset[i]; at < f->n_elements; at += f->n_ranked)
            image[at] = f->substrate[at];
}

static void make_with_value(void *user, uint64_t index, float *image, void *note)
{
    const xai__faithfulness *f = user;
    const parts *p = f->own;
    uint64_t step = index / p->n_samples;

    for (size_t i = 0; i < f->n_elements; i++)
        image[i] = f->position[ranked_at(f, i)] / f->step == step ? p->values[index] : f->input[i];
}

/* The substrate with the elements of the first index steps. */
static void make_grown(void *user, uint64_t index, float *image, void *note)
{
    const xai__faithfulness *f = user;

    for (size_t i = 0; i < f->n_elements; i++)
        image[i] = f->position[ranked_at(f, i)] / f->step < index ? f->input[i] : f->substrate[i];
}

/* --- random numbers --- */

/* k of n different ones, by Floyd's way. */
static void choose(uint32_t *out, xai__rng *rng, bool *is_chosen, size_t n, size_t k)
{
    for (size_t i = 0; i < k; i++) {
        size_t most = n - k + i, at = (size_t)(xai__rng_uniform(rng) * (double)(most + 1));

        at = is_chosen[at] ? most : at;
        is_chosen[at] = true;
        out[i] = (uint32_t)at;
    }
    for (size_t i = 0; i < k; i++)
        is_chosen[out[i]] = false;
}

static xai_status draw_subsets(parts *p, const xai__faithfulness *f)
{
    bool *is_chosen = xai__zalloc_array(f->context, f->n_ranked, sizeof *is_chosen);
    xai__rng rng;

    if (is_chosen == NULL)
        return XAI_E_NO_MEMORY;
    xai__rng_seed(&rng, f->run.seed);
    for (size_t i = 0; i < f->n_steps; i++)
        choose(p->subsets + i * f->step, &rng, is_chosen, f->n_ranked, f->step);
    xai__free(f->context, is_chosen);
    return XAI_OK;
}

/* numpy's global generator, as numpy.random.seed() leaves it: a permutation a run, of which the beginning counts, and a
 * number for a baseline that Quantus draws and does not use. */
static xai_status draw_subsets_as_quantus(parts *p, const xai__faithfulness *f)
{
    uint32_t *order = xai__alloc_array(f->context, f->n_ranked, sizeof *order);
    xai__mt19937 rng;

    if (order == NULL)
        return XAI_E_NO_MEMORY;
    xai__mt19937_seed(&rng, (uint32_t)f->run.seed);
    for (size_t i = 0; i < f->n_steps; i++) {
        xai__mt19937_permutation(&rng, order, f->n_ranked);
        memcpy(p->subsets + i * f->step, order, f->step * sizeof *order);
        xai__mt19937_uniform(&rng);
    }
    xai__free(f->context, order);
    return XAI_OK;
}

/* Between the input's smallest and largest value; Quantus: between 0 and 1, of numpy's generator. */
static xai_status draw_values(parts *p, const xai__faithfulness *f)
{
    size_t n = f->n_steps * p->n_samples;
    float low, high;
    xai__mt19937 rng;

    p->values = xai__alloc_array(f->context, n, sizeof *p->values);
    if (p->values == NULL)
        return XAI_E_NO_MEMORY;
    xai__mt19937_seed(&rng, (uint32_t)f->run.seed);
    xai__faithfulness_range(&low, &high, f);
    for (size_t i = 0; i < n; i++)
        p->values[i] = f->profile == XAI__METRIC_QUANTUS
                           ? (float)xai__mt19937_uniform(&rng)
                           : (float)(low + xai__rng_uniform_at(f->run.seed, i) * ((double)high - (double)low));
    return XAI_OK;
}

/* --- metrics --- */

/* Correlation of the sums with what the score lost; without variety on either side there is none. */
static xai_status correlate(double *out, const xai__faithfulness *f, const double *sums)
{
    double *lost = xai__alloc_array(f->context, f->n_done > 0 ? f->n_done : 1, sizeof *lost), r;

    if (lost == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < f->n_done; i++)
        lost[i] = f->scorer.plain_scores[0] - f->scores[i];
    r = xai__metric_pearson(sums, lost, f->n_done);
    xai__free(f->context, lost);
    *out = isfinite(r) ? r : 0;
    return isfinite(r) ? XAI_OK : XAI_FLAT;
}

/* The sums may be NULL, where memory ran out; they are freed. */
static xai_status run_and_correlate(double *out, xai__faithfulness *f, double *sums,
                                    void (*make)(void *user, uint64_t index, float *image, void *note))
{
    xai_status status = sums != NULL ? XAI_OK : XAI_E_NO_MEMORY, remark;

    if (status == XAI_OK)
        status = xai__faithfulness_fill_substrate(f, f->profile == XAI__METRIC_QUANTUS ? "min" : "zero");
    if (status == XAI_OK)
        status = xai__faithfulness_run(f, f->n_steps, make);
    remark = status;
    if (status >= 0)
        status = correlate(out, f, sums);
    xai__free(f->context, sums);
    return status < 0 || remark == XAI_OK ? status : remark;
}

xai_status xai__faithfulness_estimate(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    xai_status status = xai__faithfulness_rank(f);

    if (status == XAI_OK)
        status = xai__faithfulness_choose_steps(f, 0);
    return status == XAI_OK ? run_and_correlate(out, f, sum_steps(f), make_without_step) : status;
}

/* A step is a run here, and its size that of the subset. */
static xai_status choose_subsets(parts *p, xai__faithfulness *f)
{
    f->n_ranked = f->profile == XAI__METRIC_QUANTUS ? f->n_elements : f->n_pixels;
    f->step = f->options.step != 0 ? f->options.step : f->n_ranked > SUBSET ? SUBSET : (f->n_ranked + 1) / 2;
    f->n_steps = f->options.n_samples != 0 ? f->options.n_samples : RUNS;
    if (f->step > f->n_ranked)
        return xai__fail(XAI_E_INVALID, "step is %zu, only %zu can go", f->step, f->n_ranked);
    p->subsets = xai__alloc_array(f->context, f->n_steps, f->step * sizeof *p->subsets);
    if (p->subsets == NULL)
        return XAI_E_NO_MEMORY;
    return f->profile == XAI__METRIC_QUANTUS ? draw_subsets_as_quantus(p, f) : draw_subsets(p, f);
}

xai_status xai__faithfulness_correlation(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    parts p = { 0 };
    xai_status status = choose_subsets(&p, f);

    f->own = &p;
    if (status == XAI_OK)
        status = run_and_correlate(out, f, sum_subsets(f, &p), make_without_subset);
    f->own = NULL;
    xai__free(f->context, p.subsets);
    return status;
}

static double share_grown(const xai__faithfulness *f, size_t index)
{
    size_t n = index * f->step;

    return (double)(n < f->n_ranked ? n : f->n_ranked) / (double)f->n_ranked;
}

/* The share of the steps at which the score does not fall. */
xai_status xai__faithfulness_monotonicity(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    xai_status status, remark;
    size_t n = 0;

    read_magnitudes(f);
    status = xai__faithfulness_rank(f);
    if (status == XAI_OK)
        status = xai__faithfulness_choose_steps(f, 0);
    if (status == XAI_OK)
        status = xai__faithfulness_fill_substrate(f, "zero");
    if (status < 0)
        return status;
    turn_around(f);
    remark = xai__faithfulness_run(f, f->n_steps + 1, make_grown);
    status = remark < 0 ? remark : xai__faithfulness_curve(curve, f, share_grown);
    if (status < 0)
        return status;
    for (size_t i = 1; i < f->n_done; i++)
        n += f->scores[i] >= f->scores[i - 1];
    *out = f->n_done > 1 ? (double)n / (double)(f->n_done - 1) : 0;
    return remark;
}

/* Of the ranks of the sums and of the mean squared changes, over the steps that have all their samples. */
static xai_status correlate_ranks(double *out, const xai__faithfulness *f, const parts *p, double *sums)
{
    size_t n = f->n_done / p->n_samples;
    double *changes = xai__zalloc_array(f->context, n > 0 ? n : 1, sizeof *changes), r = NAN;
    xai_status status = changes != NULL && n > 0 ? xai__ranking_of_values(f->context, sums, n) : XAI_OK;

    if (changes == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n * p->n_samples; i++) {
        double change = f->scores[i] - f->scorer.plain_scores[0];

        changes[i / p->n_samples] += change * change / (double)p->n_samples;
    }
    if (status == XAI_OK && n > 0)
        status = xai__ranking_of_values(f->context, changes, n);
    if (status == XAI_OK)
        r = xai__metric_pearson(sums, changes, n);
    xai__free(f->context, changes);
    *out = isfinite(r) ? r : 0;
    return status < 0 ? status : isfinite(r) ? XAI_OK : XAI_FLAT;
}

static xai_status change_steps(double *out, xai__faithfulness *f, parts *p)
{
    double *sums = sum_steps(f);
    xai_status status = sums != NULL ? draw_values(p, f) : XAI_E_NO_MEMORY, remark;

    f->own = p;
    if (status == XAI_OK)
        status = xai__faithfulness_run(f, f->n_steps * p->n_samples, make_with_value);
    f->own = NULL;
    remark = status;
    if (status >= 0)
        status = correlate_ranks(out, f, p, sums);
    xai__free(f->context, sums);
    xai__free(f->context, p->values);
    return status < 0 || remark == XAI_OK ? status : remark;
}

xai_status xai__faithfulness_monotonicity_correlation(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    parts p = { .n_samples = f->options.n_samples != 0           ? f->options.n_samples
                             : f->profile == XAI__METRIC_QUANTUS ? QUANTUS_SAMPLES
                                                                 : SAMPLES };
    xai_status status;
    size_t n_images;

    read_magnitudes(f);
    status = xai__faithfulness_rank(f);
    if (status == XAI_OK)
        status = xai__faithfulness_choose_steps(f, CORRELATION_STEPS);
    if (status < 0)
        return status;
    turn_around(f);
    return xai__mul_size(&n_images, f->n_steps, p.n_samples) ? change_steps(out, f, &p) : xai__fail_memory();
}
