/* SPDX-License-Identifier: MIT
 * The numbers of numpy's default_rng(seed): PCG64 (O'Neill 2014), seeded through a SeedSequence. */
#ifndef XAI__CORE_PCG64_H
#define XAI__CORE_PCG64_H

#include <stdint.h>

/* A 128-bit number. */
typedef struct xai__u128 {
    uint64_t high, low;
} xai__u128;

enum { XAI__ZIGGURAT_SIZE = 256 };

typedef struct xai__pcg64 {
    xai__u128 state, increment;

    /* Of the ziggurat of the normal distribution: widths of its strips as factors of 52-bit numbers, the largest number
     * that lies inside the next strip, heights. */
    double width[XAI__ZIGGURAT_SIZE], height[XAI__ZIGGURAT_SIZE];
    uint64_t inside[XAI__ZIGGURAT_SIZE];
} xai__pcg64;

void xai__pcg64_seed(xai__pcg64 *rng, uint64_t seed);
uint64_t xai__pcg64_next(xai__pcg64 *rng);

/* In [0, 1), 53 bits: Generator.random(). */
double xai__pcg64_uniform(xai__pcg64 *rng);

/* Generator.standard_normal(), to the last places that the C library's exp() and log() decide. */
double xai__pcg64_normal(xai__pcg64 *rng);

#endif
