/* SPDX-License-Identifier: MIT
 * Occlusion against plain loops: profiles, borders, fills, budgets, stops, and what is refused. */
#include "explained.h"

#include <math.h>

#include "explain/attribution.h"
#include "runtime/session.h"

enum { HEIGHT = 11, WIDTH = 9, N_PIXELS = HEIGHT * WIDTH };

/* Class 0 is a weighted sum of all pixels; class 1 its negative. Takes any size: user is the number of pixels. */
static int32_t weigh(const float *batch, size_t n, float *scores, void *user)
{
    size_t n_pixels = *(const size_t *)user;

    for (size_t i = 0; i < n; i++) {
        double sum = 0;

        for (size_t j = 0; j < n_pixels; j++)
            sum += batch[i * n_pixels + j] * (double)(1 + j % 7);
        scores[2 * i] = (float)sum;
        scores[2 * i + 1] = (float)-sum;
    }
    return 0;
}

static xai_black_box weighing_box(size_t *n_pixels)
{
    return (xai_black_box){ .struct_size = sizeof(xai_black_box), .predict = weigh, .user = n_pixels, .n_classes = 2 };
}

static xai_tensor *make_input(xai_context *context)
{
    const int64_t shape[4] = { 1, 1, HEIGHT, WIDTH };
    xai_tensor *input = NULL;

    ck_assert_ok(xai_tensor_create(&input, context, shape, 4));
    for (size_t i = 0; i < N_PIXELS; i++)
        input->data[i] = (float)(i * 37 % 11) - 4;
    return input;
}

/* --- by the definition --- */

/* What a window of a padded picture takes away from class 0. */
static double drop_of(const float *image, int64_t height, int64_t width, int64_t top, int64_t left, int64_t rows,
                      int64_t columns, const float *fill)
{
    double sum = 0;

    for (int64_t y = top; y < top + rows && y < height; y++)
        for (int64_t x = left; x < left + columns && x < width; x++) {
            int64_t at = y * width + x;

            sum += ((double)image[at] - fill[at]) * (double)(1 + at % 7);
        }
    return sum;
}

static void check_map(const xai_tensor *map, const float *image, const float *fill, int64_t rows, int64_t columns,
                      int64_t down, int64_t across, bool cut, bool divides)
{
    for (int64_t y = 0; y < HEIGHT; y++)
        for (int64_t x = 0; x < WIDTH; x++) {
            double sum = 0, count = 0;

            for (int64_t top = 0; top <= y && (cut ? top < HEIGHT - rows + down : top + rows <= HEIGHT); top += down)
                for (int64_t left = 0; left <= x && (cut ? left < WIDTH - columns + across : left + columns <= WIDTH);
                     left += across) {
                    if (top + rows <= y || left + columns <= x)
                        continue;
                    sum += drop_of(image, HEIGHT, WIDTH, top, left, rows, columns, fill);
                    count++;
                }
            ck_assert_float_eq_tol(map->data[y * WIDTH + x],
                                   (float)(count == 0 ? 0
                                           : divides  ? sum / count
                                                      : sum),
                                   1e-3f);
        }
}

static xai_tensor *occlude(const xai_tensor *input, const xai_target *target, xai_occlusion_options *options)
{
    size_t n_pixels = input->size;
    xai_black_box box = weighing_box(&n_pixels);
    xai_attribution *a = NULL;
    xai_tensor *map;

    options->struct_size = sizeof *options;
    options->black_box = &box;
    ck_assert_ok(xai_occlusion_compute(&a, NULL, input, target, 1, options));
    ck_assert(a->is_signed);
    map = explained_raw_map(a);
    xai_attribution_unref(a);
    return map;
}

