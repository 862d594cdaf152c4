/* SPDX-License-Identifier: MIT
 * A text that grows. */
#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"

void xai__text_init(xai__text *text, xai_context *context)
{
    *text = (xai__text){ .context = context };
}

void xai__text_fini(xai__text *text)
{
    if (text->context != NULL)
        xai__free(text->context, text->data);
    text->data = NULL;
}

/* A failure sticks, so that writers need not look after every word; the reader asks once, at the end. */
static void reserve(xai__text *text, size_t more)
{
    size_t needed = text->length + more + 1;
    char *grown;

    if (needed <= text->capacity)
        return;
    needed = needed < 2 * text->capacity ? 2 * text->capacity : needed + 64;
    grown = xai__realloc_array(text->context, text->data, needed, 1);
    if (grown == NULL) {
        text->failed = true;
        return;
    }
    text->data = grown;
    text->capacity = needed;
}

void xai__text_add(xai__text *text, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || text->failed)
        return;
    reserve(text, (size_t)length);
    if (text->failed)
        return;
    va_start(args, format);
    vsnprintf(text->data + text->length, text->capacity - text->length, format, args);
    va_end(args);
    text->length += (size_t)length;
}

const char *xai__text_get(const xai__text *text)
{
    return text->data != NULL ? text->data : "";
}

/* As snprintf: what fits, terminated, and the length that all of it has. */
size_t xai__text_copy(const xai__text *text, char *buffer, size_t capacity)
{
    if (text->failed)
        return 0;
    if (capacity > 0) {
        size_t length = text->length < capacity ? text->length : capacity - 1;

        memcpy(buffer, xai__text_get(text), length);
        buffer[length] = '\0';
    }
    return text->length;
}
