/* SPDX-License-Identifier: MIT
 * Tree supervision: torch's values and gradients, central differences, refusals. */
#include <math.h>

#include "core/rng.h"
#include "core/text.h"
#include "testing.h"
#include "tree_loss_vectors.h"

static xai_context *context;

static void set_up(void)
{
    context = testing_context(1);
}

static void tear_down(void)
{
    xai_context_unref(context);
}

/* The trees of make_tree_loss.py. */
static xai_tree *make_tree(size_t arity, size_t n_nodes)
{
    xai_tree *tree = NULL;
    xai__text text;

    xai__text_init(&text, context);
    xai__text_add(&text, "{\"nodes\":[{\"id\":\"0\"}");
    for (size_t i = 1; i < n_nodes; i++)
        xai__text_add(&text, ",{\"id\":\"%zu\"}", i);
    xai__text_add(&text, "],\"links\":[");
    for (size_t i = 1; i < n_nodes; i++)
        xai__text_add(&text, "%s{\"source\":\"%zu\",\"target\":\"%zu\"}", i > 1 ? "," : "",
                      arity > 0 ? (i - 1) / arity : (i - 1) / 2 * 2, i);
    xai__text_add(&text, "]}");
    ck_assert_ok(xai_tree_load_memory(&tree, context, xai__text_get(&text), text.length));
    xai__text_fini(&text);
    return tree;
}

static xai_tensor *make_logits(size_t n_rows, size_t n_classes)
{
    const int64_t shape[2] = { (int64_t)n_rows, (int64_t)n_classes };
    xai_tensor *logits = NULL;

    ck_assert_ok(xai_tensor_create(&logits, context, shape, 2));
    for (size_t i = 0; i < n_rows * n_classes; i++)
        xai_tensor_data(
            logits)[i] = (float)(((double)(xai__mix64((i + 1) * 0x9e3779b97f4a7c15u) >> 40) / (1 << 23) - 1) * 6);
    return logits;
}

static void check_close(double got, double expected, const char *name, size_t place)
{
    ck_assert_msg(fabs(got - expected) <= 1e-7 + 1e-6 * fabs(expected), "%s, %zu: got %.9g, expected %.9g", name, place,
                  got, expected);
}

START_TEST(as_torch)
{
    const loss_case *one = &loss_cases[_i];
    xai_tree *tree = make_tree(one->arity, one->n_nodes);
    xai_tensor *logits = make_logits(one->n_rows, one->n_classes), *gradient;
    int32_t classes[8];
    double loss, alone;

    ck_assert_uint_eq(xai_tree_n_classes(tree), one->n_classes);
    for (size_t i = 0; i < one->n_rows; i++)
        classes[i] = (int32_t)((7 * i + 3) % one->n_classes);
    for (uint32_t mode = XAI_TREE_HARD; mode <= XAI_TREE_SOFT; mode++) {
        ck_assert_ok(xai_tree_loss(&gradient, &loss, tree, logits, classes, mode, 0.75, 1.5));
        ck_assert_double_eq_tol(loss, one->loss[mode], 1e-9 * (1 + one->loss[mode]));
        for (size_t i = 0; i * one->stride < one->n_rows * one->n_classes; i++)
            check_close(xai_tensor_data(gradient)[i * one->stride], one->gradient[mode][i], one->name, i);
        xai_tensor_unref(gradient);
        ck_assert_ok(xai_tree_loss(NULL, &alone, tree, logits, classes, mode, 0.75, 1.5));
        ck_assert(alone == loss);
    }
    xai_tensor_unref(logits);
    xai_tree_unref(tree);
}
END_TEST

