/* SPDX-License-Identifier: MIT
 * Products of transformed patches with transformed weights, as Winograd's filtering sums them: what the code of an
 * instruction set does with some blocks of outputs of one product. */
#ifndef XAI__NATIVE_PRODUCTS_H
#define XAI__NATIVE_PRODUCTS_H

#include "backends/native/run.h"

/* The weights of a network come from memory each time, and no processor foresees where those of the next product lie.
 * So while it multiplies, a register tile asks for n_lines blocks of `next` every so many input channels. */
enum { XAI__FETCH_CHANNELS = 4 };

/* Strides in floats. */
typedef struct xai__products {
    const float *patches; /* [block of inputs][tile][16], blocks in_block apart */
    const float *weights; /* [block of outputs][input][16], blocks of outputs w_out apart */
    float *sums;          /* [block of outputs][tile][16], blocks out_block apart */
    int64_t in_block, out_block, w_out;
    int32_t n_in, n_last; /* blocks of inputs, channels in the last */
    int32_t n_last_lanes; /* output channels in the last block, if less than 16 */
    int32_t n_lines;
    const float *next; /* the weights that will be multiplied next */
} xai__products;

/* n register tiles of as many blocks and patches as the table says, from patch `first` on. */
typedef void xai__products_fn(const xai__products *run, int32_t first, int32_t n);

/* As in xai__dot_table, with patches for pixels. */
struct xai__products_table {
    int32_t usual_blocks;
    int32_t max_pixels[XAI__TILE_BLOCKS + 1];
    xai__products_fn *tiles[XAI__TILE_BLOCKS + 1][XAI__TILE_PIXELS + 1]; /* [blocks][pixels] */
};

#endif
