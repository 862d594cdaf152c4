/* SPDX-License-Identifier: MIT
 * Metrics of stored maps beside the numbers of Quantus, scipy and scikit-image. */
#include <math.h>
#include <stdbool.h>

#include "photograph.h"

/* As far as the originals' own float32 and the logarithm's rounding go. */
static const double TOLERANCE = 1e-5;

enum { HEIGHT = 32, WIDTH = 40 };

/* --- maps --- */

/* The same as in make_metrics.py. */
static xai_tensor *make_map(xai_context *context, bool is_hill)
{
    const int64_t shape[2] = { HEIGHT, WIDTH };
    xai_tensor *map = NULL;

    ck_assert_ok(xai_tensor_create(&map, context, shape, 2));
    for (uint64_t i = 0; i < HEIGHT * WIDTH; i++) {
        double y = (double)(i / WIDTH) - 9.3, x = (double)(i % WIDTH) - 27.1;
        double noise = (double)(i * 2654435761u % (1ull << 32)) / (1ull << 32) - 0.5;

        xai_tensor_data(map)[i] = (float)(is_hill ? 1 / (1 + y * y + x * x) : noise);
    }
    return map;
}

static bool is_made_here(const char *name)
{
    return strcmp(name, "hill") == 0 || strcmp(name, "noise") == 0;
}

static xai_tensor *load_map(xai_context *context, const char *name)
{
    return is_made_here(name) ? make_map(context, strcmp(name, "hill") == 0) : photograph_golden(context, name);
}

/* --- lines --- */

/* One line of metrics.txt. */
typedef struct line {
    char map[64], other[64], region[64], metric[64], profile[64];
    uint32_t k;
    double value;
} line;

static xai_status measure(double *out, const line *l, const xai_tensor *a, const xai_tensor *b)
{
    long long box[4] = { 0 };
    xai_metric_options options = { .struct_size = sizeof options, .profile = l->profile, .k = l->k };

    if (strcmp(l->region, "-") != 0)
        ck_assert_int_eq(sscanf(l->region, "%lld,%lld,%lld,%lld", &box[0], &box[1], &box[2], &box[3]), 4);
    for (int i = 0; i < 4; i++)
        options.box[i] = box[i];
    return b != NULL ? xai_metric_agreement(out, a, b, l->metric, &options)
                     : xai_metric_map(out, a, l->metric, &options);
}

static void check_line(xai_context *context, const line *l)
{
    xai_tensor *a = load_map(context, l->map), *b = strcmp(l->other, "-") != 0 ? load_map(context, l->other) : NULL;
    double value = NAN;

    ck_assert_ptr_nonnull(a);
    ck_assert_ok(measure(&value, l, a, b));
    ck_assert_msg(fabs(value - l->value) <= TOLERANCE, "%s %s %s %s %s: %.9g, expected %.9g", l->map, l->other,
                  l->region, l->metric, l->profile, value, l->value);
    xai_tensor_unref(a);
    xai_tensor_unref(b);
}

START_TEST(stored_maps)
{
    FILE *file = fopen(testing_source("tests/golden/metrics.txt"), "r");
    xai_context *context = testing_context(1);
    bool has_photograph = testing_data("../golden/catdog/input.npy") != NULL;
    int n = 0, n_checked = 0;
    line l;

    ck_assert_ptr_nonnull(file);
    while (fscanf(file, "%63s %63s %63s %63s %63s %u %lf", l.map, l.other, l.region, l.metric, l.profile, &l.k,
                  &l.value) == 7) {
        n++;
        if (!has_photograph && !is_made_here(l.map))
            continue;
        check_line(context, &l);
        n_checked++;
    }
    fclose(file);
    ck_assert_int_ge(n, 100);
    ck_assert_int_ge(n_checked, 30); /* those of the two maps that are made here */
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("golden_metrics");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, stored_maps);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
