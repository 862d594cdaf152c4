/* SPDX-License-Identifier: MIT
 * Contact sheets: what several methods say about pictures, side by side. */
#include <stdlib.h>
#include <string.h>

#include "xai_maps.h"

/* The cells so far. */
typedef struct sheet {
    const cli_args *cli;
    const cli_explainer *explainer;
    cli_subject subject;
    xai_target *targets;
    size_t n_targets;
    xai_image **images;
    char **labels;
    size_t n, capacity, n_a_row;
    bool is_stopped; /* Ctrl-C: what there is so far is drawn */
} sheet;

/* Takes over image and label, whatever happens. An image of NULL is an empty place. */
static int add_cell(sheet *s, xai_image *image, char *label)
{
    if (s->n == s->capacity) {
        size_t capacity = 2 * s->capacity + 16;
        xai_image **images = realloc(s->images, capacity * sizeof *images);
        char **labels = realloc(s->labels, capacity * sizeof *labels);

        s->images = images != NULL ? images : s->images;
        s->labels = labels != NULL ? labels : s->labels;
        if (images == NULL || labels == NULL) {
            xai_image_unref(image);
            free(label);
            return cli_fail(s->cli, "out of memory");
        }
        s->capacity = capacity;
    }
    s->images[s->n] = image;
    s->labels[s->n++] = label;
    return CLI_GO_ON;
}

/* With several targets a cell's label names its class as well. */
static int draw_cell(sheet *s, const xai_attribution *a, const xai_image *crop, const char *method)
{
    size_t index = (size_t)xai_attribution_target(a);
    xai_draw_options options;
    xai_image *picture = NULL;
    char buffer[32];
    int status = cli_draw_options(&options, s->cli, true);

    if (status != CLI_GO_ON)
        return status;
    if (xai_attribution_draw_with(&picture, a, crop, &options) < XAI_OK)
        return cli_fail_library(s->cli);
    if (s->n_targets == 1)
        return add_cell(s, picture, cli_format("%s", method));
    return add_cell(s, picture,
                    cli_format("%s: %s", method, cli_label(s->subject.model, index, buffer, sizeof buffer)));
}

/* A method that this network or profile does not have leaves its place empty. */
static int add_method(sheet *s, const xai_image *crop, const xai_tensor *input, const char *method)
{
    xai_attribution **maps = calloc(s->n_targets, sizeof *maps);
    xai_status explained = XAI_OK;
    void *state = NULL;
    int status = CLI_GO_ON;

    if (maps == NULL)
        return cli_fail(s->cli, "out of memory");
    if (s->explainer->begin(&state, s->cli, &s->subject, method) != CLI_GO_ON) {
        cli_note(s->cli, "%s is left out", method);
    } else if (s->explainer->look != NULL && s->explainer->look(state, crop) != CLI_GO_ON) {
        cli_note(s->cli, "%s is left out", method);
    } else {
        explained = s->explainer->explain(maps, state, input, s->targets, s->n_targets);
    }
    if (explained < XAI_OK) {
        cli_fail_library(s->cli);
        cli_note(s->cli, "%s is left out", method);
    } else if (explained == XAI_PARTIAL) {
        cli_note_stopped(s->cli, s->explainer, method, maps[0]);
    }
    for (size_t i = 0; i < s->n_targets && status == CLI_GO_ON; i++)
        status = maps[i] != NULL ? draw_cell(s, maps[i], crop, method)
                                 : add_cell(s, NULL, cli_format("%s: none", method));
    for (size_t i = 0; i < s->n_targets; i++)
        xai_attribution_unref(maps[i]);
    s->is_stopped = state != NULL && s->explainer->stopped != NULL && s->explainer->stopped(state);
    s->explainer->end(state);
    free(maps);
    return status;
}

/* The picture itself, then a cell for each method and target. */
static int add_row(sheet *s, const char *path, xai_image *crop, const xai_tensor *input)
{
    const char *const chosen[2] = { s->cli->method, NULL };
    const char *const *methods = s->cli->method != NULL ? chosen : s->explainer->methods;
    size_t length, first = s->n;
    const char *stem = cli_stem(path, &length);
    int status = add_cell(s, xai_image_ref(crop), cli_format("%.*s", (int)length, stem));

    for (size_t i = 0; methods[i] != NULL && status == CLI_GO_ON && !s->is_stopped; i++)
        status = add_method(s, crop, input, methods[i]);
    s->n_a_row = s->n - first;
    return status;
}

/* A picture that cannot be read has no row, and is told by *failed; other failures end the sheet. */
static int add_picture(sheet *s, const char *path, bool *failed)
{
    xai_image *crop = NULL;
    xai_tensor *input = NULL;
    int status = CLI_GO_ON;

    if (cli_load(s->cli, &s->subject, path, &crop, &input) == CLI_GO_ON)
        status = add_row(s, path, crop, input);
    else
        *failed = true;
    xai_tensor_unref(input);
    xai_image_unref(crop);
    return status;
}

/* One picture fills a square, several have a row each. */
static int save(const sheet *s)
{
    const xai_image *const *images = (const xai_image *const *)s->images;
    size_t n_columns = s->cli->operands.count > 1 ? s->n_a_row : 0;
    xai_image *picture = NULL;
    xai_status status = xai_image_sheet(&picture, s->subject.context, images, (const char *const *)s->labels, s->n,
                                        n_columns);

    if (status == XAI_OK)
        status = xai_image_save(picture, s->cli->sheet, 0);
    xai_image_unref(picture);
    if (status < XAI_OK)
        return cli_fail_library(s->cli);
    if (!s->cli->quiet && !s->cli->json)
        printf("%s\n", s->cli->sheet);
    return CLI_GO_ON;
}

/* Stopped, or with a picture that cannot be read, the sheet is drawn of what there is. */
int cli_sheet(const cli_args *cli, const cli_explainer *explainer)
{
    sheet s = { .cli = cli, .explainer = explainer };
    bool failed = false;
    int status = cli_open(&s.subject, cli, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);

    if (status == CLI_GO_ON)
        status = cli_find_targets(&s.targets, &s.n_targets, cli, s.subject.model);
    for (size_t i = 0; i < cli->operands.count && status == CLI_GO_ON && !s.is_stopped; i++)
        status = add_picture(&s, cli->operands.items[i], &failed);
    if (status == CLI_GO_ON && s.n > 0)
        status = save(&s);
    if (status == CLI_GO_ON && failed)
        status = CLI_FAILED;
    for (size_t i = 0; i < s.n; i++) {
        xai_image_unref(s.images[i]);
        free(s.labels[i]);
    }
    free(s.images);
    free(s.labels);
    free(s.targets);
    cli_close(&s.subject);
    return status;
}
