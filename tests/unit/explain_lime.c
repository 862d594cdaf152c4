/* SPDX-License-Identifier: MIT
 * LIME and KernelSHAP: what must hold whatever the black box is. The originals' numbers are in golden/lime.c. */
#include <math.h>

#include "explained.h"
#include "explain/attribution.h"

enum { SIDE = 6, MOST = SIDE * SIDE, MANY = 1100 };

/* A grid of one-pixel segments, n of them in a row, of a picture of ones; what is hidden is 0. */
typedef struct toy {
    xai_context *context;
    xai_tensor *picture;
    xai_segments *segments;
    xai_black_box box;
    int n;
} toy;

static toy toy_begin(int n, xai_predict_fn predict, uint64_t n_classes, void *user)
{
    const int64_t shape[4] = { 1, 1, 1, n };
    int32_t labels[MANY];
    toy t = { .context = testing_context(1), .n = n };

    t.box = (xai_black_box){ .struct_size = sizeof t.box,
                             .predict = predict,
                             .user = user,
                             .n_classes = n_classes,
                             .kind = XAI_PREDICT_PROBABILITIES };
    ck_assert_ok(xai_tensor_create(&t.picture, t.context, shape, 4));
    for (int i = 0; i < n; i++) {
        xai_tensor_data(t.picture)[i] = 1;
        labels[i] = i;
    }
    ck_assert_ok(xai_segments_wrap(&t.segments, t.context, labels, n, 1));
    return t;
}

static void toy_end(toy *t)
{
    xai_segments_unref(t->segments);
    xai_tensor_unref(t->picture);
    xai_context_unref(t->context);
}

static xai_attribution *lime_of(toy *t, int64_t index, xai_lime_options options)
{
    const xai_target target = { .index = index };
    xai_attribution *a = NULL;

    options.struct_size = sizeof options;
    options.black_box = &t->box;
    options.hide = XAI_HIDE_VALUE;
    ck_assert_ok(xai_lime_compute(&a, NULL, t->picture, t->segments, &target, 1, &options));
    return a;
}

static xai_attribution *shap_of(toy *t, int64_t index, uint32_t n_samples, uint64_t seed)
{
    const xai_run_options run = { .struct_size = sizeof run, .seed = seed };
    const xai_target target = { .index = index };
    const xai_shap_options options = {
        .struct_size = sizeof options, .n_samples = n_samples, .run = &run, .black_box = &t->box
    };
    xai_attribution *a = NULL;

    ck_assert_ok(xai_shap_compute(&a, NULL, t->picture, t->segments, &target, 1, &options));
    return a;
}

/* --- black boxes --- */

static double effect(int j)
{
    return (j * 7 % 5 - 2) / 8.0 + (j == 3) / 2.0;
}

/* Class 0 is linear, class 1 has products of neighbours and of three. */
static int32_t mixed(const float *batch, size_t n, float *scores, void *user)
{
    const int m = *(const int *)user;

    for (size_t i = 0; i < n; i++, batch += m, scores += 2) {
        double linear = 0.25, product = 0;

        for (int j = 0; j < m; j++)
            linear += effect(j) * batch[j];
        for (int j = 0; j + 1 < m; j++)
            product += (j % 3 - 0.75) * batch[j] * batch[j + 1];
        if (m > 2)
            product += 0.5 * batch[0] * batch[1] * batch[m - 1];
        scores[0] = (float)linear;
        scores[1] = (float)(linear + product);
    }
    return 0;
}

static double mixed_score(const float *shown, int m)
{
    float scores[2];

    mixed(shown, 1, scores, &m);
    return scores[1];
}

/* --- LIME --- */

