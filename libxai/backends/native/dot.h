/* SPDX-License-Identifier: MIT
 * Register tiles of matrix products: what one of them sums, and which there are. */
#ifndef XAI__NATIVE_DOT_H
#define XAI__NATIVE_DOT_H

#include "backends/native/epilogue.h"

/* in[q] is a pixel's value of one channel: five pointers three pixels apart leave the rest to the addressing modes. */
enum { N_POINTERS = (XAI__TILE_PIXELS + 2) / 3 };

/* Adds n channels of one tap. */
INLINE void add_lanes(tile *t, const xai__run *run, const float *in, const float *weights, int64_t n,
                      const int n_blocks, const int n_pixels)
{
    const int64_t pixel = run->in_pixel, w_out = run->w_out;
    const float *start[N_POINTERS];

    UNROLLED for (int i = 0; i * 3 < n_pixels; i++)
    {
        start[i] = in + i * 3 * pixel;
        __asm__("" : "+r"(start[i])); /* or the compiler makes one pointer a pixel and runs out of registers */
    }
    for (int64_t k = 0; k < n; k++) {
        vec w[XAI__TILE_BLOCKS];

        EACH_BLOCK(w[b] = vec_load(weights + b * w_out + k * XAI__BLOCK));
        EACH_PIXEL(const vec x = vec_set1(start[q / 3][q % 3 * pixel + k]);
                   EACH_BLOCK(t->v[b][q] = vec_fma(w[b], x, t->v[b][q])));
    }
}

/* Into the second-level cache, where the runs to come find them. */
INLINE void fetch_weights(const xai__run *run, const float *next, const int n_blocks)
{
    for (int32_t i = 0; i < run->n_lines; i++, next += XAI__BLOCK)
        EACH_BLOCK(__builtin_prefetch(next + b * run->w_out, 0, 2));
}

/* Infinite or NaN inputs times the zeros that fill up the weights are not zero. */
INLINE void zero_tail(tile *t, const xai__run *run, const int n_blocks, const int n_pixels)
{
    const int left = (int)run->epilogue->n_channels - (run->out_block + n_blocks - 1) * XAI__BLOCK;

    if (left < XAI__BLOCK) {
        EACH_PIXEL(t->v[n_blocks - 1][q] = vec_first(t->v[n_blocks - 1][q], left));
    }
}

/* One accumulator an output, K in order, whatever the tile. */
INLINE void sum_tile(tile *t, const xai__run *run, size_t first, const int n_blocks, const int n_pixels)
{
    const float *in = run->in + (int64_t)first * run->in_pixel;
    const float *weights = run->weights;
    const int64_t n_fetched = (int64_t)run->n_lines * XAI__BLOCK, n_taps = run->n_in * run->n_rows * run->n_cols;
    const float *next = run->next + (int64_t)(first / (size_t)n_pixels) * n_taps * n_fetched;

    EACH(t->v[b][q] = vec_set1(0.0f));
    for (int32_t i = 0; i < run->n_in; i++, in += run->in_block, weights += run->w_block) {
        int32_t n_lanes = i + 1 < run->n_in ? run->n_lanes : run->n_last_lanes;

        for (int32_t y = 0; y < run->n_rows; y++)
            for (int32_t x = 0; x < run->n_cols; x++) {
                const float *tap = weights + y * run->w_row + x * run->w_col;

                fetch_weights(run, next, n_blocks);
                next += n_fetched;
                add_lanes(t, run, in + y * run->in_row + x * run->in_col, tap, n_lanes, n_blocks, n_pixels);
            }
    }
    zero_tail(t, run, n_blocks, n_pixels);
}

/* The tiles, blocks by pixels: every width up to the widest that fits the registers, so that no pixel is computed in
 * vain. */
/* clang-format off */
#if defined(XAI_ISA_AVX512)
#define TILES(X)                                                                                                       \
    X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(1, 8) X(1, 9) X(1, 10) X(1, 11) X(1, 12) X(1, 13)        \
    X(1, 14) X(2, 1) X(2, 2) X(2, 3) X(2, 4) X(2, 5) X(2, 6) X(2, 7) X(2, 8) X(2, 9) X(2, 10) X(2, 11) X(2, 12)        \
    X(2, 13) X(2, 14) X(4, 1) X(4, 2) X(4, 3) X(4, 4) X(4, 5) X(4, 6)
#define WIDEST { 0, 14, 14, 0, 6 }
enum { USUAL_BLOCKS = 2 };
#elif defined(XAI_ISA_AVX2)
#define TILES(X) X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) X(2, 1) X(2, 2) X(2, 3) X(4, 1)
#define WIDEST { 0, 6, 3, 0, 1 }
enum { USUAL_BLOCKS = 1 };
#else
#define TILES(X) X(1, 1) X(1, 2) X(1, 3) X(2, 1)
#define WIDEST { 0, 3, 1, 0, 0 }
enum { USUAL_BLOCKS = 1 };
#endif
/* clang-format on */

#endif
