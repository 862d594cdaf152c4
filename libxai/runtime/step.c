/* SPDX-License-Identifier: MIT
 * Running a plan, step after step. */
#include "runtime/step.h"

#include <string.h>

#include "core/error.h"
#include "core/tensor.h"
#include "ops/op.h"
#include "runtime/pair.h"

enum { MAX_INPUTS = 64 };

/* The images that are run now. */
typedef struct chunk {
    const xai__run *run;
    size_t first, n;
    size_t target; /* behind the seed: which one */
} chunk;

/* First image of a buffer, in the arena, a fed tensor or a constant. The latter two are only read. */
static float *buffer_start(const chunk *c, size_t index)
{
    const xai__buffer *buffer = &c->run->plan->buffers[index];

    if (buffer->constant != NULL)
        return (float *)buffer->constant;
    if (buffer->fed >= 0)
        return c->run->fed[buffer->fed]->data + c->first * buffer->size;
    return c->run->arena + buffer->offset * c->n;
}

static float *place_start(const chunk *c, int32_t place)
{
    const xai__place *p = &c->run->plan->places[place];

    return buffer_start(c, p->buffer) + p->offset;
}

/* A constant is the same for every image. */
static int64_t image_stride(const xai__plan *plan, const xai__place *place)
{
    return plan->buffers[place->buffer].constant != NULL ? 0 : (int64_t)plan->buffers[place->buffer].size;
}

static xai__view locate(const void *memory, int32_t place)
{
    const chunk *c = memory;
    const xai__place *p = &c->run->plan->places[place];

    return (xai__view){ place_start(c, place), image_stride(c->run->plan, p), p->block, p->row, p->pixel };
}

static xai__view view_place(int32_t place, xai__locate_fn at, const void *memory)
{
    return place >= 0 ? at(memory, place) : (xai__view){ NULL, 0, 0, 0, 0 };
}

/* --- kernels --- */

/* A number a channel is broadcast over the map by steps of 0. */
static void broadcast(xai__view *view, const xai__value *value, const xai__value *map)
{
    if (value->rank == 4 && value->size != map->size)
        view->row = view->pixel = 0;
}

/* Addresses of one call, through `at`, so that whole maps and the region runner's windows are bound by one function. */
void xai__call_bind(xai__call *call, const xai__plan *plan, const xai__step *step, xai__locate_fn at,
                    const void *memory)
{
    const xai__value *values = plan->graph->values;

    call->args = (xai__args){ .operands = call->operands,
                              .in = view_place(step->in, at, memory),
                              .out = view_place(step->out, at, memory),
                              .packed = step->weights != NULL ? step->weights->data : step->raw };
    for (size_t i = 0; i < XAI__MAX_STAGES; i++) {
        call->operands[i] = view_place(step->operands[i], at, memory);
        if (step->operands[i] >= 0)
            broadcast(&call->operands[i], &values[plan->places[step->operands[i]].value], &values[step->value]);
    }
    for (size_t i = 0; i <= step->n_stages; i++) {
        call->stores[i] = view_place(step->stores[i], at, memory);
        if (call->stores[i].data != NULL)
            call->args.stores = call->stores;
    }
}

typedef struct kernel_job {
    const xai__kernel *kernel;
    const xai__args *args;
    unsigned char *scratch;
    size_t lane_size;
} kernel_job;

static void run_task(void *data, size_t index, size_t lane)
{
    const kernel_job *job = data;

    xai__kernel_task(job->kernel, job->args, index, job->scratch + lane * job->lane_size);
}

void xai__call_run(const xai__call *call, const xai__step *step, xai__team *team, void *scratch, size_t task_scratch)
{
    kernel_job job = { step->kernel, &call->args, scratch, task_scratch };

    xai__team_run(team, xai__kernel_n_tasks(step->kernel, &call->args), run_task, &job);
}

static void bind(xai__call *call, const chunk *c, const xai__step *step)
{
    xai__call_bind(call, c->run->plan, step, locate, c);
    call->args.n_images = c->n;
    if (step->scratch_buffer >= 0)
        call->args.shared_scratch = buffer_start(c, (size_t)step->scratch_buffer);
}

static void run_pair(const chunk *c, const xai__step *first)
{
    const xai__run *run = c->run;
    xai__call calls[2];

    bind(&calls[0], c, first);
    bind(&calls[1], c, first + 1);
    xai__pair_run(first, calls, run->plan, run->team, run->task_scratch);
}

static void run_kernel(const chunk *c, const xai__step *step)
{
    const xai__run *run = c->run;
    xai__call call;

    bind(&call, c, step);
    xai__call_run(&call, step, run->team, run->task_scratch, run->plan->task_scratch);
}

/* --- references --- */

void xai__step_compute(const xai__plan *plan, const xai__step *step, size_t image, const xai__op_window *window,
                       xai__locate_fn at, const void *memory)
{
    const xai__node *node = &plan->graph->nodes[step->node];
    xai__view out = at(memory, step->out);
    const float *inputs[MAX_INPUTS];

    for (size_t i = 0; i < node->n_inputs; i++) {
        xai__view in = view_place(step->inputs[i], at, memory);

        inputs[i] = in.data != NULL ? in.data + (int64_t)image * in.image : NULL;
    }
    xai__op_compute(plan->graph, step->node, inputs, out.data + (int64_t)image * out.image, window);
}

typedef struct reference_job {
    const chunk *chunk;
    const xai__step *step;
} reference_job;

