/* SPDX-License-Identifier: MIT
 * Metrics of maps: answers that are known, and what is refused. */
#include <math.h>

#include <xai/metrics.h>

#include "testing.h"

#include "core/memory.h"
#include "core/tensor.h"
#include "explain/ranking.h"

static xai_context *context;

static void set_up(void)
{
    context = testing_context(1);
}

static void tear_down(void)
{
    xai_context_unref(context);
}

/* A map of the numbers given. */
static xai_tensor *make(int64_t height, int64_t width, const float *values)
{
    const int64_t shape[2] = { height, width };
    xai_tensor *map = NULL;

    ck_assert_ok(xai_tensor_create(&map, context, shape, 2));
    for (size_t i = 0; values != NULL && i < map->size; i++)
        map->data[i] = values[i];
    return map;
}

static double measure(const xai_tensor *map, const char *metric, const xai_metric_options *options)
{
    double value = NAN;

    ck_assert_ok(xai_metric_map(&value, map, metric, options));
    return value;
}

static double agree(const xai_tensor *a, const xai_tensor *b, const char *metric, uint32_t k)
{
    const xai_metric_options options = { .struct_size = sizeof options, .k = k };
    double value = NAN;

    ck_assert_ok(xai_metric_agreement(&value, a, b, metric, &options));
    return value;
}

/* --- known answers --- */

START_TEST(one_pixel)
{
    xai_tensor *map = make(20, 30, NULL);

    map->data[7 * 30 + 12] = -2;
    ck_assert_double_eq_tol(measure(map, "sparseness", NULL), 1 - 1.0 / 600, 1e-4);
    ck_assert_double_eq_tol(measure(map, "complexity", NULL), 0, 1e-9);
    xai_tensor_unref(map);
}
END_TEST

/* The Gini index of 1, 2, 3, 4 is 1/4, its entropy that of 0.1, 0.2, 0.3, 0.4. */
START_TEST(four_values)
{
    xai_tensor *map = make(2, 2, (const float[]){ 3, -1, 4, 2 });

    ck_assert_double_eq_tol(measure(map, "sparseness", NULL), 0.25, 1e-6);
    ck_assert_double_eq_tol(measure(map, "complexity", NULL), 1.2798542258, 1e-9);
    xai_tensor_unref(map);
}
END_TEST

START_TEST(tolerance)
{
    xai_tensor *map = make(40, 40, NULL);
    xai_metric_options options = { .struct_size = sizeof options, .box = { 20, 10, 5, 5 } };

    map->data[10 * 40 + 6] = 1; /* 14 columns left of the box */
    ck_assert_double_eq(measure(map, "pointing-game", &options), 1);
    options.tolerance = 14;
    ck_assert_double_eq(measure(map, "pointing-game", &options), 0);
    options.tolerance = 0;
    options.profile = "quantus";
    ck_assert_double_eq(measure(map, "pointing-game", &options), 0);
    map->data[14 * 40 + 24] = 2;
    ck_assert_double_eq(measure(map, "pointing-game", &options), 1);
    options.tolerance = UINT32_MAX;
    options.box[0] = 0;
    ck_assert_double_eq(measure(map, "pointing-game", &options), 1);
    xai_tensor_unref(map);
}
END_TEST

