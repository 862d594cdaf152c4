/* SPDX-License-Identifier: MIT
 * 3x3 convolutions by Winograd's minimal filtering (Lavin and Gray, 2015): transform patches, multiply, transform back,
 * all for a group of tiles that the caches hold. */
#include "backends/native/winograd.h"

#include "backends/native/kernel.h"
#include "backends/native/pack.h"
#include "backends/native/products.h"

/* A task has so many tiles at most; with that many pixels in flight, weights are read from memory more slowly than they
 * are multiplied. */
enum { MAX_TILES = 56, DEEP_TILES = 32, REGISTER_TILES = 14 };

/* Weights of more than this do not stay in the second-level cache between the tasks of a layer; what a task transforms
 * should. */
enum { SHALLOW_WEIGHTS = 640 << 10, TASK_BYTES = 258 << 10 };

/* In a WINDOWED plan: 14 by 14. */
enum { FULL_PIXELS = 196 };

/* --- choice --- */

static int32_t count_tiles(int32_t out, int32_t tile)
{
    return (out + tile - 1) / tile;
}

static bool is_filter(const xai__op_desc *d)
{
    return d->op == XAI__CONV && d->groups == 1 && d->kernel_h == 3 && d->kernel_w == 3 && d->stride_h == 1 &&
           d->stride_w == 1 && d->dilation_h == 1 && d->dilation_w == 1;
}

static double n_weights(const xai__op_desc *d, int32_t n_products)
{
    return (double)n_products * d->in_c * xai__blocks_of(d->out_c); /* in blocks of 16 */
}

/* Weights that one picture is multiplied with have to come from memory each time; those of many pictures, or of the
 * windows of one, hardly. */
static double cost_of_weights(const xai__op_desc *d, const xai__costs *c, int32_t n_products)
{
    return d->purpose != XAI__LATENCY ? 0 : c->weights * n_weights(d, n_products);
}

/* Taps in the padding are left out. */
static double cost_of_direct(const xai__op_desc *d, const xai__costs *c)
{
    double taps = (3.0 * d->out_h - d->pad_top - 1) * (3.0 * d->out_w - d->pad_left - 1);

    return taps * d->in_c * xai__blocks_of(d->out_c) * (double)c->fma + cost_of_weights(d, c, 9);
}

static double cost_of_winograd(const xai__op_desc *d, const xai__costs *c, int which)
{
    const int32_t tile = which == XAI__WINOGRAD_LARGE ? 4 : 2, n_products = (tile + 2) * (tile + 2);
    double n_tiles = (double)count_tiles(d->out_h, tile) * count_tiles(d->out_w, tile);
    double blocks_in = xai__blocks_of(d->in_c), blocks_out = xai__blocks_of(d->out_c);

    return n_tiles * (blocks_in * (double)c->winograd_in[which] + blocks_out * (double)c->winograd_out[which] +
                      n_products * d->in_c * blocks_out * (double)c->fma) +
           cost_of_weights(d, c, n_products);
}

/* A picture at a time, transformed weights that are many times its values would be most of what a process holds: 113 MB
 * for 512 channels at 7x7 in ResNet-18. */
static bool outweighs(const xai__op_desc *d, int which)
{
    const int32_t n_products = which == XAI__WINOGRAD_LARGE ? 36 : 16;
    double values = ((double)d->in_c * d->in_h * d->in_w + (double)d->out_c * d->out_h * d->out_w) / XAI__BLOCK;

    return d->purpose == XAI__LATENCY && which == XAI__WINOGRAD_LARGE && n_weights(d, n_products) > 32 * values;
}

/* Of a window, whole tiles have to be computed, and they reach further: WINDOWED plans filter only maps of which
 * windows reach most tiles in any case. */
static bool widens_windows(const xai__op_desc *d)
{
    return d->purpose == XAI__WINDOWED && d->out_h * d->out_w > FULL_PIXELS;
}

static int choose(const xai__op_desc *desc, const xai__level *level)
{
    double least;
    int best = -1;

    if (!is_filter(desc) || widens_windows(desc))
        return -1;
    least = cost_of_direct(desc, &level->costs);
    for (int which = 0; which < XAI__N_WINOGRADS; which++) {
        double cost = cost_of_winograd(desc, &level->costs, which);

        if (cost < least && !outweighs(desc, which)) {
            least = cost;
            best = which;
        }
    }
    return best;
}

