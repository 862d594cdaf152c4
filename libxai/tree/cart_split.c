/* SPDX-License-Identifier: MIT
 * The best split of a node. Features are drawn as scikit-learn draws them, because the first of equals wins.
 *
 * Features that were constant in a node are constant in its children, so they are not looked at again. The permutation
 * of features keeps them apart: first those that an ancestor found constant, of which the drawn ones come first, then
 * those that are found here, then the rest, and at the end those that are done with. */
#include "tree/cart_split.h"

#include <math.h>
#include <string.h>

#include "tree/cart_scan.h"

uint32_t xai__cart_seed(uint32_t random_state)
{
    enum { N = 624, M = 397 };
    uint32_t state[N];

    state[0] = random_state;
    for (uint32_t i = 1; i < N; i++)
        state[i] = 1812433253u * (state[i - 1] ^ (state[i - 1] >> 30)) + i;
    /* The twister's outputs one by one, until one fits. MT19937 (Matsumoto, Nishimura 1998) makes 624 at a time; here
     * each is made when it is needed, which gives the same, since mostly the first one is all that is wanted. */
    for (size_t i = 0;; i = (i + 1) % N) {
        uint32_t y = (state[i] & 0x80000000u) | (state[(i + 1) % N] & 0x7fffffffu);
        state[i] = state[(i + M) % N] ^ (y >> 1) ^ ((y & 1) ? 0x9908b0dfu : 0u);
        y = state[i];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        y ^= y >> 18;
        if ((y & 0x7fffffffu) != 0x7fffffffu)
            return y & 0x7fffffffu;
    }
}

/* A number below n: xorshift with 13, 17, 5 (Marsaglia 2003). */
static size_t draw(uint32_t *random, size_t n)
{
    if (*random == 0)
        *random = 1;
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return (*random & 0x7fffffffu) % n;
}

static void exchange(uint32_t *features, size_t a, size_t b)
{
    uint32_t kept = features[a];

    features[a] = features[b];
    features[b] = kept;
}

/* Fetches a feature's values with those that miss it last; returns how many do. */
static size_t gather_missing(xai__cart_item *items, size_t n, const float *column)
{
    size_t i = 0, end = n;

    while (i < end) {
        uint32_t row = items[i].row;
        if (isnan(column[items[end - 1].row])) {
            end--;
            continue;
        }
        if (isnan(column[row])) {
            items[i].row = items[end - 1].row;
            items[--end].row = row;
        }
        items[i].value = column[items[i].row];
        i++;
    }
    return n - end;
}

/* Sorts the node's rows by a feature; returns how many miss it. */
static size_t sort_rows(xai__cart_splitter *splitter, uint32_t feature)
{
    const float *column = splitter->columns + feature * splitter->n_rows;
    xai__cart_item *items = splitter->items + splitter->criterion.start;
    size_t n = splitter->criterion.end - splitter->criterion.start, n_missing = 0;

    if (splitter->missing[feature])
        n_missing = gather_missing(items, n, column);
    else
        for (size_t i = 0; i < n; i++)
            items[i].value = column[items[i].row];
    xai__cart_sort(items, n - n_missing);
    return n_missing;
}

/* From present | missing to missing | present, both in their order. */
static void turn_missing_left(xai__cart_splitter *splitter, size_t n_missing)
{
    xai__cart_item *items = splitter->items + splitter->criterion.start;
    size_t n_present = splitter->criterion.end - splitter->criterion.start - n_missing;

    memcpy(splitter->spare, items, n_present * sizeof *items);
    memmove(items, items + n_present, n_missing * sizeof *items);
    memcpy(items + n_missing, splitter->spare, n_present * sizeof *items);
}

/* Whether a split before p leaves enough on both sides; moves the criterion there. */
static bool allows(xai__cart_splitter *splitter, size_t p)
{
    xai__cart_criterion *criterion = &splitter->criterion;

    if (p - criterion->start < splitter->min_leaf || criterion->end - p < splitter->min_leaf)
        return false;
    xai__cart_criterion_move(criterion, p);
    return !(criterion->weight_left < splitter->min_leaf_weight) &&
           !(criterion->weight_right < splitter->min_leaf_weight);
}

/* Keeps a split before p if it is better than the best so far; of equals the first one stays. A NaN is never better. */
static void consider(xai__cart_split *best, double *best_proxy, xai__cart_splitter *splitter, size_t p,
                     uint32_t feature, double threshold, bool missing_left)
{
    double proxy;

    if (!allows(splitter, p))
        return;
    proxy = xai__cart_criterion_proxy(&splitter->criterion);
    if (!(proxy > *best_proxy))
        return;
    *best_proxy = proxy;
    best->at = p;
    best->feature = feature;
    best->threshold = threshold;
    best->missing_left = missing_left;
}

