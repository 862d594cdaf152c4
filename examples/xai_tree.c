/* SPDX-License-Identifier: MIT
 * xai tree fit, predict, explain, show, prune: decision trees on CSV files.
 *
 * Each command fills a job as far as it needs and drops it whole at the end; what a job does not have is NULL. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "xai_cli.h"

/* A table, the tree that it was or will be fitted to, and the columns that are its features. */
typedef struct tree_job {
    xai_context *context;
    xai_table *table;
    xai_tree *tree;
    xai_tensor *rows, *targets;
    size_t *columns;
    const char **names, **labels;
    size_t n_features, n_labels, target;
} tree_job;

static void close_job(tree_job *job)
{
    free(job->columns);
    free(job->names);
    free(job->labels);
    xai_tensor_unref(job->rows);
    xai_tensor_unref(job->targets);
    xai_table_unref(job->table);
    xai_tree_unref(job->tree);
    xai_context_unref(job->context);
}

/* No model here: only the context of a subject is wanted, and it becomes the job's. */
static int open_job(tree_job *job, const cli_args *cli)
{
    cli_subject subject = { 0 };
    int status = cli_open_context(&subject, cli);

    job->context = subject.context;
    return status;
}

/* Room for all columns: whichever of them are features, there are no more. */
static int open_table(tree_job *job, const cli_args *cli, const char *path)
{
    size_t n;

    if (cli_is_url(cli, path))
        return CLI_FAILED;
    if (xai_table_load(&job->table, job->context, path) != XAI_OK)
        return cli_fail_library(cli);
    n = xai_table_n_columns(job->table);
    job->columns = calloc(n, sizeof *job->columns);
    job->names = calloc(n, sizeof *job->names);
    return job->columns == NULL || job->names == NULL ? cli_fail(cli, "out of memory") : CLI_GO_ON;
}

static int open_tree(tree_job *job, const cli_args *cli, const char *path)
{
    if (cli_is_url(cli, path))
        return CLI_FAILED;
    if (xai_tree_load(&job->tree, job->context, path) != XAI_OK)
        return cli_fail_library(cli);
    if (xai_tree_kind(job->tree) == XAI_TREE_HIERARCHY)
        return cli_fail(cli, "%s: is a hierarchy of classes, not a tree on a table", path);
    return CLI_GO_ON;
}

static const char *label_of(const xai_tree *tree, size_t index, char *buffer, size_t capacity)
{
    const char *name = xai_tree_class_name(tree, index);

    if (name != NULL)
        return name;
    snprintf(buffer, capacity, "class %zu", index);
    return buffer;
}

static const char *feature_of(const xai_tree *tree, size_t index, char *buffer, size_t capacity)
{
    const char *name = xai_tree_feature_name(tree, index);

    if (name != NULL)
        return name;
    snprintf(buffer, capacity, "x[%zu]", index);
    return buffer;
}

/* A tree that predicts numbers has one output and no name for it. */
static bool is_regression(const xai_tree *tree)
{
    return xai_tree_n_classes(tree) == 1 && xai_tree_class_name(tree, 0) == NULL;
}

static size_t find_largest(const float *numbers, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (numbers[i] > numbers[best])
            best = i;
    return best;
}

/* --- fit --- */

/* All columns but the target, in the file's order and under the file's names. */
static int take_features(tree_job *job, const cli_args *cli)
{
    if (cli->column == NULL)
        return cli_misuse(cli, "--target: expected the column that is to be predicted");
    if (xai_table_find_column(&job->target, job->table, cli->column) != XAI_OK)
        return cli_fail_library(cli);
    for (size_t i = 0; i < xai_table_n_columns(job->table); i++) {
        if (i == job->target)
            continue;
        job->columns[job->n_features] = i;
        job->names[job->n_features++] = xai_table_column_name(job->table, i);
    }
    if (job->n_features == 0)
        return cli_fail(cli, "%s: has no column but the target", cli->operands.items[0]);
    if (xai_table_n_rows(job->table) == 0)
        return cli_fail(cli, "%s: has no rows below its header", cli->operands.items[0]);
    if (xai_table_numbers(&job->rows, job->table, job->columns, job->n_features) != XAI_OK)
        return cli_fail_library(cli);
    return CLI_GO_ON;
}

