/* SPDX-License-Identifier: MIT
 * A step of a plan on windows: what of it changes, and computing that. */
#include "core/context.h"
#include "ops/op.h"
#include "runtime/region_state.h"

static const xai__value *value_of(const xai__region *region, int32_t place)
{
    return &region->plan->graph->values[region->plan->places[place].value];
}

static bool is_map(const xai__value *value)
{
    return value->rank == 4 && value->shape[0] == 1;
}

static xai__window whole_of(const xai__value *value)
{
    if (!is_map(value))
        return (xai__window){ 0, 1, 0, 1 };
    return (xai__window){ 0, (int32_t)value->shape[2], 0, (int32_t)value->shape[3] };
}

static bool is_whole(const xai__window *w, const xai__value *value)
{
    xai__window whole = whole_of(value);

    return w->y0 <= whole.y0 && w->x0 <= whole.x0 && w->y1 >= whole.y1 && w->x1 >= whole.x1;
}

/* The smallest rectangle around both: more than their union, never less. */
static void join(xai__window *to, const xai__window *w)
{
    if (xai__window_is_empty(w))
        return;
    if (xai__window_is_empty(to)) {
        *to = *w;
        return;
    }
    to->y0 = w->y0 < to->y0 ? w->y0 : to->y0;
    to->x0 = w->x0 < to->x0 ? w->x0 : to->x0;
    to->y1 = w->y1 > to->y1 ? w->y1 : to->y1;
    to->x1 = w->x1 > to->x1 ? w->x1 : to->x1;
}

/* --- what changes --- */

/* True if the buffer's windows are those of the place: neither it nor the other is a view of another shape. */
static bool fits_grid(const xai__region *region, int32_t place)
{
    const xai__place *p = &region->plan->places[place];
    const xai__grid *grid = &region->grids[p->buffer];
    const xai__value *value = value_of(region, place);

    return is_map(value) && grid->height == value->shape[2] && grid->width == value->shape[3] &&
           grid->pixel == p->pixel;
}

/* What is dirty of a value, by what is of its buffer. */
static xai__window dirty_of(const xai__region *region, int32_t place, const xai__window *dirty)
{
    size_t buffer = region->plan->places[place].buffer;

    if (region->plan->buffers[buffer].constant != NULL || xai__window_is_empty(&dirty[buffer]))
        return (xai__window){ 0 };
    return fits_grid(region, place) ? dirty[buffer] : whole_of(value_of(region, place));
}

static void mark(const xai__region *region, int32_t place, const xai__window *w, xai__window *dirty)
{
    size_t buffer;

    if (place < 0 || xai__window_is_empty(w))
        return;
    buffer = region->plan->places[place].buffer;
    if (fits_grid(region, place))
        join(&dirty[buffer], w);
    else
        dirty[buffer] = (xai__window){ 0, region->grids[buffer].height, 0, region->grids[buffer].width };
}

/* Vectors and what no kernel knows windows of are computed whole. */
static bool takes_windows(const xai__region *region, const xai__step *step)
{
    xai__window none;

    return is_map(value_of(region, step->in)) && is_map(value_of(region, step->out)) &&
           xai__kernel_reach(&none, step->kernel, (xai__window){ 0 });
}

/* Operands of the result's size change it where they did; numbers a channel change all of it. */
static void join_operand(xai__window *w, const xai__region *region, const xai__step *step, int32_t place,
                         const xai__window *dirty)
{
    xai__window d = dirty_of(region, place, dirty), whole = whole_of(value_of(region, step->out));
    const xai__value *operand = value_of(region, place), *value = value_of(region, step->out);

    if (xai__window_is_empty(&d))
        return;
    if (is_map(operand) && is_map(value) && operand->shape[2] == value->shape[2] &&
        operand->shape[3] == value->shape[3])
        join(w, &d);
    else
        *w = whole;
}

static xai__window reach_kernel(const xai__region *region, const xai__step *step, const xai__window *dirty)
{
    xai__window in = dirty_of(region, step->in, dirty), w = { 0 };

    if (!xai__window_is_empty(&in) && (!takes_windows(region, step) || !xai__kernel_reach(&w, step->kernel, in)))
        w = whole_of(value_of(region, step->out));
    for (size_t i = 0; i < XAI__MAX_STAGES; i++)
        if (step->operands[i] >= 0)
            join_operand(&w, region, step, step->operands[i], dirty);
    return w;
}

