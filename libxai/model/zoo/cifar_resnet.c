/* SPDX-License-Identifier: MIT
 * akamaster's ResNets for CIFAR-10: He et al., CVPR 2016, section 4.2, with shortcuts that have no parameters. */
#include "model/zoo.h"

static const float EPSILON = 1e-5f;

static int32_t conv_norm(xai__builder *b, int32_t x, const char *conv, const char *norm, int64_t channels,
                         int32_t stride)
{
    x = xai__builder_conv(b, x, conv,
                          &(xai__convolution){ .channels = channels, .kernel = 3, .stride = stride, .padding = 1 });
    return xai__builder_batch_norm(b, x, norm, EPSILON);
}

/* Option A: every second pixel, and zeros for the channels that are new, half of them on each side. */
static int32_t shortcut(xai__builder *b, int32_t x, int64_t channels, int32_t stride)
{
    if (stride == 1 && xai__builder_channels(b, x) == channels) {
        xai__builder_alias(b, x, "shortcut");
        return x;
    }
    x = xai__builder_subsample(b, x, "shortcut.slice", 2);
    return xai__builder_pad_channels(b, x, "shortcut", channels / 4, channels / 4);
}

static int32_t basic_block(xai__builder *b, int32_t x, int64_t channels, int32_t stride)
{
    int32_t identity = shortcut(b, x, channels, stride);

    x = conv_norm(b, x, "conv1", "bn1", channels, stride);
    x = xai__builder_relu(b, x, "relu");
    x = conv_norm(b, x, "conv2", "bn2", channels, 1);
    x = xai__builder_add(b, x, identity, "add");
    return xai__builder_relu(b, x, "relu");
}

int32_t xai__zoo_cifar_resnet(xai__builder *builder, const xai__architecture *architecture, int32_t x)
{
    x = conv_norm(builder, x, "conv1", "bn1", 16, 1);
    x = xai__builder_relu(builder, x, "relu");
    for (int32_t stage = 0; stage < 3; stage++)
        for (int32_t block = 0; block < architecture->blocks[stage]; block++) {
            xai__builder_enter(builder, "layer%d.%d", stage + 1, block);
            x = basic_block(builder, x, 16 << stage, block == 0 && stage > 0 ? 2 : 1);
            xai__builder_leave(builder);
        }
    x = xai__builder_global_average_pool(builder, x, "avgpool");
    x = xai__builder_flatten(builder, x, "flatten");
    return xai__builder_linear(builder, x, "linear", architecture->n_classes);
}
