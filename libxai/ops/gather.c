/* SPDX-License-Identifier: MIT
 * Columns picked by constant indices, and its gradient: columns summed where those indices say. */
#include "core/error.h"
#include "ops/op.h"
#include "ops/shape.h"
#include "ops/vjp.h"

/* Indices stand in floats, which hold each up to 2^24. */
enum { LARGEST_EXTENT = 1 << 24 };

/* The loops trust them, so they are looked at once, here. */
static xai_status check_indices(const xai__op_shapes *shapes, int64_t end)
{
    const xai__value *indices = shapes->values[1];

    if (indices->rank != 1 || !xai__value_is_constant(indices))
        return xai__fail(XAI_E_UNSUPPORTED, "the indices are no constant vector");
    if (end > LARGEST_EXTENT)
        return xai__fail(XAI_E_LIMIT, "%lld columns, indices reach %d", (long long)end, LARGEST_EXTENT);
    for (int64_t i = 0; i < indices->shape[0]; i++) {
        float index;

        xai__constant_read(&index, &indices->constant, (size_t)i, 1);
        /* Written so that NaN fails; only a number in range is cast, for any other cast is undefined. */
        if (!(index >= 0 && index < (float)end) || index != (float)(int64_t)index)
            return xai__fail(XAI_E_FORMAT, "index %lld is %g, expected a whole number from 0 to %lld", (long long)i,
                             (double)index, (long long)end - 1);
    }
    return XAI_OK;
}

static xai_status shape_gather(const xai__op_shapes *shapes)
{
    xai_status status = xai__shape_rank(shapes, 0, 2);

    if (status == XAI_OK)
        status = check_indices(shapes, shapes->values[0]->shape[1]);
    if (status < 0)
        return status;
    shapes->shape[0] = shapes->values[0]->shape[0];
    shapes->shape[1] = shapes->values[1]->shape[0];
    *shapes->rank = 2;
    return XAI_OK;
}

static void compute_gather(const xai__op_run *run)
{
    const float *indices = run->inputs[1];
    int64_t rows = run->value->shape[0], n = run->value->shape[1], k = run->values[0]->shape[1];

    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < n; i++)
            run->out[r * n + i] = run->inputs[0][r * k + (int64_t)indices[i]];
}

static xai_status shape_sum(const xai__op_shapes *shapes)
{
    const xai__attributes *a = shapes->attributes;
    const xai__value *x = shapes->values[0], *indices = shapes->values[1];
    xai_status status = xai__shape_rank(shapes, 0, 2);

    if (status < 0)
        return status;
    if (a->rank != 2 || a->shape[0] != x->shape[0] || a->shape[1] < 0)
        return xai__fail(XAI_E_FORMAT, "the sums are %lldx%lld in %u dimensions, the input has %lld rows",
                         (long long)a->shape[0], (long long)a->shape[1], a->rank, (long long)x->shape[0]);
    status = check_indices(shapes, a->shape[1]);
    if (status == XAI_OK && indices->shape[0] != x->shape[1])
        status = xai__fail(XAI_E_SHAPE, "%lld indices for %lld columns", (long long)indices->shape[0],
                           (long long)x->shape[1]);
    shapes->shape[0] = a->shape[0];
    shapes->shape[1] = a->shape[1];
    *shapes->rank = 2;
    return status;
}

/* Neighbours with the same index are summed in double precision. */
static void sum_row(float *out, const float *x, const float *indices, int64_t n)
{
    /* Sorted indices, the usual case, are thus summed in double from end to end and rounded once. */
    for (int64_t i = 0; i < n;) {
        int64_t index = (int64_t)indices[i];
        double sum = out[index];

        for (; i < n && (int64_t)indices[i] == index; i++)
            sum += x[i];
        out[index] = (float)sum;
    }
}

static void compute_sum(const xai__op_run *run)
{
    int64_t rows = run->value->shape[0], k = run->value->shape[1], n = run->values[0]->shape[1];

    for (int64_t i = 0; i < rows * k; i++)
        run->out[i] = 0;
    for (int64_t r = 0; r < rows; r++)
        sum_row(run->out + r * k, run->inputs[0] + r * n, run->inputs[1], n);
}

/* Each is the other's transpose; indices have no gradient. */
static xai_status vjp_gather(const xai__op_vjp *vjp)
{
    return xai__vjp_add(vjp, 0, XAI__OP_SCATTER_SUM, vjp->gradient, xai__vjp_input(vjp, 1));
}

static xai_status vjp_sum(const xai__op_vjp *vjp)
{
    return xai__vjp_add(vjp, 0, XAI__OP_GATHER, vjp->gradient, xai__vjp_input(vjp, 1));
}

const xai__op_row xai__op_gather = { "Gather", 2, 2, shape_gather, compute_gather, vjp_gather };
const xai__op_row xai__op_scatter_sum = { "ScatterSum", 2, 2, shape_sum, compute_sum, vjp_sum };
