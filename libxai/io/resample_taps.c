/* SPDX-License-Identifier: MIT
 * The inner loops of resizing a picture. All arithmetic is of whole numbers, so both versions give the same bits. */
#include "io/resample_taps.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_AVX2_LOOPS 1
#include <immintrin.h>
#endif

/* HALF is one half in units of a weight: what sums start from, so that cutting off rounds to the nearest. */
enum { HALF_BITS = 11, HALF = 1 << (XAI__WEIGHT_BITS - 1) };

/* weight = 2^11 upper + lower, lower from 0 to 2047. No weight is larger than 2^22 by much, so that both halves fit 16
 * bits, which is what AVX2 multiplies and adds in pairs. */
void xai__taps_split(xai__taps *taps)
{
    size_t n = (size_t)taps->n * (size_t)taps->n_taps;

    for (size_t i = 0; i < n; i += XAI__TAP_GROUP)
        for (size_t k = 0; k < XAI__TAP_GROUP; k++) {
            int32_t low = taps->weight[i + k] & ((1 << HALF_BITS) - 1);

            taps->halves[2 * i + k] = (int16_t)((taps->weight[i + k] - low) / (1 << HALF_BITS));
            taps->halves[2 * i + XAI__TAP_GROUP + k] = (int16_t)low;
        }
}

/* Negative lobes take a sum below 0 or above 255 next to an edge; shifting rounds down there too. */
static inline uint8_t round_sum(int32_t sum)
{
    sum >>= XAI__WEIGHT_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void along(uint8_t *out, const uint8_t *in, const xai__taps *taps)
{
    for (int32_t at = 0; at < taps->n; at++, out += 3) {
        const int32_t *weight = taps->weight + (size_t)at * (size_t)taps->n_taps;
        const uint8_t *pixel = in + 3 * (size_t)taps->first[at];
        int32_t red = HALF, green = HALF, blue = HALF;

        for (int32_t i = 0; i < taps->count[at]; i++, pixel += 3) {
            red += pixel[0] * weight[i];
            green += pixel[1] * weight[i];
            blue += pixel[2] * weight[i];
        }
        out[0] = round_sum(red);
        out[1] = round_sum(green);
        out[2] = round_sum(blue);
    }
}

enum { BLOCK = 64 }; /* sums that stay in registers or close by */

/* n <= BLOCK samples. Inlined where n is a constant, so that its loops have no remainders. */
static inline __attribute__((always_inline)) void across_block(uint8_t *restrict out, const uint8_t *restrict in,
                                                               size_t in_stride, size_t n, const int32_t *weight,
                                                               int32_t count)
{
    int32_t sums[BLOCK];

    for (size_t i = 0; i < n; i++)
        sums[i] = HALF;
    for (int32_t k = 0; k < count; k++) {
        const uint8_t *row = in + (size_t)k * in_stride;

        for (size_t i = 0; i < n; i++)
            sums[i] += row[i] * weight[k];
    }
    for (size_t i = 0; i < n; i++)
        out[i] = round_sum(sums[i]);
}

/* One new row of n samples: every sample of the row has the same weights, so compilers make vectors of it themselves.
 */
static inline __attribute__((always_inline)) void across(uint8_t *out, const uint8_t *in, size_t in_stride, size_t n,
                                                         const int32_t *weight, int32_t count)
{
    size_t x = 0;

    for (; n - x >= BLOCK; x += BLOCK)
        across_block(out + x, in + x, in_stride, BLOCK, weight, count);
    if (n > x)
        across_block(out + x, in + x, in_stride, n - x, weight, count);
}

#ifdef HAVE_AVX2_LOOPS

enum { ROWS = 4 }; /* that share a load of weights */

/* Without it gcc's -O2 keeps the sums in memory. */
#ifdef __clang__
#define UNROLL
#else
#define UNROLL _Pragma("GCC unroll 4")
#endif

/* Upper and lower halves are summed apart and joined at the end: the same sum modulo 2^32. */
__attribute__((target("avx2"))) static inline void store_pixel(uint8_t *out, __m256i upper, __m256i lower)
{
    __m256i both = _mm256_add_epi32(_mm256_slli_epi32(upper, HALF_BITS), lower);
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    int32_t bytes;

    sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(HALF)), XAI__WEIGHT_BITS);
    sum = _mm_packs_epi32(sum, sum);
    bytes = _mm_cvtsi128_si32(_mm_packus_epi16(sum, sum));
    memcpy(out, &bytes, 3);
}

