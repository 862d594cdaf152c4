/* SPDX-License-Identifier: MIT
 * Weights in the order in which kernels read them. */
#include "backends/native/pack.h"

#include <string.h>

#include "core/hash.h"

static int64_t taps_of(const xai__op_desc *desc)
{
    return desc->op == XAI__GEMM ? 1 : (int64_t)desc->kernel_h * desc->kernel_w;
}

static int64_t inputs_of(const xai__op_desc *desc)
{
    return desc->op == XAI__GEMM ? desc->in_c : desc->in_c / (int32_t)desc->groups;
}

int64_t xai__pack_depth(const xai__op_desc *desc)
{
    return inputs_of(desc) * taps_of(desc);
}

static int lanes_of(const xai__op_desc *desc, size_t block)
{
    int64_t left = desc->out_c - (int64_t)block * XAI__BLOCK;

    return left < XAI__BLOCK ? (int)left : XAI__BLOCK;
}

/* out[0..15] = every lane's raw value, depth apart. */
static void gather(float *out, const float *raw, int64_t depth, int n_lanes)
{
    for (int lane = 0; lane < n_lanes; lane++)
        out[lane] = raw[lane * depth];
    for (int lane = n_lanes; lane < XAI__BLOCK; lane++)
        out[lane] = 0.0f;
}

static void pack_rows(void *out, const float *raw, const xai__op_desc *desc, size_t part)
{
    const int64_t depth = xai__pack_depth(desc), start = (int64_t)part * XAI__BLOCK * depth;
    float *packed = (float *)out + start;

    for (int64_t k = 0; k < depth; k++, packed += XAI__BLOCK)
        gather(packed, raw + k, depth, lanes_of(desc, part));
}

static void pack_blocks(void *out, const float *raw, const xai__op_desc *desc, size_t part)
{
    /* Raw weights are read once, front to back; the holes of a last input block are zeroed before. */
    const int64_t n_inputs = inputs_of(desc), n_taps = taps_of(desc), depth = n_inputs * n_taps;
    const int64_t n_blocks = (n_inputs + XAI__BLOCK - 1) / XAI__BLOCK, block_size = n_taps * XAI__BLOCK * XAI__BLOCK;
    const int n_lanes = lanes_of(desc, part);
    float *packed = (float *)out + (int64_t)part * n_blocks * block_size;

    if (n_inputs % XAI__BLOCK != 0)
        memset(packed + (n_blocks - 1) * block_size, 0, (size_t)block_size * sizeof *packed);
    for (int64_t i = 0; i < n_inputs; i++) {
        float *to = packed + i / XAI__BLOCK * block_size + i % XAI__BLOCK * XAI__BLOCK;

        for (int64_t tap = 0; tap < n_taps; tap++, raw++, to += XAI__BLOCK * XAI__BLOCK)
            gather(to, raw, depth, n_lanes);
    }
}

uint64_t xai__pack_format_with(enum xai__pack_order order, const xai__op_desc *desc, const void *key, size_t size)
{
    const int64_t common[] = { order, desc->out_c, inputs_of(desc), taps_of(desc) };
    uint64_t hash = xai__hash(0, common, sizeof common);

    if (size > 0)
        hash = xai__hash(hash, key, size);
    return hash != 0 ? hash : 1;
}

uint64_t xai__pack_format(enum xai__pack_order order, const xai__op_desc *desc)
{
    return xai__pack_format_with(order, desc, NULL, 0);
}

void xai__pack_rows_plan(xai__native_kernel *kernel)
{
    xai__packing *packing = &kernel->base.packing;

    packing->format = xai__pack_format(XAI__PACK_ROWS, &kernel->desc);
    packing->n_parts = (size_t)kernel->n_blocks;
    packing->part_size = (size_t)xai__pack_depth(&kernel->desc) * XAI__BLOCK;
    packing->bytes = packing->n_parts * packing->part_size * sizeof(float);
    packing->pack = pack_rows;
}

void xai__pack_blocks_plan(xai__native_kernel *kernel)
{
    xai__packing *packing = &kernel->base.packing;
    size_t n_inputs = (size_t)xai__blocks_of((int32_t)inputs_of(&kernel->desc)) * XAI__BLOCK;

    packing->format = xai__pack_format(XAI__PACK_BLOCKS, &kernel->desc);
    packing->n_parts = (size_t)kernel->n_blocks;
    packing->part_size = (size_t)xai__pack_depth(&kernel->desc) * XAI__BLOCK;
    packing->bytes = packing->n_parts * n_inputs * (size_t)taps_of(&kernel->desc) * XAI__BLOCK * sizeof(float);
    packing->pack = pack_blocks;
}
