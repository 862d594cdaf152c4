/* SPDX-License-Identifier: MIT
 * Element types of weight files. */
#include "io/dtype.h"

#include <string.h>

#include "core/cpu.h"

/* Elements are converted by blocks: a fixed count lets the compiler use vectors, and an aligned copy takes care of the
 * last ones, and of files that place their elements anywhere. */
enum { BLOCK = 256, WIDEST = 8 };

typedef void (*convert_fn)(float *out, const void *in);

static float bits_to_float(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t float_to_bits(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Exponent and mantissa move up 13 bits, to where a float has them; a multiplication by 2^(127 - 15) corrects the bias
 * and makes denormals normal, exactly. 0x0f800000 is the half's largest exponent so moved: infinity and NaN, which get
 * the float's largest. Chosen by masks rather than conditions, which would keep compilers from using vectors. A NaN is
 * made quiet, as processors with an instruction for all this do. */
static float half_to_float(uint32_t half)
{
    uint32_t body = (half & 0x7fff) << 13;
    uint32_t finite = float_to_bits(bits_to_float(body) * 0x1p112f);
    uint32_t special = body | 0x7f800000;
    uint32_t is_special = 0u - (uint32_t)((int32_t)body >= 0x0f800000);
    uint32_t quiet = (uint32_t)((int32_t)body > 0x0f800000) << 22;

    return bits_to_float((half & 0x8000) << 16 | (special & is_special) | (finite & ~is_special) | quiet);
}

/* A loop over one block; x is an element of the type as the host has it. */
#define DEFINE_CONVERT(name, type, expression)                                                                         \
    static void name(float *out, const void *in)                                                                       \
    {                                                                                                                  \
        const type *from = in;                                                                                         \
                                                                                                                       \
        for (size_t i = 0; i < BLOCK; i++) {                                                                           \
            type x = from[i];                                                                                          \
            out[i] = expression;                                                                                       \
        }                                                                                                              \
    }

DEFINE_CONVERT(convert_bool, uint8_t, x != 0 ? 1.0f : 0.0f)
DEFINE_CONVERT(convert_u8, uint8_t, (float)x)
DEFINE_CONVERT(convert_i8, int8_t, (float)x)
DEFINE_CONVERT(convert_u16, uint16_t, (float)x)
DEFINE_CONVERT(convert_i16, int16_t, (float)x)
DEFINE_CONVERT(convert_u32, uint32_t, (float)x)
DEFINE_CONVERT(convert_i32, int32_t, (float)x)
DEFINE_CONVERT(convert_u64, uint64_t, (float)x)
DEFINE_CONVERT(convert_i64, int64_t, (float)x)
DEFINE_CONVERT(convert_f16, uint16_t, half_to_float(x))
DEFINE_CONVERT(convert_bf16, uint16_t, bits_to_float((uint32_t)x << 16))
DEFINE_CONVERT(convert_f32, uint32_t, bits_to_float(x))
DEFINE_CONVERT(convert_f64, double, (float)x)

#ifdef __x86_64__
#include <immintrin.h>

__attribute__((target("avx,f16c"))) static void convert_f16_f16c(float *out, const void *in)
{
    const unsigned char *from = in;

    for (size_t i = 0; i < BLOCK; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(from + 2 * i))));
}
#endif

