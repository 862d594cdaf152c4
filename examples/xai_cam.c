/* SPDX-License-Identifier: MIT
 * xai cam: class activation maps of pictures, drawn and as numbers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "xai_cli.h"

/* What is the same for all pictures. */
typedef struct cam_job {
    const cli_args *cli;
    cli_subject subject;
    xai_cam *cam;
    xai_target *targets;
    size_t n_targets;
} cam_job;

/* One picture's explanations. */
typedef struct cam_result {
    const char *path;
    xai_image *crop;
    xai_tensor *input;
    double seconds;
    xai_attribution **maps;
    json_object **words; /* what the library says of each map */
    char *npy;           /* file of the numbers, or NULL */
    bool flat;           /* some map was the same everywhere */
    float low, high;     /* range of the map as --npy writes it */
    int64_t shape[2];
} cam_result;

static const char *method_name(const cli_args *cli)
{
    return cli->method != NULL ? cli->method : "cam";
}

/* Folder/STEM.METHOD[.INDEX]ENDING; the caller frees it. */
static char *output_name(const cam_job *job, const cam_result *result, size_t which, const char *ending)
{
    const char *folder = job->cli->output != NULL ? job->cli->output : ".";
    char index[32] = "";
    size_t length;
    const char *stem = cli_stem(result->path, &length);

    if (job->n_targets > 1)
        snprintf(index, sizeof index, ".%lld", (long long)xai_attribution_target(result->maps[which]));
    return cli_format("%s/%.*s.%s%s%s", folder, (int)length, stem, method_name(job->cli), index, ending);
}

static int make_folder(const cli_args *cli, const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return CLI_GO_ON;
    return cli_fail(cli, "%s: folder cannot be made: %s", path, strerror(errno));
}

static int save_picture(const cam_job *job, cam_result *result, size_t which, const xai_image *under,
                        const char *ending)
{
    char *name = output_name(job, result, which, ending);
    xai_image *picture = NULL;
    xai_status status = xai_attribution_draw(&picture, result->maps[which], under, NULL);

    result->flat |= status == XAI_FLAT;
    if (status >= XAI_OK)
        status = xai_image_save(picture, name, 0);
    if (status < XAI_OK)
        cli_fail_library(job->cli);
    xai_image_unref(picture);
    free(name);
    return status < XAI_OK ? CLI_FAILED : CLI_GO_ON;
}

static int save_pictures(const cam_job *job, cam_result *result)
{
    int status = CLI_GO_ON;

    for (size_t i = 0; i < job->n_targets && status == CLI_GO_ON; i++) {
        status = save_picture(job, result, i, NULL, ".heatmap.png");
        if (status == CLI_GO_ON)
            status = save_picture(job, result, i, result->crop, ".overlay.png");
    }
    return status;
}

static void note_range(cam_result *result, const float *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        result->low = data[i] < result->low ? data[i] : result->low;
        result->high = data[i] > result->high ? data[i] : result->high;
    }
}

/* Puts map number which into its place in stack, which is made for the first one. */
static xai_status stack_map(const cam_job *job, cam_result *result, size_t which, xai_tensor **stack)
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
        int64_t full[3] = { (int64_t)job->n_targets };
        xai_tensor_shape(map, result->shape, 2);
        memcpy(full + 1, result->shape, sizeof result->shape);
        result->low = result->high = xai_tensor_data(map)[0];
        status = job->n_targets > 1 ? xai_tensor_create(stack, job->subject.context, full, 3)
                                    : xai_tensor_create(stack, job->subject.context, full + 1, 2);
    }
    if (status >= XAI_OK) {
        memcpy(xai_tensor_data(*stack) + which * size, xai_tensor_data(map), size * sizeof(float));
        note_range(result, xai_tensor_data(map), size);
    }
    xai_tensor_unref(map);
    return status;
}

/* FILE, or FOLDER/STEM.METHOD.npy where there are several pictures. */
static char *npy_name(const cam_job *job, const cam_result *result)
{
    size_t length;
    const char *stem = cli_stem(result->path, &length);

    if (job->cli->operands.count == 1)
        return cli_format("%s", job->cli->npy);
    return cli_format("%s/%.*s.%s.npy", job->cli->npy, (int)length, stem, method_name(job->cli));
}

static int save_numbers(const cam_job *job, cam_result *result)
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

static json_object *describe_targets(const cam_job *job, const cam_result *result)
{
    json_object *list = json_object_new_array();

    for (size_t i = 0; i < job->n_targets; i++)
        json_object_array_add(list, said(result->words[i], "target"));
    return list;
}

static json_object *describe_map(const cam_job *job, const cam_result *result)
{
    json_object *map = json_object_new_object();
    json_object *shape = json_object_new_array();

    if (job->n_targets > 1)
        json_object_array_add(shape, json_object_new_int64((int64_t)job->n_targets));
    json_object_array_add(shape, json_object_new_int64(result->shape[0]));
    json_object_array_add(shape, json_object_new_int64(result->shape[1]));
    json_object_object_add(map, "file", result->npy != NULL ? json_object_new_string(result->npy) : NULL);
    json_object_object_add(map, "shape", shape);
    json_object_object_add(map, "min", cli_json_number((double)result->low));
    json_object_object_add(map, "max", cli_json_number((double)result->high));
    return map;
}

