/* SPDX-License-Identifier: MIT
 * Small networks put together by hand, as models, for tests of the runtime and of explainers. */
#ifndef XAI_NETWORKS_H
#define XAI_NETWORKS_H

#include "testing.h"

#include "core/memory.h"
#include "core/rng.h"
#include "core/tensor.h"
#include "graph/names.h"
#include "model/model.h"
#include "ops/op.h"

/* A network under construction. */
typedef struct network {
    xai_model *model;
    xai__rng rng;
} network;

static inline network network_begin(xai_context *context, int64_t channels, int64_t height, int64_t width)
{
    const int64_t shape[4] = { 1, channels, height, width };
    xai_model *model = xai__zalloc_array(context, 1, sizeof *model);
    network n = { .model = model };

    ck_assert_ptr_nonnull(model);
    xai__object_init(&model->object, context);
    xai__graph_init(&model->graph, context);
    pthread_mutex_init(&model->lock, NULL);
    model->architecture = xai__strdup(context, "test network");
    model->graph.input = xai__graph_add_value(&model->graph, shape, 4);
    ck_assert_ok(xai__graph_name(&model->graph, model->graph.input, "input"));
    xai__rng_seed(&n.rng, 7);
    return n;
}

static inline void network_fill(network *n, float *data, size_t size, double scale)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (float)((2 * xai__rng_uniform(&n->rng) - 1) * scale);
}

static inline int32_t network_constant(network *n, const int64_t *shape, uint32_t rank, double scale)
{
    size_t size = 0;
    float *data;

    ck_assert(xai__shape_size(&size, shape, rank));
    data = xai__graph_block(&n->model->graph, size);
    ck_assert_ptr_nonnull(data);
    network_fill(n, data, size, scale);
    return xai__graph_add_constant(&n->model->graph, shape, rank, data);
}

static inline int32_t network_name(network *n, int32_t value, const char *name)
{
    ck_assert_msg(value >= 0, "%s: %s", name, xai_last_error());
    ck_assert_ok(xai__graph_name(&n->model->graph, value, name));
    return value;
}

static inline int64_t network_channels(const network *n, int32_t value)
{
    return n->model->graph.values[value].shape[1];
}

/* A square convolution; padding keeps the size at stride 1. */
static inline int32_t network_conv(network *n, int32_t x, int64_t out, int32_t kernel, int32_t stride, int32_t groups,
                                   bool bias, const char *name)
{
    const int64_t in = network_channels(n, x) / groups, shape[4] = { out, in, kernel, kernel };
    xai__attributes a = xai__attributes_default();
    int32_t inputs[3] = { x, network_constant(n, shape, 4, 1.0 / (double)(in * kernel)), -1 };

    for (int i = 0; i < 2; i++) {
        a.kernel[i] = kernel;
        a.stride[i] = stride;
        a.pads[i] = a.pads[i + 2] = kernel / 2;
    }
    a.groups = groups;
    if (bias)
        inputs[2] = network_constant(n, shape, 1, 0.1);
    return network_name(n, xai__op_add(&n->model->graph, XAI__OP_CONV, &a, inputs, bias ? 3 : 2), name);
}

static inline int32_t network_batch_norm(network *n, int32_t x, const char *name)
{
    const int64_t c = network_channels(n, x);
    xai__attributes a = xai__attributes_default();
    int32_t inputs[5] = { x };

    for (int i = 1; i < 5; i++)
        inputs[i] = network_constant(n, &c, 1, 1.0);
    for (int64_t i = 0; i < c; i++) /* variances are positive */
        ((float *)n->model->graph.values[inputs[4]].constant.data)[i] += 1.5f;
    a.epsilon = 1e-5f;
    return network_name(n, xai__op_add(&n->model->graph, XAI__OP_BATCH_NORM, &a, inputs, 5), name);
}

static inline int32_t network_unary(network *n, uint32_t op, int32_t x, const char *name)
{
    xai__attributes a = xai__attributes_default();

    a.low = 0;
    a.high = 6;
    return network_name(n, xai__op_add(&n->model->graph, op, &a, &x, 1), name);
}

static inline int32_t network_binary(network *n, uint32_t op, int32_t x, int32_t y, const char *name)
{
    xai__attributes a = xai__attributes_default();
    const int32_t inputs[2] = { x, y };

    a.axis = 1; /* for concatenations */
    return network_name(n, xai__op_add(&n->model->graph, op, &a, inputs, 2), name);
}

