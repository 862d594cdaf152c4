/* SPDX-License-Identifier: MIT
 * Growing a CART, depth first or best first. */
#ifndef XAI__TREE_CART_FIT_H
#define XAI__TREE_CART_FIT_H

#include "tree/cart.h"
#include "tree/cart_split.h"

/* Everything but the table; 0 has no special meaning here. */
typedef struct xai__cart_limits {
    size_t max_depth, max_leaf_nodes; /* SIZE_MAX: none */
    size_t min_samples_split, min_samples_leaf;
    double min_impurity_decrease, min_leaf_weight;
} xai__cart_limits;

xai_status xai__cart_grow(xai__cart *cart, xai__cart_splitter *splitter, const xai__cart_limits *limits);

#endif
