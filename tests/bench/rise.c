/* SPDX-License-Identifier: MIT
 * How many masks RISE needs: a CIFAR ResNet-56, pictures of the test set, a reference of many masks, and how well maps
 * of fewer masks correlate with it, eclique's scheme beside ours. Needs $XAI_TEST_DATA.
 *
 *     bench_rise [REFERENCE [SEEDS [PICTURES]]]     64000, 5 and 3 by default; the reference takes most of the time
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xai/xai.h>

enum { SIDE = 32, N_PIXELS = SIDE * SIDE, OFFICIAL = 4000, REFERENCE_SEED = 1000 };

static const uint64_t counts[] = { 250, 500, 700, 1000, 1400, 2000, 4000 };
enum { N_COUNTS = sizeof counts / sizeof *counts };

typedef struct study {
    xai_context *context;
    xai_model *model;
    xai_session *session;
    xai_image *sheet; /* a picture a row */
    uint64_t n_reference;
    int n_seeds, n_pictures;
} study;

static void check(xai_status status)
{
    if (status >= XAI_OK)
        return;
    fprintf(stderr, "%s\n", xai_last_error());
    exit(EXIT_FAILURE);
}

static char *data_path(const char *name)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/%s", getenv("XAI_TEST_DATA") != NULL ? getenv("XAI_TEST_DATA") : "", name);
    return path;
}

static void open_study(study *s)
{
    const xai_session_options options = { .struct_size = sizeof options, .purpose = XAI_PURPOSE_THROUGHPUT };

    check(xai_context_create(&s->context, NULL));
    check(xai_model_build(&s->model, s->context, "cifar_resnet56", data_path("cifar10-resnet/resnet56.safetensors"),
                          NULL));
    check(xai_session_create(&s->session, s->model, &options));
    check(xai_image_load(&s->sheet, s->context, data_path("cifar10/cifar10_test50.png"), 0));
}

static void close_study(study *s)
{
    xai_image_unref(s->sheet);
    xai_session_unref(s->session);
    xai_model_unref(s->model);
    xai_context_unref(s->context);
}

/* A row of the sheet holds one picture's pixels. */
static xai_tensor *picture(const study *s, int index)
{
    xai_image *image = NULL;
    xai_tensor *input = NULL;

    check(xai_image_create(&image, s->context, NULL, SIDE, SIDE));
    memcpy(xai_image_pixels(image), xai_image_pixels(s->sheet) + (size_t)index * N_PIXELS * 3, (size_t)N_PIXELS * 3);
    check(xai_model_prepare(&input, s->model, image));
    xai_image_unref(image);
    return input;
}

static void explain(float *map, const study *s, const xai_tensor *input, const char *profile, uint64_t n_masks,
                    uint64_t seed)
{
    const xai_run_options run = { .struct_size = sizeof run, .seed = seed };
    const xai_rise_options options = {
        .struct_size = sizeof options, .profile = profile, .run = &run, .n_masks = n_masks, .grid = 8, .keep = 0.5f
    };
    xai_attribution *a = NULL;
    xai_tensor *raw = NULL;

    check(xai_rise_compute(&a, s->session, input, NULL, 0, &options));
    check(xai_attribution_map(&raw, a, 0, 0, XAI_NORMALISE_NONE));
    memcpy(map, xai_tensor_data(raw), N_PIXELS * sizeof *map);
    xai_tensor_unref(raw);
    xai_attribution_unref(a);
}

static double correlate(const float *a, const float *b)
{
    double mean_a = 0, mean_b = 0, ab = 0, aa = 0, bb = 0;

    for (int i = 0; i < N_PIXELS; i++) {
        mean_a += (double)a[i] / N_PIXELS;
        mean_b += (double)b[i] / N_PIXELS;
    }
    for (int i = 0; i < N_PIXELS; i++) {
        ab += (a[i] - mean_a) * (b[i] - mean_b);
        aa += (a[i] - mean_a) * (a[i] - mean_a);
        bb += (b[i] - mean_b) * (b[i] - mean_b);
    }
    return ab / sqrt(aa * bb);
}

/* Mean over the seeds, and the standard deviation. */
static double mean_correlation(double *spread, const study *s, const xai_tensor *input, const float *reference,
                               const char *profile, uint64_t n_masks)
{
    static float map[N_PIXELS];
    double sum = 0, squares = 0;

    for (int seed = 0; seed < s->n_seeds; seed++) {
        double r;

        explain(map, s, input, profile, n_masks, (uint64_t)seed);
        r = correlate(map, reference);
        sum += r;
        squares += r * r;
    }
    *spread = sqrt(fmax(0, squares / s->n_seeds - sum * sum / s->n_seeds / s->n_seeds));
    return sum / s->n_seeds;
}

/* 1 - r falls as one over the number of masks; between two counts it is interpolated so. */
static double masks_for(const double *r, double wanted)
{
    for (int i = 0; i < N_COUNTS; i++) {
        double share;

        if (r[i] < wanted)
            continue;
        if (i == 0)
            return (double)counts[0] * (1 - r[0]) / (1 - wanted);
        share = (log(1 - r[i - 1]) - log(1 - wanted)) / (log(1 - r[i - 1]) - log(1 - r[i]));
        return exp(log((double)counts[i - 1]) + share * (log((double)counts[i]) - log((double)counts[i - 1])));
    }
    return INFINITY;
}

static void study_picture(const study *s, int index)
{
    static float reference[N_PIXELS];
    xai_tensor *input = picture(s, index);
    double official, spread, r[N_COUNTS];

    explain(reference, s, input, "rise", s->n_reference, REFERENCE_SEED);
    official = mean_correlation(&spread, s, input, reference, "rise", OFFICIAL);
    printf("picture %d: eclique's scheme, %d masks: %.4f +- %.4f\n", index, OFFICIAL, official, spread);
    for (int i = 0; i < N_COUNTS; i++) {
        r[i] = mean_correlation(&spread, s, input, reference, "default", counts[i]);
        printf("    default, %4llu masks: %.4f +- %.4f\n", (unsigned long long)counts[i], r[i], spread);
        fflush(stdout);
    }
    printf("    as good as eclique's %d: %.0f masks\n", OFFICIAL, masks_for(r, official));
    xai_tensor_unref(input);
}

int main(int argc, char **argv)
{
    static const int pictures[] = { 0, 3, 7, 11, 19 };
    study s = { .n_reference = argc > 1 ? strtoull(argv[1], NULL, 10) : 64000,
                .n_seeds = argc > 2 ? atoi(argv[2]) : 5,
                .n_pictures = argc > 3 ? atoi(argv[3]) : 3 };

    if (getenv("XAI_TEST_DATA") == NULL) {
        puts("XAI_TEST_DATA is not set");
        return EXIT_SUCCESS;
    }
    open_study(&s);
    for (int i = 0; i < s.n_pictures && i < 5; i++)
        study_picture(&s, pictures[i]);
    close_study(&s);
    return EXIT_SUCCESS;
}
