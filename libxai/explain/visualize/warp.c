/* SPDX-License-Identifier: MIT
 * Affine resampling: a stretch of a row at a time gets its taps, which all planes share. */
#include "explain/visualize/warp.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { STRETCH = 64, N_TAPS = 4 };

/* What some neighbouring outputs read. A tap outside the input has weight 0, and adds to what is filled. */
typedef struct taps {
    size_t n;
    uint32_t at[N_TAPS][STRETCH];
    float weight[N_TAPS][STRETCH], filled[STRETCH];
} taps;

/* --- kinds --- */

xai__warp xai__warp_shift(size_t in_height, size_t in_width, size_t out_height, size_t out_width, double top,
                          double left, float fill)
{
    return (xai__warp){ .in_height = in_height,
                        .in_width = in_width,
                        .out_height = out_height,
                        .out_width = out_width,
                        .y = { 1, 0, top },
                        .x = { 0, 1, left },
                        .fill = fill };
}

/* torch computes the ratio and the positions in float; so the weights differ by a rounding of the position. */
static double aligned_ratio(size_t in, size_t out)
{
    return out > 1 ? (double)(in - 1) / (double)(out - 1) : 0;
}

xai__warp xai__warp_aligned(size_t in_height, size_t in_width, size_t out_height, size_t out_width)
{
    xai__warp warp = xai__warp_shift(in_height, in_width, out_height, out_width, 0, 0, 0);

    warp.y[0] = aligned_ratio(in_height, out_height);
    warp.x[1] = aligned_ratio(in_width, out_width);
    return warp;
}

xai__warp xai__warp_legacy(size_t in_height, size_t in_width, size_t out_height, size_t out_width)
{
    xai__warp warp = xai__warp_shift(in_height, in_width, out_height, out_width, 0, 0, 0);

    warp.y[0] = (double)in_height / (double)out_height;
    warp.x[1] = (double)in_width / (double)out_width;
    warp.repeats_edge = true;
    return warp;
}

/* Output p reads R (p - centre) + centre. Rows count downwards, so that the signs of the sines are exchanged. */
xai__warp xai__warp_rotation(size_t height, size_t width, double radians)
{
    xai__warp warp = xai__warp_shift(height, width, height, width, 0, 0, 0);
    double c = cos(radians), s = sin(radians), y = ((double)height - 1) / 2, x = ((double)width - 1) / 2;

    warp.y[0] = warp.x[1] = c;
    warp.y[1] = s;
    warp.x[0] = -s;
    warp.y[2] = y - c * y - s * x;
    warp.x[2] = x - c * x + s * y;
    return warp;
}

/* --- taps --- */

/* Rows or columns far outside are all alike, so the range of an int is enough. */
static int32_t floor_to_int(double value)
{
    int32_t i;

    value = value < -2 ? -2 : value > INT32_MAX - 2 ? INT32_MAX - 2 : value;
    i = (int32_t)value;
    return (double)i > value ? i - 1 : i;
}

static void set_tap(taps *t, size_t tap, size_t i, const xai__warp *w, int32_t y, int32_t x, float weight)
{
    int32_t height = (int32_t)w->in_height, width = (int32_t)w->in_width;

    if (w->repeats_edge) {
        y = y < height ? y : height - 1;
        x = x < width ? x : width - 1;
    }
    if (y < 0 || x < 0 || y >= height || x >= width) {
        t->at[tap][i] = 0;
        t->weight[tap][i] = 0;
        t->filled[i] += weight * w->fill;
        return;
    }
    t->at[tap][i] = (uint32_t)y * (uint32_t)width + (uint32_t)x;
    t->weight[tap][i] = weight;
}

static void find_nearest(taps *t, size_t i, const xai__warp *w, double y, double x)
{
    set_tap(t, 0, i, w, floor_to_int(round(y)), floor_to_int(round(x)), 1);
    for (size_t tap = 1; tap < N_TAPS; tap++) {
        t->at[tap][i] = 0;
        t->weight[tap][i] = 0;
    }
}

/* Weights of the four pixels around (y, x); they add up to 1, outside ones included, whose share goes to the fill. */
static void find_bilinear(taps *t, size_t i, const xai__warp *w, double y, double x)
{
    int32_t top = floor_to_int(y), left = floor_to_int(x);
    float down = (float)(y - top), right = (float)(x - left);

    set_tap(t, 0, i, w, top, left, (1 - down) * (1 - right));
    set_tap(t, 1, i, w, top, left + 1, (1 - down) * right);
    set_tap(t, 2, i, w, top + 1, left, down * (1 - right));
    set_tap(t, 3, i, w, top + 1, left + 1, down * right);
}

static void find_taps(taps *t, const xai__warp *w, size_t row, size_t first)
{
    t->n = w->out_width - first < STRETCH ? w->out_width - first : STRETCH;
    for (size_t i = 0; i < t->n; i++) {
        double r = (double)row, c = (double)(first + i);
        double y = w->y[0] * r + w->y[1] * c + w->y[2], x = w->x[0] * r + w->x[1] * c + w->x[2];

        t->filled[i] = 0;
        if (w->is_nearest)
            find_nearest(t, i, w, y, x);
        else
            find_bilinear(t, i, w, y, x);
    }
}

