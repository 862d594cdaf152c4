/* SPDX-License-Identifier: MIT
 * Nodes with random attributes, shapes and inputs, the same for the same number. */
#ifndef XAI_OPERATOR_TRIAL_H
#define XAI_OPERATOR_TRIAL_H

#include "core/rng.h"
#include "core/tensor.h"
#include "ops/op.h"
#include "testing.h"

enum { TRIAL_PARTS = 5 };

/* A node with random attributes and inputs, and a random gradient of its output. */
typedef struct trial {
    xai_context *context;
    xai__rng rng;
    uint32_t op;
    int number;
    xai__attributes attributes;
    size_t n_inputs;
    int64_t shapes[TRIAL_PARTS][XAI__MAX_RANK];
    uint32_t ranks[TRIAL_PARTS];
    double low, high; /* elements of the inputs */
    xai__graph graph;
    int32_t inputs[TRIAL_PARTS], output, seed, gradients[TRIAL_PARTS];
    float *data[TRIAL_PARTS], *dy;
} trial;

/* From low to high, both included. */
static inline int32_t trial_draw(trial *t, int low, int high)
{
    return low + (int32_t)(xai__rng_uniform(&t->rng) * (high - low + 1));
}

static inline void trial_set_shape(trial *t, size_t i, uint32_t rank, const int64_t *shape)
{
    memcpy(t->shapes[i], shape, rank * sizeof *shape);
    t->ranks[i] = rank;
    t->n_inputs = i + 1;
}

/* A map of odd extents as well as even ones. */
static inline void trial_draw_map(trial *t)
{
    trial_set_shape(t, 0, 4, (const int64_t[]){ 1, trial_draw(t, 1, 5), trial_draw(t, 1, 9), trial_draw(t, 1, 9) });
}

static inline void trial_draw_any(trial *t)
{
    const int64_t shape[4] = { trial_draw(t, 1, 2), trial_draw(t, 1, 5), trial_draw(t, 1, 4), trial_draw(t, 1, 4) };

    trial_set_shape(t, 0, (uint32_t)trial_draw(t, 1, 4), shape);
}

static inline void trial_draw_window(trial *t, int max_dilation)
{
    xai__attributes *a = &t->attributes;

    for (int i = 0; i < 2; i++) {
        a->kernel[i] = trial_draw(t, 1, 4);
        a->stride[i] = trial_draw(t, 1, 5);
        a->dilation[i] = trial_draw(t, 1, max_dilation);
    }
}

static inline void trial_draw_conv(trial *t)
{
    const int groups = trial_draw(t, 1, 3), depth = trial_draw(t, 1, 3), n = groups * trial_draw(t, 1, 3);

    trial_draw_window(t, 3);
    t->attributes.groups = groups;
    for (int i = 0; i < 4; i++)
        t->attributes.pads[i] = trial_draw(t, 0, 4);
    trial_set_shape(t, 0, 4, (const int64_t[]){ 1, groups * depth, trial_draw(t, 1, 9), trial_draw(t, 1, 9) });
    trial_set_shape(t, 1, 4, (const int64_t[]){ n, depth, t->attributes.kernel[0], t->attributes.kernel[1] });
    if (trial_draw(t, 0, 1) != 0)
        trial_set_shape(t, 2, 1, (const int64_t[]){ n });
}

static inline void trial_draw_gemm(trial *t)
{
    const int64_t rows = trial_draw(t, 1, 3), depth = trial_draw(t, 1, 7), n = trial_draw(t, 1, 7);

    trial_set_shape(t, 0, 2, (const int64_t[]){ rows, depth });
    trial_set_shape(t, 1, 2, (const int64_t[]){ n, depth });
    if (trial_draw(t, 0, 1) != 0)
        trial_set_shape(t, 2, 1, (const int64_t[]){ n });
}

static inline void trial_draw_batch_norm(trial *t)
{
    do
        trial_draw_any(t);
    while (t->ranks[0] < 2);
    for (size_t i = 1; i < 5; i++)
        trial_set_shape(t, i, 1, &t->shapes[0][1]);
    t->attributes.epsilon = (float)trial_draw(t, 1, 9) / 100;
}

static inline void trial_draw_activation(trial *t)
{
    trial_draw_map(t);
    t->low = -8;
    t->high = 8;
    t->attributes.low = t->op == XAI__OP_HARD_SIGMOID ? (float)trial_draw(t, 1, 5) / 8 : (float)trial_draw(t, -4, 2);
    t->attributes.high = t->op == XAI__OP_HARD_SIGMOID ? 0.5f : (float)trial_draw(t, 3, 6);
}

