/* SPDX-License-Identifier: MIT
 * The nouns of WordNet's database: data.noun, where a synset's id is the place of its line, and index.noun. */
#ifndef XAI__TREE_WORDNET_H
#define XAI__TREE_WORDNET_H

#include "io/file.h"

/* Zero it before opening. */
typedef struct xai__wordnet {
    xai__file data, index;
} xai__wordnet;

/* A line of data.noun; its texts lie in the file. */
typedef struct xai__synset {
    uint32_t offset;
    const char *lemma; /* its first word */
    size_t lemma_length;
    const char *pointers, *end; /* what is left to be read by xai__synset_next() */
    uint32_t n_pointers;
} xai__synset;

/* Opens both files of a folder. */
xai_status xai__wordnet_open(xai__wordnet *wordnet, xai_context *context, const char *folder);

/* Takes a zeroed or half-opened struct too, and zeroes it. */
void xai__wordnet_close(xai__wordnet *wordnet);

/* "n" and the eight digits of an offset; false for any other text. */
bool xai__wordnet_parse_id(uint32_t *offset, const char *wnid);

/* The synset whose line starts at offset. XAI_E_NOT_FOUND if none does, XAI_E_FORMAT if the line is damaged. */
xai_status xai__wordnet_read(xai__synset *out, const xai__wordnet *wordnet, uint32_t offset);

/* The next synset of which this one is a kind, or an instance; false at the end. */
bool xai__synset_next(uint32_t *offset, bool *instance, xai__synset *synset);

/* The first sense of a word as a label has it: up to a comma, spaces for underscores, letters of any case.
 * XAI_E_NOT_FOUND if there is none. */
xai_status xai__wordnet_find(uint32_t *offset, const xai__wordnet *wordnet, const char *label);

/* Which sense of its first word a synset is, from 1 on; 0 if the index lacks it. */
uint32_t xai__wordnet_sense(const xai__wordnet *wordnet, const xai__synset *synset);

#endif
