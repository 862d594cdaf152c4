/* SPDX-License-Identifier: MIT
 * How mixed the rows of a node and of both sides of a split are: Gini, entropy, squared error. */
#ifndef XAI__TREE_CART_CRITERION_H
#define XAI__TREE_CART_CRITERION_H

#include <stdbool.h>
#include <stddef.h>

#include "tree/cart_sort.h"

enum xai__cart_measure { XAI__CART_GINI, XAI__CART_ENTROPY, XAI__CART_SQUARED_ERROR };

typedef struct xai__cart_criterion {
    enum xai__cart_measure measure;
    size_t n_classes;      /* 1 for the squared error */
    const double *targets; /* by row, as are the weights */
    const double *weights; /* NULL: all 1 */
    const xai__cart_item *items;
    size_t start, end, at;        /* the node's part of items; rows before at are on the left */
    double *total, *left, *right; /* weight a class, or the weighted sum of targets */
    double squares;               /* weighted sum of squared targets */
    double weight, weight_left, weight_right;
} xai__cart_criterion;

/* Takes up items[start .. end - 1]. */
void xai__cart_criterion_begin(xai__cart_criterion *criterion, size_t start, size_t end);

/* All rows on the right again. */
void xai__cart_criterion_reset(xai__cart_criterion *criterion);

/* Rows before at on the left; at only grows between resets. */
void xai__cart_criterion_move(xai__cart_criterion *criterion, size_t at);

double xai__cart_criterion_impurity(const xai__cart_criterion *criterion);
void xai__cart_criterion_sides(const xai__cart_criterion *criterion, double *left, double *right);

/* In bits, of the weights of classes. */
double xai__cart_criterion_entropy(const double *sums, size_t n_classes, double weight);

/* Grows with the improvement of the split, cheaper than it. */
double xai__cart_criterion_proxy(const xai__cart_criterion *criterion);

#endif
