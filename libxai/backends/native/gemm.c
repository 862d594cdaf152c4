/* SPDX-License-Identifier: MIT
 * Rows times the transpose of [N][K] weights. Rows take the place of pixels, K that of the channels of one tap. */
#include "backends/native/pack.h"

static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    return desc->op == XAI__GEMM;
}

static void plan(xai__native_kernel *kernel)
{
    int64_t depth = xai__pack_depth(&kernel->desc);

    kernel->base.in_layout = kernel->base.out_layout = XAI__PLAIN;
    kernel->base.task_scratch = XAI__STRIDED_SCRATCH * sizeof(float);
    kernel->desc.out_w = 1;
    kernel->is_dot = true;
    xai__pack_rows_plan(kernel);
    xai__grid_plan(kernel, depth, (size_t)depth * XAI__BLOCK * sizeof(float));
}

/* The last block, of n_lanes columns: a tile would write beyond them, so it goes through scratch memory. */
static void run_tail(const xai__run *common, const xai__native_kernel *kernel, const xai__args *args, xai__spot spot,
                     int n_lanes, float *scratch)
{
    for (size_t first = 0; first < common->n_pixels; first += XAI__STRIDED_PIXELS) {
        xai__run run = *common;

        run.n_pixels = common->n_pixels - first < XAI__STRIDED_PIXELS ? common->n_pixels - first : XAI__STRIDED_PIXELS;
        run.in += (int64_t)first * run.in_pixel;
        xai__run_strided(&run, kernel, args, &spot, n_lanes, scratch);
        if (spot.direction == XAI__THROUGH)
            spot.image += XAI__STRIDED_PIXELS;
        else
            spot.y += XAI__STRIDED_PIXELS;
    }
}

/* Images of one row each are one run, as the rows of an image are: weights are read once for all of them. */
static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    const int32_t depth = kernel->desc.in_c, n_full = kernel->desc.out_c / XAI__BLOCK;
    const bool joined = part->n_images > 1;
    xai__spot spot = { part->image, part->first_block, part->window.y0, 0, joined ? XAI__THROUGH : XAI__DOWN };
    xai__run run = { .n_in = 1, .n_rows = 1, .n_cols = 1, .n_lanes = depth, .n_last_lanes = depth };

    run.in = args->in.data + (int64_t)part->image * args->in.image + part->window.y0 * args->in.row;
    run.in_pixel = xai__step(&args->in, spot.direction);
    run.w_out = (int64_t)depth * XAI__BLOCK;
    run.weights = (const float *)args->packed + part->first_block * run.w_out;
    run.n_pixels = joined ? part->n_images : (size_t)(part->window.y1 - part->window.y0);
    if (part->first_block < n_full) {
        xai__run full = run;

        full.n_out = (part->end_block < n_full ? part->end_block : n_full) - part->first_block;
        xai__run_place(&full, kernel, args, &spot);
        xai__run_compute(&full, kernel);
    }
    if (part->end_block > n_full) {
        run.weights = (const float *)args->packed + n_full * run.w_out;
        spot.block = n_full;
        run_tail(&run, kernel, args, spot, kernel->desc.out_c - n_full * XAI__BLOCK, scratch);
    }
}

const xai__method xai__method_gemm = { "gemm", takes, plan, run_part, .joins_images = true };
