/* SPDX-License-Identifier: MIT
 * Slices with steps, and what undoes them, padding with a constant around and between: for every axis. */
#include "core/error.h"
#include "ops/op.h"
#include "ops/vjp.h"

/* From one element to the next in what a pad gives. */
static int64_t pad_step(const xai__attributes *attributes, uint32_t axis)
{
    return attributes->step[axis] > 0 ? attributes->step[axis] : 1;
}

/* What n elements take up, a step from one to the next. */
static int64_t spread(int64_t n, int64_t step)
{
    return n > 0 ? (n - 1) * step + 1 : 0;
}

static xai_status shape_slice(const xai__op_shapes *shapes)
{
    const xai__attributes *a = shapes->attributes;
    const xai__value *x = shapes->values[0];

    for (uint32_t i = 0; i < x->rank; i++) {
        if (a->begin[i] < 0 || a->end[i] > x->shape[i] || a->begin[i] > a->end[i] || a->step[i] < 1)
            return xai__fail(XAI_E_SHAPE, "axis %u: from %lld to %lld by %lld does not fit into %lld", i,
                             (long long)a->begin[i], (long long)a->end[i], (long long)a->step[i],
                             (long long)x->shape[i]);
        shapes->shape[i] = a->end[i] > a->begin[i] ? (a->end[i] - a->begin[i] - 1) / a->step[i] + 1 : 0;
    }
    *shapes->rank = x->rank;
    return XAI_OK;
}

static xai_status shape_pad(const xai__op_shapes *shapes)
{
    const xai__attributes *a = shapes->attributes;
    const xai__value *x = shapes->values[0];

    for (uint32_t i = 0; i < x->rank; i++) {
        if (a->begin[i] < 0 || a->end[i] < 0 || a->begin[i] > INT32_MAX || a->end[i] > INT32_MAX)
            return xai__fail(XAI_E_FORMAT, "axis %u: padding of %lld and %lld", i, (long long)a->begin[i],
                             (long long)a->end[i]);
        if (a->step[i] < 0 || a->step[i] > INT32_MAX || x->shape[i] > INT32_MAX)
            return xai__fail(XAI_E_FORMAT, "axis %u: %lld elements with a step of %lld", i, (long long)x->shape[i],
                             (long long)a->step[i]);
        shapes->shape[i] = a->begin[i] + spread(x->shape[i], pad_step(a, i)) + a->end[i];
    }
    *shapes->rank = x->rank;
    return XAI_OK;
}

/* Moves to the next element in row-major order. */
static void advance(int64_t *index, const xai__value *value)
{
    for (uint32_t axis = value->rank; axis-- > 0;) {
        if (++index[axis] < value->shape[axis])
            return;
        index[axis] = 0;
    }
}

static void compute_slice(const xai__op_run *run)
{
    const xai__attributes *a = run->attributes;
    const xai__value *x = run->values[0];
    int64_t index[XAI__MAX_RANK] = { 0 };

    for (size_t i = 0; i < run->value->size; i++) {
        int64_t from = 0;

        for (uint32_t axis = 0; axis < x->rank; axis++)
            from = from * x->shape[axis] + a->begin[axis] + index[axis] * a->step[axis];
        run->out[i] = run->inputs[0][from];
        advance(index, run->value);
    }
}

/* Fill first, then scatter: with steps, what is filled lies between elements, too. */
static void compute_pad(const xai__op_run *run)
{
    const xai__attributes *a = run->attributes;
    const xai__value *x = run->values[0];
    int64_t index[XAI__MAX_RANK] = { 0 };

    for (size_t i = 0; i < run->value->size; i++)
        run->out[i] = a->low;
    for (size_t i = 0; i < x->size; i++) {
        int64_t to = 0;

        for (uint32_t axis = 0; axis < x->rank; axis++)
            to = to * run->value->shape[axis] + a->begin[axis] + index[axis] * pad_step(a, axis);
        run->out[to] = run->inputs[0][i];
        advance(index, x);
    }
}

/* A step that leads from one element to another: that of a single one may be any number. */
static int64_t step_between(int64_t n, int64_t step)
{
    return n > 1 ? step : 1;
}

static xai_status vjp_slice(const xai__op_vjp *vjp)
{
    const xai__attributes slice = xai__vjp_attributes(vjp);
    const xai__value *x = &vjp->graph->values[xai__vjp_input(vjp, 0)], *dy = &vjp->graph->values[vjp->gradient];
    xai__attributes pad = xai__attributes_default();

    for (uint32_t i = 0; i < x->rank; i++) {
        pad.begin[i] = slice.begin[i];
        pad.step[i] = step_between(dy->shape[i], slice.step[i]);
        /* From the last element taken to the end, whatever end the slice named. */
        pad.end[i] = x->shape[i] - slice.begin[i] - spread(dy->shape[i], pad.step[i]);
    }
    return xai__vjp_set(vjp, 0, xai__op_add(vjp->graph, XAI__OP_PAD, &pad, &vjp->gradient, 1));
}

static xai_status vjp_pad(const xai__op_vjp *vjp)
{
    const xai__attributes pad = xai__vjp_attributes(vjp);
    const xai__value *x = &vjp->graph->values[xai__vjp_input(vjp, 0)];
    xai__attributes slice = xai__attributes_default();

    for (uint32_t i = 0; i < x->rank; i++) {
        slice.begin[i] = pad.begin[i];
        slice.step[i] = pad_step(&pad, i);
        slice.end[i] = pad.begin[i] + spread(x->shape[i], slice.step[i]);
    }
    return xai__vjp_set(vjp, 0, xai__op_add(vjp->graph, XAI__OP_SLICE, &slice, &vjp->gradient, 1));
}

const xai__op_row xai__op_slice = { "Slice", 1, 1, shape_slice, compute_slice, vjp_slice };
const xai__op_row xai__op_pad = { "Pad", 1, 1, shape_pad, compute_pad, vjp_pad };
