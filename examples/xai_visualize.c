/* SPDX-License-Identifier: MIT
 * xai visualize: pictures of what channels, neurons and classes look for, as a contact sheet. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "xai_cli.h"

/* A sheet of 64 x 64 cells is as much as a viewer opens. */
enum { MAX_CELLS = 4096 };

/* What is asked for: a picture, or several variants, a subject each. */
typedef struct sheet {
    const cli_args *cli;
    cli_subject subject;
    cli_watch watch; /* Ctrl-C: the pictures so far are written */
    xai_run_options bar;
    xai_objective main; /* of which channel differs */
    int64_t *channels;  /* or classes */
    size_t n_channels, n_variants;
    xai_image **images; /* n_variants a channel */
    char **labels;
    float *objectives; /* a channel each: what the last step found */
    size_t n_done;     /* channels */
    double seconds;
} sheet;

/* --- what is asked for --- */

/* Reads "3" or "9-11" and moves text behind it; false where neither stands there. No layer has more channels than an
 * int32_t counts; bounded so, a number that strtol() cut off at the largest one is none, and counting up to the last
 * comes to an end. */
static bool read_range(const char **text, int32_t *first, int32_t *last)
{
    char *end;
    long low = strtol(*text, &end, 10), high = low;

    if (end != *text && *end == '-') {
        *text = end + 1;
        high = strtol(*text, &end, 10);
    }
    if (end == *text || low < 0 || high < low || high >= INT32_MAX)
        return false;
    *text = end;
    *first = (int32_t)low;
    *last = (int32_t)high;
    return true;
}

/* "0-15", "3", "3,7,9-11". */
static int read_channels(sheet *s, const char *text)
{
    const char *at = text;
    int32_t first, last;

    do {
        if (!read_range(&at, &first, &last) || (*at != ',' && *at != '\0'))
            return cli_misuse(s->cli, "--channels %s: expected numbers and ranges, such as 0-15 or 3,7", text);
        if ((size_t)(last - first) >= MAX_CELLS - s->n_channels)
            return cli_misuse(s->cli, "--channels %s: a sheet holds at most %d pictures", text, MAX_CELLS);
        for (int32_t c = first; c <= last; c++)
            s->channels[s->n_channels++] = c;
    } while (*at++ == ',');
    return CLI_GO_ON;
}

/* "5" or "5,3,3". Ten digits at most, of which a long long holds any: sscanf() says nothing of a number that it could
 * not hold. */
static int read_neuron(sheet *s, const char *text)
{
    long long channel = 0, y = -1, x = -1;
    char rest;
    int n = sscanf(text, "%10lld,%10lld,%10lld%c", &channel, &y, &x, &rest);

    if (n != 3 && !(n == 1 && strspn(text, "0123456789") == strlen(text) && strlen(text) <= 10))
        return cli_misuse(s->cli, "--neuron %s: expected a channel, or channel, row and column as 5,3,3", text);
    s->channels[s->n_channels++] = channel;
    s->main.kind = XAI_OBJECTIVE_NEURON;
    s->main.y = y;
    s->main.x = x;
    return CLI_GO_ON;
}

/* There is room: cli_visualize() counted them in. */
static int read_classes(sheet *s)
{
    const cli_list *classes = &s->cli->targets;

    for (size_t i = 0; i < classes->count; i++)
        if (xai_model_find_class(&s->channels[s->n_channels++], s->subject.model, classes->items[i]) < XAI_OK)
            return cli_fail_library(s->cli);
    s->main.kind = XAI_OBJECTIVE_CLASS;
    return CLI_GO_ON;
}

/* One of --channels, --neuron, --class and --deepdream; a class is a value of the network's end and has no layer. */
static int read_subject(sheet *s)
{
    const cli_args *cli = s->cli;
    int n = (cli->channels != NULL) + (cli->neuron != NULL) + (cli->targets.count > 0) + cli->deepdream;

    if (n != 1)
        return cli_misuse(cli, "give one of --channels, --neuron, --class and --deepdream");
    if ((cli->layers.count != 1) != (cli->targets.count > 0))
        return cli_misuse(cli, cli->targets.count > 0 ? "--class has no --layer" : "--layer: give one");
    s->main.layer = cli->layers.count > 0 ? cli->layers.items[0] : NULL;
    if (cli->targets.count > 0)
        return read_classes(s);
    if (cli->neuron != NULL)
        return read_neuron(s, cli->neuron);
    if (cli->channels != NULL)
        return read_channels(s, cli->channels);
    s->main.kind = XAI_OBJECTIVE_DEEPDREAM;
    s->channels[s->n_channels++] = 0;
    return CLI_GO_ON;
}

