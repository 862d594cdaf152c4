/* SPDX-License-Identifier: MIT
 * Pairs: two steps that run together, so that what passes between them never leaves the cache. */
#ifndef XAI__RUNTIME_PAIR_H
#define XAI__RUNTIME_PAIR_H

#include "runtime/step.h"

/* Notes in the steps of a plan which of them run with the next, and that their buffers live as long as both. Bits do
 * not depend on it: kernels that take parts give a part the bits that it has in the whole. */
void xai__pairs_find(xai__plan *plan);

/* Bytes of scratch memory that a thread needs for a step, alone or as the first of a pair. */
size_t xai__step_scratch(const xai__plan *plan, size_t step);

/* All of both steps, for all images that the calls are bound to. */
void xai__pair_run(const xai__step *first, const xai__call calls[2], const xai__plan *plan, xai__team *team,
                   void *scratch);

#endif
