/* SPDX-License-Identifier: MIT
 * SHA-256 (FIPS 180-4). */
#include "core/sha256.h"

#include <string.h>

#include "core/cpu.h"

/* First 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t load_be32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void store_be32(unsigned char *bytes, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(word >> (24 - 8 * i));
}

static uint32_t rotate(uint32_t word, int n)
{
    return word >> n | word << (32 - n);
}

/* The message schedule of one block. */
static void expand(uint32_t w[64], const unsigned char *block)
{
    for (size_t i = 0; i < 16; i++)
        w[i] = load_be32(block + 4 * i);
    for (size_t i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;

        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

/* Sixty-four rounds; the eight words move down one place in each. */
static void compress_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64], s[8];

    expand(w, block);
    memcpy(s, state, sizeof s);
    for (size_t i = 0; i < 64; i++) {
        uint32_t big1 = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
        uint32_t big0 = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
        uint32_t t1 = s[7] + big1 + ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
        uint32_t t2 = big0 + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (size_t i = 0; i < 8; i++)
        state[i] += s[i];
}

static void compress_plain(uint32_t state[8], const unsigned char *blocks, size_t count)
{
    for (; count > 0; count--, blocks += 64)
        compress_block(state, blocks);
}

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>

/* The instructions keep the state as ABEF and CDGH, highest word first. */
__attribute__((target("sha,sse4.1"))) static void compress_sha(uint32_t state[8], const unsigned char *blocks,
                                                               size_t count)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i dcba = _mm_loadu_si128((const __m128i *)(const void *)state);
    __m128i hgfe = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

    for (; count > 0; count--, blocks += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];

        for (int i = 0; i < 16; i++) {
            __m128i *now = &w[i & 3], words; /* the last sixteen words of the schedule, as a ring of four registers */

            if (i < 4) {
                *now = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(blocks + 16 * i)), swap);
            } else {
                __m128i late = w[(i + 3) & 3], seventh = _mm_alignr_epi8(late, w[(i + 2) & 3], 4);

                *now = _mm_add_epi32(_mm_sha256msg1_epu32(*now, w[(i + 1) & 3]), seventh);
                *now = _mm_sha256msg2_epu32(*now, late);
            }
            words = _mm_add_epi32(*now, _mm_loadu_si128((const __m128i *)(const void *)(K + 4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(words, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    cdab = _mm_shuffle_epi32(abef, 0x1b);
    efgh = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(cdab, efgh, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(efgh, cdab, 8));
}

/* Asked once a digest, from what the context found out. */
static xai__sha256_fn choose(uint64_t cpu_features)
{
    return cpu_features & XAI__CPU_SHA ? compress_sha : compress_plain;
}
#else
static xai__sha256_fn choose(uint64_t cpu_features)
{
    (void)cpu_features;
    return compress_plain;
}
#endif

void xai__sha256_init(xai__sha256 *hash, uint64_t cpu_features)
{
    /* The same for the square roots of the first eight primes. */
    static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

    memcpy(hash->state, start, sizeof start);
    hash->size = 0;
    hash->compress = choose(cpu_features);
}

/* Whole blocks are taken from the caller's memory; only the rest is kept. */
void xai__sha256_add(xai__sha256 *hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    size_t held = (size_t)(hash->size % 64), whole;

    hash->size += size;
    if (held > 0) {
        size_t n = size < 64 - held ? size : 64 - held;

        memcpy(hash->block + held, bytes, n);
        if (held + n < 64)
            return;
        hash->compress(hash->state, hash->block, 1);
        bytes += n;
        size -= n;
    }
    whole = size / 64;
    if (whole > 0)
        hash->compress(hash->state, bytes, whole);
    if (size % 64 > 0)
        memcpy(hash->block, bytes + whole * 64, size % 64);
}

/* A one bit, zeros, and the length in bits at the end of the last block. */
void xai__sha256_finish(xai__sha256 *hash, unsigned char digest[32])
{
    static const unsigned char padding[64] = { 0x80 };
    unsigned char length[8];
    uint64_t bits = hash->size * 8;
    size_t held = (size_t)(hash->size % 64);

    store_be32(length, (uint32_t)(bits >> 32));
    store_be32(length + 4, (uint32_t)bits);
    /* The length takes the last 8 bytes of a block; if they are taken, a further block is padded. */
    xai__sha256_add(hash, padding, held < 56 ? 56 - held : 120 - held);
    xai__sha256_add(hash, length, sizeof length);
    for (size_t i = 0; i < 8; i++)
        store_be32(digest + 4 * i, hash->state[i]);
}

void xai__sha256_text(char text[65], const void *bytes, size_t size, uint64_t cpu_features)
{
    unsigned char digest[32];
    xai__sha256 hash;

    xai__sha256_init(&hash, cpu_features);
    xai__sha256_add(&hash, bytes, size);
    xai__sha256_finish(&hash, digest);
    for (size_t i = 0; i < 64; i++)
        text[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
    text[64] = '\0';
}
