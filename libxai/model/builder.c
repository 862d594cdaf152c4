/* SPDX-License-Identifier: MIT
 * Building graphs layer by layer. */
#include "model/builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "graph/names.h"
#include "ops/op.h"

void xai__builder_init(xai__builder *builder, xai__graph *graph, const xai__weights *weights, uint64_t seed)
{
    *builder = (xai__builder){ .graph = graph };
    xai__parameters_init(&builder->parameters, graph, weights, seed);
}

void xai__builder_fini(xai__builder *builder)
{
    xai__parameters_fini(&builder->parameters);
}

/* Failures stick to the builder: a family describes its network without looking at each result. */
void xai__builder_enter(xai__builder *builder, const char *format, ...)
{
    size_t length = strlen(builder->path), room = sizeof builder->path - length;
    va_list args;
    int added;

    if (builder->status < 0)
        return;
    va_start(args, format);
    added = vsnprintf(builder->path + length, room, format, args);
    va_end(args);
    if (added < 0 || (size_t)added + 2 > room || /* a point and the end come behind it */
        builder->depth == XAI__DEEPEST_PATH) {
        builder->status = xai__fail(XAI_E_LIMIT, "module path '%s' is too deep", builder->path);
        return;
    }
    strcat(builder->path, ".");
    builder->lengths[builder->depth++] = length;
}

/* After a failure the path stays as it was: its entering may be what failed. */
void xai__builder_leave(xai__builder *builder)
{
    if (builder->status == XAI_OK)
        builder->path[builder->lengths[--builder->depth]] = '\0';
}

/* The module's whole path, with ".suffix" behind it if there is one. */
static const char *join(char out[XAI__LONGEST_PATH], xai__builder *b, const char *name, const char *suffix)
{
    int n = snprintf(out, XAI__LONGEST_PATH, "%s%s%s%s", b->path, name, suffix[0] != '\0' ? "." : "", suffix);

    if (b->status == XAI_OK && (n < 0 || n >= XAI__LONGEST_PATH))
        b->status = xai__fail(XAI_E_LIMIT, "the name of '%s%s' is too long", b->path, name);
    return out;
}

/* Keeps the first failure, whose message is the one that tells what is wrong. */
static int32_t note(xai__builder *b, int32_t value)
{
    if (value < 0 && b->status == XAI_OK)
        b->status = value;
    return b->status == XAI_OK ? value : b->status;
}

void xai__builder_alias(xai__builder *builder, int32_t x, const char *name)
{
    char path[XAI__LONGEST_PATH];

    join(path, builder, name, "");
    if (builder->status == XAI_OK)
        builder->status = xai__graph_name(builder->graph, x, path);
}

/* A node's value has its module's path as a name. What the operator's shape rule refuses comes back with that path in
 * front, or a message about shapes would not say where in the network. */
static int32_t add_node(xai__builder *b, uint32_t op, const xai__attributes *attributes, const int32_t *inputs,
                        size_t n_inputs, const char *name)
{
    char path[XAI__LONGEST_PATH];
    int32_t value;

    if (b->status < 0)
        return b->status;
    value = xai__op_add(b->graph, op, attributes, inputs, n_inputs);
    if (value < 0)
        return note(b, xai__fail_in(value, join(path, b, name, "")));
    xai__builder_alias(b, value, name);
    return note(b, value);
}

static int32_t add_plain(xai__builder *b, uint32_t op, int32_t x, const char *name)
{
    const xai__attributes attributes = xai__attributes_default();

    return add_node(b, op, &attributes, &x, 1, name);
}

/* A parameter under the name that PyTorch's state dict has for it. */
static int32_t take(xai__builder *b, uint32_t kind, const char *name, const char *suffix, const int64_t *shape,
                    uint32_t rank)
{
    char path[XAI__LONGEST_PATH];

    join(path, b, name, suffix);
    return b->status == XAI_OK ? note(b, xai__parameters_take(&b->parameters, kind, path, shape, rank)) : b->status;
}

/* Zero in a description stands for the usual 1. */
static int32_t or_one(int32_t n)
{
    return n != 0 ? n : 1;
}

/* The extent along an axis, for families that need it before the operator checks anything. */
static int64_t extent(const xai__builder *b, int32_t x, uint32_t axis)
{
    return b->status == XAI_OK && axis < b->graph->values[x].rank ? b->graph->values[x].shape[axis] : 1;
}

int64_t xai__builder_channels(const xai__builder *builder, int32_t x)
{
    return extent(builder, x, 1);
}

