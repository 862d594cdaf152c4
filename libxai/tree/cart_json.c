/* SPDX-License-Identifier: MIT
 * CART as JSON: scikit-learn's arrays under scikit-learn's names, an element a node.
 *
 * One table of fields serves both directions: it says where in a node a value lies and what it may be, so a field is
 * added by a row. What is read is checked as a whole before it is used: children stand behind their parents, and each
 * node but the root has one, so every walk ends without looking. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/number.h"
#include "tree/cart.h"
#include "tree/names.h"

/* Where a value of a node lies and what it may be. */
enum field_kind { CHILD, FEATURE, COUNT, FLAG, REAL };

typedef struct field {
    const char *key;
    enum field_kind kind;
    size_t offset;
    bool optional;
} field;

#define AT(name) offsetof(xai__cart_node, name)

static const field fields[] = {
    { "children_left", CHILD, AT(left), false },
    { "children_right", CHILD, AT(right), false },
    { "feature", FEATURE, AT(feature), false },
    { "threshold", REAL, AT(threshold), false },
    { "impurity", REAL, AT(impurity), false },
    { "n_node_samples", COUNT, AT(n_samples), false },
    { "weighted_n_node_samples", REAL, AT(weight), false },
    { "missing_go_to_left", FLAG, AT(missing_left), true }, /* scikit-learn before 1.3 has none */
};

#define N_FIELDS (sizeof fields / sizeof *fields)

/* --- out --- */

/* JSON lacks what is not finite: a text that Python's float() takes, too. */
static void add_number(xai__text *text, double number)
{
    char buffer[XAI__NUMBER_SIZE];

    if (isnan(number))
        xai__text_add(text, "\"nan\"");
    else if (isinf(number))
        xai__text_add(text, number > 0 ? "\"inf\"" : "\"-inf\"");
    else
        xai__text_add(text, "%s", xai__number_write(buffer, number));
}

/* scikit-learn's -1 and -2 for "none" are in the nodes already, so nothing is translated. */
static void add_element(xai__text *text, const xai__cart_node *node, const field *f)
{
    const void *at = (const char *)node + f->offset;

    if (f->kind == REAL)
        add_number(text, *(const double *)at);
    else if (f->kind == CHILD || f->kind == FEATURE)
        xai__text_add(text, "%ld", (long)*(const int32_t *)at);
    else
        xai__text_add(text, "%lu", (unsigned long)*(const uint32_t *)at);
}

/* A list in a list a node, as scikit-learn has them: nodes x outputs x classes, with one output. */
static void add_values(xai__text *text, const xai__cart *cart)
{
    size_t n_classes = cart->tree.n_classes;

    xai__text_add(text, ",\n\"value\":[");
    for (size_t i = 0; i < cart->tree.n_nodes; i++) {
        xai__text_add(text, i > 0 ? ",[[" : "[[");
        for (size_t c = 0; c < n_classes; c++) {
            xai__text_add(text, c > 0 ? "," : "");
            add_number(text, cart->values[i * n_classes + c]);
        }
        xai__text_add(text, "]]");
    }
    xai__text_add(text, "]");
}

xai_status xai__cart_write(xai__text *text, const xai_tree *tree)
{
    const xai__cart *cart = xai__cart_of(tree);
    xai_status status;

    xai__text_add(text, "{\"n_features\":%zu,\"n_classes\":%zu,\"regression\":%s", tree->n_inputs, tree->n_classes,
                  cart->regression ? "true" : "false");
    status = xai__names_write(text, tree);
    if (status < 0)
        return status;
    for (size_t f = 0; f < N_FIELDS; f++) {
        xai__text_add(text, ",\n\"%s\":[", fields[f].key);
        for (size_t i = 0; i < tree->n_nodes; i++) {
            xai__text_add(text, i > 0 ? "," : "");
            add_element(text, &cart->nodes[i], &fields[f]);
        }
        xai__text_add(text, "]");
    }
    add_values(text, cart);
    xai__text_add(text, "}\n");
    return text->failed ? xai__fail_memory() : XAI_OK;
}

/* --- in --- */

