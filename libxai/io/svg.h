/* SPDX-License-Identifier: MIT
 * SVG out: words that stay words, how wide they are, and the frame of a picture. */
#ifndef XAI__IO_SVG_H
#define XAI__IO_SVG_H

#include <stdint.h>

#include "core/text.h"

/* Adds words as XML takes them, between tags as in attributes. What XML cannot hold becomes U+FFFD. */
void xai__svg_words(xai__text *text, const char *words);

/* Width of words in pixels, estimated from the widest of the usual typefaces without serifs; never too small for it,
 * kerning aside. Of characters that it lacks the width is a guess. */
uint32_t xai__svg_width(const char *words, uint32_t font_size, bool bold);

/* Bytes of the longest beginning that is at most width wide: whole characters, at least one. */
size_t xai__svg_fit(const char *words, uint32_t font_size, bool bold, uint32_t width);

/* The same for a paragraph: ends behind a blank where there is one. */
size_t xai__svg_fit_line(const char *words, uint32_t font_size, bool bold, uint32_t width);

/* Begins a picture of this size in pixels on a white ground. title and description are for screen readers and tips,
 * either may be empty; style is CSS. */
void xai__svg_begin(xai__text *text, uint32_t width, uint32_t height, const char *title, const char *description,
                    const char *style);
void xai__svg_end(xai__text *text);

/* What a style begins with, so that words come out as wide as they were taken for. */
#define XAI__SVG_FONT "text{font-family:'DejaVu Sans',Verdana,Helvetica,Arial,sans-serif}"

#endif
