/* SPDX-License-Identifier: MIT
 * A fast 64-bit digest, to tell inputs and models apart in records; not for security. */
#ifndef XAI__CORE_HASH_H
#define XAI__CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Chain calls by passing the last digest as seed. The same on every platform. */
uint64_t xai__hash(uint64_t seed, const void *bytes, size_t size);

#endif
