/* SPDX-License-Identifier: MIT
 * Hierarchies as nbdt writes them: node-link JSON, checked to be one tree with a leaf for every class. */
#include "tree/hierarchy.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"

#define NONE UINT32_MAX

/* A node as the file has it; texts are the document's. */
typedef struct raw_node {
    const char *id, *label;
    xai__json_value value;                    /* for messages */
    uint32_t parent, first_child, last_child; /* NONE: none */
    uint32_t next_sibling;
    int32_t class_index; /* -1: unsaid */
} raw_node;

typedef struct reader {
    xai_context *context;
    xai__json_value root;
    raw_node *nodes;
    uint32_t *by_id; /* nodes, sorted by id */
    uint32_t *place; /* of each node in the finished tree */
    uint32_t n_nodes, n_leaves;
    xai__hierarchy *hierarchy;
} reader;

static void free_hierarchy(xai_tree *tree)
{
    xai__hierarchy *h = (xai__hierarchy *)tree;
    xai_context *context = tree->object.context;

    for (size_t i = 0; h->nodes != NULL && i < tree->n_nodes; i++) {
        if (h->nodes[i].label != h->nodes[i].id)
            xai__free(context, h->nodes[i].label);
        xai__free(context, h->nodes[i].id);
    }
    xai__free(context, h->nodes);
    xai__free(context, h->leaves);
    xai__free(context, h->file_order);
}

/* --- nodes --- */

static xai_status read_node(raw_node *node, xai__json_value value)
{
    xai__json_value member;
    int64_t class_index = -1;
    xai_status status = xai__json_get_string(&node->id, value, "id");

    *node = (raw_node){ node->id, node->id, value, NONE, NONE, NONE, NONE, -1 };
    if (status == XAI_OK && xai__json_find(&member, value, "label"))
        status = xai__json_string(&node->label, member);
    if (status == XAI_OK && xai__json_find(&member, value, "class"))
        status = xai__json_integer(&class_index, member, 0, XAI__HIERARCHY_MAX_NODES);
    node->class_index = (int32_t)class_index;
    return status;
}

static int compare_ids(const void *user, uint32_t a, uint32_t b)
{
    const reader *r = user;

    return strcmp(r->nodes[a].id, r->nodes[b].id);
}

static xai_status sort_ids(reader *r)
{
    for (uint32_t i = 0; i < r->n_nodes; i++)
        r->by_id[i] = i;
    xai__sort(r->by_id, r->n_nodes, compare_ids, r);
    for (uint32_t i = 1; i < r->n_nodes; i++)
        if (strcmp(r->nodes[r->by_id[i - 1]].id, r->nodes[r->by_id[i]].id) == 0)
            return xai__json_fail(r->nodes[r->by_id[i]].value, XAI_E_FORMAT, "two nodes have the id '%.60s'",
                                  r->nodes[r->by_id[i]].id);
    return XAI_OK;
}

static xai_status read_nodes(reader *r)
{
    xai__json_value list, child;
    uint32_t i = 0;
    size_t n;
    xai_status status = xai__json_get(&list, r->root, "nodes");

    if (status == XAI_OK)
        status = xai__json_expect(list, XAI__JSON_ARRAY);
    if (status < 0)
        return status;
    n = xai__json_count(list);
    if (n == 0)
        return xai__json_fail(list, XAI_E_FORMAT, "a hierarchy needs at least one node");
    if (n > XAI__HIERARCHY_MAX_NODES)
        return xai__json_fail(list, XAI_E_LIMIT, "has %zu nodes, at most %d are read", n, XAI__HIERARCHY_MAX_NODES);
    r->nodes = xai__zalloc_array(r->context, n, sizeof *r->nodes);
    r->by_id = xai__alloc_array(r->context, n, sizeof *r->by_id);
    r->place = xai__alloc_array(r->context, n, sizeof *r->place);
    if (r->nodes == NULL || r->by_id == NULL || r->place == NULL)
        return XAI_E_NO_MEMORY;
    r->n_nodes = (uint32_t)n;
    for (bool more = xai__json_first(&child, list); more && status == XAI_OK; more = xai__json_next(&child))
        status = read_node(&r->nodes[i++], child);
    return status < 0 ? status : sort_ids(r);
}

/* --- links --- */

