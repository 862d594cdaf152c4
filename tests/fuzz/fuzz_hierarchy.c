/* SPDX-License-Identifier: MIT
 * Any bytes as a hierarchy: what is read decides, supervises, and is written and read back the same. */
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "tree/hierarchy.h"

/* Wider rows would only take time. */
enum { WIDEST = 200 };

/* A parent comes before its children, which lie side by side; every class has its leaf. */
static void check_shape(const xai_tree *tree)
{
    const xai__hierarchy *h = (const xai__hierarchy *)tree;
    size_t next = 1, n_contractions = 0;

    for (size_t i = 0; i < tree->n_nodes; i++) {
        const xai__hierarchy_node *node = &h->nodes[i];

        if (node->n_children > 0 && node->first != next)
            abort();
        for (uint32_t j = 0; j < node->n_children; j++)
            if (h->nodes[node->first + j].parent != i)
                abort();
        next += node->n_children;
        n_contractions += node->n_contractions;
        if ((node->class_index >= 0) != (node->n_children == 0))
            abort();
        if (node->class_index >= 0 && h->leaves[node->class_index] != i)
            abort();
        if (node->id == NULL || node->label == NULL ||
            (n_contractions > 0 && h->contractions[n_contractions - 1].id == NULL))
            abort();
    }
    if (next != tree->n_nodes || h->counts[0] != (double)tree->n_classes)
        abort();
}

static void decide(xai_context *context, const xai_tree *tree)
{
    const int64_t shape[2] = { 1, (int64_t)xai_tree_n_classes(tree) };
    const int32_t class_index = (int32_t)shape[1] - 1;
    xai_tensor *row, *out, *gradient;
    xai_decision step;
    size_t n;
    double loss;

    if (xai_tensor_create(&row, context, shape, 2) < 0)
        abort();
    for (int64_t i = 0; i < shape[1]; i++)
        xai_tensor_data(row)[i] = (float)(i * 7 % 13);
    for (uint32_t mode = XAI_TREE_HARD; mode <= XAI_TREE_SOFT; mode++) {
        double sum = 0;

        if (xai_tree_predict(&out, tree, row, mode) < 0 ||
            xai_tree_decisions(&n, tree, xai_tensor_data(row), mode, &step, 1) < 0 || n < 1 ||
            n > xai_tree_n_nodes(tree))
            abort();
        for (int64_t i = 0; i < shape[1]; i++)
            sum += (double)xai_tensor_data(out)[i];
        if (fabs(sum - 1) > 1e-4)
            abort();
        if (xai_tree_loss(&gradient, &loss, tree, row, &class_index, mode, 1, 1) < 0 || !(loss >= 0))
            abort();
        xai_tensor_unref(gradient);
        xai_tensor_unref(out);
    }
    xai_tensor_unref(row);
}

static char *write_json(const xai_tree *tree, uint32_t flags)
{
    const xai_export_options options = { .struct_size = sizeof options, .flags = flags };
    size_t length = xai_tree_export(tree, XAI_TREE_JSON, &options, NULL, 0);
    char *text = malloc(length + 1);

    if (length == 0 || text == NULL || xai_tree_export(tree, XAI_TREE_JSON, &options, text, length + 1) != length)
        abort();
    return text;
}

static void round_trip(xai_context *context, const xai_tree *tree, uint32_t flags)
{
    char *text = write_json(tree, flags), *other;
    xai_tree *again;

    if (xai_tree_load_memory(&again, context, text, strlen(text)) < 0)
        abort();
    other = write_json(again, flags);
    if (strcmp(text, other) != 0)
        abort();
    free(text);
    free(other);
    xai_tree_unref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xai_context *context = fuzz_context();
    xai_tree *tree = NULL;
    xai_status status = xai_tree_load_memory(&tree, context, data, size);

    fuzz_check(status, tree);
    if (tree != NULL && xai_tree_kind(tree) == XAI_TREE_HIERARCHY) {
        check_shape(tree);
        if (xai_tree_n_classes(tree) <= WIDEST)
            decide(context, tree);
        round_trip(context, tree, 0);
        round_trip(context, tree, XAI_EXPORT_EDGES);
    }
    xai_tree_unref(tree);
    xai_context_unref(context);
    return 0;
}
