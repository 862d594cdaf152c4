/* SPDX-License-Identifier: MIT
 * Trees: the handle, and the checks that every kind shares. */
#include "tree/tree.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "tree/names.h"

/* Zeroed, so that fini() of any kind takes a tree that got no further. */
xai_status xai__tree_create(xai_tree **out, xai_context *context, const xai__tree_kind *kind, size_t size)
{
    xai_tree *tree = xai__zalloc_array(context, 1, size);

    *out = tree;
    if (tree == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&tree->object, context);
    tree->kind = kind;
    return XAI_OK;
}

xai_tree *xai_tree_ref(xai_tree *tree)
{
    if (tree != NULL)
        xai__object_ref(&tree->object);
    return tree;
}

void xai_tree_unref(xai_tree *tree)
{
    xai_context *context;

    if (tree == NULL || !xai__object_unref(&tree->object))
        return;
    context = tree->object.context;
    /* The kind's own first; names and struct belong to all kinds, and the context may be gone after its reference is.
     */
    tree->kind->fini(tree);
    xai__names_fini(tree);
    xai__free(context, tree);
    xai_context_unref(context);
}

uint32_t xai_tree_kind(const xai_tree *tree)
{
    return tree->kind->kind;
}

size_t xai_tree_n_classes(const xai_tree *tree)
{
    return tree->n_classes;
}

size_t xai_tree_n_inputs(const xai_tree *tree)
{
    return tree->n_inputs;
}

size_t xai_tree_n_nodes(const xai_tree *tree)
{
    return tree->n_nodes;
}

/* NULL where the tree has no names and where there is no such feature; neither is an error. */
const char *xai_tree_feature_name(const xai_tree *tree, size_t index)
{
    return tree->feature_names != NULL && index < tree->n_inputs ? tree->feature_names[index] : NULL;
}

const char *xai_tree_class_name(const xai_tree *tree, size_t index)
{
    return tree->class_names != NULL && index < tree->n_classes ? tree->class_names[index] : NULL;
}

/* The only places that call these functions of the table. */
xai_status xai__tree_write_json(xai__text *text, const xai_tree *tree)
{
    return tree->kind->write_json(text, tree);
}

xai_status xai__tree_outline(struct xai__outline *outline, const xai_tree *tree)
{
    return tree->kind->outline(outline, tree);
}

static xai_status check_mode(uint32_t mode)
{
    if (mode > XAI_TREE_SOFT)
        return xai__fail(XAI_E_INVALID, "there is no mode %u of deciding", mode);
    return XAI_OK;
}

/* No rows at all are fine: they have no predictions. */
xai_status xai__tree_check_rows(const xai_tree *tree, const xai_tensor *rows)
{
    char text[128];

    if (rows->rank != 2 || rows->shape[1] != (int64_t)tree->n_inputs)
        return xai__fail(XAI_E_SHAPE, "the rows are %s, but the tree takes N x %zu",
                         xai__shape_text(text, sizeof text, rows->shape, rows->rank), tree->n_inputs);
    return XAI_OK;
}

/* What every kind relies on is checked here, once. A prediction that fails on some row leaves no result. */
xai_status xai_tree_predict(xai_tensor **out, const xai_tree *tree, const xai_tensor *rows, uint32_t mode)
{
    xai_tensor *result = NULL;
    int64_t shape[2];
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || tree == NULL || rows == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : tree == NULL ? "tree" : "rows");
    status = check_mode(mode);
    if (status == XAI_OK)
        status = xai__tree_check_rows(tree, rows);
    if (status < 0)
        return status;
    shape[0] = rows->shape[0];
    shape[1] = (int64_t)tree->n_classes;
    status = xai__tensor_create(&result, tree->object.context, shape, 2);
    if (status == XAI_OK)
        status = tree->kind->predict(result->data, tree, rows->data, (size_t)shape[0], mode);
    if (status < 0)
        xai_tensor_unref(result);
    else
        *out = result;
    return status;
}

xai_status xai_tree_decisions(size_t *n, const xai_tree *tree, const float *row, uint32_t mode, xai_decision *steps,
                              size_t capacity)
{
    xai_status status;

    xai__enter();
    if (n != NULL)
        *n = 0;
    if (n == NULL || tree == NULL || row == NULL || (steps == NULL && capacity > 0))
        return xai__fail(XAI_E_INVALID, "%s is NULL",
                         n == NULL      ? "n"
                         : tree == NULL ? "tree"
                         : row == NULL  ? "row"
                                        : "steps");
    status = check_mode(mode);
    return status < 0 ? status : tree->kind->decisions(n, tree, row, mode, steps, capacity);
}
