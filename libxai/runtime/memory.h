/* SPDX-License-Identifier: MIT
 * Where buffers lie in the arena: those that live at different times share memory. */
#ifndef XAI__RUNTIME_MEMORY_H
#define XAI__RUNTIME_MEMORY_H

#include <stdbool.h>

#include <xai/context.h>

/* Sizes and offsets are for one image; with n images both are multiplied by n. */
typedef struct xai__buffer {
    size_t size, offset;   /* floats, multiples of 16 */
    size_t first, last;    /* steps between which it lives, both included */
    const float *constant; /* not in the arena: elements that never change */
    int32_t fed;           /* not in the arena: which of the callers' tensors; -1: none */
    bool in_scratch;       /* not in the arena: it passes from step to step through scratch memory */
} xai__buffer;

/* Sets the offsets and returns the arena's size through total. */
xai_status xai__memory_assign(xai_context *context, xai__buffer *buffers, size_t n_buffers, size_t *total);

#endif
