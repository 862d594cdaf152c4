/* SPDX-License-Identifier: MIT
 * A table made ready for CART: options checked, columns laid out, rows without weight left out. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "tree/cart_fit.h"
#include "tree/cart_prune.h"
#include "tree/fit.h"
#include "tree/names.h"
#include "tree/sum.h"

static const struct {
    const char *name;
    enum xai__cart_measure measure;
} criteria[] = { { "gini", XAI__CART_GINI },
                 { "entropy", XAI__CART_ENTROPY },
                 { "log_loss", XAI__CART_ENTROPY },
                 { "squared_error", XAI__CART_SQUARED_ERROR } };

/* The table and what is made of it. Rows come one after the other; a split looks at one feature of many rows, so they
 * are turned into columns, F x N, once. */
typedef struct table {
    xai_context *context;
    size_t n_rows, n_features, n_classes;
    float *columns;
    bool *missing;
    double *targets, *weights, *sums;
    uint32_t *features;
    xai__cart_item *items;
    uint8_t *classes; /* with presort */
    xai__cart_presort presort;
    size_t n_used; /* rows whose weight is not 0 */
    double weight;
} table;

static void drop(table *t)
{
    xai__free(t->context, t->columns);
    xai__free(t->context, t->missing);
    xai__free(t->context, t->targets);
    xai__free(t->context, t->weights);
    xai__free(t->context, t->sums);
    xai__free(t->context, t->features);
    xai__free(t->context, t->items);
    xai__free(t->context, t->classes);
    xai__cart_presort_fini(&t->presort, t->context);
}

/* log_loss is entropy by another name, as in scikit-learn. */
static xai_status find_criterion(enum xai__cart_measure *out, const xai_fit_options *options)
{
    const char *name = options->criterion != NULL ? options->criterion : "gini";

    for (size_t i = 0; i < sizeof criteria / sizeof criteria[0]; i++) {
        if (strcmp(criteria[i].name, name) == 0) {
            *out = criteria[i].measure;
            return XAI_OK;
        }
    }
    return xai__fail(XAI_E_NOT_FOUND,
                     "there is no criterion \"%s\"; there are \"gini\", \"entropy\", \"log_loss\", \"squared_error\"",
                     name);
}

/* scikit-learn's bounds. 0 is "not given" throughout, so that none of these is an option's default by accident. */
static xai_status check_options(const xai_fit_options *options, size_t n_features)
{
    if (!(options->min_impurity_decrease >= 0) || isinf(options->min_impurity_decrease))
        return xai__fail(XAI_E_INVALID, "min_impurity_decrease is %g, expected at least 0",
                         options->min_impurity_decrease);
    if (!(options->min_weight_fraction_leaf >= 0) || options->min_weight_fraction_leaf > 0.5)
        return xai__fail(XAI_E_INVALID, "min_weight_fraction_leaf is %g, expected 0 to 0.5",
                         options->min_weight_fraction_leaf);
    if (!(options->ccp_alpha >= 0) || isinf(options->ccp_alpha))
        return xai__fail(XAI_E_INVALID, "ccp_alpha is %g, expected at least 0", options->ccp_alpha);
    if (options->min_samples_split == 1 || options->max_leaf_nodes == 1)
        return xai__fail(XAI_E_INVALID, "%s is 1, expected at least 2",
                         options->max_leaf_nodes == 1 ? "max_leaf_nodes" : "min_samples_split");
    if (options->max_features > n_features)
        return xai__fail(XAI_E_INVALID, "max_features is %u, but a row has %zu", options->max_features, n_features);
    if (options->seed > UINT32_MAX)
        return xai__fail(XAI_E_INVALID, "seed is %llu, but CART's is below 2^32", (unsigned long long)options->seed);
    return XAI_OK;
}

/* Features and items twice: the permutation and its keepsake, the rows and room to turn some of them round. */
static xai_status allocate(table *t, const xai_tensor *rows)
{
    size_t n = t->n_rows;

    t->columns = xai__alloc_array(t->context, rows->size, sizeof *t->columns);
    t->missing = xai__zalloc_array(t->context, t->n_features, sizeof *t->missing);
    t->targets = xai__alloc_array(t->context, n, sizeof *t->targets);
    t->weights = xai__alloc_array(t->context, n, sizeof *t->weights);
    t->features = xai__zalloc_array(t->context, 2 * t->n_features, sizeof *t->features);
    t->items = xai__zalloc_array(t->context, 2 * n, sizeof *t->items);
    if (t->columns == NULL || t->missing == NULL || t->targets == NULL || t->weights == NULL || t->features == NULL ||
        t->items == NULL)
        return XAI_E_NO_MEMORY;
    return XAI_OK;
}

