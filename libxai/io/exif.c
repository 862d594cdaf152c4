/* SPDX-License-Identifier: MIT
 * EXIF orientation: found in a TIFF directory that may say anything, applied by walking the source in another order.
 *
 * A TIFF block begins with its byte order (II or MM), 42, and the offset of its directory: a number of entries, then
 * the entries of 12 bytes, tag, type, count and value. A value of up to four bytes stands in the entry itself, so
 * nothing else has to be followed. */
#include "io/exif.h"

#include <string.h>

#include "core/error.h"

enum { TAG_ORIENTATION = 0x0112, ENTRY_SIZE = 12 };
enum { TYPE_BYTE = 1, TYPE_SHORT = 3, TYPE_LONG = 4 };

typedef struct tiff_reader {
    const unsigned char *data;
    size_t size;
    bool big; /* byte order */
} tiff_reader;

/* 0 where the bytes are not there; every caller takes 0 as senseless. */
static uint32_t read_number(const tiff_reader *tiff, size_t at, size_t n_bytes)
{
    uint32_t value = 0;

    if (at > tiff->size || tiff->size - at < n_bytes)
        return 0;
    for (size_t i = 0; i < n_bytes; i++)
        value |= (uint32_t)tiff->data[at + i] << 8 * (tiff->big ? n_bytes - 1 - i : i);
    return value;
}

/* The orientation, if the entry is one; 0 for any other. Cameras write a SHORT, software also the neighbouring types.
 */
static uint32_t read_entry(const tiff_reader *tiff, size_t at)
{
    uint32_t type = read_number(tiff, at + 2, 2);

    if (read_number(tiff, at, 2) != TAG_ORIENTATION || read_number(tiff, at + 4, 4) != 1)
        return 0;
    switch (type) {
    case TYPE_BYTE:
        return read_number(tiff, at + 8, 1);
    case TYPE_SHORT:
        return read_number(tiff, at + 8, 2);
    case TYPE_LONG:
        return read_number(tiff, at + 8, 4);
    default:
        return 0;
    }
}

uint32_t xai__exif_orientation(const unsigned char *data, size_t size)
{
    tiff_reader tiff = { data, size, false };
    uint32_t orientation = 1, n_entries;
    size_t directory;

    if (size < 8 || (memcmp(data, "II*\0", 4) != 0 && memcmp(data, "MM\0*", 4) != 0))
        return 1;
    tiff.big = data[0] == 'M';
    directory = read_number(&tiff, 4, 4);
    n_entries = read_number(&tiff, directory, 2);
    /* Entries past the end read as 0, so a lying count costs at most 65535 short steps. Of several the last counts, as
     * in Pillow. */
    for (uint32_t i = 0; i < n_entries; i++) {
        uint32_t value = read_entry(&tiff, directory + 2 + (size_t)i * ENTRY_SIZE);

        if (value >= 1 && value <= 8)
            orientation = value;
    }
    return orientation;
}

/* How the upright picture is read from the stored one. Columns and rows are the stored picture's. */
typedef struct turn {
    bool swap; /* the upright picture's rows are stored columns */
    bool from_right, from_bottom;
} turn;

/* By orientation: 2 to 4 are the picture mirrored, turned by half and mirrored upside down; 5 to 8 lie on their side.
 */
static const turn turns[9] = {
    [2] = { false, true, false }, [3] = { false, true, true }, [4] = { false, false, true },
    [5] = { true, false, false }, [6] = { true, false, true }, [7] = { true, true, true },
    [8] = { true, true, false },
};

/* Writes the upright picture in its own order; the steps say how far that is from pixel to pixel of the stored one, and
 * from its corner that becomes the upper left one. */
static void copy_turned(xai_image *to, const xai_image *from, const turn *how)
{
    ptrdiff_t stride = 3 * (ptrdiff_t)from->width;
    ptrdiff_t column_step = how->from_right ? -3 : 3, row_step = how->from_bottom ? -stride : stride;
    const uint8_t *corner = from->pixels;
    uint8_t *out = to->pixels;

    if (how->from_right)
        corner += stride - 3;
    if (how->from_bottom)
        corner += stride * (from->height - 1);
    for (int32_t y = 0; y < to->height; y++) {
        const uint8_t *in = corner + y * (how->swap ? column_step : row_step);

        for (int32_t x = 0; x < to->width; x++, out += 3)
            memcpy(out, in + x * (how->swap ? row_step : column_step), 3);
    }
}

xai_status xai__exif_apply(xai_image **image, uint32_t orientation)
{
    xai_image *from = *image;
    const turn *how = &turns[orientation <= 8 ? orientation : 1];
    xai_status status;

    if (orientation < 2 || orientation > 8)
        return XAI_OK;
    status = xai__image_create(image, from->object.context, how->swap ? from->height : from->width,
                               how->swap ? from->width : from->height);
    if (status == XAI_OK)
        copy_turned(*image, from, how);
    xai_image_unref(from);
    return status;
}
