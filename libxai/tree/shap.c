/* SPDX-License-Identifier: MIT
 * TreeSHAP, path-dependent (Lundberg et al. 2020): exact Shapley values of a CART, leaf by leaf.
 *
 * What a leaf gives depends on the features of its path alone, so each leaf is a small game: a feature that is known
 * either keeps the row on the path or not; one that is not known keeps the share of the training rows that went there.
 * A path lists each feature once, however often it is asked about, which also bounds its length on a deep tree. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "tree/cart.h"

#define NONE UINT32_MAX

/* Rows are taken together as long as their sums stay below so many numbers. */
enum { BLOCK_SIZE = 1 << 18 };

/* One feature of a leaf's path. */
typedef struct element {
    uint32_t feature;
    bool missing;     /* whether a row without the value stays on the path */
    double low, high; /* others stay if not x <= low, and x <= high */
    double share;     /* of the training rows that stay */
} element;

typedef struct explainer {
    xai_context *context;
    const xai__cart *cart;
    uint32_t *parents;
    uint32_t *places; /* of a feature in the path; NONE: not in it */
    element *path;
    size_t length;
    bool *stays;      /* by element: whether the row does */
    double *weights;  /* by number of known features: the permutations' weight, times the shares of the others */
    double *inverses; /* 1 / n */
    double *sums;     /* rows of a block x F x classes */
} explainer;

static void drop(explainer *e)
{
    xai__free(e->context, e->parents);
    xai__free(e->context, e->places);
    xai__free(e->context, e->path);
    xai__free(e->context, e->stays);
    xai__free(e->context, e->weights);
    xai__free(e->context, e->inverses);
    xai__free(e->context, e->sums);
}

static size_t rows_in_block(const xai_tree *tree, size_t n_rows)
{
    size_t size = tree->n_inputs < BLOCK_SIZE ? BLOCK_SIZE / tree->n_inputs / tree->n_classes : 0;

    return size < 1 ? 1 : size < n_rows ? size : n_rows;
}

/* Longest path: no more features than the deepest leaf has nodes above it, and than there are. */
static size_t find_parents(explainer *e)
{
    const xai__cart *cart = e->cart;
    uint32_t *depths = e->parents + cart->tree.n_nodes;
    size_t deepest = 0;

    e->parents[0] = NONE;
    depths[0] = 0;
    for (size_t i = 0; i < cart->tree.n_nodes; i++) {
        const int32_t children[2] = { cart->nodes[i].left, cart->nodes[i].right };
        deepest = depths[i] > deepest ? depths[i] : deepest;
        for (int k = 0; k < 2 && children[k] >= 0; k++) {
            e->parents[children[k]] = (uint32_t)i;
            depths[children[k]] = depths[i] + 1;
        }
    }
    return deepest < cart->tree.n_inputs ? deepest : cart->tree.n_inputs;
}

static xai_status begin(explainer *e, size_t n_rows)
{
    const xai_tree *tree = &e->cart->tree;
    size_t longest, n_sums;

    e->parents = xai__alloc_array(e->context, tree->n_nodes, 2 * sizeof *e->parents);
    if (e->parents == NULL)
        return XAI_E_NO_MEMORY;
    longest = find_parents(e);
    if (!xai__mul_size(&n_sums, rows_in_block(tree, n_rows) * tree->n_inputs, tree->n_classes))
        return xai__fail_memory();
    e->places = xai__alloc_array(e->context, tree->n_inputs, sizeof *e->places);
    e->path = xai__alloc_array(e->context, longest, sizeof *e->path);
    e->stays = xai__alloc_array(e->context, longest, sizeof *e->stays);
    e->weights = xai__alloc_array(e->context, longest + 1, sizeof *e->weights);
    e->inverses = xai__alloc_array(e->context, longest + 2, sizeof *e->inverses);
    e->sums = xai__alloc_array(e->context, n_sums, sizeof *e->sums);
    if (e->places == NULL || e->path == NULL || e->stays == NULL || e->weights == NULL || e->inverses == NULL ||
        e->sums == NULL)
        return XAI_E_NO_MEMORY;
    memset(e->places, 0xff, tree->n_inputs * sizeof *e->places);
    for (size_t n = 1; n < longest + 2; n++)
        e->inverses[n] = 1 / (double)n;
    return XAI_OK;
}

static element *find_element(explainer *e, uint32_t feature)
{
    if (e->places[feature] == NONE) {
        e->places[feature] = (uint32_t)e->length;
        /* No bound yet: nothing is <= NaN. */
        e->path[e->length++] = (element){ feature, true, (double)NAN, (double)INFINITY, 1 };
    }
    return &e->path[e->places[feature]];
}

/* Lays out the path to a leaf; returns the share of the training rows that ended there. */
static double follow(explainer *e, uint32_t leaf)
{
    double share = 1;

    e->length = 0;
    for (uint32_t at = leaf, up = e->parents[at]; up != NONE; at = up, up = e->parents[at]) {
        const xai__cart_node *node = &e->cart->nodes[up];
        bool left = node->left == (int32_t)at;
        double weight_left = e->cart->nodes[node->left].weight, weight_right = e->cart->nodes[node->right].weight;
        element *now = find_element(e, (uint32_t)node->feature);

        /* Not of the node's own weight: both shares have to sum to 1, or the values would not. */
        now->share *= (left ? weight_left : weight_right) / (weight_left + weight_right);
        now->missing = now->missing && left == (node->missing_left != 0);
        if (left)
            now->high = fmin(now->high, node->threshold);
        else
            now->low = fmax(now->low, node->threshold);
        share *= (left ? weight_left : weight_right) / (weight_left + weight_right);
    }
    for (size_t i = 0; i < e->length; i++)
        e->places[e->path[i].feature] = NONE;
    return share;
}

