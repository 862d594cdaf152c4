/* SPDX-License-Identifier: MIT
 * The induced hierarchy: Ward clustering of the classes' weights, nodes named by what their children share. */
#include <string.h>

#include "core/memory.h"
#include "core/tensor.h"
#include "tree/induce.h"
#include "tree/ward.h"

#define NONE XAI__HYPERNYMS_NONE

/* Merges are pairs; with more branches a node takes over the children of children that were merged last. */
typedef struct dendrogram {
    const xai__ward_merge *merges;
    uint32_t n_classes, branching;
    uint32_t *children; /* clusters below each merge that is kept, one list after the other */
    uint32_t *first;    /* of each merge in children */
    uint32_t *count;    /* 0: the merge is not kept */
    uint32_t *nodes;    /* of each cluster, in the draft */
    uint32_t *synsets;  /* of the children of one */
    uint32_t n_children;
} dendrogram;

static void fini(xai_context *context, dendrogram *d)
{
    xai__free(context, d->children);
    xai__free(context, d->first);
    xai__free(context, d->count);
    xai__free(context, d->nodes);
    xai__free(context, d->synsets);
}

static xai_status init(xai_context *context, dendrogram *d)
{
    size_t n = d->n_classes;

    d->children = xai__alloc_array(context, 2 * n, sizeof *d->children);
    d->first = xai__zalloc_array(context, n, sizeof *d->first);
    d->count = xai__zalloc_array(context, n, sizeof *d->count);
    d->nodes = xai__alloc_array(context, 2 * n, sizeof *d->nodes);
    d->synsets = xai__alloc_array(context, n, sizeof *d->synsets);
    if (d->children == NULL || d->first == NULL || d->count == NULL || d->nodes == NULL || d->synsets == NULL)
        return XAI_E_NO_MEMORY;
    return XAI_OK;
}

/* The last merge in a list; its place, or n if all are classes. */
static uint32_t find_last(const dendrogram *d, const uint32_t *list, uint32_t n)
{
    uint32_t last = n;

    for (uint32_t i = 0; i < n; i++)
        if (list[i] >= d->n_classes && (last == n || list[i] > list[last]))
            last = i;
    return last;
}

/* Lists the children of a merge. Merges come later the further apart their parts are, so the last one among the
 * children is the one whose place is best taken by its own two, in the same place of the list. */
static void open_merge(dendrogram *d, uint32_t merge)
{
    uint32_t *list = d->children + d->n_children, n = 2, at;

    list[0] = d->merges[merge].a;
    list[1] = d->merges[merge].b;
    while (n < d->branching && (at = find_last(d, list, n)) < n) {
        const xai__ward_merge *opened = &d->merges[list[at] - d->n_classes];

        memmove(list + at + 2, list + at + 1, (n - at - 1) * sizeof *list);
        list[at] = opened->a;
        list[at + 1] = opened->b;
        n++;
    }
    for (uint32_t i = 0; i < n; i++)
        if (list[i] >= d->n_classes)
            d->count[list[i] - d->n_classes] = 1; /* kept; opened when its turn comes */
    d->first[merge] = d->n_children;
    d->count[merge] = n;
    d->n_children += n;
}

/* The deepest synset that all in a list share; NONE if one of them has none. */
static uint32_t find_common(xai__induction *in, const dendrogram *d, uint32_t merge, const uint32_t *of, bool unused)
{
    const uint32_t *list = d->children + d->first[merge];

    for (uint32_t i = 0; i < d->count[merge]; i++) {
        d->synsets[i] = of[d->nodes[list[i]]];
        if (d->synsets[i] == NONE)
            return NONE;
    }
    return xai__hypernyms_common(&in->hypernyms, d->synsets, d->count[merge], unused);
}

static xai_status add_merge(xai__induction *in, dendrogram *d, uint32_t merge)
{
    const uint32_t *list = d->children + d->first[merge];
    uint32_t synset = find_common(in, d, merge, in->synsets, true), node;
    uint32_t shared = find_common(in, d, merge, in->shared, false);
    xai_status status = xai__induction_add_inner(&node, in, synset, shared);

    if (status < 0)
        return status;
    d->nodes[d->n_classes + merge] = node;
    for (uint32_t i = 0; i < d->count[merge]; i++)
        xai__draft_link(&in->draft, node, d->nodes[list[i]]);
    return XAI_OK;
}

static xai_status add_nodes(xai__induction *in, dendrogram *d)
{
    xai_status status = XAI_OK;

    for (uint32_t i = 0; i < d->n_classes && status == XAI_OK; i++) {
        d->nodes[i] = i;
        status = xai__induction_add_leaf(in, i);
    }
    for (uint32_t i = 0; i + 1 < d->n_classes && status == XAI_OK; i++)
        if (d->count[i] > 0)
            status = add_merge(in, d, i);
    return status;
}

/* From the last merge down, which says which others are kept; then nodes from the first up, children before parents. */
static xai_status build(xai__induction *in, const xai__ward_merge *merges)
{
    dendrogram d = { .merges = merges, .n_classes = in->n_classes, .branching = in->branching };
    xai_status status = init(in->context, &d);

    if (status == XAI_OK && d.n_classes > 1)
        d.count[d.n_classes - 2] = 1;
    for (uint32_t i = d.n_classes - 1; status == XAI_OK && i-- > 0;)
        if (d.count[i] > 0)
            open_merge(&d, i);
    if (status == XAI_OK)
        status = add_nodes(in, &d);
    fini(in->context, &d);
    return status;
}

xai_status xai__induce_ward(uint32_t *root, xai__induction *in)
{
    size_t n = in->n_classes, n_inputs = xai_tensor_size(in->weights) / n;
    xai__ward_merge *merges = xai__alloc_array(in->context, n, sizeof *merges);
    xai_status status = XAI_E_NO_MEMORY;

    if (merges != NULL)
        status = xai__ward(merges, in->context, in->weights->data, n, n_inputs);
    if (status == XAI_OK)
        status = build(in, merges);
    *root = in->draft.n_nodes - 1;
    xai__free(in->context, merges);
    return status;
}
