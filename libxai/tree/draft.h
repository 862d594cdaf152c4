/* SPDX-License-Identifier: MIT
 * A hierarchy in the making: nodes in any order, linked one by one, names borrowed. */
#ifndef XAI__TREE_DRAFT_H
#define XAI__TREE_DRAFT_H

#include "tree/hierarchy.h"

#define XAI__DRAFT_NONE UINT32_MAX

typedef struct xai__draft_node {
    const char *id, *label;                   /* label NULL: none */
    uint32_t parent, first_child, last_child; /* XAI__DRAFT_NONE: none */
    uint32_t next_sibling;
    uint32_t first_contraction, n_contractions;
    int32_t class_index; /* -1: an inner node */
} xai__draft_node;

/* Zero it and set the context. */
typedef struct xai__draft {
    xai_context *context;
    xai__draft_node *nodes;
    xai__contraction *contractions;
    uint32_t n_nodes, n_contractions;
} xai__draft;

void xai__draft_fini(xai__draft *draft);

/* Adds a node without links; NULL with the message set if memory ran out or there are too many. */
xai__draft_node *xai__draft_add(xai__draft *draft, const char *id, const char *label);

/* Adds a contraction to the node that was added last. */
xai_status xai__draft_contract(xai__draft *draft, const char *id, const char *label, uint32_t depth);

/* Makes child the last child of parent; it must have no parent yet. */
void xai__draft_link(xai__draft *draft, uint32_t parent, uint32_t child);

/* Sorts the nodes by their ids into by_id. Returns a place in it whose node has the same id as the one before, or 0. */
uint32_t xai__draft_sort(const xai__draft *draft, uint32_t *by_id);

/* Lists what can be reached from root, breadth first, and returns how many that are. */
uint32_t xai__draft_walk(const xai__draft *draft, uint32_t root, uint32_t *queue);

/* Makes the hierarchy. The draft is one tree below root, and its leaves have the classes from 0 on. */
xai_status xai__draft_finish(xai_tree **out, const xai__draft *draft, uint32_t root);

#endif
