/* SPDX-License-Identifier: MIT
 * Winograd's minimal filtering of 3x3 convolutions: what the code of an instruction set does with one tile of outputs.
 */
#ifndef XAI__NATIVE_WINOGRAD_H
#define XAI__NATIVE_WINOGRAD_H

#include "backends/native/run.h"

/* F(m x m, 3 x 3) computes a tile of m x m outputs from a patch of (m + 2) x (m + 2) inputs by as many products as the
 * patch has pixels: m = 2 takes 16 for 4 outputs, m = 4 takes 36 for 16, where direct summing takes 9 for each. */
enum { XAI__WINOGRAD_SMALL, XAI__WINOGRAD_LARGE, XAI__N_WINOGRADS };

enum { XAI__WINOGRAD_TILE = 4, XAI__WINOGRAD_PATCH = XAI__WINOGRAD_TILE + 2 };

/* F(4x4) interpolates at 0, +-A, +-B and infinity. Of the pairs that float32 and their products' sums hold exactly,
 * this one rounds least: 0.5 to 0.6 of the error that 1 and 2 make. */
#define XAI__WINOGRAD_A 0.6875
#define XAI__WINOGRAD_B 1.375

/* Transforms the patches of n_blocks blocks of channels; rows of a patch lie `row` apart, blocks `block`. out[product]
 * of the blocks lie out_product and out_block apart. */
typedef void xai__winograd_in_fn(float *out, int64_t out_product, int64_t out_block, const float *in, int64_t row,
                                 int64_t block, int32_t n_blocks);

/* The same of patches that the map's border cuts: pixels outside `inside`, counted from the patch's first, are zero. */
typedef void xai__winograd_border_fn(float *out, int64_t out_product, int64_t out_block, const float *in, int64_t row,
                                     int64_t block, int32_t n_blocks, const xai__window *inside);

/* Transforms one block of summed products, in[product * in_product], and finishes the outputs of the tile that lie
 * inside a window, counted from its first output. The run's places are that output's, with the distance of rows for
 * `block`; they are moved. */
typedef void xai__winograd_out_fn(xai__run *run, const float *in, int64_t in_product, const xai__window *inside);

struct xai__winograd_table {
    xai__winograd_in_fn *in[XAI__N_WINOGRADS];
    xai__winograd_border_fn *border[XAI__N_WINOGRADS];
    xai__winograd_out_fn *out[XAI__N_WINOGRADS];
};

#endif
