/* SPDX-License-Identifier: MIT
 * Drawings of maps that are put together by hand, and contact sheets. */
#include "networks.h"

#include <math.h>

#include "explain/attribution.h"
#include "io/font.h"

enum { WIDTH = 16, HEIGHT = 8 };

static const xai__profile raw = { .name = "default", .is_raw = true };

static xai_attribution *make(xai_context *context, bool is_signed, const float *values)
{
    const int64_t shape[2] = { HEIGHT, WIDTH };
    xai_attribution *a = xai__zalloc_array(context, 1, sizeof *a);

    ck_assert_ptr_nonnull(a);
    xai__object_init(&a->object, context);
    a->profile = &raw;
    a->is_signed = is_signed;
    a->input_height = HEIGHT;
    a->input_width = WIDTH;
    ck_assert_ok(xai_tensor_create(&a->map, context, shape, 2));
    memcpy(a->map->data, values, sizeof(float) * HEIGHT * WIDTH);
    return a;
}

static const uint8_t *pixel(xai_image *image, int x, int y)
{
    return xai_image_pixels(image) + 3 * (y * xai_image_width(image) + x);
}

/* Zero is white whatever the ends are; what is positive is red, what is negative is blue, equally far. */
START_TEST(signed_maps)
{
    xai_context *context = testing_context(1);
    float values[HEIGHT * WIDTH] = { 2, -2, 10, -1 };
    const xai_draw_options all = { .struct_size = sizeof all, .percentile = 100 };
    xai_attribution *a = make(context, true, values);
    xai_image *image = NULL;

    ck_assert_ok(xai_attribution_draw_with(&image, a, NULL, &all));
    ck_assert_int_ge(pixel(image, 5, 5)[0], 245);
    ck_assert_int_ge(pixel(image, 5, 5)[2], 245);
    ck_assert_int_gt(pixel(image, 0, 0)[0], pixel(image, 0, 0)[2]);
    ck_assert_int_lt(pixel(image, 1, 0)[0], pixel(image, 1, 0)[2]);
    ck_assert_int_gt(pixel(image, 0, 0)[1], pixel(image, 2, 0)[1]);
    xai_image_unref(image);
    xai_attribution_unref(a);
    xai_context_unref(context);
}
END_TEST

/* One outlier in 128 is the top percent: clipped, it leaves room for the rest. */
START_TEST(clipped)
{
    xai_context *context = testing_context(1);
    float values[HEIGHT * WIDTH];
    const xai_draw_options all = { .struct_size = sizeof all, .percentile = 100, .style = "gray" },
                           clip = { .struct_size = sizeof clip, .percentile = 99, .style = "gray" };
    xai_attribution *a;
    xai_image *whole = NULL, *clipped_one = NULL;

    for (int i = 0; i < HEIGHT * WIDTH; i++)
        values[i] = (float)(i % 2);
    values[4] = 1000;
    a = make(context, false, values);
    ck_assert_ok(xai_attribution_draw_with(&whole, a, NULL, &all));
    ck_assert_ok(xai_attribution_draw_with(&clipped_one, a, NULL, &clip));
    ck_assert_int_eq(pixel(whole, 4, 0)[0], 255);
    ck_assert_int_eq(pixel(whole, 1, 0)[0], 0);
    ck_assert_int_eq(pixel(clipped_one, 4, 0)[0], 255);
    ck_assert_int_eq(pixel(clipped_one, 1, 0)[0], 255);
    ck_assert_int_eq(pixel(clipped_one, 2, 0)[0], 0);
    xai_image_unref(whole);
    xai_image_unref(clipped_one);
    xai_attribution_unref(a);
    xai_context_unref(context);
}
END_TEST

static xai_image *draw_tutorial(xai_context *context, const float *values, const xai_image *under,
                                const xai_draw_options *options)
{
    static const xai__profile tutorial = { .name = "tutorial", .draws_as_tutorial = true };
    xai_attribution *a = make(context, false, values);
    xai_image *image = NULL;

    a->profile = &tutorial;
    ck_assert_ok(xai_attribution_draw_with(&image, a, under, options));
    xai_attribution_unref(a);
    return image;
}

