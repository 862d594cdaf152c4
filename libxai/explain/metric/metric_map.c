/* SPDX-License-Identifier: MIT
 * Metrics of one map: the table, and how a map and its region are read. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/tensor.h"
#include "core/text.h"
#include "explain/metric/metric.h"
#include "explain/ranking.h"

/* What a metric of a map is. */
typedef struct metric_row {
    const char *name;
    double (*measure)(const xai__measured *m);
    enum xai__reading reading, quantus; /* the latter in the profile of that name */
    bool has_region, has_order;
} metric_row;

static const metric_row rows[] = {
    { "sparseness", xai__metric_sparseness, XAI__READ_MAGNITUDE, XAI__READ_MAGNITUDE, false, true },
    { "complexity", xai__metric_complexity, XAI__READ_MAGNITUDE, XAI__READ_MAGNITUDE, false, false },
    { "effective-complexity", xai__metric_effective_complexity, XAI__READ_MAGNITUDE, XAI__READ_MAGNITUDE, false, true },
    { "pointing-game", xai__metric_pointing_game, XAI__READ_AS_IS, XAI__READ_AS_IS, true, false },
    { "relevance-mass", xai__metric_relevance_mass, XAI__READ_POSITIVE, XAI__READ_AS_IS, true, false },
    { "attribution-localisation", xai__metric_relevance_mass, XAI__READ_MAGNITUDE, XAI__READ_MAGNITUDE, true, false },
    { "relevance-rank", xai__metric_relevance_rank, XAI__READ_AS_IS, XAI__READ_AS_IS, true, true },
    { "top-k-intersection", xai__metric_top_k, XAI__READ_AS_IS, XAI__READ_AS_IS, true, true },
    { "localisation-auc", xai__metric_localisation_auc, XAI__READ_AS_IS, XAI__READ_AS_IS, true, true },
};

enum { N_ROWS = sizeof rows / sizeof *rows, DEFAULT_TOLERANCE = 15, DEFAULT_K = 1000 };

/* --- options --- */

xai_status xai__metric_unknown(xai_context *context, const char *kind, const char *name, const void *first, size_t n,
                               size_t stride)
{
    const char *bytes = first;
    xai_status status;
    xai__text list;

    xai__text_init(&list, context);
    for (size_t i = 0; i < n; i++) {
        const char *one;

        memcpy(&one, bytes + i * stride, sizeof one);
        xai__text_add(&list, i == 0 ? "%s" : ", %s", one);
    }
    status = list.failed
                 ? xai__fail_memory()
                 : xai__fail(XAI_E_NOT_FOUND, "there is no %s '%s'; there are %s", kind, name, xai__text_get(&list));
    xai__text_fini(&list);
    return status;
}

static bool is_quantus(const xai_metric_options *o)
{
    return strcmp(o->profile, "quantus") == 0;
}

/* A profile of the pointing game alone is refused where the metric is known. */
static xai_status check_profile(const char *profile, bool has_torchray)
{
    if (strcmp(profile, "default") == 0 || strcmp(profile, "quantus") == 0 ||
        (has_torchray && strcmp(profile, "torchray") == 0))
        return XAI_OK;
    return xai__fail(XAI_E_NOT_FOUND, "the metric has no profile '%s'; it has default, quantus%s", profile,
                     has_torchray ? ", torchray" : "");
}

xai_status xai__metric_read_options(xai_metric_options *out, const xai_metric_options *options, size_t n_elements)
{
    xai_status status = XAI__OPTIONS_READ(out, options);

    if (status < 0)
        return status;
    if (out->profile == NULL)
        out->profile = "default";
    if (out->tolerance == 0)
        out->tolerance = is_quantus(out) ? 1 : DEFAULT_TOLERANCE;
    if (out->k > n_elements)
        return xai__fail(XAI_E_INVALID, "k is %u, the map has %zu elements", out->k, n_elements);
    if (out->k == 0)
        out->k = (uint32_t)(n_elements >= 10 * (size_t)DEFAULT_K ? DEFAULT_K : n_elements / 10 + (n_elements < 10));
    return XAI_OK;
}

/* --- the map --- */

xai_status xai__metric_check_rank(const xai_tensor *map, const char *name)
{
    char text[128];

    if (map->rank == 2)
        return XAI_OK;
    return xai__fail(XAI_E_SHAPE, "%s is %s, expected H x W", name,
                     xai__shape_text(text, sizeof text, map->shape, map->rank));
}

static double read_value(double value, enum xai__reading reading)
{
    if (reading == XAI__READ_MAGNITUDE)
        return fabs(value);
    return reading == XAI__READ_POSITIVE && value < 0 ? 0 : value;
}

/* NaN would make any order and any sum of it meaningless, so it is no remark but an error. Ranks are 32 bits wide. */
static xai_status check_values(const xai_tensor *map)
{
    if (map->size == 0)
        return xai__fail(XAI_E_SHAPE, "the map has no elements");
    if (map->size > UINT32_MAX)
        return xai__fail(XAI_E_LIMIT, "the map has %zu elements, at most %u can be ranked", map->size, UINT32_MAX);
    for (size_t i = 0; i < map->size; i++)
        if (!isfinite(map->data[i]))
            return xai__fail(XAI_E_INVALID, "element %zu of the map is %g", i, (double)map->data[i]);
    return XAI_OK;
}

