/* SPDX-License-Identifier: MIT
 * Values in memory for kernel tests: in every arrangement that a view allows, with everything around them watched. */
#ifndef XAI_TESTS_KERNELS_VALUE_H
#define XAI_TESTS_KERNELS_VALUE_H

#include "backends/backend.h"
#include "core/rng.h"

/* ROWS is what GEMM reads and writes: h rows of c columns. */
enum layout { LAYOUT_PLAIN = XAI__PLAIN, LAYOUT_BLOCKED = XAI__BLOCKED, LAYOUT_ROWS };

enum arrangement {
    SLICED = 1,     /* more channels before and behind, as in a concatenation */
    GAPS = 2,       /* rows are not dense */
    MISALIGNED = 4, /* by 4 bytes */
    ONE_IMAGE = 8,  /* image stride 0 */
    ONE_PIXEL = 16, /* [C,1,1]: row and pixel strides 0 as well */
    N_ARRANGEMENTS = 32
};

typedef struct value {
    int32_t n, c, h, w; /* h and w as seen, also of ONE_PIXEL */
    enum layout layout;
    uint32_t arrangement;
    xai__view view;
    float *memory, *before;
    unsigned char *owned; /* a float each: may be written */
    size_t size;
} value;

/* Poisons everything, inputs get zeros in the lanes beyond C. NULL-safe to free. */
void value_make(value *v, int32_t n, int32_t c, int32_t h, int32_t w, enum layout layout, uint32_t arrangement);
void value_free(value *v);

float *value_at(const value *v, int32_t n, int32_t c, int32_t y, int32_t x);
void value_zero_tails(value *v);

/* Poisons everything anew and remembers it. */
void value_poison(value *v);

/* Remembers what is there now. */
void value_remember(value *v);

/* Declares that the windows (NULL: everything) may be written. */
void value_own(value *v, const xai__window *windows);

/* The first float that was written without being owned, or -1; then one that was owned and still holds poison. */
int64_t value_find_trespass(const value *v);

/* True if all lanes beyond C are zeros in these windows. */
bool value_tails_are_zero(const value *v, const xai__window *windows);

/* A view of one image on. */
xai__view value_from(const value *v, int32_t image);

/* An xai__rng integer in [low, high]. */
int32_t rng_int(xai__rng *rng, int32_t low, int32_t high);

#endif