/* Axes of 1 and missing leading axes on both sides. */
static inline void trial_draw_binary(trial *t)
{
    const uint32_t rank = (uint32_t)trial_draw(t, 1, 4);
    int64_t shape[4], part[4];

    for (int i = 0; i < 4; i++)
        shape[i] = trial_draw(t, 1, 4);
    for (size_t i = 0; i < 2; i++) {
        uint32_t missing = (uint32_t)trial_draw(t, 0, (int)rank);

        for (int axis = 0; axis < 4; axis++)
            part[axis] = trial_draw(t, 0, 2) == 0 ? 1 : shape[axis];
        trial_set_shape(t, i, rank - missing, part + missing);
    }
}

static inline void trial_draw_concat(trial *t)
{
    trial_draw_any(t);
    t->attributes.axis = trial_draw(t, 0, (int)t->ranks[0] - 1);
    for (size_t i = 1, n = (size_t)trial_draw(t, 1, 4); i < n; i++) {
        trial_set_shape(t, i, t->ranks[0], t->shapes[0]);
        t->shapes[i][t->attributes.axis] = trial_draw(t, 1, 4);
    }
}

/* Windows that are cut off by an edge, and strides that leave pixels out. */
static inline void trial_draw_pool(trial *t)
{
    xai__attributes *a = &t->attributes;

    trial_draw_map(t);
    trial_draw_window(t, t->op == XAI__OP_MAX_POOL ? 3 : 1);
    for (int i = 0; i < 4; i++)
        a->pads[i] = trial_draw(t, 0, a->kernel[i % 2] - 1);
    a->ceil_mode = trial_draw(t, 0, 1) != 0;
    a->count_pad = t->op == XAI__OP_AVERAGE_POOL && trial_draw(t, 0, 1) != 0;
}

static inline void trial_draw_reshape(trial *t)
{
    trial_draw_any(t);
    t->attributes.rank = t->ranks[0];
    for (uint32_t i = 0; i < t->ranks[0]; i++)
        t->attributes.shape[i] = t->shapes[0][t->ranks[0] - 1 - i];
}

static inline void trial_draw_softmax(trial *t)
{
    trial_draw_any(t);
    t->attributes.axis = trial_draw(t, 0, (int)t->ranks[0] - 1);
}

static inline void trial_draw_slice(trial *t)
{
    xai__attributes *a = &t->attributes;

    trial_draw_map(t);
    for (uint32_t i = 0; i < 4; i++) {
        a->begin[i] = trial_draw(t, 0, (int)t->shapes[0][i] - 1);
        a->end[i] = trial_draw(t, (int)a->begin[i] + 1, (int)t->shapes[0][i]);
        a->step[i] = trial_draw(t, 1, 4);
    }
}

static inline void trial_draw_pad(trial *t)
{
    xai__attributes *a = &t->attributes;

    trial_draw_any(t);
    a->low = -1.5f;
    for (uint32_t i = 0; i < 4; i++) {
        a->begin[i] = trial_draw(t, 0, 2);
        a->end[i] = trial_draw(t, 0, 2);
        a->step[i] = trial_draw(t, 0, 3);
    }
}

/* Input 1 holds indices below the extent that is drawn last. */
static inline void trial_draw_gather(trial *t)
{
    const int64_t rows = trial_draw(t, 1, 3), n = trial_draw(t, 1, 9), k = trial_draw(t, 1, 7);

    trial_set_shape(t, 0, 2, (const int64_t[]){ rows, t->op == XAI__OP_GATHER ? k : n });
    trial_set_shape(t, 1, 1, &n);
    t->attributes.rank = 2;
    t->attributes.shape[0] = rows;
    t->attributes.shape[1] = k;
}

/* A gradient's operator gets the gradient's shape from the operator that it belongs to: part replaces input 0 by what
 * the operator gives, and keeps of the others only input 1. */
