/* SPDX-License-Identifier: MIT
 * How many masks RISE needs: a CIFAR ResNet-56, pictures of the test set, a reference of many masks, and how well maps
 * of fewer masks correlate with it, eclique's scheme beside ours. Needs $XAI_TEST_DATA.
 *
 *     bench_rise [REFERENCE [SEEDS [PICTURES [PROFILE]]]]
 *
 * By default 64000 masks of profile "rise" as the reference, which takes most of the time, 5 seeds and 3 pictures.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xai/xai.h>

enum { SIDE = 32, N_PIXELS = SIDE * SIDE, OFFICIAL = 4000, N_CLASSES = 10, REFERENCE_SEED = 1000 };

static const uint64_t counts[] = { 250, 500, 700, 1000, 1400, 2000, 4000 };
enum { N_COUNTS = sizeof counts / sizeof *counts };

typedef struct study {
    xai_context *context;
    xai_model *model;
    xai_session *session;
    xai_image *sheet;      /* a picture a row */
    const char *reference; /* profile */
    uint64_t n_reference;
    int n_seeds, n_pictures;
    float *known; /* scores of the present masks, of which n_known were computed */
    size_t n_known, n_asked;
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

/* Masks of a seed come in the same order however many are wanted, so their scores are computed once. */
static int32_t predict(const float *batch, size_t n, float *scores, void *user)
{
    study *s = user;
    const int64_t shape[4] = { (int64_t)n, 3, SIDE, SIDE };
    xai_tensor *images = NULL, *logits = NULL;

    if (s->n_asked + n > s->n_known) {
        check(xai_tensor_wrap(&images, s->context, (float *)batch, shape, 4, NULL, NULL));
        check(xai_session_forward(&logits, s->session, images));
        memcpy(s->known + s->n_asked * N_CLASSES, xai_tensor_data(logits), n * N_CLASSES * sizeof *scores);
        s->n_known = s->n_asked + n;
        xai_tensor_unref(logits);
        xai_tensor_unref(images);
    }
    memcpy(scores, s->known + s->n_asked * N_CLASSES, n * N_CLASSES * sizeof *scores);
    s->n_asked += n;
    return 0;
}

/* Forgets the scores that are known where begins is true: another stream of masks begins. */
static void explain(float *map, study *s, const xai_tensor *input, const char *profile, uint64_t n_masks, uint64_t seed,
                    bool begins)
{
    const xai_run_options run = { .struct_size = sizeof run, .seed = seed };
    const xai_black_box box = {
        .struct_size = sizeof box, .predict = predict, .user = s, .n_classes = N_CLASSES, .max_batch = 1 << 4
    };
    const xai_rise_options options = { .struct_size = sizeof options,
                                       .profile = profile,
                                       .black_box = &box,
                                       .run = &run,
                                       .n_masks = n_masks,
                                       .grid = 8,
                                       .keep = 0.5f };
    xai_attribution *a = NULL;
    xai_tensor *raw = NULL;

    s->n_asked = 0;
    s->n_known = begins ? 0 : s->n_known;
    check(xai_rise_compute(&a, NULL, input, NULL, 0, &options));
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

/* The mean over the seeds, a count each; profile's masks of every seed are scored once. */
static void mean_correlations(double *means, study *s, const xai_tensor *input, const float *reference,
                              const char *profile, const uint64_t *wanted, int n_wanted)
{
    static float map[N_PIXELS];

    memset(means, 0, (size_t)n_wanted * sizeof *means);
    for (int seed = 0; seed < s->n_seeds; seed++)
        for (int i = n_wanted - 1; i >= 0; i--) { /* the most first */
            explain(map, s, input, profile, wanted[i], (uint64_t)seed, i == n_wanted - 1);
            means[i] += correlate(map, reference) / s->n_seeds;
        }
}

/* Noise of a variance that falls as one over the number of masks makes 1 / r^2 a line over that: the line is fitted to
 * all counts, so that no single one decides. */
static double masks_for(const double *r, double wanted)
{
    double x = 0, y = 0, xx = 0, xy = 0, slope;

    for (int i = 0; i < N_COUNTS; i++) {
        double at = 1 / (double)counts[i], value = 1 / (r[i] * r[i]);

        x += at / N_COUNTS;
        y += value / N_COUNTS;
        xx += at * at / N_COUNTS;
        xy += at * value / N_COUNTS;
    }
    slope = (xy - x * y) / (xx - x * x);
    return slope / (1 / (wanted * wanted) - (y - slope * x));
}

static void study_picture(study *s, int index)
{
    static const uint64_t official_count[1] = { OFFICIAL };
    static float reference[N_PIXELS];
    xai_tensor *input = picture(s, index);
    double official, r[N_COUNTS];

    explain(reference, s, input, s->reference, s->n_reference, REFERENCE_SEED, true);
    mean_correlations(&official, s, input, reference, "rise", official_count, 1);
    mean_correlations(r, s, input, reference, "default", counts, N_COUNTS);
    printf("picture %d: eclique's scheme, %d masks: %.4f\n", index, OFFICIAL, official);
    for (int i = 0; i < N_COUNTS; i++)
        printf("    default, %4llu masks: %.4f\n", (unsigned long long)counts[i], r[i]);
    printf("    as good as eclique's %d: %.0f masks\n", OFFICIAL, masks_for(r, official));
    fflush(stdout);
    xai_tensor_unref(input);
}

int main(int argc, char **argv)
{
    static const int pictures[] = { 0, 3, 7, 11, 19 };
    study s = { .n_reference = argc > 1 ? strtoull(argv[1], NULL, 10) : 64000,
                .n_seeds = argc > 2 ? atoi(argv[2]) : 5,
                .n_pictures = argc > 3 ? atoi(argv[3]) : 3,
                .reference = argc > 4 ? argv[4] : "rise" };

    if (getenv("XAI_TEST_DATA") == NULL) {
        puts("XAI_TEST_DATA is not set");
        return EXIT_SUCCESS;
    }
    s.known = malloc((size_t)((s.n_reference > OFFICIAL ? s.n_reference : OFFICIAL) + 1) * N_CLASSES * sizeof *s.known);
    if (s.known == NULL)
        return EXIT_FAILURE;
    open_study(&s);
    for (int i = 0; i < s.n_pictures && i < 5; i++)
        study_picture(&s, pictures[i]);
    close_study(&s);
    free(s.known);
    return EXIT_SUCCESS;
}
