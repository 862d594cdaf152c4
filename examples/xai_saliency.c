/* SPDX-License-Identifier: MIT
 * xai saliency: gradients at the pixels. */
#include <stdlib.h>
#include <string.h>

#include "xai_maps.h"

static const char *const methods[] = { "saliency", "inputxgrad", "guided",        "deconvnet", "guided-gradcam",
                                       "ig",       "smoothgrad", "smoothgrad-sq", "vargrad",   NULL };

typedef struct saliency {
    xai_session *session; /* borrowed */
    xai_saliency_options options;
    xai_run_options run;
} saliency;

/* An option that the method does not have is refused by the library, which knows better than a table here. */
static int begin(void **state, const cli_args *cli, const cli_subject *subject, const char *method)
{
    saliency *s = calloc(1, sizeof *s);
    bool has_layer = strcmp(method, "guided-gradcam") == 0;
    bool is_path = strcmp(method, "ig") == 0, is_noise = strcmp(method, "smoothgrad") == 0 ||
                                                         strcmp(method, "smoothgrad-sq") == 0 ||
                                                         strcmp(method, "vargrad") == 0;

    if (s == NULL)
        return cli_fail(cli, "out of memory");
    if (cli->layers.count > 1) {
        free(s);
        return cli_misuse(cli, "--layer: guided-gradcam takes one, got %zu", cli->layers.count);
    }
    s->session = subject->session;
    s->run = (xai_run_options){ .struct_size = sizeof s->run, .seed = cli->seed };
    /* A sheet asks all methods, so that only those get an option that have it. */
    s->options = (xai_saliency_options){
        .struct_size = sizeof s->options,
        .method = method,
        .profile = cli->profile,
        .layer = cli->layers.count > 0 && (has_layer || cli->sheet == NULL) ? cli->layers.items[0] : NULL,
        .quadrature = is_path || cli->sheet == NULL ? cli->quadrature : NULL,
        .n_steps = is_path || cli->sheet == NULL ? (uint32_t)cli->steps : 0,
        .n_samples = is_noise || cli->sheet == NULL ? (uint32_t)cli->samples : 0,
        .sigma = is_noise || cli->sheet == NULL ? cli->sigma : 0,
        .baseline_value = is_path || cli->sheet == NULL ? cli->baseline : 0,
        .flags = cli->keep_channels ? XAI_SALIENCY_KEEP_CHANNELS : 0,
    };
    s->options.run = &s->run;
    *state = s;
    return CLI_GO_ON;
}

static xai_status explain(xai_attribution **out, void *state, const xai_tensor *input, const xai_target *targets,
                          size_t n_targets)
{
    const saliency *s = state;

    return xai_saliency_compute(out, s->session, input, targets, n_targets, &s->options);
}

int cli_saliency(const cli_args *cli)
{
    static const cli_explainer explainer = { "saliency", methods, begin, explain, free };

    return cli_maps(cli, &explainer);
}
