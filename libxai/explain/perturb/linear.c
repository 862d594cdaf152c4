/* SPDX-License-Identifier: MIT
 * Weighted linear models by their normal equations: tall matrices become m x m once, in double precision. */
#include "explain/perturb/linear.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "explain/cholesky.h"

/* --- the features --- */

void xai__design_free(xai__design *d)
{
    xai__free(d->context, d->mean);
    xai__free(d->context, d->gram);
    d->mean = d->gram = NULL;
}

/* Only ones add anything, so a sample costs a quarter of the square. */
static void add_row(xai__design *d, const uint8_t *row, double weight, uint32_t *ones)
{
    size_t n_ones = 0;

    for (size_t j = 0; j < d->m; j++)
        if (row[j] != 0)
            ones[n_ones++] = (uint32_t)j;
    for (size_t a = 0; a < n_ones; a++) {
        double *products = d->gram + ones[a] * d->m;

        d->mean[ones[a]] += weight;
        for (size_t b = 0; b <= a; b++)
            products[ones[b]] += weight;
    }
}

/* Centred features make the intercept fall out of the equations, and keep a penalty off it. */
static void centre(xai__design *d)
{
    for (size_t j = 0; j < d->m; j++)
        d->mean[j] /= d->weight_sum;
    for (size_t i = 0; i < d->m; i++)
        for (size_t j = 0; j <= i; j++) {
            d->gram[i * d->m + j] -= d->weight_sum * d->mean[i] * d->mean[j];
            d->gram[j * d->m + i] = d->gram[i * d->m + j];
        }
}

/* O(n m^2 / 4) once, whatever the number of targets that are fitted on it. */
xai_status xai__design_create(xai__design *out, xai_context *context, const uint8_t *rows, const double *weights,
                              size_t n, size_t m)
{
    xai__design d = { .context = context, .rows = rows, .weights = weights, .n = n, .m = m };
    uint32_t *ones = xai__alloc_array(context, m, sizeof *ones);
    size_t size;

    if (!xai__mul_size(&size, m, m)) {
        xai__free(context, ones);
        return xai__fail_memory();
    }
    d.mean = xai__zalloc_array(context, m, sizeof *d.mean);
    d.gram = xai__zalloc_array(context, size, sizeof *d.gram);
    if (ones == NULL || d.mean == NULL || d.gram == NULL) {
        xai__free(context, ones);
        xai__design_free(&d);
        return XAI_E_NO_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        d.weight_sum += weights[i];
        add_row(&d, rows + i * m, weights[i], ones);
    }
    centre(&d);
    xai__free(context, ones);
    *out = d;
    return XAI_OK;
}

/* --- a fit --- */

void xai__linear_free(xai__linear *f, const xai__design *d)
{
    xai__free(d->context, f->features);
    xai__free(d->context, f->coefficients);
    xai__free(d->context, f->errors);
    *f = (xai__linear){ 0 };
}

xai_status xai__linear_create(xai__linear *out, const xai__design *d)
{
    xai__linear f = { .n_features = d->m };

    f.features = xai__alloc_array(d->context, d->m, sizeof *f.features);
    f.coefficients = xai__zalloc_array(d->context, d->m, sizeof *f.coefficients);
    f.errors = xai__zalloc_array(d->context, d->m, sizeof *f.errors);
    if (f.features == NULL || f.coefficients == NULL || f.errors == NULL) {
        xai__linear_free(&f, d);
        return XAI_E_NO_MEMORY;
    }
    for (size_t j = 0; j < d->m; j++)
        f.features[j] = (uint32_t)j;
    *out = f;
    return XAI_OK;
}

/* The weighted mean; a target's scores stand `stride` apart. */
static double mean_of(const xai__design *d, const double *y, size_t stride)
{
    double sum = 0;

    for (size_t i = 0; i < d->n; i++)
        sum += d->weights[i] * y[i * stride];
    return sum / d->weight_sum;
}

/* Products of the centred features with y, and y's own. */
static double multiply_by_labels(double *out, const xai__design *d, const double *y, size_t stride)
{
    double mean = mean_of(d, y, stride), square = 0;

    memset(out, 0, d->m * sizeof *out);
    for (size_t i = 0; i < d->n; i++) {
        double weighted = d->weights[i] * (y[i * stride] - mean);

        square += weighted * (y[i * stride] - mean);
        for (size_t j = 0; j < d->m; j++)
            out[j] += d->rows[i * d->m + j] != 0 ? weighted : 0;
    }
    /* Centred labels sum to 0 but for rounding, so the features' means add nothing. */
    return square;
}

/* The linear model's answer for a row of zeros and ones. */
static double predict(const xai__linear *f, const uint8_t *row)
{
    double sum = f->intercept;

    for (size_t k = 0; k < f->n_features; k++)
        sum += row[f->features[k]] != 0 ? f->coefficients[f->features[k]] : 0;
    return sum;
}

