/* SPDX-License-Identifier: MIT
 * Lowering: a graph becomes a list of fused chains. */
#include "runtime/lower.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"

int32_t xai__fused_last(const xai__fused *fused)
{
    return fused->n_stages > 0 ? fused->stages[fused->n_stages - 1].value : fused->value;
}

static bool same_shape(const xai__value *a, const xai__value *b)
{
    return a->rank == b->rank && memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0;
}

/* One number a channel, to be broadcast over a map. */
static bool is_channel_vector(const xai__value *operand, const xai__value *map)
{
    return operand->rank == 4 && map->rank == 4 && operand->shape[1] == map->shape[1] && operand->shape[2] == 1 &&
           operand->shape[3] == 1;
}

/* Layouts know one map, or one row of numbers, an image. */
static bool has_layout(const xai__value *value)
{
    return (value->rank == 4 || value->rank == 2) && value->shape[0] == 1;
}

/* Kernels want weights packed beforehand: inputs behind the first must be known when the plan is made. */
static bool all_constant(const xai__graph *graph, const xai__node *node)
{
    for (size_t i = 1; i < node->n_inputs; i++)
        if (node->inputs[i] >= 0 && !xai__graph_is_constant(graph, node->inputs[i]))
            return false;
    return true;
}

/* Every so many rows and columns of all channels: the maximum of one pixel each. */
static bool is_thinning(const xai__graph *graph, const xai__node *node)
{
    const xai__attributes *a = &node->attributes;
    const xai__value *x = &graph->values[node->inputs[0]];

    if (node->op != XAI__OP_SLICE || x->rank != 4 || a->end[1] != x->shape[1] || a->step[1] != 1)
        return false;
    for (uint32_t i = 0; i < 4; i++)
        if (a->begin[i] != 0 || a->step[i] > INT32_MAX || graph->values[node->output].shape[i] == 0)
            return false;
    return true;
}

/* Zeros before and behind the channels, and nowhere else. */
static bool is_channel_pad(const xai__graph *graph, const xai__node *node)
{
    const xai__attributes *a = &node->attributes;
    const xai__value *x = &graph->values[node->inputs[0]], *y = &graph->values[node->output];

    return node->op == XAI__OP_PAD && x->rank == 4 && a->low == 0 && !signbit(a->low) && x->size > 0 &&
           y->shape[1] == a->begin[1] + x->shape[1] + a->end[1] && y->shape[2] == x->shape[2] &&
           y->shape[3] == x->shape[3];
}

/* Of maps that are both computed; the result has no layout, and is read as it lies. */
static bool is_weights_gradient(const xai__graph *graph, const xai__node *node)
{
    return node->op == XAI__OP_CONV_WEIGHTS && !xai__graph_is_constant(graph, node->inputs[0]) &&
           !xai__graph_is_constant(graph, node->inputs[1]) && has_layout(&graph->values[node->inputs[0]]) &&
           has_layout(&graph->values[node->inputs[1]]);
}

/* Does the node begin a chain that some backend may have a kernel for? What fits no layout, or starts from a constant,
 * is left to the reference, but for GEMM, whose rows may be any number. */
static bool is_base(const xai__graph *graph, const xai__node *node)
{
    const xai__attributes *a = &node->attributes;

    if (node->op == XAI__OP_CONV_WEIGHTS)
        return is_weights_gradient(graph, node);
    if (xai__graph_is_constant(graph, node->inputs[0]) || !has_layout(&graph->values[node->output]))
        return (node->op == XAI__OP_GEMM || node->op == XAI__OP_GEMM_DATA) && all_constant(graph, node);
    switch (node->op) {
    case XAI__OP_CONV:
    case XAI__OP_GEMM:
    case XAI__OP_CONV_DATA:
    case XAI__OP_GEMM_DATA:
        return all_constant(graph, node);
    case XAI__OP_MAX_POOL:
        return true;
    case XAI__OP_MAX_POOL_DATA:
        return !xai__graph_is_constant(graph, node->inputs[1]);
    case XAI__OP_AVERAGE_POOL: /* windows cut short behind the padding divide by what is left of them: the reference's
                                  affair */
        return !(a->count_pad && a->ceil_mode);
    case XAI__OP_GLOBAL_AVERAGE_POOL:
    case XAI__OP_GLOBAL_AVERAGE_POOL_DATA:
        return true;
    default:
        return is_thinning(graph, node) || is_channel_pad(graph, node);
    }
}