/* The weights of the path's coalitions by size, element after element. */
static void extend(explainer *e)
{
    double *w = e->weights;

    w[0] = 1;
    for (size_t n = 1; n <= e->length; n++) {
        double inverse = e->inverses[n + 1], share = e->path[n - 1].share * inverse;
        double stays = e->stays[n - 1] ? inverse : 0;
        w[n] = stays * w[n - 1] * (double)n;
        for (size_t k = n - 1; k > 0; k--)
            w[k] = stays * w[k - 1] * (double)k + share * w[k] * (double)(n - k);
        w[0] = share * w[0] * (double)n;
    }
}

/* The sum of the weights were element i, on which the row stays, not in the path. */
static double unwind(const explainer *e, size_t i)
{
    size_t n = e->length;
    double share = e->path[i].share * e->inverses[n + 1], next = e->weights[n], total = 0;

    for (size_t k = n; k-- > 0;) {
        double without = next * (double)(n + 1) * e->inverses[k + 1];
        total += without;
        next = e->weights[k] - without * share * (double)(n - k);
    }
    return total;
}

/* The same sum, times its share, for an element on which the row does not stay: it is one for all of those. */
static double unwind_rest(const explainer *e)
{
    size_t n = e->length;
    double total = 0;

    for (size_t k = 0; k < n; k++)
        total += e->weights[k] * (double)(n + 1) * e->inverses[n - k];
    return total;
}

static bool stays_on(const element *now, float value)
{
    double x = value;

    return x != x ? now->missing : !(x <= now->low) && x <= now->high;
}

/* Adds what one leaf gives to one row's sums. */
static void add_leaf(explainer *e, double *sums, const double *value, const float *row)
{
    size_t n_classes = e->cart->tree.n_classes;
    double rest;

    for (size_t i = 0; i < e->length; i++)
        e->stays[i] = stays_on(&e->path[i], row[e->path[i].feature]);
    extend(e);
    rest = unwind_rest(e);
    for (size_t i = 0; i < e->length; i++) {
        const element *now = &e->path[i];
        double part = e->stays[i] ? unwind(e, i) * (1 - now->share) : -rest;
        for (size_t c = 0; c < n_classes; c++)
            sums[now->feature * n_classes + c] += part * value[c];
    }
}

static void explain_block(explainer *e, float *out, const float *rows, size_t n_rows)
{
    const xai_tree *tree = &e->cart->tree;
    size_t width = tree->n_inputs * tree->n_classes;

    memset(e->sums, 0, n_rows * width * sizeof *e->sums);
    for (size_t leaf = 0; leaf < tree->n_nodes; leaf++) {
        if (e->cart->nodes[leaf].left >= 0)
            continue;
        follow(e, (uint32_t)leaf);
        for (size_t i = 0; i < n_rows; i++)
            add_leaf(e, e->sums + i * width, e->cart->values + leaf * tree->n_classes, rows + i * tree->n_inputs);
    }
    for (size_t i = 0; i < n_rows * width; i++)
        out[i] = (float)e->sums[i];
}

/* The values' base: every leaf with the share of the training rows that ended there. */
static void expect(explainer *e, double *expected)
{
    size_t n_classes = e->cart->tree.n_classes;

    memset(expected, 0, n_classes * sizeof *expected);
    for (size_t leaf = 0; leaf < e->cart->tree.n_nodes; leaf++) {
        double share;
        if (e->cart->nodes[leaf].left >= 0)
            continue;
        share = follow(e, (uint32_t)leaf);
        for (size_t c = 0; c < n_classes; c++)
            expected[c] += share * e->cart->values[leaf * n_classes + c];
    }
}

static xai_status explain(xai_tensor **out, double *expected, const xai_tree *tree, const xai_tensor *rows)
{
    const int64_t shape[3] = { rows->shape[0], (int64_t)tree->n_inputs, (int64_t)tree->n_classes };
    size_t n_rows = (size_t)shape[0], block = rows_in_block(tree, n_rows), width = tree->n_inputs * tree->n_classes;
    explainer e = { .context = tree->object.context, .cart = xai__cart_of(tree) };
    xai_status status = begin(&e, n_rows);

    if (status == XAI_OK)
        status = xai__tensor_create(out, e.context, shape, 3);
    for (size_t i = 0; status == XAI_OK && i < n_rows; i += block)
        explain_block(&e, (*out)->data + i * width, rows->data + i * tree->n_inputs,
                      n_rows - i < block ? n_rows - i : block);
    if (status == XAI_OK && expected != NULL)
        expect(&e, expected);
    drop(&e);
    return status;
}

xai_status xai_tree_shap(xai_tensor **out, double *expected, const xai_tree *tree, const xai_tensor *rows)
{
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || tree == NULL || rows == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : tree == NULL ? "tree" : "rows");
    status = xai__cart_check(tree);
    if (status == XAI_OK)
        status = xai__tree_check_rows(tree, rows);
    return status < 0 ? status : explain(out, expected, tree, rows);
}
