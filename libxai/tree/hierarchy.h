/* SPDX-License-Identifier: MIT
 * Hierarchies: classes under inner nodes. */
#ifndef XAI__TREE_HIERARCHY_H
#define XAI__TREE_HIERARCHY_H

#include "io/json.h"
#include "tree/tree.h"

enum { XAI__HIERARCHY_MAX_NODES = 1000000 };

/* A node that was merged into its only child, which keeps it by name: nbdt's "contraction". */
typedef struct xai__contraction {
    const char *id, *label; /* label: NULL where the file has none */
    uint32_t depth;         /* 0: merged into the node; 1: into the nearest contraction before it with depth 0; ... */
} xai__contraction;

/* Nodes stand breadth first, children in the order of the file's links: node 0 is the root, a parent comes before its
 * children, and those lie side by side. So sums go up and products go down in plain loops, however deep the tree is. */
typedef struct xai__hierarchy_node {
    const char *id, *label;     /* label: the id where the file has none */
    uint32_t parent;            /* 0 for the root too */
    uint32_t first;             /* first child */
    uint32_t n_children;        /* 0: a leaf */
    int32_t class_index;        /* -1: an inner node */
    uint32_t first_contraction; /* of those merged into it, in the order of the file */
    uint32_t n_contractions;
} xai__hierarchy_node;

typedef struct xai__hierarchy {
    xai_tree tree;
    xai__hierarchy_node *nodes;
    xai__contraction *contractions;
    char *texts;          /* that all names lie in */
    double *counts;       /* classes under each node */
    uint32_t *leaves;     /* node of each class */
    uint32_t *file_order; /* nodes in the order in which the file has them */
} xai__hierarchy;

/* Reads node-link JSON: "nodes" with "id", "label" and perhaps "class" and "contraction"; "links" or "edges" with
 * "source" and "target" (hierarchy_read.c). */
xai_status xai__hierarchy_read(xai_tree **out, xai_context *context, const xai__json *json);

/* Adds the same JSON, with the class of each leaf (hierarchy_write.c). list: "links", or "edges" for networkx from
 * version 3.4 on. */
xai_status xai__hierarchy_write(xai__text *text, const xai_tree *tree);
xai_status xai__hierarchy_write_as(xai__text *text, const xai_tree *tree, const char *list);

/* Fills an outline (hierarchy_outline.c). */
xai_status xai__hierarchy_outline(struct xai__outline *outline, const xai_tree *tree);

/* The rules (rules.c). */
xai_status xai__rules_predict(float *out, const xai_tree *tree, const float *rows, size_t n_rows, uint32_t mode);
xai_status xai__rules_decide(size_t *n, const xai_tree *tree, const float *row, uint32_t mode, xai_decision *steps,
                             size_t capacity);

/* The probability of every node among its siblings, the root's being 1, and the leaf that xai__rules_decide() ends in.
 */
xai_status xai__rules_weigh(double *probabilities, uint32_t *leaf, const xai_tree *tree, const float *row,
                            uint32_t mode);

/* Their parts; each fills a number a node. A row's logits must be finite; a node's logit is the mean of its classes';
 * siblings share a softmax; the products of those shares run down from the root. */
xai_status xai__rules_check(const float *row, size_t n, size_t index);
void xai__rules_means(double *means, const xai__hierarchy *h, const float *row);
void xai__rules_soften(double *probabilities, const double *means, const xai__hierarchy *h);
void xai__rules_multiply(double *products, const double *probabilities, const xai__hierarchy *h);

#endif
