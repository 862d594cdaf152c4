/* SPDX-License-Identifier: MIT
 * SVG out. Numbers are whole, since a locale could put a comma into others. */
#include "io/svg.h"

#include <string.h>

#include "core/utf8.h"

/* Advance widths of DejaVu Sans and its bold, U+0020 to U+007E, in 1/64 of the font's size, each rounded up. Verdana's
 * are the same within 2 %, those of Helvetica, Arial and their like smaller. */
static const unsigned char ascii_widths[2][95] = {
    { 21, 26, 30, 54, 41, 61, 50, 18, 25, 25, 32, 54, 21, 24, 21, 22, 41, 41, 41, 41, 41, 41, 41, 41,
      41, 41, 22, 22, 54, 54, 54, 34, 64, 44, 44, 45, 50, 41, 37, 50, 49, 19, 19, 42, 36, 56, 48, 51,
      39, 51, 45, 41, 40, 47, 44, 64, 44, 40, 44, 25, 22, 25, 54, 32, 32, 40, 41, 36, 41, 40, 23, 41,
      41, 18, 18, 38, 18, 63, 41, 40, 41, 41, 27, 34, 26, 41, 38, 53, 38, 38, 34, 41, 22, 41, 54 },
    { 23, 30, 34, 54, 45, 65, 56, 20, 30, 30, 34, 54, 25, 27, 25, 24, 45, 45, 45, 45, 45, 45, 45, 45,
      45, 45, 26, 26, 54, 54, 54, 38, 64, 50, 49, 47, 54, 44, 44, 53, 54, 24, 24, 50, 41, 64, 54, 55,
      47, 55, 50, 47, 44, 52, 50, 71, 50, 47, 47, 30, 24, 30, 54, 32, 32, 44, 46, 38, 46, 44, 28, 46,
      46, 22, 22, 43, 22, 67, 46, 44, 46, 46, 32, 39, 31, 46, 42, 60, 42, 42, 38, 46, 24, 46, 54 },
};

/* Of the rest the widest between one row's code and the next one's, finely where the alphabets of Europe are; 0 are
 * combining marks. The long row of 68 is what fills a square in other typefaces, since DejaVu has no Chinese. */
static const struct {
    uint32_t below;
    unsigned char width[2];
} other_widths[] = {
    { 0xa9, { 41, 45 } },         { 0xb2, { 64, 64 } },   { 0xbc, { 41, 48 } },    { 0xc7, { 63, 70 } },
    { 0xcc, { 45, 47 } },         { 0xd0, { 19, 24 } },   { 0xdd, { 54, 55 } },    { 0xe6, { 41, 48 } },
    { 0xe7, { 63, 68 } },         { 0xf7, { 41, 46 } },   { 0xf8, { 54, 54 } },    { 0x10e, { 45, 50 } },
    { 0x126, { 50, 54 } },        { 0x128, { 59, 63 } },  { 0x132, { 19, 24 } },   { 0x139, { 42, 50 } },
    { 0x143, { 36, 42 } },        { 0x152, { 53, 63 } },  { 0x154, { 69, 75 } },   { 0x174, { 47, 52 } },
    { 0x176, { 64, 71 } },        { 0x180, { 44, 47 } },  { 0x300, { 91, 100 } },  { 0x370, { 0, 0 } },
    { 0x3aa, { 56, 66 } },        { 0x3c9, { 43, 51 } },  { 0x3e0, { 54, 63 } },   { 0x3e3, { 60, 70 } },
    { 0x400, { 56, 64 } },        { 0x406, { 51, 57 } },  { 0x409, { 19, 24 } },   { 0x40b, { 70, 74 } },
    { 0x416, { 51, 57 } },        { 0x417, { 69, 79 } },  { 0x428, { 56, 64 } },   { 0x42f, { 70, 85 } },
    { 0x436, { 45, 52 } },        { 0x437, { 58, 64 } },  { 0x444, { 49, 53 } },   { 0x44f, { 61, 71 } },
    { 0x459, { 40, 46 } },        { 0x45b, { 58, 64 } },  { 0x460, { 42, 47 } },   { 0x530, { 76, 90 } },
    { 0x590, { 63, 63 } },        { 0x600, { 46, 49 } },  { 0x700, { 79, 89 } },   { 0x1100, { 69, 88 } },
    { 0x1e00, { 105, 130 } },     { 0x2000, { 71, 81 } }, { 0x2028, { 64, 64 } },  { 0x2030, { 13, 13 } },
    { 0x2032, { 112, 121 } },     { 0x2060, { 64, 66 } }, { 0x2070, { 0, 0 } },    { 0x2c00, { 93, 108 } },
    { 0x3000, { 73, 79 } },       { 0xa000, { 68, 68 } }, { 0xac00, { 98, 110 } }, { 0xd800, { 68, 68 } },
    { UINT32_MAX, { 105, 112 } },
};

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

/* U+FFFE and U+FFFF, which are UTF-8 and yet no character of XML 1.0. */
static bool is_no_character(const unsigned char *bytes, size_t length)
{
    return length == 3 && bytes[0] == 0xef && bytes[1] == 0xbf && bytes[2] >= 0xbe;
}

/* Bytes from here that need nothing, so that most words are added in one piece. */
static size_t count_plain(const unsigned char *bytes, size_t left)
{
    size_t n = 0;

    while (n < left) {
        size_t length = xai__utf8_length(bytes + n, left - n);

        if (length == 0 || (length == 1 && escape(bytes[n]) != NULL) || is_no_character(bytes + n, length))
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
            n = is_no_character(bytes, xai__utf8_length(bytes, left)) ? 3 : 1;
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

/* Of one character, in 1/64 of the font's size. */
static uint32_t character_width(uint32_t code, bool bold)
{
    size_t row = 0;

    if (code >= 0x20 && code < 0x7f)
        return ascii_widths[bold][code - 0x20];
    while (code >= other_widths[row].below)
        row++;
    return other_widths[row].width[bold];
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
