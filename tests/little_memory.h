/* SPDX-License-Identifier: MIT
 * A context that has no large pieces of memory: for files that ask for more than they hold. */
#ifndef XAI_TESTS_LITTLE_MEMORY_H
#define XAI_TESTS_LITTLE_MEMORY_H

#include "testing.h"

enum { LITTLE_MEMORY = 64 << 20 };

static inline void *little_memory_allocate(size_t size, size_t alignment, void *user)
{
    (void)user;
    return size < LITTLE_MEMORY ? aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment) : NULL;
}

static inline void little_memory_release(void *data, size_t size, void *user)
{
    (void)size;
    (void)user;
    free(data);
}

/* Every piece is smaller than LITTLE_MEMORY; what asks for more gets XAI_E_NO_MEMORY. */
static inline xai_context *little_memory_context(void)
{
    const xai_allocator allocator = { .allocate = little_memory_allocate, .release = little_memory_release };
    const xai_context_options options = { .struct_size = sizeof options, .n_threads = 1, .allocator = &allocator };
    xai_context *context = NULL;

    ck_assert_ok(xai_context_create(&context, &options));
    return context;
}

#endif
