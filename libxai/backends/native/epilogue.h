/* SPDX-License-Identifier: MIT
 * The epilogue on a register tile: the stages in their order, each one rounded operation, each with an optional store.
 */
#ifndef XAI__NATIVE_EPILOGUE_H
#define XAI__NATIVE_EPILOGUE_H

#include "backends/native/run.h"
#include "backends/native/vec.h"

/* Registers: [block][pixel]. Only indexed by constants once everything is inlined and unrolled. The pixels may also be
 * those of several rows of one block: then what is said of blocks below holds for rows, and `channels`, from one to the
 * next, is 0 in place of XAI__BLOCK. */
typedef struct tile {
    vec v[XAI__TILE_BLOCKS][XAI__TILE_PIXELS];
} tile;

/* Does it for every block b, for every pixel q, for both. Blocks are spelled out, and so is a single pixel, since clang
 * unrolls loops of one round too late to turn arrays into registers. */
#define ONE_BLOCK(index, ...)                                                                                          \
    if (index < n_blocks) {                                                                                            \
        enum { b = index };                                                                                            \
        __VA_ARGS__;                                                                                                   \
    }
#define EACH_BLOCK(...)                                                                                                \
    ONE_BLOCK(0, __VA_ARGS__) ONE_BLOCK(1, __VA_ARGS__) ONE_BLOCK(2, __VA_ARGS__) ONE_BLOCK(3, __VA_ARGS__)
#define EACH_PIXEL(...)                                                                                                \
    if (n_pixels == 1) {                                                                                               \
        enum { q = 0 };                                                                                                \
        __VA_ARGS__;                                                                                                   \
    } else {                                                                                                           \
        UNROLLED for (int q = 0; q < n_pixels; q++)                                                                    \
        {                                                                                                              \
            __VA_ARGS__;                                                                                               \
        }                                                                                                              \
    }
#define EACH(...) EACH_BLOCK(EACH_PIXEL(__VA_ARGS__))

/* The place of a tile: the run's, `first` pixels on. By value, since stores could change what a pointer points at. */
INLINE xai__place place_at(const xai__place *place, size_t first)
{
    xai__place p = *place;

    if (p.data != NULL)
        p.data += (int64_t)first * p.pixel;
    return p;
}

#define AT(p, b, q) ((p).data + (b) * (p).block + (q) * (p).pixel)

INLINE void store_tile(const tile *t, const xai__place *place, size_t first, const int n_blocks, const int n_pixels)
{
    const xai__place p = place_at(place, first);

    EACH(vec_store(AT(p, b, q), t->v[b][q]));
}

/* The stages that are too rare to unroll into every tile: on a tile in memory. */
static vec rare_one(const xai__native_stage *stage, vec v, int32_t channel, const float *operand)
{
    const vec zero = vec_set1(0.0f), one = vec_set1(1.0f), low = vec_set1(stage->low), high = vec_set1(stage->high);
    vec y = operand != NULL ? vec_load(operand) : zero;

    switch (stage->rare_code) {
    case XAI__DO_AFFINE:
        return vec_fma(v, vec_load(stage->scale + channel), vec_load(stage->shift + channel));
    case XAI__DO_SHIFT:
        return vec_add(v, vec_load(stage->shift + channel));
    case XAI__DO_SCALE:
        return vec_mul(v, vec_load(stage->scale + channel));
    case XAI__DO_ADD:
        return vec_add(v, y);
    case XAI__DO_MUL:
        return vec_mul(v, y);
    case XAI__DO_RELU:
        return vec_max(zero, v);
    case XAI__DO_CLIP:
        return vec_min(high, vec_max(low, v));
    case XAI__DO_HARD_SIGMOID:
        return vec_min(one, vec_max(zero, vec_fma(v, low, high)));
    case XAI__DO_HARD_SWISH:
        return vec_mul(v, vec_min(one, vec_max(zero, vec_fma(v, low, high))));
    case XAI__DO_POSITIVE:
        return vec_if_less(zero, y, v);
    case XAI__DO_SEED:
        return vec_if_less(zero, v, v);
    case XAI__DO_BOTH:
        return vec_if_less(zero, y, vec_if_less(zero, v, v));
    default: /* XAI__DO_INSIDE */
        return vec_if_less(low, y, vec_if_less(y, high, v));
    }
}

static __attribute__((noinline)) void rare_stage(float *data, const xai__run *run, uint32_t index, size_t first,
                                                 int n_blocks, int n_pixels, int channels)
{
    const xai__native_stage *stage = &run->epilogue->stages[index];
    const xai__place operand = place_at(&run->operands[index], first);

    for (int b = 0; b < n_blocks; b++) {
        int32_t channel = run->out_block * XAI__BLOCK + b * channels;
        int left = (int)run->epilogue->n_channels - channel;

        for (int q = 0; q < n_pixels; q++, data += XAI__BLOCK) {
            vec v = rare_one(stage, vec_load(data), channel, operand.data != NULL ? AT(operand, b, q) : NULL);

            vec_store(data, stage->zero_tail && left < XAI__BLOCK ? vec_first(v, left) : v);
        }
    }
}

