/* SPDX-License-Identifier: MIT
 * Seeded random numbers. */
#include "core/rng.h"

#include <math.h>

static const uint64_t GOLDEN = 0x9e3779b97f4a7c15u;

static uint64_t rotate(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t xai__mix64(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void xai__rng_seed(xai__rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        rng->state[i] = xai__mix64(seed += GOLDEN);
}

/* xoshiro256** (Blackman, Vigna 2018). */
uint64_t xai__rng_next(xai__rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double xai__rng_uniform(xai__rng *rng)
{
    return (double)(xai__rng_next(rng) >> 11) * 0x1p-53;
}

/* Element index of SplitMix64's stream for this key, without those before it: streams may start anywhere and be split
 * over threads. */
double xai__rng_uniform_at(uint64_t key, uint64_t index)
{
    return (double)(xai__mix64(key + (index + 1) * GOLDEN) >> 11) * 0x1p-53;
}

/* Box and Muller 1958; 1 - u is never 0. */
void xai__rng_normal_pair_at(double out[2], uint64_t key, uint64_t pair)
{
    const double two_pi = 6.28318530717958647692;
    double radius = sqrt(-2 * log(1 - xai__rng_uniform_at(key, 2 * pair))),
           angle = two_pi * xai__rng_uniform_at(key, 2 * pair + 1);

    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}
