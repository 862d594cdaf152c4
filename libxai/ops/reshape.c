/* SPDX-License-Identifier: MIT
 * Views: the same elements under another shape, or under another name. */
#include <string.h>

#include "core/error.h"
#include "core/tensor.h"
#include "ops/op.h"
#include "ops/shape.h"
#include "ops/vjp.h"

static xai_status shape_reshape(const xai__op_shapes *shapes)
{
    const xai__attributes *a = shapes->attributes;
    const xai__value *x = shapes->values[0];
    char from[128], to[128];
    size_t size;

    memcpy(shapes->shape, a->shape, sizeof a->shape);
    *shapes->rank = a->rank;
    if (!xai__shape_size(&size, a->shape, a->rank) || size != x->size)
        return xai__fail(XAI_E_SHAPE, "%s cannot become %s", xai__shape_text(from, sizeof from, x->shape, x->rank),
                         xai__shape_text(to, sizeof to, a->shape, a->rank));
    return XAI_OK;
}

static void copy(const xai__op_run *run)
{
    memcpy(run->out, run->inputs[0], run->value->size * sizeof(float));
}

static xai_status vjp_reshape(const xai__op_vjp *vjp)
{
    return xai__vjp_add(vjp, 0, XAI__OP_RESHAPE, vjp->gradient, -1);
}

/* No node: the gradient of the output is that of the input. */
static xai_status vjp_identity(const xai__op_vjp *vjp)
{
    return xai__vjp_set(vjp, 0, vjp->gradient);
}

const xai__op_row xai__op_reshape = { "Reshape", 1, 1, shape_reshape, copy, vjp_reshape };
const xai__op_row xai__op_identity = { "Identity", 1, 1, xai__shape_same, copy, vjp_identity };
