/* SPDX-License-Identifier: MIT
 * xai influence: which training pictures made a prediction, and which look mislabelled. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "xai_cli.h"

/* Cells of a sheet: small pictures are enlarged to about this. */
enum { CELL = 128 };

/* A network as it was at some time of its training: weights, and what they learned with. */
typedef struct checkpoint {
    cli_subject subject;
    double rate;
} checkpoint;

/* What a command works with. */
typedef struct influence {
    const cli_args *cli;
    checkpoint *checkpoints;
    xai_training **sets;
    double *rates;
    size_t n_checkpoints, n; /* checkpoints, training examples */
    xai_influence *method;
    double *scores;
    uint32_t *order;
    cli_watch watch;
    xai_run_options run;
} influence;

/* --- Ctrl-C --- */

/* An answer half computed is none, but features that were cached are kept. */
static int stop(const influence *f)
{
    if (f->cli->cache != NULL)
        cli_note(f->cli, "stopped; %s keeps the features so far, and the same command goes on from there",
                 f->cli->cache);
    else
        cli_note(f->cli, "stopped");
    return CLI_FAILED;
}

/* What a call of the library came to: a message where it failed, which stopping is not. */
static int finish(const influence *f, xai_status status, const char *path)
{
    if (cli_watch_exit(CLI_GO_ON) != CLI_GO_ON && (status < XAI_OK || status == XAI_PARTIAL))
        return stop(f);
    if (status >= XAI_OK)
        return CLI_GO_ON;
    return path != NULL ? cli_fail(f->cli, "%s: %s", path, xai_last_error()) : cli_fail_library(f->cli);
}

/* --- opening --- */

/* "FILE=RATE"; without a rate it is 1. */
static int open_checkpoint(checkpoint *out, const cli_args *cli, const char *text)
{
    const char *equals = text != NULL ? strrchr(text, '=') : NULL;
    char *path = text != NULL ? cli_format("%.*s", (int)(equals != NULL ? equals - text : (long)strlen(text)), text)
                              : NULL;
    char *end = NULL;
    cli_args changed = *cli;
    int status = CLI_GO_ON;

    out->rate = equals != NULL ? strtod(equals + 1, &end) : 1;
    if (equals != NULL && (end == equals + 1 || *end != '\0' || !isfinite(out->rate)))
        status = cli_misuse(cli, "--checkpoint: expected FILE=RATE with a number behind the last =, got \"%s\"", text);
    if (path != NULL)
        changed.weights = path;
    if (status == CLI_GO_ON)
        status = cli_open(&out->subject, &changed, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);
    free(path);
    return status;
}

/* Without --checkpoint the model that MODEL names is the only one. Counted as they are opened, so that close_all()
 * closes what there is. */
static int open_checkpoints(influence *f)
{
    size_t count = f->cli->checkpoints.count, n = count > 0 ? count : 1;
    int status = CLI_GO_ON;

    f->checkpoints = calloc(n, sizeof *f->checkpoints);
    f->sets = calloc(n, sizeof *f->sets);
    f->rates = calloc(n, sizeof *f->rates);
    if (f->checkpoints == NULL || f->sets == NULL || f->rates == NULL)
        return cli_fail(f->cli, "out of memory");
    for (; f->n_checkpoints < n && status == CLI_GO_ON; f->n_checkpoints++) {
        checkpoint *c = &f->checkpoints[f->n_checkpoints];

        status = open_checkpoint(c, f->cli, count > 0 ? f->cli->checkpoints.items[f->n_checkpoints] : NULL);
        f->rates[f->n_checkpoints] = c->rate;
    }
    return status;
}

/* Checkpoints behind the first have caches of their own. */
static int open_set(influence *f, size_t index)
{
    char *cache = f->cli->cache == NULL ? NULL
                  : index == 0          ? cli_format("%s", f->cli->cache)
                                        : cli_format("%s.%zu", f->cli->cache, index);
    xai_training_options options = { .struct_size = sizeof options,
                                     .list = f->cli->train,
                                     .cache = cache,
                                     .run = &f->run,
                                     .flags = f->cli->exif ? XAI_TRAINING_EXIF : 0 };
    xai_status status;

    cli_watch_cancels(f->checkpoints[index].subject.session);
    status = xai_training_open(&f->sets[index], f->checkpoints[index].subject.session, &options);
    cli_watch_end(&f->watch);
    free(cache);
    return finish(f, status, NULL);
}

