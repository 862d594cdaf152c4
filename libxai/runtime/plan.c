/* SPDX-License-Identifier: MIT
 * Plans: the steps that compute a set of values from a fed one. */
#include "runtime/plan.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "ops/op.h"
#include "runtime/pair.h"
#include "runtime/place.h"

/* A plan under construction. */
typedef struct planner {
    xai__plan *plan;
    xai__places places;
    xai__packed_set *packed;
    xai__chain *chain;
    xai__lowered lowered;
} planner;

static const xai__value *value_of(const planner *p, int32_t value)
{
    return &p->plan->graph->values[value];
}

/* --- steps --- */

static xai_status add_step(xai__step **out, planner *p, uint32_t kind, int32_t node, int32_t value)
{
    xai__plan *plan = p->plan;
    xai__step *step = xai__grow(plan->context, &plan->steps, plan->n_steps, sizeof *step);

    if (step == NULL)
        return XAI_E_NO_MEMORY;
    *step = (xai__step){
        .kind = kind, .node = node, .value = value, .in = XAI__NO_PLACE, .out = XAI__NO_PLACE, .scratch_buffer = -1
    };
    for (size_t i = 0; i < XAI__MAX_STAGES; i++)
        step->operands[i] = step->stores[i] = step->stores[i + 1] = XAI__NO_PLACE;
    plan->n_steps++;
    *out = step;
    return XAI_OK;
}

/* Notes that the newest step uses a place: buffers live from the first step that uses them to the last. */
static void touch(planner *p, int32_t place)
{
    if (place >= 0)
        xai__places_touch(&p->places, p->plan->places[place].buffer, p->plan->n_steps - 1);
}

static void free_step(xai__step *step, xai__plan *plan, xai__packed_set *packed)
{
    xai__kernel_free(step->kernel, plan->context);
    xai__packed_unref(packed, step->weights);
    for (size_t i = 0; i < XAI__MAX_STAGES; i++)
        xai__packed_unref(packed, step->parameters[i]);
    xai__free(plan->context, step->stages);
    xai__free(plan->context, step->inputs);
}

/* --- layouts --- */

/* A map without stages: the same values elsewhere, perhaps in another layout. */
static xai_status emit_copy(planner *p, int32_t from, int32_t to)
{
    const xai__place *in = &p->plan->places[from], *out = &p->plan->places[to];
    xai__fused copy = { .kind = XAI__FUSED_KERNEL, .node = -1, .input = in->value, .beside = -1, .value = -1 };
    xai__op_desc desc;
    xai__step *step = NULL;
    xai_status status;

    xai__fused_describe(&desc, p->plan->graph, &copy, p->plan->key.purpose);
    desc.in_layout = in->layout;
    desc.out_layout = out->layout;
    status = add_step(&step, p, XAI__STEP_KERNEL, -1, out->value);
    if (status < 0)
        return status;
    step->in = from;
    step->out = to;
    status = xai__chain_plan(&step->kernel, p->chain, &desc);
    if (status == XAI_E_UNSUPPORTED)
        return xai__fail(XAI_E_INTERNAL, "no backend moves '%s' between layouts", value_of(p, in->value)->name);
    touch(p, from);
    touch(p, to);
    return status;
}

/* In its own memory, or in a copy that the plan holds. */
static xai_status place_constant(int32_t *out, planner *p, int32_t value)
{
    xai__plan *plan = p->plan;
    const float *data = value_of(p, value)->constant.data;

    if (data == NULL) {
        xai__packed **slot = xai__grow(plan->context, &plan->constants, plan->n_constants, sizeof *slot);
        xai_status status = slot != NULL ? xai__packed_plain(slot, p->packed, value_of(p, value)) : XAI_E_NO_MEMORY;

        if (status < 0)
            return status;
        data = (*slot)->data;
        plan->n_constants++;
    }
    return xai__places_add_outside(out, &p->places, value, data);
}

