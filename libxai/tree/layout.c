/* SPDX-License-Identifier: MIT
 * Where the nodes of an outline stand in a picture. */
#include "tree/layout.h"

#include "core/memory.h"

#define NONE XAI__OUTLINE_NONE

/* Children stand behind their parent in the order, so a walk backwards meets them first. */
static void place_rows(xai__layout *layout, const xai__outline *outline, const xai__layout_options *options)
{
    uint32_t row = 0;

    for (uint32_t i = 0; i < outline->n_nodes; i++)
        if (outline->nodes[outline->order[i]].first_child == NONE)
            layout->y[outline->order[i]] = options->top + options->row_height / 2 + options->row_height * row++;
    layout->bottom = options->top + options->row_height * row;
    for (uint32_t i = outline->n_nodes; i-- > 0;) {
        const xai__outline_node *node = &outline->nodes[outline->order[i]];

        if (node->first_child != NONE)
            layout->y[outline->order[i]] = (layout->y[node->first_child] + layout->y[node->last_child]) / 2;
    }
}

/* Only inner nodes make a level wide. levels holds widths first, each behind its level's place, and then their sums. */
static void place_levels(xai__layout *layout, const xai__outline *outline, const xai__layout_options *options)
{
    for (uint32_t i = 0; i < outline->n_nodes; i++) {
        const xai__outline_node *node = &outline->nodes[i];
        uint32_t *width = &layout->levels[node->depth + 1];

        if (node->first_child != NONE && options->widths[i] > *width)
            *width = options->widths[i];
    }
    layout->levels[0] = options->left;
    for (uint32_t level = 0; level < outline->n_levels; level++)
        layout->levels[level + 1] += layout->levels[level] + options->gap;
    for (uint32_t i = 0; i < outline->n_nodes; i++) {
        layout->x[i] = layout->levels[outline->nodes[i].depth];
        if (layout->x[i] + options->widths[i] > layout->right)
            layout->right = layout->x[i] + options->widths[i];
    }
}

xai_status xai__layout_create(xai__layout *layout, const xai__outline *outline, const xai__layout_options *options)
{
    *layout = (xai__layout){ .context = outline->context };
    layout->x = xai__alloc_array(outline->context, outline->n_nodes, sizeof *layout->x);
    layout->y = xai__alloc_array(outline->context, outline->n_nodes, sizeof *layout->y);
    layout->levels = xai__zalloc_array(outline->context, (size_t)outline->n_levels + 1, sizeof *layout->levels);
    if (layout->x == NULL || layout->y == NULL || layout->levels == NULL)
        return XAI_E_NO_MEMORY;
    place_rows(layout, outline, options);
    place_levels(layout, outline, options);
    return XAI_OK;
}

void xai__layout_fini(xai__layout *layout)
{
    if (layout->context == NULL)
        return;
    xai__free(layout->context, layout->x);
    xai__free(layout->context, layout->y);
    xai__free(layout->context, layout->levels);
}
