/* SPDX-License-Identifier: MIT
 * Allocation through the context's allocator; sizes are checked here and nowhere else. */
#ifndef XAI__CORE_MEMORY_H
#define XAI__CORE_MEMORY_H

#include <stdbool.h>

#include <xai/context.h>

#define XAI__ALIGNMENT 64

/* All return memory aligned to 64 bytes, or NULL with the message set. A size of 0 gives a valid pointer. */
void *xai__alloc(xai_context *context, size_t size);
void *xai__alloc_array(xai_context *context, size_t count, size_t size);
void *xai__zalloc_array(xai_context *context, size_t count, size_t size);

/* Keeps the first bytes; on failure the old block stays as it was. NULL is an empty block. */
void *xai__realloc_array(xai_context *context, void *data, size_t count, size_t size);

/* Room for one more element behind the n that an array has: returns it, or NULL with the message set. array points to
 * the pointer to its elements, of whatever type. Capacity is the next power of two, so an array grown by this alone
 * needs no count of its own. */
void *xai__grow(xai_context *context, void *array, size_t n, size_t size);

/* NULL is nothing, and needs no context. */
void xai__free(xai_context *context, void *data);

char *xai__strdup(xai_context *context, const char *text);
char *xai__strndup(xai_context *context, const char *text, size_t length);
char *xai__format(xai_context *context, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* False on overflow. */
bool xai__mul_size(size_t *out, size_t a, size_t b);
bool xai__add_size(size_t *out, size_t a, size_t b);

/* The default allocator. */
extern const xai_allocator xai__system_allocator;

#endif