xai_status xai__metric_read(double **out, xai_context *context, const xai_tensor *map, enum xai__reading reading)
{
    xai_status status = check_values(map);
    bool is_flat = true;
    double *values;

    *out = NULL;
    if (status < 0)
        return status;
    values = xai__alloc_array(context, map->size, sizeof *values);
    if (values == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < map->size; i++) {
        values[i] = read_value(map->data[i], reading);
        is_flat = is_flat && values[i] == values[0];
    }
    *out = values;
    return is_flat ? XAI_FLAT : XAI_OK;
}

/* --- the region --- */

/* A box is there if any of it is, so that a wrong one is refused and not passed over. */
static bool has_box(const xai_metric_options *o)
{
    return o->box[0] != 0 || o->box[1] != 0 || o->box[2] != 0 || o->box[3] != 0;
}

static xai_status fill_box(xai__measured *m, const int64_t *box)
{
    int64_t height = (int64_t)m->height, width = (int64_t)m->width;

    if (box[0] < 0 || box[1] < 0 || box[2] < 1 || box[3] < 1 || box[0] > width - box[2] || box[1] > height - box[3])
        return xai__fail(XAI_E_INVALID, "a box of %lld x %lld at (%lld, %lld) is not inside a map of %lld x %lld",
                         (long long)box[2], (long long)box[3], (long long)box[0], (long long)box[1], (long long)width,
                         (long long)height);
    for (int64_t y = box[1]; y < box[1] + box[3]; y++)
        for (int64_t x = box[0]; x < box[0] + box[2]; x++)
            m->inside[y * width + x] = true;
    return XAI_OK;
}

static xai_status fill_mask(xai__measured *m, const xai_tensor *region)
{
    char text[128];

    if (region->rank != 2 || (size_t)region->shape[0] != m->height || (size_t)region->shape[1] != m->width)
        return xai__fail(XAI_E_SHAPE, "the region is %s, the map is %zux%zu",
                         xai__shape_text(text, sizeof text, region->shape, region->rank), m->height, m->width);
    for (size_t i = 0; i < m->n; i++)
        m->inside[i] = region->data[i] != 0; /* NaN is inside, too */
    return XAI_OK;
}

/* A region of nothing or of everything has no outside to compare with. */
static xai_status read_region(xai__measured *m, const xai_metric_options *o)
{
    xai_status status;

    if ((o->region != NULL) == has_box(o))
        return xai__fail(XAI_E_INVALID, o->region != NULL ? "both a region and a box are given"
                                                          : "the metric needs a region, none is given");
    m->inside = xai__zalloc_array(m->context, m->n, sizeof *m->inside);
    if (m->inside == NULL)
        return XAI_E_NO_MEMORY;
    status = o->region != NULL ? fill_mask(m, o->region) : fill_box(m, o->box);
    for (size_t i = 0; i < m->n && status == XAI_OK; i++)
        m->n_inside += m->inside[i];
    if (status == XAI_OK && (m->n_inside == 0 || m->n_inside == m->n))
        status = xai__fail(XAI_E_INVALID, m->n_inside == 0 ? "the region is empty" : "the region is the whole map");
    return status;
}

/* --- the public function --- */

static xai_status find_row(const metric_row **out, xai_context *context, const char *name)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) {
            *out = &rows[i];
            return XAI_OK;
        }
    return xai__metric_unknown(context, "metric of a map", name, &rows[0].name, N_ROWS, sizeof *rows);
}

static xai_status check_options(const xai_metric_options *o, const metric_row *row)
{
    bool points = row->measure == xai__metric_pointing_game;

    if (!row->has_region && (o->region != NULL || has_box(o)))
        return xai__fail(XAI_E_INVALID, "metric %s takes no region", row->name);
    return check_profile(o->profile, points);
}

/* What the metric does not need is not allocated: the order alone takes as long as all the rest. */
static xai_status measure(double *out, xai__measured *m, const metric_row *row, const xai_tensor *map,
                          const xai_metric_options *o)
{
    xai_status status = row->has_region ? xai__metric_check_rank(map, "the map") : XAI_OK, remark;

    if (status < 0)
        return status;
    remark = xai__metric_read(&m->values, m->context, map, is_quantus(o) ? row->quantus : row->reading);
    if (remark < 0)
        return remark;
    m->height = row->has_region ? (size_t)map->shape[0] : 1;
    m->width = m->n / m->height;
    if (row->has_region)
        status = read_region(m, o);
    if (status == XAI_OK && row->has_order) {
        m->order = xai__ranking_descending(m->context, m->values, m->n);
        status = m->order != NULL ? XAI_OK : XAI_E_NO_MEMORY;
    }
    if (status < 0)
        return status;
    *out = row->measure(m);
    return remark;
}

xai_status xai_metric_map(double *out, const xai_tensor *map, const char *metric, const xai_metric_options *options)
{
    xai_metric_options o;
    const metric_row *row = NULL;
    xai__measured m = { NULL };
    xai_status status;

    xai__enter();
    if (out == NULL || map == NULL || metric == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : map == NULL ? "map" : "metric");
    *out = 0;
    status = find_row(&row, map->object.context, metric);
    if (status == XAI_OK)
        status = xai__metric_read_options(&o, options, map->size);
    if (status == XAI_OK)
        status = check_options(&o, row);
    if (status < 0)
        return status;
    m = (xai__measured){ .context = map->object.context, .n = map->size, .tolerance = o.tolerance, .k = o.k };
    status = measure(out, &m, row, map, &o);
    xai__free(m.context, m.order);
    xai__free(m.context, m.inside);
    xai__free(m.context, m.values);
    return status;
}
