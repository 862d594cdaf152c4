/* SPDX-License-Identifier: MIT
 * Cholesky's factor of a symmetric, positive definite matrix. */
#include "explain/cholesky.h"

#include <math.h>

#include "explain/dot.h"

static double largest_of_diagonal(const double *a, size_t n)
{
    double largest = 0;

    for (size_t i = 0; i < n; i++)
        largest = a[i * n + i] > largest ? a[i * n + i] : largest;
    return largest;
}

/* L[i][j] = (A[i][j] - sum over k < j of L[i][k] L[j][k]) / L[j][j], and L[i][i] the root of the pivot A[i][i] - |row i
 * of L|^2. Row by row, so that both factors of each product lie in memory as they are read. A pivot that is not above
 * the threshold is what rounding left of zero: its root would go into every solve. */
size_t xai__cholesky_factor(double *a, size_t n, double least)
{
    const double threshold = least * largest_of_diagonal(a, n);

    for (size_t i = 0; i < n; i++) {
        double *row = a + i * n;

        for (size_t j = 0; j < i; j++)
            row[j] = (row[j] - xai__dot(row, a + j * n, j)) / a[j * n + j];
        row[i] -= xai__dot(row, row, i);
        if (!(row[i] > threshold) || !isfinite(row[i]))
            return i;
        row[i] = sqrt(row[i]);
    }
    return n;
}

/* L y = x from the first row on: each is done with those above it. */
void xai__cholesky_forward(double *x, const double *factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - xai__dot(factor + i * n, x, i)) / factor[i * n + i];
}

/* L' x = y from the last row on. The transpose's columns are the factor's rows, so a known x is taken off the others
 * along one of them. */
void xai__cholesky_solve(double *x, const double *factor, size_t n)
{
    xai__cholesky_forward(x, factor, n);
    for (size_t i = n; i-- > 0;) {
        x[i] /= factor[i * n + i];
        for (size_t k = 0; k < i; k++)
            x[k] -= x[i] * factor[i * n + k];
    }
}
