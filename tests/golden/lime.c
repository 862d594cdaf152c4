/* SPDX-License-Identifier: MIT
 * LIME and KernelSHAP: lime's, shap's and captum's numbers for the same black box and the same samples. */
#include "lime.h"
#include "testing.h"

enum { HEIGHT = 12, WIDTH = 16, ROWS = 3, COLUMNS = 4, N_SEGMENTS = ROWS * COLUMNS, N_PIXELS = HEIGHT * WIDTH };

typedef struct case_ {
    xai_context *context;
    xai_tensor *picture;
    xai_segments *segments;
    xai_black_box box;
    xai_attribution *attribution;
} case_;

/* The same as classify() of make_lime.py. */
static int32_t classify(const float *batch, size_t n, float *scores, void *user)
{
    (void)user;
    for (size_t i = 0; i < n; i++, batch += 3 * N_PIXELS, scores += 3) {
        double v[N_SEGMENTS], linear = 0, product;

        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < COLUMNS; c++)
                v[r * COLUMNS + c] = batch[(r + c) % 3 * N_PIXELS + (r * 4 + 1) * WIDTH + c * 4 + 2];
        for (int j = 0; j < N_SEGMENTS; j++)
            linear += (j % 5 - 1.5) * v[j];
        linear /= 16;
        product = v[1] * v[6] - v[2] * v[9] * v[4];
        scores[0] = (float)linear;
        scores[1] = (float)(linear / 2 + product / 8);
        scores[2] = (float)(0.5 + product * product / 4);
    }
    return 0;
}

static case_ begin(void)
{
    const int64_t shape[4] = { 1, 3, HEIGHT, WIDTH };
    int32_t labels[N_PIXELS];
    case_ c = { .context = testing_context(1) };
    float *data;

    c.box = (xai_black_box){
        .struct_size = sizeof c.box, .predict = classify, .n_classes = 3, .kind = XAI_PREDICT_PROBABILITIES
    };
    ck_assert_ok(xai_tensor_create(&c.picture, c.context, shape, 4));
    data = xai_tensor_data(c.picture);
    for (int i = 0; i < 3 * N_PIXELS; i++)
        data[i] = (float)((i % N_PIXELS * 37 + i / N_PIXELS * 101) % 64) / 64 + 0.25f;
    for (int i = 0; i < N_PIXELS; i++)
        labels[i] = i / WIDTH * ROWS / HEIGHT * COLUMNS + i % WIDTH * COLUMNS / WIDTH;
    ck_assert_ok(xai_segments_wrap(&c.segments, c.context, labels, WIDTH, HEIGHT));
    return c;
}

static void end(case_ *c)
{
    xai_attribution_unref(c->attribution);
    xai_segments_unref(c->segments);
    xai_tensor_unref(c->picture);
    xai_context_unref(c->context);
}

static void compare(const case_ *c, const double *wanted, double tolerance)
{
    double got[N_SEGMENTS];

    ck_assert_uint_eq(xai_attribution_segments(c->attribution, got, NULL, N_SEGMENTS), N_SEGMENTS);
    for (int j = 0; j < N_SEGMENTS; j++)
        ck_assert_msg(got[j] - wanted[j] < tolerance && wanted[j] - got[j] < tolerance,
                      "segment %d has %.12g, the original %.12g", j, got[j], wanted[j]);
}

/* n heavy rows, all and nothing, and then what make_lime.py's samples() draws. */
static xai_tensor *draw(const case_ *c, int n, uint32_t seed, int n_heavy)
{
    const int64_t shape[2] = { n_heavy + n, N_SEGMENTS };
    xai_tensor *samples = NULL;
    float *data;

    ck_assert_ok(xai_tensor_create(&samples, c->context, shape, 2));
    data = xai_tensor_data(samples);
    for (int j = 0; j < N_SEGMENTS && n_heavy > 0; j++)
        data[j] = 1;
    for (int i = 0; i < n * N_SEGMENTS; i++) {
        seed = seed * 1664525u + 1013904223u;
        data[n_heavy * N_SEGMENTS + i] = (float)(seed >> 31);
    }
    return samples;
}

static const xai_target target = { .index = 1, .score = XAI_SCORE_PROBABILITY };

/* --- lime --- */