static bool takes_small(const xai__op_desc *desc, const xai__level *level)
{
    return choose(desc, level) == XAI__WINOGRAD_SMALL;
}

static bool takes_large(const xai__op_desc *desc, const xai__level *level)
{
    return choose(desc, level) == XAI__WINOGRAD_LARGE;
}

/* --- plan --- */

static int which_of(const xai__native_kernel *kernel)
{
    return kernel->method->tile == 4 ? XAI__WINOGRAD_LARGE : XAI__WINOGRAD_SMALL;
}

static int32_t products_of(const xai__native_kernel *kernel)
{
    return (kernel->method->tile + 2) * (kernel->method->tile + 2);
}

static int32_t tiles_of(const xai__native_kernel *kernel)
{
    return count_tiles(kernel->desc.out_h, kernel->method->tile) *
           count_tiles(kernel->desc.out_w, kernel->method->tile);
}

/* Floats from one product to the next: an odd number of cache lines, or all of a tile's products would lie in the same
 * few sets of the first-level cache. */
static int64_t product_step(int32_t n_blocks, int32_t n_tiles)
{
    return ((int64_t)n_blocks * n_tiles | 1) * XAI__BLOCK;
}

static int32_t divide_up(int32_t a, int32_t b)
{
    return (a + b - 1) / b;
}

/* Tiles that a task should have. */
static int32_t most_tiles(const xai__native_kernel *kernel)
{
    const int32_t n_blocks = xai__blocks_of(kernel->desc.in_c) + kernel->n_blocks;
    const int32_t fit = TASK_BYTES / (products_of(kernel) * n_blocks * XAI__BLOCK * (int32_t)sizeof(float));

    if (kernel->base.packing.bytes > SHALLOW_WEIGHTS)
        return DEEP_TILES;
    return fit < REGISTER_TILES ? REGISTER_TILES : fit < MAX_TILES ? fit : MAX_TILES;
}

/* An even number of tasks, so that two threads have the same to do. Tiles are shared out first, as each block of
 * outputs that is computed elsewhere transforms the same patches again; where there are few, blocks. Of small maps a
 * task takes several pictures. */
static void plan_tasks(xai__native_kernel *kernel)
{
    const int32_t n_tiles = tiles_of(kernel), most = most_tiles(kernel);
    int32_t n_groups = divide_up(n_tiles, most), n_shares = 1;

    if (n_groups == 1 && n_tiles >= 16 && kernel->n_blocks < 8)
        n_groups = 2;
    n_groups += n_groups > 1 && n_groups % 2 != 0;
    if (n_groups == 1)
        n_shares = kernel->n_blocks >= 32 ? 4 : kernel->n_blocks >= 4 ? 2 : 1;
    kernel->task_tiles = n_groups > 1 ? divide_up(n_tiles, n_groups) : most / n_tiles * n_tiles;
    kernel->task_blocks = divide_up(kernel->n_blocks, n_shares);
}

static void plan(xai__native_kernel *kernel)
{
    const int32_t n_in = xai__blocks_of(kernel->desc.in_c), n_products = products_of(kernel);
    int64_t floats;

    xai__pack_winograd_plan(kernel, kernel->method->tile);
    plan_tasks(kernel);
    floats = n_products *
             (product_step(n_in, kernel->task_tiles) + product_step(kernel->task_blocks, kernel->task_tiles));
    kernel->base.task_scratch = (size_t)floats * sizeof(float);
}

/* --- tasks --- */

/* One tile: its first output, and which of its outputs are wanted. */
typedef struct spot {
    size_t image;
    int32_t y, x;
    xai__window inside;
} spot;

/* The tiles that a window touches. */
typedef struct grid {
    int32_t y, x, height, width; /* in tiles */
} grid;

static grid grid_of(const xai__native_kernel *kernel, const xai__window *w)
{
    const int32_t tile = kernel->method->tile;
    grid g = { w->y0 / tile, w->x0 / tile, 0, 0 };

    if (w->y0 < w->y1 && w->x0 < w->x1) {
        g.height = count_tiles(w->y1, tile) - g.y;
        g.width = count_tiles(w->x1, tile) - g.x;
    }
    return g;
}

/* Tiles are counted through all images, as the grid's rows are. */
static int64_t count_all(const xai__native_kernel *kernel, const xai__args *args)
{
    int64_t n = 0;

    if (args->windows == NULL)
        return (int64_t)args->n_images * tiles_of(kernel);
    for (size_t i = 0; i < args->n_images; i++) {
        grid g = grid_of(kernel, &args->windows[i]);

        n += (int64_t)g.height * g.width;
    }
    return n;
}