/* Asked for their number first. Labels stay the table's, so the tree is fitted before the table is dropped. */
static int take_classes(tree_job *job, const cli_args *cli)
{
    if (xai_table_labels(&job->n_labels, job->table, job->target, NULL, 0) != XAI_OK)
        return cli_fail_library(cli);
    job->labels = calloc(job->n_labels + 1, sizeof *job->labels);
    if (job->labels == NULL)
        return cli_fail(cli, "out of memory");
    if (xai_table_labels(&job->n_labels, job->table, job->target, job->labels, job->n_labels) != XAI_OK ||
        xai_table_classes(&job->targets, job->table, job->target, job->labels, job->n_labels) != XAI_OK)
        return cli_fail_library(cli);
    return CLI_GO_ON;
}

/* A table gives columns as N x 1; targets are N. */
static int take_numbers(tree_job *job, const cli_args *cli)
{
    xai_tensor *column = NULL;
    int64_t n = (int64_t)xai_table_n_rows(job->table);
    int status = CLI_GO_ON;

    if (xai_table_numbers(&column, job->table, &job->target, 1) != XAI_OK ||
        xai_tensor_create(&job->targets, job->context, &n, 1) != XAI_OK)
        status = cli_fail_library(cli);
    else if (n > 0)
        memcpy(xai_tensor_data(job->targets), xai_tensor_data(column), (size_t)n * sizeof(float));
    xai_tensor_unref(column);
    return status;
}

/* --criterion decides what kind of tree it is: numbers and classes look alike in a file. */
static int fit(tree_job *job, const cli_args *cli, bool regression)
{
    const xai_fit_options options = { .struct_size = sizeof options,
                                      .method = cli->method,
                                      .criterion = cli->criterion,
                                      .feature_names = job->names,
                                      .class_names = regression ? NULL : job->labels,
                                      .n_classes = job->n_labels,
                                      .ccp_alpha = cli->ccp_alpha.value,
                                      .max_depth = (uint32_t)cli->max_depth,
                                      .max_leaf_nodes = (uint32_t)cli->max_leaf_nodes,
                                      .min_samples_leaf = (uint32_t)cli->min_samples_leaf,
                                      .max_features = (uint32_t)cli->max_features,
                                      .n_cuts = (uint32_t)cli->cuts,
                                      .n_steps = (uint32_t)cli->steps,
                                      .seed = cli->seed };

    if (xai_tree_fit(&job->tree, job->rows, job->targets, &options) != XAI_OK)
        return cli_fail_library(cli);
    return CLI_GO_ON;
}

/* How well the tree does on the rows that it has seen. */
static int print_fit(tree_job *job, const cli_args *cli, bool regression)
{
    size_t n = xai_table_n_rows(job->table), n_classes = xai_tree_n_classes(job->tree), n_right = 0;
    const float *targets = xai_tensor_data(job->targets), *numbers;
    xai_tensor *out = NULL;
    double error = 0;

    if (xai_tree_predict(&out, job->tree, job->rows, 0) != XAI_OK)
        return cli_fail_library(cli);
    numbers = xai_tensor_data(out);
    for (size_t i = 0; i < n; i++) {
        double difference = (double)numbers[i * n_classes] - (double)targets[i];
        n_right += find_largest(numbers + i * n_classes, n_classes) == (size_t)targets[i];
        error += difference * difference;
    }
    printf("%s: %zu nodes", cli->output, xai_tree_n_nodes(job->tree));
    if (regression)
        printf(", mean squared error %.6g on the %zu rows of the fit\n", error / (double)n, n);
    else
        printf(", right on %zu of the %zu rows of the fit (%.2f%%)\n", n_right, n, 100 * (double)n_right / (double)n);
    xai_tensor_unref(out);
    return CLI_GO_ON;
}

/* Before the fit, which may take a while. Other endings would be drawings, which cannot be loaded again. */
static int check_output(const cli_args *cli, const char *ending)
{
    size_t length = cli->output != NULL ? strlen(cli->output) : 0, n = strlen(ending);

    if (length <= n || strcmp(cli->output + length - n, ending) != 0)
        return cli_misuse(cli, "-o: expected a file to write whose name ends with %s", ending);
    return CLI_GO_ON;
}