/* The tutorial's colours as well are of what was asked for: the map clipped, and as much of them. */
START_TEST(tutorial_with_options)
{
    xai_context *context = testing_context(1);
    const xai_draw_options clip = { .struct_size = sizeof clip, .percentile = 99 },
                           faint = { .struct_size = sizeof faint, .opacity = 0.25f };
    float values[HEIGHT * WIDTH], clipped_values[HEIGHT * WIDTH];
    xai_image *images[5] = { NULL }, *black = NULL;

    for (int i = 0; i < HEIGHT * WIDTH; i++)
        values[i] = clipped_values[i] = (float)(i % 2);
    values[4] = 1000;
    clipped_values[4] = 1;
    ck_assert_ok(xai_image_create(&black, context, NULL, WIDTH, HEIGHT));
    memset(xai_image_pixels(black), 0, 3 * WIDTH * HEIGHT);
    images[0] = draw_tutorial(context, values, NULL, NULL);
    images[1] = draw_tutorial(context, values, NULL, &clip);
    images[2] = draw_tutorial(context, clipped_values, NULL, NULL);
    images[3] = draw_tutorial(context, values, black, NULL);
    images[4] = draw_tutorial(context, values, black, &faint);
    ck_assert_mem_ne(images[1]->pixels, images[0]->pixels, 3 * WIDTH * HEIGHT);
    ck_assert_mem_eq(images[1]->pixels, images[2]->pixels, 3 * WIDTH * HEIGHT);
    for (int i = 0; i < 3 * WIDTH * HEIGHT; i++) {
        ck_assert_int_eq(images[3]->pixels[i], images[0]->pixels[i] / 2);
        ck_assert_int_eq(images[4]->pixels[i], images[0]->pixels[i] / 4);
    }
    for (int i = 0; i < 5; i++)
        xai_image_unref(images[i]);
    xai_image_unref(black);
    xai_context_unref(context);
}
END_TEST

/* What is no number is dark and passes no level, where the rest is drawn. */
START_TEST(not_a_number)
{
    xai_context *context = testing_context(1);
    xai_draw_options options = {
        .struct_size = sizeof options, .kind = XAI_DRAW_MASKED, .smooth = -1, .percentile = 50
    };
    float values[HEIGHT * WIDTH];
    xai_image *under = NULL, *image = NULL;
    xai_attribution *a;

    ck_assert_ok(xai_image_create(&under, context, NULL, WIDTH, HEIGHT));
    memset(xai_image_pixels(under), 200, 3 * WIDTH * HEIGHT);
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        values[i] = (float)(i % WIDTH);
    values[3 * WIDTH + 9] = NAN;
    a = make(context, false, values);
    ck_assert_ok(xai_attribution_draw_with(&image, a, under, &options));
    ck_assert_int_eq(pixel(image, 9, 3)[0], 0);
    ck_assert_int_eq(pixel(image, WIDTH - 1, 3)[0], 200);
    xai_image_unref(image);
    options.kind = XAI_DRAW_CONTOURS;
    ck_assert_ok(xai_attribution_draw_with(&image, a, under, &options));
    xai_image_unref(image);
    xai_image_unref(under);
    xai_attribution_unref(a);
    xai_context_unref(context);
}
END_TEST

/* A map that rises from left to right: masks follow it, contours cross it once a level, and nothing else changes. */
START_TEST(over_a_picture)
{
    xai_context *context = testing_context(1);
    xai_draw_options options = {
        .struct_size = sizeof options, .kind = XAI_DRAW_MASKED, .smooth = -1, .percentile = 100, .n_levels = 2
    };
    float values[HEIGHT * WIDTH];
    xai_image *under = NULL, *image = NULL;
    xai_attribution *a;
    int changed = 0;

    ck_assert_ok(xai_image_create(&under, context, NULL, WIDTH, HEIGHT));
    memset(xai_image_pixels(under), 200, 3 * WIDTH * HEIGHT);
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        values[i] = (float)(i % WIDTH);
    a = make(context, false, values);
    ck_assert_ok(xai_attribution_draw_with(&image, a, under, &options));
    ck_assert_int_eq(pixel(image, WIDTH - 1, 3)[0], 200);
    for (int x = 1; x < WIDTH; x++)
        ck_assert_int_gt(pixel(image, x, 3)[0], pixel(image, x - 1, 3)[0]);
    xai_image_unref(image);
    options.kind = XAI_DRAW_CONTOURS;
    ck_assert_ok(xai_attribution_draw_with(&image, a, under, &options));
    for (int x = 0; x < WIDTH; x++)
        changed += memcmp(pixel(image, x, 3), pixel(under, x, 3), 3) != 0;
    ck_assert_int_eq(changed, 2);
    xai_image_unref(image);
    xai_image_unref(under);
    xai_attribution_unref(a);
    xai_context_unref(context);
}
END_TEST

