/* SPDX-License-Identifier: MIT
 * From a draft to a hierarchy: nodes breadth first, names in one piece of memory.
 *
 * A draft's nodes are in the order in which somebody met them, and know their parents and siblings by number; names
 * belong to a JSON document or to an induction that is about to go. The hierarchy that is made of it owns all it has.
 */
#include "tree/draft.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"

void xai__draft_fini(xai__draft *draft)
{
    xai__free(draft->context, draft->nodes);
    xai__free(draft->context, draft->contractions);
    *draft = (xai__draft){ .context = draft->context };
}

xai__draft_node *xai__draft_add(xai__draft *draft, const char *id, const char *label)
{
    xai__draft_node *node;

    if (draft->n_nodes == XAI__HIERARCHY_MAX_NODES) {
        xai__fail(XAI_E_LIMIT, "the hierarchy has more than %d nodes", XAI__HIERARCHY_MAX_NODES);
        return NULL;
    }
    node = xai__grow(draft->context, &draft->nodes, draft->n_nodes, sizeof *node);
    if (node == NULL)
        return NULL;
    *node = (xai__draft_node){ .id = id,
                               .label = label,
                               .parent = XAI__DRAFT_NONE,
                               .first_child = XAI__DRAFT_NONE,
                               .last_child = XAI__DRAFT_NONE,
                               .next_sibling = XAI__DRAFT_NONE,
                               .first_contraction = draft->n_contractions,
                               .class_index = -1 };
    draft->n_nodes++;
    return node;
}

xai_status xai__draft_contract(xai__draft *draft, const char *id, const char *label, uint32_t depth)
{
    xai__contraction *one;

    if (draft->n_contractions == XAI__HIERARCHY_MAX_NODES)
        return xai__fail(XAI_E_LIMIT, "the hierarchy has more than %d contracted nodes", XAI__HIERARCHY_MAX_NODES);
    one = xai__grow(draft->context, &draft->contractions, draft->n_contractions, sizeof *one);
    if (one == NULL)
        return XAI_E_NO_MEMORY;
    *one = (xai__contraction){ id, label, depth };
    draft->n_contractions++;
    draft->nodes[draft->n_nodes - 1].n_contractions++;
    return XAI_OK;
}

/* Appends in constant time, since a parent knows its last child. A link to itself or in a circle is not noticed here.
 */
void xai__draft_link(xai__draft *draft, uint32_t parent, uint32_t child)
{
    xai__draft_node *above = &draft->nodes[parent];

    draft->nodes[child].parent = parent;
    if (above->first_child == XAI__DRAFT_NONE)
        above->first_child = child;
    else
        draft->nodes[above->last_child].next_sibling = child;
    above->last_child = child;
}

static int compare_ids(const void *user, uint32_t a, uint32_t b)
{
    const xai__draft_node *nodes = user;

    return strcmp(nodes[a].id, nodes[b].id);
}

uint32_t xai__draft_sort(const xai__draft *draft, uint32_t *by_id)
{
    for (uint32_t i = 0; i < draft->n_nodes; i++)
        by_id[i] = i;
    xai__sort(by_id, draft->n_nodes, compare_ids, draft->nodes);
    for (uint32_t i = 1; i < draft->n_nodes; i++)
        if (strcmp(draft->nodes[by_id[i - 1]].id, draft->nodes[by_id[i]].id) == 0)
            return i;
    return 0;
}

/* The queue is never longer than the nodes: each has one parent at most, and the root has none, so no node is met
 * twice. */
uint32_t xai__draft_walk(const xai__draft *draft, uint32_t root, uint32_t *queue)
{
    uint32_t n = 1;

    queue[0] = root;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = draft->nodes[queue[i]].first_child; c != XAI__DRAFT_NONE; c = draft->nodes[c].next_sibling)
            queue[n++] = c;
    return n;
}

/* --- the hierarchy --- */

static void free_hierarchy(xai_tree *tree)
{
    xai__hierarchy *h = (xai__hierarchy *)tree;
    xai_context *context = tree->object.context;

    xai__free(context, h->nodes);
    xai__free(context, h->contractions);
    xai__free(context, h->texts);
    xai__free(context, h->counts);
    xai__free(context, h->leaves);
    xai__free(context, h->file_order);
}

static const xai__tree_kind hierarchy_kind = { XAI_TREE_HIERARCHY, free_hierarchy,       xai__rules_predict,
                                               xai__rules_decide,  xai__hierarchy_write, xai__hierarchy_outline };

