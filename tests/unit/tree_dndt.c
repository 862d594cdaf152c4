/* SPDX-License-Identifier: MIT
 * DNDT: the reference's leaves, the gradient against differences, iris, JSON, and files and options that are none. */
#include "core/memory.h"
#include "little_memory.h"
#include "tables.h"
#include "tree/dndt.h"

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

static const char petals[] =
    "{\"cuts\":[[2.45],[1.75]],\"temperatures\":[0.1,0.1],\"feature_names\":[\"length\",\"width\"],"
    "\"class_names\":[\"a\",\"b\",\"c\",\"d\"],"
    "\"leaf_scores\":[[9,0,0,0],[0,9,0,0],[0,0,9,0],[0,0,0,9]]}";

/* What the paper's own code computes for three flowers. */
START_TEST(leaves_of_the_reference)
{
    static const float rows[3][2] = { { 1.4f, .2f }, { 4.7f, 1.4f }, { 6, 2.5f } };
    static const double expected[3][4] = { { .999972, 0, 2.8e-5, 0 },
                                           { 0, 0, .970688, .029312 },
                                           { 0, 0, 5.53e-4, .999447 } };
    xai_tree *tree = read_text(petals);
    const xai__dndt *dndt = xai__dndt_of(tree);
    double bins[4], levels[7];

    ck_assert_uint_eq(xai_tree_kind(tree), XAI_TREE_DNDT);
    ck_assert_uint_eq(xai_tree_n_nodes(tree), 7);
    for (size_t i = 0; i < 3; i++) {
        for (size_t f = 0; f < 2; f++)
            xai__dndt_bin(bins + 2 * f, &dndt->cuts[f], 1, dndt->temperatures[f], rows[i][f]);
        xai__dndt_spread(levels, bins, 2, 2);
        for (size_t k = 0; k < 4; k++)
            ck_assert_double_eq_tol(levels[3 + k], expected[i][k], 1e-6);
    }
    xai_tree_unref(tree);
}
END_TEST

START_TEST(decides_by_the_likeliest_bins)
{
    const float row[2] = { 4.7f, 1.4f }, bad[2] = { 1, NAN };
    const int64_t shape[2] = { 1, 2 };
    xai_tree *tree = read_text(petals);
    xai_tensor *rows = NULL, *out = NULL;
    xai_decision steps[4];
    double sum = 0, p;
    size_t n = 0;

    ck_assert_ok(xai_tree_decisions(&n, tree, row, 0, steps, 4));
    ck_assert_uint_eq(n, 3);
    ck_assert_str_eq(steps[0].name, "root");
    ck_assert_str_eq(steps[1].name, "length > 2.45");
    ck_assert_str_eq(steps[1].node, "0:1");
    ck_assert_str_eq(steps[2].name, "width <= 1.75");
    ck_assert_double_eq_tol(steps[2].probability, .970688, 1e-6);
    p = steps[2].probability;
    ck_assert_double_eq_tol(steps[2].entropy, -p * log(p) - (1 - p) * log(1 - p), 1e-12);
    ck_assert_int_eq(steps[1].class_index, -1);
    ck_assert_int_eq(steps[2].class_index, 2);
    ck_assert_ok(xai_tree_decisions(&n, tree, row, 0, steps, 1));
    ck_assert_uint_eq(n, 3);
    ck_assert_fails(xai_tree_decisions(&n, tree, bad, 0, steps, 4), XAI_E_INVALID, "row 0 has nan in column 1");
    ck_assert_ok(xai_tensor_wrap(&rows, context, (float *)row, shape, 2, NULL, NULL));
    ck_assert_ok(xai_tree_predict(&out, tree, rows, 0));
    for (size_t c = 0; c < 4; c++)
        sum += (double)xai_tensor_data(out)[c];
    ck_assert_double_eq_tol(sum, 1, 1e-6);
    /* softmax of 9 x .970688 among 9 x .029312, 0, 0 */
    ck_assert_double_eq_tol(xai_tensor_data(out)[2], 6224.40 / (6224.40 + 1.3019 + 2), 1e-5);
    xai_tensor_unref(out);
    xai_tensor_unref(rows);
    xai_tree_unref(tree);
}
END_TEST

/* --- the gradient --- */

enum { N_INPUTS = 3, N_CUTS = 2, N_BINS = 3, N_LEAVES = 27, N_NODES = 40, N_CLASSES = 4, N_ROWS = 11 };

