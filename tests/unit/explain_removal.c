/* SPDX-License-Identifier: MIT
 * Metrics that remove parts of an image: a linear black box, whose answers are known, a small network, imputation. */
#include <math.h>

#include <xai/metrics.h>

#include "explain/metric/impute.h"
#include "explained.h"

/* One logit, the weighted sum of the pixels, and another of 0.1. Only a patch of 2 x 2 pixels counts, which lies across
 * two squares of that size; each of its pixels gives a quarter of a logit of 1. */
enum { SIDE = 8, N_PIXELS = SIDE * SIDE, TOP = 2, LEFT = 3 };

static const xai_target logit = { .index = 0 };

static xai_context *context;
static xai_tensor *input, *map;
static xai_black_box box;

static bool is_patch(size_t i)
{
    size_t y = i / SIDE, x = i % SIDE;

    return y >= TOP && y < TOP + 2 && x >= LEFT && x < LEFT + 2;
}

static int32_t predict(const float *batch, size_t n, float *scores, void *user)
{
    (void)user;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;

        for (size_t j = 0; j < N_PIXELS; j++)
            sum += is_patch(j) ? (double)batch[i * N_PIXELS + j] / 2 : 0;
        scores[2 * i] = (float)sum;
        scores[2 * i + 1] = 0.1f;
    }
    return 0;
}

static void set_up(void)
{
    const int64_t image[4] = { 1, 1, SIDE, SIDE };

    context = testing_context(2);
    ck_assert_ok(xai_tensor_create(&input, context, image, 4));
    ck_assert_ok(xai_tensor_create(&map, context, image + 2, 2));
    box = (xai_black_box){ .struct_size = sizeof box, .predict = predict, .n_classes = 2 };
    for (size_t i = 0; i < N_PIXELS; i++) {
        input->data[i] = is_patch(i) ? 0.5f : (float)(i % 5) * 0.1f;
        map->data[i] = is_patch(i) ? 0.25f : 0;
    }
}

static void tear_down(void)
{
    xai_tensor_unref(input);
    xai_tensor_unref(map);
    xai_context_unref(context);
}

static xai_faithfulness_options make_options(const char *profile)
{
    return (xai_faithfulness_options){ .struct_size = sizeof(xai_faithfulness_options),
                                       .profile = profile,
                                       .black_box = &box };
}

static double measure(const char *metric, const xai_faithfulness_options *options)
{
    double value = NAN;

    ck_assert_ok(xai_metric_faithfulness(&value, NULL, NULL, input, map, &logit, metric, options));
    return value;
}

/* --- known answers --- */

/* A linear model does what its map says, of every step and every subset. */
START_TEST(correlations)
{
    xai_faithfulness_options options = make_options(NULL), quantus = make_options("quantus");
    xai_tensor *zero = NULL;

    ck_assert_ok(xai_tensor_create(&zero, context, input->shape, 4));
    quantus.baseline = zero;
    ck_assert_double_eq_tol(measure("faithfulness-estimate", &options), 1, 1e-6);
    ck_assert_double_eq_tol(measure("faithfulness-estimate", &quantus), 1, 1e-6);
    options.step = 5;
    quantus.step = 7;
    ck_assert_double_eq_tol(measure("faithfulness-estimate", &options), 1, 1e-6);
    ck_assert_double_eq_tol(measure("faithfulness-correlation", &options), 1, 1e-6);
    ck_assert_double_eq_tol(measure("faithfulness-correlation", &quantus), 1, 1e-6);
    for (size_t i = 0; i < N_PIXELS; i++)
        map->data[i] = -map->data[i];
    ck_assert_double_eq_tol(measure("faithfulness-correlation", &options), -1, 1e-6);
    xai_tensor_unref(zero);
}
END_TEST

/* The patch comes last and only adds; with pixels that count against the class, some steps go down. */
START_TEST(monotony)
{
    xai_faithfulness_options options = make_options(NULL), few = make_options(NULL);
    xai_tensor *curve = NULL;
    double value;

    options.step = 1;
    few.step = 4;
    few.n_samples = 3;
    ck_assert_ok(xai_metric_faithfulness(&value, &curve, NULL, input, map, &logit, "monotonicity", &options));
    ck_assert_double_eq(value, 1);
    ck_assert_int_eq(curve->shape[1], N_PIXELS + 1);
    ck_assert_double_eq(curve->data[0], 0);
    ck_assert_double_eq_tol(curve->data[2 * N_PIXELS + 1], 1, 1e-6);
    ck_assert_double_gt(measure("monotonicity-correlation", &few), 0.2); /* one step of sixteen changes anything */
    input->data[TOP * SIDE + LEFT] = -0.5f;
    ck_assert_double_eq_tol(measure("monotonicity", &options), 63.0 / 64, 1e-9);
    xai_tensor_unref(curve);
}
END_TEST

