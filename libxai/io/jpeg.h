/* SPDX-License-Identifier: MIT
 * JPEG through the TurboJPEG interface. */
#ifndef XAI__IO_JPEG_H
#define XAI__IO_JPEG_H

#include "io/image.h"

xai_status xai__jpeg_decode(xai_image **out, xai_context *context, const unsigned char *bytes, size_t size);

/* Of the first EXIF segment; 1 without one. */
uint32_t xai__jpeg_orientation(const unsigned char *bytes, size_t size);

/* Baseline, 4:4:4. *bytes is the caller's to free with xai__free(); NULL on failure. quality: 1 to 100. */
xai_status xai__jpeg_encode(unsigned char **bytes, size_t *size, const xai_image *image, int32_t quality);

#endif