static const struct {
    const double *wanted;
    uint64_t seed;
    xai_lime_options options;
} lime_cases[] = {
    { lime_all, 3, { .n_samples = 200 } },
    { lime_all, 3, { .n_samples = 200, .n_features = N_SEGMENTS } },
    { lime_forward, 11, { .profile = "lime", .n_samples = 120, .n_features = 4 } },
    { lime_forward, 11, { .n_samples = 120, .n_features = 4, .selection = "forward_selection" } },
    { lime_highest, 0, { .n_samples = 300, .n_features = 8, .kernel_width = 0.5, .hide = XAI_HIDE_VALUE } },
    { lime_none, 7, { .n_samples = 90, .n_features = 3, .selection = "none" } },
};

START_TEST(test_lime)
{
    case_ c = begin();
    const xai_run_options run = { .struct_size = sizeof run, .seed = lime_cases[_i].seed };
    const double *wanted = lime_cases[_i].wanted;
    xai_lime_options options = lime_cases[_i].options;

    options.struct_size = sizeof options;
    options.run = &run;
    options.black_box = &c.box;
    ck_assert_ok(xai_lime_compute(&c.attribution, NULL, c.picture, c.segments, &target, 1, &options));
    compare(&c, wanted, 1e-7);
    ck_assert_double_eq_tol(xai_attribution_number(c.attribution, "intercept"), wanted[N_SEGMENTS], 1e-7);
    ck_assert_double_eq_tol(xai_attribution_number(c.attribution, "r_squared"), wanted[N_SEGMENTS + 1], 1e-6);
    ck_assert_double_eq_tol(xai_attribution_number(c.attribution, "local_prediction"), wanted[N_SEGMENTS + 2], 1e-7);
    end(&c);
}
END_TEST

START_TEST(test_captum_lime)
{
    case_ c = begin();
    xai_tensor *samples = draw(&c, 60, 1, 0);
    const xai_lime_options options = {
        .struct_size = sizeof options, .profile = "captum", .samples = samples, .black_box = &c.box
    };

    ck_assert_ok(xai_lime_compute(&c.attribution, NULL, c.picture, c.segments, &target, 1, &options));
    compare(&c, captum_lime, 2e-6);
    xai_tensor_unref(samples);
    end(&c);
}
END_TEST

/* --- KernelSHAP --- */

static const struct {
    const double *wanted;
    uint64_t seed;
    uint32_t n_samples;
    double n_enumerated;
} shap_cases[] = {
    { shap_drawn, 5, 300, 24 },
    { shap_all, 0, 4094, 4094 },
    { shap_all, 0, 100000, 4094 },
};

START_TEST(test_shap)
{
    case_ c = begin();
    const xai_run_options run = { .struct_size = sizeof run, .seed = shap_cases[_i].seed };
    const xai_shap_options options = {
        .struct_size = sizeof options, .n_samples = shap_cases[_i].n_samples, .run = &run, .black_box = &c.box
    };

    ck_assert_ok(xai_shap_compute(&c.attribution, NULL, c.picture, c.segments, &target, 1, &options));
    compare(&c, shap_cases[_i].wanted, 1e-7);
    ck_assert_double_eq(xai_attribution_number(c.attribution, "enumerated"), shap_cases[_i].n_enumerated);
    ck_assert_double_eq_tol(xai_attribution_number(c.attribution, "additivity_error"), 0, 1e-15);
    end(&c);
}
END_TEST

START_TEST(test_captum_shap)
{
    case_ c = begin();
    xai_tensor *samples = draw(&c, 60, 2, 2);
    const xai_shap_options options = {
        .struct_size = sizeof options, .profile = "captum", .samples = samples, .black_box = &c.box
    };

    ck_assert_ok(xai_shap_compute(&c.attribution, NULL, c.picture, c.segments, &target, 1, &options));
    compare(&c, captum_shap, 2e-6);
    xai_tensor_unref(samples);
    end(&c);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("lime");
    TCase *tcase = tcase_create("originals");

    tcase_add_loop_test(tcase, test_lime, 0, sizeof lime_cases / sizeof *lime_cases);
    tcase_add_test(tcase, test_captum_lime);
    tcase_add_loop_test(tcase, test_shap, 0, sizeof shap_cases / sizeof *shap_cases);
    tcase_add_test(tcase, test_captum_shap);
    suite_add_tcase(suite, tcase);
    return suite;
}

TESTING_MAIN(make_suite)
