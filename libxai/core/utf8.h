/* SPDX-License-Identifier: MIT
 * UTF-8, strictly: no over-long forms, no surrogates, nothing beyond U+10FFFF. */
#ifndef XAI__CORE_UTF8_H
#define XAI__CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that starts here, 1 to 4; 0 if there is none. left is at least 1. */
size_t xai__utf8_length(const unsigned char *bytes, size_t left);

/* Offset of the first byte that is not UTF-8; size if all is well. */
size_t xai__utf8_check(const void *bytes, size_t size);

/* Writes 1 to 4 bytes. code is a valid scalar value. */
size_t xai__utf8_write(char *out, uint32_t code);

#endif
