/* SPDX-License-Identifier: MIT
 * The table of architectures. */
#include "model/zoo.h"

#include <string.h>

#include <xai/model.h>

/* How pictures are prepared: value = (byte * scale - mean) / std, a channel. BYTES_TO_UNIT is 1 / 255. */
#define BYTES_TO_UNIT    .scale = 0.00392156862745098f
#define IMAGENET_COLOURS BYTES_TO_UNIT, .mean = { 0.485f, 0.456f, 0.406f }, .std = { 0.229f, 0.224f, 0.225f }
#define CIFAR_COLOURS    BYTES_TO_UNIT, .mean = { 0.4914f, 0.4822f, 0.4465f }, .std = { 0.2023f, 0.1994f, 0.2010f }
#define LITE_COLOURS     .scale = 1.0f, .mean = { 127.0f, 127.0f, 127.0f }, .std = { 128.0f, 128.0f, 128.0f }
#define SIDE(n)          .resize = n, .crop = n

/* One row a network, by family; blocks are those of each stage, width and depth mean what the family takes them for.
 * RESNET: how many times a block's last convolution has the channels of its first (4: bottlenecks). WRN: factor of the
 * usual channels. LITE: both in tenths. VGG: whether there are batch norms. Akamaster's networks were trained with
 * ImageNet's colours. */
#define RESNET(label, ends, hook, ...)                                                                                 \
    {                                                                                                                  \
        .name = label, .n_classes = 1000, SIDE(224), IMAGENET_COLOURS, .cam_layer = "layer4", .tutorial_layer = hook,  \
        .family = xai__zoo_resnet, .blocks = { __VA_ARGS__ }, .width = ends                                            \
    }
#define CIFAR_RESNET(label, hook, n)                                                                                   \
    {                                                                                                                  \
        .name = label, .n_classes = 10, SIDE(32), IMAGENET_COLOURS, .cam_layer = "layer3", .tutorial_layer = hook,     \
        .family = xai__zoo_cifar_resnet, .blocks = {                                                                   \
            n,                                                                                                         \
            n,                                                                                                         \
            n                                                                                                          \
        }                                                                                                              \
    }
#define WRN(label, classes, n, factor)                                                                                 \
    {                                                                                                                  \
        .name = label, .n_classes = classes, SIDE(32), CIFAR_COLOURS, .cam_layer = "features.post_activ",              \
        .family = xai__zoo_wrn, .blocks = { n, n, n }, .width = factor                                                 \
    }
#define LITE(label, side, wide, deep)                                                                                  \
    {                                                                                                                  \
        .name = label, .n_classes = 1000, SIDE(side), LITE_COLOURS, .family = xai__zoo_efficientnet_lite,              \
        .width = wide, .depth = deep                                                                                   \
    }

#define VGG(label, norms, ...)                                                                                         \
    {                                                                                                                  \
        .name = label, .n_classes = 1000, SIDE(224), IMAGENET_COLOURS, .family = xai__zoo_vgg,                         \
        .blocks = { __VA_ARGS__ }, .width = norms                                                                      \
    }

static const xai__architecture architectures[] = {
    RESNET("resnet18", 1, "layer4.1.conv2", 2, 2, 2, 2),
    RESNET("resnet34", 1, "layer4.2.conv2", 3, 4, 6, 3),
    RESNET("resnet50", 4, "layer4.2.conv3", 3, 4, 6, 3),
    RESNET("resnet101", 4, "layer4.2.conv3", 3, 4, 23, 3),
    RESNET("resnet152", 4, "layer4.2.conv3", 3, 8, 36, 3),
    CIFAR_RESNET("cifar_resnet20", "layer3.2.conv2", 3),
    CIFAR_RESNET("cifar_resnet32", "layer3.4.conv2", 5),
    CIFAR_RESNET("cifar_resnet44", "layer3.6.conv2", 7),
    CIFAR_RESNET("cifar_resnet56", "layer3.8.conv2", 9),
    { .name = "resnet9_cifar10",
      .n_classes = 10,
      SIDE(32),
      CIFAR_COLOURS,
      .cam_layer = "layer3",
      .tutorial_layer = "layer3.residual.conv2",
      .family = xai__zoo_resnet9 },
    WRN("wrn16_10_cifar10", 10, 2, 10),
    WRN("wrn16_10_cifar100", 100, 2, 10),
    WRN("wrn16_10_svhn", 10, 2, 10),
    WRN("wrn28_10_cifar10", 10, 4, 10),
    WRN("wrn28_10_cifar100", 100, 4, 10),
    WRN("wrn28_10_svhn", 10, 4, 10),
    WRN("wrn40_8_cifar10", 10, 6, 8),
    WRN("wrn40_8_cifar100", 100, 6, 8),
    WRN("wrn40_8_svhn", 10, 6, 8),
    { .name = "mobilenet_v2", .n_classes = 1000, SIDE(224), IMAGENET_COLOURS, .family = xai__zoo_mobilenet_v2 },
    VGG("vgg11", 0, 1, 1, 2, 2),
    VGG("vgg13", 0, 2, 2, 2, 2),
    VGG("vgg16", 0, 2, 2, 3, 3),
    VGG("vgg19", 0, 2, 2, 4, 4),
    VGG("vgg11_bn", 1, 1, 1, 2, 2),
    VGG("vgg13_bn", 1, 2, 2, 2, 2),
    VGG("vgg16_bn", 1, 2, 2, 3, 3),
    VGG("vgg19_bn", 1, 2, 2, 4, 4),
    LITE("efficientnet_lite0", 224, 10, 10),
    LITE("efficientnet_lite1", 240, 10, 11),
    LITE("efficientnet_lite2", 260, 11, 12),
};

enum { N_ARCHITECTURES = sizeof architectures / sizeof *architectures };

const char *xai_architecture(size_t index)
{
    return index < N_ARCHITECTURES ? architectures[index].name : NULL;
}

/* Exact names only: "resnet" could be one of several, and a wrong guess would fail later with a confusing message. */
const xai__architecture *xai__zoo_find(const char *name)
{
    for (size_t i = 0; i < N_ARCHITECTURES; i++)
        if (strcmp(architectures[i].name, name) == 0)
            return &architectures[i];
    return NULL;
}

xai_status xai__zoo_build(xai__graph *graph, const xai__architecture *architecture, const xai__weights *weights,
                          uint64_t seed, int64_t height, int64_t width)
{
    xai__builder builder;
    xai_status status;
    int32_t x;

    xai__builder_init(&builder, graph, weights, seed);
    x = xai__builder_input(&builder, 3, height, width);
    x = architecture->family(&builder, architecture, x);
    status = xai__builder_finish(&builder, x, architecture->name);
    xai__builder_fini(&builder);
    return status;
}
