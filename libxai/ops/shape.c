/* SPDX-License-Identifier: MIT
 * Shape rules that several families share. */
#include "ops/shape.h"

#include <string.h>

#include "core/error.h"
#include "core/tensor.h"

/* So that extents and positions of windows stay far from the end of int64_t in the loops that trust them. */
enum { LARGEST_WINDOW = 1 << 20 };

xai_status xai__shape_same(const xai__op_shapes *shapes)
{
    const xai__value *value = shapes->values[0];

    memcpy(shapes->shape, value->shape, value->rank * sizeof *value->shape);
    *shapes->rank = value->rank;
    return XAI_OK;
}

bool xai__shape_is(const xai__value *value, const int64_t *shape, uint32_t rank)
{
    return value->rank == rank && memcmp(value->shape, shape, rank * sizeof *shape) == 0;
}

xai_status xai__shape_rank(const xai__op_shapes *shapes, size_t index, uint32_t rank)
{
    const xai__value *value = shapes->values[index];
    char text[128];

    if (value->rank != rank)
        return xai__fail(XAI_E_SHAPE, "input %zu has shape %s, expected %u dimensions", index,
                         xai__shape_text(text, sizeof text, value->shape, value->rank), rank);
    return XAI_OK;
}

xai_status xai__shape_vector(const xai__op_shapes *shapes, size_t index, int64_t n)
{
    const xai__value *value = index < shapes->n_inputs ? shapes->values[index] : NULL;
    char text[128];

    if (value != NULL && (value->rank != 1 || value->shape[0] != n))
        return xai__fail(XAI_E_SHAPE, "input %zu has shape %s, expected %lld", index,
                         xai__shape_text(text, sizeof text, value->shape, value->rank), (long long)n);
    return XAI_OK;
}

xai_status xai__shape_equal(const xai__op_shapes *shapes, size_t index)
{
    const xai__value *first = shapes->values[0], *value = shapes->values[index];
    char text[128], expected[128];

    if (!xai__shape_is(value, first->shape, first->rank))
        return xai__fail(XAI_E_SHAPE, "input %zu has shape %s, input 0 has %s", index,
                         xai__shape_text(text, sizeof text, value->shape, value->rank),
                         xai__shape_text(expected, sizeof expected, first->shape, first->rank));
    return XAI_OK;
}

xai_status xai__shape_given(const xai__op_shapes *shapes, xai__value *value)
{
    const xai__attributes *a = shapes->attributes;
    char text[128];
    size_t size;

    if (a->rank > XAI__MAX_RANK)
        return xai__fail(XAI_E_FORMAT, "shape has %u dimensions, at most %d are possible", a->rank, XAI__MAX_RANK);
    if (!xai__shape_size(&size, a->shape, a->rank) || size > INT32_MAX)
        return xai__fail(XAI_E_SHAPE, "shape %s is not possible",
                         xai__shape_text(text, sizeof text, a->shape, a->rank));
    memcpy(shapes->shape, a->shape, sizeof a->shape);
    *shapes->rank = a->rank;
    if (value != NULL) {
        /* A value of no graph: for the shape rule of the operator that this one undoes. */
        *value = (xai__value){ .rank = a->rank, .size = size, .producer = -1 };
        memcpy(value->shape, a->shape, sizeof a->shape);
    }
    return XAI_OK;
}

xai_status xai__shape_gradient(const xai__op_shapes *shapes, const xai__op_row *forward,
                               const xai__value *const *inputs, size_t n_inputs)
{
    const xai__value *dy = shapes->values[0];
    int64_t shape[XAI__MAX_RANK];
    uint32_t rank = 0;
    const xai__op_shapes there = { shapes->attributes, inputs, n_inputs, shape, &rank };
    xai_status status = forward->shape(&there);
    char text[128], expected[128];

    if (status < 0)
        return xai__fail_in(status, forward->name);
    if (!xai__shape_is(dy, shape, rank))
        return xai__fail(XAI_E_SHAPE, "the gradient has shape %s, what it belongs to has %s",
                         xai__shape_text(text, sizeof text, dy->shape, dy->rank),
                         xai__shape_text(expected, sizeof expected, shape, rank));
    return XAI_OK;
}

xai_status xai__shape_windows(int64_t out[2], const xai__attributes *attributes, const int64_t in[2])
{
    for (int i = 0; i < 2; i++) {
        int64_t kernel = attributes->kernel[i], stride = attributes->stride[i], dilation = attributes->dilation[i];
        int64_t before = attributes->pads[i], after = attributes->pads[i + 2];
        int64_t span, room;

        if (kernel < 1 || stride < 1 || dilation < 1 || kernel > LARGEST_WINDOW || stride > LARGEST_WINDOW ||
            dilation > LARGEST_WINDOW)
            return xai__fail(XAI_E_FORMAT, "kernel %lld, stride %lld, dilation %lld: each must be from 1 to %d",
                             (long long)kernel, (long long)stride, (long long)dilation, LARGEST_WINDOW);
        if (before < 0 || after < 0 || before > LARGEST_WINDOW || after > LARGEST_WINDOW)
            return xai__fail(XAI_E_FORMAT, "padding of %lld and %lld: each must be from 0 to %d", (long long)before,
                             (long long)after, LARGEST_WINDOW);
        span = (kernel - 1) * dilation + 1;
        room = in[i] + before + after - span;
        /* torch refuses this as well, where a formula alone would give an extent of 0 or less. */
        if (room < 0)
            return xai__fail(XAI_E_SHAPE, "a window of %lld does not fit into %lld with padding %lld and %lld",
                             (long long)span, (long long)in[i], (long long)before, (long long)after);
        out[i] = room / stride + 1;
        /* The one window more starts at out * stride; it must see a pixel or the padding before the first. */
        if (attributes->ceil_mode && room % stride != 0 && out[i] * stride < in[i] + before)
            out[i]++;
    }
    return XAI_OK;
}

int64_t xai__shape_output_under(const xai__attributes *attributes, int axis, int64_t i, int64_t k, int64_t n)
{
    /* The window of output o has tap k at o * stride - pad + k * dilation. */
    int64_t from = i + attributes->pads[axis] - k * attributes->dilation[axis], stride = attributes->stride[axis];

    return from >= 0 && from % stride == 0 && from / stride < n ? from / stride : -1;
}