/* What a fit says about itself, once its coefficients are known. */
static void finish(xai__linear *f, const xai__design *d, const double *y, size_t stride)
{
    double mean = mean_of(d, y, stride), rest = 0, all = 0;

    f->intercept = mean;
    for (size_t k = 0; k < f->n_features; k++)
        f->intercept -= d->mean[f->features[k]] * f->coefficients[f->features[k]];
    for (size_t i = 0; i < d->n; i++) {
        double off = y[i * stride] - predict(f, d->rows + i * d->m), away = y[i * stride] - mean;

        rest += d->weights[i] * off * off;
        all += d->weights[i] * away * away;
    }
    /* As scikit-learn has it: a constant is explained whole, or not at all. */
    f->r_squared = all > 0 ? 1 - rest / all : rest == 0 ? 1 : 0;
}

/* --- selection --- */

/* Few, and nearly sorted where they come from a selection of all. */
static void sort_features(uint32_t *features, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && features[j - 1] > features[j]; j--) {
            uint32_t other = features[j];

            features[j] = features[j - 1];
            features[j - 1] = other;
        }
}

/* Moves the n largest magnitudes' indices to the front, in order; of equals the first. */
static void pick_largest(uint32_t *features, size_t n, const double *values, size_t m)
{
    for (size_t k = 0; k < n; k++) {
        size_t best = k;
        uint32_t taken;

        for (size_t j = k + 1; j < m; j++) {
            double a = fabs(values[features[j]]), b = fabs(values[features[best]]);

            if (a > b || (a == b && features[j] < features[best]))
                best = j;
        }
        taken = features[best];
        features[best] = features[k];
        features[k] = taken;
    }
}

xai_status xai__linear_select_largest(xai__linear *f, const xai__design *d, const double *y, size_t stride, size_t n,
                                      double alpha)
{
    xai_status status;

    if (n >= d->m)
        return XAI_OK;
    status = xai__linear_ridge(f, d, y, stride, alpha, false);
    if (status < 0)
        return status;
    pick_largest(f->features, n, f->coefficients, d->m);
    f->n_features = n;
    sort_features(f->features, n);
    memset(f->coefficients, 0, d->m * sizeof *f->coefficients);
    return XAI_OK;
}

/* Takes what feature k explains out of the products: a step of Gauss's elimination. */
static void sweep_out(double *gram, double *products, size_t m, size_t k)
{
    double pivot = gram[k * m + k];

    for (size_t i = 0; i < m; i++) {
        double factor = gram[i * m + k] / pivot;

        if (i == k || factor == 0)
            continue;
        products[i] -= factor * products[k];
        for (size_t j = 0; j < m; j++)
            gram[i * m + j] -= factor * gram[k * m + j];
    }
}

/* What a feature adds to what is explained follows from the swept equations at once: its product with the rest of y,
 * squared, over its own rest. No candidate is fitted. O(n m^2). */
xai_status xai__linear_select_forward(xai__linear *f, const xai__design *d, const double *y, size_t stride, size_t n)
{
    size_t m = d->m;
    double *gram, *products = xai__alloc_array(d->context, m, sizeof *products);
    bool *used = xai__zalloc_array(d->context, m, sizeof *used), ok;

    gram = xai__alloc_array(d->context, m * m, sizeof *gram);
    ok = gram != NULL && products != NULL && used != NULL;
    n = n < m ? n : m;
    if (ok) {
        memcpy(gram, d->gram, m * m * sizeof *gram);
        multiply_by_labels(products, d, y, stride);
    }
    for (size_t k = 0; k < n && ok; k++) {
        size_t best = m;
        double most = -1;

        for (size_t j = 0; j < m; j++) {
            /* A feature that the others determine explains nothing more. */
            bool is_new = gram[j * m + j] > XAI__LINEAR_NOISE * d->gram[j * m + j];
            double gain = is_new ? products[j] * products[j] / gram[j * m + j] : 0;

            if (!used[j] && gain > most) {
                most = gain;
                best = j;
            }
        }
        used[best] = true; /* there is one: k of m are used, and no gain is below 0 */
        f->features[k] = (uint32_t)best;
        if (gram[best * m + best] > XAI__LINEAR_NOISE * d->gram[best * m + best])
            sweep_out(gram, products, m, best);
    }
    if (ok) {
        f->n_features = n;
        sort_features(f->features, n);
    }
    xai__free(d->context, gram);
    xai__free(d->context, products);
    xai__free(d->context, used);
    return ok ? XAI_OK : XAI_E_NO_MEMORY;
}

/* --- ridge --- */

