/* SPDX-License-Identifier: MIT
 * Deep Neural Decision Trees (Yang, Morillo, Hospedales 2018): every feature falls softly into bins, every combination
 * of bins is a leaf. */
#ifndef XAI__TREE_DNDT_H
#define XAI__TREE_DNDT_H

#include "io/json.h"
#include "tree/tree.h"

/* Leaves are (cuts + 1) to the power of the features. */
enum { XAI__DNDT_MAX_LEAVES = 1000000 };

typedef struct xai__dndt {
    xai_tree tree;
    size_t n_cuts, n_bins; /* a feature: n_bins is n_cuts + 1 */
    size_t n_leaves;       /* the first feature's bin changes slowest */
    double *cuts;          /* n_inputs x n_cuts, ascending */
    double *temperatures;  /* n_inputs, above 0, in the unit of the feature */
    double *scores;        /* n_leaves x n_classes: logits */
    char *labels;          /* texts that xai_tree_decisions() shows, each ended by a NUL */
    size_t *label_at;      /* 2 x (1 + n_inputs x n_bins): where id and condition begin, those of the root first */
} xai__dndt;

static inline xai__dndt *xai__dndt_of(const xai_tree *tree)
{
    return (xai__dndt *)tree;
}

/* Leaves and nodes of the whole product; n_cuts is at least 1. XAI_E_LIMIT where they would explode. */
xai_status xai__dndt_count(size_t *n_leaves, size_t *n_nodes, size_t n_inputs, size_t n_cuts);

/* A tree with room for its numbers, all 0. */
xai_status xai__dndt_create(xai__dndt **out, xai_context *context, size_t n_inputs, size_t n_cuts, size_t n_classes);

/* Once all numbers stand and the names are there. */
xai_status xai__dndt_label(xai__dndt *dndt);

/* Probabilities of a feature's bins: n_bins numbers. */
void xai__dndt_bin(double *bins, const double *cuts, size_t n_cuts, double temperature, double x);

/* The products of all bins, level by level: 1, then those of the first feature, of the first two ..., last the leaves;
 * tree.n_nodes numbers. bins: n_inputs x n_bins. */
void xai__dndt_spread(double *levels, const double *bins, size_t n_inputs, size_t n_bins);

/* Turns logits into probabilities. */
void xai__dndt_softmax(double *numbers, size_t n);

/* "width <= 2.5", "2.5 < width <= 3", "width > 3"; name NULL: the tree's own. */
void xai__dndt_add_condition(xai__text *text, const xai__dndt *dndt, size_t feature, size_t bin, const char *name);

/* Loss and gradient (dndt_fit.c): mean cross-entropy over weighted rows. */
typedef struct xai__dndt_problem {
    const double *rows;    /* n_rows x n_inputs */
    const double *classes; /* n_rows */
    const double *weights; /* n_rows, summing to 1 */
    size_t n_rows;
    double *levels, *slopes;            /* scratch: n_nodes each */
    double *bins, *bin_slopes, *logits; /* scratch: n_inputs x n_bins each, n_classes */
} xai__dndt_problem;

/* Adds the gradient with respect to cuts and scores, both zeroed before, and returns the loss. */
double xai__dndt_gradient(double *cut_slopes, double *score_slopes, const xai__dndt *dndt,
                          const xai__dndt_problem *problem);

/* JSON (dndt_json.c) and drawings (dndt_outline.c). */
xai_status xai__dndt_read(xai_tree **out, xai_context *context, const xai__json *json);
xai_status xai__dndt_write(xai__text *text, const xai_tree *tree);
xai_status xai__dndt_outline(struct xai__outline *outline, const xai_tree *tree);

#endif
