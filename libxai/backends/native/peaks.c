/* SPDX-License-Identifier: MIT
 * Where the maxima of windows are, lane by lane, for what a pool's gradient sends there. */
#include "backends/native/run.h"
#include "backends/native/vec.h"

/* The number of the tap that has the maximum: the first of equals, the last NaN. */
INLINE vec find_peak(const xai__peaks *p, const float *x)
{
    vec best = vec_set1(-__builtin_inff()), at = vec_set1(0.0f);
    float tap = 0;

    for (int32_t y = 0; y < p->n_rows; y++)
        for (int32_t c = 0; c < p->n_cols; c++, tap++) {
            vec v = vec_load(x + y * p->x_row + c * p->x_col);

            at = vec_if_above(v, best, vec_set1(tap), at);
            best = vec_if_above(v, best, v, best);
        }
    return at;
}

/* v in the lanes whose number is tap. */
INLINE vec if_at(vec at, int32_t tap, vec v)
{
    return vec_if_less(at, vec_set1((float)tap + 0.5f), vec_if_less(vec_set1((float)tap - 0.5f), at, v));
}

xai__peaks_fn XAI__ISA(xai__peaks);

void XAI__ISA(xai__peaks)(const xai__peaks *p)
{
    const float *x = p->x, *dy = p->dy;
    float *row = p->row;

    for (int32_t w = 0; w < p->n_windows; w++, x += p->x_window, dy += p->dy_window, row += p->row_window) {
        vec at = find_peak(p, x), v = vec_load(dy);

        for (int32_t c = 0; c < p->n_cols; c++) {
            float *to = row + c * p->row_col;

            vec_store(to, vec_add(vec_load(to), if_at(at, p->tap_row * p->n_cols + c, v)));
        }
    }
}
