/* SPDX-License-Identifier: MIT
 * Batch normalisation with stored statistics: x 1xCx..., then gamma, beta, mean, variance, each C. */
#include <math.h>

#include "core/error.h"
#include "ops/op.h"
#include "ops/shape.h"
#include "ops/vjp.h"

enum { CHANNELS_AT_ONCE = 256 };

static xai_status shape_batch_norm(const xai__op_shapes *shapes)
{
    const xai__value *x = shapes->values[0];

    if (x->rank < 2)
        return xai__fail(XAI_E_SHAPE, "input has %u dimensions, expected at least 2", x->rank);
    for (size_t i = 1; i < shapes->n_inputs; i++) {
        xai_status status = xai__shape_vector(shapes, i, x->shape[1]);

        if (status < 0)
            return status;
    }
    return xai__shape_same(shapes);
}

void xai__batch_norm_affine(float *scale, float *shift, size_t n, const float *const gamma_beta_mean_variance[4],
                            float epsilon)
{
    const float *const *p = gamma_beta_mean_variance;

    for (size_t c = 0; c < n; c++) {
        double factor = p[0][c] / sqrt((double)p[3][c] + epsilon);

        scale[c] = (float)factor;
        shift[c] = (float)(p[1][c] - p[2][c] * factor);
    }
}

void xai__batch_norm_read(float *scale, float *shift, const xai__value *const gamma_beta_mean_variance[4],
                          float epsilon)
{
    const size_t size = gamma_beta_mean_variance[0]->size;
    float elements[4][CHANNELS_AT_ONCE];
    const float *const p[4] = { elements[0], elements[1], elements[2], elements[3] };

    for (size_t c = 0; c < size; c += CHANNELS_AT_ONCE) {
        size_t n = size - c < CHANNELS_AT_ONCE ? size - c : CHANNELS_AT_ONCE;

        for (size_t i = 0; i < 4; i++)
            xai__constant_read(elements[i], &gamma_beta_mean_variance[i]->constant, c, n);
        xai__batch_norm_affine(scale + c, shift + c, n, p, epsilon);
    }
}

/* Through the same rounded scale and shift as a plan that folds them into a convolution: both start from equal numbers.
 */
static void compute_batch_norm(const xai__op_run *run)
{
    int64_t channels = run->value->shape[1], maps = run->value->shape[0] * channels;
    int64_t n = maps > 0 ? (int64_t)run->value->size / maps : 0;

    for (int64_t map = 0; map < maps; map++) {
        int64_t c = map % channels;
        const float *const p[4] = { run->inputs[1] + c, run->inputs[2] + c, run->inputs[3] + c, run->inputs[4] + c };
        float scale, shift;

        xai__batch_norm_affine(&scale, &shift, 1, p, run->attributes->epsilon);
        for (int64_t i = map * n; i < (map + 1) * n; i++)
            run->out[i] = (float)((double)run->inputs[0][i] * scale + shift);
    }
}

/* Scale a channel, as a constant 1xCx1x... that multiplies a map; -1 and below: a status. */
static int32_t add_scale(const xai__op_vjp *vjp)
{
    xai__graph *graph = vjp->graph;
    const xai__value *x = &graph->values[xai__vjp_input(vjp, 0)], *parameters[4];
    int64_t shape[XAI__MAX_RANK] = { 1, x->shape[1], 1, 1, 1, 1, 1, 1 };
    size_t n = (size_t)x->shape[1];
    float *scale;

    for (size_t i = 0; i < 4; i++) {
        parameters[i] = &graph->values[xai__vjp_input(vjp, i + 1)];
        if (!xai__value_is_constant(parameters[i]))
            return xai__fail(XAI_E_UNSUPPORTED, "BatchNormalization: the gradient needs input %zu to be constant",
                             i + 1);
    }
    /* The shift is of no use here: it falls away in the derivative. */
    scale = xai__graph_block(graph, 2 * n);
    if (scale == NULL)
        return XAI_E_NO_MEMORY;
    xai__batch_norm_read(scale, scale + n, parameters, xai__vjp_attributes(vjp).epsilon);
    return xai__graph_add_constant(graph, shape, x->rank, scale);
}

/* x normalised: the same operator with a gamma of 1 and a beta of 0. */
static int32_t add_normalised(const xai__op_vjp *vjp)
{
    xai__graph *graph = vjp->graph;
    const xai__attributes attributes = xai__vjp_attributes(vjp);
    const int64_t n = graph->values[xai__vjp_input(vjp, 0)].shape[1];
    float *ones = xai__graph_block(graph, 2 * (size_t)n);
    int32_t inputs[5];

    if (ones == NULL)
        return XAI_E_NO_MEMORY;
    for (int64_t i = 0; i < 2 * n; i++)
        ones[i] = i < n ? 1 : 0;
    inputs[0] = xai__vjp_input(vjp, 0);
    inputs[1] = xai__graph_add_constant(graph, &n, 1, ones);
    inputs[2] = xai__graph_add_constant(graph, &n, 1, ones + n);
    inputs[3] = xai__vjp_input(vjp, 3);
    inputs[4] = xai__vjp_input(vjp, 4);
    return xai__op_add(graph, XAI__OP_BATCH_NORM, &attributes, inputs, 5);
}

/* The gradient times value, whose status passes through. */
static int32_t multiply(const xai__op_vjp *vjp, int32_t value)
{
    const xai__attributes attributes = xai__attributes_default();
    const int32_t inputs[2] = { vjp->gradient, value };

    return value < 0 ? value : xai__op_add(vjp->graph, XAI__OP_MUL, &attributes, inputs, 2);
}

/* None for the statistics, which are not trained. */
static xai_status vjp_batch_norm(const xai__op_vjp *vjp)
{
    xai_status status = xai__vjp_set(vjp, 0, multiply(vjp, add_scale(vjp)));

    if (status == XAI_OK)
        status = xai__vjp_add_channels(vjp, 1, multiply(vjp, add_normalised(vjp)));
    return status < 0 ? status : xai__vjp_add_channels(vjp, 2, vjp->gradient);
}

const xai__op_row xai__op_batch_norm = { "BatchNormalization", 5, 5, shape_batch_norm, compute_batch_norm,
                                         vjp_batch_norm };
