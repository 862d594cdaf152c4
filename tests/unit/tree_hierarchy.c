/* SPDX-License-Identifier: MIT
 * Hierarchies: nbdt's files, its rules' numbers, and files that are no tree. */
#include <math.h>

#include "core/memory.h"
#include "testing.h"
#include "tree/hierarchy.h"

#define WRN "nbdt/hierarchies/CIFAR10/graph-induced-wrn28_10_cifar10.json"

static xai_context *context;

static void set_up(void)
{
    context = testing_context(1);
}

static void tear_down(void)
{
    xai_context_unref(context);
}

static xai_tree *read_text(const char *text)
{
    xai_tree *tree = NULL;

    ck_assert_ok(xai_tree_load_memory(&tree, context, text, strlen(text)));
    return tree;
}

static const float golden_logits[10] = { .3f, -1.2f, 2, 4.5f, .1f, 3.9f, -.5f, 1.1f, -2, 0 };

/* What nbdt gives for these logits. */
START_TEST(golden_vector)
{
    static const double soft[10] = { .028159, .009209, .022909, .504187, .033229,
                                     .276704, .001881, .090326, .002823, .030574 };
    static const double path[4][2] = {
        { .929235, .255613 }, { .867036, .391983 }, { .969231, .137405 }, { .645656, .650094 }
    };
    static const char *const names[4] = { "animal", "chordate", "carnivore", "cat" };
    const int64_t shape[2] = { 1, 10 };
    const char *file = testing_data(WRN);
    xai_tensor *rows = NULL, *out = NULL;
    xai_tree *tree = NULL;
    xai_decision steps[8];
    size_t n;

    if (file == NULL)
        return;
    ck_assert_ok(xai_tree_load(&tree, context, file));
    ck_assert_uint_eq(xai_tree_n_nodes(tree), 19);
    ck_assert_ok(xai_tensor_wrap(&rows, context, (float *)golden_logits, shape, 2, NULL, NULL));
    ck_assert_ok(xai_tree_predict(&out, tree, rows, XAI_TREE_SOFT));
    for (size_t i = 0; i < 10; i++)
        ck_assert_double_eq_tol(xai_tensor_data(out)[i], soft[i], 1e-6);
    xai_tensor_unref(out);
    ck_assert_ok(xai_tree_predict(&out, tree, rows, XAI_TREE_HARD));
    for (size_t i = 0; i < 10; i++)
        ck_assert(xai_tensor_data(out)[i] == (i == 3 ? 1.0f : 0.0f));
    xai_tensor_unref(out);
    for (uint32_t mode = XAI_TREE_HARD; mode <= XAI_TREE_SOFT; mode++) {
        ck_assert_ok(xai_tree_decisions(&n, tree, golden_logits, mode, steps, 8));
        ck_assert_uint_eq(n, 5);
        ck_assert_str_eq(steps[0].name, "whole");
        ck_assert(steps[0].probability == 1 && steps[0].entropy == 0);
        for (size_t i = 0; i < 4; i++) {
            ck_assert_str_eq(steps[i + 1].name, names[i]);
            ck_assert_double_eq_tol(steps[i + 1].probability, path[i][0], 1e-6);
            ck_assert_double_eq_tol(steps[i + 1].entropy, path[i][1], 1e-6);
            ck_assert_int_eq(steps[i + 1].class_index, i == 3 ? 3 : -1);
        }
    }
    xai_tensor_unref(rows);
    xai_tree_unref(tree);
}
END_TEST

