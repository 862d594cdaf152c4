/* SPDX-License-Identifier: MIT
 * Trees as text: a node a line under lines that lead down to it, a star before each that the row passes. */
#include "core/error.h"
#include "core/memory.h"
#include "tree/outline.h"

#define NONE XAI__OUTLINE_NONE

/* What leads to a node takes four columns a level, six bytes where a line runs through. */
enum { LEAD_BYTES = 6 };
static const uint64_t max_leads = (uint64_t)256 << 20;

/* A chain of n nodes would be drawn over n columns and n lines. */
static xai_status check_leads(const xai__outline *outline)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < outline->n_nodes; i++)
        sum += (uint64_t)outline->nodes[i].depth * LEAD_BYTES;
    if (sum <= max_leads)
        return XAI_OK;
    return xai__fail(XAI_E_LIMIT,
                     "%u nodes on %u levels are too deep for text: their indentation alone would take %llu MiB, at "
                     "most %llu; JSON, DOT and HTML take them",
                     outline->n_nodes, outline->n_levels, (unsigned long long)(sum >> 20),
                     (unsigned long long)(max_leads >> 20));
}

/* From the left: a line wherever a node further up has children to come, then the branch to this one. */
static void add_lead(xai__text *text, const bool *more, uint32_t depth)
{
    for (uint32_t level = 1; level < depth; level++)
        xai__text_add(text, "%s", more[level] ? "│   " : "    ");
    if (depth > 0)
        xai__text_add(text, "%s", more[depth] ? "├── " : "└── ");
}

/* The name, what a leaf predicts, the probability, and in brackets what else a box holds. */
static void add_words(xai__text *text, const xai__outline *outline, const xai__outline_node *node)
{
    char percent[XAI__OUTLINE_PERCENT];

    xai__text_add(text, "%s", xai__outline_get(outline, node->name));
    if (node->outcome != 0)
        xai__text_add(text, ": %s", xai__outline_get(outline, node->outcome));
    if (node->probability >= 0 && node->parent != NONE)
        xai__text_add(text, " (%s)", xai__outline_percent(percent, node->probability));
    for (int i = 0; i < XAI__OUTLINE_LINES; i++)
        if (node->lines[i] != 0)
            xai__text_add(text, "  [%s]", xai__outline_get(outline, node->lines[i]));
    xai__text_add(text, "\n");
}

/* Title and sentence, a blank line below them if there are any. */
static void add_head(xai__text *text, const xai__outline *outline)
{
    if (outline->title != 0)
        xai__text_add(text, "%s\n", xai__outline_get(outline, outline->title));
    xai__outline_sentence(text, outline);
    if (outline->leaf != NONE)
        xai__text_add(text, "\n");
    if (text->length > 0)
        xai__text_add(text, "\n");
}

xai_status xai__export_text(xai__text *text, const xai__outline *outline)
{
    xai_status status = check_leads(outline);
    bool *more; /* whether the node above that stands on a level has a further sibling */

    if (status < 0)
        return status;
    more = xai__zalloc_array(outline->context, outline->n_levels, sizeof *more);
    if (more == NULL)
        return XAI_E_NO_MEMORY;
    add_head(text, outline);
    for (uint32_t i = 0; i < outline->n_nodes && !text->failed; i++) {
        const xai__outline_node *node = &outline->nodes[outline->order[i]];

        more[node->depth] = node->next_sibling != NONE;
        if (outline->leaf != NONE)
            xai__text_add(text, node->on_path ? "* " : "  ");
        add_lead(text, more, node->depth);
        add_words(text, outline, node);
    }
    xai__free(outline->context, more);
    return XAI_OK;
}