static inline void trial_draw_gradient_of(trial *t, uint32_t forward, void (*draw_forward)(trial *), size_t dropped)
{
    const uint32_t op = t->op;
    xai__graph graph;
    int32_t values[TRIAL_PARTS], y;

    do {
        t->op = forward;
        t->attributes = xai__attributes_default();
        draw_forward(t);
        t->op = op;
        xai__graph_init(&graph, t->context);
        for (size_t i = 0; i < t->n_inputs; i++)
            values[i] = xai__graph_add_value(&graph, t->shapes[i], t->ranks[i]);
        y = xai__op_add(&graph, forward, &t->attributes, values, t->n_inputs);
        if (y >= 0) {
            memcpy(t->attributes.shape, t->shapes[dropped], sizeof t->attributes.shape);
            t->attributes.rank = t->ranks[dropped];
            if (t->n_inputs > 1)
                trial_set_shape(t, 1, t->ranks[1 - dropped], t->shapes[1 - dropped]);
            memcpy(t->shapes[0], graph.values[y].shape, sizeof t->shapes[0]);
            t->ranks[0] = graph.values[y].rank;
        }
        xai__graph_fini(&graph);
    } while (y < 0);
}

static inline void trial_draw_conv_data(trial *t)
{
    trial_draw_gradient_of(t, XAI__OP_CONV, trial_draw_conv, 0);
}

static inline void trial_draw_conv_weights(trial *t)
{
    trial_draw_gradient_of(t, XAI__OP_CONV, trial_draw_conv, 1);
}

static inline void trial_draw_gemm_data(trial *t)
{
    trial_draw_gradient_of(t, XAI__OP_GEMM, trial_draw_gemm, 0);
}

static inline void trial_draw_gemm_weights(trial *t)
{
    trial_draw_gradient_of(t, XAI__OP_GEMM, trial_draw_gemm, 1);
}

static inline void trial_draw_average_data(trial *t)
{
    trial_draw_gradient_of(t, XAI__OP_AVERAGE_POOL, trial_draw_pool, 0);
}

static inline void trial_draw_global_data(trial *t)
{
    trial_draw_gradient_of(t, XAI__OP_GLOBAL_AVERAGE_POOL, trial_draw_map, 0);
}

static void (*const trial_draws[XAI__N_OPERATORS])(trial *) = {
    [XAI__OP_CONV] = trial_draw_conv,
    [XAI__OP_GEMM] = trial_draw_gemm,
    [XAI__OP_BATCH_NORM] = trial_draw_batch_norm,
    [XAI__OP_RELU] = trial_draw_activation,
    [XAI__OP_CLIP] = trial_draw_activation,
    [XAI__OP_SIGMOID] = trial_draw_activation,
    [XAI__OP_SILU] = trial_draw_activation,
    [XAI__OP_HARD_SIGMOID] = trial_draw_activation,
    [XAI__OP_HARD_SWISH] = trial_draw_activation,
    [XAI__OP_ADD] = trial_draw_binary,
    [XAI__OP_MUL] = trial_draw_binary,
    [XAI__OP_CONCAT] = trial_draw_concat,
    [XAI__OP_MAX_POOL] = trial_draw_pool,
    [XAI__OP_AVERAGE_POOL] = trial_draw_pool,
    [XAI__OP_GLOBAL_AVERAGE_POOL] = trial_draw_map,
    [XAI__OP_RESHAPE] = trial_draw_reshape,
    [XAI__OP_IDENTITY] = trial_draw_any,
    [XAI__OP_SOFTMAX] = trial_draw_softmax,
    [XAI__OP_SLICE] = trial_draw_slice,
    [XAI__OP_PAD] = trial_draw_pad,
    [XAI__OP_GATHER] = trial_draw_gather,
    [XAI__OP_SCATTER_SUM] = trial_draw_gather,
    [XAI__OP_CONV_DATA] = trial_draw_conv_data,
    [XAI__OP_CONV_WEIGHTS] = trial_draw_conv_weights,
    [XAI__OP_GEMM_DATA] = trial_draw_gemm_data,
    [XAI__OP_GEMM_WEIGHTS] = trial_draw_gemm_weights,
    [XAI__OP_AVERAGE_POOL_DATA] = trial_draw_average_data,
    [XAI__OP_GLOBAL_AVERAGE_POOL_DATA] = trial_draw_global_data,
};

