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
    XAI_TREE_SVG = 3,  /**< A picture, from left to right, a leaf a row; up to 50,000 nodes on 1000 levels. */
    XAI_TREE_HTML = 4  /**< One page that needs no other file and no network: zoom, folding, search, keys; up to 200,000
                          nodes. */
};

/** Flags of xai_tree_export(). @since 0.1 */
enum xai_export_flag {
    XAI_EXPORT_EDGES = 1 /**< JSON of a hierarchy: call the list of links "edges", as networkx does from 3.4 on. */
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
    uint32_t flags;                   /**< From enum xai_export_flag. */
} xai_export_options;

/** Options of xai_tree_fit(). Zero it, set struct_size, set what you need; zero means scikit-learn's default. An option
 * of another method is refused, not ignored. @since 0.1 */
typedef struct xai_fit_options {
    size_t struct_size;               /**< sizeof(xai_fit_options). */
    const char *method;               /**< "cart" or "dndt". NULL: "cart". */
    const char *criterion;            /**< CART: "gini", "entropy" (information gain), "log_loss" (the same) or
                                         "squared_error" (regression). NULL: "gini". */
    const float *sample_weights;      /**< One a row, finite, >= 0, not all 0; NULL: all 1. */
    const char *const *feature_names; /**< One a column, at most 255 bytes each; copied. NULL: none. */
    const char *const *class_names;   /**< One a class, likewise; needs @p n_classes. NULL: none. */
    size_t n_classes;                 /**< 0: one more than the largest target. */
    double min_impurity_decrease;     /**< CART: splits that gain less are not made. */
    double min_weight_fraction_leaf;  /**< CART: least share of the weight in a leaf, 0 to 0.5. */
    double ccp_alpha;                 /**< CART: cost-complexity pruning after the fit; 0: none. */
    uint32_t max_depth;               /**< CART: 0: no limit. */
    uint32_t max_leaf_nodes;          /**< CART: grow best first up to so many leaves; 0: depth first, no limit. */
    uint32_t min_samples_split;       /**< CART: rows that a node needs to be split; 0: 2. */
    uint32_t min_samples_leaf;        /**< CART: rows that a leaf needs; 0: 1. */
    uint32_t max_features;            /**< CART: features tried a split, drawn anew for each; 0: all. */
    uint32_t n_cuts;                  /**< DNDT: cuts a feature; 0: 1. */
    uint32_t n_steps;                 /**< DNDT: steps of Adam; 0: 1000. */
    float temperature;                /**< DNDT: of the soft bins, as a share of a feature's range; 0: 0.1. */
    float learning_rate;              /**< DNDT: of Adam; 0: 0.1. */
    uint32_t reserved;                /**< 0. */
    uint64_t seed;                    /**< CART: scikit-learn's random_state, below 2^32. DNDT: of the first values. */
} xai_fit_options;