/* The place of value in a layout, made from the one it has if need be. */
static xai_status ensure_place(int32_t *out, planner *p, int32_t value, uint32_t layout)
{
    int32_t other = xai__places_find_any(&p->places, value);
    xai_status status;

    *out = xai__places_find(&p->places, value, layout);
    if (*out >= 0)
        return XAI_OK;
    if (other < 0 && xai__graph_is_constant(p->plan->graph, value) && layout == XAI__PLAIN)
        return place_constant(out, p, value);
    if (other < 0)
        return xai__fail(XAI_E_INTERNAL, "value %d is read before it is computed", value);
    status = xai__places_add(out, &p->places, value, layout);
    return status < 0 ? status : emit_copy(p, other, *out);
}

/* --- the reference --- */

static xai_status emit_reference(planner *p, int32_t node)
{
    const xai__node *n = &p->plan->graph->nodes[node];
    int32_t *inputs = xai__alloc_array(p->plan->context, n->n_inputs, sizeof *inputs);
    xai_status status = inputs != NULL ? XAI_OK : XAI_E_NO_MEMORY;
    xai__step *step = NULL;
    int32_t out = XAI__NO_PLACE;

    for (size_t i = 0; i < n->n_inputs && status == XAI_OK; i++) {
        inputs[i] = XAI__NO_PLACE;
        if (n->inputs[i] >= 0)
            status = ensure_place(&inputs[i], p, n->inputs[i], XAI__PLAIN);
    }
    if (status == XAI_OK)
        status = xai__places_add(&out, &p->places, n->output, XAI__PLAIN);
    if (status == XAI_OK)
        status = add_step(&step, p, XAI__STEP_REFERENCE, node, n->output);
    if (status < 0) {
        xai__free(p->plan->context, inputs);
        return status;
    }
    step->inputs = inputs;
    step->out = out;
    p->plan->step_of[n->output] = (int32_t)p->plan->n_steps - 1;
    for (size_t i = 0; i < n->n_inputs; i++)
        touch(p, inputs[i]);
    touch(p, out);
    return XAI_OK;
}

/* --- kernels --- */

/* Stages with their parameters' addresses, and the kernel that takes as many of them as possible. */
typedef struct candidate {
    xai__stage *stages;
    xai__packed *parameters[XAI__MAX_STAGES];
    xai__kernel *kernel;
    xai__op_desc desc;
    size_t n_stages;
} candidate;

static void drop_candidate(candidate *c, planner *p)
{
    xai__kernel_free(c->kernel, p->plan->context);
    for (size_t i = 0; i < XAI__MAX_STAGES; i++)
        xai__packed_unref(p->packed, c->parameters[i]);
    xai__free(p->plan->context, c->stages);
}

/* Scale and shift of a stage, a number a channel, in blocks filled up with zeros. A folded batch norm has both in one
 * piece of memory, scale first. */
static xai_status fill_parameters(candidate *c, planner *p, const xai__fused *fused, size_t i)
{
    const xai__node *node = &p->plan->graph->nodes[fused->stages[i].node];
    bool is_bias = fused->stages[i].node == fused->node;
    xai_status status;

    if (node->op == XAI__OP_MUL) {
        size_t which = xai__graph_is_constant(p->plan->graph, node->inputs[0]) ? 0 : 1;

        status = xai__packed_bias(&c->parameters[i], p->packed, value_of(p, node->inputs[which]));
        c->stages[i].scale = status == XAI_OK ? c->parameters[i]->data : NULL;
        return status;
    }
    status = is_bias ? xai__packed_bias(&c->parameters[i], p->packed, value_of(p, node->inputs[2]))
                     : xai__packed_affine(&c->parameters[i], p->packed, p->plan->graph, node);
    if (status < 0)
        return status;
    c->stages[i].shift = c->parameters[i]->data;
    if (!is_bias) {
        c->stages[i].scale = c->stages[i].shift;
        c->stages[i].shift = c->stages[i].scale + c->parameters[i]->bytes / sizeof(float) / 2;
    }
    return XAI_OK;
}

