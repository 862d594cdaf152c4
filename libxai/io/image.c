/* SPDX-License-Identifier: MIT
 * Pictures: made, read by what their bytes are, written by what their names end in. */
#include "io/image.h"

#include <string.h>
#include <strings.h>

#include "config.h"

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "io/exif.h"
#include "io/file.h"
#include "io/file_name.h"
#include "io/jpeg.h"
#include "io/png.h"

enum { DEFAULT_QUALITY = 90, MAX_QUALITY = 100 };

/* A row a format: how its bytes begin, how its files' names end, what reads and writes it. The functions are NULL where
 * the library was built without the format, which is then still known by name. */
typedef struct picture_format {
    const char *name;
    const char *magic;
    size_t magic_size;
    const char *endings[2];
    xai_status (*decode)(xai_image **out, xai_context *context, const unsigned char *bytes, size_t size);
    uint32_t (*orientation)(const unsigned char *bytes, size_t size);
    xai_status (*encode)(unsigned char **bytes, size_t *size, const xai_image *image, int32_t quality);
} picture_format;

#ifdef XAI_HAVE_PNG
#define PNG_FUNCTIONS xai__png_decode, xai__png_orientation, xai__png_encode
#else
#define PNG_FUNCTIONS NULL, NULL, NULL
#endif
#ifdef XAI_HAVE_JPEG
#define JPEG_FUNCTIONS xai__jpeg_decode, xai__jpeg_orientation, xai__jpeg_encode
#else
#define JPEG_FUNCTIONS NULL, NULL, NULL
#endif

static const picture_format formats[] = {
    { "PNG", "\x89PNG\r\n\x1a\n", 8, { ".png", NULL }, PNG_FUNCTIONS },
    { "JPEG", "\xff\xd8", 2, { ".jpg", ".jpeg" }, JPEG_FUNCTIONS },
};

enum { N_FORMATS = sizeof formats / sizeof *formats };

/* What people hand in instead. The first row that fits counts, so that what is told by fewer bytes comes behind what
 * would fit it too. Bytes at an offset skip a length or a brand that differs from file to file. */
static const struct {
    size_t offset;
    const char *magic;
    size_t magic_size;
    const char *what;
} strangers[] = {
    { 0, "version https://git-lfs", 23, "a Git LFS pointer, not the picture itself; fetch it with `git lfs pull`" },
    { 1, "PNG", 3, "a PNG whose first 8 bytes are damaged, as a transfer in text mode does" },
    { 12, "IHDR", 4, "a PNG whose first 8 bytes are damaged" },
    { 0, "GIF8", 4, "a GIF" },
    { 8, "WEBP", 4, "a WebP" },
    { 0, "BM", 2, "a BMP" },
    { 4, "ftyphei", 7, "a HEIC" },
    { 4, "ftyphev", 7, "a HEIC" },
    { 4, "ftypmif1", 8, "a HEIF" },
    { 4, "ftypmsf1", 8, "a HEIF" },
    { 4, "ftypavif", 8, "an AVIF" },
    { 0, "II*\0", 4, "a TIFF" },
    { 0, "MM\0*", 4, "a TIFF" },
    { 4, "jP  \r\n\x87\n", 8, "a JPEG 2000" },
    { 0, "\xff\x0a", 2, "a JPEG XL" },
    { 4, "JXL \r\n\x87\n", 8, "a JPEG XL" },
    { 0, "%PDF", 4, "a PDF" },
    { 0, "<", 1, "a text with markup, perhaps an SVG or a web page" },
};

/* Also right for files shorter than the magic. */
static bool starts_with(const unsigned char *bytes, size_t size, size_t offset, const char *magic, size_t magic_size)
{
    return size >= offset + magic_size && memcmp(bytes + offset, magic, magic_size) == 0;
}

xai_status xai__image_check_size(const xai_context *context, int64_t width, int64_t height)
{
    if (width < 1 || height < 1 || width > INT32_MAX || height > INT32_MAX)
        return xai__fail(XAI_E_INVALID, "a picture cannot have %lldx%lld pixels", (long long)width, (long long)height);
    if ((uint64_t)width * (uint64_t)height > context->max_pixels)
        return xai__fail(XAI_E_LIMIT, "%lldx%lld pixels, the context's max_pixels allows %llu", (long long)width,
                         (long long)height, (unsigned long long)context->max_pixels);
    return XAI_OK;
}

