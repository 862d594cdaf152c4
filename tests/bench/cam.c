/* SPDX-License-Identifier: MIT
 * What class activation maps cost on a ResNet-18, in forward passes: all in turns, in one run.
 *
 * Usage: cam [ROUNDS [THREADS [METHOD]]] */
#include "passes.h"

#include <stdbool.h>
#include <string.h>

static const struct row {
    const char *method, *layer; /* NULL: the forward pass; the layer before the pool */
    size_t n_targets;
    int is_slow; /* timed once: hundreds of passes */
} rows[] = {
    { NULL, NULL, 0, 0 },
    { "cam", NULL, 1, 0 },
    { "gradcam", NULL, 1, 0 },
    { "gradcam", NULL, 10, 0 },
    { "gradcam++", NULL, 1, 0 },
    { "layercam", "layer3", 1, 0 },
    { "layercam", "layer1", 1, 0 },
    { "eigencam", NULL, 1, 0 },
    { "eigengradcam", NULL, 1, 0 },
    { "eigencam", "layer2", 1, 0 },
    { "ablationcam", NULL, 1, 0 },
    { "reciprocam", NULL, 1, 0 },
    { "ablationcam", "layer3", 1, 1 },
    { "scorecam", NULL, 1, 1 },
};

enum { N_ROWS = sizeof rows / sizeof *rows, MOST_ROUNDS = 1000, MOST_TARGETS = 16 };

static double seconds[N_ROWS][MOST_ROUNDS];

static xai_cam *make_cam(xai_session *session, const struct row *row)
{
    const xai_cam_options options = {
        .struct_size = sizeof options, .method = row->method, .layers = &row->layer, .n_layers = row->layer != NULL
    };
    xai_cam *cam = NULL;

    if (row->method != NULL)
        passes_insist(xai_cam_create(&cam, session, &options));
    return cam;
}

/* One forward pass, or one explanation. */
static double time_once(xai_session *session, xai_cam *cam, xai_tensor *input, const struct row *row)
{
    double start = passes_now(), end;
    xai_attribution *attributions[MOST_TARGETS] = { NULL };
    xai_target targets[MOST_TARGETS] = { { 0 } };
    xai_tensor *logits = NULL;

    for (size_t i = 0; i < MOST_TARGETS; i++)
        targets[i].index = (int64_t)i;
    if (cam == NULL)
        passes_insist(xai_session_forward(&logits, session, input));
    else
        passes_insist(xai_cam_compute(attributions, cam, input, targets, row->n_targets));
    end = passes_now();
    xai_tensor_unref(logits);
    for (size_t i = 0; i < MOST_TARGETS; i++)
        xai_attribution_unref(attributions[i]);
    return end - start;
}

static void print_row(const struct row *row, double *times, size_t n, const double *forward)
{
    passes_sort(times, n);
    printf("%-12s %-6s %2zu target%s median %9.3f ms = %7.3f forward passes, minimum %9.3f ms = %7.3f\n",
           row->method != NULL ? row->method : "forward", row->layer != NULL ? row->layer : "", row->n_targets,
           row->n_targets == 1 ? ": " : "s:", 1e3 * times[n / 2], times[n / 2] / forward[1], 1e3 * times[0],
           times[0] / forward[0]);
}

static bool is_wanted(const struct row *row, const char *only)
{
    return only == NULL || (row->method != NULL && strcmp(row->method, only) == 0);
}

int main(int argc, char **argv)
{
    size_t n_rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 40;
    const xai_context_options options = { .struct_size = sizeof options,
                                          .n_threads = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1 };
    xai_context *context = NULL;
    xai_model *model = NULL;
    xai_session *session = NULL;
    xai_tensor *input;
    xai_cam *cams[N_ROWS];
    double forward[2];
    const char *only = argc > 3 ? argv[3] : NULL;

    n_rounds = n_rounds < 1 ? 1 : n_rounds > MOST_ROUNDS ? MOST_ROUNDS : n_rounds;
    passes_insist(xai_context_create(&context, &options));
    passes_insist(xai_model_build(&model, context, "resnet18", NULL, NULL));
    passes_insist(xai_session_create(&session, model, NULL));
    input = passes_input(context);
    for (size_t i = 0; i < N_ROWS; i++)
        cams[i] = make_cam(session, &rows[i]);
    for (size_t i = 0; i < N_ROWS; i++) {
        size_t n = !is_wanted(&rows[i], only) ? 0 : rows[i].is_slow ? 1 : n_rounds;

        if (n > 0)
            time_once(session, cams[i], input, &rows[i]); /* makes the plans */
        for (size_t round = 0; round < n; round++) {
            seconds[0][round] = time_once(session, NULL, input, &rows[0]);
            if (i > 0)
                seconds[i][round] = time_once(session, cams[i], input, &rows[i]);
        }
        passes_sort(seconds[0], n);
        forward[0] = seconds[0][0];
        forward[1] = seconds[0][n / 2];
        if (n > 0)
            print_row(&rows[i], seconds[i], n, forward);
        xai_cam_unref(cams[i]);
    }
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
    return EXIT_SUCCESS;
}
