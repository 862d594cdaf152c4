/* SPDX-License-Identifier: MIT
 * Feature visualisation on a real ResNet-18: lucent's objectives step by step, and pictures that excite a channel more
 * than any photograph does. */
#include "photograph.h"

#include <math.h>
#include <stdbool.h>

enum { SIDE = 64, STEPS = 32, N_DIRECTION = 256, MOST_PICTURES = 3, MOST_OBJECTIVES = 2 };

/* --- lucent --- */

/* The rows of visualize.npy (make_visualize.py). Rounding grows by the step, since Adam's first steps have the same
 * length whatever a gradient is, and rectifiers and pools choose: after 32 steps lucent's own float32 is 7e-4 (row 9),
 * 6e-4 (5), 2.6e-3 (0 and 1), 3.7e-3 (4) and 1.3e-2 (2) from its float64. */
static const struct {
    bool is_pixel, has_transforms;
    size_t n_pictures, n_objectives;
    double early, all; /* allowed relative errors of the first 8 steps, and of all */
    xai_objective objectives[MOST_OBJECTIVES];
} rows[] = {
    { true, false, 1, 1, 1e-4, 2.6e-3, { { .layer = "layer3.1", .channel = 5 } } },
    { false, false, 1, 1, 2e-3, 5e-3, { { .layer = "layer3.1", .channel = 5 } } },
    { true, false, 1, 1, 2e-3, 1.3e-2, { { .kind = XAI_OBJECTIVE_CLASS, .channel = 283 } } },
    { false, true, 1, 1, 1e-2, 3e-2, { { .layer = "layer3.1", .channel = 5 } } },
    { false,
      false,
      1,
      1,
      5e-3,
      1e-2,
      { { .kind = XAI_OBJECTIVE_NEURON, .layer = "layer4.0", .channel = 380, .y = -1, .x = -1 } } },
    { false, false, 1, 1, 1e-3, 3e-3, { { .kind = XAI_OBJECTIVE_DIRECTION, .layer = "layer3.1" } } },
    { false,
      false,
      2,
      2,
      5e-3,
      3e-2,
      { { .layer = "layer3.1", .channel = 5 },
        { .kind = XAI_OBJECTIVE_DIVERSITY, .layer = "layer2.1", .weight = 10 } } },
    { true,
      false,
      3,
      2,
      1e-4,
      1e-3,
      { { .layer = "layer3.1", .channel = 5, .ramp = XAI_RAMP_FALLING },
        { .layer = "layer2.0", .channel = 9, .ramp = XAI_RAMP_RISING } } },
    { true,
      false,
      1,
      2,
      3e-3,
      2e-2,
      { { .layer = "layer3.1", .channel = 5 }, { .kind = XAI_OBJECTIVE_BLUR, .weight = 1e-3f } } },
    { true, false, 1, 1, 1e-4, 1e-3, { { .layer = "layer2.1", .channel = 9 } } },
};

enum { N_ROWS = sizeof rows / sizeof *rows };

/* As the script makes it. */
static xai_tensor *make_start(xai_context *context, bool is_pixel, int64_t n)
{
    const int64_t shape[5] = { n, 3, SIDE, is_pixel ? SIDE : SIDE / 2 + 1, 2 };
    xai_tensor *start = NULL;

    ck_assert_ok(xai_tensor_create(&start, context, shape, is_pixel ? 4 : 5));
    for (size_t i = 0; i < xai_tensor_size(start); i++)
        xai_tensor_data(start)[i] = (float)(((double)(uint32_t)(i * 2654435761u) / 4294967296.0 - 0.5) * 4);
    return start;
}

static xai_tensor *make_direction(xai_context *context)
{
    const int64_t shape = N_DIRECTION;
    xai_tensor *direction = NULL;

    ck_assert_ok(xai_tensor_create(&direction, context, &shape, 1));
    for (int i = 0; i < N_DIRECTION; i++)
        xai_tensor_data(direction)[i] = (float)sin(i);
    return direction;
}

/* The weighted sum at a step. */
static double sum_at(xai_tensor *trace, int row, size_t step)
{
    size_t n = rows[row].n_objectives;
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double weight = rows[row].objectives[i].weight != 0 ? (double)rows[row].objectives[i].weight : 1;

        sum += weight * (double)xai_tensor_data(trace)[step * n + i];
    }
    return sum;
}

