/* SPDX-License-Identifier: MIT
 * Neural-backed decision trees: a network whose classes are decided along a hierarchy, as a model of its own. */
#ifndef XAI_NBDT_H
#define XAI_NBDT_H

#include <xai/model.h>
#include <xai/tree.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Options of xai_model_with_tree(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_nbdt_options {
    size_t struct_size; /**< sizeof(xai_nbdt_options). */
    const char *mode;   /**< "soft": products of the probabilities along every path. NULL: "soft". "hard" is refused: a
                           one-hot output has no slope to explain; xai_tree_predict() gives it. */
} xai_nbdt_options;

/**
 * Make a model that decides along a hierarchy: a neural-backed decision tree.
 *
 * Its output is N x C, the probability of each class by the hierarchy's soft rule: within rounding what
 * xai_tree_predict() makes of @p model's logits. It is part of the network, so hooks, explanations and gradients go
 * through the decisions. Wan et al.: NBDT: Neural-Backed Decision Trees, ICLR 2021.
 *
 * Two values come with it beside the output, "tree": "tree.logits" and "tree.decisions", 1 x xai_tree_n_nodes() each,
 * nodes in the order of the hierarchy's file. "tree.decisions" holds each node's probability among its siblings (1 for
 * the root), so that a single decision can be explained: XAI_SCORE_VALUE.
 *
 * @param[out] out  The new model, one reference. NULL on failure.
 * @param model     A model whose output are logits; kept alive. Weights, graph and names are shared with it, not
 * copied; what the runtime packs for its kernels belongs to each model alone.
 * @param tree      A hierarchy with as many classes as the model; not kept.
 * @param options   NULL for the defaults.
 * @return 0; XAI_E_INVALID for another kind of tree or a NULL; XAI_E_SHAPE if the numbers of classes differ (the
 * message says both); XAI_E_UNSUPPORTED for mode "hard", or if the model gives probabilities or has a tree already;
 * XAI_E_NOT_FOUND for an unknown mode; XAI_E_LIMIT if all paths together have more than 4194304 nodes; XAI_E_ABI;
 * XAI_E_NO_MEMORY.
 *
 * Preparation, labels and cam_layer are those of @p model; its classifier is not the end any more, so the plain class
 * activation map, which needs one there, does not apply. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_model_with_tree(xai_model **out, xai_model *model, const xai_tree *tree,
                                       const xai_nbdt_options *options);

#ifdef __cplusplus
}
#endif
#endif
