/* SPDX-License-Identifier: MIT
 * What the operators' VJPs share. */
#include "ops/vjp.h"

#include <string.h>

#include "ops/shape.h"

int32_t xai__vjp_input(const xai__op_vjp *vjp, size_t i)
{
    const xai__node *node = &vjp->graph->nodes[vjp->node];

    return i < node->n_inputs ? node->inputs[i] : -1;
}

int32_t xai__vjp_output(const xai__op_vjp *vjp)
{
    return vjp->graph->nodes[vjp->node].output;
}

xai__attributes xai__vjp_attributes(const xai__op_vjp *vjp)
{
    return vjp->graph->nodes[vjp->node].attributes;
}

xai_status xai__vjp_set(const xai__op_vjp *vjp, size_t i, int32_t value)
{
    if (value < 0)
        return value;
    vjp->gradients[i] = value;
    return XAI_OK;
}

static void set_shape(xai__attributes *attributes, const xai__value *value)
{
    memcpy(attributes->shape, value->shape, value->rank * sizeof *value->shape);
    attributes->rank = value->rank;
}

xai_status xai__vjp_add(const xai__op_vjp *vjp, size_t i, uint32_t op, int32_t a, int32_t b)
{
    const int32_t input = xai__vjp_input(vjp, i), operands[2] = { a, b };
    xai__attributes attributes = xai__vjp_attributes(vjp);

    if (input < 0)
        return XAI_OK;
    set_shape(&attributes, &vjp->graph->values[input]);
    return xai__vjp_set(vjp, i, xai__op_add(vjp->graph, op, &attributes, operands, b < 0 ? 1 : 2));
}

int32_t xai__vjp_sum_like(xai__graph *graph, int32_t value, int32_t like)
{
    xai__attributes attributes = xai__attributes_default();

    if (value < 0)
        return value;
    set_shape(&attributes, &graph->values[like]);
    /* Nothing was repeated: no node. */
    if (xai__shape_is(&graph->values[value], attributes.shape, attributes.rank))
        return value;
    return xai__op_add(graph, XAI__OP_SUM_TO, &attributes, &value, 1);
}

xai_status xai__vjp_add_channels(const xai__op_vjp *vjp, size_t i, int32_t value)
{
    xai__attributes sum = xai__attributes_default(), flat = sum;
    const xai__value *v;

    if (value < 0 || xai__vjp_input(vjp, i) < 0)
        return value < 0 ? value : XAI_OK;
    v = &vjp->graph->values[value];
    sum.rank = v->rank;
    for (uint32_t axis = 0; axis < v->rank; axis++)
        sum.shape[axis] = axis == 1 ? v->shape[1] : 1;
    flat.rank = 1;
    flat.shape[0] = v->shape[1];
    /* To 1xCx1x1 and from there to C. */
    value = xai__op_add(vjp->graph, XAI__OP_SUM_TO, &sum, &value, 1);
    return value < 0 ? value : xai__vjp_set(vjp, i, xai__op_add(vjp->graph, XAI__OP_RESHAPE, &flat, &value, 1));
}

int32_t xai__vjp_mask(const xai__op_vjp *vjp, int32_t gradient, enum xai__mask_rule rule)
{
    const int32_t operands[2] = { gradient, xai__vjp_output(vjp) };
    xai__attributes attributes = xai__vjp_attributes(vjp);

    /* The node's own low and high go along, for XAI__RULE_INSIDE. */
    attributes.axis = (int32_t)rule;
    return gradient < 0 ? gradient : xai__op_add(vjp->graph, XAI__OP_MASK, &attributes, operands, 2);
}