/* NaN is a missing value; infinity has no place between two others where a threshold could lie. */
static xai_status lay_out_columns(table *t, const xai_tensor *rows)
{
    for (size_t i = 0; i < t->n_rows; i++) {
        for (size_t f = 0; f < t->n_features; f++) {
            float x = rows->data[i * t->n_features + f];
            if (isinf(x))
                return xai__fail(XAI_E_INVALID, "row %zu has an infinite value in column %zu", i, f);
            t->missing[f] = t->missing[f] || isnan(x);
            t->columns[f * t->n_rows + i] = x;
        }
    }
    for (size_t f = 0; f < t->n_features; f++)
        t->features[f] = (uint32_t)f;
    return XAI_OK;
}

/* Targets of a regression: one column, like the weights of a single class. */
static xai_status take_numbers(table *t, const xai_tensor *targets, const xai_fit_options *options)
{
    if (options->n_classes > 0 || options->class_names != NULL)
        return xai__fail(XAI_E_INVALID, "%s is set, but \"squared_error\" predicts numbers",
                         options->n_classes > 0 ? "n_classes" : "class_names");
    for (size_t i = 0; i < t->n_rows; i++) {
        t->targets[i] = targets->data[i];
        if (!isfinite(t->targets[i]))
            return xai__fail(XAI_E_INVALID, "target %zu is not a finite number", i);
    }
    t->n_classes = 1;
    return XAI_OK;
}

/* Rows without weight take no part, not even as a sample that is counted. */
static xai_status take_weights(table *t, const xai_fit_options *options)
{
    xai_status status = xai__fit_weights(t->weights, t->n_rows, options);

    for (size_t i = 0; i < t->n_rows && status == XAI_OK; i++) {
        if (t->weights[i] > 0)
            t->items[t->n_used++].row = (uint32_t)i;
        t->weight += t->weights[i];
    }
    return status;
}

static xai_status prepare(table *t, const xai_tensor *rows, const xai_tensor *targets, const xai_fit_options *options,
                          bool regression)
{
    xai_status status = check_options(options, t->n_features);

    if (status == XAI_OK)
        status = allocate(t, rows);
    if (status == XAI_OK)
        status = lay_out_columns(t, rows);
    if (status == XAI_OK)
        status = regression ? take_numbers(t, targets, options)
                            : xai__fit_classes(t->targets, &t->n_classes, targets, options);
    if (status == XAI_OK)
        status = take_weights(t, options);
    if (status < 0)
        return status;
    t->sums = xai__zalloc_array(t->context, t->n_classes, 3 * sizeof *t->sums);
    return t->sums == NULL ? XAI_E_NO_MEMORY : XAI_OK;
}

/* Whether counts are exact in any order, every list is of use, and there is room. Weights are no whole numbers, so
 * their sums hang on the order; one class has nothing to count, and classes are kept as bytes; of features that are
 * drawn most lists would be parted in vain; and squares of 2^26 rows are the largest that a double counts exactly. */
static bool presort_pays(const table *t, const xai_fit_options *options)
{
    size_t most = XAI__CART_PRESORT_MAX / sizeof(xai__cart_item);

    return options->sample_weights == NULL && t->n_classes > 1 && t->n_classes <= UINT8_MAX + 1 &&
           (options->max_features == 0 || options->max_features == t->n_features) && t->n_rows < 1 << 26 &&
           t->n_rows <= most / t->n_features;
}

/* Classes as bytes beside the lists: a scan reads one for each row. */
static xai_status presort(table *t)
{
    t->classes = xai__alloc_array(t->context, t->n_rows, sizeof *t->classes);
    if (t->classes == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < t->n_rows; i++)
        t->classes[i] = (uint8_t)t->targets[i];
    return xai__cart_presort_create(&t->presort, t->context, t->columns, t->n_rows, t->n_features, t->items, t->n_used);
}