/* What stands under a cell and in the table; the caller frees it. */
static char *label_of(const sheet *s, int64_t channel)
{
    char buffer[32];

    switch (s->main.kind) {
    case XAI_OBJECTIVE_CLASS:
        return cli_format("%s", cli_label(s->subject.model, (size_t)channel, buffer, sizeof buffer));
    case XAI_OBJECTIVE_DEEPDREAM:
        return cli_format("%s", s->main.layer);
    default:
        return cli_format("%s:%lld", s->main.layer, (long long)channel);
    }
}

/* --- pictures --- */

/* One bar for the runs of all channels. */
static int32_t watch(uint64_t done, uint64_t total, void *user)
{
    const sheet *s = user;

    return s->bar.progress(s->n_done * total + done, s->n_channels * total, s->bar.user);
}

/* The objective, and what is asked of the pictures: penalties that were not given cost a step nothing, so they are left
 * out. Distances are from grey, the middle of what a pixel can be. */
static size_t collect(xai_objective *out, const sheet *s, size_t channel)
{
    const struct {
        uint32_t kind;
        float weight;
    } terms[] = {
        { XAI_OBJECTIVE_DIVERSITY, s->cli->diversity },
        { XAI_OBJECTIVE_TV, s->cli->tv },
        { XAI_OBJECTIVE_L1, s->cli->l1 },
        { XAI_OBJECTIVE_L2, s->cli->l2 },
        { XAI_OBJECTIVE_BLUR, s->cli->blur },
    };
    size_t n = 1;

    out[0] = s->main;
    out[0].channel = s->channels[channel];
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        bool is_gray = terms[i].kind == XAI_OBJECTIVE_L1 || terms[i].kind == XAI_OBJECTIVE_L2;

        if (terms[i].weight != 0)
            out[n++] = (xai_objective){ .kind = terms[i].kind,
                                        .weight = terms[i].weight,
                                        .parameter = is_gray ? 0.5f : 0,
                                        .layer = terms[i].kind == XAI_OBJECTIVE_DIVERSITY ? s->main.layer : NULL };
    }
    return n;
}

/* Each channel is a run of its own, so that its picture does not depend on which others are asked for. */
static int visualize(sheet *s, size_t channel, const xai_image *start)
{
    const cli_args *cli = s->cli;
    const xai_run_options run = { .struct_size = sizeof run, .seed = cli->seed, .progress = watch, .user = s };
    const xai_visualize_options options = {
        .struct_size = sizeof options,
        .parameterisation = cli->parameterisation,
        .profile = cli->profile,
        .picture = start,
        .run = &run,
        .n_steps = (uint32_t)cli->steps,
        .width = (uint32_t)cli->side,
        .height = (uint32_t)cli->side,
        .flags = (cli->plain ? XAI_VISUALIZE_PLAIN : 0u) | (cli->redirect ? XAI_VISUALIZE_REDIRECT : 0u),
        .learning_rate = cli->rate,
    };
    xai_objective objectives[8];
    size_t n = collect(objectives, s, channel), n_numbers;
    xai_tensor *trace = NULL;
    xai_status status = xai_visualize(s->images + channel * s->n_variants, s->n_variants, &trace, s->subject.session,
                                      objectives, n, &options);

    if (status < XAI_OK)
        return cli_fail_library(cli);
    /* A row a step, a column an objective, the main one first: the last row's first number. */
    n_numbers = xai_tensor_size(trace);
    s->objectives[channel] = xai_tensor_data(trace)[n_numbers - n];
    xai_tensor_unref(trace);
    for (size_t i = 0; i < s->n_variants; i++)
        s->labels[channel * s->n_variants + i] = label_of(s, s->channels[channel]);
    s->n_done++;
    return CLI_GO_ON;
}

static int visualize_all(sheet *s)
{
    xai_image *start = NULL;
    double before = cli_seconds();
    int status = CLI_GO_ON;

    if (s->cli->image != NULL && cli_is_url(s->cli, s->cli->image))
        return CLI_FAILED;
    if (s->cli->image != NULL && xai_image_load(&start, s->subject.context, s->cli->image, 0) < XAI_OK)
        return cli_fail_library(s->cli);
    for (size_t i = 0; i < s->n_channels && status == CLI_GO_ON && !s->watch.is_interrupted; i++)
        status = visualize(s, i, start);
    cli_watch_end(&s->watch);
    xai_image_unref(start);
    s->seconds = cli_seconds() - before;
    return status;
}

/* --- results --- */

