/* SPDX-License-Identifier: MIT
 * Random chains with their data. */
#include "problem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int32_t pick(xai__rng *rng, const int32_t *from, size_t n)
{
    return from[rng_int(rng, 0, (int32_t)n - 1)];
}

#define PICK(rng, ...)                                                                                                 \
    pick(rng, (const int32_t[]){ __VA_ARGS__ }, sizeof((const int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t))

static bool extent(int32_t *out, const shape *s, int i)
{
    int32_t in = i == 0 ? s->in_h : s->in_w, span = (s->kernel[i] - 1) * s->dilation[i] + 1;
    int32_t room = in + s->pads[i] + s->pads[i + 2] - span;

    *out = room / s->stride[i] + 1;
    return room >= 0;
}

/* The input of a window that slid to so many outputs, and what of it no window reached. */
static bool extent_back(int32_t *out, const shape *s, int i)
{
    int32_t in = i == 0 ? s->in_h : s->in_w, rest = (in + s->kernel[i]) % s->stride[i];

    *out = (in - 1) * s->stride[i] - s->pads[i] - s->pads[i + 2] + (s->kernel[i] - 1) * s->dilation[i] + 1 + rest;
    return *out > 0;
}

bool shape_outputs(const shape *s, int32_t *out_h, int32_t *out_w)
{
    if (s->op == XAI__CONV_DATA || s->op == XAI__POOL_DATA)
        return extent_back(out_h, s, 0) && extent_back(out_w, s, 1);
    if (s->op == XAI__MAP || s->op == XAI__PAD_CHANNELS || s->op == XAI__GEMM) {
        *out_h = s->in_h;
        *out_w = s->in_w;
        return true;
    }
    return extent(out_h, s, 0) && extent(out_w, s, 1);
}

static void random_window(shape *s, xai__rng *rng)
{
    for (int i = 0; i < 2; i++) {
        s->kernel[i] = PICK(rng, 1, 1, 2, 3, 3, 3, 5, 7);
        s->stride[i] = PICK(rng, 1, 1, 1, 2, 2, 3);
        s->dilation[i] = PICK(rng, 1, 1, 1, 1, 2, 3);
        s->pads[i] = rng_int(rng, 0, s->kernel[i] - 1);
        s->pads[i + 2] = rng_int(rng, 0, s->kernel[i] - 1);
    }
    if (rng_int(rng, 0, 2) == 0) { /* square, as most are */
        s->kernel[1] = s->kernel[0];
        s->stride[1] = s->stride[0];
        s->dilation[0] = s->dilation[1] = 1;
        s->pads[0] = s->pads[1] = s->pads[2] = s->pads[3] = s->kernel[0] / 2;
    }
}

static void random_dense(shape *s, xai__rng *rng)
{
    random_window(s, rng);
}

/* What Winograd's filtering is for. */
static void random_filter(shape *s, xai__rng *rng)
{
    for (int i = 0; i < 2; i++) {
        s->kernel[i] = 3;
        s->pads[i] = rng_int(rng, 0, 2);
        s->pads[i + 2] = rng_int(rng, 0, 2);
    }
}

static void random_stem(shape *s, xai__rng *rng)
{
    random_window(s, rng);
    s->in_c = PICK(rng, 1, 2, 3, 3, 4, 8);
    s->in_layout = XAI__PLAIN;
    s->dilation[1] = 1;
}

static void random_depthwise(shape *s, xai__rng *rng)
{
    random_window(s, rng);
    s->groups = (uint32_t)s->in_c;
    s->out_c = s->in_c;
}

static void random_groups(shape *s, xai__rng *rng)
{
    random_window(s, rng);
    s->groups = (uint32_t)rng_int(rng, 2, 9);
    s->in_c = (int32_t)s->groups * rng_int(rng, 1, 9);
    s->out_c = (int32_t)s->groups * rng_int(rng, 1, 9);
}

static void random_block_groups(shape *s, xai__rng *rng)
{
    random_window(s, rng);
    s->groups = (uint32_t)rng_int(rng, 2, 3);
    s->in_c = (int32_t)s->groups * PICK(rng, 16, 32);
    s->out_c = (int32_t)s->groups * PICK(rng, 16, 32, 48);
}

static void random_matrix(shape *s, xai__rng *rng)
{
    s->op = XAI__GEMM;
    s->in_c = PICK(rng, 1, 7, 16, 64, 100, 257);
    s->out_c = PICK(rng, 1, 10, 16, 48, 100, 130);
    s->in_h = PICK(rng, 1, 1, 2, 7, 19);
    s->in_w = 1;
    s->in_layout = s->out_layout = XAI__PLAIN;
}

/* No window lies in the padding alone. */
static void random_pool(shape *s, xai__rng *rng)
{
    s->op = XAI__POOL;
    s->out_c = s->in_c;
    random_window(s, rng);
    s->pool = (uint32_t)rng_int(rng, 0, 1);
    s->count_pad = s->pool == XAI__POOL_AVERAGE && rng_int(rng, 0, 1);
    for (int i = 0; i < 4; i++)
        s->pads[i] = s->pads[i] <= s->kernel[i % 2] / 2 && s->dilation[i % 2] == 1 ? s->pads[i] : 0;
    if (rng_int(rng, 0, 4) == 0) { /* global */
        s->kernel[0] = s->in_h;
        s->kernel[1] = s->in_w;
        memset(s->pads, 0, sizeof s->pads);
        s->dilation[0] = s->dilation[1] = 1;
    }
}

static void random_map(shape *s, xai__rng *rng)
{
    s->op = XAI__MAP;
    s->out_c = s->in_c;
    s->in_layout = (uint32_t)rng_int(rng, 0, 1);
    s->out_layout = (uint32_t)rng_int(rng, 0, 1);
}

static void random_pad_channels(shape *s, xai__rng *rng)
{
    s->op = XAI__PAD_CHANNELS;
    s->first_channel = PICK(rng, 0, 1, 4, 8, 8, 16, 16, 31);
    s->out_c = s->first_channel + s->in_c + PICK(rng, 0, 1, 8, 16, 16, 33);
}

static void random_dense_data(shape *s, xai__rng *rng)
{
    random_dense(s, rng);
    s->op = XAI__CONV_DATA;
}

static void random_depthwise_data(shape *s, xai__rng *rng)
{
    random_depthwise(s, rng);
    s->op = XAI__CONV_DATA;
}

static void random_block_groups_data(shape *s, xai__rng *rng)
{
    random_block_groups(s, rng);
    s->op = XAI__CONV_DATA;
}

static void random_pool_data(shape *s, xai__rng *rng)
{
    random_pool(s, rng);
    s->op = XAI__POOL_DATA;
    s->pool = XAI__POOL_MAX;
    s->count_pad = 0;
}

/* Of a global average. */
static void random_average_data(shape *s, xai__rng *rng)
{
    s->op = XAI__POOL_DATA;
    s->pool = XAI__POOL_AVERAGE;
    s->out_c = s->in_c;
    s->kernel[0] = s->in_h;
    s->kernel[1] = s->in_w;
    s->in_h = s->in_w = 1;
}

/* As from features to a picture, in either layout. */
static void random_few(shape *s, xai__rng *rng)
{
    random_window(s, rng);
    s->in_c = PICK(rng, 16, 17, 24, 31, 32, 48, 64, 80);
    s->out_c = rng_int(rng, 1, 4);
    s->out_layout = (uint32_t)rng_int(rng, 0, 1);
}

static void random_few_data(shape *s, xai__rng *rng)
{
    random_few(s, rng);
    s->op = XAI__CONV_DATA;
}

const char *const family_names[N_FAMILIES] = {
    "convolution", "filter",       "stem", "depthwise",  "groups",         "block groups",
    "matrix",      "pool",         "map",  "dense data", "depthwise data", "block groups data",
    "pool data",   "average data", "few",  "few data",   "pad channels"
};

shape shape_random(xai__rng *rng, enum family family)
{
    static void (*const make[N_FAMILIES])(
        shape *, xai__rng *) = { random_dense,      random_filter,         random_stem,
                                 random_depthwise,  random_groups,         random_block_groups,
                                 random_matrix,     random_pool,           random_map,
                                 random_dense_data, random_depthwise_data, random_block_groups_data,
                                 random_pool_data,  random_average_data,   random_few,
                                 random_few_data,   random_pad_channels };
    shape s;
    int32_t h, w;

    do {
        s = (shape){ .op = XAI__CONV,
                     .kernel = { 1, 1 },
                     .stride = { 1, 1 },
                     .dilation = { 1, 1 },
                     .groups = 1,
                     .in_layout = XAI__BLOCKED,
                     .out_layout = XAI__BLOCKED };
        s.in_c = PICK(rng, 1, 3, 15, 16, 17, 24, 32, 33, 48, 64, 80);
        s.out_c = PICK(rng, 1, 5, 16, 16, 17, 31, 32, 40, 64, 72, 96);
        s.in_h = rng_int(rng, 1, 19);
        s.in_w = PICK(rng, 1, 2, 3, 5, 7, 8, 13, 14, 15, 28, 29, 33);
        make[family](&s, rng);
    } while (!shape_outputs(&s, &h, &w));
    return s;
}

/* --- data --- */

static float exact_number(xai__rng *rng)
{
    return (float)rng_int(rng, -4, 4);
}

static float moderate(xai__rng *rng)
{
    return (float)(2 * xai__rng_uniform(rng) - 1);
}

static float extreme(xai__rng *rng)
{
    static const float odd[] = { 0.0f, -0.0f, 1e-40f, -1e-40f, 1e15f, -1e15f, INFINITY, -INFINITY, NAN };

    return rng_int(rng, 0, 60) == 0 ? odd[rng_int(rng, 0, 8)] : moderate(rng);
}

static float number(xai__rng *rng, enum mode mode)
{
    return mode == MODE_EXACT ? exact_number(rng) : mode == MODE_RANDOM ? moderate(rng) : extreme(rng);
}

/* A factor: in EXACT mode a power of two, which adds no digits. */
static float factor(xai__rng *rng, enum mode mode)
{
    static const float powers[] = { 0.0f, 1.0f, -1.0f, 2.0f, 0.5f, -0.5f };

    return mode == MODE_EXACT ? powers[rng_int(rng, 0, 5)] : number(rng, mode);
}

static void fill(value *v, xai__rng *rng, enum mode mode, bool is_factor)
{
    const bool one_pixel = v->arrangement & ONE_PIXEL && v->layout != LAYOUT_ROWS;

    for (int32_t n = 0; n < (v->arrangement & ONE_IMAGE ? 1 : v->n); n++)
        for (int32_t c = 0; c < v->c; c++)
            for (int32_t y = 0; y < (one_pixel ? 1 : v->h); y++)
                for (int32_t x = 0; x < (one_pixel ? 1 : v->w); x++)
                    *value_at(v, n, c, y, x) = is_factor ? factor(rng, mode) : number(rng, mode);
    value_zero_tails(v);
    value_remember(v);
}

static float *padded(xai__rng *rng, int32_t channels, enum mode mode, bool is_factor)
{
    size_t n = (size_t)(channels + XAI__BLOCK - 1) / XAI__BLOCK * XAI__BLOCK;
    float *data = calloc(n, sizeof *data);

    if (data == NULL)
        abort();
    mode = mode == MODE_EXTREME ? MODE_RANDOM : mode;
    for (int32_t i = 0; i < channels; i++)
        data[i] = is_factor ? factor(rng, mode) : number(rng, mode);
    return data;
}

/* --- stages --- */

static enum layout layout_of(const xai__op_desc *desc, uint32_t layout)
{
    return desc->op == XAI__GEMM ? LAYOUT_ROWS : layout == XAI__BLOCKED ? LAYOUT_BLOCKED : LAYOUT_PLAIN;
}

static void make_act(xai__stage *stage, xai__rng *rng)
{
    static const uint32_t functions[] = {
        XAI__RELU, XAI__RELU, XAI__CLIP, XAI__CLIP, XAI__HARD_SIGMOID, XAI__HARD_SWISH
    };

    stage->kind = XAI__ACT;
    stage->function = functions[rng_int(rng, 0, 5)];
    if (stage->function == XAI__CLIP) {
        stage->low = (float)rng_int(rng, -2, 1);
        stage->high = stage->low + (float)rng_int(rng, 0, 6);
        stage->keeps_zero = stage->low <= 0 && stage->high >= 0;
    } else if (stage->function == XAI__HARD_SIGMOID) {
        stage->low = 0.25f;
        stage->high = 0.5f;
        stage->keeps_zero = false;
    }
}

static void make_map_operand(problem *p, uint32_t index, xai__rng *rng, uint32_t arrangement, bool is_factor)
{
    const xai__op_desc *d = &p->desc;

    value_make(&p->operands[index], (int32_t)p->n_images, d->out_c, d->out_h, d->out_w, p->out.layout, arrangement);
    fill(&p->operands[index], rng, p->mode, is_factor);
    p->operand_views[index] = p->operands[index].view;
}

static void make_operand(problem *p, uint32_t i, xai__rng *rng)
{
    uint32_t arrangement = (uint32_t)rng_int(rng, 0, N_ARRANGEMENTS - 1), index = p->has_beside ? i + 1 : i;

    if (rng_int(rng, 0, 1)) /* plainly like the output, half the time */
        arrangement &= GAPS | SLICED;
    make_map_operand(p, index, rng, arrangement, p->stages[i].kind == XAI__MUL);
    p->stages[i].operand = (int32_t)index;
}

static void make_stage(problem *p, uint32_t i, xai__rng *rng)
{
    xai__stage *stage = &p->stages[i];
    int32_t which = rng_int(rng, 0, 2);

    *stage = (xai__stage){ .operand = -1, .keeps_zero = true };
    stage->kind = (uint32_t)rng_int(rng, XAI__AFFINE, XAI__MASK);
    if (stage->kind == XAI__AFFINE) {
        p->scales[i] = which != 0 ? padded(rng, p->desc.out_c, p->mode, true) : NULL;
        p->shifts[i] = which != 1 ? padded(rng, p->desc.out_c, p->mode, false) : NULL;
        stage->scale = p->scales[i];
        stage->shift = p->shifts[i];
    } else if (stage->kind == XAI__ACT) {
        make_act(stage, rng);
    } else {
        make_operand(p, i, rng);
    }
    if (stage->kind == XAI__MASK) {
        stage->function = (uint32_t)rng_int(rng, XAI__MASK_POSITIVE, XAI__MASK_INSIDE);
        stage->low = -1.0f;
        stage->high = 0.5f;
    }
}

static void make_weights(problem *p, xai__rng *rng)
{
    const xai__op_desc *d = &p->desc;
    size_t n = (size_t)d->out_c * (size_t)d->in_c;

    if (d->op != XAI__CONV && d->op != XAI__GEMM && d->op != XAI__CONV_DATA)
        return;
    if (d->op != XAI__GEMM)
        n = n / d->groups * (size_t)d->kernel_h * (size_t)d->kernel_w;
    p->n_weights = n;
    p->weights = calloc(n, sizeof *p->weights);
    if (p->weights == NULL)
        abort();
    for (size_t i = 0; i < n; i++)
        p->weights[i] = number(rng, p->mode == MODE_EXTREME ? MODE_RANDOM : p->mode);
}

static uint32_t base_arrangement(xai__rng *rng, uint32_t allowed)
{
    return rng_int(rng, 0, 2) == 0 ? 0 : (uint32_t)rng_int(rng, 0, N_ARRANGEMENTS - 1) & allowed;
}

static void make_desc(problem *p, const shape *s)
{
    p->desc = (xai__op_desc){
        .op = s->op,
        .groups = s->groups,
        .in_c = s->in_c,
        .in_h = s->in_h,
        .in_w = s->in_w,
        .out_c = s->out_c,
        .kernel_h = s->kernel[0],
        .kernel_w = s->kernel[1],
        .stride_h = s->stride[0],
        .stride_w = s->stride[1],
        .dilation_h = s->dilation[0],
        .dilation_w = s->dilation[1],
        .pad_top = s->pads[0],
        .pad_left = s->pads[1],
        .pool = s->pool,
        .count_pad = s->count_pad,
        .first_channel = s->first_channel,
        .in_layout = s->in_layout,
        .out_layout = s->out_layout,
        .stages = p->stages,
    };
    shape_outputs(s, &p->desc.out_h, &p->desc.out_w);
}

static void make_maps(problem *p, xai__rng *rng, uint32_t in_arrangement, uint32_t out_arrangement)
{
    const xai__op_desc *d = &p->desc;

    value_make(&p->in, (int32_t)p->n_images, d->in_c, d->in_h, d->in_w, layout_of(d, d->in_layout), in_arrangement);
    fill(&p->in, rng, p->mode, false);
    value_make(&p->out, (int32_t)p->n_images, d->out_c, d->out_h, d->out_w, layout_of(d, d->out_layout),
               out_arrangement);
}

void problem_make(problem *p, const shape *s, uint64_t seed, enum mode mode, uint32_t n_images, uint32_t n_stages)
{
    xai__rng rng;
    uint32_t in, out;

    *p = (problem){ .seed = seed, .mode = mode, .n_images = n_images };
    xai__rng_seed(&rng, seed);
    make_desc(p, s);
    p->desc.n_stages = n_stages;
    make_weights(p, &rng);
    in = base_arrangement(&rng, SLICED | GAPS | MISALIGNED | ONE_IMAGE);
    out = base_arrangement(&rng, SLICED | GAPS | MISALIGNED);
    make_maps(p, &rng, in, out);
    p->has_beside = s->op == XAI__POOL_DATA && s->pool == XAI__POOL_MAX;
    if (p->has_beside)
        make_map_operand(p, 0, &rng, base_arrangement(&rng, SLICED | GAPS), false);
    for (uint32_t i = 0; i < n_stages; i++)
        make_stage(p, i, &rng);
    for (uint32_t i = 0; i < n_stages; i++) {
        value_make(&p->taps[i], (int32_t)n_images, s->out_c, p->desc.out_h, p->desc.out_w, p->out.layout,
                   base_arrangement(&rng, SLICED | GAPS | MISALIGNED));
        p->tap_views[i] = p->taps[i].view; /* the last stage's tap is out */
    }
}

void problem_make_plain(problem *p, const shape *s, uint32_t n_images)
{
    xai__rng rng;

    *p = (problem){ .mode = MODE_RANDOM, .n_images = n_images };
    xai__rng_seed(&rng, 1);
    make_desc(p, s);
    make_weights(p, &rng);
    make_maps(p, &rng, 0, 0);
    p->has_beside = s->op == XAI__POOL_DATA && s->pool == XAI__POOL_MAX;
    if (p->has_beside)
        make_map_operand(p, 0, &rng, 0, false);
    if (s->op != XAI__CONV)
        return;
    p->desc.n_stages = 2;
    p->scales[0] = padded(&rng, s->out_c, MODE_RANDOM, true);
    p->shifts[0] = padded(&rng, s->out_c, MODE_RANDOM, false);
    p->stages[0] = (xai__stage){
        .kind = XAI__AFFINE, .scale = p->scales[0], .shift = p->shifts[0], .operand = -1, .keeps_zero = true
    };
    p->stages[1] = (xai__stage){ .kind = XAI__ACT, .function = XAI__RELU, .operand = -1, .keeps_zero = true };
}

void problem_free(problem *p)
{
    free(p->weights);
    value_free(&p->in);
    value_free(&p->out);
    for (uint32_t i = 0; i < XAI__MAX_STAGES; i++) {
        free(p->scales[i]);
        free(p->shifts[i]);
        value_free(&p->operands[i]);
        value_free(&p->taps[i]);
    }
    value_free(&p->operands[XAI__MAX_STAGES]);
    value_free(&p->taps[XAI__MAX_STAGES]);
}

void problem_describe(const problem *p, char *buffer, size_t capacity)
{
    static const char *const ops[] = { "conv", "conv-data", "conv-weights", "gemm", "pool", "pool-data", "map" };
    static const char *const kinds[] = { "affine", "add", "mul", "act", "mask" };
    static const char *const modes[] = { "exact", "random", "extreme" };
    const xai__op_desc *d = &p->desc;
    int n = snprintf(
        buffer, capacity,
        "seed %llu, %s, %u images, tile %d, %s %dx%dx%d -> %dx%dx%d, kernel %dx%d, stride %d %d, dilation %d %d, "
        "pads %d %d, groups %u, pool %u, count_pad %u, layouts %u %u, arrangements %u %u",
        (unsigned long long)p->seed, modes[p->mode], p->n_images, p->tile, ops[d->op], d->in_c, d->in_h, d->in_w,
        d->out_c, d->out_h, d->out_w, d->kernel_h, d->kernel_w, d->stride_h, d->stride_w, d->dilation_h, d->dilation_w,
        d->pad_top, d->pad_left, d->groups, d->pool, d->count_pad, d->in_layout, d->out_layout, p->in.arrangement,
        p->out.arrangement);

    for (uint32_t i = 0; i < d->n_stages && n > 0 && (size_t)n < capacity; i++)
        n += snprintf(buffer + n, capacity - (size_t)n, "%s %s%u/%u", i == 0 ? ", stages" : ",",
                      kinds[p->stages[i].kind], p->stages[i].function, p->operands[i].arrangement);
}