int cli_tree_fit(const cli_args *cli)
{
    bool regression = cli->criterion != NULL && strcmp(cli->criterion, "squared_error") == 0;
    tree_job job = { 0 };
    int status = check_output(cli, ".json");

    if (status == CLI_GO_ON)
        status = open_job(&job, cli);
    if (status == CLI_GO_ON)
        status = open_table(&job, cli, cli->operands.items[0]);
    if (status == CLI_GO_ON)
        status = take_features(&job, cli);
    if (status == CLI_GO_ON)
        status = regression ? take_numbers(&job, cli) : take_classes(&job, cli);
    if (status == CLI_GO_ON)
        status = fit(&job, cli, regression);
    if (status == CLI_GO_ON && xai_tree_save(job.tree, cli->output, NULL) != XAI_OK)
        status = cli_fail_library(cli);
    if (status == CLI_GO_ON)
        status = print_fit(&job, cli, regression);
    close_job(&job);
    return status;
}

/* --- a tree and the rows of a table --- */

/* Its columns by name; a tree without names takes a table of as many columns. */
static int match_columns(tree_job *job, const cli_args *cli)
{
    job->n_features = xai_tree_n_inputs(job->tree);
    if (xai_tree_feature_name(job->tree, 0) == NULL && xai_table_n_columns(job->table) != job->n_features)
        return cli_fail(cli, "%s: has %zu columns, but the tree, which has no names for them, takes %zu",
                        cli->operands.items[1], xai_table_n_columns(job->table), job->n_features);
    free(job->columns);
    job->columns = calloc(job->n_features, sizeof *job->columns);
    if (job->columns == NULL)
        return cli_fail(cli, "out of memory");
    for (size_t i = 0; i < job->n_features; i++) {
        const char *name = xai_tree_feature_name(job->tree, i);
        job->columns[i] = i;
        if (name != NULL && xai_table_find_column(&job->columns[i], job->table, name) != XAI_OK)
            return cli_fail_library(cli);
    }
    if (xai_table_numbers(&job->rows, job->table, job->columns, job->n_features) != XAI_OK)
        return cli_fail_library(cli);
    return CLI_GO_ON;
}

static int open_both(tree_job *job, const cli_args *cli)
{
    int status = open_job(job, cli);

    if (status == CLI_GO_ON)
        status = open_tree(job, cli, cli->operands.items[0]);
    if (status == CLI_GO_ON)
        status = open_table(job, cli, cli->operands.items[1]);
    return status == CLI_GO_ON ? match_columns(job, cli) : status;
}

/* --- predict --- */