/* The selected features' part of the normal equations, factored. */
static xai_status factor_equations(double *a, const xai__linear *f, const xai__design *d, double alpha, bool lenient)
{
    size_t n = f->n_features;
    double trace = 0;

    for (int attempt = 0; attempt < 2; attempt++) {
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                a[i * n + j] = d->gram[f->features[i] * d->m + f->features[j]];
        for (size_t i = 0; i < n; i++) {
            trace += a[i * n + i];
            a[i * n + i] += alpha;
        }
        if (xai__cholesky_factor(a, n, XAI__LINEAR_NOISE) == n)
            return XAI_OK;
        if (!lenient || !(trace > 0))
            break;
        /* So small a penalty leaves the solution of least length, to about nine digits. */
        alpha = 1e-9 * trace / (double)n;
    }
    return xai__fail(XAI_E_INVALID, "%zu samples do not determine the coefficients of %zu segments", d->n, n);
}

/* A sandwich: the spread of what each sample adds to the equations, between their inverses. Weights are known numbers,
 * not variances, and rests need not be alike. */
static xai_status estimate_errors(xai__linear *f, const xai__design *d, const double *y, size_t stride,
                                  const double *factor)
{
    size_t n = f->n_features;
    double *pull = xai__alloc_array(d->context, n, sizeof *pull);
    double correction = d->n > n + 1 ? (double)d->n / (double)(d->n - n - 1) : 1;

    if (pull == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < d->n; i++) {
        const uint8_t *row = d->rows + i * d->m;
        double rest = d->weights[i] * (y[i * stride] - predict(f, row));

        for (size_t k = 0; k < n; k++)
            pull[k] = rest * ((row[f->features[k]] != 0) - d->mean[f->features[k]]);
        xai__cholesky_solve(pull, factor, n);
        for (size_t k = 0; k < n; k++)
            f->errors[f->features[k]] += pull[k] * pull[k];
    }
    for (size_t k = 0; k < n; k++)
        f->errors[f->features[k]] = sqrt(correction * f->errors[f->features[k]]);
    xai__free(d->context, pull);
    return XAI_OK;
}

xai_status xai__linear_ridge(xai__linear *f, const xai__design *d, const double *y, size_t stride, double alpha,
                             bool lenient)
{
    size_t n = f->n_features;
    double *factor = xai__alloc_array(d->context, n * n, sizeof *factor),
           *products = xai__alloc_array(d->context, d->m, sizeof *products);
    xai_status status = factor != NULL && products != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    if (status == XAI_OK)
        status = factor_equations(factor, f, d, alpha, lenient);
    if (status == XAI_OK) {
        multiply_by_labels(products, d, y, stride);
        for (size_t k = 0; k < n; k++)
            products[k] = products[f->features[k]]; /* ascending, so none is overwritten before it is read */
        xai__cholesky_solve(products, factor, n);
        memset(f->coefficients, 0, d->m * sizeof *f->coefficients);
        memset(f->errors, 0, d->m * sizeof *f->errors);
        for (size_t k = 0; k < n; k++)
            f->coefficients[f->features[k]] = products[k];
        finish(f, d, y, stride);
        status = estimate_errors(f, d, y, stride, factor);
    }
    xai__free(d->context, factor);
    xai__free(d->context, products);
    return status;
}

/* --- lasso --- */

/* The lasso's step in one coordinate: towards 0, and no further. */
static double soften(double x, double by)
{
    return x > by ? x - by : x < -by ? x + by : 0;
}

/* One round of coordinate descent; products are kept free of what the coefficients explain. Returns the largest step.
 */
static double descend(xai__linear *f, const xai__design *d, double *products, double threshold)
{
    double largest = 0;

    for (size_t k = 0; k < f->n_features; k++) {
        size_t j = f->features[k];
        double own = d->gram[j * d->m + j], before = f->coefficients[j], step;

        if (!(own > 0))
            continue;
        f->coefficients[j] = soften(products[j] + own * before, threshold) / own;
        step = f->coefficients[j] - before;
        for (size_t i = 0; i < d->m && step != 0; i++)
            products[i] -= step * d->gram[j * d->m + i];
        largest = fabs(step) > largest ? fabs(step) : largest;
    }
    return largest;
}

/* Minimises sum w (y - X b)^2 / (2 sum w) + alpha |b|, scikit-learn's objective with sample weights. */
xai_status xai__linear_lasso(xai__linear *f, const xai__design *d, const double *y, size_t stride, double alpha)
{
    enum { MOST_ROUNDS = 100000 };
    double *products = xai__alloc_array(d->context, d->m, sizeof *products), scale;

    if (products == NULL)
        return XAI_E_NO_MEMORY;
    scale = sqrt(multiply_by_labels(products, d, y, stride) / d->weight_sum);
    memset(f->coefficients, 0, d->m * sizeof *f->coefficients);
    memset(f->errors, 0, d->m * sizeof *f->errors);
    for (int round = 0; round < MOST_ROUNDS; round++)
        if (descend(f, d, products, alpha * d->weight_sum) <= 1e-12 * scale)
            break;
    finish(f, d, y, stride);
    xai__free(d->context, products);
    return XAI_OK;
}
