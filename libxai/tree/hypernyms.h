/* SPDX-License-Identifier: MIT
 * Some synsets and all that they are kinds of: how deep each lies, which way up is the first, what several share. */
#ifndef XAI__TREE_HYPERNYMS_H
#define XAI__TREE_HYPERNYMS_H

#include "tree/wordnet.h"

#define XAI__HYPERNYMS_NONE UINT32_MAX

/* WordNet 3.0 has 82,115 nouns. */
enum { XAI__HYPERNYMS_MAX = 1 << 18 };

typedef struct xai__hypernym {
    uint32_t offset;
    const char *lemma; /* in the file, not terminated */
    size_t lemma_length;
    uint32_t first_up, n_up; /* in xai__hypernyms.up */
    uint32_t n_plain;        /* how many of those, the first, are hypernyms and no instance's */
    uint32_t depth;          /* of the longest way up */
    bool used;               /* the caller's */
} xai__hypernym;

/* Zero it and set context and wordnet. */
typedef struct xai__hypernyms {
    xai_context *context;
    const xai__wordnet *wordnet;
    xai__hypernym *nodes;
    uint32_t *up;    /* indices of nodes */
    uint32_t *table; /* indices of nodes by offset, hashed; twice as large as need be */
    uint32_t n_nodes, n_up, table_size;
    uint32_t n_done;   /* nodes whose ways up are known */
    uint32_t *scratch; /* three numbers a node, once measured: a queue, and marks */
    uint32_t mark;     /* the last that was given */
} xai__hypernyms;

void xai__hypernyms_fini(xai__hypernyms *h);

/* Adds a synset and everything above it, unless it is there already. */
xai_status xai__hypernyms_add(uint32_t *out, xai__hypernyms *h, uint32_t offset);

/* After the last synset was added: computes the depths. XAI_E_FORMAT if one is above itself. */
xai_status xai__hypernyms_measure(xai__hypernyms *h);

/* The hypernym whose name comes first in the alphabet; NONE at the top and for instances. */
uint32_t xai__hypernyms_first(const xai__hypernyms *h, uint32_t index);

/* The deepest synset that each of these is, or is a kind of; unused: that is not in use, too. NONE if there is none. */
uint32_t xai__hypernyms_common(xai__hypernyms *h, const uint32_t *synsets, size_t n, bool unused);

#endif
