/* SPDX-License-Identifier: MIT
 * What a drawing shows of a hierarchy: labels, and how a row's logits share out the probability at each node. */
#include "core/memory.h"
#include "tree/hierarchy.h"
#include "tree/outline.h"

/* A leaf is called what the caller calls its class, if that is anything; else by its label, else by its id. Where name
 * and id are one text they are one place, by which a drawing sees that there is nothing more to say. */
static void fill_texts(xai__outline *outline, const xai__hierarchy_node *node, xai__outline_node *to)
{
    const char *const *names = outline->options->class_names;
    const char *name = node->class_index >= 0 && names != NULL ? names[node->class_index] : NULL;

    to->id = xai__outline_add(outline, node->id);
    if (name == NULL || *name == '\0')
        name = node->label;
    to->name = name == node->id || *name == '\0' ? to->id : xai__outline_add(outline, name);
}

/* The rules fill an array; an outline has its numbers in its nodes. */
static xai_status weigh(xai__outline *outline, const xai_tree *tree)
{
    double *probabilities = xai__alloc_array(outline->context, tree->n_nodes, sizeof *probabilities);
    xai_status status = XAI_E_NO_MEMORY;

    if (probabilities != NULL)
        status = xai__rules_weigh(probabilities, &outline->leaf, tree, outline->options->row, outline->options->mode);
    for (size_t i = 0; status == XAI_OK && i < tree->n_nodes; i++)
        outline->nodes[i].probability = probabilities[i];
    xai__free(outline->context, probabilities);
    return status;
}

xai_status xai__hierarchy_outline(xai__outline *outline, const xai_tree *tree)
{
    const xai__hierarchy *h = (const xai__hierarchy *)tree;

    for (uint32_t i = 0; i < tree->n_nodes; i++) {
        if (i > 0)
            xai__outline_attach(outline, h->nodes[i].parent, i);
        fill_texts(outline, &h->nodes[i], &outline->nodes[i]);
    }
    return outline->options->row != NULL ? weigh(outline, tree) : XAI_OK;
}
