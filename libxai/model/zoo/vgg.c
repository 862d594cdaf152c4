/* SPDX-License-Identifier: MIT
 * torchvision's VGGs: Simonyan, Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR
 * 2015; with batch norm or without. */
#include "model/zoo.h"

#include <stdio.h>

static const float EPSILON = 1e-5f;

enum { N_STAGES = 5, SIDE = 7, HIDDEN = 4096 };

/* Modules of `features` are numbered, whatever they are. */
typedef struct counter {
    char name[8];
    int32_t n;
} counter;

static const char *next(counter *c)
{
    snprintf(c->name, sizeof c->name, "%d", c->n++);
    return c->name;
}

static int32_t features(xai__builder *b, const xai__architecture *architecture, int32_t x)
{
    const bool has_norms = architecture->width != 0;
    counter c = { "", 0 };

    for (int32_t stage = 0; stage < N_STAGES; stage++) {
        /* The last two stages are alike. */
        const int32_t n_layers = architecture->blocks[stage < 4 ? stage : 3];
        const int64_t channels = stage < 4 ? 64 << stage : 512;

        for (int32_t i = 0; i < n_layers; i++) {
            x = xai__builder_conv(
                b, x, next(&c),
                &(xai__convolution){ .channels = channels, .kernel = 3, .padding = 1, .has_bias = true });
            if (has_norms)
                x = xai__builder_batch_norm(b, x, next(&c), EPSILON);
            x = xai__builder_relu(b, x, next(&c));
        }
        x = xai__builder_max_pool(b, x, next(&c), &(xai__pooling){ .kernel = 2, .stride = 2 });
    }
    return x;
}

int32_t xai__zoo_vgg(xai__builder *builder, const xai__architecture *architecture, int32_t x)
{
    xai__builder_enter(builder, "features");
    x = features(builder, architecture, x);
    xai__builder_leave(builder);
    x = xai__builder_adaptive_average_pool(builder, x, "avgpool", SIDE);
    x = xai__builder_flatten(builder, x, "flatten");
    xai__builder_enter(builder, "classifier");
    x = xai__builder_linear(builder, x, "0", HIDDEN);
    x = xai__builder_relu(builder, x, "1");
    x = xai__builder_identity(builder, x, "2");
    x = xai__builder_linear(builder, x, "3", HIDDEN);
    x = xai__builder_relu(builder, x, "4");
    x = xai__builder_identity(builder, x, "5");
    x = xai__builder_linear(builder, x, "6", architecture->n_classes);
    xai__builder_leave(builder);
    return x;
}