/* Every number of the gradient, the mean over the rows included. */
START_TEST(as_differences)
{
    enum { N_ROWS = 3, N_CLASSES = 8 };
    const int32_t classes[N_ROWS] = { 0, 7, 4 };
    xai_tree *tree = make_tree(0, 2 * N_CLASSES - 1);
    xai_tensor *logits = make_logits(N_ROWS, N_CLASSES), *gradient;
    float *data = xai_tensor_data(logits);

    for (uint32_t mode = XAI_TREE_HARD; mode <= XAI_TREE_SOFT; mode++) {
        ck_assert_ok(xai_tree_loss(&gradient, NULL, tree, logits, classes, mode, 0, 2));
        for (size_t i = 0; i < N_ROWS * N_CLASSES; i++) {
            const float kept = data[i], step = 1.0f / 256;
            double above, below;

            data[i] = kept + step;
            ck_assert_ok(xai_tree_loss(NULL, &above, tree, logits, classes, mode, 0, 2));
            data[i] = kept - step;
            ck_assert_ok(xai_tree_loss(NULL, &below, tree, logits, classes, mode, 0, 2));
            /* What floats make of the two steps is not quite the same. */
            ck_assert_double_eq_tol(xai_tensor_data(gradient)[i],
                                    (above - below) / ((double)(kept + step) - (double)(kept - step)), 2e-5);
            data[i] = kept;
        }
        xai_tensor_unref(gradient);
    }
    xai_tensor_unref(logits);
    xai_tree_unref(tree);
}
END_TEST

/* Logits so far apart that probabilities vanish: losses grow as the logits do, gradients stay finite. */
START_TEST(extreme_logits)
{
    const int32_t classes[1] = { 0 };
    xai_tree *tree = make_tree(2, 7);
    xai_tensor *logits = make_logits(1, 4), *gradient;
    double loss;

    memcpy(xai_tensor_data(logits), (const float[4]){ -3e38f, 3e38f, 3e38f, -3e38f }, 16);
    for (uint32_t mode = XAI_TREE_HARD; mode <= XAI_TREE_SOFT; mode++) {
        ck_assert_ok(xai_tree_loss(&gradient, &loss, tree, logits, classes, mode, 1, 1));
        ck_assert(loss >= 5e38 && loss < 2e39);
        for (size_t i = 0; i < 4; i++)
            ck_assert(isfinite(xai_tensor_data(gradient)[i]));
        xai_tensor_unref(gradient);
    }
    xai_tensor_unref(logits);
    xai_tree_unref(tree);
}
END_TEST

START_TEST(bad_arguments)
{
    const int32_t good[2] = { 0, 3 }, high[2] = { 0, 4 }, low[2] = { -1, 0 };
    xai_tree *tree = make_tree(2, 7);
    xai_tensor *logits = make_logits(2, 4), *wide = make_logits(2, 5), *gradient = NULL;
    double loss;

    ck_assert_fails(xai_tree_loss(&gradient, &loss, NULL, logits, good, 0, 1, 1), XAI_E_INVALID, "tree is NULL");
    ck_assert_fails(xai_tree_loss(&gradient, &loss, tree, NULL, good, 0, 1, 1), XAI_E_INVALID, "logits is NULL");
    ck_assert_fails(xai_tree_loss(&gradient, &loss, tree, logits, NULL, 0, 1, 1), XAI_E_INVALID, "classes is NULL");
    ck_assert_fails(xai_tree_loss(&gradient, &loss, tree, logits, good, 2, 1, 1), XAI_E_INVALID, "no mode 2");
    ck_assert_fails(xai_tree_loss(&gradient, &loss, tree, logits, good, 0, -1, 1), XAI_E_INVALID, "-1 and 1");
    ck_assert_fails(xai_tree_loss(&gradient, &loss, tree, logits, good, 0, 1, NAN), XAI_E_INVALID, "the weights");
    ck_assert_fails(xai_tree_loss(&gradient, &loss, tree, wide, good, 0, 1, 1), XAI_E_SHAPE, "takes N x 4");
    ck_assert_fails(xai_tree_loss(&gradient, &loss, tree, logits, high, 0, 1, 1), XAI_E_INVALID, "class 4 of row 1");
    ck_assert_fails(xai_tree_loss(&gradient, &loss, tree, logits, low, 0, 1, 1), XAI_E_INVALID, "class -1 of row 0");
    xai_tensor_data(logits)[6] = NAN;
    ck_assert_fails(xai_tree_loss(&gradient, &loss, tree, logits, good, 0, 1, 1), XAI_E_INVALID, "logit 2 of row 1");
    ck_assert_ptr_null(gradient);
    ck_assert(loss == 0);
    xai_tensor_unref(logits);
    xai_tensor_unref(wide);
    xai_tree_unref(tree);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tree_loss");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, as_torch, 0, sizeof loss_cases / sizeof *loss_cases);
    tcase_add_test(cases, as_differences);
    tcase_add_test(cases, extreme_logits);
    tcase_add_test(cases, bad_arguments);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
