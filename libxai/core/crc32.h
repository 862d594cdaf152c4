/* SPDX-License-Identifier: MIT
 * The CRC of zip and PNG, eight bytes a step. */
#ifndef XAI__CORE_CRC32_H
#define XAI__CORE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* 8 KiB, made in microseconds, so that no table has to stand in the source or be made behind a lock. */
typedef struct xai__crc32_table {
    uint32_t row[8][256];
} xai__crc32_table;

void xai__crc32_init(xai__crc32_table *table);

/* Chain calls by passing the last value as crc; begin with 0. */
uint32_t xai__crc32(const xai__crc32_table *table, uint32_t crc, const void *bytes, size_t size);

#endif
