/* SPDX-License-Identifier: MIT
 * TreeSHAP: shap's own numbers (golden/make_shap.py), sums that give the prediction, and the definition itself. */
#include "cart_cases.h"
#include "tree/cart.h"

static xai_context *context;

static void set_up(void)
{
    context = testing_context(1);
}

static void tear_down(void)
{
    xai_context_unref(context);
}

/* The next number of a file, within what nine digits and float32 leave. */
static void check_number(FILE *file, double number, const char *where)
{
    double expected;

    ck_assert_int_eq(fscanf(file, "%lf", &expected), 1);
    ck_assert_msg(fabs(number - expected) < 1e-6, "%s: %.9g, shap says %.9g", where, number, expected);
}

static void check_case(FILE *file, const cart_case *l, const char *where)
{
    size_t key = 0;
    tables_table whole = tables_get(l->set, &key), t = cart_case_table(l, &whole, key);
    xai_tree *tree = cart_case_fit(context, l, &whole, key);
    double *expected = calloc(tree->n_classes, sizeof *expected);
    xai_tensor *rows = NULL, *values = NULL;
    int64_t shape[3];

    tables_wrap(context, &t, &rows, NULL);
    ck_assert_ok(xai_tree_shap(&values, expected, tree, rows));
    ck_assert_uint_eq(xai_tensor_shape(values, shape, 3), 3);
    ck_assert(shape[0] == (int64_t)t.n_rows && shape[1] == (int64_t)t.n_features &&
              shape[2] == (int64_t)tree->n_classes);
    for (size_t c = 0; c < tree->n_classes; c++)
        check_number(file, expected[c], where);
    for (size_t i = 0; i < l->n * t.n_features * tree->n_classes; i++)
        check_number(file, xai_tensor_data(values)[i], where);
    xai_tensor_unref(values);
    xai_tensor_unref(rows);
    xai_tree_unref(tree);
    free(expected);
    tables_free(&whole);
    tables_free(&t);
}

START_TEST(equal_to_shap)
{
    FILE *file = fopen(testing_source("tests/golden/shap.txt"), "r");
    char text[65536];
    size_t n_cases = 0;

    ck_assert_ptr_nonnull(file);
    while (fgets(text, sizeof text, file) != NULL) {
        cart_case l = { 0 };
        if (sscanf(text, "case %15s %u %u %u %15s %d %zu", l.set, &l.seed, &l.weighted, &l.missing, l.criterion, &l.row,
                   &l.n) != 7)
            continue;
        check_case(file, &l, text);
        n_cases++;
    }
    fclose(file);
    ck_assert_uint_eq(n_cases, 7);
}
END_TEST

/* Values and the expected one sum to the prediction, whatever the tree. */
START_TEST(sums_to_the_prediction)
{
    for (int row = 0; row < CART_CASE_N_OPTIONS; row++) {
        size_t key = (size_t)row + 10;
        cart_case l = { .criterion = "gini", .missing = row % 2, .weighted = row % 3 == 0, .row = row };
        tables_table whole = tables_make(key), t = cart_case_table(&l, &whole, key);
        xai_tree *tree = cart_case_fit(context, &l, &whole, key);
        xai_tensor *rows = NULL, *values = NULL, *out = NULL;
        size_t n_classes = tree->n_classes;
        double expected[8];

        tables_wrap(context, &t, &rows, NULL);
        ck_assert_ok(xai_tree_shap(&values, expected, tree, rows));
        ck_assert_ok(xai_tree_predict(&out, tree, rows, 0));
        for (size_t i = 0; i < t.n_rows; i++)
            for (size_t c = 0; c < n_classes; c++) {
                double sum = expected[c];
                for (size_t f = 0; f < t.n_features; f++)
                    sum += xai_tensor_data(values)[(i * t.n_features + f) * n_classes + c];
                ck_assert_double_eq_tol(sum, xai_tensor_data(out)[i * n_classes + c], 2e-6);
            }
        xai_tensor_unref(rows);
        xai_tensor_unref(values);
        xai_tensor_unref(out);
        xai_tree_unref(tree);
        tables_free(&whole);
        tables_free(&t);
    }
}
END_TEST

/* --- the definition: every coalition of features --- */

