/* SPDX-License-Identifier: MIT
 * Convolutions in which an output lane has inputs of its own: depthwise ones, and all whose groups are not whole
 * blocks. The latter find their inputs gathered, lane under lane, in scratch memory. */
#include "backends/native/pack.h"

/* Asked last: what conv-direct has left over. */
static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    return desc->op == XAI__CONV;
}

static void plan(xai__native_kernel *kernel)
{
    const xai__op_desc *desc = &kernel->desc;
    const xai__axis *rows = &kernel->rows;

    kernel->op = XAI__LANE_FMA;
    xai__pack_rows_plan(kernel);
    xai__grid_plan(kernel, 2 * xai__pack_depth(desc) + 6, 0);
    if (!xai__is_depthwise(desc)) {
        int64_t n_out = kernel->task_rows < desc->out_h ? kernel->task_rows : desc->out_h;
        int64_t n_rows = (n_out - 1) * rows->stride + (int64_t)(rows->kernel - 1) * rows->dilation + 1;
        size_t n = (size_t)(n_rows < desc->in_h ? n_rows : desc->in_h);

        kernel->base.task_scratch = (size_t)xai__group_inputs(desc) * n * (size_t)desc->in_w * XAI__BLOCK *
                                    sizeof(float);
    }
}

/* Where every lane of an output block finds its input i in a pixel; -1 beyond C. */
static void find_inputs(int64_t offsets[XAI__BLOCK], const xai__op_desc *desc, const xai__view *in, int32_t block,
                        int32_t i)
{
    const int32_t n_inputs = xai__group_inputs(desc), n_outputs = xai__group_outputs(desc);

    for (int lane = 0; lane < XAI__BLOCK; lane++) {
        int32_t channel = block * XAI__BLOCK + lane;
        int32_t source = channel / n_outputs * n_inputs + i;

        offsets[lane] = channel < desc->out_c ? source / XAI__BLOCK * in->block + source % XAI__BLOCK : -1;
    }
}

/* Input i of every lane of an output block, rows [first, first + n). */
static void gather_input(float *out, const xai__op_desc *desc, const xai__view *in, const float *image, int32_t block,
                         int32_t i, int32_t first, int32_t n)
{
    int64_t offsets[XAI__BLOCK];

    find_inputs(offsets, desc, in, block, i);
    for (int32_t y = first; y < first + n; y++) {
        const float *pixel = image + y * in->row;

        for (int32_t x = 0; x < desc->in_w; x++, pixel += in->pixel, out += XAI__BLOCK)
            for (int lane = 0; lane < XAI__BLOCK; lane++)
                out[lane] = offsets[lane] >= 0 ? pixel[offsets[lane]] : 0.0f;
    }
}

/* Only the rows that this part reads are gathered, a block of outputs at a time. */
static void sweep_gathered(xai__sweep *sweep, const xai__part *part, const float *image, float *scratch)
{
    const xai__native_kernel *kernel = sweep->kernel;
    const xai__op_desc *desc = &kernel->desc;
    const int32_t n_inputs = xai__group_inputs(desc);
    xai__part one = *part;
    int32_t first = part->window.y0, end = part->window.y1, n;

    xai__axis_needs(&kernel->rows, &first, &end);
    n = end - first;
    sweep->in_pixel = XAI__BLOCK;
    sweep->in_row = (int64_t)desc->in_w * XAI__BLOCK;
    sweep->in = scratch;
    sweep->in_first_row = first;
    sweep->run.in_block = n * sweep->in_row;
    for (; one.first_block < part->end_block; one.first_block++, sweep->run.weights += sweep->run.w_out) {
        one.end_block = one.first_block + 1;
        for (int32_t i = 0; i < n_inputs; i++)
            gather_input(scratch + i * sweep->run.in_block, desc, &sweep->args->in, image, one.first_block, i, first,
                         n);
        xai__sweep_part(sweep, &one);
    }
}

/* Every output has a tap inside the map. */
static bool sees_map(const xai__axis *axis)
{
    return axis->pad < axis->kernel && (int64_t)(axis->out - 1) * axis->stride - axis->pad < axis->in;
}

/* The code for most shapes; NULL: none. */
static xai__slide_fn *find_slide(const xai__native_kernel *kernel)
{
    const xai__axis *rows = &kernel->rows, *cols = &kernel->cols;

    if (rows->dilation != 1 || cols->dilation != 1 || (cols->kernel != 3 && cols->kernel != 5) || cols->stride > 2 ||
        !sees_map(rows) || !sees_map(cols))
        return NULL;
    return kernel->level->slide->runs[cols->kernel == 5][cols->stride == 2];
}

/* As common, a block at a time. */
static void slide_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part,
                       const xai__run *common, xai__slide_fn *slide)
{
    xai__spot spot = { part->image, part->first_block, part->window.y0, part->window.x0, XAI__ACROSS };
    xai__run run = *common;

    run.in_row = args->in.row;
    run.n_pixels = (size_t)(part->window.x1 - part->window.x0);
    for (; spot.block < part->end_block; spot.block++, run.in += args->in.block, run.weights += run.w_out) {
        xai__run_place_rows(&run, kernel, args, &spot);
        slide(&run, &kernel->rows, &kernel->cols, &part->window);
    }
}

static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    const xai__op_desc *desc = &kernel->desc;
    const float *image = args->in.data + (int64_t)part->image * args->in.image;
    xai__sweep sweep = {
        .kernel = kernel,
        .args = args,
        .in = image + part->first_block * args->in.block,
        .in_row = args->in.row,
        .in_pixel = args->in.pixel,
    };
    xai__run *run = &sweep.run;
    xai__slide_fn *slide = find_slide(kernel);

    run->in_out = args->in.block;
    run->n_in = xai__group_inputs(desc);
    run->w_col = XAI__BLOCK;
    run->w_row = desc->kernel_w * run->w_col;
    run->w_block = desc->kernel_h * run->w_row;
    run->w_out = run->n_in * run->w_block;
    run->weights = (const float *)args->packed + part->first_block * run->w_out;
    if (!xai__is_depthwise(desc)) {
        sweep_gathered(&sweep, part, image, scratch);
    } else if (slide != NULL) {
        run->in = sweep.in;
        slide_part(kernel, args, part, run, slide);
    } else {
        xai__sweep_part(&sweep, part);
    }
}

const xai__method xai__method_depthwise = { "depthwise", takes, plan, run_part };