/* Types without a conversion are known, so that files that hold some can be listed and rewritten. */
static const struct {
    const char *name;
    unsigned char bits;
    convert_fn convert;
} dtypes[XAI__N_DTYPES] = {
    [XAI__DTYPE_BOOL] = { "BOOL", 8, convert_bool },
    [XAI__DTYPE_F4] = { "F4", 4, NULL },
    [XAI__DTYPE_F6_E2M3] = { "F6_E2M3", 6, NULL },
    [XAI__DTYPE_F6_E3M2] = { "F6_E3M2", 6, NULL },
    [XAI__DTYPE_U8] = { "U8", 8, convert_u8 },
    [XAI__DTYPE_I8] = { "I8", 8, convert_i8 },
    [XAI__DTYPE_F8_E5M2] = { "F8_E5M2", 8, NULL },
    [XAI__DTYPE_F8_E4M3] = { "F8_E4M3", 8, NULL },
    [XAI__DTYPE_F8_E8M0] = { "F8_E8M0", 8, NULL },
    [XAI__DTYPE_F8_E4M3FNUZ] = { "F8_E4M3FNUZ", 8, NULL },
    [XAI__DTYPE_F8_E5M2FNUZ] = { "F8_E5M2FNUZ", 8, NULL },
    [XAI__DTYPE_I16] = { "I16", 16, convert_i16 },
    [XAI__DTYPE_U16] = { "U16", 16, convert_u16 },
    [XAI__DTYPE_F16] = { "F16", 16, convert_f16 },
    [XAI__DTYPE_BF16] = { "BF16", 16, convert_bf16 },
    [XAI__DTYPE_I32] = { "I32", 32, convert_i32 },
    [XAI__DTYPE_U32] = { "U32", 32, convert_u32 },
    [XAI__DTYPE_F32] = { "F32", 32, convert_f32 },
    [XAI__DTYPE_C64] = { "C64", 64, NULL },
    [XAI__DTYPE_F64] = { "F64", 64, convert_f64 },
    [XAI__DTYPE_I64] = { "I64", 64, convert_i64 },
    [XAI__DTYPE_U64] = { "U64", 64, convert_u64 },
};

const char *xai__dtype_name(uint32_t dtype)
{
    return dtype < XAI__N_DTYPES ? dtypes[dtype].name : "unknown";
}

size_t xai__dtype_bits(uint32_t dtype)
{
    return dtypes[dtype].bits;
}

uint32_t xai__dtype_find(const char *name)
{
    uint32_t dtype = 0;

    while (dtype < XAI__N_DTYPES && strcmp(dtypes[dtype].name, name) != 0)
        dtype++;
    return dtype;
}

/* In place, element by element. */
static void reverse(unsigned char *bytes, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++, bytes += size)
        for (size_t k = 0; k < size / 2; k++) {
            unsigned char kept = bytes[k];

            bytes[k] = bytes[size - 1 - k];
            bytes[size - 1 - k] = kept;
        }
}

/* Compilers make a constant of it. */
static bool host_is_big(void)
{
    const uint16_t one = 1;
    unsigned char first;

    memcpy(&first, &one, 1);
    return first == 0;
}

bool xai__dtype_is_widened(uint32_t dtype)
{
    return dtypes[dtype].convert != NULL;
}

/* The same bits either way; half_to_float() sees to that. */
static convert_fn find_convert(uint32_t dtype, uint64_t cpu_features)
{
#ifdef __x86_64__
    if (dtype == XAI__DTYPE_F16 && cpu_features & XAI__CPU_F16C)
        return convert_f16_f16c;
#endif
    (void)cpu_features;
    return dtypes[dtype].convert;
}

bool xai__dtype_widen(float *out, const void *in, size_t count, uint32_t dtype, bool big_endian, uint64_t cpu_features)
{
    _Alignas(64) unsigned char block[BLOCK * WIDEST] = { 0 };
    _Alignas(64) float wide[BLOCK];
    const convert_fn convert = find_convert(dtype, cpu_features);
    const unsigned char *from = in;
    size_t size = xai__dtype_bits(dtype) / 8;
    bool swap = size > 1 && big_endian != host_is_big();
    bool is_aligned = size > 0 && (uintptr_t)in % size == 0;

    if (convert == NULL)
        return false;
    for (size_t at = 0; at < count; at += BLOCK) {
        size_t n = count - at < BLOCK ? count - at : BLOCK;

        if (n == BLOCK && is_aligned && !swap) {
            convert(out + at, from + at * size);
            continue;
        }
        /* The last block is converted whole, what is left of the one before it included, and its first n are taken. */
        memcpy(block, from + at * size, n * size);
        if (swap)
            reverse(block, n, size);
        convert(wide, block);
        memcpy(out + at, wide, n * sizeof *out);
    }
    return true;
}
