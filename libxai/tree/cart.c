/* SPDX-License-Identifier: MIT
 * CART as a tree: predictions, the path of a row, conditions in words.
 *
 * A row goes down twice over, and both ways have to agree on every float. The nodes hold what scikit-learn holds,
 * doubles and all; forks are the same decisions packed for speed, with thresholds rounded down to a float: no float
 * lies between the two, so x <= threshold is the same question. */
#include "tree/cart.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/threads.h"
#include "tree/names.h"

static void fini(xai_tree *tree)
{
    xai__cart *cart = xai__cart_of(tree);

    xai__free(tree->object.context, cart->nodes);
    xai__free(tree->object.context, cart->forks);
    xai__free(tree->object.context, cart->values);
    xai__free(tree->object.context, cart->labels);
    xai__free(tree->object.context, cart->label_at);
}

/* By the nodes, for single rows. */
size_t xai__cart_find_leaf(const xai__cart *cart, const float *row)
{
    int32_t at = 0;

    while (cart->nodes[at].left >= 0)
        at = xai__cart_step(&cart->nodes[at], row);
    return (size_t)at;
}

/* Rows that go down together: one step has to wait for the last, so they had better wait at the same time. */
enum { ABREAST = 4, TOP_BIT = 31 };

/* No branch hangs on the row, for nothing could predict it. A NaN compares false with everything, so it would go left;
 * the top bit sends it right. A leaf leads to itself, and it does not matter what it compares. */
static inline int32_t descend(const xai__cart_fork *fork, const float *row)
{
    float x = row[fork->feature & INT32_MAX];
    uint32_t right = (uint32_t)(x > fork->threshold) | ((uint32_t)(x != x) & fork->feature >> TOP_BIT);

    return fork->children[right];
}

/* Four rows at once, until none of them moves any more. */
static void find_leaves(int32_t *at, const xai__cart *cart, const float *rows)
{
    const xai__cart_fork *forks = cart->forks;
    size_t width = cart->tree.n_inputs;
    int32_t a = 0, b = 0, c = 0, d = 0;
    bool moving = true;

    while (moving) {
        const int32_t old_a = a, old_b = b, old_c = c, old_d = d;
        a = descend(&forks[a], rows);
        b = descend(&forks[b], rows + width);
        c = descend(&forks[c], rows + 2 * width);
        d = descend(&forks[d], rows + 3 * width);
        moving = ((a ^ old_a) | (b ^ old_b) | (c ^ old_c) | (d ^ old_d)) != 0;
    }
    at[0] = a;
    at[1] = b;
    at[2] = c;
    at[3] = d;
}

/* A call of predict(), for the threads. */
typedef struct prediction {
    const xai__cart *cart;
    const float *rows;
    float *out;
    size_t n_rows;
} prediction;

/* Rows that one task takes: a multiple of ABREAST. */
enum { TASK_ROWS = 1024 };

/* The rows of one task. Four at a time find their leaves together; the last few, fewer than four, go by the nodes. */
static void predict_rows(void *job, size_t index, size_t lane)
{
    const prediction *p = job;
    size_t n_classes = p->cart->tree.n_classes, n_inputs = p->cart->tree.n_inputs, first = index * TASK_ROWS;
    size_t end = p->n_rows - first < TASK_ROWS ? p->n_rows : first + TASK_ROWS;
    int32_t at[ABREAST];

    (void)lane;
    for (size_t i = first; i < end; i++) {
        const double *value;
        if (i % ABREAST == 0 && i + ABREAST <= end)
            find_leaves(at, p->cart, p->rows + i * n_inputs);
        else if (i % ABREAST == 0)
            for (size_t k = 0; i + k < end; k++)
                at[k] = (int32_t)xai__cart_find_leaf(p->cart, p->rows + (i + k) * n_inputs);
        value = p->cart->values + (size_t)at[i % ABREAST] * n_classes;
        for (size_t c = 0; c < n_classes; c++)
            p->out[i * n_classes + c] = (float)value[c];
    }
}

static xai_status predict(float *out, const xai_tree *tree, const float *rows, size_t n_rows, uint32_t mode)
{
    prediction job = { xai__cart_of(tree), rows, out, n_rows };
    size_t n_tasks = (n_rows + TASK_ROWS - 1) / TASK_ROWS;
    xai__team team;

    (void)mode;
    if (n_tasks <= 1) {
        if (n_tasks == 1)
            predict_rows(&job, 0, 0);
        return XAI_OK;
    }
    team = xai__team_take(tree->object.context);
    xai__team_run(&team, n_tasks, predict_rows, &job);
    xai__team_give_back(&team);
    return XAI_OK;
}

/* The first of the likeliest classes, as an argmax; -1 where there are no classes. */
static int64_t find_class(const xai__cart *cart, int32_t node)
{
    const double *value = cart->values + (size_t)node * cart->tree.n_classes;
    size_t best = 0;

    if (cart->regression || cart->nodes[node].left >= 0)
        return -1;
    for (size_t c = 1; c < cart->tree.n_classes; c++)
        if (value[c] > value[best])
            best = c;
    return (int64_t)best;
}