START_TEST(refused)
{
    xai_context *context = testing_context(1);
    const float values[HEIGHT * WIDTH] = { 1 };
    xai_draw_options options = { .struct_size = sizeof options, .kind = XAI_DRAW_MASKED };
    xai_attribution *a = make(context, true, values);
    xai_image *image = NULL;

    ck_assert_fails(xai_attribution_draw_with(&image, a, NULL, &options), XAI_E_INVALID, "needs a picture under it");
    options.kind = 4;
    ck_assert_fails(xai_attribution_draw_with(&image, a, NULL, &options), XAI_E_INVALID, "no kind 4");
    options = (xai_draw_options){ .struct_size = sizeof options, .percentile = 101 };
    ck_assert_fails(xai_attribution_draw_with(&image, a, NULL, &options), XAI_E_INVALID, "percentile is 101");
    options = (xai_draw_options){ .struct_size = sizeof options, .style = "plaid_r" };
    ck_assert_fails(xai_attribution_draw_with(&image, a, NULL, &options), XAI_E_NOT_FOUND, "'plaid_r'");
    options = (xai_draw_options){ .struct_size = sizeof options, .reserved = 1 };
    ck_assert_fails(xai_attribution_draw_with(&image, a, NULL, &options), XAI_E_INVALID, "reserved is 1");
    ck_assert_ptr_null(image);
    xai_attribution_unref(a);
    xai_context_unref(context);
}
END_TEST

static size_t count_ink(xai_image *image, int first_row, int end_row)
{
    size_t n = 0;

    for (int y = first_row; y < end_row; y++)
        for (int x = 0; x < xai_image_width(image); x++)
            n += pixel(image, x, y)[0] == 32;
    return n;
}

/* Cells in rows; labels beneath, as far as they fit; an empty place stays white. */
START_TEST(sheets)
{
    xai_context *context = testing_context(1);
    const char *const labels[3] = { "a", NULL, "far too long a label for its cell" };
    xai_image *picture = NULL, *sheet = NULL;
    const xai_image *images[3];

    ck_assert_ok(xai_image_create(&picture, context, NULL, 40, 30));
    images[0] = images[2] = picture;
    images[1] = NULL;
    ck_assert_ok(xai_image_sheet(&sheet, context, images, labels, 3, 2));
    ck_assert_int_eq(xai_image_width(sheet), 2 * 40 + 3 * 8);
    ck_assert_int_eq(xai_image_height(sheet), 2 * (30 + 24) + 3 * 8);
    ck_assert_int_eq(pixel(sheet, 8, 8)[0], 0);
    ck_assert_int_eq(pixel(sheet, 60, 20)[0], 255);
    ck_assert_uint_eq(count_ink(sheet, 38, 62), 14); /* dots of an a */
    ck_assert_uint_gt(count_ink(sheet, 100, 124), 40);
    for (int y = 100; y < 124; y++)
        for (int x = 8 + 40; x < xai_image_width(sheet); x++)
            ck_assert_int_eq(pixel(sheet, x, y)[0], 255);
    xai_image_unref(sheet);
    ck_assert_uint_eq(xai__font_length("caf\xc3\xa9"), 4);
    ck_assert_fails(xai_image_sheet(&sheet, context, images, labels, 0, 0), XAI_E_INVALID, "got 0");
    ck_assert_fails(xai_image_sheet(&sheet, context, NULL, labels, 1, 0), XAI_E_INVALID, "images is NULL");
    xai_image_unref(picture);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_draw");
    TCase *cases = tcase_create("all");

    tcase_add_test(cases, signed_maps);
    tcase_add_test(cases, clipped);
    tcase_add_test(cases, tutorial_with_options);
    tcase_add_test(cases, not_a_number);
    tcase_add_test(cases, over_a_picture);
    tcase_add_test(cases, refused);
    tcase_add_test(cases, sheets);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
