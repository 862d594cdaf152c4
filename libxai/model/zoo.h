/* SPDX-License-Identifier: MIT
 * Architectures for state dicts: the networks that PyTorch's weight files belong to. */
#ifndef XAI__MODEL_ZOO_H
#define XAI__MODEL_ZOO_H

#include "model/builder.h"

typedef struct xai__architecture xai__architecture;

/* Builds a network of a family behind the input x; returns its logits. */
typedef int32_t (*xai__family_fn)(xai__builder *builder, const xai__architecture *architecture, int32_t x);

struct xai__architecture {
    const char *name;
    int32_t n_classes, resize, crop; /* pixels of the shorter side, then of the square that is cut out */
    float scale, mean[3], std[3];    /* (x * scale - mean) / std, x from 0 to 255 */
    const char *cam_layer;           /* NULL: the default rule finds it */
    const char *tutorial_layer;      /* what the tutorial would hook: the last convolution's raw output; NULL: none */

    /* For the family alone. */
    xai__family_fn family;
    int32_t blocks[4]; /* blocks of each stage */
    int32_t width;     /* channels: of a bottleneck's ends as a multiple of its middle, a factor, or tenths; VGG: 1 for
                          batch norms */
    int32_t depth;     /* tenths */
};

/* NULL if there is none. */
const xai__architecture *xai__zoo_find(const char *name);

/* Fills an empty graph: the input 1x3xheightxwidth, nodes and names; its output are the logits, 1xn_classes. Weights,
 * where there are any, must outlive the graph, which uses them in place as far as it can; NULL: random ones drawn from
 * seed. XAI_E_NOT_FOUND lists missing and unexpected tensors, XAI_E_SHAPE those of another shape. */
xai_status xai__zoo_build(xai__graph *graph, const xai__architecture *architecture, const xai__weights *weights,
                          uint64_t seed, int64_t height, int64_t width);

/* Families; each in a file of its own. */
int32_t xai__zoo_resnet(xai__builder *builder, const xai__architecture *architecture, int32_t x);
int32_t xai__zoo_cifar_resnet(xai__builder *builder, const xai__architecture *architecture, int32_t x);
int32_t xai__zoo_resnet9(xai__builder *builder, const xai__architecture *architecture, int32_t x);
int32_t xai__zoo_wrn(xai__builder *builder, const xai__architecture *architecture, int32_t x);
int32_t xai__zoo_mobilenet_v2(xai__builder *builder, const xai__architecture *architecture, int32_t x);
int32_t xai__zoo_vgg(xai__builder *builder, const xai__architecture *architecture, int32_t x);
int32_t xai__zoo_efficientnet_lite(xai__builder *builder, const xai__architecture *architecture, int32_t x);

#endif