static inline int32_t network_max_pool(network *n, int32_t x, const char *name)
{
    xai__attributes a = xai__attributes_default();

    a.kernel[0] = a.kernel[1] = 3;
    a.stride[0] = a.stride[1] = 2;
    a.pads[0] = a.pads[1] = a.pads[2] = a.pads[3] = 1;
    return network_name(n, xai__op_add(&n->model->graph, XAI__OP_MAX_POOL, &a, &x, 1), name);
}

static inline int32_t network_flatten(network *n, int32_t x, const char *name)
{
    xai__attributes a = xai__attributes_default();

    a.shape[0] = 1;
    a.shape[1] = (int64_t)n->model->graph.values[x].size;
    a.rank = 2;
    return network_name(n, xai__op_add(&n->model->graph, XAI__OP_RESHAPE, &a, &x, 1), name);
}

static inline int32_t network_linear(network *n, int32_t x, int64_t out, const char *name)
{
    const int64_t shape[2] = { out, network_channels(n, x) };
    xai__attributes a = xai__attributes_default();
    const int32_t inputs[3] = { x, network_constant(n, shape, 2, 0.3), network_constant(n, shape, 1, 0.1) };

    return network_name(n, xai__op_add(&n->model->graph, XAI__OP_GEMM, &a, inputs, 3), name);
}

/* Average over the map, then classes. */
static inline int32_t network_head(network *n, int32_t x, int64_t n_classes)
{
    x = network_unary(n, XAI__OP_GLOBAL_AVERAGE_POOL, x, "avgpool");
    return network_linear(n, network_flatten(n, x, "flatten"), n_classes, "fc");
}

static inline xai_model *network_end(network *n, int32_t output)
{
    n->model->graph.output = output;
    ck_assert_ok(xai__graph_finish_names(&n->model->graph));
    return n->model;
}

/* Two residual blocks, the second one strided with a shortcut of its own; odd channels, a pool, a Clip. */
static inline xai_model *network_residual(xai_context *context)
{
    network n = network_begin(context, 3, 21, 17);
    int32_t x = network_conv(&n, 0, 24, 3, 2, 1, false, "conv1"), shortcut;

    x = network_unary(&n, XAI__OP_RELU, network_batch_norm(&n, x, "bn1"), "relu");
    x = shortcut = network_max_pool(&n, x, "maxpool");
    x = network_unary(&n, XAI__OP_RELU,
                      network_batch_norm(&n, network_conv(&n, x, 24, 3, 1, 1, false, "a.conv1"), "a.bn1"), "a.relu");
    x = network_batch_norm(&n, network_conv(&n, x, 24, 3, 1, 1, false, "a.conv2"), "a.bn2");
    x = network_unary(&n, XAI__OP_RELU, network_binary(&n, XAI__OP_ADD, x, shortcut, "a.add"), "a.relu");
    shortcut = network_batch_norm(&n, network_conv(&n, x, 40, 1, 2, 1, false, "b.down.0"), "b.down.1");
    x = network_unary(&n, XAI__OP_CLIP, network_conv(&n, x, 40, 3, 2, 1, true, "b.conv1"), "b.clip");
    x = network_conv(&n, x, 40, 3, 1, 40, true, "b.conv2");
    x = network_unary(&n, XAI__OP_RELU, network_binary(&n, XAI__OP_ADD, x, shortcut, "b.add"), "b.relu");
    return network_end(&n, network_head(&n, x, 10));
}

/* Pre-activation: the raw sum is read again beside relu(bn(sum)). */
static inline xai_model *network_preactivation(xai_context *context)
{
    network n = network_begin(context, 3, 12, 12);
    int32_t x = network_conv(&n, 0, 16, 3, 1, 1, false, "stem"), y;

    for (int i = 0; i < 2; i++) {
        char names[6][32];
        static const char *const parts[6] = { "bn1", "relu1", "conv1", "bn2", "relu2", "conv2" };

        for (int j = 0; j < 6; j++)
            snprintf(names[j], sizeof names[j], "unit%d.%s", i, parts[j]);
        y = network_unary(&n, XAI__OP_RELU, network_batch_norm(&n, x, names[0]), names[1]);
        y = network_conv(&n, y, 16, 3, 1, 1, false, names[2]);
        y = network_unary(&n, XAI__OP_RELU, network_batch_norm(&n, y, names[3]), names[4]);
        y = network_conv(&n, y, 16, 3, 1, 1, false, names[5]);
        x = network_binary(&n, XAI__OP_ADD, y, x, i == 0 ? "unit0.add" : "unit1.add");
    }
    x = network_unary(&n, XAI__OP_RELU, network_batch_norm(&n, x, "bn"), "relu");
    return network_end(&n, network_head(&n, x, 7));
}

