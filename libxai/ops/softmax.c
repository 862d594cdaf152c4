/* SPDX-License-Identifier: MIT
 * Softmax along one axis, shifted by the largest element, and its gradient. */
#include <math.h>

#include "core/error.h"
#include "ops/op.h"
#include "ops/shape.h"
#include "ops/vjp.h"

static xai_status shape_softmax(const xai__op_shapes *shapes)
{
    if (shapes->attributes->axis < 0 || shapes->attributes->axis >= (int32_t)shapes->values[0]->rank)
        return xai__fail(XAI_E_FORMAT, "axis is %d, the input has %u dimensions", shapes->attributes->axis,
                         shapes->values[0]->rank);
    return xai__shape_same(shapes);
}

static xai_status shape_data(const xai__op_shapes *shapes)
{
    xai_status status = xai__shape_equal(shapes, 1);

    return status < 0 ? status : shape_softmax(shapes);
}

/* exp(x - largest) / sum: no exponent is above 0, so nothing overflows and the sum is at least 1. */
static void soften(float *out, const float *const *inputs, int64_t n, int64_t stride)
{
    const float *in = inputs[0];
    float largest = in[0];
    double sum = 0;

    for (int64_t i = 1; i < n; i++)
        largest = in[i * stride] > largest ? in[i * stride] : largest;
    for (int64_t i = 0; i < n; i++)
        sum += exp((double)in[i * stride] - largest);
    for (int64_t i = 0; i < n; i++)
        out[i * stride] = (float)(exp((double)in[i * stride] - largest) / sum);
}

/* dx = y (dy - sum of dy y); in[0] is dy, in[1] is y. */
static void pass_back(float *out, const float *const *in, int64_t n, int64_t stride)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += (double)in[0][i * stride] * in[1][i * stride];
    for (int64_t i = 0; i < n; i++)
        out[i * stride] = (float)(in[1][i * stride] * (in[0][i * stride] - sum));
}

/* Every line along the axis: n elements, inner apart. */
static void compute(const xai__op_run *run, void (*line)(float *out, const float *const *in, int64_t n, int64_t stride))
{
    uint32_t axis = (uint32_t)run->attributes->axis;
    int64_t n = run->value->shape[axis], outer = 1, inner = 1;

    for (uint32_t i = 0; i < axis; i++)
        outer *= run->value->shape[i];
    for (uint32_t i = axis + 1; i < run->value->rank; i++)
        inner *= run->value->shape[i];
    for (int64_t o = 0; o < outer && n > 0; o++)
        for (int64_t i = 0; i < inner; i++) {
            int64_t at = o * n * inner + i;
            const float *in[2] = { run->inputs[0] + at, run->n_inputs > 1 ? run->inputs[1] + at : NULL };

            line(run->out + at, in, n, inner);
        }
}

static void compute_softmax(const xai__op_run *run)
{
    compute(run, soften);
}

static void compute_data(const xai__op_run *run)
{
    compute(run, pass_back);
}

static xai_status vjp_softmax(const xai__op_vjp *vjp)
{
    return xai__vjp_add(vjp, 0, XAI__OP_SOFTMAX_DATA, vjp->gradient, xai__vjp_output(vjp));
}

const xai__op_row xai__op_softmax = { "Softmax", 1, 1, shape_softmax, compute_softmax, vjp_softmax };
const xai__op_row xai__op_softmax_data = { "SoftmaxData", 2, 2, shape_data, compute_data, NULL };
