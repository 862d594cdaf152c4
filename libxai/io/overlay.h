/* SPDX-License-Identifier: MIT
 * Heat maps as pictures, alone and over the photograph that they explain. */
#ifndef XAI__IO_OVERLAY_H
#define XAI__IO_OVERLAY_H

#include "io/colormap.h"
#include "io/image.h"

/* One pixel a number of a row-major map. */
xai_status xai__overlay_paint(xai_image **out, xai_context *context, const float *map, int64_t height, int64_t width,
                              const xai__colormap *colormap, enum xai__rounding rounding);

/* alpha x heat + (1 - alpha) x photo, in double precision. alpha is 0 to 1; both pictures have one size. */
xai_status xai__overlay_blend(xai_image **out, const xai_image *photo, const xai_image *heat, double alpha,
                              enum xai__rounding rounding);

/* As the tutorial draws a small map of [0, 1], which for it is transposed already: colour jet_r, red and blue
 * exchanged, bicubic to the photo's size, and blended with the photo (alpha is 0.5 there), every byte rounded down. */
xai_status xai__overlay_tutorial(xai_image **heat, xai_image **combined, const float *map, int64_t height,
                                 int64_t width, const xai_image *photo, double alpha);

#endif