static bool is_activation(uint32_t op, uint32_t *function)
{
    static const struct {
        uint32_t op, function;
    } rows[] = {
        { XAI__OP_RELU, XAI__RELU },
        { XAI__OP_CLIP, XAI__CLIP },
        { XAI__OP_SIGMOID, XAI__SIGMOID },
        { XAI__OP_SILU, XAI__SILU },
        { XAI__OP_HARD_SIGMOID, XAI__HARD_SIGMOID },
        { XAI__OP_HARD_SWISH, XAI__HARD_SWISH },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].op == op) {
            *function = rows[i].function;
            return true;
        }
    return false;
}

static uint32_t mask_function(uint32_t rule)
{
    static const uint32_t functions[] = {
        [XAI__RULE_POSITIVE] = XAI__MASK_POSITIVE,
        [XAI__RULE_SEED] = XAI__MASK_SEED,
        [XAI__RULE_BOTH] = XAI__MASK_BOTH,
        [XAI__RULE_INSIDE] = XAI__MASK_INSIDE,
    };

    return functions[rule];
}

/* Blocks of 16 channels are filled up with zeros, which must still be zeros behind the stage. */
static bool keeps_zero(const xai__stage *stage)
{
    if (stage->kind != XAI__ACT)
        return true; /* scale and shift are padded with zeros */
    if (stage->function == XAI__CLIP)
        return stage->low <= 0 && stage->high >= 0;
    return stage->function == XAI__RELU || stage->function == XAI__SILU || stage->function == XAI__HARD_SWISH;
}

/* The node as a stage on its input `main`; false if it is none. */
static bool make_stage(xai__fused_stage *out, const xai__graph *graph, int32_t index, size_t main)
{
    const xai__node *node = &graph->nodes[index];
    const xai__value *value = &graph->values[node->output];
    const xai__value *from = &graph->values[node->inputs[main]];

    *out = (xai__fused_stage){ .node = index, .operand = -1, .value = node->output, .stage.operand = -1 };
    if (!has_layout(value) || !same_shape(from, value) || xai__value_is_constant(from))
        return false;
    if (node->op == XAI__OP_BATCH_NORM && all_constant(graph, node)) {
        out->stage.kind = XAI__AFFINE;
    } else if (is_activation(node->op, &out->stage.function)) {
        out->stage.kind = XAI__ACT;
        out->stage.low = node->attributes.low;
        out->stage.high = node->attributes.high;
    } else if (node->op == XAI__OP_ADD || node->op == XAI__OP_MUL) {
        const xai__value *operand = &graph->values[node->inputs[1 - main]];

        out->stage.kind = node->op == XAI__OP_ADD ? XAI__ADD : XAI__MUL;
        out->operand = node->inputs[1 - main];
        /* A constant scale a channel is what a batch norm's gradient leaves behind. */
        if (node->op == XAI__OP_MUL && xai__value_is_constant(operand) && is_channel_vector(operand, value)) {
            out->stage.kind = XAI__AFFINE;
            out->operand = -1;
        } else if (xai__value_is_constant(operand) ||
                   !(same_shape(operand, value) || is_channel_vector(operand, value))) {
            return false;
        }
    } else if (node->op == XAI__OP_MASK) {
        out->stage.kind = XAI__MASK;
        out->stage.function = mask_function((uint32_t)node->attributes.axis);
        out->stage.low = node->attributes.low;
        out->stage.high = node->attributes.high;
        /* This rule looks at the gradient alone. */
        out->operand = out->stage.function != XAI__MASK_SEED ? node->inputs[1] : -1;
        if (out->operand >= 0 && xai__graph_is_constant(graph, out->operand))
            return false;
    } else {
        return false;
    }
    out->stage.keeps_zero = keeps_zero(&out->stage);
    return true;
}

static bool is_fed(const xai__plan_key *key, int32_t value)
{
    for (size_t i = 0; i < key->n_feeds; i++)
        if (key->feeds[i] == value)
            return true;
    return false;
}

static void mark_needed(xai__lowered *l, const xai__plan_key *key, bool *computed)
{
    xai__graph_mark_computed(computed, key->graph, key->feeds, key->n_feeds, key->fetches, key->n_fetches);
    for (size_t n = 0; n < l->graph->n_nodes; n++)
        l->is_needed[n] = computed[l->graph->nodes[n].output] && !is_fed(key, l->graph->nodes[n].output);
}

/* Feeding a value in the middle replaces the network before it, unless a shortcut leads from the input around it. */
static xai_status check_feed(const xai__lowered *l, const xai__plan_key *key, const bool *wanted)
{
    const xai__graph *graph = l->graph;

    if (graph->input >= 0 && wanted[graph->input] && !is_fed(key, graph->input))
        return xai__fail(XAI_E_UNSUPPORTED, "the output needs more than '%s': another path leads around it",
                         graph->values[key->feeds[0]].name);
    return XAI_OK;
}

