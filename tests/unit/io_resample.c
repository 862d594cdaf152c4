/* SPDX-License-Identifier: MIT
 * Resizing against Pillow, torchvision, torch and scikit-image. */
#include "unit/pictures.h"

#include <math.h>

#include "core/context.h"
#include "core/cpu.h"
#include "golden/drawn.h"
#include "io/resample.h"

static const int n_resized = sizeof resized / sizeof *resized;
static const int n_cropped = sizeof cropped / sizeof *cropped;

static void check_resized(xai_context *context, int row, uint32_t filter)
{
    xai_image *in = testing_picture(context, resized[row].in_width, resized[row].in_height), *out;

    ck_assert_ok(xai_image_resize(&out, in, resized[row].width, resized[row].height, filter));
    ck_assert_int_eq(xai_image_width(out), resized[row].width);
    ck_assert_int_eq(xai_image_height(out), resized[row].height);
    ck_assert_msg(testing_image_crc(out) == resized[row].crc[filter], "%dx%d to %dx%d, filter %u",
                  resized[row].in_width, resized[row].in_height, resized[row].width, resized[row].height, filter);
    xai_image_unref(in);
    xai_image_unref(out);
}

START_TEST(resize_equals_pillow)
{
    xai_context *context = testing_context(1);

    for (uint32_t filter = 0; filter < 3; filter++)
        check_resized(context, _i, filter);
    xai_context_unref(context);
}
END_TEST

START_TEST(portable_loops_equal_pillow)
{
    xai_context *context = testing_context(1);

    context->cpu_features &= ~(uint64_t)XAI__CPU_AVX2;
    for (uint32_t filter = 0; filter < 3; filter++)
        check_resized(context, _i, filter);
    xai_context_unref(context);
}
END_TEST

START_TEST(crop_equals_torchvision)
{
    xai_context *context = testing_context(1);
    xai_image *in = testing_picture(context, cropped[_i].in_width, cropped[_i].in_height), *out;

    for (uint32_t filter = 0; filter < 2; filter++) {
        ck_assert_ok(
            xai__image_resize_crop(&out, in, cropped[_i].resize, cropped[_i].height, cropped[_i].width, filter));
        ck_assert_int_eq(xai_image_width(out), cropped[_i].width);
        ck_assert_uint_eq(testing_image_crc(out), cropped[_i].crc[filter]);
        xai_image_unref(out);
    }
    xai_image_unref(in);
    xai_context_unref(context);
}
END_TEST

static void check_preprocessed(xai_context *context, int32_t size, const char *expected)
{
    const char *path = testing_data("tutorial/catdog.jpg");
    xai_image *photo, *prepared, *reference;

    if (path == NULL)
        return;
    ck_assert_ok(xai_image_load(&photo, context, path, 0));
    ck_assert_ok(xai__image_resize_crop(&prepared, photo, size, size, size, XAI_FILTER_BILINEAR));
    ck_assert_ok(xai_image_load(&reference, context, testing_data(expected), 0));
    testing_images_close(prepared, reference, 0);
    xai_image_unref(photo);
    xai_image_unref(prepared);
    xai_image_unref(reference);
}

START_TEST(tutorial_photo_is_prepared_to_the_byte)
{
    xai_context *context = testing_context(1);

    check_preprocessed(context, 224, "tutorial/reference/catdog_224.png");
    check_preprocessed(context, 32, "tutorial/reference/catdog_32.png");
    xai_context_unref(context);
}
END_TEST

/* Any window of a resize is what stands there in the whole. */
START_TEST(window_equals_part_of_whole)
{
    static const int32_t sizes[][2] = { { 20, 30 }, { 90, 70 }, { 61, 70 }, { 90, 47 }, { 61, 12 }, { 61, 47 } };
    xai_context *context = testing_context(1);
    xai_image *in = testing_picture(context, 61, 47), *whole, *part;
    size_t n_sizes = sizeof sizes / sizeof *sizes;

    for (size_t i = 0; i < n_sizes * 3; i++) {
        int32_t width = sizes[i / 3][0], height = sizes[i / 3][1];
        xai__crop crop = { width / 3, height / 4, width / 2, height / 3 };

        ck_assert_ok(xai_image_resize(&whole, in, width, height, (uint32_t)i % 3));
        ck_assert_ok(xai__resample_rgb(&part, in, width, height, &crop, (uint32_t)i % 3));
        for (int32_t y = 0; y < crop.height; y++)
            ck_assert_mem_eq(xai_image_pixels(part) + 3 * y * crop.width,
                             xai_image_pixels(whole) + 3 * ((y + crop.y) * width + crop.x), 3 * (size_t)crop.width);
        xai_image_unref(whole);
        xai_image_unref(part);
    }
    xai_image_unref(in);
    xai_context_unref(context);
}
END_TEST

