/* SPDX-License-Identifier: MIT
 * Maximum and average over windows; a global average is a window as large as the map. */
#include "backends/native/kernel.h"

static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    return desc->op == XAI__POOL && desc->in_c == desc->out_c;
}

/* Taps in the padding are left out: the maximum ignores them, the average divides by what the desc counts. */
static void plan(xai__native_kernel *kernel)
{
    kernel->op = kernel->desc.pool == XAI__POOL_MAX ? XAI__LANE_MAX : XAI__LANE_AVERAGE;
    xai__grid_plan(kernel, 2 * (int64_t)kernel->desc.kernel_h * kernel->desc.kernel_w + 4, 0);
}

static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    xai__sweep sweep = {
        .kernel = kernel,
        .args = args,
        .in = args->in.data + (int64_t)part->image * args->in.image + part->first_block * args->in.block,
        .in_row = args->in.row,
        .in_pixel = args->in.pixel,
        /* There are no weights to read, but their pointer is moved along, which NULL may not be. */
        .run = { .n_in = 1, .in_out = args->in.block, .weights = args->in.data },
    };

    (void)scratch;
    xai__sweep_part(&sweep, part);
}

const xai__method xai__method_pool = { "pool", takes, plan, run_part };
