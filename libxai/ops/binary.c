/* SPDX-License-Identifier: MIT
 * Addition and multiplication with NumPy's broadcasting. */
#include "core/error.h"
#include "core/tensor.h"
#include "ops/op.h"
#include "ops/vjp.h"

/* Extent of axis i of a result of this rank; missing leading axes count as 1. */
static int64_t extent(const xai__value *value, uint32_t rank, uint32_t axis)
{
    uint32_t missing = rank - value->rank;

    return axis < missing ? 1 : value->shape[axis - missing];
}

static xai_status shape_binary(const xai__op_shapes *shapes)
{
    const xai__value *a = shapes->values[0], *b = shapes->values[1];
    uint32_t rank = a->rank > b->rank ? a->rank : b->rank;
    char left[128], right[128];

    for (uint32_t i = 0; i < rank; i++) {
        int64_t m = extent(a, rank, i), n = extent(b, rank, i);

        if (m != n && m != 1 && n != 1)
            return xai__fail(XAI_E_SHAPE, "%s and %s cannot be broadcast together",
                             xai__shape_text(left, sizeof left, a->shape, a->rank),
                             xai__shape_text(right, sizeof right, b->shape, b->rank));
        shapes->shape[i] = m == 1 ? n : m;
    }
    *shapes->rank = rank;
    return XAI_OK;
}

/* A stride of 0 repeats an operand along an axis that it lacks. */
static void fill_strides(int64_t *strides, const xai__value *value, uint32_t rank)
{
    int64_t stride = 1;

    for (uint32_t i = rank; i-- > 0;) {
        int64_t n = extent(value, rank, i);

        strides[i] = n == 1 ? 0 : stride;
        stride *= n;
    }
}

static float add(float a, float b)
{
    return a + b;
}

static float multiply(float a, float b)
{
    return a * b;
}

static void compute(const xai__op_run *run, float (*function)(float a, float b))
{
    int64_t steps[2][XAI__MAX_RANK], index[XAI__MAX_RANK] = { 0 };
    uint32_t rank = run->value->rank;
    const float *a = run->inputs[0], *b = run->inputs[1];

    fill_strides(steps[0], run->values[0], rank);
    fill_strides(steps[1], run->values[1], rank);
    for (size_t i = 0; i < run->value->size; i++) {
        run->out[i] = function(*a, *b);
        /* An odometer: the last axis turns fastest; one that is through goes back to its start and turns the next. */
        for (uint32_t axis = rank; axis-- > 0;) {
            a += steps[0][axis];
            b += steps[1][axis];
            if (++index[axis] < run->value->shape[axis])
                break;
            a -= steps[0][axis] * index[axis];
            b -= steps[1][axis] * index[axis];
            index[axis] = 0;
        }
    }
}

static void compute_add(const xai__op_run *run)
{
    compute(run, add);
}

static void compute_mul(const xai__op_run *run)
{
    compute(run, multiply);
}

/* What was repeated on the way forward is summed on the way back. */
static xai_status vjp_add(const xai__op_vjp *vjp)
{
    xai_status status = XAI_OK;

    for (size_t i = 0; i < 2 && status == XAI_OK; i++)
        status = xai__vjp_set(vjp, i, xai__vjp_sum_like(vjp->graph, vjp->gradient, xai__vjp_input(vjp, i)));
    return status;
}

static xai_status vjp_mul(const xai__op_vjp *vjp)
{
    const xai__attributes attributes = xai__attributes_default();
    xai_status status = XAI_OK;

    for (size_t i = 0; i < 2 && status == XAI_OK; i++) {
        const int32_t inputs[2] = { vjp->gradient, xai__vjp_input(vjp, 1 - i) };
        int32_t product = xai__op_add(vjp->graph, XAI__OP_MUL, &attributes, inputs, 2);

        status = xai__vjp_set(vjp, i, xai__vjp_sum_like(vjp->graph, product, xai__vjp_input(vjp, i)));
    }
    return status;
}

const xai__op_row xai__op_binary_add = { "Add", 2, 2, shape_binary, compute_add, vjp_add };
const xai__op_row xai__op_binary_mul = { "Mul", 2, 2, shape_binary, compute_mul, vjp_mul };
