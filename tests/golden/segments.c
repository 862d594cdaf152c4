/* SPDX-License-Identifier: MIT
 * Superpixels: scikit-image's labels, pixel for pixel, and its lines between them. */
#include "core/crc32.h"
#include "segments.h"
#include "testing.h"

static xai__crc32_table table;

/* As make_segments.py draws it. */
static xai_image *drawn(xai_context *context)
{
    enum { WIDTH = 70, HEIGHT = 48 };
    static uint8_t pixels[HEIGHT * WIDTH * 3];
    xai_image *image = NULL;

    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            int noise = (x * 7 + y * 13 + x * y % 11) % 17;
            int disc = (x - 30) * (x - 30) + (y - 20) * (y - 20) < 150 ? 200 : 40;
            int colour[3] = { x / 12 * 40 + noise, y / 9 * 45 + noise, disc + noise };

            for (int c = 0; c < 3; c++)
                pixels[(y * WIDTH + x) * 3 + c] = (uint8_t)(colour[c] < 255 ? colour[c] : 255);
        }
    ck_assert_ok(xai_image_create(&image, context, pixels, WIDTH, HEIGHT));
    return image;
}

static xai_image *load(xai_context *context, const char *name)
{
    const char *path = name[0] != '\0' ? testing_data(name) : NULL;
    xai_image *image = NULL;

    if (name[0] == '\0')
        return drawn(context);
    if (path != NULL)
        ck_assert_ok(xai_image_load(&image, context, path, 0));
    return image;
}

START_TEST(test_labels)
{
    xai_context *context = testing_context(2);
    xai_image *image = load(context, cut[_i].path), *lines = NULL;
    xai_segment_options options = cut[_i].options;
    xai_segments *segments = NULL;
    size_t n_pixels;

    if (image == NULL) {
        xai_context_unref(context);
        return;
    }
    options.struct_size = sizeof options;
    ck_assert_ok(xai_segments_create(&segments, image, &options));
    n_pixels = (size_t)xai_segments_width(segments) * (size_t)xai_segments_height(segments);
    ck_assert_uint_eq(xai_segments_count(segments), cut[_i].count);
    ck_assert_msg(xai__crc32(&table, 0, xai_segments_labels(segments), n_pixels * 4) == cut[_i].labels,
                  "%s by %s: other labels", cut[_i].path, options.method);
    ck_assert_ok(xai_segments_draw(&lines, segments, image, NULL));
    ck_assert_msg(xai__crc32(&table, 0, xai_image_pixels(lines), n_pixels * 3) == cut[_i].lines,
                  "%s by %s: other lines", cut[_i].path, options.method);
    xai_image_unref(lines);
    xai_segments_unref(segments);
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("segments");
    TCase *tcase = tcase_create("scikit-image");

    xai__crc32_init(&table);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_labels, 0, sizeof cut / sizeof *cut);
    suite_add_tcase(suite, tcase);
    return suite;
}

TESTING_MAIN(make_suite)
