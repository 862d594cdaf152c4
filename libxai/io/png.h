/* SPDX-License-Identifier: MIT
 * PNG through libpng's row interface. */
#ifndef XAI__IO_PNG_H
#define XAI__IO_PNG_H

#include "io/image.h"

xai_status xai__png_decode(xai_image **out, xai_context *context, const unsigned char *bytes, size_t size);

/* Of the eXIf chunk; 1 without one. */
uint32_t xai__png_orientation(const unsigned char *bytes, size_t size);

/* *bytes is the caller's to free with xai__free(); NULL on failure. quality is not used. */
xai_status xai__png_encode(unsigned char **bytes, size_t *size, const xai_image *image, int32_t quality);

#endif