/* Room for the most stages there can be: the kernel keeps the address. */
static xai_status fill_stages(candidate *c, planner *p, const xai__fused *fused)
{
    int32_t n_operands = fused->beside >= 0 ? 1 : 0;

    c->stages = xai__zalloc_array(p->plan->context, XAI__MAX_STAGES, sizeof *c->stages);
    if (c->stages == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < fused->n_stages; i++) {
        c->stages[i] = fused->stages[i].stage;
        c->stages[i].operand = fused->stages[i].operand >= 0 ? n_operands++ : -1;
        if (c->stages[i].kind == XAI__AFFINE) {
            xai_status status = fill_parameters(c, p, fused, i);

            if (status < 0)
                return status;
        }
    }
    return XAI_OK;
}

/* Pictures and their gradients, of a quarter of a block, are rather read by callers than by kernels. */
static uint32_t wanted_layout(const xai__value *value)
{
    return value->rank == 4 && value->shape[1] > XAI__BLOCK / 4 ? XAI__BLOCKED : XAI__PLAIN;
}

/* Sets c->kernel to a kernel for the longest prefix of the stages that some backend takes; NULL if none does. */
static xai_status find_kernel(candidate *c, planner *p, const xai__fused *fused)
{
    bool is_map = fused->node < 0;
    /* A map without a stage computes nothing, and a convolution with its bias left to others is no value of the graph.
     */
    size_t least = is_map || (fused->n_stages > 0 && fused->stages[0].node == fused->node) ? 1 : 0;
    xai_status status = fill_stages(c, p, fused);
    int32_t from = xai__places_find_any(&p->places, fused->input);

    if (status < 0)
        return status;
    xai__fused_describe(&c->desc, p->plan->graph, fused, p->plan->key.purpose);
    c->desc.stages = c->stages;
    c->desc.in_layout = from >= 0 ? p->plan->places[from].layout : XAI__PLAIN;
    c->desc.out_layout = is_map ? c->desc.in_layout
                                : wanted_layout(value_of(p, p->plan->graph->nodes[fused->node].output));
    for (size_t n = fused->n_stages + 1; n-- > least;) {
        c->desc.n_stages = (uint32_t)n;
        c->n_stages = n;
        status = xai__chain_plan(&c->kernel, p->chain, &c->desc);
        if (status != XAI_E_UNSUPPORTED)
            return status;
    }
    return XAI_OK;
}

/* Format 0 is the graph's own order, which needs no copy. */
static xai_status pack_weights(xai__step *step, planner *p, const candidate *c)
{
    const xai__node *node = step->node >= 0 ? &p->plan->graph->nodes[step->node] : NULL;
    const xai__value *weights = node != NULL ? xai__weights_of(p->plan->graph, node) : NULL;

    if (weights == NULL)
        return XAI_OK;
    if (xai__transposes_weights(node))
        return xai__packed_transposed(&step->weights, p->packed, &step->kernel->packing, &c->desc, weights);
    if (step->kernel->packing.format != 0)
        return xai__packed_weights(&step->weights, p->packed, &step->kernel->packing, &c->desc, weights);
    step->raw = weights->constant.data;
    return step->raw != NULL ? XAI_OK : xai__packed_plain(&step->weights, p->packed, weights);
}

/* Places of what the step reads and writes beside its main input. */
static xai_status place_stages(planner *p, const xai__fused *fused, size_t n, uint32_t layout, int32_t operands[],
                               int32_t stores[])
{
    xai_status status = XAI_OK;
    size_t n_operands = 0;

    if (fused->beside >= 0)
        status = ensure_place(&operands[n_operands++], p, fused->beside, layout);
    for (size_t i = 0; i < n && status == XAI_OK; i++)
        if (fused->stages[i].operand >= 0)
            status = ensure_place(&operands[n_operands++], p, fused->stages[i].operand, layout);
    if (n > 0 && fused->value >= 0 && p->lowered.is_wanted[fused->value] && status == XAI_OK)
        status = xai__places_add(&stores[0], &p->places, fused->value, layout);
    for (size_t i = 0; i + 1 < n && status == XAI_OK; i++)
        if (p->lowered.is_wanted[fused->stages[i].value])
            status = xai__places_add(&stores[i + 1], &p->places, fused->stages[i].value, layout);
    return status;
}