typedef struct small_problem {
    double rows[N_ROWS * N_INPUTS], classes[N_ROWS], weights[N_ROWS];
    double levels[N_NODES], slopes[N_NODES], bins[N_INPUTS * N_BINS], bin_slopes[N_INPUTS * N_BINS];
    double logits[N_CLASSES], cut_slopes[N_INPUTS * N_CUTS], score_slopes[N_LEAVES * N_CLASSES];
} small_problem;

static double lose(small_problem *p, const xai__dndt *dndt)
{
    const xai__dndt_problem problem = { p->rows,   p->classes, p->weights,    N_ROWS,   p->levels,
                                        p->slopes, p->bins,    p->bin_slopes, p->logits };

    memset(p->cut_slopes, 0, sizeof p->cut_slopes);
    memset(p->score_slopes, 0, sizeof p->score_slopes);
    return xai__dndt_gradient(p->cut_slopes, p->score_slopes, dndt, &problem);
}

static void check_slopes(small_problem *p, xai__dndt *dndt, double *numbers, const double *slopes, size_t n)
{
    const double step = 1e-6;

    for (size_t i = 0; i < n; i++) {
        double kept = numbers[i], above, below;
        numbers[i] = kept + step;
        above = lose(p, dndt);
        numbers[i] = kept - step;
        below = lose(p, dndt);
        numbers[i] = kept;
        ck_assert_msg(fabs((above - below) / (2 * step) - slopes[i]) < 1e-7, "number %zu: %.9g, differences say %.9g",
                      i, slopes[i], (above - below) / (2 * step));
    }
}

START_TEST(gradient_is_the_differences)
{
    double cut_slopes[N_INPUTS * N_CUTS], score_slopes[N_LEAVES * N_CLASSES], largest = 0;
    small_problem p;
    xai__dndt *dndt = NULL;

    ck_assert_ok(xai__dndt_create(&dndt, context, N_INPUTS, N_CUTS, N_CLASSES));
    ck_assert_uint_eq(dndt->n_leaves, N_LEAVES);
    ck_assert_uint_eq(dndt->tree.n_nodes, N_NODES);
    for (size_t i = 0; i < N_ROWS * N_INPUTS; i++)
        p.rows[i] = xai__rng_uniform_at(1, i);
    for (size_t i = 0; i < N_ROWS; i++) {
        p.classes[i] = (double)(i % N_CLASSES);
        p.weights[i] = i == 4 ? 0 : xai__rng_uniform_at(2, i) / 5;
    }
    for (size_t i = 0; i < N_INPUTS * N_CUTS; i++)
        dndt->cuts[i] = 0.3 + 0.4 * (double)(i % N_CUTS) + 0.1 * xai__rng_uniform_at(3, i);
    for (size_t f = 0; f < N_INPUTS; f++)
        dndt->temperatures[f] = 0.1 + 0.1 * (double)f;
    for (size_t i = 0; i < N_LEAVES * N_CLASSES; i++)
        dndt->scores[i] = 3 * xai__rng_uniform_at(4, i);
    lose(&p, dndt);
    memcpy(cut_slopes, p.cut_slopes, sizeof cut_slopes);
    memcpy(score_slopes, p.score_slopes, sizeof score_slopes);
    for (size_t i = 0; i < N_INPUTS * N_CUTS; i++)
        largest = fmax(largest, fabs(cut_slopes[i]));
    ck_assert(largest > 1e-3);
    check_slopes(&p, dndt, dndt->cuts, cut_slopes, N_INPUTS * N_CUTS);
    check_slopes(&p, dndt, dndt->scores, score_slopes, N_LEAVES * N_CLASSES);
    xai_tree_unref(&dndt->tree);
}
END_TEST

/* --- fits --- */

static xai_tree *fit(const tables_table *t, const xai_fit_options *options)
{
    xai_tensor *rows = NULL, *targets = NULL;
    xai_tree *tree = NULL;

    tables_wrap(context, t, &rows, &targets);
    ck_assert_ok(xai_tree_fit(&tree, rows, targets, options));
    xai_tensor_unref(rows);
    xai_tensor_unref(targets);
    return tree;
}

static double count_right(const tables_table *t, const xai_tree *tree)
{
    size_t n = xai_tree_n_classes(tree), n_right = 0;
    xai_tensor *rows = NULL, *out = NULL;

    tables_wrap(context, t, &rows, NULL);
    ck_assert_ok(xai_tree_predict(&out, tree, rows, 0));
    for (size_t i = 0; i < t->n_rows; i++) {
        const float *numbers = xai_tensor_data(out) + i * n;
        size_t best = 0;
        for (size_t c = 1; c < n; c++)
            if (numbers[c] > numbers[best])
                best = c;
        n_right += best == (size_t)t->targets[i];
    }
    xai_tensor_unref(rows);
    xai_tensor_unref(out);
    return (double)n_right / (double)t->n_rows;
}