/* Counts all steps and fills those that there is room for. */
static xai_status decisions(size_t *n, const xai_tree *tree, const float *row, uint32_t mode, xai_decision *steps,
                            size_t capacity)
{
    const xai__cart *cart = xai__cart_of(tree);

    (void)mode;
    for (int32_t at = 0; at >= 0;) {
        if (*n < capacity)
            steps[*n] = (xai_decision){ .node = cart->labels + cart->label_at[2 * at],
                                        .name = cart->labels + cart->label_at[2 * at + 1],
                                        .probability = 1,
                                        .class_index = find_class(cart, at) };
        ++*n;
        at = cart->nodes[at].left < 0 ? -1 : xai__cart_step(&cart->nodes[at], row);
    }
    return XAI_OK;
}

static const xai__tree_kind cart_kind = { .kind = XAI_TREE_CART,
                                          .fini = fini,
                                          .predict = predict,
                                          .decisions = decisions,
                                          .write_json = xai__cart_write,
                                          .outline = xai__cart_outline };

xai_status xai__cart_check(const xai_tree *tree)
{
    return tree->kind == &cart_kind ? XAI_OK : xai__fail(XAI_E_INVALID, "the tree is no CART");
}

xai_status xai__cart_create(xai__cart **out, xai_context *context, size_t n_inputs, size_t n_classes, bool regression)
{
    xai_tree *tree = NULL;
    xai_status status = xai__tree_create(&tree, context, &cart_kind, sizeof(xai__cart));

    *out = tree == NULL ? NULL : xai__cart_of(tree);
    if (status < 0)
        return status;
    tree->n_inputs = n_inputs;
    tree->n_classes = n_classes;
    (*out)->regression = regression;
    return XAI_OK;
}

/* Values grow in step with the nodes: whenever the number of nodes is a power of two. */
static bool grow_values(xai__cart *cart)
{
    size_t n = cart->tree.n_nodes, count;
    double *values;

    if (n > 0 && (n & (n - 1)) != 0)
        return true;
    if (!xai__mul_size(&count, n > 0 ? 2 * n : 1, cart->tree.n_classes)) {
        xai__fail_memory();
        return false;
    }
    values = xai__realloc_array(cart->tree.object.context, cart->values, count, sizeof *values);
    if (values != NULL)
        cart->values = values;
    return values != NULL;
}

xai__cart_node *xai__cart_add(xai__cart *cart)
{
    xai__cart_node *node;

    if (!grow_values(cart))
        return NULL;
    node = xai__grow(cart->tree.object.context, &cart->nodes, cart->tree.n_nodes, sizeof *node);
    if (node != NULL)
        memset(node, 0, sizeof *node);
    return node;
}

void xai__cart_add_condition(xai__text *text, const xai__cart *cart, const xai__cart_node *parent, bool left,
                             const char *name)
{
    bool missing = left == (parent->missing_left != 0);

    if (name != NULL)
        xai__text_add(text, "%s", name);
    else
        xai__names_add_feature(text, &cart->tree, (size_t)parent->feature);
    /* x <= infinity is true of all that is not missing. */
    if (isinf(parent->threshold) && parent->threshold > 0 && !parent->missing_left)
        xai__text_add(text, " is%s missing", missing ? "" : " not");
    else {
        xai__text_add(text, left ? " <= " : " > ");
        xai__names_add_number(text, parent->threshold);
    }
}

/* A node's id, and the conditions of both of its children. Texts are remembered by their places until all are there,
 * since the buffer moves as it grows. */
static void add_labels(xai__text *text, xai__cart *cart, size_t index)
{
    const xai__cart_node *node = &cart->nodes[index];

    cart->label_at[2 * index] = text->length;
    xai__text_add(text, "%zu%c", index, 0);
    for (int left = 1; left >= 0 && node->left >= 0; left--) {
        cart->label_at[2 * (size_t)(left ? node->left : node->right) + 1] = text->length;
        xai__cart_add_condition(text, cart, node, left != 0, NULL);
        xai__text_add(text, "%c", 0);
    }
}

/* (float) rounds to the nearest, so the result may lie above the threshold; then the next float down is the one. */
static xai__cart_fork make_fork(const xai__cart_node *node, int32_t index)
{
    bool leaf = node->left < 0;
    float threshold = (float)node->threshold;

    if ((double)threshold > node->threshold)
        threshold = nextafterf(threshold, -INFINITY);
    if (leaf)
        return (xai__cart_fork){ 0, 0, { index, index } };
    return (xai__cart_fork){ threshold,
                             (uint32_t)node->feature | (uint32_t)(node->missing_left == 0) << TOP_BIT,
                             { node->left, node->right } };
}

xai_status xai__cart_finish(xai__cart *cart)
{
    xai_context *context = cart->tree.object.context;
    size_t n_nodes = cart->tree.n_nodes;
    xai__text text;

    xai__text_init(&text, context);
    cart->forks = xai__alloc_array(context, n_nodes, sizeof *cart->forks);
    cart->label_at = xai__zalloc_array(context, n_nodes, 2 * sizeof *cart->label_at);
    if (cart->forks == NULL || cart->label_at == NULL)
        return XAI_E_NO_MEMORY;
    xai__text_add(&text, "root%c", 0);
    for (size_t i = 0; i < n_nodes; i++) {
        cart->forks[i] = make_fork(&cart->nodes[i], (int32_t)i);
        add_labels(&text, cart, i);
    }
    cart->labels = text.data;
    return text.failed ? xai__fail_memory() : XAI_OK;
}
