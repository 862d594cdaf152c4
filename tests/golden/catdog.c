/* SPDX-License-Identifier: MIT
 * The tutorial's photograph through a real ResNet-18 and a real EfficientNet-Lite0, beside what PyTorch, torchcam and
 * the tutorial itself made of it. */
#include "photograph.h"

#include <math.h>
#include <stdbool.h>
#include <unistd.h>

static xai_image *load_image(xai_context *context, const char *path)
{
    const char *full = testing_data(path);
    xai_image *image = NULL;

    if (full != NULL)
        ck_assert_ok(xai_image_load(&image, context, full, 0));
    return image;
}

/* Largest difference, as a share of the largest expected magnitude. */
static double relative_error(const float *got, const float *expected, size_t n)
{
    double worst = 0, largest = 1e-30;

    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs((double)got[i] - expected[i]));
        largest = fmax(largest, fabs(expected[i]));
    }
    return worst / largest;
}

/* Differs from PyTorch's in the order of scaling: x * (1/255) in place of x / 255. */
START_TEST(preparation)
{
    photograph f = photograph_begin(NULL, 1);
    xai_tensor *expected = f.context != NULL ? photograph_golden(f.context, "input") : NULL;

    if (expected != NULL) {
        ck_assert_uint_eq(xai_tensor_size(f.input), xai_tensor_size(expected));
        ck_assert_double_le(
            relative_error(xai_tensor_data(f.input), xai_tensor_data(expected), xai_tensor_size(expected)), 1e-6);
    }
    xai_tensor_unref(expected);
    photograph_end(&f);
}
END_TEST

START_TEST(logits)
{
    static const char *const chains[] = { "native", "native-avx2", "native-baseline" };
    photograph f = photograph_begin(chains[_i], 2);
    xai_tensor *got = NULL, *expected = f.context != NULL ? photograph_golden(f.context, "logits") : NULL;

    if (expected != NULL) {
        ck_assert_ok(xai_session_forward(&got, f.session, f.input));
        ck_assert_double_le(relative_error(xai_tensor_data(got), xai_tensor_data(expected), 1000), 1e-5);
        for (int i = 0; i < 1000; i++)
            ck_assert_float_le(xai_tensor_data(got)[i], xai_tensor_data(got)[PHOTOGRAPH_PERSIAN_CAT]);
    }
    xai_tensor_unref(got);
    xai_tensor_unref(expected);
    photograph_end(&f);
}
END_TEST

/* Means over the map, where the vector holds only those. */
static xai_tensor *spatial_mean(xai_context *context, xai_tensor *value)
{
    int64_t shape[4] = { 0 };
    xai_tensor *mean = NULL;
    size_t n;

    ck_assert_uint_eq(xai_tensor_shape(value, shape, 4), 4);
    n = (size_t)(shape[2] * shape[3]);
    ck_assert_ok(xai_tensor_create(&mean, context, shape + 1, 1));
    for (int64_t c = 0; c < shape[1]; c++) {
        double sum = 0;

        for (size_t i = 0; i < n; i++)
            sum += xai_tensor_data(value)[(size_t)c * n + i];
        xai_tensor_data(mean)[c] = (float)(sum / (double)n);
    }
    return mean;
}

