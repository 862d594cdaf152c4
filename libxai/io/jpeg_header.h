/* SPDX-License-Identifier: MIT
 * What a JPEG file says before it is decoded. */
#ifndef XAI__IO_JPEG_HEADER_H
#define XAI__IO_JPEG_HEADER_H

#include <stdbool.h>

#include <xai/api.h>

typedef struct xai__jpeg_header {
    int32_t width, height;
    int32_t precision; /* bits a sample */
    int32_t n_components;
    uint8_t frame; /* second byte of the SOF marker: 0xC0 baseline, 0xC2 progressive ... */
    bool complete; /* the end-of-image marker is there */
    size_t n_scans;
    const unsigned char *exif; /* TIFF block of the first EXIF segment, or NULL */
    size_t exif_size;
} xai__jpeg_header;

/* Walks the markers from end to end. Fails where there is no frame header before the first scan; damage behind it only
 * leaves complete false. */
xai_status xai__jpeg_header_read(xai__jpeg_header *header, const unsigned char *bytes, size_t size);

#endif
