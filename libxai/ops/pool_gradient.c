/* SPDX-License-Identifier: MIT
 * Gradients of pools: each pixel of dx collects from the windows that it lies in, in their order. */
#include "ops/op.h"
#include "ops/pool_window.h"
#include "ops/shape.h"
#include "ops/vjp.h"

/* What the window of output y, x adds to a pixel: its share of dy. */
typedef double (*share_fn)(const xai__op_run *run, const float *x, int64_t pixel, int64_t oy, int64_t ox);

static xai_status shape_max(const xai__op_shapes *shapes)
{
    xai_status status = xai__shape_gradient(shapes, &xai__op_max_pool, shapes->values + 1, 1);

    if (status < 0)
        return status;
    for (uint32_t i = 0; i < 4; i++)
        shapes->shape[i] = shapes->values[1]->shape[i];
    *shapes->rank = 4;
    return XAI_OK;
}

static xai_status shape_given(const xai__op_shapes *shapes, const xai__op_row *forward)
{
    xai__value x;
    const xai__value *const inputs[1] = { &x };
    xai_status status = xai__shape_given(shapes, &x);

    return status < 0 ? status : xai__shape_gradient(shapes, forward, inputs, 1);
}

static xai_status shape_average(const xai__op_shapes *shapes)
{
    return shape_given(shapes, &xai__op_average_pool);
}

static xai_status shape_global(const xai__op_shapes *shapes)
{
    return shape_given(shapes, &xai__op_global_average_pool);
}

/* All or nothing: of equal pixels the first has it all, as in torch. */
static double share_max(const xai__op_run *run, const float *x, int64_t pixel, int64_t oy, int64_t ox)
{
    return xai__pool_maximum(run->attributes, run->value->shape + 2, x, oy, ox) == pixel ? 1 : 0;
}

static double share_average(const xai__op_run *run, const float *x, int64_t pixel, int64_t oy, int64_t ox)
{
    return 1 / (double)xai__pool_window(run->attributes, run->value->shape + 2, oy, ox).divisor;
}

/* Taps from the last to the first: windows from the first to the last. */
static float collect(const xai__op_run *run, share_fn share, const float *dy, const float *x, int64_t iy, int64_t ix)
{
    const xai__attributes *a = run->attributes;
    int64_t height = run->values[0]->shape[2], width = run->values[0]->shape[3];
    int64_t pixel = iy * run->value->shape[3] + ix;
    double sum = 0;

    for (int64_t ky = a->kernel[0]; ky-- > 0;) {
        int64_t oy = xai__shape_output_under(a, 0, iy, ky, height);

        for (int64_t kx = a->kernel[1]; oy >= 0 && kx-- > 0;) {
            int64_t ox = xai__shape_output_under(a, 1, ix, kx, width);
            double part = ox >= 0 ? share(run, x, pixel, oy, ox) : 0;

            if (part > 0) /* dy may be infinite where nothing of it comes here */
                sum += part * dy[oy * width + ox];
        }
    }
    return (float)sum;
}

static void compute(const xai__op_run *run, share_fn share)
{
    const xai__value *dy = run->values[0], *out = run->value;
    int64_t size = dy->shape[2] * dy->shape[3], map = out->shape[2] * out->shape[3];

    for (int64_t c = 0; c < out->shape[0] * out->shape[1]; c++)
        for (int64_t y = run->window.y0; y < run->window.y1; y++)
            for (int64_t x = run->window.x0; x < run->window.x1; x++)
                run->out[c * map + y * out->shape[3] + x] = collect(
                    run, share, run->inputs[0] + c * size, run->n_inputs > 1 ? run->inputs[1] + c * map : NULL, y, x);
}

static void compute_max(const xai__op_run *run)
{
    compute(run, share_max);
}

static void compute_average(const xai__op_run *run)
{
    compute(run, share_average);
}

static void compute_global(const xai__op_run *run)
{
    int64_t n = run->value->shape[2] * run->value->shape[3];

    for (size_t i = 0; i < run->value->size; i++)
        run->out[i] = (float)(run->inputs[0][(int64_t)i / n] / (double)n);
}

/* Averages are linear: the gradient's gradient is the pool itself. That of a maximum would have to keep x's order and
 * is left out. */
static xai_status vjp_average(const xai__op_vjp *vjp)
{
    return xai__vjp_add(vjp, 0, XAI__OP_AVERAGE_POOL, vjp->gradient, -1);
}

static xai_status vjp_global(const xai__op_vjp *vjp)
{
    return xai__vjp_add(vjp, 0, XAI__OP_GLOBAL_AVERAGE_POOL, vjp->gradient, -1);
}

const xai__op_row xai__op_max_pool_data = { "MaxPoolData", 2, 2, shape_max, compute_max, NULL };
const xai__op_row xai__op_average_pool_data = { "AveragePoolData", 1, 1, shape_average, compute_average, vjp_average };
const xai__op_row xai__op_global_average_pool_data = { "GlobalAveragePoolData", 1,         1, shape_global,
                                                       compute_global,          vjp_global };