/* --- shifts by whole pixels --- */

/* The part of an output row that lies inside the input. */
typedef struct span {
    bool is_whole; /* the warp is such a shift */
    int64_t top, left;
    size_t first, end; /* columns */
} span;

/* Padding and whole-pixel jitter are copies of rows and need no taps. */
static span find_span(const xai__warp *w)
{
    span s = { .top = (int64_t)w->y[2], .left = (int64_t)w->x[2] };
    int64_t first = s.left < 0 ? -s.left : 0, end = (int64_t)w->in_width - s.left, width = (int64_t)w->out_width;

    s.is_whole = w->y[0] == 1 && w->x[1] == 1 && w->y[1] == 0 && w->x[0] == 0 && (double)s.top == w->y[2] &&
                 (double)s.left == w->x[2];
    first = first > width ? width : first;
    end = end > width ? width : end;
    s.first = (size_t)first;
    s.end = (size_t)(end < first ? first : end);
    return s;
}

/* The input's row under an output row; -1: outside. */
static int64_t row_under(const span *s, const xai__warp *w, size_t row)
{
    int64_t y = (int64_t)row + s->top;

    return y < 0 || y >= (int64_t)w->in_height ? -1 : y;
}

static void shift_plane(float *out, const xai__warp *w, const float *in, const span *s)
{
    for (size_t i = 0; i < w->out_height * w->out_width; i++)
        out[i] = w->fill;
    for (size_t row = 0; row < w->out_height; row++) {
        int64_t y = row_under(s, w, row);

        if (y >= 0)
            memcpy(out + row * w->out_width + s->first, in + y * (int64_t)w->in_width + (int64_t)s->first + s->left,
                   (s->end - s->first) * sizeof *out);
    }
}

static void shift_back(float *in, const xai__warp *w, const float *out, const span *s)
{
    memset(in, 0, w->in_height * w->in_width * sizeof *in);
    for (size_t row = 0; row < w->out_height; row++) {
        int64_t y = row_under(s, w, row);

        if (y >= 0)
            memcpy(in + y * (int64_t)w->in_width + (int64_t)s->first + s->left, out + row * w->out_width + s->first,
                   (s->end - s->first) * sizeof *in);
    }
}

/* --- runs --- */

/* Taps with weight 0 read pixel 0: cheaper than a branch, and harmless. */
static void gather(float *restrict out, const taps *t, const float *restrict in)
{
    for (size_t i = 0; i < t->n; i++)
        out[i] = t->weight[0][i] * in[t->at[0][i]] + t->weight[1][i] * in[t->at[1][i]] +
                 t->weight[2][i] * in[t->at[2][i]] + t->weight[3][i] * in[t->at[3][i]] + t->filled[i];
}

static void scatter(float *restrict in, const taps *t, const float *restrict out)
{
    for (size_t i = 0; i < t->n; i++)
        for (size_t tap = 0; tap < N_TAPS; tap++)
            in[t->at[tap][i]] += t->weight[tap][i] * out[i];
}

void xai__warp_run(float *out, const xai__warp *w, const float *in, size_t n_planes)
{
    size_t in_size = w->in_height * w->in_width, out_size = w->out_height * w->out_width;
    span s = find_span(w);
    taps t;

    for (size_t plane = 0; plane < n_planes && s.is_whole; plane++)
        shift_plane(out + plane * out_size, w, in + plane * in_size, &s);
    for (size_t row = 0; row < w->out_height && !s.is_whole; row++)
        for (size_t first = 0; first < w->out_width; first += STRETCH) {
            find_taps(&t, w, row, first);
            for (size_t plane = 0; plane < n_planes; plane++)
                gather(out + plane * out_size + row * w->out_width + first, &t, in + plane * in_size);
        }
}

/* Scatters where the run gathers: <warp(a), b> = <a, adjoint(b)> for a fill of 0. Pixels that several outputs read add
 * up, which is why the planes begin at zero and rows are not shared among threads. */
void xai__warp_adjoint(float *in, const xai__warp *w, const float *out, size_t n_planes)
{
    size_t in_size = w->in_height * w->in_width, out_size = w->out_height * w->out_width;
    span s = find_span(w);
    taps t;

    for (size_t plane = 0; plane < n_planes && s.is_whole; plane++)
        shift_back(in + plane * in_size, w, out + plane * out_size, &s);
    if (s.is_whole)
        return;
    memset(in, 0, n_planes * in_size * sizeof *in);
    for (size_t row = 0; row < w->out_height; row++)
        for (size_t first = 0; first < w->out_width; first += STRETCH) {
            find_taps(&t, w, row, first);
            for (size_t plane = 0; plane < n_planes; plane++)
                scatter(in + plane * in_size, &t, out + plane * out_size + row * w->out_width + first);
        }
}
