/* SPDX-License-Identifier: MIT
 * Where buffers lie in the arena. */
#include "runtime/memory.h"

#include "core/memory.h"

/* Lives are steps, both ends included: a step's input and output never share memory. */
static bool live_together(const xai__buffer *a, const xai__buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Largest first; insertion keeps equal sizes in order, so the result is the same everywhere. */
static void sort_by_size(size_t *order, const xai__buffer *buffers, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        size_t moved = order[i], at = i;

        for (; at > 0 && buffers[order[at - 1]].size < buffers[moved].size; at--)
            order[at] = order[at - 1];
        order[at] = moved;
    }
}

/* The lowest offset at which the buffer overlaps no placed one that lives at the same time. */
static size_t find_gap(const xai__buffer *buffers, const size_t *order, size_t n_placed, const xai__buffer *buffer)
{
    size_t offset = 0;

    /* Each overlap moves it behind the other buffer; offsets only grow, so this ends. */
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < n_placed; i++) {
            const xai__buffer *other = &buffers[order[i]];

            if (live_together(buffer, other) && offset < other->offset + other->size &&
                other->offset < offset + buffer->size) {
                offset = other->offset + other->size;
                moved = true;
            }
        }
    }
    return offset;
}

/* Greedy by size: large buffers have the first choice, and small ones fit into what they leave. */
xai_status xai__memory_assign(xai_context *context, xai__buffer *buffers, size_t n_buffers, size_t *total)
{
    size_t *order = xai__alloc_array(context, n_buffers, sizeof *order), n = 0;

    *total = 0;
    if (order == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n_buffers; i++)
        if (buffers[i].constant == NULL && buffers[i].fed < 0 && !buffers[i].in_scratch)
            order[n++] = i;
    sort_by_size(order, buffers, n);
    for (size_t i = 0; i < n; i++) {
        xai__buffer *buffer = &buffers[order[i]];

        buffer->offset = find_gap(buffers, order, i, buffer);
        if (buffer->offset + buffer->size > *total)
            *total = buffer->offset + buffer->size;
    }
    xai__free(context, order);
    return XAI_OK;
}
