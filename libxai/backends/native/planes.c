/* SPDX-License-Identifier: MIT
 * Convolutions into one to four channels: the lanes are pixels of a row, and weights are broadcast. */
#include "backends/native/planes.h"
#include "backends/native/epilogue.h"

/* --- splitting --- */

/* in: the first pixels of four lanes each, from one of which to the next it is `step`. Four channels of four lanes are
 * a matrix that is turned over, side by side with others in the lanes of a register. */
INLINE void split_vector(float *out, int64_t plane, const float *const in[4], int64_t step)
{
    const float *at[4] = { in[0], in[1], in[2], in[3] };

    __asm__("" : "+r"(at[0]), "+r"(at[1]), "+r"(at[2]), "+r"(at[3])); /* or it would be sixteen pointers */
    UNROLLED
    for (int c = 0; c < XAI__BLOCK; c += 4)
        UNROLLED
    for (int x = 0; x < XAI__BLOCK; x += PART) {
        part p[4];

        UNROLLED
        for (int i = 0; i < 4; i++)
            p[i] = part_quarters(at + x / 4, i * step + c);
        part_turn(p);
        UNROLLED
        for (int i = 0; i < 4; i++)
            part_store(out + (c + i) * plane + x, p[i]);
    }
}

/* What four lanes read: `wide` pixels from a column on, copied between zeros where they are not all inside the map. */
INLINE const float *quarter(const xai__split *s, const float *in, int32_t q, int32_t wide)
{
    const int64_t column = (int64_t)s->column + (int64_t)q * wide, inside = s->width - column;
    float *copy = s->spare + (int64_t)q * wide * XAI__BLOCK;

    if (inside >= wide)
        return in + column * XAI__BLOCK;
    for (int64_t x = 0; x < wide; x++)
        vec_store(copy + x * XAI__BLOCK, x < inside ? vec_load(in + (column + x) * XAI__BLOCK) : vec_set1(0.0f));
    return copy;
}

INLINE void split_block(const xai__split *s, int32_t block)
{
    const float *in = s->in + block * s->in_block;
    float *out = s->out + block * XAI__BLOCK * s->plane;
    const float *at[4];

    for (int q = 0; q < 4; q++)
        at[q] = quarter(s, in, q, 4 * s->n_vectors);
    for (int32_t v = 0; v < s->n_vectors; v++, out += XAI__BLOCK) {
        split_vector(out, s->plane, at, (int64_t)s->n_vectors * XAI__BLOCK);
        for (int q = 0; q < 4; q++)
            at[q] += XAI__BLOCK;
    }
}

/* Vector v beside the others: what lies at `from`, behind it, one lane on, and in the lane that is new this column. */
INLINE void split_edge(const xai__split *s, int32_t v, int64_t from, int lane, int64_t column)
{
    const bool is_inside = column >= 0 && column < s->width;
    const float *in = s->in + column * XAI__BLOCK;
    float *out = s->out + (int64_t)v * XAI__BLOCK;

    for (int32_t i = 0; i < s->n_blocks; i++, in += s->in_block)
        for (int c = 0; c < XAI__BLOCK; c++, out += s->plane) {
            vec_store(out, vec_load(out + from));
            out[lane] = is_inside ? in[c] : 0.0f;
            __asm__("" : "+r"(out)); /* or it would be sixteen pointers */
        }
}

/* Vectors beside the others are made last: what they are made of has left the processor's store buffer by then. */
static void split(const xai__split *split)
{
    const xai__split s = *split; /* since stores could change what a pointer points at */
    const int64_t n = s.n_vectors, size = n * XAI__BLOCK;

    for (int32_t i = 0; i < s.n_blocks; i++)
        split_block(&s, i);
    for (int32_t v = -1; v >= -s.before; v--)
        split_edge(&s, v, size - 1, 0, (int64_t)s.column + v);
    for (int32_t v = 0; v < s.behind; v++)
        split_edge(&s, s.n_vectors + v, 1 - size, XAI__BLOCK - 1, s.column + XAI__BLOCK * n + v);
}

/* --- adding --- */

/* Adds the products of one channel under one tap. The tile's blocks are output channels, its pixels are vectors. */
INLINE void add_tap(tile *t, const float *in, const float *weights, const int n_blocks, const int n_pixels)
{
    vec x[XAI__TILE_PIXELS];

    EACH_PIXEL(x[q] = vec_load(in + q * XAI__BLOCK); VEC_KEEP(x[q]));
    EACH_BLOCK(vec w = vec_set1(weights[b]); VEC_KEEP(w); EACH_PIXEL(t->v[b][q] = vec_fma(x[q], w, t->v[b][q])));
}

/* n_taps: how many, if that is known when compiled and their inputs are neighbours, else 0. Then nothing but constants
 * leads from tap to tap: additions would have to wait for the products that fill the same ports. first: the tile's
 * first vector. */
INLINE void add_tile(const xai__planes *planes, int32_t first, const int n_taps, const int n_blocks, const int n_pixels)
{
    const xai__planes p = *planes; /* since stores could change what a pointer points at */
    const float *in = p.in + (int64_t)first * XAI__BLOCK, *weights = p.weights, *ahead = p.ahead;
    const int32_t n_ahead = first == 0 ? p.n_ahead : 0;
    float *sums = p.sums + (int64_t)first * XAI__BLOCK;
    tile t;

    EACH(t.v[b][q] = vec_load(sums + b * p.sums_channel + q * XAI__BLOCK));
    for (int32_t i = 0; i < p.n_in; i++, in += p.in_channel, weights += p.w_channel) {
        UNROLLED for (int k = 0; k < n_taps; k++)
            add_tap(&t, in - k * XAI__BLOCK, weights + k * n_blocks, n_blocks, n_pixels);
        for (int32_t k = 0; n_taps == 0 && k < p.n_taps; k++)
            add_tap(&t, in + k * p.in_tap, weights + k * n_blocks, n_blocks, n_pixels);
        for (int32_t k = 0; k < n_ahead; k++, ahead += XAI__BLOCK)
            __builtin_prefetch(ahead, 0, 2);
    }
    EACH(vec_store(sums + b * p.sums_channel + q * XAI__BLOCK, t.v[b][q]));
}

