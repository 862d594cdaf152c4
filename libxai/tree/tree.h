/* SPDX-License-Identifier: MIT
 * Trees: one handle for every kind, and the table of what a kind can do. */
#ifndef XAI__TREE_TREE_H
#define XAI__TREE_TREE_H

#include <xai/tree.h>

#include "core/object.h"
#include "core/text.h"

struct xai__outline;

/* What a kind does. The functions are called through the wrappers below and nowhere else; arguments are checked by
 * then: rows are n_rows x n_inputs, mode is one of enum xai_tree_mode. Each sets the message when it fails. */
typedef struct xai__tree_kind {
    uint32_t kind; /* one of enum xai_tree_kind */

    /* Frees what the kind owns, not the struct itself; takes half-built trees. */
    void (*fini)(xai_tree *tree);

    /* Fills out, n_rows x n_classes. */
    xai_status (*predict)(float *out, const xai_tree *tree, const float *rows, size_t n_rows, uint32_t mode);

    /* As xai_tree_decisions(). */
    xai_status (*decisions)(size_t *n, const xai_tree *tree, const float *row, uint32_t mode, xai_decision *steps,
                            size_t capacity);

    /* Adds the tree as JSON that the kind's reader in read.c takes. The caller looks at text->failed. */
    xai_status (*write_json)(xai__text *text, const xai_tree *tree);

    /* Fills an outline that has one zeroed node a node of the tree: see outline.h. */
    xai_status (*outline)(struct xai__outline *outline, const xai_tree *tree);
} xai__tree_kind;

/* First member of every kind's own struct. */
struct xai_tree {
    xai__object object;
    const xai__tree_kind *kind;
    size_t n_classes, n_inputs, n_nodes;
    char **feature_names, **class_names; /* of a table (names.h); NULL: none */
};

/* Allocates a tree of size bytes, zeroed but for its head, with one reference. */
xai_status xai__tree_create(xai_tree **out, xai_context *context, const xai__tree_kind *kind, size_t size);

/* XAI_E_SHAPE unless rows are N x n_inputs. */
xai_status xai__tree_check_rows(const xai_tree *tree, const xai_tensor *rows);

xai_status xai__tree_write_json(xai__text *text, const xai_tree *tree);
xai_status xai__tree_outline(struct xai__outline *outline, const xai_tree *tree);

#endif
