/* SPDX-License-Identifier: MIT
 * LIME on a ResNet-18 at 224 x 224: how much of it is not the network. Times are the processor's, so that other
 * programs on the machine do not count.
 *
 * Usage: lime [SAMPLES [THREADS]] */
#include "passes.h"

/* A session behind a callback, which counts what it costs. */
typedef struct counted {
    xai_context *context;
    xai_session *session;
    double seconds;
    size_t n;
} counted;

static double processor_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int32_t predict(const float *batch, size_t n, float *scores, void *user)
{
    const int64_t shape[4] = { (int64_t)n, 3, 224, 224 };
    counted *c = user;
    double start = processor_seconds();
    xai_tensor *input = NULL, *logits = NULL;

    passes_insist(xai_tensor_wrap(&input, c->context, (float *)(void *)(size_t)batch, shape, 4, NULL, NULL));
    passes_insist(xai_session_forward(&logits, c->session, input));
    for (size_t i = 0; i < xai_tensor_size(logits); i++)
        scores[i] = xai_tensor_data(logits)[i];
    xai_tensor_unref(logits);
    xai_tensor_unref(input);
    c->seconds += processor_seconds() - start;
    c->n += n;
    return 0;
}

static void report(const char *name, double seconds, const counted *c)
{
    double rest = seconds - c->seconds;

    printf("%-12s %7.3f s of processor: network %7.3f s for %zu pictures, all else %6.3f s = %.2f %%\n", name, seconds,
           c->seconds, c->n, rest, 100 * rest / seconds);
}

/* Stripes with noise: about as many superpixels as a photograph has. */
static xai_image *draw_picture(xai_context *context)
{
    xai_image *image = NULL;
    uint32_t state = 1;

    passes_insist(xai_image_create(&image, context, NULL, 224, 224));
    for (size_t i = 0; i < 224 * 224 * 3; i++) {
        size_t x = i / 3 % 224, y = i / 3 / 224;

        state = state * 1664525u + 1013904223u;
        xai_image_pixels(image)[i] = (uint8_t)(x / 37 * (i % 3) * 12 + y / 41 * 20 + (state >> 27));
    }
    return image;
}

static void measure(counted *c, xai_tensor *input, xai_image *picture, uint32_t n_samples)
{
    const xai_black_box box = { .struct_size = sizeof box, .predict = predict, .user = c, .n_classes = 1000 };
    const xai_lime_options lime = { .struct_size = sizeof lime, .n_samples = n_samples, .black_box = &box };
    const xai_shap_options shap = { .struct_size = sizeof shap, .n_samples = n_samples, .black_box = &box };
    xai_segments *segments = NULL;
    xai_attribution *a = NULL;
    double start = processor_seconds();

    passes_insist(xai_segments_create(&segments, picture, NULL));
    printf("quickshift   %7.3f s of processor: %zu segments\n", processor_seconds() - start,
           xai_segments_count(segments));
    start = processor_seconds();
    xai_segments_unref(segments);
    passes_insist(xai_segments_create(&segments, picture, NULL));
    passes_insist(xai_lime_compute(&a, NULL, input, segments, NULL, 0, &lime));
    report("lime", processor_seconds() - start, c);
    xai_attribution_unref(a);
    c->seconds = 0;
    c->n = 0;
    start = processor_seconds();
    passes_insist(xai_shap_compute(&a, NULL, input, segments, NULL, 0, &shap));
    report("shap", processor_seconds() - start, c);
    xai_attribution_unref(a);
    xai_segments_unref(segments);
}

int main(int argc, char **argv)
{
    uint32_t n_samples = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
    const xai_context_options options = { .struct_size = sizeof options,
                                          .n_threads = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1 };
    const xai_session_options throughput = { .struct_size = sizeof throughput, .purpose = XAI_PURPOSE_THROUGHPUT };
    counted c = { 0 };
    xai_model *model = NULL;
    xai_image *picture;
    xai_tensor *input;

    passes_insist(xai_context_create(&c.context, &options));
    passes_insist(xai_model_build(&model, c.context, "resnet18", NULL, NULL));
    passes_insist(xai_session_create(&c.session, model, &throughput));
    picture = draw_picture(c.context);
    input = passes_input(c.context);
    measure(&c, input, picture, n_samples);
    xai_tensor_unref(input);
    xai_image_unref(picture);
    xai_session_unref(c.session);
    xai_model_unref(model);
    xai_context_unref(c.context);
    return EXIT_SUCCESS;
}
