/* SPDX-License-Identifier: MIT
 * Pairwise summation: halves down to 128 numbers, and those in eight columns. The error grows with log n, and the order
 * is NumPy's, on which the last bit of a sum depends. */
#include "tree/sum.h"

enum { COLUMNS = 8, BLOCK = 128 };

static double sum_block(const double *numbers, size_t n)
{
    double sums[COLUMNS], total;
    size_t i;

    for (size_t k = 0; k < COLUMNS; k++)
        sums[k] = numbers[k];
    for (i = COLUMNS; i + COLUMNS <= n; i += COLUMNS)
        for (size_t k = 0; k < COLUMNS; k++)
            sums[k] += numbers[i + k];
    total = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    for (; i < n; i++)
        total += numbers[i];
    return total;
}

double xai__sum_pairwise(const double *numbers, size_t n)
{
    size_t half = n / 2 - n / 2 % COLUMNS;
    double total = 0;

    if (n > BLOCK)
        return xai__sum_pairwise(numbers, half) + xai__sum_pairwise(numbers + half, n - half);
    if (n >= COLUMNS)
        return sum_block(numbers, n);
    for (size_t i = 0; i < n; i++)
        total += numbers[i];
    return total;
}