static xai__fused *add_fused(xai__lowered *l, uint32_t kind, int32_t node, int32_t input, int32_t value)
{
    xai__fused *fused = xai__grow(l->graph->context, &l->fused, l->n_fused, sizeof *fused);

    if (fused == NULL)
        return NULL;
    *fused = (xai__fused){ .kind = kind, .node = node, .input = input, .beside = -1, .value = value };
    if (value >= 0)
        l->fused_of[value] = (int32_t)l->n_fused;
    l->n_fused++;
    return fused;
}

static void add_stage(xai__lowered *l, int32_t fused, const xai__fused_stage *stage)
{
    l->fused[fused].stages[l->fused[fused].n_stages++] = *stage;
    l->fused_of[stage->value] = fused;
}

/* What a base reads beside its input takes the place of a stage's operand. */
static size_t most_stages(const xai__fused *fused)
{
    return fused->beside >= 0 ? XAI__MAX_STAGES - 1 : XAI__MAX_STAGES;
}

/* Can the chain that makes `value` go on behind it, reading operand? Chains run in order of creation, so what it reads
 * must come from an earlier one; and one that runs before the seed is there must not wait for it. */
static bool can_append(const xai__lowered *l, int32_t value, int32_t operand)
{
    int32_t at = l->fused_of[value];
    const xai__fused *fused = at >= 0 ? &l->fused[at] : NULL;

    return fused != NULL && fused->kind == XAI__FUSED_KERNEL && fused->n_stages < most_stages(fused) &&
           xai__fused_last(fused) == value && !l->is_cut[value] && (size_t)at >= l->n_early &&
           (operand < 0 || l->fused_of[operand] < at);
}

/* Appends to the chain created last among those that can take the node, or begins a map. */
static xai_status lower_stage(xai__lowered *l, int32_t index, bool *done)
{
    const xai__node *node = &l->graph->nodes[index];
    size_t n_main = node->op == XAI__OP_ADD || node->op == XAI__OP_MUL ? 2 : 1;
    xai__fused_stage stage, best;
    int32_t at = -1, map_input = -1;

    for (size_t main = 0; main < n_main; main++) {
        if (!make_stage(&stage, l->graph, index, main))
            continue;
        if (can_append(l, node->inputs[main], stage.operand) && l->fused_of[node->inputs[main]] > at) {
            at = l->fused_of[node->inputs[main]];
            best = stage;
        } else if (at < 0 && map_input < 0) {
            map_input = node->inputs[main];
            best = stage;
        }
    }
    *done = at >= 0 || map_input >= 0;
    if (!*done)
        return XAI_OK;
    if (at < 0) {
        if (add_fused(l, XAI__FUSED_KERNEL, -1, map_input, -1) == NULL)
            return XAI_E_NO_MEMORY;
        at = (int32_t)l->n_fused - 1;
    }
    add_stage(l, at, &best);
    return XAI_OK;
}

static xai_status lower_base(xai__lowered *l, int32_t index)
{
    const xai__node *node = &l->graph->nodes[index];
    bool has_bias = (node->op == XAI__OP_CONV || node->op == XAI__OP_GEMM) && node->n_inputs > 2 &&
                    node->inputs[2] >= 0;
    xai__fused_stage bias = { .stage = { .kind = XAI__AFFINE, .operand = -1, .keeps_zero = true },
                              .node = index,
                              .operand = -1,
                              .value = node->output };

    if (add_fused(l, XAI__FUSED_KERNEL, index, node->inputs[0], has_bias ? -1 : node->output) == NULL)
        return XAI_E_NO_MEMORY;
    if (has_bias)
        add_stage(l, (int32_t)l->n_fused - 1, &bias);
    if (node->op == XAI__OP_MAX_POOL_DATA || node->op == XAI__OP_CONV_WEIGHTS)
        l->fused[l->n_fused - 1].beside = node->inputs[1];
    return XAI_OK;
}

/* Kernels first, then stages of a chain that is there, then views and concatenations, which may cost nothing; the
 * reference takes what is left. */
