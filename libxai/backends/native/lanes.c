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

INLINE void lane_tile(const xai__run *run, size_t first, enum xai__lane_op op, const int n_pixels)
{
    const int n_blocks = 1;
    const int64_t pixel = run->in_pixel;
    const float *in = run->in + (int64_t)first * pixel, *weights = run->weights;
    tile t;

    EACH(t.v[b][q] = start(op));
    for (int32_t i = 0; i < run->n_in; i++, in += run->in_block, weights += run->w_block)
        for (int32_t y = 0; y < run->n_rows; y++)
            for (int32_t x = 0; x < run->n_cols; x++) {
                const float *tap = in + y * run->in_row + x * run->in_col;
                vec weight = vec_set1(0.0f);

                if (op == XAI__LANE_FMA)
                    weight = vec_load(weights + y * run->w_row + x * run->w_col);
                EACH(t.v[b][q] = add_tap(op, t.v[b][q], vec_load(tap + q * pixel), weight));
            }
    if (op == XAI__LANE_AVERAGE) {
        EACH(t.v[b][q] = vec_div(t.v[b][q], vec_set1(run->divisor)));
    }
    finish_tile(&t, run, first, n_blocks, n_pixels);
}

/* As wide as half the registers, then halves. */
enum { WIDE = PARTS == 1 ? 12 : PARTS == 2 ? 6 : 3, NARROW = PARTS == 1 ? 4 : PARTS == 2 ? 2 : 1 };

INLINE void lane_run(const xai__run *run, enum xai__lane_op op)
{
    size_t first = 0;

    for (; first + WIDE <= run->n_pixels; first += WIDE)
        lane_tile(run, first, op, WIDE);
    for (; first + NARROW <= run->n_pixels; first += NARROW)
        lane_tile(run, first, op, NARROW);
    for (; first < run->n_pixels; first++)
        lane_tile(run, first, op, 1);
}

static void copy(const xai__run *run)
{
    lane_run(run, XAI__LANE_COPY);
}

static void fma_taps(const xai__run *run)
{
    lane_run(run, XAI__LANE_FMA);
}

static void max_taps(const xai__run *run)
{
    lane_run(run, XAI__LANE_MAX);
}

static void average(const xai__run *run)
{
    lane_run(run, XAI__LANE_AVERAGE);
}

const xai__lane_table XAI__ISA(xai__lanes) = { { copy, fma_taps, max_taps, average } };
