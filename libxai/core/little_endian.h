/* SPDX-License-Identifier: MIT
 * Little-endian numbers in bytes at any address, on every machine: the order of all file formats that are read. */
#ifndef XAI__CORE_LITTLE_ENDIAN_H
#define XAI__CORE_LITTLE_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

/* A number of size bytes, at most 8; of none it is 0. */
static inline uint64_t xai__load_le(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

/* Written out, for compilers make one load of it. */
static inline uint32_t xai__load_le32(const unsigned char *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The lowest size bytes of value. Returns where the next number goes. */
static inline unsigned char *xai__store_le(unsigned char *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (unsigned char)(value >> 8 * i);
    return at + size;
}

#endif
