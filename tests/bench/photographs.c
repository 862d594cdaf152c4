/* SPDX-License-Identifier: MIT
 * Whether visualised channels really are high: for some channels of layer3.1 of a ResNet-18, the mean activation of the
 * finished picture (eight bits a colour, prepared as a photograph) beside the highest that any photograph below
 * $XAI_TEST_DATA/images has.
 *
 * Usage: photographs [STEPS [CHANNELS [THREADS]]] */
#include "passes.h"

#include <glob.h>
#include <string.h>

enum { MOST_CHANNELS = 256, STRIDE = 25 };

static const char layer[] = "layer3.1";

/* The highest mean of each channel over the pictures looked at so far, and which it was. */
typedef struct record {
    double means[MOST_CHANNELS];
    int pictures[MOST_CHANNELS];
} record;

static void look_at(record *r, xai_session *session, xai_hook *hook, const xai_tensor *input, int picture)
{
    xai_tensor *logits = NULL, *value = NULL;
    size_t n;

    passes_insist(xai_session_forward(&logits, session, input));
    passes_insist(xai_hook_output(&value, hook));
    n = xai_tensor_size(value) / MOST_CHANNELS;
    for (size_t c = 0; c < MOST_CHANNELS; c++) {
        double sum = 0;

        for (size_t i = 0; i < n; i++)
            sum += (double)xai_tensor_data(value)[c * n + i];
        if (r->pictures[c] < 0 || sum / (double)n > r->means[c]) {
            r->means[c] = sum / (double)n;
            r->pictures[c] = picture;
        }
    }
    xai_tensor_unref(value);
    xai_tensor_unref(logits);
}

static void look_at_image(record *r, xai_session *session, xai_model *model, xai_hook *hook, const xai_image *image,
                          int picture)
{
    xai_tensor *input = NULL;

    passes_insist(xai_model_prepare(&input, model, image));
    look_at(r, session, hook, input, picture);
    xai_tensor_unref(input);
}

static void look_at_photographs(record *r, glob_t *paths, xai_session *session, xai_model *model, xai_hook *hook,
                                xai_context *context)
{
    const char *data = getenv("XAI_TEST_DATA");
    char pattern[4096];

    snprintf(pattern, sizeof pattern, "%s/images/*/*.[jp][pn]g", data != NULL ? data : "");
    glob(pattern, 0, NULL, paths);
    for (size_t i = 0; i < paths->gl_pathc; i++) {
        xai_image *image = NULL;

        passes_insist(xai_image_load(&image, context, paths->gl_pathv[i], 0));
        look_at_image(r, session, model, hook, image, (int)i);
        xai_image_unref(image);
    }
    printf("%zu photographs\n", paths->gl_pathc);
}

static double visualize(xai_session *session, xai_model *model, xai_hook *hook, int channel, uint32_t n_steps)
{
    const xai_objective objective = { .layer = layer, .channel = channel };
    const xai_visualize_options options = { .struct_size = sizeof options, .n_steps = n_steps };
    xai_image *picture = NULL;
    record r;

    memset(r.pictures, -1, sizeof r.pictures);
    passes_insist(xai_visualize(&picture, 1, NULL, session, &objective, 1, &options));
    look_at_image(&r, session, model, hook, picture, 0);
    xai_image_unref(picture);
    return r.means[channel];
}

int main(int argc, char **argv)
{
    uint32_t n_steps = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 256;
    int n_channels = argc > 2 ? atoi(argv[2]) : 10, n_higher = 0;
    const xai_context_options options = { .struct_size = sizeof options,
                                          .n_threads = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1 };
    char weights[4096];
    xai_context *context = NULL;
    xai_model *model = NULL;
    xai_session *session = NULL;
    xai_hook *hook = NULL;
    glob_t paths = { 0 };
    record r;

    snprintf(weights, sizeof weights, "%s/imagenet-resnet18-pq/resnet18.safetensors",
             getenv("XAI_TEST_DATA") != NULL ? getenv("XAI_TEST_DATA") : "");
    memset(r.pictures, -1, sizeof r.pictures);
    passes_insist(xai_context_create(&context, &options));
    passes_insist(xai_model_build(&model, context, "resnet18", weights, NULL));
    passes_insist(xai_session_create(&session, model, NULL));
    passes_insist(xai_hook_attach(&hook, session, layer, XAI_HOOK_CAPTURE, NULL, NULL, NULL));
    look_at_photographs(&r, &paths, session, model, hook, context);
    for (int i = 0; i < n_channels; i++) {
        int c = i * STRIDE % MOST_CHANNELS;
        double mean = visualize(session, model, hook, c, n_steps);

        n_higher += mean > r.means[c];
        printf("channel %3d: picture %.4f, best photograph %.4f (%s): %.2f x\n", c, mean, r.means[c],
               r.pictures[c] >= 0 ? strrchr(paths.gl_pathv[r.pictures[c]], '/') + 1 : "none", mean / r.means[c]);
        fflush(stdout);
    }
    printf("%d of %d channels are higher than in any photograph\n", n_higher, n_channels);
    globfree(&paths);
    xai_hook_unref(hook);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
    return EXIT_SUCCESS;
}
