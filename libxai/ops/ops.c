/* SPDX-License-Identifier: MIT
 * The table of operators, and what is the same for all of them. */
#include "core/error.h"
#include "ops/op.h"

enum { MAX_INPUTS = 64 };

static const xai__op_row *const rows[XAI__N_OPERATORS] = {
    [XAI__OP_CONV] = &xai__op_conv,
    [XAI__OP_GEMM] = &xai__op_gemm,
    [XAI__OP_BATCH_NORM] = &xai__op_batch_norm,
    [XAI__OP_RELU] = &xai__op_relu,
    [XAI__OP_CLIP] = &xai__op_clip,
    [XAI__OP_SIGMOID] = &xai__op_sigmoid,
    [XAI__OP_SILU] = &xai__op_silu,
    [XAI__OP_HARD_SIGMOID] = &xai__op_hard_sigmoid,
    [XAI__OP_HARD_SWISH] = &xai__op_hard_swish,
    [XAI__OP_ADD] = &xai__op_binary_add,
    [XAI__OP_MUL] = &xai__op_binary_mul,
    [XAI__OP_CONCAT] = &xai__op_concat,
    [XAI__OP_MAX_POOL] = &xai__op_max_pool,
    [XAI__OP_AVERAGE_POOL] = &xai__op_average_pool,
    [XAI__OP_GLOBAL_AVERAGE_POOL] = &xai__op_global_average_pool,
    [XAI__OP_RESHAPE] = &xai__op_reshape,
    [XAI__OP_IDENTITY] = &xai__op_identity,
    [XAI__OP_SOFTMAX] = &xai__op_softmax,
    [XAI__OP_SLICE] = &xai__op_slice,
    [XAI__OP_PAD] = &xai__op_pad,
    [XAI__OP_GATHER] = &xai__op_gather,
    [XAI__OP_SCATTER_SUM] = &xai__op_scatter_sum,
    [XAI__OP_CONV_DATA] = &xai__op_conv_data,
    [XAI__OP_CONV_WEIGHTS] = &xai__op_conv_weights,
    [XAI__OP_GEMM_DATA] = &xai__op_gemm_data,
    [XAI__OP_GEMM_WEIGHTS] = &xai__op_gemm_weights,
    [XAI__OP_MASK] = &xai__op_mask,
    [XAI__OP_ACTIVATION_DATA] = &xai__op_activation_data,
    [XAI__OP_SOFTMAX_DATA] = &xai__op_softmax_data,
    [XAI__OP_MAX_POOL_DATA] = &xai__op_max_pool_data,
    [XAI__OP_AVERAGE_POOL_DATA] = &xai__op_average_pool_data,
    [XAI__OP_GLOBAL_AVERAGE_POOL_DATA] = &xai__op_global_average_pool_data,
    [XAI__OP_SUM_TO] = &xai__op_sum_to,
};

const xai__op_row *xai__op_find(uint32_t op)
{
    return rows[op];
}

xai__attributes xai__attributes_default(void)
{
    return (xai__attributes){ .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 }, .groups = 1 };
}

/* Pointers into the graph's array: only until the next value is added. */
static void collect_values(const xai__value **values, const xai__graph *graph, const int32_t *inputs, size_t n_inputs)
{
    for (size_t i = 0; i < n_inputs; i++)
        values[i] = inputs[i] >= 0 ? &graph->values[inputs[i]] : NULL;
}

int32_t xai__op_add(xai__graph *graph, uint32_t op, const xai__attributes *attributes, const int32_t *inputs,
                    size_t n_inputs)
{
    const xai__op_row *row = rows[op];
    const xai__value *values[MAX_INPUTS];
    int64_t shape[XAI__MAX_RANK];
    uint32_t rank = 0;
    xai__op_shapes shapes = { attributes, values, n_inputs, shape, &rank };
    xai_status status;

    if (n_inputs < row->min_inputs || n_inputs > row->max_inputs || n_inputs > MAX_INPUTS)
        return xai__fail(XAI_E_FORMAT, "%s: has %zu inputs", row->name, n_inputs);
    for (size_t i = 0; i < n_inputs; i++)
        /* Builders nest calls of this function: the status of the inner one comes in as an input and goes out as it is.
         */
        if (inputs[i] < 0 && (i < row->min_inputs || inputs[i] != -1))
            return inputs[i] < -1 ? inputs[i] : xai__fail(XAI_E_FORMAT, "%s: input %zu is missing", row->name, i);
    collect_values(values, graph, inputs, n_inputs);
    status = row->shape(&shapes);
    if (status < 0)
        return xai__fail_in(status, row->name);
    return xai__graph_add_node(graph, op, attributes, inputs, n_inputs, shape, rank);
}

void xai__op_compute(const xai__graph *graph, int32_t node, const float *const *inputs, float *out,
                     const xai__op_window *window)
{
    const xai__node *n = &graph->nodes[node];
    const xai__value *value = &graph->values[n->output];
    const xai__value *values[MAX_INPUTS];
    xai__op_run run = { &n->attributes, values, inputs, n->n_inputs, value, out, { 0, 1, 0, 1 } };

    collect_values(values, graph, n->inputs, n->n_inputs);
    if (window != NULL)
        run.window = *window;
    /* Operators over other ranks have one window, which they ignore. */
    else if (value->rank == 4)
        run.window = (xai__op_window){ 0, value->shape[2], 0, value->shape[3] };
    rows[n->op]->reference(&run);
}