/* A cell of a CSV file, quoted where it has to be. */
static void print_cell(const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL && text[0] != '\0') {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

/* Columns of probabilities are named after the classes, so that the answer is a table like the one that was asked. */
static void print_head(const cli_args *cli, const xai_tree *tree)
{
    char buffer[48];

    if (!cli->probabilities || is_regression(tree)) {
        puts("prediction");
        return;
    }
    for (size_t c = 0; c < xai_tree_n_classes(tree); c++) {
        if (c > 0)
            putchar(',');
        print_cell(label_of(tree, c, buffer, sizeof buffer));
    }
    putchar('\n');
}

/* Nine digits give back the same float. */
static void print_prediction(const cli_args *cli, const xai_tree *tree, const float *numbers)
{
    size_t n = xai_tree_n_classes(tree);
    char buffer[48];

    if (!cli->probabilities && !is_regression(tree))
        print_cell(label_of(tree, find_largest(numbers, n), buffer, sizeof buffer));
    else
        for (size_t c = 0; c < n; c++)
            printf("%s%.9g", c > 0 ? "," : "", (double)numbers[c]);
    putchar('\n');
}

int cli_tree_predict(const cli_args *cli)
{
    tree_job job = { 0 };
    xai_tensor *out = NULL;
    int status = open_both(&job, cli);

    if (status == CLI_GO_ON && xai_tree_predict(&out, job.tree, job.rows, 0) != XAI_OK)
        status = cli_fail_library(cli);
    if (status == CLI_GO_ON) {
        print_head(cli, job.tree);
        for (size_t i = 0; i < xai_table_n_rows(job.table); i++)
            print_prediction(cli, job.tree, xai_tensor_data(out) + i * xai_tree_n_classes(job.tree));
    }
    xai_tensor_unref(out);
    close_job(&job);
    return status;
}

/* --- explain --- */

/* What is said of one row. */
typedef struct tree_answer {
    const xai_tree *tree;
    const float *row, *numbers, *shap; /* shap: features x classes; NULL for a tree that has none */
    const double *expected;
    const xai_decision *steps;
    size_t number, n_steps, top;
} tree_answer;

/* From what is expected, feature by feature, to the prediction: the parts sum up to it. What gives nothing is left out.
 */
static void print_shap(const tree_answer *a)
{
    size_t n_classes = xai_tree_n_classes(a->tree), n = xai_tree_n_inputs(a->tree);
    char buffer[48], value[32];

    printf("  %-32s %12s %+12.6f\n", "expected", "", a->expected[a->top]);
    for (size_t f = 0; f < n; f++) {
        double part = a->shap[f * n_classes + a->top];
        if (part == 0)
            continue;
        snprintf(value, sizeof value, "%.6g", (double)a->row[f]);
        printf("  %-32s %12s %+12.6f\n", feature_of(a->tree, f, buffer, sizeof buffer),
               isnan(a->row[f]) ? "missing" : value, part);
    }
    printf("  %-32s %12s %+12.6f\n", "prediction", "", (double)a->numbers[a->top]);
}

/* The first step is the root, which decides nothing. A CART's decisions are certain, so only a DNDT's have shares. */
static void print_answer(const tree_answer *a)
{
    char buffer[48];
    bool weighed = xai_tree_kind(a->tree) == XAI_TREE_DNDT;

    if (is_regression(a->tree))
        printf("Row %zu: %.9g // Decisions: ", a->number, (double)a->numbers[0]);
    else
        printf("Row %zu: %s (%.2f%%) // Decisions: ", a->number, label_of(a->tree, a->top, buffer, sizeof buffer),
               100 * (double)a->numbers[a->top]);
    for (size_t i = 1; i < a->n_steps; i++) {
        printf("%s%s", i > 1 ? ", " : "", a->steps[i].name);
        if (weighed)
            printf(" (%.2f%%)", 100 * a->steps[i].probability);
    }
    putchar('\n');
    if (a->shap != NULL)
        print_shap(a);
}

static json_object *list_steps(const tree_answer *a)
{
    json_object *list = json_object_new_array();

    for (size_t i = 0; i < a->n_steps; i++) {
        json_object *step = json_object_new_object();

        json_object_object_add(step, "node", json_object_new_string(a->steps[i].node));
        json_object_object_add(step, "name", json_object_new_string(a->steps[i].name));
        json_object_object_add(step, "probability", cli_json_number(a->steps[i].probability));
        json_object_object_add(step, "entropy", cli_json_number(a->steps[i].entropy));
        json_object_array_add(list, step);
    }
    return list;
}

/* Every feature with its value and what it gives to each class. */
static json_object *list_shap(const tree_answer *a)
{
    size_t n_classes = xai_tree_n_classes(a->tree);
    json_object *list = json_object_new_array();
    char buffer[48];

    for (size_t f = 0; f < xai_tree_n_inputs(a->tree); f++) {
        json_object *item = json_object_new_object(), *values = json_object_new_array();

        for (size_t c = 0; c < n_classes; c++)
            json_object_array_add(values, cli_json_number(a->shap[f * n_classes + c]));
        json_object_object_add(item, "feature", json_object_new_string(feature_of(a->tree, f, buffer, sizeof buffer)));
        json_object_object_add(item, "value", cli_json_number(a->row[f]));
        json_object_object_add(item, "shap", values);
        json_object_array_add(list, item);
    }
    return list;
}

static int print_json(const cli_args *cli, const tree_answer *a)
{
    json_object *document = json_object_new_object(), *prediction = json_object_new_object(), *expected;
    char buffer[48];

    if (!is_regression(a->tree)) {
        json_object_object_add(prediction, "index", json_object_new_int64((int64_t)a->top));
        json_object_object_add(prediction, "label",
                               json_object_new_string(label_of(a->tree, a->top, buffer, sizeof buffer)));
    }
    json_object_object_add(prediction, is_regression(a->tree) ? "value" : "probability",
                           cli_json_number(a->numbers[a->top]));
    json_object_object_add(document, "row", json_object_new_int64((int64_t)a->number));
    json_object_object_add(document, "prediction", prediction);
    json_object_object_add(document, "decisions", list_steps(a));
    if (a->shap != NULL) {
        expected = json_object_new_array();
        for (size_t c = 0; c < xai_tree_n_classes(a->tree); c++)
            json_object_array_add(expected, cli_json_number(a->expected[c]));
        json_object_object_add(document, "expected", expected);
        json_object_object_add(document, "features", list_shap(a));
    }
    return cli_json_print(cli, document);
}

/* Asked for their number first, then for the steps. */
static int explain_row(const cli_args *cli, tree_answer *a)
{
    xai_decision *steps;
    int status = CLI_GO_ON;

    if (xai_tree_decisions(&a->n_steps, a->tree, a->row, 0, NULL, 0) != XAI_OK)
        return cli_fail_library(cli);
    steps = calloc(a->n_steps, sizeof *steps);
    if (steps == NULL)
        return cli_fail(cli, "out of memory");
    a->steps = steps;
    if (xai_tree_decisions(&a->n_steps, a->tree, a->row, 0, steps, a->n_steps) != XAI_OK)
        status = cli_fail_library(cli);
    else if (cli->json)
        status = print_json(cli, a);
    else
        print_answer(a);
    free(steps);
    return status;
}

/* --row counts from 1, as people and the rows' numbers in the answer do. The others are let go, so that nothing is
 * computed of them. */
static int keep_row(const cli_args *cli, tree_job *job)
{
    const int64_t shape[2] = { 1, (int64_t)job->n_features };
    size_t n = xai_table_n_rows(job->table);
    xai_tensor *row = NULL;

    if (cli->row == 0)
        return CLI_GO_ON;
    if ((size_t)cli->row > n)
        return cli_fail(cli, "%s: has no row %d, only %zu", cli->operands.items[1], cli->row, n);
    if (xai_tensor_create(&row, job->context, shape, 2) != XAI_OK)
        return cli_fail_library(cli);
    memcpy(xai_tensor_data(row), xai_tensor_data(job->rows) + ((size_t)cli->row - 1) * job->n_features,
           job->n_features * sizeof(float));
    xai_tensor_unref(job->rows);
    job->rows = row;
    return CLI_GO_ON;
}

static int explain_rows(const cli_args *cli, const tree_job *job, xai_tensor *out, xai_tensor *shap,
                        const double *expected)
{
    size_t n = cli->row > 0 ? 1 : xai_table_n_rows(job->table), first = cli->row > 0 ? (size_t)cli->row : 1;
    size_t n_classes = xai_tree_n_classes(job->tree);
    int status = CLI_GO_ON;

    for (size_t i = 0; i < n && status == CLI_GO_ON; i++) {
        tree_answer a = { .tree = job->tree, .number = first + i, .expected = expected };
        a.row = xai_tensor_data(job->rows) + i * job->n_features;
        a.numbers = xai_tensor_data(out) + i * n_classes;
        a.shap = shap != NULL ? xai_tensor_data(shap) + i * job->n_features * n_classes : NULL;
        a.top = find_largest(a.numbers, n_classes);
        status = explain_row(cli, &a);
    }
    return status;
}

/* Draws the tree with the way of one row; CLI_GO_ON where that is not asked for. */
static int draw_row(const cli_args *cli, const tree_job *job)
{
    xai_export_options options = { .struct_size = sizeof options, .row_size = job->n_features };

    if (cli->output == NULL)
        return CLI_GO_ON;
    options.row = xai_tensor_data(job->rows);
    return xai_tree_save(job->tree, cli->output, &options) == XAI_OK ? CLI_GO_ON : cli_fail_library(cli);
}

/* One pass over all rows that are asked about. A DNDT has no Shapley values. */
int cli_tree_explain(const cli_args *cli)
{
    tree_job job = { 0 };
    xai_tensor *out = NULL, *shap = NULL;
    double *expected = NULL;
    int status = CLI_GO_ON;

    if (cli->output != NULL && cli->row == 0)
        status = cli_misuse(cli, "--row: expected with -o, which draws one row's way");
    if (status == CLI_GO_ON)
        status = open_both(&job, cli);
    if (status == CLI_GO_ON)
        status = keep_row(cli, &job);
    if (status == CLI_GO_ON && xai_tree_predict(&out, job.tree, job.rows, 0) != XAI_OK)
        status = cli_fail_library(cli);
    if (status == CLI_GO_ON && xai_tree_kind(job.tree) == XAI_TREE_CART) {
        expected = calloc(xai_tree_n_classes(job.tree), sizeof *expected);
        if (expected == NULL)
            status = cli_fail(cli, "out of memory");
        else if (xai_tree_shap(&shap, expected, job.tree, job.rows) != XAI_OK)
            status = cli_fail_library(cli);
    }
    if (status == CLI_GO_ON)
        status = explain_rows(cli, &job, out, shap, expected);
    if (status == CLI_GO_ON)
        status = draw_row(cli, &job);
    free(expected);
    xai_tensor_unref(shap);
    xai_tensor_unref(out);
    close_job(&job);
    return status;
}

/* --- show --- */

/* The text's length is asked for first, as of snprintf; trees of a million nodes are no reason for a fixed buffer. */
static int print_tree(const cli_args *cli, const xai_tree *tree)
{
    size_t length = xai_tree_export(tree, XAI_TREE_TEXT, NULL, NULL, 0);
    char *text = malloc(length + 1);
    int status = CLI_GO_ON;

    if (text == NULL)
        status = cli_fail(cli, "out of memory");
    else if (length == 0 || xai_tree_export(tree, XAI_TREE_TEXT, NULL, text, length + 1) != length)
        status = cli_fail_library(cli);
    else
        fputs(text, stdout);
    free(text);
    return status;
}

int cli_tree_show(const cli_args *cli)
{
    tree_job job = { 0 };
    int status = open_job(&job, cli);

    if (status == CLI_GO_ON)
        status = open_tree(&job, cli, cli->operands.items[0]);
    if (status == CLI_GO_ON && cli->output == NULL)
        status = print_tree(cli, job.tree);
    else if (status == CLI_GO_ON && xai_tree_save(job.tree, cli->output, NULL) != XAI_OK)
        status = cli_fail_library(cli);
    else if (status == CLI_GO_ON && !cli->quiet)
        printf("%s\n", cli->output);
    close_job(&job);
    return status;
}

/* --- prune --- */

/* Seventeen digits: an alpha that is read back has to cut where it was listed. */
static int print_path(const cli_args *cli, const xai_tree *tree)
{
    double *alphas = NULL, *impurities = NULL;
    size_t n = 0;
    int status = CLI_GO_ON;

    if (xai_tree_pruning_path(&n, tree, NULL, NULL, 0) != XAI_OK)
        return cli_fail_library(cli);
    alphas = calloc(n, sizeof *alphas);
    impurities = calloc(n, sizeof *impurities);
    if (alphas == NULL || impurities == NULL)
        status = cli_fail(cli, "out of memory");
    else if (xai_tree_pruning_path(&n, tree, alphas, impurities, n) != XAI_OK)
        status = cli_fail_library(cli);
    if (status == CLI_GO_ON) {
        puts("ccp_alpha,impurity");
        for (size_t i = 0; i < n; i++)
            printf("%.17g,%.17g\n", alphas[i], impurities[i]);
    }
    free(alphas);
    free(impurities);
    return status;
}

static int prune(const cli_args *cli, const xai_tree *tree)
{
    xai_tree *pruned = NULL;
    int status = check_output(cli, ".json");

    if (status != CLI_GO_ON)
        return status;
    if (xai_tree_prune(&pruned, tree, cli->ccp_alpha.value) != XAI_OK ||
        xai_tree_save(pruned, cli->output, NULL) != XAI_OK)
        status = cli_fail_library(cli);
    else
        printf("%s: %zu of %zu nodes\n", cli->output, xai_tree_n_nodes(pruned), xai_tree_n_nodes(tree));
    xai_tree_unref(pruned);
    return status;
}

int cli_tree_prune(const cli_args *cli)
{
    tree_job job = { 0 };
    int status = open_job(&job, cli);

    if (status == CLI_GO_ON && cli->output != NULL && !cli->ccp_alpha.set)
        status = cli_misuse(cli, "--ccp-alpha: expected with -o; without both, the pruning path is listed");
    if (status == CLI_GO_ON)
        status = open_tree(&job, cli, cli->operands.items[0]);
    if (status == CLI_GO_ON)
        status = cli->ccp_alpha.set ? prune(cli, job.tree) : print_path(cli, job.tree);
    close_job(&job);
    return status;
}
