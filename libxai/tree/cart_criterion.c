/* SPDX-License-Identifier: MIT
 * How mixed the rows are. Sums are taken in the same order as scikit-learn's, so that every bit agrees.
 *
 * With p the shares of the classes: Gini is 1 - sum p^2, entropy - sum p log2 p; of numbers it is the mean squared
 * error, mean(y^2) - mean(y)^2. Moving a row from one side to the other changes sums only, so a scan over the places of
 * a split takes each row once, and at each place as many steps as there are classes. */
#include "tree/cart_criterion.h"

#include <math.h>
#include <string.h>

static double weigh(const xai__cart_criterion *criterion, size_t row)
{
    return criterion->weights == NULL ? 1.0 : criterion->weights[row];
}

/* Adds a row's share to one side's sums; sign is 1 or -1. */
static void count(const xai__cart_criterion *criterion, double *sums, double *weight, size_t row, double sign)
{
    double w = weigh(criterion, row), y = criterion->targets[row];

    if (criterion->measure == XAI__CART_SQUARED_ERROR)
        sums[0] += sign * (w * y);
    else
        sums[(size_t)y] += sign * w;
    *weight += sign * w;
}

/* One pass over the node's rows; the sums of both sides follow from it. */
void xai__cart_criterion_begin(xai__cart_criterion *criterion, size_t start, size_t end)
{
    criterion->start = start;
    criterion->end = end;
    criterion->weight = criterion->squares = 0;
    memset(criterion->total, 0, criterion->n_classes * sizeof *criterion->total);
    for (size_t p = start; p < end; p++) {
        size_t row = criterion->items[p].row;
        count(criterion, criterion->total, &criterion->weight, row, 1);
        if (criterion->measure == XAI__CART_SQUARED_ERROR)
            criterion->squares += weigh(criterion, row) * criterion->targets[row] * criterion->targets[row];
    }
    xai__cart_criterion_reset(criterion);
}

void xai__cart_criterion_reset(xai__cart_criterion *criterion)
{
    size_t size = criterion->n_classes * sizeof *criterion->total;

    criterion->at = criterion->start;
    memset(criterion->left, 0, size);
    memcpy(criterion->right, criterion->total, size);
    criterion->weight_left = 0;
    criterion->weight_right = criterion->weight;
}

void xai__cart_criterion_move(xai__cart_criterion *criterion, size_t at)
{
    double *left = criterion->left;

    if (at - criterion->at <= criterion->end - at) {
        for (size_t p = criterion->at; p < at; p++)
            count(criterion, left, &criterion->weight_left, criterion->items[p].row, 1);
    } else {
        /* Fewer rows are behind than between: start from all of them on the left and take the rest away. */
        memcpy(left, criterion->total, criterion->n_classes * sizeof *left);
        criterion->weight_left = criterion->weight;
        for (size_t p = criterion->end; p-- > at;)
            count(criterion, left, &criterion->weight_left, criterion->items[p].row, -1);
    }
    criterion->weight_right = criterion->weight - criterion->weight_left;
    for (size_t c = 0; c < criterion->n_classes; c++)
        criterion->right[c] = criterion->total[c] - left[c];
    criterion->at = at;
}

static double gini(const double *sums, size_t n_classes, double weight)
{
    double squares = 0;

    for (size_t c = 0; c < n_classes; c++)
        squares += sums[c] * sums[c];
    return 1.0 - squares / (weight * weight);
}

/* log(x) / log(2) and not log2(x): scikit-learn's bits. A class without weight adds nothing, as p log p does near 0. */
double xai__cart_criterion_entropy(const double *sums, size_t n_classes, double weight)
{
    const double ln2 = log(2.0);
    double bits = 0;

    for (size_t c = 0; c < n_classes; c++) {
        double share = sums[c] / weight;
        if (sums[c] > 0)
            bits -= share * (log(share) / ln2);
    }
    return bits;
}

/* The mean of the squares less the square of the mean: cheap, and less exact than two passes, as in scikit-learn. */
static double squared_error(double squares, double sum, double weight)
{
    double mean = sum / weight;

    return squares / weight - mean * mean;
}

static double measure(const xai__cart_criterion *criterion, const double *sums, double weight)
{
    return criterion->measure == XAI__CART_GINI ? gini(sums, criterion->n_classes, weight)
                                                : xai__cart_criterion_entropy(sums, criterion->n_classes, weight);
}

double xai__cart_criterion_impurity(const xai__cart_criterion *criterion)
{
    if (criterion->measure == XAI__CART_SQUARED_ERROR)
        return squared_error(criterion->squares, criterion->total[0], criterion->weight);
    return measure(criterion, criterion->total, criterion->weight);
}

/* Squared targets of the left side are added up anew: they are needed once a node, for the split that was chosen. */
void xai__cart_criterion_sides(const xai__cart_criterion *criterion, double *left, double *right)
{
    double squares = 0;

    if (criterion->measure != XAI__CART_SQUARED_ERROR) {
        *left = measure(criterion, criterion->left, criterion->weight_left);
        *right = measure(criterion, criterion->right, criterion->weight_right);
        return;
    }
    for (size_t p = criterion->start; p < criterion->at; p++) {
        size_t row = criterion->items[p].row;
        squares += weigh(criterion, row) * criterion->targets[row] * criterion->targets[row];
    }
    *left = squared_error(squares, criterion->left[0], criterion->weight_left);
    *right = squared_error(criterion->squares - squares, criterion->right[0], criterion->weight_right);
}

/* The part of the improvement that differs from place to place. For the squared error it is sum^2 / weight of both
 * sides, since the sum of all squares is the same everywhere. */
double xai__cart_criterion_proxy(const xai__cart_criterion *criterion)
{
    double left, right;

    if (criterion->measure == XAI__CART_SQUARED_ERROR)
        return criterion->left[0] * criterion->left[0] / criterion->weight_left +
               criterion->right[0] * criterion->right[0] / criterion->weight_right;
    xai__cart_criterion_sides(criterion, &left, &right);
    return -criterion->weight_right * right - criterion->weight_left * left;
}