/* Two features on other scales part four classes at 0.5 and 0.5 of their ranges. */
static tables_table make_quadrants(void)
{
    tables_table t = tables_alloc(200, 2);

    for (size_t i = 0; i < t.n_rows; i++) {
        double x = xai__rng_uniform_at(5, 2 * i), y = xai__rng_uniform_at(5, 2 * i + 1);
        t.rows[2 * i] = (float)(1000 * x - 500);
        t.rows[2 * i + 1] = (float)(0.01 * y);
        t.targets[i] = (float)((x > 0.5) + 2 * (y > 0.5));
    }
    return t;
}

START_TEST(learns_quadrants)
{
    xai_fit_options options = { .struct_size = sizeof options, .method = "dndt", .n_steps = 300 };
    tables_table t = make_quadrants();
    xai_tree *tree = fit(&t, &options), *same = fit(&t, &options);
    const xai__dndt *a = xai__dndt_of(tree), *b = xai__dndt_of(same);

    ck_assert_double_ge(count_right(&t, tree), 0.95);
    ck_assert_double_eq_tol(a->cuts[0], 0, 60);
    ck_assert_double_eq_tol(a->cuts[1], 0.005, 0.0006);
    ck_assert_mem_eq(a->scores, b->scores, a->n_leaves * 4 * sizeof *a->scores);
    ck_assert_mem_eq(a->cuts, b->cuts, 2 * sizeof *a->cuts);
    xai_tree_unref(same);
    options.seed = 1;
    same = fit(&t, &options);
    ck_assert(xai__dndt_of(same)->cuts[0] != a->cuts[0]);
    xai_tree_unref(same);
    xai_tree_unref(tree);
    tables_free(&t);
}
END_TEST

/* A row without weight is a row that is not there, and the scale of the weights says nothing. */
START_TEST(rows_without_weight)
{
    xai_fit_options options = { .struct_size = sizeof options, .method = "dndt", .n_steps = 20, .n_cuts = 2 };
    tables_table t = make_quadrants(), fewer = t;
    float *weights = calloc(t.n_rows, sizeof *weights);
    xai_tree *a, *b;

    fewer.n_rows -= 7;
    for (size_t i = 0; i < t.n_rows; i++)
        weights[i] = i < fewer.n_rows ? 4 : 0;
    for (size_t i = fewer.n_rows; i < t.n_rows; i++)
        t.rows[2 * i] = i % 2 ? 1e9f : NAN;
    b = fit(&fewer, &options);
    options.sample_weights = weights;
    options.n_classes = 4;
    a = fit(&t, &options);
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_eq_tol(xai__dndt_of(a)->cuts[i], xai__dndt_of(b)->cuts[i], 1e-6);
    xai_tree_unref(a);
    xai_tree_unref(b);
    free(weights);
    tables_free(&t);
}
END_TEST

START_TEST(iris)
{
    xai_fit_options options = { .struct_size = sizeof options, .method = "dndt" };
    tables_table t = tables_read("tabular/iris.csv", true, 150, 4);
    xai_tree *tree;

    if (t.n_rows == 0)
        return;
    tree = fit(&t, &options);
    ck_assert_uint_eq(xai__dndt_of(tree)->n_leaves, 16);
    ck_assert_double_ge(count_right(&t, tree), 0.95);
    xai_tree_unref(tree);
    tables_free(&t);
}
END_TEST

START_TEST(json_keeps_every_bit)
{
    static const char *const names[] = { "left, right", "\"up\"" };
    xai_fit_options options = {
        .struct_size = sizeof options, .method = "dndt", .n_steps = 5, .n_cuts = 3, .feature_names = names
    };
    tables_table t = make_quadrants();
    xai_tree *tree = fit(&t, &options), *again;
    const xai__dndt *a = xai__dndt_of(tree), *b;
    xai_decision steps[3];
    xai__text text;
    size_t n;

    xai__text_init(&text, context);
    ck_assert_ok(xai__tree_write_json(&text, tree));
    again = read_text(xai__text_get(&text));
    xai__text_fini(&text);
    b = xai__dndt_of(again);
    ck_assert_uint_eq(b->n_cuts, 3);
    ck_assert_mem_eq(a->cuts, b->cuts, 6 * sizeof *a->cuts);
    ck_assert_mem_eq(a->temperatures, b->temperatures, 2 * sizeof *a->cuts);
    ck_assert_mem_eq(a->scores, b->scores, 16 * 4 * sizeof *a->cuts);
    ck_assert_ok(xai_tree_decisions(&n, again, t.rows, 0, steps, 3));
    ck_assert_msg(strstr(steps[2].name, "\"up\"") != NULL, "%s", steps[2].name);
    xai_tree_unref(again);
    xai_tree_unref(tree);
    tables_free(&t);
}
END_TEST

