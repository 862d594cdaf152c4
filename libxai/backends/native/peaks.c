/* SPDX-License-Identifier: MIT
 * Where the maxima of windows are, lane by lane, and what a pool's gradient sends there. */
#include "backends/native/run.h"
#include "backends/native/vec.h"

/* The number of the tap that has the maximum: the first of equals, the last NaN. */
INLINE vec find_peak(const xai__peaks *p, const float *x, int32_t n_rows, int32_t n_cols)
{
    vec best = vec_set1(-__builtin_inff()), at = vec_set1((float)p->tap);

    for (int32_t y = 0; y < n_rows; y++)
        for (int32_t c = 0; c < n_cols; c++) {
            vec v = vec_load(x + y * p->x_row + c * p->x_col);

            at = vec_if_above(v, best, vec_set1((float)(p->tap + y * p->tap_row + c)), at);
            best = vec_if_above(v, best, v, best);
        }
    return at;
}

INLINE void find_peaks(const xai__peaks *p, int32_t n_rows, int32_t n_cols)
{
    for (int32_t w = 0; w < p->n_windows; w++)
        vec_store(p->at + w * 16, find_peak(p, p->x + w * p->x_window, n_rows, n_cols));
}

/* Most pools have windows of 3x3 and 2x2: known to the compiler, the numbers of their taps stay in registers. */
static void find(const xai__peaks *p)
{
    if (p->n_rows == 3 && p->n_cols == 3)
        find_peaks(p, 3, 3);
    else if (p->n_rows == 2 && p->n_cols == 2)
        find_peaks(p, 2, 2);
    else
        find_peaks(p, p->n_rows, p->n_cols);
}

INLINE void send_to(const xai__peaks_sent *s, int32_t n_cols)
{
    const float *dy = s->dy;
    float *row = s->row;

    for (int32_t w = 0; w < s->n_windows; w++, dy += s->dy_window, row += s->row_window) {
        vec at = vec_load(s->at + w * 16), v = vec_load(dy);

        for (int32_t c = 0; c < n_cols; c++) {
            float *to = row + c * s->row_col;

            vec_store(to, vec_add(vec_load(to), vec_if_equal(at, vec_set1((float)(s->tap + c)), v)));
        }
    }
}

static void send(const xai__peaks_sent *s)
{
    if (s->n_cols == 3)
        send_to(s, 3);
    else
        send_to(s, s->n_cols);
}

const xai__peaks_table XAI__ISA(xai__peaks_table) = { find, send };