/* Raw outputs of convolutions and batch norms in the middle of fused chains, of a block, and of the pool. */
START_TEST(captured_values)
{
    static const struct {
        const char *value, *golden;
        bool is_mean;
    } rows[] = {
        { "conv1", "value.conv1.mean", true },
        { "layer1.0.conv1", "value.layer1.0.conv1.mean", true },
        { "layer2.0.downsample.0", "value.layer2.0.downsample.0.mean", true },
        { "layer4.1.conv2", "value.layer4.1.conv2", false },
        { "layer4.1", "value.layer4.1.bn2.mean",
          true }, /* torchvision adds and rectifies in place, into bn2's output */
        { "layer4.1", "value.layer4.1", false },
        { "avgpool", "value.avgpool", false },
    };
    photograph f = photograph_begin(NULL, 2);
    xai_tensor *expected = f.context != NULL ? photograph_golden(f.context, rows[_i].golden) : NULL, *got = NULL,
               *logit = NULL;
    xai_hook *hook = NULL;

    if (expected != NULL) {
        ck_assert_ok(xai_hook_attach(&hook, f.session, rows[_i].value, XAI_HOOK_CAPTURE, NULL, NULL, NULL));
        ck_assert_ok(xai_session_forward(&logit, f.session, f.input));
        ck_assert_ok(xai_hook_output(&got, hook));
        if (rows[_i].is_mean) {
            xai_tensor *mean = spatial_mean(f.context, got);

            xai_tensor_unref(got);
            got = mean;
        }
        ck_assert_uint_eq(xai_tensor_size(got), xai_tensor_size(expected));
        ck_assert_double_le(relative_error(xai_tensor_data(got), xai_tensor_data(expected), xai_tensor_size(expected)),
                            1e-5);
    }
    xai_hook_unref(hook);
    xai_tensor_unref(got);
    xai_tensor_unref(logit);
    xai_tensor_unref(expected);
    photograph_end(&f);
}
END_TEST

static xai_tensor *capture_one(photograph *f, const char *value)
{
    xai_tensor *logit = NULL, *captured = NULL;
    xai_hook *hook = NULL;

    ck_assert_ok(xai_hook_attach(&hook, f->session, value, XAI_HOOK_CAPTURE, NULL, NULL, NULL));
    ck_assert_ok(xai_session_forward(&logit, f->session, f->input));
    ck_assert_ok(xai_hook_output(&captured, hook));
    xai_hook_unref(hook);
    xai_tensor_unref(logit);
    return captured;
}

/* What torchvision overwrites: the raw output of the last batch norm, which makes the block's output with the shortcut.
 */
START_TEST(last_batch_norm)
{
    photograph f = photograph_begin(NULL, 2);
    xai_tensor *expected = f.context != NULL ? photograph_golden(f.context, "value.layer4.1") : NULL;

    if (expected != NULL) {
        xai_tensor *norm = capture_one(&f, "layer4.1.bn2"), *shortcut = capture_one(&f, "layer4.0");
        size_t n = xai_tensor_size(expected);

        ck_assert_uint_eq(xai_tensor_size(norm), n);
        for (size_t i = 0; i < n; i++)
            xai_tensor_data(norm)[i] = fmaxf(0, xai_tensor_data(norm)[i] + xai_tensor_data(shortcut)[i]);
        ck_assert_double_le(relative_error(xai_tensor_data(norm), xai_tensor_data(expected), n), 1e-5);
        xai_tensor_unref(norm);
        xai_tensor_unref(shortcut);
    }
    xai_tensor_unref(expected);
    photograph_end(&f);
}
END_TEST

/* --- class activation maps --- */

static xai_attribution *explain(photograph *f, const char *layer, const char *profile)
{
    xai_cam_options options = {
        .struct_size = sizeof options, .profile = profile, .layers = &layer, .n_layers = layer != NULL
    };
    xai_attribution *attribution = NULL;
    xai_cam *cam = NULL;

    ck_assert_ok(xai_cam_create(&cam, f->session, &options));
    ck_assert_ok(xai_cam_compute(&attribution, cam, f->input, NULL, 0));
    ck_assert_int_eq(xai_attribution_target(attribution), PHOTOGRAPH_PERSIAN_CAT);
    xai_cam_unref(cam);
    return attribution;
}

START_TEST(maps)
{
    static const struct {
        const char *layer, *profile, *golden;
    } rows[] = {
        { "layer4.1.conv2", "default", "t0.cam.conv2" },
        { "layer4", "torchcam", "t0.torchcam.cam" },
        { NULL, "torchcam", "t0.torchcam.cam" },
    };
    photograph f = photograph_begin(NULL, 2);
    xai_tensor *expected = f.context != NULL ? photograph_golden(f.context, rows[_i].golden) : NULL, *got = NULL;

    if (expected != NULL) {
        xai_attribution *attribution = explain(&f, rows[_i].layer, rows[_i].profile);

        ck_assert_ok(xai_attribution_map(&got, attribution, 0, 0, XAI_NORMALISE_PROFILE));
        ck_assert_uint_eq(xai_tensor_size(got), 49);
        for (size_t i = 0; i < 49; i++)
            ck_assert_float_eq_tol(xai_tensor_data(got)[i], xai_tensor_data(expected)[i], 1e-5f);
        xai_attribution_unref(attribution);
    }
    xai_tensor_unref(got);
    xai_tensor_unref(expected);
    photograph_end(&f);
}
END_TEST

