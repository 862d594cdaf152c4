/* SPDX-License-Identifier: MIT
 * What a table's columns and classes are called: kept by trees that were fitted to one. */
#ifndef XAI__TREE_NAMES_H
#define XAI__TREE_NAMES_H

#include "io/json.h"
#include "tree/tree.h"

/* A condition repeats a feature's name at every node, so names are short. */
enum { XAI__NAME_MAX = 255 };

/* Copies n_inputs and n_classes names; either list may be NULL. On failure the tree holds what was copied so far. */
xai_status xai__names_copy(xai_tree *tree, const char *const *features, const char *const *classes);

/* "feature_names" and "class_names", both optional. */
xai_status xai__names_read(xai_tree *tree, xai__json_value object);

/* Adds ',"feature_names":[...]' and the classes, where there are any. */
xai_status xai__names_write(xai__text *text, const xai_tree *tree);

void xai__names_fini(xai_tree *tree);

/* Adds a feature's name: its own, or x[2]. */
void xai__names_add_feature(xai__text *text, const xai_tree *tree, size_t index);

/* Adds a number for readers, with seven digits, about what tells float32 numbers apart: 4.85 and not
 * 4.850000381469727. */
void xai__names_add_number(xai__text *text, double number);

#endif
