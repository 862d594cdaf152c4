/* SPDX-License-Identifier: MIT
 * Trees on tables when memory runs out: fitted, read, pruned, explained, drawn. */
#include "oom.h"

#include "tree/cart.h"

enum { N_ROWS = 24, N_FEATURES = 3 };

typedef struct tree_case {
    xai_context *context;
    xai_tensor *rows, *targets;
    xai_fit_options options;
    const xai_tree *tree;
    char *json;
} tree_case;

static xai_status fit(void *user)
{
    const tree_case *now = user;
    xai_tree *tree;
    xai_status status = xai_tree_fit(&tree, now->rows, now->targets, &now->options);

    xai_tree_unref(tree);
    return status;
}

static xai_status load(void *user)
{
    const tree_case *now = user;
    xai_tree *tree;
    xai_status status = xai_tree_load_memory(&tree, now->context, now->json, strlen(now->json));

    xai_tree_unref(tree);
    return status;
}

static xai_status use(void *user)
{
    const tree_case *now = user;
    xai_decision steps[4];
    xai_tensor *out;
    size_t n;
    xai_status status = xai_tree_predict(&out, now->tree, now->rows, 0);

    xai_tensor_unref(out);
    return status == XAI_OK ? xai_tree_decisions(&n, now->tree, xai_tensor_data(now->rows), 0, steps, 4) : status;
}

static xai_status explain(void *user)
{
    const tree_case *now = user;
    xai_tensor *values = NULL, *shares = NULL;
    xai_tree *pruned = NULL;
    size_t n;
    xai_status status = xai_tree_shap(&values, NULL, now->tree, now->rows);

    if (status == XAI_OK)
        status = xai_tree_importances(&shares, now->tree);
    if (status == XAI_OK)
        status = xai_tree_pruning_path(&n, now->tree, NULL, NULL, 0);
    if (status == XAI_OK)
        status = xai_tree_prune(&pruned, now->tree, 0.05);
    xai_tensor_unref(values);
    xai_tensor_unref(shares);
    xai_tree_unref(pruned);
    return status;
}

static xai_status draw(void *user)
{
    const tree_case *now = user;
    const xai_export_options options = { .struct_size = sizeof options,
                                         .row = xai_tensor_data(now->rows),
                                         .row_size = N_FEATURES };

    return xai_tree_export(now->tree, XAI_TREE_TEXT, &options, NULL, 0) > 0 ? XAI_OK : XAI_E_NO_MEMORY;
}

static void make_table(tree_case *now)
{
    const int64_t shape[2] = { N_ROWS, N_FEATURES };

    ck_assert_ok(xai_tensor_create(&now->rows, now->context, shape, 2));
    ck_assert_ok(xai_tensor_create(&now->targets, now->context, shape, 1));
    for (int i = 0; i < N_ROWS * N_FEATURES; i++)
        xai_tensor_data(now->rows)[i] = (float)(i * i % 17);
    for (int i = 0; i < N_ROWS; i++)
        xai_tensor_data(now->targets)[i] = (float)(i % 3);
}

static const struct {
    const char *method, *criterion;
    double ccp_alpha;
    uint32_t max_features, max_leaf_nodes, n_steps;
} rows[] = {
    { "cart", "gini", 0, 0, 0, 0 },    { "cart", "squared_error", 0.01, 0, 0, 0 },
    { "cart", "entropy", 0, 2, 6, 0 }, { "cart", "gini", 0.02, 0, 9, 0 },
    { "dndt", NULL, 0, 0, 0, 3 },
};

START_TEST(trees)
{
    static const char *const features[N_FEATURES] = { "a", "b", "c" }, *const classes[3] = { "x", "y", "z" };
    tree_case now = { .context = testing_context(1) };
    xai_tree *tree = NULL;
    bool is_cart = strcmp(rows[_i].method, "cart") == 0, regression = _i == 1;
    size_t length;

    make_table(&now);
    now.options = (xai_fit_options){ .struct_size = sizeof now.options,
                                     .method = rows[_i].method,
                                     .criterion = rows[_i].criterion,
                                     .feature_names = features,
                                     .class_names = regression ? NULL : classes,
                                     .n_classes = regression ? 0 : 3,
                                     .ccp_alpha = rows[_i].ccp_alpha,
                                     .max_features = rows[_i].max_features,
                                     .max_leaf_nodes = rows[_i].max_leaf_nodes,
                                     .n_steps = rows[_i].n_steps };
    oom_run("fitting", fit, &now, 0);
    ck_assert_ok(xai_tree_fit(&tree, now.rows, now.targets, &now.options));
    now.tree = tree;
    length = xai_tree_export(tree, XAI_TREE_JSON, NULL, NULL, 0);
    now.json = calloc(length + 1, 1);
    ck_assert_uint_eq(xai_tree_export(tree, XAI_TREE_JSON, NULL, now.json, length + 1), length);
    oom_run("reading", load, &now, 0);
    oom_run("using", use, &now, 0);
    oom_run("drawing", draw, &now, 0);
    if (is_cart)
        oom_run("explaining", explain, &now, 0);
    free(now.json);
    xai_tree_unref(tree);
    xai_tensor_unref(now.rows);
    xai_tensor_unref(now.targets);
    xai_context_unref(now.context);
}
END_TEST

static xai_status prune(void *user)
{
    const xai_tree *tree = user;
    xai_tree *pruned = NULL;
    double alphas[4];
    size_t n;
    xai_status status = xai_tree_pruning_path(&n, tree, alphas, NULL, 4);

    if (status == XAI_OK)
        status = xai_tree_prune(&pruned, tree, alphas[3]);
    xai_tree_unref(pruned);
    return status;
}

/* So deep that its links are found all at once. */
START_TEST(deep)
{
    enum { N_FORKS = 9000 };
    xai_context *context = testing_context(1);
    xai__cart *cart = NULL;

    ck_assert_ok(xai__cart_create(&cart, context, 1, 1, true));
    for (int32_t i = 0; i < 2 * N_FORKS + 1; i++) {
        xai__cart_node *node = xai__cart_add(cart);

        *node = (xai__cart_node){ .weight = 1, .n_samples = 1 };
        xai__cart_make_leaf(node);
        if (i % 2 == 0 && i < 2 * N_FORKS) {
            node->impurity = (double)(2 * N_FORKS - i) * (2 * N_FORKS - i);
            node->left = i + 1;
            node->right = i + 2;
            node->feature = 0;
        }
        cart->values[i] = 0;
        cart->tree.n_nodes++;
    }
    ck_assert_ok(xai__cart_finish(cart));
    oom_run("pruning", prune, &cart->tree, 0);
    xai_tree_unref(&cart->tree);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_tree");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, trees, 0, sizeof rows / sizeof *rows);
    tcase_add_test(cases, deep);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
