/* SPDX-License-Identifier: MIT
 * xai occlusion and xai rise: what a score does when parts of a picture are hidden. */
#include <stdlib.h>
#include <string.h>

#include "xai_maps.h"

static const char *const extra_pictures[] = { "error", NULL };

typedef struct perturbation {
    xai_session *session; /* its own: many pictures are run */
    cli_watch watch;
    xai_run_options run;
    xai_occlusion_options occlusion;
    xai_rise_options rise;
    bool is_rise;
} perturbation;

static void end(void *state)
{
    perturbation *p = state;

    if (p != NULL)
        xai_session_unref(p->session);
    free(p);
}

/* Both families' options, of which one is used: what is 0 was not given and is the library's default. */
static void read_options(perturbation *p, const cli_args *cli)
{
    p->run = (xai_run_options){ .struct_size = sizeof p->run, .seed = cli->seed };
    cli_watch_begin(&p->watch, cli, &p->run);
    p->occlusion = (xai_occlusion_options){ .struct_size = sizeof p->occlusion,
                                            .profile = cli->profile,
                                            .fill = cli->fill,
                                            .run = &p->run,
                                            .fill_value = cli->baseline,
                                            .window_height = (uint32_t)cli->window,
                                            .stride_height = (uint32_t)cli->stride,
                                            .share = cli->share,
                                            .flags = cli->whole ? XAI_OCCLUSION_WHOLE : 0 };
    p->rise = (xai_rise_options){ .struct_size = sizeof p->rise,
                                  .profile = cli->profile,
                                  .run = &p->run,
                                  .n_masks = (uint64_t)cli->masks,
                                  .grid = (uint32_t)cli->cells,
                                  .keep = cli->keep,
                                  .max_error = cli->max_error,
                                  .top_region = cli->top_region,
                                  .flags = cli->unpaired ? XAI_RISE_UNPAIRED : 0 };
}

/* Hundreds of pictures and more: RISE's plan is for throughput, occlusion's for windows, which share most of a picture.
 */
static int begin(void **state, const cli_args *cli, const cli_subject *subject, const char *method)
{
    xai_session_options options = { .struct_size = sizeof options, .purpose = XAI_PURPOSE_THROUGHPUT };
    perturbation *p;

    p = calloc(1, sizeof *p);
    if (p == NULL)
        return cli_fail(cli, "out of memory");
    p->is_rise = strcmp(method, "rise") == 0;
    if (!p->is_rise)
        options.purpose = XAI_PURPOSE_WINDOWED;
    if (xai_session_create(&p->session, subject->model, &options) < XAI_OK) {
        end(p);
        return cli_fail_library(cli);
    }
    read_options(p, cli);
    *state = p;
    return CLI_GO_ON;
}

/* RISE explains probabilities, except where its profile's original has logits; the command's targets say nothing. */
static xai_status explain_by_rise(xai_attribution **out, perturbation *p, const xai_tensor *input,
                                  const xai_target *targets, size_t n_targets)
{
    const char *profile = p->rise.profile != NULL ? p->rise.profile : "default";
    bool has_logits = strcmp(profile, "torchray") == 0 || strcmp(profile, "xplique") == 0;
    xai_target *scores = calloc(n_targets, sizeof *scores);
    xai_status status;

    for (size_t i = 0; i < n_targets && scores != NULL; i++) {
        scores[i] = targets[i];
        scores[i].score = has_logits ? XAI_SCORE_LOGIT : XAI_SCORE_PROBABILITY;
    }
    status = xai_rise_compute(out, p->session, input, scores, n_targets, &p->rise);
    free(scores);
    return status;
}

static xai_status explain(xai_attribution **out, void *state, const xai_tensor *input, const xai_target *targets,
                          size_t n_targets)
{
    perturbation *p = state;
    xai_status status = p->is_rise ? explain_by_rise(out, p, input, targets, n_targets)
                                   : xai_occlusion_compute(out, p->session, input, targets, n_targets, &p->occlusion);

    cli_watch_end(&p->watch);
    return status;
}

/* Without the picture below: errors are compared with each other, and colours of a photograph would be in the way. */
static xai_status draw_errors(xai_image **out, void *state, const xai_attribution *map, const xai_image *crop,
                              const char *picture)
{
    const xai_draw_options options = { .struct_size = sizeof options, .kind = XAI_DRAW_ERRORS };

    (void)state;
    (void)crop;
    (void)picture;
    return xai_attribution_draw_with(out, map, NULL, &options);
}

static void keep(void *state, cli_kept *kept)
{
    perturbation *p = state;

    p->rise.state = p->occlusion.state = kept->state;
    cli_watch_keep(&p->watch, kept);
}

static int stopped(void *state)
{
    const perturbation *p = state;

    return p->watch.is_interrupted;
}

int cli_occlusion(const cli_args *cli)
{
    static const char *const methods[] = { "occlusion", NULL };
    static const cli_explainer explainer = { .method = "occlusion",
                                             .methods = methods,
                                             .begin = begin,
                                             .explain = explain,
                                             .end = end,
                                             .keep = keep,
                                             .stopped = stopped,
                                             .counts = "windows" };

    return cli_maps(cli, &explainer);
}

int cli_rise(const cli_args *cli)
{
    static const char *const methods[] = { "rise", NULL };
    static const cli_explainer explainer = { .method = "rise",
                                             .methods = methods,
                                             .begin = begin,
                                             .explain = explain,
                                             .end = end,
                                             .draw = draw_errors,
                                             .pictures = extra_pictures,
                                             .keep = keep,
                                             .stopped = stopped,
                                             .counts = "masks" };

    return cli_maps(cli, &explainer);
}
