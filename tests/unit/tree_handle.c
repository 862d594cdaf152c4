/* SPDX-License-Identifier: MIT
 * The handle of trees: references, checks of arguments, and that a kind's functions get what was checked. */
#include "testing.h"
#include "tree/tree.h"

/* A kind of its own: every row gives its sum, and one step that says which mode was asked for. */
typedef struct sum_tree {
    xai_tree tree;
    int *n_freed;
} sum_tree;

static void free_sum(xai_tree *tree)
{
    ++*((sum_tree *)tree)->n_freed;
}

static xai_status predict_sum(float *out, const xai_tree *tree, const float *rows, size_t n_rows, uint32_t mode)
{
    for (size_t i = 0; i < n_rows; i++) {
        out[i] = (float)mode;
        for (size_t k = 0; k < tree->n_inputs; k++)
            out[i] += rows[i * tree->n_inputs + k];
    }
    return XAI_OK;
}

static xai_status decide_sum(size_t *n, const xai_tree *tree, const float *row, uint32_t mode, xai_decision *steps,
                             size_t capacity)
{
    *n = 1;
    if (capacity > 0)
        steps[0] = (xai_decision){ "0", mode == XAI_TREE_SOFT ? "soft" : "hard", 1, 0, (int64_t)row[0] };
    return XAI_OK;
}

static const xai__tree_kind sum_kind = { XAI_TREE_DNDT, free_sum, predict_sum, decide_sum, NULL };

static xai_context *context;
static xai_tree *tree;
static int n_freed;

static void set_up(void)
{
    context = testing_context(1);
    n_freed = 0;
    ck_assert_ok(xai__tree_create(&tree, context, &sum_kind, sizeof(sum_tree)));
    ((sum_tree *)tree)->n_freed = &n_freed;
    tree->n_classes = 1;
    tree->n_inputs = 3;
    tree->n_nodes = 7;
}

static void tear_down(void)
{
    xai_tree_unref(tree);
    ck_assert_int_eq(n_freed, 1);
    xai_context_unref(context);
}

START_TEST(counts_references)
{
    ck_assert_ptr_eq(xai_tree_ref(tree), tree);
    xai_tree_unref(tree);
    ck_assert_int_eq(n_freed, 0);
    ck_assert_ptr_null(xai_tree_ref(NULL));
    xai_tree_unref(NULL);
    ck_assert_uint_eq(xai_tree_kind(tree), XAI_TREE_DNDT);
    ck_assert_uint_eq(xai_tree_n_classes(tree), 1);
    ck_assert_uint_eq(xai_tree_n_inputs(tree), 3);
    ck_assert_uint_eq(xai_tree_n_nodes(tree), 7);
}
END_TEST

START_TEST(predicts_checked_rows)
{
    float data[6] = { 1, 2, 3, -1, 0, 0.5f };
    const int64_t good[2] = { 2, 3 }, bad[2] = { 3, 2 };
    xai_tensor *rows = NULL, *wrong = NULL, *out = NULL;

    ck_assert_ok(xai_tensor_wrap(&rows, context, data, good, 2, NULL, NULL));
    ck_assert_ok(xai_tensor_wrap(&wrong, context, data, bad, 2, NULL, NULL));
    ck_assert_ok(xai_tree_predict(&out, tree, rows, XAI_TREE_SOFT));
    ck_assert_uint_eq(xai_tensor_size(out), 2);
    ck_assert(xai_tensor_data(out)[0] == 7.0f && xai_tensor_data(out)[1] == 0.5f);
    xai_tensor_unref(out);
    ck_assert_fails(xai_tree_predict(&out, tree, wrong, XAI_TREE_SOFT), XAI_E_SHAPE, "3x2, but the tree takes N x 3");
    ck_assert_ptr_null(out);
    ck_assert_fails(xai_tree_predict(&out, tree, rows, 2), XAI_E_INVALID, "no mode 2");
    ck_assert_fails(xai_tree_predict(&out, tree, NULL, 0), XAI_E_INVALID, "rows is NULL");
    ck_assert_fails(xai_tree_predict(&out, NULL, rows, 0), XAI_E_INVALID, "tree is NULL");
    ck_assert_fails(xai_tree_predict(NULL, tree, rows, 0), XAI_E_INVALID, "out is NULL");
    xai_tensor_unref(rows);
    xai_tensor_unref(wrong);
}
END_TEST

START_TEST(decides_checked_rows)
{
    const float row[3] = { 4, 5, 6 };
    xai_decision step = { 0 };
    size_t n = 9;

    ck_assert_ok(xai_tree_decisions(&n, tree, row, XAI_TREE_HARD, NULL, 0));
    ck_assert_uint_eq(n, 1);
    ck_assert_ok(xai_tree_decisions(&n, tree, row, XAI_TREE_SOFT, &step, 1));
    ck_assert_str_eq(step.name, "soft");
    ck_assert_int_eq(step.class_index, 4);
    ck_assert_fails(xai_tree_decisions(&n, tree, row, 7, &step, 1), XAI_E_INVALID, "no mode 7");
    ck_assert_uint_eq(n, 0);
    ck_assert_fails(xai_tree_decisions(&n, tree, row, 0, NULL, 1), XAI_E_INVALID, "steps is NULL");
    ck_assert_fails(xai_tree_decisions(&n, tree, NULL, 0, &step, 1), XAI_E_INVALID, "row is NULL");
    ck_assert_fails(xai_tree_decisions(NULL, tree, row, 0, &step, 1), XAI_E_INVALID, "n is NULL");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tree_handle");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, counts_references);
    tcase_add_test(cases, predicts_checked_rows);
    tcase_add_test(cases, decides_checked_rows);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
