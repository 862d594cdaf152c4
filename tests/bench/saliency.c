/* SPDX-License-Identifier: MIT
 * What gradient saliency costs on a ResNet-18, in forward passes that take turns with it, and the memory it peaks at.
 *
 * Usage: saliency [ROUNDS [THREADS]] */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include <xai/xai.h>

static const char *const methods[] = { "saliency", "guided", "guided-gradcam", "ig", "smoothgrad" };

enum { N_METHODS = sizeof methods / sizeof *methods, MOST_ROUNDS = 1000 };

static double forwards[MOST_ROUNDS], explanations[MOST_ROUNDS];

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

static double time_forward(xai_session *session, const xai_tensor *input)
{
    double start = now();
    xai_tensor *logits = NULL;

    insist(xai_session_forward(&logits, session, input));
    xai_tensor_unref(logits);
    return now() - start;
}

static double time_explanation(xai_session *session, const xai_tensor *input, const char *method)
{
    const xai_saliency_options options = { .struct_size = sizeof options, .method = method };
    double start = now();
    xai_attribution *a = NULL;

    insist(xai_saliency_compute(&a, session, input, NULL, 0, &options));
    xai_attribution_unref(a);
    return now() - start;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double peak_mib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static void measure(xai_session *session, const xai_tensor *input, const char *method, size_t n)
{
    time_explanation(session, input, method); /* makes the plans */
    for (size_t i = 0; i < n; i++) {
        forwards[i] = time_forward(session, input);
        explanations[i] = time_explanation(session, input, method);
    }
    qsort(forwards, n, sizeof *forwards, compare);
    qsort(explanations, n, sizeof *explanations, compare);
    printf("%-14s median %9.2f ms = %7.2f forward passes, minimum %9.2f ms = %7.2f; peak so far %.0f MiB\n", method,
           1e3 * explanations[n / 2], explanations[n / 2] / forwards[n / 2], 1e3 * explanations[0],
           explanations[0] / forwards[0], peak_mib());
    fflush(stdout);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 9;
    const xai_context_options options = { .struct_size = sizeof options,
                                          .n_threads = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1 };
    xai_context *context = NULL;
    xai_model *model = NULL;
    xai_session *session = NULL;
    xai_tensor *input;

    n = n < 1 ? 1 : n > MOST_ROUNDS ? MOST_ROUNDS : n;
    insist(xai_context_create(&context, &options));
    insist(xai_model_build(&model, context, "resnet18", NULL, NULL));
    insist(xai_session_create(&session, model, NULL));
    input = make_input(context);
    for (size_t i = 0; i < N_METHODS; i++)
        measure(session, input, methods[i], n);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
    return EXIT_SUCCESS;
}
