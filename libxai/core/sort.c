/* SPDX-License-Identifier: MIT
 * Heap sort of indices: in place, without recursion, and n log n for every order, which qsort() does not promise. */
#include "core/sort.h"

#include <stdbool.h>

typedef struct sorting {
    uint32_t *order;
    xai__compare_fn compare;
    const void *user;
} sorting;

static bool before(const sorting *s, uint32_t a, uint32_t b)
{
    int sign = s->compare(s->user, a, b);

    return sign != 0 ? sign < 0 : a < b;
}

/* Puts value into the heap of count elements whose root is free at position hole. */
static void sift(const sorting *s, size_t hole, size_t count, uint32_t value)
{
    for (;;) {
        size_t child = 2 * hole + 1;

        if (child >= count)
            break;
        if (child + 1 < count && before(s, s->order[child], s->order[child + 1]))
            child++;
        if (!before(s, value, s->order[child]))
            break;
        s->order[hole] = s->order[child];
        hole = child;
    }
    s->order[hole] = value;
}

void xai__sort(uint32_t *order, size_t count, xai__compare_fn compare, const void *user)
{
    sorting s = { order, compare, user };
    size_t sorted = 1;

    /* Most lists come sorted already. */
    while (sorted < count && before(&s, order[sorted - 1], order[sorted]))
        sorted++;
    if (sorted >= count)
        return;
    for (size_t i = count / 2; i-- > 0;)
        sift(&s, i, count, order[i]);
    for (size_t i = count; i-- > 1;) {
        uint32_t last = order[i];

        order[i] = order[0];
        sift(&s, 0, i, last);
    }
}
