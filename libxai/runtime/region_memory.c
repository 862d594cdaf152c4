/* SPDX-License-Identifier: MIT
 * Memory of the region runner: where every value of a plan stays, and how windows of it are copied. */
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "runtime/region_state.h"

/* Weights of this many bytes outweigh what a window needs of the values around them, so that reading them once for
 * several pictures pays. Pictures in a batch; more gain little. */
enum { HEAVY_WEIGHTS = 256 << 10, MOST_TAILS = 16 };

/* --- grids --- */

static void set_flat(xai__grid *grid, size_t size)
{
    *grid = (xai__grid){ 1, 1, 1, (int64_t)size };
}

/* A place that is written. Slices of a concatenation agree; what does not is taken as a whole. */
static void note_place(xai__region *region, int32_t place)
{
    const xai__plan *plan = region->plan;
    const xai__place *p = place >= 0 ? &plan->places[place] : NULL;
    const xai__value *value = p != NULL ? &plan->graph->values[p->value] : NULL;
    xai__grid *grid = p != NULL ? &region->grids[p->buffer] : NULL, found;
    size_t size;

    if (p == NULL)
        return;
    size = plan->buffers[p->buffer].size;
    if (value->rank != 4 || value->shape[0] != 1) {
        set_flat(grid, size);
        return;
    }
    found = (xai__grid){ (int32_t)value->shape[2], (int32_t)value->shape[3], (size_t)value->shape[1], p->pixel };
    if (p->layout == XAI__BLOCKED)
        found.n_planes = size / (size_t)(value->shape[2] * value->shape[3] * p->pixel);
    if (grid->pixel == 0)
        *grid = found;
    else if (grid->height != found.height || grid->width != found.width || grid->pixel != found.pixel)
        set_flat(grid, size);
}

static void find_grids(xai__region *region)
{
    const xai__plan *plan = region->plan;

    for (size_t i = 0; i < plan->n_places; i++)
        if (plan->buffers[plan->places[i].buffer].fed >= 0) {
            region->input = plan->places[i].buffer;
            note_place(region, (int32_t)i);
            break;
        }
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (plan->steps[i].kind == XAI__STEP_DELIVER)
            continue;
        note_place(region, plan->steps[i].out);
        for (size_t j = 0; j <= XAI__MAX_STAGES; j++)
            note_place(region, plan->steps[i].stores[j]);
    }
}

/* --- beds --- */

typedef bool needs_fn(const xai__region *region, size_t buffer);

static bool needs_clean(const xai__region *region, size_t buffer)
{
    const xai__buffer *b = &region->plan->buffers[buffer];

    return b->constant == NULL && (buffer == region->input || b->first <= b->last);
}

static bool needs_head(const xai__region *region, size_t buffer)
{
    return needs_clean(region, buffer) &&
           (buffer == region->input || region->plan->buffers[buffer].first < region->split);
}

/* What the steps from the split on touch, and what is delivered. */
static bool needs_tail(const xai__region *region, size_t buffer)
{
    const xai__buffer *b = &region->plan->buffers[buffer];

    for (size_t i = 0; i < region->n_fetches; i++)
        if (region->plan->places[region->places[i]].buffer == buffer)
            return true;
    return needs_clean(region, buffer) && b->first <= b->last && b->last >= region->split;
}

static size_t round_up(size_t n)
{
    return (n + XAI__BLOCK - 1) / XAI__BLOCK * XAI__BLOCK;
}

static size_t measure(const xai__region *region, needs_fn *needs)
{
    size_t size = 0;

    for (size_t i = 0; i < region->plan->n_buffers; i++)
        if (needs(region, i))
            size += round_up(region->plan->buffers[i].size);
    return size;
}

