/* SPDX-License-Identifier: MIT
 * Values of a JSON document: lookups, typed access, messages that name the path of keys.
 *
 * A value is a document and the number of a node; copies are cheap, and nobody has to give one back. Whatever fails
 * names file, line, byte and path, so that callers hand its status on without a word of their own. */
#include "io/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "io/json_node.h"

static const char *const kind_names[] = { "null",   "true or false", "an integer", "a number",
                                          "a text", "an array",      "an object" };

/* Nodes do not move any more once a document was read. */
static const xai__json_node *node_of(xai__json_value value)
{
    return &value.json->nodes[value.index];
}

xai__json_value xai__json_root(const xai__json *json)
{
    return (xai__json_value){ json, 0 };
}

enum xai__json_kind xai__json_kind(xai__json_value value)
{
    return (enum xai__json_kind)node_of(value)->kind;
}

size_t xai__json_count(xai__json_value value)
{
    return node_of(value)->count;
}

const char *xai__json_key(xai__json_value value)
{
    uint32_t key = node_of(value)->key;

    return key != XAI__JSON_NO_KEY ? value.json->strings + key : NULL;
}

static bool is_container(const xai__json_node *node)
{
    return node->kind == XAI__JSON_ARRAY || node->kind == XAI__JSON_OBJECT;
}

/* The first member is the next node; the text that a string holds is no node, but its bytes are counted as well. */
bool xai__json_first(xai__json_value *child, xai__json_value value)
{
    if (!is_container(node_of(value)) || node_of(value)->count == 0)
        return false;
    *child = (xai__json_value){ value.json, value.index + 1 };
    return true;
}

bool xai__json_next(xai__json_value *child)
{
    if (node_of(*child)->last)
        return false;
    child->index = node_of(*child)->next;
    return true;
}

