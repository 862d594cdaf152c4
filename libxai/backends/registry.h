/* SPDX-License-Identifier: MIT
 * The chain of backends that a context names, and the one wrapper around each method of the vtable. */
#ifndef XAI__BACKENDS_REGISTRY_H
#define XAI__BACKENDS_REGISTRY_H

#include "backends/backend.h"

typedef struct xai__chain xai__chain;

/* xai__backends_check() is declared in core/context.h. "ref" takes nothing, so that the operators' references run;
 * "native-avx2" is the native backend with no more than that instruction set, even where the processor has more. */

/* The index-th name that a chain may hold, NULL behind the last. */
const char *xai__backends_name(size_t index);

/* Opens context->backends. The chain borrows the context. */
xai_status xai__chain_open(xai__chain **out, xai_context *context);
void xai__chain_close(xai__chain *chain);

/* Asks each in turn. XAI_E_UNSUPPORTED, without a message, if none takes it. */
xai_status xai__chain_plan(xai__kernel **out, xai__chain *chain, const xai__op_desc *desc);

/* True if every backend of the chain keeps the bit promises: native and ref do. */
bool xai__chain_is_exact(const xai__chain *chain);

size_t xai__kernel_n_tasks(const xai__kernel *kernel, const xai__args *args);
void xai__kernel_task(const xai__kernel *kernel, const xai__args *args, size_t index, void *task_scratch);

/* Of a kernel that takes parts. */
void xai__kernel_part(const xai__kernel *kernel, const xai__args *args, const xai__part *part, void *task_scratch);
xai__window xai__kernel_needs(const xai__kernel *kernel, xai__window outputs);

void xai__kernel_free(xai__kernel *kernel, xai_context *context);

/* False if the kernel does not know windows: then everything is reached. */
bool xai__kernel_reach(xai__window *out, const xai__kernel *kernel, xai__window dirty);

#endif