static xai_status find_node(uint32_t *out, const reader *r, xai__json_value link, const char *key)
{
    const char *id;
    uint32_t low = 0, high = r->n_nodes;
    xai_status status = xai__json_get_string(&id, link, key);

    if (status < 0)
        return status;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(r->nodes[r->by_id[middle]].id, id);

        if (order == 0) {
            *out = r->by_id[middle];
            return XAI_OK;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return xai__json_fail(link, XAI_E_FORMAT, "%s '%.60s' is no node", key, id);
}

static xai_status read_link(reader *r, xai__json_value link)
{
    uint32_t source, target;
    raw_node *parent, *child;
    xai_status status = find_node(&source, r, link, "source");

    if (status == XAI_OK)
        status = find_node(&target, r, link, "target");
    if (status < 0)
        return status;
    parent = &r->nodes[source];
    child = &r->nodes[target];
    if (child->parent != NONE)
        return xai__json_fail(link, XAI_E_FORMAT, "node '%.60s' has two parents, '%.60s' and '%.60s'", child->id,
                              r->nodes[child->parent].id, parent->id);
    child->parent = source;
    if (parent->first_child == NONE)
        parent->first_child = target;
    else
        r->nodes[parent->last_child].next_sibling = target;
    parent->last_child = target;
    return XAI_OK;
}

static xai_status read_links(reader *r)
{
    xai__json_value list, other, child;
    bool has_links = xai__json_find(&list, r->root, "links"), has_edges = xai__json_find(&other, r->root, "edges");
    xai_status status;

    if (has_links == has_edges)
        return xai__json_fail(r->root, XAI_E_FORMAT, "has %s \"links\" and \"edges\", expected one of them",
                              has_links ? "both" : "neither");
    if (has_edges)
        list = other;
    status = xai__json_expect(list, XAI__JSON_ARRAY);
    if (status < 0)
        return status;
    for (bool more = xai__json_first(&child, list); more && status == XAI_OK; more = xai__json_next(&child))
        status = read_link(r, child);
    return status;
}

/* --- the shape --- */

static xai_status find_root(uint32_t *out, const reader *r)
{
    *out = NONE;
    for (uint32_t i = 0; i < r->n_nodes; i++) {
        if (r->nodes[i].parent != NONE)
            continue;
        if (*out != NONE)
            return xai__json_fail(r->nodes[i].value, XAI_E_FORMAT,
                                  "'%.60s' and '%.60s' have no parent, expected one root", r->nodes[*out].id,
                                  r->nodes[i].id);
        *out = i;
    }
    if (*out == NONE)
        return xai__json_fail(r->root, XAI_E_FORMAT, "every node has a parent, so '%.60s' is in or below a cycle",
                              r->nodes[0].id);
    return XAI_OK;
}

/* Numbers the nodes breadth first; file_order serves as the queue. What is not reached hangs on a cycle, since every
 * node but the root has a parent. */
static xai_status number_nodes(reader *r)
{
    uint32_t *queue = r->hierarchy->file_order, n = 1;
    xai_status status = find_root(&queue[0], r);

    if (status < 0)
        return status;
    memset(r->place, 0xff, r->n_nodes * sizeof *r->place);
    r->place[queue[0]] = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = r->nodes[queue[i]].first_child; c != NONE; c = r->nodes[c].next_sibling) {
            r->place[c] = n;
            queue[n++] = c;
        }
    for (uint32_t i = 0; i < r->n_nodes; i++)
        if (r->place[i] == NONE)
            return xai__json_fail(r->nodes[i].value, XAI_E_FORMAT, "'%.60s' is in or below a cycle", r->nodes[i].id);
    return XAI_OK;
}

/* Class n is the n-th leaf of the file, unless the leaves say their classes. */
static xai_status number_classes(reader *r)
{
    uint32_t n_said = 0, next = 0;

    for (uint32_t i = 0; i < r->n_nodes; i++) {
        const raw_node *node = &r->nodes[i];

        r->n_leaves += node->first_child == NONE;
        n_said += node->class_index >= 0;
        if (node->class_index >= 0 && node->first_child != NONE)
            return xai__json_fail(node->value, XAI_E_FORMAT, "'%.60s' has class %d, but it is an inner node", node->id,
                                  node->class_index);
    }
    if (n_said != 0 && n_said != r->n_leaves)
        return xai__json_fail(r->root, XAI_E_FORMAT, "%u of %u leaves say their class, expected all or none", n_said,
                              r->n_leaves);
    for (uint32_t i = 0; n_said == 0 && i < r->n_nodes; i++)
        if (r->nodes[i].first_child == NONE)
            r->nodes[i].class_index = (int32_t)next++;
    return XAI_OK;
}

