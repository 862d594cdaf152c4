/* SPDX-License-Identifier: MIT
 * One chain with its data, made at random from a seed, and what it should give. */
#ifndef XAI_TESTS_KERNELS_PROBLEM_H
#define XAI_TESTS_KERNELS_PROBLEM_H

#include "value.h"

/* EXACT: small integers and powers of two, so that nothing is rounded and only equality will do. EXTREME: zeros of both
 * signs, denormals, huge numbers, infinities and NaN among the rest. */
enum mode { MODE_EXACT, MODE_RANDOM, MODE_EXTREME, N_MODES };

/* The shape of the base operation. */
typedef struct shape {
    uint32_t op;
    int32_t in_c, in_h, in_w, out_c;
    int32_t kernel[2], stride[2], dilation[2], pads[4]; /* top, left, bottom, right */
    uint32_t groups, pool, count_pad, in_layout, out_layout;
    int32_t first_channel;
} shape;

typedef struct problem {
    uint64_t seed;
    enum mode mode;
    uint32_t n_images;
    int32_t tile; /* of the kernel that is checked: outputs in such squares share their sums; 0: none do */
    xai__op_desc desc;
    xai__stage stages[XAI__MAX_STAGES];
    float *weights, *scales[XAI__MAX_STAGES], *shifts[XAI__MAX_STAGES];
    size_t n_weights;
    bool has_beside; /* operand 0 belongs to the base, stage i has i + 1 */
    value in, out, operands[XAI__MAX_STAGES + 1], taps[XAI__MAX_STAGES + 1];
    xai__view operand_views[XAI__MAX_STAGES + 1], tap_views[XAI__MAX_STAGES + 1];
} problem;

/* Families of shapes; one row each. */
enum family {
    DENSE,
    FILTER,
    STEM,
    DEPTHWISE,
    GROUPS,
    BLOCK_GROUPS,
    MATRIX,
    POOL,
    MAP,
    DENSE_DATA,
    DEPTHWISE_DATA,
    BLOCK_GROUPS_DATA,
    POOL_DATA,
    AVERAGE_DATA,
    FEW,
    FEW_DATA,
    PAD_CHANNELS,
    N_FAMILIES
};
extern const char *const family_names[N_FAMILIES];

shape shape_random(xai__rng *rng, enum family family);

/* Output extents; false if there would be none. */
bool shape_outputs(const shape *s, int32_t *out_h, int32_t *out_w);

/* Stages, arrangements and data follow from the seed. */
void problem_make(problem *p, const shape *s, uint64_t seed, enum mode mode, uint32_t n_images, uint32_t n_stages);

/* The same for timing: dense, aligned, random data; affine and ReLU behind convolutions. */
void problem_make_plain(problem *p, const shape *s, uint32_t n_images);
void problem_free(problem *p);

/* One line that names everything a failure may depend on. */
void problem_describe(const problem *p, char *buffer, size_t capacity);

/* A result in double precision, and how far float32 arithmetic in any sound order may be from it. INFINITY: anything
 * goes. */
typedef struct bound {
    double value, error;
} bound;

/* The accumulator and the value after each stage, n_stages + 1 in all. */
void problem_expect(const problem *p, bound out[XAI__MAX_STAGES + 1], int32_t n, int32_t c, int32_t y, int32_t x);

bool bound_holds(const bound *b, float got);

#endif
