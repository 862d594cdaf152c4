/* SPDX-License-Identifier: MIT
 * Structural similarity of two maps, in even windows as scikit-image takes them. */
#include "core/memory.h"
#include "explain/metric/metric.h"

enum { WINDOW = XAI__SSIM_WINDOW };

/* Sums that a window needs of its elements. */
enum { SUM_A, SUM_B, SUM_AA, SUM_BB, SUM_AB, N_SUMS };

/* Constants of the original paper, in units of the range of values. */
static const double K1 = 0.01, K2 = 0.03;

static double range_of(const double *a, const double *b, size_t n)
{
    double low = a[0], high = a[0];

    for (size_t i = 0; i < n; i++) {
        low = a[i] < low ? a[i] : low;
        low = b[i] < low ? b[i] : low;
        high = a[i] > high ? a[i] : high;
        high = b[i] > high ? b[i] : high;
    }
    return high - low;
}

/* Sums over WINDOW rows from first on, a column at a time. */
static void add_rows(double (*columns)[N_SUMS], const double *a, const double *b, size_t first, size_t width)
{
    for (size_t x = 0; x < width; x++) {
        double *sums = columns[x];

        sums[SUM_A] = sums[SUM_B] = sums[SUM_AA] = sums[SUM_BB] = sums[SUM_AB] = 0;
        for (size_t y = first; y < first + WINDOW; y++) {
            double p = a[y * width + x], q = b[y * width + x];

            sums[SUM_A] += p;
            sums[SUM_B] += q;
            sums[SUM_AA] += p * p;
            sums[SUM_BB] += q * q;
            sums[SUM_AB] += p * q;
        }
    }
}

/* Similarity in one window. Variances are those of samples, divided by one less than their number. */
static double compare_window(const double (*columns)[N_SUMS], double range)
{
    const double n = WINDOW * WINDOW, c1 = K1 * range * K1 * range, c2 = K2 * range * K2 * range;
    double mean[N_SUMS] = { 0 }, va, vb, vab;

    for (size_t x = 0; x < WINDOW; x++)
        for (size_t i = 0; i < N_SUMS; i++)
            mean[i] += columns[x][i] / n;
    va = n / (n - 1) * (mean[SUM_AA] - mean[SUM_A] * mean[SUM_A]);
    vb = n / (n - 1) * (mean[SUM_BB] - mean[SUM_B] * mean[SUM_B]);
    vab = n / (n - 1) * (mean[SUM_AB] - mean[SUM_A] * mean[SUM_B]);
    return (2 * mean[SUM_A] * mean[SUM_B] + c1) * (2 * vab + c2) /
           ((mean[SUM_A] * mean[SUM_A] + mean[SUM_B] * mean[SUM_B] + c1) * (va + vb + c2));
}

xai_status xai__metric_ssim(double *out, xai_context *context, const double *a, const double *b, size_t height,
                            size_t width)
{
    size_t n_rows = height - WINDOW + 1, n_columns = width - WINDOW + 1;
    double range = range_of(a, b, height * width), sum = 0;
    double(*columns)[N_SUMS];

    if (range == 0) { /* the same everywhere, and both alike */
        *out = 1;
        return XAI_OK;
    }
    columns = xai__alloc_array(context, width, sizeof *columns);
    if (columns == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t y = 0; y < n_rows; y++) {
        add_rows(columns, a, b, y, width);
        for (size_t x = 0; x < n_columns; x++)
            sum += compare_window((const double(*)[N_SUMS])(columns + x), range);
    }
    *out = sum / ((double)n_rows * (double)n_columns);
    xai__free(context, columns);
    return XAI_OK;
}