/* Written and read again: the same rules, to the bit. */
static void check_round_trip(const xai_tree *tree)
{
    size_t n = xai_tree_n_classes(tree);
    const int64_t shape[2] = { 1, (int64_t)n };
    xai_tensor *rows = NULL, *before = NULL, *after = NULL;
    xai_tree *again;
    xai__text text;

    xai__text_init(&text, context);
    ck_assert_ok(xai__tree_write_json(&text, tree));
    again = read_text(xai__text_get(&text));
    xai__text_fini(&text);
    ck_assert_ok(xai_tensor_create(&rows, context, shape, 2));
    for (size_t i = 0; i < n; i++)
        xai_tensor_data(rows)[i] = (float)sin((double)i * 7.3);
    ck_assert_ok(xai_tree_predict(&before, tree, rows, XAI_TREE_SOFT));
    ck_assert_ok(xai_tree_predict(&after, again, rows, XAI_TREE_SOFT));
    ck_assert_uint_eq(xai_tree_n_nodes(tree), xai_tree_n_nodes(again));
    ck_assert_mem_eq(xai_tensor_data(before), xai_tensor_data(after), n * sizeof(float));
    xai_tensor_unref(rows);
    xai_tensor_unref(before);
    xai_tensor_unref(after);
    xai_tree_unref(again);
}

START_TEST(files_of_nbdt)
{
    static const struct {
        const char *file;
        size_t n_nodes, n_classes;
    } rows[] = {
        { "CIFAR10/graph-induced-ResNet10", 19, 10 },
        { "CIFAR10/graph-induced-ResNet18", 19, 10 },
        { "CIFAR10/graph-induced-wrn28_10_cifar10", 19, 10 },
        { "CIFAR10/graph-induced", 19, 10 },
        { "CIFAR10/graph-wordnet", 0, 10 },
        { "CIFAR100/graph-induced-ResNet18", 199, 100 },
        { "CIFAR100/graph-induced-wrn28_10_cifar100", 199, 100 },
        { "CIFAR100/graph-induced", 199, 100 },
        { "CIFAR100/graph-wordnet-single", 149, 100 },
        { "CIFAR100/graph-wordnet", 149, 100 },
        { "Imagenet1000/graph-induced-efficientnet_b7b", 1999, 1000 },
        { "TinyImagenet200/graph-induced-ResNet18", 399, 200 },
        { "TinyImagenet200/graph-induced-wrn28_10", 399, 200 },
        { "TinyImagenet200/graph-induced", 399, 200 },
        { "TinyImagenet200/graph-wordnet-single", 295, 200 },
        { "TinyImagenet200/graph-wordnet", 295, 200 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[128];
        const char *file;
        xai_tree *tree = NULL;

        snprintf(path, sizeof path, "nbdt/hierarchies/%s.json", rows[i].file);
        file = testing_data(path);
        if (file == NULL)
            continue;
        ck_assert_ok(xai_tree_load(&tree, context, file));
        ck_assert_uint_eq(xai_tree_n_classes(tree), rows[i].n_classes);
        ck_assert_uint_eq(xai_tree_n_inputs(tree), rows[i].n_classes);
        ck_assert(rows[i].n_nodes == 0 || xai_tree_n_nodes(tree) == rows[i].n_nodes);
        check_round_trip(tree);
        xai_tree_unref(tree);
    }
}
END_TEST

START_TEST(classes_and_labels)
{
    xai_tree *tree = read_text("{\"nodes\":[{\"id\":\"x\",\"class\":1},{\"id\":\"r\",\"label\":\"<root> \\\"&\"},"
                               "{\"id\":\"y\",\"class\":0}],\"edges\":[{\"source\":\"r\",\"target\":\"x\"},"
                               "{\"source\":\"r\",\"target\":\"y\"}]}");
    const float row[2] = { 1, 3 };
    const float bad[2] = { 1, NAN };
    xai_decision steps[2];
    size_t n;

    ck_assert_ok(xai_tree_decisions(&n, tree, row, XAI_TREE_HARD, steps, 2));
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(steps[0].name, "<root> \"&");
    ck_assert_str_eq(steps[1].name, "x");
    ck_assert_int_eq(steps[1].class_index, 1);
    ck_assert_double_eq_tol(steps[1].probability, 1 / (1 + exp(-2.0)), 1e-12);
    ck_assert_ok(xai_tree_decisions(&n, tree, row, XAI_TREE_SOFT, steps, 1));
    ck_assert_uint_eq(n, 2);
    ck_assert_fails(xai_tree_decisions(&n, tree, bad, XAI_TREE_SOFT, steps, 2), XAI_E_INVALID, "logit 1 of row 0");
    check_round_trip(tree);
    xai_tree_unref(tree);
    tree = read_text("{\"nodes\":[{\"id\":\"alone\"}],\"links\":[]}");
    ck_assert_uint_eq(xai_tree_n_classes(tree), 1);
    check_round_trip(tree);
    xai_tree_unref(tree);
}
END_TEST

static void check_text(const xai_tree *tree, const char *list, const char *expected)
{
    xai__text text;

    xai__text_init(&text, context);
    ck_assert_ok(xai__hierarchy_write_as(&text, tree, list));
    ck_assert_str_eq(xai__text_get(&text), expected);
    xai__text_fini(&text);
}

#define HEAD "{\"directed\":true,\"multigraph\":false,\"graph\":{},\"nodes\":[\n"
#define MERGED                                                                                                         \
    HEAD "{\"contraction\":{\"a\":{\"label\":\"A\",\"contraction\":{\"b\":{\"contraction\":{\"c\":{}}},\"d\":{}}},"    \
         "\"e\":{\"label\":\"\\\"<\"}},\"id\":\"r\"},\n{\"label\":\"X\",\"contraction\":{\"a\":{}},\"id\":\"x\","      \
         "\"class\":0}]"                                                                                               \
         ",\n\"%s\":[\n{\"source\":\"r\",\"target\":\"x\"}]}\n"

/* The same through the public door. */
static void check_flags(void)
{
    xai_export_options options = { .struct_size = sizeof options, .flags = XAI_EXPORT_EDGES };
    xai_tree *tree = read_text("{\"nodes\":[{\"id\":\"x\"}],\"links\":[]}");
    char text[256];

    ck_assert_uint_eq(xai_tree_export(tree, XAI_TREE_JSON, &options, text, sizeof text), strlen(text));
    ck_assert_ptr_nonnull(strstr(text, "\"edges\":[]"));
    options.flags = 2;
    ck_assert_uint_eq(xai_tree_export(tree, XAI_TREE_JSON, &options, text, sizeof text), 0);
    ck_assert_ptr_nonnull(strstr(xai_last_error(), "flags are 2"));
    xai_tree_unref(tree);
}

/* What was merged into nodes is kept, also what was merged into that, and both spellings are written as they are read.
 */
START_TEST(contractions_and_spellings)
{
    static const char *const lists[] = { "links", "edges" };
    static const struct {
        const char *member, *words;
    } wrong[] = {
        { "3", "contraction: expected" },
        { "{\"a\":3}", "contraction.a: expected" },
        { "{\"a\":{\"label\":3}}", "contraction.a.label: expected" },
        { "{\"a\":{\"contraction\":[]}}", "contraction.a.contraction: expected" },
    };
    char text[512];
    xai_tree *tree;

    for (size_t i = 0; i < 2; i++) {
        snprintf(text, sizeof text, MERGED, lists[i]);
        tree = read_text(text);
        ck_assert_uint_eq(((xai__hierarchy *)tree)->nodes[0].n_contractions, 5);
        check_text(tree, lists[i], text);
        snprintf(text, sizeof text, MERGED, lists[1 - i]);
        check_text(tree, lists[1 - i], text);
        xai_tree_unref(tree);
    }
    check_flags();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "{\"nodes\":[{\"id\":\"a\",\"contraction\":%s}],\"links\":[]}", wrong[i].member);
        ck_assert_fails(xai_tree_load_memory(&tree, context, text, strlen(text)), XAI_E_FORMAT, wrong[i].words);
    }
}
END_TEST

