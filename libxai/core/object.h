/* SPDX-License-Identifier: MIT
 * Reference counting: the first member of every handle. */
#ifndef XAI__CORE_OBJECT_H
#define XAI__CORE_OBJECT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <xai/context.h>

typedef struct xai__object {
    atomic_size_t refs;
    xai_context *context;
} xai__object;

/* Takes a reference on the context. */
static inline void xai__object_init(xai__object *object, xai_context *context)
{
    atomic_init(&object->refs, 1);
    object->context = xai_context_ref(context);
}

static inline void xai__object_ref(xai__object *object)
{
    atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
}

/* True if that was the last reference: the caller frees the object, then drops its context. */
static inline bool xai__object_unref(xai__object *object)
{
    return atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) == 1;
}

#endif
