/* SPDX-License-Identifier: MIT
 * The context. */
#include "core/context.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/cpu.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"

enum { MAX_THREADS = 256, DEFAULT_MAX_PIXELS = 1 << 26 };

/* Before anything is allocated, so that a refused option leaves nothing to undo. */
static xai_status check_options(const xai_context_options *options)
{
    const xai_allocator *allocator = options->allocator;

    if (allocator != NULL && (allocator->allocate == NULL || allocator->release == NULL))
        return xai__fail(XAI_E_INVALID, "allocator: both allocate and release must be set");
    if (options->n_threads > MAX_THREADS)
        return xai__fail(XAI_E_INVALID, "n_threads is %u, at most %d are allowed", options->n_threads, MAX_THREADS);
    if (options->flags & ~(uint32_t)XAI_CONTEXT_COPY_WEIGHTS)
        return xai__fail(XAI_E_INVALID, "flags 0x%x has bits that this version does not know", options->flags);
    return options->backends != NULL ? xai__backends_check(options->backends) : XAI_OK;
}

xai_status xai_context_create(xai_context **out, const xai_context_options *options)
{
    xai_context_options read;
    const xai_allocator *allocator;
    xai_context *context;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL)
        return xai__fail(XAI_E_INVALID, "out is NULL");
    status = XAI__OPTIONS_READ(&read, options);
    if (status == XAI_OK)
        status = check_options(&read);
    if (status < 0)
        return status;
    allocator = read.allocator != NULL ? read.allocator : &xai__system_allocator;
    context = allocator->allocate(sizeof *context, XAI__ALIGNMENT, allocator->user);
    if (context == NULL)
        return xai__fail_memory();
    /* The context cannot allocate itself through itself: it has no block head, and its size is told at the end. */
    memset(context, 0, sizeof *context);
    atomic_init(&context->refs, 1);
    context->allocator = *allocator;
    context->log = read.log;
    context->log_user = read.log_user;
    context->max_pixels = read.max_pixels != 0 ? read.max_pixels : DEFAULT_MAX_PIXELS;
    context->cpu_features = xai__cpu_features();
    context->flags = read.flags;
    xai__pool_init(&context->pool, read.n_threads != 0 ? read.n_threads : xai__cpu_count());
    context->backends = xai__strdup(context, read.backends != NULL ? read.backends : "native");
    /* The destructor takes what there is of it. */
    if (context->backends == NULL) {
        xai_context_unref(context);
        return XAI_E_NO_MEMORY;
    }
    *out = context;
    return XAI_OK;
}

xai_context *xai_context_ref(xai_context *context)
{
    if (context != NULL)
        atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

void xai_context_unref(xai_context *context)
{
    xai_allocator allocator;

    if (context == NULL || atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) != 1)
        return;
    xai__pool_fini(&context->pool, context);
    xai__free(context, context->backends);
    /* Copied out: it stands in the memory that it is about to release. */
    allocator = context->allocator;
    allocator.release(context, sizeof *context, allocator.user);
}

void xai__log(xai_context *context, int32_t level, const char *format, ...)
{
    char line[512];
    va_list args;

    if (context->log == NULL)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    context->log(level, line, context->log_user);
}