static xai_status place_leaf(reader *r, const raw_node *node, uint32_t at)
{
    uint32_t *leaf;

    if ((uint32_t)node->class_index >= r->n_leaves)
        return xai__json_fail(node->value, XAI_E_FORMAT,
                              "'%.60s' has class %d, so that a class below it has no leaf: there are %u leaves",
                              node->id, node->class_index, r->n_leaves);
    leaf = &r->hierarchy->leaves[node->class_index];
    if (*leaf != NONE)
        return xai__json_fail(node->value, XAI_E_FORMAT, "class %d has two leaves, '%.60s' and '%.60s'",
                              node->class_index, r->hierarchy->nodes[*leaf].id, node->id);
    *leaf = at;
    return XAI_OK;
}

/* --- the tree --- */

static xai_status place_node(reader *r, uint32_t index)
{
    const raw_node *raw = &r->nodes[index];
    uint32_t at = r->place[index];
    xai__hierarchy_node *node = &r->hierarchy->nodes[at];

    node->id = xai__strdup(r->context, raw->id);
    node->label = raw->label == raw->id ? node->id : xai__strdup(r->context, raw->label);
    if (node->id == NULL || node->label == NULL)
        return XAI_E_NO_MEMORY;
    node->parent = raw->parent != NONE ? r->place[raw->parent] : 0;
    node->first = raw->first_child != NONE ? r->place[raw->first_child] : 0;
    node->class_index = raw->class_index;
    if (at > 0)
        r->hierarchy->nodes[node->parent].n_children++;
    return node->class_index < 0 ? XAI_OK : place_leaf(r, raw, at);
}

static xai_status build(reader *r)
{
    xai__hierarchy *h = r->hierarchy;
    xai_status status;

    h->file_order = xai__alloc_array(r->context, r->n_nodes, sizeof *h->file_order);
    status = h->file_order != NULL ? number_nodes(r) : XAI_E_NO_MEMORY;
    if (status == XAI_OK)
        status = number_classes(r);
    if (status < 0)
        return status;
    h->nodes = xai__zalloc_array(r->context, r->n_nodes, sizeof *h->nodes);
    h->leaves = xai__alloc_array(r->context, r->n_leaves, sizeof *h->leaves);
    if (h->nodes == NULL || h->leaves == NULL)
        return XAI_E_NO_MEMORY;
    memset(h->leaves, 0xff, r->n_leaves * sizeof *h->leaves);
    h->tree.n_nodes = r->n_nodes;
    h->tree.n_classes = h->tree.n_inputs = r->n_leaves;
    for (uint32_t i = 0; i < r->n_nodes && status == XAI_OK; i++)
        status = place_node(r, i);
    memcpy(h->file_order, r->place, r->n_nodes * sizeof *h->file_order);
    return status;
}

static const xai__tree_kind hierarchy_kind = { XAI_TREE_HIERARCHY, free_hierarchy,       xai__rules_predict,
                                               xai__rules_decide,  xai__hierarchy_write, xai__hierarchy_outline };

xai_status xai__hierarchy_read(xai_tree **out, xai_context *context, const xai__json *json)
{
    reader r = { .context = context, .root = xai__json_root(json) };
    xai_tree *tree = NULL;
    xai_status status = xai__json_expect(r.root, XAI__JSON_OBJECT);

    *out = NULL;
    if (status == XAI_OK)
        status = xai__tree_create(&tree, context, &hierarchy_kind, sizeof(xai__hierarchy));
    r.hierarchy = (xai__hierarchy *)tree;
    if (status == XAI_OK)
        status = read_nodes(&r);
    if (status == XAI_OK)
        status = read_links(&r);
    if (status == XAI_OK)
        status = build(&r);
    xai__free(context, r.nodes);
    xai__free(context, r.by_id);
    xai__free(context, r.place);
    if (status < 0)
        xai_tree_unref(tree);
    else
        *out = tree;
    return status;
}
