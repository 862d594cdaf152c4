/* SPDX-License-Identifier: MIT
 * Metrics: how few elements hold the map. Values are magnitudes. */
#include <math.h>

#include "explain/metric/metric.h"

/* What Quantus adds to every element of a map whose largest is 1, against a division by zero. */
static const double SPARSENESS_EPSILON = 1e-7;

/* And what it adds inside the logarithm. */
static const double COMPLEXITY_EPSILON = 1e-12;

/* Share of the largest magnitude below which an element counts as none. */
static const double EFFECTIVE_SHARE = 1e-5;

/* The order is descending, so that the weights run from n - 1 down to 1 - n. */
double xai__metric_sparseness(const xai__measured *m)
{
    double largest = m->values[m->order[0]], sum = 0, weighted = 0;

    if (largest == 0)
        return 0;
    for (size_t i = 0; i < m->n; i++) {
        double value = m->values[m->order[i]] / largest + SPARSENESS_EPSILON;

        sum += value;
        weighted += ((double)m->n - 1 - 2 * (double)i) * value;
    }
    return weighted / ((double)m->n * sum);
}

/* A map of zeros is as even as one can be. */
double xai__metric_complexity(const xai__measured *m)
{
    double sum = 0, entropy = 0;

    for (size_t i = 0; i < m->n; i++)
        sum += m->values[i];
    if (sum == 0)
        return log((double)m->n);
    for (size_t i = 0; i < m->n; i++)
        entropy -= m->values[i] / sum * log(m->values[i] / sum + COMPLEXITY_EPSILON);
    return entropy;
}

double xai__metric_effective_complexity(const xai__measured *m)
{
    double least = EFFECTIVE_SHARE * m->values[m->order[0]];
    size_t n = 0;

    for (size_t i = 0; i < m->n; i++)
        n += m->values[i] > least;
    return (double)n;
}
