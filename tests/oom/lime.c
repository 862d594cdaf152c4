/* SPDX-License-Identifier: MIT
 * LIME and KernelSHAP when memory runs out. */
#include "oom.h"

enum { WIDTH = 6, HEIGHT = 3 };

typedef struct lime_case {
    xai_context *context;
    xai_tensor *input;
    xai_segments *segments;
    xai_black_box box;
} lime_case;

/* Sums of the picture's columns, so that memory is the methods' alone. */
static int32_t sum(const float *batch, size_t n, float *scores, void *user)
{
    (void)user;
    for (size_t i = 0; i < n; i++) {
        scores[2 * i] = scores[2 * i + 1] = 0;
        for (int j = 0; j < WIDTH * HEIGHT; j++)
            scores[2 * i + j % 2] += *batch++;
    }
    return 0;
}

static xai_status by_lime(void *user)
{
    static const xai_target targets[2] = { { .index = 0 }, { .index = 1 } };
    const lime_case *now = user;
    const xai_lime_options options = {
        .struct_size = sizeof options, .n_samples = 20, .n_repeats = 2, .n_features = 3, .black_box = &now->box
    };
    xai_attribution *maps[2] = { NULL, NULL };
    xai_status status = xai_lime_compute(maps, NULL, now->input, now->segments, targets, 2, &options);

    for (int i = 0; i < 2; i++) {
        if ((maps[i] != NULL) != (status == XAI_OK))
            return XAI_E_INTERNAL;
        xai_attribution_unref(maps[i]);
    }
    return status;
}

static xai_status by_captum(void *user)
{
    const lime_case *now = user;
    const xai_lime_options lime = { .struct_size = sizeof lime, .profile = "captum", .black_box = &now->box };
    const xai_shap_options shap = { .struct_size = sizeof shap, .profile = "captum", .black_box = &now->box };
    xai_attribution *a = NULL, *b = NULL;
    xai_status status = xai_lime_compute(&a, NULL, now->input, now->segments, NULL, 0, &lime);

    if (status == XAI_OK)
        status = xai_shap_compute(&b, NULL, now->input, now->segments, NULL, 0, &shap);
    xai_attribution_unref(a);
    xai_attribution_unref(b);
    return status;
}

static xai_status by_shap(void *user)
{
    const lime_case *now = user;
    const xai_shap_options options = { .struct_size = sizeof options, .n_samples = 40, .black_box = &now->box };
    xai_attribution *a = NULL;
    xai_status status = xai_shap_compute(&a, NULL, now->input, now->segments, NULL, 0, &options);

    xai_attribution_unref(a);
    return status;
}

START_TEST(explaining)
{
    static const int64_t shape[4] = { 1, 1, HEIGHT, WIDTH };
    int32_t labels[WIDTH * HEIGHT];
    lime_case now = { .context = testing_context(1) };

    now.box = (xai_black_box){ .struct_size = sizeof now.box, .predict = sum, .n_classes = 2 };
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        labels[i] = i % 9;
    ck_assert_ok(xai_tensor_create(&now.input, now.context, shape, 4));
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        xai_tensor_data(now.input)[i] = (float)(i % 5);
    ck_assert_ok(xai_segments_wrap(&now.segments, now.context, labels, WIDTH, HEIGHT));
    oom_run("lime", by_lime, &now, 0);
    oom_run("captum", by_captum, &now, 0);
    oom_run("shap", by_shap, &now, 0);
    xai_segments_unref(now.segments);
    xai_tensor_unref(now.input);
    xai_context_unref(now.context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_lime");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, explaining);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
