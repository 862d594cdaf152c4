/* SPDX-License-Identifier: MIT
 * CART: a binary tree of thresholds on features, its nodes as arrays in the order of their making. */
#ifndef XAI__TREE_CART_H
#define XAI__TREE_CART_H

#include "io/json.h"
#include "tree/tree.h"

typedef struct xai__cart_node {
    double threshold; /* x <= threshold goes left; -2 for a leaf */
    double impurity;
    double weight;         /* of the rows that came here when the tree was fitted */
    int32_t left, right;   /* -1 for a leaf */
    int32_t feature;       /* -2 for a leaf */
    uint32_t n_samples;    /* rows with a weight above 0 */
    uint32_t missing_left; /* whether a missing value goes left */
} xai__cart_node;

/* What a row needs to know of a node: a quarter of a line of cache. */
typedef struct xai__cart_fork {
    float threshold;     /* the largest float that the node's does not exceed: the same floats are below it */
    uint32_t feature;    /* with the top bit set: a missing value goes right */
    int32_t children[2]; /* left, right; a leaf is its own children */
} xai__cart_fork;

typedef struct xai__cart {
    xai_tree tree;
    xai__cart_node *nodes;
    xai__cart_fork *forks; /* n_nodes */
    double *values;        /* n_nodes x n_classes: shares of the classes, or the mean */
    char *labels;          /* what xai_tree_decisions() shows: ids and conditions, each ended by a NUL */
    size_t *label_at;      /* 2 x n_nodes: where a node's id and condition begin */
    bool regression;
} xai__cart;

static inline xai__cart *xai__cart_of(const xai_tree *tree)
{
    return (xai__cart *)tree;
}

/* XAI_E_INVALID for another kind of tree. */
xai_status xai__cart_check(const xai_tree *tree);

/* A tree without nodes. */
xai_status xai__cart_create(xai__cart **out, xai_context *context, size_t n_inputs, size_t n_classes, bool regression);

/* Room for one more node; NULL with the message set. The caller fills the node and its row of values, then counts it in
 * tree.n_nodes. */
xai__cart_node *xai__cart_add(xai__cart *cart);

/* Once all nodes stand and have their names: what decisions call them, and the forks that rows go down. */
xai_status xai__cart_finish(xai__cart *cart);

/* Leaves missing_left alone: scikit-learn keeps it where best-first growth ends at a node that could be split. */
static inline void xai__cart_make_leaf(xai__cart_node *node)
{
    node->left = node->right = -1;
    node->feature = -2;
    node->threshold = -2;
}

/* Adds the condition under which a row goes from parent to one of its children. name: of the feature; NULL: the tree's
 * own. */
void xai__cart_add_condition(xai__text *text, const xai__cart *cart, const xai__cart_node *parent, bool left,
                             const char *name);

/* What a drawing shows (cart_outline.c). */
xai_status xai__cart_outline(struct xai__outline *outline, const xai_tree *tree);

/* Node where a row ends. */
size_t xai__cart_find_leaf(const xai__cart *cart, const float *row);

/* scikit-learn's arrays under their names (cart_json.c). */
xai_status xai__cart_read(xai_tree **out, xai_context *context, const xai__json *json);
xai_status xai__cart_write(xai__text *text, const xai_tree *tree);

/* The child that a row goes to; the node is not a leaf. */
static inline int32_t xai__cart_step(const xai__cart_node *node, const float *row)
{
    float x = row[node->feature];

    if (x != x)
        return node->missing_left ? node->left : node->right;
    return (double)x <= node->threshold ? node->left : node->right;
}

#endif