/* Mean prediction where the features in known are the row's and the others follow the training rows. */
static double coalition(const xai__cart *cart, int32_t at, const float *row, unsigned known)
{
    const xai__cart_node *node = &cart->nodes[at];
    double left, right;

    if (node->left < 0)
        return cart->values[at];
    if (known >> node->feature & 1)
        return coalition(cart, xai__cart_step(node, row), row, known);
    left = cart->nodes[node->left].weight;
    right = cart->nodes[node->right].weight;
    return (left * coalition(cart, node->left, row, known) + right * coalition(cart, node->right, row, known)) /
           (left + right);
}

static double shapley(const xai__cart *cart, const float *row, size_t n, size_t feature)
{
    static const double factorial[] = { 1, 1, 2, 6, 24, 120, 720, 5040, 40320 };
    double sum = 0;

    for (unsigned known = 0; known < 1u << n; known++) {
        size_t size = 0;
        if (known >> feature & 1)
            continue;
        for (size_t f = 0; f < n; f++)
            size += known >> f & 1;
        sum += factorial[size] * factorial[n - size - 1] / factorial[n] *
               (coalition(cart, 0, row, known | 1u << feature) - coalition(cart, 0, row, known));
    }
    return sum;
}

START_TEST(equal_to_the_definition)
{
    cart_case l = { .criterion = "squared_error", .missing = 1, .weighted = 1 };
    tables_table whole = tables_make(5), t = cart_case_table(&l, &whole, 5);
    xai_tree *tree = cart_case_fit(context, &l, &whole, 5);
    xai_tensor *rows = NULL, *values = NULL;
    size_t n = t.n_features;

    ck_assert_uint_eq(n, 8);
    t.rows[3] = -INFINITY;
    t.rows[4] = INFINITY;
    tables_wrap(context, &t, &rows, NULL);
    ck_assert_ok(xai_tree_shap(&values, NULL, tree, rows));
    for (size_t i = 0; i < 6 * n; i++)
        ck_assert_double_eq_tol(xai_tensor_data(values)[i], shapley(xai__cart_of(tree), t.rows + i / n * n, n, i % n),
                                1e-6);
    xai_tensor_unref(values);
    ck_assert_fails(xai_tree_shap(&values, NULL, tree, NULL), XAI_E_INVALID, "rows is NULL");
    ck_assert_fails(xai_tree_shap(NULL, NULL, tree, rows), XAI_E_INVALID, "out is NULL");
    xai_tensor_unref(rows);
    tables_free(&whole);
    whole = tables_make(0);
    tables_wrap(context, &whole, &rows, NULL);
    ck_assert_fails(xai_tree_shap(&values, NULL, tree, rows), XAI_E_SHAPE, "the tree takes N x 8");
    xai_tensor_unref(rows);
    xai_tree_unref(tree);
    tables_free(&whole);
    tables_free(&t);
}
END_TEST

/* A tree that is one leaf gives nothing to anybody. */
START_TEST(one_leaf)
{
    const char *text = "{\"n_features\":2,\"children_left\":[-1],\"children_right\":[-1],\"feature\":[-2],"
                       "\"threshold\":[-2],\"impurity\":[0],\"n_node_samples\":[1],\"weighted_n_node_samples\":[1],"
                       "\"value\":[[4.5]]}";
    float data[4] = { 1, NAN, INFINITY, 0 };
    const int64_t shape[2] = { 2, 2 };
    xai_tensor *rows = NULL, *values = NULL;
    xai_tree *tree = NULL;
    double expected = 0;

    ck_assert_ok(xai_tree_load_memory(&tree, context, text, strlen(text)));
    ck_assert_ok(xai_tensor_wrap(&rows, context, data, shape, 2, NULL, NULL));
    ck_assert_ok(xai_tree_shap(&values, &expected, tree, rows));
    ck_assert(expected == 4.5);
    for (size_t i = 0; i < 4; i++)
        ck_assert(xai_tensor_data(values)[i] == 0);
    xai_tensor_unref(values);
    xai_tensor_unref(rows);
    xai_tree_unref(tree);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tree_shap");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 100);
    tcase_add_test(cases, equal_to_shap);
    tcase_add_test(cases, sums_to_the_prediction);
    tcase_add_test(cases, equal_to_the_definition);
    tcase_add_test(cases, one_leaf);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
