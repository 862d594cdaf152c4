/* SPDX-License-Identifier: MIT
 * One block of 16 floats, whatever the instruction set: every kernel is one source, compiled once an instruction set.
 */
#ifndef XAI__NATIVE_VEC_H
#define XAI__NATIVE_VEC_H

#include <stdint.h>
#include <string.h>

/* The suffix of a symbol that exists once an instruction set; XAI_ISA comes from the build. */
#define XAI__ISA_JOIN_(name, isa) name##_##isa
#define XAI__ISA_JOIN(name, isa)  XAI__ISA_JOIN_(name, isa)
#define XAI__ISA(name)            XAI__ISA_JOIN(name, XAI_ISA)

#define INLINE static inline __attribute__((always_inline))

/* A block is PARTS registers. Loads and stores need no alignment. part_max(a, b) is a > b ? a : b and part_min(a, b) is
 * a < b ? a : b, so that NaN in b passes, as x86 has it. part_fma is fused where the instruction set has it; baseline
 * x86 has not: there it is a product and a sum, both rounded, and the bits differ from the other levels.
 * part_if_less(a, b, v) is v in the lanes where a < b, else 0, part_if_equal where a = b; part_if_above(a, b, v, w) is
 * v where a > b or a is NaN, else w. */
#if defined(XAI_ISA_AVX512)
#include <immintrin.h>
#define PARTS 1
typedef __m512 part;
#define part_load              _mm512_loadu_ps
#define part_store             _mm512_storeu_ps
#define part_set1              _mm512_set1_ps
#define part_fma               _mm512_fmadd_ps
#define part_add               _mm512_add_ps
#define part_sub               _mm512_sub_ps
#define part_mul               _mm512_mul_ps
#define part_div               _mm512_div_ps
#define part_max               _mm512_max_ps
#define part_min               _mm512_min_ps
#define part_if_less(a, b, v)  _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), v)
#define part_if_equal(a, b, v) _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ), v)
#define part_keep_nan(a, v)    _mm512_mask_mov_ps(v, _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a)
#define part_if_above(a, b, v, w)                                                                                      \
    _mm512_mask_mov_ps(w, _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) | _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), v)

#elif defined(XAI_ISA_AVX2)
#include <immintrin.h>
#define PARTS                  2
typedef __m256 part;
#define part_load              _mm256_loadu_ps
#define part_store             _mm256_storeu_ps
#define part_set1              _mm256_set1_ps
#define part_fma               _mm256_fmadd_ps
#define part_add               _mm256_add_ps
#define part_sub               _mm256_sub_ps
#define part_mul               _mm256_mul_ps
#define part_div               _mm256_div_ps
#define part_max               _mm256_max_ps
#define part_min               _mm256_min_ps
#define part_if_less(a, b, v)  _mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ), v)
#define part_if_equal(a, b, v) _mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ), v)
#define part_keep_nan(a, v)    _mm256_blendv_ps(v, a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q))
#define part_if_above(a, b, v, w)                                                                                      \
    _mm256_blendv_ps(w, v, _mm256_or_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ), _mm256_cmp_ps(a, a, _CMP_UNORD_Q)))

#elif defined(__SSE2__)
#include <emmintrin.h>
#define PARTS                  4
typedef __m128 part;
#define part_load              _mm_loadu_ps
#define part_store             _mm_storeu_ps
#define part_set1              _mm_set1_ps
#define part_fma(a, b, c)      _mm_add_ps(_mm_mul_ps(a, b), c)
#define part_add               _mm_add_ps
#define part_sub               _mm_sub_ps
#define part_mul               _mm_mul_ps
#define part_div               _mm_div_ps
#define part_max               _mm_max_ps
#define part_min               _mm_min_ps
#define part_if_less(a, b, v)  _mm_and_ps(_mm_cmplt_ps(a, b), v)
#define part_if_equal(a, b, v) _mm_and_ps(_mm_cmpeq_ps(a, b), v)

