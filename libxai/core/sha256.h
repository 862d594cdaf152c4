/* SPDX-License-Identifier: MIT
 * SHA-256 (FIPS 180-4), to check weight files against what a manifest states. */
#ifndef XAI__CORE_SHA256_H
#define XAI__CORE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef void (*xai__sha256_fn)(uint32_t state[8], const unsigned char *blocks, size_t count);

typedef struct xai__sha256 {
    uint32_t state[8];
    unsigned char block[64];
    uint64_t size; /* bytes so far */
    xai__sha256_fn compress;
} xai__sha256;

/* cpu_features: of enum xai__cpu_feature, as a context holds them; 0 for plain C. */
void xai__sha256_init(xai__sha256 *hash, uint64_t cpu_features);
void xai__sha256_add(xai__sha256 *hash, const void *bytes, size_t size);
void xai__sha256_finish(xai__sha256 *hash, unsigned char digest[32]);

/* All at once, as 64 lower-case hexadecimal digits and a NUL. */
void xai__sha256_text(char text[65], const void *bytes, size_t size, uint64_t cpu_features);

#endif
