/* SPDX-License-Identifier: MIT
 * Plans: the steps that compute a set of values from a fed one, with kernels, layouts and memory decided. Immutable,
 * shared. */
#ifndef XAI__RUNTIME_PLAN_H
#define XAI__RUNTIME_PLAN_H

#include <stdatomic.h>

#include "backends/registry.h"
#include "runtime/lower.h"
#include "runtime/memory.h"
#include "runtime/packed.h"

/* A value in a layout, in a buffer. One value may have a place in each layout. */
typedef struct xai__place {
    int32_t value;
    uint32_t layout;
    size_t buffer;
    int64_t offset;            /* floats from the buffer's start */
    int64_t block, row, pixel; /* strides as in xai__view; the image's is the buffer's size */
} xai__place;

enum xai__step_kind { XAI__STEP_KERNEL, XAI__STEP_REFERENCE, XAI__STEP_DELIVER };

enum { XAI__NO_PLACE = -1 };

/* How a step runs together with the next one, which alone reads what it computes: in groups of so many blocks of
 * channels and so many rows of the next step's output, whose input is kept in scratch memory. */
typedef struct xai__pair {
    int32_t n_blocks, n_rows; /* 0: each step runs alone */
    int32_t kept_rows;        /* of the input, at most */
    size_t bytes;             /* that they take */
} xai__pair;

typedef struct xai__step {
    uint32_t kind;
    int32_t node;  /* base node; -1: a map or a change of layout */
    int32_t value; /* what it computes in the end, or delivers */
    int32_t in, out;

    /* KERNEL */
    xai__kernel *kernel;
    size_t n_stages;
    xai__stage *stages;                  /* the kernel borrows them, so they do not move */
    int32_t operands[XAI__MAX_STAGES];   /* places, as stages[i].operand counts them */
    int32_t stores[XAI__MAX_STAGES + 1]; /* places: taps of the accumulator and of each stage */
    xai__packed *weights;
    const void *raw; /* weights that are used as they are */
    xai__packed *parameters[XAI__MAX_STAGES];
    int64_t scratch_buffer; /* -1: none */
    xai__pair pair;

    /* REFERENCE */
    int32_t *inputs; /* places; NO_PLACE: absent */

    /* DELIVER */
    size_t tap; /* index into the key's taps */
} xai__step;

typedef struct xai__plan {
    atomic_size_t refs;
    xai_context *context;
    const xai__graph *graph; /* the key's, which outlives the plan */
    xai__plan_key key;
    int32_t *key_values; /* memory of the key's arrays */
    xai__step *steps;
    size_t n_steps;
    size_t n_early; /* steps that run before the last feed is there */
    xai__place *places;
    size_t n_places;
    xai__buffer *buffers;
    size_t n_buffers;
    xai__packed **constants; /* that are read as they are, and lie nowhere as float32 */
    size_t n_constants;
    int32_t *step_of;    /* a value each: the step that computes it, -1: none */
    size_t arena;        /* floats an image */
    size_t task_scratch; /* bytes a thread */
} xai__plan;

/* Compiles a plan; the model's lock is held. */
xai_status xai__plan_build(xai__plan **out, xai__packed_set *packed, xai__chain *chain, const xai__plan_key *key);

/* Frees it; the model's lock is held. */
void xai__plan_free(xai__plan *plan, xai__packed_set *packed);

#endif
