/* SPDX-License-Identifier: MIT
 * What benches of explanations share: a clock, an input, and the order of times. */
#ifndef XAI_BENCH_PASSES_H
#define XAI_BENCH_PASSES_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <xai/xai.h>

static inline double passes_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Ends the program with the library's sentence. */
static inline void passes_insist(xai_status status)
{
    if (status >= 0)
        return;
    fprintf(stderr, "%s\n", xai_last_error());
    exit(EXIT_FAILURE);
}

/* Noise of the size that ResNets take. */
static inline xai_tensor *passes_input(xai_context *context)
{
    const int64_t shape[4] = { 1, 3, 224, 224 };
    xai_tensor *input = NULL;
    uint32_t state = 1;

    passes_insist(xai_tensor_create(&input, context, shape, 4));
    for (size_t i = 0; i < xai_tensor_size(input); i++) {
        state = state * 1664525u + 1013904223u;
        xai_tensor_data(input)[i] = (float)(state >> 8) * 0x1p-22f - 2;
    }
    return input;
}

static inline int passes_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Smallest first. */
static inline void passes_sort(double *seconds, size_t n)
{
    qsort(seconds, n, sizeof *seconds, passes_compare);
}

#endif
