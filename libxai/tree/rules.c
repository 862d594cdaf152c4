/* SPDX-License-Identifier: MIT
 * How a hierarchy decides: a node's logit is the mean of its classes' logits, siblings share a softmax.
 *
 * Hard rules go down from the root to the likeliest child each time; soft rules multiply the probabilities on the way
 * to each leaf and take the largest (Wan et al.: NBDT, 2021). Nodes stand breadth first, so each of these is one loop
 * over all nodes: backwards what goes up, forwards what goes down. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "tree/hierarchy.h"

/* One row at work. */
typedef struct rules_state {
    const xai__hierarchy *hierarchy;
    double *means;    /* of each node's classes */
    double *shares;   /* the probability of each node among its siblings */
    double *products; /* of those from the root to each node */
} rules_state;

/* Three arrays in one piece of memory, which has one thing to fail and one to free. */
static xai_status init(rules_state *s, const xai_tree *tree)
{
    size_t n = tree->n_nodes;

    *s = (rules_state){ .hierarchy = (const xai__hierarchy *)tree,
                        .means = xai__alloc_array(tree->object.context, n, 3 * sizeof *s->means) };
    if (s->means == NULL)
        return XAI_E_NO_MEMORY;
    s->shares = s->means + n;
    s->products = s->shares + n;
    return XAI_OK;
}

static void fini(rules_state *s)
{
    if (s->hierarchy != NULL)
        xai__free(s->hierarchy->tree.object.context, s->means);
}

xai_status xai__rules_check(const float *row, size_t n, size_t index)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(row[i]))
            return xai__fail(XAI_E_INVALID, "logit %zu of row %zu is NaN or infinite", i, index);
    return XAI_OK;
}

/* Sums first, from the leaves up, then divided by how many classes each has. Double precision: a root adds thousands.
 */
void xai__rules_means(double *means, const xai__hierarchy *h, const float *row)
{
    const xai__hierarchy_node *nodes = h->nodes;
    size_t n = h->tree.n_nodes;

    for (size_t i = 0; i < n; i++)
        means[i] = nodes[i].class_index >= 0 ? (double)row[nodes[i].class_index] : 0.0;
    for (size_t i = n - 1; i > 0; i--)
        means[nodes[i].parent] += means[i];
    for (size_t i = 0; i < n; i++)
        means[i] /= h->counts[i];
}

/* Children lie side by side, so a softmax runs over a stretch of the array. The likeliest is exactly exp(0). */
void xai__rules_soften(double *probabilities, const double *means, const xai__hierarchy *h)
{
    for (size_t i = 0; i < h->tree.n_nodes; i++) {
        const xai__hierarchy_node *node = &h->nodes[i];
        const double *m = means + node->first;
        double *p = probabilities + node->first, sum = 0;
        uint32_t top = 0;

        for (uint32_t j = 1; j < node->n_children; j++)
            top = m[j] > m[top] ? j : top;
        for (uint32_t j = 0; j < node->n_children; j++)
            sum += p[j] = j == top ? 1 : exp(m[j] - m[top]);
        for (uint32_t j = 0; j < node->n_children; j++)
            p[j] /= sum;
    }
    probabilities[0] = 1;
}

void xai__rules_multiply(double *products, const double *probabilities, const xai__hierarchy *h)
{
    products[0] = 1;
    for (size_t i = 1; i < h->tree.n_nodes; i++)
        products[i] = products[h->nodes[i].parent] * probabilities[i];
}

/* The leaf that the likelier children lead to; the first of equals. The means decide as well as the softmax, which
 * grows with them, so hard rules take no exponentials. */
static uint32_t walk_down(const rules_state *s)
{
    const xai__hierarchy_node *nodes = s->hierarchy->nodes;
    uint32_t at = 0;

    while (nodes[at].n_children > 0) {
        uint32_t best = nodes[at].first;

        for (uint32_t i = 1; i < nodes[at].n_children; i++)
            if (s->means[nodes[at].first + i] > s->means[best])
                best = nodes[at].first + i;
        at = best;
    }
    return at;
}

/* The leaf of the most probable class; the first class of equals. */
static uint32_t most_probable(const rules_state *s)
{
    const xai__hierarchy *h = s->hierarchy;
    uint32_t best = h->leaves[0];

    for (size_t i = 1; i < h->tree.n_classes; i++)
        if (s->products[h->leaves[i]] > s->products[best])
            best = h->leaves[i];
    return best;
}

