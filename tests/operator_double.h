/* SPDX-License-Identifier: MIT
 * Operators in double precision throughout, written apart from their rows: central differences need the digits that the
 * rows' results, which are floats, have lost. */
#ifndef XAI_OPERATOR_DOUBLE_H
#define XAI_OPERATOR_DOUBLE_H

#include <math.h>

#include "ops/op.h"
#include "testing.h"

enum { OPERATOR_PARTS = 5 };

/* A node with its inputs and its output. */
typedef struct operator_double {
    uint32_t op;
    xai__attributes attributes;
    size_t n_inputs;
    const xai__value *values[OPERATOR_PARTS]; /* shapes */
    double *inputs[OPERATOR_PARTS];
    const xai__value *value; /* shape of the output */
    double *out;
} operator_double;

/* Element [c][y][x] of the first image; 0 in the padding. */
static inline double operator_pixel(const operator_double *o, int64_t c, int64_t y, int64_t x, double padding)
{
    const int64_t *s = o->values[0]->shape;

    return y >= 0 && y < s[2] && x >= 0 && x < s[3] ? o->inputs[0][(c * s[2] + y) * s[3] + x] : padding;
}

/* Input pixel under tap k of output i, along axis 0 (rows) or 1 (columns). */
static inline int64_t operator_tap(const operator_double *o, int axis, int64_t i, int64_t k)
{
    const xai__attributes *a = &o->attributes;

    return i * a->stride[axis] - a->pads[axis] + k * a->dilation[axis];
}

static inline double operator_conv(const operator_double *o, int64_t channel, int64_t y, int64_t x)
{
    const int64_t *w = o->values[1]->shape, n = w[1] * w[2] * w[3];
    const int64_t first = channel / (w[0] / o->attributes.groups) * w[1];
    double sum = o->n_inputs > 2 ? o->inputs[2][channel] : 0;

    for (int64_t k = 0; k < n; k++)
        sum += o->inputs[1][channel * n + k] * operator_pixel(o, first + k / (w[2] * w[3]),
                                                              operator_tap(o, 0, y, k / w[3] % w[2]),
                                                              operator_tap(o, 1, x, k % w[3]), 0);
    return sum;
}

static inline double operator_max_pool(const operator_double *o, int64_t c, int64_t y, int64_t x)
{
    const int32_t *kernel = o->attributes.kernel;
    double best = -INFINITY;

    for (int64_t k = 0; k < (int64_t)kernel[0] * kernel[1]; k++)
        best = fmax(best, operator_pixel(o, c, operator_tap(o, 0, y, k / kernel[1]),
                                         operator_tap(o, 1, x, k % kernel[1]), -INFINITY));
    return best;
}

/* Taps behind the padding are never counted. */
static inline double operator_average_pool(const operator_double *o, int64_t c, int64_t y, int64_t x)
{
    const xai__attributes *a = &o->attributes;
    const int64_t height = o->values[0]->shape[2], width = o->values[0]->shape[3];
    double sum = 0, n = 0;

    for (int64_t k = 0; k < (int64_t)a->kernel[0] * a->kernel[1]; k++) {
        int64_t iy = operator_tap(o, 0, y, k / a->kernel[1]), ix = operator_tap(o, 1, x, k % a->kernel[1]);
        bool inside = iy >= 0 && iy < height && ix >= 0 && ix < width;

        n += inside || (a->count_pad && iy < height + a->pads[2] && ix < width + a->pads[3]);
        sum += operator_pixel(o, c, iy, ix, 0);
    }
    return sum / n;
}

static inline double operator_mean(const operator_double *o, int64_t c, int64_t y, int64_t x)
{
    const int64_t n = o->values[0]->shape[2] * o->values[0]->shape[3];
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += o->inputs[0][c * n + i];
    return sum / (double)n;
}

/* Every output pixel of one image. */
static inline void operator_map(operator_double *o, double (*at)(const operator_double *, int64_t, int64_t, int64_t))
{
    const int64_t *s = o->value->shape;

    for (int64_t i = 0; i < (int64_t)o->value->size; i++)
        o->out[i] = at(o, i / (s[2] * s[3]), i / s[3] % s[2], i % s[3]);
}

static inline double operator_activation(const operator_double *o, double x)
{
    const double low = o->attributes.low, high = o->attributes.high;

    switch (o->op) {
    case XAI__OP_RELU:
        return fmax(x, 0);
    case XAI__OP_CLIP:
        return fmin(fmax(x, low), high);
    case XAI__OP_SIGMOID:
        return 1 / (1 + exp(-x));
    case XAI__OP_SILU:
        return x / (1 + exp(-x));
    case XAI__OP_HARD_SIGMOID:
        return fmin(fmax(low * x + high, 0), 1);
    case XAI__OP_HARD_SWISH:
        return x * fmin(fmax(x + 3, 0), 6) / 6;
    default:
        return x; /* Identity, Reshape */
    }
}

/* Place of an element of a value, from an element of the output that it was broadcast to. */
static inline int64_t operator_broadcast(const operator_double *o, size_t input, int64_t i)
{
    const xai__value *from = o->values[input], *to = o->value;
    int64_t at = 0, stride = 1;

    for (uint32_t axis = 0; axis < from->rank; axis++) {
        int64_t n = to->shape[to->rank - 1 - axis], m = from->shape[from->rank - 1 - axis];

        at += m == 1 ? 0 : i % n * stride;
        stride *= m;
        i /= n;
    }
    return at;
}

