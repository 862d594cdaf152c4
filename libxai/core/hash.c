/* SPDX-License-Identifier: MIT
 * A fast 64-bit digest: four multiply-and-rotate lanes over little-endian words, mixed at the end. */
#include "core/hash.h"

#include <string.h>

#include "core/little_endian.h"

/* 2^64 over the golden ratio: odd, so that multiplying by it loses nothing, and its bits look random. */
static const uint64_t ODD = 0x9e3779b97f4a7c15u;

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

/* Little-endian on every machine: digests stand in files. */
static uint64_t load(const unsigned char *bytes, size_t size)
{
    uint64_t word;

    if (size == 8) {
        memcpy(&word, bytes, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        return word;
    }
    return xai__load_le(bytes, size);
}

/* Invertible in both, so that a word that differs always leaves another lane. */
static uint64_t absorb(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * ODD;
    return lane << 29 | lane >> 35;
}

void xai__hasher_init(xai__hasher *hasher, uint64_t seed, size_t size)
{
    /* Zeros at the end count: the length is part of it. */
    *hasher = (xai__hasher){ { seed, seed ^ ODD, seed + ODD, ~seed }, mix(seed ^ size) };
}

/* A word for each lane at a time; returns how many bytes that were. Lanes are variables of their own, for an array
 * would be stored and loaded again at every word. */
static size_t absorb_rows(uint64_t lanes[4], const unsigned char *bytes, size_t size)
{
    uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
    size_t at = 0;

    for (; size - at >= 32; at += 32) {
        a = absorb(a, load(bytes + at, 8));
        b = absorb(b, load(bytes + at + 8, 8));
        c = absorb(c, load(bytes + at + 16, 8));
        d = absorb(d, load(bytes + at + 24, 8));
    }
    memcpy(lanes, (const uint64_t[4]){ a, b, c, d }, 4 * sizeof *lanes);
    return at;
}

void xai__hasher_add(xai__hasher *hasher, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    size_t at = absorb_rows(hasher->lanes, bytes, size);

    for (size_t lane = 0; at < size; lane++) {
        size_t n = size - at < 8 ? size - at : 8;

        hasher->lanes[lane] = absorb(hasher->lanes[lane], load(bytes + at, n));
        at += n;
    }
}

uint64_t xai__hasher_finish(const xai__hasher *hasher)
{
    uint64_t digest = hasher->digest;

    for (size_t lane = 0; lane < 4; lane++)
        digest = mix(digest ^ hasher->lanes[lane]) * ODD;
    return mix(digest);
}

uint64_t xai__hash(uint64_t seed, const void *data, size_t size)
{
    xai__hasher hasher;

    xai__hasher_init(&hasher, seed, size);
    xai__hasher_add(&hasher, data, size);
    return xai__hasher_finish(&hasher);
}
