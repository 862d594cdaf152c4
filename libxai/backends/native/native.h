/* SPDX-License-Identifier: MIT
 * The native backend: every kernel in this library's own code, one source for all instruction sets. */
#ifndef XAI__NATIVE_NATIVE_H
#define XAI__NATIVE_NATIVE_H

#include "backends/backend.h"

extern const xai__backend xai__backend_native;

/* The index-th instruction set, best first, NULL behind the last: "native-" and this is a backend's name too. */
const char *xai__native_level_name(size_t index);

/* The state is one of these, as open() leaves it; NULL if the processor lacks it. */
void *xai__native_level(const char *name, uint64_t cpu_features);

#endif
