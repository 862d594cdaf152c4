/* SPDX-License-Identifier: MIT
 * The tiles of libxai/backends/native/dot.c with a hard-coded epilogue, affine and ReLU: what staged ones are measured
 * against. */
#include "backends/native/dot.h"

INLINE void finish_fixed(tile *t, const xai__run *run, size_t first, const int n_blocks, const int n_pixels)
{
    const xai__native_stage *stage = &run->epilogue->stages[0];
    const vec zero = vec_set1(0.0f);

    do_affine(t, stage, run->out_block * XAI__BLOCK, n_blocks, n_pixels, XAI__BLOCK);
    EACH(t->v[b][q] = vec_max(zero, t->v[b][q]));
    store_tile(t, &run->out, first, n_blocks, n_pixels);
}

#define DEFINE(b, q)                                                                                                   \
    static void dot_##b##x##q(const xai__run *run, size_t first, size_t n_tiles)                                       \
    {                                                                                                                  \
        for (size_t i = 0; i < n_tiles; i++, first += q) {                                                             \
            tile t;                                                                                                    \
                                                                                                                       \
            sum_tile(&t, run, first, b, q);                                                                            \
            finish_fixed(&t, run, first, b, q);                                                                        \
        }                                                                                                              \
    }

TILES(DEFINE)

#define ENTRY(b, q) [b][q] = dot_##b##x##q,

extern const xai__dot_table XAI__ISA(bench_dot);
const xai__dot_table XAI__ISA(bench_dot) = { USUAL_BLOCKS, WIDEST, { TILES(ENTRY) } };
