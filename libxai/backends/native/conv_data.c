/* SPDX-License-Identifier: MIT
 * The gradient of a strided convolution with respect to its input. Outputs that lie a stride apart see the same taps,
 * at inputs that follow each other: a run each. */
#include "backends/native/pack.h"
#include "backends/native/taps.h"

#include <string.h>

static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    return desc->op == XAI__CONV_DATA && (xai__is_depthwise(desc) || xai__groups_are_blocks(desc));
}

/* --- weights --- */

/* [out_c/16][in_c/groups/16][kh][kw][16 inputs][16 outputs], of raw weights [in_c][out_c/groups][kh][kw]. */
static void pack_blocks(void *out, const float *raw, const xai__op_desc *desc, size_t part)
{
    const int64_t n_in = xai__group_inputs(desc), n_out = xai__group_outputs(desc),
                  n_taps = desc->kernel_h * desc->kernel_w;
    const int64_t n_blocks = xai__blocks_of((int32_t)n_in), tap_size = XAI__BLOCK * XAI__BLOCK;
    float *packed = (float *)out + (int64_t)part * n_blocks * n_taps * tap_size;

    memset(packed, 0, (size_t)(n_blocks * n_taps * tap_size) * sizeof *packed);
    for (int64_t lane = 0; lane < XAI__BLOCK; lane++) {
        int64_t o = (int64_t)part * XAI__BLOCK + lane, group = o / n_out;

        for (int64_t i = 0; i < n_in && o < desc->out_c; i++) {
            const float *from = raw + ((group * n_in + i) * n_out + o % n_out) * n_taps;
            float *to = packed + i / XAI__BLOCK * n_taps * tap_size + i % XAI__BLOCK * XAI__BLOCK + lane;

            for (int64_t tap = 0; tap < n_taps; tap++)
                to[tap * tap_size] = from[tap];
        }
    }
}

/* [out_c/16][kh][kw][16]. */
static void pack_lanes(void *out, const float *raw, const xai__op_desc *desc, size_t part)
{
    const int64_t n_taps = desc->kernel_h * desc->kernel_w, first = (int64_t)part * XAI__BLOCK;
    float *packed = (float *)out + first * n_taps;

    for (int64_t tap = 0; tap < n_taps; tap++)
        for (int64_t lane = 0; lane < XAI__BLOCK; lane++)
            packed[tap * XAI__BLOCK + lane] = first + lane < desc->out_c ? raw[lane * n_taps + tap] : 0.0f;
}

static void plan(xai__native_kernel *kernel)
{
    const xai__op_desc *desc = &kernel->desc;
    xai__packing *packing = &kernel->base.packing;
    int64_t n_taps = (int64_t)desc->kernel_h * desc->kernel_w, phases = (int64_t)desc->stride_h * desc->stride_w;
    int64_t n_blocks = xai__is_depthwise(desc) ? 1 : xai__blocks_of(xai__group_inputs(desc));
    size_t block = (size_t)(n_blocks * n_taps) * XAI__BLOCK * sizeof(float);

    kernel->is_dot = !xai__is_depthwise(desc);
    kernel->op = XAI__LANE_FMA;
    packing->format = xai__pack_format(kernel->is_dot ? XAI__PACK_DATA_BLOCKS : XAI__PACK_DATA_LANES, desc);
    packing->n_parts = (size_t)kernel->n_blocks;
    packing->part_size = kernel->is_dot ? 0 : (size_t)n_taps * XAI__BLOCK;
    packing->pack = kernel->is_dot ? pack_blocks : pack_lanes;
    packing->bytes = packing->n_parts * block * (kernel->is_dot ? XAI__BLOCK : 1);
    xai__grid_plan(kernel, n_blocks * n_taps * (kernel->is_dot ? XAI__BLOCK : 2) / phases + 6,
                   kernel->is_dot ? block * XAI__BLOCK : 0);
}

/* --- running --- */

/* Outputs that have the same taps: n_y by n_x of them, a stride apart from (y, x) on. */
typedef struct region {
    xai__taps rows, cols;
    int32_t y, x, n_y, n_x;
} region;

/* Along the longer side, so that tiles are full. */
static enum xai__direction direction_of(const region *g)
{
    return g->n_x < g->n_y && g->n_x < XAI__TILE_PIXELS / 2 ? XAI__DOWN : XAI__ACROSS;
}

static int32_t count_lines(const region *g)
{
    return direction_of(g) == XAI__DOWN ? g->n_x : g->n_y;
}

/* Pixels of a region are not neighbours. */
static void spread_place(xai__place *place, int32_t stride)
{
    place->pixel *= stride;
}

static void spread_places(xai__run *run, int32_t stride)
{
    spread_place(&run->out, stride);
    for (uint32_t i = 0; i < run->epilogue->n_stages; i++)
        spread_place(&run->operands[i], stride);
    for (uint32_t i = 0; run->has_taps && i <= run->epilogue->n_stages; i++)
        spread_place(&run->taps[i], stride);
}

