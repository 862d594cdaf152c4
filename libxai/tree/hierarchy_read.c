/* SPDX-License-Identifier: MIT
 * Hierarchies as nbdt writes them: node-link JSON, checked to be one tree with a leaf for every class.
 *
 * networkx writes any graph this way, so nothing is taken for granted: links may name no node, lead in circles, give a
 * node two parents or leave one alone. Each of these has a sentence with the place in the file. All of it takes n log
 * n, for nodes are looked up by id in a sorted list, and nothing recurses along the tree. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "tree/draft.h"

#define NONE XAI__DRAFT_NONE

typedef struct reader {
    xai__draft draft;
    xai__json_value root;
    xai__json_value *values; /* of each node, for messages */
    uint32_t *by_id;         /* nodes, sorted by id */
    uint32_t n_leaves;
} reader;

/* --- nodes --- */

/* What was merged may itself hold what was merged before; the JSON reader bounds the depth. */
static xai_status read_contractions(reader *r, xai__json_value node, uint32_t depth)
{
    xai__json_value list, one, label;
    xai_status status = XAI_OK;

    if (!xai__json_find(&list, node, "contraction"))
        return XAI_OK;
    status = xai__json_expect(list, XAI__JSON_OBJECT);
    for (bool more = xai__json_first(&one, list); more && status == XAI_OK; more = xai__json_next(&one)) {
        const char *text = NULL;

        status = xai__json_expect(one, XAI__JSON_OBJECT);
        if (status == XAI_OK && xai__json_find(&label, one, "label"))
            status = xai__json_string(&text, label);
        if (status == XAI_OK)
            status = xai__draft_contract(&r->draft, xai__json_key(one), text, depth);
        if (status == XAI_OK)
            status = read_contractions(r, one, depth + 1);
    }
    return status;
}

static xai_status read_node(reader *r, xai__json_value value)
{
    xai__json_value member;
    const char *id, *label = NULL;
    int64_t class_index = -1;
    xai__draft_node *node;
    xai_status status = xai__json_get_string(&id, value, "id");

    if (status == XAI_OK && xai__json_find(&member, value, "label"))
        status = xai__json_string(&label, member);
    if (status == XAI_OK && xai__json_find(&member, value, "class"))
        status = xai__json_integer(&class_index, member, 0, XAI__HIERARCHY_MAX_NODES);
    if (status < 0)
        return status;
    if (label != NULL && *label == '\0')
        label = NULL;
    r->values[r->draft.n_nodes] = value;
    node = xai__draft_add(&r->draft, id, label);
    if (node == NULL)
        return XAI_E_NO_MEMORY;
    node->class_index = (int32_t)class_index;
    return read_contractions(r, value, 0);
}

/* Equal ids are neighbours once they are sorted. */
static xai_status sort_nodes(reader *r)
{
    uint32_t twice = xai__draft_sort(&r->draft, r->by_id), node = r->by_id[twice];

    if (twice > 0)
        return xai__json_fail(r->values[node], XAI_E_FORMAT, "two nodes have the id '%.60s'", r->draft.nodes[node].id);
    return XAI_OK;
}

static xai_status read_nodes(reader *r)
{
    xai__json_value list, child;
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
    r->values = xai__alloc_array(r->draft.context, n, sizeof *r->values);
    r->by_id = xai__alloc_array(r->draft.context, n, sizeof *r->by_id);
    if (r->values == NULL || r->by_id == NULL)
        return XAI_E_NO_MEMORY;
    for (bool more = xai__json_first(&child, list); more && status == XAI_OK; more = xai__json_next(&child))
        status = read_node(r, child);
    return status < 0 ? status : sort_nodes(r);
}

/* --- links --- */

/* The node that a link's "source" or "target" names. */
static xai_status find_node(uint32_t *out, const reader *r, xai__json_value link, const char *key)
{
    const char *id;
    uint32_t low = 0, high = r->draft.n_nodes;
    xai_status status = xai__json_get_string(&id, link, key);

    if (status < 0)
        return status;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(r->draft.nodes[r->by_id[middle]].id, id);

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
    const xai__draft_node *nodes = r->draft.nodes;
    uint32_t source, target = 0;
    xai_status status = find_node(&source, r, link, "source");

    if (status == XAI_OK)
        status = find_node(&target, r, link, "target");
    if (status < 0)
        return status;
    if (nodes[target].parent != NONE)
        return xai__json_fail(link, XAI_E_FORMAT, "node '%.60s' has two parents, '%.60s' and '%.60s'", nodes[target].id,
                              nodes[nodes[target].parent].id, nodes[source].id);
    xai__draft_link(&r->draft, source, target);
    return XAI_OK;
}

