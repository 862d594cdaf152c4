/* SPDX-License-Identifier: MIT
 * Smoothing by a Gaussian bell. */
#include "explain/gauss.h"

#include <math.h>

#include "core/memory.h"

/* Its halves are equal, so one is kept. */
typedef struct bell {
    double *weights;
    int64_t radius;
} bell;

/* exp(-i^2 / 2 sigma^2) for i = 0 .. ceil(cut sigma), so weighed that both sides and the middle add up to 1. */
static xai_status make_bell(bell *b, xai_context *context, double sigma, double cut)
{
    double sum = 0;

    b->radius = (int64_t)ceil(cut * sigma);
    b->weights = xai__alloc_array(context, (size_t)b->radius + 1, sizeof *b->weights);
    if (b->weights == NULL)
        return XAI_E_NO_MEMORY;
    for (int64_t i = 0; i <= b->radius; i++) {
        b->weights[i] = exp(-0.5 * (double)(i * i) / (sigma * sigma));
        sum += i > 0 ? 2 * b->weights[i] : b->weights[i];
    }
    for (int64_t i = 0; i <= b->radius; i++)
        b->weights[i] /= sum;
    return XAI_OK;
}

/* One row or column, step floats apart. Indices are clamped, so the weights add up to 1 at the edges too, and a plane
 * of one value stays what it is. */
static void smooth_line(float *out, const float *in, int64_t n, int64_t step, const bell *b)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;

        for (int64_t j = -b->radius; j <= b->radius; j++) {
            int64_t at = i + j < 0 ? 0 : i + j >= n ? n - 1 : i + j;

            sum += b->weights[j < 0 ? -j : j] * in[at * step];
        }
        out[i * step] = (float)sum;
    }
}

xai_status xai__gauss_smooth(float *planes, xai_context *context, int64_t n, int64_t height, int64_t width,
                             double sigma, double cut)
{
    const double longest = (double)(height > width ? height : width);
    float *rows = xai__alloc_array(context, (size_t)height * (size_t)width, sizeof *rows);
    bell b = { NULL };
    xai_status status;

    /* A bell that is wider than the picture shows its edges, and would have more weights than fit anywhere. */
    sigma = sigma < longest ? sigma : longest;
    status = rows != NULL ? make_bell(&b, context, sigma, cut) : XAI_E_NO_MEMORY;

    for (int64_t p = 0; p < n && status == XAI_OK; p++, planes += height * width) {
        for (int64_t y = 0; y < height; y++)
            smooth_line(rows + y * width, planes + y * width, width, 1, &b);
        for (int64_t x = 0; x < width; x++)
            smooth_line(planes + x, rows + x, height, width, &b);
    }
    xai__free(context, b.weights);
    xai__free(context, rows);
    return status;
}