INLINE void do_rare(tile *t, const xai__run *run, uint32_t index, size_t first, const int n_blocks, const int n_pixels,
                    const int channels)
{
    float data[XAI__TILE_BLOCKS * XAI__TILE_PIXELS * XAI__BLOCK];

    EACH(vec_store(data + (b * n_pixels + q) * XAI__BLOCK, t->v[b][q]));
    rare_stage(data, run, index, first, n_blocks, n_pixels, channels);
    EACH(t->v[b][q] = vec_load(data + (b * n_pixels + q) * XAI__BLOCK));
}

INLINE void do_affine(tile *t, const xai__native_stage *stage, int32_t channel, const int n_blocks, const int n_pixels,
                      const int channels)
{
    vec scale, shift;

    EACH_BLOCK(scale = vec_load(stage->scale + channel + b * channels);
               shift = vec_load(stage->shift + channel + b * channels);
               EACH_PIXEL(t->v[b][q] = vec_fma(t->v[b][q], scale, shift)));
}

INLINE void do_shift(tile *t, const xai__native_stage *stage, int32_t channel, const int n_blocks, const int n_pixels,
                     const int channels)
{
    vec shift;

    EACH_BLOCK(shift = vec_load(stage->shift + channel + b * channels);
               EACH_PIXEL(t->v[b][q] = vec_add(t->v[b][q], shift)));
}

INLINE void do_scale(tile *t, const xai__native_stage *stage, int32_t channel, const int n_blocks, const int n_pixels,
                     const int channels)
{
    vec scale;

    EACH_BLOCK(scale = vec_load(stage->scale + channel + b * channels);
               EACH_PIXEL(t->v[b][q] = vec_mul(t->v[b][q], scale)));
}

INLINE void do_stage(tile *t, const xai__run *run, uint32_t index, size_t first, const int n_blocks, const int n_pixels,
                     const int channels)
{
    const xai__native_stage *stage = &run->epilogue->stages[index];
    const xai__place operand = place_at(&run->operands[index], first);
    const int32_t channel = run->out_block * XAI__BLOCK;
    const vec zero = vec_set1(0.0f), low = vec_set1(stage->low), high = vec_set1(stage->high);

    switch (stage->code) {
    case XAI__DO_AFFINE:
        do_affine(t, stage, channel, n_blocks, n_pixels, channels);
        break;
    case XAI__DO_SHIFT:
        do_shift(t, stage, channel, n_blocks, n_pixels, channels);
        break;
    case XAI__DO_ADD:
        EACH(t->v[b][q] = vec_add(t->v[b][q], vec_load(AT(operand, b, q))));
        break;
    case XAI__DO_MUL:
        EACH(t->v[b][q] = vec_mul(t->v[b][q], vec_load(AT(operand, b, q))));
        break;
    case XAI__DO_RELU:
        EACH(t->v[b][q] = vec_max(zero, t->v[b][q]));
        break;
    case XAI__DO_CLIP:
        EACH(t->v[b][q] = vec_min(high, vec_max(low, t->v[b][q])));
        break;
    case XAI__DO_SCALE:
        do_scale(t, stage, channel, n_blocks, n_pixels, channels);
        break;
    case XAI__DO_POSITIVE:
        EACH(t->v[b][q] = vec_if_less(zero, vec_load(AT(operand, b, q)), t->v[b][q]));
        break;
    default:
        do_rare(t, run, index, first, n_blocks, n_pixels, channels);
    }
}

/* first: the tile's first pixel in the run. */
INLINE void finish_lines(tile *t, const xai__run *run, size_t first, const int n_blocks, const int n_pixels,
                         const int channels)
{
    const uint32_t n_stages = run->epilogue->n_stages;

    for (uint32_t i = 0; i < n_stages; i++) {
        if (run->has_taps && run->taps[i].data != NULL)
            store_tile(t, &run->taps[i], first, n_blocks, n_pixels);
        do_stage(t, run, i, first, n_blocks, n_pixels, channels);
    }
    if (run->has_taps && run->taps[n_stages].data != NULL)
        store_tile(t, &run->taps[n_stages], first, n_blocks, n_pixels);
    store_tile(t, &run->out, first, n_blocks, n_pixels);
}

INLINE void finish_tile(tile *t, const xai__run *run, size_t first, const int n_blocks, const int n_pixels)
{
    finish_lines(t, run, first, n_blocks, n_pixels, XAI__BLOCK);
}

#endif
