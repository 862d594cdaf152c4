/* SPDX-License-Identifier: MIT
 * Trees out: one table of formats and their endings for texts in memory and for files. */
#include <string.h>
#include <strings.h>

#include "core/error.h"
#include "core/options.h"
#include "io/file.h"
#include "io/file_name.h"
#include "tree/hierarchy.h"
#include "tree/outline.h"

/* By enum xai_tree_format. */
static const struct {
    const char *ending;
    xai_status (*write)(xai__text *text, const xai__outline *outline); /* NULL: the kind's own JSON */
} formats[] = {
    { ".txt", xai__export_text },  { ".json", NULL }, { ".dot", xai__export_dot }, { ".svg", xai__export_svg },
    { ".html", xai__export_html },
};

#define N_FORMATS (sizeof formats / sizeof *formats)

/* All that can be refused is refused before anything is drawn. */
static xai_status read_options(xai_export_options *out, const xai_tree *tree, const xai_export_options *options)
{
    xai_status status = XAI__OPTIONS_READ(out, options);

    if (status < 0)
        return status;
    if (out->mode > XAI_TREE_SOFT || (out->flags & ~(uint32_t)XAI_EXPORT_EDGES) != 0)
        return xai__fail(XAI_E_INVALID, "mode is %u, flags are %u", out->mode, out->flags);
    if ((out->flags & XAI_EXPORT_EDGES) && tree->kind->kind != XAI_TREE_HIERARCHY)
        return xai__fail(XAI_E_INVALID, "only a hierarchy's JSON has edges");
    if (out->row == NULL && out->row_size != 0)
        return xai__fail(XAI_E_INVALID, "row is NULL, but its size is %zu", out->row_size);
    if (out->row != NULL && out->row_size != tree->n_inputs)
        return xai__fail(XAI_E_SHAPE, "the row has %zu numbers, but the tree takes %zu", out->row_size, tree->n_inputs);
    return XAI_OK;
}

/* Every format but JSON draws an outline; JSON is the tree itself, so that it can be read back. */
static xai_status write_drawing(xai__text *text, const xai_tree *tree, uint32_t format,
                                const xai_export_options *options)
{
    xai__outline outline = { 0 };
    xai_status status = xai__outline_create(&outline, tree, options);

    if (status == XAI_OK)
        status = formats[format].write(text, &outline);
    xai__outline_fini(&outline);
    return status;
}

static xai_status write_json(xai__text *text, const xai_tree *tree, const xai_export_options *options)
{
    if (options->flags & XAI_EXPORT_EDGES)
        return xai__hierarchy_write_as(text, tree, "edges");
    return xai__tree_write_json(text, tree);
}

static xai_status write(xai__text *text, const xai_tree *tree, uint32_t format, const xai_export_options *options)
{
    xai_export_options read;
    xai_status status = read_options(&read, tree, options);

    if (status == XAI_OK)
        status = formats[format].write != NULL ? write_drawing(text, tree, format, &read)
                                               : write_json(text, tree, &read);
    return status < 0 ? status : text->failed ? xai__fail_memory() : XAI_OK;
}

size_t xai_tree_export(const xai_tree *tree, uint32_t format, const xai_export_options *options, char *buffer,
                       size_t capacity)
{
    xai__text text;
    size_t length = 0;

    xai__enter();
    if (tree == NULL || (buffer == NULL && capacity > 0)) {
        xai__fail(XAI_E_INVALID, "%s is NULL", tree == NULL ? "tree" : "buffer");
        return 0;
    }
    if (format >= N_FORMATS) {
        xai__fail(XAI_E_INVALID, "there is no format %u of trees", format);
        return 0;
    }
    xai__text_init(&text, tree->object.context);
    if (write(&text, tree, format, options) == XAI_OK)
        length = xai__text_copy(&text, buffer, capacity);
    else if (capacity > 0)
        buffer[0] = '\0';
    xai__text_fini(&text);
    return length;
}

/* By what stands behind the last point of the last part of the path. */
static xai_status find_format(uint32_t *out, const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash != NULL ? slash : path, '.');

    for (*out = 0; dot != NULL && *out < N_FORMATS; ++*out)
        if (strcasecmp(dot, formats[*out].ending) == 0)
            return XAI_OK;
    return xai__fail(XAI_E_INVALID, "%s: expected a name that ends with .txt, .json, .dot, .svg or .html",
                     xai__file_tail(path));
}

xai_status xai_tree_save(const xai_tree *tree, const char *path, const xai_export_options *options)
{
    xai__text text;
    uint32_t format;
    xai_status status;

    xai__enter();
    if (tree == NULL || path == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", tree == NULL ? "tree" : "path");
    status = find_format(&format, path);
    if (status < 0)
        return status;
    xai__text_init(&text, tree->object.context);
    /* Whole in memory first: a tree that cannot be drawn leaves no file behind. */
    status = write(&text, tree, format, options);
    if (status == XAI_OK)
        status = xai__file_write(tree->object.context, path, xai__text_get(&text), text.length);
    xai__text_fini(&text);
    return status;
}