static void run_reference_image(void *data, size_t index, size_t lane)
{
    const reference_job *job = data;

    (void)lane;
    xai__step_compute(job->chunk->run->plan, job->step, index, NULL, locate, job->chunk);
}

/* Images side by side, as references know one at a time. */
static void run_reference(const chunk *c, const xai__step *step)
{
    reference_job job = { c, step };

    xai__team_run(c->run->team, c->n, run_reference_image, &job);
}

/* --- delivery --- */

/* From blocks of 16 channels to one map a channel. */
static void read_image(float *out, const xai__place *place, const xai__value *value, const float *from)
{
    int64_t channels = value->shape[1], height = value->shape[2], width = value->shape[3];

    for (int64_t ch = 0; ch < channels; ch++) {
        const float *plane = from + ch / XAI__BLOCK * place->block + ch % XAI__BLOCK;

        for (int64_t y = 0; y < height; y++)
            for (int64_t x = 0; x < width; x++)
                *out++ = plane[y * place->row + x * XAI__BLOCK];
    }
}

/* The way back; what fills up the last block stays as it is. */
static void write_image(float *to, const xai__place *place, const xai__value *value, const float *in)
{
    int64_t channels = value->shape[1], height = value->shape[2], width = value->shape[3];

    for (int64_t ch = 0; ch < channels; ch++) {
        float *plane = to + ch / XAI__BLOCK * place->block + ch % XAI__BLOCK;

        for (int64_t y = 0; y < height; y++)
            for (int64_t x = 0; x < width; x++)
                plane[y * place->row + x * XAI__BLOCK] = *in++;
    }
}

void xai__place_read(float *out, const xai__plan *plan, const xai__place *place, const float *from)
{
    const xai__value *value = &plan->graph->values[place->value];

    if (place->layout == XAI__BLOCKED)
        read_image(out, place, value, from);
    else
        memcpy(out, from, value->size * sizeof(float));
}

static void read_place(float *out, const xai__plan *plan, const xai__place *place, const float *base, size_t n_images)
{
    const xai__value *value = &plan->graph->values[place->value];

    for (size_t i = 0; i < n_images; i++)
        xai__place_read(out + i * value->size, plan, place, base + (int64_t)i * image_stride(plan, place));
}

static void write_place(float *base, const xai__plan *plan, const xai__place *place, const float *in, size_t n_images)
{
    const xai__value *value = &plan->graph->values[place->value];

    for (size_t i = 0; i < n_images; i++) {
        float *to = base + (int64_t)i * image_stride(plan, place);

        if (place->layout == XAI__BLOCKED)
            write_image(to, place, value, in + i * value->size);
        else
            memcpy(to, in + i * value->size, value->size * sizeof(float));
    }
}

/* The callback sees the whole batch, so it waits for the last chunk. */
static xai_status deliver(const chunk *c, const xai__step *step)
{
    const xai__run *run = c->run;
    const xai__plan *plan = run->plan;
    const xai__place *from = &plan->places[step->in];
    xai_tensor *late = run->late_taps != NULL ? run->late_taps[c->target * plan->key.n_taps + step->tap] : NULL;
    xai_tensor *tensor = late != NULL ? late : run->taps[step->tap];
    float *images = tensor->data + c->first * plan->graph->values[step->value].size;
    xai_status status = XAI_OK;

    read_place(images, plan, from, place_start(c, step->in), c->n);
    if (c->first + c->n == run->n_images && run->deliver != NULL && late == NULL)
        status = run->deliver(run->user, step->tap, tensor);
    if (status >= 0 && step->out >= 0)
        write_place(place_start(c, step->out), plan, &plan->places[step->out], images, c->n);
    return status;
}

/* Looks for a cancellation once a step: some hundred microseconds at most, at no cost to speak of. The request is
 * taken, so that the next run starts afresh. */
static xai_status run_step(const chunk *c, const xai__step *step)
{
    if (atomic_exchange_explicit(c->run->cancel, false, memory_order_relaxed))
        return xai__fail(XAI_E_CANCELLED, "cancelled");
    switch (step->kind) {
    case XAI__STEP_KERNEL:
        if (step->pair.n_rows > 0)
            run_pair(c, step);
        else
            run_kernel(c, step);
        return XAI_OK;
    case XAI__STEP_REFERENCE:
        run_reference(c, step);
        return XAI_OK;
    default:
        return deliver(c, step);
    }
}

static xai_status run_steps(const chunk *c, size_t from, size_t to)
{
    xai_status status = XAI_OK;

    for (size_t i = from; i < to && status >= 0; i++) {
        const xai__step *step = &c->run->plan->steps[i];

        status = run_step(c, step);
        i += step->pair.n_rows > 0; /* the second of a pair has run */
    }
    return status;
}

/* All that does not wait for the seed once, the rest for every target. */
static xai_status run_chunk(chunk *c)
{
    const xai__run *run = c->run;
    xai_status status = run_steps(c, 0, run->plan->n_early);

    for (c->target = 0; c->target < run->n_targets && status >= 0; c->target++) {
        status = run->seed(run->user, c->target, c->first, c->n);
        if (status >= 0)
            status = run_steps(c, run->plan->n_early, run->plan->n_steps);
    }
    return status;
}

xai_status xai__run_plan(const xai__run *run)
{
    xai_status status = XAI_OK;

    for (size_t first = 0; first < run->n_images && status >= 0; first += run->chunk) {
        chunk c = { run, first, run->n_images - first < run->chunk ? run->n_images - first : run->chunk, 0 };

        status = run_chunk(&c);
    }
    return status;
}
