/* SPDX-License-Identifier: MIT
 * Zip files as torch.save() writes them: stored entries only, so that nothing can blow up. */
#ifndef XAI__IO_ZIP_H
#define XAI__IO_ZIP_H

#include "core/crc32.h"
#include "io/file.h"

typedef struct xai__zip_entry {
    const char *name; /* in the file, without a NUL */
    size_t name_length;
    size_t start; /* of the local header */
    size_t data;  /* offset of the bytes */
    size_t size;  /* as stored */
    uint32_t crc;
    uint16_t flags, method;
} xai__zip_entry;

/* Zero it before opening. */
typedef struct xai__zip {
    const xai__file *file; /* must outlive it */
    xai__zip_entry *entries;
    size_t count;
    uint32_t *order; /* by name, ignoring case */
    xai__crc32_table crc;
} xai__zip;

/* Checks the whole directory: names, sizes, both headers of each entry, no overlap, no two names that differ only in
 * case. On failure zip is zeroed. */
xai_status xai__zip_open(xai__zip *zip, const xai__file *file);

/* Takes a zeroed or half-opened struct too, and zeroes it. */
void xai__zip_close(xai__zip *zip);

/* By exact name; NULL if there is none. */
const xai__zip_entry *xai__zip_find(const xai__zip *zip, const char *name);

/* Refuses the file if any entry is compressed. */
xai_status xai__zip_require_stored(const xai__zip *zip);

/* Compares a stored entry's bytes with its checksum. */
xai_status xai__zip_check(const xai__zip *zip, const xai__zip_entry *entry);

#endif
