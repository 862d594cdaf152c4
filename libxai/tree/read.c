/* SPDX-License-Identifier: MIT
 * Trees from JSON: a key that only one kind's files have says which reader takes a document. */
#include "core/error.h"
#include "tree/cart.h"
#include "tree/dndt.h"
#include "tree/hierarchy.h"

/* A million nodes take nine values each; the text of such a file stays below 256 MiB. */
static const xai__json_options limits = { .max_size = (size_t)256 << 20, .max_values = (size_t)12 << 20 };

typedef struct tree_reader {
    const char *key;
    xai_status (*read)(xai_tree **out, xai_context *context, const xai__json *json);
} tree_reader;

static const tree_reader readers[] = {
    { "nodes", xai__hierarchy_read },
    { "children_left", xai__cart_read },
    { "cuts", xai__dndt_read },
};

/* The document goes once the tree is made: every kind copies what it keeps. */
static xai_status read_tree(xai_tree **out, xai_context *context, const xai__json *json)
{
    xai__json_value root = xai__json_root(json), member;
    xai_status status = xai__json_expect(root, XAI__JSON_OBJECT);

    if (status < 0)
        return status;
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (xai__json_find(&member, root, readers[i].key))
            return readers[i].read(out, context, json);
    return xai__json_fail(root, XAI_E_FORMAT, "is not a tree: it has no \"nodes\", \"children_left\" or \"cuts\"");
}

xai_status xai_tree_load(xai_tree **out, xai_context *context, const char *path)
{
    xai__json *json = NULL;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || context == NULL || path == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : context == NULL ? "context" : "path");
    status = xai__json_load(&json, context, path, &limits);
    if (status == XAI_OK)
        status = read_tree(out, context, json);
    xai__json_free(json);
    return status;
}

xai_status xai_tree_load_memory(xai_tree **out, xai_context *context, const void *bytes, size_t size)
{
    xai__json *json = NULL;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || context == NULL || (bytes == NULL && size > 0))
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : context == NULL ? "context" : "bytes");
    status = xai__json_parse(&json, context, "memory", size > 0 ? bytes : "", size, &limits);
    if (status == XAI_OK)
        status = read_tree(out, context, json);
    xai__json_free(json);
    return status;
}
