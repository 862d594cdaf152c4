/* SPDX-License-Identifier: MIT
 * The Mersenne Twister, and what numpy's RandomState makes of its words. */
#include "core/mt19937.h"

/* Matsumoto, Nishimura: ACM Transactions on Modeling and Computer Simulation 8, 1998. Seeding as numpy's init_genrand.
 */
enum { SIZE = XAI__MT19937_SIZE, MIDDLE = 397 };

void xai__mt19937_seed(xai__mt19937 *rng, uint32_t seed)
{
    rng->state[0] = seed;
    for (uint32_t i = 1; i < SIZE; i++)
        rng->state[i] = 1812433253u * (rng->state[i - 1] ^ rng->state[i - 1] >> 30) + i;
    rng->next = SIZE;
}

/* All words at once, each from one, the next and the one 397 further on, new ones where these are new already. */
static void twist(xai__mt19937 *rng)
{
    uint32_t *s = rng->state;

    for (size_t i = 0; i < SIZE; i++) {
        uint32_t joined = (s[i] & 0x80000000u) | (s[(i + 1) % SIZE] & 0x7fffffffu);

        s[i] = s[(i + MIDDLE) % SIZE] ^ joined >> 1 ^ ((joined & 1) != 0 ? 0x9908b0dfu : 0);
    }
    rng->next = 0;
}

uint32_t xai__mt19937_next(xai__mt19937 *rng)
{
    uint32_t word;

    /* Tempering, as the paper's MT19937: shifts of 11, 7, 15 and 18. */
    if (rng->next >= SIZE)
        twist(rng);
    word = rng->state[rng->next++];
    word ^= word >> 11;
    word ^= word << 7 & 0x9d2c5680u;
    word ^= word << 15 & 0xefc60000u;
    return word ^ word >> 18;
}

/* 53 bits, 27 of one word and 26 of the next: numpy's random_sample(). */
double xai__mt19937_uniform(xai__mt19937 *rng)
{
    uint32_t high = xai__mt19937_next(rng) >> 5, low = xai__mt19937_next(rng) >> 6;

    return (high * 67108864.0 + low) / 9007199254740992.0;
}

/* numpy's legacy bounded integers: words under the smallest covering mask, until one is not above most. */
uint32_t xai__mt19937_upto(xai__mt19937 *rng, uint32_t most)
{
    uint32_t mask = most, value;

    for (unsigned shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;
    if (most == 0)
        return 0;
    do
        value = xai__mt19937_next(rng) & mask;
    while (value > most);
    return value;
}

/* numpy's RandomState.permutation(): Fisher and Yates from the end. The order of draws is part of the result. */
void xai__mt19937_permutation(xai__mt19937 *rng, uint32_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint32_t)i;
    for (size_t i = n; i-- > 1;) {
        size_t j = xai__mt19937_upto(rng, (uint32_t)i);
        uint32_t other = out[j];

        out[j] = out[i];
        out[i] = other;
    }
}
