/* SPDX-License-Identifier: MIT
 * Hierarchies that are built, not read: what the methods share. */
#ifndef XAI__TREE_INDUCE_H
#define XAI__TREE_INDUCE_H

#include "tree/draft.h"
#include "tree/hypernyms.h"

/* A node of the draft on its way: class n is node n. */
typedef struct xai__induction {
    xai_context *context;
    const xai_induce_options *options;
    const char *method;
    const xai_tensor *weights; /* n_classes x anything, finite; NULL: not given */
    uint32_t n_classes;
    uint32_t branching;
    bool has_wordnet;
    xai__wordnet wordnet;
    xai__hypernyms hypernyms;
    uint32_t *synsets; /* of each node, in hypernyms; XAI__HYPERNYMS_NONE: none */
    uint32_t *shared;  /* the deepest that the classes below each node share, whether it names another node or not */
    char **texts;      /* names that are nobody else's */
    size_t n_texts;
    xai__draft draft;
} xai__induction;

/* Adds the leaf of a class. */
xai_status xai__induction_add_leaf(xai__induction *in, uint32_t class_index);

/* Adds an inner node: a synset's, or with XAI__HYPERNYMS_NONE one with a generated id, called as shared is, or nothing.
 */
xai_status xai__induction_add_inner(uint32_t *out, xai__induction *in, uint32_t synset, uint32_t shared);

/* The id and the label of a synset, kept as long as the induction. */
xai_status xai__induction_name(const char **id, const char **label, xai__induction *in, uint32_t synset);

/* The methods: each adds all nodes and links, and says which node is the root. */
xai_status xai__induce_ward(uint32_t *root, xai__induction *in);
xai_status xai__induce_wordnet(uint32_t *root, xai__induction *in);
xai_status xai__induce_random(uint32_t *root, xai__induction *in);

#endif
