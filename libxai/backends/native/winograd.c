/* SPDX-License-Identifier: MIT
 * Winograd's transforms: of a patch of inputs before the products, of summed products to outputs behind them. */
#include "backends/native/winograd.h"

#include "backends/native/epilogue.h"

enum { TILE = XAI__WINOGRAD_TILE, PATCH = XAI__WINOGRAD_PATCH };

/* F(4x4): the squares of the points, and what the polynomials in them need. All are exact. */
#define A   ((float)XAI__WINOGRAD_A)
#define B   ((float)XAI__WINOGRAD_B)
#define A2  (A * A)
#define B2  (B * B)
#define ALL (A2 * B2)
#define SUM (A2 + B2)

INLINE vec times_plus(float a, vec b, vec c)
{
    return vec_fma(vec_set1(a), b, c);
}

/* Values of the patch's polynomial at the points, in one direction. Points of opposite sign share their even and odd
 * halves. */
INLINE void in_large(vec out[PATCH], const vec d[PATCH])
{
    const vec even_a = times_plus(-B2, d[2], d[4]), odd_a = times_plus(-B2, d[1], d[3]);
    const vec even_b = times_plus(-A2, d[2], d[4]), odd_b = times_plus(-A2, d[1], d[3]);

    out[0] = times_plus(ALL, d[0], times_plus(-SUM, d[2], d[4]));
    out[1] = times_plus(A, odd_a, even_a);
    out[2] = times_plus(-A, odd_a, even_a);
    out[3] = times_plus(B, odd_b, even_b);
    out[4] = times_plus(-B, odd_b, even_b);
    out[5] = times_plus(ALL, d[1], times_plus(-SUM, d[3], d[5]));
}

INLINE void out_large(vec out[TILE], const vec m[PATCH])
{
    const vec sum_a = vec_add(m[1], m[2]), difference_a = vec_sub(m[1], m[2]);
    const vec sum_b = vec_add(m[3], m[4]), difference_b = vec_sub(m[3], m[4]);

    out[0] = vec_add(m[0], vec_add(sum_a, sum_b));
    out[1] = times_plus(B, difference_b, vec_mul(vec_set1(A), difference_a));
    out[2] = times_plus(B2, sum_b, vec_mul(vec_set1(A2), sum_a));
    out[3] = times_plus(B2 * B, difference_b, times_plus(A2 * A, difference_a, m[5]));
}

/* F(2x2) interpolates at 0, 1, -1 and infinity. */
INLINE void in_small(vec out[PATCH], const vec d[PATCH])
{
    out[0] = vec_sub(d[0], d[2]);
    out[1] = vec_add(d[1], d[2]);
    out[2] = vec_sub(d[2], d[1]);
    out[3] = vec_sub(d[3], d[1]);
}

INLINE void out_small(vec out[TILE], const vec m[PATCH])
{
    out[0] = vec_add(m[0], vec_add(m[1], m[2]));
    out[1] = vec_add(m[3], vec_sub(m[1], m[2]));
}

INLINE void in_line(vec out[PATCH], const vec d[PATCH], const int size)
{
    if (size == TILE)
        in_large(out, d);
    else
        in_small(out, d);
}

INLINE void out_line(vec out[TILE], const vec m[PATCH], const int size)
{
    if (size == TILE)
        out_large(out, m);
    else
        out_small(out, m);
}

/* Where a patch's pixels lie. Plainly, in rows; or where the map's border cuts it, wherever the table says. */
typedef struct patch {
    const float *in, *const *at;
    int64_t row;
} patch;

INLINE vec load_pixel(const patch *p, int y, int x, const int size)
{
    return vec_load(p->at != NULL ? p->at[y * (size + 2) + x] : p->in + y * p->row + x * XAI__BLOCK);
}

/* Columns first, then rows. */
INLINE void transform_in(float *out, int64_t out_product, const patch *p, const int size)
{
    const int n = size + 2;
    vec columns[PATCH][PATCH]; /* [x][y] */

    UNROLLED for (int x = 0; x < n; x++)
    {
        vec d[PATCH];

        UNROLLED for (int y = 0; y < n; y++) d[y] = load_pixel(p, y, x, size);
        in_line(columns[x], d, size);
    }
    UNROLLED for (int y = 0; y < n; y++)
    {
        vec d[PATCH], v[PATCH];

        UNROLLED for (int x = 0; x < n; x++) d[x] = columns[x][y];
        in_line(v, d, size);
        UNROLLED for (int x = 0; x < n; x++) vec_store(out + (y * n + x) * out_product, v[x]);
    }
}

INLINE void in_blocks(float *out, int64_t out_product, int64_t out_block, const float *in, int64_t row, int64_t block,
                      int32_t n_blocks, const int size)
{
    for (int32_t i = 0; i < n_blocks; i++) {
        const patch p = { in + i * block, NULL, row };

        transform_in(out + i * out_block, out_product, &p, size);
    }
}

static const float zeros[XAI__BLOCK];

