/* SPDX-License-Identifier: MIT
 * Linear layer: x 1xK, weight NxK, bias N. */
#include "core/error.h"
#include "ops/op.h"
#include "ops/shape.h"
#include "ops/vjp.h"

static xai_status shape_gemm(const xai__op_shapes *shapes)
{
    const xai__value *x = shapes->values[0], *w = shapes->values[1];
    xai_status status = xai__shape_rank(shapes, 0, 2);

    if (status == XAI_OK)
        status = xai__shape_rank(shapes, 1, 2);
    if (status < 0)
        return status;
    if (x->shape[1] != w->shape[1])
        return xai__fail(XAI_E_SHAPE, "input has %lld columns, weights expect %lld", (long long)x->shape[1],
                         (long long)w->shape[1]);
    shapes->shape[0] = x->shape[0];
    shapes->shape[1] = w->shape[0];
    *shapes->rank = 2;
    return xai__shape_vector(shapes, 2, w->shape[0]);
}

static void compute_gemm(const xai__op_run *run)
{
    const float *bias = run->n_inputs > 2 ? run->inputs[2] : NULL;
    int64_t rows = run->value->shape[0], columns = run->value->shape[1], depth = run->values[0]->shape[1];

    for (int64_t r = 0; r < rows; r++)
        for (int64_t n = 0; n < columns; n++) {
            double sum = 0;

            for (int64_t k = 0; k < depth; k++)
                sum += (double)run->inputs[0][r * depth + k] * run->inputs[1][n * depth + k];
            run->out[r * columns + n] = bias != NULL ? (float)sum + bias[n] : (float)sum;
        }
}

static xai_status vjp_gemm(const xai__op_vjp *vjp)
{
    xai_status status = xai__vjp_add(vjp, 0, XAI__OP_GEMM_DATA, vjp->gradient, xai__vjp_input(vjp, 1));

    if (status == XAI_OK)
        status = xai__vjp_add(vjp, 1, XAI__OP_GEMM_WEIGHTS, vjp->gradient, xai__vjp_input(vjp, 0));
    return status < 0 ? status : xai__vjp_add_channels(vjp, 2, vjp->gradient);
}

const xai__op_row xai__op_gemm = { "Gemm", 2, 3, shape_gemm, compute_gemm, vjp_gemm };
