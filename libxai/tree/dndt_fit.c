/* SPDX-License-Identifier: MIT
 * Training a DNDT: mean cross-entropy, its gradient worked out by hand, Adam (Kingma, Ba 2015).
 *
 * Features are scaled to 0..1 meanwhile, so that one temperature and one learning rate suit all of them; cuts and
 * temperatures go back to the features' own units at the end, which gives the same bins. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "core/tensor.h"
#include "tree/dndt.h"
#include "tree/fit.h"
#include "tree/names.h"

enum { DEFAULT_STEPS = 1000 };
static const double default_temperature = 0.1, default_rate = 0.1;
static const double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;

typedef struct trainer {
    xai_context *context;
    xai__dndt *dndt;
    xai__dndt_problem problem;
    double *rows, *classes, *weights;
    double *low, *range;             /* by feature */
    double *slopes, *first, *second; /* cuts, then scores: gradient and Adam's moments */
    size_t n_cuts, n_scores;         /* of all features, of all leaves */
} trainer;

static void drop(trainer *t)
{
    xai__dndt_problem *p = &t->problem;
    void *blocks[] = { t->rows,   t->classes, t->weights, t->low,  t->range,      t->slopes, t->first,
                       t->second, p->levels,  p->slopes,  p->bins, p->bin_slopes, p->logits };

    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        xai__free(t->context, blocks[i]);
}

/* --- gradient --- */

/* Cross-entropy of one row; logits become what the loss says of them, its derivative: the probabilities, less 1 at the
 * class, times the weight. */
static double lose(double *logits, size_t n_classes, size_t class_index, double weight)
{
    double loss;

    xai__dndt_softmax(logits, n_classes);
    loss = -log(fmax(logits[class_index], 1e-300));
    logits[class_index] -= 1;
    for (size_t c = 0; c < n_classes; c++)
        logits[c] *= weight;
    return loss * weight;
}

/* From the leaves back to the bins: a product's share goes to both of its factors. */
static void fold(const xai__dndt *dndt, const xai__dndt_problem *p)
{
    size_t n_inputs = dndt->tree.n_inputs, n_bins = dndt->n_bins, n = dndt->n_leaves;
    size_t at = dndt->tree.n_nodes - n; /* where the level starts */

    memset(p->bin_slopes, 0, n_inputs * n_bins * sizeof *p->bin_slopes);
    for (size_t f = n_inputs; f-- > 0;) {
        const double *slopes = p->slopes + at, *bins = p->bins + f * n_bins;
        double *bin_slopes = p->bin_slopes + f * n_bins;
        n /= n_bins;
        at -= n;
        for (size_t i = 0; i < n; i++) {
            double sum = 0;
            for (size_t k = 0; k < n_bins; k++) {
                bin_slopes[k] += slopes[i * n_bins + k] * p->levels[at + i];
                sum += slopes[i * n_bins + k] * bins[k];
            }
            p->slopes[at + i] = sum;
        }
    }
}

/* From bins to cuts: a cut lowers the logits of all bins behind it by 1 / temperature. With p the bins and g the loss
 * by them, the loss by logit k is p_k (g_k - sum p g), and a cut's is minus the sum of those behind it over
 * temperature. */
static void add_cut_slopes(double *cut_slopes, const xai__dndt *dndt, const xai__dndt_problem *p, size_t f)
{
    const double *bins = p->bins + f * dndt->n_bins, *slopes = p->bin_slopes + f * dndt->n_bins;
    double mean = 0, behind = 0;

    for (size_t k = 0; k < dndt->n_bins; k++)
        mean += bins[k] * slopes[k];
    for (size_t k = dndt->n_cuts; k > 0; k--) {
        behind += bins[k] * (slopes[k] - mean);
        cut_slopes[f * dndt->n_cuts + k - 1] -= behind / dndt->temperatures[f];
    }
}