INLINE part part_keep_nan(part a, part v)
{
    part is_nan = _mm_cmpunord_ps(a, a);

    return _mm_or_ps(_mm_and_ps(is_nan, a), _mm_andnot_ps(is_nan, v));
}

INLINE part part_if_above(part a, part b, part v, part w)
{
    part above = _mm_or_ps(_mm_cmpgt_ps(a, b), _mm_cmpunord_ps(a, a));

    return _mm_or_ps(_mm_and_ps(above, v), _mm_andnot_ps(above, w));
}

#else
/* GCC's and clang's own vectors: any processor, and NEON where that is what it has. */
#define PARTS 4
typedef float part __attribute__((vector_size(16)));
typedef int32_t part_mask __attribute__((vector_size(16)));

INLINE part part_load(const float *data)
{
    part v;

    memcpy(&v, data, sizeof v);
    return v;
}

INLINE void part_store(float *data, part v)
{
    memcpy(data, &v, sizeof v);
}

INLINE part part_select(part_mask mask, part a, part b)
{
    return (part)(((part_mask)a & mask) | ((part_mask)b & ~mask));
}

#define part_set1(value)          ((part){ value, value, value, value })
#define part_add(a, b)            ((a) + (b))
#define part_sub(a, b)            ((a) - (b))
#define part_mul(a, b)            ((a) * (b))
#define part_div(a, b)            ((a) / (b))
#define part_max(a, b)            part_select((a) > (b), a, b)
#define part_min(a, b)            part_select((a) < (b), a, b)
#define part_if_less(a, b, v)     ((part)((part_mask)(v) & ((a) < (b))))
#define part_if_equal(a, b, v)    ((part)((part_mask)(v) & ((a) == (b))))
#define part_keep_nan(a, v)       part_select((a) != (a), a, v)
#define part_if_above(a, b, v, w) part_select(((a) > (b)) | ((a) != (a)), v, w)
#if defined(__aarch64__)
#include <arm_neon.h>
#define part_fma(a, b, c) ((part)vfmaq_f32((float32x4_t)(c), (float32x4_t)(a), (float32x4_t)(b)))
#else
#define part_fma(a, b, c) ((a) * (b) + (c))
#endif
#endif

enum { PART = 16 / PARTS };

typedef struct vec {
    part p[PARTS];
} vec;

/* Before a loop of at most 32 rounds, known to the compiler: it is to vanish, and arrays that it indexes are to be
 * registers. */
#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 32")
#endif

/* Does it for every register i. No loop, so that compilers see registers before they unroll anything. */
#define ONE_PART(index, ...)                                                                                           \
    {                                                                                                                  \
        enum { i = index };                                                                                            \
        __VA_ARGS__;                                                                                                   \
    }
#if PARTS == 1
#define EACH_PART(...) ONE_PART(0, __VA_ARGS__)
#elif PARTS == 2
#define EACH_PART(...) ONE_PART(0, __VA_ARGS__) ONE_PART(1, __VA_ARGS__)
#else
#define EACH_PART(...)                                                                                                 \
    ONE_PART(0, __VA_ARGS__) ONE_PART(1, __VA_ARGS__) ONE_PART(2, __VA_ARGS__) ONE_PART(3, __VA_ARGS__)
#endif

INLINE vec vec_load(const float *data)
{
    vec r;

    EACH_PART(r.p[i] = part_load(data + i * PART));
    return r;
}

INLINE void vec_store(float *data, vec v)
{
    EACH_PART(part_store(data + i * PART, v.p[i]));
}

INLINE vec vec_set1(float value)
{
    part all = part_set1(value);
    vec r;

    EACH_PART(r.p[i] = all);
    return r;
}