/** Options of xai_tree_induce(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_induce_options {
    size_t struct_size;        /**< sizeof(xai_induce_options). */
    const char *method;        /**< "induced" (Ward clustering of the weights), "wordnet" (hypernyms) or "random". NULL:
                                  "induced". */
    const char *const *wnids;  /**< WordNet id of each class, such as "n02121620", or an id of your own where there is
                                  none. NULL: WordNet's first sense of each label, else generated ids. */
    const char *const *labels; /**< Label of each class; NULL, or NULL among them: WordNet's first word, else none. */
    const char *wordnet;       /**< Folder with WordNet's data.noun and index.noun. NULL: /usr/share/wordnet where there
                                  is one; "": none, all names are generated. */
    uint32_t branching;        /**< Most children of a node, 2 or more, by "induced" and "random". 0: 2. */
    uint32_t reserved;         /**< 0. */
    uint64_t seed;             /**< For "random". */
} xai_induce_options;

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
 * Read a tree from a JSON file: nbdt's hierarchies ("links" or "edges"), a CART or a DNDT.
 *
 * Class n of a hierarchy is its n-th leaf in the order of "nodes", unless each leaf says its own as "class".
 *
 * A CART is scikit-learn's arrays under their names, an element a node: "children_left", "children_right", "feature",
 * "threshold", "impurity", "n_node_samples", "weighted_n_node_samples", "value", perhaps "missing_go_to_left"; and
 * "n_features". What is not finite is a text: "inf", "-inf", "nan". "regression" is true or false (default: true where
 * a node has one value). "feature_names" and "class_names" may be there.
 *
 * A DNDT is "cuts" (ascending, as many for each feature), "temperatures" (one a feature) and "leaf_scores" (logits of
 * the classes, a leaf each, the first feature's bin changing slowest), and perhaps names.
 *
 * @param[out] out  The tree, one reference. NULL on failure.
 * @param context   Context; kept alive.
 * @param path      File to read.
 * @return 0; XAI_E_IO; XAI_E_FORMAT for damaged files and for cycles, orphans, nodes with two parents, classes without
 * a leaf or with two (the message names the node); XAI_E_UNSUPPORTED for a CART with several outputs; XAI_E_LIMIT;
 * XAI_E_NO_MEMORY.
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

/**
 * Fit a tree to a table.
 *
 * Breiman, Friedman, Olshen, Stone: Classification and Regression Trees, 1984; node for node the tree that scikit-learn
 * 1.9 grows, whose features are float32 and whose sums are double, too. Yang, Morillo, Hospedales: Deep Neural Decision
 * Trees, 2018, trained by Adam on all rows at once with temperature 0.1; here features are scaled to 0..1 meanwhile.
 *
 * @param[out] out  The tree, one reference. NULL on failure.
 * @param rows      N x F features, finite, or NaN where a value is missing (CART).
 * @param targets   N: class indices, or finite numbers for "squared_error".
 * @param options   NULL for the defaults.
 * @return 0; XAI_E_INVALID, also for an option that the method has not; XAI_E_SHAPE; XAI_E_NOT_FOUND for an unknown
 * method or criterion; XAI_E_LIMIT, also where a DNDT would have more than a million leaves; XAI_E_NO_MEMORY.
 *
 * The same seed gives the same tree. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tree_fit(xai_tree **out, const xai_tensor *rows, const xai_tensor *targets,
                                const xai_fit_options *options);

/**
 * Prune a CART by minimal cost-complexity: while the weakest link costs at most @p alpha a leaf, cut it.
 *
 * Breiman et al. 1984, chapter 3; as scikit-learn's ccp_alpha.
 *
 * @param[out] out  The smaller tree, one reference. NULL on failure.
 * @param tree      A CART; not modified.
 * @param alpha     Complexity parameter, finite, >= 0; 0 cuts what costs nothing.
 * @return 0; XAI_E_INVALID, also for another kind of tree; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tree_prune(xai_tree **out, const xai_tree *tree, double alpha);

/**
 * List the alphas at which pruning makes its next cut, and the impurity of the leaves that are left then.
 *
 * @param[out] n      Steps from the whole tree (alpha 0) to its root, however small @p capacity is.
 * @param tree        A CART.
 * @param alphas      Receives the first @p capacity alphas; may be NULL.
 * @param impurities  Receives the first @p capacity sums of the leaves' impurities, each times its share of the weight;
 * may be NULL.
 * @param capacity    Room in each.
 * @return 0; XAI_E_INVALID, also for another kind of tree; XAI_E_NO_MEMORY.
 *
 * Equal to scikit-learn's cost_complexity_pruning_path(), but for the last digits where the depths of all leaves add up
 * to more than 2^25. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tree_pruning_path(size_t *n, const xai_tree *tree, double *alphas, double *impurities,
                                         size_t capacity);

/**
 * Say how much each feature reduced the impurity when a CART was fitted.
 *
 * @param[out] out  F shares that sum to 1, all 0 for a tree that is one leaf. One reference. NULL on failure.
 * @param tree      A CART.
 * @return 0; XAI_E_INVALID, also for another kind of tree; XAI_E_NO_MEMORY.
 *
 * Equal to scikit-learn's feature_importances_, in float32. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tree_importances(xai_tensor **out, const xai_tree *tree);

/**
 * Build a hierarchy of classes.
 *
 * Wan et al.: NBDT: Neural-Backed Decision Trees, ICLR 2021, and the names that nbdt gives: an inner node is named by
 * the deepest hypernym that its children share and that is not in the tree yet; where there is none, its id is "f" and
 * the number of nodes before it, and its label the deepest hypernym that the classes below it share, if there is one.
 *
 * "induced" merges the two nearest clusters of rows again and again, as scipy's ward linkage does; with more branches
 * than 2, a node's children are the clusters that Ward's method leaves of it at that number. "wordnet" takes each
 * class's first hypernym, in alphabetical order, up to the top, and merges nodes with one child into it; where a class
 * is a kind of another, it hangs beside it. "random" shuffles the classes and groups neighbours.
 *
 * @param[out] out       The tree, one reference. NULL on failure. Class n is row n.
 * @param context        Context; kept alive.
 * @param class_weights  C x K, a row a class: the weights of a network's last linear layer (C x K x 1 x 1 of a 1x1
 *                       convolution), finite. Only "induced" needs them; NULL otherwise. Not modified, not kept.
 * @param n_classes      C, 1 or more; at most 16384 for "induced".
 * @param options        NULL for the defaults. Nothing of it is kept.
 * @return 0; XAI_E_INVALID, also for two nodes with one id; XAI_E_SHAPE; XAI_E_NOT_FOUND for an unknown method, for
 * "wordnet" without its database, and for an id or, by "wordnet", a label that it lacks; XAI_E_IO for a folder that you
 * name and that has no database; XAI_E_FORMAT for a damaged one; XAI_E_LIMIT; XAI_E_NO_MEMORY.
 *
 * The same input gives the same tree. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tree_induce(xai_tree **out, xai_context *context, const xai_tensor *class_weights,
                                   size_t n_classes, const xai_induce_options *options);

/**
 * Say how much each feature contributed to each prediction of a CART: TreeSHAP, path-dependent.
 *
 * Lundberg et al.: From local explanations to global understanding with explainable AI for trees, 2020; the values of
 * shap's TreeExplainer without background data.
 *
 * @param[out] out  N x F x classes; over the features they sum to the prediction less @p expected. One reference. NULL
 * on failure.
 * @param expected  Receives xai_tree_n_classes() numbers: the mean prediction over the rows of the fit; may be NULL.
 * @param tree      A CART.
 * @param rows      N x F, NaN where a value is missing.
 * @return 0; XAI_E_INVALID, also for another kind of tree; XAI_E_SHAPE; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tree_shap(xai_tensor **out, double *expected, const xai_tree *tree, const xai_tensor *rows);

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
 * Name a column of the table that a tree was fitted to.
 *
 * @param tree   The tree.
 * @param index  Column, from 0.
 * @return Its name, borrowed from the tree; NULL where it has none.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API const char *xai_tree_feature_name(const xai_tree *tree, size_t index);

/**
 * Name a class of the table that a tree was fitted to. Hierarchies name their nodes instead: xai_tree_decisions().
 *
 * @param tree   The tree.
 * @param index  Class, from 0.
 * @return Its name, borrowed from the tree; NULL where it has none.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API const char *xai_tree_class_name(const xai_tree *tree, size_t index);

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
 * @param path     File to write: .txt, .json, .dot, .svg or .html, capital letters or not. It appears whole or not at
 * all.
 * @param options  NULL for the defaults. Nothing of it is kept.
 * @return 0; XAI_E_INVALID, also for another ending; XAI_E_IO; and whatever xai_tree_export() may fail with.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tree_save(const xai_tree *tree, const char *path, const xai_export_options *options);

/**
 * Value and gradient of the losses that teach a network to decide along a hierarchy, for trainers in any language.
 *
 * Wan et al.: NBDT, ICLR 2021. For each row: @p plain_weight times the cross-entropy of the logits, plus @p tree_weight
 * times the tree's. Soft (nbdt's SoftTreeSupLoss): the cross-entropy of the soft probabilities, taken as logits. Hard
 * (HardTreeSupLoss): the sum of the cross-entropies among the children of each inner node on the way to the class,
 * divided by half the number of inner nodes. The loss is the mean over the rows.
 *
 * @param[out] out      N x C: gradient of the mean loss with respect to the logits, one reference. NULL on failure. May
 *                      be NULL.
 * @param[out] loss     The mean loss, in nats; 0 on failure. May be NULL.
 * @param tree          A hierarchy.
 * @param logits        N x C, finite, N from 1 on.
 * @param classes       N class indices, 0 to C - 1.
 * @param mode          One of enum xai_tree_mode.
 * @param plain_weight  0 or more; nbdt's is 1.
 * @param tree_weight   0 or more; nbdt's default is 1.
 * @return 0; XAI_E_INVALID; XAI_E_SHAPE; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tree_loss(xai_tensor **out, double *loss, const xai_tree *tree, const xai_tensor *logits,
                                 const int32_t *classes, uint32_t mode, double plain_weight, double tree_weight);

#ifdef __cplusplus
}
#endif
#endif
