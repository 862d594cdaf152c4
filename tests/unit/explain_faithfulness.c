/* SPDX-License-Identifier: MIT
 * Metrics that ask the network: a linear black box, whose answers are known, and a small network. */
#include <math.h>

#include <xai/metrics.h>

#include "explained.h"
#include "files.h"

/* Logits of a linear model: the weighted sum of the pixels, and 0. */
enum { SIDE = 8, N_PIXELS = SIDE * SIDE, N_ELEMENTS = 2 * N_PIXELS };

typedef struct linear {
    float weights[N_ELEMENTS];
    size_t n_images;
    int32_t answer;
} linear;

static xai_context *context;
static xai_tensor *input, *map; /* map: what each pixel gives the first logit */
static linear model;
static xai_black_box box;

static int32_t predict(const float *batch, size_t n, float *scores, void *user)
{
    linear *l = user;

    for (size_t i = 0; i < n; i++) {
        double sum = 0;

        for (size_t j = 0; j < N_ELEMENTS; j++)
            sum += (double)batch[i * N_ELEMENTS + j] * (double)l->weights[j];
        scores[2 * i] = (float)sum;
        scores[2 * i + 1] = 0;
    }
    l->n_images += n;
    return l->answer;
}

/* A patch of 2 x 2 pixels decides: each of its elements gives 1/8 of a logit of 1. */
static void set_up(void)
{
    const int64_t image[4] = { 1, 2, SIDE, SIDE };

    context = testing_context(1);
    ck_assert_ok(xai_tensor_create(&input, context, image, 4));
    ck_assert_ok(xai_tensor_create(&map, context, image + 2, 2));
    model = (linear){ .n_images = 0 };
    box = (xai_black_box){ .struct_size = sizeof box, .predict = predict, .user = &model, .n_classes = 2 };
    for (size_t i = 0; i < N_ELEMENTS; i++) {
        size_t y = i % N_PIXELS / SIDE, x = i % SIDE;

        bool is_patch = y >= 2 && y < 4 && x >= 3 && x < 5;

        input->data[i] = is_patch ? 0.5f : (float)(i % 5) * 0.1f;
        model.weights[i] = is_patch ? 0.25f : 0;
        map->data[i % N_PIXELS] += model.weights[i] * input->data[i];
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

static const xai_target logit = { .index = 0 };

static double measure(const char *metric, const xai_target *target, const xai_faithfulness_options *options)
{
    double value = NAN;

    ck_assert_ok(xai_metric_faithfulness(&value, NULL, NULL, input, map, target, metric, options));
    return value;
}

/* --- known answers --- */

/* The logit goes from 1 to 0 over the first 4 of 64 pixels, and comes again over them. */
START_TEST(linear_curves)
{
    const double lost = 4.0 / 64 / 2;
    xai_faithfulness_options options = make_options(NULL);
    xai_tensor *curve = NULL;
    double value;

    options.substrate = "zero";
    options.step = 1;
    ck_assert_double_eq_tol(measure("deletion", &logit, &options), lost, 1e-6);
    ck_assert_ok(xai_metric_faithfulness(&value, &curve, NULL, input, map, &logit, "insertion", &options));
    ck_assert_double_eq_tol(value, 1 - lost, 1e-6);
    ck_assert_int_eq(curve->rank, 2);
    ck_assert_int_eq(curve->shape[1], N_PIXELS + 1);
    for (size_t i = 0; i <= N_PIXELS; i++) {
        ck_assert_double_eq_tol(curve->data[i], i / 64.0, 1e-7);
        ck_assert_double_eq_tol(curve->data[N_PIXELS + 1 + i], i < 4 ? i / 4.0 : 1, 1e-6);
    }
    xai_tensor_unref(curve);
}
END_TEST

/* 64 pixels in steps of 24: the last one is narrower, and only some profiles see it. */
START_TEST(narrow_step)
{
    static const struct {
        const char *profile;
        double area;
    } rows[] = { { "default", 24.0 / 64 / 2 }, { "torchcam", 24.0 / 64 / 2 }, { "rise", 1.0 / 6 } };

    for (size_t i = 0; i < 3; i++) {
        xai_faithfulness_options options = make_options(rows[i].profile);

        options.step = 24;
        ck_assert_double_eq_tol(measure("deletion", &logit, &options), rows[i].area, 1e-6);
    }
}
END_TEST

/* Quantus flips the patch's 8 elements one by one and sums the scores behind each by trapezoids of width 1. */
START_TEST(flipping)
{
    xai_faithfulness_options options = make_options("quantus");
    xai_tensor *zero = NULL;

    ck_assert_ok(xai_tensor_create(&zero, context, input->shape, 4));
    options.baseline = zero;
    ck_assert_double_eq_tol(measure("deletion", &logit, &options), (7 + 6 + 5 + 4 + 3 + 2 + 1) / 8.0 - 7.0 / 16, 1e-6);
    ck_assert_uint_eq(model.n_images, 1 + N_ELEMENTS);
    xai_tensor_unref(zero);
}
END_TEST

/* The map of the patch keeps its pixels, so nothing is lost; half of it is lost to a mask that lacks half. */
START_TEST(masks)
{
    xai_faithfulness_options options = make_options(NULL);

    ck_assert_double_eq_tol(measure("average-drop", &logit, &options), 0, 1e-6);
    ck_assert_double_eq(measure("increase-in-confidence", &logit, &options), 0);
    map->data[2 * SIDE + 3] = map->data[2 * SIDE + 4] = -1;
    ck_assert_double_eq_tol(measure("average-drop", &logit, &options), 0.5, 1e-6);
    options.profile = "pytorch-grad-cam"; /* the map as it is: 2 pixels of -1, 2 of 1/4 */
    ck_assert_double_eq_tol(measure("average-drop", &logit, &options), 1 - (-0.5 + 0.125), 1e-6);
    for (size_t i = 0; i < N_ELEMENTS; i++) /* now other pixels stand against the class */
        model.weights[i] -= 0.01f;
    map->data[2 * SIDE + 3] = map->data[2 * SIDE + 4] = 0.25f;
    options.profile = "default";
    ck_assert_double_eq(measure("increase-in-confidence", &logit, &options), 1);
    ck_assert_double_gt(measure("average-gain", NULL, &options), 0);
}
END_TEST

/* A linear model's gradient foretells it exactly, and so does its product with the input, divided by it. */
START_TEST(linear_sums)
{
    xai_faithfulness_options options = make_options(NULL);

    ck_assert_double_eq_tol(measure("completeness", &logit, &options), 0, 1e-6);
    for (size_t i = 0; i < N_PIXELS; i++)
        map->data[i] = model.weights[i];
    ck_assert_double_eq_tol(measure("infidelity", &logit, &options), 0, 1e-10);
    for (size_t i = 0; i < N_PIXELS; i++)
        map->data[i] = model.weights[i] * 0.5f;
    options.flags = XAI_FAITHFULNESS_TIMES_INPUT;
    ck_assert_double_eq_tol(measure("infidelity", &logit, &options), 0, 1e-10);
    for (size_t i = 0; i < N_PIXELS; i++)
        map->data[i] *= 7;
    ck_assert_double_gt(measure("infidelity", &logit, &options), 1e-6);
    options.flags |= XAI_FAITHFULNESS_SCALED;
    ck_assert_double_eq_tol(measure("infidelity", &logit, &options), 0, 1e-10);
}
END_TEST

/* --- the same whatever runs it --- */

static int32_t stop_soon(uint64_t done, uint64_t total, void *user)
{
    return done >= 8;
}

START_TEST(budgets)
{
    static const char *const metrics[] = { "deletion", "insertion", "infidelity" };
    xai_run_options run = { .struct_size = sizeof run, .seed = 5 };
    xai_faithfulness_options options = { .struct_size = sizeof options, .run = &run };
    explained one = explained_in(testing_context(1), network_residual, 0),
              two = explained_in(testing_context(3), network_residual, 1);
    xai_attribution *a = NULL;
    xai_tensor *saliency;

    ck_assert_ok(xai_saliency_compute(&a, one.session, one.input, NULL, 0, NULL));
    saliency = explained_raw_map(a);
    for (size_t i = 0; i < 3; i++) {
        double first, second;

        run.memory_budget = 0;
        ck_assert_ok(
            xai_metric_faithfulness(&first, NULL, one.session, one.input, saliency, NULL, metrics[i], &options));
        run.memory_budget = 1;
        ck_assert_ok(
            xai_metric_faithfulness(&second, NULL, two.session, two.input, saliency, NULL, metrics[i], &options));
        ck_assert_mem_eq(&first, &second, sizeof first);
    }
    xai_tensor_unref(saliency);
    xai_attribution_unref(a);
    explained_end(&one);
    explained_end(&two);
}
END_TEST

START_TEST(stopped)
{
    const xai_run_options run = { .struct_size = sizeof run, .progress = stop_soon, .memory_budget = 1 };
    xai_faithfulness_options options = make_options(NULL);
    xai_tensor *curve = NULL;
    double value = NAN;

    options.run = &run;
    ck_assert_int_eq(xai_metric_faithfulness(&value, &curve, NULL, input, map, NULL, "deletion", &options),
                     XAI_PARTIAL);
    ck_assert_int_eq(curve->shape[1], 8);
    ck_assert(isfinite(value));
    xai_tensor_unref(curve);
}
END_TEST

/* --- remarks and refusals --- */

START_TEST(flat)
{
    xai_faithfulness_options options = make_options(NULL);
    double value = NAN;

    memset(map->data, 0, map->size * sizeof *map->data);
    ck_assert_int_eq(xai_metric_faithfulness(&value, NULL, NULL, input, map, &logit, "deletion", &options), XAI_FLAT);
    ck_assert(isfinite(value));
    ck_assert_int_eq(xai_metric_faithfulness(&value, NULL, NULL, input, map, &logit, "average-drop", &options),
                     XAI_FLAT);
    ck_assert_double_eq_tol(value, 1, 1e-6);
}
END_TEST

static void refuse(const char *metric, const xai_faithfulness_options *options, xai_status status, const char *words)
{
    xai_tensor *curve = map;
    double value = 3;

    ck_assert_fails(xai_metric_faithfulness(&value, &curve, NULL, input, map, NULL, metric, options), status, words);
    ck_assert_double_eq(value, 0);
    ck_assert_ptr_null(curve);
}

START_TEST(refused_options)
{
    xai_faithfulness_options options = make_options(NULL);

    refuse("beauty", &options, XAI_E_NOT_FOUND, "average-gain");
    options.profile = "quantus";
    refuse("insertion", &options, XAI_E_NOT_FOUND, "default, rise, torchcam, xplique");
    options.profile = NULL;
    options.step = 3;
    refuse("average-drop", &options, XAI_E_INVALID, "average-drop has no option step");
    options.n_steps = 3;
    refuse("deletion", &options, XAI_E_INVALID, "both step 3 and n_steps 3");
    options.n_steps = 0;
    options.step = 65;
    refuse("deletion", &options, XAI_E_INVALID, "step is 65, only 64");
    options.step = 0;
    options.substrate = "snow";
    refuse("deletion", &options, XAI_E_NOT_FOUND, "zero, blur, min");
    options.substrate = NULL;
    options.flags = 4;
    refuse("infidelity", &options, XAI_E_INVALID, "flags are 4");
    options.flags = 0;
    options.baseline = map;
    refuse("deletion", &options, XAI_E_SHAPE, "the baseline is 8x8");
    options.baseline = NULL;
    options.perturbations = map;
    refuse("infidelity", &options, XAI_E_SHAPE, "expected Nx2x8x8");
    options.perturbations = NULL;
    options.black_box = NULL;
    refuse("deletion", &options, XAI_E_INVALID, "session is NULL");
    options.black_box = &box;
    model.answer = 3;
    refuse("deletion", &options, XAI_E_CALLBACK, "returned 3");
}
END_TEST

START_TEST(refused_maps)
{
    xai_faithfulness_options options = make_options(NULL);
    xai_tensor *own = map, *channels = NULL;
    double value;

    map->data[9] = NAN;
    refuse("deletion", &options, XAI_E_INVALID, "element 9 of the map is");
    map->data[9] = 0;
    ck_assert_ok(xai_tensor_create(&channels, context, input->shape + 1, 3));
    channels->data[0] = 1;
    map = channels;
    refuse("deletion", &options, XAI_E_SHAPE, "the map is 2x8x8, metric deletion takes 8x8");
    ck_assert_ok(xai_metric_faithfulness(&value, NULL, NULL, input, channels, NULL, "completeness", &options));
    options.profile = "xplique";
    ck_assert_ok(xai_metric_faithfulness(&value, NULL, NULL, input, channels, NULL, "deletion", &options));
    channels->shape[2] = 4;
    refuse("deletion", &options, XAI_E_SHAPE, "takes 8x8 or 2x8x8");
    channels->shape[2] = 8;
    map = own;
    xai_tensor_unref(channels);
}
END_TEST

/* --- curves drawn --- */

static xai_tensor *make_curve(size_t n)
{
    const int64_t shape[2] = { 2, (int64_t)n };
    xai_tensor *curve = NULL;

    ck_assert_ok(xai_tensor_create(&curve, context, shape, 2));
    for (size_t i = 0; i < n; i++) {
        curve->data[i] = n > 1 ? (float)i / (float)(n - 1) : 1;
        curve->data[n + i] = (float)(i * i) - 2;
    }
    return curve;
}

static void read_text(char *text, size_t capacity, const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t n;

    ck_assert_ptr_nonnull(file);
    n = fread(text, 1, capacity - 1, file);
    text[n] = '\0';
    fclose(file);
}

START_TEST(drawn)
{
    const char *const names[2] = { "<deletion>", "insertion & more" };
    char *folder = files_folder(), path[8192], text[8192];
    xai_tensor *curves[2] = { make_curve(5), make_curve(1) };

    snprintf(path, sizeof path, "%s", files_path(folder, "curves.svg"));
    ck_assert_ok(xai_metric_save_curves(path, (const xai_tensor *const *)curves, names, 2, "a \"title\""));
    read_text(text, sizeof text, path);
    ck_assert_ptr_nonnull(strstr(text, "&lt;deletion&gt;"));
    ck_assert_ptr_nonnull(strstr(text, "insertion &amp; more"));
    ck_assert_ptr_nonnull(strstr(text, "<title>a &quot;title&quot;</title>"));
    /* Scores from -2 to 14 over 320 pixels, 20 a unit; shares over 624. */
    ck_assert_ptr_nonnull(strstr(text, "points=\"64,368 220,348 376,288 532,188 688,48\""));
    ck_assert_ptr_nonnull(strstr(text, ">14.00<"));
    ck_assert_ptr_nonnull(strstr(text, ">-2.00<"));
    curves[0]->data[7] = NAN;
    ck_assert_fails(xai_metric_save_curves(path, (const xai_tensor *const *)curves, names, 2, NULL), XAI_E_INVALID,
                    "element 7 of curve 0 is");
    curves[0]->data[7] = 0;
    curves[0]->data[2] = 1.5f;
    ck_assert_fails(xai_metric_save_curves(path, (const xai_tensor *const *)curves, names, 2, NULL), XAI_E_INVALID,
                    "is 1.5");
    ck_assert_fails(xai_metric_save_curves(path, (const xai_tensor *const *)curves, names, 9, NULL), XAI_E_INVALID,
                    "9 curves");
    ck_assert_fails(xai_metric_save_curves(path, (const xai_tensor *const *)&map, names, 1, NULL), XAI_E_SHAPE,
                    "curve 0 is 8x8");
    xai_tensor_unref(curves[0]);
    xai_tensor_unref(curves[1]);
    files_remove(folder, (const char *const[]){ "curves.svg", NULL });
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_faithfulness");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, linear_curves);
    tcase_add_test(cases, narrow_step);
    tcase_add_test(cases, flipping);
    tcase_add_test(cases, masks);
    tcase_add_test(cases, linear_sums);
    tcase_add_test(cases, budgets);
    tcase_add_test(cases, stopped);
    tcase_add_test(cases, flat);
    tcase_add_test(cases, refused_options);
    tcase_add_test(cases, refused_maps);
    tcase_add_test(cases, drawn);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