/* Forward, then backward. Costs leaves x classes, twice. */
static double add_row(double *cut_slopes, double *score_slopes, const xai__dndt *dndt, const xai__dndt_problem *p,
                      size_t row)
{
    size_t n_inputs = dndt->tree.n_inputs, n_classes = dndt->tree.n_classes,
           first = dndt->tree.n_nodes - dndt->n_leaves;
    double loss;

    for (size_t f = 0; f < n_inputs; f++)
        xai__dndt_bin(p->bins + f * dndt->n_bins, dndt->cuts + f * dndt->n_cuts, dndt->n_cuts, dndt->temperatures[f],
                      p->rows[row * n_inputs + f]);
    xai__dndt_spread(p->levels, p->bins, n_inputs, dndt->n_bins);
    memset(p->logits, 0, n_classes * sizeof *p->logits);
    for (size_t i = 0; i < dndt->n_leaves; i++)
        for (size_t c = 0; c < n_classes; c++)
            p->logits[c] += p->levels[first + i] * dndt->scores[i * n_classes + c];
    loss = lose(p->logits, n_classes, (size_t)p->classes[row], p->weights[row]);
    for (size_t i = 0; i < dndt->n_leaves; i++) {
        double slope = 0;
        for (size_t c = 0; c < n_classes; c++) {
            score_slopes[i * n_classes + c] += p->levels[first + i] * p->logits[c];
            slope += dndt->scores[i * n_classes + c] * p->logits[c];
        }
        p->slopes[first + i] = slope;
    }
    fold(dndt, p);
    for (size_t f = 0; f < n_inputs; f++)
        add_cut_slopes(cut_slopes, dndt, p, f);
    return loss;
}

double xai__dndt_gradient(double *cut_slopes, double *score_slopes, const xai__dndt *dndt,
                          const xai__dndt_problem *problem)
{
    double loss = 0;

    for (size_t i = 0; i < problem->n_rows; i++)
        if (problem->weights[i] > 0)
            loss += add_row(cut_slopes, score_slopes, dndt, problem, i);
    return loss;
}

/* --- Adam --- */

/* One step of Adam for n numbers; rate has the correction of both moments' bias in it already, as the paper's section 2
 * puts it. */
static void step(double *numbers, trainer *t, size_t offset, size_t n, double rate)
{
    double *first = t->first + offset, *second = t->second + offset;
    const double *slopes = t->slopes + offset;

    for (size_t i = 0; i < n; i++) {
        first[i] = beta_1 * first[i] + (1 - beta_1) * slopes[i];
        second[i] = beta_2 * second[i] + (1 - beta_2) * slopes[i] * slopes[i];
        numbers[i] -= rate * first[i] / (sqrt(second[i]) + epsilon);
    }
}

/* Cuts that overtook each other change places, with all that is known about them. */
static void sort_cuts(trainer *t, size_t f)
{
    size_t n = t->dndt->n_cuts;
    double *arrays[] = { t->dndt->cuts + f * n, t->first + f * n, t->second + f * n };

    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && arrays[0][k] < arrays[0][k - 1]; k--)
            for (size_t a = 0; a < 3; a++) {
                double kept = arrays[a][k];
                arrays[a][k] = arrays[a][k - 1];
                arrays[a][k - 1] = kept;
            }
}

/* All rows in every step, in one thread and one order, so that a seed gives the same bits everywhere. */
static xai_status train(trainer *t, const xai_fit_options *options)
{
    double rate = options->learning_rate > 0 ? (double)options->learning_rate : default_rate;
    size_t n_steps = options->n_steps > 0 ? options->n_steps : DEFAULT_STEPS;
    double power_1 = 1, power_2 = 1, loss = 0;

    for (size_t i = 0; i < n_steps; i++) {
        double now;
        power_1 *= beta_1;
        power_2 *= beta_2;
        memset(t->slopes, 0, (t->n_cuts + t->n_scores) * sizeof *t->slopes);
        loss = xai__dndt_gradient(t->slopes, t->slopes + t->n_cuts, t->dndt, &t->problem);
        if (!isfinite(loss))
            return xai__fail(XAI_E_INVALID, "the loss is %g after %zu steps; try a smaller learning_rate", loss, i);
        now = rate * sqrt(1 - power_2) / (1 - power_1);
        step(t->dndt->cuts, t, 0, t->n_cuts, now);
        step(t->dndt->scores, t, t->n_cuts, t->n_scores, now);
        for (size_t f = 0; f < t->dndt->tree.n_inputs; f++)
            sort_cuts(t, f);
    }
    return XAI_OK;
}

