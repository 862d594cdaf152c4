/* SPDX-License-Identifier: MIT
 * The sort behind CART's splits: introsort, three parts, insertion below sixteen, a heap where it would be quadratic.
 *
 * It has to leave equal values in the order in which scikit-learn's sort leaves them: sums of weights are taken in that
 * order, and their last bits decide between splits that are equally good. So pivot, parts and bounds are the same. */
#include "tree/cart_sort.h"

enum { SMALL = 15 };

static void exchange(xai__cart_item *a, xai__cart_item *b)
{
    xai__cart_item kept = *a;

    *a = *b;
    *b = kept;
}

static void insert(xai__cart_item *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        xai__cart_item item = items[i];
        size_t at = i;
        for (; at > 0 && items[at - 1].value > item.value; at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

/* Moves an item of a heap, largest on top, down to where it belongs. */
static void sink(xai__cart_item *items, size_t at, size_t n)
{
    for (;;) {
        size_t child = 2 * at + 1, largest = at;
        for (size_t k = child; k < child + 2 && k < n; k++)
            if (items[largest].value < items[k].value)
                largest = k;
        if (largest == at)
            return;
        exchange(&items[at], &items[largest]);
        at = largest;
    }
}

static void sort_heap(xai__cart_item *items, size_t n)
{
    for (size_t i = (n - 2) / 2 + 1; i-- > 0;)
        sink(items, i, n);
    for (size_t last = n - 1; last > 0; last--) {
        exchange(&items[0], &items[last]);
        sink(items, 0, last);
    }
}

static float median(float a, float b, float c)
{
    float low = a < b ? a : b, high = a < b ? b : a;

    return c < low ? low : c > high ? high : c;
}

/* Parts into less, equal and greater than the pivot; sorts the first by recursion and goes on with the last. depth: how
 * many more partings are allowed. Equal values are never looked at again, so a column of few values costs little. */
static void sort_parts(xai__cart_item *items, size_t n, int depth)
{
    while (n > SMALL) {
        float pivot = median(items[0].value, items[n / 2].value, items[n - 1].value);
        size_t low = 0, high = n;
        if (depth-- <= 0) {
            sort_heap(items, n);
            return;
        }
        for (size_t i = 0; i < high;) {
            if (items[i].value < pivot)
                exchange(&items[i++], &items[low++]);
            else if (items[i].value > pivot)
                exchange(&items[i], &items[--high]);
            else
                i++;
        }
        sort_parts(items, low, depth);
        items += high;
        n -= high;
    }
    insert(items, n);
}

void xai__cart_sort(xai__cart_item *items, size_t n)
{
    int log2 = 0;

    for (size_t rest = n; rest > 1; rest /= 2)
        log2++;
    sort_parts(items, n, 2 * log2);
}