int32_t xai__builder_input(xai__builder *builder, int64_t channels, int64_t height, int64_t width)
{
    const int64_t shape[4] = { 1, channels, height, width };

    if (height < 1 || width < 1)
        return note(builder,
                    xai__fail(XAI_E_SHAPE, "an input of %lldx%lld pixels", (long long)height, (long long)width));
    builder->graph->input = xai__graph_add_value(builder->graph, shape, 4);
    xai__builder_alias(builder, note(builder, builder->graph->input), "input");
    return note(builder, builder->graph->input);
}

/* As TensorFlow: as many outputs as strides fit into the input, rounded up, and what that takes shared out evenly. */
static void pad_same(xai__attributes *a, int64_t height, int64_t width)
{
    const int64_t extents[2] = { height, width };

    for (int i = 0; i < 2; i++) {
        int64_t n = (extents[i] + a->stride[i] - 1) / a->stride[i];
        int64_t needed = (n - 1) * a->stride[i] + (a->kernel[i] - 1) * (int64_t)a->dilation[i] + 1 - extents[i];

        needed = needed > 0 ? needed : 0;
        a->pads[i] = (int32_t)(needed / 2);
        a->pads[i + 2] = (int32_t)(needed - needed / 2);
    }
}

int32_t xai__builder_conv(xai__builder *builder, int32_t x, const char *name, const xai__convolution *convolution)
{
    const xai__convolution *c = convolution;
    const int32_t kernel = or_one(c->kernel), groups = or_one(c->groups), padding = c->padding;
    /* The weight's; its first extent alone is the bias's. */
    const int64_t shape[4] = { c->channels, xai__builder_channels(builder, x) / groups, kernel, kernel };
    xai__attributes a = xai__attributes_default();
    int32_t inputs[3] = { x, -1, -1 };

    a.kernel[0] = a.kernel[1] = kernel;
    a.stride[0] = a.stride[1] = or_one(c->stride);
    a.dilation[0] = a.dilation[1] = or_one(c->dilation);
    a.groups = groups;
    for (int i = 0; i < 4; i++)
        a.pads[i] = padding;
    if (c->same)
        pad_same(&a, extent(builder, x, 2), extent(builder, x, 3));
    inputs[1] = take(builder, XAI__PARAMETER_WEIGHT, name, "weight", shape, 4);
    if (c->has_bias)
        inputs[2] = take(builder, XAI__PARAMETER_SHIFT, name, "bias", shape, 1);
    return add_node(builder, XAI__OP_CONV, &a, inputs, c->has_bias ? 3 : 2, name);
}

/* Every family's last layer has a bias; one without would need a flag, as convolutions have. */
int32_t xai__builder_linear(xai__builder *builder, int32_t x, const char *name, int64_t n_outputs)
{
    const int64_t shape[2] = { n_outputs, xai__builder_channels(builder, x) };
    const xai__attributes a = xai__attributes_default();
    int32_t inputs[3] = { x };

    inputs[1] = take(builder, XAI__PARAMETER_WEIGHT, name, "weight", shape, 2);
    inputs[2] = take(builder, XAI__PARAMETER_SHIFT, name, "bias", shape, 1);
    return add_node(builder, XAI__OP_GEMM, &a, inputs, 3, name);
}

/* Four tensors of the state dict, in the operator's order: ONNX's, which is torch's as well. */
int32_t xai__builder_batch_norm(xai__builder *builder, int32_t x, const char *name, float epsilon)
{
    const int64_t n = xai__builder_channels(builder, x);
    xai__attributes a = xai__attributes_default();
    int32_t inputs[5] = { x };

    a.epsilon = epsilon;
    inputs[1] = take(builder, XAI__PARAMETER_SCALE, name, "weight", &n, 1);
    inputs[2] = take(builder, XAI__PARAMETER_SHIFT, name, "bias", &n, 1);
    inputs[3] = take(builder, XAI__PARAMETER_SHIFT, name, "running_mean", &n, 1);
    inputs[4] = take(builder, XAI__PARAMETER_VARIANCE, name, "running_var", &n, 1);
    return add_node(builder, XAI__OP_BATCH_NORM, &a, inputs, 5, name);
}

int32_t xai__builder_relu(xai__builder *builder, int32_t x, const char *name)
{
    return add_plain(builder, XAI__OP_RELU, x, name);
}

