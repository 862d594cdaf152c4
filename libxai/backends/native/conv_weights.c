/* SPDX-License-Identifier: MIT
 * The gradient of a convolution with respect to its weights: dw[o][c][ky][kx], the sum over the outputs (y, x) of
 * dy[o][y][x] times the input that lies under the tap. Each image has its own. A task has one or two blocks of output
 * channels and some input channels; it sums over all pixels, so that no sum is shared among threads. */
#include "backends/native/kernel.h"

#include <string.h>

/* Input channels of a task: few enough for the second-level cache, in scratch memory where they need edges. */
enum { MOST_CHANNELS = 48, MOST_FLOATS = 1 << 16 };

/* The kernel's desc has dy as its input and x as its output, as that of the gradient with respect to x. */
static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    (void)level;
    return desc->op == XAI__CONV_WEIGHTS && desc->n_stages == 0 &&
           (desc->groups == 1 || xai__group_inputs(desc) % XAI__BLOCK == 0);
}

/* --- the inputs --- */

/* Columns from the first that a tap reads to the last; padding counts as columns of zeros. */
static int32_t n_columns_read(const xai__op_desc *desc)
{
    return (desc->in_w - 1) * desc->stride_w + (desc->kernel_w - 1) * desc->dilation_w + 1;
}

/* Where a tap reads beside the map, rows are copied between zeros. */
static bool needs_edges(const xai__op_desc *desc)
{
    return desc->pad_left > 0 || n_columns_read(desc) > desc->out_w;
}

static int32_t copied_width(const xai__op_desc *desc)
{
    const int32_t read = n_columns_read(desc), own = desc->pad_left + desc->out_w;

    return read > own ? read : own;
}

static int32_t task_channels(const xai__op_desc *desc)
{
    const int64_t plane = (int64_t)desc->out_h * (needs_edges(desc) ? copied_width(desc) : desc->out_w);
    const int64_t n = MOST_FLOATS / plane;
    const int32_t group = xai__group_outputs(desc), most = n < 1 ? 1 : n < MOST_CHANNELS ? (int32_t)n : MOST_CHANNELS;

    return most < group ? most : group;
}

/* --- the plan --- */

static size_t n_shifts(const xai__op_desc *desc)
{
    return (size_t)task_channels(desc) * (size_t)desc->kernel_w;
}

static void plan(xai__native_kernel *kernel)
{
    const xai__op_desc *desc = &kernel->desc;
    const int32_t most_blocks = kernel->level->correlations->n_blocks;
    size_t size = n_shifts(desc) * (sizeof(int64_t) + (size_t)most_blocks * XAI__BLOCK * sizeof(float));

    kernel->base.out_layout = XAI__PLAIN;
    if (needs_edges(desc))
        size += (size_t)task_channels(desc) * (size_t)desc->out_h * (size_t)copied_width(desc) * sizeof(float);
    kernel->base.task_scratch = size;
}

/* --- tasks --- */

/* What one task computes. */
typedef struct job {
    const xai__native_kernel *kernel;
    const xai__args *args;
    size_t image;
    int32_t group, first_block, n_blocks, first_channel, n_channels; /* the latter within the group */
    int64_t *shifts;
    float *sums, *copy;
    const float *x; /* the first channel's column 0 of the padded map */
    int64_t plane;  /* floats from channel to channel, and from row to row */
    int32_t width;
} job;

static int32_t blocks_of_group(const xai__op_desc *desc)
{
    return xai__blocks_of(xai__group_inputs(desc));
}

static size_t divide_up(int32_t n, int32_t by)
{
    return ((size_t)n + (size_t)by - 1) / (size_t)by;
}

static size_t n_tasks(const xai__native_kernel *kernel, const xai__args *args)
{
    const xai__op_desc *desc = &kernel->desc;

    return args->n_images * desc->groups * divide_up(blocks_of_group(desc), kernel->level->correlations->n_blocks) *
           divide_up(xai__group_outputs(desc), task_channels(desc));
}

/* Image by image, group by group, blocks by blocks; the innermost is a run of input channels. */
static job find_job(const xai__native_kernel *kernel, const xai__args *args, size_t index)
{
    const xai__op_desc *desc = &kernel->desc;
    const int32_t most = kernel->level->correlations->n_blocks, n_channels = task_channels(desc);
    const size_t runs = divide_up(xai__group_outputs(desc), n_channels), pairs = divide_up(blocks_of_group(desc), most);
    job j = { .kernel = kernel, .args = args };

    j.first_channel = (int32_t)(index % runs) * n_channels;
    j.first_block = (int32_t)(index / runs % pairs) * most;
    j.group = (int32_t)(index / runs / pairs % desc->groups);
    j.image = index / runs / pairs / desc->groups;
    j.n_blocks = blocks_of_group(desc) - j.first_block;
    j.n_blocks = j.n_blocks < most ? j.n_blocks : most;
    j.n_channels = xai__group_outputs(desc) - j.first_channel;
    j.n_channels = j.n_channels < n_channels ? j.n_channels : n_channels;
    return j;
}

