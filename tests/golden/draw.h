/* SPDX-License-Identifier: MIT
 * What draw.py draws, and how far a result may be from it. */
#ifndef XAI_TESTS_GOLDEN_DRAW_H
#define XAI_TESTS_GOLDEN_DRAW_H

#include <math.h>

#include "core/rng.h"
#include "testing.h"

/* Of pictures and weights, in make_zoo.py and make_gradients.py. */
enum { SEED = 7 };

/* picture("input", height, width, SEED). */
static inline float *draw_picture(int height, int width)
{
    uint64_t key = 0xcbf29ce484222325u;
    size_t n = (size_t)height * (size_t)width;
    float *picture = malloc(3 * n * sizeof *picture);

    ck_assert_ptr_nonnull(picture);
    for (const char *c = "input"; *c != '\0'; c++)
        key = (key ^ (unsigned char)*c) * 0x100000001b3u;
    key ^= xai__mix64(SEED);
    for (size_t i = 0; i < 3 * n; i++) {
        double slope = (double)(i % n / (size_t)width) / height - (double)(i % (size_t)width) / width;

        picture[i] = (float)((2 * xai__rng_uniform_at(key, i) - 1) + slope);
    }
    return picture;
}

/* Largest difference, as a share of the largest expected magnitude. */
static inline double relative_error(const float *got, const float *expected, size_t n)
{
    double worst = 0, largest = 1e-30;

    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs((double)got[i] - expected[i]));
        largest = fmax(largest, fabs(expected[i]));
    }
    return worst / largest;
}

#endif