int32_t xai__builder_clip(xai__builder *builder, int32_t x, const char *name, float low, float high)
{
    xai__attributes a = xai__attributes_default();

    a.low = low;
    a.high = high;
    return add_node(builder, XAI__OP_CLIP, &a, &x, 1, name);
}

static int32_t add_pool(xai__builder *b, uint32_t op, int32_t x, const char *name, const xai__pooling *pooling)
{
    xai__attributes a = xai__attributes_default();

    a.kernel[0] = a.kernel[1] = pooling->kernel;
    a.stride[0] = a.stride[1] = or_one(pooling->stride);
    for (int i = 0; i < 4; i++)
        a.pads[i] = pooling->padding;
    a.ceil_mode = pooling->ceil_mode;
    a.count_pad = pooling->count_pad;
    return add_node(b, op, &a, &x, 1, name);
}

int32_t xai__builder_max_pool(xai__builder *builder, int32_t x, const char *name, const xai__pooling *pooling)
{
    return add_pool(builder, XAI__OP_MAX_POOL, x, name, pooling);
}

int32_t xai__builder_average_pool(xai__builder *builder, int32_t x, const char *name, const xai__pooling *pooling)
{
    return add_pool(builder, XAI__OP_AVERAGE_POOL, x, name, pooling);
}

int32_t xai__builder_global_average_pool(xai__builder *builder, int32_t x, const char *name)
{
    return add_plain(builder, XAI__OP_GLOBAL_AVERAGE_POOL, x, name);
}

/* torch's windows differ in size where n does not divide the map; those are refused, and for the rest it is a plain
 * average. */
int32_t xai__builder_adaptive_average_pool(xai__builder *builder, int32_t x, const char *name, int64_t n)
{
    const int64_t height = extent(builder, x, 2), width = extent(builder, x, 3);
    xai__attributes a = xai__attributes_default();

    if (builder->status == XAI_OK && (height % n != 0 || width % n != 0 || height > INT32_MAX || width > INT32_MAX))
        return note(builder, xai__fail(XAI_E_SHAPE,
                                       "'%s': a map of %lldx%lld does not divide into %lldx%lld windows of one size",
                                       name, (long long)height, (long long)width, (long long)n, (long long)n));
    if (height == n && width == n)
        return xai__builder_identity(builder, x, name);
    a.kernel[0] = a.stride[0] = (int32_t)(height / n);
    a.kernel[1] = a.stride[1] = (int32_t)(width / n);
    return add_node(builder, XAI__OP_AVERAGE_POOL, &a, &x, 1, name);
}

int32_t xai__builder_add(xai__builder *builder, int32_t a, int32_t b, const char *name)
{
    const xai__attributes attributes = xai__attributes_default();
    const int32_t inputs[2] = { a, b };

    return add_node(builder, XAI__OP_ADD, &attributes, inputs, 2, name);
}

int32_t xai__builder_flatten(xai__builder *builder, int32_t x, const char *name)
{
    xai__attributes a = xai__attributes_default();

    a.rank = 2;
    a.shape[0] = 1;
    a.shape[1] = builder->status == XAI_OK ? (int64_t)builder->graph->values[x].size : 1;
    return add_node(builder, XAI__OP_RESHAPE, &a, &x, 1, name);
}

int32_t xai__builder_identity(xai__builder *builder, int32_t x, const char *name)
{
    return add_plain(builder, XAI__OP_IDENTITY, x, name);
}

/* x[:, :, ::step, ::step] */
int32_t xai__builder_subsample(xai__builder *builder, int32_t x, const char *name, int64_t step)
{
    xai__attributes a = xai__attributes_default();

    for (uint32_t i = 0; i < 4; i++) {
        a.end[i] = extent(builder, x, i);
        a.step[i] = i < 2 ? 1 : step;
    }
    return add_node(builder, XAI__OP_SLICE, &a, &x, 1, name);
}

int32_t xai__builder_pad_channels(xai__builder *builder, int32_t x, const char *name, int64_t before, int64_t after)
{
    xai__attributes a = xai__attributes_default();

    a.begin[1] = before;
    a.end[1] = after;
    return add_node(builder, XAI__OP_PAD, &a, &x, 1, name);
}

xai_status xai__builder_finish(xai__builder *builder, int32_t output, const char *architecture)
{
    if (builder->status == XAI_OK)
        builder->status = xai__parameters_finish(&builder->parameters, architecture);
    builder->graph->output = output;
    if (builder->status == XAI_OK)
        builder->status = xai__graph_finish_names(builder->graph);
    return builder->status;
}