#define VEC_OF_TWO(name)                                                                                               \
    INLINE vec vec_##name(vec a, vec b)                                                                                \
    {                                                                                                                  \
        vec r;                                                                                                         \
                                                                                                                       \
        EACH_PART(r.p[i] = part_##name(a.p[i], b.p[i]));                                                               \
        return r;                                                                                                      \
    }

#define VEC_OF_THREE(name)                                                                                             \
    INLINE vec vec_##name(vec a, vec b, vec c)                                                                         \
    {                                                                                                                  \
        vec r;                                                                                                         \
                                                                                                                       \
        EACH_PART(r.p[i] = part_##name(a.p[i], b.p[i], c.p[i]));                                                       \
        return r;                                                                                                      \
    }

VEC_OF_THREE(fma)
VEC_OF_THREE(if_less)
VEC_OF_THREE(if_equal)
VEC_OF_TWO(add)
VEC_OF_TWO(sub)
VEC_OF_TWO(mul)
VEC_OF_TWO(div)
VEC_OF_TWO(max)
VEC_OF_TWO(min)

/* Holds v in a register, which compilers would rather load once a product: as many loads as products. */
#if PARTS == 1
#define VEC_KEEP(v) __asm__("" : "+v"((v).p[0]))
#else
#define VEC_KEEP(v)
#endif

/* v, but a where a is NaN. */
VEC_OF_TWO(keep_nan)

INLINE vec vec_if_above(vec a, vec b, vec v, vec w)
{
    vec r;

    EACH_PART(r.p[i] = part_if_above(a.p[i], b.p[i], v.p[i], w.p[i]));
    return r;
}

/* out[0..3] = the sums of the lanes of a, b, c and d. On every instruction set lanes i and i + 8 are added first, then
 * i and i + 4, then i and i + 2. */
#if defined(XAI_ISA_AVX512)
INLINE void vec_sums(float *out, vec a, vec b, vec c, vec d)
{
    const part ab = part_add(_mm512_shuffle_f32x4(a.p[0], b.p[0], 0x44), _mm512_shuffle_f32x4(a.p[0], b.p[0], 0xee));
    const part cd = part_add(_mm512_shuffle_f32x4(c.p[0], d.p[0], 0x44), _mm512_shuffle_f32x4(c.p[0], d.p[0], 0xee));
    const part four = part_add(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
    const part two = part_add(four, _mm512_permute_ps(four, 0x4e));
    const part one = part_add(two, _mm512_permute_ps(two, 0xb1));
    const __m512i firsts = _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);

    _mm_storeu_ps(out, _mm512_castps512_ps128(_mm512_permutexvar_ps(firsts, one)));
}
#elif defined(__SSE2__)
#if defined(XAI_ISA_AVX2)
INLINE __m128 vec_quarters(vec v)
{
    const part half = part_add(v.p[0], v.p[1]);

    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}
#else
INLINE __m128 vec_quarters(vec v)
{
    return part_add(part_add(v.p[0], v.p[2]), part_add(v.p[1], v.p[3]));
}
#endif

INLINE void vec_sums(float *out, vec a, vec b, vec c, vec d)
{
    const __m128 qa = vec_quarters(a), qb = vec_quarters(b), qc = vec_quarters(c), qd = vec_quarters(d);
    const __m128 ab = _mm_add_ps(_mm_unpacklo_ps(qa, qb), _mm_unpackhi_ps(qa, qb));
    const __m128 cd = _mm_add_ps(_mm_unpacklo_ps(qc, qd), _mm_unpackhi_ps(qc, qd));

    _mm_storeu_ps(out, _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab)));
}
#else
INLINE float vec_sum(vec v)
{
    const part four = part_add(part_add(v.p[0], v.p[2]), part_add(v.p[1], v.p[3]));

    return (four[0] + four[2]) + (four[1] + four[3]);
}

INLINE void vec_sums(float *out, vec a, vec b, vec c, vec d)
{
    out[0] = vec_sum(a);
    out[1] = vec_sum(b);
    out[2] = vec_sum(c);
    out[3] = vec_sum(d);
}
#endif

