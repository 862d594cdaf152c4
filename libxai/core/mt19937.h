/* SPDX-License-Identifier: MIT
 * The numbers of numpy's RandomState(seed): the Mersenne Twister (Matsumoto, Nishimura 1998). */
#ifndef XAI__CORE_MT19937_H
#define XAI__CORE_MT19937_H

#include <stddef.h>
#include <stdint.h>

enum { XAI__MT19937_SIZE = 624 };

typedef struct xai__mt19937 {
    uint32_t state[XAI__MT19937_SIZE];
    size_t next; /* word to be given out */
} xai__mt19937;

void xai__mt19937_seed(xai__mt19937 *rng, uint32_t seed);
uint32_t xai__mt19937_next(xai__mt19937 *rng);

/* In [0, 1), 53 bits: RandomState.random_sample(). */
double xai__mt19937_uniform(xai__mt19937 *rng);

/* 0 to most, both included, by rejection: RandomState.randint(0, most + 1), and what its shuffle() draws. */
uint32_t xai__mt19937_upto(xai__mt19937 *rng, uint32_t most);

/* RandomState.permutation(n). */
void xai__mt19937_permutation(xai__mt19937 *rng, uint32_t *out, size_t n);

#endif