static int64_t count_groups(const xai__native_kernel *kernel, const xai__args *args)
{
    return (count_all(kernel, args) + kernel->task_tiles - 1) / kernel->task_tiles;
}

static size_t n_tasks(const xai__native_kernel *kernel, const xai__args *args)
{
    return (size_t)(count_groups(kernel, args) * divide_up(kernel->n_blocks, kernel->task_blocks));
}

static int32_t clamp(int32_t value, int32_t high)
{
    return value < 0 ? 0 : value > high ? high : value;
}

static spot spot_at(const xai__native_kernel *kernel, const xai__window *w, size_t image, const grid *g, int32_t index)
{
    const int32_t tile = kernel->method->tile;
    spot s = { .image = image, .y = (g->y + index / g->width) * tile, .x = (g->x + index % g->width) * tile };

    s.inside = (xai__window){ clamp(w->y0 - s.y, tile), clamp(w->y1 - s.y, tile), clamp(w->x0 - s.x, tile),
                              clamp(w->x1 - s.x, tile) };
    return s;
}

/* The tiles [first, first + n) of all. */
static void find_spots(spot *spots, const xai__native_kernel *kernel, const xai__args *args, int64_t first, int32_t n)
{
    size_t image = 0;

    if (args->windows == NULL) {
        image = (size_t)(first / tiles_of(kernel));
        first %= tiles_of(kernel);
    }
    for (int32_t found = 0; found < n; image++) {
        const xai__window w = xai__window_of(kernel, args, image);
        const grid g = grid_of(kernel, &w);
        const int64_t n_tiles = (int64_t)g.height * g.width;

        for (; first < n_tiles && found < n; first++)
            spots[found++] = spot_at(kernel, &w, image, &g, (int32_t)first);
        first -= n_tiles;
    }
}

/* One task's data. */
typedef struct job {
    const xai__native_kernel *kernel;
    const xai__args *args;
    spot spots[MAX_TILES];
    int32_t n_tiles, n_in, n_products;
    int32_t first_block, n_blocks;
    float *patches, *sums; /* transformed, [product][block][tile][16] */
    int64_t patches_step, sums_step;
} job;

static void transform_patches(const job *j)
{
    const xai__op_desc *d = &j->kernel->desc;
    const xai__winograd_table *transforms = j->kernel->level->winograd;
    const xai__view *in = &j->args->in;
    const int which = which_of(j->kernel);
    const int32_t n = j->kernel->method->tile + 2;
    const int64_t block = (int64_t)j->n_tiles * XAI__BLOCK;

    for (int32_t t = 0; t < j->n_tiles; t++) {
        const spot *s = &j->spots[t];
        const int32_t y = s->y - d->pad_top, x = s->x - d->pad_left;
        const float *map = in->data + (int64_t)s->image * in->image + y * in->row + (int64_t)x * XAI__BLOCK;
        float *out = j->patches + t * XAI__BLOCK;
        const xai__window inside = { clamp(-y, n), clamp(d->in_h - y, n), clamp(-x, n), clamp(d->in_w - x, n) };

        if (inside.y1 - inside.y0 < n || inside.x1 - inside.x0 < n)
            transforms->border[which](out, j->patches_step, block, map, in->row, in->block, j->n_in, &inside);
        else
            transforms->in[which](out, j->patches_step, block, map, in->row, in->block, j->n_in);
    }
}

/* Few tiles: more blocks, or too few accumulators would be in flight to hide the latency. */
static int32_t pick_blocks(const xai__products_table *table, int32_t n_left, int32_t n_tiles)
{
    for (int32_t n = XAI__TILE_BLOCKS; n > 0; n--)
        if (n <= n_left && table->max_pixels[n] >= n_tiles)
            return n;
    return n_left >= table->usual_blocks ? table->usual_blocks : 1;
}

/* All tiles of n_blocks blocks of one product, in register tiles as even as can be. Each fetches its share of as many
 * weights as are multiplied now. */
