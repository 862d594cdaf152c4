/* SPDX-License-Identifier: MIT
 * Every feature's rows sorted once, and kept sorted as nodes part. */
#ifndef XAI__TREE_CART_PRESORT_H
#define XAI__TREE_CART_PRESORT_H

#include <xai/context.h>

#include "tree/cart_sort.h"

/* A node's rows stand in the same places of every list. That leaves equal values in another order than
 * scikit-learn's sort does, so it is for sums that are exact in any order: classes without weights. */
typedef struct xai__cart_presort {
    xai__cart_item *lists; /* n_features x n, ascending, missing values last */
    xai__cart_item *spare; /* n */
    uint8_t *left;         /* by row: whether it goes left */
    size_t n;
} xai__cart_presort;

/* What the lists may take; larger tables are sorted node by node. */
#define XAI__CART_PRESORT_MAX ((size_t)1 << 30)

/* items: the rows that take part. On failure xai__cart_presort_fini() is still due. */
xai_status xai__cart_presort_create(xai__cart_presort *presort, xai_context *context, const float *columns,
                                    size_t n_rows, size_t n_features, const xai__cart_item *items, size_t n);

void xai__cart_presort_fini(xai__cart_presort *presort, xai_context *context);

/* Parts the lists of some features between start and end: rows that are on the left of at in items go first, in their
 * order. */
void xai__cart_presort_part(xai__cart_presort *presort, const uint32_t *features, size_t n_features,
                            const xai__cart_item *items, size_t start, size_t at, size_t end);

#endif