static int largest_difference(xai_image *a, xai_image *b)
{
    size_t n = (size_t)xai_image_width(a) * (size_t)xai_image_height(a) * 3;
    int worst = 0;

    ck_assert_int_eq(xai_image_width(a), xai_image_width(b));
    ck_assert_int_eq(xai_image_height(a), xai_image_height(b));
    for (size_t i = 0; i < n; i++) {
        int difference = abs(xai_image_pixels(a)[i] - xai_image_pixels(b)[i]);

        worst = difference > worst ? difference : worst;
    }
    return worst;
}

/* Pearson's correlation of red minus blue. */
static double correlation(xai_image *a, xai_image *b)
{
    size_t n = (size_t)xai_image_width(a) * (size_t)xai_image_height(a);
    double sums[5] = { 0 };

    for (size_t i = 0; i < n; i++) {
        double x = xai_image_pixels(a)[3 * i] - xai_image_pixels(a)[3 * i + 2];
        double y = xai_image_pixels(b)[3 * i] - xai_image_pixels(b)[3 * i + 2];

        sums[0] += x;
        sums[1] += y;
        sums[2] += x * x;
        sums[3] += y * y;
        sums[4] += x * y;
    }
    return (sums[4] - sums[0] * sums[1] / (double)n) /
           sqrt((sums[2] - sums[0] * sums[0] / (double)n) * (sums[3] - sums[1] * sums[1] / (double)n));
}

/* The tutorial's own picture, before JPEG, and the one that it published (made with other weights). */
START_TEST(tutorial_pictures)
{
    photograph f = photograph_begin(NULL, 2);
    xai_image *heat = NULL, *blend = NULL, *crop = NULL, *expected;
    xai_attribution *attribution;

    if (f.context == NULL)
        return;
    attribution = explain(&f, NULL, "tutorial");
    ck_assert_ok(xai_model_crop(&crop, f.model, f.image));
    ck_assert_ok(xai_attribution_draw(&heat, attribution, NULL, NULL));
    ck_assert_ok(xai_attribution_draw(&blend, attribution, crop, NULL));

    expected = load_image(f.context, "tutorial/reference/heatmap_tutorial_way.png");
    if (expected != NULL)
        ck_assert_int_le(largest_difference(heat, expected), 1);
    xai_image_unref(expected);
    expected = load_image(f.context, "tutorial/reference/combined_tutorial_way.png");
    if (expected != NULL)
        ck_assert_int_le(largest_difference(blend, expected), 1);
    xai_image_unref(expected);
    expected = load_image(f.context, "tutorial/results/heatmap.jpg");
    if (expected != NULL)
        ck_assert_double_ge(correlation(heat, expected), 0.98);
    xai_image_unref(expected);

    xai_image_unref(heat);
    xai_image_unref(blend);
    xai_image_unref(crop);
    xai_attribution_unref(attribution);
    photograph_end(&f);
}
END_TEST

/* --- the promises about bits, on a whole network --- */

static xai_tensor *repeat(photograph *f, int64_t n)
{
    int64_t shape[4];
    xai_tensor *batch = NULL;
    size_t size = xai_tensor_size(f->input);

    xai_tensor_shape(f->input, shape, 4);
    shape[0] = n;
    ck_assert_ok(xai_tensor_create(&batch, f->context, shape, 4));
    for (size_t i = 0; i < (size_t)n * size; i++) /* other pictures beside the last one */
        xai_tensor_data(batch)[i] = xai_tensor_data(f->input)[i % size] * (i / size + 1 == (size_t)n ? 1.0f : 0.5f);
    return batch;
}

