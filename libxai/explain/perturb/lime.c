/* SPDX-License-Identifier: MIT
 * LIME: samples around a picture, how close they are, and the linear model of them. */
#include <xai/lime.h>

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/mt19937.h"
#include "core/options.h"
#include "explain/perturb/coalition.h"
#include "explain/perturb/linear.h"

/* --- profiles and options --- */

typedef struct lime lime;

typedef struct lime_profile {
    xai__profile profile;
    bool is_lasso, hides_mean;
    double kernel_width, alpha;
    uint32_t n_samples;
    void (*weigh)(const lime *l, double *weights);
} lime_profile;

struct lime {
    xai__coalitions coalitions;
    xai_lime_options options; /* defaults filled in */
    const lime_profile *profile;
    bool selects_forward, selects_largest;
    size_t n_samples; /* of a run */
};

static void weigh_by_segments(const lime *l, double *weights);
static void weigh_by_pixels(const lime *l, double *weights);

static const lime_profile profiles[] = {
    { { .name = "default", .is_raw = true }, false, true, 0.25, 1, 1000, weigh_by_segments },
    { { .name = "lime", .is_raw = true }, false, true, 0.25, 1, 1000, weigh_by_segments },
    { { .name = "captum", .is_raw = true }, true, false, 1, 0.01, 25, weigh_by_pixels },
};

enum { N_PROFILES = sizeof profiles / sizeof *profiles, FORWARD_LIMIT = 6 };

/* LIME's penalty where it looks for the highest weights. */
static const double SELECTION_ALPHA = 0.01;

static xai_status find_profile(lime *l, const char *name)
{
    for (size_t i = 0; i < N_PROFILES; i++)
        if (strcmp(profiles[i].profile.name, name != NULL ? name : "default") == 0) {
            l->profile = &profiles[i];
            return XAI_OK;
        }
    return xai__fail(XAI_E_NOT_FOUND, "LIME has no profile '%.40s'; it has default, lime, captum", name);
}

/* Squares of smaller ones are 0, and the picture's own weight would be 0 / 0. */
static const double NARROWEST = 1e-150;

/* captum chooses its features by the lasso's zeros, so what LIME is told about selection has no meaning there. */
static xai_status check_options(const xai_lime_options *o, const lime_profile *profile, uint64_t seed)
{
    if (o->kernel_width > 0 && o->kernel_width < NARROWEST)
        return xai__fail(XAI_E_INVALID, "kernel_width is %g, it is 0 or at least %g", o->kernel_width, NARROWEST);
    if (!isfinite(o->kernel_width) || o->kernel_width < 0 || !isfinite(o->alpha) || o->alpha < 0)
        return xai__fail(XAI_E_INVALID, "kernel_width is %g, alpha is %g", o->kernel_width, o->alpha);
    if (profile->is_lasso && (o->selection != NULL || o->n_features != 0))
        return xai__fail(XAI_E_INVALID, "profile captum selects by its lasso, not by selection or n_features");
    if (o->samples != NULL && (o->n_samples != 0 || o->n_repeats > 1))
        return xai__fail(XAI_E_INVALID, "samples are given, and n_samples %u or n_repeats %u too", o->n_samples,
                         o->n_repeats);
    if (seed > UINT32_MAX)
        return xai__fail(XAI_E_INVALID, "the seed is %llu, numpy's random numbers take one below 2^32",
                         (unsigned long long)seed);
    return XAI_OK;
}

