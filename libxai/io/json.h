/* SPDX-License-Identifier: MIT
 * JSON in: one strict reader (RFC 8259, no duplicate keys, no NUL in texts) that runs in linear memory and n log n
 * time. */
#ifndef XAI__IO_JSON_H
#define XAI__IO_JSON_H

#include <stdbool.h>

#include "io/file.h"

typedef struct xai__json xai__json;

/* One value of a document; valid while the document lives. */
typedef struct xai__json_value {
    const xai__json *json;
    uint32_t index;
} xai__json_value;

enum xai__json_kind {
    XAI__JSON_NULL,
    XAI__JSON_BOOL,
    XAI__JSON_INTEGER, /* written without point and exponent, fits int64_t */
    XAI__JSON_NUMBER,
    XAI__JSON_STRING,
    XAI__JSON_ARRAY,
    XAI__JSON_OBJECT
};

enum { XAI__JSON_MAX_DEPTH = 64 };

typedef struct xai__json_options {
    size_t max_size;   /* bytes; 0: 64 MiB */
    size_t max_values; /* 0: 4 Mi */
    size_t offset;     /* of the text in its file, for messages */
    const char *tail;  /* characters that may follow the document; NULL: white space */
} xai__json_options;

/* Reads a text that outlives the document (messages count its lines). name: the file, for messages; copied.
 * options: NULL for the defaults. */
xai_status xai__json_parse(xai__json **out, xai_context *context, const char *name, const void *text, size_t size,
                           const xai__json_options *options);

/* Reads a file and keeps it open. */
xai_status xai__json_load(xai__json **out, xai_context *context, const char *path, const xai__json_options *options);

/* Takes NULL and half-made documents. */
void xai__json_free(xai__json *json);

xai__json_value xai__json_root(const xai__json *json);
enum xai__json_kind xai__json_kind(xai__json_value value);

/* Members of an array or object, bytes of a string, else 0. */
size_t xai__json_count(xai__json_value value);

/* The key under which the value stands; NULL in an array and at the root. */
const char *xai__json_key(xai__json_value value);

/* Steps through an array or object in the order of the file:
 * for (bool more = xai__json_first(&child, value); more; more = xai__json_next(&child)) */
bool xai__json_first(xai__json_value *child, xai__json_value value);
bool xai__json_next(xai__json_value *child);

/* Looks a key up in logarithmic time; false if it is not there or value is no object. */
bool xai__json_find(xai__json_value *out, xai__json_value value, const char *key);

/* Below, every failure is XAI_E_FORMAT with a sentence that names file, line, byte and the path of keys. */

xai_status xai__json_expect(xai__json_value value, enum xai__json_kind kind);
xai_status xai__json_string(const char **out, xai__json_value value);
xai_status xai__json_integer(int64_t *out, xai__json_value value, int64_t low, int64_t high);
xai_status xai__json_number(double *out, xai__json_value value);
xai_status xai__json_bool(bool *out, xai__json_value value);

/* A member that must be there. */
xai_status xai__json_get(xai__json_value *out, xai__json_value object, const char *key);
xai_status xai__json_at(xai__json_value *out, xai__json_value array, size_t index);

/* The same and its value; object is checked to be one. */
xai_status xai__json_get_string(const char **out, xai__json_value object, const char *key);
xai_status xai__json_get_integer(int64_t *out, xai__json_value object, const char *key, int64_t low, int64_t high);
xai_status xai__json_get_number(double *out, xai__json_value object, const char *key);
xai_status xai__json_get_bool(bool *out, xai__json_value object, const char *key);

/* Refuses members whose key is not in the list, which ends with NULL. */
xai_status xai__json_only(xai__json_value object, const char *const *keys);

/* "NAME: line L, byte B: at a.b[2]: words". */
xai_status xai__json_fail(xai__json_value value, xai_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
