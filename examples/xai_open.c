/* SPDX-License-Identifier: MIT
 * Opens what the MODEL options name, and the pictures.
 *
 * A function that can fail has told the user by the time it returns: what it gives back is CLI_GO_ON, or the code to
 * exit with. So callers hand codes on and say nothing of their own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xai_cli.h"

static void print_log(int32_t level, const char *message, void *user)
{
    const cli_args *cli = user;

    fprintf(stderr, "%s: %s%s\n", cli->program, level == XAI_LOG_WARNING ? "warning: " : "", message);
}

int cli_open_context(cli_subject *subject, const cli_args *cli)
{
    xai_context_options options = {
        .struct_size = sizeof options,
        .log = cli->verbose ? print_log : NULL,
        .log_user = (void *)cli,
        .backends = cli->backend,
        .n_threads = (uint32_t)cli->threads,
    };

    return xai_context_create(&subject->context, &options) == XAI_OK ? CLI_GO_ON : cli_fail_library(cli);
}

/* What was not given is 0 and leaves the manifest's value; mean and std may be 0 themselves and so have flags. */
static xai_model_options overrides(const cli_args *cli)
{
    xai_model_options options = {
        .struct_size = sizeof options,
        .weights = cli->weights,
        .labels = cli->labels,
        .resize = cli->resize,
        .crop_height = cli->size,
        .crop_width = cli->size,
        .scale = cli->scale,
        .flags = (cli->mean.set ? XAI_MODEL_SET_MEAN : 0u) | (cli->std.set ? XAI_MODEL_SET_STD : 0u),
        .seed = cli->seed,
    };

    memcpy(options.mean, cli->mean.values, sizeof options.mean);
    memcpy(options.std, cli->std.values, sizeof options.std);
    return options;
}

/* The manifest to load; the caller frees it. A relative XDG_CACHE_HOME is to be ignored, says its specification. */
static char *find_manifest(const cli_args *cli)
{
    const char *chosen = cli->model != NULL ? cli->model : getenv("XAI_MODEL");
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");

    if (chosen != NULL && chosen[0] != '\0')
        return cli_format("%s", chosen);
    if (cache != NULL && cache[0] == '/')
        return cli_format("%s/xai/default.json", cache);
    return cli_format("%s/.cache/xai/default.json", home != NULL ? home : "");
}

/* The likeliest slip; "no JSON" would be true and no help. */
static bool names_weights(const char *path)
{
    static const char *const endings[] = { ".pth", ".th", ".pt", ".safetensors" };
    size_t length = strlen(path);

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t n = strlen(endings[i]);
        if (length > n && strcmp(path + length - n, endings[i]) == 0)
            return true;
    }
    return false;
}

static int load_manifest(cli_subject *subject, const cli_args *cli, const xai_model_options *options)
{
    char *path = find_manifest(cli);
    bool is_default = cli->model == NULL && (getenv("XAI_MODEL") == NULL || getenv("XAI_MODEL")[0] == '\0');
    int status = CLI_GO_ON;

    if (cli_is_url(cli, path))
        status = CLI_FAILED;
    else if (names_weights(path))
        status = cli_misuse(cli, "-m %s: expected a manifest (.json); weights go with --arch NAME --weights FILE",
                            path);
    else if (is_default && access(path, F_OK) != 0)
        status = cli_fail(cli,
                          "%s: no such file: the default model is not installed; run `bash examples/run` once, or "
                          "name a model with -m FILE or --arch NAME --weights FILE",
                          path);
    else if (xai_model_load(&subject->model, subject->context, path, options) != XAI_OK)
        status = cli_fail_library(cli);
    free(path);
    return status;
}

/* Before anything is opened. Weights are random where a command can do without. */
static int check_model_options(const cli_args *cli, uint32_t needs)
{
    const char *const files[] = { cli->weights, cli->labels };

    if (cli->arch != NULL && cli->model != NULL)
        return cli_misuse(cli, "-m and --arch: one of them, not both");
    if (cli->arch != NULL && cli->weights == NULL && (needs & CLI_NEED_WEIGHTS))
        return cli_misuse(cli, "--arch %s: needs --weights FILE", cli->arch);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i] != NULL && cli_is_url(cli, files[i]))
            return CLI_FAILED;
    }
    return CLI_GO_ON;
}