/* "auto" as in LIME: forward selection up to six features, above that the largest of a ridge fit. */
static xai_status read_selection(lime *l)
{
    const xai_lime_options *o = &l->options;
    const char *name = o->selection != NULL ? o->selection : "auto";
    bool is_auto = strcmp(name, "auto") == 0;

    if (!is_auto && strcmp(name, "none") != 0 && strcmp(name, "highest_weights") != 0 &&
        strcmp(name, "forward_selection") != 0)
        return xai__fail(XAI_E_NOT_FOUND,
                         "there is no selection '%.40s'; there are auto, none, highest_weights, forward_selection",
                         name);
    if (o->n_features == 0 || strcmp(name, "none") == 0)
        return XAI_OK;
    l->selects_forward = strcmp(name, "forward_selection") == 0 || (is_auto && o->n_features <= FORWARD_LIMIT);
    l->selects_largest = !l->selects_forward;
    return XAI_OK;
}

static xai_status read_options(lime *l, const xai_lime_options *options)
{
    xai_lime_options *o = &l->options;
    xai_status status = XAI__OPTIONS_READ(o, options);

    if (status == XAI_OK)
        status = XAI__OPTIONS_READ(&l->coalitions.run, o->run);
    if (status == XAI_OK)
        status = find_profile(l, o->profile);
    if (status == XAI_OK)
        status = check_options(o, l->profile, l->coalitions.run.seed);
    if (status == XAI_OK)
        status = read_selection(l);
    if (status == XAI_OK)
        status = xai__coalitions_hide(&l->coalitions, o->baseline, o->hide, o->hide_value, l->profile->hides_mean);
    if (status < 0)
        return status;
    o->kernel_width = o->kernel_width != 0 ? o->kernel_width : l->profile->kernel_width;
    o->alpha = o->alpha != 0 ? o->alpha : l->profile->alpha;
    o->n_samples = o->n_samples != 0 ? o->n_samples : l->profile->n_samples;
    o->n_repeats = o->n_repeats != 0 ? o->n_repeats : 1;
    o->n_top = o->n_top != 0 ? o->n_top : 5;
    return XAI_OK;
}

/* --- samples --- */

/* LIME draws a seed for the segmentation first, which nothing heeds any more, then all samples at once. The first row
 * is the picture itself. captum has no such row, and torch's random numbers are not reproduced. */
static void draw_run(const lime *l, uint8_t *masks, uint32_t seed)
{
    size_t n = l->n_samples * l->coalitions.n_segments;
    xai__mt19937 rng;

    xai__mt19937_seed(&rng, seed);
    xai__mt19937_upto(&rng, 999);
    for (size_t i = 0; i < n; i++)
        masks[i] = (uint8_t)(xai__mt19937_next(&rng) & 1);
    if (!l->profile->is_lasso)
        memset(masks, 1, l->coalitions.n_segments);
}

/* All runs' samples lie one behind the other, so that one stream of pictures scores them. */
static xai_status draw_samples(lime *l)
{
    xai__coalitions *c = &l->coalitions;
    xai_status status;

    if (l->options.samples != NULL) {
        status = xai__coalitions_take(c, l->options.samples);
        l->n_samples = c->n;
        return status;
    }
    l->n_samples = l->options.n_samples;
    status = xai__coalitions_create(c, (size_t)l->options.n_samples * l->options.n_repeats);
    for (uint32_t r = 0; r < l->options.n_repeats && status == XAI_OK; r++)
        draw_run(l, c->masks + r * l->n_samples * c->n_segments, (uint32_t)(c->run.seed + r));
    return status;
}

/* --- weights --- */

/* LIME's: the cosine distance of a sample to the row of ones. */
static void weigh_by_segments(const lime *l, double *weights)
{
    const xai__coalitions *c = &l->coalitions;
    const double width = l->options.kernel_width;

    for (size_t i = 0; i < c->n_done; i++) {
        size_t seen = 0;
        double distance;

        for (size_t j = 0; j < c->n_segments; j++)
            seen += c->masks[i * c->n_segments + j];
        distance = 1 - sqrt((double)seen / (double)c->n_segments); /* cosine of a row of zeros and ones with all ones */
        weights[i] = sqrt(exp(-distance * distance / (width * width)));
    }
}

