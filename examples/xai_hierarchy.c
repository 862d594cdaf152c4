/* SPDX-License-Identifier: MIT
 * xai hierarchy induce, show, convert: builds and draws hierarchies of classes. */
#include <stdlib.h>

#include "xai_cli.h"

static int open_tree(xai_tree **tree, const cli_args *cli, xai_context *context, const char *path)
{
    if (cli_is_url(cli, path))
        return CLI_FAILED;
    if (xai_tree_load(tree, context, path) != XAI_OK)
        return cli_fail_library(cli);
    if (xai_tree_kind(*tree) != XAI_TREE_HIERARCHY)
        return cli_fail(cli, "%s: is a tree, but not a hierarchy of classes", path);
    return CLI_GO_ON;
}

/* The file's name is the answer: scripts go on with it. */
static int save(const cli_args *cli, const xai_tree *tree, const char *path, const xai_export_options *options)
{
    if (cli_is_url(cli, path))
        return CLI_FAILED;
    if (xai_tree_save(tree, path, options) != XAI_OK)
        return cli_fail_library(cli);
    if (!cli->quiet)
        printf("%s\n", path);
    return CLI_GO_ON;
}

/* Asked for twice: for the length, then for the text. */
static int print(const cli_args *cli, const xai_tree *tree, const xai_export_options *options)
{
    size_t length = xai_tree_export(tree, XAI_TREE_TEXT, options, NULL, 0);
    char *text = length > 0 ? malloc(length + 1) : NULL;

    if (length == 0)
        return cli_fail_library(cli);
    if (text == NULL)
        return cli_fail(cli, "out of memory");
    xai_tree_export(tree, XAI_TREE_TEXT, options, text, length + 1);
    fputs(text, stdout);
    free(text);
    return CLI_GO_ON;
}

/* To the file that -o names, else to standard output as text. */
static int put_out(const cli_args *cli, const xai_tree *tree, const xai_export_options *options)
{
    return cli->output != NULL ? save(cli, tree, cli->output, options) : print(cli, tree, options);
}

/* No session: weights are read, nothing is run. */
int cli_hierarchy_induce(const cli_args *cli)
{
    cli_subject subject = { 0 };
    xai_tree *tree = NULL;
    int status = cli_open(&subject, cli, CLI_NEED_WEIGHTS);

    if (status == CLI_GO_ON)
        status = cli_induce(&tree, cli, &subject);
    if (status == CLI_GO_ON)
        status = put_out(cli, tree, NULL);
    xai_tree_unref(tree);
    cli_close(&subject);
    return status;
}

/* What the model makes of the picture, for the path to be drawn. */
static int read_row(const cli_args *cli, const cli_subject *subject, const xai_tree *tree, xai_tensor **logits)
{
    int status = cli_look(cli, subject, cli->image, logits);

    if (status == CLI_GO_ON && xai_model_n_classes(subject->model) != xai_tree_n_inputs(tree))
        status = cli_fail(cli, "%s: has %zu classes, but the network %s has %zu", cli->operands.items[0],
                          xai_tree_n_inputs(tree), xai_model_architecture(subject->model),
                          xai_model_n_classes(subject->model));
    return status;
}

/* A model is opened only for a picture's path; the drawing alone needs none. */
int cli_hierarchy_show(const cli_args *cli)
{
    xai_export_options options = { .struct_size = sizeof options };
    cli_subject subject = { 0 };
    xai_tensor *logits = NULL;
    xai_tree *tree = NULL;
    size_t length;
    int status = cli_read_mode(cli, &options.mode);

    if (status == CLI_GO_ON && cli->image != NULL)
        status = cli_open(&subject, cli, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);
    else if (status == CLI_GO_ON)
        status = cli_open_context(&subject, cli);
    if (status == CLI_GO_ON)
        status = open_tree(&tree, cli, subject.context, cli->operands.items[0]);
    if (status == CLI_GO_ON && cli->image != NULL) {
        status = read_row(cli, &subject, tree, &logits);
        options.row = logits != NULL ? xai_tensor_data(logits) : NULL;
        options.row_size = xai_tree_n_inputs(tree);
        options.title = cli->output != NULL ? cli_stem(cli->image, &length) : NULL;
    }
    if (status == CLI_GO_ON)
        status = put_out(cli, tree, &options);
    xai_tensor_unref(logits);
    xai_tree_unref(tree);
    cli_close(&subject);
    return status;
}

/* Through the library's own tree: a file that is converted was checked, and drawings are conversions, too. */
int cli_hierarchy_convert(const cli_args *cli)
{
    const xai_export_options options = { .struct_size = sizeof options, .flags = cli->edges ? XAI_EXPORT_EDGES : 0 };
    cli_subject subject = { 0 };
    xai_tree *tree = NULL;
    int status = cli_open_context(&subject, cli);

    if (status == CLI_GO_ON)
        status = open_tree(&tree, cli, subject.context, cli->operands.items[0]);
    if (status == CLI_GO_ON)
        status = save(cli, tree, cli->operands.items[1], &options);
    xai_tree_unref(tree);
    cli_close(&subject);
    return status;
}
