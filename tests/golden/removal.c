/* SPDX-License-Identifier: MIT
 * Metrics that remove parts of the photograph, beside Quantus and pytorch-grad-cam. */
#include <math.h>
#include <stdbool.h>

#include "photograph.h"

/* Areas of up to a hundred probabilities, and correlations; areas are held relative to their size. */
static const double TOLERANCE = 1e-5;

enum { MAX_POINTS = 1024, SIDE = 224, N_PIXELS = SIDE * SIDE, N_CLASSES = 1000, N_CHANNELS = 3 };

/* One line of removal.txt. */
typedef struct line {
    char map[64], metric[64], profile[64];
    uint32_t target, step, n_steps, n_samples, patch, seed;
    double value, points[MAX_POINTS];
    int n;
} line;

static int read_line(line *l, FILE *file)
{
    int n = fscanf(file, "%63s %63s %63s %u %u %u %u %u %u %lf %d", l->map, l->metric, l->profile, &l->target, &l->step,
                   &l->n_steps, &l->n_samples, &l->patch, &l->seed, &l->value, &l->n);

    ck_assert(n != 11 || (l->n >= 0 && l->n <= MAX_POINTS));
    for (int i = 0; n == 11 && i < l->n; i++)
        ck_assert_int_eq(fscanf(file, "%lf", &l->points[i]), 1);
    return n == 11;
}

/* The same numbers as in make_removal.py. */
static xai_tensor *make_map(xai_context *context)
{
    const int64_t shape[3] = { N_CHANNELS, SIDE, SIDE };
    xai_tensor *map = NULL;

    ck_assert_ok(xai_tensor_create(&map, context, shape, 3));
    for (uint64_t i = 0; i < xai_tensor_size(map); i++)
        xai_tensor_data(map)[i] = (float)(((double)(i * 2654435761u % (1ull << 32)) / (1ull << 32) - 0.5) * 1);
    return map;
}

static xai_segments *make_segments(xai_context *context)
{
    static int32_t labels[N_PIXELS];
    xai_segments *segments = NULL;

    for (int32_t y = 0; y < SIDE; y++)
        for (int32_t x = 0; x < SIDE; x++)
            labels[y * SIDE + x] = (x + y / 2) / 37 * 5 + y * 5 / SIDE;
    ck_assert_ok(xai_segments_wrap(&segments, context, labels, SIDE, SIDE));
    return segments;
}

/* The network of pictures with one channel, which it sees three times. */
static int32_t predict_grey(const float *batch, size_t n, float *scores, void *user)
{
    photograph *p = user;
    const int64_t shape[4] = { (int64_t)n, N_CHANNELS, SIDE, SIDE };
    xai_tensor *images = NULL, *logits = NULL;

    ck_assert_ok(xai_tensor_create(&images, p->context, shape, 4));
    for (size_t i = 0; i < n * N_CHANNELS; i++)
        memcpy(xai_tensor_data(images) + i * N_PIXELS, batch + i / N_CHANNELS * N_PIXELS, N_PIXELS * sizeof *batch);
    ck_assert_ok(xai_session_forward(&logits, p->session, images));
    memcpy(scores, xai_tensor_data(logits), n * N_CLASSES * sizeof *scores);
    xai_tensor_unref(logits);
    xai_tensor_unref(images);
    return 0;
}

static xai_tensor *first_channel(const photograph *p)
{
    const int64_t shape[4] = { 1, 1, SIDE, SIDE };
    xai_tensor *grey = NULL;

    ck_assert_ok(xai_tensor_create(&grey, p->context, shape, 4));
    memcpy(xai_tensor_data(grey), xai_tensor_data(p->input), N_PIXELS * sizeof(float));
    return grey;
}

static void check_points(const line *l, xai_tensor *curve)
{
    int64_t shape[2] = { 0, l->n };

    if (l->n == 0)
        return;
    ck_assert_ptr_nonnull(curve);
    xai_tensor_shape(curve, shape, 2);
    ck_assert_int_eq(shape[1], l->n);
    for (int i = 0; i < l->n; i++) {
        double score = (double)xai_tensor_data(curve)[l->n + i];

        ck_assert_msg(fabs(score - l->points[i]) <= TOLERANCE, "%s %s %s: point %d is %.9g, expected %.9g", l->map,
                      l->metric, l->profile, i, score, l->points[i]);
    }
}

