/* SPDX-License-Identifier: MIT
 * JSON out through json-c, which must not be believed when memory runs out: every step is checked, keys are kept here
 * (it would lose them where its table cannot grow), and the text's length is counted beforehand, since its printer
 * leaves out what it has no room for and says nothing. */
#include "io/json_write.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/number.h"
#include "core/utf8.h"

/* A chain of them hangs on the writer. */
struct xai__json_writer_key {
    struct xai__json_writer_key *next;
    char text[];
};

void xai__json_writer_init(xai__json_writer *writer, xai_context *context)
{
    memset(writer, 0, sizeof *writer);
    writer->context = context;
}

/* The document goes first: it points to the keys. */
void xai__json_writer_fini(xai__json_writer *writer)
{
    struct xai__json_writer_key *key = writer->keys;

    if (writer->root != NULL)
        json_object_put(writer->root);
    while (key != NULL) {
        struct xai__json_writer_key *next = key->next;

        xai__free(writer->context, key);
        key = next;
    }
    xai__json_writer_init(writer, writer->context);
}

/* The first failure is the one that is reported. */
static void run_out(xai__json_writer *writer)
{
    if (writer->status == XAI_OK)
        writer->status = xai__fail_memory();
}

/* A defect of the caller, found by tests and not by users. */
static void misuse(xai__json_writer *writer, const char *what)
{
    if (writer->status == XAI_OK)
        writer->status = xai__fail(XAI_E_INTERNAL, "JSON writer: %s", what);
}

/* Bytes of a text between its quotes, as json-c writes it: two for what has an escape of its own, six for \u00XX. */
static size_t escaped_length(const char *text)
{
    size_t length = 0;

    for (; *text != '\0'; text++) {
        if (strchr("\"\\\b\f\n\r\t", *text) != NULL)
            length += 2;
        else
            length += (unsigned char)*text < 0x20 ? 6 : 1;
    }
    return length;
}

/* Keys live as long as the document that borrows them, and are freed after it. */
static const char *keep_key(xai__json_writer *writer, const char *text)
{
    size_t size = strlen(text) + 1;
    struct xai__json_writer_key *key = xai__alloc(writer->context, sizeof *key + size);

    if (key == NULL)
        return NULL;
    memcpy(key->text, text, size);
    key->next = writer->keys;
    writer->keys = key;
    return key->text;
}

/* Adding a key twice would replace a value silently. */
static bool add_to_object(xai__json_writer *writer, json_object *object, const char *key, json_object *member)
{
    const char *kept;

    if (json_object_object_get_ex(object, key, NULL)) {
        misuse(writer, "a key was added twice");
        return false;
    }
    kept = keep_key(writer, key);
    if (kept == NULL || json_object_object_add_ex(object, kept, member,
                                                  JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY) < 0) {
        run_out(writer);
        return false;
    }
    writer->length += escaped_length(key) + 3;
    return true;
}

/* Puts a member where it belongs and counts the bytes that this adds besides its own: a comma before every member but
 * the first, and a key with its quotes and colon. */
static bool add_to_container(xai__json_writer *writer, const char *key, json_object *member)
{
    json_object *parent = writer->depth > 0 ? writer->open[writer->depth - 1] : NULL;
    bool object = parent != NULL && json_object_is_type(parent, json_type_object);
    size_t others = 0;

    if ((key != NULL) != object || (parent == NULL && writer->root != NULL)) {
        misuse(writer, object ? "a member without a key" : "a key or a value outside an object");
        return false;
    }
    if (object) {
        others = (size_t)json_object_object_length(parent);
        if (!add_to_object(writer, parent, key, member))
            return false;
    } else if (parent != NULL) {
        others = json_object_array_length(parent);
        if (json_object_array_add(parent, member) < 0) {
            run_out(writer);
            return false;
        }
    } else {
        writer->root = member;
    }
    writer->length += others > 0;
    return true;
}

/* Takes member over, whatever happens. A null member stands for JSON's null where is_null is true. */
static bool add(xai__json_writer *writer, const char *key, json_object *member, bool is_null, size_t length)
{
    if (member == NULL && !is_null)
        run_out(writer);
    if (writer->status < 0 || !add_to_container(writer, key, member)) {
        json_object_put(member);
        return false;
    }
    writer->length += length;
    return true;
}

/* The container belongs to its parent once it was added, so open only points to it. */
static void open_container(xai__json_writer *writer, const char *key, json_object *container)
{
    if (writer->depth == XAI__JSON_WRITER_DEPTH)
        misuse(writer, "nested too deep");
    if (add(writer, key, container, false, 2))
        writer->open[writer->depth++] = container;
}

void xai__json_write_object(xai__json_writer *writer, const char *key)
{
    open_container(writer, key, json_object_new_object());
}

