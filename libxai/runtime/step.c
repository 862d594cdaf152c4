/* SPDX-License-Identifier: MIT
 * Running a plan, step after step. */
#include "runtime/step.h"

#include <string.h>

#include "core/error.h"
#include "core/tensor.h"
#include "ops/op.h"

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

static int64_t image_stride(const xai__plan *plan, const xai__place *place)
{
    return plan->buffers[place->buffer].constant != NULL ? 0 : (int64_t)plan->buffers[place->buffer].size;
}

static xai__view view_place(const chunk *c, int32_t place)
{
    const xai__plan *plan = c->run->plan;
    const xai__place *p;

    if (place < 0)
        return (xai__view){ NULL, 0, 0, 0, 0 };
    p = &plan->places[place];
    return (xai__view){ place_start(c, place), image_stride(plan, p), p->block, p->row, p->pixel };
}

/* A number a channel is broadcast over the map by steps of 0. */
static xai__view view_operand(const chunk *c, int32_t place, const xai__value *map)
{
    xai__view view = view_place(c, place);

    if (place >= 0) {
        const xai__value *value = &c->run->plan->graph->values[c->run->plan->places[place].value];

        if (value->rank == 4 && value->size != map->size)
            view.row = view.pixel = 0;
    }
    return view;
}

/* --- kernels --- */

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

static void run_kernel(const chunk *c, const xai__step *step)
{
    const xai__run *run = c->run;
    const xai__value *map = &run->plan->graph->values[step->value];
    xai__view operands[XAI__MAX_STAGES], stores[XAI__MAX_STAGES + 1];
    xai__args args = { .n_images = c->n, .operands = operands };
    kernel_job job = { step->kernel, &args, run->task_scratch, run->plan->task_scratch };

    args.in = view_place(c, step->in);
    args.out = view_place(c, step->out);
    for (size_t i = 0; i < XAI__MAX_STAGES; i++)
        operands[i] = view_operand(c, step->operands[i], map);
    for (size_t i = 0; i <= step->n_stages; i++) {
        stores[i] = view_place(c, step->stores[i]);
        if (stores[i].data != NULL)
            args.stores = stores;
    }
    args.packed = step->weights != NULL ? step->weights->data : step->raw;
    if (step->scratch_buffer >= 0)
        args.shared_scratch = buffer_start(c, (size_t)step->scratch_buffer);
    xai__team_run(run->team, xai__kernel_n_tasks(step->kernel, &args), run_task, &job);
}

/* --- references --- */

typedef struct reference_job {
    const chunk *chunk;
    const xai__step *step;
} reference_job;

static void run_reference_image(void *data, size_t index, size_t lane)
{
    const reference_job *job = data;
    const xai__plan *plan = job->chunk->run->plan;
    const xai__step *step = job->step;
    const xai__node *node = &plan->graph->nodes[step->node];
    const float *inputs[MAX_INPUTS];
    float *out = place_start(job->chunk, step->out) + (int64_t)index * image_stride(plan, &plan->places[step->out]);

    for (size_t i = 0; i < node->n_inputs; i++) {
        int32_t place = step->inputs[i];

        inputs[i] = place < 0
                        ? NULL
                        : place_start(job->chunk, place) + (int64_t)index * image_stride(plan, &plan->places[place]);
    }
    xai__op_compute(plan->graph, step->node, inputs, out, NULL);
}

static void run_reference(const chunk *c, const xai__step *step)
{
    reference_job job = { c, step };

    xai__team_run(c->run->team, c->n, run_reference_image, &job);
}

/* --- delivery --- */

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

static void read_place(float *out, const xai__plan *plan, const xai__place *place, const float *base, size_t n_images)
{
    const xai__value *value = &plan->graph->values[place->value];

    for (size_t i = 0; i < n_images; i++) {
        const float *from = base + (int64_t)i * image_stride(plan, place);

        if (place->layout == XAI__BLOCKED)
            read_image(out + i * value->size, place, value, from);
        else
            memcpy(out + i * value->size, from, value->size * sizeof(float));
    }
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

static xai_status run_step(const chunk *c, const xai__step *step)
{
    if (atomic_exchange_explicit(c->run->cancel, false, memory_order_relaxed))
        return xai__fail(XAI_E_CANCELLED, "cancelled");
    switch (step->kind) {
    case XAI__STEP_KERNEL:
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

    for (size_t i = from; i < to && status >= 0; i++)
        status = run_step(c, &c->run->plan->steps[i]);
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