/* Bytes that a text takes, its NUL included. */
static size_t size_of(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

/* Bytes that all names take; each counts only where it is a text of its own. */
static size_t measure(const xai__draft *draft)
{
    size_t size = 0;

    for (uint32_t i = 0; i < draft->n_nodes; i++)
        size += size_of(draft->nodes[i].id) + size_of(draft->nodes[i].label);
    for (uint32_t i = 0; i < draft->n_contractions; i++)
        size += size_of(draft->contractions[i].id) + size_of(draft->contractions[i].label);
    return size;
}

/* Copies a text to where the next one goes. */
static const char *keep(char **next, const char *text)
{
    char *kept = *next;

    if (text == NULL)
        return NULL;
    memcpy(kept, text, size_of(text));
    *next += size_of(text);
    return kept;
}

static uint32_t count_leaves(const xai__draft *draft)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < draft->n_nodes; i++)
        n += draft->nodes[i].first_child == XAI__DRAFT_NONE;
    return n;
}

/* Everything at once, before anything is filled: what fails here leaves a tree that can be dropped like any other. */
static xai_status allocate(xai__hierarchy *h, const xai__draft *draft)
{
    xai_context *context = draft->context;
    size_t n = draft->n_nodes;

    h->tree.n_nodes = n;
    h->tree.n_classes = h->tree.n_inputs = count_leaves(draft);
    h->nodes = xai__zalloc_array(context, n, sizeof *h->nodes);
    h->contractions = xai__alloc_array(context, draft->n_contractions, sizeof *h->contractions);
    h->texts = xai__alloc(context, measure(draft));
    h->counts = xai__zalloc_array(context, n, sizeof *h->counts);
    h->leaves = xai__alloc_array(context, h->tree.n_classes, sizeof *h->leaves);
    h->file_order = xai__alloc_array(context, n, sizeof *h->file_order);
    if (h->nodes == NULL || h->contractions == NULL || h->texts == NULL || h->counts == NULL || h->leaves == NULL ||
        h->file_order == NULL)
        return XAI_E_NO_MEMORY;
    return XAI_OK;
}

/* Node at of the hierarchy. Breadth first the children of a node lie side by side, so the first and their number tell
 * all. file_order holds the new number of each of the draft's nodes. */
static void place(xai__hierarchy *h, const xai__draft_node *draft, uint32_t at, char **next)
{
    xai__hierarchy_node *node = &h->nodes[at];

    node->id = keep(next, draft->id);
    node->label = draft->label != NULL ? keep(next, draft->label) : node->id;
    node->parent = draft->parent != XAI__DRAFT_NONE ? h->file_order[draft->parent] : 0;
    node->first = draft->first_child != XAI__DRAFT_NONE ? h->file_order[draft->first_child] : 0;
    node->class_index = draft->class_index;
    node->first_contraction = draft->first_contraction;
    node->n_contractions = draft->n_contractions;
    if (at > 0)
        h->nodes[node->parent].n_children++;
    if (node->class_index >= 0)
        h->leaves[node->class_index] = at;
}

static void fill(xai__hierarchy *h, const xai__draft *draft, const uint32_t *queue)
{
    char *next = h->texts;
    size_t n = h->tree.n_nodes;

    for (uint32_t i = 0; i < n; i++)
        h->file_order[queue[i]] = i;
    for (uint32_t i = 0; i < n; i++)
        place(h, &draft->nodes[queue[i]], i, &next);
    for (uint32_t i = 0; i < draft->n_contractions; i++)
        h->contractions[i] = (xai__contraction){ keep(&next, draft->contractions[i].id),
                                                 keep(&next, draft->contractions[i].label),
                                                 draft->contractions[i].depth };
    /* A parent comes before its children, so going backwards adds each node up before it is added to its parent. */
    for (size_t i = n; i-- > 0;) {
        h->counts[i] += h->nodes[i].n_children == 0;
        if (i > 0)
            h->counts[h->nodes[i].parent] += h->counts[i];
    }
}

/* Cannot fail any more once there is memory: whoever calls has seen to it that the draft is one tree. */
xai_status xai__draft_finish(xai_tree **out, const xai__draft *draft, uint32_t root)
{
    xai_tree *tree = NULL;
    uint32_t *queue = xai__alloc_array(draft->context, draft->n_nodes, sizeof *queue);
    xai_status status = queue != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    *out = NULL;
    if (status == XAI_OK)
        status = xai__tree_create(&tree, draft->context, &hierarchy_kind, sizeof(xai__hierarchy));
    if (status == XAI_OK)
        status = allocate((xai__hierarchy *)tree, draft);
    if (status == XAI_OK) {
        xai__draft_walk(draft, root, queue);
        fill((xai__hierarchy *)tree, draft, queue);
    }
    xai__free(draft->context, queue);
    if (status < 0)
        xai_tree_unref(tree);
    else
        *out = tree;
    return status;
}