/* Tiles, outputs by vectors: as wide as leaves registers for weights and one input. */
/* clang-format off */
#if PARTS == 1
#define TILES(X)                                                                                                       \
    X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(2, 1) X(2, 2) X(2, 3) X(2, 4) X(2, 5) X(2, 6) X(2, 7)    \
    X(3, 1) X(3, 2) X(3, 3) X(3, 4) X(3, 5) X(3, 6) X(3, 7) X(4, 1) X(4, 2) X(4, 3) X(4, 4) X(4, 5) X(4, 6)
#define WIDEST { 7, 7, 7, 6 }
#elif PARTS == 2
#define TILES(X) X(1, 1) X(1, 2) X(1, 3) X(2, 1) X(2, 2) X(3, 1) X(3, 2) X(4, 1)
#define WIDEST { 3, 2, 2, 1 }
#else
#define TILES(X) X(1, 1) X(1, 2) X(2, 1) X(3, 1) X(4, 1)
#define WIDEST { 2, 1, 1, 1 }
#endif
/* clang-format on */

enum { MOST_VECTORS = 7 };

typedef void tile_fn(const xai__planes *planes, int32_t first);

/* Colour pictures are worth code for each number of taps. */
#define DEFINE(n_outputs, n_vectors)                                                                                   \
    static void tile_##n_outputs##_##n_vectors(const xai__planes *p, int32_t first)                                    \
    {                                                                                                                  \
        const int32_t n_taps = n_outputs == 3 && p->in_tap == -XAI__BLOCK ? p->n_taps : 0;                             \
                                                                                                                       \
        if (n_taps == 1)                                                                                               \
            add_tile(p, first, 1, n_outputs, n_vectors);                                                               \
        else if (n_taps == 2)                                                                                          \
            add_tile(p, first, 2, n_outputs, n_vectors);                                                               \
        else if (n_taps == 3)                                                                                          \
            add_tile(p, first, 3, n_outputs, n_vectors);                                                               \
        else if (n_taps == 4)                                                                                          \
            add_tile(p, first, 4, n_outputs, n_vectors);                                                               \
        else                                                                                                           \
            add_tile(p, first, 0, n_outputs, n_vectors);                                                               \
    }
TILES(DEFINE)

#define ENTER(n_outputs, n_vectors) [(n_outputs)-1][n_vectors] = tile_##n_outputs##_##n_vectors,
static tile_fn *const tiles[XAI__FEW][MOST_VECTORS + 1] = { TILES(ENTER) };

/* As even as can be, so that no tile is a thin rest. */
static void add(const xai__planes *planes, int n_outputs)
{
    static const int32_t widest[XAI__FEW] = WIDEST;
    const int32_t most = widest[n_outputs - 1], n_tiles = (planes->n_vectors + most - 1) / most;

    for (int32_t i = 0, first = 0, end; i < n_tiles; i++, first = end) {
        end = (int32_t)((int64_t)planes->n_vectors * (i + 1) / n_tiles);
        tiles[n_outputs - 1][end - first](planes, first);
    }
}

#define DEFINE_ADD(n)                                                                                                  \
    static void add_##n(const xai__planes *planes)                                                                     \
    {                                                                                                                  \
        add(planes, n);                                                                                                \
    }
DEFINE_ADD(1)
DEFINE_ADD(2)
DEFINE_ADD(3)
DEFINE_ADD(4)

/* --- weaving --- */

/* Four columns of each lane that follow each other; a lane has n of them in all. */
INLINE void weave_four(float *out, int64_t n, const float *const in[4])
{
    UNROLLED
    for (int x = 0; x < XAI__BLOCK; x += PART) {
        part p[4] = { part_load(in[0] + x), part_load(in[1] + x), part_load(in[2] + x), part_load(in[3] + x) };

        part_turn(p);
        UNROLLED
        for (int i = 0; i < 4; i++)
            part_to_quarters(out + (x + i) * n, 4 * n, p[i]);
    }
}

/* A lane's columns are stride times n_vectors that follow each other. The last four may overlap the four before. */
static void weave(float *out, const float *in, int64_t phase, int32_t stride, int32_t n_vectors)
{
    const int32_t n = stride * n_vectors;
    const float *from[4];

    for (int32_t v = 0, column = 0; v < n_vectors; v++)
        for (int32_t p = 0; p < stride; p++, column++) {
            const float *vector = in + p * phase + (int64_t)v * XAI__BLOCK;

            from[column % 4] = vector;
            if (n < 4)
                for (int lane = 0; lane < XAI__BLOCK; lane++)
                    out[lane * n + column] = vector[lane];
            else if (column % 4 == 3)
                weave_four(out + column - 3, n, from);
        }
    if (n > 4 && n % 4 != 0) {
        for (int i = 0; i < 4; i++)
            from[i] = in + (n - 4 + i) % stride * phase + (int64_t)((n - 4 + i) / stride) * XAI__BLOCK;
        weave_four(out + n - 4, n, from);
    }
}

const xai__planes_table XAI__ISA(xai__planes_table) = { split, { add_1, add_2, add_3, add_4 }, weave };
