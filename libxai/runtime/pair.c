/* SPDX-License-Identifier: MIT
 * Two steps that run together: a convolution and the depthwise one that reads it. The depthwise one does so little with
 * a value that its time is that of fetching it from memory, unless it is still in the cache. */
#include "runtime/pair.h"

/* What is kept of the value between the two: half of a second-level cache of 1 MiB, beside what they read and write;
 * values that are no larger are kept anyway. Two blocks of channels are what register tiles like. */
enum { KEPT_BYTES = 448 << 10, GROUP_BLOCKS = 2 };

/* --- which --- */

static const xai__value *output_of(const xai__plan *plan, const xai__step *step)
{
    return &plan->graph->values[plan->places[step->out].value];
}

static bool lies_in(const xai__plan *plan, int32_t place, size_t buffer)
{
    return place >= 0 && plan->places[place].buffer == buffer;
}

/* True if a step reads or writes the buffer beside its main input and output. */
static bool has_beside(const xai__plan *plan, const xai__step *step, size_t buffer)
{
    bool found = false;

    for (size_t i = 0; i < XAI__MAX_STAGES; i++)
        found |= lies_in(plan, step->operands[i], buffer);
    for (size_t i = 0; i <= XAI__MAX_STAGES; i++)
        found |= lies_in(plan, step->stores[i], buffer);
    return found;
}

/* Kernels with shared scratch prepare it in whole passes, which a part has no use for. */
static bool takes_parts(const xai__step *step)
{
    return step->kind == XAI__STEP_KERNEL && step->kernel->takes_parts && step->scratch_buffer < 0 &&
           step->kernel->out_layout == XAI__BLOCKED;
}

/* The value between must be nobody else's: born in the first step, last read in the second, no tap, no operand; and too
 * large to stay in the cache by itself. A seed between the two would run the second again without the first. */
static bool can_pair(const xai__plan *plan, size_t index)
{
    const xai__step *first = &plan->steps[index], *second = first + 1;
    const xai__buffer *between;
    size_t buffer;

    if (index + 1 >= plan->n_steps || index + 1 == plan->n_early || !takes_parts(first) || !takes_parts(second) ||
        second->in != first->out || !second->kernel->keeps_blocks)
        return false;
    buffer = plan->places[first->out].buffer;
    between = &plan->buffers[buffer];
    return output_of(plan, first)->size * sizeof(float) > KEPT_BYTES && between->first == index &&
           between->last == index + 1 && !has_beside(plan, first, buffer) && !has_beside(plan, second, buffer);
}

/* --- how --- */

/* The inputs that these rows of the second step's output need: whole rows, so that all parts lie alike in scratch. */
static xai__window needs_of(const xai__step *second, xai__window rows, int32_t width)
{
    xai__window in = xai__kernel_needs(second->kernel, rows);

    return (xai__window){ in.y0, in.y1, 0, width };
}

static xai__window rows_at(const xai__plan *plan, const xai__step *second, int32_t first, int32_t n)
{
    const int64_t *shape = output_of(plan, second)->shape;
    int32_t height = (int32_t)shape[2];

    return (xai__window){ first, first + n < height ? first + n : height, 0, (int32_t)shape[3] };
}

/* Rows of the value between that the neediest band of n_rows outputs reads. */
static int32_t most_kept(const xai__plan *plan, const xai__step *second, int32_t n_rows)
{
    int32_t height = (int32_t)output_of(plan, second)->shape[2], most = 1;

    for (int32_t y = 0; y < height; y += n_rows) {
        xai__window in = needs_of(second, rows_at(plan, second, y, n_rows), 1);

        most = in.y1 - in.y0 > most ? in.y1 - in.y0 : most;
    }
    return most;
}

static int32_t n_groups(const xai__plan *plan, const xai__step *step, int32_t n_blocks)
{
    int32_t blocks = (int32_t)((output_of(plan, step)->shape[1] + XAI__BLOCK - 1) / XAI__BLOCK);

    return (blocks + n_blocks - 1) / n_blocks;
}

/* As few cuts across the rows as the cache allows: what rows on both sides of one need is computed twice. Two threads
 * share few groups better if each is cut. */
