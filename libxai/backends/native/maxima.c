/* SPDX-License-Identifier: MIT
 * Where the maximum of a window lies, lane by lane. Plain loops over 16 lanes, which compilers turn into vectors. */
#include "backends/native/run.h"
#include "backends/native/vec.h"

xai__maxima_fn XAI__ISA(xai__add_to_maximum);

/* best is the maximum so far, at the tap of this number. */
INLINE void take_larger(float best[XAI__BLOCK], int32_t at[XAI__BLOCK], const float *x, int32_t tap)
{
    for (int i = 0; i < XAI__BLOCK; i++) {
        int takes = x[i] > best[i] || x[i] != x[i];

        best[i] = takes ? x[i] : best[i];
        at[i] = takes ? tap : at[i];
    }
}

INLINE void add_where(float *dx, const int32_t at[XAI__BLOCK], int32_t tap, const float *dy)
{
    for (int i = 0; i < XAI__BLOCK; i++)
        dx[i] += at[i] == tap ? dy[i] : 0.0f;
}

void XAI__ISA(xai__add_to_maximum)(const xai__maxima *w)
{
    float best[XAI__BLOCK];
    int32_t at[XAI__BLOCK];

    for (int i = 0; i < XAI__BLOCK; i++) {
        best[i] = -__builtin_inff();
        at[i] = 0;
    }
    for (int32_t y = 0; y < w->n_rows; y++)
        for (int32_t x = 0; x < w->n_cols; x++)
            take_larger(best, at, w->x + y * w->x_row + x * w->x_col, y * w->n_cols + x);
    for (int32_t y = 0; y < w->n_rows; y++)
        for (int32_t x = 0; x < w->n_cols; x++)
            add_where(w->dx + y * w->dx_row + x * w->dx_col, at, y * w->n_cols + x, w->dy);
}
