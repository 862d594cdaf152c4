/* SPDX-License-Identifier: MIT
 * Hierarchies out: nbdt's node-link JSON, a node and a link a line, each leaf with its class. */
#include "core/error.h"
#include "io/json_write.h"
#include "tree/hierarchy.h"

/* One object a writer, so that a large tree never stands in memory as a document. */
static xai_status add_object(xai__text *text, xai__json_writer *writer)
{
    const char *json;
    xai_status status;

    xai__json_write_end(writer);
    status = xai__json_writer_text(writer, &json, NULL);
    if (status == XAI_OK)
        xai__text_add(text, "%s", json);
    xai__json_writer_fini(writer);
    return status;
}

/* The list is flat, with a depth each; the JSON nests. One that is followed by a deeper one stays open for it, and then
 * as many are closed as the depth falls. */
static void write_contractions(xai__json_writer *writer, const xai__contraction *list, uint32_t n)
{
    xai__json_write_object(writer, "contraction");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t next = i + 1 < n ? list[i + 1].depth : 0, depth = list[i].depth;

        xai__json_write_object(writer, list[i].id);
        if (list[i].label != NULL)
            xai__json_write_string(writer, "label", list[i].label);
        if (next > depth)
            xai__json_write_object(writer, "contraction");
        else
            xai__json_write_end(writer);
        for (; depth > next; depth--) { /* the list, and what it was merged into */
            xai__json_write_end(writer);
            xai__json_write_end(writer);
        }
    }
    xai__json_write_end(writer);
}

static xai_status add_node(xai__text *text, const xai__hierarchy *h, const xai__hierarchy_node *node)
{
    xai__json_writer writer;

    xai__json_writer_init(&writer, text->context);
    xai__json_write_object(&writer, NULL);
    if (node->label != node->id)
        xai__json_write_string(&writer, "label", node->label);
    if (node->n_contractions > 0)
        write_contractions(&writer, &h->contractions[node->first_contraction], node->n_contractions);
    xai__json_write_string(&writer, "id", node->id);
    if (node->class_index >= 0)
        xai__json_write_integer(&writer, "class", node->class_index);
    return add_object(text, &writer);
}

/* Node i's link is written in the hierarchy's order, parents first, so that reading it gives the children the same
 * order. */
static xai_status add_link(xai__text *text, const char *source, const char *target)
{
    xai__json_writer writer;

    xai__json_writer_init(&writer, text->context);
    xai__json_write_object(&writer, NULL);
    xai__json_write_string(&writer, "source", source);
    xai__json_write_string(&writer, "target", target);
    return add_object(text, &writer);
}

xai_status xai__hierarchy_write_as(xai__text *text, const xai_tree *tree, const char *list)
{
    const xai__hierarchy *h = (const xai__hierarchy *)tree;
    xai_status status = XAI_OK;

    xai__text_add(text, "{\"directed\":true,\"multigraph\":false,\"graph\":{},\"nodes\":[");
    for (size_t i = 0; i < tree->n_nodes && status == XAI_OK; i++) {
        xai__text_add(text, i > 0 ? ",\n" : "\n");
        status = add_node(text, h, &h->nodes[h->file_order[i]]);
    }
    xai__text_add(text, "],\n\"%s\":[", list);
    for (size_t i = 1; i < tree->n_nodes && status == XAI_OK; i++) {
        xai__text_add(text, i > 1 ? ",\n" : "\n");
        status = add_link(text, h->nodes[h->nodes[i].parent].id, h->nodes[i].id);
    }
    xai__text_add(text, "]}\n");
    return status < 0 ? status : text->failed ? xai__fail_memory() : XAI_OK;
}

xai_status xai__hierarchy_write(xai__text *text, const xai_tree *tree)
{
    return xai__hierarchy_write_as(text, tree, "links");
}
