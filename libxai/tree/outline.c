/* SPDX-License-Identifier: MIT
 * Outlines: made from a tree of any kind, put in order without recursion, since a tree may be one long chain. */
#include "tree/outline.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/utf8.h"
#include "tree/tree.h"

#define NONE XAI__OUTLINE_NONE

/* --- texts --- */

/* Starts of characters, as UTF-8, that would end a line, turn the direction of writing, or be refused by XML. */
static const struct {
    unsigned char length, first[2], low, high; /* the last byte of the character is from low to high */
} unfit[] = {
    { 2, { 0xc2 }, 0x80, 0x9f },       /* control characters U+0080 to U+009F */
    { 3, { 0xe2, 0x80 }, 0xa8, 0xae }, /* line and paragraph separators, embeddings, overrides */
    { 3, { 0xe2, 0x81 }, 0xa6, 0xa9 }, /* isolates */
    { 3, { 0xef, 0xbf }, 0xbe, 0xbf }, /* no characters */
};

static bool is_unfit(const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++)
        if (length == unfit[i].length && memcmp(bytes, unfit[i].first, length - 1) == 0 &&
            bytes[length - 1] >= unfit[i].low && bytes[length - 1] <= unfit[i].high)
            return true;
    return false;
}

/* Bytes from here that stay as they are. */
static size_t count_fit(const unsigned char *bytes, size_t left)
{
    size_t n = 0;

    while (n < left) {
        size_t length = xai__utf8_length(bytes + n, left - n);

        if (length == 0 || bytes[n] < 0x20 || bytes[n] == 0x7f || is_unfit(bytes + n, length))
            break;
        n += length;
    }
    return n;
}

/* Adds a sign for what cannot stay; returns its length. */
static size_t add_sign(xai__text *texts, const unsigned char *bytes, size_t left)
{
    size_t length = xai__utf8_length(bytes, left);
    uint32_t code = length == 1 ? *bytes == 0x7f ? 0x2421 : 0x2400 + *bytes : 0xfffd;
    char sign[5] = "";

    xai__utf8_write(sign, code);
    xai__text_add(texts, "%s", sign);
    return length > 0 ? length : 1;
}

size_t xai__outline_add(xai__outline *outline, const char *words)
{
    const unsigned char *bytes = (const unsigned char *)words;
    size_t place = outline->texts.length, left = words != NULL ? strlen(words) : 0;

    if (left == 0)
        return 0;
    while (left > 0) {
        size_t n = count_fit(bytes, left);

        if (n > 0)
            xai__text_add(&outline->texts, "%.*s", (int)n, (const char *)bytes);
        else
            n = add_sign(&outline->texts, bytes, left);
        bytes += n;
        left -= n;
    }
    xai__text_add(&outline->texts, "%c", '\0');
    return place;
}

const char *xai__outline_get(const xai__outline *outline, size_t place)
{
    return place < outline->texts.length ? outline->texts.data + place : "";
}

/* By whole numbers, for printf() would ask the locale for a decimal point. */
char *xai__outline_percent(char *buffer, double probability)
{
    long parts = lround(probability * 10000);

    snprintf(buffer, XAI__OUTLINE_PERCENT, "%ld.%02ld%%", parts / 100, parts % 100);
    return buffer;
}

/* --- shape --- */

void xai__outline_attach(xai__outline *outline, uint32_t parent, uint32_t child)
{
    xai__outline_node *above = &outline->nodes[parent];

    outline->nodes[child].parent = parent;
    if (above->first_child == NONE)
        above->first_child = child;
    else
        outline->nodes[above->last_child].next_sibling = child;
    above->last_child = child;
    above->n_children++;
}

/* The node after this one, depth first; NONE after the last. */
static uint32_t step(const xai__outline_node *nodes, uint32_t at)
{
    if (nodes[at].first_child != NONE)
        return nodes[at].first_child;
    while (at != NONE && nodes[at].next_sibling == NONE)
        at = nodes[at].parent;
    return at != NONE ? nodes[at].next_sibling : NONE;
}

/* A parent comes before its children, so depths are known in time. */
static void put_in_order(xai__outline *outline)
{
    xai__outline_node *nodes = outline->nodes;
    uint32_t n = 0;

    for (uint32_t at = 0; at != NONE; at = step(nodes, at)) {
        nodes[at].depth = nodes[at].parent != NONE ? nodes[nodes[at].parent].depth + 1 : 0;
        outline->order[n++] = at;
        outline->n_leaves += nodes[at].first_child == NONE;
        if (nodes[at].depth >= outline->n_levels)
            outline->n_levels = nodes[at].depth + 1;
    }
    for (uint32_t at = outline->leaf; at != NONE; at = nodes[at].parent)
        nodes[at].on_path = true;
}

xai_status xai__outline_create(xai__outline *outline, const xai_tree *tree, const xai_export_options *options)
{
    xai_context *context = tree->object.context;
    xai_status status;

    *outline = (xai__outline){ .context = context, .options = options, .leaf = NONE };
    xai__text_init(&outline->texts, context);
    outline->nodes = xai__zalloc_array(context, tree->n_nodes, sizeof *outline->nodes);
    outline->order = xai__alloc_array(context, tree->n_nodes, sizeof *outline->order);
    if (outline->nodes == NULL || outline->order == NULL)
        return XAI_E_NO_MEMORY;
    outline->n_nodes = (uint32_t)tree->n_nodes;
    for (uint32_t i = 0; i < outline->n_nodes; i++)
        outline->nodes[i] = (xai__outline_node){
            .parent = NONE, .first_child = NONE, .last_child = NONE, .next_sibling = NONE, .probability = -1
        };
    xai__text_add(&outline->texts, "%c", '\0');
    outline->title = xai__outline_add(outline, options->title);
    status = xai__tree_outline(outline, tree);
    if (status == XAI_OK)
        put_in_order(outline);
    return status < 0 ? status : outline->texts.failed ? xai__fail_memory() : XAI_OK;
}

void xai__outline_fini(xai__outline *outline)
{
    if (outline->context == NULL)
        return;
    xai__free(outline->context, outline->nodes);
    xai__free(outline->context, outline->order);
    xai__text_fini(&outline->texts);
}

/* --- the path in words --- */

/* A tree without probabilities is sure of every step. */
static void add_decision(xai__text *text, const xai__outline *outline, const xai__outline_node *node, bool first)
{
    char percent[XAI__OUTLINE_PERCENT];

    xai__text_add(text, "%s%s", first ? " // Decisions: " : ", ", xai__outline_get(outline, node->name));
    if (node->probability >= 0)
        xai__text_add(text, " (%s)", xai__outline_percent(percent, node->probability));
}

void xai__outline_sentence(xai__text *text, const xai__outline *outline)
{
    const xai__outline_node *leaf;

    if (outline->leaf == NONE)
        return;
    leaf = &outline->nodes[outline->leaf];
    xai__text_add(text, "Prediction: %s", xai__outline_get(outline, leaf->outcome != 0 ? leaf->outcome : leaf->name));
    for (uint32_t i = 1; i < outline->n_nodes; i++) {
        const xai__outline_node *node = &outline->nodes[outline->order[i]];

        if (node->on_path)
            add_decision(text, outline, node, node->depth == 1);
    }
}
