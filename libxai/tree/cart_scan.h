/* SPDX-License-Identifier: MIT
 * The best place to part presorted rows of classes without weights. */
#ifndef XAI__TREE_CART_SCAN_H
#define XAI__TREE_CART_SCAN_H

#include "tree/cart_split.h"

/* Looks at a node's part of one feature's presorted list; replaces *best where the proxy grows. False if all values are
 * one. */
bool xai__cart_scan(xai__cart_split *best, double *best_proxy, xai__cart_splitter *splitter, uint32_t feature);

#endif
