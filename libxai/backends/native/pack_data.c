/* SPDX-License-Identifier: MIT
 * Weights in the order in which gradients with respect to a convolution's input read them. */
#include "backends/native/pack.h"
#include "backends/native/taps.h"

#include <string.h>

/* The taps of one class, of a block of outputs, to [in_c/groups/16][its rows][its columns][16 inputs][16 outputs]. */
static void pack_class(float *out, const float *raw, const xai__op_desc *desc, const xai__tap_class *c, int64_t block)
{
    const int64_t n_in = xai__group_inputs(desc), n_out = xai__group_outputs(desc), tap_size = XAI__BLOCK * XAI__BLOCK;
    const int64_t n_taps = (int64_t)desc->kernel_h * desc->kernel_w, block_size = c->n_rows * c->n_cols * tap_size;

    for (int64_t lane = 0; lane < XAI__BLOCK; lane++) {
        const int64_t o = block * XAI__BLOCK + lane, group = o / n_out;

        for (int64_t i = 0; i < n_in && o < desc->out_c; i++) {
            const float *from = raw + ((group * n_in + i) * n_out + o % n_out) * n_taps;
            float *to = out + i / XAI__BLOCK * block_size + i % XAI__BLOCK * XAI__BLOCK + lane;

            for (int32_t y = c->row; y < desc->kernel_h; y += c->row_step)
                for (int32_t x = c->col; x < desc->kernel_w; x += c->col_step, to += tap_size)
                    *to = from[(int64_t)y * desc->kernel_w + x];
        }
    }
}

/* Classes that have no taps are left out. */
static void pack_blocks(void *out, const float *raw, const xai__op_desc *desc, size_t part)
{
    const int64_t n_in = xai__blocks_of(xai__group_inputs(desc)), tap_size = XAI__BLOCK * XAI__BLOCK;
    const int64_t size = n_in * desc->kernel_h * desc->kernel_w * tap_size;
    float *packed = (float *)out + (int64_t)part * size;
    xai__axis rows, cols;
    xai__tap_class c;

    xai__axes_of(&rows, &cols, desc);
    c = xai__tap_class_of(&rows, &cols, 0, 0);
    memset(packed, 0, (size_t)size * sizeof *packed);
    for (int32_t y = 0, n_y = (int32_t)xai__smaller(c.row_step, rows.kernel); y < n_y; y++)
        for (int32_t x = 0, n_x = (int32_t)xai__smaller(c.col_step, cols.kernel); x < n_x; x++) {
            c = xai__tap_class_of(&rows, &cols, y, x);
            pack_class(packed + n_in * c.before * tap_size, raw, desc, &c, (int64_t)part);
        }
}

/* [out_c/16][kh][kw][16]. */
static void pack_lanes(void *out, const float *raw, const xai__op_desc *desc, size_t part)
{
    const int64_t n_taps = desc->kernel_h * desc->kernel_w, first = (int64_t)part * XAI__BLOCK;
    float *packed = (float *)out + first * n_taps;

    for (int64_t tap = 0; tap < n_taps; tap++)
        for (int64_t lane = 0; lane < XAI__BLOCK; lane++)
            packed[tap * XAI__BLOCK + lane] = first + lane < desc->out_c ? raw[lane * n_taps + tap] : 0.0f;
}

/* Which taps are of a class depends on more than their number. */
static uint64_t format_of(const xai__native_kernel *kernel)
{
    const xai__tap_class c = xai__tap_class_of(&kernel->rows, &kernel->cols, 0, 0);
    const int32_t key[] = { kernel->desc.kernel_w, c.row_step, c.col_step };

    return xai__pack_format_with(XAI__PACK_DATA_BLOCKS, &kernel->desc, key, sizeof key);
}

void xai__pack_data_plan(xai__native_kernel *kernel)
{
    const xai__op_desc *desc = &kernel->desc;
    const size_t n_taps = (size_t)desc->kernel_h * (size_t)desc->kernel_w;
    const size_t n_in = (size_t)xai__blocks_of(xai__group_inputs(desc)) * XAI__BLOCK;
    xai__packing *packing = &kernel->base.packing;

    packing->n_parts = (size_t)kernel->n_blocks;
    if (kernel->is_dot) {
        packing->format = format_of(kernel);
        packing->pack = pack_blocks;
        packing->bytes = packing->n_parts * n_in * n_taps * XAI__BLOCK * sizeof(float);
    } else {
        packing->format = xai__pack_format(XAI__PACK_DATA_LANES, desc);
        packing->pack = pack_lanes;
        packing->part_size = n_taps * XAI__BLOCK;
        packing->bytes = packing->n_parts * n_taps * XAI__BLOCK * sizeof(float);
    }
}
