/* SPDX-License-Identifier: MIT
 * KernelSHAP: coalitions of segments weighed so that the linear model's coefficients are Shapley values. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "explain/cholesky.h"
#include "explain/perturb/linear.h"
#include "explain/perturb/shap.h"

/* --- profiles and options --- */

static const xai__profile profiles[] = {
    { .name = "default", .is_raw = true },
    { .name = "shap", .is_raw = true },
    { .name = "captum", .is_raw = true },
};

enum { N_PROFILES = sizeof profiles / sizeof *profiles, CAPTUM_SAMPLES = 25, MANY_SEGMENTS = 1000 };

static xai_status find_profile(xai__shap *s, const char *name)
{
    for (size_t i = 0; i < N_PROFILES; i++)
        if (strcmp(profiles[i].name, name != NULL ? name : "default") == 0) {
            s->profile = &profiles[i];
            s->is_captum = strcmp(profiles[i].name, "captum") == 0;
            return XAI_OK;
        }
    return xai__fail(XAI_E_NOT_FOUND, "KernelSHAP has no profile '%.40s'; it has default, shap, captum", name);
}

static xai_status read_options(xai__shap *s, const xai_shap_options *options)
{
    xai_shap_options *o = &s->options;
    xai_status status = XAI__OPTIONS_READ(o, options);

    if (status == XAI_OK)
        status = XAI__OPTIONS_READ(&s->coalitions.run, o->run);
    if (status == XAI_OK)
        status = find_profile(s, o->profile);
    if (status == XAI_OK)
        status = xai__coalitions_hide(&s->coalitions, o->baseline, o->hide, o->hide_value, false);
    if (status < 0)
        return status;
    if (o->reserved != 0 || (o->samples != NULL && o->n_samples != 0))
        return xai__fail(XAI_E_INVALID, "reserved is %u; or samples are given, and n_samples %u too", o->reserved,
                         o->n_samples);
    /* Cutting it would give two seeds the same coalitions. */
    if (s->coalitions.run.seed > UINT32_MAX)
        return xai__fail(XAI_E_INVALID, "the seed is %llu, numpy's random numbers take one below 2^32",
                         (unsigned long long)s->coalitions.run.seed);
    return XAI_OK;
}

/* --- coalitions --- */

/* Twice the segments and 2048, but no more than there are coalitions. */
static size_t count_samples(const xai__shap *s)
{
    size_t m = s->coalitions.n_segments, n = s->options.n_samples, all = m <= 30 ? ((size_t)1 << m) - 2 : SIZE_MAX;

    if (s->is_captum)
        return n != 0 ? n : CAPTUM_SAMPLES;
    n = n != 0 ? n : 2 * m + 2048;
    return n < all ? n : all;
}

/* Given coalitions: the Shapley kernel over all of a size; captum's two heavy rows hold the ends. */
static double weight_of_size(const xai__shap *s, size_t size)
{
    size_t m = s->coalitions.n_segments;
    double ways = 1;

    if (size == 0 || size == m)
        return s->is_captum ? 1e6 : 0;
    if (s->is_captum)
        return 1;
    /* (m - 1) / (C(m, s) s (m - s)): Lundberg, Lee, A Unified Approach, 2017, theorem 2. */
    for (size_t i = 1; i <= size; i++)
        ways *= (double)(m - size + i) / (double)i;
    return (double)(m - 1) / ((double)size * (double)(m - size)) / ways;
}

static size_t size_of(const xai__coalitions *c, size_t i)
{
    size_t size = 0;

    for (size_t j = 0; j < c->n_segments; j++)
        size += c->masks[i * c->n_segments + j];
    return size;
}

/* The same kernel's logarithm. */
static double log_weight_of_size(size_t m, size_t size)
{
    double log_ways = 0;

    if (size == 0 || size == m)
        return -INFINITY;
    for (size_t i = 1; i <= size; i++)
        log_ways += log((double)(m - size + i) / (double)i);
    return log((double)(m - 1) / ((double)size * (double)(m - size))) - log_ways;
}