START_TEST(shorter_side)
{
    int64_t width, height;

    xai__resize_shorter(&width, &height, 800, 573, 224);
    ck_assert_int_eq(width, 312);
    ck_assert_int_eq(height, 224);
    xai__resize_shorter(&width, &height, 1, INT32_MAX, INT32_MAX);
    ck_assert_int_eq(height, (int64_t)INT32_MAX * INT32_MAX);
}
END_TEST

START_TEST(bad_arguments)
{
    xai_context *context = testing_context(1);
    xai_image *in = testing_picture(context, 20, 10), *out;

    ck_assert_fails(xai_image_resize(&out, in, 0, 5, 0), XAI_E_INVALID, "0x5");
    ck_assert_ptr_null(out);
    ck_assert_fails(xai_image_resize(&out, in, 5, -1, 0), XAI_E_INVALID, "5x-1");
    ck_assert_fails(xai_image_resize(&out, in, 5, 5, 3), XAI_E_INVALID, "filter 3");
    ck_assert_fails(xai_image_resize(&out, in, 1 << 20, 1 << 20, 0), XAI_E_LIMIT, "max_pixels");
    ck_assert_fails(xai_image_resize(&out, NULL, 5, 5, 0), XAI_E_INVALID, "image is NULL");
    ck_assert_fails(xai_image_resize(NULL, in, 5, 5, 0), XAI_E_INVALID, "out is NULL");
    ck_assert_fails(xai__image_resize_crop(&out, in, 224, 225, 224, 0), XAI_E_SHAPE, "448x224");
    ck_assert_fails(xai__image_resize_crop(&out, in, 0, 11, 5, 0), XAI_E_SHAPE, "20x10");
    ck_assert_fails(xai__image_resize_crop(&out, in, -1, 5, 5, 0), XAI_E_INVALID, "-1");
    ck_assert_ptr_null(out);
    xai_image_unref(in);
    xai_context_unref(context);
}
END_TEST

static void check_map(size_t row, enum xai__map_filter filter)
{
    float in[128], out[320];
    int64_t n = maps[row].height * maps[row].width;

    testing_map(in, maps[row].in_height, maps[row].in_width);
    ck_assert_ok(
        xai__resample_map(out, maps[row].height, maps[row].width, in, maps[row].in_height, maps[row].in_width, filter));
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(fabsf(out[i] - maps[row].values[filter][i]) <= 1e-6f, "map %zu, filter %d, number %d: %g and %g",
                      row, filter, (int)i, out[i], maps[row].values[filter][i]);
}

START_TEST(map_equals_torch_and_skimage)
{
    for (size_t row = 0; row < sizeof maps / sizeof *maps; row++)
        for (int filter = XAI__MAP_BILINEAR; filter <= XAI__MAP_NEAREST; filter++)
            check_map(row, filter);
}
END_TEST

/* Wider than one strip of columns; a map that is linear inside stays so. */
START_TEST(wide_map)
{
    enum { IN = 50, OUT = 1000 };
    float in[IN], out[OUT], one = 3;

    for (int i = 0; i < IN; i++)
        in[i] = (float)i;
    ck_assert_ok(xai__resample_map(out, 1, OUT, in, 1, IN, XAI__MAP_BILINEAR));
    for (int i = 0; i < OUT; i++)
        ck_assert_float_eq_tol(out[i], fminf(fmaxf((i + 0.5f) / 20 - 0.5f, 0), IN - 1), 1e-4f);
    for (int filter = XAI__MAP_BILINEAR; filter <= XAI__MAP_NEAREST; filter++) {
        ck_assert_ok(xai__resample_map(out, 10, 100, &one, 1, 1, filter));
        for (int i = 0; i < OUT; i++)
            ck_assert_float_eq(out[i], 3);
    }
    ck_assert_fails(xai__resample_map(out, 0, 1, in, 1, 1, XAI__MAP_BILINEAR), XAI_E_INVALID, "1x1 to 0x1");
    ck_assert_fails(xai__resample_map(out, 1, 1, in, 1, 1, 4), XAI_E_INVALID, "filter 4");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_resample");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, resize_equals_pillow, 0, n_resized);
    tcase_add_loop_test(cases, portable_loops_equal_pillow, 0, n_resized);
    tcase_add_loop_test(cases, crop_equals_torchvision, 0, n_cropped);
    tcase_add_test(cases, tutorial_photo_is_prepared_to_the_byte);
    tcase_add_test(cases, window_equals_part_of_whole);
    tcase_add_test(cases, shorter_side);
    tcase_add_test(cases, bad_arguments);
    tcase_add_test(cases, map_equals_torch_and_skimage);
    tcase_add_test(cases, wide_map);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
