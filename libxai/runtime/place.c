/* SPDX-License-Identifier: MIT
 * Places: where the values of a plan lie while it is being compiled. */
#include "runtime/place.h"

#include "core/memory.h"

static int64_t n_blocks(const xai__value *value)
{
    return (value->shape[1] + XAI__BLOCK - 1) / XAI__BLOCK;
}

static int64_t n_pixels(const xai__value *value)
{
    return value->shape[2] * value->shape[3];
}

/* Whole blocks, so that every buffer of the arena begins on a cache line. */
static size_t round_up(size_t n)
{
    return (n + XAI__BLOCK - 1) / XAI__BLOCK * XAI__BLOCK;
}

xai_status xai__places_init(xai__places *places, xai__plan *plan)
{
    size_t n = plan->graph->n_values;

    *places = (xai__places){ .plan = plan, .graph = plan->graph };
    places->of = xai__alloc_array(plan->context, 2 * n, sizeof *places->of);
    places->slice_of = xai__alloc_array(plan->context, n, sizeof *places->slice_of);
    places->slice_block = xai__zalloc_array(plan->context, n, sizeof *places->slice_block);
    if (places->of == NULL || places->slice_of == NULL || places->slice_block == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        places->of[2 * i] = places->of[2 * i + 1] = places->slice_of[i] = XAI__NO_PLACE;
    return XAI_OK;
}

void xai__places_fini(xai__places *places)
{
    xai__free(places->plan->context, places->of);
    xai__free(places->plan->context, places->slice_of);
    xai__free(places->plan->context, places->slice_block);
}

void xai__places_slice(xai__places *places, const xai__node *concat)
{
    int64_t block = 0;

    for (size_t i = 0; i + 1 < concat->n_inputs; i++)
        if (places->graph->values[concat->inputs[i]].shape[1] % XAI__BLOCK != 0)
            return;
    for (size_t i = 0; i < concat->n_inputs; i++) {
        int32_t part = concat->inputs[i];

        /* A part of two concatenations lies in the first; the second copies. */
        if (places->slice_of[part] < 0 && !xai__graph_is_constant(places->graph, part)) {
            places->slice_of[part] = concat->output;
            places->slice_block[part] = block;
        }
        block += n_blocks(&places->graph->values[part]);
    }
}

int32_t xai__places_find(const xai__places *places, int32_t value, uint32_t layout)
{
    return places->of[2 * value + (int32_t)layout];
}

int32_t xai__places_find_any(const xai__places *places, int32_t value)
{
    int32_t blocked = xai__places_find(places, value, XAI__BLOCKED); /* what kernels like better */

    return blocked >= 0 ? blocked : xai__places_find(places, value, XAI__PLAIN);
}

static void set_strides(xai__place *place, const xai__value *value)
{
    int64_t columns = value->rank == 4 ? value->shape[3] : value->rank >= 1 ? value->shape[value->rank - 1] : 1;

    if (place->layout == XAI__BLOCKED) {
        place->pixel = XAI__BLOCK;
        place->row = columns * XAI__BLOCK;
        place->block = n_pixels(value) * XAI__BLOCK;
    } else {
        place->pixel = 1;
        place->row = columns;
        place->block = value->rank == 4 ? n_pixels(value) : 1;
    }
}

static xai_status add_buffer(size_t *out, xai__plan *plan, size_t size)
{
    xai__buffer *buffer = xai__grow(plan->context, &plan->buffers, plan->n_buffers, sizeof *buffer);

    if (buffer == NULL)
        return XAI_E_NO_MEMORY;
    /* No step yet: an empty life, which any touch extends. */
    *buffer = (xai__buffer){ .size = round_up(size), .first = SIZE_MAX, .fed = -1 };
    *out = plan->n_buffers++;
    return XAI_OK;
}

static xai_status add_place(int32_t *out, xai__places *places, const xai__place *place)
{
    xai__plan *plan = places->plan;
    xai__place *slot = xai__grow(plan->context, &plan->places, plan->n_places, sizeof *slot);

    if (slot == NULL)
        return XAI_E_NO_MEMORY;
    *slot = *place;
    set_strides(slot, &places->graph->values[place->value]);
    *out = (int32_t)plan->n_places++;
    places->of[2 * place->value + (int32_t)place->layout] = *out;
    return XAI_OK;
}

/* Inside the memory of the concatenation. */
static xai_status add_slice(int32_t *out, xai__places *places, int32_t value)
{
    int32_t whole = xai__places_find(places, places->slice_of[value], XAI__BLOCKED);
    xai_status status = XAI_OK;
    xai__place place;

    if (whole < 0)
        status = xai__places_add(&whole, places, places->slice_of[value], XAI__BLOCKED);
    if (status < 0)
        return status;
    place = places->plan->places[whole];
    place.value = value;
    place.offset += places->slice_block[value] * n_pixels(&places->graph->values[value]) * XAI__BLOCK;
    return add_place(out, places, &place);
}

xai_status xai__places_add(int32_t *out, xai__places *places, int32_t value, uint32_t layout)
{
    const xai__value *v = &places->graph->values[value];
    xai__place place = { .value = value, .layout = layout };
    size_t size = layout == XAI__BLOCKED ? (size_t)(n_blocks(v) * n_pixels(v)) * XAI__BLOCK : v->size;
    xai_status status;

    if (layout == XAI__BLOCKED && places->slice_of[value] >= 0)
        return add_slice(out, places, value);
    status = add_buffer(&place.buffer, places->plan, size);
    return status < 0 ? status : add_place(out, places, &place);
}

xai_status xai__places_alias(int32_t *out, xai__places *places, int32_t value, int32_t place, uint32_t layout)
{
    xai__place alias = places->plan->places[place];

    alias.value = value;
    alias.layout = layout;
    return add_place(out, places, &alias);
}

xai_status xai__places_add_outside(int32_t *out, xai__places *places, int32_t value, const float *constant)
{
    xai__place place = { .value = value, .layout = XAI__PLAIN };
    xai_status status = add_buffer(&place.buffer, places->plan, 0);

    if (status < 0)
        return status;
    /* The caller's tensor is compact: no room between images. */
    places->plan->buffers[place.buffer].size = places->graph->values[value].size;
    places->plan->buffers[place.buffer].constant = constant;
    return add_place(out, places, &place);
}

/* A buffer without a value: memory that one step's tasks share. */
xai_status xai__places_add_scratch(int64_t *out, xai__places *places, size_t bytes)
{
    size_t buffer = 0;
    xai_status status = add_buffer(&buffer, places->plan, (bytes + sizeof(float) - 1) / sizeof(float));

    *out = (int64_t)buffer;
    return status;
}

void xai__places_touch(xai__places *places, size_t buffer, size_t step)
{
    xai__buffer *b = &places->plan->buffers[buffer];

    if (step < b->first)
        b->first = step;
    if (step > b->last)
        b->last = step;
}