/* Moved: what the candidate no longer has, drop_candidate() does not free. */
static void take_candidate(xai__step *step, candidate *c)
{
    step->kernel = c->kernel;
    step->stages = c->stages;
    step->n_stages = c->n_stages;
    memcpy(step->parameters, c->parameters, c->n_stages * sizeof *c->parameters);
    memset(c->parameters, 0, c->n_stages * sizeof *c->parameters);
    c->kernel = NULL;
    c->stages = NULL;
}

/* All that the newest step, a kernel's, uses. */
static void touch_kernel(planner *p, const xai__step *step)
{
    for (size_t i = 0; i < XAI__MAX_STAGES; i++)
        touch(p, step->operands[i]);
    for (size_t i = 0; i <= XAI__MAX_STAGES; i++)
        touch(p, step->stores[i]);
    touch(p, step->in);
    touch(p, step->out);
    if (step->scratch_buffer >= 0)
        xai__places_touch(&p->places, (size_t)step->scratch_buffer, p->plan->n_steps - 1);
}

/* Moves the candidate into a step of the plan. */
static xai_status emit_kernel(planner *p, const xai__fused *fused, candidate *c)
{
    int32_t operands[XAI__MAX_STAGES], stores[XAI__MAX_STAGES + 1], in, out;
    int32_t last = c->n_stages > 0 ? fused->stages[c->n_stages - 1].value : fused->value;
    int64_t scratch = -1;
    xai__step *step = NULL;
    xai_status status;

    for (size_t i = 0; i < XAI__MAX_STAGES; i++)
        operands[i] = stores[i] = stores[i + 1] = XAI__NO_PLACE;
    status = ensure_place(&in, p, fused->input, c->kernel->in_layout);
    if (status == XAI_OK)
        status = place_stages(p, fused, c->n_stages, c->kernel->out_layout, operands, stores);
    if (status == XAI_OK)
        status = xai__places_add(&out, &p->places, last, c->kernel->out_layout);
    if (status == XAI_OK && c->kernel->shared_scratch_per_image > 0)
        status = xai__places_add_scratch(&scratch, &p->places, c->kernel->shared_scratch_per_image);
    if (status == XAI_OK)
        status = add_step(&step, p, XAI__STEP_KERNEL, fused->node, last);
    if (status < 0)
        return status;
    step->in = in;
    step->out = out;
    step->scratch_buffer = scratch;
    memcpy(step->operands, operands, sizeof operands);
    memcpy(step->stores, stores, sizeof stores);
    take_candidate(step, c);
    touch_kernel(p, step);
    if (fused->value >= 0)
        p->plan->step_of[fused->value] = (int32_t)p->plan->n_steps - 1;
    for (size_t i = 0; i < step->n_stages; i++)
        p->plan->step_of[fused->stages[i].value] = (int32_t)p->plan->n_steps - 1;
    return pack_weights(step, p, c);
}

/* One step of a chain: a kernel for as much of its beginning as a backend takes, else the first node by its reference.
 * Returns through n_done how many stages that covered. */
static xai_status emit_prefix(planner *p, const xai__fused *fused, size_t *n_done)
{
    candidate c = { 0 };
    xai_status status = find_kernel(&c, p, fused);

    if (status == XAI_OK && c.kernel != NULL) {
        *n_done = c.n_stages;
        status = emit_kernel(p, fused, &c);
    } else if (status == XAI_OK) {
        int32_t node = fused->node >= 0 ? fused->node : fused->stages[0].node;

        *n_done = fused->n_stages > 0 && fused->stages[0].node == node ? 1 : 0;
        status = emit_reference(p, node);
    }
    drop_candidate(&c, p);
    return status;
}

