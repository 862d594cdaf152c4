/* SPDX-License-Identifier: MIT
 * Pooling: maximum and average over windows, average over the whole map. */
#include <math.h>

#include "core/error.h"
#include "ops/op.h"
#include "ops/pool_window.h"
#include "ops/shape.h"
#include "ops/vjp.h"

static xai_status shape_pool(const xai__op_shapes *shapes)
{
    const xai__value *x = shapes->values[0];
    const xai__attributes *a = shapes->attributes;
    xai_status status = xai__shape_rank(shapes, 0, 4);

    if (status < 0)
        return status;
    for (int i = 0; i < 4; i++)
        /* Else a window could lie in the padding alone, and have no maximum. */
        if (a->pads[i] >= a->kernel[i % 2])
            return xai__fail(XAI_E_FORMAT, "padding of %d is not smaller than the kernel of %d", a->pads[i],
                             a->kernel[i % 2]);
    shapes->shape[0] = x->shape[0];
    shapes->shape[1] = x->shape[1];
    *shapes->rank = 4;
    return xai__shape_windows(shapes->shape + 2, a, x->shape + 2);
}

static float window_maximum(const xai__op_run *run, const float *map, int64_t y, int64_t x)
{
    int64_t at = xai__pool_maximum(run->attributes, run->values[0]->shape + 2, map, y, x);

    /* With dilation even a window with less padding than its kernel may miss every pixel. */
    return at >= 0 ? map[at] : -INFINITY;
}

static float window_average(const xai__op_run *run, const float *map, int64_t y, int64_t x)
{
    int64_t width = run->values[0]->shape[3];
    xai__pool_span s = xai__pool_window(run->attributes, run->values[0]->shape + 2, y, x);
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

/* As in torch; the spans of xai__pool_window() have no gaps. */
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

static xai_status vjp_max(const xai__op_vjp *vjp)
{
    return xai__vjp_add(vjp, 0, XAI__OP_MAX_POOL_DATA, vjp->gradient, xai__vjp_input(vjp, 0));
}

static xai_status vjp_average(const xai__op_vjp *vjp)
{
    return xai__vjp_add(vjp, 0, XAI__OP_AVERAGE_POOL_DATA, vjp->gradient, -1);
}

static xai_status vjp_global(const xai__op_vjp *vjp)
{
    return xai__vjp_add(vjp, 0, XAI__OP_GLOBAL_AVERAGE_POOL_DATA, vjp->gradient, -1);
}

const xai__op_row xai__op_max_pool = { "MaxPool", 1, 1, shape_pool, compute_max, vjp_max };
const xai__op_row xai__op_average_pool = { "AveragePool", 1, 1, shape_average, compute_average, vjp_average };
const xai__op_row xai__op_global_average_pool = { "GlobalAveragePool", 1, 1, shape_global, compute_global, vjp_global };
