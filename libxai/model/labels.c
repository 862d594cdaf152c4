/* SPDX-License-Identifier: MIT
 * Class labels. */
#include "model/labels.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"

void xai__labels_fini(xai__labels *labels, xai_context *context)
{
    /* Half-read ones as well: reserve() zeroed them. */
    for (size_t i = 0; labels->texts != NULL && i < labels->count; i++)
        xai__free(context, labels->texts[i]);
    xai__free(context, labels->texts);
    *labels = (xai__labels){ NULL, 0 };
}

/* Zeroed and counted at once, so that whoever fails half-way may call xai__labels_fini(). */
static xai_status reserve(xai__labels *labels, xai_context *context, size_t count)
{
    labels->texts = xai__zalloc_array(context, count, sizeof *labels->texts);
    if (labels->texts == NULL)
        return XAI_E_NO_MEMORY;
    labels->count = count;
    return XAI_OK;
}

static xai_status set_label(xai__labels *labels, xai_context *context, size_t index, const char *text, size_t length)
{
    labels->texts[index] = xai__strndup(context, text, length);
    return labels->texts[index] != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

xai_status xai__labels_copy(xai__labels *labels, xai_context *context, const xai__labels *from)
{
    xai_status status = from->texts != NULL ? reserve(labels, context, from->count) : XAI_OK;

    for (size_t i = 0; i < labels->count && status == XAI_OK; i++)
        status = set_label(labels, context, i, from->texts[i], strlen(from->texts[i]));
    return status;
}

/* Keys "0" to "n-1", in any order, each once: the reader refuses duplicates, so n keys in range are all of them. */
static xai_status read_key(size_t *out, xai__json_value member, size_t n_classes)
{
    const char *key = xai__json_key(member);
    char *end;
    unsigned long index = strtoul(key, &end, 10);

    if (key[0] < '0' || key[0] > '9' || (key[0] == '0' && key[1] != '\0') || *end != '\0' || index >= n_classes)
        return xai__json_fail(member, XAI_E_FORMAT, "'%.40s' is no class index from 0 to %zu", key, n_classes - 1);
    *out = index;
    return XAI_OK;
}

/* The count is checked before the keys: with n different keys in range, as read_key() says, none can be missing. */
xai_status xai__labels_read(xai__labels *labels, xai_context *context, xai__json_value value, size_t n_classes)
{
    bool is_object = xai__json_kind(value) == XAI__JSON_OBJECT;
    xai__json_value member;
    xai_status status = is_object ? XAI_OK : xai__json_expect(value, XAI__JSON_ARRAY);
    size_t at = 0;

    if (status == XAI_OK && xai__json_count(value) != n_classes)
        status = xai__json_fail(value, XAI_E_SHAPE, "has %zu labels, the model has %zu classes", xai__json_count(value),
                                n_classes);
    if (status == XAI_OK)
        status = reserve(labels, context, n_classes);
    for (bool more = status == XAI_OK && xai__json_first(&member, value); more && status == XAI_OK;
         more = xai__json_next(&member)) {
        const char *text;
        size_t index = at++;

        if (is_object)
            status = read_key(&index, member, n_classes);
        if (status == XAI_OK)
            status = xai__json_string(&text, member);
        if (status == XAI_OK)
            status = set_label(labels, context, index, text, strlen(text));
    }
    if (status < 0)
        xai__labels_fini(labels, context);
    return status;
}

/* A last line need not end with a line feed. */
static size_t count_lines(const char *text, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++)
        n += text[i] == '\n';
    return n + (size > 0 && text[size - 1] != '\n');
}

/* Counted first: a list of another model's classes is refused by its number, before a name is copied. Carriage returns
 * come from lists that were written on Windows. */
static xai_status read_lines(xai__labels *labels, xai_context *context, const xai__file *file, size_t n_classes)
{
    const char *text = (const char *)file->data, *end = text + file->size;
    size_t n = count_lines(text, file->size);
    xai_status status;

    if (n != n_classes)
        return xai__fail(XAI_E_SHAPE, "%s: has %zu line%s, the model has %zu classes", file->name, n, n == 1 ? "" : "s",
                         n_classes);
    /* A label would end there, and what follows would be lost without a word. */
    if (memchr(text, '\0', file->size) != NULL)
        return xai__fail(XAI_E_FORMAT, "%s: has a NUL byte, so it is no text", file->name);
    status = reserve(labels, context, n);
    for (size_t i = 0; i < n && status == XAI_OK; i++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((stop != NULL ? stop : end) - text);

        status = set_label(labels, context, i, text, length > 0 && text[length - 1] == '\r' ? length - 1 : length);
        text += length + 1;
    }
    if (status < 0)
        xai__labels_fini(labels, context);
    return status;
}

/* A text of one label a line may begin with a digit or a quotation mark, but hardly with a bracket. */
static bool looks_like_json(const xai__file *file)
{
    size_t at = 0;

    while (at < file->size && strchr(" \t\r\n", file->data[at]) != NULL && file->data[at] != '\0')
        at++;
    return at < file->size && (file->data[at] == '{' || file->data[at] == '[');
}

xai_status xai__labels_load(xai__labels *labels, xai_context *context, const char *path, size_t n_classes)
{
    xai__file file = { 0 };
    xai__json *json = NULL;
    xai_status status = xai__file_open(&file, context, path);

    if (status < 0)
        return status;
    if (looks_like_json(&file)) {
        status = xai__json_parse(&json, context, path, file.data, file.size, NULL);
        if (status == XAI_OK)
            status = xai__labels_read(labels, context, xai__json_root(json), n_classes);
        xai__json_free(json);
    } else {
        status = read_lines(labels, context, &file, n_classes);
    }
    xai__file_close(&file);
    return status;
}
