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

xai__taps xai__taps_back(const xai__axis *axis, int32_t o)
{
    int32_t divisor = common_divisor(axis->stride, axis->dilation);
    xai__taps t = { 0, axis->stride / divisor, 0, 0, axis->dilation / divisor, true };

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
