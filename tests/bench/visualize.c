/* SPDX-License-Identifier: MIT
 * What a step of feature visualisation costs: 128 x 128 pixels, channel 0 of layer4 of a ResNet-18.
 * peer_lucent.py runs it beside lucent.
 *
 * Usage: visualize [STEPS [THREADS [WEIGHTS]]] */
#include "passes.h"

enum { MOST_STEPS = 10000 };

typedef struct step_clock {
    double last, steps[MOST_STEPS];
    size_t n;
} step_clock;

static step_clock clock_of_steps;

static int32_t tick(uint64_t done, uint64_t total, void *user)
{
    step_clock *c = user;
    double now = passes_now();

    c->steps[c->n++] = now - c->last;
    c->last = now;
    return 0;
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 32;
    const xai_context_options options = { .struct_size = sizeof options,
                                          .n_threads = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1 };
    const xai_run_options run = { .struct_size = sizeof run, .progress = tick, .user = &clock_of_steps };
    const xai_objective objective = { .layer = "layer4", .channel = 0 };
    xai_visualize_options how = { .struct_size = sizeof how, .profile = "lucent", .run = &run };
    xai_context *context = NULL;
    xai_model *model = NULL;
    xai_session *session = NULL;
    xai_image *picture = NULL;

    how.n_steps = (uint32_t)(n < 3 ? 3 : n > MOST_STEPS ? MOST_STEPS : n);
    passes_insist(xai_context_create(&context, &options));
    passes_insist(xai_model_build(&model, context, "resnet18", argc > 3 ? argv[3] : NULL, NULL));
    passes_insist(xai_session_create(&session, model, NULL));
    clock_of_steps.last = passes_now();
    passes_insist(xai_visualize(&picture, 1, NULL, session, &objective, 1, &how));
    passes_sort(clock_of_steps.steps + 1, clock_of_steps.n - 1); /* the first makes the plans */
    printf("step: minimum %.2f ms, median %.2f ms\n", 1e3 * clock_of_steps.steps[1],
           1e3 * clock_of_steps.steps[1 + (clock_of_steps.n - 1) / 2]);
    xai_image_unref(picture);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
    return EXIT_SUCCESS;
}