/* --- the table --- */

static xai_status allocate(trainer *t, size_t n_rows)
{
    const xai__dndt *dndt = t->dndt;
    size_t n = t->n_cuts + t->n_scores, n_bins = dndt->tree.n_inputs * dndt->n_bins;
    xai__dndt_problem *p = &t->problem;

    t->slopes = xai__zalloc_array(t->context, n, sizeof *t->slopes);
    t->first = xai__zalloc_array(t->context, n, sizeof *t->first);
    t->second = xai__zalloc_array(t->context, n, sizeof *t->second);
    t->rows = xai__alloc_array(t->context, n_rows, dndt->tree.n_inputs * sizeof *t->rows);
    p->levels = xai__alloc_array(t->context, dndt->tree.n_nodes, sizeof *p->levels);
    p->slopes = xai__alloc_array(t->context, dndt->tree.n_nodes, sizeof *p->slopes);
    p->bins = xai__alloc_array(t->context, n_bins, sizeof *p->bins);
    p->bin_slopes = xai__alloc_array(t->context, n_bins, sizeof *p->bin_slopes);
    p->logits = xai__alloc_array(t->context, dndt->tree.n_classes, sizeof *p->logits);
    if (t->slopes == NULL || t->first == NULL || t->second == NULL || t->rows == NULL || p->levels == NULL ||
        p->slopes == NULL || p->bins == NULL || p->bin_slopes == NULL || p->logits == NULL)
        return XAI_E_NO_MEMORY;
    return XAI_OK;
}

/* Ranges of the features over the rows that count; one that has a single value is left as wide as 1. */
static xai_status measure(trainer *t, const xai_tensor *rows)
{
    size_t n_features = (size_t)rows->shape[1];

    t->low = xai__alloc_array(t->context, n_features, sizeof *t->low);
    t->range = xai__alloc_array(t->context, n_features, sizeof *t->range);
    if (t->low == NULL || t->range == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t f = 0; f < n_features; f++) {
        t->low[f] = (double)INFINITY;
        t->range[f] = -(double)INFINITY;
    }
    for (size_t i = 0; i < rows->size; i++) {
        size_t f = i % n_features;
        if (t->weights[i / n_features] == 0)
            continue;
        if (!isfinite(rows->data[i]))
            return xai__fail(XAI_E_INVALID, "row %zu has %g in column %zu, but a DNDT needs finite numbers",
                             i / n_features, (double)rows->data[i], f);
        t->low[f] = fmin(t->low[f], (double)rows->data[i]);
        t->range[f] = fmax(t->range[f], (double)rows->data[i]);
    }
    for (size_t f = 0; f < n_features; f++) {
        t->range[f] -= t->low[f];
        if (t->range[f] == 0)
            t->range[f] = 1;
    }
    return XAI_OK;
}

static xai_status take_targets(trainer *t, size_t *n_classes, const xai_tensor *targets, const xai_fit_options *options)
{
    double sum = 0;
    xai_status status;

    t->classes = xai__alloc_array(t->context, targets->size, sizeof *t->classes);
    t->weights = xai__alloc_array(t->context, targets->size, sizeof *t->weights);
    if (t->classes == NULL || t->weights == NULL)
        return XAI_E_NO_MEMORY;
    status = xai__fit_classes(t->classes, n_classes, targets, options);
    if (status == XAI_OK)
        status = xai__fit_weights(t->weights, targets->size, options);
    for (size_t i = 0; i < targets->size && status == XAI_OK; i++)
        sum += t->weights[i];
    for (size_t i = 0; i < targets->size && status == XAI_OK; i++)
        t->weights[i] /= sum;
    return status;
}

