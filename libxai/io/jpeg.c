/* SPDX-License-Identifier: MIT
 * JPEG through the TurboJPEG interface, which needs no setjmp of ours. */
#include "io/jpeg.h"

#include <string.h>

#include <turbojpeg.h>

#include "core/error.h"
#include "core/memory.h"
#include "io/exif.h"
#include "io/jpeg_header.h"

enum { MAX_SCANS = 500, MAX_PLAIN_SCANS = 4 /* one a component */, MAX_EDGE = 65500 };

/* A scan of a hundred bytes may go over every pixel. This many take a few seconds; encoders make about ten scans. */
static const uint64_t MAX_SCANNED_PIXELS = (uint64_t)1 << 31;

uint32_t xai__jpeg_orientation(const unsigned char *bytes, size_t size)
{
    xai__jpeg_header header;

    if (xai__jpeg_header_read(&header, bytes, size) < 0 || header.exif == NULL)
        return 1;
    return xai__exif_orientation(header.exif, header.exif_size);
}

/* Frames that libjpeg decodes: baseline, extended, progressive, and the latter two with arithmetic coding. */
static bool is_known_frame(uint8_t frame)
{
    return frame <= 0xC2 || frame == 0xC9 || frame == 0xCA;
}

/* A plain picture has one scan a component at most and is never refused for its size here; the pixel cap did that. */
static xai_status check_scans(const xai__jpeg_header *header)
{
    uint64_t n_pixels = (uint64_t)header->width * (uint64_t)header->height, n_scans = header->n_scans;

    if (n_scans > MAX_SCANS)
        return xai__fail(XAI_E_LIMIT, "a JPEG of %zu scans, at most %d are read", header->n_scans, MAX_SCANS);
    if (n_scans > MAX_PLAIN_SCANS && n_scans * n_pixels > MAX_SCANNED_PIXELS)
        return xai__fail(XAI_E_LIMIT, "a JPEG of %zu scans over %dx%d pixels, at most %llu pixels in all are gone over",
                         header->n_scans, header->width, header->height, (unsigned long long)MAX_SCANNED_PIXELS);
    return XAI_OK;
}

/* libjpeg would refuse most of these too, but in words that only its authors understand. */
static xai_status check_header(const xai__jpeg_header *header)
{
    int n = header->n_components;

    if (header->frame == 0xC3 || header->frame == 0xCB)
        return xai__fail(XAI_E_UNSUPPORTED, "a lossless JPEG; only 8-bit lossy JPEG is read");
    if (!is_known_frame(header->frame))
        return xai__fail(XAI_E_UNSUPPORTED, "a hierarchical JPEG (SOF%d); only baseline and progressive are read",
                         header->frame - 0xC0);
    if (header->precision != 8)
        return xai__fail(XAI_E_UNSUPPORTED, "a JPEG of %d bits a sample; only 8 bits are read", header->precision);
    if (n != 1 && n != 3 && n != 4)
        return xai__fail(XAI_E_UNSUPPORTED, "a JPEG of %d colour components; 1, 3 or 4 are read", n);
    if (header->width == 0 || header->height == 0)
        return xai__fail(header->width == 0 ? XAI_E_FORMAT : XAI_E_UNSUPPORTED,
                         "a JPEG of %dx%d pixels; heights that follow the picture (DNL) are not read", header->width,
                         header->height);
    if (!header->complete)
        return xai__fail(XAI_E_FORMAT, "damaged JPEG: the file ends before the picture does");
    return check_scans(header);
}

/* TurboJPEG has no error code for memory that ran out, only libjpeg's two sentences. */
static xai_status fail(tjhandle handle, const char *doing)
{
    const char *words = tjGetErrorStr2(handle);

    if (strstr(words, "Insufficient memory") != NULL || strstr(words, "Memory allocation failure") != NULL)
        return xai__fail_memory();
    return xai__fail(XAI_E_FORMAT, "%s: %s", doing, words);
}

/* How libjpeg's warnings begin. TurboJPEG also calls it a warning when a fatal error follows one, but its message is
 * then the error's. */
