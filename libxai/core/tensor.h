/* SPDX-License-Identifier: MIT
 * Tensors. */
#ifndef XAI__CORE_TENSOR_H
#define XAI__CORE_TENSOR_H

#include <xai/tensor.h>

#include "core/object.h"

struct xai_tensor {
    xai__object object;
    float *data;
    int64_t shape[XAI_TENSOR_MAX_RANK];
    size_t rank;
    size_t size; /* elements */
    bool owned;  /* data is ours to free */
    xai_destroy_fn destroy;
    void *user;
};

/* As xai_tensor_create(), without the zeros and without emptying the message. */
xai_status xai__tensor_create(xai_tensor **out, xai_context *context, const int64_t *shape, size_t rank);

/* Product of the extents; false on overflow, a negative extent or more than PTRDIFF_MAX / 4 elements. */
bool xai__shape_size(size_t *out, const int64_t *shape, size_t rank);

/* Writes "1x3x224x224" and returns buffer; for messages. */
const char *xai__shape_text(char *buffer, size_t capacity, const int64_t *shape, size_t rank);

#endif
