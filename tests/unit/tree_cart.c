/* SPDX-License-Identifier: MIT
 * CART: every node, pruning path and importance of scikit-learn 1.9's, to the bit (golden/make_cart.py); JSON; paths of
 * rows; options and files that are none. */
#include "cart_cases.h"
#include "little_memory.h"
#include "tree/cart.h"
#include "tree/sum.h"

static xai_context *context;

static void set_up(void)
{
    context = testing_context(1);
}

static void tear_down(void)
{
    xai_context_unref(context);
}

/* --- against scikit-learn --- */

/* FNV-1a. */
static uint64_t digest(uint64_t value, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        value = (value ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    return value;
}

static const uint64_t basis = 0xcbf29ce484222325u;

static uint64_t digest_number(uint64_t value, double number)
{
    number += 0.0; /* a zero has no sign here */
    return digest(value, &number, sizeof number);
}

static uint64_t digest_tree(const xai_tree *tree)
{
    const xai__cart *cart = xai__cart_of(tree);
    uint64_t value = basis;

    for (int array = 0; array < 8; array++)
        for (size_t i = 0; i < tree->n_nodes; i++) {
            const xai__cart_node *node = &cart->nodes[i];
            const int32_t wholes[] = { node->left, node->right, node->feature };
            const double reals[] = { node->threshold, node->impurity, 0, node->weight };
            if (array < 3)
                value = digest(value, &wholes[array], sizeof wholes[array]);
            else if (array == 5 || array == 7)
                value = digest(value, array == 5 ? &node->n_samples : &node->missing_left, sizeof(uint32_t));
            else
                value = digest_number(value, reals[array - 3]);
        }
    for (size_t i = 0; i < tree->n_nodes * tree->n_classes; i++)
        value = digest_number(value, cart->values[i]);
    return value;
}

static bool read_line(cart_case *out, const char *text)
{
    memset(out, 0, sizeof *out);
    snprintf(out->criterion, sizeof out->criterion, "gini");
    return sscanf(text, "%15s", out->what) == 1 &&
           (sscanf(text, "fit %15s %u %u %u %15s %d %zu %llx", out->set, &out->seed, &out->weighted, &out->missing,
                   out->criterion, &out->row, &out->n, &out->digest) == 8 ||
            sscanf(text, "path %15s %u %u %zu %llx", out->set, &out->weighted, &out->missing, &out->n, &out->digest) ==
                5 ||
            sscanf(text, "importances %15s %u %u %llx", out->set, &out->weighted, &out->missing, &out->digest) == 4);
}

static uint64_t digest_path(const xai_tree *tree, size_t n_expected)
{
    double *alphas = calloc(n_expected, sizeof *alphas), *impurities = calloc(n_expected, sizeof *impurities);
    uint64_t value = basis;
    size_t n = 0;

    ck_assert_ok(xai_tree_pruning_path(&n, tree, alphas, impurities, n_expected));
    ck_assert_uint_eq(n, n_expected);
    for (size_t i = 0; i < n; i++)
        value = digest_number(value, alphas[i]);
    for (size_t i = 0; i < n; i++)
        value = digest_number(value, impurities[i]);
    free(alphas);
    free(impurities);
    return value;
}

static uint64_t digest_importances(const xai_tree *tree)
{
    xai_tensor *shares = NULL;
    uint64_t value = basis;

    ck_assert_ok(xai_tree_importances(&shares, tree));
    ck_assert_uint_eq(xai_tensor_size(shares), tree->n_inputs);
    for (size_t f = 0; f < tree->n_inputs; f++) {
        float share = xai_tensor_data(shares)[f] + 0.0f;
        value = digest(value, &share, sizeof share);
    }
    xai_tensor_unref(shares);
    return value;
}

static void check_line(const char *text, const cart_case *l, const tables_table *table, size_t key)
{
    xai_tree *tree = cart_case_fit(context, l, table, key);
    uint64_t value = strcmp(l->what, "fit") == 0    ? digest_tree(tree)
                     : strcmp(l->what, "path") == 0 ? digest_path(tree, l->n)
                                                    : digest_importances(tree);

    if (strcmp(l->what, "fit") == 0)
        ck_assert_msg(tree->n_nodes == l->n, "%s: the tree has %zu nodes", text, tree->n_nodes);
    ck_assert_msg(value == l->digest, "%s: the digest is %016llx", text, (unsigned long long)value);
    xai_tree_unref(tree);
}

START_TEST(equal_to_scikit_learn)
{
    FILE *file = fopen(testing_source("tests/golden/cart.txt"), "r");
    char text[256], last[16] = "";
    tables_table table = { 0 };
    size_t key = 0, n_lines = 0;
    cart_case l;

    ck_assert_ptr_nonnull(file);
    while (fgets(text, sizeof text, file) != NULL) {
        if (!read_line(&l, text))
            continue;
        text[strcspn(text, "\n")] = '\0';
        if (strcmp(last, l.set) != 0) {
            tables_free(&table);
            table = tables_get(l.set, &key);
            snprintf(last, sizeof last, "%s", l.set);
        }
        n_lines++;
        if (table.n_rows > 0)
            check_line(text, &l, &table, key);
    }
    ck_assert_uint_eq(n_lines, 24 * (40 + 8));
    fclose(file);
    tables_free(&table);
}
END_TEST

/* A file that scikit-learn's arrays were written to: the same nodes, and its probabilities. */
START_TEST(reads_arrays_of_scikit_learn)
{
    tables_table t = tables_make(5);
    FILE *file = fopen(testing_source("tests/golden/cart.txt"), "r");
    unsigned long long expected = 0;
    size_t n_nodes = 0;
    char text[256];
    xai_tensor *rows = NULL, *out = NULL;
    xai_tree *tree = NULL;

    ck_assert_ptr_nonnull(file);
    while (fgets(text, sizeof text, file) != NULL)
        sscanf(text, "probabilities made5 %zu %llx", &n_nodes, &expected);
    fclose(file);
    for (size_t i = 0; i < t.n_rows; i++)
        for (size_t f = 0; f < t.n_features; f++)
            if (f == 0 ? t.targets[i] == 1 : xai__rng_uniform_at(77, i * (t.n_features - 1) + f - 1) < 0.15)
                t.rows[i * t.n_features + f] = NAN;
    tables_wrap(context, &t, &rows, NULL);
    ck_assert_ok(xai_tree_load(&tree, context, testing_source("tests/golden/cart.json")));
    ck_assert_uint_eq(xai_tree_kind(tree), XAI_TREE_CART);
    ck_assert_uint_eq(xai_tree_n_nodes(tree), n_nodes);
    ck_assert_uint_eq(xai_tree_n_inputs(tree), t.n_features);
    ck_assert_ok(xai_tree_predict(&out, tree, rows, 0));
    ck_assert_uint_eq(digest(basis, xai_tensor_data(out), xai_tensor_size(out) * sizeof(float)), expected);
    xai_tensor_unref(out);
    xai_tensor_unref(rows);
    xai_tree_unref(tree);
    tables_free(&t);
}
END_TEST

START_TEST(sums_as_numpy)
{
    /* np.sum(1 / np.arange(1, n + 1)) for lengths around the blocks. */
    static const struct {
        size_t n;
        double sum;
    } rows[] = {
        { 0, 0 },
        { 7, 0x1.4be2be2be2be2p+1 },
        { 8, 0x1.5be2be2be2be2p+1 },
        { 130, 0x1.5cb5b871c7c27p+2 },
        { 1003, 0x1.df43022d5231ap+2 },
    };
    double numbers[1003];

    for (size_t i = 0; i < 1003; i++)
        numbers[i] = 1 / (double)(i + 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(xai__sum_pairwise(numbers, rows[i].n) == rows[i].sum, "%zu: %a", rows[i].n,
                      xai__sum_pairwise(numbers, rows[i].n));
}
END_TEST

/* --- JSON --- */

static xai_tree *read_text(const char *text)
{
    xai_tree *tree = NULL;

    ck_assert_ok(xai_tree_load_memory(&tree, context, text, strlen(text)));
    return tree;
}

static void check_same(const xai_tree *a, const xai_tree *b)
{
    const xai__cart *x = xai__cart_of(a), *y = xai__cart_of(b);

    ck_assert_uint_eq(a->n_nodes, b->n_nodes);
    ck_assert_uint_eq(a->n_inputs, b->n_inputs);
    ck_assert_uint_eq(a->n_classes, b->n_classes);
    ck_assert(x->regression == y->regression);
    ck_assert_mem_eq(x->nodes, y->nodes, a->n_nodes * sizeof *x->nodes);
    ck_assert_mem_eq(x->values, y->values, a->n_nodes * a->n_classes * sizeof *x->values);
}

static xai_tree *write_and_read(const xai_tree *tree)
{
    xai_tree *again;
    xai__text text;

    xai__text_init(&text, context);
    ck_assert_ok(xai__tree_write_json(&text, tree));
    again = read_text(xai__text_get(&text));
    xai__text_fini(&text);
    return again;
}

START_TEST(json_keeps_every_bit)
{
    for (int row = 0; row < CART_CASE_N_OPTIONS; row++) {
        cart_case l = { .missing = 1, .weighted = row & 1, .row = row };
        tables_table t = tables_make(8);
        xai_tree *tree, *again;

        snprintf(l.criterion, sizeof l.criterion, row % 3 == 2 ? "squared_error" : "entropy");
        tree = cart_case_fit(context, &l, &t, 8);
        again = write_and_read(tree);
        check_same(tree, again);
        xai_tree_unref(again);
        xai_tree_unref(tree);
        tables_free(&t);
    }
}
END_TEST

/* Three nodes; parts can be put in for others. */
static const char *const parts[] = {
    "\"n_features\":2",
    "\"children_left\":[1,-1,-1]",
    "\"children_right\":[2,-1,-1]",
    "\"feature\":[1,-2,-2]",
    "\"threshold\":[\"inf\",-2,-2]",
    "\"impurity\":[\"nan\",\"-inf\",0.5]",
    "\"n_node_samples\":[3,1,2]",
    "\"weighted_n_node_samples\":[3.5,1.0,2.5]",
    "\"missing_go_to_left\":[false,0,0]",
    "\"value\":[[[0.25,0.75]],[[1.0,0.0]],[[3.0,7.0]]]",
};

enum { N_PARTS = sizeof parts / sizeof *parts };

static const char *compose(size_t replaced, const char *by)
{
    static char text[4096];
    size_t length = 1;

    text[0] = '{';
    for (size_t i = 0; i < N_PARTS; i++) {
        const char *part = i == replaced ? by : parts[i];
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", part,
                                   i + 1 < N_PARTS && part[0] != '\0' ? "," : "");
    }
    snprintf(text + length, sizeof text - length, "}");
    return text;
}

START_TEST(json_has_what_is_not_finite)
{
    xai_tree *tree = read_text(compose(N_PARTS, NULL)), *again = write_and_read(tree);
    const xai__cart *cart = xai__cart_of(tree);
    const float rows[2][2] = { { 0, INFINITY }, { 0, NAN } };
    xai_decision steps[2];
    size_t n;

    check_same(tree, again);
    ck_assert(isinf(cart->nodes[0].threshold) && isnan(cart->nodes[0].impurity));
    ck_assert(cart->nodes[1].impurity == -INFINITY);
    ck_assert(!cart->regression);
    ck_assert(cart->values[4] == 0.3 && cart->values[5] == 0.7); /* weights became shares */
    for (size_t i = 0; i < 2; i++) {
        ck_assert_ok(xai_tree_decisions(&n, tree, rows[i], 0, steps, 2));
        ck_assert_uint_eq(n, 2);
        ck_assert_str_eq(steps[0].name, "root");
        ck_assert_str_eq(steps[1].node, i == 0 ? "1" : "2");
        ck_assert_str_eq(steps[1].name, i == 0 ? "x[1] is not missing" : "x[1] is missing");
        ck_assert_int_eq(steps[0].class_index, -1);
        ck_assert_int_eq(steps[1].class_index, (int64_t)i);
        ck_assert(steps[1].probability == 1 && steps[1].entropy == 0);
    }
    xai_tree_unref(again);
    xai_tree_unref(tree);
}
END_TEST

static const struct {
    size_t part;
    const char *by, *words;
} damaged[] = {
    { 0, "\"n_features\":0", "n_features" },
    { 0, "\"n_features\":1", "feature[0]" },
    { 0, "\"n_feature\":2", "n_features" },
    { 1, "\"children_left\":[]", "has 0 nodes" },
    { 1, "\"children_left\":[1,-1]", "\"children_left\" has 2" },
    { 1, "\"children_left\":[1,-1,3]", "children_left[2]" },
    { 1, "\"children_left\":[1,-1,-2]", "children_left[2]" },
    { 1, "\"children_left\":[0,-1,-1]", "node 0 has the child 0" },
    { 1, "\"children_left\":[2,-1,-1]", "node 2 has two parents" },
    { 1, "\"children_left\":[-1,-1,-1]", "node 0 has one child" },
    { 1, "\"children_left\":[1.5,-1,-1]", "children_left[0]" },
    { 2, "\"children_right\":[2,-1,0]", "node 2 has one child" },
    { 2, "\"children_right\":[2,-1,-1,-1]", "has 4 elements" },
    { 3, "\"feature\":[2,-2,-2]", "feature[0]" },
    { 3, "\"feature\":[-2,-2,-2]", "node 0 has children, but no feature" },
    { 4, "\"threshold\":[\"nan\",-2,-2]", "node 0 has children, but no threshold" },
    { 4, "\"threshold\":[\"big\",-2,-2]", "expected a number, \"inf\"" },
    { 4, "\"threshold\":[null,-2,-2]", "threshold[0]" },
    { 6, "\"n_node_samples\":[3,1,-1]", "n_node_samples[2]" },
    { 7, "\"weighted_n_node_samples\":[3,0,2]", "node 1 has the weight 0" },
    { 7, "\"weighted_n_node_samples\":[3,1,\"nan\"]", "node 2 has the weight" },
    { 7, "\"weighted_n_node_samples\":[\"inf\",1,2]", "node 0 has the weight inf" },
    { 8, "\"missing_go_to_left\":[2,0,0]", "missing_go_to_left[0]" },
    { 9, "\"value\":[]", "value" },
    { 9, "\"value\":[[[]],[[]],[[]]]", "has no numbers" },
    { 9, "\"value\":[[[0.5,0.5]],[[1]],[[1,0]]]", "has 1 numbers, expected 2" },
    { 9, "\"value\":[[[1,0],[1,0]],[[1,0]],[[1,0]]]", "has 2 outputs" },
    { 9, "\"value\":[[[0,0]],[[1,0]],[[1,0]]]", "shares sum to 0" },
    { 9, "\"value\":[[[1,0]],[[2,-1]],[[1,0]]]", "class 1 has -1" },
    { 9, "\"value\":[[[1,0]],[[1,\"nan\"]],[[1,0]]]", "value[1]" },
    { 9, "\"value\":[[[1,0]],[[1,0]],[[1,0]]],\"n_classes\":3", "n_classes" },
    { 9, "\"value\":[[[1,0]],[[1,0]],[[1,0]]],\"regression\":true", "only one is read" },
    { 9, "\"value\":[[1,0],[1,0],[1,0]],\"class_names\":[\"a\"]", "has 1 names, expected 2" },
    { 9, "\"value\":[[1,0],[1,0],[1,0]],\"feature_names\":[\"a\",1]", "feature_names[1]" },
};

START_TEST(refuses_damaged_files)
{
    const char *text = compose(damaged[_i].part, damaged[_i].by);
    xai_tree *tree = (xai_tree *)context;
    xai_status status = xai_tree_load_memory(&tree, context, text, strlen(text));

    ck_assert_msg(status == XAI_E_FORMAT || status == XAI_E_UNSUPPORTED, "%s: %s", text, xai_status_name(status));
    ck_assert_ptr_null(tree);
    ck_assert_msg(strstr(xai_last_error(), damaged[_i].words) != NULL, "\"%s\" lacks \"%s\"", xai_last_error(),
                  damaged[_i].words);
}
END_TEST

START_TEST(refuses_loose_nodes)
{
    const char *text = "{\"n_features\":1,\"children_left\":[-1,-1],\"children_right\":[-1,-1],\"feature\":[-2,-2],"
                       "\"threshold\":[-2,-2],\"impurity\":[0,0],\"n_node_samples\":[1,1],"
                       "\"weighted_n_node_samples\":[1,1],\"value\":[[1],[1]]}";
    xai_tree *tree;

    ck_assert_fails(xai_tree_load_memory(&tree, context, text, strlen(text)), XAI_E_FORMAT, "node 1 has no parent");
}
END_TEST

/* --- use --- */

/* One long row of values and many short ones: the product of both is in nobody's file, so no memory is asked for it. */
START_TEST(values_are_counted_before_they_are_believed)
{
    enum { N = 20001 };
    xai_context *small = little_memory_context();
    xai_tree *tree;
    xai__text text;

    xai__text_init(&text, context);
    xai__text_add(&text, "{\"n_features\":2");
    for (size_t f = 1; f < N_PARTS - 1; f++) {
        xai__text_add(&text, ",%.*s[", (int)(strchr(parts[f], '[') - parts[f]), parts[f]);
        for (int i = 0; i < N; i++)
            xai__text_add(&text, i > 0 ? ",1" : "1");
        xai__text_add(&text, "]");
    }
    xai__text_add(&text, ",\"value\":[[1");
    for (int i = 1; i < N; i++)
        xai__text_add(&text, ",1");
    for (int i = 1; i < N; i++)
        xai__text_add(&text, "],[1");
    xai__text_add(&text, "]]}");
    ck_assert(!text.failed);
    ck_assert_fails(xai_tree_load_memory(&tree, small, text.data, text.length), XAI_E_FORMAT,
                    "has 1 numbers, expected 20001");
    xai_context_unref(small);
    xai__text_fini(&text);
}
END_TEST

START_TEST(names_conditions)
{
    static float data[] = { 1, 5, 2, 6, 3, 7, 4, 8 }, classes[] = { 0, 0, 1, 1 };
    static const char *const features[] = { "width \"in\" cm", "<length>" }, *const names[] = { "small", "big" };
    const int64_t shape[2] = { 4, 2 };
    xai_fit_options options = {
        .struct_size = sizeof options, .feature_names = features, .class_names = names, .n_classes = 2, .seed = 1
    };
    xai_tensor *rows = NULL, *targets = NULL;
    xai_tree *tree = NULL, *again;
    xai_decision steps[3];
    size_t n, feature;

    ck_assert_ok(xai_tensor_wrap(&rows, context, data, shape, 2, NULL, NULL));
    ck_assert_ok(xai_tensor_wrap(&targets, context, classes, shape, 1, NULL, NULL));
    ck_assert_ok(xai_tree_fit(&tree, rows, targets, &options));
    again = write_and_read(tree);
    feature = (size_t)xai__cart_of(again)->nodes[0].feature;
    ck_assert_str_eq(xai_tree_feature_name(again, 1), "<length>");
    ck_assert_str_eq(xai_tree_class_name(again, 0), "small");
    ck_assert_ptr_null(xai_tree_class_name(again, 2));
    ck_assert_ptr_null(xai_tree_feature_name(again, 2));
    ck_assert_ok(xai_tree_decisions(&n, again, data + 6, 0, steps, 3));
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(steps[1].name, feature == 0 ? "width \"in\" cm > 2.5" : "<length> > 6.5");
    ck_assert_int_eq(steps[1].class_index, 1);
    ck_assert_ok(xai_tree_decisions(&n, again, data, 0, steps, 1));
    ck_assert_uint_eq(n, 2);
    xai_tree_unref(tree);
    options.n_classes = 0;
    ck_assert_fails(xai_tree_fit(&tree, rows, targets, &options), XAI_E_INVALID, "class_names is set without");
    xai_tree_unref(again);
    xai_tensor_unref(rows);
    xai_tensor_unref(targets);
}
END_TEST

/* Many rows go down together and on several threads: each ends where it ends alone, whatever its neighbours do. */
START_TEST(predicts_many_rows)
{
    enum { N_MANY = 3 * 1024 + 7 };
    cart_case l = { .criterion = "gini", .missing = 1 };
    tables_table whole = tables_make(9), many;
    xai_context *threads = testing_context(3);
    xai_tree *tree = cart_case_fit(threads, &l, &whole, 9);
    const xai__cart *cart = xai__cart_of(tree);
    xai_tensor *rows = NULL, *out = NULL;

    many = tables_alloc(N_MANY, tree->n_inputs);
    for (size_t i = 0; i < N_MANY * tree->n_inputs; i++) {
        double x = xai__rng_uniform_at(6, i);
        many.rows[i] = x < 0.1 ? NAN : x < 0.12 ? INFINITY : x < 0.14 ? -INFINITY : (float)floor(x * 24) / 8;
    }
    tables_wrap(threads, &many, &rows, NULL);
    ck_assert_ok(xai_tree_predict(&out, tree, rows, 0));
    for (size_t i = 0; i < N_MANY; i++) {
        size_t leaf = xai__cart_find_leaf(cart, many.rows + i * tree->n_inputs);
        for (size_t c = 0; c < tree->n_classes; c++)
            ck_assert(xai_tensor_data(out)[i * tree->n_classes + c] == (float)cart->values[leaf * tree->n_classes + c]);
    }
    xai_tensor_unref(out);
    xai_tensor_unref(rows);
    xai_tree_unref(tree);
    xai_context_unref(threads);
    tables_free(&whole);
    tables_free(&many);
}
END_TEST

START_TEST(draws_conditions_and_shares)
{
    static const char *const features[] = { NULL, "width" }, *const classes[] = { "cat", NULL };
    const float row[2] = { 0, 3 };
    xai_export_options options = {
        .struct_size = sizeof options, .feature_names = features, .class_names = classes, .row = row, .row_size = 2
    };
    xai_tree *tree = read_text(compose(4, "\"threshold\":[3.25,-2,-2]"));
    char text[512];

    ck_assert_uint_gt(xai_tree_export(tree, XAI_TREE_TEXT, NULL, text, sizeof text), 0);
    ck_assert_str_eq(text, "root  [impurity nan, 3 rows]  [class 1 75.00%, class 0 25.00%]\n"
                           "├── x[1] <= 3.25: class 0  [impurity -inf, 1 row]  [class 0 100.00%]\n"
                           "└── x[1] > 3.25: class 1  [impurity 0.5, 2 rows]  [class 1 70.00%, class 0 30.00%]\n");
    ck_assert_uint_gt(xai_tree_export(tree, XAI_TREE_TEXT, &options, text, sizeof text), 0);
    ck_assert_msg(strncmp(text, "Prediction: cat // Decisions: width <= 3.25\n", 44) == 0, "%s", text);
    ck_assert_msg(strstr(text, "\n* ├── width <= 3.25: cat  [") != NULL, "%s", text);
    ck_assert_msg(strstr(text, "\n  └── width > 3.25: class 1  [") != NULL, "%s", text);
    xai_tree_unref(tree);
}
END_TEST

START_TEST(refuses_other_kinds)
{
    const char *text = "{\"nodes\":[{\"id\":\"a\"}],\"links\":[]}";
    xai_tree *tree = read_text(text), *pruned;
    xai_tensor *out;
    size_t n;

    ck_assert_fails(xai_tree_prune(&pruned, tree, 0), XAI_E_INVALID, "no CART");
    ck_assert_fails(xai_tree_pruning_path(&n, tree, NULL, NULL, 0), XAI_E_INVALID, "no CART");
    ck_assert_fails(xai_tree_importances(&out, tree), XAI_E_INVALID, "no CART");
    ck_assert_ptr_null(xai_tree_feature_name(tree, 0));
    xai_tree_unref(tree);
}
END_TEST

/* Options, targets and rows that are none. */
#define OPTION(field, number)                                                                                          \
    {                                                                                                                  \
        .struct_size = sizeof(xai_fit_options), .field = (number)                                                      \
    }

static const struct {
    xai_fit_options options;
    xai_status status;
    const char *words;
} wrong[] = {
    { OPTION(method, "forest"), XAI_E_NOT_FOUND, "no method \"forest\"" },
    { OPTION(criterion, "mae"), XAI_E_NOT_FOUND, "no criterion \"mae\"" },
    { OPTION(min_impurity_decrease, -1), XAI_E_INVALID, "min_impurity_decrease is -1" },
    { OPTION(min_weight_fraction_leaf, 0.6), XAI_E_INVALID, "min_weight_fraction_leaf is 0.6" },
    { OPTION(ccp_alpha, -0.5), XAI_E_INVALID, "ccp_alpha is -0.5" },
    { OPTION(max_leaf_nodes, 1), XAI_E_INVALID, "max_leaf_nodes is 1" },
    { OPTION(min_samples_split, 1), XAI_E_INVALID, "min_samples_split is 1" },
    { OPTION(max_features, 9), XAI_E_INVALID, "max_features is 9, but a row has" },
    { OPTION(seed, (uint64_t)1 << 32), XAI_E_INVALID, "seed is 4294967296" },
    { OPTION(n_classes, 1), XAI_E_INVALID, "expected a class index below 1" },
    { OPTION(n_classes, (size_t)1 << 30), XAI_E_LIMIT, "n_classes is 1073741824" },
    { OPTION(n_cuts, 2), XAI_E_INVALID, "n_cuts is set, but the method \"cart\"" },
    { OPTION(temperature, 0.1f), XAI_E_INVALID, "temperature is set" },
    { OPTION(reserved, 1), XAI_E_INVALID, "reserved is set" },
    { { .struct_size = 3 }, XAI_E_ABI, "struct_size is 3" },
};

START_TEST(refuses_wrong_options)
{
    tables_table t = tables_make(1);
    xai_tensor *rows = NULL, *targets = NULL;
    xai_tree *tree = (xai_tree *)context;

    tables_wrap(context, &t, &rows, &targets);
    ck_assert_fails(xai_tree_fit(&tree, rows, targets, &wrong[_i].options), wrong[_i].status, wrong[_i].words);
    ck_assert_ptr_null(tree);
    xai_tensor_unref(rows);
    xai_tensor_unref(targets);
    tables_free(&t);
}
END_TEST

START_TEST(refuses_wrong_tables)
{
    tables_table t = tables_make(0);
    xai_fit_options options = { .struct_size = sizeof options };
    float *weights = calloc(t.n_rows, sizeof *weights);
    const int64_t shape[1] = { (int64_t)t.n_rows - 1 };
    xai_tensor *rows = NULL, *targets = NULL, *fewer = NULL;
    xai_tree *tree;

    tables_wrap(context, &t, &rows, &targets);
    ck_assert_ok(xai_tensor_wrap(&fewer, context, t.targets, shape, 1, NULL, NULL));
    ck_assert_fails(xai_tree_fit(&tree, rows, fewer, NULL), XAI_E_SHAPE, "targets are 119, expected 120");
    ck_assert_fails(xai_tree_fit(&tree, targets, targets, NULL), XAI_E_SHAPE, "rows are 120");
    ck_assert_fails(xai_tree_fit(&tree, NULL, targets, NULL), XAI_E_INVALID, "rows is NULL");
    options.sample_weights = weights;
    ck_assert_fails(xai_tree_fit(&tree, rows, targets, &options), XAI_E_INVALID, "all 120 rows have weight 0");
    weights[3] = -1;
    ck_assert_fails(xai_tree_fit(&tree, rows, targets, &options), XAI_E_INVALID, "the weight of row 3 is -1");
    options.sample_weights = NULL;
    options.criterion = "squared_error";
    options.n_classes = 2;
    ck_assert_fails(xai_tree_fit(&tree, rows, targets, &options), XAI_E_INVALID, "n_classes is set, but");
    t.targets[2] = 0.5f;
    ck_assert_fails(xai_tree_fit(&tree, rows, targets, NULL), XAI_E_INVALID, "target 2 is 0.5");
    t.targets[2] = NAN;
    ck_assert_fails(xai_tree_fit(&tree, rows, targets, NULL), XAI_E_INVALID, "target 2 is nan");
    t.rows[4] = INFINITY;
    ck_assert_fails(xai_tree_fit(&tree, rows, targets, NULL), XAI_E_INVALID, "row 1 has an infinite value in column 1");
    xai_tensor_unref(rows);
    xai_tensor_unref(targets);
    xai_tensor_unref(fewer);
    free(weights);
    tables_free(&t);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tree_cart");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 100);
    tcase_add_test(cases, equal_to_scikit_learn);
    tcase_add_test(cases, reads_arrays_of_scikit_learn);
    tcase_add_test(cases, sums_as_numpy);
    tcase_add_test(cases, json_keeps_every_bit);
    tcase_add_test(cases, json_has_what_is_not_finite);
    tcase_add_loop_test(cases, refuses_damaged_files, 0, sizeof damaged / sizeof *damaged);
    tcase_add_test(cases, refuses_loose_nodes);
    tcase_add_test(cases, values_are_counted_before_they_are_believed);
    tcase_add_test(cases, names_conditions);
    tcase_add_test(cases, predicts_many_rows);
    tcase_add_test(cases, draws_conditions_and_shares);
    tcase_add_test(cases, refuses_other_kinds);
    tcase_add_loop_test(cases, refuses_wrong_options, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(cases, refuses_wrong_tables);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
