/* SPDX-License-Identifier: MIT
 * JSON out: documents built member by member, written compactly. The only user of json-c. */
#ifndef XAI__IO_JSON_WRITE_H
#define XAI__IO_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xai/context.h>

enum { XAI__JSON_WRITER_DEPTH = 64 };

typedef struct xai__json_writer {
    xai_context *context;
    /* private */
    struct json_object *root, *open[XAI__JSON_WRITER_DEPTH];
    size_t depth;
    struct xai__json_writer_key *keys;
    size_t length; /* of the text, counted as members are added */
    xai_status status;
} xai__json_writer;

void xai__json_writer_init(xai__json_writer *writer, xai_context *context);
void xai__json_writer_fini(xai__json_writer *writer);

/* Adds a member to the innermost open container: key is its name in an object (copied), NULL in an array and for the
 * outermost value. After a failure further calls do nothing; xai__json_writer_text() reports it. */
void xai__json_write_object(xai__json_writer *writer, const char *key);
void xai__json_write_array(xai__json_writer *writer, const char *key);
void xai__json_write_end(xai__json_writer *writer); /* of the innermost open object or array */
void xai__json_write_null(xai__json_writer *writer, const char *key);
void xai__json_write_bool(xai__json_writer *writer, const char *key, bool truth);
void xai__json_write_integer(xai__json_writer *writer, const char *key, int64_t integer);
void xai__json_write_unsigned(xai__json_writer *writer, const char *key, uint64_t integer);

/* The shortest text that reads back the same; NaN and infinity become null. */
void xai__json_write_number(xai__json_writer *writer, const char *key, double number);
void xai__json_write_float(xai__json_writer *writer, const char *key, float number);

/* Bytes that are not UTF-8 (from file names) become U+FFFD. NULL is written as null. */
void xai__json_write_string(xai__json_writer *writer, const char *key, const char *text);

/* The finished text, valid until the writer is changed or gone. length may be NULL. */
xai_status xai__json_writer_text(xai__json_writer *writer, const char **text, size_t *length);

/* As snprintf: copies what fits and returns the whole length; 0 if the document failed. */
size_t xai__json_writer_copy(xai__json_writer *writer, char *buffer, size_t capacity);

#endif