/* 0 becomes scikit-learn's defaults. A node that is split has rows for two leaves. */
static xai__cart_limits read_limits(const table *t, const xai_fit_options *options)
{
    size_t leaf = options->min_samples_leaf > 0 ? options->min_samples_leaf : 1;
    size_t split = options->min_samples_split > 0 ? options->min_samples_split : 2;

    return (xai__cart_limits){ .max_depth = options->max_depth > 0 ? options->max_depth : SIZE_MAX,
                               .max_leaf_nodes = options->max_leaf_nodes > 0 ? options->max_leaf_nodes : SIZE_MAX,
                               .min_samples_split = split > 2 * leaf ? split : 2 * leaf,
                               .min_samples_leaf = leaf,
                               .min_impurity_decrease = options->min_impurity_decrease,
                               /* Not t->weight: that sum is taken in another order, and the last bit can decide. */
                               .min_leaf_weight = options->min_weight_fraction_leaf *
                                                  xai__sum_pairwise(t->weights, t->n_rows) };
}

static xai_status grow(xai__cart *cart, table *t, const xai_fit_options *options, enum xai__cart_measure measure)
{
    const xai__cart_limits limits = read_limits(t, options);
    xai__cart_splitter splitter = { .items = t->items,
                                    .spare = t->items + t->n_rows,
                                    .columns = t->columns,
                                    .missing = t->missing,
                                    .n_rows = t->n_rows,
                                    .n_features = t->n_features,
                                    .max_features = options->max_features > 0 ? options->max_features : t->n_features,
                                    .features = t->features,
                                    .constants = t->features + t->n_features,
                                    .random = xai__cart_seed((uint32_t)options->seed),
                                    .total_weight = t->weight,
                                    .min_leaf = limits.min_samples_leaf,
                                    .min_leaf_weight = limits.min_leaf_weight,
                                    .presort = t->classes != NULL ? &t->presort : NULL,
                                    .classes = t->classes,
                                    .keeps_constants = options->max_leaf_nodes == 0 };

    splitter.criterion = (xai__cart_criterion){ .measure = measure,
                                                .n_classes = t->n_classes,
                                                .targets = t->targets,
                                                .weights = options->sample_weights != NULL ? t->weights : NULL,
                                                .items = t->items,
                                                .end = t->n_used,
                                                .total = t->sums,
                                                .left = t->sums + t->n_classes,
                                                .right = t->sums + 2 * t->n_classes };
    return xai__cart_grow(cart, &splitter, &limits);
}

/* Replaces *cart by its pruned self where the options ask for that, and names its nodes. */
static xai_status finish(xai__cart **cart, const xai_fit_options *options)
{
    xai__cart *grown = *cart;
    xai_status status = xai__names_copy(&grown->tree, options->feature_names, options->class_names);

    if (status < 0 || options->ccp_alpha == 0)
        return status < 0 ? status : xai__cart_finish(grown);
    status = xai__cart_prune(cart, grown, options->ccp_alpha);
    xai_tree_unref(&grown->tree);
    return status;
}

xai_status xai__cart_fit(xai_tree **out, const xai_tensor *rows, const xai_tensor *targets,
                         const xai_fit_options *options)
{
    enum xai__cart_measure measure = XAI__CART_GINI;
    table t = { .context = rows->object.context,
                .n_rows = (size_t)rows->shape[0],
                .n_features = (size_t)rows->shape[1] };
    xai__cart *cart = NULL;
    xai_status status = find_criterion(&measure, options);
    bool regression = measure == XAI__CART_SQUARED_ERROR;

    if (status == XAI_OK)
        status = prepare(&t, rows, targets, options, regression);
    if (status == XAI_OK)
        status = xai__cart_create(&cart, t.context, t.n_features, t.n_classes, regression);
    if (status == XAI_OK && presort_pays(&t, options))
        status = presort(&t);
    if (status == XAI_OK)
        status = grow(cart, &t, options, measure);
    drop(&t);
    if (status == XAI_OK)
        status = finish(&cart, options);
    if (status == XAI_OK)
        *out = &cart->tree;
    else if (cart != NULL)
        xai_tree_unref(&cart->tree);
    return status;
}