static xai_status read_number(double *out, xai__json_value value)
{
    static const struct {
        const char *text;
        double number;
    } words[] = { { "inf", (double)INFINITY }, { "-inf", -(double)INFINITY }, { "nan", (double)NAN } };
    const char *text;

    if (xai__json_kind(value) != XAI__JSON_STRING)
        return xai__json_number(out, value);
    if (xai__json_string(&text, value) == XAI_OK)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (strcmp(words[i].text, text) == 0) {
                *out = words[i].number;
                return XAI_OK;
            }
    return xai__json_fail(value, XAI_E_FORMAT, "expected a number, \"inf\", \"-inf\" or \"nan\"");
}

/* The bounds keep an index from ever being out of range; flags come as numbers from older files. */
static xai_status read_whole(int64_t *out, xai__json_value value, const field *f, const xai_tree *tree)
{
    bool truth = false;

    if (f->kind == FLAG && xai__json_kind(value) == XAI__JSON_BOOL) {
        xai_status status = xai__json_bool(&truth, value);
        *out = truth;
        return status;
    }
    switch (f->kind) {
    case CHILD:
        return xai__json_integer(out, value, -1, (int64_t)tree->n_nodes - 1);
    case FEATURE:
        return xai__json_integer(out, value, -2, (int64_t)tree->n_inputs - 1);
    case FLAG:
        return xai__json_integer(out, value, 0, 1);
    default:
        return xai__json_integer(out, value, 0, UINT32_MAX);
    }
}

static xai_status read_element(xai__cart_node *node, xai__json_value value, const field *f, const xai_tree *tree)
{
    void *at = (char *)node + f->offset;
    int64_t whole = 0;
    xai_status status;

    if (f->kind == REAL)
        return read_number(at, value);
    status = read_whole(&whole, value, f, tree);
    if (f->kind == CHILD || f->kind == FEATURE)
        *(int32_t *)at = (int32_t)whole;
    else
        *(uint32_t *)at = (uint32_t)whole;
    return status;
}

/* A member that is an array with an element a node; "children_left" said how many there are. */
static xai_status get_array(xai__json_value *out, xai__json_value root, const char *key, size_t n_nodes)
{
    xai_status status = xai__json_get(out, root, key);

    if (status == XAI_OK)
        status = xai__json_expect(*out, XAI__JSON_ARRAY);
    if (status == XAI_OK && xai__json_count(*out) != n_nodes)
        status = xai__json_fail(*out, XAI_E_FORMAT, "has %zu elements, but \"children_left\" has %zu",
                                xai__json_count(*out), n_nodes);
    return status;
}

/* One of scikit-learn's arrays into one member of all nodes. */
static xai_status read_field(xai__cart *cart, xai__json_value root, const field *f)
{
    xai__json_value list, child;
    size_t i = 0;
    xai_status status;

    if (f->optional && !xai__json_find(&list, root, f->key))
        return XAI_OK;
    status = get_array(&list, root, f->key, cart->tree.n_nodes);
    if (status < 0)
        return status;
    for (bool more = xai__json_first(&child, list); more && status == XAI_OK; more = xai__json_next(&child))
        status = read_element(&cart->nodes[i++], child, f, &cart->tree);
    return status;
}

/* The classes' numbers of one node: [[a, b]], as scikit-learn has them, or [a, b]. */
static xai_status find_row(xai__json_value *out, xai__json_value value)
{
    xai__json_value inner;
    xai_status status = xai__json_expect(value, XAI__JSON_ARRAY);

    *out = value;
    if (status < 0 || !xai__json_first(&inner, value) || xai__json_kind(inner) != XAI__JSON_ARRAY)
        return status;
    if (xai__json_count(value) != 1)
        return xai__json_fail(value, XAI_E_UNSUPPORTED, "has %zu outputs, only trees with one are read",
                              xai__json_count(value));
    *out = inner;
    return XAI_OK;
}

/* Before scikit-learn 1.3 values were the classes' weights, not their shares. Shares that sum to 1 but for rounding are
 * left as they are, so that a file that was written here is read back bit for bit. */
