/* SPDX-License-Identifier: MIT
 * Which outputs a window of an input reaches. */
#include "ops/op.h"

/* Towards plus infinity, for b > 0; C's division goes towards zero. */
static int64_t divide_up(int64_t a, int64_t b)
{
    return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* Output o of an axis reads the inputs o * stride - pad + k * dilation. So input i is read by o from (i + pad - (kernel
 * - 1) * dilation) / stride, rounded up, to (i + pad) / stride, rounded down. With gaps between taps some of these do
 * not read i: reach may be too large, never too small. */
static void reach_axis(int64_t *first, int64_t *end, const xai__attributes *a, int axis, int64_t extent)
{
    int64_t span = (int64_t)(a->kernel[axis] - 1) * a->dilation[axis];
    int64_t low = divide_up(*first + a->pads[axis] - span, a->stride[axis]);
    int64_t high = (*end - 1 + a->pads[axis]) / a->stride[axis] + 1;

    *first = clamp(low, 0, extent);
    *end = clamp(high, *first, extent);
}

static bool reach_taps(xai__op_window *out, const xai__node *node, const xai__value *value)
{
    reach_axis(&out->y0, &out->y1, &node->attributes, 0, value->shape[2]);
    reach_axis(&out->x0, &out->x1, &node->attributes, 1, value->shape[3]);
    return true;
}

/* Element by element, over maps of one size. An operand that is broadcast over the maps (a squeeze-and-excitation's
 * scale) reaches everything. */
static bool reach_itself(const xai__value *value, const xai__value *input)
{
    return input->shape[2] == value->shape[2] && input->shape[3] == value->shape[3];
}

bool xai__op_reach(xai__op_window *out, const xai__graph *graph, int32_t node, size_t input,
                   const xai__op_window *dirty)
{
    const xai__node *n = &graph->nodes[node];
    const xai__value *value = &graph->values[n->output];

    *out = *dirty;
    switch (n->op) {
    case XAI__OP_CONV:
    case XAI__OP_MAX_POOL:
    case XAI__OP_AVERAGE_POOL:
        /* A changed weight or bias changes every output. */
        return input == 0 && reach_taps(out, n, value);
    case XAI__OP_BATCH_NORM:
    case XAI__OP_RELU:
    case XAI__OP_CLIP:
    case XAI__OP_SIGMOID:
    case XAI__OP_SILU:
    case XAI__OP_HARD_SIGMOID:
    case XAI__OP_HARD_SWISH:
    case XAI__OP_ADD:
    case XAI__OP_MUL:
    case XAI__OP_IDENTITY:
        return reach_itself(value, &graph->values[n->inputs[input]]);
    case XAI__OP_CONCAT:
        /* Channels on channels: rows and columns stay where they are. */
        return n->attributes.axis == 1;
    default:
        return false;
    }
}
