/* SPDX-License-Identifier: MIT
 * Resizing: pictures as Pillow and torchvision do to the bit, and maps of floats as torch, cv2 and skimage do. */
#ifndef XAI__IO_RESAMPLE_H
#define XAI__IO_RESAMPLE_H

#include "io/image.h"

/* A part of a picture. */
typedef struct xai__crop {
    int32_t x, y, width, height;
} xai__crop;

/* What a window of xai_image_resize(image, width, height, filter) holds, without computing the rest. */
xai_status xai__resample_rgb(xai_image **out, const xai_image *image, int32_t width, int32_t height,
                             const xai__crop *window, uint32_t filter);

/* torchvision's Resize(shorter): the shorter side becomes that, the longer keeps the proportion, rounded down. */
void xai__resize_shorter(int64_t *out_width, int64_t *out_height, int32_t width, int32_t height, int32_t shorter);

/* torchvision's Resize(resize) and CenterCrop((crop_height, crop_width)). resize 0: only crop. XAI_E_SHAPE where the
 * picture is smaller than the crop. */
xai_status xai__image_resize_crop(xai_image **out, const xai_image *image, int32_t resize, int32_t crop_height,
                                  int32_t crop_width, uint32_t filter);

enum xai__map_filter {
    XAI__MAP_BILINEAR,         /* half-pixel centres, edges repeated: torch align_corners=False, cv2 INTER_LINEAR */
    XAI__MAP_BILINEAR_CORNERS, /* corner pixels stay corners: torch align_corners=True */
    XAI__MAP_BILINEAR_MIRROR,  /* half-pixel centres, edges mirrored: skimage order=1 mode='reflect' */
    XAI__MAP_NEAREST           /* torch nearest */
};

/* Resizes a row-major map; every extent is at least 1. */
xai_status xai__resample_map(float *out, int64_t out_height, int64_t out_width, const float *in, int64_t in_height,
                             int64_t in_width, enum xai__map_filter filter);

#endif
