/* SPDX-License-Identifier: MIT
 * Pictures and maps by formula, as tests/golden/make_pictures.py makes them too, and digests of pictures. */
#ifndef XAI_UNIT_PICTURES_H
#define XAI_UNIT_PICTURES_H

#include "testing.h"

#include "core/crc32.h"

static inline uint32_t testing_crc(const void *bytes, size_t size)
{
    xai__crc32_table table;

    xai__crc32_init(&table);
    return xai__crc32(&table, 0, bytes, size);
}

static inline uint32_t testing_image_crc(xai_image *image)
{
    return testing_crc(xai_image_pixels(image), 3 * (size_t)xai_image_width(image) * (size_t)xai_image_height(image));
}

/* Smooth in green, stepped in blue, wild in red. */
static inline xai_image *testing_picture(xai_context *context, int32_t width, int32_t height)
{
    xai_image *image;
    uint8_t *pixel;

    ck_assert_ok(xai_image_create(&image, context, NULL, width, height));
    pixel = xai_image_pixels(image);
    for (uint32_t y = 0; y < (uint32_t)height; y++)
        for (uint32_t x = 0; x < (uint32_t)width; x++, pixel += 3) {
            pixel[0] = (x * 2654435761u ^ y * 2246822519u ^ (x * y + 1) * 3266489917u) >> 24;
            pixel[1] = (uint8_t)(3 * x + 2 * y);
            pixel[2] = ((x / 3 ^ y / 2) & 1) * 255;
        }
    return image;
}

/* Row-major, numbers in [0, 1). */
static inline void testing_map(float *map, int64_t height, int64_t width)
{
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            map[y * width + x] = (float)((37 * x + 101 * y + 13 * x * y) % 256) / 256;
}

/* Same size and no byte further apart. */
static inline void testing_images_close(xai_image *a, xai_image *b, int tolerance)
{
    size_t size = 3 * (size_t)xai_image_width(a) * (size_t)xai_image_height(a);

    ck_assert_int_eq(xai_image_width(a), xai_image_width(b));
    ck_assert_int_eq(xai_image_height(a), xai_image_height(b));
    for (size_t i = 0; i < size; i++)
        ck_assert_msg(abs(xai_image_pixels(a)[i] - xai_image_pixels(b)[i]) <= tolerance, "byte %zu: %d and %d", i,
                      xai_image_pixels(a)[i], xai_image_pixels(b)[i]);
}

#endif