static bool is_warning(const char *words)
{
    static const char *const starts[] = {
        "Corrupt JPEG data",     "Inconsistent progression", "Invalid SOS parameters",
        "Premature end of JPEG", "Unknown Adobe color",      "Warning: unknown JFIF",
    };

    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(words, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

/* A warning is a full picture from damaged data, which Pillow lets pass as well. Because "full" hangs on a text, it is
 * decoded again over zeros: whatever was left out is black and not what was in memory before. */
static xai_status decompress(tjhandle handle, uint8_t *pixels, size_t pixels_size, const xai__jpeg_header *header,
                             const unsigned char *bytes, size_t size)
{
    int width = -1, height = -1, subsampling, colours, format = header->n_components == 4 ? TJPF_CMYK : TJPF_RGB;

    /* Its verdict does not count, for it refuses rare subsamplings; but the library must see the size that we saw. */
    tjDecompressHeader3(handle, bytes, size, &width, &height, &subsampling, &colours);
    if (width != header->width || height != header->height)
        return fail(handle, "damaged JPEG");
    if (tjDecompress2(handle, bytes, size, pixels, width, 0, height, format, TJFLAG_LIMITSCANS) == 0)
        return XAI_OK;
    if (tjGetErrorCode(handle) != TJERR_WARNING || !is_warning(tjGetErrorStr2(handle)))
        return fail(handle, "damaged JPEG");
    memset(pixels, 0, pixels_size);
    if (tjDecompress2(handle, bytes, size, pixels, width, 0, height, format, TJFLAG_LIMITSCANS) < 0 &&
        !is_warning(tjGetErrorStr2(handle)))
        return fail(handle, "damaged JPEG");
    return XAI_OK;
}

/* round(a * b / 255) without a division. */
static uint8_t scale_byte(uint32_t a, uint32_t b)
{
    uint32_t product = a * b + 128;

    return (uint8_t)(((product >> 8) + product) >> 8);
}

/* The file holds inverted inks, by Adobe's custom: c = 255 is no cyan. As in Pillow, a light of k is dimmed by each
 * ink's share. */
static void convert_cmyk(uint8_t *rgb, const uint8_t *cmyk, size_t n_pixels)
{
    for (size_t i = 0; i < n_pixels; i++, rgb += 3, cmyk += 4)
        for (size_t c = 0; c < 3; c++)
            rgb[c] = (uint8_t)(cmyk[3] - scale_byte(255u - cmyk[c], cmyk[3]));
}

/* TurboJPEG converts to RGB from grey and YCbCr only, so four inks take a copy of their own. */
static xai_status decode_cmyk(xai_image *image, tjhandle handle, const xai__jpeg_header *header,
                              const unsigned char *bytes, size_t size)
{
    xai_context *context = image->object.context;
    size_t n_pixels = (size_t)image->width * (size_t)image->height;
    uint8_t *cmyk = xai__alloc_array(context, n_pixels, 4);
    xai_status status;

    if (cmyk == NULL)
        return XAI_E_NO_MEMORY;
    status = decompress(handle, cmyk, 4 * n_pixels, header, bytes, size);
    if (status == XAI_OK)
        convert_cmyk(image->pixels, cmyk, n_pixels);
    xai__free(context, cmyk);
    return status;
}

/* What a header can tell is checked before any memory is asked for: the pixel cap, above all. */
xai_status xai__jpeg_decode(xai_image **out, xai_context *context, const unsigned char *bytes, size_t size)
{
    xai__jpeg_header header;
    xai_image *image = NULL;
    tjhandle handle = NULL;
    xai_status status;

    *out = NULL;
    status = xai__jpeg_header_read(&header, bytes, size);
    if (status == XAI_OK)
        status = check_header(&header);
    if (status == XAI_OK)
        status = xai__image_create(&image, context, header.width, header.height);
    if (image == NULL)
        return status;
    handle = tjInitDecompress();
    if (handle == NULL)
        status = fail(NULL, "libjpeg cannot start");
    else if (header.n_components == 4)
        status = decode_cmyk(image, handle, &header, bytes, size);
    else
        status = decompress(handle, image->pixels, 3 * (size_t)header.width * (size_t)header.height, &header, bytes,
                            size);
    if (handle != NULL)
        tjDestroy(handle);
    if (status < 0) {
        xai_image_unref(image);
        return status;
    }
    *out = image;
    return XAI_OK;
}

/* *size: room in, bytes out. Full chroma (4:4:4), since heat maps are all colour; half of it would blur their edges. */
static xai_status compress(unsigned char *bytes, size_t *size, const xai_image *image, int32_t quality)
{
    tjhandle handle = tjInitCompress();
    unsigned long length = *size;
    xai_status status = XAI_OK;

    if (handle == NULL)
        return fail(NULL, "libjpeg cannot start");
    if (tjCompress2(handle, image->pixels, image->width, 0, image->height, TJPF_RGB, &bytes, &length, TJSAMP_444,
                    quality, TJFLAG_NOREALLOC) < 0)
        status = fail(handle, "cannot make a JPEG");
    tjDestroy(handle);
    *size = length;
    return status;
}

xai_status xai__jpeg_encode(unsigned char **bytes, size_t *size, const xai_image *image, int32_t quality)
{
    xai_context *context = image->object.context;
    unsigned long capacity;
    xai_status status;

    *bytes = NULL;
    *size = 0;
    if (image->width > MAX_EDGE || image->height > MAX_EDGE)
        return xai__fail(XAI_E_INVALID, "the picture has %dx%d pixels, a JPEG can have %d a side; save it as .png",
                         image->width, image->height, MAX_EDGE);
    /* Enough for any picture of the size, so that TurboJPEG need not allocate past the context. */
    capacity = tjBufSize(image->width, image->height, TJSAMP_444);
    if (capacity == (unsigned long)-1)
        return xai__fail_memory();
    *bytes = xai__alloc(context, capacity);
    if (*bytes == NULL)
        return XAI_E_NO_MEMORY;
    *size = capacity;
    status = compress(*bytes, size, image, quality);
    if (status < 0) {
        xai__free(context, *bytes);
        *bytes = NULL;
        *size = 0;
    }
    return status;
}
