/* SPDX-License-Identifier: MIT
 * Weights as kernels want them: one copy a model, under (constant, format), dropped with the last plan that uses it. */
#ifndef XAI__RUNTIME_PACKED_H
#define XAI__RUNTIME_PACKED_H

#include "backends/backend.h"
#include "graph/graph.h"
#include "io/weights.h"

/* Formats that the runtime makes itself; the backends' have other numbers. */
enum xai__packed_format {
    XAI__PACKED_BIAS = 1, /* a bias, padded to whole blocks */
    XAI__PACKED_AFFINE,   /* a batch norm's scale, then its shift, each padded to whole blocks */
    XAI__PACKED_PLAIN     /* the elements as they are, where they lie nowhere as float32 */
};

typedef struct xai__packed {
    struct xai__packed *next;
    const void *id; /* the constant's: graphs of one model share them */
    uint64_t format;
    size_t refs, bytes;
    void *data;
} xai__packed;

/* A model's packed weights; the model's lock is held by the caller throughout. */
typedef struct xai__packed_set {
    xai_context *context;
    const xai__weights *weights; /* constants may lie in this file, whose pages are let go once packed; NULL: none */
    xai__packed *first;
} xai__packed_set;

/* Each returns an entry with one reference more, packing it first if it is not there. Values are constants; after a
 * failure the set is as before. */
xai_status xai__packed_weights(xai__packed **out, xai__packed_set *set, const xai__packing *packing,
                               const xai__op_desc *desc, const xai__value *weights);
xai_status xai__packed_plain(xai__packed **out, xai__packed_set *set, const xai__value *constant);
xai_status xai__packed_bias(xai__packed **out, xai__packed_set *set, const xai__value *bias);
xai_status xai__packed_affine(xai__packed **out, xai__packed_set *set, const xai__graph *graph,
                              const xai__node *batch_norm);

/* The same for weights that the desc's kernel needs transposed: they are those of the operator that it carries a
 * gradient through, with in_c outputs and out_c inputs. Also where packing has no format of its own. */
xai_status xai__packed_transposed(xai__packed **out, xai__packed_set *set, const xai__packing *packing,
                                  const xai__op_desc *desc, const xai__value *weights);

void xai__packed_unref(xai__packed_set *set, xai__packed *packed);

#endif
