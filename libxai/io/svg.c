/* SPDX-License-Identifier: MIT
 * SVG out. Numbers are whole, since a locale could put a comma into others. */
#include "io/svg.h"

#include <string.h>

#include "core/utf8.h"

/* Advance widths of DejaVu Sans, U+0020 to U+007E, in 1/64 of the font's size. Verdana's are the same within 2 %, those
 * of Helvetica, Arial and their like smaller. */
static const unsigned char ascii_widths[] = {
    20, 26, 29, 54, 41, 61, 50, 18, 25, 25, 32, 54, 20, 23, 20, 22, 41, 41, 41, 41, 41, 41, 41, 41,
    41, 41, 22, 22, 54, 54, 54, 34, 64, 44, 44, 45, 49, 40, 37, 50, 48, 19, 19, 42, 36, 55, 48, 50,
    39, 50, 44, 41, 39, 47, 44, 63, 44, 39, 44, 25, 22, 25, 54, 32, 32, 39, 41, 35, 41, 39, 23, 41,
    41, 18, 18, 37, 18, 62, 41, 39, 41, 41, 26, 33, 25, 41, 38, 52, 38, 38, 34, 41, 22, 41, 54,
};

/* The rest by script: combining marks, alphabets, signs, and what fills a square. */
static const struct {
    uint32_t below;
    unsigned char width;
} other_widths[] = { { 0x300, 50 }, { 0x370, 0 }, { 0x1100, 54 }, { 0x2000, 66 }, { 0x2c00, 62 }, { UINT32_MAX, 68 } };

/* --- words --- */

static const char *escape(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return c < 0x20 && c != '\t' && c != '\n' ? "\xef\xbf\xbd" : NULL;
    }
}

/* Bytes from here that need nothing, so that most words are added in one piece. */
static size_t count_plain(const unsigned char *bytes, size_t left)
{
    size_t n = 0;

    while (n < left) {
        size_t length = xai__utf8_length(bytes + n, left - n);

        if (length == 0 || (length == 1 && escape(bytes[n]) != NULL))
            break;
        n += length;
    }
    return n;
}

void xai__svg_words(xai__text *text, const char *words)
{
    const unsigned char *bytes = (const unsigned char *)words;
    size_t left = strlen(words);

    while (left > 0) {
        size_t n = count_plain(bytes, left);

        if (n > 0) {
            xai__text_add(text, "%.*s", (int)n, (const char *)bytes);
        } else {
            const char *escaped = escape(*bytes);

            xai__text_add(text, "%s", escaped != NULL ? escaped : "\xef\xbf\xbd");
            n = 1;
        }
        bytes += n;
        left -= n;
    }
}

/* --- widths --- */

/* The code of one character; of a byte that is none, the byte. */
static uint32_t decode(const unsigned char *bytes, size_t length)
{
    uint32_t code = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);

    for (size_t i = 1; i < length; i++)
        code = code << 6 | (bytes[i] & 0x3f);
    return code;
}

/* Of one character, in 1/64 of the font's size. Bold is up to an eighth wider. */
static uint32_t character_width(uint32_t code, bool bold)
{
    uint32_t width = 0, row = 0;

    if (code >= 0x20 && code < 0x7f) {
        width = ascii_widths[code - 0x20];
    } else {
        while (code >= other_widths[row].below)
            row++;
        width = other_widths[row].width;
    }
    return bold ? width + (width + 7) / 8 : width;
}

/* Walks through words while they fit; the last blank on the way is where a line may end. Looks no further than that: a
 * name of megabytes is broken into lines in linear time. */
static size_t walk(const char *words, uint32_t font_size, bool bold, uint64_t limit, uint64_t *width, size_t *blank)
{
    const unsigned char *bytes = (const unsigned char *)words;
    size_t n = 0, left;

    *width = 0;
    *blank = 0;
    while ((left = strnlen(words + n, 4)) > 0) {
        size_t length = xai__utf8_length(bytes + n, left);
        uint64_t wider;

        length = length > 0 ? length : 1;
        wider = *width + (uint64_t)font_size * character_width(decode(bytes + n, length), bold);
        if (wider > limit && n > 0)
            break;
        if (bytes[n] == ' ')
            *blank = n + 1;
        *width = wider;
        n += length;
    }
    return n;
}

uint32_t xai__svg_width(const char *words, uint32_t font_size, bool bold)
{
    uint64_t width;
    size_t blank;

    walk(words, font_size, bold, UINT64_MAX, &width, &blank);
    width = (width + 63) / 64; /* up, so that a box is never too small */
    return width < UINT32_MAX ? (uint32_t)width : UINT32_MAX;
}

size_t xai__svg_fit(const char *words, uint32_t font_size, bool bold, uint32_t width)
{
    uint64_t taken;
    size_t blank;

    return walk(words, font_size, bold, (uint64_t)width * 64, &taken, &blank);
}

size_t xai__svg_fit_line(const char *words, uint32_t font_size, bool bold, uint32_t width)
{
    uint64_t taken;
    size_t blank, n = walk(words, font_size, bold, (uint64_t)width * 64, &taken, &blank);

    return words[n] != '\0' && blank > 0 ? blank : n;
}

/* --- the frame --- */

/* The ground is a rectangle, for viewers with a dark one of their own. */
void xai__svg_begin(xai__text *text, uint32_t width, uint32_t height, const char *title, const char *description,
                    const char *style)
{
    xai__text_add(text,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\" "
                  "role=\"img\">\n",
                  width, height, width, height);
    if (*title != '\0') {
        xai__text_add(text, "<title>");
        xai__svg_words(text, title);
        xai__text_add(text, "</title>\n");
    }
    if (*description != '\0') {
        xai__text_add(text, "<desc>");
        xai__svg_words(text, description);
        xai__text_add(text, "</desc>\n");
    }
    xai__text_add(text, "<style>%s</style>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", style);
}

void xai__svg_end(xai__text *text)
{
    xai__text_add(text, "</svg>\n");
}