/* A box and the mask of it are one region. */
START_TEST(inside)
{
    xai_tensor *map = make(2, 4, (const float[]){ 8, 1, -6, 2, 4, 3, 7, -5 });
    xai_tensor *region = make(2, 4, (const float[]){ 1, 0, 0, 0, -1, 0, 0, 0 });
    xai_metric_options box = { .struct_size = sizeof box, .box = { 0, 0, 1, 2 }, .k = 3 };
    xai_metric_options mask = { .struct_size = sizeof mask, .region = region, .k = 3 };
    static const struct {
        const char *metric;
        double value;
    } rows[] = {
        { "pointing-game", 1 },
        { "relevance-mass", 12.0 / 25 },
        { "relevance-rank", 0.5 },
        { "top-k-intersection", 2.0 / 3 },
        { "localisation-auc", 11.0 / 12 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_double_eq_tol(measure(map, rows[i].metric, &box), rows[i].value, 1e-12);
        ck_assert_double_eq_tol(measure(map, rows[i].metric, &mask), rows[i].value, 1e-12);
    }
    box.profile = "quantus";
    ck_assert_double_eq_tol(measure(map, "relevance-mass", &box), 12.0 / 14, 1e-12);
    xai_tensor_unref(region);
    xai_tensor_unref(map);
}
END_TEST

START_TEST(agreement)
{
    xai_tensor *a = make(8, 8, NULL), *b = make(8, 8, NULL);

    for (size_t i = 0; i < 64; i++) {
        a->data[i] = (float)i;
        b->data[i] = (float)(i * i);
    }
    ck_assert_double_eq_tol(agree(a, a, "pearson", 0), 1, 1e-12);
    ck_assert_double_eq_tol(agree(a, b, "spearman", 0), 1, 1e-12);
    ck_assert_double_lt(agree(a, b, "pearson", 0), 0.98);
    ck_assert_double_eq(agree(a, b, "top-k-intersection", 5), 1);
    ck_assert_double_eq_tol(agree(a, a, "ssim", 0), 1, 1e-12);
    ck_assert_double_lt(agree(a, b, "ssim", 0), 0.9);
    for (size_t i = 0; i < 64; i++)
        b->data[i] = -a->data[i];
    ck_assert_double_eq_tol(agree(a, b, "spearman", 0), -1, 1e-12);
    ck_assert_double_eq(agree(a, b, "top-k-intersection", 32), 0);
    xai_tensor_unref(a);
    xai_tensor_unref(b);
}
END_TEST

START_TEST(order_of_equals)
{
    double values[7] = { 1, 3, 3, -1, 3, 1, 0 };
    static const uint32_t expected[7] = { 1, 2, 4, 0, 5, 6, 3 };
    static const double ranks[7] = { 3.5, 6, 6, 1, 6, 3.5, 2 };
    uint32_t *order = xai__ranking_descending(context, values, 7);

    ck_assert_mem_eq(order, expected, sizeof expected);
    ck_assert_ok(xai__ranking_of_values(context, values, 7));
    ck_assert_mem_eq(values, ranks, sizeof ranks);
    xai__free(context, order);
}
END_TEST

/* --- remarks and refusals --- */

START_TEST(flat)
{
    const xai_metric_options options = { .struct_size = sizeof options, .box = { 0, 0, 2, 5 } };
    xai_tensor *map = make(10, 10, NULL), *other = make(10, 10, NULL);
    double value = NAN;

    other->data[3] = 1;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(xai_metric_map(&value, map, "sparseness", NULL), XAI_FLAT);
        ck_assert_double_eq_tol(value, 0, 1e-12);
        ck_assert_int_eq(xai_metric_map(&value, map, "complexity", NULL), XAI_FLAT);
        ck_assert_double_eq_tol(value, log(100), 1e-9);
        ck_assert_int_eq(xai_metric_map(&value, map, "relevance-mass", &options), XAI_FLAT);
        ck_assert_double_eq_tol(value, 0.1, 1e-12);
        ck_assert_int_eq(xai_metric_map(&value, map, "localisation-auc", &options), XAI_FLAT);
        ck_assert_double_eq(value, 0.5);
        ck_assert_int_eq(xai_metric_agreement(&value, map, other, "spearman", NULL), XAI_FLAT);
        ck_assert_double_eq(value, 0);
        ck_assert_int_eq(xai_metric_agreement(&value, map, map, "ssim", NULL), XAI_FLAT);
        ck_assert_double_eq(value, 1);
        for (size_t j = 0; j < map->size; j++)
            map->data[j] = 0.3f;
    }
    xai_tensor_unref(map);
    xai_tensor_unref(other);
}
END_TEST