START_TEST(test_lime_linear)
{
    int n = 10;
    toy t = toy_begin(n, mixed, 2, &n);
    xai_attribution *a = lime_of(&t, 0, (xai_lime_options){ .alpha = 1e-9, .n_samples = 200 });
    double coefficients[10], errors[10];
    uint32_t top[3];

    ck_assert_uint_eq(xai_attribution_segments(a, coefficients, errors, 10), 10);
    for (int j = 0; j < n; j++) {
        ck_assert_double_eq_tol(coefficients[j], effect(j), 1e-6);
        ck_assert_double_eq_tol(errors[j], 0, 1e-6);
    }
    ck_assert_double_eq_tol(xai_attribution_number(a, "r_squared"), 1, 1e-9);
    ck_assert_double_eq_tol(xai_attribution_number(a, "intercept"), 0.25, 1e-6);
    ck_assert_double_eq_tol(xai_attribution_number(a, "local_prediction"), xai_attribution_score(a), 1e-6);
    ck_assert_uint_eq(xai_attribution_top(a, top, 3, XAI_TOP_POSITIVE), 3);
    ck_assert_uint_eq(top[0], 3);
    for (size_t k = 0; k < 2; k++)
        ck_assert_double_ge(coefficients[top[k]], coefficients[top[k + 1]]);
    ck_assert_uint_eq(xai_attribution_top(a, top, 3, XAI_TOP_NEGATIVE), 3);
    ck_assert_double_lt(coefficients[top[0]], 0);
    ck_assert_uint_eq(xai_attribution_top(a, top, 0, XAI_TOP_BOTH), 0);
    ck_assert_uint_eq(xai_attribution_top(a, top, 3, 7), 0);
    xai_attribution_unref(a);
    toy_end(&t);
}
END_TEST

/* The errors stated are those seen over seeds: on average, of segments whose coefficient is not shrunk away. */
static void check_errors(toy *t, xai_attribution *(*explain)(toy *t, uint64_t seed))
{
    enum { N_RUNS = 200 };
    double values[MOST], errors[MOST], sum[MOST] = { 0 }, square[MOST] = { 0 }, stated[MOST] = { 0 }, ratio = 0;

    for (int run = 0; run < N_RUNS; run++) {
        xai_attribution *a = explain(t, (uint64_t)run);

        xai_attribution_segments(a, values, errors, MOST);
        for (int j = 0; j < t->n; j++) {
            sum[j] += values[j];
            square[j] += values[j] * values[j];
            stated[j] += errors[j] * errors[j] / N_RUNS;
        }
        xai_attribution_unref(a);
    }
    for (int j = 0; j < t->n; j++) {
        double seen = (square[j] - sum[j] * sum[j] / N_RUNS) / (N_RUNS - 1);

        /* 200 runs know a variance to 10 %, and four of those are allowed. */
        ck_assert_msg(stated[j] > 0.6 * seen && stated[j] < 1.6 * seen,
                      "segment %d: a variance of %g is stated, over seeds it is %g", j, stated[j], seen);
        ratio += stated[j] / seen / t->n;
    }
    ck_assert_msg(ratio > 0.8 && ratio < 1.25, "variances are stated %g times as large as they are", ratio);
}

static xai_attribution *lime_with_seed(toy *t, uint64_t seed)
{
    const xai_run_options run = { .struct_size = sizeof run, .seed = seed };

    return lime_of(t, 1, (xai_lime_options){ .n_samples = 300, .run = &run });
}

START_TEST(test_lime_errors)
{
    int n = 12;
    toy t = toy_begin(n, mixed, 2, &n);

    check_errors(&t, lime_with_seed);
    toy_end(&t);
}
END_TEST

START_TEST(test_stability)
{
    int n = 20;
    toy t = toy_begin(n, mixed, 2, &n);
    const xai_run_options run = { .struct_size = sizeof run, .seed = 40 };
    const xai_lime_options many = { .n_samples = 150, .n_repeats = 4, .run = &run },
                           one = { .n_samples = 150, .run = &run },
                           linear = { .n_samples = 400, .n_repeats = 3, .alpha = 1e-9, .n_top = 1 };
    xai_attribution *a = lime_of(&t, 1, many), *b = lime_of(&t, 1, one), *c = lime_of(&t, 0, linear);
    double first[20], second[20], stability = xai_attribution_number(a, "stability");

    /* The result is the first run's. */
    xai_attribution_segments(a, first, NULL, 20);
    xai_attribution_segments(b, second, NULL, 20);
    ck_assert_mem_eq(first, second, sizeof first);
    ck_assert(stability > 0 && stability <= 1);
    ck_assert(isnan(xai_attribution_number(b, "stability")));
    ck_assert_double_eq(xai_attribution_number(a, "samples"), 600);
    ck_assert_double_eq(xai_attribution_number(c, "stability"), 1);
    xai_attribution_unref(a);
    xai_attribution_unref(b);
    xai_attribution_unref(c);
    toy_end(&t);
}
END_TEST

