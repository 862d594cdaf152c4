/* SPDX-License-Identifier: MIT
 * Gradients of a convolution: dx from dy 1xOxH'xW' and the weight, dweight from dy and x. Each is linear in dy, and
 * their own gradients are convolutions again. */
#include "ops/op.h"
#include "ops/shape.h"
#include "ops/vjp.h"

/* The shape of x does not follow from that of dy (a stride drops a remainder), so it is an attribute; it must lead to
 * dy's. */
static xai_status shape_data(const xai__op_shapes *shapes)
{
    xai__value x;
    const xai__value *const inputs[2] = { &x, shapes->values[1] };
    xai_status status = xai__shape_given(shapes, &x);

    return status < 0 ? status : xai__shape_gradient(shapes, &xai__op_conv, inputs, 2);
}

static xai_status shape_weights(const xai__op_shapes *shapes)
{
    xai__value weight;
    const xai__value *const inputs[2] = { shapes->values[1], &weight };
    xai_status status = xai__shape_given(shapes, &weight);

    return status < 0 ? status : xai__shape_gradient(shapes, &xai__op_conv, inputs, 2);
}

/* What one map of dy adds to one pixel of dx. */
static double collect(const xai__op_run *run, const float *dy, const float *taps, int64_t iy, int64_t ix)
{
    const xai__attributes *a = run->attributes;
    int64_t height = run->values[0]->shape[2], width = run->values[0]->shape[3];
    double sum = 0;

    for (int64_t ky = 0; ky < a->kernel[0]; ky++) {
        int64_t y = xai__shape_output_under(a, 0, iy, ky, height);

        for (int64_t kx = 0; y >= 0 && kx < a->kernel[1]; kx++) {
            int64_t x = xai__shape_output_under(a, 1, ix, kx, width);

            if (x >= 0)
                sum += (double)dy[y * width + x] * taps[ky * a->kernel[1] + kx];
        }
    }
    return sum;
}

/* One pixel of channel c of dx; dy is that of the image. */
static float data_pixel(const xai__op_run *run, const float *dy, int64_t c, int64_t y, int64_t x)
{
    const xai__value *gradient = run->values[0], *w = run->values[1];
    int64_t map = gradient->shape[2] * gradient->shape[3], taps = w->shape[2] * w->shape[3];
    int64_t n = w->shape[0] / run->attributes->groups, first = c / w->shape[1] * n;
    double sum = 0;

    for (int64_t o = first; o < first + n; o++)
        sum += collect(run, dy + o * map, run->inputs[1] + (o * w->shape[1] + c % w->shape[1]) * taps, y, x);
    return (float)sum;
}

static void compute_data(const xai__op_run *run)
{
    const xai__value *out = run->value, *dy = run->values[0];
    int64_t image_size = dy->shape[1] * dy->shape[2] * dy->shape[3], channels = out->shape[1];

    for (int64_t map = 0; map < out->shape[0] * channels; map++)
        for (int64_t y = run->window.y0; y < run->window.y1; y++)
            for (int64_t x = run->window.x0; x < run->window.x1; x++)
                run->out[(map * out->shape[2] + y) * out->shape[3] + x] = data_pixel(
                    run, run->inputs[0] + map / channels * image_size, map % channels, y, x);
}

/* One tap's share from one map of dy and one of x. */
static double correlate(const xai__op_run *run, const float *dy, const float *x, int64_t ky, int64_t kx)
{
    const xai__attributes *a = run->attributes;
    const xai__value *gradient = run->values[0];
    int64_t height = run->values[1]->shape[2], width = run->values[1]->shape[3];
    double sum = 0;

    for (int64_t y = 0; y < gradient->shape[2]; y++) {
        int64_t iy = y * a->stride[0] - a->pads[0] + ky * a->dilation[0];

        for (int64_t column = 0; iy >= 0 && iy < height && column < gradient->shape[3]; column++) {
            int64_t ix = column * a->stride[1] - a->pads[1] + kx * a->dilation[1];

            if (ix >= 0 && ix < width)
                sum += (double)dy[y * gradient->shape[3] + column] * x[iy * width + ix];
        }
    }
    return sum;
}

/* One element of dweight: output channel o, input channel c of its group, tap k. */
static float weight_element(const xai__op_run *run, int64_t o, int64_t c, int64_t k)
{
    const xai__value *dy = run->values[0], *x = run->values[1];
    int64_t group = o / (dy->shape[1] / run->attributes->groups), channel = group * run->value->shape[1] + c;
    double sum = 0;

    for (int64_t image = 0; image < x->shape[0]; image++)
        sum += correlate(run, run->inputs[0] + (image * dy->shape[1] + o) * dy->shape[2] * dy->shape[3],
                         run->inputs[1] + (image * x->shape[1] + channel) * x->shape[2] * x->shape[3],
                         k / run->value->shape[3], k % run->value->shape[3]);
    return (float)sum;
}

static void compute_weights(const xai__op_run *run)
{
    int64_t channels = run->value->shape[1], taps = run->value->shape[2] * run->value->shape[3];

    for (size_t i = 0; i < run->value->size; i++) {
        int64_t map = (int64_t)i / taps;

        run->out[i] = weight_element(run, map / channels, map % channels, (int64_t)i % taps);
    }
}

/* dx is linear in dy, with the convolution as its transpose, and in the weight, where dy and the new gradient change
 * places. The like holds for dweight. */
static xai_status vjp_data(const xai__op_vjp *vjp)
{
    xai_status status = xai__vjp_add(vjp, 0, XAI__OP_CONV, vjp->gradient, xai__vjp_input(vjp, 1));

    return status < 0 ? status : xai__vjp_add(vjp, 1, XAI__OP_CONV_WEIGHTS, xai__vjp_input(vjp, 0), vjp->gradient);
}

static xai_status vjp_weights(const xai__op_vjp *vjp)
{
    xai_status status = xai__vjp_add(vjp, 0, XAI__OP_CONV, xai__vjp_input(vjp, 1), vjp->gradient);

    return status < 0 ? status : xai__vjp_add(vjp, 1, XAI__OP_CONV_DATA, xai__vjp_input(vjp, 0), vjp->gradient);
}

const xai__op_row xai__op_conv_data = { "ConvData", 2, 2, shape_data, compute_data, vjp_data };
const xai__op_row xai__op_conv_weights = { "ConvWeights", 2, 2, shape_weights, compute_weights, vjp_weights };
