/* SPDX-License-Identifier: MIT
 * Metrics: whether a map is where the object is. */
#include "core/error.h"
#include "core/memory.h"
#include "explain/metric/metric.h"

static size_t distance(size_t a, size_t b)
{
    return a > b ? a - b : b - a;
}

/* Whether the region comes within the tolerance of an element. Rows and columns beyond it are not looked at. */
static bool is_near(const xai__measured *m, size_t element)
{
    size_t y = element / m->width, x = element % m->width, reach = m->tolerance - 1;
    size_t top = y > reach ? y - reach : 0, bottom = y + reach < m->height ? y + reach + 1 : m->height;
    size_t left = x > reach ? x - reach : 0, right = x + reach < m->width ? x + reach + 1 : m->width;

    for (size_t row = top; row < bottom; row++)
        for (size_t column = left; column < right; column++) {
            size_t dy = distance(row, y), dx = distance(column, x);

            if (m->inside[row * m->width + column] && dy * dy + dx * dx < (size_t)m->tolerance * m->tolerance)
                return true;
        }
    return false;
}

/* Any of several largest elements counts, as in Quantus. */
double xai__metric_pointing_game(const xai__measured *m)
{
    double largest = m->values[0];

    for (size_t i = 1; i < m->n; i++)
        largest = m->values[i] > largest ? m->values[i] : largest;
    for (size_t i = 0; i < m->n; i++)
        if (m->values[i] == largest && is_near(m, i))
            return 1;
    return 0;
}

/* Of a map without any mass: as if it were spread evenly. */
double xai__metric_relevance_mass(const xai__measured *m)
{
    double inside = 0, all = 0;

    for (size_t i = 0; i < m->n; i++) {
        inside += m->inside[i] ? m->values[i] : 0;
        all += m->values[i];
    }
    return all != 0 ? inside / all : (double)m->n_inside / (double)m->n;
}

/* Of equal elements at the limit, those that come first in row-major order count. */
static double share_of_largest(const xai__measured *m, size_t n)
{
    size_t n_hits = 0;

    for (size_t i = 0; i < n; i++)
        n_hits += m->inside[m->order[i]];
    return (double)n_hits / (double)n;
}

double xai__metric_relevance_rank(const xai__measured *m)
{
    return share_of_largest(m, m->n_inside);
}

double xai__metric_top_k(const xai__measured *m)
{
    return share_of_largest(m, m->k);
}

/* By the sum of ranks (Mann, Whitney): pairs of equal values count half. */
double xai__metric_localisation_auc(const xai__measured *m)
{
    double n_outside = (double)(m->n - m->n_inside), n_below = 0, pairs = 0;

    for (size_t first = 0, end; first < m->n; first = end) {
        size_t n_inside = 0;

        for (end = first; end < m->n && m->values[m->order[end]] == m->values[m->order[first]]; end++)
            n_inside += m->inside[m->order[end]];
        n_below += (double)(end - first - n_inside) / 2;
        pairs += (double)n_inside * (n_outside - n_below);
        n_below += (double)(end - first - n_inside) / 2;
    }
    return pairs / ((double)m->n_inside * n_outside);
}
