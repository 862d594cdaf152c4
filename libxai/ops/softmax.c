/* SPDX-License-Identifier: MIT
 * Softmax along one axis, shifted by the largest element. */
#include <math.h>

#include "core/error.h"
#include "ops/op.h"
#include "ops/shape.h"

static xai_status shape_softmax(const xai__op_shapes *shapes)
{
    if (shapes->attributes->axis < 0 || shapes->attributes->axis >= (int32_t)shapes->values[0]->rank)
        return xai__fail(XAI_E_FORMAT, "axis is %d, the input has %u dimensions", shapes->attributes->axis,
                         shapes->values[0]->rank);
    return xai__shape_same(shapes);
}

static void soften(float *out, const float *in, int64_t n, int64_t stride)
{
    float largest = in[0];
    double sum = 0;

    for (int64_t i = 1; i < n; i++)
        largest = in[i * stride] > largest ? in[i * stride] : largest;
    for (int64_t i = 0; i < n; i++)
        sum += exp((double)in[i * stride] - largest);
    for (int64_t i = 0; i < n; i++)
        out[i * stride] = (float)(exp((double)in[i * stride] - largest) / sum);
}

static void compute_softmax(const xai__op_run *run)
{
    uint32_t axis = (uint32_t)run->attributes->axis;
    int64_t n = run->value->shape[axis], outer = 1, inner = 1;

    for (uint32_t i = 0; i < axis; i++)
        outer *= run->value->shape[i];
    for (uint32_t i = axis + 1; i < run->value->rank; i++)
        inner *= run->value->shape[i];
    for (int64_t o = 0; o < outer && n > 0; o++)
        for (int64_t i = 0; i < inner; i++)
            soften(run->out + o * n * inner + i, run->inputs[0] + o * n * inner + i, n, inner);
}

const xai__op_row xai__op_softmax = { "Softmax", 1, 1, shape_softmax, compute_softmax, NULL };
