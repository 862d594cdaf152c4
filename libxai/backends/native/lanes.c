/* SPDX-License-Identifier: MIT
 * Runs in which a lane sees only itself: depthwise convolution, pooling, elementwise chains. */
#include "backends/native/epilogue.h"

/* The accumulator before the first tap. */
INLINE vec start(enum xai__lane_op op)
{
    return vec_set1(op == XAI__LANE_MAX ? -__builtin_inff() : 0.0f);
}

/* MAX lets NaN pass, from either side. */
INLINE vec add_tap(enum xai__lane_op op, vec acc, vec x, vec weight)
{
    switch (op) {
    case XAI__LANE_FMA:
        return vec_fma(x, weight, acc);
    case XAI__LANE_MAX:
        return vec_keep_nan(acc, vec_max(acc, x));
    case XAI__LANE_AVERAGE:
        return vec_add(acc, x);
    default:
        return x;
    }
}

/* A row of n_cols taps that lie one pixel apart, as most do: a pixel is read once for all taps that see it. Each sum is
 * still in the order of its taps. */
INLINE void add_row(tile *t, const float *in, const float *weights, int64_t w_col, const int n_cols, const int n_pixels)
{
    vec w[5];

    UNROLLED for (int k = 0; k < n_cols; k++) w[k] = vec_load(weights + k * w_col);
    UNROLLED for (int q = 0; q < n_pixels + n_cols - 1; q++)
    {
        const vec x = vec_load(in + q * XAI__BLOCK);

        UNROLLED for (int k = 0; k < n_cols; k++)
        {
            if (q >= k && q - k < n_pixels)
                t->v[0][q - k] = vec_fma(x, w[k], t->v[0][q - k]);
        }
    }
}

INLINE void add_taps(tile *t, const xai__run *run, const float *in, const float *weights, enum xai__lane_op op,
                     const int n_pixels)
{
    const int n_blocks = 1;

    for (int32_t x = 0; x < run->n_cols; x++) {
        const float *tap = in + x * run->in_col;
        vec weight = vec_set1(0.0f);

        if (op == XAI__LANE_FMA)
            weight = vec_load(weights + x * run->w_col);
        EACH(t->v[b][q] = add_tap(op, t->v[b][q], vec_load(tap + q * run->in_pixel), weight));
    }
}

/* n_cols: the taps of a row if they lie one pixel apart, as pixels do; 0: it depends. */
INLINE void lane_tile(const xai__run *run, size_t first, enum xai__lane_op op, const int n_cols, const int n_pixels)
{
    const int n_blocks = 1;
    const float *in = run->in + (int64_t)first * run->in_pixel, *weights = run->weights;
    tile t;

    EACH(t.v[b][q] = start(op));
    for (int32_t i = 0; i < run->n_in; i++, in += run->in_block, weights += run->w_block)
        for (int32_t y = 0; y < run->n_rows; y++) {
            const float *row = in + y * run->in_row, *w = weights + y * run->w_row;

            if (n_cols > 0)
                add_row(&t, row, w, run->w_col, n_cols, n_pixels);
            else
                add_taps(&t, run, row, w, op, n_pixels);
        }
    if (op == XAI__LANE_AVERAGE) {
        EACH(t.v[b][q] = vec_div(t.v[b][q], vec_set1(run->divisor)));
    }
    finish_tile(&t, run, first, n_blocks, n_pixels);
}

/* As wide as half the registers, then halves. */
enum { WIDE = PARTS == 1 ? 12 : PARTS == 2 ? 6 : 3, NARROW = PARTS == 1 ? 4 : PARTS == 2 ? 2 : 1 };
enum { MIDDLE = PARTS == 1 ? 6 : PARTS == 2 ? 4 : 2, THIN = PARTS == 1 ? 2 : 1 };

INLINE void lane_run(const xai__run *run, enum xai__lane_op op, const int n_cols)
{
    size_t first = 0;

    for (; first + WIDE <= run->n_pixels; first += WIDE)
        lane_tile(run, first, op, n_cols, WIDE);
    for (; first + MIDDLE <= run->n_pixels; first += MIDDLE)
        lane_tile(run, first, op, n_cols, MIDDLE);
    for (; first + NARROW <= run->n_pixels; first += NARROW)
        lane_tile(run, first, op, n_cols, NARROW);
    for (; first + THIN <= run->n_pixels; first += THIN)
        lane_tile(run, first, op, n_cols, THIN);
    for (; first < run->n_pixels; first++)
        lane_tile(run, first, op, n_cols, 1);
}

static void copy(const xai__run *run)
{
    lane_run(run, XAI__LANE_COPY, 0);
}

static void fma_taps(const xai__run *run)
{
    const bool is_dense = run->in_col == XAI__BLOCK && run->in_pixel == XAI__BLOCK;

    if (is_dense && run->n_cols == 3)
        lane_run(run, XAI__LANE_FMA, 3);
    else if (is_dense && run->n_cols == 5)
        lane_run(run, XAI__LANE_FMA, 5);
    else
        lane_run(run, XAI__LANE_FMA, 0);
}

static void max_taps(const xai__run *run)
{
    lane_run(run, XAI__LANE_MAX, 0);
}

static void average(const xai__run *run)
{
    lane_run(run, XAI__LANE_AVERAGE, 0);
}

const xai__lane_table XAI__ISA(xai__lanes) = { { copy, fma_taps, max_taps, average } };