/* What no kernel took goes on as a chain of its own, a map over the last result. */
static xai_status emit_chain(planner *p, const xai__fused *fused)
{
    xai__fused rest = *fused;

    for (;;) {
        size_t n_done = 0;
        xai_status status = emit_prefix(p, &rest, &n_done);

        if (status < 0 || n_done == rest.n_stages)
            return status;
        rest.input = n_done > 0 ? rest.stages[n_done - 1].value : rest.value;
        rest.node = rest.beside = rest.value = -1;
        rest.n_stages -= n_done;
        memmove(rest.stages, rest.stages + n_done, rest.n_stages * sizeof *rest.stages);
    }
}

/* --- views and concatenations --- */

static xai_status emit_view(planner *p, const xai__fused *fused)
{
    const xai__value *in = value_of(p, fused->input);
    int32_t blocked = xai__places_find(&p->places, fused->input, XAI__BLOCKED), place, alias;
    bool is_vector = in->rank == 4 && in->shape[2] * in->shape[3] == 1;
    xai_status status;

    /* What a hook may edit must not be somebody else's memory. */
    if (p->lowered.is_cut[fused->value] || xai__graph_is_constant(p->plan->graph, fused->input))
        return emit_reference(p, fused->node);
    /* One pixel a channel lies the same in both layouts. */
    if (blocked >= 0 && is_vector)
        return xai__places_alias(&alias, &p->places, fused->value, blocked, XAI__PLAIN);
    status = ensure_place(&place, p, fused->input, XAI__PLAIN);
    return status < 0 ? status : xai__places_alias(&alias, &p->places, fused->value, place, XAI__PLAIN);
}

/* Has some backend a kernel that copies plain maps into blocks? A copy without it would have to go through the
 * reference, which then may as well do the whole concatenation. */
static bool moves_layouts(planner *p, int32_t value)
{
    xai__fused copy = { .kind = XAI__FUSED_KERNEL, .node = -1, .input = value, .beside = -1, .value = -1 };
    xai__kernel *kernel = NULL;
    xai__op_desc desc;

    xai__fused_describe(&desc, p->plan->graph, &copy, p->plan->key.purpose);
    desc.in_layout = XAI__PLAIN;
    desc.out_layout = XAI__BLOCKED;
    if (xai__chain_plan(&kernel, p->chain, &desc) < 0)
        return false;
    xai__kernel_free(kernel, p->plan->context);
    return true;
}

/* Where part i of a concatenation belongs, as a place inside the whole. */
static xai_status place_part(int32_t *out, planner *p, const xai__node *node, int32_t whole, size_t i)
{
    int64_t block = 0;
    xai_status status;

    for (size_t j = 0; j < i; j++)
        block += value_of(p, node->inputs[j])->shape[1] / XAI__BLOCK;
    status = xai__places_alias(out, &p->places, node->inputs[i], whole, XAI__BLOCKED);
    if (status == XAI_OK)
        p->plan->places[*out].offset += block * p->plan->places[*out].block;
    return status;
}

/* A part that its kernel wrote into the whole already lies there; others are copied. */
static xai_status emit_part(planner *p, const xai__node *node, int32_t whole, size_t i)
{
    int32_t part = node->inputs[i], own = xai__places_find(&p->places, part, XAI__BLOCKED), any, to;
    xai_status status = XAI_OK;

    if (own < 0 && p->places.slice_of[part] == node->output)
        status = ensure_place(&own, p, part, XAI__BLOCKED);
    if (status < 0)
        return status;
    any = own >= 0 ? own : xai__places_find_any(&p->places, part);
    if (any < 0)
        status = ensure_place(&any, p, part, XAI__PLAIN);
    if (status == XAI_OK)
        status = place_part(&to, p, node, whole, i);
    if (status < 0)
        return status;
    p->places.of[2 * part + XAI__BLOCKED] = own; /* the copy in here is nobody's way to the part */
    if (own >= 0 && p->plan->places[own].buffer == p->plan->places[to].buffer &&
        p->plan->places[own].offset == p->plan->places[to].offset)
        return XAI_OK;
    return emit_copy(p, any, to);
}