static xai_status make_shares(double *values, size_t n, xai__json_value row)
{
    double total = 0;

    for (size_t c = 0; c < n; c++) {
        if (values[c] < 0)
            return xai__json_fail(row, XAI_E_FORMAT, "class %zu has %g, expected at least 0", c, values[c]);
        total += values[c];
    }
    if (!(total > 0) || isinf(total))
        return xai__json_fail(row, XAI_E_FORMAT, "the classes' shares sum to %g", total);
    for (size_t c = 0; c < n && fabs(total - 1) > 1e-6; c++)
        values[c] /= total;
    return XAI_OK;
}

static xai_status read_row(xai__cart *cart, double *values, xai__json_value value)
{
    xai__json_value row, child;
    size_t i = 0;
    xai_status status = find_row(&row, value);

    if (status < 0)
        return status;
    for (bool more = xai__json_first(&child, row); more && status == XAI_OK; more = xai__json_next(&child))
        status = xai__json_number(&values[i++], child);
    return status < 0 || cart->regression ? status : make_shares(values, cart->tree.n_classes, row);
}

/* Before any memory: one long row and many short ones would ask for their product, which no file holds. */
static xai_status check_rows(xai__json_value list, size_t n_classes)
{
    xai__json_value child, row;
    xai_status status = XAI_OK;

    for (bool more = xai__json_first(&child, list); more && status == XAI_OK; more = xai__json_next(&child)) {
        status = find_row(&row, child);
        if (status == XAI_OK && xai__json_count(row) != n_classes)
            status = xai__json_fail(row, XAI_E_FORMAT, "has %zu numbers, expected %zu", xai__json_count(row),
                                    n_classes);
    }
    return status;
}

/* One array for all nodes, in which a node's row is found by its number. */
static xai_status read_values(xai__cart *cart, xai__json_value root)
{
    xai__json_value list, child;
    size_t i = 0;
    xai_status status = get_array(&list, root, "value", cart->tree.n_nodes);

    if (status == XAI_OK)
        status = check_rows(list, cart->tree.n_classes);
    if (status < 0)
        return status;
    cart->values = xai__alloc_array(cart->tree.object.context, cart->tree.n_nodes,
                                    cart->tree.n_classes * sizeof *cart->values);
    if (cart->values == NULL)
        return XAI_E_NO_MEMORY;
    for (bool more = xai__json_first(&child, list); more && status == XAI_OK; more = xai__json_next(&child))
        status = read_row(cart, cart->values + cart->tree.n_classes * i++, child);
    return status;
}

/* Every node but the root is the child of one node before it, so there is no cycle and nothing hangs loose. */
static xai_status check_node(xai__cart *cart, xai__json_value root, bool *seen, size_t index)
{
    xai__cart_node *node = &cart->nodes[index];
    const int32_t children[2] = { node->left, node->right };

    if (!(node->weight > 0) || isinf(node->weight))
        return xai__json_fail(root, XAI_E_FORMAT, "node %zu has the weight %g, expected a finite number above 0", index,
                              node->weight);
    if ((node->left < 0) != (node->right < 0))
        return xai__json_fail(root, XAI_E_FORMAT, "node %zu has one child, expected two or none", index);
    if (node->left < 0) {
        xai__cart_make_leaf(node);
        return XAI_OK;
    }
    if (node->feature < 0 || isnan(node->threshold))
        return xai__json_fail(root, XAI_E_FORMAT, "node %zu has children, but no %s", index,
                              node->feature < 0 ? "feature" : "threshold");
    for (int i = 0; i < 2; i++) {
        if ((size_t)children[i] <= index)
            return xai__json_fail(root, XAI_E_FORMAT, "node %zu has the child %ld, expected one behind it", index,
                                  (long)children[i]);
        if (seen[children[i]])
            return xai__json_fail(root, XAI_E_FORMAT, "node %ld has two parents", (long)children[i]);
        seen[children[i]] = true;
    }
    return XAI_OK;
}

/* seen: nodes that are somebody's child. Every node but the root has to be. */
static xai_status check_nodes(xai__cart *cart, xai__json_value root)
{
    xai_context *context = cart->tree.object.context;
    bool *seen = xai__zalloc_array(context, cart->tree.n_nodes, sizeof *seen);
    xai_status status = seen == NULL ? XAI_E_NO_MEMORY : XAI_OK;

    for (size_t i = 0; i < cart->tree.n_nodes && status == XAI_OK; i++)
        status = check_node(cart, root, seen, i);
    for (size_t i = 1; i < cart->tree.n_nodes && status == XAI_OK; i++)
        if (!seen[i])
            status = xai__json_fail(root, XAI_E_FORMAT, "node %zu has no parent", i);
    xai__free(context, seen);
    return status;
}

