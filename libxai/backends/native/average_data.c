/* SPDX-License-Identifier: MIT
 * The gradient of an average over a whole map: each pixel has its share of the one that there is. */
#include "backends/native/kernel.h"

static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    return desc->op == XAI__POOL_DATA && desc->pool == XAI__POOL_AVERAGE && desc->in_c == desc->out_c &&
           desc->in_h == 1 && desc->in_w == 1 && desc->kernel_h == desc->out_h && desc->kernel_w == desc->out_w &&
           desc->pad_top == 0 && desc->pad_left == 0 && desc->dilation_h == 1 && desc->dilation_w == 1;
}

static void plan(xai__native_kernel *kernel)
{
    kernel->op = XAI__LANE_AVERAGE;
    xai__grid_plan(kernel, 6, 0);
}

/* The average of one tap, which is the same for all pixels. */
static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    const xai__window *w = &part->window;
    const float *in = args->in.data + (int64_t)part->image * args->in.image + part->first_block * args->in.block;

    (void)scratch;
    for (int32_t y = w->y0; y < w->y1; y++) {
        const xai__spot spot = { part->image, part->first_block, y, w->x0, XAI__ACROSS };
        xai__run run = { .in = in,
                         .in_out = args->in.block,
                         .weights = in, /* there are none, but the pointer is moved along */
                         .n_in = 1,
                         .n_rows = 1,
                         .n_cols = 1,
                         .n_pixels = (size_t)(w->x1 - w->x0),
                         .n_out = part->end_block - part->first_block,
                         .divisor = (float)kernel->desc.out_h * (float)kernel->desc.out_w };

        xai__run_place(&run, kernel, args, &spot);
        xai__run_compute(&run, kernel);
    }
}

const xai__method xai__method_average_data = { "average-data", takes, plan, run_part };
