/* SPDX-License-Identifier: MIT
 * Metrics: how far two maps agree. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "explain/metric/metric.h"
#include "explain/ranking.h"

/* Two maps of one shape. */
typedef struct pair {
    xai_context *context;
    double *a, *b;
    size_t n, height, width;
    uint32_t k;
} pair;

/* --- measures --- */

/* Two passes, since the values' squares would drown a small variance. */
double xai__metric_pearson(const double *a, const double *b, size_t n)
{
    double mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0, r;

    for (size_t i = 0; i < n; i++) {
        mean_a += a[i] / (double)n;
        mean_b += b[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        double x = a[i] - mean_a, y = b[i] - mean_b;

        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    r = ab / sqrt(aa) / sqrt(bb);
    return r > 1 ? 1 : r < -1 ? -1 : r; /* rounding can go beyond */
}

static xai_status measure_pearson(double *out, pair *p)
{
    *out = xai__metric_pearson(p->a, p->b, p->n);
    return XAI_OK;
}

static xai_status measure_spearman(double *out, pair *p)
{
    xai_status status = xai__ranking_of_values(p->context, p->a, p->n);

    if (status == XAI_OK)
        status = xai__ranking_of_values(p->context, p->b, p->n);
    return status == XAI_OK ? measure_pearson(out, p) : status;
}

/* Marks the largest of one map and counts those of the other that are marked. */
static xai_status measure_top_k(double *out, pair *p)
{
    uint32_t *first = xai__ranking_descending(p->context, p->a, p->n),
             *second = first != NULL ? xai__ranking_descending(p->context, p->b, p->n) : NULL;
    bool *is_top = second != NULL ? xai__zalloc_array(p->context, p->n, sizeof *is_top) : NULL;
    size_t n_shared = 0;

    for (size_t i = 0; is_top != NULL && i < p->k; i++)
        is_top[first[i]] = true;
    for (size_t i = 0; is_top != NULL && i < p->k; i++)
        n_shared += is_top[second[i]];
    *out = (double)n_shared / p->k;
    xai__free(p->context, first);
    xai__free(p->context, second);
    xai__free(p->context, is_top);
    return is_top != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

static xai_status measure_ssim(double *out, pair *p)
{
    return xai__metric_ssim(out, p->context, p->a, p->b, p->height, p->width);
}

/* --- the table --- */

static const struct measure_row {
    const char *name;
    xai_status (*measure)(double *out, pair *p); /* may change the values */
    bool needs_variety, needs_window;
} rows[] = {
    { "pearson", measure_pearson, true, false },
    { "spearman", measure_spearman, true, false },
    { "top-k-intersection", measure_top_k, true, false },
    { "ssim", measure_ssim, false, true },
};

enum { N_ROWS = sizeof rows / sizeof *rows };

static xai_status find_row(const struct measure_row **out, xai_context *context, const char *name)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) {
            *out = &rows[i];
            return XAI_OK;
        }
    return xai__metric_unknown(context, "measure of agreement", name, &rows[0].name, N_ROWS, sizeof *rows);
}

/* --- the public function --- */

static xai_status check_shapes(const xai_tensor *a, const xai_tensor *b, const struct measure_row *row)
{
    char first[128], second[128];
    xai_status status = row->needs_window ? xai__metric_check_rank(a, "the first map") : XAI_OK;

    if (status < 0)
        return status;
    if (a->rank != b->rank || memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) != 0)
        return xai__fail(XAI_E_SHAPE, "the maps are %s and %s", xai__shape_text(first, sizeof first, a->shape, a->rank),
                         xai__shape_text(second, sizeof second, b->shape, b->rank));
    if (row->needs_window && (a->shape[0] < XAI__SSIM_WINDOW || a->shape[1] < XAI__SSIM_WINDOW))
        return xai__fail(XAI_E_SHAPE, "the maps are %s, ssim needs at least %dx%d",
                         xai__shape_text(first, sizeof first, a->shape, a->rank), XAI__SSIM_WINDOW, XAI__SSIM_WINDOW);
    return XAI_OK;
}

static xai_status check_options(const xai_metric_options *o)
{
    if (strcmp(o->profile, "default") != 0 && strcmp(o->profile, "quantus") != 0)
        return xai__fail(XAI_E_NOT_FOUND, "agreement has no profile '%s'; it has default, quantus", o->profile);
    if (o->region != NULL || o->box[0] != 0 || o->box[1] != 0 || o->box[2] != 0 || o->box[3] != 0)
        return xai__fail(XAI_E_INVALID, "agreement takes no region");
    return XAI_OK;
}

/* Without variety there is nothing to correlate, but two flat maps can still look alike. */
static xai_status compare(double *out, pair *p, const xai_tensor *a, const xai_tensor *b, const struct measure_row *row)
{
    xai_status first = xai__metric_read(&p->a, p->context, a, XAI__READ_AS_IS), second = XAI_OK, status;

    if (first >= 0)
        second = xai__metric_read(&p->b, p->context, b, XAI__READ_AS_IS);
    if (first < 0 || second < 0)
        return first < 0 ? first : second;
    if (row->needs_variety && (first == XAI_FLAT || second == XAI_FLAT))
        return XAI_FLAT;
    status = row->measure(out, p);
    return status < 0 ? status : first == XAI_FLAT || second == XAI_FLAT ? XAI_FLAT : XAI_OK;
}

xai_status xai_metric_agreement(double *out, const xai_tensor *a, const xai_tensor *b, const char *metric,
                                const xai_metric_options *options)
{
    const struct measure_row *row = NULL;
    xai_metric_options o;
    xai_status status;
    pair p;

    xai__enter();
    if (out == NULL || a == NULL || b == NULL || metric == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL",
                         out == NULL ? "out"
                         : a == NULL ? "a"
                         : b == NULL ? "b"
                                     : "metric");
    *out = 0;
    p = (pair){ .context = a->object.context, .n = a->size };
    status = find_row(&row, p.context, metric);
    if (status == XAI_OK)
        status = xai__metric_read_options(&o, options, a->size);
    if (status == XAI_OK)
        status = check_options(&o);
    if (status == XAI_OK)
        status = check_shapes(a, b, row);
    if (status < 0)
        return status;
    p.height = a->rank == 2 ? (size_t)a->shape[0] : 1;
    p.width = p.height > 0 ? p.n / p.height : 0;
    p.k = o.k;
    status = compare(out, &p, a, b, row);
    xai__free(p.context, p.a);
    xai__free(p.context, p.b);
    return status;
}
