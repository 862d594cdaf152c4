/* SPDX-License-Identifier: MIT
 * What commands that explain pictures share: maps drawn, as numbers and as JSON.
 *
 * A family of methods says how one is begun, how a picture is explained and what it draws besides (cli_explainer). Here
 * is all the rest: the pictures one after the other, one forward pass for all targets of one, names of files, and the
 * three ways of telling the result. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "xai_maps.h"

/* What is the same for all pictures. */
typedef struct map_job {
    const cli_args *cli;
    cli_subject subject;
    const cli_explainer *explainer;
    void *state; /* of the explainer */
    xai_target *targets;
    size_t n_targets;
} map_job;

/* One picture's explanations. */
typedef struct map_result {
    const char *path;
    xai_image *crop;
    xai_tensor *input;
    double seconds;
    xai_attribution **maps;
    json_object **words; /* what the library says of each map */
    char *npy;           /* file of the numbers, or NULL */
    bool flat;           /* some map was the same everywhere */
    float low, high;     /* range of the map as --npy writes it */
    int64_t shape[3];    /* of one map */
    size_t rank;
} map_result;

static const char *method_name(const map_job *job)
{
    return job->cli->method != NULL ? job->cli->method : job->explainer->method;
}

/* Folder/STEM.METHOD[.INDEX]ENDING; the caller frees it. */
static char *output_name(const map_job *job, const map_result *result, size_t which, const char *ending)
{
    const char *folder = job->cli->output != NULL ? job->cli->output : ".";
    char index[32] = "";
    size_t length;
    const char *stem = cli_stem(result->path, &length);

    if (job->n_targets > 1)
        snprintf(index, sizeof index, ".%lld", (long long)xai_attribution_target(result->maps[which]));
    return cli_format("%s/%.*s.%s%s%s", folder, (int)length, stem, method_name(job), index, ending);
}

/* Only the last part of the path; a folder that is there is fine. */
static int make_folder(const cli_args *cli, const char *path)
{
    struct stat entry;

    if (mkdir(path, 0777) == 0)
        return CLI_GO_ON;
    if (errno == EEXIST)
        return stat(path, &entry) == 0 && S_ISDIR(entry.st_mode) ? CLI_GO_ON : cli_fail(cli, "%s: is no folder", path);
    return cli_fail(cli, "%s: folder cannot be made: %s", path, strerror(errno));
}

int cli_draw_options(xai_draw_options *out, const cli_args *cli, bool is_overlay)
{
    static const char *const kinds[] = { "heat", "masked", "contours" };
    uint32_t kind = XAI_DRAW_HEAT;

    while (cli->draw != NULL && strcmp(cli->draw, kinds[kind]) != 0)
        if (++kind == sizeof kinds / sizeof *kinds)
            return cli_misuse(cli, "--draw %s: expected heat, masked or contours", cli->draw);
    *out = (xai_draw_options){ .struct_size = sizeof *out,
                               .style = cli->colors,
                               .kind = is_overlay ? kind : XAI_DRAW_HEAT,
                               .percentile = cli->clip };
    return CLI_GO_ON;
}

static int save_picture(const map_job *job, map_result *result, size_t which, const xai_image *under,
                        const char *ending)
{
    char *name = output_name(job, result, which, ending);
    xai_image *picture = NULL;
    xai_draw_options options;
    xai_status status;

    /* cli_maps() has looked at what was asked for; nothing is left to go wrong. */
    cli_draw_options(&options, job->cli, under != NULL);
    status = xai_attribution_draw_with(&picture, result->maps[which], under, &options);

    result->flat |= status == XAI_FLAT;
    if (status >= XAI_OK)
        status = xai_image_save(picture, name, 0);
    if (status < XAI_OK)
        cli_fail_library(job->cli);
    xai_image_unref(picture);
    free(name);
    return status < XAI_OK ? CLI_FAILED : CLI_GO_ON;
}