/* Reads a row and finds the leaf that it is decided for. */
static uint32_t decide_row(rules_state *s, const float *row, uint32_t mode)
{
    const xai__hierarchy *h = s->hierarchy;

    xai__rules_means(s->means, h, row);
    if (mode == XAI_TREE_HARD)
        return walk_down(s);
    xai__rules_soften(s->shares, s->means, h);
    xai__rules_multiply(s->products, s->shares, h);
    return most_probable(s);
}

/* Soft: the product of each leaf. Hard: 1 for the class that was decided for, and 0 for the rest. */
static void predict_row(float *out, rules_state *s, const float *row, uint32_t mode)
{
    const xai__hierarchy *h = s->hierarchy;
    uint32_t leaf = decide_row(s, row, mode);

    for (size_t i = 0; i < h->tree.n_classes; i++)
        out[i] = mode == XAI_TREE_SOFT ? (float)s->products[h->leaves[i]] : (float)(h->leaves[i] == leaf);
}

xai_status xai__rules_predict(float *out, const xai_tree *tree, const float *rows, size_t n_rows, uint32_t mode)
{
    size_t n = tree->n_classes;
    rules_state s = { 0 };
    xai_status status = init(&s, tree);

    for (size_t i = 0; i < n_rows && status == XAI_OK; i++) {
        status = xai__rules_check(rows + i * n, n, i);
        if (status == XAI_OK)
            predict_row(out + i * n, &s, rows + i * n, mode);
    }
    fini(&s);
    return status;
}

/* What a node has of its parent's probability, and the entropy of what its siblings and it have, in nats. */
static double weigh_siblings(double *entropy, const rules_state *s, uint32_t index)
{
    const xai__hierarchy_node *nodes = s->hierarchy->nodes, *parent = &nodes[nodes[index].parent];
    const double *means = s->means + parent->first;
    double top = means[0], sum = 0;

    for (uint32_t i = 1; i < parent->n_children; i++)
        top = means[i] > top ? means[i] : top;
    for (uint32_t i = 0; i < parent->n_children; i++)
        sum += exp(means[i] - top);
    *entropy = 0;
    for (uint32_t i = 0; i < parent->n_children; i++) {
        double p = exp(means[i] - top) / sum;

        *entropy -= p > 0 ? p * log(p) : 0;
    }
    return exp(s->means[index] - top) / sum;
}

/* Fills the steps from the leaf up. */
static size_t record_path(const rules_state *s, uint32_t leaf, xai_decision *steps, size_t capacity)
{
    const xai__hierarchy_node *nodes = s->hierarchy->nodes;
    size_t n = 1, at;

    for (uint32_t i = leaf; i != 0; i = nodes[i].parent)
        n++;
    at = n;
    for (uint32_t i = leaf; at-- > 0; i = nodes[i].parent) {
        double entropy = 0, share = 1;

        if (at >= capacity)
            continue;
        if (i != 0)
            share = weigh_siblings(&entropy, s, i);
        steps[at] = (xai_decision){ .node = nodes[i].id,
                                    .name = nodes[i].label,
                                    .probability = share,
                                    .entropy = entropy,
                                    .class_index = nodes[i].class_index };
    }
    return n;
}

xai_status xai__rules_decide(size_t *n, const xai_tree *tree, const float *row, uint32_t mode, xai_decision *steps,
                             size_t capacity)
{
    rules_state s = { 0 };
    xai_status status = xai__rules_check(row, tree->n_classes, 0);

    if (status == XAI_OK)
        status = init(&s, tree);
    if (status == XAI_OK)
        *n = record_path(&s, decide_row(&s, row, mode), steps, capacity);
    fini(&s);
    return status;
}

xai_status xai__rules_weigh(double *probabilities, uint32_t *leaf, const xai_tree *tree, const float *row,
                            uint32_t mode)
{
    rules_state s = { 0 };
    xai_status status = xai__rules_check(row, tree->n_classes, 0);

    if (status == XAI_OK)
        status = init(&s, tree);
    if (status == XAI_OK) {
        *leaf = decide_row(&s, row, mode);
        xai__rules_soften(probabilities, s.means, s.hierarchy);
    }
    fini(&s);
    return status;
}