static xai_status emit_concat(planner *p, const xai__fused *fused)
{
    const xai__node *node = &p->plan->graph->nodes[fused->node];
    int32_t whole = xai__places_find(&p->places, node->output, XAI__BLOCKED);
    xai_status status = XAI_OK;

    /* A part behind one that does not fill its last block would begin in the middle of that. */
    for (size_t i = 0; i + 1 < node->n_inputs; i++)
        if (value_of(p, node->inputs[i])->shape[1] % XAI__BLOCK != 0)
            return emit_reference(p, fused->node);
    if (!moves_layouts(p, node->output))
        return emit_reference(p, fused->node);
    if (whole < 0)
        status = xai__places_add(&whole, &p->places, node->output, XAI__BLOCKED);
    for (size_t i = 0; i < node->n_inputs && status == XAI_OK; i++)
        status = emit_part(p, node, whole, i);
    return status;
}

/* --- delivery --- */

/* A hook may edit the fed value, but not the caller's tensor: what comes back goes elsewhere. */
static xai_status place_edited(int32_t *out, planner *p, int32_t value, int32_t place)
{
    *out = place;
    if (p->plan->buffers[p->plan->places[place].buffer].fed < 0)
        return XAI_OK;
    return xai__places_add(out, &p->places, value, XAI__PLAIN);
}

/* Right behind the step that makes the value, while its memory is still its own. Plain places are cheaper to read. */
static xai_status emit_delivery(planner *p, int32_t value)
{
    const xai__plan_key *key = &p->plan->key;
    int32_t place, edited = XAI__NO_PLACE;
    xai__step *step = NULL;
    xai_status status = XAI_OK;
    size_t tap = 0;

    while (tap < key->n_taps && key->taps[tap] != value)
        tap++;
    if (tap == key->n_taps)
        return XAI_OK;
    place = xai__places_find(&p->places, value, XAI__PLAIN);
    if (place < 0)
        place = xai__places_find_any(&p->places, value);
    if (p->lowered.is_cut[value])
        status = place_edited(&edited, p, value, place);
    if (status == XAI_OK)
        status = add_step(&step, p, XAI__STEP_DELIVER, -1, value);
    if (status < 0)
        return status;
    step->in = place;
    step->out = edited;
    step->tap = tap;
    touch(p, place);
    touch(p, edited);
    return XAI_OK;
}

static xai_status emit_fused(planner *p, const xai__fused *fused)
{
    static xai_status (*const emit[])(planner *, const xai__fused *) = {
        [XAI__FUSED_KERNEL] = emit_chain,
        [XAI__FUSED_VIEW] = emit_view,
        [XAI__FUSED_CONCAT] = emit_concat,
    };
    xai_status status = fused->kind == XAI__FUSED_REFERENCE ? emit_reference(p, fused->node)
                                                            : emit[fused->kind](p, fused);

    if (status == XAI_OK && fused->value >= 0)
        status = emit_delivery(p, fused->value);
    for (size_t i = 0; i < fused->n_stages && status == XAI_OK; i++)
        status = emit_delivery(p, fused->stages[i].value);
    return status;
}

static xai_status place_feeds(planner *p)
{
    xai_status status = XAI_OK;

    for (size_t i = 0; i < p->plan->key.n_feeds && status == XAI_OK; i++) {
        int32_t place;

        status = xai__places_add_outside(&place, &p->places, p->plan->key.feeds[i], NULL);
        if (status == XAI_OK)
            p->plan->buffers[p->plan->places[place].buffer].fed = (int32_t)i;
    }
    return status;
}

/* The gradient of a value with respect to itself is the seed. */
static xai_status deliver_seed(planner *p)
{
    return p->plan->key.n_feeds > 1 ? emit_delivery(p, p->plan->key.feeds[1]) : XAI_OK;
}

/* What the steps behind the seed read must still be there when they run again for another target. */
static void keep_for_later(xai__plan *plan)
{
    for (size_t i = 0; i < plan->n_buffers; i++) {
        xai__buffer *buffer = &plan->buffers[i];

        if (buffer->first < plan->n_early && buffer->last >= plan->n_early && plan->n_steps > 0)
            buffer->last = plan->n_steps - 1;
    }
}