/* --- KernelSHAP --- */

/* From all orders' worth of subsets: a segment's gain, weighed by |S|! (n - |S| - 1)! / n!. */
static void find_shapley(double *values, int n)
{
    for (int j = 0; j < n; j++) {
        values[j] = 0;
        for (unsigned set = 0; set < 1u << n; set++) {
            float shown[MOST];
            double weight = 1.0 / n, before;
            int size = 0;

            if ((set >> j & 1) != 0)
                continue;
            for (int i = 0; i < n; i++) {
                shown[i] = (float)(set >> i & 1);
                size += set >> i & 1;
            }
            for (int i = 1; i <= size; i++)
                weight *= (double)i / (n - i);
            before = mixed_score(shown, n);
            shown[j] = 1;
            values[j] += weight * (mixed_score(shown, n) - before);
        }
    }
}

START_TEST(test_shapley_values)
{
    int n = _i;
    toy t = toy_begin(n, mixed, 2, &n);
    xai_attribution *a = shap_of(&t, 1, 0, 0);
    double wanted[MOST], got[MOST], errors[MOST], sum = 0;

    find_shapley(wanted, n);
    ck_assert_uint_eq(xai_attribution_segments(a, got, errors, MOST), n);
    for (int j = 0; j < n; j++) {
        ck_assert_double_eq_tol(got[j], wanted[j], 1e-6);
        ck_assert_double_eq(errors[j], 0);
        sum += got[j];
    }
    ck_assert_double_eq_tol(sum, xai_attribution_score(a) - xai_attribution_number(a, "expected"), 1e-14);
    ck_assert_double_eq(xai_attribution_number(a, "samples"), n > 1 ? (1 << n) - 2 : 0);
    xai_attribution_unref(a);
    toy_end(&t);
}
END_TEST

START_TEST(test_shap_linear)
{
    int n = 25;
    toy t = toy_begin(n, mixed, 2, &n);
    xai_attribution *a = shap_of(&t, 0, 300, 9);
    double got[25], errors[25];

    xai_attribution_segments(a, got, errors, 25);
    for (int j = 0; j < n; j++) {
        ck_assert_double_eq_tol(got[j], effect(j), 1e-5);
        ck_assert_double_eq_tol(errors[j], 0, 1e-5);
    }
    ck_assert_double_eq_tol(xai_attribution_number(a, "additivity_error"), 0, 1e-14);
    xai_attribution_unref(a);
    toy_end(&t);
}
END_TEST

/* There are 10^329 coalitions of half of so many segments. */
START_TEST(test_shap_of_many_segments)
{
    enum { N_SAMPLES = 1500 };
    int n = MANY;
    toy t = toy_begin(n, mixed, 2, &n);
    xai_tensor *samples = NULL;
    const xai_target target = { .index = 0 };
    double *got = calloc(MANY, sizeof *got);
    xai_attribution *a = NULL;
    xai__rng rng;

    xai__rng_seed(&rng, 3);
    ck_assert_ok(xai_tensor_create(&samples, t.context, (const int64_t[]){ N_SAMPLES, MANY }, 2));
    for (size_t i = 0; i < N_SAMPLES * MANY; i++)
        samples->data[i] = xai__rng_uniform(&rng) < 0.5;
    const xai_shap_options options = { .struct_size = sizeof options, .samples = samples, .black_box = &t.box };
    ck_assert_ok(xai_shap_compute(&a, NULL, t.picture, t.segments, &target, 1, &options));
    ck_assert_uint_eq(xai_attribution_segments(a, got, NULL, MANY), MANY);
    for (int j = 0; j < n; j++)
        ck_assert_double_eq_tol(got[j], effect(j), 1e-3);
    xai_attribution_unref(a);
    xai_tensor_unref(samples);
    free(got);
    toy_end(&t);
}
END_TEST

