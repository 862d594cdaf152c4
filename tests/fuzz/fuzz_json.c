/* SPDX-License-Identifier: MIT
 * Any bytes as JSON: what is read can be walked, found, written again and read back the same. */
#include <string.h>

#include "fuzz.h"
#include "io/json.h"
#include "io/json_write.h"

static void write_value(xai__json_writer *writer, xai__json_value value);

static void write_members(xai__json_writer *writer, xai__json_value value)
{
    xai__json_value member, found;

    for (bool more = xai__json_first(&member, value); more; more = xai__json_next(&member)) {
        const char *key = xai__json_key(member);

        if (key != NULL && (!xai__json_find(&found, value, key) || found.index != member.index))
            abort();
        write_value(writer, member);
    }
    xai__json_write_end(writer);
}

static void write_scalar(xai__json_writer *writer, xai__json_value value)
{
    const char *key = xai__json_key(value), *text = NULL;
    int64_t integer = 0;
    double number = 0;
    bool truth = false;

    if (xai__json_string(&text, value) == XAI_OK)
        xai__json_write_string(writer, key, text);
    else if (xai__json_integer(&integer, value, INT64_MIN, INT64_MAX) == XAI_OK)
        xai__json_write_integer(writer, key, integer);
    else if (xai__json_number(&number, value) == XAI_OK)
        xai__json_write_number(writer, key, number);
    else if (xai__json_bool(&truth, value) == XAI_OK)
        xai__json_write_bool(writer, key, truth);
    else
        xai__json_write_null(writer, key);
}

/* Depth is bounded by the reader. */
static void write_value(xai__json_writer *writer, xai__json_value value)
{
    switch (xai__json_kind(value)) {
    case XAI__JSON_OBJECT:
        xai__json_write_object(writer, xai__json_key(value));
        write_members(writer, value);
        break;
    case XAI__JSON_ARRAY:
        xai__json_write_array(writer, xai__json_key(value));
        write_members(writer, value);
        break;
    default:
        write_scalar(writer, value);
    }
}

static const char *write_document(xai__json_writer *writer, xai_context *context, const xai__json *json, size_t *length)
{
    const char *text;

    xai__json_writer_init(writer, context);
    write_value(writer, xai__json_root(json));
    if (xai__json_writer_text(writer, &text, length) < 0)
        abort();
    return text;
}

/* Written in the same form, two documents are equal where their texts are. */
static void round_trip(xai_context *context, const xai__json *json)
{
    xai__json_writer first, second;
    size_t length, other_length;
    const char *text = write_document(&first, context, json, &length), *other;
    xai__json *again;

    if (xai__json_parse(&again, context, "again", text, length, NULL) < 0)
        abort();
    other = write_document(&second, context, again, &other_length);
    if (length != other_length || memcmp(text, other, length) != 0)
        abort();
    xai__json_free(again);
    xai__json_writer_fini(&first);
    xai__json_writer_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xai_context *context = fuzz_context();
    xai__json *json;
    xai_status status = xai__json_parse(&json, context, "input", data, size, NULL);

    fuzz_check(status, json);
    /* The writer has no document that is nothing but null. */
    if (status == XAI_OK && xai__json_kind(xai__json_root(json)) != XAI__JSON_NULL)
        round_trip(context, json);
    xai__json_free(json);
    xai_context_unref(context);
    return 0;
}
