/* SPDX-License-Identifier: MIT
 * What a drawing shows of a CART: conditions, impurities, rows and the shares of the classes. */
#include "core/error.h"
#include "tree/cart.h"
#include "tree/names.h"
#include "tree/outline.h"

/* A box has room for so many classes, the likeliest first. */
enum { SHOWN = 3 };

static void add_class(xai__text *text, const xai__outline *outline, const xai_tree *tree, size_t index)
{
    const char *const *names = outline->options->class_names;
    const char *name = names != NULL ? names[index] : NULL;

    if (name == NULL)
        name = xai_tree_class_name(tree, index);
    if (name != NULL)
        xai__text_add(text, "%s", name);
    else
        xai__text_add(text, "class %zu", index);
}

/* The likeliest class that is less likely than the last one, or as likely and behind it. */
static size_t next_class(const double *value, size_t n, size_t last)
{
    size_t best = n;

    for (size_t c = 0; c < n; c++) {
        bool fits = last == n || value[c] < value[last] || (value[c] == value[last] && c > last);
        if (fits && (best == n || value[c] > value[best]))
            best = c;
    }
    return best;
}

/* "setosa 98.00%, virginica 2.00%": the likeliest, without those that have no share at all. */
static void add_shares(xai__text *text, const xai__outline *outline, const xai__cart *cart, const double *value)
{
    char percent[XAI__OUTLINE_PERCENT];
    size_t n = cart->tree.n_classes, at = n;

    for (int i = 0; i < SHOWN; i++) {
        at = next_class(value, n, at);
        if (at == n || (i > 0 && !(value[at] > 0)))
            break;
        xai__text_add(text, i > 0 ? ", " : "");
        add_class(text, outline, &cart->tree, at);
        xai__text_add(text, " %s", xai__outline_percent(percent, value[at]));
    }
}

/* Moves a text that was built up into the outline and empties it. */
static size_t move(xai__outline *outline, xai__text *text)
{
    size_t place = xai__outline_add(outline, xai__text_get(text));

    outline->texts.failed = outline->texts.failed || text->failed;
    text->length = 0;
    return place;
}

/* Id, impurity and rows, shares or mean; a leaf's outcome is what the tree predicts there. */
static void fill_node(xai__outline *outline, xai__text *text, const xai__cart *cart, size_t index)
{
    const xai__cart_node *node = &cart->nodes[index];
    const double *value = cart->values + index * cart->tree.n_classes;
    xai__outline_node *to = &outline->nodes[index];

    to->id = xai__outline_add(outline, cart->labels + cart->label_at[2 * index]);
    xai__text_add(text, "impurity ");
    xai__names_add_number(text, node->impurity);
    xai__text_add(text, ", %lu %s", (unsigned long)node->n_samples, node->n_samples == 1 ? "row" : "rows");
    to->lines[0] = move(outline, text);
    if (cart->regression) {
        xai__text_add(text, "mean ");
        xai__names_add_number(text, value[0]);
    } else
        add_shares(text, outline, cart, value);
    to->lines[1] = move(outline, text);
    if (node->left >= 0)
        return;
    if (cart->regression)
        xai__names_add_number(text, value[0]);
    else
        add_class(text, outline, &cart->tree, next_class(value, cart->tree.n_classes, cart->tree.n_classes));
    to->outcome = move(outline, text);
}

/* The condition belongs to the child, as the name that leads to it. The left one comes first. */
static void fill_children(xai__outline *outline, xai__text *text, const xai__cart *cart, size_t index)
{
    const xai__cart_node *node = &cart->nodes[index];
    const char *const *names = outline->options->feature_names;

    for (int left = 1; left >= 0; left--) {
        uint32_t child = (uint32_t)(left ? node->left : node->right);
        xai__outline_attach(outline, (uint32_t)index, child);
        xai__cart_add_condition(text, cart, node, left != 0, names != NULL ? names[node->feature] : NULL);
        outline->nodes[child].name = move(outline, text);
    }
}

xai_status xai__cart_outline(xai__outline *outline, const xai_tree *tree)
{
    const xai__cart *cart = xai__cart_of(tree);
    xai__text text;

    xai__text_init(&text, outline->context);
    outline->nodes[0].name = xai__outline_add(outline, "root");
    for (size_t i = 0; i < tree->n_nodes; i++) {
        fill_node(outline, &text, cart, i);
        if (cart->nodes[i].left >= 0)
            fill_children(outline, &text, cart, i);
    }
    xai__text_fini(&text);
    if (outline->options->row != NULL)
        outline->leaf = (uint32_t)xai__cart_find_leaf(cart, outline->options->row);
    return XAI_OK;
}
