/* SPDX-License-Identifier: MIT
 * Superpixels when memory runs out. */
#include "oom.h"

enum { WIDTH = 24, HEIGHT = 18 };

typedef struct cutting {
    xai_context *context;
    xai_image *image;
    const char *method;
} cutting;

static xai_status cut_and_draw(void *user)
{
    const cutting *now = user;
    const uint32_t chosen[1] = { 0 };
    const xai_segment_options options = { .struct_size = sizeof options, .method = now->method };
    const xai_segments_draw_options draw = { .struct_size = sizeof draw, .chosen = chosen, .n_chosen = 1 };
    xai_segments *segments = NULL, *copy = NULL;
    xai_image *drawn = NULL;
    xai_status status = xai_segments_create(&segments, now->image, &options);

    if (status == XAI_OK)
        status = xai_segments_wrap(&copy, now->context, xai_segments_labels(segments), WIDTH, HEIGHT);
    if (status == XAI_OK)
        status = xai_segments_draw(&drawn, copy, now->image, &draw);
    xai_image_unref(drawn);
    xai_segments_unref(copy);
    xai_segments_unref(segments);
    return status;
}

static const char *const methods[] = { "quickshift", "slic", "felzenszwalb", "grid" };

START_TEST(segments)
{
    cutting now = { .context = testing_context(1), .method = methods[_i] };

    ck_assert_ok(xai_image_create(&now.image, now.context, NULL, WIDTH, HEIGHT));
    for (int i = 0; i < WIDTH * HEIGHT * 3; i++)
        xai_image_pixels(now.image)[i] = (uint8_t)(i * 29 % 251);
    oom_run(methods[_i], cut_and_draw, &now, 0);
    xai_image_unref(now.image);
    xai_context_unref(now.context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_segments");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, segments, 0, sizeof methods / sizeof *methods);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