/* Tries every place between two values; missing ones are together at one end, left or right. */
static void scan(xai__cart_split *best, double *best_proxy, xai__cart_splitter *splitter, uint32_t feature,
                 size_t n_missing, bool missing_left)
{
    const xai__cart_item *items = splitter->items;
    size_t start = splitter->criterion.start, end = splitter->criterion.end;
    size_t first = missing_left ? start + n_missing : start, last = missing_left ? end : end - n_missing;

    xai__cart_criterion_reset(&splitter->criterion);
    for (size_t p = first + 1; p < last; p++) {
        bool left = n_missing > 0 ? missing_left : p - start > end - p;
        if (items[p].value <= items[p - 1].value + XAI__CART_SAME)
            continue;
        consider(best, best_proxy, splitter, p, feature,
                 (double)items[p - 1].value / 2.0 + (double)items[p].value / 2.0, left);
    }
    if (n_missing > 0 && !missing_left)
        consider(best, best_proxy, splitter, last, feature, INFINITY, false);
}

/* Tries one feature; false if all its values in this node are one. */
static bool try_feature(xai__cart_split *best, double *best_proxy, xai__cart_splitter *splitter, uint32_t feature)
{
    const xai__cart_item *items = splitter->items;
    size_t start = splitter->criterion.start, end = splitter->criterion.end, n_missing;

    if (splitter->presort != NULL)
        return xai__cart_scan(best, best_proxy, splitter, feature);
    n_missing = sort_rows(splitter, feature);

    if (n_missing == end - start || (n_missing == 0 && items[end - 1].value <= items[start].value + XAI__CART_SAME))
        return false;
    scan(best, best_proxy, splitter, feature, n_missing, false);
    if (n_missing > 0) {
        turn_missing_left(splitter, n_missing);
        scan(best, best_proxy, splitter, feature, n_missing, true);
    }
    return true;
}

/* Parts the node's rows and measures both sides. */
static void settle(xai__cart_split *best, xai__cart_splitter *splitter, double impurity)
{
    xai__cart_criterion *criterion = &splitter->criterion;
    const float *column = splitter->columns + best->feature * splitter->n_rows;
    size_t low = criterion->start, high = criterion->end;

    /* As scikit-learn parts them: whoever belongs on the right changes places with the last that was not looked at. */
    while (low < high) {
        uint32_t row = splitter->items[low].row;
        float x = column[row];
        if (isnan(x) ? best->missing_left : (double)x <= best->threshold) {
            low++;
            continue;
        }
        splitter->items[low].row = splitter->items[--high].row;
        splitter->items[high].row = row;
    }
    xai__cart_criterion_reset(criterion);
    xai__cart_criterion_move(criterion, best->at);
    xai__cart_criterion_sides(criterion, &best->left, &best->right);
    best->improvement = criterion->weight / splitter->total_weight *
                        (impurity - criterion->weight_right / criterion->weight * best->right -
                         criterion->weight_left / criterion->weight * best->left);
}

/* Parts rows and, where there are some, lists at the split that was found. */
static void part(xai__cart_split *best, xai__cart_splitter *splitter, double impurity, size_t n_constant)
{
    /* Lists of what is constant here are not looked at below, where that is remembered. */
    size_t n_skipped = splitter->keeps_constants ? n_constant : 0;

    settle(best, splitter, impurity);
    if (splitter->presort != NULL)
        xai__cart_presort_part(splitter->presort, splitter->features + n_skipped, splitter->n_features - n_skipped,
                               splitter->items, splitter->criterion.start, best->at, splitter->criterion.end);
}

void xai__cart_find_split(xai__cart_split *best, xai__cart_splitter *splitter, double impurity, size_t *n_constant)
{
    uint32_t *features = splitter->features;
    size_t n_known = *n_constant, n_total = n_known, n_found = 0, n_drawn = 0, n_visited = 0;
    size_t left = splitter->n_features; /* features behind are done with */
    double proxy = -INFINITY;

    *best = (xai__cart_split){ .at = splitter->criterion.end, .improvement = -INFINITY };
    /* Draws go on until enough features were looked at, and at least one that is not constant, if there is one. */
    while (left > n_total && (n_visited < splitter->max_features || n_visited <= n_found + n_drawn)) {
        size_t i = n_drawn + draw(&splitter->random, left - n_found - n_drawn);
        n_visited++;
        if (i < n_known) {
            exchange(features, n_drawn++, i);
            continue;
        }
        i += n_found;
        if (try_feature(best, &proxy, splitter, features[i])) {
            exchange(features, --left, i);
            continue;
        }
        exchange(features, i, n_total++);
        n_found++;
    }
    if (best->at < splitter->criterion.end)
        part(best, splitter, impurity, n_total);
    /* Children inherit the constants in the order in which they were found. */
    memcpy(features, splitter->constants, n_known * sizeof *features);
    memcpy(splitter->constants + n_known, features + n_known, n_found * sizeof *features);
    *n_constant = n_total;
}
