/* SPDX-License-Identifier: MIT
 * Convolution of blocked maps: any kernel, stride, dilation and padding; groups that consist of whole blocks. */
#include "backends/native/pack.h"

static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    return desc->op == XAI__CONV && xai__groups_are_blocks(desc);
}

static void plan(xai__native_kernel *kernel)
{
    int64_t depth = xai__pack_depth(&kernel->desc);

    kernel->is_dot = true;
    xai__pack_blocks_plan(kernel);
    xai__grid_plan(kernel, depth, (size_t)depth * XAI__BLOCK * sizeof(float));
}

/* part lies in one group of channels. */
static void sweep_group(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, int32_t group)
{
    const xai__op_desc *desc = &kernel->desc;
    const int32_t n_inputs = xai__group_inputs(desc), n_in = xai__blocks_of(n_inputs);
    const int64_t tap_size = XAI__BLOCK * XAI__BLOCK;
    xai__sweep sweep = {
        .kernel = kernel,
        .args = args,
        .in = args->in.data + (int64_t)part->image * args->in.image + (int64_t)group * n_in * args->in.block,
        .in_row = args->in.row,
        .in_pixel = args->in.pixel,
    };
    xai__run *run = &sweep.run;

    run->in_block = args->in.block;
    run->w_col = tap_size;
    run->w_row = desc->kernel_w * tap_size;
    run->w_block = desc->kernel_h * run->w_row;
    run->w_out = n_in * run->w_block;
    run->weights = (const float *)args->packed + part->first_block * run->w_out;
    run->n_in = n_in;
    run->n_lanes = XAI__BLOCK;
    /* Lanes beyond C are not summed: 24 channels cost 24, and what lies there does not matter. */
    run->n_last_lanes = n_inputs - (n_in - 1) * XAI__BLOCK;
    xai__sweep_part(&sweep, part);
}

static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    (void)scratch;
    xai__each_group(kernel, args, part, sweep_group);
}

const xai__method xai__method_conv_direct = { "conv-direct", takes, plan, run_part };
