/* SPDX-License-Identifier: MIT
 * The order of a map's elements. A merge sort, since ties are to fall alike on every machine. */
#include "explain/ranking.h"

#include <string.h>

#include "core/memory.h"

/* Joins two sorted neighbours, [first, middle) and [middle, end). Of equal values the left one comes first. */
static void merge(uint32_t *to, const uint32_t *from, size_t first, size_t middle, size_t end, const double *values)
{
    size_t left = first, right = middle;

    for (size_t i = first; i < end; i++) {
        bool takes_left = right == end || (left < middle && values[from[left]] >= values[from[right]]);

        to[i] = takes_left ? from[left++] : from[right++];
    }
}

/* Bottom up, between two arrays, so that nothing recurses. */
static void sort(uint32_t *order, uint32_t *scratch, const double *values, size_t n)
{
    uint32_t *from = order, *to = scratch;

    for (size_t width = 1; width < n; width *= 2) {
        uint32_t *swap = from;

        for (size_t first = 0; first < n; first += 2 * width) {
            size_t middle = first + width < n ? first + width : n, end = middle + width < n ? middle + width : n;

            merge(to, from, first, middle, end, values);
        }
        from = to;
        to = swap;
    }
    if (from != order)
        memcpy(order, from, n * sizeof *order);
}

uint32_t *xai__ranking_descending(xai_context *context, const double *values, size_t n)
{
    uint32_t *order = xai__alloc_array(context, n, sizeof *order),
             *scratch = order != NULL ? xai__alloc_array(context, n, sizeof *scratch) : NULL;

    if (scratch == NULL) {
        xai__free(context, order);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    sort(order, scratch, values, n);
    xai__free(context, scratch);
    return order;
}

xai_status xai__ranking_of_values(xai_context *context, double *values, size_t n)
{
    uint32_t *order = xai__ranking_descending(context, values, n);

    if (order == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t first = 0, end; first < n; first = end) {
        double value = values[order[first]], rank;

        for (end = first + 1; end < n && values[order[end]] == value;)
            end++;
        /* Place k from the top is rank n - k, so the mean over first to end - 1 is n less the mean of their places. */
        rank = (double)n - ((double)first + (double)end - 1) / 2;
        for (size_t i = first; i < end; i++)
            values[order[i]] = rank;
    }
    xai__free(context, order);
    return XAI_OK;
}
