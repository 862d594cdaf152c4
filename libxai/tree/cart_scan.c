/* SPDX-License-Identifier: MIT
 * Scanning presorted rows: the counts of the classes are whole numbers, so they and the sums of their squares are kept
 * up row by row without rounding, and every proxy has the very bits that cart_criterion.c would give. */
#include "tree/cart_scan.h"

#include <math.h>
#include <string.h>

/* Both sides of a place: counts of the classes, sums of their squares, rows. */
typedef struct sides {
    double *left, *right;
    double squares_left, squares_right, n_left, n_right;
} sides;

/* One feature of one node. */
typedef struct scan {
    const xai__cart_item *items; /* the node's */
    size_t n, n_missing;         /* missing ones are the last */
    uint32_t feature;
    double least; /* rows that each side needs */
} scan;

/* (n + 1)^2 - n^2 = 2 n + 1. */
static inline void move(sides *s, size_t class_index)
{
    s->squares_left += 2 * s->left[class_index] + 1;
    s->squares_right -= 2 * s->right[class_index] - 1;
    s->left[class_index] += 1;
    s->right[class_index] -= 1;
    s->n_left += 1;
    s->n_right -= 1;
}

static sides begin(xai__cart_criterion *criterion)
{
    sides s = { .left = criterion->left, .right = criterion->right, .n_right = criterion->weight };

    memset(s.left, 0, criterion->n_classes * sizeof *s.left);
    memcpy(s.right, criterion->total, criterion->n_classes * sizeof *s.right);
    for (size_t c = 0; c < criterion->n_classes; c++)
        s.squares_right += s.right[c] * s.right[c];
    return s;
}

static inline double measure(const sides *s, const xai__cart_criterion *criterion)
{
    double left, right;

    if (criterion->measure == XAI__CART_GINI) {
        left = 1.0 - s->squares_left / (s->n_left * s->n_left);
        right = 1.0 - s->squares_right / (s->n_right * s->n_right);
    } else {
        left = xai__cart_criterion_entropy(s->left, criterion->n_classes, s->n_left);
        right = xai__cart_criterion_entropy(s->right, criterion->n_classes, s->n_right);
    }
    return -s->n_right * right - s->n_left * left;
}

static inline void consider(xai__cart_split *best, double *best_proxy, const sides *s, const scan *now,
                            const xai__cart_criterion *criterion, double threshold, bool missing_left)
{
    double proxy;

    if (s->n_left < now->least || s->n_right < now->least)
        return;
    proxy = measure(s, criterion);
    if (!(proxy > *best_proxy))
        return;
    *best_proxy = proxy;
    best->at = criterion->start + (size_t)s->n_left;
    best->feature = now->feature;
    best->threshold = threshold;
    best->missing_left = missing_left;
}

/* Tries every place between two values, with the missing ones on one side or the other. */
static void try_places(xai__cart_split *best, double *best_proxy, const scan *now, xai__cart_splitter *splitter,
                       bool missing_left)
{
    const xai__cart_item *items = now->items;
    const uint8_t *classes = splitter->classes;
    size_t n_present = now->n - now->n_missing;
    sides s = begin(&splitter->criterion);

    for (size_t i = n_present; missing_left && i < now->n; i++)
        move(&s, classes[items[i].row]);
    for (size_t i = 1; i < n_present; i++) {
        move(&s, classes[items[i - 1].row]);
        if (items[i].value <= items[i - 1].value + XAI__CART_SAME)
            continue;
        consider(best, best_proxy, &s, now, &splitter->criterion,
                 (double)items[i - 1].value / 2.0 + (double)items[i].value / 2.0,
                 now->n_missing > 0 ? missing_left : s.n_left > s.n_right);
    }
    if (now->n_missing == 0 || missing_left)
        return;
    move(&s, classes[items[n_present - 1].row]);
    consider(best, best_proxy, &s, now, &splitter->criterion, (double)INFINITY, false);
}

bool xai__cart_scan(xai__cart_split *best, double *best_proxy, xai__cart_splitter *splitter, uint32_t feature)
{
    const xai__cart_presort *presort = splitter->presort;
    size_t start = splitter->criterion.start;
    scan now = { .items = presort->lists + feature * presort->n + start,
                 .n = splitter->criterion.end - start,
                 .feature = feature,
                 .least = fmax((double)splitter->min_leaf, splitter->min_leaf_weight) };

    while (now.n_missing < now.n && isnan(now.items[now.n - 1 - now.n_missing].value))
        now.n_missing++;
    if (now.n_missing == now.n ||
        (now.n_missing == 0 && now.items[now.n - 1].value <= now.items[0].value + XAI__CART_SAME))
        return false;
    try_places(best, best_proxy, &now, splitter, false);
    if (now.n_missing > 0)
        try_places(best, best_proxy, &now, splitter, true);
    return true;
}
