/* SPDX-License-Identifier: MIT
 * Superpixels: labels from outside, methods on any shape, options, threads, drawing. scikit-image's labels are in
 * golden/segments.c. */
#include <stdbool.h>

#include "core/context.h"
#include "core/cpu.h"
#include "io/image.h"
#include "testing.h"

enum { WIDTH = 31, HEIGHT = 20 };

static const char *const methods[] = { "quickshift", "slic", "felzenszwalb", "grid" };

static xai_image *picture(xai_context *context, int32_t width, int32_t height)
{
    xai_image *image = NULL;
    uint8_t *pixels;

    ck_assert_ok(xai_image_create(&image, context, NULL, width, height));
    pixels = xai_image_pixels(image);
    for (int32_t i = 0; i < width * height; i++)
        for (int32_t c = 0; c < 3; c++)
            pixels[3 * i + c] = (uint8_t)((i % width < width / 2 ? 40 : 200) + (i * 37 + c * 11) % 23 +
                                          i / width / 7 * 5);
    return image;
}

static xai_segments *cut(const xai_image *image, const char *method)
{
    const xai_segment_options options = { .struct_size = sizeof options,
                                          .method = method,
                                          .n_rows = strcmp(method, "grid") == 0 };
    xai_segments *segments = NULL;

    ck_assert_ok(xai_segments_create(&segments, image, &options));
    return segments;
}

/* Every label from 0 to the number of segments is used, and no other. */
static void check_labels(const xai_segments *segments)
{
    size_t n = (size_t)xai_segments_width(segments) * (size_t)xai_segments_height(segments),
           count = xai_segments_count(segments);
    const int32_t *labels = xai_segments_labels(segments);
    bool *used = calloc(count, sizeof *used);

    ck_assert_uint_ge(count, 1);
    for (size_t i = 0; i < n; i++) {
        ck_assert(labels[i] >= 0 && (size_t)labels[i] < count);
        used[labels[i]] = true;
    }
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(used[i], "label %zu of %zu is not used", i, count);
    free(used);
}

START_TEST(test_wrap)
{
    const int32_t labels[6] = { 70000, 3, 3, 9, 70000, 2000000000 }, wanted[6] = { 2, 0, 0, 1, 2, 3 };
    xai_context *context = testing_context(1);
    xai_segments *segments = NULL;

    ck_assert_ok(xai_segments_wrap(&segments, context, labels, 3, 2));
    ck_assert_uint_eq(xai_segments_count(segments), 4);
    ck_assert_int_eq(xai_segments_width(segments), 3);
    ck_assert_int_eq(xai_segments_height(segments), 2);
    ck_assert_mem_eq(xai_segments_labels(segments), wanted, sizeof wanted);
    ck_assert_ptr_eq(xai_segments_ref(segments), segments);
    xai_segments_unref(segments);
    xai_segments_unref(segments);
    xai_segments_unref(NULL);
    xai_context_unref(context);
}
END_TEST

START_TEST(test_wrap_refused)
{
    const int32_t labels[4] = { 0, 1, -5, 1 };
    xai_context *context = testing_context(1);
    xai_segments *segments = (xai_segments *)context;

    ck_assert_fails(xai_segments_wrap(&segments, context, labels, 2, 2), XAI_E_INVALID,
                    "label -5 of row 1, column 0 is negative");
    ck_assert_ptr_null(segments);
    ck_assert_fails(xai_segments_wrap(&segments, context, labels, 0, 2), XAI_E_INVALID, "0 x 2 labels is empty");
    ck_assert_fails(xai_segments_wrap(&segments, context, NULL, 2, 2), XAI_E_INVALID, "NULL");
    ck_assert_fails(xai_segments_wrap(&segments, context, labels, INT32_MAX, INT32_MAX), XAI_E_LIMIT, "");
    xai_context_unref(context);
}
END_TEST

/* A context may allow pictures with more pixels than edges or labels can be numbered for. */
START_TEST(test_too_many_pixels)
{
    const xai_context_options all = { .struct_size = sizeof all, .max_pixels = UINT64_MAX };
    xai_context *context = NULL;
    xai_segments *segments = NULL;
    xai_image *image = NULL;

    ck_assert_ok(xai_context_create(&context, &all));
    ck_assert_ok(xai_image_create(&image, context, NULL, 2, 2));
    image->width = image->height = 1 << 15; /* refused before a pixel is looked at */
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const xai_segment_options options = { .struct_size = sizeof options, .method = methods[i] };

        ck_assert_fails(xai_segments_create(&segments, image, &options), XAI_E_LIMIT,
                        "32768x32768 pixels are more than the 1073741823");
        ck_assert_ptr_null(segments);
    }
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

