/* SPDX-License-Identifier: MIT
 * Concatenation along one axis. */
#include <string.h>

#include "core/error.h"
#include "ops/op.h"
#include "ops/shape.h"
#include "ops/vjp.h"

static xai_status shape_concat(const xai__op_shapes *shapes)
{
    int32_t axis = shapes->attributes->axis;
    const xai__value *first = shapes->values[0];
    xai_status status = xai__shape_same(shapes);

    if (axis < 0 || axis >= (int32_t)first->rank)
        return xai__fail(XAI_E_FORMAT, "axis is %d, the parts have %u dimensions", axis, first->rank);
    for (size_t i = 1; i < shapes->n_inputs && status == XAI_OK; i++) {
        const xai__value *part = shapes->values[i];

        status = xai__shape_rank(shapes, i, first->rank);
        for (uint32_t j = 0; j < first->rank && status == XAI_OK; j++)
            if ((int32_t)j != axis && part->shape[j] != first->shape[j])
                status = xai__fail(XAI_E_SHAPE, "part %zu has extent %lld along axis %u, part 0 has %lld", i,
                                   (long long)part->shape[j], j, (long long)first->shape[j]);
        shapes->shape[axis] += part->shape[axis];
    }
    return status;
}

static void compute_concat(const xai__op_run *run)
{
    int32_t axis = run->attributes->axis;
    int64_t outer = 1, inner = 1, offset = 0;

    for (int32_t i = 0; i < axis; i++)
        outer *= run->value->shape[i];
    for (uint32_t i = (uint32_t)axis + 1; i < run->value->rank; i++)
        inner *= run->value->shape[i];
    /* With axes before it as outer and behind it as inner, a part is outer stretches, each in one piece of memory. */
    for (size_t part = 0; part < run->n_inputs; part++) {
        int64_t length = run->values[part]->shape[axis] * inner, whole = run->value->shape[axis] * inner;

        for (int64_t i = 0; i < outer; i++)
            memcpy(run->out + i * whole + offset, run->inputs[part] + i * length, (size_t)length * sizeof(float));
        offset += length;
    }
}

/* Each part's gradient is the slice of dy where that part stands. */
static xai_status vjp_concat(const xai__op_vjp *vjp)
{
    const size_t n_parts = vjp->graph->nodes[vjp->node].n_inputs;
    const uint32_t axis = (uint32_t)xai__vjp_attributes(vjp).axis;
    xai__attributes slice = xai__attributes_default();
    xai_status status = XAI_OK;

    for (size_t part = 0; part < n_parts && status == XAI_OK; part++) {
        const xai__value *value = &vjp->graph->values[xai__vjp_input(vjp, part)];

        slice.begin[axis] = slice.end[axis]; /* where the part before ended; 0 at first */
        for (uint32_t i = 0; i < value->rank; i++) {
            slice.end[i] = slice.begin[i] + value->shape[i];
            slice.step[i] = 1;
        }
        status = xai__vjp_set(vjp, part, xai__op_add(vjp->graph, XAI__OP_SLICE, &slice, &vjp->gradient, 1));
    }
    return status;
}

const xai__op_row xai__op_concat = { "Concat", 1, 64, shape_concat, compute_concat, vjp_concat };
