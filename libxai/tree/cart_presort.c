/* SPDX-License-Identifier: MIT
 * Presorting: a radix sort of each column, then stable partitions.
 *
 * Sorting at every node costs n log n a feature and level; parting lists that are sorted already costs n. The price is
 * a list of all rows for each feature, eight bytes a row. */
#include "tree/cart_presort.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"

enum { DIGIT_BITS = 11, N_DIGITS = 3, RADIX = 1 << DIGIT_BITS };

/* Grows with the value; missing values are the largest. A float's bits, read as an integer, grow with it where it is
 * positive and fall where it is negative: those are inverted, and the others moved above them. */
static uint32_t key_of(float value)
{
    uint32_t bits;

    if (isnan(value))
        return UINT32_MAX;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static size_t digit_of(float value, int digit)
{
    return key_of(value) >> (digit * DIGIT_BITS) & (RADIX - 1);
}

/* One pass of the radix sort. counts: how many have each digit, then where the next of them goes. Equal digits keep
 * their order, which is what makes the passes before count. */
static void sort_digit(xai__cart_item *to, const xai__cart_item *from, size_t n, int digit, uint32_t *counts)
{
    uint32_t at = 0;

    for (size_t i = 0; i < RADIX; i++) {
        uint32_t count = counts[i];
        counts[i] = at;
        at += count;
    }
    for (size_t i = 0; i < n; i++)
        to[counts[digit_of(from[i].value, digit)]++] = from[i];
}

/* Lowest digit first; from spare to list and back, which ends in the list. All three are counted in one pass, for
 * counts do not depend on the order. */
static void sort_list(xai__cart_item *list, xai__cart_item *spare, size_t n)
{
    uint32_t counts[N_DIGITS][RADIX];

    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < n; i++)
        for (int digit = 0; digit < N_DIGITS; digit++)
            counts[digit][digit_of(spare[i].value, digit)]++;
    sort_digit(list, spare, n, 0, counts[0]);
    sort_digit(spare, list, n, 1, counts[1]);
    sort_digit(list, spare, n, 2, counts[2]);
}

xai_status xai__cart_presort_create(xai__cart_presort *presort, xai_context *context, const float *columns,
                                    size_t n_rows, size_t n_features, const xai__cart_item *items, size_t n)
{
    *presort = (xai__cart_presort){ .n = n };
    presort->lists = xai__alloc_array(context, n_features, n * sizeof *presort->lists);
    presort->spare = xai__alloc_array(context, n, sizeof *presort->spare);
    presort->left = xai__alloc_array(context, n_rows, sizeof *presort->left);
    if (presort->lists == NULL || presort->spare == NULL || presort->left == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t f = 0; f < n_features; f++) {
        for (size_t i = 0; i < n; i++)
            presort->spare[i] = (xai__cart_item){ columns[f * n_rows + items[i].row], items[i].row };
        sort_list(presort->lists + f * n, presort->spare, n);
    }
    return XAI_OK;
}

void xai__cart_presort_fini(xai__cart_presort *presort, xai_context *context)
{
    xai__free(context, presort->lists);
    xai__free(context, presort->spare);
    xai__free(context, presort->left);
}

/* Without branches: every item is written to both sides, and one of them moves on. */
static void part_list(xai__cart_item *list, xai__cart_item *spare, const uint8_t *left, size_t n)
{
    size_t n_left = 0, n_right = 0;

    for (size_t i = 0; i < n; i++) {
        xai__cart_item item = list[i];
        size_t goes_left = left[item.row];
        list[n_left] = item;
        spare[n_right] = item;
        n_left += goes_left;
        n_right += 1 - goes_left;
    }
    memcpy(list + n_left, spare, n_right * sizeof *list);
}

/* Which side a row is on is looked up by its number, once for all features. */
void xai__cart_presort_part(xai__cart_presort *presort, const uint32_t *features, size_t n_features,
                            const xai__cart_item *items, size_t start, size_t at, size_t end)
{
    for (size_t p = start; p < end; p++)
        presort->left[items[p].row] = p < at;
    for (size_t i = 0; i < n_features; i++)
        part_list(presort->lists + features[i] * presort->n + start, presort->spare, presort->left, end - start);
}