static int open_method(influence *f)
{
    const cli_args *cli = f->cli;
    xai_influence_options options = { .struct_size = sizeof options,
                                      .method = cli->method,
                                      .solver = cli->solver,
                                      .product = cli->product,
                                      .profile = cli->profile,
                                      .parameters = cli->layers.count > 0 ? cli->layers.items : NULL,
                                      .n_parameters = cli->layers.count,
                                      .learning_rates = cli->checkpoints.count > 0 ? f->rates : NULL,
                                      .run = &f->run,
                                      .damping = cli->damping.value,
                                      .tolerance = cli->tolerance.value };

    int status = finish(f, xai_influence_create(&f->method, f->sets, f->n_checkpoints, &options), NULL);

    if (status != CLI_GO_ON)
        return status;
    f->n = xai_training_count(f->sets[0]);
    f->scores = calloc(f->n, sizeof *f->scores);
    f->order = calloc(f->n, sizeof *f->order);
    return f->scores != NULL && f->order != NULL ? CLI_GO_ON : cli_fail(cli, "out of memory");
}

/* Pictures of the network as it was left. */
static const cli_subject *last_subject(const influence *f)
{
    return &f->checkpoints[f->n_checkpoints - 1].subject;
}

/* --- words --- */

static const char *label_of(const influence *f, int64_t index, char *buffer, size_t capacity)
{
    return cli_label(last_subject(f)->model, (size_t)index, buffer, capacity);
}

/* Labels are the first set's: checkpoints have the same examples, or the library refuses them. */
static json_object *describe_example(const influence *f, uint32_t index)
{
    char buffer[32];
    json_object *row = json_object_new_object();

    json_object_object_add(row, "path", json_object_new_string(xai_training_path(f->sets[0], index)));
    json_object_object_add(
        row, "label",
        json_object_new_string(label_of(f, xai_training_label(f->sets[0], index), buffer, sizeof buffer)));
    json_object_object_add(row, "influence", cli_json_number(f->scores[index]));
    return row;
}

/* All, or with -k the first and, where harm can be, the last so many. */
static bool is_listed(const influence *f, size_t place)
{
    size_t top = (size_t)f->cli->top;

    return top == 0 || place < top || (!f->cli->self && place + top >= f->n);
}

static json_object *describe_examples(const influence *f)
{
    json_object *list = json_object_new_array();

    for (size_t i = 0; i < f->n; i++)
        if (is_listed(f, i))
            json_object_array_add(list, describe_example(f, f->order[i]));
    return list;
}

static void print_example(const influence *f, uint32_t index)
{
    char buffer[32];

    printf("%+11.3e  %-12s %s\n", f->scores[index],
           label_of(f, xai_training_label(f->sets[0], index), buffer, sizeof buffer),
           xai_training_path(f->sets[0], index));
}

static size_t n_printed(const influence *f)
{
    size_t top = f->cli->top > 0 ? (size_t)f->cli->top : 5;

    return top < f->n ? top : f->n;
}

static int print_json(const influence *f, const char *path, const xai_influence_record *record)
{
    char buffer[32];
    json_object *document = json_object_new_object();

    if (path != NULL) {
        json_object_object_add(document, "test", json_object_new_string(path));
        json_object_object_add(document, "prediction",
                               json_object_new_string(label_of(f, record->prediction, buffer, sizeof buffer)));
        json_object_object_add(document, "explained",
                               json_object_new_string(label_of(f, record->label, buffer, sizeof buffer)));
        json_object_object_add(document, "loss", cli_json_number(record->loss));
    }
    json_object_object_add(document, "method",
                           json_object_new_string(f->cli->method != NULL ? f->cli->method : "last-layer"));
    json_object_object_add(document, "residual", cli_json_number(record->residual));
    json_object_object_add(document, "examples", describe_examples(f));
    return cli_json_print(f->cli, document);
}

