/* SPDX-License-Identifier: MIT
 * Tables for trees: made ones, the same that golden/make_cart.py draws, and scikit-learn's small ones where there are
 * test data. */
#ifndef XAI_TABLES_H
#define XAI_TABLES_H

#include "testing.h"

#include <math.h>
#include <stdbool.h>

#include "core/rng.h"

typedef struct tables_table {
    size_t n_rows, n_features;
    float *rows, *targets; /* the caller's to free */
} tables_table;

static inline tables_table tables_alloc(size_t n_rows, size_t n_features)
{
    return (tables_table){ n_rows, n_features, calloc(n_rows * n_features, sizeof(float)),
                           calloc(n_rows, sizeof(float)) };
}

static inline void tables_free(tables_table *table)
{
    free(table->rows);
    free(table->targets);
    *table = (tables_table){ 0 };
}

/* Classes that shift some features; every other table has values on a coarse grid, so that there are ties. */
static inline tables_table tables_make(size_t number)
{
    size_t n_classes = 2 + number % 4;
    tables_table t = tables_alloc(120 + 10 * number, 3 + number % 6);

    for (size_t i = 0; i < t.n_rows; i++) {
        double y = floor(xai__rng_uniform_at(1000 + number, i) * (double)n_classes);
        t.targets[i] = (float)y;
        for (size_t f = 0; f < t.n_features; f++) {
            double x = xai__rng_uniform_at(2000 + number, i * t.n_features + f) * 2;
            x = x + y * (double)(f % 3) * 0.5;
            t.rows[i * t.n_features + f] = (float)(number % 2 ? floor(x * 8) / 8 : x);
        }
    }
    return t;
}

/* Reads a table of data/tabular: so many numbers a line, the last one the target. Without rows where it is absent. */
static inline tables_table tables_read(const char *path, bool has_head, size_t n_rows, size_t n_features)
{
    const char *full = testing_data(path);
    tables_table t = { 0 };
    char command[4200], line[4096];
    FILE *file;
    size_t i = 0;

    if (full == NULL)
        return t;
    /* gzip -dcf passes on what is not compressed. */
    snprintf(command, sizeof command, "gzip -dcf '%s'", full);
    file = popen(command, "r");
    ck_assert_ptr_nonnull(file);
    t = tables_alloc(n_rows, n_features);
    if (has_head)
        ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    for (; fgets(line, sizeof line, file) != NULL && i < n_rows; i++) {
        char *at = line;
        for (size_t f = 0; f <= n_features; f++, at++) {
            double number = strtod(at, &at);
            *(f < n_features ? &t.rows[i * n_features + f] : &t.targets[i]) = (float)number;
        }
    }
    ck_assert_int_eq(pclose(file), 0);
    ck_assert_uint_eq(i, n_rows);
    return t;
}

/* Table SET of cart.txt and the key of its random numbers. */
static inline tables_table tables_get(const char *name, size_t *key)
{
    static const struct {
        const char *name, *path;
        bool has_head;
        size_t n_rows, n_features;
    } files[] = {
        { "iris", "tabular/iris.csv", true, 150, 4 },
        { "wine", "tabular/wine_data.csv", true, 178, 13 },
        { "breast_cancer", "tabular/breast_cancer.csv", true, 569, 30 },
        { "digits", "tabular/digits.csv.gz", false, 1797, 64 },
    };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (strcmp(files[i].name, name) != 0)
            continue;
        *key = 100 + strlen(name);
        return tables_read(files[i].path, files[i].has_head, files[i].n_rows, files[i].n_features);
    }
    ck_assert_int_eq(sscanf(name, "made%zu", key), 1);
    return tables_make(*key);
}

/* Makes every seventh value or so a missing one. */
static inline void tables_punch(tables_table *t, uint64_t key)
{
    for (size_t i = 0; i < t->n_rows * t->n_features; i++)
        if (xai__rng_uniform_at(key, i) < 0.15)
            t->rows[i] = NAN;
}

/* Weights of 0 to 3, some of them 0; the caller frees them. */
static inline float *tables_weigh(uint64_t key, size_t n_rows)
{
    float *weights = calloc(n_rows, sizeof *weights);

    for (size_t i = 0; i < n_rows; i++)
        weights[i] = xai__rng_uniform_at(key, i) < 0.1 ? 0.0f : (float)(xai__rng_uniform_at(key + 1, i) * 3);
    return weights;
}

/* The table's memory as tensors, N x F and N. */
static inline void tables_wrap(xai_context *context, const tables_table *t, xai_tensor **rows, xai_tensor **targets)
{
    const int64_t shape[2] = { (int64_t)t->n_rows, (int64_t)t->n_features };

    ck_assert_ok(xai_tensor_wrap(rows, context, t->rows, shape, 2, NULL, NULL));
    if (targets != NULL)
        ck_assert_ok(xai_tensor_wrap(targets, context, t->targets, shape, 1, NULL, NULL));
}

#endif
