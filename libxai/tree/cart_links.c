/* SPDX-License-Identifier: MIT
 * Weakest links from the leaves up.
 *
 * As alpha grows, the smallest cost of a branch, its own and alpha for each leaf, is a concave line of straight pieces,
 * and where a piece ends a link below is cut. A branch's line is the sum of its children's up to where cutting the
 * branch itself costs no more; pieces behind that are gone. So a heap of links, the largest alpha on top, holds all
 * that a branch has to hand on: two are merged in log n, and what is cut together with the branch comes off the top. */
#include "tree/cart_links.h"

#include <float.h>
#include <math.h>

#include "core/memory.h"
#include "core/sort.h"

#define NONE UINT32_MAX

/* --- heaps: leftist, so that no way to the right is longer than log n --- */

static uint32_t rank_of(const xai__cart_link *links, uint32_t heap)
{
    return heap != NONE ? links[heap].rank : 0;
}

/* As deep as the ways to the right, which are merged, are long. */
static uint32_t merge(xai__cart_link *links, uint32_t a, uint32_t b)
{
    xai__cart_link *top;

    if (a == NONE || b == NONE)
        return a == NONE ? b : a;
    if (links[b].alpha > links[a].alpha) {
        uint32_t other = a;

        a = b;
        b = other;
    }
    top = &links[a];
    top->right = merge(links, top->right, b);
    if (rank_of(links, top->left) < rank_of(links, top->right)) {
        uint32_t other = top->left;

        top->left = top->right;
        top->right = other;
    }
    top->rank = rank_of(links, top->right) + 1;
    return a;
}

/* --- links --- */

/* The node's share of impurity, were it a leaf. */
static double cost_of(const xai__cart *cart, size_t node)
{
    return cart->nodes[node].weight * cart->nodes[node].impurity / cart->nodes[0].weight;
}

static void make_leaf(xai__cart_link *link, double cost)
{
    link->cost = cost;
    link->n_leaves = 1;
}

/* What cutting the branch costs for each leaf less. With every link on top that would be cut later than it, the branch
 * is taken back to where it still had those leaves; their links go with it. Of equals the one above is cut. */
static double find_alpha(xai__cart_link *links, xai__cart_link *link, double cost)
{
    double alpha = (cost - link->cost) / (double)(link->n_leaves - 1);

    while (link->heap != NONE && links[link->heap].alpha >= alpha) {
        xai__cart_link *later = &links[link->heap];

        link->cost -= later->rise;
        link->n_leaves += later->n_fewer;
        link->heap = merge(links, later->left, later->right);
        later->alpha = INFINITY;
        alpha = (cost - link->cost) / (double)(link->n_leaves - 1);
    }
    return alpha;
}

/* Children are done. */
static void close_branch(xai__cart_link *links, const xai__cart *cart, uint32_t node)
{
    const xai__cart_link *left = &links[cart->nodes[node].left], *right = &links[cart->nodes[node].right];
    xai__cart_link *link = &links[node];
    double cost = cost_of(cart, node), alpha;

    link->cost = left->cost + right->cost;
    link->n_leaves = left->n_leaves + right->n_leaves;
    link->heap = merge(links, left->heap, right->heap);
    alpha = find_alpha(links, link, cost);
    /* Neither a NaN nor what is not below the largest number is ever cut, as when links are cut one by one. */
    if (!(alpha < DBL_MAX))
        return;
    link->alpha = alpha;
    link->rise = cost - link->cost;
    link->n_fewer = link->n_leaves - 1;
    link->rank = 1;
    link->heap = merge(links, link->heap, node);
    make_leaf(link, cost);
}

xai_status xai__cart_links_find(xai__cart_link **out, const xai__cart *cart)
{
    size_t n = cart->tree.n_nodes;
    xai__cart_link *links = xai__alloc_array(cart->tree.object.context, n, sizeof *links);

    *out = links;
    if (links == NULL)
        return XAI_E_NO_MEMORY;
    /* Parents come before their children. */
    for (size_t i = n; i-- > 0;) {
        links[i] = (xai__cart_link){ .alpha = INFINITY, .heap = NONE, .left = NONE, .right = NONE };
        if (cart->nodes[i].left < 0)
            make_leaf(&links[i], cost_of(cart, i));
        else
            close_branch(links, cart, (uint32_t)i);
    }
    return XAI_OK;
}

static int compare_alphas(const void *user, uint32_t a, uint32_t b)
{
    const xai__cart_link *links = user;

    return (links[a].alpha > links[b].alpha) - (links[a].alpha < links[b].alpha);
}

size_t xai__cart_links_sort(uint32_t *order, const xai__cart_link *links, size_t n_nodes)
{
    size_t n = 0;

    for (size_t i = 0; i < n_nodes; i++)
        if (links[i].alpha < DBL_MAX)
            order[n++] = (uint32_t)i;
    xai__sort(order, n, compare_alphas, links);
    return n;
}
