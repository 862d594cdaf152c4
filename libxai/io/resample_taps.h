/* SPDX-License-Identifier: MIT
 * The two inner loops of resizing a picture: sums along a row and sums across rows. */
#ifndef XAI__IO_RESAMPLE_TAPS_H
#define XAI__IO_RESAMPLE_TAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Weights are numbers of 2^-22: 8 bits of sample and 2 of overshoot fill the 32. */
enum { XAI__WEIGHT_BITS = 22 };

/* Taps are padded with zero weights to whole groups, so up to three pixels behind the last one are read. */
enum { XAI__TAP_GROUP = 4 };

/* Which samples of a line make each sample of a new line. */
typedef struct xai__taps {
    int32_t n;       /* new samples */
    int32_t n_taps;  /* room for weights a new sample, a multiple of the group */
    int32_t *first;  /* n: the first old sample */
    int32_t *count;  /* n: old samples used */
    int32_t *weight; /* n x n_taps */
    int16_t *halves; /* n x n_taps x 2, or NULL: each group's upper and lower halves, for the AVX2 loop */
} xai__taps;

/* Splits the weights into halves. */
void xai__taps_split(xai__taps *taps);

/* Resizes n_rows rows of RGB. The old ones lie in_stride apart, the new ones out_stride. */
void xai__taps_along(uint8_t *out, size_t out_stride, const uint8_t *in, size_t in_stride, size_t n_rows,
                     const xai__taps *taps);

/* One new row of n samples from taps->count[at] old rows; in is the first of them. */
void xai__taps_across(uint8_t *out, const uint8_t *in, size_t in_stride, size_t n, const xai__taps *taps, int32_t at,
                      bool avx2);

#endif