/* What the family draws beside heat. */
static int save_extra_picture(const map_job *job, const map_result *result, size_t which, const char *picture)
{
    char *ending = cli_format(".%s.png", picture), *name = output_name(job, result, which, ending);
    xai_image *image = NULL;
    xai_status status = job->explainer->draw(&image, job->state, result->maps[which], result->crop, picture);

    if (status >= XAI_OK)
        status = xai_image_save(image, name, 0);
    if (status < XAI_OK)
        cli_fail_library(job->cli);
    xai_image_unref(image);
    free(ending);
    free(name);
    return status < XAI_OK ? CLI_FAILED : CLI_GO_ON;
}

/* Heat alone for whoever measures, over the picture for whoever looks. */
static int save_pictures(const map_job *job, map_result *result)
{
    const char *const *extra = job->explainer->pictures;
    int status = CLI_GO_ON;

    for (size_t i = 0; i < job->n_targets && status == CLI_GO_ON; i++) {
        status = save_picture(job, result, i, NULL, ".heatmap.png");
        if (status == CLI_GO_ON)
            status = save_picture(job, result, i, result->crop, ".overlay.png");
        for (size_t k = 0; extra != NULL && extra[k] != NULL && status == CLI_GO_ON; k++)
            status = save_extra_picture(job, result, i, extra[k]);
    }
    return status;
}

static void note_range(map_result *result, const float *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        result->low = data[i] < result->low ? data[i] : result->low;
        result->high = data[i] > result->high ? data[i] : result->high;
    }
}

/* Puts map number which into its place in stack, which is made for the first one. */
static xai_status stack_map(const map_job *job, map_result *result, size_t which, xai_tensor **stack)
{
    int64_t shape[4] = { 0 };
    xai_tensor *map = NULL;
    xai_status status;
    size_t size;

    xai_model_input_shape(job->subject.model, shape, 4);
    status = xai_attribution_map(&map, result->maps[which], job->cli->grid ? 0 : shape[2],
                                 job->cli->grid ? 0 : shape[3], XAI_NORMALISE_PROFILE);
    result->flat |= status == XAI_FLAT;
    if (status < XAI_OK)
        return status;
    size = xai_tensor_size(map);
    if (*stack == NULL) {
        int64_t full[4] = { (int64_t)job->n_targets };
        result->rank = xai_tensor_shape(map, result->shape, 3);
        memcpy(full + 1, result->shape, sizeof result->shape);
        result->low = result->high = xai_tensor_data(map)[0];
        status = job->n_targets > 1 ? xai_tensor_create(stack, job->subject.context, full, 1 + result->rank)
                                    : xai_tensor_create(stack, job->subject.context, full + 1, result->rank);
    }
    if (status >= XAI_OK) {
        memcpy(xai_tensor_data(*stack) + which * size, xai_tensor_data(map), size * sizeof(float));
        note_range(result, xai_tensor_data(map), size);
    }
    xai_tensor_unref(map);
    return status;
}

/* FILE, or FOLDER/STEM.METHOD.npy where there are several pictures. */
static char *npy_name(const map_job *job, const map_result *result)
{
    size_t length;
    const char *stem = cli_stem(result->path, &length);

    if (job->cli->operands.count == 1)
        return cli_format("%s", job->cli->npy);
    return cli_format("%s/%.*s.%s.npy", job->cli->npy, (int)length, stem, method_name(job));
}

/* Also done without --npy, for the range that JSON tells. */
static int save_numbers(const map_job *job, map_result *result)
{
    xai_tensor *stack = NULL;
    xai_status status = XAI_OK;

    for (size_t i = 0; i < job->n_targets && status >= XAI_OK; i++)
        status = stack_map(job, result, i, &stack);
    if (status >= XAI_OK && job->cli->npy != NULL) {
        result->npy = npy_name(job, result);
        status = xai_tensor_save(stack, result->npy);
    }
    if (status < XAI_OK)
        cli_fail_library(job->cli);
    xai_tensor_unref(stack);
    return status < XAI_OK ? CLI_FAILED : CLI_GO_ON;
}

/* A member of what the library says, as a new reference; NULL, which is JSON's null, where it says nothing. */
static json_object *said(json_object *words, const char *name)
{
    json_object *value = NULL;

    json_object_object_get_ex(words, name, &value);
    return json_object_get(value);
}

