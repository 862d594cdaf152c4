/* SPDX-License-Identifier: MIT
 * Heat maps as pictures. */
#include "io/overlay.h"

#include <math.h>

#include "core/error.h"
#include "io/resample.h"

/* Bytes of all pixels. */
static size_t n_samples(const xai_image *image)
{
    return 3 * (size_t)image->width * (size_t)image->height;
}

xai_status xai__overlay_paint(xai_image **out, xai_context *context, const float *map, int64_t height, int64_t width,
                              const xai__colormap *colormap, enum xai__rounding rounding)
{
    xai_status status = xai__image_create(out, context, width, height);

    if (status == XAI_OK)
        xai__colormap_paint((*out)->pixels, map, (size_t)width * (size_t)height, colormap, rounding);
    return status;
}

xai_status xai__overlay_blend(xai_image **out, const xai_image *photo, const xai_image *heat, double alpha,
                              enum xai__rounding rounding)
{
    xai_status status;

    *out = NULL;
    if (!(alpha >= 0 && alpha <= 1))
        return xai__fail(XAI_E_INVALID, "alpha is %g, it must be 0 to 1", alpha);
    if (photo->width != heat->width || photo->height != heat->height)
        return xai__fail(XAI_E_SHAPE, "the photo has %dx%d pixels, the heat map %dx%d", photo->width, photo->height,
                         heat->width, heat->height);
    status = xai__image_create(out, photo->object.context, photo->width, photo->height);
    if (status < 0)
        return status;
    /* In this order of operations, which is numpy's, so that a tie is a tie on both sides. */
    for (size_t i = 0; i < n_samples(photo); i++) {
        double value = alpha * heat->pixels[i] + (1 - alpha) * photo->pixels[i];

        (*out)->pixels[i] = (uint8_t)(rounding == XAI__ROUND_NEAREST ? rint(value) : value);
    }
    return XAI_OK;
}

/* The tutorial hands its colours on as if for OpenCV, which has blue first, then saves them with Pillow. */
static void exchange_red_and_blue(xai_image *image)
{
    for (uint8_t *pixel = image->pixels, *end = pixel + n_samples(image); pixel < end; pixel += 3) {
        uint8_t red = pixel[0];

        pixel[0] = pixel[2];
        pixel[2] = red;
    }
}

xai_status xai__overlay_tutorial(xai_image **heat, xai_image **combined, const float *map, int64_t height,
                                 int64_t width, const xai_image *photo, double alpha)
{
    /* Colours are interpolated here, not the map: the tutorial colours its seven by seven numbers first. */
    xai__crop all = { 0, 0, photo->width, photo->height };
    xai_image *small;
    xai_status status;

    *heat = *combined = NULL;
    status = xai__overlay_paint(&small, photo->object.context, map, height, width, xai__colormap_find("jet_r"),
                                XAI__ROUND_DOWN);
    if (status < 0)
        return status;
    exchange_red_and_blue(small);
    status = xai__resample_rgb(heat, small, photo->width, photo->height, &all, XAI_FILTER_BICUBIC);
    xai_image_unref(small);
    if (status == XAI_OK)
        status = xai__overlay_blend(combined, photo, *heat, alpha, XAI__ROUND_DOWN);
    if (status < 0) {
        xai_image_unref(*heat);
        *heat = NULL;
    }
    return status;
}