static xai_attribution *shap_with_seed(toy *t, uint64_t seed)
{
    return shap_of(t, 1, 400, seed);
}

START_TEST(test_shap_errors)
{
    int n = 14;
    toy t = toy_begin(n, mixed, 2, &n);

    check_errors(&t, shap_with_seed);
    toy_end(&t);
}
END_TEST

START_TEST(test_too_few_coalitions)
{
    int n = 30;
    toy t = toy_begin(n, mixed, 2, &n);
    const xai_shap_options options = { .struct_size = sizeof options, .n_samples = 20, .black_box = &t.box };
    xai_attribution *a = (xai_attribution *)&t;

    ck_assert_fails(xai_shap_compute(&a, NULL, t.picture, t.segments, NULL, 0, &options), XAI_E_INVALID,
                    "20 coalitions do not determine the values of 30 segments");
    ck_assert_ptr_null(a);
    toy_end(&t);
}
END_TEST

START_TEST(test_captum_shap)
{
    int n = 8;
    toy t = toy_begin(n, mixed, 2, &n);
    const xai_target target = { .index = 0 };
    const xai_shap_options options = {
        .struct_size = sizeof options, .profile = "captum", .n_samples = 60, .black_box = &t.box
    };
    xai_attribution *a = NULL;
    double got[8];

    ck_assert_ok(xai_shap_compute(&a, NULL, t.picture, t.segments, &target, 1, &options));
    xai_attribution_segments(a, got, NULL, 8);
    for (int j = 0; j < n; j++)
        ck_assert_double_eq_tol(got[j], effect(j), 1e-5);
    ck_assert_double_eq_tol(xai_attribution_number(a, "additivity_error"), 0, 1e-5);
    xai_attribution_unref(a);
    toy_end(&t);
}
END_TEST

/* --- sessions --- */

static xai_segments *quarters(xai_context *context, int32_t width, int32_t height)
{
    int32_t labels[MOST * MOST];
    xai_segments *segments = NULL;

    for (int32_t i = 0; i < width * height; i++)
        labels[i] = i / width * 3 / height * 3 + i % width * 3 / width;
    ck_assert_ok(xai_segments_wrap(&segments, context, labels, width, height));
    return segments;
}

/* Several targets in one run, whatever the budget and the number of threads: the bits of each alone. */
START_TEST(test_targets)
{
    static const xai_target targets[3] = { { .index = 4 },
                                           { .index = -1, .score = XAI_SCORE_PROBABILITY },
                                           { .index = 2, .score = XAI_SCORE_VALUE, .value = "flatten" } };
    const xai_run_options run = { .struct_size = sizeof run, .memory_budget = 1, .seed = 2 },
                          roomy = { .struct_size = sizeof roomy, .seed = 2 };
    xai_lime_options options = { .struct_size = sizeof options, .n_samples = 60, .run = &roomy };
    explained e = explained_begin(network_residual), many = explained_in(testing_context(3), network_residual, 1 << 20);
    xai_segments *segments = quarters(e.context, 17, 21);
    xai_attribution *all[3], *one;
    double first[9], second[9];

    ck_assert_ok(xai_lime_compute(all, e.session, e.input, segments, targets, 3, &options));
    options.run = &run;
    for (int i = 0; i < 3; i++) {
        ck_assert_ok(xai_lime_compute(&one, many.session, many.input, segments, &targets[i], 1, &options));
        xai_attribution_segments(all[i], first, NULL, 9);
        xai_attribution_segments(one, second, NULL, 9);
        ck_assert_mem_eq(first, second, sizeof first);
        ck_assert_ptr_eq(xai_attribution_ref(one), one);
        xai_attribution_unref(one);
        xai_attribution_unref(one);
        xai_attribution_unref(all[i]);
    }
    xai_segments_unref(segments);
    explained_end(&e);
    explained_end(&many);
}
END_TEST