/* Scaled rows, and a start at random as in the paper: cuts and scores in 0..1. */
static void begin(trainer *t, const xai_tensor *rows, const xai_fit_options *options)
{
    size_t n_features = (size_t)rows->shape[1];
    double temperature = options->temperature > 0 ? (double)options->temperature : default_temperature;
    xai__rng rng;

    xai__rng_seed(&rng, options->seed);
    for (size_t i = 0; i < rows->size; i++)
        t->rows[i] = ((double)rows->data[i] - t->low[i % n_features]) / t->range[i % n_features];
    for (size_t f = 0; f < n_features; f++)
        t->dndt->temperatures[f] = temperature;
    for (size_t i = 0; i < t->n_cuts; i++)
        t->dndt->cuts[i] = xai__rng_uniform(&rng);
    for (size_t i = 0; i < t->n_scores; i++)
        t->dndt->scores[i] = xai__rng_uniform(&rng);
    for (size_t f = 0; f < n_features; f++)
        sort_cuts(t, f);
    t->problem.rows = t->rows;
    t->problem.classes = t->classes;
    t->problem.weights = t->weights;
    t->problem.n_rows = (size_t)rows->shape[0];
}

/* (x - low) / range - cut over temperature is x - (low + range cut) over range temperature. */
static void scale_back(trainer *t)
{
    size_t n = t->dndt->n_cuts;

    for (size_t f = 0; f < t->dndt->tree.n_inputs; f++) {
        for (size_t k = 0; k < n; k++)
            t->dndt->cuts[f * n + k] = t->low[f] + t->range[f] * t->dndt->cuts[f * n + k];
        t->dndt->temperatures[f] *= t->range[f];
    }
}

/* Whatever was allocated stays in t, so that its owner can drop it wherever this stops. */
static xai_status fit(trainer *t, const xai_tensor *rows, const xai_tensor *targets, const xai_fit_options *options)
{
    size_t n_classes = 0;
    xai_status status = take_targets(t, &n_classes, targets, options);

    if (status == XAI_OK)
        status = measure(t, rows);
    if (status == XAI_OK)
        status = xai__dndt_create(&t->dndt, t->context, (size_t)rows->shape[1],
                                  options->n_cuts > 0 ? options->n_cuts : 1, n_classes);
    if (status < 0)
        return status;
    t->n_cuts = t->dndt->tree.n_inputs * t->dndt->n_cuts;
    t->n_scores = t->dndt->n_leaves * n_classes;
    status = allocate(t, (size_t)rows->shape[0]);
    if (status < 0)
        return status;
    begin(t, rows, options);
    status = train(t, options);
    if (status < 0)
        return status;
    scale_back(t);
    status = xai__names_copy(&t->dndt->tree, options->feature_names, options->class_names);
    return status < 0 ? status : xai__dndt_label(t->dndt);
}

/* 0 is the default of both. */
static xai_status check_options(const xai_fit_options *options)
{
    if (!(options->temperature >= 0) || isinf(options->temperature))
        return xai__fail(XAI_E_INVALID, "temperature is %g, expected a finite number above 0",
                         (double)options->temperature);
    if (!(options->learning_rate >= 0) || isinf(options->learning_rate))
        return xai__fail(XAI_E_INVALID, "learning_rate is %g, expected a finite number above 0",
                         (double)options->learning_rate);
    return XAI_OK;
}

xai_status xai__dndt_fit(xai_tree **out, const xai_tensor *rows, const xai_tensor *targets,
                         const xai_fit_options *options)
{
    trainer t = { .context = rows->object.context };
    xai_status status = check_options(options);

    if (status == XAI_OK)
        status = fit(&t, rows, targets, options);
    drop(&t);
    if (status == XAI_OK)
        *out = &t.dndt->tree;
    else if (t.dndt != NULL)
        xai_tree_unref(&t.dndt->tree);
    return status;
}
