/* SPDX-License-Identifier: MIT
 * Pictures: 8-bit RGB, decoded from PNG and JPEG as Pillow's convert("RGB") would. */
#ifndef XAI_IMAGE_H
#define XAI_IMAGE_H

#include <xai/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An 8-bit RGB picture, H x W x 3, rows without gaps, top row first. Only the pixels may change. @since 0.1 */
typedef struct xai_image xai_image;

/** Flags of xai_image_load() and xai_image_decode(). @since 0.1 */
enum xai_image_flag {
    XAI_IMAGE_EXIF =
        1 /**< Turn the picture as its EXIF orientation says. Off by default, as in Pillow and the tutorial. */
};

/** Filters of xai_image_resize(). @since 0.1 */
enum xai_filter {
    XAI_FILTER_BILINEAR = 0, /**< Pillow's: a triangle, widened when shrinking (antialiased), fixed point. */
    XAI_FILTER_BICUBIC = 1,  /**< Pillow's: a = -0.5, antialiased, fixed point. */
    XAI_FILTER_NEAREST = 2   /**< Pillow's. */
};

/**
 * Read a PNG or JPEG file; the bytes decide which it is, not the name.
 *
 * @param[out] out  The picture, one reference. NULL on failure.
 * @param context   Context; its max_pixels is checked before decoding.
 * @param path      File to read.
 * @param flags     Of enum xai_image_flag.
 * @return 0; XAI_E_IO; XAI_E_FORMAT for damaged, truncated or other files; XAI_E_UNSUPPORTED (12-bit JPEG ...);
 *         XAI_E_LIMIT; XAI_E_NO_MEMORY.
 *
 * Alpha is dropped, grey, palette, CMYK and 16-bit are converted as Pillow does. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_image_load(xai_image **out, xai_context *context, const char *path, uint32_t flags);

/**
 * Decode a PNG or JPEG from memory.
 *
 * @param[out] out  The picture, one reference. NULL on failure.
 * @param context   Context.
 * @param bytes     The encoded picture; not kept.
 * @param size      Its length in bytes.
 * @param flags     Of enum xai_image_flag.
 * @return As xai_image_load(), without XAI_E_IO.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_image_decode(xai_image **out, xai_context *context, const void *bytes, size_t size,
                                    uint32_t flags);

/**
 * Make a picture from pixels.
 *
 * @param[out] out  The picture, one reference. NULL on failure.
 * @param context   Context.
 * @param pixels    H x W x 3 bytes, RGB; copied. NULL: black.
 * @param width     Pixels a row, > 0.
 * @param height    Rows, > 0.
 * @return 0; XAI_E_INVALID; XAI_E_LIMIT; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_image_create(xai_image **out, xai_context *context, const uint8_t *pixels, int32_t width,
                                    int32_t height);

/** Add a reference. @param image  May be NULL. @return @p image. Any thread. @since 0.1 */
XAI_API xai_image *xai_image_ref(xai_image *image);

/** Drop a reference; the last one frees it. @param image  May be NULL. Any thread. @since 0.1 */
XAI_API void xai_image_unref(xai_image *image);

/** Width. @param image  The picture. @return Pixels a row. Any thread. @since 0.1 */
XAI_API int32_t xai_image_width(const xai_image *image);

/** Height. @param image  The picture. @return Rows. Any thread. @since 0.1 */
XAI_API int32_t xai_image_height(const xai_image *image);

/**
 * Reach the pixels.
 *
 * @param image  The picture.
 * @return H x W x 3 bytes, RGB, borrowed: valid while the picture lives.
 *
 * Writing is the caller's affair: not while another thread reads.
 * @since 0.1
 */
XAI_API uint8_t *xai_image_pixels(xai_image *image);

/**
 * Resize as Pillow's Image.resize() does, to the bit.
 *
 * @param[out] out  The new picture, one reference. NULL on failure.
 * @param image     The picture; not modified.
 * @param width     New pixels a row, > 0.
 * @param height    New rows, > 0.
 * @param filter    One of enum xai_filter.
 * @return 0; XAI_E_INVALID; XAI_E_LIMIT; XAI_E_NO_MEMORY.
 *
 * Pillow 13, src/libImaging/Resample.c. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_image_resize(xai_image **out, const xai_image *image, int32_t width, int32_t height,
                                    uint32_t filter);

/**
 * Set pictures side by side on white, each above a line of text.
 *
 * @param[out] out   The sheet, one reference. NULL on failure.
 * @param context    Context; its max_pixels bounds the sheet.
 * @param images     @p n_images pictures, row by row; NULL leaves a place empty. Cells have the size of the largest.
 * @param labels     @p n_images texts, shown as far as the cell is wide; one that is NULL leaves its line empty. Only
 * ASCII has letters, every other character is a box.
 * @param n_images   1 to 4096.
 * @param n_columns  Pictures a row; 0: about as many as rows.
 * @return 0; XAI_E_INVALID; XAI_E_LIMIT; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_image_sheet(xai_image **out, xai_context *context, const xai_image *const *images,
                                   const char *const *labels, size_t n_images, size_t n_columns);

/**
 * Write a PNG or JPEG file; the ending of the name decides: .png, .jpg, .jpeg.
 *
 * @param image    The picture.
 * @param path     File to write. It appears whole or not at all: written beside it first, then renamed.
 * @param quality  JPEG quality 1 to 100; 0 means 90. Ignored for PNG.
 * @return 0; XAI_E_INVALID for another ending or quality; XAI_E_IO; XAI_E_NO_MEMORY.
 *
 * JPEG is written baseline, 4:4:4. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_image_save(const xai_image *image, const char *path, int32_t quality);

#ifdef __cplusplus
}
#endif
#endif