/* Counts the numbers of the root, which is what every node has to have; the file may say so, too. */
static xai_status count_classes(int64_t *out, xai__json_value root)
{
    xai__json_value list, row, said;
    xai_status status = xai__json_get(&list, root, "value");

    if (status == XAI_OK)
        status = xai__json_expect(list, XAI__JSON_ARRAY);
    if (status == XAI_OK)
        status = xai__json_at(&row, list, 0);
    if (status == XAI_OK)
        status = find_row(&row, row);
    if (status < 0)
        return status;
    *out = (int64_t)xai__json_count(row);
    if (*out < 1)
        return xai__json_fail(row, XAI_E_FORMAT, "has no numbers");
    /* scikit-learn's own n_classes is an array, one number an output. */
    if (!xai__json_find(&said, root, "n_classes") || xai__json_kind(said) == XAI__JSON_ARRAY)
        return XAI_OK;
    return xai__json_get_integer(out, root, "n_classes", *out, *out);
}

/* The sizes of everything, from the lists that are there; "regression" is optional, for a tree with one value a node is
 * taken for one. */
static xai_status read_sizes(xai__cart *cart, xai__json_value root)
{
    xai__json_value list, member;
    int64_t n_features, n_classes;
    size_t n_nodes;
    xai_status status = xai__json_get(&list, root, "children_left");

    if (status == XAI_OK)
        status = xai__json_expect(list, XAI__JSON_ARRAY);
    if (status == XAI_OK)
        status = xai__json_get_integer(&n_features, root, "n_features", 1, INT32_MAX);
    if (status == XAI_OK)
        status = count_classes(&n_classes, root);
    if (status < 0)
        return status;
    n_nodes = xai__json_count(list);
    if (n_nodes == 0 || n_nodes > INT32_MAX)
        return xai__json_fail(list, XAI_E_FORMAT, "has %zu nodes, expected 1 to %d", n_nodes, INT32_MAX);
    cart->nodes = xai__zalloc_array(cart->tree.object.context, n_nodes, sizeof *cart->nodes);
    if (cart->nodes == NULL)
        return XAI_E_NO_MEMORY;
    cart->tree.n_nodes = n_nodes;
    cart->tree.n_inputs = (size_t)n_features;
    cart->tree.n_classes = (size_t)n_classes;
    cart->regression = n_classes == 1;
    if (!xai__json_find(&member, root, "regression"))
        return XAI_OK;
    status = xai__json_bool(&cart->regression, member);
    if (status == XAI_OK && cart->regression && n_classes > 1)
        status = xai__json_fail(member, XAI_E_UNSUPPORTED, "is true, but there are %zu values a node, only one is read",
                                cart->tree.n_classes);
    return status;
}

/* In this order: sizes bound the fields, fields the values; nodes are checked before a label or a fork follows a child.
 */
static xai_status read_all(xai__cart *cart, xai__json_value root)
{
    xai_status status = read_sizes(cart, root);

    for (size_t f = 0; f < N_FIELDS && status == XAI_OK; f++)
        status = read_field(cart, root, &fields[f]);
    if (status == XAI_OK)
        status = read_values(cart, root);
    if (status == XAI_OK)
        status = check_nodes(cart, root);
    if (status == XAI_OK)
        status = xai__names_read(&cart->tree, root);
    return status < 0 ? status : xai__cart_finish(cart);
}

xai_status xai__cart_read(xai_tree **out, xai_context *context, const xai__json *json)
{
    xai__cart *cart = NULL;
    xai_status status = xai__cart_create(&cart, context, 0, 0, false);

    *out = NULL;
    if (status == XAI_OK)
        status = read_all(cart, xai__json_root(json));
    if (status == XAI_OK)
        *out = &cart->tree;
    else if (cart != NULL)
        xai_tree_unref(&cart->tree);
    return status;
}
