/* SPDX-License-Identifier: MIT
 * A walk over the markers of a JPEG file, which may lie about every length. It skips stray bytes as libjpeg does, so
 * that both see the same frame.
 *
 * A marker is 0xFF, any number of further 0xFF, and a code that is neither 0 nor 0xFF (ISO 10918-1, annex B). Most
 * begin a segment: two bytes of length, big-endian, that count themselves, then the body. Start, end, restart and TEM
 * stand alone. A scan's segment is followed by entropy-coded bytes, in which 0xFF is written 0xFF 0. */
#include "io/jpeg_header.h"

#include <string.h>

#include "core/error.h"

enum { SOI = 0xD8, EOI = 0xD9, SOS = 0xDA, APP1 = 0xE1, TEM = 0x01 };

typedef struct marker_walk {
    const unsigned char *bytes;
    size_t size, at;
    const unsigned char *body; /* of the present segment, without its length */
    size_t body_size;
} marker_walk;

static bool is_restart(uint8_t marker)
{
    return marker >= 0xD0 && marker <= 0xD7;
}

/* DHT, JPG and DAC stand among the frame markers. */
static bool is_frame(uint8_t marker)
{
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

/* The next marker and what it stands before; 0 at the end of the file. */
static uint8_t next_marker(marker_walk *walk)
{
    const unsigned char *end = walk->bytes + walk->size, *found = walk->bytes + walk->at;

    for (;;) {
        found = memchr(found, 0xFF, (size_t)(end - found));
        while (found != NULL && found < end && *found == 0xFF)
            found++;
        if (found == NULL || found == end) {
            walk->at = walk->size;
            return 0;
        }
        if (*found++ != 0) {
            walk->at = (size_t)(found - walk->bytes);
            return found[-1];
        }
    }
}

/* False if the segment's length does not fit into the file. */
static bool read_segment(marker_walk *walk)
{
    size_t left = walk->size - walk->at, length;

    if (left < 2)
        return false;
    length = (size_t)walk->bytes[walk->at] << 8 | walk->bytes[walk->at + 1];
    if (length < 2 || length > left)
        return false;
    walk->body = walk->bytes + walk->at + 2;
    walk->body_size = length - 2;
    walk->at += length;
    return true;
}

/* Precision, height, width, number of components, and three bytes for each of those. Two frames would be two sizes, of
 * which the pixel cap has seen one. */
static xai_status read_frame(xai__jpeg_header *header, uint8_t marker, const marker_walk *walk)
{
    const unsigned char *body = walk->body;

    if (header->frame != 0)
        return xai__fail(XAI_E_FORMAT, "damaged JPEG: two frame headers, the second before byte %zu", walk->at);
    if (walk->body_size < 6 || walk->body_size != 6 + 3 * (size_t)body[5])
        return xai__fail(XAI_E_FORMAT, "damaged JPEG: a frame header of %zu bytes before byte %zu", walk->body_size,
                         walk->at);
    header->frame = marker;
    header->precision = body[0];
    header->height = body[1] << 8 | body[2];
    header->width = body[3] << 8 | body[4];
    header->n_components = body[5];
    return XAI_OK;
}

/* The first one counts; APP1 also holds XMP, which begins otherwise. */
static void read_exif(xai__jpeg_header *header, const marker_walk *walk)
{
    if (header->exif != NULL || walk->body_size < 6 || memcmp(walk->body, "Exif\0\0", 6) != 0)
        return;
    header->exif = walk->body + 6;
    header->exif_size = walk->body_size - 6;
}

/* Entropy-coded bytes hold no marker but restarts. */
static uint8_t skip_scan(marker_walk *walk)
{
    uint8_t marker;

    do
        marker = next_marker(walk);
    while (is_restart(marker));
    return marker;
}

/* Deals with *marker and moves on to the next, 0 where the file ends or a length does not fit into it. */
static xai_status step(xai__jpeg_header *header, marker_walk *walk, uint8_t *marker)
{
    xai_status status = XAI_OK;

    if (*marker == SOI || *marker == TEM || is_restart(*marker)) {
        *marker = next_marker(walk);
        return XAI_OK;
    }
    if (!read_segment(walk)) {
        *marker = 0;
        return XAI_OK;
    }
    if (is_frame(*marker))
        status = read_frame(header, *marker, walk);
    if (*marker == APP1)
        read_exif(header, walk);
    if (*marker == SOS)
        header->n_scans++;
    *marker = *marker == SOS ? skip_scan(walk) : next_marker(walk);
    return status;
}

xai_status xai__jpeg_header_read(xai__jpeg_header *header, const unsigned char *bytes, size_t size)
{
    marker_walk walk = { .bytes = bytes, .size = size, .at = 2 }; /* behind SOI, by which the file was recognised */
    uint8_t marker;

    memset(header, 0, sizeof *header);
    marker = next_marker(&walk);
    while (marker != 0 && marker != EOI) {
        if (marker == SOS && header->frame == 0)
            return xai__fail(XAI_E_FORMAT, "damaged JPEG: a scan before the frame header, at byte %zu", walk.at);
        if (step(header, &walk, &marker) < 0)
            return XAI_E_FORMAT;
    }
    if (header->frame == 0)
        return xai__fail(XAI_E_FORMAT, "damaged JPEG: no frame header in %zu bytes", size);
    header->complete = marker == EOI;
    return XAI_OK;
}