/* Of more than a thousand segments there can be more coalitions of a size than a double holds, and all weights would be
 * 0. Values depend on their ratios alone, so the largest is made 1. */
static void weigh_many_segments(xai__shap *s)
{
    const xai__coalitions *c = &s->coalitions;
    double most = -INFINITY;

    for (size_t i = 0; i < c->n; i++) {
        s->weights[i] = log_weight_of_size(c->n_segments, size_of(c, i));
        most = s->weights[i] > most ? s->weights[i] : most;
    }
    for (size_t i = 0; i < c->n; i++)
        s->weights[i] = isfinite(s->weights[i]) ? exp(s->weights[i] - most) : 0;
}

static void weigh_given(xai__shap *s)
{
    if (s->coalitions.n_segments > MANY_SEGMENTS && !s->is_captum) {
        weigh_many_segments(s);
        return;
    }
    for (size_t i = 0; i < s->coalitions.n; i++)
        s->weights[i] = weight_of_size(s, size_of(&s->coalitions, i));
}

/* Rows, weights, and how often each was drawn, before anything is scored. */
static xai_status create_coalitions(xai__shap *s)
{
    xai__coalitions *c = &s->coalitions;
    xai_status status;

    if (s->options.samples != NULL)
        status = xai__coalitions_take(c, s->options.samples);
    else
        status = xai__coalitions_create(c, count_samples(s));
    if (status < 0)
        return status;
    s->weights = xai__zalloc_array(c->scorer.context, c->n, sizeof *s->weights);
    s->draws = xai__zalloc_array(c->scorer.context, c->n, sizeof *s->draws);
    if (s->weights == NULL || s->draws == NULL)
        return XAI_E_NO_MEMORY;
    if (s->options.samples == NULL)
        status = s->is_captum ? xai__shap_draw(s) : xai__shap_sample(s);
    if (s->options.samples != NULL || s->is_captum)
        weigh_given(s);
    return status;
}

/* --- values --- */

/* A target's equations, with the last segment eliminated: it gets what the others leave of the difference. */
typedef struct solution {
    const xai__shap *s;
    const xai__design *design;
    const double *scores; /* with a stride of the targets */
    size_t stride, last;
    double empty, difference; /* score with everything hidden; of the whole picture, less that */
    double *factor;           /* last x last */
    double *values, *errors;  /* a segment each */
} solution;

/* Weighted products of features that are not centred. */
static double product_of(const xai__design *d, size_t i, size_t j)
{
    return d->gram[i * d->m + j] + d->weight_sum * d->mean[i] * d->mean[j];
}

/* Equations of the contrasts to the last segment, from products that are there already. */
static xai_status factor_equations(solution *v)
{
    const xai__design *d = v->design;
    size_t n = v->last;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            v->factor[i * n + j] = product_of(d, i, j) - product_of(d, i, n) - product_of(d, n, j) +
                                   product_of(d, n, n);
    if (xai__cholesky_factor(v->factor, n, XAI__LINEAR_NOISE) == n)
        return XAI_OK;
    return xai__fail(XAI_E_INVALID, "%zu coalitions do not determine the values of %zu segments", d->n, d->m);
}

/* Difference of a row's feature and the last one's. */
static double contrast(const uint8_t *row, size_t i, size_t last)
{
    return (double)row[i] - (double)row[last];
}

/* The last value is what is left, so the sum is the difference to the last bit but rounding. */
static void solve(solution *v)
{
    const xai__design *d = v->design;

    memset(v->values, 0, d->m * sizeof *v->values);
    for (size_t i = 0; i < d->n; i++) {
        const uint8_t *row = d->rows + i * d->m;
        double y = d->weights[i] * (v->scores[i * v->stride] - v->empty - row[v->last] * v->difference);

        for (size_t j = 0; j < v->last; j++)
            v->values[j] += y * contrast(row, j, v->last);
    }
    xai__cholesky_solve(v->values, v->factor, v->last);
    v->values[v->last] = v->difference;
    for (size_t j = 0; j < v->last; j++)
        v->values[v->last] -= v->values[j];
}

