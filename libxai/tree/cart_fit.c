/* SPDX-License-Identifier: MIT
 * Growing a CART: nodes are numbered as scikit-learn numbers them, depth first or best first.
 *
 * A node owns a part of the list of rows, start to end. Splitting it parts those rows in place, left ones first, so its
 * children own the two halves and nothing is ever copied; the depth of the tree costs no memory but the nodes. */
#include "tree/cart_fit.h"

#include <float.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"

/* A node whose rows still have to be looked at, or (best first) may still be split. */
typedef struct pending {
    size_t start, end, at, depth, n_constant;
    int32_t parent, node;
    bool left, leaf;
    double impurity, improvement, impurity_left, impurity_right;
} pending;

typedef struct grower {
    xai__cart *cart;
    xai__cart_splitter *splitter;
    const xai__cart_limits *limits;
    pending *stack;
    size_t n_pending;
} grower;

static xai_status push(grower *g, const pending *item)
{
    pending *slot = xai__grow(g->cart->tree.object.context, &g->stack, g->n_pending, sizeof *slot);

    if (slot == NULL)
        return XAI_E_NO_MEMORY;
    *slot = *item;
    g->n_pending++;
    return XAI_OK;
}

/* What scikit-learn asks before it looks for a split, in its words: too deep, too few rows, too little weight, pure. */
static bool is_leaf(const grower *g, const pending *item)
{
    size_t n = item->end - item->start;

    return item->depth >= g->limits->max_depth || n < g->limits->min_samples_split ||
           n < 2 * g->limits->min_samples_leaf || g->splitter->criterion.weight < 2 * g->limits->min_leaf_weight ||
           item->impurity <= DBL_EPSILON;
}

/* Shares of the classes, or the mean: the criterion still has the sums of the node that is being added. */
static void fill_values(const grower *g)
{
    const xai__cart_criterion *criterion = &g->splitter->criterion;
    double *values = g->cart->values + g->cart->tree.n_nodes * g->cart->tree.n_classes;

    for (size_t c = 0; c < criterion->n_classes; c++)
        values[c] = criterion->total[c] / criterion->weight;
}

/* Appends the node of item, with the values of its rows, and hangs it under its parent. */
static xai_status append_node(grower *g, pending *item, const xai__cart_split *split)
{
    xai__cart_node *node;

    if (g->cart->tree.n_nodes >= INT32_MAX)
        return xai__fail(XAI_E_LIMIT, "the tree has more than %d nodes", INT32_MAX);
    node = xai__cart_add(g->cart);
    if (node == NULL)
        return XAI_E_NO_MEMORY;
    *node = (xai__cart_node){ .threshold = split->threshold,
                              .impurity = item->impurity,
                              .weight = g->splitter->criterion.weight,
                              .feature = (int32_t)split->feature,
                              .n_samples = (uint32_t)(item->end - item->start),
                              .missing_left = split->missing_left };
    if (item->leaf) {
        xai__cart_make_leaf(node);
        node->missing_left = 0;
    }
    fill_values(g);
    item->node = (int32_t)g->cart->tree.n_nodes++;
    if (item->parent >= 0 && item->left)
        g->cart->nodes[item->parent].left = item->node;
    else if (item->parent >= 0)
        g->cart->nodes[item->parent].right = item->node;
    return XAI_OK;
}

/* Adds the node of item, split if that is worth it; item then says how. */
static xai_status add_node(grower *g, pending *item)
{
    xai__cart_criterion *criterion = &g->splitter->criterion;
    xai__cart_split split = { .at = item->end };
    xai_status status;

    xai__cart_criterion_begin(criterion, item->start, item->end);
    if (item->parent < 0)
        item->impurity = xai__cart_criterion_impurity(criterion);
    item->leaf = is_leaf(g, item);
    if (!item->leaf) {
        xai__cart_find_split(&split, g->splitter, item->impurity, &item->n_constant);
        /* An improvement that differs by rounding is still enough, as in scikit-learn. */
        item->leaf = split.at >= item->end || split.improvement + DBL_EPSILON < g->limits->min_impurity_decrease;
    }
    status = append_node(g, item, &split);
    if (status < 0)
        return status;
    /* What the children begin with. A leaf has none, and as such sinks to the bottom of the queue. */
    item->at = split.at;
    item->improvement = item->leaf ? 0 : split.improvement;
    item->impurity_left = split.left;
    item->impurity_right = split.right;
    return XAI_OK;
}

