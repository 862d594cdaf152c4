/* SPDX-License-Identifier: MIT
 * The gradient of a maximum over windows. A row of dx is summed up in scratch memory, from all windows that it lies in;
 * so no two tasks write the same pixel, and the order of a pixel's sum is that of its windows. */
#include "backends/native/kernel.h"

#include <string.h>

/* Numbers of taps are floats. */
enum { MAX_TAPS = 1 << 20 };

static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    return desc->op == XAI__POOL_DATA && desc->pool == XAI__POOL_MAX && desc->in_c == desc->out_c &&
           (int64_t)desc->kernel_h * desc->kernel_w <= MAX_TAPS;
}

static void plan(xai__native_kernel *kernel)
{
    const xai__op_desc *desc = &kernel->desc;
    int64_t a_window = 3 * (int64_t)desc->kernel_h * desc->kernel_w + 4 * desc->kernel_w;
    int64_t windows = 1 + desc->kernel_h / ((int64_t)desc->stride_h * desc->stride_w);

    kernel->op = XAI__LANE_COPY;
    kernel->base.task_scratch = (size_t)desc->out_w * XAI__BLOCK * sizeof(float);
    xai__grid_plan(kernel, a_window * windows + 6, 0);
}

/* That of the pool, from its input to its output. */
static xai__axis forward_axis(const xai__axis *axis)
{
    xai__axis forward = *axis;

    forward.in = axis->out;
    forward.out = axis->in;
    return forward;
}

/* Adds what windows [first, end) of row oy send to row y, which lies under their row of taps `tap`. */
static void add_windows(const xai__native_kernel *kernel, const xai__args *args, xai__peaks *p, const xai__span *rows,
                        int32_t tap, int32_t first, int32_t end, float *scratch)
{
    const xai__axis ya = forward_axis(&kernel->rows), xa = forward_axis(&kernel->cols);
    const float *x = p->x + ((int64_t)rows->first * ya.stride - ya.pad + (int64_t)rows->tap * ya.dilation) *
                                args->operands[0].row;
    const float *dy = p->dy + rows->first * args->in.row;

    for (xai__span cols; first < end; first = cols.end) {
        int64_t column;
        xai__peaks line = *p;

        cols = xai__axis_span(&xa, first, end);
        if (cols.tap == cols.tap_end)
            continue;
        column = (int64_t)first * xa.stride - xa.pad + (int64_t)cols.tap * xa.dilation;
        line.x = x + column * args->operands[0].pixel;
        line.dy = dy + first * args->in.pixel;
        line.row = scratch + column * XAI__BLOCK;
        line.tap_row = tap - rows->tap;
        line.n_rows = rows->tap_end - rows->tap;
        line.n_cols = cols.tap_end - cols.tap;
        line.n_windows = cols.end - first;
        kernel->level->peaks(&line);
    }
}

/* Sums up row y of dx, from column x0 to x1. */
static void sum_row(const xai__native_kernel *kernel, const xai__args *args, xai__peaks *p, int32_t y,
                    const xai__window *window, float *scratch)
{
    const xai__axis ya = forward_axis(&kernel->rows), xa = forward_axis(&kernel->cols);
    int32_t first = y, end = y + 1, left = window->x0, right = window->x1;

    memset(scratch, 0, (size_t)xa.in * XAI__BLOCK * sizeof *scratch);
    xai__axis_reach(&ya, 1, &first, &end);
    xai__axis_reach(&xa, 1, &left, &right);
    for (int32_t oy = first; oy < end; oy++) {
        int64_t from = (int64_t)y + ya.pad - (int64_t)oy * ya.stride;
        xai__span rows = xai__axis_span(&ya, oy, oy + 1);

        if (from % ya.dilation == 0)
            add_windows(kernel, args, p, &rows, (int32_t)(from / ya.dilation), left, right, scratch);
    }
}

/* The row through the epilogue. */
static void finish_row(const xai__native_kernel *kernel, const xai__args *args, const xai__spot *spot, int32_t end,
                       const float *scratch)
{
    xai__run run = { .in = scratch + (int64_t)spot->x * XAI__BLOCK,
                     .in_pixel = XAI__BLOCK,
                     .weights = scratch, /* there are none, but the pointer is moved along */
                     .n_in = 1,
                     .n_rows = 1,
                     .n_cols = 1,
                     .n_pixels = (size_t)(end - spot->x),
                     .n_out = 1 };

    xai__run_place(&run, kernel, args, spot);
    xai__run_compute(&run, kernel);
}

static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    const xai__window *w = &part->window;
    xai__peaks p = { .x_row = args->operands[0].row * kernel->rows.dilation,
                     .x_col = args->operands[0].pixel * kernel->cols.dilation,
                     .x_window = args->operands[0].pixel * kernel->cols.stride,
                     .dy_window = args->in.pixel,
                     .row_col = XAI__BLOCK * kernel->cols.dilation,
                     .row_window = XAI__BLOCK * kernel->cols.stride };

    for (int32_t block = part->first_block; block < part->end_block; block++) {
        p.x = args->operands[0].data + (int64_t)part->image * args->operands[0].image + block * args->operands[0].block;
        p.dy = args->in.data + (int64_t)part->image * args->in.image + block * args->in.block;
        for (int32_t y = w->y0; y < w->y1; y++) {
            const xai__spot spot = { part->image, block, y, w->x0, XAI__ACROSS };

            sum_row(kernel, args, &p, y, w, scratch);
            finish_row(kernel, args, &spot, w->x1, scratch);
        }
    }
}

const xai__method xai__method_pool_data = { "pool-data", takes, plan, run_part };