/* Only what helped is listed as helpful: of few examples the fifth from the top may be a harmful one. */
static void print_list(const influence *f, const xai_influence_record *record)
{
    char buffers[2][32];

    printf("Prediction: %s; explained: %s, loss %.4g; residual %.2g\n",
           label_of(f, record->prediction, buffers[0], sizeof buffers[0]),
           label_of(f, record->label, buffers[1], sizeof buffers[1]), record->loss, record->residual);
    puts("helpful");
    for (size_t i = 0; i < n_printed(f) && f->scores[f->order[i]] > 0; i++)
        print_example(f, f->order[i]);
    puts("harmful");
    for (size_t i = 0; i < n_printed(f) && f->scores[f->order[f->n - 1 - i]] < 0; i++)
        print_example(f, f->order[f->n - 1 - i]);
}

/* --- pictures --- */

typedef struct sheet {
    xai_image **images;
    char **labels;
    size_t n;
} sheet;

/* Whole multiples, so that pixels stay pixels; or smaller. */
static xai_status fit_cell(xai_image **out, const xai_image *image)
{
    int32_t width = xai_image_width(image), height = xai_image_height(image);
    int32_t longest = width > height ? width : height, factor = CELL / longest;

    if (factor > 0)
        return xai_image_resize(out, image, width * factor, height * factor, XAI_FILTER_NEAREST);
    width = (int32_t)((int64_t)width * CELL / longest);
    height = (int32_t)((int64_t)height * CELL / longest);
    return xai_image_resize(out, image, width > 0 ? width : 1, height > 0 ? height : 1, XAI_FILTER_BILINEAR);
}

static int add_cell(sheet *s, const influence *f, const xai_image *image, char *label)
{
    s->labels[s->n] = label;
    if (image != NULL && fit_cell(&s->images[s->n], image) < XAI_OK)
        return cli_fail_library(f->cli);
    s->n++;
    return CLI_GO_ON;
}

/* Eight letters of a label fit under a cell beside the score. */
static int add_example_cell(sheet *s, const influence *f, uint32_t index)
{
    char buffer[32];
    xai_image *image = NULL;
    int status;

    if (xai_training_image(&image, f->sets[0], index) < XAI_OK)
        return cli_fail_library(f->cli);
    status = add_cell(s, f, image,
                      cli_format("%.8s %+.1e",
                                 label_of(f, xai_training_label(f->sets[0], index), buffer, sizeof buffer),
                                 f->scores[index]));
    xai_image_unref(image);
    return status;
}

/* The test picture, then a row of the most helpful and one of the most harmful. */
static int fill_sheet(sheet *s, const influence *f, const xai_image *test, const xai_influence_record *record, size_t n)
{
    char buffer[32];
    int status = add_cell(s, f, test, cli_format("%s", label_of(f, record->prediction, buffer, sizeof buffer)));

    for (size_t i = 1; i < n && status == CLI_GO_ON; i++)
        status = add_cell(s, f, NULL, NULL);
    for (size_t i = 0; i < n && status == CLI_GO_ON; i++)
        status = add_example_cell(s, f, f->order[i]);
    for (size_t i = 0; i < n && status == CLI_GO_ON; i++)
        status = add_example_cell(s, f, f->order[f->n - 1 - i]);
    return status;
}

/* Rows are n cells wide, with empty ones beside the test picture. */
static int save_sheet(const influence *f, const xai_image *test, const xai_influence_record *record)
{
    size_t n = f->cli->top > 0 ? n_printed(f) : (f->n < 8 ? f->n : 8);
    sheet s = { calloc(3 * n + 1, sizeof *s.images), calloc(3 * n + 1, sizeof *s.labels), 0 };
    xai_image *picture = NULL;
    int status = s.images != NULL && s.labels != NULL ? fill_sheet(&s, f, test, record, n)
                                                      : cli_fail(f->cli, "out of memory");

    if (status == CLI_GO_ON && (xai_image_sheet(&picture, last_subject(f)->context, (const xai_image *const *)s.images,
                                                (const char *const *)s.labels, s.n, n) < XAI_OK ||
                                xai_image_save(picture, f->cli->sheet, 0) < XAI_OK))
        status = cli_fail_library(f->cli);
    for (size_t i = 0; s.images != NULL && s.labels != NULL && i < 3 * n; i++) {
        xai_image_unref(s.images[i]);
        free(s.labels[i]);
    }
    xai_image_unref(picture);
    free(s.images);
    free(s.labels);
    return status;
}