static json_object *describe_pictures(const cam_job *job, const cam_result *result)
{
    json_object *list = json_object_new_array();

    for (size_t i = 0; i < job->n_targets; i++) {
        char *heatmap = output_name(job, result, i, ".heatmap.png");
        char *overlay = output_name(job, result, i, ".overlay.png");
        json_object *row = json_object_new_object();

        json_object_object_add(row, "heatmap", json_object_new_string(heatmap));
        json_object_object_add(row, "overlay", json_object_new_string(overlay));
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

static int print_json(const cam_job *job, const cam_result *result)
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

static void print_text(const cam_job *job, const cam_result *result)
{
    for (size_t i = 0; i < job->n_targets; i++) {
        size_t index = (size_t)xai_attribution_target(result->maps[i]);
        json_object *target = said(result->words[i], "target"), *probability = said(target, "probability");
        char *heatmap = output_name(job, result, i, ".heatmap.png");
        char *overlay = output_name(job, result, i, ".overlay.png");
        char buffer[32];

        printf("%s: %s (%.2f%%): %s, %s\n", result->path, cli_label(job->subject.model, index, buffer, sizeof buffer),
               100 * json_object_get_double(probability), heatmap, overlay);
        json_object_put(probability);
        json_object_put(target);
        free(heatmap);
        free(overlay);
    }
}

static size_t describe(void *attribution, char *buffer, size_t capacity)
{
    return xai_attribution_json(attribution, buffer, capacity);
}

static int compute(const cam_job *job, cam_result *result)
{
    double start = cli_seconds();

    if (xai_cam_compute(result->maps, job->cam, result->input, job->targets, job->n_targets) < XAI_OK)
        return cli_fail(job->cli, "%s: %s", result->path, xai_last_error());
    result->seconds = cli_seconds() - start;
    for (size_t i = 0; i < job->n_targets; i++) {
        result->words[i] = cli_json_describe(describe, result->maps[i]);
        if (result->words[i] == NULL)
            return cli_fail(job->cli, "%s: out of memory", result->path);
    }
    return CLI_GO_ON;
}

static int explain(const cam_job *job, cam_result *result)
{
    int status = cli_load(job->cli, &job->subject, result->path, &result->crop, &result->input);

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

static int explain_path(const cam_job *job, const char *path)
{
    cam_result result = { .path = path };
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
static int check_stems(const cli_args *cli)
{
    for (size_t i = 1; i < cli->operands.count; i++) {
        size_t length, other_length;
        const char *stem = cli_stem(cli->operands.items[i], &length);
        for (size_t j = 0; j < i; j++) {
            const char *other = cli_stem(cli->operands.items[j], &other_length);
            if (length == other_length && memcmp(stem, other, length) == 0)
                return cli_misuse(cli, "%s and %s: both would be written as %.*s.%s.*; run them one by one",
                                  cli->operands.items[j], cli->operands.items[i], (int)length, stem, method_name(cli));
        }
    }
    return CLI_GO_ON;
}

static int find_targets(cam_job *job)
{
    const cli_list *names = &job->cli->targets;

    job->n_targets = names->count > 0 ? names->count : 1;
    job->targets = calloc(job->n_targets, sizeof *job->targets);
    if (job->targets == NULL)
        return cli_fail(job->cli, "out of memory");
    job->targets[0].index = -1;
    for (size_t i = 0; i < names->count; i++) {
        if (xai_model_find_class(&job->targets[i].index, job->subject.model, names->items[i]) != XAI_OK)
            return cli_fail_library(job->cli);
    }
    return CLI_GO_ON;
}

static int read_fusion(uint32_t *fuse, const cli_args *cli)
{
    *fuse = XAI_FUSE_PROFILE;
    if (cli->fuse == NULL)
        return CLI_GO_ON;
    *fuse = strcmp(cli->fuse, "max") == 0 ? XAI_FUSE_MAX : XAI_FUSE_MEAN;
    if (*fuse == XAI_FUSE_MEAN && strcmp(cli->fuse, "mean") != 0)
        return cli_misuse(cli, "--fuse %s: expected mean or max", cli->fuse);
    return CLI_GO_ON;
}

static xai_cam_options choose(const cli_args *cli)
{
    return (xai_cam_options){
        .struct_size = sizeof(xai_cam_options),
        .method = cli->method,
        .profile = cli->profile,
        .layers = cli->layers.count > 0 ? cli->layers.items : NULL,
        .n_layers = cli->layers.count,
        .flags = (cli->eigen_smooth ? XAI_CAM_EIGEN_SMOOTH : 0u) | (cli->aug_smooth ? XAI_CAM_AUG_SMOOTH : 0u) |
                 (cli->any_layer ? XAI_CAM_ANY_LAYER : 0u),
    };
}

static int prepare(cam_job *job)
{
    const cli_args *cli = job->cli;
    xai_cam_options options = choose(cli);
    int status = read_fusion(&options.fuse, cli);

    if (status != CLI_GO_ON)
        return status;
    status = cli_open(&job->subject, cli, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);

    if (status == CLI_GO_ON)
        status = find_targets(job);
    if (status == CLI_GO_ON && xai_cam_create(&job->cam, job->subject.session, &options) != XAI_OK)
        status = cli_fail_library(cli);
    if (status == CLI_GO_ON && cli->output != NULL)
        status = make_folder(cli, cli->output);
    if (status == CLI_GO_ON && cli->npy != NULL && cli->operands.count > 1)
        status = make_folder(cli, cli->npy);
    return status;
}

int cli_cam(const cli_args *cli)
{
    cam_job job = { .cli = cli };
    int status = check_stems(cli);
    bool ready;

    if (status != CLI_GO_ON)
        return status;
    status = prepare(&job);
    ready = status == CLI_GO_ON;
    for (size_t i = 0; ready && i < cli->operands.count; i++) {
        if (explain_path(&job, cli->operands.items[i]) != CLI_GO_ON)
            status = CLI_FAILED;
    }
    xai_cam_unref(job.cam);
    free(job.targets);
    cli_close(&job.subject);
    return status;
}
