/* SPDX-License-Identifier: MIT
 * Trees that golden/make_cart.py and make_shap.py fit: the same tables, weights, holes and options. */
#ifndef XAI_UNIT_CART_CASES_H
#define XAI_UNIT_CART_CASES_H

#include "tables.h"

enum { CART_CASE_N_OPTIONS = 9 };

static inline void cart_case_set_options(xai_fit_options *options, int row)
{
    options->max_depth = row == 1 ? 4 : 0;
    options->max_leaf_nodes = row == 2 ? 12 : row == 6 ? 40 : 0;
    options->max_features = row == 3 ? 2 : row == 6 ? 3 : 0;
    options->min_samples_leaf = row == 4 ? 5 : 0;
    options->min_samples_split = row == 4 ? 20 : 0;
    options->min_impurity_decrease = row == 5 ? 0.01 : 0;
    options->min_weight_fraction_leaf = row == 7 ? 0.03 : 0;
    options->ccp_alpha = row == 8 ? 0.01 : 0;
}

/* A line of golden/cart.txt or shap.txt: the table that it speaks of, and its tree. */
typedef struct cart_case {
    char what[16], set[16], criterion[16];
    unsigned weighted, missing, seed;
    int row;
    size_t n;
    unsigned long long digest;
} cart_case;

/* The case's rows and targets, with holes; free them with tables_free(). */
static inline tables_table cart_case_table(const cart_case *l, const tables_table *whole, size_t key)
{
    tables_table t = tables_alloc(whole->n_rows, whole->n_features);

    memcpy(t.rows, whole->rows, t.n_rows * t.n_features * sizeof(float));
    memcpy(t.targets, whole->targets, t.n_rows * sizeof(float));
    if (l->missing)
        tables_punch(&t, 10000 + 100 * key + l->seed);
    for (size_t i = 0; i < t.n_rows && strcmp(l->criterion, "squared_error") == 0; i++)
        t.targets[i] = (float)((double)t.targets[i] + xai__rng_uniform_at(30000 + key, i));
    return t;
}

static inline xai_tree *cart_case_fit(xai_context *context, const cart_case *l, const tables_table *whole, size_t key)
{
    xai_fit_options options = { .struct_size = sizeof options, .criterion = l->criterion, .seed = l->seed };
    tables_table t = cart_case_table(l, whole, key);
    float *weights = l->weighted ? tables_weigh(20000 + 100 * key + 2 * l->seed, t.n_rows) : NULL;
    xai_tensor *rows = NULL, *targets = NULL;
    xai_tree *tree = NULL;

    cart_case_set_options(&options, l->row);
    options.sample_weights = weights;
    tables_wrap(context, &t, &rows, &targets);
    ck_assert_ok(xai_tree_fit(&tree, rows, targets, &options));
    xai_tensor_unref(rows);
    xai_tensor_unref(targets);
    free(weights);
    tables_free(&t);
    return tree;
}

#endif