START_TEST(test_shapes)
{
    static const int32_t sizes[][2] = { { 1, 1 }, { 1, 9 }, { 9, 1 }, { 2, 2 }, { 3, 40 }, { 41, 5 }, { 25, 25 } };
    xai_context *context = testing_context(2);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        xai_image *image = picture(context, sizes[i][0], sizes[i][1]);
        xai_segments *segments = cut(image, methods[_i]);

        check_labels(segments);
        xai_segments_unref(segments);
        xai_image_unref(image);
    }
    xai_context_unref(context);
}
END_TEST

/* Two halves of other brightness: no segment lies in both, save those of a grid. */
START_TEST(test_halves)
{
    xai_context *context = testing_context(1);
    xai_image *image = picture(context, WIDTH, HEIGHT);
    xai_segments *segments = cut(image, methods[_i]);
    const int32_t *labels = xai_segments_labels(segments);
    int side[WIDTH * HEIGHT] = { 0 };

    for (int i = 0; i < WIDTH * HEIGHT; i++)
        side[labels[i]] |= i % WIDTH < WIDTH / 2 ? 1 : 2;
    for (size_t i = 0; i < xai_segments_count(segments); i++)
        ck_assert_int_ne(side[i], 3);
    xai_segments_unref(segments);
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

START_TEST(test_threads)
{
    xai_context *one = testing_context(1), *many = testing_context(5);
    xai_image *images[2] = { picture(one, 97, 61), picture(many, 97, 61) };
    xai_segments *segments[2];

    for (int i = 0; i < 2; i++)
        segments[i] = cut(images[i], methods[_i]);
    ck_assert_mem_eq(xai_segments_labels(segments[0]), xai_segments_labels(segments[1]), 97 * 61 * sizeof(int32_t));
    for (int i = 0; i < 2; i++) {
        xai_segments_unref(segments[i]);
        xai_image_unref(images[i]);
    }
    xai_context_unref(one);
    xai_context_unref(many);
}
END_TEST

/* Quickshift is compiled once an instruction set: the bits are the same. */
START_TEST(test_instruction_sets)
{
    static const uint64_t masks[] = { 0, XAI__CPU_AVX2, XAI__CPU_AVX2 | XAI__CPU_AVX512 };
    xai_context *context = testing_context(1);
    const uint64_t features = context->cpu_features;
    xai_image *image = picture(context, 83, 40);
    xai_segments *wanted = cut(image, "quickshift");

    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        xai_segments *segments;

        context->cpu_features = features & masks[i];
        segments = cut(image, "quickshift");
        ck_assert_mem_eq(xai_segments_labels(segments), xai_segments_labels(wanted), 83 * 40 * sizeof(int32_t));
        xai_segments_unref(segments);
    }
    xai_segments_unref(wanted);
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

START_TEST(test_grid)
{
    const xai_segment_options options = {
        .struct_size = sizeof options, .method = "grid", .n_rows = 3, .n_columns = 2
    };
    xai_context *context = testing_context(1);
    xai_image *image = picture(context, 5, 7);
    xai_segments *segments = NULL;
    const int32_t *labels;

    ck_assert_ok(xai_segments_create(&segments, image, &options));
    labels = xai_segments_labels(segments);
    ck_assert_uint_eq(xai_segments_count(segments), 6);
    for (int y = 0; y < 7; y++)
        for (int x = 0; x < 5; x++)
            ck_assert_int_eq(labels[y * 5 + x], (y < 3 ? 0 : y < 5 ? 1 : 2) * 2 + (x < 3 ? 0 : 1));
    xai_segments_unref(segments);
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

static const struct {
    xai_segment_options options;
    xai_status status;
    const char *words;
} refused[] = {
    { { .method = "watershed" }, XAI_E_NOT_FOUND, "there are quickshift, slic, felzenszwalb, grid" },
    { { .method = "slic", .kernel_size = 3 }, XAI_E_INVALID, "slic has no option kernel_size" },
    { { .kernel_size = 0.5 }, XAI_E_INVALID, "kernel_size is 0.5, it is at least 1" },
    { { .max_dist = -1 }, XAI_E_INVALID, "max_dist is -1" },
    { { .n_segments = 3 }, XAI_E_INVALID, "quickshift has no option n_segments" },
    { { .method = "grid", .sigma = 1 }, XAI_E_INVALID, "grid has no option sigma" },
    { { .method = "grid", .n_rows = 21 }, XAI_E_INVALID, "20 x 31 pixels has no 21 x 21 rectangles" },
    { { .seed = 3 }, XAI_E_INVALID, "seed is 3 without XAI_SEGMENT_SET_SEED" },
    { { .flags = XAI_SEGMENT_KEEP_FRAGMENTS }, XAI_E_INVALID, "quickshift has no flags 2" },
};

START_TEST(test_refused)
{
    xai_context *context = testing_context(1);
    xai_image *image = picture(context, WIDTH, HEIGHT);
    xai_segment_options options = refused[_i].options;
    xai_segments *segments = (xai_segments *)image;

    options.struct_size = sizeof options;
    ck_assert_fails(xai_segments_create(&segments, image, &options), refused[_i].status, refused[_i].words);
    ck_assert_ptr_null(segments);
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

/* A 4 x 4 picture of four squares, with and without one of them chosen. */
static xai_image *draw(xai_context *context, const xai_segments_draw_options *options)
{
    const int32_t labels[16] = { 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3 };
    uint8_t grey[48];
    xai_segments *segments = NULL;
    xai_image *image = NULL, *drawn = NULL;

    memset(grey, 100, sizeof grey);
    ck_assert_ok(xai_segments_wrap(&segments, context, labels, 4, 4));
    ck_assert_ok(xai_image_create(&image, context, grey, 4, 4));
    ck_assert_ok(xai_segments_draw(&drawn, segments, image, options));
    xai_image_unref(image);
    xai_segments_unref(segments);
    return drawn;
}

/* A letter a pixel: the line's colour, as it was, half as bright. */
static void check_drawn(xai_image *drawn, const char *wanted)
{
    for (int i = 0; i < 16; i++) {
        const uint8_t *p = xai_image_pixels(drawn) + 3 * i;
        char got = p[0] == 255 && p[1] == 255 && p[2] == 0     ? 'L'
                   : p[0] == 9 && p[1] == 8 && p[2] == 7       ? 'M'
                   : p[0] == 100 && p[1] == 100 && p[2] == 100 ? '.'
                   : p[0] == 50 && p[1] == 50 && p[2] == 50    ? '-'
                                                               : '?';

        ck_assert_msg(got == wanted[i], "pixel %d is %u %u %u, not %c", i, p[0], p[1], p[2], wanted[i]);
    }
}

START_TEST(test_drawn)
{
    const uint32_t chosen[1] = { 3 };
    xai_segments_draw_options options = { .struct_size = sizeof options, .chosen = chosen, .n_chosen = 1, .dim = 0.5f };
    xai_context *context = testing_context(1);
    xai_image *drawn = draw(context, NULL);

    /* Against 0 the line lies on 0; between others on both. */
    check_drawn(drawn, ".L..LLLL.LLL.LL.");
    xai_image_unref(drawn);
    drawn = draw(context, &options);
    check_drawn(drawn, "------LL-L..-L..");
    xai_image_unref(drawn);
    options.no_lines = 1;
    drawn = draw(context, &options);
    check_drawn(drawn, "----------..--..");
    xai_image_unref(drawn);
    options = (xai_segments_draw_options){ .struct_size = sizeof options, .color = { 9, 8, 7 } };
    drawn = draw(context, &options);
    check_drawn(drawn, ".M..MMMM.MMM.MM.");
    xai_image_unref(drawn);
    xai_context_unref(context);
}
END_TEST

START_TEST(test_draw_refused)
{
    const uint32_t chosen[1] = { 6 };
    xai_segments_draw_options options = { .struct_size = sizeof options, .dim = 0.5f };
    xai_context *context = testing_context(1);
    xai_image *image = picture(context, WIDTH, HEIGHT), *drawn = image;
    xai_segments *segments = cut(image, "grid");

    ck_assert_fails(xai_segments_draw(&drawn, segments, image, &options), XAI_E_INVALID, "chosen is NULL");
    ck_assert_ptr_null(drawn);
    options.chosen = chosen;
    options.n_chosen = 1;
    ck_assert_fails(xai_segments_draw(&drawn, segments, image, &options), XAI_E_INVALID,
                    "there are 1 segments, so none has label 6");
    options.n_chosen = 0;
    options.dim = 1.5f;
    ck_assert_fails(xai_segments_draw(&drawn, segments, image, &options), XAI_E_INVALID, "dim is 1.5");
    xai_segments_unref(segments);
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_segment");
    TCase *tcase = tcase_create("segments");

    tcase_add_test(tcase, test_wrap);
    tcase_add_test(tcase, test_wrap_refused);
    tcase_add_test(tcase, test_too_many_pixels);
    tcase_add_loop_test(tcase, test_shapes, 0, 4);
    tcase_add_loop_test(tcase, test_halves, 0, 1);
    tcase_add_loop_test(tcase, test_threads, 0, 4);
    tcase_add_test(tcase, test_instruction_sets);
    tcase_add_test(tcase, test_grid);
    tcase_add_loop_test(tcase, test_refused, 0, sizeof refused / sizeof *refused);
    tcase_add_test(tcase, test_drawn);
    tcase_add_test(tcase, test_draw_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

TESTING_MAIN(make_suite)
