/* SPDX-License-Identifier: MIT
 * The best split of a node: every feature in a drawn order, every place between two values. */
#ifndef XAI__TREE_CART_SPLIT_H
#define XAI__TREE_CART_SPLIT_H

#include "tree/cart_criterion.h"
#include "tree/cart_presort.h"

/* Values closer than this are one. */
#define XAI__CART_SAME 1e-7f

typedef struct xai__cart_splitter {
    xai__cart_criterion criterion;
    xai__cart_item *items, *spare; /* rows, a node's side by side; spare for turning missing values to the left */
    const float *columns;          /* F x N */
    const bool *missing;           /* by feature: has a NaN somewhere */
    size_t n_rows, n_features, max_features;
    uint32_t *features, *constants; /* a permutation, those known to be constant first; and their keepsake */
    uint32_t random;
    double total_weight;
    size_t min_leaf;
    double min_leaf_weight;
    xai__cart_presort *presort; /* NULL: rows are sorted node by node */
    const uint8_t *classes;     /* by row; with presort */
    bool keeps_constants;       /* whether a child knows what was constant in its parent */
} xai__cart_splitter;

typedef struct xai__cart_split {
    size_t at; /* first item on the right; the node's end: no split was found */
    uint32_t feature;
    bool missing_left;
    double threshold, improvement, left, right; /* the last two: impurities */
} xai__cart_split;

/* Searches the node that the criterion has begun and parts its items. n_constant: features known to be constant, in and
 * out. impurity: the node's. */
void xai__cart_find_split(xai__cart_split *best, xai__cart_splitter *splitter, double impurity, size_t *n_constant);

/* The state behind scikit-learn's random_state: the first number below 2^31 - 1 of a Mersenne twister. */
uint32_t xai__cart_seed(uint32_t random_state);

#endif
