/* SPDX-License-Identifier: MIT
 * The sort behind CART's splits: it leaves equal values in the very order that scikit-learn's does. */
#ifndef XAI__TREE_CART_SORT_H
#define XAI__TREE_CART_SORT_H

#include <stddef.h>
#include <stdint.h>

/* A feature's value and the row it stands in. */
typedef struct xai__cart_item {
    float value;
    uint32_t row;
} xai__cart_item;

/* Ascending by value, none of which is NaN. Sums run in this order, so their last bits hang on the order of equals:
 * introsort with three parts around a median of three, as scikit-learn chose. */
void xai__cart_sort(xai__cart_item *items, size_t n);

#endif
