/* SPDX-License-Identifier: MIT
 * A text that grows: lists in messages, JSON, tables. */
#ifndef XAI__CORE_TEXT_H
#define XAI__CORE_TEXT_H

#include <stdbool.h>

#include <xai/context.h>

typedef struct xai__text {
    xai_context *context;
    char *data; /* NUL-terminated once something was added */
    size_t length, capacity;
    bool failed; /* memory ran out; further additions do nothing */
} xai__text;

void xai__text_init(xai__text *text, xai_context *context);
void xai__text_fini(xai__text *text);

void xai__text_add(xai__text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text so far, never NULL. */
const char *xai__text_get(const xai__text *text);

/* As snprintf: copies what fits and returns the whole length. */
size_t xai__text_copy(const xai__text *text, char *buffer, size_t capacity);

#endif
