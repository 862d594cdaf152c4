/* SPDX-License-Identifier: MIT
 * The sum over the axes that broadcasting would have repeated: what a broadcast becomes on the way back. */
#include "core/error.h"
#include "core/tensor.h"
#include "ops/op.h"
#include "ops/shape.h"

/* Extents and strides of x, and which axes are summed. */
typedef struct axes {
    int64_t n[XAI__MAX_RANK], stride[XAI__MAX_RANK];
    bool summed[XAI__MAX_RANK];
    uint32_t rank;
} axes;

/* Extent of axis i of the attributes' shape; missing leading axes count as 1. */
static int64_t extent(const xai__attributes *attributes, uint32_t rank, uint32_t axis)
{
    uint32_t missing = rank - attributes->rank;

    return axis < missing ? 1 : attributes->shape[axis - missing];
}

static xai_status shape_sum_to(const xai__op_shapes *shapes)
{
    const xai__attributes *a = shapes->attributes;
    const xai__value *x = shapes->values[0];
    xai_status status = xai__shape_given(shapes, NULL);
    bool fits = a->rank <= x->rank;
    char from[128], to[128];

    if (status < 0)
        return status;
    for (uint32_t i = 0; i < x->rank && fits; i++)
        fits = extent(a, x->rank, i) == x->shape[i] || extent(a, x->rank, i) == 1;
    if (!fits)
        return xai__fail(XAI_E_SHAPE, "%s cannot be broadcast to %s", xai__shape_text(to, sizeof to, a->shape, a->rank),
                         xai__shape_text(from, sizeof from, x->shape, x->rank));
    return XAI_OK;
}

static axes find_axes(const xai__op_run *run)
{
    const xai__value *x = run->values[0];
    axes a = { .rank = x->rank };
    int64_t stride = 1;

    for (uint32_t i = x->rank; i-- > 0;) {
        a.n[i] = x->shape[i];
        a.stride[i] = stride;
        /* An axis of extent 1 in both is kept: summing it would change nothing. */
        a.summed[i] = extent(run->attributes, x->rank, i) != x->shape[i];
        stride *= x->shape[i];
    }
    return a;
}

/* Over the summed axes at and behind axis, the last one fastest, in double. */
static double sum(const axes *a, const float *x, uint32_t axis)
{
    double total = 0;

    if (axis == a->rank)
        return *x;
    if (!a->summed[axis])
        return sum(a, x, axis + 1);
    for (int64_t i = 0; i < a->n[axis]; i++)
        total += sum(a, x + i * a->stride[axis], axis + 1);
    return total;
}

/* Writes the sums below axis in row-major order and returns the place behind them. */
static float *fill(float *out, const axes *a, const float *x, uint32_t axis)
{
    if (axis == a->rank) {
        *out = (float)sum(a, x, 0);
        return out + 1;
    }
    if (a->summed[axis])
        return fill(out, a, x, axis + 1);
    for (int64_t i = 0; i < a->n[axis]; i++)
        out = fill(out, a, x + i * a->stride[axis], axis + 1);
    return out;
}

static void compute_sum_to(const xai__op_run *run)
{
    axes a = find_axes(run);

    fill(run->out, &a, run->inputs[0], 0);
}

const xai__op_row xai__op_sum_to = { "SumTo", 1, 1, shape_sum_to, compute_sum_to, NULL };