/* Of siblings below a common parent, soft: the probability of a leaf is that among its siblings, not the product. */
START_TEST(soft_steps_are_conditional)
{
    xai_tree *tree = read_text(
        "{\"nodes\":[{\"id\":\"r\"},{\"id\":\"i\"},{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}],"
        "\"links\":[{\"source\":\"r\",\"target\":\"i\"},{\"source\":\"r\",\"target\":\"c\"},"
        "{\"source\":\"i\",\"target\":\"a\"},{\"source\":\"i\",\"target\":\"b\"}]}");
    const float row[3] = { 5, 5, 5 };
    xai_decision steps[3];
    size_t n;

    ck_assert_ok(xai_tree_decisions(&n, tree, row, XAI_TREE_SOFT, steps, 3));
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(steps[1].name, "c");
    ck_assert_ok(xai_tree_decisions(&n, tree, (const float[3]){ 9, 9, 0 }, XAI_TREE_SOFT, steps, 3));
    ck_assert_uint_eq(n, 3);
    ck_assert_str_eq(steps[2].name, "a");
    ck_assert_double_eq_tol(steps[1].probability, 1 / (1 + exp(-9.0)), 1e-12);
    ck_assert_double_eq_tol(steps[2].probability, 0.5, 1e-12);
    ck_assert_double_eq_tol(steps[2].entropy, log(2.0), 1e-12);
    xai_tree_unref(tree);
}
END_TEST

