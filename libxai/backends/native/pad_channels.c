/* SPDX-License-Identifier: MIT
 * Channels of zeros before and behind those of a blocked map, as the shortcuts of CIFAR's ResNets have them. */
#include "backends/native/kernel.h"

#include <string.h>

static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    return desc->op == XAI__PAD_CHANNELS && desc->first_channel >= 0 &&
           desc->first_channel <= desc->out_c - desc->in_c && desc->in_h == desc->out_h && desc->in_w == desc->out_w;
}

static void plan(xai__native_kernel *kernel)
{
    kernel->op = XAI__LANE_COPY; /* what carries pixels through the epilogue */
    kernel->base.task_scratch = (size_t)kernel->desc.out_w * XAI__BLOCK * sizeof(float);
    xai__grid_plan(kernel, 20, 0);
}

/* Some lanes of every pixel, in steps that the compiler knows. */
static void copy_lanes(float *out, const float *in, int32_t n_pixels, int32_t n_lanes)
{
    for (int32_t q = 0; q < n_pixels; q++, out += XAI__BLOCK, in += XAI__BLOCK) {
        int32_t i = 0;

        for (; i + 4 <= n_lanes; i += 4)
            memcpy(out + i, in + i, 4 * sizeof *out);
        for (; i < n_lanes; i++)
            out[i] = in[i];
    }
}

/* n pixels of one block of outputs. Its lanes come from two blocks of inputs where the padding is no whole block. */
static void shift_row(float *out, const xai__op_desc *desc, const xai__view *in, const float *row, int32_t block,
                      int32_t n)
{
    const int32_t channel = block * XAI__BLOCK - desc->first_channel; /* of the input, that lane 0 is */
    int32_t lane = channel < 0 ? -channel : 0;
    const int32_t end = desc->in_c - channel < XAI__BLOCK ? desc->in_c - channel : XAI__BLOCK;

    memset(out, 0, (size_t)n * XAI__BLOCK * sizeof *out);
    while (lane < end) {
        const int32_t from = (channel + lane) % XAI__BLOCK, left = XAI__BLOCK - from;
        const int32_t n_lanes = end - lane < left ? end - lane : left;

        copy_lanes(out + lane, row + (channel + lane) / XAI__BLOCK * in->block + from, n, n_lanes);
        lane += n_lanes;
    }
}

static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    const xai__window *w = &part->window;
    const float *in = args->in.data + (int64_t)part->image * args->in.image + w->x0 * args->in.pixel;
    const int32_t width = w->x1 - w->x0;

    for (int32_t block = part->first_block; block < part->end_block; block++)
        for (int32_t y = w->y0; y < w->y1; y++) {
            const xai__spot spot = { part->image, block, y, w->x0, XAI__ACROSS };
            xai__run run = { .in = scratch,
                             .in_pixel = XAI__BLOCK,
                             .weights = scratch, /* there are none, but the pointer is moved along */
                             .n_in = 1,
                             .n_rows = 1,
                             .n_cols = 1,
                             .n_out = 1,
                             .n_pixels = (size_t)width };

            shift_row(scratch, &kernel->desc, &args->in, in + y * args->in.row, block, width);
            xai__run_place(&run, kernel, args, &spot);
            xai__run_compute(&run, kernel);
        }
}

const xai__method xai__method_pad_channels = { "pad-channels", takes, plan, run_part };
