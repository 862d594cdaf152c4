/* SPDX-License-Identifier: MIT
 * Weights in the order in which kernels read them, the same on every instruction set: blocks of 16 outputs. */
#ifndef XAI__NATIVE_PACK_H
#define XAI__NATIVE_PACK_H

#include "backends/native/kernel.h"

/* [out_c/16][in_c/groups * kh * kw][16], for GEMM [N/16][K][16]: every output's weights in their raw order. */
void xai__pack_rows_plan(xai__native_kernel *kernel);

/* [out_c/16][in_c/groups/16][kh][kw][16 inputs][16 outputs]; inputs and outputs beyond C are zero. */
void xai__pack_blocks_plan(xai__native_kernel *kernel);

/* [(tile + 2)^2][out_c/16][in_c][16]: transformed for tiles of 2 or 4. */
void xai__pack_winograd_plan(xai__native_kernel *kernel, int32_t tile);

/* Of a gradient: [out_c/16][class of taps][in_c/groups/16][its rows][its columns][16 inputs][16 outputs], classes in
 * the order of xai__tap_class; of a depthwise one, where kernel->is_dot is false, [out_c/16][kh][kw][16]. */
void xai__pack_data_plan(xai__native_kernel *kernel);

enum xai__pack_order {
    XAI__PACK_ROWS = 1,
    XAI__PACK_BLOCKS,
    XAI__PACK_WINOGRAD2,
    XAI__PACK_WINOGRAD4,
    XAI__PACK_DATA_BLOCKS = 16,
    XAI__PACK_DATA_LANES,
    XAI__PACK_FEW,
    XAI__PACK_FEW_DATA,
    XAI__PACK_PLANES,
    XAI__PACK_PLANES_DATA
};

/* The number of a format holds all that the packed bytes depend on. */
uint64_t xai__pack_format(enum xai__pack_order order, const xai__op_desc *desc);

/* The same of bytes that depend on more. */
uint64_t xai__pack_format_with(enum xai__pack_order order, const xai__op_desc *desc, const void *key, size_t size);

/* Inputs of one output: in_c / groups * kh * kw, or K. */
int64_t xai__pack_depth(const xai__op_desc *desc);

#endif