/* Products of the picture with itself, with what is hidden, and of that with itself: a row a segment. */
static void add_products(double (*products)[3], const xai__coalitions *c)
{
    for (size_t i = 0; i < c->input->size; i++) {
        double *p = products[c->segments->labels[i % c->n_pixels]], seen = c->input->data[i], hidden = c->hidden[i];

        p[0] += seen * seen;
        p[1] += seen * hidden;
        p[2] += hidden * hidden;
    }
}

/* captum's: the cosine distance of the pictures themselves, from sums over segments. */
static void weigh_by_pixels(const lime *l, double *weights)
{
    const xai__coalitions *c = &l->coalitions;
    const double width = l->options.kernel_width;
    double(*products)[3] = (double(*)[3])(void *)(weights + c->n_done), whole = 0;

    memset(products, 0, c->n_segments * sizeof *products);
    add_products(products, c);
    for (size_t j = 0; j < c->n_segments; j++)
        whole += products[j][0];
    for (size_t i = 0; i < c->n_done; i++) {
        const uint8_t *mask = c->masks + i * c->n_segments;
        double product = 0, square = 0, norms, distance;

        for (size_t j = 0; j < c->n_segments; j++) {
            product += products[j][mask[j] != 0 ? 0 : 1];
            square += products[j][mask[j] != 0 ? 0 : 2];
        }
        norms = sqrt(whole) * sqrt(square);
        distance = 1 - product / (norms > 1e-8 ? norms : 1e-8);
        weights[i] = exp(-distance * distance / (2 * width * width));
    }
}

/* --- fits --- */

/* One target on the samples of one run. Selection first, on all segments, then the ridge on those that are left: two
 * fits with penalties of their own. */
static xai_status fit(xai__linear *out, const lime *l, const xai__design *d, const double *scores)
{
    size_t stride = l->coalitions.n_targets;
    xai_status status = xai__linear_create(out, d);

    if (status < 0)
        return status;
    if (l->profile->is_lasso)
        return xai__linear_lasso(out, d, scores, stride, l->options.alpha);
    if (l->selects_forward)
        status = xai__linear_select_forward(out, d, scores, stride, l->options.n_features);
    if (l->selects_largest)
        status = xai__linear_select_largest(out, d, scores, stride, l->options.n_features, SELECTION_ALPHA);
    if (status == XAI_OK)
        status = xai__linear_ridge(out, d, scores, stride, l->options.alpha, false);
    return status;
}

/* Of equal magnitudes the smaller label comes first, so that lists do not depend on how they were made. */
static bool is_larger(const double *values, uint32_t a, uint32_t b)
{
    return fabs(values[a]) > fabs(values[b]) || (fabs(values[a]) == fabs(values[b]) && a < b);
}

/* Inserts into a list of the n best so far. */
static size_t insert(uint32_t *best, size_t n, size_t capacity, const double *values, uint32_t j)
{
    size_t place = n;

    while (place > 0 && is_larger(values, j, best[place - 1]))
        place--;
    if (place >= capacity)
        return n;
    n = n < capacity ? n + 1 : n;
    memmove(best + place + 1, best + place, (n - 1 - place) * sizeof *best);
    best[place] = j;
    return n;
}

/* Zeros belong to neither side and are never listed. */
static size_t find_top(uint32_t *out, size_t capacity, const double *values, size_t n, uint32_t which)
{
    size_t found = 0;

    for (size_t j = 0; j < n; j++)
        if ((values[j] > 0 && which != XAI_TOP_NEGATIVE) || (values[j] < 0 && which != XAI_TOP_POSITIVE))
            found = insert(out, found, capacity, values, (uint32_t)j);
    return found;
}

/* |A and B| / |A or B|; two empty sets are alike. */
static double jaccard(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b)
{
    size_t shared = 0;

    for (size_t i = 0; i < n_a; i++)
        for (size_t j = 0; j < n_b; j++)
            shared += a[i] == b[j];
    return n_a + n_b > 0 ? (double)shared / (double)(n_a + n_b - shared) : 1;
}

