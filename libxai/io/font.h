/* SPDX-License-Identifier: MIT
 * Short texts in pictures: one small font of printable ASCII. */
#ifndef XAI__IO_FONT_H
#define XAI__IO_FONT_H

#include "io/image.h"

/* A cell holds a glyph and the gap to the next one. */
enum { XAI__FONT_WIDTH = 6, XAI__FONT_HEIGHT = 8 };

/* Characters of a text; what is not ASCII counts as one and is drawn as a box. */
size_t xai__font_length(const char *text);

/* Draws the first n characters of a text, or all, with the upper left corner at (x, y), each dot scale x scale pixels.
 * What lies outside the picture is left out. */
void xai__font_draw(xai_image *image, const char *text, size_t n, int64_t x, int64_t y, int32_t scale,
                    const uint8_t rgb[3]);

#endif
