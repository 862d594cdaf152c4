/* SPDX-License-Identifier: MIT
 * torchvision's ResNets: He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, CVPR 2016, with the stride
 * in a bottleneck's 3x3 convolution. */
#include "model/zoo.h"

static const float EPSILON = 1e-5f;

/* A convolution that keeps the size but for its stride, and its batch norm. */
static int32_t conv_norm(xai__builder *b, int32_t x, const char *conv, const char *norm, int64_t channels,
                         int32_t kernel, int32_t stride)
{
    x = xai__builder_conv(
        b, x, conv,
        &(xai__convolution){ .channels = channels, .kernel = kernel, .stride = stride, .padding = kernel / 2 });
    return xai__builder_batch_norm(b, x, norm, EPSILON);
}

/* The shortcut comes first, so that the last convolution is followed by what it is added to. */
static int32_t shortcut(xai__builder *b, int32_t x, int64_t channels, int32_t stride)
{
    if (stride == 1 && xai__builder_channels(b, x) == channels)
        return x;
    return conv_norm(b, x, "downsample.0", "downsample.1", channels, 1, stride);
}

static int32_t basic_block(xai__builder *b, int32_t x, int64_t channels, int32_t stride)
{
    int32_t identity = shortcut(b, x, channels, stride);

    x = conv_norm(b, x, "conv1", "bn1", channels, 3, stride);
    x = xai__builder_relu(b, x, "relu");
    x = conv_norm(b, x, "conv2", "bn2", channels, 3, 1);
    x = xai__builder_add(b, x, identity, "add");
    return xai__builder_relu(b, x, "relu");
}

static int32_t bottleneck(xai__builder *b, int32_t x, int64_t channels, int64_t ends, int32_t stride)
{
    int32_t identity = shortcut(b, x, ends, stride);

    x = conv_norm(b, x, "conv1", "bn1", channels, 1, 1);
    x = xai__builder_relu(b, x, "relu");
    x = conv_norm(b, x, "conv2", "bn2", channels, 3, stride);
    x = xai__builder_relu(b, x, "relu");
    x = conv_norm(b, x, "conv3", "bn3", ends, 1, 1);
    x = xai__builder_add(b, x, identity, "add");
    return xai__builder_relu(b, x, "relu");
}

int32_t xai__zoo_resnet(xai__builder *builder, const xai__architecture *architecture, int32_t x)
{
    const int32_t expansion = architecture->width;

    x = conv_norm(builder, x, "conv1", "bn1", 64, 7, 2);
    x = xai__builder_relu(builder, x, "relu");
    x = xai__builder_max_pool(builder, x, "maxpool", &(xai__pooling){ .kernel = 3, .stride = 2, .padding = 1 });
    for (int32_t stage = 0; stage < 4; stage++)
        for (int32_t block = 0; block < architecture->blocks[stage]; block++) {
            const int64_t channels = 64 << stage;
            const int32_t stride = block == 0 && stage > 0 ? 2 : 1;

            xai__builder_enter(builder, "layer%d.%d", stage + 1, block);
            x = expansion == 1 ? basic_block(builder, x, channels, stride)
                               : bottleneck(builder, x, channels, channels * expansion, stride);
            xai__builder_leave(builder);
        }
    x = xai__builder_global_average_pool(builder, x, "avgpool");
    x = xai__builder_flatten(builder, x, "flatten");
    return xai__builder_linear(builder, x, "fc", architecture->n_classes);
}
