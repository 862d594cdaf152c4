/* SPDX-License-Identifier: MIT
 * pytorchcv's wide residual networks for CIFAR and SVHN: Zagoruyko, Komodakis, BMVC 2016; batch norm and ReLU come
 * before each convolution. */
#include "model/zoo.h"

static const float EPSILON = 1e-5f;

static int32_t norm_relu(xai__builder *b, int32_t x)
{
    x = xai__builder_batch_norm(b, x, "bn", EPSILON);
    return xai__builder_relu(b, x, "activ");
}

static int32_t conv3x3(xai__builder *b, int32_t x, const char *name, int64_t channels, int32_t stride)
{
    return xai__builder_conv(b, x, name,
                             &(xai__convolution){ .channels = channels, .kernel = 3, .stride = stride, .padding = 1 });
}

/* A block that changes the shape takes its shortcut behind the first activation, others before it. */
static int32_t unit(xai__builder *b, int32_t x, int64_t channels, int32_t stride)
{
    const bool resizes = stride != 1 || xai__builder_channels(b, x) != channels;
    int32_t identity = x;

    xai__builder_enter(b, "body.conv1");
    x = norm_relu(b, x);
    xai__builder_leave(b);
    if (resizes)
        identity = xai__builder_conv(b, x, "identity_conv",
                                     &(xai__convolution){ .channels = channels, .stride = stride });
    x = conv3x3(b, x, "body.conv1.conv", channels, stride);
    xai__builder_enter(b, "body.conv2");
    x = norm_relu(b, x);
    x = conv3x3(b, x, "conv", channels, 1);
    xai__builder_leave(b);
    return xai__builder_add(b, x, identity, "add");
}

/* The original pools windows of 8x8 with stride 1, which for its 32x32 pictures is the whole map. */
int32_t xai__zoo_wrn(xai__builder *builder, const xai__architecture *architecture, int32_t x)
{
    xai__builder_enter(builder, "features");
    x = conv3x3(builder, x, "init_block", 16, 1);
    for (int32_t stage = 0; stage < 3; stage++)
        for (int32_t block = 0; block < architecture->blocks[stage]; block++) {
            xai__builder_enter(builder, "stage%d.unit%d", stage + 1, block + 1);
            x = unit(builder, x, architecture->width * (16 << stage), block == 0 && stage > 0 ? 2 : 1);
            xai__builder_leave(builder);
        }
    xai__builder_enter(builder, "post_activ");
    x = norm_relu(builder, x);
    xai__builder_leave(builder);
    x = xai__builder_global_average_pool(builder, x, "final_pool");
    xai__builder_leave(builder);
    x = xai__builder_flatten(builder, x, "flatten");
    return xai__builder_linear(builder, x, "output", architecture->n_classes);
}
