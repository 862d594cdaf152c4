/* SPDX-License-Identifier: MIT
 * Any bytes as a tree's file: what is read can be followed, pruned, explained, drawn, written and read back the same.
 */
#include "fuzz.h"

#include <math.h>
#include <string.h>

/* Wider rows would only take time. */
enum { WIDEST = 64, N_ROWS = 3 };

static void follow(const xai_tree *tree, const xai_tensor *rows, const float *data)
{
    xai_decision steps[4];
    xai_tensor *out = NULL;
    size_t n = 0;

    if (xai_tree_predict(&out, tree, rows, 0) < 0 || xai_tree_decisions(&n, tree, data, 0, steps, 4) < 0 || n < 1)
        abort();
    for (size_t i = 0; i < n && i < 4; i++)
        if (steps[i].node == NULL || steps[i].name == NULL || strlen(steps[i].name) == 0)
            abort();
    xai_tensor_unref(out);
}

static void explain(const xai_tree *tree, const xai_tensor *rows)
{
    xai_tensor *out = NULL;
    xai_tree *pruned = NULL;
    size_t n = 0;
    xai_status status = xai_tree_shap(&out, NULL, tree, rows);

    fuzz_check(status, out);
    xai_tensor_unref(out);
    status = xai_tree_importances(&out, tree);
    fuzz_check(status, out);
    xai_tensor_unref(out);
    if (xai_tree_pruning_path(&n, tree, NULL, NULL, 0) < 0 || n < 1)
        abort();
    status = xai_tree_prune(&pruned, tree, 0.1);
    fuzz_check(status, pruned);
    if (pruned == NULL || xai_tree_n_nodes(pruned) > xai_tree_n_nodes(tree))
        abort();
    xai_tree_unref(pruned);
}

static char *write_json(const xai_tree *tree)
{
    size_t length = xai_tree_export(tree, XAI_TREE_JSON, NULL, NULL, 0);
    char *text = malloc(length + 1);

    if (length == 0 || text == NULL || xai_tree_export(tree, XAI_TREE_JSON, NULL, text, length + 1) != length)
        abort();
    return text;
}

static void round_trip(xai_context *context, const xai_tree *tree)
{
    char *text = write_json(tree), *other;
    xai_tree *again = NULL;

    if (xai_tree_load_memory(&again, context, text, strlen(text)) < 0)
        abort();
    other = write_json(again);
    if (strcmp(text, other) != 0)
        abort();
    free(text);
    free(other);
    xai_tree_unref(again);
}

static void use(xai_context *context, const xai_tree *tree)
{
    float data[N_ROWS * WIDEST];
    size_t n = xai_tree_n_inputs(tree);
    const int64_t shape[2] = { N_ROWS, (int64_t)n };
    xai_tensor *rows = NULL;

    round_trip(context, tree);
    if (n > WIDEST || xai_tree_n_classes(tree) > WIDEST)
        return;
    for (size_t i = 0; i < N_ROWS * n; i++)
        data[i] = i % 5 == 3 && xai_tree_kind(tree) == XAI_TREE_CART ? NAN : (float)(i % 7) - 3.0f;
    if (xai_tensor_wrap(&rows, context, data, shape, 2, NULL, NULL) < 0)
        abort();
    follow(tree, rows, data);
    if (xai_tree_kind(tree) == XAI_TREE_CART)
        explain(tree, rows);
    xai_tensor_unref(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xai_context *context = fuzz_context();
    xai_tree *tree = NULL;
    xai_status status = xai_tree_load_memory(&tree, context, data, size);

    fuzz_check(status, tree);
    if (status == XAI_OK && xai_tree_kind(tree) != XAI_TREE_HIERARCHY)
        use(context, tree);
    xai_tree_unref(tree);
    xai_context_unref(context);
    return 0;
}
