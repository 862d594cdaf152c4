/* SPDX-License-Identifier: MIT
 * What occlusion from coarse to fine saves and loses: photographs below $XAI_TEST_DATA, a ResNet-18, windows of 16, and
 * for shares of the windows the time against all of them in the same run, the correlation of the maps, and how much of
 * the highest tenth of the pixels is the same.
 *
 * Usage: occlusion [STRIDE [ROUNDS [THREADS]]] */
#include <math.h>
#include <string.h>

#include "passes.h"

static const char *const pictures[] = { "tutorial/catdog.jpg", "images/rise/goldfish.jpg", "images/coral/parrot.jpg",
                                        "images/lime/dogs.png" };
static const float shares[] = { 0, 0.1f, 0.15f, 0.25f, 0.35f, 0.5f };

enum {
    N_PICTURES = sizeof pictures / sizeof *pictures,
    N_SHARES = sizeof shares / sizeof *shares,
    N_PIXELS = 224 * 224,
    TOP_PART = 10
};

/* What one share of one picture gave. */
typedef struct result {
    double seconds, n_windows;
    float map[N_PIXELS];
} result;

typedef struct study {
    xai_context *context;
    xai_model *model;
    xai_session *session;
    uint32_t stride;
    result results[N_SHARES];
} study;

static void explain(result *r, const study *s, const xai_tensor *input, float share)
{
    const xai_occlusion_options options = {
        .struct_size = sizeof options, .window_height = 16, .stride_height = s->stride, .share = share
    };
    double start = passes_now(), seconds;
    xai_attribution *a = NULL;
    xai_tensor *map = NULL;

    passes_insist(xai_occlusion_compute(&a, s->session, input, NULL, 0, &options));
    seconds = passes_now() - start;
    if (r->seconds <= 0 || seconds < r->seconds)
        r->seconds = seconds;
    r->n_windows = xai_attribution_number(a, "windows");
    passes_insist(xai_attribution_map(&map, a, 0, 0, XAI_NORMALISE_NONE));
    memcpy(r->map, xai_tensor_data(map), sizeof r->map);
    xai_tensor_unref(map);
    xai_attribution_unref(a);
}

static double correlation(const float *a, const float *b)
{
    double x = 0, y = 0, xx = 0, yy = 0, xy = 0;

    for (size_t i = 0; i < N_PIXELS; i++) {
        x += (double)a[i] / N_PIXELS;
        y += (double)b[i] / N_PIXELS;
    }
    for (size_t i = 0; i < N_PIXELS; i++) {
        xx += (a[i] - x) * (a[i] - x);
        yy += (b[i] - y) * (b[i] - y);
        xy += (a[i] - x) * (b[i] - y);
    }
    return xy / sqrt(xx * yy);
}

/* The value from which on a pixel is in the highest tenth. */
static double threshold(const float *map)
{
    static double sorted[N_PIXELS];

    for (size_t i = 0; i < N_PIXELS; i++)
        sorted[i] = map[i];
    passes_sort(sorted, N_PIXELS);
    return sorted[N_PIXELS - N_PIXELS / TOP_PART];
}

static double overlap(const float *a, const float *b)
{
    double of_a = threshold(a), of_b = threshold(b), n = 0;

    for (size_t i = 0; i < N_PIXELS; i++)
        n += a[i] >= of_a && b[i] >= of_b;
    return n / (N_PIXELS / TOP_PART);
}

static void print(const study *s, const char *name)
{
    const result *all = &s->results[0];

    printf("%s: all %.0f windows in %.3f s\n", name, all->n_windows, all->seconds);
    for (size_t i = 1; i < N_SHARES; i++) {
        const result *r = &s->results[i];

        printf("  share %.2f: %4.0f windows, %.2f of the time, correlation %.3f, highest tenth %.2f\n",
               (double)shares[i], r->n_windows, r->seconds / all->seconds, correlation(r->map, all->map),
               overlap(r->map, all->map));
    }
    fflush(stdout);
}

/* The ways take turns, so that whatever disturbs the machine disturbs all. */
static void study_picture(study *s, const char *name, size_t n_rounds)
{
    char path[4096];
    xai_image *image = NULL;
    xai_tensor *input = NULL;

    snprintf(path, sizeof path, "%s/%s", getenv("XAI_TEST_DATA") != NULL ? getenv("XAI_TEST_DATA") : "", name);
    memset(s->results, 0, sizeof s->results);
    passes_insist(xai_image_load(&image, s->context, path, 0));
    passes_insist(xai_model_prepare(&input, s->model, image));
    for (size_t round = 0; round < n_rounds; round++)
        for (size_t i = 0; i < N_SHARES; i++)
            explain(&s->results[i], s, input, shares[i]);
    print(s, name);
    xai_tensor_unref(input);
    xai_image_unref(image);
}

int main(int argc, char **argv)
{
    static study s;
    const size_t n_rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    const xai_context_options options = { .struct_size = sizeof options,
                                          .n_threads = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1 };
    const xai_session_options windowed = { .struct_size = sizeof windowed, .purpose = XAI_PURPOSE_WINDOWED };
    char weights[4096];

    s.stride = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 8;
    snprintf(weights, sizeof weights, "%s/imagenet-resnet18-pq/resnet18.safetensors",
             getenv("XAI_TEST_DATA") != NULL ? getenv("XAI_TEST_DATA") : "");
    passes_insist(xai_context_create(&s.context, &options));
    passes_insist(xai_model_build(&s.model, s.context, "resnet18", weights, NULL));
    passes_insist(xai_session_create(&s.session, s.model, &windowed));
    for (size_t i = 0; i < N_PICTURES; i++)
        study_picture(&s, pictures[i], n_rounds > 0 ? n_rounds : 1);
    xai_session_unref(s.session);
    xai_model_unref(s.model);
    xai_context_unref(s.context);
    return EXIT_SUCCESS;
}
