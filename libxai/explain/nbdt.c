/* SPDX-License-Identifier: MIT
 * Neural-backed decision trees as models: the soft rule of a hierarchy, behind a network's logits, in operators. */
#include <xai/nbdt.h>

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "explain/classifier.h"
#include "graph/names.h"
#include "model/model.h"
#include "ops/op.h"
#include "tree/hierarchy.h"

/* With z the logits and, of a node j, L its leaves: m(j) is the mean of z over L, d(j) the softmax of m among j and its
 * siblings, and P(class) the product of d over the path to the class: nbdt's SoftEmbeddedDecisionRules. Sums and
 * products over sets of nodes become GATHER and SCATTER_SUM with constant indices. Those are floats, exact up to 2^24.
 */
enum { MAX_PATHS = 1 << 22 };

/* The part of a graph that decides, under construction. After a failure values are negative and stay so. */
typedef struct decider {
    xai__graph *graph;
    const xai__hierarchy *h;
    size_t n_nodes, n_classes, n_paths; /* n_paths: nodes on the paths to all classes */
    uint32_t *position;                 /* of a node, in the order of the file */
    uint32_t *paths;                    /* where each class is after 0 to depth steps from the root, a row a class */
    size_t depth;                       /* of the deepest leaf */
    float *block;                       /* constant that is being filled, of n_filled elements so far */
    size_t n_filled;
} decider;

/* --- constants and operators --- */