/* Builders of JSON: each gives a new object to its caller, and json-c's "add" takes over what it is given. */
static json_object *describe_targets(const map_job *job, const map_result *result)
{
    json_object *list = json_object_new_array();

    for (size_t i = 0; i < job->n_targets; i++)
        json_object_array_add(list, said(result->words[i], "target"));
    return list;
}

static json_object *describe_map(const map_job *job, const map_result *result)
{
    json_object *map = json_object_new_object();
    json_object *shape = json_object_new_array();

    if (job->n_targets > 1)
        json_object_array_add(shape, json_object_new_int64((int64_t)job->n_targets));
    for (size_t i = 0; i < result->rank; i++)
        json_object_array_add(shape, json_object_new_int64(result->shape[i]));
    json_object_object_add(map, "file", result->npy != NULL ? json_object_new_string(result->npy) : NULL);
    json_object_object_add(map, "shape", shape);
    json_object_object_add(map, "min", cli_json_number((double)result->low));
    json_object_object_add(map, "max", cli_json_number((double)result->high));
    return map;
}

static void describe_extra_pictures(json_object *row, const map_job *job, const map_result *result, size_t which)
{
    const char *const *extra = job->explainer->pictures;

    for (size_t k = 0; extra != NULL && extra[k] != NULL; k++) {
        char *ending = cli_format(".%s.png", extra[k]), *name = output_name(job, result, which, ending);

        json_object_object_add(row, extra[k], json_object_new_string(name));
        free(ending);
        free(name);
    }
}

static json_object *describe_pictures(const map_job *job, const map_result *result)
{
    json_object *list = json_object_new_array();

    for (size_t i = 0; i < job->n_targets; i++) {
        char *heatmap = output_name(job, result, i, ".heatmap.png");
        char *overlay = output_name(job, result, i, ".overlay.png");
        json_object *row = json_object_new_object();

        json_object_object_add(row, "heatmap", json_object_new_string(heatmap));
        json_object_object_add(row, "overlay", json_object_new_string(overlay));
        describe_extra_pictures(row, job, result, i);
        json_object_array_add(list, row);
        free(heatmap);
        free(overlay);
    }
    return list;
}

/* Copies what the library says into the document, where it is not there already. */
static void add_words(json_object *document, json_object *words)
{
    json_object_object_foreach(words, name, value)
    {
        if (strcmp(name, "target") != 0 && !json_object_object_get_ex(document, name, NULL))
            json_object_object_add(document, name, json_object_get(value));
    }
}

/* Order and names are a promise: members may be added, none changes. */
static int print_json(const map_job *job, const map_result *result)
{
    json_object *document = json_object_new_object();
    json_object *words = result->words[0];

    json_object_object_add(document, "image", json_object_new_string(result->path));
    json_object_object_add(document, "method", said(words, "method"));
    json_object_object_add(document, "profile", said(words, "profile"));
    json_object_object_add(document, "layers", said(words, "layers"));
    json_object_object_add(document, "targets", describe_targets(job, result));
    json_object_object_add(document, "map", describe_map(job, result));
    add_words(document, words);
    json_object_object_add(document, "seconds", cli_json_number(result->seconds));
    json_object_object_add(document, "pictures", describe_pictures(job, result));
    return cli_json_print(job->cli, document);
}

static void print_picture(const map_job *job, const map_result *result, size_t which, const char *picture)
{
    char *ending = cli_format(".%s.png", picture), *name = output_name(job, result, which, ending);

    printf(", %s", name);
    free(ending);
    free(name);
}

/* A line a target: what it is, how sure the network is, and all files that show why. */
static void print_text(const map_job *job, const map_result *result)
{
    const char *const *extra = job->explainer->pictures;

    for (size_t i = 0; i < job->n_targets; i++) {
        size_t index = (size_t)xai_attribution_target(result->maps[i]);
        json_object *target = said(result->words[i], "target"), *probability = said(target, "probability");
        char *heatmap = output_name(job, result, i, ".heatmap.png");
        char buffer[32];

        printf("%s: %s (%.2f%%): %s", result->path, cli_label(job->subject.model, index, buffer, sizeof buffer),
               100 * json_object_get_double(probability), heatmap);
        print_picture(job, result, i, "overlay");
        for (size_t k = 0; extra != NULL && extra[k] != NULL; k++)
            print_picture(job, result, i, extra[k]);
        putchar('\n');
        json_object_put(probability);
        json_object_put(target);
        free(heatmap);
    }
}