/* The map is the coefficients, painted. */
START_TEST(test_map)
{
    explained e = explained_begin(network_residual);
    xai_segments *segments = quarters(e.context, 17, 21);
    xai_attribution *a = NULL;
    xai_tensor *map;
    double coefficients[9];
    int64_t shape[2];

    ck_assert_ok(xai_shap_compute(&a, e.session, e.input, segments, NULL, 0, NULL));
    xai_attribution_segments(a, coefficients, NULL, 9);
    map = explained_raw_map(a);
    ck_assert_uint_eq(xai_tensor_shape(map, shape, 2), 2);
    ck_assert(shape[0] == 21 && shape[1] == 17);
    for (int i = 0; i < 21 * 17; i++)
        ck_assert_float_eq(xai_tensor_data(map)[i], (float)coefficients[xai_segments_labels(segments)[i]]);
    xai_tensor_unref(map);
    xai_attribution_unref(a);
    xai_segments_unref(segments);
    explained_end(&e);
}
END_TEST

static int32_t stop_at_once(uint64_t done, uint64_t total, void *user)
{
    *(uint64_t *)user = done;
    return 1;
}

START_TEST(test_stopped)
{
    explained e = explained_begin(network_residual);
    xai_segments *segments = quarters(e.context, 17, 21);
    uint64_t seen = 0;
    const xai_run_options run = { .struct_size = sizeof run, .progress = stop_at_once, .user = &seen };
    const xai_lime_options options = { .struct_size = sizeof options, .run = &run };
    xai_attribution *a = NULL;

    ck_assert_int_eq(xai_lime_compute(&a, e.session, e.input, segments, NULL, 0, &options), XAI_PARTIAL);
    ck_assert_ptr_nonnull(a);
    ck_assert(seen > 0 && seen < 1000);
    ck_assert_double_eq(xai_attribution_number(a, "samples"), (double)seen);
    xai_attribution_unref(a);
    xai_segments_unref(segments);
    explained_end(&e);
}
END_TEST

/* Only the picture itself weighs anything, or everything the same: there is no NaN in either. */
START_TEST(test_kernel_widths)
{
    static const double widths[] = { 1e-150, 1e-3, 1e150, 1e300 };
    explained e = explained_begin(network_residual);
    xai_segments *segments = quarters(e.context, 17, 21);

    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        const xai_lime_options options = { .struct_size = sizeof options, .kernel_width = widths[i], .n_samples = 40 };
        xai_attribution *a = NULL;

        ck_assert_int_ge(xai_lime_compute(&a, e.session, e.input, segments, NULL, 0, &options), XAI_OK);
        ck_assert(isfinite(xai_attribution_number(a, "intercept")) && isfinite(xai_attribution_number(a, "r_squared")));
        for (size_t k = 0; k < a->map->size; k++)
            ck_assert(isfinite(a->map->data[k]) && (widths[i] > 1) == (a->map->data[k] != 0));
        xai_attribution_unref(a);
    }
    xai_segments_unref(segments);
    explained_end(&e);
}
END_TEST

/* --- what is refused --- */

static const struct {
    xai_lime_options options;
    xai_status status;
    const char *words;
} lime_refused[] = {
    { { .profile = "shap" }, XAI_E_NOT_FOUND, "it has default, lime, captum" },
    { { .selection = "lasso_path" }, XAI_E_NOT_FOUND, "there are auto, none, highest_weights, forward_selection" },
    { { .profile = "captum", .n_features = 3 }, XAI_E_INVALID, "profile captum selects by its lasso" },
    { { .kernel_width = -1 }, XAI_E_INVALID, "kernel_width is -1" },
    { { .kernel_width = 1e-200 }, XAI_E_INVALID, "kernel_width is 1e-200, it is 0 or at least 1e-150" },
    { { .profile = "captum", .kernel_width = 1e-140 }, XAI_E_INVALID, "1e-140 leaves none of 25 samples any weight" },
    { { .alpha = NAN }, XAI_E_INVALID, "alpha is nan" },
    { { .hide = 3 }, XAI_E_INVALID, "hide is 3" },
    { { .hide = XAI_HIDE_MEAN, .hide_value = 1 }, XAI_E_INVALID, "hide_value is 1" },
};