static xai_status begin_constant(decider *d, size_t capacity)
{
    d->block = xai__graph_block(d->graph, capacity);
    d->n_filled = 0;
    return d->block != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

static void fill_in(decider *d, double element)
{
    d->block[d->n_filled++] = (float)element;
}

static int32_t end_vector(decider *d)
{
    const int64_t n = (int64_t)d->n_filled;

    return xai__graph_add_constant(d->graph, &n, 1, d->block);
}

/* b is -1 where the operator has one input. Values that failed are statuses, and go through unchanged. */
static int32_t add(decider *d, uint32_t op, const xai__attributes *attributes, int32_t a, int32_t b)
{
    const int32_t inputs[2] = { a, b };

    return a < 0 ? a : b < -1 ? b : xai__op_add(d->graph, op, attributes, inputs, b == -1 ? 1 : 2);
}

static int32_t gather(decider *d, int32_t x, int32_t indices)
{
    const xai__attributes a = xai__attributes_default();

    return add(d, XAI__OP_GATHER, &a, x, indices);
}

/* Adds element i of x to node indices[i]; nodes that no index names are 0. 1 x n_nodes. */
static int32_t scatter(decider *d, int32_t x, int32_t indices)
{
    xai__attributes a = xai__attributes_default();

    a.rank = 2;
    a.shape[0] = 1;
    a.shape[1] = (int64_t)d->n_nodes;
    return add(d, XAI__OP_SCATTER_SUM, &a, x, indices);
}

static int32_t multiply(decider *d, int32_t a, int32_t b)
{
    const xai__attributes none = xai__attributes_default();

    return add(d, XAI__OP_MUL, &none, a, b);
}

static int32_t reshape(decider *d, int32_t x, uint32_t rank, int64_t rows, int64_t columns)
{
    xai__attributes a = xai__attributes_default();

    a.rank = rank;
    a.shape[0] = 1;
    a.shape[1] = rank == 3 ? rows : rows * columns;
    a.shape[2] = columns;
    return add(d, XAI__OP_RESHAPE, &a, x, -1);
}

/* --- structure --- */

static size_t depth_of(const decider *d, uint32_t node)
{
    size_t depth = 0;

    for (; node != 0; node = d->h->nodes[node].parent)
        depth++;
    return depth;
}

static xai_status measure(decider *d)
{
    for (size_t c = 0; c < d->n_classes; c++) {
        size_t depth = depth_of(d, d->h->leaves[c]);

        d->depth = depth > d->depth ? depth : d->depth;
        d->n_paths += depth + 1;
    }
    if (d->n_paths > MAX_PATHS || (d->depth + 1) * d->n_classes > MAX_PATHS)
        return xai__fail(XAI_E_LIMIT, "the paths to %zu classes, up to %zu steps deep, have more than %d nodes",
                         d->n_classes, d->depth, MAX_PATHS);
    return XAI_OK;
}

/* A path that has ended waits at the root, whose probability is 1: so all classes take as many factors as the deepest
 * one, and each step is one product of rows. */
static xai_status lay_out(decider *d)
{
    const xai__hierarchy *h = d->h;

    d->position = xai__alloc_array(d->graph->context, d->n_nodes, sizeof *d->position);
    d->paths = xai__zalloc_array(d->graph->context, d->n_classes * (d->depth + 1), sizeof *d->paths);
    if (d->position == NULL || d->paths == NULL)
        return XAI_E_NO_MEMORY;
    for (uint32_t i = 0; i < d->n_nodes; i++)
        d->position[h->file_order[i]] = i;
    for (size_t c = 0; c < d->n_classes; c++) {
        uint32_t node = h->leaves[c];

        for (size_t step = depth_of(d, node); step > 0; step--) {
            d->paths[c * (d->depth + 1) + step] = node;
            node = h->nodes[node].parent;
        }
    }
    return XAI_OK;
}

/* --- the rule --- */

/* Node by node, the classes below it, so that each node's sum is one run of neighbours; or those nodes, beside each of
 * their classes. The first says what to gather, the second where to add it. ends[i] is where the next class of node i
 * goes; classes climb to the root, and leave themselves at every node on the way. */
static int32_t list_members(decider *d, bool wants_classes)
{
    const xai__hierarchy *h = d->h;
    size_t *ends = xai__alloc_array(d->graph->context, d->n_nodes + 1, sizeof *ends);
    xai_status status = ends != NULL ? begin_constant(d, d->n_paths) : XAI_E_NO_MEMORY;
    size_t end = 0;

    for (size_t i = 0; status == XAI_OK && i < d->n_nodes; i++) {
        ends[i] = end;
        end += (size_t)h->counts[i];
    }
    for (size_t c = 0; status == XAI_OK && c < d->n_classes; c++)
        for (uint32_t i = h->leaves[c], more = 1; more; i = h->nodes[i].parent) {
            more = i != 0;
            d->block[ends[i]++] = (float)(wants_classes ? c : d->position[i]);
        }
    xai__free(d->graph->context, ends);
    d->n_filled = d->n_paths;
    return status < 0 ? status : end_vector(d);
}

/* Means of the logits of the classes under each node. */
static int32_t add_means(decider *d, int32_t logits)
{
    const int64_t shape[2] = { 1, (int64_t)d->n_nodes };
    int32_t classes = list_members(d, true), nodes = list_members(d, false);
    int32_t sums = scatter(d, gather(d, logits, classes), nodes);
    xai_status status = sums < 0 ? sums : begin_constant(d, d->n_nodes);

    if (status < 0)
        return status;
    for (size_t i = 0; i < d->n_nodes; i++)
        fill_in(d, 1 / d->h->counts[d->h->file_order[i]]);
    return multiply(d, sums, xai__graph_add_constant(d->graph, shape, 2, d->block));
}

/* Fills in the nodes that have n_siblings with themselves, sibling beside sibling; the root has itself alone. */
static int32_t list_siblings(decider *d, uint32_t n_siblings)
{
    const xai__hierarchy_node *nodes = d->h->nodes;
    xai_status status = begin_constant(d, d->n_nodes);

    if (status < 0)
        return status;
    if (n_siblings == 1)
        fill_in(d, d->position[0]);
    for (size_t i = 0; i < d->n_nodes; i++)
        for (uint32_t k = 0; nodes[i].n_children == n_siblings && k < n_siblings; k++)
            fill_in(d, d->position[nodes[i].first + k]);
    return end_vector(d);
}

/* Softmax among as many siblings at a time, put back in their places: the means of all families of one size are a
 * matrix, groups x n_siblings, over whose last axis (1 x groups x n has it as axis 2) one operator goes. */
static int32_t soften_siblings(decider *d, int32_t means, uint32_t n_siblings)
{
    int32_t nodes = list_siblings(d, n_siblings), x = gather(d, means, nodes);
    int64_t groups = (int64_t)d->n_filled / n_siblings;
    xai__attributes a = xai__attributes_default();

    a.axis = 2;
    x = add(d, XAI__OP_SOFTMAX, &a, reshape(d, x, 3, groups, n_siblings), -1);
    return scatter(d, reshape(d, x, 2, groups, n_siblings), nodes);
}

/* The next larger number of children; 0 if there is none. */
static uint32_t next_count(const decider *d, uint32_t count)
{
    uint32_t next = 0;

    for (size_t i = 0; i < d->n_nodes; i++) {
        uint32_t n = d->h->nodes[i].n_children;

        if (n > count && (next == 0 || n < next))
            next = n;
    }
    return next;
}

/* Families of every size; each node is in one, so that adding them up changes no bit. */
static int32_t add_decisions(decider *d, int32_t means)
{
    const xai__attributes none = xai__attributes_default();
    int32_t sum = soften_siblings(d, means, 1);

    for (uint32_t n = next_count(d, 1); n > 0 && sum >= 0; n = next_count(d, n)) {
        int32_t part = soften_siblings(d, means, n);

        sum = part < 0 ? part : add(d, XAI__OP_ADD, &none, sum, part);
    }
    return sum;
}

static int32_t list_step(decider *d, size_t step)
{
    xai_status status = begin_constant(d, d->n_classes);

    if (status < 0)
        return status;
    for (size_t c = 0; c < d->n_classes; c++)
        fill_in(d, d->position[d->paths[c * (d->depth + 1) + step]]);
    return end_vector(d);
}

/* Products along the paths, all classes a step down at a time. The root's own factor, at step 0, is 1 and left out,
 * unless it is the only node. */
static int32_t add_products(decider *d, int32_t decisions)
{
    int32_t product = gather(d, decisions, list_step(d, d->depth > 0 ? 1 : 0));

    for (size_t step = 2; step <= d->depth && product >= 0; step++)
        product = multiply(d, product, gather(d, decisions, list_step(d, step)));
    return product;
}

static xai_status name_values(xai__graph *graph, int32_t means, int32_t decisions)
{
    xai_status status = xai__graph_name(graph, means, "tree.logits");

    if (status == XAI_OK)
        status = xai__graph_name(graph, decisions, "tree.decisions");
    if (status == XAI_OK)
        status = xai__graph_name(graph, graph->output, "tree");
    return status == XAI_OK ? xai__graph_finish_names(graph) : status;
}

static xai_status add_tree(xai__graph *graph, const xai_tree *tree)
{
    decider d = {
        .graph = graph, .h = (const xai__hierarchy *)tree, .n_nodes = tree->n_nodes, .n_classes = tree->n_classes
    };
    int32_t means = -1, decisions = -1;
    xai_status status = measure(&d);

    if (status == XAI_OK)
        status = lay_out(&d);
    if (status == XAI_OK)
        status = means = add_means(&d, graph->output);
    if (status >= 0)
        status = decisions = add_decisions(&d, means);
    if (status >= 0)
        status = graph->output = add_products(&d, decisions);
    xai__free(graph->context, d.position);
    xai__free(graph->context, d.paths);
    return status < 0 ? status : name_values(graph, means, decisions);
}

/* --- the model --- */

/* The map that the network's own classifier reads stays the one to look at. */
static xai_status keep_layer(xai_model *model)
{
    xai__classifier classifier;

    if (model->cam_layer != NULL)
        return XAI_OK;
    if (xai__classifier_find(&classifier, &model->base->graph) < 0) {
        xai__enter(); /* a network without one is no failure */
        return XAI_OK;
    }
    if (classifier.layer < 0 || model->graph.values[classifier.layer].name == NULL)
        return XAI_OK;
    model->cam_layer = xai__strdup(model->object.context, model->graph.values[classifier.layer].name);
    return model->cam_layer != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

static xai_status check_mode(const char *mode)
{
    if (mode == NULL || strcmp(mode, "soft") == 0)
        return XAI_OK;
    if (strcmp(mode, "hard") == 0)
        return xai__fail(XAI_E_UNSUPPORTED,
                         "a hard tree's output is one-hot and has no slope to explain; use mode soft, "
                         "or xai_tree_predict() for its decisions");
    return xai__fail(XAI_E_NOT_FOUND, "there is no mode '%.40s'; there is soft", mode);
}

static xai_status check_fit(const xai_model *model, const xai_tree *tree)
{
    size_t n_classes = xai_model_n_classes(model);

    if (tree->kind->kind != XAI_TREE_HIERARCHY)
        return xai__fail(XAI_E_INVALID, "the tree is not a hierarchy of classes");
    if (tree->n_classes != n_classes)
        return xai__fail(XAI_E_SHAPE, "the hierarchy has %zu classes, but the network %s has %zu", tree->n_classes,
                         model->architecture, n_classes);
    if (model->gives_probabilities)
        return xai__fail(XAI_E_UNSUPPORTED, "%s gives probabilities, but a hierarchy decides by logits",
                         model->architecture);
    return XAI_OK;
}

static xai_status derive(xai_model **out, xai_model *base, const xai_tree *tree)
{
    char *name = xai__format(base->object.context, "%s with a tree", base->architecture);
    xai_model *model = NULL;
    xai_status status = name != NULL ? xai__model_derive(&model, base, name) : XAI_E_NO_MEMORY;

    xai__free(base->object.context, name);
    if (status == XAI_OK)
        status = add_tree(&model->graph, tree);
    if (status == XAI_OK)
        status = keep_layer(model);
    if (status < 0) {
        xai_model_unref(model);
        return status;
    }
    /* The products add up to 1 over the classes: a softmax over them would explain another function. */
    model->gives_probabilities = true;
    *out = model;
    return XAI_OK;
}

xai_status xai_model_with_tree(xai_model **out, xai_model *model, const xai_tree *tree, const xai_nbdt_options *options)
{
    xai_nbdt_options read;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || model == NULL || tree == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : model == NULL ? "model" : "tree");
    status = XAI__OPTIONS_READ(&read, options);
    if (status == XAI_OK)
        status = check_mode(read.mode);
    if (status == XAI_OK)
        status = check_fit(model, tree);
    return status == XAI_OK ? derive(out, model, tree) : status;
}
