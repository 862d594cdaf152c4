/* SPDX-License-Identifier: MIT
 * Slices with steps, and padding with a constant: for every axis. */
#include "core/error.h"
#include "ops/op.h"

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
        shapes->shape[i] = a->begin[i] + x->shape[i] + a->end[i];
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
            to = to * run->value->shape[axis] + a->begin[axis] + index[axis];
        run->out[to] = run->inputs[0][i];
        advance(index, x);
    }
}

const xai__op_row xai__op_slice = { "Slice", 1, 1, shape_slice, compute_slice, NULL };
const xai__op_row xai__op_pad = { "Pad", 1, 1, shape_pad, compute_pad, NULL };