START_TEST(test_lime_refused)
{
    explained e = explained_begin(network_residual);
    xai_segments *segments = quarters(e.context, 17, 21);
    xai_lime_options options = lime_refused[_i].options;
    xai_attribution *a = (xai_attribution *)segments;

    options.struct_size = sizeof options;
    ck_assert_fails(xai_lime_compute(&a, e.session, e.input, segments, NULL, 0, &options), lime_refused[_i].status,
                    lime_refused[_i].words);
    ck_assert_ptr_null(a);
    xai_segments_unref(segments);
    explained_end(&e);
}
END_TEST

START_TEST(test_shapes_refused)
{
    explained e = explained_begin(network_residual);
    xai_segments *segments = quarters(e.context, 17, 21), *turned = quarters(e.context, 21, 17);
    const int64_t shape[2] = { 4, 8 };
    const xai_run_options run = { .struct_size = sizeof run, .seed = UINT64_C(1) << 32 };
    xai_shap_options options = { .struct_size = sizeof options };
    xai_tensor *samples = NULL;
    xai_attribution *a = NULL;

    ck_assert_ok(xai_tensor_create(&samples, e.context, shape, 2));
    ck_assert_fails(xai_shap_compute(&a, e.session, e.input, turned, NULL, 0, NULL), XAI_E_SHAPE,
                    "the segments are 17 x 21, the input is 21 x 17");
    ck_assert_fails(xai_shap_compute(&a, e.session, e.input, NULL, NULL, 0, NULL), XAI_E_INVALID, "segments is NULL");
    options.samples = samples;
    ck_assert_fails(xai_shap_compute(&a, e.session, e.input, segments, NULL, 0, &options), XAI_E_SHAPE,
                    "the samples are 4x8, expected Nx9");
    options.samples = NULL;
    options.baseline = samples;
    ck_assert_fails(xai_shap_compute(&a, e.session, e.input, segments, NULL, 0, &options), XAI_E_SHAPE,
                    "the baseline is 4x8, expected 1x3x21x17");
    options = (xai_shap_options){ .struct_size = sizeof options, .run = &run };
    ck_assert_fails(xai_shap_compute(&a, e.session, e.input, segments, NULL, 0, &options), XAI_E_INVALID,
                    "the seed is 4294967296");
    options = (xai_shap_options){ .struct_size = sizeof options, .profile = "lime" };
    ck_assert_fails(xai_shap_compute(&a, e.session, e.input, segments, NULL, 0, &options), XAI_E_NOT_FOUND,
                    "it has default, shap, captum");
    xai_tensor_unref(samples);
    xai_segments_unref(turned);
    xai_segments_unref(segments);
    explained_end(&e);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_lime");
    TCase *tcase = tcase_create("segments");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_lime_linear);
    tcase_add_test(tcase, test_lime_errors);
    tcase_add_test(tcase, test_stability);
    tcase_add_loop_test(tcase, test_shapley_values, 1, 11);
    tcase_add_test(tcase, test_shap_linear);
    tcase_add_test(tcase, test_shap_errors);
    tcase_add_test(tcase, test_shap_of_many_segments);
    tcase_add_test(tcase, test_too_few_coalitions);
    tcase_add_test(tcase, test_captum_shap);
    tcase_add_test(tcase, test_targets);
    tcase_add_test(tcase, test_map);
    tcase_add_test(tcase, test_stopped);
    tcase_add_test(tcase, test_kernel_widths);
    tcase_add_loop_test(tcase, test_lime_refused, 0, sizeof lime_refused / sizeof *lime_refused);
    tcase_add_test(tcase, test_shapes_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

TESTING_MAIN(make_suite)
