/* SPDX-License-Identifier: MIT
 * Convolutions into one to four channels: the lanes are input channels, and every output adds up its lanes in the end.
 */
#include "backends/native/epilogue.h"

/* Adds the products of one block of inputs under one tap. The tile's blocks are output channels. */
INLINE void add_block(tile *t, const float *in, int64_t pixel, const float *weights, const int n_blocks,
                      const int n_pixels)
{
    vec w[XAI__FEW];

    EACH_BLOCK(w[b] = vec_load(weights + b * XAI__BLOCK));
    EACH_PIXEL(vec x = vec_load(in + q * pixel); VEC_KEEP(x); EACH_BLOCK(t->v[b][q] = vec_fma(x, w[b], t->v[b][q])));
}

/* Of sums[pixel][output][16]. Apart from the products, from which it would take the registers: one of them read again
 * for each product costs a third of the time. */
static __attribute__((noinline)) void sum_lanes(float *out, int64_t pixel, const float *sums, int n_blocks,
                                                int n_pixels)
{
    const vec zero = vec_set1(0.0f);

    for (int q = 0; q < n_pixels; q++, sums += n_blocks * XAI__BLOCK, out += pixel)
        vec_sums(out, vec_load(sums), n_blocks > 1 ? vec_load(sums + XAI__BLOCK) : zero,
                 n_blocks > 2 ? vec_load(sums + 2 * XAI__BLOCK) : zero,
                 n_blocks > 3 ? vec_load(sums + 3 * XAI__BLOCK) : zero);
}

INLINE void few_tile(const xai__run *run, size_t first, float *out, const int n_blocks, const int n_pixels)
{
    const float *in = run->in + (int64_t)first * run->in_pixel, *weights = run->weights;
    _Alignas(64) float sums[XAI__FEW * XAI__TILE_PIXELS * XAI__BLOCK];
    tile t;

    EACH(t.v[b][q] = vec_set1(0.0f));
    for (int32_t i = 0; i < run->n_in; i++, in += run->in_block, weights += run->w_block)
        for (int32_t y = 0; y < run->n_rows; y++)
            for (int32_t x = 0; x < run->n_cols; x++)
                add_block(&t, in + y * run->in_row + x * run->in_col, run->in_pixel,
                          weights + y * run->w_row + x * run->w_col, n_blocks, n_pixels);
    EACH(vec_store(sums + (q * n_blocks + b) * XAI__BLOCK, t.v[b][q]));
    sum_lanes(out + (int64_t)first * run->out.pixel, run->out.pixel, sums, n_blocks, n_pixels);
}

/* Pixels of a tile: accumulators, weights and one input fill the registers. */
#if PARTS == 1
#define WIDE(n) ((n) < 4 ? 8 : 6)
#elif PARTS == 2
#define WIDE(n) ((n) < 3 ? 4 : 2)
#else
#define WIDE(n) ((n) < 2 ? 2 : 1)
#endif

/* The last tile may overlap the one before: what it computes again has the same bits. */
INLINE void few_run(const xai__run *run, const int n_channels)
{
    const size_t n = run->n_pixels, wide = (size_t)WIDE(n_channels);
    size_t first = 0;

    if (n < wide) {
        for (; first < n; first++)
            few_tile(run, first, run->out.data, n_channels, 1);
        return;
    }
    for (; first + wide <= n; first += wide)
        few_tile(run, first, run->out.data, n_channels, WIDE(n_channels));
    if (first < n)
        few_tile(run, n - wide, run->out.data, n_channels, WIDE(n_channels));
}

#define DEFINE(n)                                                                                                      \
    static void few_##n(const xai__run *run)                                                                           \
    {                                                                                                                  \
        few_run(run, n);                                                                                               \
    }

DEFINE(1)
DEFINE(2)
DEFINE(3)
DEFINE(4)

const xai__few_table XAI__ISA(xai__few) = { { few_1, few_2, few_3, few_4 } };
