/* SPDX-License-Identifier: MIT
 * Gradients of a linear layer: dx = dy weight, dweight = dy' x, with dy RxN, weight NxK and x RxK. */
#include "core/error.h"
#include "ops/op.h"
#include "ops/shape.h"
#include "ops/vjp.h"

/* Both have two dimensions; axis of dy must be as long as the first of input 1. */
static xai_status check_operands(const xai__op_shapes *shapes, int axis)
{
    const xai__value *const *values = shapes->values;

    for (size_t i = 0; i < 2; i++) {
        xai_status status = xai__shape_rank(shapes, i, 2);

        if (status < 0)
            return status;
    }
    if (values[0]->shape[axis] != values[1]->shape[0])
        return xai__fail(XAI_E_SHAPE, "the gradient has %lld %s, input 1 has %lld rows",
                         (long long)values[0]->shape[axis], axis == 0 ? "rows" : "columns",
                         (long long)values[1]->shape[0]);
    shapes->shape[0] = values[0]->shape[1 - axis];
    shapes->shape[1] = values[1]->shape[1];
    *shapes->rank = 2;
    return XAI_OK;
}

static xai_status shape_data(const xai__op_shapes *shapes)
{
    return check_operands(shapes, 1);
}

static xai_status shape_weights(const xai__op_shapes *shapes)
{
    return check_operands(shapes, 0);
}

/* out = dy b, or the transpose of dy times b: strides of dy along the rows of out and along the sum. */
static void multiply(const xai__op_run *run, int64_t row, int64_t step)
{
    int64_t rows = run->value->shape[0], columns = run->value->shape[1], depth = run->values[1]->shape[0];

    for (int64_t r = 0; r < rows; r++)
        for (int64_t n = 0; n < columns; n++) {
            double sum = 0;

            for (int64_t k = 0; k < depth; k++)
                sum += (double)run->inputs[0][r * row + k * step] * run->inputs[1][k * columns + n];
            run->out[r * columns + n] = (float)sum;
        }
}

static void compute_data(const xai__op_run *run)
{
    multiply(run, run->values[0]->shape[1], 1);
}

static void compute_weights(const xai__op_run *run)
{
    multiply(run, 1, run->values[0]->shape[1]);
}

/* dx = dy weight is linear in both: back to dy goes a linear layer, back to the weight dy' times the new gradient. */
static xai_status vjp_data(const xai__op_vjp *vjp)
{
    xai_status status = xai__vjp_add(vjp, 0, XAI__OP_GEMM, vjp->gradient, xai__vjp_input(vjp, 1));

    return status < 0 ? status : xai__vjp_add(vjp, 1, XAI__OP_GEMM_WEIGHTS, xai__vjp_input(vjp, 0), vjp->gradient);
}

static xai_status vjp_weights(const xai__op_vjp *vjp)
{
    xai_status status = xai__vjp_add(vjp, 0, XAI__OP_GEMM, xai__vjp_input(vjp, 1), vjp->gradient);

    return status < 0 ? status : xai__vjp_add(vjp, 1, XAI__OP_GEMM_DATA, xai__vjp_input(vjp, 0), vjp->gradient);
}

const xai__op_row xai__op_gemm_data = { "GemmData", 2, 2, shape_data, compute_data, vjp_data };
const xai__op_row xai__op_gemm_weights = { "GemmWeights", 2, 2, shape_weights, compute_weights, vjp_weights };