/* Adds what a row pulls the values by. */
static void add_pull(double *pull, const solution *v, size_t i)
{
    const uint8_t *row = v->design->rows + i * v->design->m;
    double rest = v->scores[i * v->stride] - v->empty;

    for (size_t j = 0; j < v->design->m; j++)
        rest -= row[j] * v->values[j];
    for (size_t j = 0; j < v->last; j++)
        pull[j] += v->design->weights[i] * rest * contrast(row, j, v->last);
}

/* Of what was drawn: a unit is a coalition with its complement, drawn `count` times. Enumerated ones have no error. */
static xai_status estimate_errors(solution *v)
{
    xai_context *context = v->design->context;
    size_t m = v->design->m, n = v->design->n;
    double *pull = xai__zalloc_array(context, 2 * m, sizeof *pull), *sum, n_draws = 0;

    memset(v->errors, 0, m * sizeof *v->errors);
    if (pull == NULL)
        return XAI_E_NO_MEMORY;
    sum = pull + m;
    for (size_t i = v->s->n_enumerated; i < n; i++) {
        double count = v->s->draws[i];

        memset(pull, 0, m * sizeof *pull);
        add_pull(pull, v, i);
        while (i + 1 < n && v->s->draws[i + 1] == 0)
            add_pull(pull, v, ++i);
        xai__cholesky_solve(pull, v->factor, v->last);
        for (size_t j = 0; j < v->last; j++)
            pull[v->last] -= pull[j];
        for (size_t j = 0; j < m; j++) {
            v->errors[j] += pull[j] * pull[j] / count;
            sum[j] += pull[j];
        }
        n_draws += count;
    }
    for (size_t j = 0; j < m && n_draws > 0; j++) {
        double spread = v->errors[j] - sum[j] * sum[j] / n_draws;

        v->errors[j] = spread > 0 ? sqrt(spread) : 0;
    }
    xai__free(context, pull);
    return XAI_OK;
}

/* Given samples say nothing of how they were drawn, so they have no error either. */
static xai_status explain_constrained(solution *v)
{
    const bool is_drawn = v->s->options.samples == NULL && v->s->n_enumerated < v->design->n;
    xai_status status;

    if (v->last == 0) {
        v->values[0] = v->difference;
        return XAI_OK;
    }
    status = factor_equations(v);
    if (status < 0)
        return status;
    solve(v);
    return is_drawn ? estimate_errors(v) : XAI_OK;
}

/* captum's: a plain regression with an intercept, whose two heavy rows hold the ends. */
static xai_status explain_as_captum(solution *v)
{
    xai__linear fit;
    xai_status status;

    status = xai__linear_create(&fit, v->design);
    if (status < 0)
        return status;
    status = xai__linear_ridge(&fit, v->design, v->scores, v->stride, 0, true);
    memcpy(v->values, fit.coefficients, v->design->m * sizeof *v->values);
    memcpy(v->errors, fit.errors, v->design->m * sizeof *v->errors);
    xai__linear_free(&fit, v->design);
    return status;
}

/* --- the result --- */

/* additivity_error: what the values' sum misses of f(x) - E[f]; rounding alone, but for captum's regression. */
static void add_notes(xai_attribution *a, const solution *v)
{
    const xai__coalitions *c = &v->s->coalitions;
    double sum = 0;

    for (size_t j = 0; j < c->n_segments; j++)
        sum += v->values[j];
    a->method = "shap";
    a->profile = v->s->profile;
    a->has_seed = v->s->options.samples == NULL;
    a->seed = c->run.seed;
    xai__attribution_note(a, "samples", (double)c->n_done);
    xai__attribution_note(a, "segments", (double)c->n_segments);
    xai__attribution_note(a, "enumerated", (double)v->s->n_enumerated);
    xai__attribution_note(a, "expected", v->empty);
    xai__attribution_note(a, "additivity_error", sum - v->difference);
}

