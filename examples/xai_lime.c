/* SPDX-License-Identifier: MIT
 * xai lime and xai shap: what each segment of a picture adds to a score. */
#include <stdlib.h>
#include <string.h>

#include "xai_maps.h"

static const char *const extra_pictures[] = { "segments", "top", NULL };

/* Segments in the picture of those that matter most. */
enum { DEFAULT_TOP = 5 };

typedef struct explanation {
    const cli_args *cli;
    const cli_subject *subject; /* borrowed */
    xai_session *session;       /* our own: for many pictures */
    xai_segments *segments;     /* of the present picture */
    cli_watch watch;
    xai_run_options run;
    xai_lime_options lime;
    xai_shap_options shap;
    bool is_shap;
} explanation;

/* --- segments --- */

/* --segment-map: labels as a NumPy file of the crop's size. */
static xai_status load_segments(explanation *e, const char *path)
{
    xai_tensor *map = NULL;
    int64_t shape[2] = { 0 };
    int32_t *labels;
    xai_status status = xai_tensor_load(&map, e->subject->context, path);
    size_t n;

    if (status < 0)
        return status;
    n = xai_tensor_size(map);
    labels = malloc((n > 0 ? n : 1) * sizeof *labels);
    if (labels == NULL || xai_tensor_shape(map, shape, 2) != 2 || shape[0] > INT32_MAX || shape[1] > INT32_MAX)
        shape[0] = shape[1] = 0; /* which the library refuses with a sentence */
    for (size_t i = 0; i < n && shape[0] > 0; i++)
        labels[i] = (int32_t)xai_tensor_data(map)[i];
    status = xai_segments_wrap(&e->segments, e->subject->context, labels, (int32_t)shape[1], (int32_t)shape[0]);
    xai_tensor_unref(map);
    free(labels);
    return status;
}

static xai_status cut(explanation *e, const xai_image *crop)
{
    const char *method = e->cli->segmenter != NULL ? e->cli->segmenter : "quickshift";
    xai_segment_options options = { .struct_size = sizeof options, .method = method };
    uint32_t n = (uint32_t)e->cli->n_segments, rows = 1;

    if (e->cli->segment_map != NULL)
        return load_segments(e, e->cli->segment_map);
    if (strcmp(method, "grid") != 0) {
        options.n_segments = n;
        return xai_segments_create(&e->segments, crop, &options);
    }
    /* About n squares. */
    while ((rows + 1) * (rows + 1) <= n)
        rows++;
    options.n_rows = n > 0 ? rows : 0;
    return xai_segments_create(&e->segments, crop, &options);
}

/* Superpixels are the picture's own, so they are cut anew for each, and kept: the extra pictures are drawn of them. */
static int look(void *state, const xai_image *crop)
{
    explanation *e = state;

    xai_segments_unref(e->segments);
    e->segments = NULL;
    return cut(e, crop) < XAI_OK ? cli_fail_library(e->cli) : CLI_GO_ON;
}

/* --- explanations --- */

/* Both methods' options, of which one is used. The session is one of its own, for a thousand pictures at a time. */
static int begin(void **state, const cli_args *cli, const cli_subject *subject, const char *method)
{
    const xai_session_options many = { .struct_size = sizeof many, .purpose = XAI_PURPOSE_THROUGHPUT };
    explanation *e;

    e = calloc(1, sizeof *e);
    if (e == NULL)
        return cli_fail(cli, "out of memory");
    if (xai_session_create(&e->session, subject->model, &many) != XAI_OK) {
        free(e);
        return cli_fail_library(cli);
    }
    e->cli = cli;
    e->subject = subject;
    e->is_shap = strcmp(method, "shap") == 0;
    e->run = (xai_run_options){ .struct_size = sizeof e->run, .seed = cli->seed };
    cli_watch_begin(&e->watch, cli, &e->run);
    e->lime = (xai_lime_options){ .struct_size = sizeof e->lime,
                                  .profile = cli->profile,
                                  .run = &e->run,
                                  .n_samples = (uint32_t)cli->samples,
                                  .n_features = (uint32_t)cli->features,
                                  .n_repeats = (uint32_t)cli->repeats };
    e->shap = (xai_shap_options){
        .struct_size = sizeof e->shap, .profile = cli->profile, .run = &e->run, .n_samples = (uint32_t)cli->samples
    };
    *state = e;
    return CLI_GO_ON;
}

/* These explain probabilities, where the command's targets say nothing of a score. */
static xai_status explain(xai_attribution **out, void *state, const xai_tensor *input, const xai_target *targets,
                          size_t n_targets)
{
    explanation *e = state;
    xai_target *probabilities = calloc(n_targets, sizeof *probabilities);
    xai_status status;

    for (size_t i = 0; i < n_targets && probabilities != NULL; i++) {
        probabilities[i] = targets[i];
        probabilities[i].score = XAI_SCORE_PROBABILITY;
    }
    if (e->is_shap)
        status = xai_shap_compute(out, e->session, input, e->segments, probabilities, n_targets, &e->shap);
    else
        status = xai_lime_compute(out, e->session, input, e->segments, probabilities, n_targets, &e->lime);
    cli_watch_end(&e->watch);
    free(probabilities);
    return status;
}

/* STEM.lime.segments.png: all boundaries; STEM.lime.top.png: the segments that speak for the class most, the rest
 * dimmed. */
static xai_status draw(xai_image **out, void *state, const xai_attribution *map, const xai_image *crop,
                       const char *picture)
{
    const explanation *e = state;
    size_t n = e->cli->top > 0 ? (size_t)e->cli->top : DEFAULT_TOP, n_all = xai_segments_count(e->segments);
    xai_segments_draw_options options = { .struct_size = sizeof options };
    uint32_t *top = NULL;
    xai_status status;

    if (strcmp(picture, "top") == 0) {
        top = calloc(n_all, sizeof *top);
        options.chosen = top;
        options.n_chosen = top != NULL ? xai_attribution_top(map, top, n < n_all ? n : n_all, XAI_TOP_POSITIVE) : 0;
        options.dim = 0.7f;
    }
    status = xai_segments_draw(out, e->segments, crop, &options);
    free(top);
    return status;
}

static void keep(void *state, cli_kept *kept)
{
    explanation *e = state;

    e->lime.state = e->shap.state = kept->state;
    cli_watch_keep(&e->watch, kept);
}

static int stopped(void *state)
{
    const explanation *e = state;

    return e->watch.is_interrupted;
}

static void end(void *state)
{
    explanation *e = state;

    if (e == NULL)
        return;
    cli_watch_end(&e->watch);
    xai_segments_unref(e->segments);
    xai_session_unref(e->session);
    free(e);
}

int cli_lime(const cli_args *cli)
{
    static const char *const methods[] = { "lime", NULL };
    static const cli_explainer explainer = { "lime", methods,        begin, explain, end,      look,
                                             draw,   extra_pictures, keep,  stopped, "samples" };

    return cli_maps(cli, &explainer);
}

int cli_shap(const cli_args *cli)
{
    static const char *const methods[] = { "shap", NULL };
    static const cli_explainer explainer = { "shap", methods,        begin, explain, end,      look,
                                             draw,   extra_pictures, keep,  stopped, "samples" };

    return cli_maps(cli, &explainer);
}
