/* SPDX-License-Identifier: MIT
 * Many features, few leaves: Deep Neural Decision Trees on random subsets of the features, which vote together. */
#include <stdlib.h>
#include <string.h>

#include "xai_cli.h"

/* Every fifth row is kept back, to see how well rows are predicted that no tree was fitted to. */
enum { HELD_OUT = 5, DEFAULT_TREES = 15, DEFAULT_FEATURES = 6, DEFAULT_STEPS = 300 };

typedef struct ensemble {
    xai_context *context;
    xai_table *table;
    xai_tensor *targets;
    const char **labels;
    size_t *columns; /* all but the target, shuffled anew for each tree */
    double *votes;   /* rows x classes */
    size_t n_rows, n_labels, n_columns, n_features, n_trees;
    uint64_t random;
} ensemble;

static void close_ensemble(ensemble *e)
{
    free(e->labels);
    free(e->columns);
    free(e->votes);
    xai_tensor_unref(e->targets);
    xai_table_unref(e->table);
    xai_context_unref(e->context);
}

/* splitmix64: good enough to shuffle columns, and the same everywhere. */
static uint64_t draw(ensemble *e)
{
    uint64_t x = e->random += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* The target is left out of the columns, or every tree would cheat. */
static int open_table(ensemble *e, const cli_args *cli)
{
    size_t target, n;

    if (cli->column == NULL)
        return cli_misuse(cli, "--target: expected the column that is to be predicted");
    if (xai_table_load(&e->table, e->context, cli->operands.items[0]) != XAI_OK ||
        xai_table_find_column(&target, e->table, cli->column) != XAI_OK ||
        xai_table_labels(&e->n_labels, e->table, target, NULL, 0) != XAI_OK)
        return cli_fail_library(cli);
    n = xai_table_n_columns(e->table);
    e->n_rows = xai_table_n_rows(e->table);
    if (n < 2 || e->n_rows < HELD_OUT)
        return cli_fail(cli, "%s: %zu rows and %zu columns are too few", cli->operands.items[0], e->n_rows, n);
    e->labels = calloc(e->n_labels, sizeof *e->labels);
    e->columns = calloc(n, sizeof *e->columns);
    e->votes = calloc(e->n_rows * e->n_labels, sizeof *e->votes);
    if (e->labels == NULL || e->columns == NULL || e->votes == NULL)
        return cli_fail(cli, "out of memory");
    for (size_t i = 0; i < n; i++)
        if (i != target)
            e->columns[e->n_columns++] = i;
    if (xai_table_labels(&e->n_labels, e->table, target, e->labels, e->n_labels) != XAI_OK ||
        xai_table_classes(&e->targets, e->table, target, e->labels, e->n_labels) != XAI_OK)
        return cli_fail_library(cli);
    return CLI_GO_ON;
}

/* In percent, of the rows that were kept back. */
static double count_right(const ensemble *e)
{
    size_t n_right = 0, n = 0;

    for (size_t i = 0; i < e->n_rows; i += HELD_OUT, n++) {
        const double *votes = e->votes + i * e->n_labels;
        size_t best = 0;

        for (size_t c = 1; c < e->n_labels; c++)
            if (votes[c] > votes[best])
                best = c;
        n_right += best == (size_t)xai_tensor_data(e->targets)[i];
    }
    return 100 * (double)n_right / (double)n;
}

/* Fits one tree to the first features of the shuffled columns, and adds what it says of every row to the votes. */
static xai_status add_tree(ensemble *e, const cli_args *cli, const float *weights)
{
    const xai_fit_options options = { .struct_size = sizeof options,
                                      .method = "dndt",
                                      .sample_weights = weights,
                                      .n_classes = e->n_labels,
                                      .n_cuts = (uint32_t)cli->cuts,
                                      .n_steps = cli->steps > 0 ? (uint32_t)cli->steps : DEFAULT_STEPS,
                                      .seed = draw(e) };
    xai_tensor *rows = NULL, *out = NULL;
    xai_tree *tree = NULL;
    xai_status status = xai_table_numbers(&rows, e->table, e->columns, e->n_features);

    if (status == XAI_OK)
        status = xai_tree_fit(&tree, rows, e->targets, &options);
    if (status == XAI_OK)
        status = xai_tree_predict(&out, tree, rows, 0);
    for (size_t i = 0; status == XAI_OK && i < e->n_rows * e->n_labels; i++)
        e->votes[i] += (double)xai_tensor_data(out)[i];
    xai_tensor_unref(out);
    xai_tensor_unref(rows);
    xai_tree_unref(tree);
    return status;
}

/* A tree of all 13 columns of wine would have 2^13 leaves; of six columns it has 64. Told after each tree, so that one
 * sees what the vote adds. */
static int grow(ensemble *e, const cli_args *cli)
{
    float *weights = calloc(e->n_rows, sizeof *weights);
    xai_status status = XAI_OK;

    if (weights == NULL)
        return cli_fail(cli, "out of memory");
    /* Rows without weight take no part in a fit. */
    for (size_t i = 0; i < e->n_rows; i++)
        weights[i] = i % HELD_OUT == 0 ? 0.0f : 1.0f;
    for (size_t t = 0; t < e->n_trees && status == XAI_OK; t++) {
        /* The first steps of a shuffle: as many columns as the tree gets. */
        for (size_t i = 0; i < e->n_features; i++) {
            size_t k = i + draw(e) % (e->n_columns - i), kept = e->columns[i];

            e->columns[i] = e->columns[k];
            e->columns[k] = kept;
        }
        status = add_tree(e, cli, weights);
        if (status == XAI_OK)
            printf("%2zu trees: %6.2f%% of the rows kept back\n", t + 1, count_right(e));
    }
    free(weights);
    return status == XAI_OK ? CLI_GO_ON : cli_fail_library(cli);
}

static int run(const cli_args *cli)
{
    cli_subject subject = { 0 };
    ensemble e = { .n_trees = cli->trees > 0 ? (size_t)cli->trees : DEFAULT_TREES, .random = cli->seed };
    int status = cli_open_context(&subject, cli);

    e.context = subject.context;
    if (status == CLI_GO_ON)
        status = open_table(&e, cli);
    if (status == CLI_GO_ON) {
        e.n_features = cli->max_features > 0 ? (size_t)cli->max_features : DEFAULT_FEATURES;
        e.n_features = e.n_features < e.n_columns ? e.n_features : e.n_columns;
        status = grow(&e, cli);
    }
    close_ensemble(&e);
    return status;
}

int main(int argc, char **argv)
{
    static const cli_command command = { "",
                                         "DATA.csv --target COLUMN",
                                         "Fit Deep Neural Decision Trees to random subsets of the features; all vote.",
                                         CLI_ENSEMBLE | CLI_RUN | CLI_NOISE,
                                         1,
                                         1,
                                         run };

    return cli_main("dndt_ensemble", &command, argc, argv, 1);
}
