/* SPDX-License-Identifier: MIT
 * Elementwise chains, from either layout to either: with no stages, the conversion between them. */
#include "backends/native/kernel.h"

static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    return desc->op == XAI__MAP && desc->in_c == desc->out_c && desc->in_h == desc->out_h && desc->in_w == desc->out_w;
}

/* Twice blocked, pixels are copied where they lie; else they are turned in scratch memory, at several times the cost.
 */
static void plan(xai__native_kernel *kernel)
{
    const bool blocked = kernel->desc.in_layout == XAI__BLOCKED && kernel->desc.out_layout == XAI__BLOCKED;

    kernel->base.in_layout = kernel->desc.in_layout;
    kernel->base.out_layout = kernel->desc.out_layout;
    kernel->op = XAI__LANE_COPY;
    if (!blocked)
        kernel->base.task_scratch = (XAI__STRIDED_TILE + XAI__STRIDED_SCRATCH) * sizeof(float);
    kernel->rows = (xai__axis){ kernel->desc.in_h, kernel->desc.in_h, 1, 1, 1, 0 };
    kernel->cols = (xai__axis){ kernel->desc.in_w, kernel->desc.in_w, 1, 1, 1, 0 };
    xai__grid_plan(kernel, blocked ? 6 : 40, 0);
}

/* A few pixels of one block, of which input or output is plain. */
static void run_tile(const xai__native_kernel *kernel, const xai__args *args, const xai__spot *spot, size_t n_pixels,
                     float *scratch)
{
    const xai__view *in = &args->in;
    const bool plain = kernel->base.in_layout == XAI__PLAIN;
    const int64_t block = plain ? XAI__BLOCK * in->block : in->block;
    int32_t left = kernel->desc.in_c - spot->block * XAI__BLOCK;
    int n_lanes = left < XAI__BLOCK ? left : XAI__BLOCK;
    xai__run run = { .n_in = 1, .n_rows = 1, .n_cols = 1, .n_out = 1, .n_pixels = n_pixels, .weights = in->data };

    run.in = in->data + (int64_t)spot->image * in->image + spot->block * block + spot->y * in->row +
             spot->x * in->pixel;
    run.in_pixel = in->pixel;
    if (plain) {
        xai__gather(scratch, run.in, in->pixel, in->block, n_pixels, n_lanes);
        run.in = scratch;
        run.in_pixel = XAI__BLOCK;
    }
    if (kernel->base.out_layout == XAI__PLAIN) {
        xai__run_strided(&run, kernel, args, spot, n_lanes, scratch + XAI__STRIDED_TILE);
    } else {
        xai__run_place(&run, kernel, args, spot);
        xai__run_compute(&run, kernel);
    }
}

/* Block by block, for a plain map holds one channel after the other. */
static void run_block(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, int32_t block,
                      float *scratch)
{
    const xai__window *w = &part->window;
    xai__spot spot = { part->image, block, 0, 0, XAI__ACROSS };

    for (spot.y = w->y0; spot.y < w->y1; spot.y++)
        for (spot.x = w->x0; spot.x < w->x1; spot.x += XAI__STRIDED_PIXELS) {
            int32_t n = w->x1 - spot.x;

            run_tile(kernel, args, &spot, (size_t)(n < XAI__STRIDED_PIXELS ? n : XAI__STRIDED_PIXELS), scratch);
        }
}

static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    if (kernel->base.task_scratch > 0) {
        for (int32_t block = part->first_block; block < part->end_block; block++)
            run_block(kernel, args, part, block, scratch);
        return;
    }
    const xai__sweep sweep = {
        .kernel = kernel,
        .args = args,
        .in = args->in.data + (int64_t)part->image * args->in.image + part->first_block * args->in.block,
        .in_row = args->in.row,
        .in_pixel = args->in.pixel,
        /* There are no weights to read, but their pointer is moved along, which NULL may not be. */
        .run = { .n_in = 1, .in_out = args->in.block, .weights = args->in.data },
    };
    xai__sweep_part(&sweep, part);
}

const xai__method xai__method_map = { "map", takes, plan, run_part };