static size_t describe(void *attribution, char *buffer, size_t capacity)
{
    return xai_attribution_json(attribution, buffer, capacity);
}

/* --state: FILE, or FOLDER/STEM.METHOD.state where there are several pictures. */
static int open_state(const map_job *job, const map_result *result, cli_kept *kept)
{
    const cli_args *cli = job->cli;
    size_t length;
    const char *stem = cli_stem(result->path, &length);
    char *path = cli->operands.count == 1
                     ? cli_format("%s", cli->state)
                     : cli_format("%s/%.*s.%s.state", cli->state, (int)length, stem, method_name(job));
    int status = cli_kept_open(kept, cli, job->subject.context, path);

    if (status == CLI_GO_ON)
        job->explainer->keep(job->state, kept);
    return status;
}

void cli_note_stopped(const cli_args *cli, const cli_explainer *explainer, const char *what, const xai_attribution *map)
{
    cli_note(cli, "%s: stopped after %.0f %s", what, xai_attribution_number(map, explainer->counts), explainer->counts);
}

static int ask(const map_job *job, map_result *result)
{
    xai_status status = job->explainer->explain(result->maps, job->state, result->input, job->targets, job->n_targets);

    if (status < XAI_OK)
        return cli_fail(job->cli, "%s: %s", result->path, xai_last_error());
    if (status == XAI_PARTIAL)
        cli_note_stopped(job->cli, job->explainer, result->path, result->maps[0]);
    return CLI_GO_ON;
}

/* Whatever it comes to, what is known is written. */
static int run(const map_job *job, map_result *result)
{
    cli_kept kept = { 0 };
    int status = job->cli->state != NULL ? open_state(job, result, &kept) : CLI_GO_ON;

    if (status == CLI_GO_ON)
        status = ask(job, result);
    if (cli_kept_close(&kept, job->cli) != CLI_GO_ON)
        status = CLI_FAILED;
    return status;
}

/* The time is that of the explanation, a state that is kept included; neither reading pictures nor drawing is in it. */
static int compute(const map_job *job, map_result *result)
{
    double start = cli_seconds();
    int status = run(job, result);

    if (status != CLI_GO_ON)
        return status;
    result->seconds = cli_seconds() - start;
    for (size_t i = 0; i < job->n_targets; i++) {
        result->words[i] = cli_json_describe(describe, result->maps[i]);
        if (result->words[i] == NULL)
            return cli_fail(job->cli, "%s: out of memory", result->path);
    }
    return CLI_GO_ON;
}

static int explain(const map_job *job, map_result *result)
{
    int status = cli_load(job->cli, &job->subject, result->path, &result->crop, &result->input);

    if (status == CLI_GO_ON && job->explainer->look != NULL)
        status = job->explainer->look(job->state, result->crop);
    if (status == CLI_GO_ON)
        status = compute(job, result);
    if (status == CLI_GO_ON)
        status = save_pictures(job, result);
    if (status == CLI_GO_ON)
        status = save_numbers(job, result);
    if (status != CLI_GO_ON)
        return status;
    if (result->flat)
        cli_note(job->cli, "%s: the map is the same everywhere, so there is nothing to see", result->path);
    if (job->cli->json)
        return print_json(job, result);
    if (!job->cli->quiet)
        print_text(job, result);
    return CLI_GO_ON;
}

static int explain_path(const map_job *job, const char *path)
{
    map_result result = { .path = path };
    int status;

    result.maps = calloc(job->n_targets, sizeof *result.maps);
    result.words = calloc(job->n_targets, sizeof *result.words);
    if (result.maps == NULL || result.words == NULL)
        status = cli_fail(job->cli, "%s: out of memory", path);
    else
        status = explain(job, &result);
    for (size_t i = 0; i < job->n_targets; i++) {
        if (result.maps != NULL)
            xai_attribution_unref(result.maps[i]);
        if (result.words != NULL)
            json_object_put(result.words[i]);
    }
    free(result.words);
    free(result.maps);
    free(result.npy);
    xai_tensor_unref(result.input);
    xai_image_unref(result.crop);
    return status;
}