static xai_status lower_node(xai__lowered *l, int32_t index)
{
    const xai__node *node = &l->graph->nodes[index];
    uint32_t kind = XAI__FUSED_REFERENCE;
    bool done = false;
    xai_status status;

    if (is_base(l->graph, node))
        return lower_base(l, index);
    status = lower_stage(l, index, &done);
    if (done || status < 0)
        return status;
    if (node->op == XAI__OP_RESHAPE || node->op == XAI__OP_IDENTITY)
        kind = XAI__FUSED_VIEW;
    else if (node->op == XAI__OP_CONCAT && node->attributes.axis == 1 && l->graph->values[node->output].rank == 4)
        kind = XAI__FUSED_CONCAT;
    return add_fused(l, kind, index, node->inputs[0], node->output) != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* What is read through memory: a chain's own last value is not. */
static void mark_wanted(xai__lowered *l, const xai__plan_key *key)
{
    memset(l->is_wanted, 0, l->graph->n_values * sizeof *l->is_wanted);
    for (size_t i = 0; i < l->n_fused; i++) {
        const xai__fused *fused = &l->fused[i];

        if (fused->node < 0 || fused->kind == XAI__FUSED_KERNEL)
            l->is_wanted[fused->input] = true;
        else
            for (size_t j = 0; j < l->graph->nodes[fused->node].n_inputs; j++)
                if (l->graph->nodes[fused->node].inputs[j] >= 0)
                    l->is_wanted[l->graph->nodes[fused->node].inputs[j]] = true;
        if (fused->beside >= 0)
            l->is_wanted[fused->beside] = true;
        for (size_t j = 0; j < fused->n_stages; j++)
            if (fused->stages[j].operand >= 0)
                l->is_wanted[fused->stages[j].operand] = true;
    }
    for (size_t i = 0; i < key->n_taps; i++)
        l->is_wanted[key->taps[i]] = true;
}

static xai_status allocate(xai__lowered *l)
{
    xai_context *context = l->graph->context;

    l->is_needed = xai__zalloc_array(context, l->graph->n_nodes, sizeof *l->is_needed);
    l->is_cut = xai__zalloc_array(context, l->graph->n_values, sizeof *l->is_cut);
    l->is_wanted = xai__zalloc_array(context, l->graph->n_values, sizeof *l->is_wanted);
    l->fused_of = xai__alloc_array(context, l->graph->n_values, sizeof *l->fused_of);
    if (l->is_needed == NULL || l->is_cut == NULL || l->is_wanted == NULL || l->fused_of == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < l->graph->n_values; i++)
        l->fused_of[i] = -1;
    return XAI_OK;
}

xai_status xai__lower(xai__lowered *out, const xai__plan_key *key)
{
    const xai__graph *graph = key->graph;
    xai_status status;

    *out = (xai__lowered){ .graph = graph };
    status = allocate(out);
    if (status < 0)
        return status;
    for (size_t i = 0; i < key->n_cuts; i++)
        out->is_cut[key->cuts[i]] = true;
    mark_needed(out, key, out->is_wanted); /* lent as memory; mark_wanted() fills it at the end */
    status = check_feed(out, key, out->is_wanted);
    for (size_t n = 0; n < graph->n_nodes && status == XAI_OK; n++) {
        if (n == key->n_early)
            out->n_early = out->n_fused;
        if (out->is_needed[n])
            status = lower_node(out, (int32_t)n);
    }
    if (key->n_early >= graph->n_nodes)
        out->n_early = out->n_fused;
    mark_wanted(out, key);
    return status;
}

void xai__lowered_fini(xai__lowered *lowered)
{
    xai_context *context = lowered->graph->context;

    xai__free(context, lowered->fused);
    xai__free(context, lowered->is_needed);
    xai__free(context, lowered->is_cut);
    xai__free(context, lowered->is_wanted);
    xai__free(context, lowered->fused_of);
}

/* Channels, rows and columns: a row of numbers is as many channels of one pixel. */
static void describe_map(int32_t extents[3], const xai__value *value)
{
    extents[0] = (int32_t)value->shape[1];
    extents[1] = value->rank == 4 ? (int32_t)value->shape[2] : 1;
    extents[2] = value->rank == 4 ? (int32_t)value->shape[3] : 1;
}

static void describe_window(xai__op_desc *desc, const xai__attributes *a)
{
    desc->kernel_h = a->kernel[0];
    desc->kernel_w = a->kernel[1];
    desc->stride_h = a->stride[0];
    desc->stride_w = a->stride[1];
    desc->dilation_h = a->dilation[0];
    desc->dilation_w = a->dilation[1];
    desc->pad_top = a->pads[0];
    desc->pad_left = a->pads[1];
    desc->groups = (uint32_t)a->groups;
    desc->count_pad = a->count_pad;
}

/* The gradient of a convolution with stride 1 is a convolution again; where it was padded by more than its window, it
 * is not. */
static bool is_convolution_back(const xai__node *node)
{
    const xai__attributes *a = &node->attributes;

    for (int i = 0; i < 2; i++)
        if (a->stride[i] != 1 || a->pads[i] > a->dilation[i] * (a->kernel[i] - 1))
            return false;
    return node->op == XAI__OP_CONV_DATA;
}

const xai__value *xai__weights_of(const xai__graph *graph, const xai__node *node)
{
    const bool has_weights = node->op == XAI__OP_CONV || node->op == XAI__OP_CONV_DATA || node->op == XAI__OP_GEMM ||
                             node->op == XAI__OP_GEMM_DATA;

    return has_weights ? &graph->values[node->inputs[1]] : NULL;
}

bool xai__transposes_weights(const xai__node *node)
{
    return node->op == XAI__OP_GEMM_DATA || is_convolution_back(node);
}

/* dx[i] sums dy[i + pad - k] w[k]: a convolution of dy with the window turned around, and what the window reached
 * beyond the first output as padding. */
static void describe_convolution_back(xai__op_desc *desc, const xai__node *node)
{
    const xai__attributes *a = &node->attributes;

    desc->op = is_convolution_back(node) ? XAI__CONV : XAI__CONV_DATA;
    if (desc->op == XAI__CONV) {
        desc->pad_top = a->dilation[0] * (a->kernel[0] - 1) - a->pads[0];
        desc->pad_left = a->dilation[1] * (a->kernel[1] - 1) - a->pads[1];
    }
}

static void describe_pool(xai__op_desc *desc, const xai__node *node)
{
    const bool is_global = node->op == XAI__OP_GLOBAL_AVERAGE_POOL,
               is_max = node->op == XAI__OP_MAX_POOL || node->op == XAI__OP_MAX_POOL_DATA || node->op == XAI__OP_SLICE;
    const bool is_global_back = node->op == XAI__OP_GLOBAL_AVERAGE_POOL_DATA;

    desc->op = is_global_back || node->op == XAI__OP_MAX_POOL_DATA ? XAI__POOL_DATA : XAI__POOL;
    desc->pool = is_max ? XAI__POOL_MAX : XAI__POOL_AVERAGE;
    if (is_global || is_global_back) { /* one window over the whole map */
        desc->kernel_h = is_global ? desc->in_h : desc->out_h;
        desc->kernel_w = is_global ? desc->in_w : desc->out_w;
    }
    if (node->op == XAI__OP_SLICE) { /* thinning: the maximum of windows of one pixel, a stride apart */
        desc->stride_h = (int32_t)node->attributes.step[2];
        desc->stride_w = (int32_t)node->attributes.step[3];
    }
}

static void describe_base(xai__op_desc *desc, const xai__graph *graph, const xai__node *node)
{
    int32_t x[3];

    describe_window(desc, &node->attributes);
    switch (node->op) {
    case XAI__OP_CONV:
        desc->op = XAI__CONV;
        break;
    case XAI__OP_CONV_DATA:
        describe_convolution_back(desc, node);
        break;
    case XAI__OP_GEMM:
    case XAI__OP_GEMM_DATA:
        desc->op = XAI__GEMM;
        desc->out_h = desc->in_h = (int32_t)graph->values[node->output].shape[0];
        break;
    case XAI__OP_CONV_WEIGHTS: /* the weights' own extents are those of window and groups */
        desc->op = XAI__CONV_WEIGHTS;
        describe_map(x, &graph->values[node->inputs[1]]);
        desc->out_c = x[0];
        desc->out_h = x[1];
        desc->out_w = x[2];
        break;
    case XAI__OP_PAD:
        desc->op = XAI__PAD_CHANNELS;
        desc->first_channel = (int32_t)node->attributes.begin[1];
        break;
    default:
        describe_pool(desc, node);
        break;
    }
}

void xai__fused_describe(xai__op_desc *desc, const xai__graph *graph, const xai__fused *fused, uint32_t purpose)
{
    int32_t in[3], out[3];

    describe_map(in, &graph->values[fused->input]);
    describe_map(out, &graph->values[fused->node >= 0 ? graph->nodes[fused->node].output : fused->input]);
    *desc = (xai__op_desc){
        .op = XAI__MAP,
        .purpose = purpose,
        .groups = 1,
        .in_c = in[0],
        .in_h = in[1],
        .in_w = in[2],
        .out_c = out[0],
        .out_h = out[1],
        .out_w = out[2],
        .kernel_h = 1,
        .kernel_w = 1,
        .stride_h = 1,
        .stride_w = 1,
        .dilation_h = 1,
        .dilation_w = 1,
    };
    if (fused->node >= 0)
        describe_base(desc, graph, &graph->nodes[fused->node]);
}
