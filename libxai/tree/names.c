/* SPDX-License-Identifier: MIT
 * Names of features and classes: copied, read, written. */
#include "tree/names.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/number.h"
#include "io/json_write.h"

/* what and index: of the name, for the message. */
static xai_status copy_name(char **out, xai_context *context, const char *name, const char *what, size_t index)
{
    size_t length = name == NULL ? 0 : strnlen(name, XAI__NAME_MAX + 1);

    if (name == NULL)
        return xai__fail(XAI_E_INVALID, "the name of %s %zu is NULL", what, index);
    if (length > XAI__NAME_MAX)
        return xai__fail(XAI_E_LIMIT, "the name of %s %zu has more than %d bytes: '%.40s...'", what, index,
                         XAI__NAME_MAX, name);
    *out = xai__strndup(context, name, length);
    return *out == NULL ? XAI_E_NO_MEMORY : XAI_OK;
}

static xai_status copy_list(char ***out, xai_context *context, const char *const *names, size_t n, const char *what)
{
    xai_status status = XAI_OK;

    if (names == NULL)
        return XAI_OK;
    /* Zeroed, so that a list that fails half-way can be freed whole. */
    *out = xai__zalloc_array(context, n, sizeof **out);
    if (*out == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n && status == XAI_OK; i++)
        status = copy_name(&(*out)[i], context, names[i], what, i);
    return status;
}

xai_status xai__names_copy(xai_tree *tree, const char *const *features, const char *const *classes)
{
    xai_context *context = tree->object.context;
    xai_status status = copy_list(&tree->feature_names, context, features, tree->n_inputs, "feature");

    return status < 0 ? status : copy_list(&tree->class_names, context, classes, tree->n_classes, "class");
}

/* Optional, and null as good as absent. As many as the tree has, or a column would go by its neighbour's name. */
static xai_status read_list(char ***out, xai_context *context, xai__json_value object, const char *key, size_t n,
                            const char *what)
{
    xai__json_value list, child;
    const char *name = NULL;
    size_t i = 0;
    xai_status status;

    if (!xai__json_find(&list, object, key) || xai__json_kind(list) == XAI__JSON_NULL)
        return XAI_OK;
    status = xai__json_expect(list, XAI__JSON_ARRAY);
    if (status < 0)
        return status;
    if (xai__json_count(list) != n)
        return xai__json_fail(list, XAI_E_FORMAT, "has %zu names, expected %zu", xai__json_count(list), n);
    *out = xai__zalloc_array(context, n, sizeof **out);
    if (*out == NULL)
        return XAI_E_NO_MEMORY;
    for (bool more = xai__json_first(&child, list); more && status == XAI_OK; more = xai__json_next(&child)) {
        status = xai__json_string(&name, child);
        if (status == XAI_OK)
            status = copy_name(&(*out)[i], context, name, what, i);
        i++;
    }
    return status;
}

xai_status xai__names_read(xai_tree *tree, xai__json_value object)
{
    xai_context *context = tree->object.context;
    xai_status status = read_list(&tree->feature_names, context, object, "feature_names", tree->n_inputs, "feature");

    if (status < 0)
        return status;
    return read_list(&tree->class_names, context, object, "class_names", tree->n_classes, "class");
}

/* Names are the only texts of a file that somebody else wrote, so these are left to the JSON writer. */
static xai_status write_list(xai__text *text, const char *key, char *const *names, size_t n)
{
    xai__json_writer writer;
    const char *json;
    xai_status status;

    if (names == NULL)
        return XAI_OK;
    xai__json_writer_init(&writer, text->context);
    xai__json_write_array(&writer, NULL);
    for (size_t i = 0; i < n; i++)
        xai__json_write_string(&writer, NULL, names[i]);
    xai__json_write_end(&writer);
    status = xai__json_writer_text(&writer, &json, NULL);
    if (status == XAI_OK)
        xai__text_add(text, ",\n\"%s\":%s", key, json);
    xai__json_writer_fini(&writer);
    return status;
}

xai_status xai__names_write(xai__text *text, const xai_tree *tree)
{
    xai_status status = write_list(text, "feature_names", tree->feature_names, tree->n_inputs);

    return status < 0 ? status : write_list(text, "class_names", tree->class_names, tree->n_classes);
}

/* Takes a list that was never made, and one that was filled half-way. */
static void free_list(xai_context *context, char **names, size_t n)
{
    for (size_t i = 0; names != NULL && i < n; i++)
        xai__free(context, names[i]);
    xai__free(context, names);
}

void xai__names_fini(xai_tree *tree)
{
    free_list(tree->object.context, tree->feature_names, tree->n_inputs);
    free_list(tree->object.context, tree->class_names, tree->n_classes);
}

void xai__names_add_feature(xai__text *text, const xai_tree *tree, size_t index)
{
    if (tree->feature_names != NULL)
        xai__text_add(text, "%s", tree->feature_names[index]);
    else
        xai__text_add(text, "x[%zu]", index);
}

/* Rounded to seven digits by printf(), read back, and written by the shortest text of what came of it. */
void xai__names_add_number(xai__text *text, double number)
{
    char buffer[XAI__NUMBER_SIZE];

    if (!isfinite(number)) {
        xai__text_add(text, "%s", isnan(number) ? "nan" : number > 0 ? "inf" : "-inf");
        return;
    }
    /* Both ways with the same decimal point, whatever the locale's is. */
    snprintf(buffer, sizeof buffer, "%.6e", number);
    xai__text_add(text, "%s", xai__number_write(buffer, strtod(buffer, NULL)));
}
