/* SPDX-License-Identifier: MIT
 * DNDT as JSON: "cuts" and "temperatures" a feature, "leaf_scores" a leaf, the first feature's bin changing slowest. */
#include "core/error.h"
#include "core/number.h"
#include "tree/dndt.h"
#include "tree/names.h"

/* --- out --- */

/* All numbers are finite: they were trained so, or read from JSON, which has no others. */
static void add_row(xai__text *text, const double *numbers, size_t n)
{
    char buffer[XAI__NUMBER_SIZE];

    for (size_t i = 0; i < n; i++)
        xai__text_add(text, "%s%s", i > 0 ? "," : "[", xai__number_write(buffer, numbers[i]));
    xai__text_add(text, "]");
}

static void add_rows(xai__text *text, const char *key, const double *numbers, size_t n_rows, size_t n)
{
    xai__text_add(text, ",\n\"%s\":[", key);
    for (size_t i = 0; i < n_rows; i++) {
        xai__text_add(text, i > 0 ? "," : "");
        add_row(text, numbers + i * n, n);
    }
    xai__text_add(text, "]");
}

xai_status xai__dndt_write(xai__text *text, const xai_tree *tree)
{
    const xai__dndt *dndt = xai__dndt_of(tree);
    xai_status status;

    xai__text_add(text, "{\"n_features\":%zu,\"n_classes\":%zu", tree->n_inputs, tree->n_classes);
    status = xai__names_write(text, tree);
    if (status < 0)
        return status;
    add_rows(text, "cuts", dndt->cuts, tree->n_inputs, dndt->n_cuts);
    xai__text_add(text, ",\n\"temperatures\":");
    add_row(text, dndt->temperatures, tree->n_inputs);
    add_rows(text, "leaf_scores", dndt->scores, dndt->n_leaves, tree->n_classes);
    xai__text_add(text, "}\n");
    return text->failed ? xai__fail_memory() : XAI_OK;
}

/* --- in --- */

static xai_status get_array(xai__json_value *out, xai__json_value object, const char *key)
{
    xai_status status = xai__json_get(out, object, key);

    return status < 0 ? status : xai__json_expect(*out, XAI__JSON_ARRAY);
}

static xai_status check_count(xai__json_value list, size_t n)
{
    xai_status status = xai__json_expect(list, XAI__JSON_ARRAY);

    if (status == XAI_OK && xai__json_count(list) != n)
        status = xai__json_fail(list, XAI_E_FORMAT, "has %zu elements, expected %zu", xai__json_count(list), n);
    return status;
}

static xai_status read_row(double *out, xai__json_value list, size_t n)
{
    xai__json_value child;
    xai_status status = check_count(list, n);

    if (status < 0)
        return status;
    for (bool more = xai__json_first(&child, list); more && status == XAI_OK; more = xai__json_next(&child))
        status = xai__json_number(out++, child);
    return status;
}

/* Row after row into one array. */
static xai_status read_rows(double *out, xai__json_value list, size_t n_rows, size_t n)
{
    xai__json_value child;
    xai_status status = check_count(list, n_rows);

    if (status < 0)
        return status;
    for (bool more = xai__json_first(&child, list); more && status == XAI_OK; more = xai__json_next(&child)) {
        status = read_row(out, child, n);
        out += n;
    }
    return status;
}

/* Rows of n numbers each, before memory for all of them is asked for. */
static xai_status check_rows(xai__json_value list, size_t n_rows, size_t n)
{
    xai__json_value child;
    xai_status status = check_count(list, n_rows);

    if (status < 0)
        return status;
    for (bool more = xai__json_first(&child, list); more && status == XAI_OK; more = xai__json_next(&child))
        status = check_count(child, n);
    return status;
}

/* What the arithmetic relies on: cuts that ascend, temperatures that can be divided by. */
static xai_status check_numbers(const xai__dndt *dndt, xai__json_value cuts, xai__json_value temperatures)
{
    for (size_t i = 0; i < dndt->tree.n_inputs * dndt->n_cuts; i++)
        if (i % dndt->n_cuts > 0 && dndt->cuts[i] < dndt->cuts[i - 1])
            return xai__json_fail(cuts, XAI_E_FORMAT, "the cuts of feature %zu do not ascend", i / dndt->n_cuts);
    for (size_t f = 0; f < dndt->tree.n_inputs; f++)
        if (!(dndt->temperatures[f] > 0))
            return xai__json_fail(temperatures, XAI_E_FORMAT,
                                  "feature %zu has the temperature %g, expected one above 0", f, dndt->temperatures[f]);
    return XAI_OK;
}

/* As many numbers as the first element has; the others are held to it later. */
static xai_status measure(size_t *n, xai__json_value list)
{
    xai__json_value first;
    xai_status status = xai__json_at(&first, list, 0);

    if (status == XAI_OK)
        status = xai__json_expect(first, XAI__JSON_ARRAY);
    if (status < 0)
        return status;
    *n = xai__json_count(first);
    return *n > 0 ? XAI_OK : xai__json_fail(first, XAI_E_FORMAT, "has no numbers");
}

/* A tree of the file's sizes, which its lists have to agree on. */
static xai_status create(xai__dndt **out, xai_context *context, xai__json_value cuts, xai__json_value scores)
{
    size_t n_inputs = xai__json_count(cuts), n_cuts = 0, n_classes = 0, n_leaves, n_nodes;
    xai_status status = measure(&n_cuts, cuts);

    if (status == XAI_OK)
        status = measure(&n_classes, scores);
    /* Before any memory: as many leaves as the cuts make have to stand in the file. */
    if (status == XAI_OK)
        status = xai__dndt_count(&n_leaves, &n_nodes, n_inputs, n_cuts);
    if (status == XAI_OK)
        status = check_rows(scores, n_leaves, n_classes);
    return status < 0 ? status : xai__dndt_create(out, context, n_inputs, n_cuts, n_classes);
}

static xai_status read_all(xai__dndt **out, xai_context *context, xai__json_value root)
{
    xai__json_value cuts, temperatures, scores;
    size_t n_inputs;
    xai_status status = get_array(&cuts, root, "cuts");

    if (status == XAI_OK)
        status = get_array(&temperatures, root, "temperatures");
    if (status == XAI_OK)
        status = get_array(&scores, root, "leaf_scores");
    if (status == XAI_OK)
        status = create(out, context, cuts, scores);
    if (status < 0)
        return status;
    n_inputs = (*out)->tree.n_inputs;
    status = read_rows((*out)->cuts, cuts, n_inputs, (*out)->n_cuts);
    if (status == XAI_OK)
        status = read_row((*out)->temperatures, temperatures, n_inputs);
    if (status == XAI_OK)
        status = read_rows((*out)->scores, scores, (*out)->n_leaves, (*out)->tree.n_classes);
    if (status == XAI_OK)
        status = check_numbers(*out, cuts, temperatures);
    if (status == XAI_OK)
        status = xai__names_read(&(*out)->tree, root);
    return status < 0 ? status : xai__dndt_label(*out);
}

/* A tree that was made and could not be filled is dropped here, by the same function as any other. */
xai_status xai__dndt_read(xai_tree **out, xai_context *context, const xai__json *json)
{
    xai__dndt *dndt = NULL;
    xai_status status = read_all(&dndt, context, xai__json_root(json));

    *out = NULL;
    if (status == XAI_OK)
        *out = &dndt->tree;
    else if (dndt != NULL)
        xai_tree_unref(&dndt->tree);
    return status;
}
