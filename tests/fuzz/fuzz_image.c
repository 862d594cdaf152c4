/* SPDX-License-Identifier: MIT
 * Any bytes as a picture: decoded as stored and upright, then prepared and written again where they are one. */
#include "fuzz.h"

/* Read every pixel, so that one which was never set does not go unnoticed. */
static uint32_t sum_pixels(xai_image *image)
{
    size_t n = 3 * (size_t)xai_image_width(image) * (size_t)xai_image_height(image);
    uint32_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += xai_image_pixels(image)[i];
    return sum;
}

static void resize(xai_image *image, int32_t width, int32_t height, uint32_t filter)
{
    xai_image *resized;
    xai_status status = xai_image_resize(&resized, image, width, height, filter);

    fuzz_check(status, resized);
    if (status == XAI_OK && sum_pixels(resized) == UINT32_MAX)
        abort(); /* more than so few pixels can add up to */
    xai_image_unref(resized);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xai_context_options options = { .struct_size = sizeof options, .n_threads = 1, .max_pixels = 1 << 14 };
    xai_context *context;
    xai_image *stored, *upright;
    xai_status status;

    if (xai_context_create(&context, &options) < 0)
        abort();
    status = xai_image_decode(&stored, context, data, size, 0);
    fuzz_check(status, stored);
    if (xai_image_decode(&upright, context, data, size, XAI_IMAGE_EXIF) != status)
        abort();
    fuzz_check(status, upright);
    if (status == XAI_OK) {
        if (sum_pixels(stored) != sum_pixels(upright))
            abort();
        resize(stored, 7, 5, XAI_FILTER_BILINEAR);
        resize(upright, 33, xai_image_height(upright), XAI_FILTER_BICUBIC);
    }
    xai_image_unref(stored);
    xai_image_unref(upright);
    xai_context_unref(context);
    return 0;
}
