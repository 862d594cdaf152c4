/* SPDX-License-Identifier: MIT
 * Rows of depthwise convolutions of three or five taps, one or two pixels apart: what most of them are. Borders are in
 * the same tiles as the rest, so that a row of a small map is one tile. */
#include "backends/native/epilogue.h"

/* Inputs that a tile reads of one row. */
#define REACH(n_cols, stride, n_pixels) (((n_pixels)-1) * (stride) + (n_cols))

/* A row of taps. Inputs [low, high) lie inside the map; of those that do not, which only the first and last taps see,
 * nothing is added. An input is read once for all that see it; each sum is still in the order of its taps. */
INLINE void add_row(tile *t, const float *in, const float *weights, int32_t low, int32_t high, const int n_cols,
                    const int stride, const int n_pixels)
{
    vec w[5];

    UNROLLED for (int k = 0; k < n_cols; k++) w[k] = vec_load(weights + k * XAI__BLOCK);
    UNROLLED for (int i = 0; i < REACH(n_cols, stride, n_pixels); i++)
    {
        const bool is_left = i < n_cols - 1 && i<low, is_right = i>(n_pixels - 1) * stride && i >= high;

        if (!is_left && !is_right) {
            const vec x = vec_load(in + i * XAI__BLOCK);

            UNROLLED for (int k = 0; k < n_cols; k++)
            {
                if (i >= k && (i - k) % stride == 0 && (i - k) / stride < n_pixels)
                    t->v[0][(i - k) / stride] = vec_fma(x, w[k], t->v[0][(i - k) / stride]);
            }
        }
    }
}

/* The rows of taps of one row of outputs. */
typedef struct line {
    const float *in, *weights; /* the first row inside the map, at its first pixel */
    int32_t n_rows, x;         /* where the first tap of the first output lies */
} line;

INLINE void slide_tile(const xai__run *run, const line *l, const xai__axis *cols, size_t first, const int n_cols,
                       const int stride, const int n_pixels)
{
    const int n_blocks = 1;
    const int32_t x = l->x + (int32_t)first * stride;
    const float *in = l->in + (int64_t)x * XAI__BLOCK, *weights = l->weights;
    tile t;

    EACH(t.v[b][q] = vec_set1(0.0f));
    for (int32_t i = 0; i < l->n_rows; i++, in += run->in_row, weights += run->w_row)
        add_row(&t, in, weights, -x, cols->in - x, n_cols, stride, n_pixels);
    finish_tile(&t, run, first, n_blocks, n_pixels);
}

/* Widths of maps are multiples of seven more often than of other numbers. */
enum { WIDE = PARTS == 1 ? 14 : PARTS == 2 ? 7 : 3, MIDDLE = PARTS == 1 ? 7 : PARTS == 2 ? 4 : 2 };
enum { NARROW = PARTS == 1 ? 4 : PARTS == 2 ? 2 : 1 };

INLINE void slide_row(const xai__run *run, const line *l, const xai__axis *cols, const int n_cols, const int stride)
{
    const size_t n = run->n_pixels;
    size_t first = 0;

    for (; first + WIDE <= n; first += WIDE)
        slide_tile(run, l, cols, first, n_cols, stride, WIDE);
    for (; first + MIDDLE <= n; first += MIDDLE)
        slide_tile(run, l, cols, first, n_cols, stride, MIDDLE);
    for (; first + NARROW <= n; first += NARROW)
        slide_tile(run, l, cols, first, n_cols, stride, NARROW);
    for (; first < n; first++)
        slide_tile(run, l, cols, first, n_cols, stride, 1);
}

INLINE void move_down(xai__place *place)
{
    if (place->data != NULL)
        place->data += place->block;
}

INLINE void next_row(xai__run *run)
{
    const uint32_t n_stages = run->epilogue->n_stages;

    move_down(&run->out);
    for (uint32_t i = 0; i < n_stages; i++)
        move_down(&run->operands[i]);
    for (uint32_t i = 0; run->has_taps && i <= n_stages; i++)
        move_down(&run->taps[i]);
}

INLINE void slide(xai__run *run, const xai__axis *rows, const xai__axis *cols, const xai__window *window,
                  const int n_cols, const int stride)
{
    line l = { .x = window->x0 * stride - cols->pad };

    for (int32_t y = window->y0; y < window->y1; y++, next_row(run)) {
        const int32_t top = y * rows->stride - rows->pad, first = top < 0 ? -top : 0;
        const int32_t end = rows->in - top < rows->kernel ? rows->in - top : rows->kernel;

        l.in = run->in + (int64_t)(top + first) * run->in_row;
        l.weights = run->weights + first * run->w_row;
        l.n_rows = end - first;
        slide_row(run, &l, cols, n_cols, stride);
    }
}

#define DEFINE(n_cols, stride)                                                                                         \
    static void slide_##n_cols##_##stride(xai__run *run, const xai__axis *rows, const xai__axis *cols,                 \
                                          const xai__window *window)                                                   \
    {                                                                                                                  \
        slide(run, rows, cols, window, n_cols, stride);                                                                \
    }

DEFINE(3, 1)
DEFINE(3, 2)
DEFINE(5, 1)
DEFINE(5, 2)

const xai__slide_table XAI__ISA(xai__slides) = { { { slide_3_1, slide_3_2 }, { slide_5_1, slide_5_2 } } };
