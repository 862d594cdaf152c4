/* SPDX-License-Identifier: MIT
 * A network's parameters: asked for one by one, out of a state dict whose names and shapes must fit, or drawn at
 * random. */
#ifndef XAI__MODEL_PARAMETERS_H
#define XAI__MODEL_PARAMETERS_H

#include "graph/graph.h"
#include "io/weights.h"

enum { XAI__N_LISTED = 8, XAI__LONGEST_LISTED = 128 };

/* What is wrong with a state dict: how often, and the first few in words. */
typedef struct xai__complaints {
    size_t count;
    char texts[XAI__N_LISTED][XAI__LONGEST_LISTED];
} xai__complaints;

typedef struct xai__parameters {
    xai__graph *graph;
    const xai__weights *weights; /* NULL: random */
    uint64_t seed;
    const xai__weight **used;
    size_t n_used;
    xai__complaints missing, unexpected, misshaped;
} xai__parameters;

/* How random elements are distributed; a state dict does not care. */
enum xai__parameter_kind {
    XAI__PARAMETER_WEIGHT,   /* +-sqrt(6 / fan in), fan in being the product of all extents but the first */
    XAI__PARAMETER_SHIFT,    /* +-0.1 */
    XAI__PARAMETER_SCALE,    /* 0.9 to 1.1 */
    XAI__PARAMETER_VARIANCE, /* 1 to 1.2 */
    XAI__N_PARAMETER_KINDS
};

void xai__parameters_init(xai__parameters *parameters, xai__graph *graph, const xai__weights *weights, uint64_t seed);
void xai__parameters_fini(xai__parameters *parameters);

/* A constant of the graph, which borrows the state dict's elements. One that the state dict lacks, or has in another
 * shape, is noted and stands in without elements, so that all that is wrong is found in one go. Negative: out of
 * memory, or a type that cannot be widened. */
int32_t xai__parameters_take(xai__parameters *parameters, uint32_t kind, const char *name, const int64_t *shape,
                             uint32_t rank);

/* After the last one: fails if anything was wrong or is left over. "num_batches_tracked" may be left over. */
xai_status xai__parameters_finish(xai__parameters *parameters, const char *architecture);

#endif
