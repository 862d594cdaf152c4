/* SPDX-License-Identifier: MIT
 * Cost-complexity pruning (Breiman et al. 1984): the weakest link first, with scikit-learn's order of additions.
 *
 * A node's alpha is what cutting it costs for each leaf less: (its cost as a leaf - that of the leaves below it) /
 * (their number - 1). The node with the least is cut, and the alphas above it change. scikit-learn looks at all nodes
 * for each cut, n^2 in all; here a tournament knows the least, and a cut costs log n for each node above and below.
 * Adding up the leaves at the beginning takes nodes times depth. So does all the rest together, and on a chain that is
 * n^2 again: where it is too much, cart_links.c finds the same cuts in n log n, by additions in an order of its own. */
#include "tree/cart_prune.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "tree/cart_links.h"
#include "tree/names.h"

#define NONE UINT32_MAX

/* Nodes above the leaves, added up: two seconds' worth. Fully grown trees of a million rows have about as many. */
enum { MOST_ADDITIONS = 1 << 25 };

/* A node while the tree shrinks. */
typedef struct branch {
    double cost;        /* the node's share of impurity, were it a leaf */
    double branch_cost; /* the same of the leaves below it */
    uint32_t n_leaves;  /* below it */
    uint32_t parent;    /* NONE: the root */
    bool is_leaf, gone; /* gone: cut off with a node above */
} branch;

typedef struct pruner {
    xai_context *context;
    const xai__cart *cart;
    branch *branches;
    uint32_t *stack;
    uint32_t *winners;     /* a tournament: winners[1] is the inner node with the least alpha, the first of equals */
    size_t width;          /* leaves of the tournament, a power of two */
    xai__cart_link *links; /* in place of a tournament, where there are too many additions; else NULL */
} pruner;

static void drop(pruner *p)
{
    xai__free(p->context, p->branches);
    xai__free(p->context, p->stack);
    xai__free(p->context, p->winners);
    xai__free(p->context, p->links);
}

/* What each leaf less costs. */
static double alpha_of(const pruner *p, uint32_t node)
{
    const branch *b = &p->branches[node];

    return (b->cost - b->branch_cost) / (double)((int64_t)b->n_leaves - 1);
}

/* Never a NaN nor what is not below the largest number: such a link is never the weakest. */
static bool may_go(const pruner *p, uint32_t node)
{
    const branch *b = &p->branches[node];

    return !b->is_leaf && !b->gone && alpha_of(p, node) < DBL_MAX;
}

static uint32_t weaker(const pruner *p, uint32_t a, uint32_t b)
{
    if (a == NONE || b == NONE)
        return a == NONE ? b : a;
    return alpha_of(p, b) < alpha_of(p, a) ? b : a;
}

/* Plays a node's matches again after its alpha has changed. */
static void replay(pruner *p, uint32_t node)
{
    size_t at = p->width + node;

    p->winners[at] = may_go(p, node) ? node : NONE;
    for (at /= 2; at > 0; at /= 2)
        p->winners[at] = weaker(p, p->winners[2 * at], p->winners[2 * at + 1]);
}

/* A tournament has as many places as a power of two; those behind the last node stay empty. */
static xai_status allocate(pruner *p)
{
    size_t n = p->cart->tree.n_nodes;

    for (p->width = 1; p->width < n;)
        p->width *= 2;
    p->branches = xai__zalloc_array(p->context, n, sizeof *p->branches);
    p->stack = xai__alloc_array(p->context, n, sizeof *p->stack);
    p->winners = xai__alloc_array(p->context, 2 * p->width, sizeof *p->winners);
    return p->branches == NULL || p->stack == NULL || p->winners == NULL ? XAI_E_NO_MEMORY : XAI_OK;
}

static void measure_nodes(pruner *p)
{
    const xai__cart_node *nodes = p->cart->nodes;

    p->branches[0].parent = NONE;
    for (size_t i = 0; i < p->cart->tree.n_nodes; i++) {
        branch *b = &p->branches[i];
        b->cost = nodes[i].weight * nodes[i].impurity / nodes[0].weight;
        b->is_leaf = nodes[i].left < 0;
        if (b->is_leaf)
            continue;
        p->branches[nodes[i].left].parent = p->branches[nodes[i].right].parent = (uint32_t)i;
    }
}