int cli_open(cli_subject *subject, const cli_args *cli, uint32_t needs)
{
    const xai_session_options session = { .struct_size = sizeof session,
                                          .purpose = cli->batch > 1 ? XAI_PURPOSE_THROUGHPUT : XAI_PURPOSE_LATENCY };
    xai_model_options options = overrides(cli);
    int status = check_model_options(cli, needs);

    if (status == CLI_GO_ON)
        status = cli_open_context(subject, cli);
    if (status != CLI_GO_ON)
        return status;

    if (cli->arch == NULL)
        status = load_manifest(subject, cli, &options);
    else if (xai_model_build(&subject->model, subject->context, cli->arch, cli->weights, &options) != XAI_OK)
        status = cli_fail_library(cli);
    if (status == CLI_GO_ON && (needs & CLI_NEED_SESSION) &&
        xai_session_create(&subject->session, subject->model, &session) != XAI_OK)
        status = cli_fail_library(cli);
    return status;
}

void cli_close(cli_subject *subject)
{
    xai_session_unref(subject->session);
    xai_model_unref(subject->model);
    xai_context_unref(subject->context);
}

int cli_load(const cli_args *cli, const cli_subject *subject, const char *path, xai_image **crop, xai_tensor **input)
{
    xai_image *image = NULL;
    xai_status status;

    if (cli_is_url(cli, path))
        return CLI_FAILED;
    status = xai_image_load(&image, subject->context, path, cli->exif ? XAI_IMAGE_EXIF : 0);
    if (status == XAI_OK && crop != NULL)
        status = xai_model_crop(crop, subject->model, image);
    if (status == XAI_OK && input != NULL)
        status = xai_model_prepare(input, subject->model, image);
    /* The library names the file where reading it failed, but not where the picture did not fit the network. */
    if (status != XAI_OK && strncmp(xai_last_error(), path, strlen(path)) != 0)
        cli_fail(cli, "%s: %s", path, xai_last_error());
    else if (status != XAI_OK)
        cli_fail_library(cli);
    xai_image_unref(image);
    return status == XAI_OK ? CLI_GO_ON : CLI_FAILED;
}

int cli_look(const cli_args *cli, const cli_subject *subject, const char *path, xai_tensor **logits)
{
    xai_tensor *input = NULL;
    int status = cli_load(cli, subject, path, NULL, &input);

    if (status == CLI_GO_ON && xai_session_forward(logits, subject->session, input) != XAI_OK)
        status = cli_fail(cli, "%s: %s", path, xai_last_error());
    xai_tensor_unref(input);
    return status;
}

/* In double precision, with the largest taken off first. NULL if memory ran out; *top is right even then. */
double *cli_softmax(const float *logits, size_t n_classes, size_t *top)
{
    double *probabilities = calloc(n_classes + 1, sizeof *probabilities);
    double sum = 0;

    *top = 0;
    for (size_t i = 1; i < n_classes; i++) {
        if (logits[i] > logits[*top])
            *top = i;
    }
    if (probabilities == NULL)
        return NULL;
    for (size_t i = 0; i < n_classes; i++)
        sum += probabilities[i] = exp((double)logits[i] - (double)logits[*top]);
    for (size_t i = 0; i < n_classes; i++)
        probabilities[i] /= sum;
    return probabilities;
}

const char *cli_label(const xai_model *model, size_t index, char *buffer, size_t capacity)
{
    const char *label = xai_model_label(model, (int64_t)index);

    if (label != NULL)
        return label;
    snprintf(buffer, capacity, "class %zu", index);
    return buffer;
}

const char *cli_stem(const char *path, size_t *length)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');

    *length = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
    return name;
}
