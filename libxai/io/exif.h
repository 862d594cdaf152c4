/* SPDX-License-Identifier: MIT
 * The one EXIF field that changes a picture: its orientation. */
#ifndef XAI__IO_EXIF_H
#define XAI__IO_EXIF_H

#include "io/image.h"

/* Reads the orientation, 1 to 8, from a TIFF block (what follows "Exif\0\0"). Anything damaged or absent counts as 1:
 * upright. */
uint32_t xai__exif_orientation(const unsigned char *tiff, size_t size);

/* Turns a picture upright: replaces *image, or on failure drops it and clears it. */
xai_status xai__exif_apply(xai_image **image, uint32_t orientation);

#endif