static xai__pair plan_pair(const xai__plan *plan, const xai__step *first)
{
    const xai__step *second = first + 1;
    const int32_t height = (int32_t)output_of(plan, second)->shape[2], groups = n_groups(plan, second, GROUP_BLOCKS);
    const size_t row = (size_t)output_of(plan, first)->shape[3] * XAI__BLOCK * GROUP_BLOCKS * sizeof(float);

    for (int32_t n = groups % 2 != 0 && groups < 8 && height >= 16 ? 2 : 1; n <= height; n++) {
        int32_t n_rows = (height + n - 1) / n, kept = most_kept(plan, second, n_rows);

        if ((size_t)kept * row <= KEPT_BYTES)
            return (xai__pair){ GROUP_BLOCKS, n_rows, kept, (size_t)kept * row };
    }
    return (xai__pair){ 0 };
}

/* The second step writes while the first still reads. What passes between them needs no memory of its own. */
static void live_together(xai__plan *plan, size_t index)
{
    plan->buffers[plan->places[plan->steps[index].out].buffer].in_scratch = true;
    for (size_t i = 0; i < plan->n_buffers; i++) {
        xai__buffer *buffer = &plan->buffers[i];

        if (buffer->last == index)
            buffer->last = index + 1;
        if (buffer->first == index + 1)
            buffer->first = index;
    }
}

void xai__pairs_find(xai__plan *plan)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (!can_pair(plan, i))
            continue;
        plan->steps[i].pair = plan_pair(plan, &plan->steps[i]);
        if (plan->steps[i].pair.n_rows > 0)
            live_together(plan, i++);
    }
}

size_t xai__step_scratch(const xai__plan *plan, size_t index)
{
    const xai__step *step = &plan->steps[index];
    size_t own = step->kernel != NULL ? step->kernel->task_scratch : 0, next;

    if (step->pair.n_rows == 0)
        return own;
    next = step[1].kernel->task_scratch;
    return step->pair.bytes + (own > next ? own : next);
}

/* --- running --- */

typedef struct pair_job {
    const xai__plan *plan;
    const xai__step *first;
    const xai__call *calls;
    unsigned char *scratch;
    size_t n_bands;
} pair_job;

/* Where the whole value would begin, were all of it there; only the part is touched. */
static xai__view view_kept(const xai__pair *pair, const xai__part *part, float *kept)
{
    xai__view view = { kept, 0, 0, (int64_t)part->window.x1 * XAI__BLOCK, XAI__BLOCK };

    view.block = pair->kept_rows * view.row;
    view.data -= part->first_block * view.block + part->window.y0 * view.row;
    return view;
}

/* Groups are the outermost, so that a thread keeps their weights in its cache. */
static void run_part(void *data, size_t index, size_t lane)
{
    const pair_job *job = data;
    const xai__step *first = job->first, *second = first + 1;
    const size_t n_images = job->calls[0].args.n_images, group = index / (n_images * job->n_bands);
    const int32_t n_blocks = n_groups(job->plan, second, 1), width = (int32_t)output_of(job->plan, first)->shape[3];
    unsigned char *scratch = job->scratch + lane * job->plan->task_scratch;
    xai__args writes = job->calls[0].args, reads = job->calls[1].args;
    xai__part part = { index / job->n_bands % n_images, 1, { 0 }, (int32_t)group * first->pair.n_blocks, 0 };
    xai__part before;

    part.end_block = part.first_block + first->pair.n_blocks;
    part.end_block = part.end_block < n_blocks ? part.end_block : n_blocks;
    part.window = rows_at(job->plan, second, (int32_t)(index % job->n_bands) * first->pair.n_rows, first->pair.n_rows);
    before = part;
    before.window = needs_of(second, part.window, width);
    writes.out = reads.in = view_kept(&first->pair, &before, (float *)scratch);
    scratch += first->pair.bytes;
    xai__kernel_part(first->kernel, &writes, &before, scratch);
    xai__kernel_part(second->kernel, &reads, &part, scratch);
}

void xai__pair_run(const xai__step *first, const xai__call calls[2], const xai__plan *plan, xai__team *team,
                   void *scratch)
{
    const int32_t height = (int32_t)output_of(plan, first + 1)->shape[2];
    pair_job job = { plan, first, calls, scratch, 0 };

    job.n_bands = (size_t)((height + first->pair.n_rows - 1) / first->pair.n_rows);
    xai__team_run(team, (size_t)n_groups(plan, first + 1, first->pair.n_blocks) * calls[0].args.n_images * job.n_bands,
                  run_part, &job);
}