START_TEST(refused_maps)
{
    xai_metric_options options = { .struct_size = sizeof options, .box = { 0, 0, 2, 2 } };
    const int64_t kept[3] = { 3, 4, 4 };
    xai_tensor *map = make(4, 4, NULL), *wide = make(4, 5, NULL), *none = make(0, 4, NULL), *channels = NULL;
    double value = NAN;

    ck_assert_ok(xai_tensor_create(&channels, context, kept, 3));
    ck_assert_fails(xai_metric_agreement(&value, map, wide, "pearson", NULL), XAI_E_SHAPE, "4x4 and 4x5");
    ck_assert_fails(xai_metric_agreement(&value, map, map, "ssim", NULL), XAI_E_SHAPE, "at least 7x7");
    ck_assert_fails(xai_metric_agreement(&value, channels, channels, "ssim", NULL), XAI_E_SHAPE, "3x4x4");
    ck_assert_fails(xai_metric_map(&value, none, "sparseness", NULL), XAI_E_SHAPE, "no elements");
    ck_assert_fails(xai_metric_map(&value, channels, "relevance-mass", &options), XAI_E_SHAPE, "3x4x4");
    ck_assert_int_eq(xai_metric_map(&value, channels, "sparseness", NULL), XAI_FLAT);
    options = (xai_metric_options){ .struct_size = sizeof options, .region = wide };
    ck_assert_fails(xai_metric_map(&value, map, "relevance-mass", &options), XAI_E_SHAPE, "the region is 4x5");
    map->data[5] = NAN;
    ck_assert_fails(xai_metric_map(&value, map, "complexity", NULL), XAI_E_INVALID, "element 5 of the map is");
    ck_assert_double_eq(value, 0);
    map->data[5] = INFINITY;
    ck_assert_fails(xai_metric_agreement(&value, channels, map, "pearson", NULL), XAI_E_SHAPE, "3x4x4 and 4x4");
    ck_assert_fails(xai_metric_agreement(&value, map, map, "pearson", NULL), XAI_E_INVALID, "is inf");
    xai_tensor_unref(map);
    xai_tensor_unref(wide);
    xai_tensor_unref(none);
    xai_tensor_unref(channels);
}
END_TEST

START_TEST(refused_options)
{
    xai_tensor *map = make(4, 6, NULL), *all = make(4, 6, NULL);
    xai_metric_options options = { .struct_size = sizeof options };
    double value;

    for (size_t i = 0; i < all->size; i++)
        all->data[i] = 1;
    ck_assert_fails(xai_metric_map(&value, map, "beauty", NULL), XAI_E_NOT_FOUND, "localisation-auc");
    ck_assert_fails(xai_metric_agreement(&value, map, map, "sparseness", NULL), XAI_E_NOT_FOUND, "spearman");
    ck_assert_fails(xai_metric_map(&value, map, "pointing-game", NULL), XAI_E_INVALID, "needs a region");
    options.profile = "torchray";
    ck_assert_fails(xai_metric_map(&value, map, "sparseness", &options), XAI_E_NOT_FOUND, "default, quantus");
    options.profile = NULL;
    options.k = 25;
    ck_assert_fails(xai_metric_map(&value, map, "sparseness", &options), XAI_E_INVALID, "k is 25");
    options.k = 0;
    options.box[2] = 7;
    options.box[3] = 1;
    ck_assert_fails(xai_metric_map(&value, map, "relevance-mass", &options), XAI_E_INVALID, "7 x 1 at (0, 0)");
    ck_assert_fails(xai_metric_map(&value, map, "sparseness", &options), XAI_E_INVALID, "takes no region");
    ck_assert_fails(xai_metric_agreement(&value, map, map, "pearson", &options), XAI_E_INVALID, "takes no region");
    options.box[0] = INT64_MIN;
    ck_assert_fails(xai_metric_map(&value, map, "relevance-mass", &options), XAI_E_INVALID, "not inside");
    options = (xai_metric_options){ .struct_size = sizeof options, .region = map };
    ck_assert_fails(xai_metric_map(&value, map, "relevance-mass", &options), XAI_E_INVALID, "region is empty");
    options.region = all;
    ck_assert_fails(xai_metric_map(&value, map, "relevance-mass", &options), XAI_E_INVALID, "whole map");
    options.box[2] = options.box[3] = 1;
    ck_assert_fails(xai_metric_map(&value, map, "relevance-mass", &options), XAI_E_INVALID, "both a region and a box");
    ck_assert_fails(xai_metric_map(NULL, map, "sparseness", NULL), XAI_E_INVALID, "out is NULL");
    ck_assert_fails(xai_metric_agreement(&value, map, NULL, "ssim", NULL), XAI_E_INVALID, "b is NULL");
    xai_tensor_unref(map);
    xai_tensor_unref(all);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_metric");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, one_pixel);
    tcase_add_test(cases, four_values);
    tcase_add_test(cases, tolerance);
    tcase_add_test(cases, inside);
    tcase_add_test(cases, agreement);
    tcase_add_test(cases, order_of_equals);
    tcase_add_test(cases, flat);
    tcase_add_test(cases, refused_maps);
    tcase_add_test(cases, refused_options);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