/* A group is four pixels: the lower lane takes the first two as r0 r1 g0 g1 b0 b1, the upper lane the others. */
__attribute__((target("avx2"))) static void along_avx2(uint8_t *const out[ROWS], const uint8_t *const in[ROWS],
                                                       const xai__taps *taps)
{
    const __m256i spread = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, 6, -1, 9, -1, 7,
                                            -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    const __m256i pick_upper = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    const __m256i pick_lower = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);

    for (int32_t at = 0; at < taps->n; at++) {
        const int16_t *halves = taps->halves + 2 * (size_t)at * (size_t)taps->n_taps;
        size_t offset = 3 * (size_t)taps->first[at];
        __m256i upper[ROWS], lower[ROWS];

        UNROLL for (int row = 0; row < ROWS; row++) upper[row] = lower[row] = _mm256_setzero_si256();
        for (int32_t i = 0; i < taps->count[at]; i += XAI__TAP_GROUP, offset += 12, halves += 8) {
            __m256i group = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)halves));
            __m256i weight_upper = _mm256_permutevar8x32_epi32(group, pick_upper);
            __m256i weight_lower = _mm256_permutevar8x32_epi32(group, pick_lower);

            UNROLL for (int row = 0; row < ROWS; row++)
            {
                __m128i bytes = _mm_loadu_si128((const __m128i *)(in[row] + offset));
                __m256i pixels = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), spread);

                upper[row] = _mm256_add_epi32(upper[row], _mm256_madd_epi16(pixels, weight_upper));
                lower[row] = _mm256_add_epi32(lower[row], _mm256_madd_epi16(pixels, weight_lower));
            }
        }
        UNROLL for (int row = 0; row < ROWS; row++) store_pixel(out[row] + 3 * (size_t)at, upper[row], lower[row]);
    }
}

/* The last rows are done again to fill a group: the same bytes in the same place. A load of sixteen bytes reads past
 * its group of twelve, which is what the slack behind pictures is for. */
static void along_in_groups(uint8_t *out, size_t out_stride, const uint8_t *in, size_t in_stride, size_t n_rows,
                            const xai__taps *taps)
{
    for (size_t y = 0; y < n_rows; y += ROWS) {
        uint8_t *to[ROWS];
        const uint8_t *from[ROWS];

        for (size_t row = 0; row < ROWS; row++) {
            size_t at = y + row < n_rows ? y + row : n_rows - 1;

            to[row] = out + at * out_stride;
            from[row] = in + at * in_stride;
        }
        along_avx2(to, from, taps);
    }
}

__attribute__((target("avx2"))) static void across_avx2(uint8_t *out, const uint8_t *in, size_t in_stride, size_t n,
                                                        const int32_t *weight, int32_t count)
{
    across(out, in, in_stride, n, weight, count);
}

#else

static void along_in_groups(uint8_t *out, size_t out_stride, const uint8_t *in, size_t in_stride, size_t n_rows,
                            const xai__taps *taps)
{
    for (size_t y = 0; y < n_rows; y++)
        along(out + y * out_stride, in + y * in_stride, taps);
}

static void across_avx2(uint8_t *out, const uint8_t *in, size_t in_stride, size_t n, const int32_t *weight,
                        int32_t count)
{
    across(out, in, in_stride, n, weight, count);
}

#endif

void xai__taps_along(uint8_t *out, size_t out_stride, const uint8_t *in, size_t in_stride, size_t n_rows,
                     const xai__taps *taps)
{
    if (taps->halves != NULL) {
        along_in_groups(out, out_stride, in, in_stride, n_rows, taps);
        return;
    }
    for (size_t y = 0; y < n_rows; y++)
        along(out + y * out_stride, in + y * in_stride, taps);
}

void xai__taps_across(uint8_t *out, const uint8_t *in, size_t in_stride, size_t n, const xai__taps *taps, int32_t at,
                      bool avx2)
{
    const int32_t *weight = taps->weight + (size_t)at * (size_t)taps->n_taps;

    if (avx2)
        across_avx2(out, in, in_stride, n, weight, taps->count[at]);
    else
        across(out, in, in_stride, n, weight, taps->count[at]);
}
