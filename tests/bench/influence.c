/* SPDX-License-Identifier: MIT
 * What influence costs on a network, in forward passes of one picture that take turns with it, and the memory it peaks
 * at.
 *
 * Usage: influence [NETWORK [ROUNDS [EXAMPLES [THREADS [METHOD]]]]]
 *
 * NETWORK is an architecture, its weights are random. METHOD is features, tracin, tracin-fast, last-layer or layers.
 * Of features and tracin, which go through the network for each picture, the cost of one is in the last column. */
#include "passes.h"

#include <string.h>
#include <sys/resource.h>

enum { MOST_ROUNDS = 1000, MOST_EXAMPLES = 100000, MOST_CLASSES_OF_LAYERS = 100 };

typedef struct bench {
    xai_context *context;
    xai_model *model;
    xai_session *session;
    xai_image **pictures;
    size_t n_pictures, n_rounds;
    xai_tensor *test; /* 1 x C x H x W */
    double forwards[MOST_ROUNDS], times[MOST_ROUNDS];
} bench;

static int32_t give_picture(xai_image **image, int64_t *label, size_t index, void *user)
{
    const bench *b = user;

    *label = (int64_t)(index % xai_model_n_classes(b->model));
    if (image != NULL)
        *image = xai_image_ref(b->pictures[index]);
    return 0;
}

/* Noise of the size that the network takes, so that no time goes into scaling. */
static void make_pictures(bench *b)
{
    int64_t shape[4] = { 0 };
    uint32_t state = 1;

    xai_model_input_shape(b->model, shape, 4);
    b->pictures = calloc(b->n_pictures, sizeof *b->pictures);
    if (b->pictures == NULL)
        exit(EXIT_FAILURE);
    for (size_t i = 0; i < b->n_pictures; i++) {
        xai_image **image = &b->pictures[i];

        passes_insist(xai_image_create(image, b->context, NULL, (int32_t)shape[3], (int32_t)shape[2]));
        for (size_t k = 0; k < (size_t)(3 * shape[2] * shape[3]); k++) {
            state = state * 1664525u + 1013904223u;
            xai_image_pixels(*image)[k] = (uint8_t)(state >> 24);
        }
    }
    passes_insist(xai_model_prepare(&b->test, b->model, b->pictures[0]));
}

static double time_forward(const bench *b)
{
    double start = passes_now();
    xai_tensor *logits = NULL;

    passes_insist(xai_session_forward(&logits, b->session, b->test));
    xai_tensor_unref(logits);
    return passes_now() - start;
}

static xai_training *open_set(bench *b)
{
    const xai_training_options options = {
        .struct_size = sizeof options, .example = give_picture, .user = b, .n_examples = b->n_pictures
    };
    xai_training *set = NULL;

    passes_insist(xai_training_open(&set, b->session, &options));
    return set;
}

static double time_features(bench *b)
{
    double start = passes_now();

    xai_training_unref(open_set(b));
    return passes_now() - start;
}

/* From the training set to the scores of one picture, the method's own preparation included; negative where a solve
 * does not come near enough, which random weights may do. */
static double time_question(const bench *b, xai_training *set, const char *method, uint64_t *n_iterations)
{
    const xai_influence_options options = { .struct_size = sizeof options, .method = method };
    double *scores = malloc(b->n_pictures * sizeof *scores), start = passes_now(), seconds;
    xai_influence_record record;
    xai_influence *influence = NULL;
    xai_status status;

    if (scores == NULL)
        exit(EXIT_FAILURE);
    passes_insist(xai_influence_create(&influence, &set, 1, &options));
    status = xai_influence_compute(scores, &record, influence, b->test, NULL);
    xai_influence_unref(influence);
    seconds = passes_now() - start;
    free(scores);
    if (status == XAI_E_LIMIT)
        return -1;
    passes_insist(status);
    *n_iterations = record.n_iterations;
    return seconds;
}

static double peak_mib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

/* set: NULL times the making of one. */
static void measure(bench *b, const char *method, xai_training *set)
{
    size_t n = b->n_rounds;
    uint64_t n_iterations = 0;

    for (size_t i = 0; i < n + 1; i++) { /* the first makes the plans, and is written over */
        size_t k = i > 0 ? i - 1 : 0;

        b->forwards[k] = time_forward(b);
        b->times[k] = set == NULL ? time_features(b) : time_question(b, set, method, &n_iterations);
        if (b->times[k] < 0) {
            printf("%-11s %s\n", method, xai_last_error());
            return;
        }
    }
    passes_sort(b->forwards, n);
    passes_sort(b->times, n);
    printf("%-11s %4zu examples: median %9.2f ms = %8.2f forward passes, minimum %9.2f ms = %8.2f", method,
           b->n_pictures, 1e3 * b->times[n / 2], b->times[n / 2] / b->forwards[n / 2], 1e3 * b->times[0],
           b->times[0] / b->forwards[0]);
    if (n_iterations > 0)
        printf("; %llu iterations", (unsigned long long)n_iterations);
    printf("; peak so far %4.0f MiB; an example %8.3f ms = %6.2f\n", peak_mib(),
           1e3 * b->times[0] / (double)b->n_pictures, b->times[0] / b->forwards[0] / (double)b->n_pictures);
    fflush(stdout);
}

static void measure_all(bench *b, const char *only)
{
    static const char *const methods[] = { "tracin-fast", "last-layer", "tracin", "layers" };
    xai_training *set = open_set(b);

    if (only == NULL || strcmp(only, "features") == 0)
        measure(b, "features", NULL);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        size_t n_classes = xai_model_n_classes(b->model);

        if (only != NULL && strcmp(only, methods[i]) != 0)
            continue;
        if (strcmp(methods[i], "layers") == 0 && n_classes > MOST_CLASSES_OF_LAYERS)
            printf("layers      left out: %zu classes are as many backward passes a picture and product\n", n_classes);
        else
            measure(b, methods[i], set);
    }
    xai_training_unref(set);
}

static size_t argument(int argc, char **argv, int index, size_t usual, size_t most)
{
    size_t n = argc > index ? strtoul(argv[index], NULL, 10) : usual;

    return n < 1 ? 1 : n > most ? most : n;
}

int main(int argc, char **argv)
{
    static bench b;
    const xai_context_options options = { .struct_size = sizeof options,
                                          .n_threads = (uint32_t)argument(argc, argv, 4, 1, 256) };

    b.n_rounds = argument(argc, argv, 2, 5, MOST_ROUNDS);
    b.n_pictures = argument(argc, argv, 3, 16, MOST_EXAMPLES);
    passes_insist(xai_context_create(&b.context, &options));
    passes_insist(xai_model_build(&b.model, b.context, argc > 1 ? argv[1] : "resnet18", NULL, NULL));
    passes_insist(xai_session_create(&b.session, b.model, NULL));
    make_pictures(&b);
    measure_all(&b, argc > 5 ? argv[5] : NULL);
    xai_tensor_unref(b.test);
    for (size_t i = 0; i < b.n_pictures; i++)
        xai_image_unref(b.pictures[i]);
    free(b.pictures);
    xai_session_unref(b.session);
    xai_model_unref(b.model);
    xai_context_unref(b.context);
    return EXIT_SUCCESS;
}
