/* SPDX-License-Identifier: MIT
 * Outlines: what a drawing shows of a tree of any kind. A kind fills one, every writer draws it. */
#ifndef XAI__TREE_OUTLINE_H
#define XAI__TREE_OUTLINE_H

#include <stdbool.h>

#include <xai/tree.h>

#include "core/text.h"

#define XAI__OUTLINE_NONE UINT32_MAX

enum { XAI__OUTLINE_LINES = 2 };

/* A text is its place in the outline's texts; 0 is the empty text. */
typedef struct xai__outline_node {
    size_t id;                        /* a wnid, or the node's number */
    size_t name;                      /* its label, or the condition that leads here */
    size_t outcome;                   /* what a leaf predicts, where its name does not say so */
    size_t lines[XAI__OUTLINE_LINES]; /* further lines of a box: impurity, samples, shares of the classes */
    uint32_t parent, first_child, last_child, next_sibling; /* XAI__OUTLINE_NONE: none */
    uint32_t n_children, depth;
    double probability; /* among its siblings, for the row; negative: none */
    bool on_path;
} xai__outline_node;

typedef struct xai__outline {
    xai_context *context;
    const xai_export_options *options; /* class_names and feature_names may be NULL, and so may their members */
    xai__outline_node *nodes;
    uint32_t *order; /* node 0, the root, and so on depth first, children in their order */
    uint32_t n_nodes, n_leaves, n_levels;
    uint32_t leaf; /* where the row ends; XAI__OUTLINE_NONE without a row */
    size_t title;
    xai__text texts;
} xai__outline;

/* Makes an outline of a tree; options are checked by then. */
xai_status xai__outline_create(xai__outline *outline, const xai_tree *tree, const xai_export_options *options);

/* Takes a zeroed or half-made outline too. */
void xai__outline_fini(xai__outline *outline);

/* What a kind's outline() does, for each node of the tree, the root being node 0: attach it, set its texts and, with a
 * row, its probability; with a row also the leaf. The children of a node stand in the order in which they came. */
void xai__outline_attach(xai__outline *outline, uint32_t parent, uint32_t child);

/* Adds a text and returns its place. What has no shape or would disturb the shape of others is made visible: control
 * characters become their pictures, bytes that are not UTF-8 and signs that turn the direction of writing U+FFFD. So
 * writers only escape what their format gives a meaning. A failure shows at the end. */
size_t xai__outline_add(xai__outline *outline, const char *words);

/* Valid until the next text is added; never NULL. */
const char *xai__outline_get(const xai__outline *outline, size_t place);

/* "89.92%" into buffer, whatever the locale says about decimal points. Returns buffer. */
enum { XAI__OUTLINE_PERCENT = 48 };
char *xai__outline_percent(char *buffer, double probability);

/* Adds the row's path in words, as the command line prints it; nothing without a row. */
void xai__outline_sentence(xai__text *text, const xai__outline *outline);

/* The writers, one a format. Each sets the message when it fails; the caller looks at text->failed. */
xai_status xai__export_text(xai__text *text, const xai__outline *outline);
xai_status xai__export_dot(xai__text *text, const xai__outline *outline);
xai_status xai__export_svg(xai__text *text, const xai__outline *outline);
xai_status xai__export_html(xai__text *text, const xai__outline *outline);

#endif