/* Inverted residuals whose wide values are too large for a cache: steps run in pairs, but for the depthwise convolution
 * whose input is read again. */
static inline xai_model *network_inverted(xai_context *context)
{
    network n = network_begin(context, 3, 45, 43);
    int32_t x = network_conv(&n, 0, 8, 3, 1, 1, false, "conv1"), wide;

    x = network_unary(&n, XAI__OP_CLIP,
                      network_batch_norm(&n, network_conv(&n, x, 72, 1, 1, 1, false, "a.conv1"), "a.bn1"), "a.clip1");
    x = network_unary(&n, XAI__OP_CLIP,
                      network_batch_norm(&n, network_conv(&n, x, 72, 5, 1, 72, false, "a.conv2"), "a.bn2"), "a.clip2");
    x = network_conv(&n, x, 24, 1, 1, 1, true, "a.conv3");
    wide = network_unary(&n, XAI__OP_RELU, network_conv(&n, x, 72, 1, 1, 1, true, "b.conv1"), "b.relu");
    x = network_conv(&n, wide, 72, 3, 1, 72, true, "b.conv2");
    x = network_binary(&n, XAI__OP_ADD, x, wide, "b.add");
    x = network_unary(&n, XAI__OP_CLIP, network_conv(&n, x, 72, 3, 2, 72, true, "b.conv3"), "b.clip");
    return network_end(&n, network_head(&n, x, 6));
}

/* Concatenations: free, of a part that was used before, of parts that fit no block; squeeze and excite; a sigmoid. */
static inline xai_model *network_dense(xai_context *context)
{
    network n = network_begin(context, 3, 10, 14);
    int32_t a = network_unary(&n, XAI__OP_RELU, network_conv(&n, 0, 32, 3, 1, 1, true, "a"), "a_relu");
    int32_t b = network_unary(&n, XAI__OP_RELU, network_conv(&n, a, 16, 3, 1, 1, true, "b"), "b_relu");
    int32_t ab = network_binary(&n, XAI__OP_CONCAT, a, b, "ab");
    int32_t c = network_conv(&n, ab, 24, 1, 1, 1, true, "c");
    int32_t abc = network_binary(&n, XAI__OP_CONCAT, ab, c, "abc");
    int32_t odd = network_binary(&n, XAI__OP_CONCAT, c, b, "odd");
    int32_t gate = network_unary(&n, XAI__OP_GLOBAL_AVERAGE_POOL, abc, "squeeze");

    gate = network_unary(&n, XAI__OP_SIGMOID, network_conv(&n, gate, 72, 1, 1, 1, true, "excite"), "gate");
    abc = network_binary(&n, XAI__OP_MUL, abc, gate, "scaled");
    abc = network_binary(&n, XAI__OP_CONCAT, abc, odd, "all");
    return network_end(&n, network_head(&n, abc, 5));
}

/* N images of noise for a model. */
static inline xai_tensor *network_input(const xai_model *model, int64_t n, uint64_t seed)
{
    const xai__value *input = &model->graph.values[model->graph.input];
    const int64_t shape[4] = { n, input->shape[1], input->shape[2], input->shape[3] };
    xai_tensor *tensor = NULL;
    xai__rng rng;

    ck_assert_ok(xai_tensor_create(&tensor, model->object.context, shape, 4));
    xai__rng_seed(&rng, seed);
    for (size_t i = 0; i < tensor->size; i++)
        tensor->data[i] = (float)(2 * xai__rng_uniform(&rng) - 1);
    return tensor;
}

static inline xai_context *network_context(const char *backends, uint32_t n_threads)
{
    xai_context_options options = { .struct_size = sizeof options, .backends = backends, .n_threads = n_threads };
    xai_context *context = NULL;

    ck_assert_ok(xai_context_create(&context, &options));
    return context;
}

/* A budget of 0 is the default. */
static inline xai_session *network_session(xai_model *model, uint64_t budget)
{
    xai_session_options options = { .struct_size = sizeof options, .memory_budget = budget };
    xai_session *session = NULL;

    ck_assert_ok(xai_session_create(&session, model, &options));
    return session;
}

#endif