START_TEST(as_lucent)
{
    const xai_session_options direct = { .struct_size = sizeof direct, .purpose = XAI_PURPOSE_WINDOWED };
    photograph f = photograph_begin("native", 2);
    xai_session *session = NULL;
    xai_tensor *expected = NULL, *trace = NULL, *start, *direction;
    xai_objective objectives[MOST_OBJECTIVES];
    xai_image *pictures[MOST_PICTURES] = { NULL };
    xai_visualize_options options = {
        .struct_size = sizeof options, .profile = "lucent", .n_steps = STEPS, .width = SIDE, .height = SIDE
    };
    double worst = 0, early = 0;

    if (f.context == NULL)
        return;
    ck_assert_ok(xai_tensor_load(&expected, f.context, testing_source("tests/golden/visualize.npy")));
    ck_assert_uint_eq(xai_tensor_size(expected), N_ROWS * STEPS);
    ck_assert_ok(xai_session_create(&session, f.model, &direct));
    start = make_start(f.context, rows[_i].is_pixel, (int64_t)rows[_i].n_pictures);
    direction = make_direction(f.context);
    memcpy(objectives, rows[_i].objectives, sizeof objectives);
    if (objectives[0].kind == XAI_OBJECTIVE_DIRECTION)
        objectives[0].direction = direction;
    options.parameterisation = rows[_i].is_pixel ? "pixel" : "fourier";
    options.flags = rows[_i].has_transforms ? 0 : XAI_VISUALIZE_PLAIN;
    options.start = start;
    ck_assert_ok(
        xai_visualize(pictures, rows[_i].n_pictures, &trace, session, objectives, rows[_i].n_objectives, &options));
    for (size_t i = 0; i < STEPS; i++) {
        double wanted = xai_tensor_data(expected)[_i * STEPS + (int)i];

        worst = fmax(worst, fabs(sum_at(trace, _i, i) - wanted) / fabs(wanted));
        early = i < 8 ? worst : early;
    }
    ck_assert_msg(early <= rows[_i].early && worst <= rows[_i].all,
                  "row %d is up to %g off in 8 steps, up to %g in all", _i, early, worst);
    for (size_t i = 0; i < MOST_PICTURES; i++)
        xai_image_unref(pictures[i]);
    xai_tensor_unref(direction);
    xai_tensor_unref(start);
    xai_tensor_unref(trace);
    xai_tensor_unref(expected);
    xai_session_unref(session);
    photograph_end(&f);
}
END_TEST

/* --- beside photographs --- */

/* Means of three channels of layer3.1 for a picture as the model sees it. */
static void look_at(float means[3], const photograph *f, const int64_t channels[3], const xai_tensor *input)
{
    xai_hook *hook = NULL;
    xai_tensor *logits = NULL, *layer = NULL;

    ck_assert_ok(xai_hook_attach(&hook, f->session, "layer3.1", XAI_HOOK_CAPTURE, NULL, NULL, NULL));
    ck_assert_ok(xai_session_forward(&logits, f->session, input));
    ck_assert_ok(xai_hook_output(&layer, hook));
    for (int c = 0; c < 3; c++) {
        size_t n = xai_tensor_size(layer) / 256;

        means[c] = 0;
        for (size_t i = 0; i < n; i++)
            means[c] += xai_tensor_data(layer)[(size_t)channels[c] * n + i] / (float)n;
    }
    xai_tensor_unref(layer);
    xai_tensor_unref(logits);
    xai_hook_unref(hook);
}

/* The finished picture, eight bits a colour, is prepared as a photograph would be. tests/bench/photographs.c
 * is the whole study. */
START_TEST(above_a_photograph)
{
    static const int64_t channels[3] = { 0, 17, 101 };
    photograph f = photograph_begin("native", 2);
    float of_photograph[3], of_picture[3];

    if (f.context == NULL)
        return;
    look_at(of_photograph, &f, channels, f.input);
    for (int c = 0; c < 3; c++) {
        const xai_objective objective = { .layer = "layer3.1", .channel = channels[c] };
        const xai_visualize_options options = { .struct_size = sizeof options, .n_steps = 48 };
        xai_image *picture = NULL;
        xai_tensor *input = NULL;

        ck_assert_ok(xai_visualize(&picture, 1, NULL, f.session, &objective, 1, &options));
        ck_assert_ok(xai_model_prepare(&input, f.model, picture));
        look_at(of_picture, &f, channels, input);
        ck_assert_msg(of_picture[c] > 1.5f * of_photograph[c], "channel %d: %g, the photograph has %g",
                      (int)channels[c], (double)of_picture[c], (double)of_photograph[c]);
        xai_tensor_unref(input);
        xai_image_unref(picture);
    }
    photograph_end(&f);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("visualize");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 600);
    tcase_add_loop_test(cases, as_lucent, 0, N_ROWS);
    tcase_add_test(cases, above_a_photograph);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
