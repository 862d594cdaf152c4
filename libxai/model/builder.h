/* SPDX-License-Identifier: MIT
 * Building graphs layer by layer. The first failure sticks and what follows does nothing, so that the code of an
 * architecture reads like the architecture. */
#ifndef XAI__MODEL_BUILDER_H
#define XAI__MODEL_BUILDER_H

#include "model/parameters.h"

enum { XAI__LONGEST_PATH = 256, XAI__DEEPEST_PATH = 8 };

typedef struct xai__builder {
    xai__graph *graph;
    xai__parameters parameters;
    xai_status status;
    char path[XAI__LONGEST_PATH]; /* of the module that is being built, with a dot behind it; empty: the network */
    size_t lengths[XAI__DEEPEST_PATH];
    size_t depth;
} xai__builder;

/* A convolution's settings; what is 0 is 1, or no padding. */
typedef struct xai__convolution {
    int64_t channels; /* of the output */
    int32_t kernel, stride, dilation, groups;
    int32_t padding; /* on all sides */
    bool same;       /* in place of padding: TensorFlow's SAME for the input at hand, the odd pixel right and bottom */
    bool has_bias;
} xai__convolution;

typedef struct xai__pooling {
    int32_t kernel, stride, padding;
    bool ceil_mode, count_pad;
} xai__pooling;

void xai__builder_init(xai__builder *builder, xai__graph *graph, const xai__weights *weights, uint64_t seed);
void xai__builder_fini(xai__builder *builder);

/* From here on names are those of modules inside this one. */
void xai__builder_enter(xai__builder *builder, const char *format, ...) __attribute__((format(printf, 2, 3)));
void xai__builder_leave(xai__builder *builder);

/* Each adds the call of a module, or of a function under a name of its own, to the graph and returns its value; after a
 * failure a negative number, which all of them take. */
int32_t xai__builder_input(xai__builder *builder, int64_t channels, int64_t height, int64_t width);
int32_t xai__builder_conv(xai__builder *builder, int32_t x, const char *name, const xai__convolution *convolution);
int32_t xai__builder_linear(xai__builder *builder, int32_t x, const char *name, int64_t n_outputs);
int32_t xai__builder_batch_norm(xai__builder *builder, int32_t x, const char *name, float epsilon);
int32_t xai__builder_relu(xai__builder *builder, int32_t x, const char *name);
int32_t xai__builder_clip(xai__builder *builder, int32_t x, const char *name, float low, float high);
int32_t xai__builder_max_pool(xai__builder *builder, int32_t x, const char *name, const xai__pooling *pooling);
int32_t xai__builder_average_pool(xai__builder *builder, int32_t x, const char *name, const xai__pooling *pooling);
int32_t xai__builder_global_average_pool(xai__builder *builder, int32_t x, const char *name);

/* To n x n pixels, of windows of one size; a map that cannot be cut into such is refused. */
int32_t xai__builder_adaptive_average_pool(xai__builder *builder, int32_t x, const char *name, int64_t n);

int32_t xai__builder_add(xai__builder *builder, int32_t a, int32_t b, const char *name);
int32_t xai__builder_flatten(xai__builder *builder, int32_t x, const char *name);
int32_t xai__builder_identity(xai__builder *builder, int32_t x, const char *name);

/* Every step-th row and column. */
int32_t xai__builder_subsample(xai__builder *builder, int32_t x, const char *name, int64_t step);

/* Channels of zeros in front and behind. */
int32_t xai__builder_pad_channels(xai__builder *builder, int32_t x, const char *name, int64_t before, int64_t after);

/* A further name of x: of a module that passes on what it gets. */
void xai__builder_alias(xai__builder *builder, int32_t x, const char *name);

/* Channels of a map, columns of a row. */
int64_t xai__builder_channels(const xai__builder *builder, int32_t x);

/* Makes output the graph's, finishes its names and judges the state dict. */
xai_status xai__builder_finish(xai__builder *builder, int32_t output, const char *architecture);

#endif
