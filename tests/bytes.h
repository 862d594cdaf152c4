/* SPDX-License-Identifier: MIT
 * Files made in memory: a buffer that grows, and zip files whose every field can be wrong. */
#ifndef XAI_TESTS_BYTES_H
#define XAI_TESTS_BYTES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/crc32.h"

typedef struct bytes {
    unsigned char data[1 << 16];
    size_t size;
} bytes;

static inline void bytes_add(bytes *b, const void *data, size_t size)
{
    if (size > sizeof b->data - b->size)
        abort();
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static inline void bytes_text(bytes *b, const char *text)
{
    bytes_add(b, text, strlen(text));
}

static inline void bytes_number(bytes *b, uint64_t value, size_t size)
{
    for (; size > 0; size--, value >>= 8)
        bytes_add(b, &(unsigned char){ (unsigned char)value }, 1);
}

static inline void bytes_put(bytes *b, size_t at, uint64_t value, size_t size)
{
    for (; size > 0; size--, value >>= 8)
        b->data[at++] = (unsigned char)value;
}

/* Where the parts of a made zip file begin. */
typedef struct bytes_zip {
    size_t local[8], data[8], central[8], end64, locator, end;
} bytes_zip;

typedef struct bytes_entry {
    const char *name;
    const void *data;
    size_t size;
} bytes_entry;

static inline uint32_t bytes_crc(const void *data, size_t size)
{
    xai__crc32_table table;

    xai__crc32_init(&table);
    return xai__crc32(&table, 0, data, size);
}

/* As torch.save() writes it: sizes behind the data, both end records. Up to eight entries; data may hold NULs. */
static inline void bytes_make_zip(bytes *b, bytes_zip *at, const bytes_entry *entries, size_t count)
{
    b->size = 0;
    for (size_t i = 0; i < count; i++) {
        at->local[i] = b->size;
        bytes_text(b, "PK\3\4");
        bytes_add(b, "\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
        bytes_number(b, strlen(entries[i].name), 2);
        bytes_number(b, 0, 2);
        bytes_text(b, entries[i].name);
        at->data[i] = b->size;
        bytes_add(b, entries[i].data, entries[i].size);
        bytes_text(b, "PK\7\x08");
        bytes_number(b, bytes_crc(entries[i].data, entries[i].size), 4);
        bytes_number(b, entries[i].size, 4);
        bytes_number(b, entries[i].size, 4);
    }
    for (size_t i = 0; i < count; i++) {
        at->central[i] = b->size;
        bytes_text(b, "PK\1\2");
        bytes_add(b, "\0\0\0\0\x08\x08\0\0\0\0\0\0", 12);
        bytes_number(b, bytes_crc(entries[i].data, entries[i].size), 4);
        bytes_number(b, entries[i].size, 4);
        bytes_number(b, entries[i].size, 4);
        bytes_number(b, strlen(entries[i].name), 2);
        bytes_add(b, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
        bytes_number(b, at->local[i], 4);
        bytes_text(b, entries[i].name);
    }
    at->end64 = b->size;
    bytes_text(b, "PK\6\6");
    bytes_number(b, 44, 8);
    bytes_add(b, "\x1e\x03\x2d\0\0\0\0\0\0\0\0\0", 12);
    bytes_number(b, count, 8);
    bytes_number(b, count, 8);
    bytes_number(b, at->end64 - at->central[0], 8);
    bytes_number(b, at->central[0], 8);
    at->locator = b->size;
    bytes_text(b, "PK\6\7");
    bytes_number(b, 0, 4);
    bytes_number(b, at->end64, 8);
    bytes_number(b, 1, 4);
    at->end = b->size;
    bytes_text(b, "PK\5\6");
    bytes_number(b, 0, 4);
    bytes_number(b, count, 2);
    bytes_number(b, count, 2);
    bytes_number(b, at->end64 - at->central[0], 4);
    bytes_number(b, at->central[0], 4);
    bytes_number(b, 0, 2);
}

#endif