static int draw(const influence *f, const char *path, const xai_image *test, const xai_influence_record *record)
{
    int status = f->cli->sheet != NULL ? save_sheet(f, test, record) : CLI_GO_ON;

    if (status == CLI_GO_ON && f->cli->page != NULL &&
        xai_influence_page(f->cli->page, f->sets[0], f->scores, test, path, record, (size_t)f->cli->top) < XAI_OK)
        status = cli_fail_library(f->cli);
    return status;
}

/* --- questions --- */

/* The scores and their order are the last question's: each is drawn and told before the next. */
static int ask(influence *f, const char *path)
{
    xai_image *test = NULL;
    xai_tensor *input = NULL;
    xai_influence_record record;
    int64_t label = -1;
    int status = cli_load(f->cli, last_subject(f), path, &test, &input);

    if (status == CLI_GO_ON && f->cli->column != NULL &&
        xai_model_find_class(&label, last_subject(f)->model, f->cli->column) < XAI_OK)
        status = cli_fail_library(f->cli);
    if (status == CLI_GO_ON) {
        status = finish(f, xai_influence_compute(f->scores, &record, f->method, input, &label), path);
        cli_watch_end(&f->watch);
    }
    if (status == CLI_GO_ON) {
        xai_influence_rank(f->order, f->scores, f->n);
        status = draw(f, path, test, &record);
    }
    if (status == CLI_GO_ON && f->cli->json)
        status = print_json(f, path, &record);
    else if (status == CLI_GO_ON)
        print_list(f, &record);
    xai_tensor_unref(input);
    xai_image_unref(test);
    return status;
}

static int ask_self(influence *f)
{
    xai_influence_record record = { 0 };
    int status = finish(f, xai_influence_self(f->scores, &record.residual, f->method), NULL);

    cli_watch_end(&f->watch);
    if (status != CLI_GO_ON)
        return status;
    xai_influence_rank(f->order, f->scores, f->n);
    if (f->cli->json)
        return print_json(f, NULL, &record);
    printf("self-influence, residual %.2g\n", record.residual);
    for (size_t i = 0; i < n_printed(f); i++)
        print_example(f, f->order[i]);
    return CLI_GO_ON;
}

static int check_usage(const cli_args *cli)
{
    size_t n_tests = cli->targets.count;
    int status;

    if (cli->train == NULL)
        return cli_misuse(cli, "--train: expected a list of training pictures");
    if ((n_tests > 0) == cli->self)
        return cli_misuse(cli, "expected --test IMAGE or --self, got %s", cli->self ? "both" : "neither");
    if ((cli->sheet != NULL || cli->page != NULL) && n_tests != 1)
        return cli_misuse(cli, "--sheet and --page are about one --test picture, got %zu", n_tests);
    status = cli_check_output(cli, cli->sheet, cli_picture_endings);
    return status == CLI_GO_ON ? cli_check_output(cli, cli->page, NULL) : status;
}

/* The method first: it keeps the sets, and these the sessions. */
static void close_all(influence *f)
{
    xai_influence_unref(f->method);
    for (size_t i = 0; i < f->n_checkpoints; i++) {
        xai_training_unref(f->sets[i]);
        cli_close(&f->checkpoints[i].subject);
    }
    free(f->checkpoints);
    free(f->sets);
    free(f->rates);
    free(f->scores);
    free(f->order);
}

/* A test picture that cannot be read is told and left out; the others are answered, and the exit code remembers. */
int cli_influence(const cli_args *cli)
{
    influence f = { .cli = cli, .run = { .struct_size = sizeof f.run, .seed = cli->seed } };
    int status = check_usage(cli), all = CLI_GO_ON;

    if (status == CLI_GO_ON)
        status = open_checkpoints(&f);
    cli_watch_begin(&f.watch, cli, &f.run);
    for (size_t i = 0; i < f.n_checkpoints && status == CLI_GO_ON; i++)
        status = open_set(&f, i);
    if (status == CLI_GO_ON)
        status = open_method(&f);
    if (status == CLI_GO_ON && cli->self)
        status = ask_self(&f);
    for (size_t i = 0; i < cli->targets.count && status == CLI_GO_ON && cli_watch_exit(CLI_GO_ON) == CLI_GO_ON; i++)
        if (ask(&f, cli->targets.items[i]) != CLI_GO_ON)
            all = CLI_FAILED;
    cli_watch_cancels(NULL);
    close_all(&f);
    return cli_watch_exit(status == CLI_GO_ON ? all : status);
}
