/* SPDX-License-Identifier: MIT
 * Decision trees: hierarchies of classes (NBDT), CART and Deep Neural Decision Trees, behind one handle. */
#ifndef XAI_TREE_H
#define XAI_TREE_H

#include <xai/context.h>
#include <xai/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A decision tree of any kind. Never changes, so any number of threads may use it. @since 0.1 */
typedef struct xai_tree xai_tree;

/** What kind of tree it is, and so what its rows are. @since 0.1 */
enum xai_tree_kind {
    XAI_TREE_HIERARCHY = 0, /**< Classes under inner nodes; a row is a network's logits, one a class. */
    XAI_TREE_CART = 1,      /**< Thresholds on features; a row is features, NaN where a value is missing. */
    XAI_TREE_DNDT = 2       /**< Soft bins of features; a row is features. */
};

/** How a hierarchy decides. @since 0.1 */
enum xai_tree_mode {
    XAI_TREE_HARD = 0, /**< From the root along the likelier child; the prediction is one-hot. */
    XAI_TREE_SOFT = 1  /**< Product of the probabilities along every path. */
};

/** Formats of xai_tree_export(). @since 0.1 */
enum xai_tree_format {
    XAI_TREE_TEXT = 0, /**< A node a line, UTF-8; a star marks those that the row passes. */
    XAI_TREE_JSON = 1, /**< What xai_tree_load() reads: the tree alone, whatever the options say. */
    XAI_TREE_DOT = 2,  /**< Graphviz. */
    XAI_TREE_SVG = 3   /**< A picture, from left to right, a leaf a row; up to 50,000 nodes on 1000 levels. */
};

/** Options of xai_tree_export(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_export_options {
    size_t struct_size;               /**< sizeof(xai_export_options). */
    const float *row;                 /**< A row whose path is highlighted, with probabilities; NULL: none. */
    size_t row_size;                  /**< Its length: xai_tree_n_inputs(). */
    const char *const *feature_names; /**< For CART and DNDT, xai_tree_n_inputs() of them; NULL, or NULL among them:
                                         x[0], x[1] ... */
    const char *const *class_names;   /**< Instead of the tree's own labels, xai_tree_n_classes() of them; NULL, or NULL
                                         among them: the tree's. */
    const char *title;                /**< NULL: none. */
    uint32_t mode;                    /**< One of enum xai_tree_mode: how the row is decided. */
    uint32_t reserved;                /**< 0. */
} xai_export_options;

/** One decision on the way from the root to a leaf. Filled by xai_tree_decisions(). @since 0.1 */
typedef struct xai_decision {
    const char *node;    /**< Id of the node that was reached (a wnid, or the node's number). Borrowed from the tree, as
                            name is. */
    const char *name;    /**< Its label; for CART and DNDT the condition that led there. */
    double probability;  /**< Of this node among its siblings; 1 for the root and for CART's nodes. */
    double entropy;      /**< Of the probabilities among its siblings, in nats; 0 for the root. */
    int64_t class_index; /**< Class of a leaf; -1 for an inner node. */
} xai_decision;

/**
 * Read a tree from a JSON file: nbdt's hierarchies ("links" or "edges").
 *
 * Class n of a hierarchy is its n-th leaf in the order of "nodes", unless each leaf says its own as "class".
 *
 * @param[out] out  The tree, one reference. NULL on failure.
 * @param context   Context; kept alive.
 * @param path      File to read.
 * @return 0; XAI_E_IO; XAI_E_FORMAT for damaged files and for cycles, orphans, nodes with two parents, classes without
 * a leaf or with two (the message names the node); XAI_E_LIMIT; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tree_load(xai_tree **out, xai_context *context, const char *path);

/**
 * Read a tree from memory.
 *
 * @param[out] out  The tree, one reference. NULL on failure.
 * @param context   Context; kept alive.
 * @param bytes     JSON; not kept.
 * @param size      Its length in bytes.
 * @return As xai_tree_load(), without XAI_E_IO.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tree_load_memory(xai_tree **out, xai_context *context, const void *bytes, size_t size);

/** Add a reference. @param tree  May be NULL. @return @p tree. Any thread. @since 0.1 */
XAI_API xai_tree *xai_tree_ref(xai_tree *tree);