/* networkx called the list "links" up to 3.3 and "edges" since; a file with both could mean either. */
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
    const xai__draft_node *nodes = r->draft.nodes;

    *out = NONE;
    for (uint32_t i = 0; i < r->draft.n_nodes; i++) {
        if (nodes[i].parent != NONE)
            continue;
        if (*out != NONE)
            return xai__json_fail(r->values[i], XAI_E_FORMAT, "'%.60s' and '%.60s' have no parent, expected one root",
                                  nodes[*out].id, nodes[i].id);
        *out = i;
    }
    if (*out == NONE)
        return xai__json_fail(r->root, XAI_E_FORMAT, "every node has a parent, so '%.60s' is in or below a cycle",
                              nodes[0].id);
    return XAI_OK;
}

/* What is not reached hangs on a cycle, since every node but the root has a parent. */
static xai_status check_reach(reader *r, uint32_t root)
{
    uint32_t n_nodes = r->draft.n_nodes;
    uint32_t *queue = xai__alloc_array(r->draft.context, n_nodes, sizeof *queue);
    uint8_t *reached = xai__zalloc_array(r->draft.context, n_nodes, sizeof *reached);
    xai_status status = queue != NULL && reached != NULL ? XAI_OK : XAI_E_NO_MEMORY;
    uint32_t n = status == XAI_OK ? xai__draft_walk(&r->draft, root, queue) : 0;

    for (uint32_t i = 0; i < n; i++)
        reached[queue[i]] = 1;
    for (uint32_t i = 0; i < n_nodes && status == XAI_OK; i++)
        if (!reached[i])
            status = xai__json_fail(r->values[i], XAI_E_FORMAT, "'%.60s' is in or below a cycle", r->draft.nodes[i].id);
    xai__free(r->draft.context, queue);
    xai__free(r->draft.context, reached);
    return status;
}

/* --- classes --- */

/* Class n is the n-th leaf of the file, unless the leaves say their classes. */
static xai_status number_classes(reader *r)
{
    uint32_t n_said = 0, next = 0;

    for (uint32_t i = 0; i < r->draft.n_nodes; i++) {
        const xai__draft_node *node = &r->draft.nodes[i];

        r->n_leaves += node->first_child == NONE;
        n_said += node->class_index >= 0;
        if (node->class_index >= 0 && node->first_child != NONE)
            return xai__json_fail(r->values[i], XAI_E_FORMAT, "'%.60s' has class %d, but it is an inner node", node->id,
                                  node->class_index);
    }
    if (n_said != 0 && n_said != r->n_leaves)
        return xai__json_fail(r->root, XAI_E_FORMAT, "%u of %u leaves say their class, expected all or none", n_said,
                              r->n_leaves);
    for (uint32_t i = 0; n_said == 0 && i < r->draft.n_nodes; i++)
        if (r->draft.nodes[i].first_child == NONE)
            r->draft.nodes[i].class_index = (int32_t)next++;
    return XAI_OK;
}

/* As many classes as leaves, each below their number and none twice: then every class has a leaf. leaves: of each
 * class, or NONE so far. */
static xai_status check_class(const reader *r, uint32_t *leaves, uint32_t index)
{
    const xai__draft_node *node = &r->draft.nodes[index];
    uint32_t *leaf;

    if (node->class_index < 0)
        return XAI_OK;
    if ((uint32_t)node->class_index >= r->n_leaves)
        return xai__json_fail(r->values[index], XAI_E_FORMAT,
                              "'%.60s' has class %d, so that a class below it has no leaf: there are %u leaves",
                              node->id, node->class_index, r->n_leaves);
    leaf = &leaves[node->class_index];
    if (*leaf != NONE)
        return xai__json_fail(r->values[index], XAI_E_FORMAT, "class %d has two leaves, '%.60s' and '%.60s'",
                              node->class_index, r->draft.nodes[*leaf].id, node->id);
    *leaf = index;
    return XAI_OK;
}

static xai_status check_classes(reader *r)
{
    xai_status status = number_classes(r);
    uint32_t *leaves;

    if (status < 0)
        return status;
    leaves = xai__alloc_array(r->draft.context, r->n_leaves, sizeof *leaves);
    if (leaves == NULL)
        return XAI_E_NO_MEMORY;
    memset(leaves, 0xff, r->n_leaves * sizeof *leaves);
    for (uint32_t i = 0; i < r->draft.n_nodes && status == XAI_OK; i++)
        status = check_class(r, leaves, i);
    xai__free(r->draft.context, leaves);
    return status;
}

xai_status xai__hierarchy_read(xai_tree **out, xai_context *context, const xai__json *json)
{
    reader r = { .draft = { .context = context }, .root = xai__json_root(json) };
    uint32_t root = 0;
    xai_status status = xai__json_expect(r.root, XAI__JSON_OBJECT);

    *out = NULL;
    if (status == XAI_OK)
        status = read_nodes(&r);
    if (status == XAI_OK)
        status = read_links(&r);
    if (status == XAI_OK)
        status = find_root(&root, &r);
    if (status == XAI_OK)
        status = check_reach(&r, root);
    if (status == XAI_OK)
        status = check_classes(&r);
    if (status == XAI_OK)
        status = xai__draft_finish(out, &r.draft, root);
    xai__draft_fini(&r.draft);
    xai__free(context, r.values);
    xai__free(context, r.by_id);
    return status;
}
