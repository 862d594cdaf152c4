/* SPDX-License-Identifier: MIT
 * Baselines: what the place of a pixel holds when the pixel is taken away. */
#include "explain/baseline.h"

#include <math.h>

#include "core/memory.h"

static xai_status create_like(xai_tensor **out, const xai_tensor *image)
{
    return xai__tensor_create(out, image->object.context, image->shape, image->rank);
}

xai_status xai__baseline_value(xai_tensor **out, const xai_tensor *image, float value)
{
    xai_status status = create_like(out, image);

    for (size_t i = 0; i < image->size && status == XAI_OK; i++)
        (*out)->data[i] = value;
    return status;
}

xai_status xai__baseline_mean(xai_tensor **out, const xai_tensor *image)
{
    size_t n_channels = (size_t)image->shape[1], n = image->size / n_channels;
    xai_status status = create_like(out, image);

    for (size_t c = 0; c < n_channels && status == XAI_OK; c++) {
        double sum = 0;

        for (size_t i = c * n; i < (c + 1) * n; i++)
            sum += image->data[i];
        for (size_t i = c * n; i < (c + 1) * n; i++)
            (*out)->data[i] = (float)(sum / (double)n);
    }
    return status;
}

/* --- blur --- */

/* A bell cut off at four deviations; its halves are equal, so one is kept. */
typedef struct bell {
    double *weights;
    int64_t radius;
} bell;

static xai_status make_bell(bell *b, xai_context *context, double sigma)
{
    double sum = 0;

    b->radius = (int64_t)ceil(4 * sigma);
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

/* One row or column; edges repeat. */
static void blur_line(float *out, const float *in, int64_t n, int64_t step, const bell *b)
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

xai_status xai__baseline_blur(xai_tensor **out, const xai_tensor *image, double sigma)
{
    int64_t height = image->shape[2], width = image->shape[3];
    xai_tensor *rows = NULL;
    bell b = { NULL };
    xai_status status = create_like(out, image);

    if (status == XAI_OK)
        status = create_like(&rows, image);
    if (status == XAI_OK)
        status = make_bell(&b, image->object.context, sigma);
    for (int64_t y = 0; y < image->shape[1] * height && status == XAI_OK; y++)
        blur_line(rows->data + y * width, image->data + y * width, width, 1, &b);
    for (int64_t c = 0; c < image->shape[1] && status == XAI_OK; c++)
        for (int64_t x = 0; x < width; x++)
            blur_line((*out)->data + c * height * width + x, rows->data + c * height * width + x, height, width, &b);
    xai__free(image->object.context, b.weights);
    xai_tensor_unref(rows);
    if (status < 0) {
        xai_tensor_unref(*out);
        *out = NULL;
    }
    return status;
}
