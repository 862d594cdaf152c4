/* SPDX-License-Identifier: MIT
 * Cuts runs into register tiles and finds the code of an instruction set. */
#include "backends/native/run.h"

#include <string.h>

#include "core/cpu.h"

extern const xai__dot_table xai__dot_baseline, xai__dot_avx2, xai__dot_avx512;
extern const xai__lane_table xai__lanes_baseline, xai__lanes_avx2, xai__lanes_avx512;
extern const xai__few_table xai__few_baseline, xai__few_avx2, xai__few_avx512;
extern const xai__planes_table xai__planes_table_baseline, xai__planes_table_avx2, xai__planes_table_avx512;
extern const xai__correlations xai__correlations_baseline, xai__correlations_avx2, xai__correlations_avx512;
extern const xai__slide_table xai__slides_baseline, xai__slides_avx2, xai__slides_avx512;
extern const xai__winograd_table xai__winograd_baseline, xai__winograd_avx2, xai__winograd_avx512;
extern const xai__products_table xai__products_baseline, xai__products_avx2, xai__products_avx512;
extern const xai__peaks_table xai__peaks_table_baseline, xai__peaks_table_avx2, xai__peaks_table_avx512;

/* Best first. */
static const xai__level levels[] = {
#ifdef __x86_64__
    { "avx512",
      XAI__CPU_AVX512,
      &xai__dot_avx512,
      &xai__lanes_avx512,
      &xai__few_avx512,
      &xai__planes_table_avx512,
      &xai__slides_avx512,
      &xai__winograd_avx512,
      &xai__products_avx512,
      &xai__peaks_table_avx512,
      &xai__correlations_avx512,
      { 1.05f, { 60, 200 }, { 80, 260 }, 8 } },
    { "avx2",
      XAI__CPU_AVX2,
      &xai__dot_avx2,
      &xai__lanes_avx2,
      &xai__few_avx2,
      &xai__planes_table_avx2,
      &xai__slides_avx2,
      &xai__winograd_avx2,
      &xai__products_avx2,
      &xai__peaks_table_avx2,
      &xai__correlations_avx2,
      { 1.1f, { 80, 300 }, { 100, 350 }, 8 } },
#endif
    { "baseline",
      0,
      &xai__dot_baseline,
      &xai__lanes_baseline,
      &xai__few_baseline,
      &xai__planes_table_baseline,
      &xai__slides_baseline,
      &xai__winograd_baseline,
      &xai__products_baseline,
      &xai__peaks_table_baseline,
      &xai__correlations_baseline,
      { 4.4f, { 160, 600 }, { 200, 700 }, 4 } },
};

const xai__level *xai__level_at(size_t index)
{
    return index < sizeof levels / sizeof *levels ? &levels[index] : NULL;
}

const xai__level *xai__level_find(const char *name, uint64_t cpu_features)
{
    const xai__level *level;

    for (size_t i = 0; (level = xai__level_at(i)) != NULL; i++)
        if ((level->cpu_features & ~cpu_features) == 0 && (name == NULL || strcmp(name, level->name) == 0))
            return level;
    return NULL;
}

/* Tiles of the next blocks read their operands and write their output further on. */
static void move_place(xai__place *place, int32_t n_blocks)
{
    if (place->data != NULL)
        place->data += n_blocks * place->block;
}

void xai__run_skip(xai__run *run, int32_t n_blocks)
{
    uint32_t n_stages = run->epilogue->n_stages;

    run->out_block += n_blocks;
    run->n_out -= n_blocks;
    run->weights += n_blocks * run->w_out;
    if (run->n_lines > 0)
        run->next += n_blocks * run->w_out;
    run->in += n_blocks * run->in_out;
    move_place(&run->out, n_blocks);
    for (uint32_t i = 0; i < n_stages; i++)
        move_place(&run->operands[i], n_blocks);
    for (uint32_t i = 0; run->has_taps && i <= n_stages; i++)
        move_place(&run->taps[i], n_blocks);
}

/* Few pixels: more blocks, or too few accumulators would be in flight to hide the latency. */
int32_t xai__run_tile_blocks(const xai__run *run, const xai__level *level)
{
    const xai__dot_table *table = level->dot;

    for (int32_t n = XAI__TILE_BLOCKS; n > 0; n--)
        if (n <= run->n_out && (size_t)table->max_pixels[n] >= run->n_pixels)
            return n;
    return run->n_out >= table->usual_blocks ? table->usual_blocks : 1;
}

/* As even as can be, so that no tile is a thin rest. */
static void dot_blocks(const xai__run *run, const xai__dot_table *table, int32_t n_blocks)
{
    size_t widest = (size_t)table->max_pixels[n_blocks];
    size_t n_tiles = (run->n_pixels + widest - 1) / widest;
    size_t wide = (run->n_pixels + n_tiles - 1) / n_tiles;
    size_t n_wide = run->n_pixels - n_tiles * (wide - 1);

    table->tiles[n_blocks][wide](run, 0, n_wide);
    if (n_wide < n_tiles)
        table->tiles[n_blocks][wide - 1](run, n_wide * wide, n_tiles - n_wide);
}

void xai__run_dot(xai__run *run, const xai__level *level)
{
    while (run->n_out > 0 && run->n_pixels > 0) {
        int32_t n_blocks = xai__run_tile_blocks(run, level);

        dot_blocks(run, level->dot, n_blocks);
        xai__run_skip(run, n_blocks);
    }
}

void xai__run_lanes(xai__run *run, const xai__level *level, enum xai__lane_op op)
{
    while (run->n_out > 0) {
        level->lane->runs[op](run);
        xai__run_skip(run, 1);
    }
}