static void multiply_blocks(xai__products *run, const xai__products_table *table, int32_t n_tiles, int32_t n_blocks,
                            bool is_last)
{
    const int32_t widest = table->max_pixels[n_blocks], n_passes = divide_up(n_tiles, widest);
    const int32_t wide = divide_up(n_tiles, n_passes), n_wide = n_tiles - n_passes * (wide - 1);

    run->n_lines = is_last ? 0 : divide_up(XAI__FETCH_CHANNELS * n_blocks, n_passes);
    table->tiles[n_blocks][wide](run, 0, n_wide);
    if (n_wide < n_passes)
        table->tiles[n_blocks][wide - 1](run, n_wide * wide, n_passes - n_wide);
}

/* Each product is a matrix of its own, tiles times weights. */
static void multiply(const job *j)
{
    const xai__native_kernel *kernel = j->kernel;
    const xai__products_table *table = kernel->level->products;
    const int32_t in_c = kernel->desc.in_c;
    const int64_t w_out = (int64_t)in_c * XAI__BLOCK, out_block = (int64_t)j->n_tiles * XAI__BLOCK;
    const float *weights = (const float *)j->args->packed + j->first_block * w_out;
    xai__products run = { .in_block = out_block,
                          .out_block = out_block,
                          .w_out = w_out,
                          .n_in = j->n_in,
                          .n_last = in_c - (j->n_in - 1) * XAI__BLOCK };

    for (int32_t i = 0; i < j->n_products; i++, weights += kernel->n_blocks * w_out)
        for (int32_t b = 0, n_blocks; b < j->n_blocks; b += n_blocks) {
            bool ends_product;

            n_blocks = pick_blocks(table, j->n_blocks - b, j->n_tiles);
            ends_product = b + n_blocks == j->n_blocks;
            run.patches = j->patches + i * j->patches_step;
            run.weights = weights + b * w_out;
            run.sums = j->sums + i * j->sums_step + b * out_block;
            run.n_last_lanes = kernel->desc.out_c - (j->first_block + b + n_blocks - 1) * XAI__BLOCK;
            run.next = ends_product ? weights + kernel->n_blocks * w_out : run.weights + n_blocks * w_out;
            multiply_blocks(&run, table, j->n_tiles, n_blocks, ends_product && i + 1 == j->n_products);
        }
}

/* Tile by tile within a block, so that the processor foresees what the stages read: rows that go on. */
static void transform_sums(const job *j)
{
    xai__winograd_out_fn *transform = j->kernel->level->winograd->out[which_of(j->kernel)];
    const float *sums = j->sums;

    for (int32_t b = 0; b < j->n_blocks; b++)
        for (int32_t t = 0; t < j->n_tiles; t++, sums += XAI__BLOCK) {
            const spot *s = &j->spots[t];
            const xai__spot at = { s->image, j->first_block + b, s->y, s->x, XAI__ACROSS };
            xai__run run; /* not copied from one to the next: that would take longer than this */

            xai__run_place_rows(&run, j->kernel, j->args, &at);
            transform(&run, sums, j->sums_step, &s->inside);
        }
}

/* Tasks of the same blocks follow each other, so that threads read different weights. */
static void task(const xai__native_kernel *kernel, const xai__args *args, size_t index, float *scratch)
{
    const int64_t n_groups = count_groups(kernel, args), group = (int64_t)index % n_groups,
                  all = count_all(kernel, args);
    const int64_t first = all * group / n_groups;
    job j = { .kernel = kernel, .args = args, .n_in = xai__blocks_of(kernel->desc.in_c) };

    j.n_tiles = (int32_t)(all * (group + 1) / n_groups - first);
    j.n_products = products_of(kernel);
    j.first_block = (int32_t)((int64_t)index / n_groups) * kernel->task_blocks;
    j.n_blocks = kernel->n_blocks - j.first_block;
    if (j.n_blocks > kernel->task_blocks)
        j.n_blocks = kernel->task_blocks;
    j.patches_step = product_step(j.n_in, j.n_tiles);
    j.sums_step = product_step(j.n_blocks, j.n_tiles);
    j.patches = scratch;
    j.sums = scratch + j.n_products * j.patches_step;
    find_spots(j.spots, kernel, args, first, j.n_tiles);
    transform_patches(&j);
    multiply(&j);
    transform_sums(&j);
}

const xai__method xai__method_conv_winograd2 = { "conv-winograd2", takes_small,        plan,        NULL,
                                                 .tile = 2,        .n_tasks = n_tasks, .task = task };
const xai__method xai__method_conv_winograd4 = { "conv-winograd4", takes_large,        plan,        NULL,
                                                 .tile = 4,        .n_tasks = n_tasks, .task = task };