/* Four lanes are a quarter of a block. part_quarters(at, k) is those at at[0] + k, at[1] + k, ..., as many as a part
 * has; part_to_quarters(data, step, v) stores them `step` apart; part_turn(p) turns over the 4 x 4 matrix of each: of
 * p[i] lane j goes to p[j] lane i. */
#if defined(XAI_ISA_AVX512)
INLINE part part_quarters(const float *const *at, int64_t k)
{
    part v = _mm512_castps128_ps512(_mm_loadu_ps(at[0] + k));

    v = _mm512_mask_broadcast_f32x4(v, 0x00f0, _mm_loadu_ps(at[1] + k));
    v = _mm512_mask_broadcast_f32x4(v, 0x0f00, _mm_loadu_ps(at[2] + k));
    return _mm512_mask_broadcast_f32x4(v, 0xf000, _mm_loadu_ps(at[3] + k));
}

INLINE void part_to_quarters(float *data, int64_t step, part v)
{
    _mm_storeu_ps(data, _mm512_castps512_ps128(v));
    _mm_storeu_ps(data + step, _mm512_extractf32x4_ps(v, 1));
    _mm_storeu_ps(data + 2 * step, _mm512_extractf32x4_ps(v, 2));
    _mm_storeu_ps(data + 3 * step, _mm512_extractf32x4_ps(v, 3));
}

#define part_low         _mm512_unpacklo_ps
#define part_high        _mm512_unpackhi_ps
#define part_lows(a, b)  _mm512_shuffle_ps(a, b, 0x44)
#define part_highs(a, b) _mm512_shuffle_ps(a, b, 0xee)
#elif defined(XAI_ISA_AVX2)
INLINE part part_quarters(const float *const *at, int64_t k)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(at[0] + k)), _mm_loadu_ps(at[1] + k), 1);
}

INLINE void part_to_quarters(float *data, int64_t step, part v)
{
    _mm_storeu_ps(data, _mm256_castps256_ps128(v));
    _mm_storeu_ps(data + step, _mm256_extractf128_ps(v, 1));
}

#define part_low         _mm256_unpacklo_ps
#define part_high        _mm256_unpackhi_ps
#define part_lows(a, b)  _mm256_shuffle_ps(a, b, 0x44)
#define part_highs(a, b) _mm256_shuffle_ps(a, b, 0xee)
#else
#define part_quarters(at, k)            part_load((at)[0] + (k))
#define part_to_quarters(data, step, v) part_store(data, v)
#if defined(__SSE2__)
#define part_low         _mm_unpacklo_ps
#define part_high        _mm_unpackhi_ps
#define part_lows(a, b)  _mm_shuffle_ps(a, b, 0x44)
#define part_highs(a, b) _mm_shuffle_ps(a, b, 0xee)
#else
#define part_low(a, b)   ((part){ (a)[0], (b)[0], (a)[1], (b)[1] })
#define part_high(a, b)  ((part){ (a)[2], (b)[2], (a)[3], (b)[3] })
#define part_lows(a, b)  ((part){ (a)[0], (a)[1], (b)[0], (b)[1] })
#define part_highs(a, b) ((part){ (a)[2], (a)[3], (b)[2], (b)[3] })
#endif
#endif

INLINE void part_turn(part p[4])
{
    const part a = part_low(p[0], p[1]), b = part_low(p[2], p[3]), c = part_high(p[0], p[1]), d = part_high(p[2], p[3]);

    p[0] = part_lows(a, b);
    p[1] = part_highs(a, b);
    p[2] = part_lows(c, d);
    p[3] = part_highs(c, d);
}

/* The first n lanes, then zeros. */
INLINE vec vec_first(vec v, int n)
{
    static const float index[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

    return vec_if_less(vec_load(index), vec_set1((float)n), v);
}

#endif
