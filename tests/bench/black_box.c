/* SPDX-License-Identifier: MIT
 * What explanations without gradients cost on a ResNet-18, and the memory they peak at: occlusion by windows of 16
 * every 8 pixels, RISE with 1000 masks.
 *
 * Usage: black_box [ROUNDS [THREADS [METHOD]]] */
#include <string.h>

#include <sys/resource.h>

#include "passes.h"

static void occlude(xai_attribution **out, xai_session *session, const xai_tensor *input)
{
    const xai_occlusion_options options = { .struct_size = sizeof options, .window_height = 16, .stride_height = 8 };

    passes_insist(xai_occlusion_compute(out, session, input, NULL, 0, &options));
}

static void mask(xai_attribution **out, xai_session *session, const xai_tensor *input)
{
    const xai_rise_options options = { .struct_size = sizeof options, .n_masks = 1000 };

    passes_insist(xai_rise_compute(out, session, input, NULL, 0, &options));
}

static const struct method {
    const char *name;
    void (*explain)(xai_attribution **out, xai_session *session, const xai_tensor *input);
} methods[] = { { "occlusion", occlude }, { "rise", mask } };

static double time_once(const struct method *method, xai_session *session, const xai_tensor *input)
{
    double start = passes_now();
    xai_attribution *a = NULL;

    method->explain(&a, session, input);
    xai_attribution_unref(a);
    return passes_now() - start;
}

/* Nothing warms up: passes by the hundred hide what plans cost. */
static void measure(const struct method *method, xai_session *session, const xai_tensor *input, size_t n)
{
    double least = 0;
    struct rusage usage;

    for (size_t i = 0; i < n; i++) {
        double seconds = time_once(method, session, input);

        least = i == 0 || seconds < least ? seconds : least;
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("%-10s minimum %9.2f ms; peak so far %.0f MiB\n", method->name, 1e3 * least, (double)usage.ru_maxrss / 1024);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 3;
    const xai_context_options options = { .struct_size = sizeof options,
                                          .n_threads = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1 };
    const xai_session_options many = { .struct_size = sizeof many, .purpose = XAI_PURPOSE_THROUGHPUT };
    xai_context *context = NULL;
    xai_model *model = NULL;
    xai_session *session = NULL;
    xai_tensor *input;

    passes_insist(xai_context_create(&context, &options));
    passes_insist(xai_model_build(&model, context, "resnet18", NULL, NULL));
    passes_insist(xai_session_create(&session, model, &many));
    input = passes_input(context);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (argc <= 3 || strcmp(argv[3], methods[i].name) == 0)
            measure(&methods[i], session, input, n > 0 ? n : 1);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
    return EXIT_SUCCESS;
}
