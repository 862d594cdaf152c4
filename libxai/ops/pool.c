/* SPDX-License-Identifier: MIT
 * Pooling: maximum and average over windows, average over the whole map. */
#include <math.h>

#include "core/error.h"
#include "ops/op.h"
#include "ops/shape.h"

/* The part of a window that lies inside the picture, and the size that an average divides by. */
typedef struct span {
    int64_t y0, y1, x0, x1;
    int64_t divisor;
} span;

static xai_status shape_pool(const xai__op_shapes *shapes)
{
    const xai__value *x = shapes->values[0];
    const xai__attributes *a = shapes->attributes;
    xai_status status = xai__shape_rank(shapes, 0, 4);

    if (status < 0)
        return status;
    for (int i = 0; i < 4; i++)
        if (a->pads[i] >= a->kernel[i % 2])
            return xai__fail(XAI_E_FORMAT, "padding of %d is not smaller than the kernel of %d", a->pads[i],
                             a->kernel[i % 2]);
    shapes->shape[0] = x->shape[0];
    shapes->shape[1] = x->shape[1];
    *shapes->rank = 4;
    return xai__shape_windows(shapes->shape + 2, a, x->shape + 2);
}

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Only for dilation 1; counted padding ends where the padding does, as with ceil_mode in torch. */
static span clip_window(const xai__op_run *run, int64_t y, int64_t x)
{
    const xai__attributes *a = run->attributes;
    int64_t height = run->values[0]->shape[2], width = run->values[0]->shape[3];
    int64_t top = y * a->stride[0] - a->pads[0], left = x * a->stride[1] - a->pads[1];
    int64_t bottom = at_most(top + a->kernel[0], height + a->pads[2]),
            right = at_most(left + a->kernel[1], width + a->pads[3]);
    span s = { at_least(top, 0), at_most(bottom, height), at_least(left, 0), at_most(right, width), 0 };

    s.divisor = a->count_pad ? (bottom - top) * (right - left) : (s.y1 - s.y0) * (s.x1 - s.x0);
    return s;
}

static float window_maximum(const xai__op_run *run, const float *map, int64_t y, int64_t x)
{
    const xai__attributes *a = run->attributes;
    int64_t height = run->values[0]->shape[2], width = run->values[0]->shape[3];
    float best = -INFINITY;

    for (int64_t ky = 0; ky < a->kernel[0]; ky++)
        for (int64_t kx = 0; kx < a->kernel[1]; kx++) {
            int64_t iy = y * a->stride[0] - a->pads[0] + ky * a->dilation[0];
            int64_t ix = x * a->stride[1] - a->pads[1] + kx * a->dilation[1];

            float value = iy >= 0 && iy < height && ix >= 0 && ix < width ? map[iy * width + ix] : -INFINITY;

            if (value > best || value != value) /* NaN stays, as in torch */
                best = value;
        }
    return best;
}

static float window_average(const xai__op_run *run, const float *map, int64_t y, int64_t x)
{
    int64_t width = run->values[0]->shape[3];
    span s = clip_window(run, y, x);
    double sum = 0;

    for (int64_t iy = s.y0; iy < s.y1; iy++)
        for (int64_t ix = s.x0; ix < s.x1; ix++)
            sum += map[iy * width + ix];
    return (float)(sum / (double)s.divisor);
}

static void compute(const xai__op_run *run, float (*reduce)(const xai__op_run *, const float *, int64_t, int64_t))
{
    const xai__value *x = run->values[0], *out = run->value;

    for (int64_t c = 0; c < out->shape[0] * out->shape[1]; c++)
        for (int64_t y = run->window.y0; y < run->window.y1; y++)
            for (int64_t column = run->window.x0; column < run->window.x1; column++)
                run->out[(c * out->shape[2] + y) * out->shape[3] + column] = reduce(
                    run, run->inputs[0] + c * x->shape[2] * x->shape[3], y, column);
}

static void compute_max(const xai__op_run *run)
{
    compute(run, window_maximum);
}

static void compute_average(const xai__op_run *run)
{
    compute(run, window_average);
}

static xai_status shape_average(const xai__op_shapes *shapes)
{
    if (shapes->attributes->dilation[0] != 1 || shapes->attributes->dilation[1] != 1)
        return xai__fail(XAI_E_UNSUPPORTED, "dilation is not supported");
    return shape_pool(shapes);
}

static xai_status shape_global(const xai__op_shapes *shapes)
{
    xai_status status = xai__shape_rank(shapes, 0, 4);

    if (status < 0)
        return status;
    status = xai__shape_same(shapes);
    shapes->shape[2] = shapes->shape[3] = 1;
    return status;
}

static void compute_global(const xai__op_run *run)
{
    int64_t n = run->values[0]->shape[2] * run->values[0]->shape[3];

    for (size_t c = 0; c < run->value->size; c++) {
        double sum = 0;

        for (int64_t i = 0; i < n; i++)
            sum += run->inputs[0][(int64_t)c * n + i];
        run->out[c] = (float)(sum / (double)n);
    }
}

const xai__op_row xai__op_max_pool = { "MaxPool", 1, 1, shape_pool, compute_max, NULL };
const xai__op_row xai__op_average_pool = { "AveragePool", 1, 1, shape_average, compute_average, NULL };
const xai__op_row xai__op_global_average_pool = { "GlobalAveragePool", 1, 1, shape_global, compute_global, NULL };