/* What the runs of a region have in common. */
static void set_region(xai__run *run, const xai__args *args, const region *g)
{
    const bool is_down = direction_of(g) == XAI__DOWN;

    run->n_pixels = (size_t)(is_down ? g->n_y : g->n_x);
    run->in_pixel = is_down ? args->in.row : args->in.pixel;
    run->n_rows = g->rows.n;
    run->n_cols = g->cols.n;
    run->in_row = -(int64_t)g->rows.back * args->in.row;
    run->in_col = -(int64_t)g->cols.back * args->in.pixel;
    if (g->rows.n > 0 && g->cols.n > 0) {
        run->in += g->rows.in * args->in.row + g->cols.in * args->in.pixel;
        run->weights += g->rows.first * run->w_row + g->cols.first * run->w_col;
    }
    run->w_row *= g->rows.step;
    run->w_col *= g->cols.step;
}

/* The blocks of a part. While lines of a region are computed, the weights of as many blocks behind these are asked for,
 * a share each. */
static void run_lines(const xai__run *common, const xai__native_kernel *kernel, const xai__args *args,
                      const xai__part *part, const region *g, bool is_last)
{
    const int32_t n_lines = count_lines(g), n_out = part->end_block - part->first_block;
    const bool is_down = direction_of(g) == XAI__DOWN;

    for (int32_t i = 0; i < n_lines; i++) {
        const xai__spot spot = { part->image, part->first_block, g->y + (is_down ? 0 : i * kernel->rows.stride),
                                 g->x + (is_down ? i * kernel->cols.stride : 0), direction_of(g) };
        xai__run run = *common;

        run.n_out = n_out;
        run.in += i * (is_down ? args->in.pixel : args->in.row);
        if (!is_last) {
            run.fetch = n_out * run.w_out;
            run.fetch_lane = XAI__BLOCK * i / n_lines;
            run.n_fetched = XAI__BLOCK * (i + 1) / n_lines - run.fetch_lane;
        }
        xai__run_place(&run, kernel, args, &spot);
        spread_places(&run, is_down ? kernel->rows.stride : kernel->cols.stride);
        xai__run_compute(&run, kernel);
    }
}

/* A tile's blocks at a time, whose weights the caches then hold from line to line: small maps have many channels. */
static void run_region(const xai__run *common, const xai__native_kernel *kernel, const xai__args *args,
                       const xai__part *part, const region *g)
{
    xai__part some = *part;
    xai__run run = *common;

    set_region(&run, args, g);
    if (!kernel->is_dot || count_lines(g) == 1) {
        run_lines(&run, kernel, args, part, g, true);
        return;
    }
    for (; some.first_block < part->end_block; some.first_block = some.end_block) {
        const xai__run at = run;

        run.n_out = part->end_block - some.first_block;
        some.end_block = some.first_block + xai__run_tile_blocks(&run, kernel->level);
        run_lines(&at, kernel, args, &some, g, some.end_block == part->end_block);
        run.weights += (some.end_block - some.first_block) * run.w_out;
    }
}

/* The outputs of as many rows as have the same taps, in as few regions as the columns' taps allow. */
static void run_rows(const xai__run *run, const xai__native_kernel *kernel, const xai__args *args,
                     const xai__part *part, region *g)
{
    const int32_t stride = kernel->cols.stride, end = part->window.x1;

    for (int32_t phase = 0; phase < stride; phase++)
        for (g->x = part->window.x0 + phase; g->x < end; g->x += g->n_x * stride) {
            g->cols = xai__taps_back(&kernel->cols, g->x);
            g->n_x = xai__taps_alike(&kernel->cols, &g->cols, g->x, end);
            run_region(run, kernel, args, part, g);
        }
}

/* part lies in one group of channels. */
static void run_group(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, int32_t group)
{
    const xai__op_desc *desc = &kernel->desc;
    const int32_t n_inputs = xai__group_inputs(desc), n_in = xai__blocks_of(n_inputs);
    const int32_t stride = kernel->rows.stride, end = part->window.y1;
    const int64_t in_block = kernel->is_dot ? (int64_t)group * n_in : part->first_block;
    xai__run run = { .n_in = n_in, .n_lanes = XAI__BLOCK, .n_last_lanes = n_inputs - (n_in - 1) * XAI__BLOCK };
    region g;

    run.in = args->in.data + (int64_t)part->image * args->in.image + in_block * args->in.block;
    run.in_block = args->in.block;
    run.in_out = kernel->is_dot ? 0 : args->in.block;
    run.w_col = kernel->is_dot ? XAI__BLOCK * XAI__BLOCK : XAI__BLOCK;
    run.w_row = desc->kernel_w * run.w_col;
    run.w_block = desc->kernel_h * run.w_row;
    run.w_out = n_in * run.w_block;
    run.weights = (const float *)args->packed + part->first_block * run.w_out;
    for (int32_t phase = 0; phase < stride; phase++)
        for (g.y = part->window.y0 + phase; g.y < end; g.y += g.n_y * stride) {
            g.rows = xai__taps_back(&kernel->rows, g.y);
            g.n_y = xai__taps_alike(&kernel->rows, &g.rows, g.y, end);
            run_rows(&run, kernel, args, part, &g);
        }
}

static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    (void)scratch;
    if (kernel->is_dot)
        xai__each_group(kernel, args, part, run_group);
    else
        run_group(kernel, args, part, 0);
}

const xai__method xai__method_conv_data = { "conv-data", takes, plan, run_part };