void xai__json_write_array(xai__json_writer *writer, const char *key)
{
    open_container(writer, key, json_object_new_array());
}

void xai__json_write_end(xai__json_writer *writer)
{
    if (writer->status < 0)
        return;
    if (writer->depth == 0)
        misuse(writer, "more ends than beginnings");
    else
        writer->depth--;
}

void xai__json_write_null(xai__json_writer *writer, const char *key)
{
    /* json-c has no object for null, so it can stand anywhere but at the top. */
    if (writer->depth == 0)
        misuse(writer, "null outside a container");
    add(writer, key, NULL, true, 4);
}

void xai__json_write_bool(xai__json_writer *writer, const char *key, bool truth)
{
    add(writer, key, json_object_new_boolean(truth), false, truth ? 4 : 5);
}

void xai__json_write_integer(xai__json_writer *writer, const char *key, int64_t integer)
{
    int length = snprintf(NULL, 0, "%lld", (long long)integer);

    add(writer, key, json_object_new_int64(integer), false, (size_t)length);
}

void xai__json_write_unsigned(xai__json_writer *writer, const char *key, uint64_t integer)
{
    int length = snprintf(NULL, 0, "%llu", (unsigned long long)integer);

    add(writer, key, json_object_new_uint64(integer), false, (size_t)length);
}

/* json-c would print seventeen digits, in the locale's manner; it is given the text as well as the number. */
void xai__json_write_number(xai__json_writer *writer, const char *key, double number)
{
    char text[XAI__NUMBER_SIZE];

    if (!isfinite(number)) {
        xai__json_write_null(writer, key);
        return;
    }
    xai__number_write(text, number);
    add(writer, key, json_object_new_double_s(number, text), false, strlen(text));
}

void xai__json_write_float(xai__json_writer *writer, const char *key, float number)
{
    char text[XAI__NUMBER_SIZE];

    if (!isfinite(number)) {
        xai__json_write_null(writer, key);
        return;
    }
    xai__number_write_float(text, number);
    add(writer, key, json_object_new_double_s((double)number, text), false, strlen(text));
}

/* A copy with U+FFFD, of three bytes, in place of each byte that is not UTF-8; NULL if memory ran out. */
static char *mend(xai_context *context, const char *text)
{
    size_t size = strlen(text), to = 0;
    char *copy = xai__alloc_array(context, size + 1, 3);

    for (size_t at = 0; copy != NULL && at < size;) {
        size_t good = xai__utf8_check(text + at, size - at);

        memcpy(copy + to, text + at, good);
        to += good;
        at += good;
        if (at < size) {
            to += xai__utf8_write(copy + to, 0xfffd);
            at++;
        }
    }
    if (copy != NULL)
        copy[to] = '\0';
    return copy;
}

static void write_text(xai__json_writer *writer, const char *key, const char *text)
{
    size_t size = strlen(text);

    if (size > INT32_MAX)
        misuse(writer, "a text of more than 2 GiB");
    else /* json-c counts in int */
        add(writer, key, json_object_new_string_len(text, (int)size), false, escaped_length(text) + 2);
}

/* Most texts are UTF-8 and are handed on as they are; only others cost a copy. */
void xai__json_write_string(xai__json_writer *writer, const char *key, const char *text)
{
    char *mended;

    if (text == NULL) {
        xai__json_write_null(writer, key);
        return;
    }
    if (text[xai__utf8_check(text, strlen(text))] == '\0') {
        write_text(writer, key, text);
        return;
    }
    mended = mend(writer->context, text);
    if (mended == NULL) {
        run_out(writer);
        return;
    }
    write_text(writer, key, mended);
    xai__free(writer->context, mended);
}

xai_status xai__json_writer_text(xai__json_writer *writer, const char **text, size_t *length)
{
    size_t written = 0;

    *text = NULL;
    if (writer->root == NULL || writer->depth > 0)
        misuse(writer, "the document is not finished");
    if (writer->status < 0)
        return writer->status;
    *text = json_object_to_json_string_length(writer->root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
                                              &written);
    /* Its buffer could not grow: the text is valid and lacks a part. */
    if (*text == NULL || written != writer->length) {
        *text = NULL;
        return xai__fail_memory();
    }
    if (length != NULL)
        *length = written;
    return XAI_OK;
}

size_t xai__json_writer_copy(xai__json_writer *writer, char *buffer, size_t capacity)
{
    const char *text;
    size_t length = 0;

    if (xai__json_writer_text(writer, &text, &length) < 0) {
        if (capacity > 0)
            *buffer = '\0';
        return 0;
    }
    if (capacity > 0) {
        size_t part = length < capacity ? length : capacity - 1;

        memcpy(buffer, text, part);
        buffer[part] = '\0';
    }
    return length;
}