/* Index along one axis of element i, and how far apart its neighbours are. */
static inline int64_t operator_index(const xai__value *value, uint32_t axis, int64_t i, int64_t *stride)
{
    *stride = 1;
    for (uint32_t a = value->rank; --a > axis;)
        *stride *= value->shape[a];
    return i / *stride % value->shape[axis];
}

static inline double operator_softmax(const operator_double *o, int64_t i)
{
    const uint32_t axis = (uint32_t)o->attributes.axis;
    int64_t stride, first = i - operator_index(o->value, axis, i, &stride) * stride;
    double sum = 0;

    for (int64_t k = 0; k < o->value->shape[axis]; k++)
        sum += exp(o->inputs[0][first + k * stride]);
    return exp(o->inputs[0][i]) / sum;
}

static inline double operator_batch_norm(const operator_double *o, int64_t i)
{
    int64_t stride, c = operator_index(o->value, 1, i, &stride);
    double *const *in = o->inputs;

    return (in[0][i] - in[3][c]) / sqrt(in[4][c] + o->attributes.epsilon) * in[1][c] + in[2][c];
}

static inline double operator_gemm(const operator_double *o, int64_t i)
{
    const int64_t depth = o->values[1]->shape[1], n = o->value->shape[1];
    double sum = o->n_inputs > 2 ? o->inputs[2][i % n] : 0;

    for (int64_t k = 0; k < depth; k++)
        sum += o->inputs[0][i / n * depth + k] * o->inputs[1][i % n * depth + k];
    return sum;
}

/* Slice: where an element of the output comes from. Pad: the same, -1 for what is filled. */
static inline int64_t operator_source(const operator_double *o, int64_t i)
{
    const xai__attributes *a = &o->attributes;
    int64_t at = 0, stride = 1;

    for (uint32_t axis = o->value->rank; axis-- > 0;) {
        const int64_t n = o->values[0]->shape[axis], step = a->step[axis] > 0 ? a->step[axis] : 1;
        int64_t index = i % o->value->shape[axis];

        i /= o->value->shape[axis];
        if (o->op == XAI__OP_SLICE)
            index = a->begin[axis] + index * step;
        else if (index < a->begin[axis] || (index - a->begin[axis]) % step != 0 || (index - a->begin[axis]) / step >= n)
            return -1;
        else
            index = (index - a->begin[axis]) / step;
        at += index * stride;
        stride *= n;
    }
    return at;
}

static inline double operator_moved(const operator_double *o, int64_t i)
{
    int64_t from = operator_source(o, i);

    return from < 0 ? (double)o->attributes.low : o->inputs[0][from];
}

static inline double operator_concat(const operator_double *o, int64_t i)
{
    const uint32_t axis = (uint32_t)o->attributes.axis;
    int64_t stride, index = operator_index(o->value, axis, i, &stride), outer = i / stride / o->value->shape[axis];
    size_t part = 0;

    for (; index >= o->values[part]->shape[axis]; part++)
        index -= o->values[part]->shape[axis];
    return o->inputs[part][(outer * o->values[part]->shape[axis] + index) * stride + i % stride];
}

/* One element of the others. */
static inline double operator_element(const operator_double *o, int64_t i)
{
    switch (o->op) {
    case XAI__OP_GEMM:
        return operator_gemm(o, i);
    case XAI__OP_BATCH_NORM:
        return operator_batch_norm(o, i);
    case XAI__OP_ADD:
        return o->inputs[0][operator_broadcast(o, 0, i)] + o->inputs[1][operator_broadcast(o, 1, i)];
    case XAI__OP_MUL:
        return o->inputs[0][operator_broadcast(o, 0, i)] * o->inputs[1][operator_broadcast(o, 1, i)];
    case XAI__OP_CONCAT:
        return operator_concat(o, i);
    case XAI__OP_SOFTMAX:
        return operator_softmax(o, i);
    case XAI__OP_SLICE:
    case XAI__OP_PAD:
        return operator_moved(o, i);
    default:
        return operator_activation(o, o->inputs[0][i]);
    }
}

/* Is it one of the operators of a network, which is what this file knows? */
static inline bool operator_is_known(uint32_t op)
{
    return op < XAI__OP_GATHER; /* what follows is linear */
}

/* Computes out. */
static inline void operator_compute(operator_double *o)
{
    static double (*const maps[])(const operator_double *, int64_t, int64_t, int64_t) = {
        [XAI__OP_CONV] = operator_conv,
        [XAI__OP_MAX_POOL] = operator_max_pool,
        [XAI__OP_AVERAGE_POOL] = operator_average_pool,
        [XAI__OP_GLOBAL_AVERAGE_POOL] = operator_mean,
    };

    ck_assert(operator_is_known(o->op));
    if (o->op < sizeof maps / sizeof *maps && maps[o->op] != NULL)
        operator_map(o, maps[o->op]);
    else
        for (size_t i = 0; i < o->value->size; i++)
            o->out[i] = operator_element(o, (int64_t)i);
}

#endif