static inline const char *trial_describe(const trial *t)
{
    static char text[1024], shape[128];
    const xai__attributes *a = &t->attributes;
    int n = snprintf(text, sizeof text,
                     "%s, trial %d: kernel %dx%d, stride %dx%d, dilation %dx%d, pads %d %d %d %d, groups %d, axis %d, "
                     "ceil_mode %d, count_pad %d, low %g, high %g, epsilon %g, begin %s",
                     xai__op_find(t->op)->name, t->number, a->kernel[0], a->kernel[1], a->stride[0], a->stride[1],
                     a->dilation[0], a->dilation[1], a->pads[0], a->pads[1], a->pads[2], a->pads[3], a->groups, a->axis,
                     a->ceil_mode, a->count_pad, (double)a->low, (double)a->high, (double)a->epsilon,
                     xai__shape_text(shape, sizeof shape, a->begin, 4));

    n += snprintf(text + n, sizeof text - (size_t)n, ", end %s", xai__shape_text(shape, sizeof shape, a->end, 4));
    n += snprintf(text + n, sizeof text - (size_t)n, ", step %s", xai__shape_text(shape, sizeof shape, a->step, 4));
    n += snprintf(text + n, sizeof text - (size_t)n, ", shape %s",
                  xai__shape_text(shape, sizeof shape, a->shape, a->rank));
    for (size_t i = 0; i < t->n_inputs; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, ", input %zu: %s", i,
                      xai__shape_text(shape, sizeof shape, t->shapes[i], t->ranks[i]));
    return text;
}

/* Are the slopes on both sides of x different ones? */
static inline bool trial_is_kink(const trial *t, double x)
{
    const double low = t->attributes.low, high = t->attributes.high, near = 0.01;

    if (t->op == XAI__OP_CLIP)
        return fabs(x - low) < near || fabs(x - high) < near;
    if (t->op == XAI__OP_HARD_SIGMOID)
        return fabs(x * low + high) < near || fabs(x * low + high - 1) < near;
    return fabs(x) < near || fabs(x - 3) < near || fabs(x + 3) < near;
}

static inline float trial_draw_element(trial *t, size_t input, size_t i)
{
    double x;

    if (t->op == XAI__OP_BATCH_NORM && input == 4)
        return (float)(0.5 + xai__rng_uniform(&t->rng)); /* a variance */
    if ((t->op == XAI__OP_GATHER || t->op == XAI__OP_SCATTER_SUM) && input == 1)
        return (float)trial_draw(t, 0, (int)t->attributes.shape[1] - 1);
    if (t->op == XAI__OP_MAX_POOL)
        return (float)(i * 577 % 4099) / 4099; /* a shuffle: none is near another */
    do
        x = t->low + (t->high - t->low) * xai__rng_uniform(&t->rng);
    while (t->op >= XAI__OP_RELU && t->op <= XAI__OP_HARD_SWISH && trial_is_kink(t, x));
    return (float)x;
}

static inline float *trial_draw_elements(trial *t, const xai__value *value, size_t input)
{
    float *data = malloc((value->size + 1) * sizeof *data);

    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < value->size; i++)
        data[i] = trial_draw_element(t, input, i);
    return data;
}

static inline void trial_close(trial *t)
{
    for (size_t i = 0; i < TRIAL_PARTS; i++)
        free(t->data[i]);
    free(t->dy);
    xai__graph_fini(&t->graph);
}

/* Inputs are constants, so that a row that wants constants has them. */
static inline bool trial_add_node(trial *t)
{
    xai__graph_init(&t->graph, t->context);
    for (size_t i = 0; i < t->n_inputs; i++) {
        t->inputs[i] = xai__graph_add_value(&t->graph, t->shapes[i], t->ranks[i]);
        ck_assert_int_ge(t->inputs[i], 0);
        t->data[i] = trial_draw_elements(t, &t->graph.values[t->inputs[i]], i);
        t->graph.values[t->inputs[i]].constant.data = t->data[i];
    }
    t->output = xai__op_add(&t->graph, t->op, &t->attributes, t->inputs, t->n_inputs);
    return t->output >= 0;
}

/* Draws until attributes and shapes fit together. */
static inline void trial_open(trial *t, xai_context *context, uint32_t op, int number)
{
    xai__value output;

    *t = (trial){ .context = context, .op = op, .number = number, .low = -1, .high = 1 };
    xai__rng_seed(&t->rng, op * 1000 + (uint64_t)number);
    for (;;) {
        t->attributes = xai__attributes_default();
        trial_draws[op](t);
        if (trial_add_node(t))
            break;
        for (size_t i = 0; i < TRIAL_PARTS; i++) {
            free(t->data[i]);
            t->data[i] = NULL;
        }
        xai__graph_fini(&t->graph);
    }
    output = t->graph.values[t->output];
    t->dy = malloc((output.size + 1) * sizeof *t->dy);
    ck_assert_ptr_nonnull(t->dy);
    for (size_t i = 0; i < output.size; i++)
        t->dy[i] = (float)(2 * xai__rng_uniform(&t->rng) - 1);
    t->seed = xai__graph_add_value(&t->graph, output.shape, output.rank);
    for (size_t i = 0; i < TRIAL_PARTS; i++)
        t->gradients[i] = -1;
}

#endif
