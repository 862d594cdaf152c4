/* SPDX-License-Identifier: MIT
 * The CRC of zip and PNG: the reflected polynomial 0x04c11db7, sliced by eight. */
#include "core/crc32.h"

#include "core/little_endian.h"

void xai__crc32_init(xai__crc32_table *table)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;

        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        table->row[0][i] = crc;
    }
    /* Row k is the CRC of a byte with k zero bytes behind it, so that eight bytes are looked up side by side. */
    for (uint32_t i = 0; i < 256; i++)
        for (size_t k = 1; k < 8; k++) {
            uint32_t before = table->row[k - 1][i];

            table->row[k][i] = before >> 8 ^ table->row[0][before & 0xff];
        }
}

uint32_t xai__crc32(const xai__crc32_table *table, uint32_t crc, const void *data, size_t size)
{
    const uint32_t(*row)[256] = table->row;
    const unsigned char *bytes = data;

    crc = ~crc;
    for (; size >= 8; size -= 8, bytes += 8) {
        uint32_t low = crc ^ xai__load_le32(bytes), high = xai__load_le32(bytes + 4);

        crc = row[7][low & 0xff] ^ row[6][low >> 8 & 0xff] ^ row[5][low >> 16 & 0xff] ^ row[4][low >> 24] ^
              row[3][high & 0xff] ^ row[2][high >> 8 & 0xff] ^ row[1][high >> 16 & 0xff] ^ row[0][high >> 24];
    }
    for (; size > 0; size--, bytes++)
        crc = crc >> 8 ^ row[0][(crc ^ *bytes) & 0xff];
    return ~crc;
}