/* One picture is written as it is, several as a sheet: a row for each channel that has variants. */
static int save(const sheet *s)
{
    const xai_image *const *images = (const xai_image *const *)s->images;
    size_t n = s->n_done * s->n_variants;
    xai_image *picture = NULL;
    xai_status status = XAI_OK;

    if (n == 1)
        picture = xai_image_ref(s->images[0]);
    else
        status = xai_image_sheet(&picture, s->subject.context, images, (const char *const *)s->labels, n,
                                 s->n_variants > 1 ? s->n_variants : 0);
    if (status == XAI_OK)
        status = xai_image_save(picture, s->cli->output, 0);
    xai_image_unref(picture);
    return status < XAI_OK ? cli_fail_library(s->cli) : CLI_GO_ON;
}

static int print_json(const sheet *s)
{
    const cli_args *cli = s->cli;
    json_object *document = json_object_new_object(), *list = json_object_new_array();

    json_object_object_add(document, "file", json_object_new_string(cli->output));
    if (s->main.layer != NULL)
        json_object_object_add(document, "layer", json_object_new_string(s->main.layer));
    json_object_object_add(document, "profile",
                           json_object_new_string(cli->profile != NULL ? cli->profile : "default"));
    json_object_object_add(document, "seed", json_object_new_uint64(cli->seed));
    json_object_object_add(document, "seconds", cli_json_number(s->seconds));
    for (size_t i = 0; i < s->n_done; i++) {
        json_object *row = json_object_new_object();

        if (s->main.kind != XAI_OBJECTIVE_DEEPDREAM)
            json_object_object_add(row, s->main.kind == XAI_OBJECTIVE_CLASS ? "class" : "channel",
                                   json_object_new_int64(s->channels[i]));
        json_object_object_add(row, "objective", cli_json_number((double)s->objectives[i]));
        json_object_array_add(list, row);
    }
    json_object_object_add(document, "pictures", list);
    return cli_json_print(cli, document);
}

/* Variants of a channel share its objective, so it is told once. */
static void print_table(const sheet *s)
{
    for (size_t i = 0; i < s->n_done && !s->cli->quiet; i++)
        printf("%-24s %.6g\n", s->labels[i * s->n_variants], (double)s->objectives[i]);
}

/* Before the first step: many channels with many variants each would fail after hours. */
static int allocate(sheet *s)
{
    size_t n = s->n_channels * s->n_variants;

    if (n > MAX_CELLS)
        return cli_misuse(s->cli, "%zu pictures are asked for, a sheet holds at most %d", n, MAX_CELLS);
    s->images = calloc(n, sizeof *s->images);
    s->labels = calloc(n, sizeof *s->labels);
    s->objectives = calloc(s->n_channels, sizeof *s->objectives);
    if (s->images == NULL || s->labels == NULL || s->objectives == NULL)
        return cli_fail(s->cli, "out of memory");
    return CLI_GO_ON;
}

/* Takes a sheet that got nowhere. */
static void clean_up(sheet *s)
{
    for (size_t i = 0; s->images != NULL && s->labels != NULL && i < s->n_channels * s->n_variants; i++) {
        xai_image_unref(s->images[i]);
        free(s->labels[i]);
    }
    free(s->images);
    free(s->labels);
    free(s->objectives);
    free(s->channels);
    cli_close(&s->subject);
}

/* A stop keeps the channels that are finished: the sheet is made of those. */
int cli_visualize(const cli_args *cli)
{
    sheet s = { .cli = cli, .n_variants = cli->pictures > 0 ? (size_t)cli->pictures : 1 };
    int status;

    if (cli->output == NULL)
        return cli_misuse(cli, "-o: give a file for the pictures, .png or .jpg");
    status = cli_check_output(cli, cli->output, cli_picture_endings);
    if (status != CLI_GO_ON)
        return status;
    s.channels = calloc(MAX_CELLS + cli->targets.count, sizeof *s.channels);
    if (s.channels == NULL)
        return cli_fail(cli, "out of memory");
    status = cli_open(&s.subject, cli, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);
    if (status == CLI_GO_ON)
        status = read_subject(&s);
    if (status == CLI_GO_ON)
        status = allocate(&s);
    cli_watch_begin(&s.watch, cli, &s.bar);
    if (status == CLI_GO_ON)
        status = visualize_all(&s);
    if (status == CLI_GO_ON && s.n_done > 0)
        status = save(&s);
    if (status == CLI_GO_ON && cli->json)
        status = print_json(&s);
    else if (status == CLI_GO_ON)
        print_table(&s);
    clean_up(&s);
    return status == CLI_GO_ON ? cli_watch_exit(status) : status;
}
