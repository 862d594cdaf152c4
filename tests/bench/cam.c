/* SPDX-License-Identifier: MIT
 * What class activation maps cost on a ResNet-18, in forward passes: all in turns, in one run.
 *
 * Usage: cam [ROUNDS [THREADS]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xai/xai.h>

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

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void insist(xai_status status)
{
    if (status >= 0)
        return;
    fprintf(stderr, "%s\n", xai_last_error());
    exit(EXIT_FAILURE);
}

static xai_tensor *make_input(xai_context *context)
{
    const int64_t shape[4] = { 1, 3, 224, 224 };
    xai_tensor *input = NULL;
    uint32_t state = 1;

    insist(xai_tensor_create(&input, context, shape, 4));
    for (size_t i = 0; i < xai_tensor_size(input); i++) {
        state = state * 1664525u + 1013904223u;
        xai_tensor_data(input)[i] = (float)(state >> 8) * 0x1p-22f - 2;
    }
    return input;
}

static xai_cam *make_cam(xai_session *session, const struct row *row)
{
    const xai_cam_options options = {
        .struct_size = sizeof options, .method = row->method, .layers = &row->layer, .n_layers = row->layer != NULL
    };
    xai_cam *cam = NULL;

    if (row->method != NULL)
        insist(xai_cam_create(&cam, session, &options));
    return cam;
}

/* One forward pass, or one explanation. */
static double time_once(xai_session *session, xai_cam *cam, xai_tensor *input, const struct row *row)
{
    double start = now(), end;
    xai_attribution *attributions[MOST_TARGETS] = { NULL };
    xai_target targets[MOST_TARGETS] = { { 0 } };
    xai_tensor *logits = NULL;

    for (size_t i = 0; i < MOST_TARGETS; i++)
        targets[i].index = (int64_t)i;
    if (cam == NULL)
        insist(xai_session_forward(&logits, session, input));
    else
        insist(xai_cam_compute(attributions, cam, input, targets, row->n_targets));
    end = now();
    xai_tensor_unref(logits);
    for (size_t i = 0; i < MOST_TARGETS; i++)
        xai_attribution_unref(attributions[i]);
    return end - start;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print_row(const struct row *row, double *times, size_t n, const double *forward)
{
    qsort(times, n, sizeof *times, compare);
    printf("%-12s %-6s %2zu target%s median %9.3f ms = %7.3f forward passes, minimum %9.3f ms = %7.3f\n",
           row->method != NULL ? row->method : "forward", row->layer != NULL ? row->layer : "", row->n_targets,
           row->n_targets == 1 ? ": " : "s:", 1e3 * times[n / 2], times[n / 2] / forward[1], 1e3 * times[0],
           times[0] / forward[0]);
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

    n_rounds = n_rounds < 1 ? 1 : n_rounds > MOST_ROUNDS ? MOST_ROUNDS : n_rounds;
    insist(xai_context_create(&context, &options));
    insist(xai_model_build(&model, context, "resnet18", NULL, NULL));
    insist(xai_session_create(&session, model, NULL));
    input = make_input(context);
    for (size_t i = 0; i < N_ROWS; i++)
        cams[i] = make_cam(session, &rows[i]);
    for (size_t i = 0; i < N_ROWS; i++) {
        size_t n = rows[i].is_slow ? 1 : n_rounds;

        time_once(session, cams[i], input, &rows[i]); /* makes the plans */
        for (size_t round = 0; round < n; round++) {
            seconds[0][round] = time_once(session, NULL, input, &rows[0]);
            if (i > 0)
                seconds[i][round] = time_once(session, cams[i], input, &rows[i]);
        }
        qsort(seconds[0], n, sizeof **seconds, compare);
        forward[0] = seconds[0][0];
        forward[1] = seconds[0][n / 2];
        print_row(&rows[i], seconds[i], n, forward);
        xai_cam_unref(cams[i]);
    }
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
    return EXIT_SUCCESS;
}