/* The limit holds for pictures that are made as well as for those that are read, so that nothing later multiplies sizes
 * without bounds. */
xai_status xai__image_create(xai_image **out, xai_context *context, int64_t width, int64_t height)
{
    xai_status status = xai__image_check_size(context, width, height);
    xai_image *image;
    size_t size;

    *out = NULL;
    if (status < 0)
        return status;
    /* A context may allow any number of pixels, so their bytes can be more than there are addresses for. */
    if (!xai__mul_size(&size, (size_t)width * (size_t)height, 3) || !xai__add_size(&size, size, XAI__IMAGE_SLACK))
        return xai__fail_memory();
    image = xai__zalloc_array(context, 1, sizeof *image);
    if (image == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&image->object, context);
    image->width = (int32_t)width;
    image->height = (int32_t)height;
    image->pixels = xai__alloc(context, size);
    if (image->pixels == NULL) {
        xai_image_unref(image);
        return XAI_E_NO_MEMORY;
    }
    /* Nobody uses what the slack holds, but valgrind and its like should not wonder. */
    memset(image->pixels + size - XAI__IMAGE_SLACK, 0, XAI__IMAGE_SLACK);
    *out = image;
    return XAI_OK;
}

xai_status xai_image_create(xai_image **out, xai_context *context, const uint8_t *pixels, int32_t width, int32_t height)
{
    xai_status status;
    size_t size;

    XAI__ENTER(out);
    if (out == NULL || context == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "context");
    status = xai__image_create(out, context, width, height);
    if (*out == NULL)
        return status;
    size = 3 * (size_t)width * (size_t)height;
    if (pixels != NULL)
        memcpy((*out)->pixels, pixels, size);
    else
        memset((*out)->pixels, 0, size);
    return XAI_OK;
}

/* A sentence that helps: most of what is handed in by mistake is easily told. */
static xai_status refuse(const unsigned char *bytes, size_t size)
{
    if (size == 0)
        return xai__fail(XAI_E_FORMAT, "empty; a PNG or JPEG picture was expected");
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        if (starts_with(bytes, size, strangers[i].offset, strangers[i].magic, strangers[i].magic_size))
            return xai__fail(XAI_E_FORMAT, "this is %s; only PNG and JPEG are read", strangers[i].what);
    if (size >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' && bytes[2] != '\0' &&
        strchr(" \t\r\n#", bytes[2]) != NULL)
        return xai__fail(XAI_E_FORMAT, "this is a PPM, PGM, PBM or PAM; only PNG and JPEG are read");
    return xai__fail(XAI_E_FORMAT, "neither PNG nor JPEG: the first of %zu bytes is 0x%02x", size, bytes[0]);
}

/* The bytes decide how a picture is read; what its file is called does not. */
static const picture_format *find_by_bytes(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < N_FORMATS; i++)
        if (starts_with(bytes, size, 0, formats[i].magic, formats[i].magic_size))
            return &formats[i];
    return NULL;
}

/* A decoder gives pixels only, so the orientation is looked up in the bytes once more: a walk over markers or chunks.
 */
static xai_status decode(xai_image **out, xai_context *context, const unsigned char *bytes, size_t size, uint32_t flags)
{
    const picture_format *format = find_by_bytes(bytes, size);
    xai_status status;

    if (format == NULL)
        return refuse(bytes, size);
    if (format->decode == NULL)
        return xai__fail(XAI_E_UNSUPPORTED, "this is a %s, and libxai was built without %s", format->name,
                         format->name);
    status = format->decode(out, context, bytes, size);
    if (status == XAI_OK && (flags & XAI_IMAGE_EXIF))
        status = xai__exif_apply(out, format->orientation(bytes, size));
    return status;
}