INLINE void border_blocks(float *out, int64_t out_product, int64_t out_block, const float *in, int64_t row,
                          int64_t block, int32_t n_blocks, const xai__window *inside, const int size)
{
    const int n = size + 2;
    const float *at[PATCH * PATCH];
    int64_t step[PATCH * PATCH];
    const patch p = { NULL, at, 0 };

    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) {
            bool is_inside = y >= inside->y0 && y < inside->y1 && x >= inside->x0 && x < inside->x1;

            at[y * n + x] = is_inside ? in + y * row + x * XAI__BLOCK : zeros;
            step[y * n + x] = is_inside ? block : 0;
        }
    for (int32_t i = 0; i < n_blocks; i++) {
        transform_in(out + i * out_block, out_product, &p, size);
        for (int k = 0; i + 1 < n_blocks && k < n * n; k++)
            at[k] += step[k];
    }
}

/* The outputs of a tile, [row][pixel]. */
INLINE void transform_out(vec out[TILE][TILE], const float *in, int64_t in_product, const int size)
{
    const int n = size + 2;
    vec columns[PATCH][TILE]; /* [x][y] */

    UNROLLED for (int x = 0; x < n; x++)
    {
        vec m[PATCH];

        UNROLLED for (int y = 0; y < n; y++) m[y] = vec_load(in + (y * n + x) * in_product);
        out_line(columns[x], m, size);
    }
    UNROLLED for (int y = 0; y < size; y++)
    {
        vec m[PATCH];

        UNROLLED for (int x = 0; x < n; x++) m[x] = columns[x][y];
        out_line(out[y], m, size);
    }
}

INLINE void move_place(xai__place *place, int64_t lines, int64_t pixels)
{
    if (place->data != NULL)
        place->data += lines * place->block + pixels * place->pixel;
}

static void move_run(xai__run *run, int64_t lines, int64_t pixels)
{
    const uint32_t n_stages = run->epilogue->n_stages;

    move_place(&run->out, lines, pixels);
    for (uint32_t i = 0; i < n_stages; i++)
        move_place(&run->operands[i], lines, pixels);
    for (uint32_t i = 0; run->has_taps && i <= n_stages; i++)
        move_place(&run->taps[i], lines, pixels);
}

/* As many rows at once as the registers hold. */
INLINE void finish_whole(vec out[TILE][TILE], xai__run *run, const int size)
{
    const int n_lines = PARTS == 1 ? size : 1;
    tile t;

    UNROLLED for (int y = 0; y < size; y += n_lines)
    {
        if (y > 0)
            move_run(run, n_lines, 0);
        UNROLLED for (int i = 0; i < n_lines; i++) UNROLLED for (int x = 0; x < size; x++) t.v[i][x] = out[y + i][x];
        finish_lines(&t, run, 0, n_lines, size, 0);
    }
}

INLINE void finish_row(const float *row, const xai__run *run, const int n_pixels)
{
    const int n_blocks = 1;
    tile t;

    EACH(t.v[b][q] = vec_load(row + q * XAI__BLOCK));
    finish_lines(&t, run, 0, n_blocks, n_pixels, 0);
}

/* A tile that is cut off: at the border of the map or of a window. */
static __attribute__((noinline)) void finish_part(const float *rows, xai__run *run, const xai__window *inside)
{
    const int32_t n_pixels = inside->x1 - inside->x0;

    move_run(run, inside->y0, inside->x0);
    for (int32_t y = inside->y0; y < inside->y1; y++) {
        const float *row = rows + (y * TILE + inside->x0) * XAI__BLOCK;

        if (n_pixels == 1)
            finish_row(row, run, 1);
        else if (n_pixels == 2)
            finish_row(row, run, 2);
        else if (n_pixels == 3)
            finish_row(row, run, 3);
        else
            finish_row(row, run, 4);
        move_run(run, 1, 0);
    }
}

INLINE void out_block(xai__run *run, const float *in, int64_t in_product, const xai__window *inside, const int size)
{
    float rows[TILE * TILE * XAI__BLOCK];
    vec out[TILE][TILE];

    transform_out(out, in, in_product, size);
    if (inside->y1 - inside->y0 == size && inside->x1 - inside->x0 == size) {
        finish_whole(out, run, size);
        return;
    }
    UNROLLED for (int y = 0; y < size; y++) UNROLLED for (int x = 0; x < size; x++)
        vec_store(rows + (y * TILE + x) * XAI__BLOCK, out[y][x]);
    finish_part(rows, run, inside);
}

#define DEFINE(name, size)                                                                                             \
    static void in_##name##_blocks(float *out, int64_t out_product, int64_t out_block, const float *in, int64_t row,   \
                                   int64_t block, int32_t n_blocks)                                                    \
    {                                                                                                                  \
        in_blocks(out, out_product, out_block, in, row, block, n_blocks, size);                                        \
    }                                                                                                                  \
                                                                                                                       \
    static void border_##name##_blocks(float *out, int64_t out_product, int64_t out_block, const float *in,            \
                                       int64_t row, int64_t block, int32_t n_blocks, const xai__window *inside)        \
    {                                                                                                                  \
        border_blocks(out, out_product, out_block, in, row, block, n_blocks, inside, size);                            \
    }                                                                                                                  \
                                                                                                                       \
    static void out_##name##_block(xai__run *run, const float *in, int64_t in_product, const xai__window *inside)      \
    {                                                                                                                  \
        out_block(run, in, in_product, inside, size);                                                                  \
    }

DEFINE(small, 2)
DEFINE(large, 4)

const xai__winograd_table XAI__ISA(xai__winograd) = { { in_small_blocks, in_large_blocks },
                                                      { border_small_blocks, border_large_blocks },
                                                      { out_small_block, out_large_block } };
