/* SPDX-License-Identifier: MIT
 * Where the pixels of a run lie in every value that it writes or reads beside its input. */
#include "backends/native/kernel.h"

int64_t xai__step(const xai__view *view, enum xai__direction direction)
{
    return direction == XAI__ACROSS ? view->pixel : direction == XAI__DOWN ? view->row : view->image;
}

/* Between channels of a block where the output is plain; the columns of a GEMM are its channels. */
static int64_t lane_step(const xai__native_kernel *kernel, const xai__view *view)
{
    return kernel->desc.op == XAI__GEMM ? 1 : view->block;
}

/* Where block and pixel of a spot lie in one view. */
static xai__place place_at(const xai__native_kernel *kernel, const xai__view *view, const xai__spot *spot)
{
    bool plain = kernel->base.out_layout == XAI__PLAIN;
    int64_t block = plain ? XAI__BLOCK * lane_step(kernel, view) : view->block;
    xai__place place = { view->data, block, xai__step(view, spot->direction) };

    if (place.data != NULL)
        place.data += (int64_t)spot->image * view->image + spot->block * block + spot->y * view->row +
                      spot->x * view->pixel;
    return place;
}

void xai__run_place(xai__run *run, const xai__native_kernel *kernel, const xai__args *args, const xai__spot *spot)
{
    const xai__native_epilogue *e = &kernel->epilogue;

    run->epilogue = e;
    run->out_block = spot->block;
    run->out = place_at(kernel, &args->out, spot);
    run->has_taps = args->stores != NULL;
    for (uint32_t i = 0; i < e->n_stages; i++) {
        int32_t operand = e->stages[i].operand;

        run->operands[i].data = NULL;
        if (operand >= 0)
            run->operands[i] = place_at(kernel, &args->operands[operand], spot);
    }
    for (uint32_t i = 0; run->has_taps && i <= e->n_stages; i++)
        run->taps[i] = place_at(kernel, &args->stores[i], spot);
}

void xai__run_place_rows(xai__run *run, const xai__native_kernel *kernel, const xai__args *args, const xai__spot *spot)
{
    const xai__native_epilogue *e = &kernel->epilogue;

    xai__run_place(run, kernel, args, spot);
    run->out.block = args->out.row;
    for (uint32_t i = 0; i < e->n_stages; i++)
        if (e->stages[i].operand >= 0)
            run->operands[i].block = args->operands[e->stages[i].operand].row;
    for (uint32_t i = 0; run->has_taps && i <= e->n_stages; i++)
        run->taps[i].block = args->stores[i].row;
}

void xai__gather(float *out, const float *data, int64_t pixel, int64_t lane, size_t n_pixels, int n_lanes)
{
    for (size_t q = 0; q < n_pixels; q++, out += XAI__BLOCK, data += pixel) {
        for (int i = 0; i < n_lanes; i++)
            out[i] = data[i * lane];
        for (int i = n_lanes; i < XAI__BLOCK; i++)
            out[i] = 0.0f;
    }
}

static void scatter(const xai__place *to, int64_t lane, const float *data, size_t n_pixels, int n_lanes)
{
    float *out = to->data;

    for (size_t q = 0; out != NULL && q < n_pixels; q++, data += XAI__BLOCK, out += to->pixel)
        for (int i = 0; i < n_lanes; i++)
            out[i * lane] = data[i];
}

/* Gives a place that is there a tile of scratch memory. */
static xai__place tile_for(const xai__place *place, float **scratch)
{
    xai__place tile = { NULL, XAI__STRIDED_TILE, XAI__BLOCK };

    if (place->data != NULL) {
        tile.data = *scratch;
        *scratch += XAI__STRIDED_TILE;
    }
    return tile;
}

void xai__run_strided(xai__run *run, const xai__native_kernel *kernel, const xai__args *args, const xai__spot *spot,
                      int n_lanes, float *scratch)
{
    const xai__native_epilogue *e = &kernel->epilogue;
    const size_t n = run->n_pixels;
    xai__run tiles = *run, computed;

    xai__run_place(run, kernel, args, spot);
    tiles.epilogue = e;
    tiles.out_block = run->out_block;
    tiles.n_out = 1;
    tiles.has_taps = run->has_taps;
    tiles.out = tile_for(&run->out, &scratch);
    for (uint32_t i = 0; i < e->n_stages; i++) {
        const xai__place *from = &run->operands[i];

        tiles.operands[i] = tile_for(from, &scratch);
        if (from->data != NULL)
            xai__gather(tiles.operands[i].data, from->data, from->pixel,
                        lane_step(kernel, &args->operands[e->stages[i].operand]), n, n_lanes);
    }
    for (uint32_t i = 0; run->has_taps && i <= e->n_stages; i++)
        tiles.taps[i] = tile_for(&run->taps[i], &scratch);
    computed = tiles;
    xai__run_compute(&computed, kernel);
    scatter(&run->out, lane_step(kernel, &args->out), tiles.out.data, n, n_lanes);
    for (uint32_t i = 0; run->has_taps && i <= e->n_stages; i++)
        scatter(&run->taps[i], lane_step(kernel, &args->stores[i]), tiles.taps[i].data, n, n_lanes);
}

void xai__run_compute(xai__run *run, const xai__native_kernel *kernel)
{
    if (kernel->is_dot)
        xai__run_dot(run, kernel->level);
    else
        xai__run_lanes(run, kernel->level, kernel->op);
}
