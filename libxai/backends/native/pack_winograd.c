/* SPDX-License-Identifier: MIT
 * 3x3 weights transformed for Winograd's minimal filtering. */
#include "backends/native/pack.h"
#include "backends/native/winograd.h"

/* The 16 outputs of a block, in double precision: weights are transformed once, their error would stay. */
typedef struct lanes {
    double v[XAI__BLOCK];
} lanes;

/* out = scale * (g0 + point * g1 + point * point * g2), of two points of opposite sign. */
static void weigh_points(lanes *plus, lanes *minus, const lanes *g0, const lanes *g1, const lanes *g2, double point,
                         double scale)
{
    const double even = scale * point * point, odd = scale * point;

    for (int i = 0; i < XAI__BLOCK; i++) {
        double e = scale * g0->v[i] + even * g2->v[i], o = odd * g1->v[i];

        plus->v[i] = e + o;
        minus->v[i] = e - o;
    }
}

static void weigh_zero(lanes *out, const lanes *g0, double scale)
{
    for (int i = 0; i < XAI__BLOCK; i++)
        out->v[i] = scale * g0->v[i];
}

/* The polynomial g0 + g1 x + g2 x^2 at the points, each value divided by the product of the point's distances from the
 * other points; out[] lie `step` apart. */
static void transform_line(lanes *out, int step, const lanes *g0, const lanes *g1, const lanes *g2, int tile)
{
    const double a2 = XAI__WINOGRAD_A * XAI__WINOGRAD_A, b2 = XAI__WINOGRAD_B * XAI__WINOGRAD_B;

    if (tile == 2) {
        weigh_zero(out, g0, 1);
        weigh_points(out + step, out + 2 * step, g0, g1, g2, 1, 0.5);
        weigh_zero(out + 3 * step, g2, 1);
        return;
    }
    weigh_zero(out, g0, 1 / (a2 * b2));
    weigh_points(out + step, out + 2 * step, g0, g1, g2, XAI__WINOGRAD_A, 1 / (2 * a2 * (a2 - b2)));
    weigh_points(out + 3 * step, out + 4 * step, g0, g1, g2, XAI__WINOGRAD_B, 1 / (2 * b2 * (b2 - a2)));
    weigh_zero(out + 5 * step, g2, 1);
}

static void transform(lanes out[], const lanes g[9], int tile)
{
    lanes columns[3 * XAI__WINOGRAD_PATCH]; /* [row of the patch][column of the kernel] */
    const int n = tile + 2;

    for (int x = 0; x < 3; x++)
        transform_line(columns + x, 3, &g[x], &g[3 + x], &g[6 + x], tile);
    for (int y = 0; y < n; y++)
        transform_line(out + y * n, 1, &columns[3 * y], &columns[3 * y + 1], &columns[3 * y + 2], tile);
}

/* [product][out_c/16][in_c][16] */
static void pack(void *out, const float *raw, const xai__op_desc *desc, size_t part, int tile)
{
    const int n_products = (tile + 2) * (tile + 2);
    const int64_t depth = (int64_t)desc->in_c * 9, left = desc->out_c - (int64_t)part * XAI__BLOCK;
    const int64_t product_step = (int64_t)xai__blocks_of(desc->out_c) * desc->in_c * XAI__BLOCK;
    const int n_lanes = left < XAI__BLOCK ? (int)left : XAI__BLOCK;
    float *packed = (float *)out + (int64_t)part * desc->in_c * XAI__BLOCK;
    lanes g[9] = { 0 }, u[XAI__WINOGRAD_PATCH * XAI__WINOGRAD_PATCH];

    for (int32_t c = 0; c < desc->in_c; c++, raw += 9, packed += XAI__BLOCK) {
        for (int lane = 0; lane < n_lanes; lane++)
            for (int tap = 0; tap < 9; tap++)
                g[tap].v[lane] = (double)raw[lane * depth + tap];
        transform(u, g, tile);
        for (int p = 0; p < n_products; p++)
            for (int lane = 0; lane < XAI__BLOCK; lane++)
                packed[p * product_step + lane] = (float)u[p].v[lane];
    }
}

static void pack_small(void *out, const float *raw, const xai__op_desc *desc, size_t part)
{
    pack(out, raw, desc, part, 2);
}

static void pack_large(void *out, const float *raw, const xai__op_desc *desc, size_t part)
{
    pack(out, raw, desc, part, 4);
}

void xai__pack_winograd_plan(xai__native_kernel *kernel, int32_t tile)
{
    xai__packing *packing = &kernel->base.packing;
    size_t n_products = (size_t)((tile + 2) * (tile + 2));

    packing->format = xai__pack_format(tile == 4 ? XAI__PACK_WINOGRAD4 : XAI__PACK_WINOGRAD2, &kernel->desc);
    packing->n_parts = (size_t)kernel->n_blocks;
    packing->part_size = (size_t)xai__pack_depth(&kernel->desc) * XAI__BLOCK;
    packing->bytes = packing->n_parts * n_products * (size_t)kernel->desc.in_c * XAI__BLOCK * sizeof(float);
    packing->pack = tile == 4 ? pack_large : pack_small;
}