/* What loading and decoding check alike. Unknown flags are refused, for a later version may give them a meaning. */
static xai_status check_door(const xai_image *const *out, const xai_context *context, const void *input,
                             const char *name, uint32_t flags)
{
    if (out == NULL || context == NULL || input == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : context == NULL ? "context" : name);
    if (flags & ~(uint32_t)XAI_IMAGE_EXIF)
        return xai__fail(XAI_E_INVALID, "flags 0x%x has bits that this version does not know", flags);
    return XAI_OK;
}

xai_status xai_image_decode(xai_image **out, xai_context *context, const void *bytes, size_t size, uint32_t flags)
{
    xai_status status;

    XAI__ENTER(out);
    /* No bytes need no pointer; what is said of them is that there are none. */
    status = check_door((const xai_image *const *)out, context, size > 0 ? bytes : "", "bytes", flags);
    return status < 0 ? status : decode(out, context, bytes, size, flags);
}

xai_status xai_image_load(xai_image **out, xai_context *context, const char *path, uint32_t flags)
{
    xai__file file = { 0 };
    xai_status status;

    XAI__ENTER(out);
    status = check_door((const xai_image *const *)out, context, path, "path", flags);
    if (status == XAI_OK)
        status = xai__file_open(&file, context, path);
    if (file.data == NULL)
        return status;
    status = decode(out, context, file.data, file.size, flags);
    if (status < 0)
        xai__fail_in(status, file.name);
    xai__file_close(&file);
    return status;
}

xai_image *xai_image_ref(xai_image *image)
{
    if (image != NULL)
        xai__object_ref(&image->object);
    return image;
}

void xai_image_unref(xai_image *image)
{
    xai_context *context;

    if (image == NULL || !xai__object_unref(&image->object))
        return;
    context = image->object.context;
    xai__free(context, image->pixels);
    xai__free(context, image);
    xai_context_unref(context);
}

int32_t xai_image_width(const xai_image *image)
{
    return image->width;
}

int32_t xai_image_height(const xai_image *image)
{
    return image->height;
}

uint8_t *xai_image_pixels(xai_image *image)
{
    return image->pixels;
}

/* A name that is nothing but an ending does not count: ".png" is a hidden file without one. */
static bool ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path), n = strlen(ending);

    return length > n && strcasecmp(path + length - n, ending) == 0;
}

/* In any case: cameras write .JPG. */
static const picture_format *find_by_ending(const char *path)
{
    for (size_t i = 0; i < N_FORMATS; i++)
        for (size_t k = 0; k < 2 && formats[i].endings[k] != NULL; k++)
            if (ends_with(path, formats[i].endings[k]))
                return &formats[i];
    return NULL;
}

/* All that can be refused is refused before the picture is encoded. The name decides the format, since there are no
 * bytes yet that could. */
static xai_status check_save(const xai_image *image, const char *path, int32_t quality)
{
    const picture_format *format;

    if (image == NULL || path == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", image == NULL ? "image" : "path");
    format = find_by_ending(path);
    if (format == NULL)
        return xai__fail(XAI_E_INVALID, "%s: the name must end in .png, .jpg or .jpeg", xai__file_tail(path));
    if (quality < 0 || quality > MAX_QUALITY)
        return xai__fail(XAI_E_INVALID, "%s: quality is %d, it must be 1 to %d, or 0 for %d", xai__file_tail(path),
                         quality, MAX_QUALITY, DEFAULT_QUALITY);
    if (format->encode == NULL)
        return xai__fail(XAI_E_UNSUPPORTED, "%s: libxai was built without %s", xai__file_tail(path), format->name);
    return XAI_OK;
}

xai_status xai_image_save(const xai_image *image, const char *path, int32_t quality)
{
    unsigned char *bytes;
    xai_status status;
    size_t size;

    xai__enter();
    status = check_save(image, path, quality);
    if (status < 0)
        return status;
    /* Encoded in memory first: nothing of a picture that fails half-way ever reaches the disk. */
    status = find_by_ending(path)->encode(&bytes, &size, image, quality != 0 ? quality : DEFAULT_QUALITY);
    if (status < 0)
        return xai__fail_in(status, xai__file_tail(path));
    status = xai__file_write(image->object.context, path, bytes, size);
    xai__free(image->object.context, bytes);
    return status;
}
