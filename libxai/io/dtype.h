/* SPDX-License-Identifier: MIT
 * Element types of weight files, and how they become float32. */
#ifndef XAI__IO_DTYPE_H
#define XAI__IO_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order by which safetensors files are sorted: later ones come first. */
enum xai__dtype {
    XAI__DTYPE_BOOL,
    XAI__DTYPE_F4,
    XAI__DTYPE_F6_E2M3,
    XAI__DTYPE_F6_E3M2,
    XAI__DTYPE_U8,
    XAI__DTYPE_I8,
    XAI__DTYPE_F8_E5M2,
    XAI__DTYPE_F8_E4M3,
    XAI__DTYPE_F8_E8M0,
    XAI__DTYPE_F8_E4M3FNUZ,
    XAI__DTYPE_F8_E5M2FNUZ,
    XAI__DTYPE_I16,
    XAI__DTYPE_U16,
    XAI__DTYPE_F16,
    XAI__DTYPE_BF16,
    XAI__DTYPE_I32,
    XAI__DTYPE_U32,
    XAI__DTYPE_F32,
    XAI__DTYPE_C64,
    XAI__DTYPE_F64,
    XAI__DTYPE_I64,
    XAI__DTYPE_U64,
    XAI__N_DTYPES
};

/* safetensors' name, such as "F32". */
const char *xai__dtype_name(uint32_t dtype);

/* Bits of one element. */
size_t xai__dtype_bits(uint32_t dtype);

/* By safetensors' name; XAI__N_DTYPES if there is none. */
uint32_t xai__dtype_find(const char *name);

/* False for complex numbers and floats of 8 bits and fewer, which nothing here computes with. */
bool xai__dtype_is_widened(uint32_t dtype);

/* Converts count elements, which may lie at any address, to float32 (rounded to nearest, ties to even); false
 * if its type is not. The same bits on every processor: a NaN keeps its payload and is made quiet. */
bool xai__dtype_widen(float *out, const void *in, size_t count, uint32_t dtype, bool big_endian, uint64_t cpu_features);

#endif
