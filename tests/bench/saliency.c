/* SPDX-License-Identifier: MIT
 * What gradient saliency costs on a ResNet-18, in forward passes that take turns with it, and the memory it peaks at.
 *
 * Usage: saliency [ROUNDS [THREADS [METHOD]]] */
#include "passes.h"

#include <string.h>
#include <sys/resource.h>

static const char *const methods[] = { "saliency", "guided", "guided-gradcam", "ig", "smoothgrad" };

enum { N_METHODS = sizeof methods / sizeof *methods, MOST_ROUNDS = 1000 };

static double forwards[MOST_ROUNDS], explanations[MOST_ROUNDS];

static double time_forward(xai_session *session, const xai_tensor *input)
{
    double start = passes_now();
    xai_tensor *logits = NULL;

    passes_insist(xai_session_forward(&logits, session, input));
    xai_tensor_unref(logits);
    return passes_now() - start;
}

static double time_explanation(xai_session *session, const xai_tensor *input, const char *method)
{
    const xai_saliency_options options = { .struct_size = sizeof options, .method = method };
    double start = passes_now();
    xai_attribution *a = NULL;

    passes_insist(xai_saliency_compute(&a, session, input, NULL, 0, &options));
    xai_attribution_unref(a);
    return passes_now() - start;
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
    passes_sort(forwards, n);
    passes_sort(explanations, n);
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
    const char *only = argc > 3 ? argv[3] : NULL;
    xai_context *context = NULL;
    xai_model *model = NULL;
    xai_session *session = NULL;
    xai_tensor *input;

    n = n < 1 ? 1 : n > MOST_ROUNDS ? MOST_ROUNDS : n;
    passes_insist(xai_context_create(&context, &options));
    passes_insist(xai_model_build(&model, context, "resnet18", NULL, NULL));
    passes_insist(xai_session_create(&session, model, NULL));
    input = passes_input(context);
    for (size_t i = 0; i < N_METHODS; i++)
        if (only == NULL || strcmp(only, methods[i]) == 0)
            measure(session, input, methods[i], n);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
    return EXIT_SUCCESS;
}
