/* SPDX-License-Identifier: MIT
 * The gradient of a strided convolution with respect to its input. Outputs that lie a stride apart see the same taps,
 * at inputs that follow each other: a run each. */
#include "backends/native/pack.h"
#include "backends/native/taps.h"

static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    return desc->op == XAI__CONV_DATA && (xai__is_depthwise(desc) || xai__groups_are_blocks(desc));
}

static void plan(xai__native_kernel *kernel)
{
    const xai__op_desc *desc = &kernel->desc;
    const int64_t n_taps = (int64_t)desc->kernel_h * desc->kernel_w;
    const int64_t phases = (int64_t)desc->stride_h * desc->stride_w;
    const int64_t n_in = xai__is_depthwise(desc) ? 1 : xai__blocks_of(xai__group_inputs(desc));
    size_t weight_bytes = 0;

    kernel->is_dot = !xai__is_depthwise(desc);
    kernel->op = XAI__LANE_FMA;
    xai__pack_data_plan(kernel);
    if (kernel->is_dot)
        weight_bytes = kernel->base.packing.bytes / kernel->base.packing.n_parts;
    xai__grid_plan(kernel, n_in * n_taps * (kernel->is_dot ? XAI__BLOCK : 2) / phases + 6, weight_bytes);
}

/* --- running --- */

/* At each tap of an input block, lines of the weights to come: more than are multiplied meanwhile, so that they are
 * there well before. */
enum { FETCHED_LINES = 4 };

/* Outputs that have the same taps: n_y by n_x of them from (y, x) on, so far apart. */
typedef struct region {
    xai__taps rows, cols;
    int32_t y, x, n_y, n_x, y_step, x_step;
} region;

/* Some blocks of a part, whose weights the second-level cache holds from region to region. */
typedef struct group {
    const xai__native_kernel *kernel;
    const xai__args *args;
    xai__part part;
    xai__run run;          /* what all runs have in common */
    int64_t asked, wanted; /* of products: weights of each block that have been asked for, and that will be needed */
} group;

