/* SPDX-License-Identifier: MIT
 * Convolution: x 1xCxHxW, weight Ox(C/groups)xkhxkw, bias O. */
#include "core/error.h"
#include "ops/op.h"
#include "ops/shape.h"
#include "ops/vjp.h"

static xai_status shape_conv(const xai__op_shapes *shapes)
{
    const xai__attributes *a = shapes->attributes;
    const xai__value *x = shapes->values[0], *w = shapes->values[1];
    xai_status status = xai__shape_rank(shapes, 0, 4);

    if (status == XAI_OK)
        status = xai__shape_rank(shapes, 1, 4);
    if (status < 0)
        return status;
    if (a->groups < 1 || w->shape[0] % a->groups != 0 || x->shape[1] % a->groups != 0 ||
        x->shape[1] / a->groups != w->shape[1])
        return xai__fail(XAI_E_SHAPE,
                         "input has %lld channels in %d groups, weights %lldx%lldx%lldx%lld expect %lld a group",
                         (long long)x->shape[1], a->groups, (long long)w->shape[0], (long long)w->shape[1],
                         (long long)w->shape[2], (long long)w->shape[3], (long long)w->shape[1]);
    if (w->shape[2] != a->kernel[0] || w->shape[3] != a->kernel[1])
        return xai__fail(XAI_E_SHAPE, "kernel is %dx%d, weights are %lldx%lld", a->kernel[0], a->kernel[1],
                         (long long)w->shape[2], (long long)w->shape[3]);
    status = xai__shape_vector(shapes, 2, w->shape[0]);
    if (status < 0)
        return status;
    shapes->shape[0] = x->shape[0];
    shapes->shape[1] = w->shape[0];
    *shapes->rank = 4;
    return xai__shape_windows(shapes->shape + 2, a, x->shape + 2);
}

/* One output element: the products inside the picture, summed in double. */
static double convolve(const xai__op_run *run, const float *x, const float *w, int64_t channels, int64_t y,
                       int64_t column)
{
    const xai__attributes *a = run->attributes;
    int64_t height = run->values[0]->shape[2], width = run->values[0]->shape[3];
    double sum = 0;

    for (int64_t c = 0; c < channels; c++)
        for (int64_t ky = 0; ky < a->kernel[0]; ky++) {
            int64_t iy = y * a->stride[0] - a->pads[0] + ky * a->dilation[0];

            if (iy < 0 || iy >= height)
                continue;
            for (int64_t kx = 0; kx < a->kernel[1]; kx++) {
                int64_t ix = column * a->stride[1] - a->pads[1] + kx * a->dilation[1];

                if (ix >= 0 && ix < width)
                    sum += (double)x[(c * height + iy) * width + ix] * w[(c * a->kernel[0] + ky) * a->kernel[1] + kx];
            }
        }
    return sum;
}

/* Channel o of one image, whose group's input channels are from. */
static void compute_channel(const xai__op_run *run, float *out, const float *from, int64_t o)
{
    const xai__value *w = run->values[1];
    const float *weights = run->inputs[1] + o * w->shape[1] * w->shape[2] * w->shape[3];
    const float *bias = run->n_inputs > 2 ? run->inputs[2] : NULL;

    for (int64_t y = run->window.y0; y < run->window.y1; y++)
        for (int64_t x = run->window.x0; x < run->window.x1; x++) {
            float sum = (float)convolve(run, from, weights, w->shape[1], y, x);

            /* Rounded before the bias, as stages of an epilogue add it in float. */
            out[y * run->value->shape[3] + x] = bias != NULL ? sum + bias[o] : sum;
        }
}

/* Output channels o / per_group == g read the input channels of group g only. */
static void compute_conv(const xai__op_run *run)
{
    const xai__value *x = run->values[0], *w = run->values[1], *out = run->value;
    int64_t channels = w->shape[1], n_outputs = w->shape[0], per_group = n_outputs / run->attributes->groups;

    for (int64_t image = 0; image < out->shape[0]; image++)
        for (int64_t o = 0; o < n_outputs; o++) {
            int64_t first = image * x->shape[1] + o / per_group * channels;

            compute_channel(run, run->out + (image * n_outputs + o) * out->shape[2] * out->shape[3],
                            run->inputs[0] + first * x->shape[2] * x->shape[3], o);
        }
}

static xai_status vjp_conv(const xai__op_vjp *vjp)
{
    xai_status status = xai__vjp_add(vjp, 0, XAI__OP_CONV_DATA, vjp->gradient, xai__vjp_input(vjp, 1));

    if (status == XAI_OK)
        status = xai__vjp_add(vjp, 1, XAI__OP_CONV_WEIGHTS, vjp->gradient, xai__vjp_input(vjp, 0));
    return status < 0 ? status : xai__vjp_add_channels(vjp, 2, vjp->gradient);
}

const xai__op_row xai__op_conv = { "Conv", 2, 3, shape_conv, compute_conv, vjp_conv };
