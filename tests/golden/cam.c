/* SPDX-License-Identifier: MIT
 * The CAM family on the tutorial's photograph and a real ResNet-18, beside pytorch-grad-cam, torchcam and captum. */
#include "photograph.h"

#include <math.h>
#include <stdbool.h>

static const double TOLERANCE = 1e-5;

typedef struct row {
    const char *golden, *method, *layer, *profile;
    bool is_grid;       /* on the layer's own grid, else 224 x 224 */
    bool is_only_first; /* the original has it for one class */
} row;

static const row gradients[] = {
    { "gradcam.layer4.1", "gradcam", "layer4.1", "pytorch-grad-cam", false, false },
    { "gradcam.layer3.1", "gradcam", "layer3.1", "pytorch-grad-cam", false, false },
    { "gradcam++.layer4.1", "gradcam++", "layer4.1", "pytorch-grad-cam", false, false },
    { "gradcam++.layer3.1", "gradcam++", "layer3.1", "pytorch-grad-cam", false, false },
    { "xgradcam.layer4.1", "xgradcam", "layer4.1", "pytorch-grad-cam", false, false },
    { "xgradcam.layer3.1", "xgradcam", "layer3.1", "pytorch-grad-cam", false, false },
    { "layercam.layer4.1", "layercam", "layer4.1", "pytorch-grad-cam", false, false },
    { "layercam.layer3.1", "layercam", "layer3.1", "pytorch-grad-cam", false, false },
    { "hirescam.layer4.1", "hirescam", "layer4.1", "pytorch-grad-cam", false, false },
    { "hirescam.layer3.1", "hirescam", "layer3.1", "pytorch-grad-cam", false, false },
    { "gradcam-elementwise.layer4.1", "gradcam-elementwise", "layer4.1", "pytorch-grad-cam", false, false },
    { "gradcam-elementwise.layer3.1", "gradcam-elementwise", "layer3.1", "pytorch-grad-cam", false, false },
    { "eigengradcam.layer4.1", "eigengradcam", "layer4.1", "pytorch-grad-cam", false, false },
    { "torchcam.gradcam", "gradcam", "layer4.1", "torchcam", true, false },
    { "torchcam.gradcam++", "gradcam++", "layer4.1", "torchcam", true, false },
    { "torchcam.layercam", "layercam", "layer4.1", "torchcam", true, false },
    { "captum.gradcam", "gradcam", "layer4.1", "captum", true, false },
};

static const row trials[] = {
    { "cam.conv2", "cam", "layer4.1.conv2", NULL, true, false },
    { "torchcam.cam", "cam", "layer4.1", "torchcam", true, false },
    { "eigencam.layer4.1", "eigencam", "layer4.1", "pytorch-grad-cam", false, true },
    { "ablationcam.layer4.1", "ablationcam", "layer4.1", "pytorch-grad-cam", false, true },
};

static const row score = { "scorecam.layer4.1", "scorecam", "layer4.1", "pytorch-grad-cam", false, true };

static double difference(const xai_tensor *a, const xai_tensor *b)
{
    double worst = 0;

    ck_assert_uint_eq(xai_tensor_size((xai_tensor *)a), xai_tensor_size((xai_tensor *)b));
    for (size_t i = 0; i < xai_tensor_size((xai_tensor *)a); i++)
        worst = fmax(worst, fabs((double)xai_tensor_data((xai_tensor *)a)[i] - xai_tensor_data((xai_tensor *)b)[i]));
    return worst;
}

/* Raw maps have a scale of their own. */
static double unit_of(xai_tensor *map)
{
    double largest = 0;

    for (size_t i = 0; i < xai_tensor_size(map); i++)
        largest = fmax(largest, fabs((double)xai_tensor_data(map)[i]));
    return fmax(largest, 1);
}

static void compare(photograph *f, const row *r, size_t which, const xai_attribution *attribution)
{
    char name[128];
    xai_tensor *expected, *got = NULL;

    snprintf(name, sizeof name, "t%zu.%s", which, r->golden);
    expected = photograph_golden(f->context, name);
    if (expected == NULL)
        return;
    ck_assert_ok(
        xai_attribution_map(&got, attribution, r->is_grid ? 0 : 224, r->is_grid ? 0 : 224, XAI_NORMALISE_PROFILE));
    ck_assert_msg(difference(got, expected) <= TOLERANCE * unit_of(expected), "%s: off by %g", name,
                  difference(got, expected));
    xai_tensor_unref(got);
    xai_tensor_unref(expected);
}

static void check(const row *r)
{
    const xai_target targets[2] = { { .index = PHOTOGRAPH_PERSIAN_CAT }, { .index = PHOTOGRAPH_ANGORA } };
    xai_cam_options options = {
        .struct_size = sizeof options, .method = r->method, .profile = r->profile, .layers = &r->layer, .n_layers = 1
    };
    xai_attribution *attributions[2] = { NULL };
    photograph f = photograph_begin(NULL, 2);
    xai_cam *cam = NULL;
    size_t n = r->is_only_first ? 1 : 2;

    if (f.context == NULL)
        return;
    ck_assert_ok(xai_cam_create(&cam, f.session, &options));
    ck_assert_ok(xai_cam_compute(attributions, cam, f.input, targets, n));
    for (size_t i = 0; i < n; i++) {
        compare(&f, r, i, attributions[i]);
        xai_attribution_unref(attributions[i]);
    }
    xai_cam_unref(cam);
    photograph_end(&f);
}

START_TEST(with_gradients)
{
    check(&gradients[_i]);
}
END_TEST

START_TEST(without_gradients)
{
    check(&trials[_i]);
}
END_TEST

START_TEST(score_cam)
{
    check(&score);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("cam");
    TCase *cases = tcase_create("gradients"), *others = tcase_create("trials"), *slow = tcase_create("scorecam");

    tcase_set_timeout(cases, 120);
    tcase_set_timeout(others, 120);
    tcase_set_timeout(slow, 280);
    tcase_add_loop_test(cases, with_gradients, 0, sizeof gradients / sizeof *gradients);
    tcase_add_loop_test(others, without_gradients, 0, sizeof trials / sizeof *trials);
    tcase_add_test(slow, score_cam);
    suite_add_tcase(suite, cases);
    suite_add_tcase(suite, others);
    suite_add_tcase(suite, slow);
    return suite;
}

TESTING_MAIN(make_suite)