/* The design is common: what targets differ in is the right-hand side alone. */
static xai_status explain_target(xai_attribution **out, const xai__shap *s, const xai__design *d, size_t target)
{
    const xai__coalitions *c = &s->coalitions;
    xai_context *context = c->scorer.context;
    solution v = { .s = s, .design = d, .scores = c->scores + target, .stride = c->n_targets, .last = d->m - 1 };
    xai_status status = XAI_OK;

    v.empty = s->empty[target];
    v.difference = c->scorer.plain_scores[target] - v.empty;
    v.values = xai__zalloc_array(context, 2 * d->m, sizeof *v.values);
    v.factor = xai__alloc_array(context, v.last * v.last, sizeof *v.factor);
    if (v.values == NULL || v.factor == NULL)
        status = XAI_E_NO_MEMORY;
    else
        v.errors = v.values + d->m;
    if (status == XAI_OK)
        status = s->is_captum && v.last > 0 ? explain_as_captum(&v) : explain_constrained(&v);
    if (status == XAI_OK)
        status = xai__coalitions_attribution(out, c, target, v.values, v.errors);
    if (status == XAI_OK)
        add_notes(*out, &v);
    xai__free(context, v.values);
    xai__free(context, v.factor);
    return status;
}

/* The picture with everything hidden is asked for first: without it there is no constraint, however many coalitions
 * follow. A run that was stopped fits those it has; where they are too few, factor_equations() says so. */
static xai_status compute(xai_attribution **out, xai__shap *s)
{
    xai__coalitions *c = &s->coalitions;
    xai_context *context = c->scorer.context;
    xai__design design = { 0 };
    xai_status remark, status = XAI_OK;

    s->empty = xai__alloc_array(context, c->n_targets, sizeof *s->empty);
    if (s->empty == NULL)
        status = XAI_E_NO_MEMORY;
    if (status == XAI_OK)
        status = xai__coalitions_score_hidden(s->empty, c);
    if (status == XAI_OK)
        status = create_coalitions(s);
    if (status == XAI_OK)
        status = xai__coalitions_resume(c, s->options.state, s->options.samples == NULL, "shap", s->profile->name);
    if (status < 0)
        return status;
    remark = xai__coalitions_score(c);
    status = remark;
    if (remark >= 0)
        status = xai__design_create(&design, context, c->masks, s->weights, c->n_done, c->n_segments);
    for (size_t t = 0; t < c->n_targets && status == XAI_OK; t++)
        status = explain_target(&out[t], s, &design, t);
    if (design.context != NULL)
        xai__design_free(&design);
    return status < 0 ? status : remark;
}

xai_status xai_shap_compute(xai_attribution **out, xai_session *session, const xai_tensor *input,
                            const xai_segments *segments, const xai_target *targets, size_t n_targets,
                            const xai_shap_options *options)
{
    xai__shap s = { .coalitions = { .session = session, .input = input, .segments = segments } };
    xai_status status = xai__coalitions_enter(out, segments, n_targets);

    if (status == XAI_OK)
        status = read_options(&s, options);
    if (status == XAI_OK)
        status = xai__coalitions_begin(&s.coalitions, s.options.black_box, targets, n_targets);
    if (status == XAI_OK)
        status = compute(out, &s);
    if (s.coalitions.scorer.context != NULL) {
        xai__free(s.coalitions.scorer.context, s.empty);
        xai__free(s.coalitions.scorer.context, s.weights);
        xai__free(s.coalitions.scorer.context, s.draws);
    }
    xai__coalitions_fini(&s.coalitions);
    xai__coalitions_leave(out, n_targets, status);
    return status;
}