static xai_status emit_all(planner *p)
{
    const xai__lowered *l = &p->lowered;
    xai_status status = place_feeds(p);

    /* Known beforehand, so that kernels write parts straight into the whole; not one that a hook edits, whose parts
     * would change with it. */
    for (size_t i = 0; i < l->n_fused; i++)
        if (l->fused[i].kind == XAI__FUSED_CONCAT && !l->is_cut[l->fused[i].value])
            xai__places_slice(&p->places, &l->graph->nodes[l->fused[i].node]);
    if (status == XAI_OK)
        status = emit_delivery(p, p->plan->key.feeds[0]);
    for (size_t i = 0; i < l->n_fused && status == XAI_OK; i++) {
        if (i == l->n_early)
            p->plan->n_early = p->plan->n_steps;
        status = emit_fused(p, &l->fused[i]);
    }
    if (l->n_early >= l->n_fused)
        p->plan->n_early = p->plan->n_steps;
    if (status == XAI_OK)
        status = deliver_seed(p);
    keep_for_later(p->plan);
    return status;
}

/* --- the plan --- */

/* Of the step that needs most; every thread has as much, on cache lines of its own. */
static void measure_scratch(xai__plan *plan)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        size_t size = xai__step_scratch(plan, i);

        plan->task_scratch = size > plan->task_scratch ? size : plan->task_scratch;
    }
    plan->task_scratch = (plan->task_scratch + XAI__ALIGNMENT - 1) / XAI__ALIGNMENT * XAI__ALIGNMENT;
}

static xai_status init_steps(xai__plan *plan)
{
    plan->step_of = xai__alloc_array(plan->context, plan->graph->n_values, sizeof *plan->step_of);
    if (plan->step_of == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < plan->graph->n_values; i++)
        plan->step_of[i] = -1;
    return XAI_OK;
}

static xai_status compile(planner *p, const xai__plan_key *key)
{
    xai_status status = xai__plan_key_copy(&p->plan->key, &p->plan->key_values, p->plan->context, key);

    if (status == XAI_OK)
        status = init_steps(p->plan);
    if (status == XAI_OK)
        status = xai__places_init(&p->places, p->plan);
    if (status == XAI_OK)
        status = xai__lower(&p->lowered, &p->plan->key);
    if (status == XAI_OK)
        status = emit_all(p);
    /* Pairs change how long buffers live, so they come before memory is shared out. */
    if (status == XAI_OK)
        xai__pairs_find(p->plan);
    if (status == XAI_OK)
        status = xai__memory_assign(p->plan->context, p->plan->buffers, p->plan->n_buffers, &p->plan->arena);
    if (status == XAI_OK)
        measure_scratch(p->plan);
    return status;
}

xai_status xai__plan_build(xai__plan **out, xai__packed_set *packed, xai__chain *chain, const xai__plan_key *key)
{
    xai_context *context = packed->context;
    xai__plan *plan = xai__zalloc_array(context, 1, sizeof *plan);
    planner p = { .plan = plan, .packed = packed, .chain = chain, .lowered.graph = key->graph };
    xai_status status;

    *out = NULL;
    if (plan == NULL)
        return XAI_E_NO_MEMORY;
    atomic_init(&plan->refs, 1);
    plan->context = context;
    plan->graph = key->graph;
    p.places.plan = plan;
    status = compile(&p, key);
    xai__places_fini(&p.places);
    xai__lowered_fini(&p.lowered);
    if (status < 0)
        xai__plan_free(plan, packed);
    else
        *out = plan;
    return status;
}

void xai__plan_free(xai__plan *plan, xai__packed_set *packed)
{
    xai_context *context = plan->context;

    for (size_t i = 0; i < plan->n_steps; i++)
        free_step(&plan->steps[i], plan, packed);
    for (size_t i = 0; i < plan->n_constants; i++)
        xai__packed_unref(packed, plan->constants[i]);
    xai__free(context, plan->constants);
    xai__free(context, plan->steps);
    xai__free(context, plan->places);
    xai__free(context, plan->buffers);
    xai__free(context, plan->key_values);
    xai__free(context, plan->step_of);
    xai__free(context, plan);
}