/* Two pictures of one name would overwrite each other's output. */
static int check_stems(const map_job *job)
{
    const cli_args *cli = job->cli;

    for (size_t i = 1; i < cli->operands.count; i++) {
        size_t length, other_length;
        const char *stem = cli_stem(cli->operands.items[i], &length);
        for (size_t j = 0; j < i; j++) {
            const char *other = cli_stem(cli->operands.items[j], &other_length);
            if (length == other_length && memcmp(stem, other, length) == 0)
                return cli_misuse(cli, "%s and %s: both would be written as %.*s.%s.*; run them one by one",
                                  cli->operands.items[j], cli->operands.items[i], (int)length, stem, method_name(job));
        }
    }
    return CLI_GO_ON;
}

/* Without --target one target, whose index of -1 means the class that the network sees. */
int cli_find_targets(xai_target **out, size_t *n, const cli_args *cli, const xai_model *model)
{
    const cli_list *names = &cli->targets;

    *n = names->count > 0 ? names->count : 1;
    *out = calloc(*n, sizeof **out);
    if (*out == NULL)
        return cli_fail(cli, "out of memory");
    (*out)[0].index = -1;
    for (size_t i = 0; i < names->count; i++) {
        if (xai_model_find_class(&(*out)[i].index, model, names->items[i]) != XAI_OK)
            return cli_fail_library(cli);
    }
    return CLI_GO_ON;
}

/* Folders come last: nothing is made for a command that cannot go on. */
static int prepare(map_job *job)
{
    const cli_args *cli = job->cli;
    int status = cli_open(&job->subject, cli, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);

    if (status == CLI_GO_ON)
        status = cli_find_targets(&job->targets, &job->n_targets, cli, job->subject.model);
    if (status == CLI_GO_ON)
        status = job->explainer->begin(&job->state, cli, &job->subject, method_name(job));
    if (status == CLI_GO_ON && cli->output != NULL)
        status = make_folder(cli, cli->output);
    if (status == CLI_GO_ON && cli->npy != NULL && cli->operands.count > 1)
        status = make_folder(cli, cli->npy);
    if (status == CLI_GO_ON && cli->state != NULL && cli->operands.count > 1)
        status = make_folder(cli, cli->state);
    return status;
}

/* Before anything is computed. */
static int check_usage(const cli_args *cli)
{
    xai_draw_options unused;
    int status = cli_draw_options(&unused, cli, true);

    if (status != CLI_GO_ON)
        return status;
    if (cli->sheet != NULL && cli->state != NULL)
        return cli_misuse(cli, "--state: a sheet keeps none");
    status = cli_check_output(cli, cli->sheet, cli_picture_endings);
    /* Of several pictures it names a folder, which is made. */
    return status == CLI_GO_ON && cli->operands.count == 1 ? cli_check_output(cli, cli->npy, NULL) : status;
}

int cli_maps(const cli_args *cli, const cli_explainer *explainer)
{
    map_job job = { .cli = cli, .explainer = explainer };
    int status = check_usage(cli);
    bool ready;

    if (status != CLI_GO_ON)
        return status;
    if (cli->sheet != NULL) {
        status = cli_sheet(cli, explainer);
        return explainer->stopped != NULL ? cli_watch_exit(status) : status;
    }
    status = check_stems(&job);
    if (status != CLI_GO_ON)
        return status;
    status = prepare(&job);
    ready = status == CLI_GO_ON;
    for (size_t i = 0; ready && i < cli->operands.count; i++) {
        if (explainer->stopped != NULL && explainer->stopped(job.state))
            break;
        if (explain_path(&job, cli->operands.items[i]) != CLI_GO_ON)
            status = CLI_FAILED;
    }
    explainer->end(job.state);
    free(job.targets);
    cli_close(&job.subject);
    return explainer->stopped != NULL ? cli_watch_exit(status) : status;
}
