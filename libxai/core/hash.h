/* SPDX-License-Identifier: MIT
 * A fast 64-bit digest, to tell inputs and models apart in records; not for security. */
#ifndef XAI__CORE_HASH_H
#define XAI__CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Chain calls by passing the last digest as seed. The same on every platform. */
uint64_t xai__hash(uint64_t seed, const void *bytes, size_t size);

/* The same digest piece by piece: what is added comes to the size that was said at the beginning, and all pieces but
 * the last are multiples of 32 bytes. */
typedef struct xai__hasher {
    uint64_t lanes[4], digest;
} xai__hasher;

void xai__hasher_init(xai__hasher *hasher, uint64_t seed, size_t size);
void xai__hasher_add(xai__hasher *hasher, const void *bytes, size_t size);
uint64_t xai__hasher_finish(const xai__hasher *hasher);

#endif
