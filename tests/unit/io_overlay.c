/* SPDX-License-Identifier: MIT
 * Colour maps against matplotlib, overlays against numpy and the tutorial's pictures. */
#include "unit/pictures.h"

#include <float.h>
#include <math.h>

#include "golden/drawn.h"
#include "io/overlay.h"

START_TEST(colours_equal_matplotlib)
{
    enum { FIRST = -64, LAST = 1088, N = LAST - FIRST + 2 };
    const xai__colormap *colormap = xai__colormap_find(colours[_i].name);
    float values[N];
    uint8_t rgb[3 * N];

    ck_assert_ptr_nonnull(colormap);
    for (int i = 0; i < N - 1; i++)
        values[i] = (float)(i + FIRST) / 1024;
    values[N - 1] = NAN;
    xai__colormap_paint(rgb, values, N, colormap, XAI__ROUND_DOWN);
    ck_assert_uint_eq(testing_crc(rgb, sizeof rgb), colours[_i].down_crc);
    xai__colormap_paint(rgb, values, N, colormap, XAI__ROUND_NEAREST);
    ck_assert_uint_eq(testing_crc(rgb, sizeof rgb), colours[_i].nearest_crc);
}
END_TEST

START_TEST(unknown_colormap)
{
    ck_assert_ptr_null(xai__colormap_find("Jet"));
    ck_assert_ptr_null(xai__colormap_find(""));
}
END_TEST

START_TEST(infinite_values)
{
    const xai__colormap *gray = xai__colormap_find("gray");
    float values[] = { -INFINITY, INFINITY, FLT_MAX };
    uint8_t rgb[9];

    xai__colormap_paint(rgb, values, 3, gray, XAI__ROUND_DOWN);
    ck_assert_int_eq(rgb[0], 0);
    ck_assert_int_eq(rgb[3], 255);
    ck_assert_int_eq(rgb[8], 255);
}
END_TEST

static xai_image *make_transposed(xai_context *context, int32_t width, int32_t height)
{
    xai_image *image = testing_picture(context, height, width), *out;

    ck_assert_ok(xai_image_create(&out, context, NULL, width, height));
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++)
            memcpy(xai_image_pixels(out) + 3 * (y * width + x), xai_image_pixels(image) + 3 * (x * height + y), 3);
    xai_image_unref(image);
    return out;
}

START_TEST(blend_equals_numpy)
{
    xai_context *context = testing_context(1);
    xai_image *photo = testing_picture(context, 50, 40), *heat = make_transposed(context, 50, 40), *out;

    ck_assert_ok(xai__overlay_blend(&out, photo, heat, blends[_i].alpha, XAI__ROUND_DOWN));
    ck_assert_uint_eq(testing_image_crc(out), blends[_i].down_crc);
    xai_image_unref(out);
    ck_assert_ok(xai__overlay_blend(&out, photo, heat, blends[_i].alpha, XAI__ROUND_NEAREST));
    ck_assert_uint_eq(testing_image_crc(out), blends[_i].nearest_crc);
    xai_image_unref(out);
    xai_image_unref(photo);
    xai_image_unref(heat);
    xai_context_unref(context);
}
END_TEST

START_TEST(bad_blends)
{
    xai_context *context = testing_context(1);
    xai_image *photo = testing_picture(context, 5, 4), *heat = testing_picture(context, 4, 5), *out;

    ck_assert_fails(xai__overlay_blend(&out, photo, heat, 0.5, XAI__ROUND_DOWN), XAI_E_SHAPE, "5x4");
    ck_assert_ptr_null(out);
    ck_assert_fails(xai__overlay_blend(&out, photo, photo, 1.5, XAI__ROUND_DOWN), XAI_E_INVALID, "1.5");
    ck_assert_fails(xai__overlay_blend(&out, photo, photo, NAN, XAI__ROUND_DOWN), XAI_E_INVALID, "nan");
    ck_assert_ptr_null(out);
    xai_image_unref(photo);
    xai_image_unref(heat);
    xai_context_unref(context);
}
END_TEST

/* The 49 numbers behind a key, transposed as the tutorial transposes them. */
static void read_tutorial_map(float map[49], const char *text)
{
    const char *at = strstr(text, "\"cam_norm_conv2_row_major_y_x\"");
    char *end;

    ck_assert_ptr_nonnull(at);
    at = strchr(at, '[');
    for (int i = 0; i < 49; i++, at = end) {
        at += strspn(at, "[], \n");
        map[i % 7 * 7 + i / 7] = strtof(at, &end);
        ck_assert_ptr_ne(at, end);
    }
}

static bool read_tutorial(float map[49])
{
    const char *path = testing_data("tutorial/reference/resnet18_pq_catdog.json");
    static char text[16384];
    FILE *file = path != NULL ? fopen(path, "r") : NULL;

    if (file == NULL)
        return false;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    read_tutorial_map(map, text);
    return true;
}

static void check_against(xai_context *context, xai_image *image, const char *name, int tolerance)
{
    xai_image *reference;

    ck_assert_ok(xai_image_load(&reference, context, testing_data(name), 0));
    testing_images_close(image, reference, tolerance);
    xai_image_unref(reference);
}

/* The reference's map has more digits than its JSON, so a colour may fall one level off. */
START_TEST(tutorial_way)
{
    xai_context *context = testing_context(1);
    xai_image *photo, *heat, *combined;
    float map[49];

    if (read_tutorial(map)) {
        ck_assert_ok(xai_image_load(&photo, context, testing_data("tutorial/reference/catdog_224.png"), 0));
        ck_assert_ok(xai__overlay_tutorial(&heat, &combined, map, 7, 7, photo, 0.5));
        check_against(context, heat, "tutorial/reference/heatmap_tutorial_way.png", 1);
        check_against(context, combined, "tutorial/reference/combined_tutorial_way.png", 1);
        xai_image_unref(photo);
        xai_image_unref(heat);
        xai_image_unref(combined);
    }
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_overlay");
    TCase *cases = tcase_create("all");

    tcase_add_loop_test(cases, colours_equal_matplotlib, 0, sizeof colours / sizeof *colours);
    tcase_add_test(cases, unknown_colormap);
    tcase_add_test(cases, infinite_values);
    tcase_add_loop_test(cases, blend_equals_numpy, 0, sizeof blends / sizeof *blends);
    tcase_add_test(cases, bad_blends);
    tcase_add_test(cases, tutorial_way);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