/* Two of sixteen squares share the patch: 1, 1/2, 0, 0 ... */
START_TEST(squares)
{
    xai_faithfulness_options options = make_options(NULL), quantus = make_options("quantus");
    xai_tensor *zero = NULL, *curve = NULL;
    double value;

    ck_assert_ok(xai_tensor_create(&zero, context, input->shape, 4));
    options.patch = quantus.patch = 2;
    quantus.baseline = zero;
    ck_assert_ok(xai_metric_faithfulness(&value, &curve, NULL, input, map, &logit, "selectivity", &options));
    ck_assert_double_eq_tol(value, 1.0 / 16, 1e-6);
    ck_assert_int_eq(curve->shape[1], 17);
    ck_assert_double_eq_tol(curve->data[17 + 1], 0.5, 1e-6);
    ck_assert_double_eq_tol(measure("selectivity", &quantus), 0.25, 1e-6);
    ck_assert_double_eq_tol(measure("region-perturbation", &options), 15.5 / 17, 1e-6);
    ck_assert_double_eq_tol(measure("region-perturbation", &quantus), 14.75, 1e-6);
    options.n_steps = 1;
    ck_assert_double_eq_tol(measure("region-perturbation", &options), 0.25, 1e-6);
    options = make_options(NULL);
    options.patch = 3; /* cut to 2, 3, 3 or so on each side: nine squares */
    xai_tensor_unref(curve);
    ck_assert_ok(xai_metric_faithfulness(&value, &curve, NULL, input, map, &logit, "selectivity", &options));
    ck_assert_int_eq(curve->shape[1], 10);
    ck_assert_double_eq(curve->data[19], 0);
    xai_tensor_unref(curve);
    xai_tensor_unref(zero);
}
END_TEST

/* The patch is one of two segments; what it becomes is 0 or the mean. */
START_TEST(segments)
{
    xai_faithfulness_options options = make_options(NULL), quantus = make_options("quantus");
    xai_segments *two = NULL;
    int32_t labels[N_PIXELS];
    double mean = 0;

    for (size_t i = 0; i < N_PIXELS; i++) {
        labels[i] = !is_patch(i);
        mean += (double)input->data[i] / N_PIXELS;
    }
    ck_assert_ok(xai_segments_wrap(&two, context, labels, SIDE, SIDE));
    options.segments = quantus.segments = two;
    options.substrate = "zero";
    ck_assert_double_eq_tol(measure("irof", &options), 1 - 0.25, 1e-6);
    options.substrate = NULL;
    ck_assert_double_eq_tol(measure("irof", &options), 1 - ((1 + 2 * mean) / 2 + 2 * mean) / 2, 1e-5);
    ck_assert_double_eq_tol(measure("irof", &quantus), 2 - 2 * mean, 1e-5);
    options.segments = NULL; /* slic's own */
    ck_assert_double_gt(measure("irof", &options), 0);
    xai_segments_unref(two);
}
END_TEST

/* --- ROAD --- */

