/* SPDX-License-Identifier: MIT
 * What the network says of stored maps of the photograph, beside torchcam, pytorch-grad-cam, captum, Quantus and RISE.
 */
#include <math.h>
#include <stdbool.h>

#include "photograph.h"

/* Probabilities and areas; infidelity and completeness are sums of thousands of logits' worth, so they are relative. */
static const double TOLERANCE = 1e-5;

enum { N_SAMPLES = 6, MAX_POINTS = 64 };

/* The same numbers as in make_faithfulness.py. */
static void fill_noise(xai_tensor *tensor, double width)
{
    for (uint64_t i = 0; i < xai_tensor_size(tensor); i++)
        xai_tensor_data(tensor)[i] = (float)(((double)(i * 2654435761u % (1ull << 32)) / (1ull << 32) - 0.5) * width);
}

static xai_tensor *make_noise(xai_context *context, const int64_t *shape, size_t rank, double width)
{
    xai_tensor *tensor = NULL;

    ck_assert_ok(xai_tensor_create(&tensor, context, shape, rank));
    fill_noise(tensor, width);
    return tensor;
}

/* One line of faithfulness.txt. */
typedef struct line {
    char map[64], metric[64], profile[64];
    uint32_t step, flags;
    double value, points[MAX_POINTS];
    int n;
} line;

static int read_line(line *l, FILE *file)
{
    int n = fscanf(file, "%63s %63s %63s %u %u %lf %d", l->map, l->metric, l->profile, &l->step, &l->flags, &l->value,
                   &l->n);

    for (int i = 0; n == 7 && i < l->n; i++)
        ck_assert_int_eq(fscanf(file, "%lf", &l->points[i]), 1);
    return n == 7;
}

static void check_points(const line *l, const xai_tensor *curve)
{
    int64_t shape[2] = { 0, l->n };

    if (l->n == 0)
        return;
    ck_assert_ptr_nonnull(curve);
    xai_tensor_shape(curve, shape, 2);
    ck_assert_int_eq(shape[1], l->n);
    for (int i = 0; i < l->n; i++) {
        double score = (double)xai_tensor_data((xai_tensor *)curve)[l->n + i];

        ck_assert_msg(fabs(score - l->points[i]) <= TOLERANCE, "%s %s %s: point %d is %.9g, expected %.9g", l->map,
                      l->metric, l->profile, i, score, l->points[i]);
    }
}

static void check_sensitivity(const photograph *p, const line *l, const xai_tensor *noise)
{
    const xai_target target = { .index = PHOTOGRAPH_PERSIAN_CAT };
    const xai_explainer explainer = {
        .struct_size = sizeof explainer, .method = l->map, .profile = l->profile, .layer = "layer4"
    };
    const xai_sensitivity_options options = { .struct_size = sizeof options, .perturbations = noise };
    double value = NAN;

    ck_assert_ok(xai_metric_sensitivity(&value, p->session, p->input, &target, &explainer, l->metric, &options));
    ck_assert_msg(fabs(value - l->value) <= TOLERANCE, "%s of %s: %.9g, expected %.9g", l->metric, l->map, value,
                  l->value);
}

static void check_line(const photograph *p, const line *l, const xai_tensor *noise)
{
    const int64_t whole[3] = { 3, 224, 224 };
    const bool samples = strcmp(l->metric, "infidelity") == 0, sums = samples || strcmp(l->metric, "completeness") == 0;
    const xai_target target = { .index = PHOTOGRAPH_PERSIAN_CAT,
                                .score = sums ? XAI_SCORE_LOGIT : XAI_SCORE_PROBABILITY };
    xai_faithfulness_options options = { .struct_size = sizeof options,
                                         .profile = l->profile,
                                         .step = l->step,
                                         .flags = l->flags,
                                         .perturbations = samples ? noise : NULL };
    xai_tensor *map = strcmp(l->map, "flipping") == 0 ? make_noise(p->context, whole, 3, 1)
                                                      : photograph_golden(p->context, l->map),
               *curve = NULL;
    double value = NAN, scale = sums && fabs(l->value) > 1 ? fabs(l->value) : 1;

    ck_assert_ptr_nonnull(map);
    ck_assert_ok(xai_metric_faithfulness(&value, &curve, p->session, p->input, map, &target, l->metric, &options));
    ck_assert_msg(fabs(value - l->value) <= TOLERANCE * scale, "%s %s %s %u: %.9g, expected %.9g", l->map, l->metric,
                  l->profile, l->flags, value, l->value);
    check_points(l, curve);
    xai_tensor_unref(curve);
    xai_tensor_unref(map);
}

/* One whose convolutions sum directly: Winograd's rounding moves a probability by up to 1e-5, which is the network's
 * matter and not the metrics'. */
static void sum_directly(photograph *p)
{
    const xai_session_options options = { .struct_size = sizeof options, .purpose = XAI_PURPOSE_WINDOWED };

    xai_session_unref(p->session);
    p->session = NULL;
    ck_assert_ok(xai_session_create(&p->session, p->model, &options));
}

START_TEST(photograph_maps)
{
    const int64_t shape[4] = { N_SAMPLES, 3, 224, 224 };
    FILE *file = fopen(testing_source("tests/golden/faithfulness.txt"), "r");
    photograph p = photograph_begin("native", 2);
    xai_tensor *input = p.context != NULL ? photograph_golden(p.context, "input") : NULL, *noise = NULL;
    int n = 0;
    line l;

    ck_assert_ptr_nonnull(file);
    if (input != NULL) { /* the very input that the originals had */
        memcpy(xai_tensor_data(p.input), xai_tensor_data(input), xai_tensor_size(input) * sizeof(float));
        sum_directly(&p);
        noise = make_noise(p.context, shape, 4, 0.5);
        while (read_line(&l, file)) {
            if (strcmp(l.metric, "max-sensitivity") == 0 || strcmp(l.metric, "local-lipschitz") == 0)
                check_sensitivity(&p, &l, noise);
            else
                check_line(&p, &l, noise);
            n++;
        }
        ck_assert_int_ge(n, 50);
    }
    fclose(file);
    xai_tensor_unref(noise);
    xai_tensor_unref(input);
    photograph_end(&p);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("golden_faithfulness");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, photograph_maps);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
