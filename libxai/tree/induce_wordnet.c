/* SPDX-License-Identifier: MIT
 * The WordNet hierarchy: each class's hypernyms up to the top, with nodes that have one child merged into it. */
#include <string.h>

#include "core/memory.h"
#include "tree/induce.h"

#define NONE XAI__HYPERNYMS_NONE

/* Arrays run over the synsets. */
typedef struct closure {
    uint32_t *up;      /* the one way up that is taken; NONE: a top */
    uint32_t *n_below; /* how many come this way */
    uint32_t *nodes;   /* in the draft; NONE: none */
    uint32_t *order;   /* inner synsets as they are met */
    uint32_t n_order;
} closure;

static void fini(xai_context *context, closure *c)
{
    xai__free(context, c->up);
    xai__free(context, c->n_below);
    xai__free(context, c->nodes);
    xai__free(context, c->order);
}

static xai_status init(xai__induction *in, closure *c)
{
    size_t n = in->hypernyms.n_nodes;

    c->up = xai__alloc_array(in->context, n, sizeof *c->up);
    c->n_below = xai__zalloc_array(in->context, n, sizeof *c->n_below);
    c->nodes = xai__alloc_array(in->context, n, sizeof *c->nodes);
    c->order = xai__alloc_array(in->context, n, sizeof *c->order);
    if (c->up == NULL || c->n_below == NULL || c->nodes == NULL || c->order == NULL)
        return XAI_E_NO_MEMORY;
    memset(c->nodes, 0xff, n * sizeof *c->nodes);
    return XAI_OK;
}

/* The next synset up that is no class: a class is a leaf, and what WordNet calls its kinds become its siblings. */
static uint32_t step_up(const xai__induction *in, uint32_t synset)
{
    do
        synset = xai__hypernyms_first(&in->hypernyms, synset);
    while (synset != NONE && in->hypernyms.nodes[synset].used);
    return synset;
}

/* Goes up from a class to where another has gone before. */
static void climb(const xai__induction *in, closure *c, uint32_t synset)
{
    for (;;) {
        uint32_t up = step_up(in, synset);

        c->up[synset] = up;
        if (up == NONE || c->n_below[up]++ > 0)
            return;
        c->order[c->n_order++] = up;
        synset = up;
    }
}

/* Records what is merged into the node that was added last, nearest first. */
static xai_status contract(xai__induction *in, const closure *c, uint32_t synset)
{
    xai_status status = XAI_OK;

    for (uint32_t up = c->up[synset]; up != NONE && c->n_below[up] == 1 && status == XAI_OK; up = c->up[up]) {
        const char *id, *label;

        status = xai__induction_name(&id, &label, in, up);
        if (status == XAI_OK)
            status = xai__draft_contract(&in->draft, id, label, 0);
    }
    return status;
}

static xai_status add_nodes(xai__induction *in, closure *c)
{
    xai_status status = XAI_OK;

    for (uint32_t i = 0; i < in->n_classes && status == XAI_OK; i++) {
        c->nodes[in->synsets[i]] = i;
        status = xai__induction_add_leaf(in, i);
        if (status == XAI_OK)
            status = contract(in, c, in->synsets[i]);
    }
    for (uint32_t i = 0; i < c->n_order && status == XAI_OK; i++) {
        if (c->n_below[c->order[i]] < 2)
            continue;
        status = xai__induction_add_inner(&c->nodes[c->order[i]], in, c->order[i], NONE);
        if (status == XAI_OK)
            status = contract(in, c, c->order[i]);
    }
    return status;
}

/* The node above one, past all that was merged; NONE at the top. */
static uint32_t find_parent(const closure *c, uint32_t synset)
{
    do
        synset = c->up[synset];
    while (synset != NONE && c->nodes[synset] == NONE);
    return synset != NONE ? c->nodes[synset] : NONE;
}

/* Several tops, which WordNet's nouns do not have, hang under a root of their own. */
static xai_status link_nodes(uint32_t *root, xai__induction *in, const closure *c)
{
    uint32_t n_nodes = in->draft.n_nodes, n_tops = 0;
    xai_status status = XAI_OK;

    for (uint32_t i = 0; i < n_nodes; i++) {
        uint32_t parent = find_parent(c, in->synsets[i]);

        if (parent != NONE)
            xai__draft_link(&in->draft, parent, i);
        else
            *root = i;
        n_tops += parent == NONE;
    }
    if (n_tops > 1)
        status = xai__induction_add_inner(root, in, NONE, NONE);
    for (uint32_t i = 0; n_tops > 1 && status == XAI_OK && i < n_nodes; i++)
        if (in->draft.nodes[i].parent == XAI__DRAFT_NONE)
            xai__draft_link(&in->draft, *root, i);
    return status;
}

xai_status xai__induce_wordnet(uint32_t *root, xai__induction *in)
{
    closure c = { 0 };
    xai_status status = init(in, &c);

    *root = 0;
    for (uint32_t i = 0; status == XAI_OK && i < in->n_classes; i++)
        climb(in, &c, in->synsets[i]);
    if (status == XAI_OK)
        status = add_nodes(in, &c);
    if (status == XAI_OK)
        status = link_nodes(root, in, &c);
    fini(in->context, &c);
    return status;
}
