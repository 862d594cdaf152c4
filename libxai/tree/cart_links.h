/* SPDX-License-Identifier: MIT
 * Weakest links of a CART all at once, for trees too deep to cut them one after the other. */
#ifndef XAI__TREE_CART_LINKS_H
#define XAI__TREE_CART_LINKS_H

#include "tree/cart.h"

/* A node as a link: where the branch below it is cut off, and what that changes. */
typedef struct xai__cart_link {
    double alpha;     /* from which on it is cut; INFINITY: never, or only together with a node above */
    double rise;      /* of the tree's cost, then */
    double cost;      /* of the branch once all below it that can be cut is */
    uint32_t n_fewer; /* leaves, then */
    uint32_t n_leaves;
    uint32_t heap;              /* of the links below it and its own: the one with the largest alpha */
    uint32_t left, right, rank; /* as a node of such a heap */
} xai__cart_link;

/* One link a node, in time n log n whatever the depth. The caller frees them. */
xai_status xai__cart_links_find(xai__cart_link **out, const xai__cart *cart);

/* Nodes that are cut, by alpha, of equals the first node first; order has room for all nodes. Returns how many. */
size_t xai__cart_links_sort(uint32_t *order, const xai__cart_link *links, size_t n_nodes);

#endif
