/* SPDX-License-Identifier: MIT
 * Tree supervision: the losses that a network is trained with to decide along a hierarchy, and their gradients. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "tree/hierarchy.h"

/* Logarithm of the sum of exponentials. */
static double log_sum_exp(const double *x, size_t n)
{
    double top = x[0], sum = 0;

    for (size_t i = 1; i < n; i++)
        top = x[i] > top ? x[i] : top;
    for (size_t i = 0; i < n; i++)
        sum += exp(x[i] - top);
    return top + log(sum);
}

/* Cross-entropy at every inner node on the way to the class, over half the number of inner nodes in the tree.
 * flow: receives the gradient with respect to the nodes' means. */
static double supervise_hard(double *flow, const xai__hierarchy *h, const double *means, const double *shares,
                             int32_t class_index)
{
    const xai__hierarchy_node *nodes = h->nodes;
    double scale = 2.0 / (double)(h->tree.n_nodes - h->tree.n_classes), loss = 0;

    memset(flow, 0, h->tree.n_nodes * sizeof *flow);
    for (uint32_t at = h->leaves[class_index]; at != 0; at = nodes[at].parent) {
        const xai__hierarchy_node *parent = &nodes[nodes[at].parent];

        loss += scale * (log_sum_exp(means + parent->first, parent->n_children) - means[at]);
        for (uint32_t i = parent->first; i < parent->first + parent->n_children; i++)
            flow[i] = scale * (shares[i] - (i == at ? 1 : 0));
    }
    return loss;
}

/* Cross-entropy of the soft probabilities, taken as if they were logits. With G the sum over the classes below a node
 * of probability times gradient, the gradient with respect to its mean is G minus its share of its parent's G. */
static double supervise_soft(double *flow, const xai__hierarchy *h, double *products, const double *shares,
                             int32_t class_index)
{
    const xai__hierarchy_node *nodes = h->nodes;
    size_t n = h->tree.n_nodes;
    double sum = 0, loss;

    xai__rules_multiply(products, shares, h);
    for (size_t i = 0; i < h->tree.n_classes; i++)
        sum += exp(products[h->leaves[i]]); /* of numbers from 0 to 1 */
    loss = log(sum) - products[h->leaves[class_index]];
    memset(flow, 0, n * sizeof *flow);
    for (size_t i = n; i-- > 0;) {
        if (nodes[i].class_index >= 0)
            flow[i] = products[i] * (exp(products[i]) / sum - (nodes[i].class_index == class_index ? 1 : 0));
        if (i > 0)
            flow[nodes[i].parent] += flow[i];
    }
    for (size_t i = n; i-- > 1;)
        flow[i] -= shares[i] * flow[nodes[i].parent];
    flow[0] = 0;
    return loss;
}

typedef struct losses {
    const xai__hierarchy *hierarchy;
    double *means, *shares, *flow; /* of nodes */
    double *logits, *gradient;     /* of classes */
    double plain_weight, tree_weight;
    uint32_t mode;
} losses;

/* Adds the gradient of one row's tree loss; returns the loss. Both are weighted. */
static double supervise_tree(losses *l, const float *row, int32_t class_index)
{
    const xai__hierarchy *h = l->hierarchy;
    double *flow = l->flow, loss;

    if (h->tree.n_nodes == 1) /* one class: nothing to decide */
        return 0;
    xai__rules_means(l->means, h, row);
    xai__rules_soften(l->shares, l->means, h);
    if (l->mode == XAI_TREE_HARD)
        loss = supervise_hard(flow, h, l->means, l->shares, class_index);
    else
        loss = supervise_soft(flow, h, l->means, l->shares, class_index); /* which has no more use for the means */
    /* A class's logit is in the mean of every node above it. */
    for (size_t i = 1; i < h->tree.n_nodes; i++) {
        flow[i] = flow[i] / h->counts[i] + flow[h->nodes[i].parent];
        if (h->nodes[i].class_index >= 0)
            l->gradient[h->nodes[i].class_index] += l->tree_weight * flow[i];
    }
    return l->tree_weight * loss;
}

/* --- the door --- */

