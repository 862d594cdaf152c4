/* SPDX-License-Identifier: MIT
 * How much each feature of a CART reduced the impurity. */
#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "tree/cart.h"
#include "tree/sum.h"

/* By how much the weighted impurity falls from a node to its children (Breiman et al. 1984), in scikit-learn's order.
 */
static double gain_of(const xai__cart *cart, const xai__cart_node *node)
{
    const xai__cart_node *left = &cart->nodes[node->left], *right = &cart->nodes[node->right];

    return node->weight * node->impurity - left->weight * left->impurity - right->weight * right->impurity;
}

/* Shares of one; all 0 where nothing was gained. */
static void measure(double *sums, const xai__cart *cart)
{
    size_t n = cart->tree.n_inputs;
    double total;

    for (size_t i = 0; i < cart->tree.n_nodes; i++)
        if (cart->nodes[i].left >= 0)
            sums[cart->nodes[i].feature] += gain_of(cart, &cart->nodes[i]);
    for (size_t f = 0; f < n; f++)
        sums[f] /= cart->nodes[0].weight;
    total = xai__sum_pairwise(sums, n);
    for (size_t f = 0; f < n && total > 0; f++)
        sums[f] /= total;
}

xai_status xai_tree_importances(xai_tensor **out, const xai_tree *tree)
{
    xai_tensor *result = NULL;
    double *sums;
    int64_t size;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || tree == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "tree");
    status = xai__cart_check(tree);
    if (status < 0)
        return status;
    size = (int64_t)tree->n_inputs;
    sums = xai__zalloc_array(tree->object.context, tree->n_inputs, sizeof *sums);
    status = sums == NULL ? XAI_E_NO_MEMORY : xai__tensor_create(&result, tree->object.context, &size, 1);
    if (status == XAI_OK) {
        measure(sums, xai__cart_of(tree));
        for (size_t f = 0; f < tree->n_inputs; f++)
            result->data[f] = (float)sums[f];
        *out = result;
    }
    xai__free(tree->object.context, sums);
    return status;
}
