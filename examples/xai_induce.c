/* SPDX-License-Identifier: MIT
 * What the programs for hierarchies share: one is built from a model's weights or labels; how it decides. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xai_cli.h"

/* Ids of classes, in memory of one piece. */
typedef struct id_list {
    char *text;
    json_object *array; /* NULL: lines */
    const char **ids;
    size_t count;
} id_list;

/* More than a million ids take. */
static const long max_size = 16L << 20;

/* The whole file, ended by a NUL; may be a pipe, so it is read until it ends. The text is the caller's even on failure.
 */
static int read_text(const cli_args *cli, const char *path, char **text)
{
    FILE *file = fopen(path, "rb");
    size_t room = 4096, length = 0, got;
    int failed;

    if (file == NULL)
        return cli_fail(cli, "%s: cannot open: %s", path, strerror(errno));
    *text = malloc(room);
    while (*text != NULL && (got = fread(*text + length, 1, room - length - 1, file)) > 0) {
        length += got;
        if (length + 1 < room)
            continue;
        if ((long)room > max_size)
            break;
        room *= 2;
        *text = realloc(*text, room);
    }
    failed = ferror(file) ? errno : 0; /* a folder can be opened, but not read */
    fclose(file);
    if (*text == NULL)
        return cli_fail(cli, "out of memory");
    if (failed != 0)
        return cli_fail(cli, "%s: cannot be read: %s", path, strerror(failed));
    (*text)[length] = '\0';
    if ((long)room > max_size)
        return cli_fail(cli, "%s: is larger than any list of ids", path);
    return CLI_GO_ON;
}

/* The ids stay in the JSON document, which the list keeps. */
static int take_array(const cli_args *cli, const char *path, id_list *list)
{
    list->array = json_tokener_parse(list->text);
    if (list->array == NULL || !json_object_is_type(list->array, json_type_array))
        return cli_fail(cli, "%s: is not a JSON array of ids", path);
    list->count = json_object_array_length(list->array);
    list->ids = calloc(list->count + 1, sizeof *list->ids);
    for (size_t i = 0; list->ids != NULL && i < list->count; i++) {
        json_object *id = json_object_array_get_idx(list->array, i);

        if (!json_object_is_type(id, json_type_string))
            return cli_fail(cli, "%s: number %zu of the array is not a text", path, i);
        list->ids[i] = json_object_get_string(id);
    }
    return list->ids != NULL ? CLI_GO_ON : cli_fail(cli, "out of memory");
}

/* Cut in place; empty lines are passed over. */
static int take_lines(const cli_args *cli, id_list *list)
{
    size_t room = 1;

    for (const char *c = list->text; *c != '\0'; c++)
        room += *c == '\n';
    list->ids = calloc(room, sizeof *list->ids);
    if (list->ids == NULL)
        return cli_fail(cli, "out of memory");
    for (char *line = strtok(list->text, "\r\n"); line != NULL; line = strtok(NULL, "\r\n"))
        list->ids[list->count++] = line;
    return CLI_GO_ON;
}

static int read_ids(const cli_args *cli, size_t n_classes, id_list *list)
{
    int status;

    if (cli->wnids == NULL)
        return CLI_GO_ON;
    if (cli_is_url(cli, cli->wnids))
        return CLI_FAILED;
    status = read_text(cli, cli->wnids, &list->text);
    if (status == CLI_GO_ON)
        status = list->text[strspn(list->text, " \t\r\n")] == '[' ? take_array(cli, cli->wnids, list)
                                                                  : take_lines(cli, list);
    if (status == CLI_GO_ON && list->count != n_classes)
        return cli_fail(cli, "%s: has %zu ids, but there are %zu classes", cli->wnids, list->count, n_classes);
    return status;
}

static void free_ids(id_list *list)
{
    free(list->ids);
    json_object_put(list->array);
    free(list->text);
}

/* The model's words for the classes; NULL where it has none. */
static const char **list_labels(const xai_model *model)
{
    size_t n = xai_model_n_classes(model);
    const char **labels = calloc(n + 1, sizeof *labels);

    for (size_t i = 0; labels != NULL && i < n; i++)
        labels[i] = xai_model_label(model, (int64_t)i);
    return labels;
}

/* Only the method "induced" looks at weights, and only for it are they asked of the model. */
int cli_induce(xai_tree **tree, const cli_args *cli, const cli_subject *subject)
{
    xai_induce_options options = {
        .struct_size = sizeof options,
        .method = cli->method,
        .wordnet = cli->wordnet,
        .branching = (uint32_t)cli->branching,
        .seed = cli->seed,
    };
    size_t n_classes = xai_model_n_classes(subject->model);
    bool needs_weights = cli->method == NULL || strcmp(cli->method, "induced") == 0;
    const char **labels = list_labels(subject->model);
    id_list list = { 0 };
    xai_tensor *weights = NULL;
    int status = labels != NULL ? read_ids(cli, n_classes, &list) : cli_fail(cli, "out of memory");

    options.wnids = list.ids;
    options.labels = labels;
    if (status == CLI_GO_ON && needs_weights && xai_model_class_weights(&weights, subject->model) != XAI_OK)
        status = cli_fail_library(cli);
    if (status == CLI_GO_ON && xai_tree_induce(tree, subject->context, weights, n_classes, &options) != XAI_OK)
        status = cli_fail_library(cli);
    xai_tensor_unref(weights);
    free_ids(&list);
    free(labels);
    return status;
}

int cli_read_mode(const cli_args *cli, uint32_t *mode)
{
    *mode = XAI_TREE_HARD;
    if (cli->mode == NULL || strcmp(cli->mode, "hard") == 0)
        return CLI_GO_ON;
    *mode = XAI_TREE_SOFT;
    return strcmp(cli->mode, "soft") == 0 ? CLI_GO_ON
                                          : cli_misuse(cli, "--mode: expected hard or soft, got \"%s\"", cli->mode);
}
