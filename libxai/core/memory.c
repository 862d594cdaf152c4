/* SPDX-License-Identifier: MIT
 * Allocation through the context's allocator. */
#include "core/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/context.h"
#include "core/error.h"

/* Stands before every block, so that the allocator's release() can be told the size. */
typedef union block_head {
    size_t size;
    unsigned char pad[XAI__ALIGNMENT];
} block_head;

/* Weights are read from end to end in each pass, and each small page costs a walk through the page tables. */
enum { LARGE_PAGE = 2 << 20, WORTH_LARGE_PAGES = 2 * LARGE_PAGE };

static void *system_allocate(size_t size, size_t alignment, void *user)
{
    const bool is_large = size >= WORTH_LARGE_PAGES && alignment <= LARGE_PAGE;
    void *data = NULL;

    (void)user;
    if (posix_memalign(&data, is_large ? LARGE_PAGE : alignment, size) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (is_large)
        madvise(data, size, MADV_HUGEPAGE); /* a hint, which a system need not follow */
#endif
    return data;
}

static void system_release(void *data, size_t size, void *user)
{
    (void)size;
    (void)user;
    free(data);
}

const xai_allocator xai__system_allocator = { system_allocate, system_release, NULL };

bool xai__mul_size(size_t *out, size_t a, size_t b)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool xai__add_size(size_t *out, size_t a, size_t b)
{
    return !__builtin_add_overflow(a, b, out);
}

void *xai__alloc(xai_context *context, size_t size)
{
    const xai_allocator *allocator = &context->allocator;
    block_head *head;
    size_t total;

    if (!xai__add_size(&total, size, sizeof *head) || total > PTRDIFF_MAX) { /* else differences of pointers overflow */
        xai__fail_memory();
        return NULL;
    }
    head = allocator->allocate(total, XAI__ALIGNMENT, allocator->user);
    if (head == NULL) {
        xai__fail_memory();
        return NULL;
    }
    head->size = size;
    return head + 1;
}

void *xai__alloc_array(xai_context *context, size_t count, size_t size)
{
    size_t total;

    if (!xai__mul_size(&total, count, size)) {
        xai__fail_memory();
        return NULL;
    }
    return xai__alloc(context, total);
}

void *xai__zalloc_array(xai_context *context, size_t count, size_t size)
{
    void *data = xai__alloc_array(context, count, size);

    if (data != NULL)
        memset(data, 0, count * size);
    return data;
}

/* Always moves: allocators of callers have no realloc. Growing by xai__grow() keeps the sum of the copies linear. */
void *xai__realloc_array(xai_context *context, void *data, size_t count, size_t size)
{
    void *grown = xai__alloc_array(context, count, size);

    if (grown != NULL && data != NULL) {
        size_t old = ((block_head *)data - 1)->size;

        memcpy(grown, data, old < count * size ? old : count * size);
        xai__free(context, data);
    }
    return grown;
}

/* The pointer is copied rather than read as a void *, which it is not: C lets an object be looked at as its own type
 * only. */
void *xai__grow(xai_context *context, void *array, size_t n, size_t size)
{
    void *data;

    memcpy(&data, array, sizeof data);
    if ((n & (n - 1)) == 0) { /* also 0: the array is full whenever n is a power of two */
        data = xai__realloc_array(context, data, n > 0 ? 2 * n : 1, size);
        if (data == NULL)
            return NULL;
        memcpy(array, &data, sizeof data);
    }
    return (char *)data + n * size;
}

void xai__free(xai_context *context, void *data)
{
    block_head *head = data;

    if (data == NULL)
        return;
    head--;
    context->allocator.release(head, head->size + sizeof *head, context->allocator.user);
}

char *xai__strndup(xai_context *context, const char *text, size_t length)
{
    char *copy = xai__alloc(context, length + 1);

    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

char *xai__strdup(xai_context *context, const char *text)
{
    return xai__strndup(context, text, strlen(text));
}

char *xai__format(xai_context *context, const char *format, ...)
{
    va_list args;
    char *text;
    int length;

    /* Once to measure, once to write. */
    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    text = length < 0 ? NULL : xai__alloc(context, (size_t)length + 1);
    if (text == NULL)
        return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}
