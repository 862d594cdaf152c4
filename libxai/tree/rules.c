/* SPDX-License-Identifier: MIT
 * How a hierarchy decides: a node's logit is the mean of its classes' logits, siblings share a softmax. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "tree/hierarchy.h"

/* One row at work. */
typedef struct rules_state {
    const xai__hierarchy *hierarchy;
    double *means;         /* of each node's classes */
    double *probabilities; /* of each node among its siblings; soft: times its parent's */
} rules_state;

static xai_status init(rules_state *s, const xai_tree *tree)
{
    size_t n = tree->n_nodes;

    *s = (rules_state){ .hierarchy = (const xai__hierarchy *)tree,
                        .means = xai__alloc_array(tree->object.context, n, 2 * sizeof *s->means) };
    if (s->means == NULL)
        return XAI_E_NO_MEMORY;
    s->probabilities = s->means + n;
    return XAI_OK;
}

static void fini(rules_state *s)
{
    xai__free(s->hierarchy->tree.object.context, s->means);
}

static xai_status check_row(const float *row, size_t n, size_t index)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(row[i]))
            return xai__fail(XAI_E_INVALID, "logit %zu of row %zu is NaN or infinite", i, index);
    return XAI_OK;
}

/* Sums go up from the leaves. */
static void fill_means(rules_state *s, const float *row)
{
    const xai__hierarchy_node *nodes = s->hierarchy->nodes;
    size_t n = s->hierarchy->tree.n_nodes;

    for (size_t i = 0; i < n; i++)
        s->means[i] = nodes[i].class_index >= 0 ? (double)row[nodes[i].class_index] : 0.0;
    for (size_t i = n - 1; i > 0; i--)
        s->means[nodes[i].parent] += s->means[i];
    for (size_t i = 0; i < n; i++)
        s->means[i] /= s->hierarchy->counts[i];
}

/* Softmax among the children of a node; returns its entropy in nats. */
static double soften(rules_state *s, const xai__hierarchy_node *node)
{
    const double *means = s->means + node->first;
    double *p = s->probabilities + node->first;
    double top = means[0], sum = 0, entropy = 0;

    for (uint32_t i = 1; i < node->n_children; i++)
        top = means[i] > top ? means[i] : top;
    for (uint32_t i = 0; i < node->n_children; i++)
        sum += p[i] = exp(means[i] - top);
    for (uint32_t i = 0; i < node->n_children; i++) {
        p[i] /= sum;
        entropy -= p[i] > 0 ? p[i] * log(p[i]) : 0;
    }
    return entropy;
}

/* Each node among its siblings. */
static void soften_all(rules_state *s)
{
    const xai__hierarchy_node *nodes = s->hierarchy->nodes;

    for (size_t i = 0; i < s->hierarchy->tree.n_nodes; i++)
        if (nodes[i].n_children > 0)
            soften(s, &nodes[i]);
    s->probabilities[0] = 1;
}

/* Products go down from the root. */
static void fill_products(rules_state *s)
{
    const xai__hierarchy_node *nodes = s->hierarchy->nodes;

    soften_all(s);
    for (size_t i = 1; i < s->hierarchy->tree.n_nodes; i++)
        s->probabilities[i] *= s->probabilities[nodes[i].parent];
}

/* The leaf that the likelier children lead to; the first of equals. */
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
        if (s->probabilities[h->leaves[i]] > s->probabilities[best])
            best = h->leaves[i];
    return best;
}

static void predict_row(float *out, rules_state *s, uint32_t mode)
{
    const xai__hierarchy *h = s->hierarchy;
    uint32_t leaf = walk_down(s);

    if (mode == XAI_TREE_SOFT)
        fill_products(s);
    for (size_t i = 0; i < h->tree.n_classes; i++)
        out[i] = mode == XAI_TREE_SOFT ? (float)s->probabilities[h->leaves[i]] : (float)(h->leaves[i] == leaf);
}

xai_status xai__rules_predict(float *out, const xai_tree *tree, const float *rows, size_t n_rows, uint32_t mode)
{
    size_t n = tree->n_classes;
    rules_state s = { 0 };
    xai_status status = init(&s, tree);

    if (status < 0)
        return status;
    for (size_t i = 0; i < n_rows && status == XAI_OK; i++) {
        status = check_row(rows + i * n, n, i);
        if (status == XAI_OK) {
            fill_means(&s, rows + i * n);
            predict_row(out + i * n, &s, mode);
        }
    }
    fini(&s);
    return status;
}

/* Fills the steps from the leaf up. */
static size_t record_path(rules_state *s, uint32_t leaf, xai_decision *steps, size_t capacity)
{
    const xai__hierarchy_node *nodes = s->hierarchy->nodes;
    size_t n = 1, at;

    for (uint32_t i = leaf; i != 0; i = nodes[i].parent)
        n++;
    at = n;
    for (uint32_t i = leaf; at-- > 0; i = nodes[i].parent) {
        double entropy = 0;

        if (at >= capacity)
            continue;
        if (i != 0)
            entropy = soften(s, &nodes[nodes[i].parent]);
        steps[at] = (xai_decision){ .node = nodes[i].id,
                                    .name = nodes[i].label,
                                    .probability = i != 0 ? s->probabilities[i] : 1,
                                    .entropy = entropy,
                                    .class_index = nodes[i].class_index };
    }
    return n;
}

xai_status xai__rules_decide(size_t *n, const xai_tree *tree, const float *row, uint32_t mode, xai_decision *steps,
                             size_t capacity)
{
    rules_state s = { 0 };
    xai_status status = check_row(row, tree->n_classes, 0);

    if (status == XAI_OK)
        status = init(&s, tree);
    if (status < 0)
        return status;
    fill_means(&s, row);
    if (mode == XAI_TREE_SOFT)
        fill_products(&s);
    *n = record_path(&s, mode == XAI_TREE_SOFT ? most_probable(&s) : walk_down(&s), steps, capacity);
    fini(&s);
    return XAI_OK;
}

xai_status xai__rules_weigh(double *probabilities, uint32_t *leaf, const xai_tree *tree, const float *row,
                            uint32_t mode)
{
    rules_state s = { 0 };
    xai_status status = check_row(row, tree->n_classes, 0);

    if (status == XAI_OK)
        status = init(&s, tree);
    if (status < 0)
        return status;
    fill_means(&s, row);
    if (mode == XAI_TREE_SOFT)
        fill_products(&s);
    *leaf = mode == XAI_TREE_SOFT ? most_probable(&s) : walk_down(&s);
    soften_all(&s);
    memcpy(probabilities, s.probabilities, tree->n_nodes * sizeof *probabilities);
    fini(&s);
    return XAI_OK;
}
