/* SPDX-License-Identifier: MIT
 * PCG64 with XSL-RR output and 128 bits of state, numpy's way of seeding it, and its ziggurat for normal numbers. */
#include "core/pcg64.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* O'Neill: PCG, 2014. In two halves, since not every compiler of C11 has 128-bit integers. */
static const xai__u128 MULTIPLIER = { 2549297995355413924u, 4865540595714422341u };

static xai__u128 add(xai__u128 a, xai__u128 b)
{
    xai__u128 sum = { a.high + b.high, a.low + b.low };

    sum.high += sum.low < a.low;
    return sum;
}

/* Low 128 bits of the product, from products of 32-bit halves. */
static xai__u128 multiply(xai__u128 a, xai__u128 b)
{
    uint64_t a0 = (uint32_t)a.low, a1 = a.low >> 32, b0 = (uint32_t)b.low, b1 = b.low >> 32;
    uint64_t low = a0 * b0, middle = a1 * b0 + (low >> 32), cross = a0 * b1 + (uint32_t)middle;
    xai__u128 product = { a1 * b1 + (middle >> 32) + (cross >> 32), cross << 32 | (uint32_t)low };

    product.high += a.high * b.low + a.low * b.high;
    return product;
}

/* A linear congruential step of 128 bits. */
static void step(xai__pcg64 *rng)
{
    rng->state = add(multiply(rng->state, MULTIPLIER), rng->increment);
}

uint64_t xai__pcg64_next(xai__pcg64 *rng)
{
    uint64_t mixed;
    unsigned turn;

    step(rng);
    mixed = rng->state.high ^ rng->state.low;
    turn = (unsigned)(rng->state.high >> 58);
    return mixed >> turn | mixed << (-turn & 63);
}

double xai__pcg64_uniform(xai__pcg64 *rng)
{
    return (double)(xai__pcg64_next(rng) >> 11) * 0x1p-53;
}

/* --- numpy's SeedSequence: 32-bit words are hashed into a pool of four, and out of it again --- */

enum { POOL_SIZE = 4 };

typedef struct hashing {
    uint32_t constant, factor;
} hashing;

static uint32_t hash(hashing *h, uint32_t value)
{
    value ^= h->constant;
    h->constant *= h->factor;
    value *= h->constant;
    return value ^ value >> 16;
}

static uint32_t mix(uint32_t x, uint32_t y)
{
    uint32_t mixed = 0xca01f9ddu * x - 0x4973f715u * y;

    return mixed ^ mixed >> 16;
}

/* A seed is two words; numpy pads with zeros, which hash like any others. */
static void fill_pool(uint32_t pool[POOL_SIZE], uint64_t seed)
{
    hashing h = { 0x43b0d7e5u, 0x931e8875u };
    const uint32_t words[POOL_SIZE] = { (uint32_t)seed, (uint32_t)(seed >> 32) };

    for (size_t i = 0; i < POOL_SIZE; i++)
        pool[i] = hash(&h, words[i]);
    for (size_t from = 0; from < POOL_SIZE; from++)
        for (size_t to = 0; to < POOL_SIZE; to++)
            if (from != to)
                pool[to] = mix(pool[to], hash(&h, pool[from]));
}

static uint64_t draw_word(hashing *h, const uint32_t pool[POOL_SIZE], size_t index)
{
    uint64_t low = hash(h, pool[2 * index % POOL_SIZE]);

    return low | (uint64_t)hash(h, pool[(2 * index + 1) % POOL_SIZE]) << 32;
}

/* --- the ziggurat (Marsaglia, Tsang 2000) with 256 strips of equal area --- */

static const double TAIL = 3.6541528853610087963519472518; /* where the lowest strip's tail begins */

static double bell(double x)
{
    return exp(-0.5 * x * x);
}

/* From the lowest strip up: each one's right end follows from the area. */
static void build_ziggurat(xai__pcg64 *rng)
{
    const double scale = 0x1p52, area = TAIL * bell(TAIL) + sqrt(acos(-1.0) / 2) * erfc(TAIL / sqrt(2.0));
    double end = TAIL, base = area / bell(TAIL);

    rng->inside[0] = (uint64_t)(end / base * scale);
    rng->width[0] = base / scale;
    rng->height[0] = 1;
    rng->width[XAI__ZIGGURAT_SIZE - 1] = end / scale;
    rng->height[XAI__ZIGGURAT_SIZE - 1] = bell(end);
    for (size_t i = XAI__ZIGGURAT_SIZE - 2; i >= 1; i--) {
        double next = sqrt(-2 * log(area / end + bell(end)));

        rng->inside[i + 1] = (uint64_t)(next / end * scale);
        rng->width[i] = next / scale;
        rng->height[i] = bell(next);
        end = next;
    }
    rng->inside[1] = 0; /* the topmost strip has none above it */
}

/* Marsaglia's tail: exponential numbers, kept where the bell lies above them. */
static double draw_tail(xai__pcg64 *rng, bool is_negative)
{
    for (;;) {
        double x = -log1p(-xai__pcg64_uniform(rng)) / TAIL, y = -log1p(-xai__pcg64_uniform(rng));

        if (y + y > x * x)
            return is_negative ? -(TAIL + x) : TAIL + x;
    }
}

/* One word gives the strip (8 bits), the sign (1) and the position (52). Of a strip, what lies under the next one is
 * inside for sure; only the rest looks at the bell. */
double xai__pcg64_normal(xai__pcg64 *rng)
{
    for (;;) {
        uint64_t bits = xai__pcg64_next(rng), size = bits >> 9 & 0xfffffffffffffu;
        size_t strip = bits & 0xff;
        double x = (double)size * rng->width[strip], y;

        if ((bits >> 8 & 1) != 0)
            x = -x;
        if (size < rng->inside[strip])
            return x;
        if (strip == 0)
            return draw_tail(rng, (size >> 8 & 1) != 0);
        y = (rng->height[strip - 1] - rng->height[strip]) * xai__pcg64_uniform(rng) + rng->height[strip];
        if (y < bell(x))
            return x;
    }
}

void xai__pcg64_seed(xai__pcg64 *rng, uint64_t seed)
{
    uint32_t pool[POOL_SIZE];
    hashing h = { 0x8b51f9ddu, 0x58f38dedu };
    uint64_t words[4];

    fill_pool(pool, seed);
    for (size_t i = 0; i < 4; i++)
        words[i] = draw_word(&h, pool, i);
    rng->increment = (xai__u128){ words[2] << 1 | words[3] >> 63, words[3] << 1 | 1 };
    /* The order of numpy's pcg64_srandom: step from zero, add the seed, step. */
    rng->state = (xai__u128){ 0, 0 };
    step(rng);
    rng->state = add(rng->state, (xai__u128){ words[0], words[1] });
    step(rng);
    build_ziggurat(rng);
}