/* Children come after their parents. The stack is empty: its memory holds the depths. */
static bool is_too_deep(const pruner *p)
{
    uint64_t sum = 0;

    p->stack[0] = 0;
    for (size_t i = 1; i < p->cart->tree.n_nodes; i++) {
        p->stack[i] = p->stack[p->branches[i].parent] + 1;
        sum += p->branches[i].is_leaf ? p->stack[i] : 0;
    }
    return sum > MOST_ADDITIONS;
}

static void add_up_leaves(pruner *p)
{
    /* Leaf by leaf, so that every sum is taken in the order of the leaves. */
    for (size_t i = 0; i < p->cart->tree.n_nodes; i++) {
        if (!p->branches[i].is_leaf)
            continue;
        p->branches[i].branch_cost = p->branches[i].cost;
        for (uint32_t up = p->branches[i].parent; up != NONE; up = p->branches[up].parent) {
            p->branches[up].branch_cost += p->branches[i].cost;
            p->branches[up].n_leaves++;
        }
    }
}

static void start_tournament(pruner *p)
{
    for (size_t i = 0; i < p->width; i++)
        p->winners[p->width + i] = i < p->cart->tree.n_nodes && may_go(p, (uint32_t)i) ? (uint32_t)i : NONE;
    for (size_t i = p->width - 1; i > 0; i--)
        p->winners[i] = weaker(p, p->winners[2 * i], p->winners[2 * i + 1]);
}

static xai_status begin(pruner *p)
{
    xai_status status = allocate(p);

    if (status < 0)
        return status;
    measure_nodes(p);
    if (is_too_deep(p))
        return xai__cart_links_find(&p->links, p->cart);
    add_up_leaves(p);
    start_tournament(p);
    return XAI_OK;
}

/* Takes all below a node out of the race. */
static void cut_below(pruner *p, uint32_t node)
{
    size_t n = 0;

    p->stack[n++] = node;
    while (n > 0) {
        uint32_t at = p->stack[--n];
        const xai__cart_node *now = &p->cart->nodes[at];
        bool was_leaf = p->branches[at].is_leaf;
        if (at != node) {
            p->branches[at].gone = true;
            replay(p, at);
        }
        if (was_leaf)
            continue;
        p->stack[n++] = (uint32_t)now->left;
        p->stack[n++] = (uint32_t)now->right;
    }
}

/* Makes a leaf of a node. Above it the branches lose its leaves and take its cost in their place. */
static void prune_at(pruner *p, uint32_t node)
{
    branch *b = &p->branches[node];
    double more = b->cost - b->branch_cost;
    uint32_t n_fewer = b->n_leaves - 1;

    cut_below(p, node);
    b->is_leaf = true;
    b->n_leaves = 0;
    b->branch_cost = b->cost;
    replay(p, node);
    for (uint32_t up = b->parent; up != NONE; up = p->branches[up].parent) {
        p->branches[up].n_leaves -= n_fewer;
        p->branches[up].branch_cost += more;
        replay(p, up);
    }
}

/* All cuts up to alpha. */
static void prune_to(pruner *p, double alpha)
{
    if (p->links == NULL) {
        while (p->winners[1] != NONE && !(alpha < alpha_of(p, p->winners[1])))
            prune_at(p, p->winners[1]);
        return;
    }
    for (size_t i = 0; i < p->cart->tree.n_nodes; i++)
        if (p->links[i].alpha <= alpha)
            p->branches[i].is_leaf = true;
}

/* Copies what is left, the left child before the right one. places: nodes of the new tree, by the old ones. */
static xai_status copy_rest(xai__cart *out, const pruner *p, uint32_t *places)
{
    size_t n = 0, n_classes = p->cart->tree.n_classes;

    p->stack[n++] = 0;
    while (n > 0) {
        uint32_t at = p->stack[--n], parent = p->branches[at].parent;
        const xai__cart_node *old = &p->cart->nodes[at];
        size_t place = out->tree.n_nodes;
        xai__cart_node *node = xai__cart_add(out);
        if (node == NULL)
            return XAI_E_NO_MEMORY;
        *node = *old;
        memcpy(out->values + place * n_classes, p->cart->values + (size_t)at * n_classes,
               n_classes * sizeof *out->values);
        places[at] = (uint32_t)place;
        out->tree.n_nodes++;
        if (parent != NONE && p->cart->nodes[parent].left == (int32_t)at)
            out->nodes[places[parent]].left = (int32_t)place;
        else if (parent != NONE)
            out->nodes[places[parent]].right = (int32_t)place;
        if (p->branches[at].is_leaf) {
            xai__cart_make_leaf(node);
            node->missing_left = 0;
            continue;
        }
        p->stack[n++] = (uint32_t)old->right;
        p->stack[n++] = (uint32_t)old->left;
    }
    return XAI_OK;
}

