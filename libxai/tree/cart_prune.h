/* SPDX-License-Identifier: MIT
 * Minimal cost-complexity pruning of a CART. */
#ifndef XAI__TREE_CART_PRUNE_H
#define XAI__TREE_CART_PRUNE_H

#include "tree/cart.h"

/* Makes the smaller tree, its nodes depth first and named. *out is NULL on failure. */
xai_status xai__cart_prune(xai__cart **out, const xai__cart *cart, double alpha);

#endif
