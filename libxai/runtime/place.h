/* SPDX-License-Identifier: MIT
 * Places: where the values of a plan lie while it is being compiled. */
#ifndef XAI__RUNTIME_PLACE_H
#define XAI__RUNTIME_PLACE_H

#include "runtime/plan.h"

/* The places of a plan under construction: by value and layout, and which values are written straight into a
 * concatenation. */
typedef struct xai__places {
    xai__plan *plan;
    const xai__graph *graph;
    int32_t *of;          /* 2 a value: its place in each layout, or NO_PLACE */
    int32_t *slice_of;    /* a value each: concatenation that it is a part of, -1: none */
    int64_t *slice_block; /* its first block there */
} xai__places;

xai_status xai__places_init(xai__places *places, xai__plan *plan);
void xai__places_fini(xai__places *places);

/* Notes which parts of a concatenation of channels can be written in place; none if some part but the last does not
 * fill whole blocks. */
void xai__places_slice(xai__places *places, const xai__node *concat);

/* The place that value has, in this layout or in whichever there is; NO_PLACE if none. */
int32_t xai__places_find(const xai__places *places, int32_t value, uint32_t layout);
int32_t xai__places_find_any(const xai__places *places, int32_t value);

/* A new place for value, with memory of its own or inside its concatenation. Returns it or a negative status other than
 * NO_PLACE. */
xai_status xai__places_add(int32_t *out, xai__places *places, int32_t value, uint32_t layout);

/* The same memory as another place, under another value's shape. */
xai_status xai__places_alias(int32_t *out, xai__places *places, int32_t value, int32_t place, uint32_t layout);

/* A place outside the arena: a constant, or NULL and the caller says which fed tensor it is. */
xai_status xai__places_add_outside(int32_t *out, xai__places *places, int32_t value, const float *constant);

/* A buffer without a value: scratch. */
xai_status xai__places_add_scratch(int64_t *out, xai__places *places, size_t bytes);

/* Notes that a step uses a buffer. */
void xai__places_touch(xai__places *places, size_t buffer, size_t step);

#endif
