/* SPDX-License-Identifier: MIT
 * Values in memory for kernel tests. */
#include "value.h"

#include <stdlib.h>
#include <string.h>

enum { GUARD = 64 };

int32_t rng_int(xai__rng *rng, int32_t low, int32_t high)
{
    return low + (int32_t)(xai__rng_next(rng) % (uint64_t)(high - low + 1));
}

static void *allocate(size_t size)
{
    void *data = NULL;

    if (posix_memalign(&data, 64, size + 1) != 0)
        abort();
    return data;
}

static int32_t blocks(int32_t channels)
{
    return (channels + XAI__BLOCK - 1) / XAI__BLOCK;
}

/* Strides for h x w stored pixels; returns floats an image. */
static int64_t lay_out(value *v, int32_t h, int32_t w)
{
    const int64_t gap = v->arrangement & GAPS ? 1 : 0, extra = v->arrangement & SLICED ? 1 : 0;
    xai__view *view = &v->view;

    switch (v->layout) {
    case LAYOUT_BLOCKED:
        view->pixel = XAI__BLOCK;
        view->row = (w + 2 * gap) * view->pixel;
        view->block = (h + gap) * view->row;
        return (blocks(v->c) + 2 * extra) * view->block;
    case LAYOUT_PLAIN:
        view->pixel = 1;
        view->row = w + 3 * gap;
        view->block = h * view->row + 5 * gap;
        return (v->c + 2 * extra) * view->block;
    default:
        view->pixel = view->block = 1;
        view->row = v->c + 7 * gap + 2 * extra;
        return h * view->row;
    }
}

void value_make(value *v, int32_t n, int32_t c, int32_t h, int32_t w, enum layout layout, uint32_t arrangement)
{
    const bool one_pixel = arrangement & ONE_PIXEL && layout != LAYOUT_ROWS;
    int64_t image, extra;

    *v = (value){ .n = n, .c = c, .h = h, .w = w, .layout = layout, .arrangement = arrangement };
    image = lay_out(v, one_pixel ? 1 : h, one_pixel ? 1 : w);
    extra = arrangement & SLICED ? v->view.block : 0;
    v->size = (size_t)((arrangement & ONE_IMAGE ? 1 : n) * image + 2 * GUARD + 1);
    v->memory = allocate(v->size * sizeof *v->memory);
    v->before = allocate(v->size * sizeof *v->before);
    v->owned = allocate(v->size);
    v->view.image = arrangement & ONE_IMAGE ? 0 : image;
    v->view.data = v->memory + GUARD + (arrangement & MISALIGNED ? 1 : 0) + extra;
    if (one_pixel)
        v->view.row = v->view.pixel = 0;
    value_poison(v);
}

void value_free(value *v)
{
    free(v->memory);
    free(v->before);
    free(v->owned);
    *v = (value){ 0 };
}

float *value_at(const value *v, int32_t n, int32_t c, int32_t y, int32_t x)
{
    const xai__view *view = &v->view;
    float *pixel = view->data + n * view->image + y * view->row + (v->layout == LAYOUT_ROWS ? 0 : x * view->pixel);

    return v->layout == LAYOUT_BLOCKED ? pixel + c / XAI__BLOCK * view->block + c % XAI__BLOCK
                                       : pixel + c * view->block;
}

/* Calls for every float of the lanes beyond C inside the windows. */
static bool each_tail(const value *v, const xai__window *windows, bool (*visit)(float *lane))
{
    for (int32_t n = 0; v->layout == LAYOUT_BLOCKED && n < v->n; n++) {
        xai__window w = windows != NULL ? windows[n] : (xai__window){ 0, v->h, 0, v->w };

        for (int32_t y = w.y0; y < w.y1; y++)
            for (int32_t x = w.x0; x < w.x1; x++)
                for (int32_t c = v->c; c < blocks(v->c) * XAI__BLOCK; c++)
                    if (!visit(value_at(v, n, c, y, x)))
                        return false;
    }
    return true;
}

static bool set_zero(float *lane)
{
    *lane = 0.0f;
    return true;
}

static bool is_zero(float *lane)
{
    return *lane == 0.0f;
}

void value_zero_tails(value *v)
{
    each_tail(v, NULL, set_zero);
}

bool value_tails_are_zero(const value *v, const xai__window *windows)
{
    return each_tail(v, windows, is_zero);
}

/* A NaN that no arithmetic makes. */
static const uint32_t poison = 0x7fd1ceed;

void value_poison(value *v)
{
    for (size_t i = 0; i < v->size; i++)
        memcpy(&v->memory[i], &poison, sizeof poison);
    value_remember(v);
}

void value_remember(value *v)
{
    memcpy(v->before, v->memory, v->size * sizeof *v->memory);
    memset(v->owned, 0, v->size);
}

void value_own(value *v, const xai__window *windows)
{
    int32_t channels = v->layout == LAYOUT_BLOCKED ? blocks(v->c) * XAI__BLOCK : v->c;

    memset(v->owned, 0, v->size);
    for (int32_t n = 0; n < v->n; n++) {
        xai__window w = windows != NULL ? windows[n] : (xai__window){ 0, v->h, 0, v->w };

        for (int32_t y = w.y0; y < w.y1; y++)
            for (int32_t x = w.x0; x < w.x1; x++)
                for (int32_t c = 0; c < channels; c++)
                    v->owned[value_at(v, n, c, y, x) - v->memory] = 1;
    }
}

int64_t value_find_trespass(const value *v)
{
    for (size_t i = 0; i < v->size; i++)
        if (!v->owned[i] && memcmp(&v->memory[i], &v->before[i], sizeof(float)) != 0)
            return (int64_t)i;
    for (size_t i = 0; i < v->size; i++)
        if (v->owned[i] && memcmp(&v->memory[i], &poison, sizeof poison) == 0)
            return (int64_t)i;
    return -1;
}

xai__view value_from(const value *v, int32_t image)
{
    xai__view view = v->view;

    if (view.data != NULL)
        view.data += image * view.image;
    return view;
}