START_TEST(draws_every_combination)
{
    const float row[2] = { 4.7f, 1.4f };
    xai_export_options options = { .struct_size = sizeof options, .row = row, .row_size = 2 };
    xai_tree *tree = read_text(petals);
    char text[1024];

    ck_assert_uint_gt(xai_tree_export(tree, XAI_TREE_TEXT, NULL, text, sizeof text), 0);
    ck_assert_str_eq(text, "root\n"
                           "├── length <= 2.45\n"
                           "│   ├── width <= 1.75: a\n"
                           "│   └── width > 1.75: b\n"
                           "└── length > 2.45\n"
                           "    ├── width <= 1.75: c\n"
                           "    └── width > 1.75: d\n");
    ck_assert_uint_gt(xai_tree_export(tree, XAI_TREE_TEXT, &options, text, sizeof text), 0);
    ck_assert_msg(strstr(text, "Prediction: c // Decisions: length > 2.45 (100.00%), width <= 1.75 (97.07%)\n") == text,
                  "%s", text);
    xai_tree_unref(tree);
}
END_TEST

/* One long row of scores and many short ones: the product of both is in nobody's file, so no memory is asked for it. */
START_TEST(scores_are_counted_before_they_are_believed)
{
    enum { N = 20000 };
    xai_context *small = little_memory_context();
    xai_tree *tree;
    xai__text text;

    xai__text_init(&text, context);
    xai__text_add(&text, "{\"temperatures\":[1],\"cuts\":[[1");
    for (int i = 2; i < N; i++)
        xai__text_add(&text, ",%d", i);
    xai__text_add(&text, "]],\"leaf_scores\":[[1");
    for (int i = 1; i < N; i++)
        xai__text_add(&text, ",1");
    for (int i = 1; i < N; i++)
        xai__text_add(&text, "],[1");
    xai__text_add(&text, "]]}");
    ck_assert(!text.failed);
    ck_assert_fails(xai_tree_load_memory(&tree, small, text.data, text.length), XAI_E_FORMAT,
                    "has 1 elements, expected 20000");
    xai_context_unref(small);
    xai__text_fini(&text);
}
END_TEST

/* However large the scores of a file are, what comes out are probabilities. */
START_TEST(huge_scores)
{
    static const char text[] = "{\"cuts\":[[1,2]],\"temperatures\":[1],\"leaf_scores\":[[1.7976931348623157e308,"
                               "-1.7976931348623157e308],[1.7976931348623157e308,-1.7976931348623157e308],"
                               "[1.7976931348623157e308,-1.7976931348623157e308]]}";
    xai_tree *tree = read_text(text);

    for (int i = 0; i < 1000; i++) {
        float row[1] = { (float)i / 250 };
        const int64_t shape[2] = { 1, 1 };
        xai_tensor *rows = NULL, *out = NULL;

        ck_assert_ok(xai_tensor_wrap(&rows, context, row, shape, 2, NULL, NULL));
        ck_assert_ok(xai_tree_predict(&out, tree, rows, 0));
        ck_assert(xai_tensor_data(out)[0] == 1.0f && xai_tensor_data(out)[1] == 0.0f);
        xai_tensor_unref(out);
        xai_tensor_unref(rows);
    }
    xai_tree_unref(tree);
}
END_TEST

/* --- what is refused --- */

