/* SPDX-License-Identifier: MIT
 * The context. It knows the backend chain as a string; the chain is opened at the first plan, above. */
#ifndef XAI__CORE_CONTEXT_H
#define XAI__CORE_CONTEXT_H

#include <stdatomic.h>

#include <xai/context.h>

#include "core/threads.h"

struct xai_context {
    atomic_size_t refs;
    xai_allocator allocator;
    xai_log_fn log;
    void *log_user;
    char *backends; /* comma-separated, checked */
    uint64_t max_pixels;
    uint64_t cpu_features;
    uint32_t flags;
    xai__pool pool;
};

/* The one call upwards: which names of backends there are is known by backends/registry.c, and a wrong one should be
 * refused when the context is made. */
xai_status xai__backends_check(const char *names);

/* Does nothing without a log callback. */
void xai__log(xai_context *context, int32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
