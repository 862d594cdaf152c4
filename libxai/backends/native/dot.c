/* SPDX-License-Identifier: MIT
 * Matrix products: convolutions and GEMM. */
#include "backends/native/dot.h"

#define DEFINE(b, q)                                                                                                   \
    static void dot_##b##x##q(const xai__run *run, size_t first, size_t n_tiles)                                       \
    {                                                                                                                  \
        for (size_t i = 0; i < n_tiles; i++, first += q) {                                                             \
            tile t;                                                                                                    \
                                                                                                                       \
            sum_tile(&t, run, first, b, q);                                                                            \
            finish_tile(&t, run, first, b, q);                                                                         \
        }                                                                                                              \
    }

TILES(DEFINE)

#define ENTRY(b, q) [b][q] = dot_##b##x##q,

const xai__dot_table XAI__ISA(xai__dot) = { USUAL_BLOCKS, WIDEST, { TILES(ENTRY) } };