static const struct {
    const char *text;
    xai_status status;
    const char *words;
} damaged[] = {
    { "{\"cuts\":[],\"temperatures\":[],\"leaf_scores\":[]}", XAI_E_FORMAT, "cuts" },
    { "{\"cuts\":[[]],\"temperatures\":[1],\"leaf_scores\":[[1]]}", XAI_E_FORMAT, "has no numbers" },
    { "{\"cuts\":[[1]],\"temperatures\":[1]}", XAI_E_FORMAT, "leaf_scores" },
    { "{\"cuts\":[[1]],\"temperatures\":[1],\"leaf_scores\":[[1]]}", XAI_E_FORMAT, "has 1 elements, expected 2" },
    { "{\"cuts\":[[1]],\"temperatures\":[1],\"leaf_scores\":[[1],[1,2]]}", XAI_E_FORMAT, "leaf_scores[1]" },
    { "{\"cuts\":[[1],[1,2]],\"temperatures\":[1,1],\"leaf_scores\":[[1],[1],[1],[1]]}", XAI_E_FORMAT, "cuts[1]" },
    { "{\"cuts\":[[2,1]],\"temperatures\":[1],\"leaf_scores\":[[1],[1],[1]]}", XAI_E_FORMAT, "do not ascend" },
    { "{\"cuts\":[[1]],\"temperatures\":[0],\"leaf_scores\":[[1],[1]]}", XAI_E_FORMAT, "the temperature 0" },
    { "{\"cuts\":[[1]],\"temperatures\":[1,1],\"leaf_scores\":[[1],[1]]}", XAI_E_FORMAT, "temperatures" },
    { "{\"cuts\":[[\"inf\"]],\"temperatures\":[1],\"leaf_scores\":[[1],[1]]}", XAI_E_FORMAT, "cuts[0]" },
    { "{\"cuts\":[[1],[1],[1],[1],[1],[1],[1],[1],[1],[1],[1],[1],[1],[1],[1],[1],[1],[1],[1],[1]],"
      "\"temperatures\":[],\"leaf_scores\":[[1]]}",
      XAI_E_LIMIT, "20 features with 1 cuts each make 2 to the power of 20 leaves" },
};

START_TEST(refuses_damaged_files)
{
    xai_tree *tree = (xai_tree *)context;

    ck_assert_fails(xai_tree_load_memory(&tree, context, damaged[_i].text, strlen(damaged[_i].text)),
                    damaged[_i].status, damaged[_i].words);
    ck_assert_ptr_null(tree);
}
END_TEST

#define OPTION(field, number)                                                                                          \
    {                                                                                                                  \
        .struct_size = sizeof(xai_fit_options), .method = "dndt", .field = (number)                                    \
    }

static const struct {
    xai_fit_options options;
    xai_status status;
    const char *words;
} wrong[] = {
    { OPTION(criterion, "gini"), XAI_E_INVALID, "criterion is set, but the method \"dndt\"" },
    { OPTION(ccp_alpha, 0.1), XAI_E_INVALID, "ccp_alpha is set" },
    { OPTION(max_depth, 3), XAI_E_INVALID, "max_depth is set" },
    { OPTION(temperature, -1), XAI_E_INVALID, "temperature is -1" },
    { OPTION(learning_rate, NAN), XAI_E_INVALID, "learning_rate is nan" },
    { OPTION(n_cuts, 1000), XAI_E_LIMIT, "2 features with 1000 cuts each make 1001 to the power of 2 leaves" },
    { OPTION(n_cuts, UINT32_MAX), XAI_E_LIMIT, "at most 1000000" },
    { OPTION(n_classes, 3), XAI_E_INVALID, "expected a class index below 3" },
};

START_TEST(refuses_wrong_options)
{
    tables_table t = make_quadrants();
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

START_TEST(refuses_holes)
{
    const xai_fit_options options = { .struct_size = sizeof options, .method = "dndt" };
    tables_table t = make_quadrants();
    xai_tensor *rows = NULL, *targets = NULL;
    xai_tree *tree = NULL;

    t.rows[7] = NAN;
    tables_wrap(context, &t, &rows, &targets);
    ck_assert_fails(xai_tree_fit(&tree, rows, targets, &options), XAI_E_INVALID, "row 3 has nan in column 1");
    xai_tensor_unref(rows);
    xai_tensor_unref(targets);
    tables_free(&t);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tree_dndt");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 100);
    tcase_add_test(cases, leaves_of_the_reference);
    tcase_add_test(cases, decides_by_the_likeliest_bins);
    tcase_add_test(cases, gradient_is_the_differences);
    tcase_add_test(cases, learns_quadrants);
    tcase_add_test(cases, rows_without_weight);
    tcase_add_test(cases, iris);
    tcase_add_test(cases, json_keeps_every_bit);
    tcase_add_test(cases, draws_every_combination);
    tcase_add_test(cases, huge_scores);
    tcase_add_test(cases, scores_are_counted_before_they_are_believed);
    tcase_add_loop_test(cases, refuses_damaged_files, 0, sizeof damaged / sizeof *damaged);
    tcase_add_loop_test(cases, refuses_wrong_options, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(cases, refuses_holes);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
