/* SPDX-License-Identifier: MIT
 * Pictures. */
#ifndef XAI__IO_IMAGE_H
#define XAI__IO_IMAGE_H

#include <xai/image.h>

#include "core/object.h"

/* Bytes behind the last pixel that may be read, so that inner loops can load whole vectors. */
enum { XAI__IMAGE_SLACK = 32 };

struct xai_image {
    xai__object object;
    uint8_t *pixels; /* RGB, rows without gaps, XAI__IMAGE_SLACK more bytes behind them */
    int32_t width, height;
};

/* Fails with XAI_E_LIMIT where width x height is more than the context allows; both may be any number. */
xai_status xai__image_check_size(const xai_context *context, int64_t width, int64_t height);

/* As xai_image_create(), without emptying the message; the pixels are not set. */
xai_status xai__image_create(xai_image **out, xai_context *context, int64_t width, int64_t height);

#endif