/* Of each pair of runs. tops: n_top + 1 numbers a run, their count first. */
static double mean_jaccard(const uint32_t *tops, size_t n_runs, size_t stride)
{
    double sum = 0;

    for (size_t a = 0; a < n_runs; a++)
        for (size_t b = 0; b < a; b++) {
            const uint32_t *first = tops + a * stride, *second = tops + b * stride;

            sum += jaccard(first + 1, first[0], second + 1, second[0]);
        }
    return sum / ((double)n_runs * (double)(n_runs - 1) / 2);
}

/* Segments of all runs that are whole; the first may be in part, and then is the only one. */
typedef struct fitting {
    xai__design *designs; /* one a run */
    double *weights;      /* of all samples, and room behind them */
    uint32_t *tops;
    size_t n_runs, n_first; /* samples of the first */
} fitting;

/* A count and that many labels a run. */
static size_t top_stride(const lime *l)
{
    size_t n = l->options.n_top < l->coalitions.n_segments ? l->options.n_top : l->coalitions.n_segments;

    return n + 1;
}

/* A narrow kernel leaves nothing of samples that are not the picture itself. */
static xai_status check_weights(const lime *l, const xai__design *d)
{
    if (d->weight_sum > 0)
        return XAI_OK;
    return xai__fail(XAI_E_INVALID, "kernel_width %g leaves none of %zu samples any weight: it is too small",
                     l->options.kernel_width, d->n);
}

/* The designs hold for all targets: only scores differ. */
static xai_status create_fitting(fitting *f, const lime *l)
{
    const xai__coalitions *c = &l->coalitions;
    xai_context *context = c->scorer.context;
    xai_status status = XAI_OK;

    f->n_runs = c->n_done / l->n_samples > 0 ? c->n_done / l->n_samples : 1;
    f->n_first = c->n_done < l->n_samples ? c->n_done : l->n_samples;
    f->designs = xai__zalloc_array(context, f->n_runs, sizeof *f->designs);
    f->weights = xai__alloc_array(context, c->n_done + 3 * c->n_segments, sizeof *f->weights);
    f->tops = xai__alloc_array(context, f->n_runs * top_stride(l), sizeof *f->tops);
    if (f->designs == NULL || f->weights == NULL || f->tops == NULL)
        return XAI_E_NO_MEMORY;
    l->profile->weigh(l, f->weights);
    for (size_t r = 0; r < f->n_runs && status == XAI_OK; r++) {
        status = xai__design_create(&f->designs[r], context, c->masks + r * l->n_samples * c->n_segments,
                                    f->weights + r * l->n_samples, f->n_first, c->n_segments);
        if (status == XAI_OK)
            status = check_weights(l, &f->designs[r]);
    }
    return status;
}

/* Also where create_fitting() failed in the middle. */
static void free_fitting(fitting *f, xai_context *context)
{
    for (size_t r = 0; f->designs != NULL && r < f->n_runs; r++)
        if (f->designs[r].context != NULL)
            xai__design_free(&f->designs[r]);
    xai__free(context, f->designs);
    xai__free(context, f->weights);
    xai__free(context, f->tops);
}

/* --- the result --- */

/* local_prediction is the linear model's answer for the picture itself, where every feature is 1. */
static void add_notes(xai_attribution *a, const lime *l, const xai__linear *first, const fitting *f)
{
    const xai__coalitions *c = &l->coalitions;
    double prediction = first->intercept;

    for (size_t k = 0; k < first->n_features; k++)
        prediction += first->coefficients[first->features[k]];
    a->method = "lime";
    a->profile = &l->profile->profile;
    a->has_seed = l->options.samples == NULL;
    a->seed = c->run.seed;
    xai__attribution_note(a, "samples", (double)c->n_done);
    xai__attribution_note(a, "segments", (double)c->n_segments);
    xai__attribution_note(a, "intercept", first->intercept);
    xai__attribution_note(a, "r_squared", first->r_squared);
    xai__attribution_note(a, "local_prediction", prediction);
    if (f->n_runs > 1)
        xai__attribution_note(a, "stability", mean_jaccard(f->tops, f->n_runs, top_stride(l)));
}

