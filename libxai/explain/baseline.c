/* SPDX-License-Identifier: MIT
 * Baselines: what the place of a pixel holds when the pixel is taken away. */
#include "explain/baseline.h"

#include <string.h>

#include "explain/gauss.h"

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

/* In double: a float would lose four digits over 50 000 pixels, and the baseline with them. */
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

/* Four deviations of the bell are as good as all: what is cut off weighs 6e-5, less than a byte of colour shows. */
xai_status xai__baseline_blur(xai_tensor **out, const xai_tensor *image, double sigma)
{
    xai_status status = create_like(out, image);

    if (status < 0)
        return status;
    memcpy((*out)->data, image->data, image->size * sizeof(float));
    status = xai__gauss_smooth((*out)->data, image->object.context, image->shape[1], image->shape[2], image->shape[3],
                               sigma, 4);
    if (status < 0) {
        xai_tensor_unref(*out);
        *out = NULL;
    }
    return status;
}