static void check_line(photograph *p, const line *l, xai_tensor *zeros, xai_segments *segments)
{
    const bool is_quantus = strcmp(l->profile, "quantus") == 0, is_road = strncmp(l->metric, "road", 4) == 0,
               is_irof = strcmp(l->metric, "irof") == 0, is_grey = is_quantus && (is_road || is_irof);
    const xai_target target = { .index = l->target, .score = XAI_SCORE_PROBABILITY };
    const xai_black_box box = { .struct_size = sizeof box, .predict = predict_grey, .user = p, .n_classes = N_CLASSES };
    const xai_run_options run = { .struct_size = sizeof run, .seed = l->seed };
    xai_tensor *grey = is_grey ? first_channel(p) : NULL, *grey_zeros = NULL, *curve = NULL,
               *map = strcmp(l->map, "made") == 0 ? make_map(p->context) : photograph_golden(p->context, l->map);
    xai_faithfulness_options options = { .struct_size = sizeof options,
                                         .profile = l->profile,
                                         .black_box = is_grey ? &box : NULL,
                                         .run = &run,
                                         .step = l->step,
                                         .n_steps = l->n_steps,
                                         .n_samples = l->n_samples,
                                         .patch = l->patch,
                                         .segments = is_irof ? segments : NULL,
                                         .perturbations = is_road ? zeros : NULL };
    double value = NAN, scale = fabs(l->value) > 1 ? fabs(l->value) : 1;

    if (is_grey && is_road) {
        const int64_t shape[4] = { 1, 1, SIDE, SIDE };

        ck_assert_ok(xai_tensor_create(&grey_zeros, p->context, shape, 4));
        options.perturbations = grey_zeros;
    }
    ck_assert_ptr_nonnull(map);
    ck_assert_ok(xai_metric_faithfulness(&value, &curve, is_grey ? NULL : p->session, is_grey ? grey : p->input, map,
                                         &target, l->metric, &options));
    ck_assert_msg(fabs(value - l->value) <= TOLERANCE * scale, "%s %s %s %u %u: %.9g, expected %.9g", l->map, l->metric,
                  l->profile, l->step, l->patch, value, l->value);
    check_points(l, curve);
    xai_tensor_unref(curve);
    xai_tensor_unref(map);
    xai_tensor_unref(grey);
    xai_tensor_unref(grey_zeros);
}

START_TEST(photograph_maps)
{
    const xai_session_options direct = { .struct_size = sizeof direct, .purpose = XAI_PURPOSE_WINDOWED };
    const int64_t shape[4] = { 1, N_CHANNELS, SIDE, SIDE };
    FILE *file = fopen(testing_source("tests/golden/removal.txt"), "r");
    photograph p = photograph_begin("native", 2);
    xai_tensor *input = p.context != NULL ? photograph_golden(p.context, "input") : NULL, *zeros = NULL;
    xai_segments *segments;
    static line l;
    int n = 0;

    ck_assert_ptr_nonnull(file);
    if (input != NULL) { /* the very input that the originals had, and convolutions that sum directly as theirs do */
        memcpy(xai_tensor_data(p.input), xai_tensor_data(input), xai_tensor_size(input) * sizeof(float));
        xai_session_unref(p.session);
        p.session = NULL;
        ck_assert_ok(xai_session_create(&p.session, p.model, &direct));
        ck_assert_ok(xai_tensor_create(&zeros, p.context, shape, 4));
        segments = make_segments(p.context);
        for (; read_line(&l, file); n++)
            check_line(&p, &l, zeros, segments);
        ck_assert_int_ge(n, 25);
        xai_segments_unref(segments);
    }
    fclose(file);
    xai_tensor_unref(zeros);
    xai_tensor_unref(input);
    photograph_end(&p);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("golden_removal");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 600);
    tcase_add_test(cases, photograph_maps);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