/* Binary search over the members that the reader sorted; smaller objects have no such list and are gone through. */
static bool find_sorted(xai__json_value *out, xai__json_value object, const char *key)
{
    const uint32_t *order = object.json->order + node_of(object)->order;
    size_t low = 0, high = node_of(object)->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        xai__json_value member = { object.json, order[middle] };
        int sign = strcmp(key, xai__json_key(member));

        if (sign == 0) {
            *out = member;
            return true;
        }
        if (sign < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

bool xai__json_find(xai__json_value *out, xai__json_value value, const char *key)
{
    xai__json_value member;

    if (xai__json_kind(value) != XAI__JSON_OBJECT)
        return false;
    if (node_of(value)->count > XAI__JSON_SMALL_OBJECT)
        return find_sorted(out, value, key);
    for (bool more = xai__json_first(&member, value); more; more = xai__json_next(&member)) {
        if (strcmp(xai__json_key(member), key) == 0) {
            *out = member;
            return true;
        }
    }
    return false;
}

/* Lines are counted only when a message needs them. The byte is that of the file, where the text is a part of one. */
xai_status xai__json_fail_at(const xai__json *json, xai_status status, size_t offset, const char *words)
{
    size_t line = 1;

    for (size_t i = 0; i < offset && i < json->size; i++)
        line += json->text[i] == '\n';
    return xai__fail(status, "%s: line %zu, byte %zu: %s", json->name, line, json->offset + offset, words);
}

/* Appends ".key" or "[index]" for the member of container that holds target; returns that member. A node is inside of a
 * member if it stands before the next one. What does not fit the path is left out. */
static uint32_t add_component(const xai__json *json, char *path, size_t size, uint32_t container, uint32_t target)
{
    uint32_t member = container + 1, position = 0;
    size_t length = strlen(path);

    for (; json->nodes[member].next <= target; position++)
        member = json->nodes[member].next;
    if (json->nodes[member].key == XAI__JSON_NO_KEY)
        snprintf(path + length, size - length, "[%u]", position);
    else
        snprintf(path + length, size - length, "%s%.60s", length > 0 ? "." : "",
                 json->strings + json->nodes[member].key);
    return member;
}

/* The path is found by walking down from the root: values do not know their parents. */
xai_status xai__json_fail(xai__json_value value, xai_status status, const char *format, ...)
{
    char path[300] = "", words[400], sentence[sizeof path + sizeof words + 8];
    va_list args;

    for (uint32_t at = 0; at != value.index;)
        at = add_component(value.json, path, sizeof path, at, value.index);
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    snprintf(sentence, sizeof sentence, "at %s: %s", *path != '\0' ? path : "the top", words);
    return xai__json_fail_at(value.json, status, node_of(value)->offset, sentence);
}

static xai_status fail_kind(xai__json_value value, const char *expected)
{
    return xai__json_fail(value, XAI_E_FORMAT, "expected %s, found %s", expected, kind_names[xai__json_kind(value)]);
}

xai_status xai__json_expect(xai__json_value value, enum xai__json_kind kind)
{
    return xai__json_kind(value) == kind ? XAI_OK : fail_kind(value, kind_names[kind]);
}

xai_status xai__json_string(const char **out, xai__json_value value)
{
    if (xai__json_kind(value) != XAI__JSON_STRING)
        return fail_kind(value, "a text");
    *out = value.json->strings + node_of(value)->text;
    return XAI_OK;
}

/* Only what was written as one: neither 1.0 nor 1e3, which other readers of the same file might refuse. */
xai_status xai__json_integer(int64_t *out, xai__json_value value, int64_t low, int64_t high)
{
    int64_t integer;

    if (xai__json_kind(value) != XAI__JSON_INTEGER)
        return fail_kind(value, "an integer");
    integer = node_of(value)->integer;
    if (low == high && integer != low)
        return xai__json_fail(value, XAI_E_FORMAT, "is %lld, only %lld is understood", (long long)integer,
                              (long long)low);
    if (integer < low || integer > high)
        return xai__json_fail(value, XAI_E_FORMAT, "%lld is not between %lld and %lld", (long long)integer,
                              (long long)low, (long long)high);
    *out = integer;
    return XAI_OK;
}

/* An integer beyond 2^53 is rounded to the nearest double, as every reader of numbers would. */
xai_status xai__json_number(double *out, xai__json_value value)
{
    if (xai__json_kind(value) == XAI__JSON_INTEGER)
        *out = (double)node_of(value)->integer;
    else if (xai__json_kind(value) == XAI__JSON_NUMBER)
        *out = node_of(value)->number;
    else
        return fail_kind(value, "a number");
    return XAI_OK;
}

xai_status xai__json_bool(bool *out, xai__json_value value)
{
    if (xai__json_kind(value) != XAI__JSON_BOOL)
        return fail_kind(value, "true or false");
    *out = node_of(value)->truth;
    return XAI_OK;
}

xai_status xai__json_get(xai__json_value *out, xai__json_value object, const char *key)
{
    if (xai__json_kind(object) != XAI__JSON_OBJECT)
        return fail_kind(object, "an object");
    if (!xai__json_find(out, object, key))
        return xai__json_fail(object, XAI_E_FORMAT, "the key \"%.100s\" is missing", key);
    return XAI_OK;
}

/* In constant time where no element holds others, as in shapes and lists of numbers; else in as many steps as index. */
xai_status xai__json_at(xai__json_value *out, xai__json_value array, size_t index)
{
    if (xai__json_kind(array) != XAI__JSON_ARRAY)
        return fail_kind(array, "an array");
    if (index >= xai__json_count(array))
        return xai__json_fail(array, XAI_E_FORMAT, "element %zu is missing, there are %zu", index,
                              xai__json_count(array));
    xai__json_first(out, array);
    /* As many nodes below the array as it has elements: they stand side by side. */
    if (node_of(array)->next - array.index - 1 == node_of(array)->count) {
        out->index += (uint32_t)index;
        return XAI_OK;
    }
    while (index-- > 0)
        xai__json_next(out);
    return XAI_OK;
}

xai_status xai__json_get_string(const char **out, xai__json_value object, const char *key)
{
    xai__json_value member;
    xai_status status = xai__json_get(&member, object, key);

    return status < 0 ? status : xai__json_string(out, member);
}

xai_status xai__json_get_integer(int64_t *out, xai__json_value object, const char *key, int64_t low, int64_t high)
{
    xai__json_value member;
    xai_status status = xai__json_get(&member, object, key);

    return status < 0 ? status : xai__json_integer(out, member, low, high);
}

xai_status xai__json_get_number(double *out, xai__json_value object, const char *key)
{
    xai__json_value member;
    xai_status status = xai__json_get(&member, object, key);

    return status < 0 ? status : xai__json_number(out, member);
}

xai_status xai__json_get_bool(bool *out, xai__json_value object, const char *key)
{
    xai__json_value member;
    xai_status status = xai__json_get(&member, object, key);

    return status < 0 ? status : xai__json_bool(out, member);
}

/* Lists of known keys are short and end with NULL, so going through them is quick. */
static bool is_listed(const char *key, const char *const *keys)
{
    for (; *keys != NULL; keys++)
        if (strcmp(*keys, key) == 0)
            return true;
    return false;
}

/* A key that is misspelt would otherwise be an option that was silently not given. */
xai_status xai__json_only(xai__json_value object, const char *const *keys)
{
    xai__json_value member;

    if (xai__json_kind(object) != XAI__JSON_OBJECT)
        return fail_kind(object, "an object");
    for (bool more = xai__json_first(&member, object); more; more = xai__json_next(&member))
        if (!is_listed(xai__json_key(member), keys))
            return xai__json_fail(member, XAI_E_FORMAT, "unknown key");
    return XAI_OK;
}