#define NODES(list) "{\"nodes\":[" list "],"
#define LINK(a, b)  "{\"source\":\"" a "\",\"target\":\"" b "\"}"
#define THREE       NODES("{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}")

START_TEST(no_trees)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "", "" },
        { "[]", "array" },
        { "{}", "not a tree" },
        { NODES("") "\"links\":[]}", "at least one node" },
        { "{\"nodes\":3,\"links\":[]}", "nodes" },
        { THREE "\"links\":3}", "links" },
        { NODES("3") "\"links\":[]}", "nodes[0]" },
        { NODES("{\"label\":\"a\"}") "\"links\":[]}", "id" },
        { NODES("{\"id\":\"a\",\"label\":1}") "\"links\":[]}", "label" },
        { NODES("{\"id\":\"a\",\"class\":-1}") "\"links\":[]}", "class" },
        { NODES("{\"id\":\"a\"}") "\"x\":[]}", "neither" },
        { NODES("{\"id\":\"a\"}") "\"links\":[],\"edges\":[]}", "both" },
        { NODES("{\"id\":\"a\"},{\"id\":\"a\"}") "\"links\":[]}", "two nodes have the id 'a'" },
        { THREE "\"links\":[" LINK("a", "b") "]}", "'a' and 'c' have no parent" },
        { THREE "\"links\":[" LINK("a", "x") "]}", "target 'x' is no node" },
        { THREE "\"links\":[{\"source\":\"a\"}]}", "target" },
        { THREE "\"links\":[" LINK("a", "b") "," LINK("a", "c") "," LINK("b", "c") "]}",
          "node 'c' has two parents, 'a' and 'b'" },
        { THREE "\"links\":[" LINK("a", "b") "," LINK("b", "c") "," LINK("c", "a") "]}", "cycle" },
        { THREE "\"links\":[" LINK("b", "c") "," LINK("c", "b") "]}", "'b' is in or below a cycle" },
        { THREE "\"links\":[" LINK("a", "b") "," LINK("c", "c") "]}", "'c' is in or below a cycle" },
        { NODES("{\"id\":\"a\"},{\"id\":\"b\",\"class\":0},{\"id\":\"c\"}") "\"links\":[" LINK("a", "b") "," LINK(
              "a", "c") "]}",
          "1 of 2 leaves" },
        { NODES("{\"id\":\"a\"},{\"id\":\"b\",\"class\":0},{\"id\":\"c\",\"class\":0}") "\"links\":[" LINK(
              "a", "b") "," LINK("a", "c") "]}",
          "class 0 has two leaves, 'b' and 'c'" },
        { NODES("{\"id\":\"a\"},{\"id\":\"b\",\"class\":0},{\"id\":\"c\",\"class\":2}") "\"links\":[" LINK(
              "a", "b") "," LINK("a", "c") "]}",
          "has no leaf" },
        { NODES("{\"id\":\"a\",\"class\":0},{\"id\":\"b\",\"class\":1}") "\"links\":[" LINK("a", "b") "]}",
          "inner node" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        xai_tree *tree = (xai_tree *)&tree;

        ck_assert_fails(xai_tree_load_memory(&tree, context, rows[i].text, strlen(rows[i].text)), XAI_E_FORMAT,
                        rows[i].words);
        ck_assert_ptr_null(tree);
    }
}
END_TEST