static xai__window reach_reference(const xai__region *region, const xai__step *step, const xai__window *dirty)
{
    const xai__graph *graph = region->plan->graph;
    const xai__value *value = value_of(region, step->out);
    xai__window w = { 0 };

    for (size_t i = 0; i < graph->nodes[step->node].n_inputs; i++) {
        xai__window d = step->inputs[i] >= 0 ? dirty_of(region, step->inputs[i], dirty) : w;
        const xai__op_window wide = { d.y0, d.y1, d.x0, d.x1 };
        xai__op_window reached;

        if (step->inputs[i] < 0 || xai__window_is_empty(&d))
            continue;
        if (!is_map(value) || !is_map(value_of(region, step->inputs[i])) ||
            !xai__op_reach(&reached, graph, step->node, i, &wide))
            return whole_of(value);
        d = (xai__window){ (int32_t)reached.y0, (int32_t)reached.y1, (int32_t)reached.x0, (int32_t)reached.x1 };
        join(&w, &d);
    }
    return w;
}

/* The step's stores hold results of its earlier stages: windows of the same rows and columns. */
xai__window xai__region_reach(const xai__region *region, const xai__step *step, xai__window *dirty)
{
    xai__window w = step->kind == XAI__STEP_KERNEL ? reach_kernel(region, step, dirty)
                                                   : reach_reference(region, step, dirty);

    mark(region, step->out, &w, dirty);
    for (size_t i = 0; i <= XAI__MAX_STAGES; i++)
        mark(region, step->stores[i], &w, dirty);
    return w;
}

/* --- computing it --- */

static xai__view locate(const void *memory, int32_t place)
{
    const xai__frame *frame = memory;
    const xai__plan *plan = frame->region->plan;
    const xai__place *p = &plan->places[place];
    const xai__bed *bed = frame->bed;
    const float *constant = plan->buffers[p->buffer].constant;

    if (constant != NULL)
        return (xai__view){ (float *)constant + p->offset, 0, p->block, p->row, p->pixel };
    return (xai__view){ bed->data + frame->first * bed->size + bed->offsets[p->buffer] + p->offset, (int64_t)bed->size,
                        p->block, p->row, p->pixel };
}

/* Fills the frame's windows with what all images need; false if none needs anything. */
static bool find_windows(const xai__frame *frame, const xai__step *step, bool *all_whole)
{
    const xai__value *value = value_of(frame->region, step->out);
    bool any = frame->dirty == NULL;

    *all_whole = true;
    for (size_t i = 0; frame->dirty != NULL && i < frame->n; i++) {
        xai__window *w = &frame->windows[i];

        *w = xai__region_reach(frame->region, step, frame->dirty + i * frame->region->plan->n_buffers);
        any |= !xai__window_is_empty(w);
        *all_whole &= is_whole(w, value);
    }
    return any;
}

typedef struct reference_job {
    const xai__frame *frame;
    const xai__step *step;
} reference_job;

static void compute_image(void *data, size_t index, size_t lane)
{
    const reference_job *job = data;
    const xai__frame *frame = job->frame;
    const xai__value *value = value_of(frame->region, job->step->out);
    const xai__window *w = frame->dirty != NULL ? &frame->windows[index] : NULL;
    const xai__op_window window = { w ? w->y0 : 0, w ? w->y1 : 0, w ? w->x0 : 0, w ? w->x1 : 0 };

    (void)lane;
    if (w == NULL || !xai__window_is_empty(w))
        xai__step_compute(frame->region->plan, job->step, index, w != NULL && is_map(value) ? &window : NULL, locate,
                          frame);
}

void xai__region_step(const xai__frame *frame, const xai__step *step, xai__team *team, size_t lane)
{
    const xai__region *region = frame->region;
    reference_job job = { frame, step };
    bool all_whole;
    xai__call call;

    if (!find_windows(frame, step, &all_whole))
        return;
    if (step->kind == XAI__STEP_REFERENCE) {
        xai__team_run(team, frame->n, compute_image, &job);
        return;
    }
    xai__call_bind(&call, region->plan, step, locate, frame);
    call.args.n_images = frame->n;
    /* Whole maps go the way without windows, whose tiles are cut alike: the same bits, in fewer steps. */
    if (!all_whole && takes_windows(region, step))
        call.args.windows = frame->windows;
    xai__call_run(&call, step, team, region->scratch + lane * region->plan->task_scratch, region->plan->task_scratch);
}
