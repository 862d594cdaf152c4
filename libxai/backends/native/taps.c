/* SPDX-License-Identifier: MIT
 * The taps of a gradient's outputs. */
#include "backends/native/taps.h"

static int32_t common_divisor(int32_t a, int32_t b)
{
    while (b != 0) {
        int32_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

static int32_t step_of(const xai__axis *axis)
{
    return axis->stride / common_divisor(axis->stride, axis->dilation);
}

/* Taps of one direction that lie step apart, from `first` on. */
static int32_t count_alike(int32_t kernel, int32_t first, int32_t step)
{
    return first < kernel ? (kernel - first - 1) / step + 1 : 0;
}

/* Those in the classes behind that of `first`, which have no more. */
static int32_t count_behind(int32_t kernel, int32_t first, int32_t step)
{
    const int32_t all = kernel / step, larger = kernel % step - first - 1;

    return (step - 1 - first) * all + (larger > 0 ? larger : 0);
}

xai__tap_class xai__tap_class_of(const xai__axis *rows, const xai__axis *cols, int32_t row, int32_t col)
{
    xai__tap_class c = { .row_step = step_of(rows), .col_step = step_of(cols) };

    c.row = row % c.row_step;
    c.col = col % c.col_step;
    c.n_rows = count_alike(rows->kernel, c.row, c.row_step);
    c.n_cols = count_alike(cols->kernel, c.col, c.col_step);
    c.before = (int64_t)count_behind(rows->kernel, c.row, c.row_step) * cols->kernel +
               (int64_t)c.n_rows * count_behind(cols->kernel, c.col, c.col_step);
    return c;
}

xai__taps xai__taps_back(const xai__axis *axis, int32_t o)
{
    const int32_t step = step_of(axis);
    xai__taps t = { 0, step, 0, 0, (int32_t)((int64_t)axis->dilation * step / axis->stride), true };

    for (int32_t k = 0; k < axis->kernel; k++) {
        int64_t at = (int64_t)o + axis->pad - (int64_t)k * axis->dilation;

        if (at % axis->stride != 0)
            continue;
        if (at < 0 || at / axis->stride >= axis->in) {
            t.is_whole = false;
            continue;
        }
        if (t.n++ == 0) {
            t.first = k;
            t.in = (int32_t)(at / axis->stride);
        }
    }
    return t;
}

int32_t xai__taps_alike(const xai__axis *axis, const xai__taps *taps, int32_t o, int32_t end)
{
    int32_t most = (end - o + axis->stride - 1) / axis->stride, n = 1;

    /* From one to the next, every tap reads the next input; the first tap reads the last of them. */
    if (taps->is_whole && taps->n > 0)
        return axis->in - taps->in < most ? axis->in - taps->in : most;
    for (; n < most; n++) {
        xai__taps there = xai__taps_back(axis, o + n * axis->stride);

        if (there.first != taps->first || there.n != taps->n)
            break;
    }
    return n;
}

xai__taps xai__taps_of_phase(const xai__axis *axis, int32_t phase)
{
    int32_t divisor = common_divisor(axis->stride, axis->dilation);
    xai__taps t = { 0, axis->stride / divisor, 0, 0, axis->dilation / divisor, true };

    for (int32_t k = 0; k < axis->kernel && t.n == 0; k++) {
        int64_t at = (int64_t)phase + axis->pad - (int64_t)k * axis->dilation;

        if (at % axis->stride == 0) {
            t.first = k;
            t.n = (axis->kernel - k + t.step - 1) / t.step;
            t.in = (int32_t)(at / axis->stride);
        }
    }
    return t;
}