START_TEST(bad_arguments)
{
    xai_tree *tree = NULL;

    ck_assert_fails(xai_tree_load(&tree, context, "no/such.json"), XAI_E_IO, "no/such.json");
    ck_assert_fails(xai_tree_load(&tree, context, NULL), XAI_E_INVALID, "path is NULL");
    ck_assert_fails(xai_tree_load(NULL, context, "a"), XAI_E_INVALID, "out is NULL");
    ck_assert_fails(xai_tree_load_memory(&tree, NULL, "a", 1), XAI_E_INVALID, "context is NULL");
    ck_assert_fails(xai_tree_load_memory(&tree, context, NULL, 1), XAI_E_INVALID, "bytes is NULL");
}
END_TEST

/* Deeper than any stack, and with as many classes as a chain of inner nodes can carry. */
START_TEST(deep_chain)
{
    enum { DEPTH = 100000 };
    float *row = calloc(DEPTH + 1, sizeof *row);
    xai_tree *tree;
    xai__text text;
    size_t n;

    xai__text_init(&text, context);
    xai__text_add(&text, "{\"nodes\":[{\"id\":\"n%d\"}", DEPTH);
    for (int i = 0; i < DEPTH; i++)
        xai__text_add(&text, ",{\"id\":\"n%d\"},{\"id\":\"l%d\"}", i, i);
    xai__text_add(&text, "],\"links\":[");
    for (int i = 0; i < DEPTH; i++)
        xai__text_add(&text, "%s" LINK("n%d", "n%d") "," LINK("n%d", "l%d"), i > 0 ? "," : "", i, i + 1, i, i);
    xai__text_add(&text, "]}");
    tree = read_text(xai__text_get(&text));
    xai__text_fini(&text);
    ck_assert_uint_eq(xai_tree_n_classes(tree), DEPTH + 1);
    row[0] = 1;
    ck_assert_ok(xai_tree_decisions(&n, tree, row, XAI_TREE_HARD, NULL, 0));
    ck_assert_uint_eq(n, DEPTH + 1);
    free(row);
    xai_tree_unref(tree);
}
END_TEST

/* A root and so many leaves. */
static xai_status load_star(xai_tree **tree, int n_leaves)
{
    xai_status status;
    xai__text text;

    xai__text_init(&text, context);
    xai__text_add(&text, "{\"nodes\":[{\"id\":\"r\"}");
    for (int i = 0; i < n_leaves; i++)
        xai__text_add(&text, ",{\"id\":\"%d\"}", i);
    xai__text_add(&text, "],\"links\":[");
    for (int i = 0; i < n_leaves && n_leaves < XAI__HIERARCHY_MAX_NODES; i++)
        xai__text_add(&text, "%s{\"source\":\"r\",\"target\":\"%d\"}", i > 0 ? "," : "", i);
    xai__text_add(&text, "]}");
    status = xai_tree_load_memory(tree, context, xai__text_get(&text), text.length);
    xai__text_fini(&text);
    return status;
}

START_TEST(wide_trees)
{
    enum { WIDE = 100000 };
    float *row = calloc(WIDE, sizeof *row);
    xai_decision steps[2];
    xai_tree *tree = NULL;
    size_t n;

    ck_assert_ok(load_star(&tree, WIDE));
    row[WIDE - 1] = 20;
    ck_assert_ok(xai_tree_decisions(&n, tree, row, XAI_TREE_SOFT, steps, 2));
    ck_assert_int_eq(steps[1].class_index, WIDE - 1);
    xai_tree_unref(tree);
    free(row);
    ck_assert_fails(load_star(&tree, XAI__HIERARCHY_MAX_NODES), XAI_E_LIMIT,
                    "has 1000001 nodes, at most 1000000 are read");
    ck_assert_ptr_null(tree);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tree_hierarchy");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, golden_vector);
    tcase_add_test(cases, files_of_nbdt);
    tcase_add_test(cases, classes_and_labels);
    tcase_add_test(cases, contractions_and_spellings);
    tcase_add_test(cases, soft_steps_are_conditional);
    tcase_add_test(cases, no_trees);
    tcase_add_test(cases, bad_arguments);
    tcase_add_test(cases, deep_chain);
    tcase_add_test(cases, wide_trees);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