START_TEST(windows)
{
    static const struct {
        const char *profile;
        uint32_t window[2], stride[2];
        int64_t expected[4]; /* window, stride */
        bool cut, divides;
    } cases[] = {
        { "default", { 4, 3 }, { 2, 3 }, { 4, 3, 2, 3 }, true, true },
        { "captum", { 5, 0 }, { 0, 0 }, { 5, 5, 3, 3 }, true, true },
        { "captum", { HEIGHT, WIDTH }, { 1, 1 }, { HEIGHT, WIDTH, 1, 1 }, true, true },
        { "captum", { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, true, true },
        { "xplique", { 0, 0 }, { 0, 0 }, { 3, 3, 3, 3 }, false, false },
        { "xplique", { 4, 2 }, { 1, 5 }, { 4, 2, 1, 5 }, false, false },
    };
    xai_context *context = testing_context(2);
    xai_tensor *input = make_input(context);
    const xai_target target = { .index = 0 };
    float fill[N_PIXELS];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        xai_occlusion_options options = { .profile = cases[i].profile,
                                          .fill_value = 0.5f,
                                          .window_height = cases[i].window[0],
                                          .window_width = cases[i].window[1],
                                          .stride_height = cases[i].stride[0],
                                          .stride_width = cases[i].stride[1] };
        const int64_t *e = cases[i].expected;
        xai_tensor *map = occlude(input, &target, &options);

        for (size_t j = 0; j < N_PIXELS; j++)
            fill[j] = 0.5f;
        check_map(map, input->data, fill, e[0], e[1], e[2], e[3], cases[i].cut, cases[i].divides);
        xai_tensor_unref(map);
    }
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

/* Padded by half a window; an element a window; one stride too far right; what matters is negative. */
START_TEST(kazuto)
{
    enum { PATCH = 5, PAD = PATCH / 2, H = HEIGHT + 2 * PAD, W = WIDTH + 2 * PAD, STRIDE = 2 };
    xai_context *context = testing_context(1);
    xai_tensor *input = make_input(context);
    size_t n_pixels = H * W;
    xai_black_box box = weighing_box(&n_pixels);
    const xai_target target = { .index = 0 };
    xai_occlusion_options options = { .struct_size = sizeof options,
                                      .profile = "kazuto",
                                      .black_box = &box,
                                      .window_height = PATCH,
                                      .stride_height = STRIDE };
    const int64_t rows = (H - PATCH) / STRIDE + 1, columns = (W - PATCH) / STRIDE + 1;
    float image[H * W] = { 0 }, fill[H * W] = { 0 };
    xai_attribution *a = NULL;
    xai_tensor *map;

    for (size_t i = 0; i < N_PIXELS; i++)
        image[(i / WIDTH + PAD) * W + i % WIDTH + PAD] = input->data[i];
    for (int round = 0; round < 2; round++) {
        ck_assert_ok(xai_occlusion_compute(&a, NULL, input, &target, 1, &options));
        map = explained_raw_map(a);
        ck_assert_int_eq(map->shape[0], rows);
        ck_assert_int_eq(map->shape[1], columns);
        for (int64_t i = 0; i < rows * columns; i++)
            ck_assert_float_eq_tol(
                map->data[i],
                (float)-drop_of(image, H, W, i / columns * STRIDE, (i % columns + 1) * STRIDE, PATCH, PATCH, fill),
                1e-3f);
        xai_tensor_unref(map);
        xai_attribution_unref(a);
        box.shape[0] = 1; /* padded because it says what it takes */
        box.shape[1] = H;
        box.shape[2] = W;
    }
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

START_TEST(fills)
{
    xai_context *context = testing_context(1);
    xai_tensor *input = make_input(context), *other = NULL, *map;
    const xai_target target = { .index = 0 };
    xai_occlusion_options options = { .fill = "mean", .window_height = 3, .stride_height = 2 };
    float fill[N_PIXELS];
    double mean = 0;

    for (size_t i = 0; i < N_PIXELS; i++)
        mean += input->data[i] / N_PIXELS;
    for (size_t i = 0; i < N_PIXELS; i++)
        fill[i] = (float)mean;
    map = occlude(input, &target, &options);
    check_map(map, input->data, fill, 3, 3, 2, 2, true, true);
    xai_tensor_unref(map);

    ck_assert_ok(xai_tensor_create(&other, context, input->shape, 4));
    for (size_t i = 0; i < N_PIXELS; i++)
        fill[i] = other->data[i] = (float)(i % 5);
    options = (xai_occlusion_options){ .baseline = other, .window_height = 3, .stride_height = 2 };
    map = occlude(input, &target, &options);
    check_map(map, input->data, fill, 3, 3, 2, 2, true, true);
    xai_tensor_unref(map);

    /* A blur of what is the same everywhere changes nothing; of a spot, it spreads a bell. */
    for (size_t i = 0; i < N_PIXELS; i++)
        input->data[i] = 3;
    options = (xai_occlusion_options){ .fill = "blur", .window_height = 3, .stride_height = 2 };
    map = occlude(input, &target, &options);
    for (size_t i = 0; i < N_PIXELS; i++)
        ck_assert_float_eq_tol(map->data[i], 0, 1e-4f);
    xai_tensor_unref(map);
    memset(input->data, 0, input->size * sizeof(float));
    input->data[5 * WIDTH + 4] = 1;
    options = (xai_occlusion_options){ .fill = "blur", .blur_sigma = 0.5f, .window_height = 1, .stride_height = 1 };
    map = occlude(input, &target, &options);
    ck_assert_float_eq_tol(map->data[5 * WIDTH + 5] / map->data[4 * WIDTH + 5],
                           (float)(exp(-2.0) / exp(-4.0) * (1 + (5 * WIDTH + 5) % 7) / (1 + (4 * WIDTH + 5) % 7)),
                           1e-3f);
    xai_tensor_unref(map);
    xai_tensor_unref(other);
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

/* Whatever the budgets and the threads; several targets as each alone. */
START_TEST(same_bits)
{
    const xai_target targets[3] = { { .index = -1 },
                                    { .index = 4, .score = XAI_SCORE_PROBABILITY },
                                    { .index = 2, .against = 1, .score = XAI_SCORE_MARGIN } };
    xai_occlusion_options options = { .struct_size = sizeof options, .window_height = 6, .stride_height = 4 };
    xai_run_options run = { .struct_size = sizeof run };
    xai_tensor *first[3] = { NULL };

    options.run = &run;
    for (int i = 0; i < 3; i++) {
        explained e = explained_in(testing_context(1 + (uint32_t)i), network_residual, i == 1 ? 1 : 0);
        xai_attribution *a[3];

        run.memory_budget = i == 0 ? 1 : i == 1 ? 20 << 10 : 0;
        ck_assert_ok(xai_occlusion_compute(a, e.session, e.input, targets, 3, &options));
        ck_assert_double_eq(xai_attribution_number(a[0], "windows"), 20);
        for (int t = 0; t < 3; t++) {
            xai_tensor *map = explained_raw_map(a[t]);
            xai_attribution *alone = NULL;

            ck_assert_ok(xai_occlusion_compute(&alone, e.session, e.input, &targets[t], 1, &options));
            ck_assert_mem_eq(map->data, alone->map->data, map->size * sizeof(float));
            if (i == 0)
                first[t] = xai_tensor_ref(map);
            ck_assert_mem_eq(map->data, first[t]->data, map->size * sizeof(float));
            xai_tensor_unref(map);
            xai_attribution_unref(alone);
            xai_attribution_unref(a[t]);
        }
        explained_end(&e);
    }
    for (int t = 0; t < 3; t++)
        xai_tensor_unref(first[t]);
}
END_TEST

static int32_t stop_early(uint64_t done, uint64_t total, void *user)
{
    (void)user;
    return done >= total / 2;
}

START_TEST(stops)
{
    xai_run_options run = { .struct_size = sizeof run, .memory_budget = 1, .progress = stop_early };
    xai_occlusion_options options = {
        .struct_size = sizeof options, .run = &run, .window_height = 3, .stride_height = 1
    };
    explained e = explained_begin(network_dense);
    xai_attribution *a = NULL;
    xai_tensor *map;

    ck_assert_int_eq(xai_occlusion_compute(&a, e.session, e.input, NULL, 0, &options), XAI_PARTIAL);
    map = explained_raw_map(a);
    ck_assert_float_ne(map->data[0], 0);
    ck_assert_float_eq(map->data[map->size - 1], 0);
    xai_tensor_unref(map);
    xai_attribution_unref(a);
    explained_end(&e);
}
END_TEST

/* Computing only what windows reach has the bits of whole pictures in the same plan, and the budget changes only how
 * much is computed. */
START_TEST(regions)
{
    const xai_model_options small = { .struct_size = sizeof small, .seed = 3 };
    const xai_target targets[2] = { { .index = -1 }, { .index = 4, .score = XAI_SCORE_PROBABILITY } };
    const struct {
        uint32_t purpose, flags, n_threads;
        uint64_t budget;
        bool computes_less;
    } ways[] = { { XAI_PURPOSE_WINDOWED, XAI_OCCLUSION_WHOLE, 1, 0, false },
                 { XAI_PURPOSE_LATENCY, 0, 1, 0, true },
                 { XAI_PURPOSE_WINDOWED, 0, 2, 0, true },
                 { XAI_PURPOSE_THROUGHPUT, 0, 2, 1, false } };
    xai_occlusion_options options = { .struct_size = sizeof options, .fill = "blur", .window_height = 5 };
    xai_tensor *first[2] = { NULL };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        xai_context *context = testing_context(ways[i].n_threads);
        const xai_session_options session_options = { .struct_size = sizeof session_options,
                                                      .memory_budget = ways[i].budget,
                                                      .purpose = ways[i].purpose };
        xai_model *model = NULL;
        xai_session *session = NULL;
        xai_attribution *a[2];
        xai_tensor *input;

        ck_assert_ok(xai_model_build(&model, context, "cifar_resnet20", NULL, &small));
        ck_assert_ok(xai_session_create(&session, model, &session_options));
        input = network_input(model, 1, 9);
        options.flags = ways[i].flags;
        ck_assert_ok(xai_occlusion_compute(a, session, input, targets, 2, &options));
        ck_assert_uint_eq(session->purpose, ways[i].purpose);
        ck_assert_uint_eq(a[0]->purpose, XAI_PURPOSE_WINDOWED);
        ck_assert_msg((xai_attribution_number(a[0], "computed_share") < 1) == ways[i].computes_less, "way %zu: %g", i,
                      xai_attribution_number(a[0], "computed_share"));
        for (int t = 0; t < 2; t++) {
            if (i == 0)
                first[t] = explained_raw_map(a[t]);
            ck_assert_mem_eq(a[t]->map->data, first[t]->data, first[t]->size * sizeof(float));
            xai_attribution_unref(a[t]);
        }
        xai_tensor_unref(input);
        xai_session_unref(session);
        xai_model_unref(model);
        xai_context_unref(context);
    }
    xai_tensor_unref(first[0]);
    xai_tensor_unref(first[1]);
}
END_TEST

static xai_status attempt(explained *e, xai_occlusion_options options)
{
    xai_attribution *a = (xai_attribution *)&options;
    xai_status status;

    options.struct_size = sizeof options;
    status = xai_occlusion_compute(&a, e->session, e->input, NULL, 0, &options);
    ck_assert_ptr_null(a);
    return status;
}

START_TEST(refused)
{
    explained e = explained_begin(network_dense);
    xai_tensor *small = NULL;
    const int64_t shape[4] = { 1, 3, 2, 2 };

    ck_assert_ok(xai_tensor_create(&small, e.context, shape, 4));
    ck_assert_fails(attempt(&e, (xai_occlusion_options){ .profile = "rise" }), XAI_E_NOT_FOUND, "default, captum");
    ck_assert_fails(attempt(&e, (xai_occlusion_options){ .fill = "noise", .window_height = 3 }), XAI_E_NOT_FOUND,
                    "value, mean, blur");
    ck_assert_fails(attempt(&e, (xai_occlusion_options){ .window_height = 11 }), XAI_E_INVALID, "height of 11");
    ck_assert_fails(attempt(&e, (xai_occlusion_options){ .window_height = 3, .stride_height = 4 }), XAI_E_INVALID,
                    "stride of 4");
    ck_assert_fails(attempt(&e, (xai_occlusion_options){ .window_height = 3, .fill_value = NAN }), XAI_E_INVALID,
                    "fill_value is nan");
    ck_assert_fails(attempt(&e, (xai_occlusion_options){ .window_height = 3, .blur_sigma = -1 }), XAI_E_INVALID, "-1");
    ck_assert_fails(attempt(&e, (xai_occlusion_options){ .window_height = 3, .flags = 2 }), XAI_E_INVALID, "flags");
    ck_assert_fails(attempt(&e, (xai_occlusion_options){ .baseline = small, .window_height = 3 }), XAI_E_SHAPE,
                    "1x3x2x2, expected 1x3x10x14");
    ck_assert_fails(attempt(&e, (xai_occlusion_options){ .baseline = small, .fill = "mean" }), XAI_E_INVALID, "too");
    ck_assert_fails(xai_occlusion_compute(NULL, e.session, e.input, NULL, 0, NULL), XAI_E_INVALID, "out is NULL");
    ck_assert_fails(attempt(&e, (xai_occlusion_options){ 0 }), XAI_E_INVALID, "16"); /* larger than the image */
    xai_tensor_unref(small);
    explained_end(&e);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_occlusion");
    TCase *c = tcase_create("occlusion");

    tcase_set_timeout(c, 60);
    tcase_add_test(c, windows);
    tcase_add_test(c, kazuto);
    tcase_add_test(c, fills);
    tcase_add_test(c, same_bits);
    tcase_add_test(c, stops);
    tcase_add_test(c, regions);
    tcase_add_test(c, refused);
    suite_add_tcase(suite, c);
    return suite;
}

TESTING_MAIN(make_suite)
