/* SPDX-License-Identifier: MIT
 * Targets: scores, their gradients against differences, lists that share a value, and what is refused. */
#include "networks.h"

#include <math.h>

#include "explain/target.h"

enum { N_CLASSES = 5 };

static const float logits[N_CLASSES] = { 0.5f, -1.25f, 2.0f, 1.75f, -3.0f };

/* Central differences of the score, in double. */
static void check_gradient(const xai_model *model, const xai_target *target)
{
    float gradient[N_CLASSES], moved[N_CLASSES];
    const float step = 1.0f / 256;

    xai__target_gradient(gradient, target, model, logits, N_CLASSES);
    for (int j = 0; j < N_CLASSES; j++) {
        double up, down;

        memcpy(moved, logits, sizeof moved);
        moved[j] = logits[j] + step;
        up = xai__target_score(target, model, moved, N_CLASSES);
        moved[j] = logits[j] - step;
        down = xai__target_score(target, model, moved, N_CLASSES);
        ck_assert_double_eq_tol(gradient[j], (up - down) / (2.0 * step), 1e-5);
    }
}

START_TEST(gradients)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_dense(context);
    const xai_target targets[] = {
        { .index = 3 },
        { .index = 2, .score = XAI_SCORE_PROBABILITY },
        { .index = 4, .score = XAI_SCORE_PROBABILITY },
        { .index = 1, .against = 2, .score = XAI_SCORE_MARGIN },
        { .index = 2, .against = 2, .score = XAI_SCORE_MARGIN },
        { .index = 0, .value = "fc", .score = XAI_SCORE_VALUE },
    };

    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        check_gradient(model, &targets[i]);
    model->gives_probabilities = true;
    check_gradient(model, &targets[1]);
    ck_assert_float_eq((float)xai__target_score(&targets[1], model, logits, N_CLASSES), logits[2]);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

START_TEST(probabilities)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_dense(context);
    const float large[2] = { 1000, 1000 + 0.5f };
    double sum = 0;

    for (int64_t i = 0; i < N_CLASSES; i++)
        sum += xai__target_probability(model, logits, N_CLASSES, i);
    ck_assert_double_eq_tol(sum, 1, 1e-12);
    ck_assert_double_eq_tol(xai__target_probability(model, large, 2, 1), 1 / (1 + exp(-0.5)), 1e-12);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

/* The top class is that of the first image, for all images. */
START_TEST(seeds)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_dense(context);
    const float rows[3][N_CLASSES] = { { 0, 1, 5, 2, 3 }, { 9, 1, 2, 3, 4 }, { 1, 2, 3, 4, 8 } };
    const int64_t shape[2] = { 3, N_CLASSES };
    const xai_target given[] = { { .index = -1 }, { .index = 4, .against = 0, .score = XAI_SCORE_MARGIN } };
    float seed[3][N_CLASSES];
    xai_tensor *fetched = NULL;
    xai__targets targets;

    ck_assert_ok(xai_tensor_create(&fetched, context, shape, 2));
    memcpy(fetched->data, rows, sizeof rows);
    ck_assert_ok(xai__targets_init(&targets, model, given, 2, XAI_SCORE_VALUE));
    ck_assert_ok(xai__targets_seed(&targets, seed[0], 0, 0, 1, &fetched));
    ck_assert_ok(xai__targets_seed(&targets, seed[0], 0, 1, 2, &fetched));
    ck_assert_int_eq(targets.items[0].index, 2);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < N_CLASSES; j++)
            ck_assert_float_eq(seed[i][j], j == 2 ? 1 : 0);
    ck_assert_ok(xai__targets_seed(&targets, seed[0], 1, 0, 3, &fetched));
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < N_CLASSES; j++)
            ck_assert_float_eq(seed[i][j], j == 4 ? 1 : j == 0 ? -1 : 0);
    xai__targets_fini(&targets);
    xai_tensor_unref(fetched);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

START_TEST(shared)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_dense(context);
    const xai_target given[] = { { .index = 1 },
                                 { .index = 0, .score = XAI_SCORE_PROBABILITY },
                                 { .index = 5, .value = "a_relu", .score = XAI_SCORE_VALUE },
                                 { .index = 2 } };
    xai__targets targets, part;

    ck_assert_ok(xai__targets_init(&targets, model, given, 4, XAI_SCORE_VALUE + 1));
    ck_assert_uint_eq(xai__targets_share(&part, &targets, 0), 2);
    ck_assert_uint_eq(part.n, 2);
    ck_assert_int_eq(part.values[0], model->graph.output);
    ck_assert_uint_eq(xai__targets_share(&part, &targets, 2), 3);
    ck_assert_str_eq(model->graph.values[part.values[0]].name, "a_relu");
    ck_assert_uint_eq(xai__targets_share(&part, &targets, 3), 4);
    ck_assert_ptr_eq(part.items, targets.items + 3);
    xai__targets_fini(&targets);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

START_TEST(refused)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_dense(context);
    const uint32_t all = XAI_SCORE_VALUE + 1;
    xai_target t = { .index = 5 };
    int32_t value;

    ck_assert_fails(xai__target_check(&value, model, &t, all), XAI_E_INVALID, "no class 5, the model has 5");
    t = (xai_target){ .index = 1, .against = -1, .score = XAI_SCORE_MARGIN };
    ck_assert_fails(xai__target_check(&value, model, &t, all), XAI_E_INVALID, "no class -1");
    t = (xai_target){ .index = 1, .score = XAI_SCORE_VALUE };
    ck_assert_fails(xai__target_check(&value, model, &t, XAI_SCORE_VALUE), XAI_E_INVALID, "score 3");
    ck_assert_fails(xai__target_check(&value, model, &t, all), XAI_E_INVALID, "names no value");
    t.value = "nowhere";
    ck_assert_fails(xai__target_check(&value, model, &t, all), XAI_E_NOT_FOUND, "nowhere");
    t = (xai_target){ .index = 5, .value = "fc", .score = XAI_SCORE_VALUE };
    ck_assert_fails(xai__target_check(&value, model, &t, all), XAI_E_INVALID, "'fc' has 5 elements, none is number 5");
    t = (xai_target){ .index = 0, .reserved = 1 };
    ck_assert_fails(xai__target_check(&value, model, &t, all), XAI_E_INVALID, "reserved field is 1");
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_target");
    TCase *cases = tcase_create("all");

    tcase_add_test(cases, gradients);
    tcase_add_test(cases, probabilities);
    tcase_add_test(cases, seeds);
    tcase_add_test(cases, shared);
    tcase_add_test(cases, refused);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