static xai_status rebuild(xai__cart **out, const pruner *p)
{
    const xai_tree *tree = &p->cart->tree;
    xai_status status = xai__cart_create(out, p->context, tree->n_inputs, tree->n_classes, p->cart->regression);

    /* The tournament is over: its memory holds the places. */
    if (status == XAI_OK)
        status = copy_rest(*out, p, p->winners);
    if (status == XAI_OK)
        status = xai__names_copy(&(*out)->tree, (const char *const *)tree->feature_names,
                                 (const char *const *)tree->class_names);
    return status < 0 ? status : xai__cart_finish(*out);
}

xai_status xai__cart_prune(xai__cart **out, const xai__cart *cart, double alpha)
{
    pruner p = { .context = cart->tree.object.context, .cart = cart };
    xai_status status = begin(&p);

    *out = NULL;
    if (status == XAI_OK) {
        prune_to(&p, alpha);
        status = rebuild(out, &p);
    }
    drop(&p);
    if (status < 0 && *out != NULL) {
        xai_tree_unref(&(*out)->tree);
        *out = NULL;
    }
    return status;
}

xai_status xai_tree_prune(xai_tree **out, const xai_tree *tree, double alpha)
{
    xai__cart *pruned = NULL;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || tree == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "tree");
    status = xai__cart_check(tree);
    if (status == XAI_OK && (!(alpha >= 0) || isinf(alpha)))
        status = xai__fail(XAI_E_INVALID, "alpha is %g, expected a finite number of at least 0", alpha);
    if (status == XAI_OK)
        status = xai__cart_prune(&pruned, xai__cart_of(tree), alpha);
    if (status == XAI_OK)
        *out = &pruned->tree;
    return status;
}

/* Records a step of the path as far as there is room. */
static void record(size_t *n, double *alphas, double *impurities, size_t capacity, double alpha, double impurity)
{
    if (*n < capacity && alphas != NULL)
        alphas[*n] = alpha;
    if (*n < capacity && impurities != NULL)
        impurities[*n] = impurity;
    ++*n;
}

/* Both ways begin with the same sum over the leaves, in their order. */
static void walk_tournament(size_t *n, pruner *p, double *alphas, double *impurities, size_t capacity)
{
    record(n, alphas, impurities, capacity, 0, p->branches[0].branch_cost);
    while (p->winners[1] != NONE) {
        double alpha = alpha_of(p, p->winners[1]);

        prune_at(p, p->winners[1]);
        record(n, alphas, impurities, capacity, alpha, p->branches[0].branch_cost);
    }
}

static void walk_links(size_t *n, pruner *p, double *alphas, double *impurities, size_t capacity)
{
    size_t n_nodes = p->cart->tree.n_nodes, n_cuts = xai__cart_links_sort(p->stack, p->links, n_nodes);
    double impurity = 0;

    for (size_t i = 0; i < n_nodes; i++)
        impurity += p->branches[i].is_leaf ? p->branches[i].cost : 0;
    record(n, alphas, impurities, capacity, 0, impurity);
    for (size_t i = 0; i < n_cuts; i++) {
        impurity += p->links[p->stack[i]].rise;
        record(n, alphas, impurities, capacity, p->links[p->stack[i]].alpha, impurity);
    }
}

xai_status xai_tree_pruning_path(size_t *n, const xai_tree *tree, double *alphas, double *impurities, size_t capacity)
{
    pruner p = { 0 };
    xai_status status;

    xai__enter();
    if (n != NULL)
        *n = 0;
    if (n == NULL || tree == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", n == NULL ? "n" : "tree");
    status = xai__cart_check(tree);
    if (status < 0)
        return status;
    p.context = tree->object.context;
    p.cart = xai__cart_of(tree);
    status = begin(&p);
    if (status == XAI_OK)
        (p.links != NULL ? walk_links : walk_tournament)(n, &p, alphas, impurities, capacity);
    drop(&p);
    return status;
}
