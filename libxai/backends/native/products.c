/* SPDX-License-Identifier: MIT
 * Register tiles of Winograd's products. */
#include "backends/native/products.h"

#include "backends/native/dot.h"

INLINE void add_channel(tile *t, const float *in, const float *weights, int64_t w_out, const int n_blocks,
                        const int n_pixels)
{
    vec w[XAI__TILE_BLOCKS];

    EACH_BLOCK(w[b] = vec_load(weights + b * w_out));
    EACH_PIXEL(const vec x = vec_set1(in[q * XAI__BLOCK]); EACH_BLOCK(t->v[b][q] = vec_fma(w[b], x, t->v[b][q])));
}

/* Into the second-level cache: the first holds hardly more than what is multiplied now. Lines that lie far apart start
 * as many streams, on each of which the processor runs ahead by itself: memory is read a third faster than line by
 * line.
 */
INLINE void fetch(const float *next, int32_t n_lines, int64_t stream)
{
    for (int32_t i = 0; i < n_lines; i++)
        __builtin_prefetch(next + i * stream, 0, 2);
}

/* One accumulator an output, channels in order, whatever the tile. */
INLINE void sum_products(tile *t, const xai__products *run, const float *in, const float *next, int64_t stream,
                         const int n_blocks, const int n_pixels)
{
    const float *weights = run->weights;
    const int64_t w_out = run->w_out;

    EACH(t->v[b][q] = vec_set1(0.0f));
    for (int32_t i = 0; i < run->n_in; i++, in += run->in_block) {
        const int32_t n = i + 1 < run->n_in ? XAI__BLOCK : run->n_last;
        int32_t k = 0;

        for (; k + XAI__FETCH_CHANNELS <= n; k += XAI__FETCH_CHANNELS) {
            fetch(next, run->n_lines, stream);
            next += XAI__BLOCK;
            for (int end = k + XAI__FETCH_CHANNELS, c = k; c < end; c++, weights += XAI__BLOCK)
                add_channel(t, in + c, weights, w_out, n_blocks, n_pixels);
        }
        for (; k < n; k++, weights += XAI__BLOCK)
            add_channel(t, in + k, weights, w_out, n_blocks, n_pixels);
    }
}

INLINE void products_tiles(const xai__products *run, int32_t first, int32_t n, const int n_blocks, const int n_pixels)
{
    const int32_t n_fetches = (run->n_in - 1) * (XAI__BLOCK / XAI__FETCH_CHANNELS) + run->n_last / XAI__FETCH_CHANNELS;
    const int64_t stream = (int64_t)n_fetches * XAI__BLOCK;
    const float *next = run->next + (int64_t)(first / n_pixels) * run->n_lines * stream;

    for (int32_t i = 0; i < n; i++, first += n_pixels, next += run->n_lines * stream) {
        float *out = run->sums + (int64_t)first * XAI__BLOCK;
        tile t;

        sum_products(&t, run, run->patches + (int64_t)first * XAI__BLOCK, next, stream, n_blocks, n_pixels);
        /* Infinite or NaN inputs times the zeros that fill up the weights are not zero. */
        if (run->n_last_lanes < XAI__BLOCK) {
            EACH_PIXEL(t.v[n_blocks - 1][q] = vec_first(t.v[n_blocks - 1][q], run->n_last_lanes));
        }
        EACH(vec_store(out + b * run->out_block + q * XAI__BLOCK, t.v[b][q]));
    }
}

#define DEFINE(b, q)                                                                                                   \
    static void products_##b##x##q(const xai__products *run, int32_t first, int32_t n)                                 \
    {                                                                                                                  \
        products_tiles(run, first, n, b, q);                                                                           \
    }

TILES(DEFINE)

#define ENTRY(b, q) [b][q] = products_##b##x##q,

const xai__products_table XAI__ISA(xai__products) = { USUAL_BLOCKS, WIDEST, { TILES(ENTRY) } };