START_TEST(same_bits)
{
    static const uint32_t n_threads[] = { 1, 2, 3, 8 };
    float first[1000];

    for (size_t t = 0; t < 4; t++) {
        photograph f = photograph_begin(NULL, n_threads[t]);
        xai_tensor *alone = NULL, *batch, *five = NULL;

        if (f.context == NULL)
            return;
        batch = repeat(&f, 5);
        ck_assert_ok(xai_session_forward(&alone, f.session, f.input));
        ck_assert_ok(xai_session_forward(&five, f.session, batch));
        if (t == 0)
            memcpy(first, xai_tensor_data(alone), sizeof first);
        ck_assert(memcmp(xai_tensor_data(alone), first, sizeof first) == 0);
        ck_assert(memcmp(xai_tensor_data(five) + 4000, first, sizeof first) == 0);
        xai_tensor_unref(alone);
        xai_tensor_unref(five);
        xai_tensor_unref(batch);
        photograph_end(&f);
    }
}
END_TEST

START_TEST(all_hooked)
{
    photograph f = photograph_begin(NULL, 2);
    xai_hook *hooks[256] = { NULL };
    xai_tensor *bare = NULL, *hooked = NULL;
    size_t n;

    if (f.context == NULL)
        return;
    ck_assert_ok(xai_session_forward(&bare, f.session, f.input));
    n = xai_model_n_layers(f.model);
    ck_assert_uint_le(n, 256);
    for (size_t i = 0; i < n; i++) {
        xai_layer layer = { .struct_size = sizeof layer };

        ck_assert_ok(xai_model_layer(&layer, f.model, i));
        ck_assert_ok(xai_hook_attach(&hooks[i], f.session, layer.name, XAI_HOOK_CAPTURE, NULL, NULL, NULL));
    }
    ck_assert_ok(xai_session_forward(&hooked, f.session, f.input));
    ck_assert(memcmp(xai_tensor_data(bare), xai_tensor_data(hooked), 1000 * sizeof(float)) == 0);
    for (size_t i = 0; i < n; i++)
        xai_hook_unref(hooks[i]);
    xai_tensor_unref(bare);
    xai_tensor_unref(hooked);
    photograph_end(&f);
}
END_TEST

/* --- the default model, where examples/run has installed it --- */

static const char *default_model(void)
{
    static char path[4096];
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    snprintf(path, sizeof path, "%s%s/xai/default.json",
             cache != NULL  ? cache
             : home != NULL ? home
                            : "",
             cache != NULL ? "" : "/.cache");
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "SKIP: the default model is not installed\n");
        return NULL;
    }
    return path;
}

START_TEST(efficientnet_lite0)
{
    xai_context *context = testing_context(2);
    const char *manifest = default_model();
    xai_image *image = load_image(context, "tutorial/catdog.jpg");
    xai_model *model = NULL;
    xai_session *session = NULL;
    xai_tensor *input = NULL, *logit = NULL;

    if (manifest != NULL && image != NULL) {
        double sum = 0;

        ck_assert_ok(xai_model_load(&model, context, manifest, NULL));
        ck_assert_ok(xai_session_create(&session, model, NULL));
        ck_assert_ok(xai_model_prepare(&input, model, image));
        ck_assert_ok(xai_session_forward(&logit, session, input));
        for (int i = 0; i < 1000; i++)
            sum += exp(xai_tensor_data(logit)[i]);
        ck_assert_str_eq(xai_model_label(model, PHOTOGRAPH_PERSIAN_CAT), "Persian cat");
        ck_assert_double_eq_tol(exp(xai_tensor_data(logit)[PHOTOGRAPH_PERSIAN_CAT]) / sum, 0.2444, 0.001);
    }
    xai_tensor_unref(logit);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("catdog");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, preparation);
    tcase_add_loop_test(cases, logits, 0, 3);
    tcase_add_loop_test(cases, captured_values, 0, 7);
    tcase_add_test(cases, last_batch_norm);
    tcase_add_loop_test(cases, maps, 0, 3);
    tcase_add_test(cases, tutorial_pictures);
    tcase_add_test(cases, same_bits);
    tcase_add_test(cases, all_hooked);
    tcase_add_test(cases, efficientnet_lite0);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