/* The channels as they lie, or row by row between zeros. x is PLAIN and dense, whatever the view says of its rows. */
static void take_inputs(job *j)
{
    const xai__op_desc *desc = &j->kernel->desc;
    const xai__view *x = &j->args->operands[0];
    const int64_t own = (int64_t)desc->out_h * desc->out_w, channel = j->group * xai__group_outputs(desc);
    const float *from = x->data + (int64_t)j->image * x->image + (channel + j->first_channel) * own;

    j->width = desc->out_w;
    j->plane = own;
    j->x = from;
    if (!needs_edges(desc))
        return;
    j->width = copied_width(desc);
    j->plane = (int64_t)desc->out_h * j->width;
    j->x = j->copy;
    memset(j->copy, 0, (size_t)(j->n_channels * j->plane) * sizeof *j->copy);
    for (int64_t row = 0; row < (int64_t)j->n_channels * desc->out_h; row++)
        memcpy(j->copy + row * j->width + desc->pad_left, from + row * desc->out_w,
               (size_t)desc->out_w * sizeof *j->copy);
}

int32_t xai__rows_under(int32_t *end, const xai__op_desc *desc, int32_t ky)
{
    const int64_t above = (int64_t)desc->pad_top - (int64_t)ky * desc->dilation_h, below = desc->out_h - 1 + above;
    const int64_t first = above > 0 ? (above + desc->stride_h - 1) / desc->stride_h : 0,
                  behind = below < 0 ? 0 : below / desc->stride_h + 1;

    *end = behind < desc->in_h ? (int32_t)behind : desc->in_h;
    return first < *end ? (int32_t)first : *end;
}

/* Sums of one row of taps go where the weights lie: lane, channel and column are o, c and kx. */
static void write_row(const job *j, int32_t ky)
{
    const xai__op_desc *desc = &j->kernel->desc;
    const int64_t n_in = xai__group_inputs(desc), n_out = xai__group_outputs(desc),
                  n_taps = (int64_t)desc->kernel_h * desc->kernel_w, n = (int64_t)j->n_channels * desc->kernel_w;
    float *out = j->args->out.data + (int64_t)j->image * j->args->out.image;

    for (int64_t lane = 0; lane < (int64_t)j->n_blocks * XAI__BLOCK; lane++) {
        const int64_t o = (int64_t)j->first_block * XAI__BLOCK + lane;
        const float *sums = j->sums + lane / XAI__BLOCK * n * XAI__BLOCK + lane % XAI__BLOCK;
        float *to = out + ((j->group * n_in + o) * n_out + j->first_channel) * n_taps + (int64_t)ky * desc->kernel_w;

        for (int32_t c = 0; c < j->n_channels && o < n_in; c++, to += n_taps)
            for (int32_t kx = 0; kx < desc->kernel_w; kx++, sums += XAI__BLOCK)
                to[kx] = *sums;
    }
}

static void task(const xai__native_kernel *kernel, const xai__args *args, size_t index, float *scratch)
{
    const xai__op_desc *desc = &kernel->desc;
    job j = find_job(kernel, args, index);
    const int64_t block = (int64_t)j.group * blocks_of_group(desc) + j.first_block;
    const float *dy = args->in.data + (int64_t)j.image * args->in.image + block * args->in.block;

    j.shifts = (int64_t *)(void *)scratch;
    j.sums = (float *)(j.shifts + n_shifts(desc));
    j.copy = j.sums + n_shifts(desc) * (size_t)kernel->level->correlations->n_blocks * XAI__BLOCK;
    take_inputs(&j);
    for (int32_t i = 0; i < j.n_channels * desc->kernel_w; i++)
        j.shifts[i] = i / desc->kernel_w * j.plane + (int64_t)(i % desc->kernel_w) * desc->dilation_w;
    for (int32_t ky = 0; ky < desc->kernel_h; ky++) {
        int32_t end, first = xai__rows_under(&end, desc, ky);
        const int64_t row = (int64_t)first * desc->stride_h - desc->pad_top + (int64_t)ky * desc->dilation_h;

        kernel->level->correlations->correlate(&(xai__correlation){ .dy = dy + first * args->in.row,
                                                                    .dy_row = args->in.row,
                                                                    .dy_block = args->in.block,
                                                                    .x = j.x + (end > first ? row * j.width : 0),
                                                                    .x_row = (int64_t)desc->stride_h * j.width,
                                                                    .x_column = desc->stride_w,
                                                                    .shifts = j.shifts,
                                                                    .n_shifts = j.n_channels * desc->kernel_w,
                                                                    .n_rows = end - first,
                                                                    .n_columns = desc->in_w,
                                                                    .sums = j.sums },
                                               j.n_blocks);
        write_row(&j, ky);
    }
}

const xai__method xai__method_conv_weights = { "conv-weights", takes, plan, .n_tasks = n_tasks, .task = task };
