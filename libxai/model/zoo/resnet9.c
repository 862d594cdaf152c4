/* SPDX-License-Identifier: MIT
 * The small network of examples/models/train_cifar10.py: nine layers in the manner of Page's DAWNBench entry of 2018
 * ("How to train your ResNet"), narrow enough for a file of 1.4 MB. */
#include "model/zoo.h"

static const float EPSILON = 1e-5f;

static int32_t conv3x3(xai__builder *b, int32_t x, const char *name, int64_t channels)
{
    return xai__builder_conv(b, x, name, &(xai__convolution){ .channels = channels, .kernel = 3, .padding = 1 });
}

static int32_t norm_relu(xai__builder *b, int32_t x, const char *norm)
{
    x = xai__builder_batch_norm(b, x, norm, EPSILON);
    return xai__builder_relu(b, x, "relu");
}

/* The sum is not rectified again. */
static int32_t residual(xai__builder *b, int32_t x, int64_t channels)
{
    int32_t identity = x;

    xai__builder_enter(b, "residual");
    x = norm_relu(b, conv3x3(b, x, "conv1", channels), "bn1");
    x = norm_relu(b, conv3x3(b, x, "conv2", channels), "bn2");
    x = xai__builder_add(b, x, identity, "add");
    xai__builder_leave(b);
    return x;
}

/* The pool comes before the norm: the same maps for a quarter of the norm's work in training. */
static int32_t layer(xai__builder *b, int32_t x, const char *name, int64_t channels, bool has_residual)
{
    const xai__pooling halves = { .kernel = 2, .stride = 2 };

    xai__builder_enter(b, "%s", name);
    x = conv3x3(b, x, "conv", channels);
    x = norm_relu(b, xai__builder_max_pool(b, x, "pool", &halves), "bn");
    if (has_residual)
        x = residual(b, x, channels);
    xai__builder_leave(b);
    return x;
}

int32_t xai__zoo_resnet9(xai__builder *builder, const xai__architecture *architecture, int32_t x)
{
    xai__builder_enter(builder, "prep");
    x = norm_relu(builder, conv3x3(builder, x, "conv", 16), "bn");
    xai__builder_leave(builder);
    x = layer(builder, x, "layer1", 48, true);
    x = layer(builder, x, "layer2", 96, false);
    x = layer(builder, x, "layer3", 160, true);
    x = xai__builder_global_average_pool(builder, x, "avgpool");
    x = xai__builder_flatten(builder, x, "flatten");
    return xai__builder_linear(builder, x, "fc", architecture->n_classes);
}