/** Drop a reference; the last one frees it. @param tree  May be NULL. Any thread. @since 0.1 */
XAI_API void xai_tree_unref(xai_tree *tree);

/** Kind of tree. @param tree  The tree. @return One of enum xai_tree_kind. Any thread. @since 0.1 */
XAI_API uint32_t xai_tree_kind(const xai_tree *tree);

/** Count the outputs. @param tree  The tree. @return Classes; 1 for a regression. Any thread. @since 0.1 */
XAI_API size_t xai_tree_n_classes(const xai_tree *tree);

/** Count the inputs. @param tree  The tree. @return Length of a row. Any thread. @since 0.1 */
XAI_API size_t xai_tree_n_inputs(const xai_tree *tree);

/** Count the nodes. @param tree  The tree. @return Inner nodes and leaves. Any thread. @since 0.1 */
XAI_API size_t xai_tree_n_nodes(const xai_tree *tree);

/**
 * Predict rows.
 *
 * @param[out] out  N x classes: probabilities (one-hot for a hierarchy's hard mode; the mean for a regression). One
 * reference. NULL on failure.
 * @param tree      The tree.
 * @param rows      N x xai_tree_n_inputs(): logits for a hierarchy, features else.
 * @param mode      One of enum xai_tree_mode; hierarchies only.
 * @return 0; XAI_E_SHAPE; XAI_E_INVALID; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tree_predict(xai_tensor **out, const xai_tree *tree, const xai_tensor *rows, uint32_t mode);

/**
 * Follow one row from the root to its leaf.
 *
 * @param[out] n    Decisions on the way, the root included, however small @p capacity is.
 * @param tree      The tree.
 * @param row       xai_tree_n_inputs() numbers.
 * @param mode      One of enum xai_tree_mode; hierarchies only. Soft: the path to the most probable class.
 * @param steps     Receives the first @p capacity decisions, root first; may be NULL if @p capacity is 0.
 * @param capacity  Room in @p steps.
 * @return 0; XAI_E_INVALID; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tree_decisions(size_t *n, const xai_tree *tree, const float *row, uint32_t mode,
                                      xai_decision *steps, size_t capacity);

/**
 * Write a tree as text, for people or for other programs.
 *
 * Names are escaped in every format: whatever a file calls its nodes, it becomes neither markup nor a second line.
 * Control characters are shown as their pictures, and bytes that are not UTF-8 as U+FFFD, except in JSON.
 *
 * @param tree      The tree. Not modified.
 * @param format    One of enum xai_tree_format.
 * @param options   NULL for the defaults. Nothing of it is kept.
 * @param buffer    Where the text goes, with a NUL; may be NULL if @p capacity is 0. Too small a buffer gets the
 * beginning, after a failure the empty text.
 * @param capacity  Size of @p buffer in bytes.
 * @return Length of the whole text without its NUL, as snprintf does. 0 on failure, and xai_last_error() says why:
 * XAI_E_INVALID; XAI_E_SHAPE for a row that does not fit; XAI_E_LIMIT for a tree that nobody could look at in this
 * format; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API size_t xai_tree_export(const xai_tree *tree, uint32_t format, const xai_export_options *options, char *buffer,
                               size_t capacity);

/**
 * Write a tree to a file; the ending decides how.
 *
 * @param tree     The tree. Not modified.
 * @param path     File to write: .txt, .json, .dot or .svg, capital letters or not. It appears whole or not at
 * all.
 * @param options  NULL for the defaults. Nothing of it is kept.
 * @return 0; XAI_E_INVALID, also for another ending; XAI_E_IO; and whatever xai_tree_export() may fail with.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tree_save(const xai_tree *tree, const char *path, const xai_export_options *options);

#ifdef __cplusplus
}
#endif
#endif
