/* SPDX-License-Identifier: MIT
 * Correlations of the gradient of a map with shifted inputs, of which the gradient of a convolution's weights is made:
 * lanes are output channels, and every shift is one weight of each. */
#include "backends/native/run.h"
#include "backends/native/vec.h"

/* Shifts of a tile and blocks of output channels: a sum for each stays in registers, beside the gradient's blocks and
 * one input. */
#if PARTS == 1
enum { WIDE = 8, MOST_BLOCKS = 2 };
#elif PARTS == 2
enum { WIDE = 6, MOST_BLOCKS = 1 };
#else
enum { WIDE = 3, MOST_BLOCKS = 1 };
#endif

/* So many pixels are added up in a row before they join the total: errors grow with the length of a chain, and a map of
 * 112 x 112 would be one of 12544. */
enum { CHAIN = 128 };

typedef struct sums {
    vec v[MOST_BLOCKS][WIDE];
} sums;

/* Rows first to end. x: the inputs of the tile's shifts under the first pixel. */
INLINE void add_rows(sums *s, const xai__correlation *c, const float *const x[WIDE], int32_t first, int32_t end,
                     const int n_blocks)
{
    for (int32_t row = first; row < end; row++) {
        const float *dy = c->dy + row * c->dy_row;
        int64_t at = row * c->x_row;

        for (int32_t column = 0; column < c->n_columns; column++, dy += XAI__BLOCK, at += c->x_column) {
            vec d[MOST_BLOCKS];

            UNROLLED
            for (int b = 0; b < n_blocks; b++)
                d[b] = vec_load(dy + b * c->dy_block);
            UNROLLED
            for (int i = 0; i < WIDE; i++) {
                const vec shifted = vec_set1(x[i][at]);

                UNROLLED
                for (int b = 0; b < n_blocks; b++)
                    s->v[b][i] = vec_fma(d[b], shifted, s->v[b][i]);
            }
        }
    }
}

INLINE void clear(sums *s)
{
    UNROLLED
    for (int b = 0; b < MOST_BLOCKS; b++)
        UNROLLED
    for (int i = 0; i < WIDE; i++)
        s->v[b][i] = vec_set1(0.0f);
}

/* The last tile reads its last shift more often than it is asked for, and keeps one of these sums. */
INLINE void tile(const xai__correlation *c, int32_t first, const int n_blocks)
{
    const int32_t n = c->n_shifts - first < WIDE ? c->n_shifts - first : WIDE,
                  chain = CHAIN / c->n_columns > 1 ? CHAIN / c->n_columns : 1;
    const float *x[WIDE];
    sums all;

    for (int i = 0; i < WIDE; i++)
        x[i] = c->x + c->shifts[first + (i < n ? i : n - 1)];
    clear(&all);
    for (int32_t row = 0; row < c->n_rows; row += chain) {
        sums some;

        clear(&some);
        add_rows(&some, c, x, row, c->n_rows - row < chain ? c->n_rows : row + chain, n_blocks);
        for (int b = 0; b < n_blocks; b++)
            for (int i = 0; i < WIDE; i++)
                all.v[b][i] = vec_add(all.v[b][i], some.v[b][i]);
    }
    for (int b = 0; b < n_blocks; b++)
        for (int i = 0; i < n; i++)
            vec_store(c->sums + ((int64_t)b * c->n_shifts + first + i) * XAI__BLOCK, all.v[b][i]);
}

static void correlate(const xai__correlation *c, int32_t n_blocks)
{
    for (int32_t first = 0; first < c->n_shifts; first += WIDE)
        if (MOST_BLOCKS > 1 && n_blocks > 1)
            tile(c, first, MOST_BLOCKS);
        else
            tile(c, first, 1);
}

/* Four taps of a row of one channel; lanes are pixels, and are added up in the end. The last four may be fewer, and
 * then the last is computed more often. */
INLINE void four_taps(const xai__correlation *c, int32_t first)
{
    const float *x[XAI__FEW];
    vec s[XAI__FEW];

    for (int i = 0; i < XAI__FEW; i++)
        x[i] = c->x + c->shifts[first + i < c->n_shifts ? first + i : c->n_shifts - 1];
    UNROLLED
    for (int i = 0; i < XAI__FEW; i++)
        s[i] = vec_set1(0.0f);
    for (int32_t row = 0; row < c->n_rows; row++)
        for (int32_t column = 0; column < c->n_columns; column += XAI__BLOCK) {
            const vec d = vec_load(c->dy + row * c->dy_row + column);

            UNROLLED
            for (int i = 0; i < XAI__FEW; i++)
                s[i] = vec_fma(d, vec_load(x[i] + row * c->x_row + column), s[i]);
        }
    vec_sums(c->sums + first, s[0], s[1], s[2], s[3]);
}

static void correlate_rows(const xai__correlation *c)
{
    for (int32_t first = 0; first < c->n_shifts; first += XAI__FEW)
        four_taps(c, first);
}

const xai__correlations XAI__ISA(xai__correlations) = { MOST_BLOCKS, correlate, correlate_rows };
