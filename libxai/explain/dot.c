/* SPDX-License-Identifier: MIT
 * Scalar products. Four sums at a time hide how long an addition takes, and are the same four on every machine. */
#include "explain/dot.h"

double xai__dot(const double *a, const double *b, size_t n)
{
    double sums[4] = { 0 };
    size_t k = 0;

    for (; k + 4 <= n; k += 4)
        for (size_t i = 0; i < 4; i++)
            sums[i] += a[k + i] * b[k + i];
    for (; k < n; k++)
        sums[0] += a[k] * b[k];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* The product of two floats is exact in double: only the additions round. */
double xai__dot_f32(const float *a, const float *b, size_t n)
{
    double sums[4] = { 0 };
    size_t k = 0;

    for (; k + 4 <= n; k += 4)
        for (size_t i = 0; i < 4; i++)
            sums[i] += (double)a[k + i] * (double)b[k + i];
    for (; k < n; k++)
        sums[0] += (double)a[k] * (double)b[k];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}