/* A slope is what its neighbours foretell; so is what is the same everywhere. */
START_TEST(imputation)
{
    enum { HEIGHT = 23, WIDTH = 31 };
    float image[2 * HEIGHT * WIDTH], expected[2 * HEIGHT * WIDTH];
    bool is_gone[HEIGHT * WIDTH] = { false };

    for (size_t i = 0; i < (size_t)HEIGHT * WIDTH; i++) {
        size_t y = i / WIDTH, x = i % WIDTH;

        expected[i] = (float)(3 + 0.5 * (double)y - 0.25 * (double)x);
        expected[HEIGHT * WIDTH + i] = -2;
        is_gone[i] = y > 0 && x > 0 && y + 1 < HEIGHT && x + 1 < WIDTH && (y * 7 + x * 5) % 11 != 0;
    }
    memcpy(image, expected, sizeof image);
    for (size_t i = 0; i < (size_t)HEIGHT * WIDTH; i++)
        if (is_gone[i])
            image[i] = image[HEIGHT * WIDTH + i] = 1e6f;
    ck_assert_ok(xai__impute(image, context, is_gone, 2, HEIGHT, WIDTH));
    for (size_t i = 0; i < sizeof image / sizeof *image; i++)
        ck_assert_float_eq_tol(image[i], expected[i], 1e-5f);

    /* At the border a pixel has fewer neighbours, which then say all; with nothing known there is nothing to say. */
    for (size_t i = 0; i < (size_t)HEIGHT * WIDTH; i++)
        is_gone[i] = i != 100;
    ck_assert_ok(xai__impute(image, context, is_gone, 2, HEIGHT, WIDTH));
    for (size_t i = 0; i < (size_t)HEIGHT * WIDTH; i++)
        ck_assert_float_eq_tol(image[i], image[100], 1e-4f);
    is_gone[100] = true;
    ck_assert_ok(xai__impute(image, context, is_gone, 1, HEIGHT, WIDTH));
    for (size_t i = 0; i < (size_t)HEIGHT * WIDTH; i++)
        ck_assert_float_eq(image[i], 0);
}
END_TEST

START_TEST(road)
{
    xai_faithfulness_options options = make_options(NULL), quantus = make_options("quantus");
    xai_tensor *zero = NULL, *curve = NULL;
    double value, noisy;

    ck_assert_ok(xai_tensor_create(&zero, context, input->shape, 4));
    options.perturbations = quantus.perturbations = zero;
    for (size_t i = 0; i < N_PIXELS; i++) { /* around the patch it is dark: that goes when the patch does */
        map->data[i] += (float)i * 1e-4f;
        input->data[i] = is_patch(i) ? 0.5f : 0;
    }
    ck_assert_ok(xai_metric_faithfulness(&value, &curve, NULL, input, map, &logit, "road-most", &options));
    ck_assert_double_lt(value, -0.9);
    ck_assert_int_eq(curve->shape[1], 9);
    ck_assert_double_eq_tol(curve->data[0], 7.0 / 64, 1e-6);
    ck_assert_double_eq_tol(curve->data[9], 0, 1e-6);
    ck_assert_double_gt(measure("road-least", &options), -0.1);
    ck_assert_double_eq_tol(measure("road", &options),
                            (measure("road-least", &options) - measure("road-most", &options)) / 2, 1e-12);
    ck_assert_double_gt(measure("road-most", &quantus), 0);
    ck_assert_double_lt(measure("road-most", &quantus), 0.2); /* of the class's logit above 0.1 */
    options.perturbations = NULL;
    noisy = measure("road-most", &options);
    ck_assert_double_ne(noisy, value);
    ck_assert_double_eq_tol(noisy, value, 0.05);
    xai_tensor_unref(curve);
    xai_tensor_unref(zero);
}
END_TEST

/* --- the same whatever runs it --- */

static const char *const all[] = { "faithfulness-estimate",
                                   "faithfulness-correlation",
                                   "monotonicity",
                                   "monotonicity-correlation",
                                   "selectivity",
                                   "region-perturbation",
                                   "irof",
                                   "road",
                                   "road-most",
                                   "road-least" };
enum { N_ALL = sizeof all / sizeof *all };

static int32_t stop_soon(uint64_t done, uint64_t total, void *user)
{
    (void)total;
    (void)user;
    return done >= 8;
}

START_TEST(budgets)
{
    xai_run_options run = { .struct_size = sizeof run, .seed = 5 };
    xai_faithfulness_options options = { .struct_size = sizeof options, .run = &run };
    explained one = explained_in(testing_context(1), network_residual, 0),
              two = explained_in(testing_context(3), network_residual, 1);
    xai_attribution *a = NULL;
    xai_tensor *saliency;

    ck_assert_ok(xai_saliency_compute(&a, one.session, one.input, NULL, 0, NULL));
    saliency = explained_raw_map(a);
    for (size_t i = 0; i < N_ALL; i++) {
        double first, second;

        run = (xai_run_options){ .struct_size = sizeof run, .seed = 5 };
        ck_assert_ok(xai_metric_faithfulness(&first, NULL, one.session, one.input, saliency, NULL, all[i], &options));
        run.memory_budget = 1;
        ck_assert_ok(xai_metric_faithfulness(&second, NULL, two.session, two.input, saliency, NULL, all[i], &options));
        ck_assert_msg(memcmp(&first, &second, sizeof first) == 0, "%s: %g and %g", all[i], first, second);
        run.progress = stop_soon;
        ck_assert_int_eq(
            xai_metric_faithfulness(&second, NULL, two.session, two.input, saliency, NULL, all[i], &options),
            XAI_PARTIAL);
        ck_assert(isfinite(second));
    }
    xai_tensor_unref(saliency);
    xai_attribution_unref(a);
    explained_end(&one);
    explained_end(&two);
}
END_TEST