/* All runs; the first one makes the attribution, the others say how stable it is. */
static xai_status explain_target(xai_attribution **out, const lime *l, const fitting *f, size_t target)
{
    const xai__coalitions *c = &l->coalitions;
    size_t stride = top_stride(l);
    xai__linear first = { 0 };
    xai_status status = XAI_OK;

    for (size_t r = 0; r < f->n_runs && status == XAI_OK; r++) {
        const double *scores = c->scores + r * l->n_samples * c->n_targets + target;
        xai__linear other = { 0 }, *now = r == 0 ? &first : &other;

        status = fit(now, l, &f->designs[r], scores);
        if (status == XAI_OK)
            f->tops[r * stride] = (uint32_t)find_top(f->tops + r * stride + 1, stride - 1, now->coefficients,
                                                     c->n_segments, XAI_TOP_BOTH);
        xai__linear_free(&other, &f->designs[0]);
    }
    if (status == XAI_OK)
        status = xai__coalitions_attribution(out, c, target, first.coefficients, first.errors);
    if (status == XAI_OK)
        add_notes(*out, l, &first, f);
    xai__linear_free(&first, &f->designs[0]);
    return status;
}

static xai_status compute(xai_attribution **out, lime *l)
{
    xai__coalitions *c = &l->coalitions;
    fitting f = { 0 };
    xai_status remark, status = draw_samples(l);

    if (status == XAI_OK)
        status = xai__coalitions_resume(c, l->options.state, l->options.samples == NULL, "lime",
                                        l->profile->profile.name);
    if (status < 0)
        return status;
    remark = xai__coalitions_score(c);
    status = remark < 0 ? remark : create_fitting(&f, l);
    for (size_t t = 0; t < c->n_targets && status == XAI_OK; t++)
        status = explain_target(&out[t], l, &f, t);
    free_fitting(&f, c->scorer.context);
    return status < 0 ? status : remark;
}

xai_status xai_lime_compute(xai_attribution **out, xai_session *session, const xai_tensor *input,
                            const xai_segments *segments, const xai_target *targets, size_t n_targets,
                            const xai_lime_options *options)
{
    lime l = { .coalitions = { .session = session, .input = input, .segments = segments } };
    xai_status status = xai__coalitions_enter(out, segments, n_targets);

    if (status == XAI_OK)
        status = read_options(&l, options);
    if (status == XAI_OK)
        status = xai__coalitions_begin(&l.coalitions, l.options.black_box, targets, n_targets);
    if (status == XAI_OK)
        status = compute(out, &l);
    xai__coalitions_fini(&l.coalitions);
    xai__coalitions_leave(out, n_targets, status);
    return status;
}

/* --- reading coefficients --- */

size_t xai_attribution_segments(const xai_attribution *attribution, double *coefficients, double *errors,
                                size_t capacity)
{
    size_t n = attribution->n_coefficients, copied = n < capacity ? n : capacity;

    if (coefficients != NULL && copied > 0)
        memcpy(coefficients, attribution->coefficients, copied * sizeof *coefficients);
    if (errors != NULL && copied > 0)
        memcpy(errors, attribution->coefficients + n, copied * sizeof *errors);
    return n;
}

size_t xai_attribution_top(const xai_attribution *attribution, uint32_t *segments, size_t capacity, uint32_t which)
{
    if (segments == NULL || capacity == 0 || which > XAI_TOP_BOTH)
        return 0;
    return find_top(segments, capacity, attribution->coefficients, attribution->n_coefficients, which);
}