/* A child begins with what its parent knows: its impurity, and which features are constant in it. */
static pending child_of(const pending *item, bool left)
{
    return (pending){ .start = left ? item->start : item->at,
                      .end = left ? item->at : item->end,
                      .depth = item->depth + 1,
                      .n_constant = item->n_constant,
                      .parent = item->node,
                      .left = left,
                      .impurity = left ? item->impurity_left : item->impurity_right };
}

/* The right child is pushed first, so that the left one is taken next and gets the next number. */
static xai_status grow_depth_first(grower *g)
{
    pending item = { .end = g->splitter->criterion.end, .parent = -1 };
    xai_status status = push(g, &item);

    while (status == XAI_OK && g->n_pending > 0) {
        item = g->stack[--g->n_pending];
        status = add_node(g, &item);
        for (int left = 0; left < 2 && status == XAI_OK && !item.leaf; left++) {
            pending child = child_of(&item, left != 0);
            status = push(g, &child);
        }
    }
    return status;
}

/* A heap whose parents are at least as good as their children, with the moves of libstdc++'s, for ties. */
static void rise(pending *heap, size_t at, const pending *item)
{
    for (; at > 0 && heap[(at - 1) / 2].improvement < item->improvement; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = *item;
}

/* A node is searched for its split before it is queued, since the queue is in the order of improvements. Its rows are
 * parted by then, whether it will be split or not, which changes their order only. */
static xai_status add_best(grower *g, pending *item)
{
    xai_status status;

    item->n_constant = 0;
    status = add_node(g, item);
    if (status == XAI_OK)
        status = push(g, item);
    if (status == XAI_OK)
        rise(g->stack, g->n_pending - 1, item);
    return status;
}

/* Takes the best: the hole sinks to the bottom before the last item rises from there. */
static pending take_best(grower *g)
{
    pending best = g->stack[0], last = g->stack[--g->n_pending];
    size_t hole = 0;

    while (2 * hole + 2 < g->n_pending) {
        size_t child = 2 * hole + 2;
        if (g->stack[child].improvement < g->stack[child - 1].improvement)
            child--;
        g->stack[hole] = g->stack[child];
        hole = child;
    }
    if (2 * hole + 2 == g->n_pending) {
        g->stack[hole] = g->stack[2 * hole + 1];
        hole = 2 * hole + 1;
    }
    if (g->n_pending > 0)
        rise(g->stack, hole, &last);
    return best;
}

/* max_leaf_nodes leaves take one split less. Nodes that are left in the queue at the end become leaves. */
static xai_status grow_best_first(grower *g)
{
    pending item = { .end = g->splitter->criterion.end, .parent = -1 };
    size_t n_splits = g->limits->max_leaf_nodes - 1;
    xai_status status = add_best(g, &item);

    while (status == XAI_OK && g->n_pending > 0) {
        pending left, right;
        item = take_best(g);
        if (item.leaf || n_splits == 0) {
            xai__cart_make_leaf(&g->cart->nodes[item.node]);
            continue;
        }
        n_splits--;
        left = child_of(&item, true);
        right = child_of(&item, false);
        /* Both get their numbers before either is queued; queueing does not change numbers. */
        status = add_best(g, &left);
        if (status == XAI_OK)
            status = add_best(g, &right);
    }
    return status;
}

xai_status xai__cart_grow(xai__cart *cart, xai__cart_splitter *splitter, const xai__cart_limits *limits)
{
    grower g = { .cart = cart, .splitter = splitter, .limits = limits };
    xai_status status = limits->max_leaf_nodes == SIZE_MAX ? grow_depth_first(&g) : grow_best_first(&g);

    xai__free(cart->tree.object.context, g.stack);
    return status;
}