/* Fills the gradient of one row's loss; returns the loss. */
static double supervise(losses *l, const float *row, int32_t class_index)
{
    size_t n = l->hierarchy->tree.n_classes;
    double all, loss;

    for (size_t i = 0; i < n; i++)
        l->logits[i] = (double)row[i];
    all = log_sum_exp(l->logits, n);
    loss = l->plain_weight * (all - l->logits[class_index]);
    for (size_t i = 0; i < n; i++)
        l->gradient[i] = l->plain_weight * (exp(l->logits[i] - all) - ((int32_t)i == class_index ? 1 : 0));
    return loss + supervise_tree(l, row, class_index);
}

static xai_status supervise_all(float *out, double *loss, losses *l, const xai_tensor *logits, const int32_t *classes)
{
    size_t n = l->hierarchy->tree.n_classes, n_rows = (size_t)logits->shape[0];
    double sum = 0;

    for (size_t i = 0; i < n_rows; i++) {
        const float *row = logits->data + i * n;
        xai_status status = xai__rules_check(row, n, i);

        if (status < 0)
            return status;
        if (classes[i] < 0 || (size_t)classes[i] >= n)
            return xai__fail(XAI_E_INVALID, "class %d of row %zu is not from 0 to %zu", classes[i], i, n - 1);
        sum += supervise(l, row, classes[i]);
        for (size_t j = 0; out != NULL && j < n; j++)
            out[i * n + j] = (float)(l->gradient[j] / (double)n_rows);
    }
    if (loss != NULL)
        *loss = sum / (double)n_rows;
    return XAI_OK;
}

static xai_status check(const xai_tree *tree, const xai_tensor *logits, uint32_t mode, double plain_weight,
                        double tree_weight)
{
    char text[128];

    if (tree->kind->kind != XAI_TREE_HIERARCHY)
        return xai__fail(XAI_E_INVALID, "only hierarchies of classes supervise a network");
    if (mode > XAI_TREE_SOFT)
        return xai__fail(XAI_E_INVALID, "there is no mode %u of deciding", mode);
    if (!isfinite(plain_weight) || !isfinite(tree_weight) || plain_weight < 0 || tree_weight < 0)
        return xai__fail(XAI_E_INVALID, "the weights are %g and %g, expected finite numbers from 0 on", plain_weight,
                         tree_weight);
    if (logits->rank != 2 || logits->shape[1] != (int64_t)tree->n_classes || logits->shape[0] == 0)
        return xai__fail(XAI_E_SHAPE, "the logits are %s, but the hierarchy takes N x %zu, N from 1 on",
                         xai__shape_text(text, sizeof text, logits->shape, logits->rank), tree->n_classes);
    return XAI_OK;
}

static xai_status allocate(losses *l, const xai_tree *tree)
{
    size_t n_nodes = tree->n_nodes, n = tree->n_classes;

    l->means = xai__alloc_array(tree->object.context, 3 * n_nodes + 2 * n, sizeof *l->means);
    if (l->means == NULL)
        return XAI_E_NO_MEMORY;
    l->shares = l->means + n_nodes;
    l->flow = l->shares + n_nodes;
    l->logits = l->flow + n_nodes;
    l->gradient = l->logits + n;
    return XAI_OK;
}

xai_status xai_tree_loss(xai_tensor **out, double *loss, const xai_tree *tree, const xai_tensor *logits,
                         const int32_t *classes, uint32_t mode, double plain_weight, double tree_weight)
{
    losses l = { .hierarchy = (const xai__hierarchy *)tree,
                 .plain_weight = plain_weight,
                 .tree_weight = tree_weight,
                 .mode = mode };
    xai_tensor *gradient = NULL;
    xai_status status;

    XAI__ENTER(out);
    if (loss != NULL)
        *loss = 0;
    if (tree == NULL || logits == NULL || classes == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", tree == NULL ? "tree" : logits == NULL ? "logits" : "classes");
    status = check(tree, logits, mode, plain_weight, tree_weight);
    if (status == XAI_OK)
        status = allocate(&l, tree);
    if (status == XAI_OK && out != NULL)
        status = xai__tensor_create(&gradient, tree->object.context, logits->shape, 2);
    if (status == XAI_OK)
        status = supervise_all(out != NULL ? gradient->data : NULL, loss, &l, logits, classes);
    xai__free(tree->object.context, l.means);
    if (status < 0)
        xai_tensor_unref(gradient);
    else if (out != NULL)
        *out = gradient;
    return status;
}