/* --- what is refused --- */

static xai_status attempt(const char *metric, xai_faithfulness_options options)
{
    double value = NAN;
    xai_status status;

    options.struct_size = sizeof options;
    options.black_box = &box;
    status = xai_metric_faithfulness(&value, NULL, NULL, input, map, &logit, metric, &options);
    ck_assert_double_eq(value, 0);
    return status;
}

START_TEST(refused)
{
    const int64_t two[4] = { 2, 1, SIDE, SIDE };
    const int32_t label = 0;
    xai_segments *small = NULL;
    xai_tensor *noise = NULL;
    double value;

    ck_assert_ok(xai_segments_wrap(&small, context, &label, 1, 1));
    ck_assert_ok(xai_tensor_create(&noise, context, two, 4));
    ck_assert_fails(attempt("selectivity", (xai_faithfulness_options){ .patch = 9 }), XAI_E_INVALID, "patch is 9");
    ck_assert_fails(attempt("selectivity", (xai_faithfulness_options){ .patch = 4, .n_steps = 5 }), XAI_E_INVALID,
                    "there are 4 regions");
    ck_assert_fails(attempt("selectivity", (xai_faithfulness_options){ .step = 1 }), XAI_E_INVALID, "no option step");
    ck_assert_fails(attempt("deletion", (xai_faithfulness_options){ .patch = 4 }), XAI_E_INVALID, "no option patch");
    ck_assert_fails(attempt("road", (xai_faithfulness_options){ .substrate = "zero" }), XAI_E_INVALID, "substrate");
    ck_assert_fails(attempt("road-most", (xai_faithfulness_options){ .perturbations = noise }), XAI_E_SHAPE,
                    "for 2 images");
    ck_assert_fails(attempt("road-least", (xai_faithfulness_options){ .profile = "quantus" }), XAI_E_NOT_FOUND,
                    "default, pytorch-grad-cam");
    ck_assert_fails(attempt("monotonicity", (xai_faithfulness_options){ .profile = "quantus" }), XAI_E_NOT_FOUND,
                    "there are default");
    ck_assert_fails(attempt("irof", (xai_faithfulness_options){ .segments = small }), XAI_E_SHAPE, "1x1");
    ck_assert_fails(attempt("infidelity", (xai_faithfulness_options){ .segments = small }), XAI_E_INVALID, "segments");
    ck_assert_fails(attempt("faithfulness-correlation", (xai_faithfulness_options){ .step = 65 }), XAI_E_INVALID,
                    "only 64");
    ck_assert_fails(attempt("faithfulness-estimate", (xai_faithfulness_options){ .step = 65 }), XAI_E_INVALID,
                    "only 64");
    ck_assert_fails(attempt("faithfulness-estimate", (xai_faithfulness_options){ .reserved_2 = 1 }), XAI_E_INVALID,
                    "reserved");
    for (size_t i = 0; i < N_PIXELS; i++) /* nothing to tell apart */
        map->data[i] = 0;
    ck_assert_int_eq(xai_metric_faithfulness(&value, NULL, NULL, input, map, &logit, "faithfulness-estimate",
                                             &(xai_faithfulness_options){
                                                 .struct_size = sizeof(xai_faithfulness_options), .black_box = &box }),
                     XAI_FLAT);
    ck_assert_double_eq(value, 0);
    xai_tensor_unref(noise);
    xai_segments_unref(small);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_removal");
    TCase *c = tcase_create("removal");

    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, correlations);
    tcase_add_test(c, monotony);
    tcase_add_test(c, squares);
    tcase_add_test(c, segments);
    tcase_add_test(c, imputation);
    tcase_add_test(c, road);
    tcase_add_test(c, budgets);
    tcase_add_test(c, refused);
    suite_add_tcase(suite, c);
    return suite;
}

TESTING_MAIN(make_suite)