/* Along the longer side, so that tiles are full. */
static enum xai__direction direction_of(const region *g)
{
    return g->n_x < g->n_y && g->n_x < XAI__TILE_PIXELS / 2 ? XAI__DOWN : XAI__ACROSS;
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

/* The weights of a region's first taps. Those of a depthwise gradient lie as they do in the kernel. */
static void set_weights(xai__run *run, const xai__native_kernel *kernel, const region *g)
{
    const xai__taps *rows = &g->rows, *cols = &g->cols;
    const int64_t tap_size = XAI__BLOCK * XAI__BLOCK;
    xai__tap_class c;

    if (!kernel->is_dot) {
        run->weights += rows->first * run->w_row + cols->first * run->w_col;
        run->w_row *= rows->step;
        run->w_col *= cols->step;
        return;
    }
    c = xai__tap_class_of(&kernel->rows, &kernel->cols, rows->first, cols->first);
    run->w_col = tap_size;
    run->w_row = c.n_cols * tap_size;
    run->w_block = c.n_rows * run->w_row;
    run->weights += run->n_in * c.before * tap_size + rows->first / rows->step * run->w_row +
                    cols->first / cols->step * run->w_col;
}

/* What the runs of a region have in common. */
static void set_region(xai__run *run, const group *gr, const region *g)
{
    const xai__args *args = gr->args;
    const bool is_down = direction_of(g) == XAI__DOWN;

    run->n_pixels = (size_t)(is_down ? g->n_y : g->n_x);
    run->in_pixel = is_down ? args->in.row : args->in.pixel;
    run->n_rows = g->rows.n;
    run->n_cols = g->cols.n;
    run->in_row = -(int64_t)g->rows.back * args->in.row;
    run->in_col = -(int64_t)g->cols.back * args->in.pixel;
    if (g->rows.n > 0 && g->cols.n > 0) {
        run->in += g->rows.in * args->in.row + g->cols.in * args->in.pixel;
        set_weights(run, gr->kernel, g);
    }
}

/* Lets a run ask for weights to come, if there are any left. Behind the group's own lie those of the next. */
static void fetch_ahead(xai__run *run, group *gr)
{
    const xai__dot_table *table = gr->kernel->level->dot;
    const int32_t n_blocks = gr->part.end_block - gr->part.first_block;
    int64_t widest, n_tiles;

    if (gr->asked >= gr->wanted)
        return;
    widest = table->max_pixels[xai__run_tile_blocks(run, gr->kernel->level)];
    n_tiles = ((int64_t)run->n_pixels + widest - 1) / widest;
    run->n_lines = FETCHED_LINES;
    run->next = gr->run.weights + gr->asked + (gr->asked >= run->w_out ? (n_blocks - 1) * run->w_out : 0);
    gr->asked += n_tiles * run->n_in * run->n_rows * run->n_cols * FETCHED_LINES * XAI__BLOCK;
}

static void run_region(group *gr, const region *g)
{
    const xai__native_kernel *kernel = gr->kernel;
    const bool is_down = direction_of(g) == XAI__DOWN;
    const int32_t n_lines = is_down ? g->n_x : g->n_y;
    xai__run common = gr->run;

    set_region(&common, gr, g);
    for (int32_t i = 0; i < n_lines; i++) {
        const xai__spot spot = { gr->part.image, gr->part.first_block, g->y + (is_down ? 0 : i * g->y_step),
                                 g->x + (is_down ? i * g->x_step : 0), direction_of(g) };
        xai__run run = common;

        run.in += i * (is_down ? gr->args->in.pixel : gr->args->in.row);
        if (kernel->is_dot)
            fetch_ahead(&run, gr);
        xai__run_place(&run, kernel, gr->args, &spot);
        spread_places(&run, is_down ? g->y_step : g->x_step);
        xai__run_compute(&run, kernel);
    }
}

/* Phases of the outputs [first, end). */
static int32_t count_phases(const xai__axis *axis, int32_t first, int32_t end)
{
    return (int32_t)xai__smaller(axis->stride, end - first);
}

/* The first output of one of them: in the order in which the classes of their taps lie, if taps are neighbours. */
static int32_t start_phase(const xai__axis *axis, int32_t first, int32_t end, int32_t index)
{
    const int64_t stride = axis->stride, ahead = (stride - 1 - index - axis->pad - first) % stride;

    if (stride > end - first)
        return first + index;
    return first + (int32_t)(ahead < 0 ? ahead + stride : ahead);
}

/* The outputs of as many rows as have the same taps, in as few regions as the columns' taps allow. */
static void run_rows(group *gr, region *g)
{
    const xai__axis *axis = &gr->kernel->cols;
    const int32_t x0 = gr->part.window.x0, end = gr->part.window.x1;

    g->x_step = axis->stride;
    for (int32_t i = 0; i < count_phases(axis, x0, end); i++)
        for (g->x = start_phase(axis, x0, end, i); g->x < end; g->x += g->n_x * axis->stride) {
            g->cols = xai__taps_back(axis, g->x);
            g->n_x = xai__taps_alike(axis, &g->cols, g->x, end);
            run_region(gr, g);
        }
}

/* True if some rows of outputs have no taps. */
static bool is_sparse(const xai__native_kernel *kernel)
{
    return kernel->rows.kernel < kernel->rows.stride;
}

/* Rows whose outputs may have no taps at all, where the time goes into what the stages read and write: front to back.
 */
static void run_sparse_rows(group *gr)
{
    const xai__window *w = &gr->part.window;
    region g = { .n_y = 1, .y_step = 1 };

    for (g.y = w->y0; g.y < w->y1; g.y++) {
        g.rows = xai__taps_back(&gr->kernel->rows, g.y);
        if (g.rows.n > 0) {
            run_rows(gr, &g);
            continue;
        }
        g.x = w->x0;
        g.n_x = w->x1 - w->x0;
        g.x_step = 1;
        run_region(gr, &g);
    }
}

static void run_regions(group *gr)
{
    const xai__axis *axis = &gr->kernel->rows;
    const int32_t y0 = gr->part.window.y0, end = gr->part.window.y1;
    region g = { .y_step = axis->stride };

    if (is_sparse(gr->kernel)) {
        run_sparse_rows(gr);
        return;
    }
    for (int32_t i = 0; i < count_phases(axis, y0, end); i++)
        for (g.y = start_phase(axis, y0, end, i); g.y < end; g.y += g.n_y * axis->stride) {
            g.rows = xai__taps_back(axis, g.y);
            g.n_y = xai__taps_alike(axis, &g.rows, g.y, end);
            run_rows(gr, &g);
        }
}

/* Of a block of outputs, those of the class of taps that lies first. */
static int64_t first_weights(const xai__native_kernel *kernel)
{
    const xai__axis *rows = &kernel->rows, *cols = &kernel->cols;
    xai__tap_class c = xai__tap_class_of(rows, cols, 0, 0);

    c = xai__tap_class_of(rows, cols, (int32_t)xai__smaller(c.row_step, rows->kernel) - 1,
                          (int32_t)xai__smaller(c.col_step, cols->kernel) - 1);
    return (int64_t)xai__blocks_of(xai__group_inputs(&kernel->desc)) * c.n_rows * c.n_cols * XAI__BLOCK * XAI__BLOCK;
}

/* Blocks whose register tiles hold most outputs of a line; all where there are few weights to keep. */
static int32_t pick_blocks(const xai__native_kernel *kernel, const xai__part *part, int32_t n_left)
{
    const xai__run line = { .n_pixels = (size_t)((part->window.x1 - part->window.x0 - 1) / kernel->cols.stride + 1),
                            .n_out = n_left };

    return kernel->is_dot && !is_sparse(kernel) ? xai__run_tile_blocks(&line, kernel->level) : n_left;
}

/* part lies in one group of channels. */
static void run_group(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part,
                      int32_t group_index)
{
    const xai__op_desc *desc = &kernel->desc;
    const int32_t n_inputs = xai__group_inputs(desc), n_in = xai__blocks_of(n_inputs);
    const int64_t in_block = kernel->is_dot ? (int64_t)group_index * n_in : part->first_block;
    const int64_t first = first_weights(kernel);
    group gr = { .kernel = kernel, .args = args, .part = *part };
    xai__run *run = &gr.run;

    run->in = args->in.data + (int64_t)part->image * args->in.image + in_block * args->in.block;
    run->in_block = args->in.block;
    run->in_out = kernel->is_dot ? 0 : args->in.block;
    run->n_in = n_in;
    run->n_lanes = XAI__BLOCK;
    run->n_last_lanes = n_inputs - (n_in - 1) * XAI__BLOCK;
    run->w_col = XAI__BLOCK;
    run->w_row = desc->kernel_w * run->w_col;
    run->w_out = n_in * desc->kernel_h * run->w_row * (kernel->is_dot ? XAI__BLOCK : 1);
    run->weights = (const float *)args->packed + part->first_block * run->w_out;
    for (; gr.part.first_block < part->end_block; gr.part.first_block = gr.part.end_block) {
        run->n_out = pick_blocks(kernel, part, part->end_block - gr.part.first_block);
        gr.part.end_block = gr.part.first_block + run->n_out;
        gr.asked = first;
        gr.wanted = run->w_out + (gr.part.end_block < kernel->n_blocks ? first : 0);
        run_regions(&gr);
        run->weights += run->n_out * run->w_out;
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
