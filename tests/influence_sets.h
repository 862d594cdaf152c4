/* SPDX-License-Identifier: MIT
 * Training sets for tests of influence: pictures out of a tensor, by the callback. */
#ifndef XAI_INFLUENCE_SETS_H
#define XAI_INFLUENCE_SETS_H

#include "networks.h"

#include <math.h>

#include "explain/influence/influence.h"
#include "io/weights.h"

/* N x 3 x H x W whole numbers from 0 to 255, and a label each. */
typedef struct example_source {
    xai_tensor *inputs;
    int64_t *labels;
} example_source;

static inline int32_t give_example(xai_image **image, int64_t *label, size_t index, void *user)
{
    const example_source *source = user;
    const int64_t *shape = source->inputs->shape;
    size_t n = (size_t)(shape[2] * shape[3]);
    const float *data = source->inputs->data + index * 3 * n;

    *label = source->labels[index];
    if (image == NULL)
        return 0;
    if (xai_image_create(image, source->inputs->object.context, NULL, (int32_t)shape[3], (int32_t)shape[2]) < 0)
        return 1;
    for (size_t i = 0; i < 3 * n; i++)
        xai_image_pixels(*image)[i] = (uint8_t)data[i % 3 * n + i / 3];
    return 0;
}

/* Pictures go through the network as they are, scaled to -2 .. 2. */
static inline void prepare_plainly(xai_model *model)
{
    const int64_t *shape = model->graph.values[model->graph.input].shape;

    model->preparation = (xai__preparation){ .resize = (int32_t)(shape[2] < shape[3] ? shape[2] : shape[3]),
                                             .crop_height = (int32_t)shape[2],
                                             .crop_width = (int32_t)shape[3],
                                             .scale = 1.0f / 255,
                                             .mean = { 0.5f, 0.5f, 0.5f },
                                             .std = { 0.25f, 0.25f, 0.25f } };
}

static inline xai_training_options options_of(example_source *source)
{
    return (xai_training_options){ .struct_size = sizeof(xai_training_options),
                                   .example = give_example,
                                   .user = source,
                                   .n_examples = (size_t)source->inputs->shape[0] };
}

static inline xai_training *open_source(xai_model *model, example_source *source)
{
    xai_training_options options = options_of(source);
    xai_session *session = network_session(model, 0);
    xai_training *set = NULL;

    prepare_plainly(model);
    ck_assert_ok(xai_training_open(&set, session, &options));
    xai_session_unref(session);
    return set;
}

/* N random pictures for a model, with random labels. */
static inline example_source random_source(xai_model *model, int64_t n, uint64_t seed)
{
    example_source source = { network_input(model, n, seed), calloc((size_t)n, sizeof(int64_t)) };
    int64_t n_classes = (int64_t)xai_model_n_classes(model);
    xai__rng rng;

    for (size_t i = 0; i < source.inputs->size; i++)
        source.inputs->data[i] = floorf((source.inputs->data[i] + 1) * 127.99f);
    xai__rng_seed(&rng, seed);
    for (int64_t i = 0; i < n; i++)
        source.labels[i] = (int64_t)(xai__rng_uniform(&rng) * (double)n_classes);
    return source;
}

static inline void free_source(example_source *source)
{
    xai_tensor_unref(source->inputs);
    free(source->labels);
}

static inline double pearson(const double *a, const float *b, size_t n)
{
    double mean_a = 0, mean_b = 0, ab = 0, aa = 0, bb = 0;

    for (size_t i = 0; i < n; i++) {
        mean_a += a[i] / (double)n;
        mean_b += (double)b[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        ab += (a[i] - mean_a) * ((double)b[i] - mean_b);
        aa += (a[i] - mean_a) * (a[i] - mean_a);
        bb += ((double)b[i] - mean_b) * ((double)b[i] - mean_b);
    }
    return ab / sqrt(aa * bb);
}

#endif
