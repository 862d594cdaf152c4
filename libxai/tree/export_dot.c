/* SPDX-License-Identifier: MIT
 * Trees as DOT, for graphviz: boxes from left to right, the row's path drawn bold. */
#include <string.h>

#include "core/utf8.h"
#include "tree/outline.h"

#define NONE XAI__OUTLINE_NONE

/* Characters of a name in a box; the whole name is the tip. */
enum { MAX_CHARACTERS = 60 };

/* Backslashes and quotes mean something in DOT's texts, and so do HTML's entities. */
static const char *escape(char c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    default:
        return NULL;
    }
}

/* Adds up to so many characters of words, and an ellipsis for the rest. */
static void add_words(xai__text *text, const char *words, size_t n_characters)
{
    const unsigned char *bytes = (const unsigned char *)words;
    size_t left = strlen(words);

    for (size_t n = 0; left > 0 && n < n_characters; n++) {
        const char *escaped = escape((char)*bytes);
        size_t length = xai__utf8_length(bytes, left);

        if (escaped != NULL)
            xai__text_add(text, "%s", escaped);
        else
            xai__text_add(text, "%.*s", (int)length, (const char *)bytes);
        bytes += length;
        left -= length;
    }
    if (left > 0)
        xai__text_add(text, "…");
}

/* A further line of a box, where there is one. */
static void add_line(xai__text *text, const xai__outline *outline, size_t place)
{
    if (place == 0)
        return;
    xai__text_add(text, "\\n");
    add_words(text, xai__outline_get(outline, place), MAX_CHARACTERS);
}

/* Leaves without frames keep wide trees light. */
static void add_node(xai__text *text, const xai__outline *outline, uint32_t index)
{
    const xai__outline_node *node = &outline->nodes[index];
    char percent[XAI__OUTLINE_PERCENT];

    xai__text_add(text, "  n%u [label=\"", index);
    add_words(text, xai__outline_get(outline, node->name), MAX_CHARACTERS);
    add_line(text, outline, node->outcome);
    if (node->probability >= 0 && node->parent != NONE)
        xai__text_add(text, "\\n%s", xai__outline_percent(percent, node->probability));
    for (int i = 0; i < XAI__OUTLINE_LINES; i++)
        add_line(text, outline, node->lines[i]);
    xai__text_add(text, "\", tooltip=\"");
    add_words(text, xai__outline_get(outline, node->name), SIZE_MAX);
    xai__text_add(text, "\", id=\"n%u\"%s", index,
                  node->on_path ? ", penwidth=2, color=\"#0b57d0\", fillcolor=\"#d7e6ff\"" : "");
    xai__text_add(text, "%s];\n", node->first_child == NONE ? ", shape=plain, style=filled" : "");
}

/* The edge into a node; the root has none. */
static void add_edge(xai__text *text, const xai__outline *outline, uint32_t index)
{
    const xai__outline_node *node = &outline->nodes[index];

    if (node->parent != NONE)
        xai__text_add(text, "  n%u -> n%u%s;\n", node->parent, index,
                      node->on_path ? " [penwidth=3, color=\"#0b57d0\"]" : "");
}

/* Title and sentence are the graph's label, which graphviz centres above it. */
static void add_head(xai__text *text, const xai__outline *outline)
{
    xai__text sentence;

    xai__text_init(&sentence, outline->context);
    xai__outline_sentence(&sentence, outline);
    xai__text_add(text, "digraph tree {\n  graph [rankdir=LR, ranksep=0.4, nodesep=0.08, labelloc=t, label=\"");
    add_words(text, xai__outline_get(outline, outline->title), SIZE_MAX);
    xai__text_add(text, outline->title != 0 && sentence.length > 0 ? "\\n" : "");
    add_words(text, xai__text_get(&sentence), SIZE_MAX);
    xai__text_add(text, "\", fontname=\"sans-serif\", fontsize=14];\n"
                        "  node [shape=box, style=\"rounded,filled\", color=\"#aab4c0\", fillcolor=\"#ffffff\", "
                        "fontname=\"sans-serif\", fontsize=11, height=0.25, margin=\"0.08,0.03\"];\n"
                        "  edge [arrowhead=none, color=\"#aab4c0\"];\n");
    text->failed |= sentence.failed;
    xai__text_fini(&sentence);
}

/* Nodes in the outline's order, so that graphviz puts siblings in theirs; it does the rest of the layout. */
xai_status xai__export_dot(xai__text *text, const xai__outline *outline)
{
    add_head(text, outline);
    for (uint32_t i = 0; i < outline->n_nodes; i++)
        add_node(text, outline, outline->order[i]);
    for (uint32_t i = 0; i < outline->n_nodes; i++)
        add_edge(text, outline, outline->order[i]);
    xai__text_add(text, "}\n");
    return XAI_OK;
}
