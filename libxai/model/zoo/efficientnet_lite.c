/* SPDX-License-Identifier: MIT
 * EfficientNet-Lite: Tan, Le, EfficientNet, ICML 2019, without squeeze-and-excitation and with ReLU6, under the names
 * of the PyTorch port of TensorFlow's weights; padding as TensorFlow's SAME. */
#include "model/zoo.h"

static const float EPSILON = 1e-3f;

typedef struct stage {
    int32_t repeats, kernel, stride, expand, channels;
} stage;

/* Of lite0. */
static const stage stages[] = {
    { 1, 3, 1, 1, 16 },  { 2, 3, 2, 6, 24 },  { 2, 5, 2, 6, 40 },  { 3, 3, 2, 6, 80 },
    { 3, 5, 1, 6, 112 }, { 4, 5, 2, 6, 192 }, { 1, 3, 1, 6, 320 },
};

enum { N_STAGES = sizeof stages / sizeof *stages, STEM = 32, HEAD = 1280 };

/* Wider networks have channels in eights, at most a tenth fewer than the factor asks for. */
static int64_t widen(int64_t channels, int32_t tenths)
{
    int64_t wide = channels * tenths, rounded = (wide + 40) / 80 * 8;

    return 100 * rounded < 9 * wide ? rounded + 8 : rounded;
}

/* The first and the last stage have one block in every variant. */
static int32_t count_repeats(int32_t index, int32_t tenths)
{
    const bool is_fixed = index == 0 || index == N_STAGES - 1;

    return is_fixed ? stages[index].repeats : (stages[index].repeats * tenths + 9) / 10;
}

static int32_t conv_norm(xai__builder *b, int32_t x, const char *conv, const char *norm,
                         const xai__convolution *convolution)
{
    x = xai__builder_conv(b, x, conv, convolution);
    return xai__builder_batch_norm(b, x, norm, EPSILON);
}

static int32_t relu6(xai__builder *b, int32_t x)
{
    return xai__builder_clip(b, x, "_swish", 0, 6);
}

static int32_t block(xai__builder *b, int32_t x, const stage *s, int64_t channels, int32_t stride)
{
    const int64_t before = xai__builder_channels(b, x);
    const int32_t middle = (int32_t)before * s->expand, identity = x;

    if (s->expand != 1) {
        x = conv_norm(b, x, "_expand_conv", "_bn0", &(xai__convolution){ .channels = middle, .same = true });
        x = relu6(b, x);
    }
    x = conv_norm(b, x, "_depthwise_conv", "_bn1",
                  &(xai__convolution){
                      .channels = middle, .kernel = s->kernel, .stride = stride, .groups = middle, .same = true });
    x = relu6(b, x);
    x = conv_norm(b, x, "_project_conv", "_bn2", &(xai__convolution){ .channels = channels, .same = true });
    return stride == 1 && before == channels ? xai__builder_add(b, x, identity, "add") : x;
}

static int32_t add_blocks(xai__builder *b, const xai__architecture *architecture, int32_t x)
{
    int32_t count = 0;

    for (int32_t i = 0; i < N_STAGES; i++)
        for (int32_t repeat = 0; repeat < count_repeats(i, architecture->depth); repeat++) {
            xai__builder_enter(b, "_blocks.%d", count++);
            x = block(b, x, &stages[i], widen(stages[i].channels, architecture->width),
                      repeat == 0 ? stages[i].stride : 1);
            xai__builder_leave(b);
        }
    return x;
}

int32_t xai__zoo_efficientnet_lite(xai__builder *builder, const xai__architecture *architecture, int32_t x)
{
    x = conv_norm(builder, x, "_conv_stem", "_bn0",
                  &(xai__convolution){ .channels = STEM, .kernel = 3, .stride = 2, .same = true });
    x = relu6(builder, x);
    x = add_blocks(builder, architecture, x);
    x = conv_norm(builder, x, "_conv_head", "_bn1", &(xai__convolution){ .channels = HEAD, .same = true });
    x = relu6(builder, x);
    x = xai__builder_global_average_pool(builder, x, "_avg_pooling");
    x = xai__builder_flatten(builder, x, "flatten");
    x = xai__builder_identity(builder, x, "_dropout");
    return xai__builder_linear(builder, x, "_fc", architecture->n_classes);
}