static xai_status take_bed(xai__bed *bed, const xai__region *region, needs_fn *needs, size_t n_images)
{
    size_t n = region->plan->n_buffers, size;

    bed->offsets = xai__alloc_array(region->context, n, sizeof *bed->offsets);
    if (bed->offsets == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        bed->offsets[i] = needs(region, i) ? bed->size : XAI__NOT_HERE;
        if (bed->offsets[i] != XAI__NOT_HERE)
            bed->size += round_up(region->plan->buffers[i].size);
    }
    if (!xai__mul_size(&size, bed->size, n_images))
        return xai__fail_memory();
    bed->data = xai__alloc_array(region->context, size, sizeof *bed->data);
    return bed->data != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* --- the split --- */

static size_t weights_of(const xai__plan *plan, const xai__step *step)
{
    if (step->weights != NULL)
        return step->weights->bytes;

    if (step->raw == NULL)
        return 0;
    return plan->graph->values[plan->graph->nodes[step->node].inputs[1]].size * sizeof(float);
}

static size_t first_heavy(const xai__plan *plan)
{
    size_t i = 0;

    while (i < plan->n_steps && weights_of(plan, &plan->steps[i]) < HEAVY_WEIGHTS)
        i++;
    return i;
}

/* The earliest split that fits. */
static bool find_split(xai__region *region, uint64_t floats, size_t n_heads, size_t n_tails)
{
    region->n_heads = n_heads;
    region->n_tails = n_tails;
    for (region->split = first_heavy(region->plan); region->split <= region->plan->n_steps; region->split++) {
        uint64_t heads = (uint64_t)n_heads * measure(region, needs_head);

        if (heads + (uint64_t)n_tails * measure(region, needs_tail) <= floats)
            return true;
    }
    return false;
}

/* A head a thread or only one; fewer tails where they do not fit. */
static bool choose(xai__region *region, uint64_t budget)
{
    const size_t n_threads = region->context->pool.n_threads;
    const uint64_t clean = measure(region, needs_clean), floats = budget / sizeof(float);

    if (clean > floats)
        return false;
    for (size_t heads = n_threads;; heads = 1) {
        for (size_t tails = MOST_TAILS; tails > 0; tails /= 2)
            if (find_split(region, floats - clean, heads, tails))
                return true;
        if (heads == 1)
            return false;
    }
}

xai_status xai__region_lay_out(xai__region *region, uint64_t budget)
{
    const xai__plan *plan = region->plan;
    size_t scratch;
    xai_status status;

    region->grids = xai__zalloc_array(region->context, plan->n_buffers, sizeof *region->grids);
    if (region->grids == NULL)
        return XAI_E_NO_MEMORY;
    find_grids(region);
    if (!choose(region, budget))
        return xai__fail(XAI_E_LIMIT, "windows need more than the budget of %llu bytes: all values have %zu",
                         (unsigned long long)budget, measure(region, needs_clean) * sizeof(float));
    status = take_bed(&region->clean, region, needs_clean, 1);
    if (status == XAI_OK)
        status = take_bed(&region->heads, region, needs_head, region->n_heads);
    if (status == XAI_OK)
        status = take_bed(&region->tails, region, needs_tail, region->n_tails);
    if (status < 0)
        return status;
    if (!xai__mul_size(&scratch, region->context->pool.n_threads, plan->task_scratch))
        return xai__fail_memory();
    region->scratch = xai__alloc(region->context, scratch);
    region->dirty = xai__zalloc_array(region->context, (region->n_tails + 1) * plan->n_buffers, sizeof *region->dirty);
    region->windows = xai__zalloc_array(region->context, region->n_tails, sizeof *region->windows);
    return region->scratch != NULL && region->dirty != NULL && region->windows != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

void xai__region_free_memory(xai__region *region)
{
    xai__bed *const beds[3] = { &region->clean, &region->heads, &region->tails };

    for (size_t i = 0; i < 3; i++) {
        xai__free(region->context, beds[i]->data);
        xai__free(region->context, beds[i]->offsets);
    }
    xai__free(region->context, region->grids);
    xai__free(region->context, region->scratch);
    xai__free(region->context, region->dirty);
    xai__free(region->context, region->windows);
}

/* --- copies --- */

xai__window *xai__region_row(const xai__region *region, size_t image)
{
    return region->dirty + image * region->plan->n_buffers;
}

void xai__region_copy(const xai__region *region, size_t buffer, const xai__window *w, const xai__bed *to,
                      size_t to_image, const xai__bed *from, size_t from_image)
{
    const xai__grid *grid = &region->grids[buffer];
    const int64_t row = grid->width * grid->pixel, plane = grid->height * row;
    const size_t n = (size_t)((w->x1 - w->x0) * grid->pixel) * sizeof(float);
    float *out = to->data + to_image * to->size + to->offsets[buffer] + w->x0 * grid->pixel;
    const float *in = from->data + from_image * from->size + from->offsets[buffer] + w->x0 * grid->pixel;

    for (size_t i = 0; i < grid->n_planes; i++, out += plane, in += plane)
        for (int32_t y = w->y0; y < w->y1; y++)
            memcpy(out + y * row, in + y * row, n);
}

void xai__region_restore(const xai__region *region, const xai__bed *bed, size_t image, const xai__window *dirty)
{
    for (size_t i = 0; i < region->plan->n_buffers; i++)
        if (bed->offsets[i] != XAI__NOT_HERE && !xai__window_is_empty(&dirty[i]))
            xai__region_copy(region, i, &dirty[i], bed, image, &region->clean, 0);
}
