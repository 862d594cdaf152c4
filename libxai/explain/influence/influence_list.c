/* SPDX-License-Identifier: MIT
 * Lists of training examples: a path and a label a line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"
#include "core/text.h"
#include "explain/influence/influence.h"
#include "model/model.h"

enum { LONGEST_LINE = 8192, MOST_EXAMPLES = 1 << 30 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Carriage returns are blanks here, so lists from anywhere are read. */
static const char *trim(const char *begin, const char **end)
{
    while (begin < *end && is_blank(*begin))
        begin++;
    while (*end > begin && is_blank((*end)[-1]))
        --*end;
    return begin;
}

/* Where the label is cut off: the last tab; without tabs the last comma; without either the last blank. Paths may hold
 * what a stronger separator makes plain. */
static const char *find_cut(const char *begin, const char *end)
{
    static const char separators[3] = { '\t', ',', ' ' };

    for (size_t i = 0; i < 3; i++)
        for (const char *at = end; at > begin; at--)
            if (at[-1] == separators[i])
                return at - 1;
    return NULL;
}

static xai_status fail_line(const xai__file *file, size_t line, const char *words)
{
    return xai__fail(XAI_E_FORMAT, "%s: line %zu: %s", file->name, line, words);
}

/* A label is a class's name or its index. Says where one stands that the model does not know. */
static xai_status find_label(int64_t *out, const xai__file *file, size_t line, const xai_model *model, const char *text)
{
    char place[512];
    xai_status status = xai_model_find_class(out, model, text);

    if (status == XAI_OK && *out < 0)
        status = xai__fail(XAI_E_INVALID, "'%s' is not the label of an example", text);
    snprintf(place, sizeof place, "%s: line %zu", file->name, line);
    return status < 0 ? xai__fail_in(status, place) : XAI_OK;
}

/* Paths and labels grow together: a path without its label is never counted. */
static xai_status add_example(xai__examples *out, const char *path, size_t length, int64_t label)
{
    char **slot;
    int64_t *label_slot;

    if (out->n == MOST_EXAMPLES)
        return xai__fail(XAI_E_LIMIT, "a list of more than %d examples", MOST_EXAMPLES);
    slot = xai__grow(out->context, &out->paths, out->n, sizeof *slot);
    label_slot = slot != NULL ? xai__grow(out->context, &out->labels, out->n, sizeof *label_slot) : NULL;
    if (label_slot == NULL)
        return XAI_E_NO_MEMORY;
    *slot = xai__strndup(out->context, path, length);
    if (*slot == NULL)
        return XAI_E_NO_MEMORY;
    *label_slot = label;
    out->n++;
    return XAI_OK;
}

/* The label is what stands behind the cut, so that paths may hold blanks and labels, between tabs or commas, too. */
static xai_status read_line(xai__examples *out, const xai__file *file, size_t line, const char *begin, const char *end,
                            const xai_model *model)
{
    char label[LONGEST_LINE];
    const char *cut, *path_end, *text;
    int64_t index;
    xai_status status;

    begin = trim(begin, &end);
    if (begin == end || *begin == '#')
        return XAI_OK;
    if (end - begin >= LONGEST_LINE)
        return fail_line(file, line, "longer than 8191 bytes");
    if (memchr(begin, '\0', (size_t)(end - begin)) != NULL)
        return fail_line(file, line, "holds a NUL");
    cut = find_cut(begin, end);
    if (cut == NULL)
        return fail_line(file, line, "expected a path, then a tab, comma or blank, then a label");
    path_end = cut;
    begin = trim(begin, &path_end);
    text = trim(cut + 1, &end);
    if (begin == path_end || text == end)
        return fail_line(file, line, begin == path_end ? "the path is empty" : "the label is empty");
    memcpy(label, text, (size_t)(end - text));
    label[end - text] = '\0';
    status = find_label(&index, file, line, model, label);
    return status < 0 ? status : add_example(out, begin, (size_t)(path_end - begin), index);
}

/* Lines are counted from 1, as editors do. A last line needs no end. */
xai_status xai__examples_read(xai__examples *out, const xai__file *file, const xai_model *model)
{
    const char *at = (const char *)file->data, *end = at + file->size;
    xai_status status = XAI_OK;

    for (size_t line = 1; at < end && status == XAI_OK; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        stop = stop != NULL ? stop : end;
        status = read_line(out, file, line, at, stop, model);
        at = stop < end ? stop + 1 : end;
    }
    if (status == XAI_OK && out->n == 0)
        status = xai__fail(XAI_E_FORMAT, "%s: holds no examples", file->name);
    return status;
}

void xai__examples_fini(xai__examples *examples)
{
    for (size_t i = 0; examples->paths != NULL && i < examples->n; i++)
        xai__free(examples->context, examples->paths[i]);
    xai__free(examples->context, examples->paths);
    xai__free(examples->context, examples->labels);
    xai__free(examples->context, examples->folder);
}

/* --- pictures --- */

/* Lists are moved together with their pictures, so paths go from the list's folder and not from the program's. */
static char *full_path(const xai__examples *examples, size_t index)
{
    const char *path = examples->paths[index];

    return xai__format(examples->context, "%s%s", path[0] == '/' ? "" : examples->folder, path);
}

/* A callback that fails may have left a picture all the same. */
static xai_status ask_for_image(xai_image **out, const xai__examples *examples, size_t index)
{
    int64_t label;
    int32_t answer = examples->example(out, &label, index, examples->user);

    if (answer == 0 && *out != NULL)
        return XAI_OK;
    if (answer == 0)
        return xai__fail(XAI_E_CALLBACK, "the callback for examples gave no picture for example %zu", index);
    xai_image_unref(*out);
    *out = NULL;
    return xai__fail(XAI_E_CALLBACK, "the callback for examples returned %d for example %zu", answer, index);
}

xai_status xai__examples_image(xai_image **out, const xai__examples *examples, size_t index)
{
    char *path;
    xai_status status;

    *out = NULL;
    if (examples->paths == NULL)
        return ask_for_image(out, examples, index);
    path = full_path(examples, index);
    if (path == NULL)
        return XAI_E_NO_MEMORY;
    status = xai_image_load(out, examples->context, path, examples->flags & XAI_TRAINING_EXIF ? XAI_IMAGE_EXIF : 0);
    xai__free(examples->context, path);
    return status;
}

/* The length stands in for the content, which would take reading every picture again. */
xai_status xai__examples_key(uint64_t *out, const xai__examples *examples, size_t index)
{
    struct stat info;
    uint64_t size;
    char *path;
    bool found;

    *out = 0;
    if (examples->paths == NULL)
        return XAI_OK;
    path = full_path(examples, index);
    if (path == NULL)
        return XAI_E_NO_MEMORY;
    found = stat(path, &info) == 0;
    if (!found)
        xai__fail(XAI_E_IO, "%.300s: %s", path, errno == ENOENT ? "no such file" : "cannot be looked at");
    xai__free(examples->context, path);
    if (!found)
        return XAI_E_IO;
    size = (uint64_t)info.st_size;
    *out = xai__hash(xai__hash(0, examples->paths[index], strlen(examples->paths[index])), &size, sizeof size);
    return XAI_OK;
}
