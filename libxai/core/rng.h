/* SPDX-License-Identifier: MIT
 * Seeded random numbers, the same on every platform: xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64. */
#ifndef XAI__CORE_RNG_H
#define XAI__CORE_RNG_H

#include <stdint.h>

typedef struct xai__rng {
    uint64_t state[4];
} xai__rng;

void xai__rng_seed(xai__rng *rng, uint64_t seed);
uint64_t xai__rng_next(xai__rng *rng);

/* In [0, 1), 53 bits. */
double xai__rng_uniform(xai__rng *rng);

/* Mixes every bit into every other: splitmix64's finisher. */
uint64_t xai__mix64(uint64_t x);

/* Random access: number index of splitmix64's sequence behind state key, in [0, 1), 53 bits. */
double xai__rng_uniform_at(uint64_t key, uint64_t index);

/* Two independent standard normal numbers, number pair of the sequence behind key. */
void xai__rng_normal_pair_at(double out[2], uint64_t key, uint64_t pair);

#endif
