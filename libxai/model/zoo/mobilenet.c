/* SPDX-License-Identifier: MIT
 * torchvision's MobileNetV2: Sandler, Howard, Zhu, Zhmoginov, Chen, Inverted Residuals and Linear Bottlenecks, CVPR
 * 2018. */
#include "model/zoo.h"

static const float EPSILON = 1e-5f;

typedef struct stage {
    int32_t expand, channels, repeats, stride;
} stage;

static const stage stages[] = {
    { 1, 16, 1, 1 }, { 6, 24, 2, 2 },  { 6, 32, 3, 2 },  { 6, 64, 4, 2 },
    { 6, 96, 3, 1 }, { 6, 160, 3, 2 }, { 6, 320, 1, 1 },
};

enum { N_STAGES = sizeof stages / sizeof *stages, STEM = 32, HEAD = 1280 };

/* A module of three: convolution that keeps the size but for its stride, batch norm, ReLU6. */
static int32_t conv_norm_relu(xai__builder *b, int32_t x, int64_t channels, int32_t kernel, int32_t stride,
                              int32_t groups)
{
    x = xai__builder_conv(
        b, x, "0",
        &(xai__convolution){
            .channels = channels, .kernel = kernel, .stride = stride, .groups = groups, .padding = kernel / 2 });
    x = xai__builder_batch_norm(b, x, "1", EPSILON);
    return xai__builder_clip(b, x, "2", 0, 6);
}

/* The modules are numbered, and a block that does not expand has one less. */
static int32_t layers(xai__builder *b, int32_t x, const stage *s, int32_t stride)
{
    const int32_t middle = (int32_t)xai__builder_channels(b, x) * s->expand, first = s->expand != 1 ? 1 : 0;
    char name[2][4] = { { (char)('1' + first) }, { (char)('2' + first) } };

    if (first > 0) {
        xai__builder_enter(b, "0");
        x = conv_norm_relu(b, x, middle, 1, 1, 1);
        xai__builder_leave(b);
    }
    xai__builder_enter(b, "%d", first);
    x = conv_norm_relu(b, x, middle, 3, stride, middle);
    xai__builder_leave(b);
    x = xai__builder_conv(b, x, name[0], &(xai__convolution){ .channels = s->channels });
    return xai__builder_batch_norm(b, x, name[1], EPSILON);
}

static int32_t block(xai__builder *b, int32_t x, const stage *s, int32_t stride)
{
    const int32_t identity = x;
    const bool adds = stride == 1 && xai__builder_channels(b, x) == s->channels;

    xai__builder_enter(b, "conv");
    x = layers(b, x, s, stride);
    xai__builder_leave(b);
    return adds ? xai__builder_add(b, x, identity, "add") : x;
}

static int32_t add_blocks(xai__builder *b, int32_t x, int32_t *count)
{
    for (int32_t i = 0; i < N_STAGES; i++)
        for (int32_t repeat = 0; repeat < stages[i].repeats; repeat++) {
            xai__builder_enter(b, "features.%d", (*count)++);
            x = block(b, x, &stages[i], repeat == 0 ? stages[i].stride : 1);
            xai__builder_leave(b);
        }
    return x;
}

int32_t xai__zoo_mobilenet_v2(xai__builder *builder, const xai__architecture *architecture, int32_t x)
{
    int32_t count = 1;

    xai__builder_enter(builder, "features.0");
    x = conv_norm_relu(builder, x, STEM, 3, 2, 1);
    xai__builder_leave(builder);
    x = add_blocks(builder, x, &count);
    xai__builder_enter(builder, "features.%d", count);
    x = conv_norm_relu(builder, x, HEAD, 1, 1, 1);
    xai__builder_leave(builder);
    x = xai__builder_global_average_pool(builder, x, "avgpool");
    x = xai__builder_flatten(builder, x, "flatten");
    x = xai__builder_identity(builder, x, "classifier.0");
    return xai__builder_linear(builder, x, "classifier.1", architecture->n_classes);
}
