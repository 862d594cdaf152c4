/* SPDX-License-Identifier: MIT
 * The first convolution: a plain picture of few channels. A row of taps lies side by side, as lanes elsewhere do. */
#include "backends/native/pack.h"

/* With more, converting the input once is cheaper than summing tap by tap. */
enum { MAX_CHANNELS = 8 };

static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    return desc->op == XAI__CONV && desc->in_layout == XAI__PLAIN && desc->groups == 1 && desc->in_c <= MAX_CHANNELS &&
           desc->dilation_w == 1;
}

static void plan(xai__native_kernel *kernel)
{
    int64_t depth = xai__pack_depth(&kernel->desc);

    kernel->base.in_layout = XAI__PLAIN;
    kernel->is_dot = true;
    kernel->cols_are_lanes = true;
    xai__pack_rows_plan(kernel);
    xai__grid_plan(kernel, depth, (size_t)depth * XAI__BLOCK * sizeof(float));
}

static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    const xai__op_desc *desc = &kernel->desc;
    xai__sweep sweep = {
        .kernel = kernel,
        .args = args,
        .in = args->in.data + (int64_t)part->image * args->in.image,
        .in_row = args->in.row,
        .in_pixel = 1,
    };
    xai__run *run = &sweep.run;

    (void)scratch;
    run->in_block = args->in.block;
    run->w_col = XAI__BLOCK;
    run->w_row = desc->kernel_w * run->w_col;
    run->w_block = desc->kernel_h * run->w_row;
    run->w_out = desc->in_c * run->w_block;
    run->weights = (const float *)args->packed + part->first_block * run->w_out;
    run->n_in = desc->in_c;
    xai__sweep_part(&sweep, part);
}

const xai__method xai__method_conv_stem = { "conv-stem", takes, plan, run_part };
