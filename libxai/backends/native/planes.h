/* SPDX-License-Identifier: MIT
 * Convolutions into few channels whose lanes are pixels of a row. They lie apart: lane i of vector v is column
 * i * n_vectors + v of n_vectors * 16, so that the vectors beside it are its columns' neighbours. */
#ifndef XAI__NATIVE_PLANES_H
#define XAI__NATIVE_PLANES_H

#include "backends/native/run.h"

/* Blocks of channels of one row of a map. Columns outside it are zeros. Strides in floats. */
typedef struct xai__split {
    const float *in; /* column 0 of the row */
    int64_t in_block;
    int32_t width;     /* of the map */
    int32_t column;    /* of vector 0, lane 0 */
    int32_t n_vectors; /* that are asked for; also so many before vector 0 and behind the last: */
    int32_t before, behind;
    int32_t n_blocks;
    float *out;    /* vector 0 of the first channel */
    int64_t plane; /* to the next channel */
    float *spare;  /* 256 floats a vector */
} xai__split;

/* What channels of a row of the input add to a phase of a row of the output, under one row of taps. */
typedef struct xai__planes {
    const float *in;            /* under the first tap of vector 0 */
    int64_t in_channel, in_tap; /* to the next channel, to what lies under the next tap */
    const float *weights;       /* [channel][tap][output], channels w_channel apart */
    int64_t w_channel;
    int32_t n_in, n_taps;
    const float *ahead; /* what will be split next: n_ahead pixels for each channel are asked for meanwhile */
    int32_t n_ahead;
    float *sums; /* n_vectors of the first output */
    int64_t sums_channel;
    int32_t n_vectors;
} xai__planes;

struct xai__planes_table {
    void (*split)(const xai__split *split);

    /* For 1, 2, 3 and 4 outputs: adds to the sums, channel by channel, tap by tap. */
    void (*add[XAI__FEW])(const xai__planes *planes);

    /* A row of n_vectors * 16 * stride columns from its phases, that lie `phase` apart. */
    void (*weave)(float *out, const float *in, int64_t phase, int32_t stride, int32_t n_vectors);
};

#endif
