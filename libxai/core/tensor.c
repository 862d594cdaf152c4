/* SPDX-License-Identifier: MIT
 * Tensors. */
#include "core/tensor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"

bool xai__shape_size(size_t *out, const int64_t *shape, size_t rank)
{
    size_t size = 1;
    bool empty = false;

    /* A zero does not excuse an overflow elsewhere: the largest extents are multiplied all the same. */
    for (size_t i = 0; i < rank; i++) {
        if (shape[i] < 0)
            return false;
        if (shape[i] == 0)
            empty = true;
        else if (!xai__mul_size(&size, size, (size_t)shape[i]))
            return false;
    }
    *out = empty ? 0 : size; /* also where it fails: the caller reads nothing then */
    return size <= PTRDIFF_MAX / sizeof(float);
}

const char *xai__shape_text(char *buffer, size_t capacity, const int64_t *shape, size_t rank)
{
    size_t length = 0;

    if (rank == 0)
        snprintf(buffer, capacity, "one number");
    for (size_t i = 0; i < rank && length < capacity; i++)
        length += (size_t)snprintf(buffer + length, capacity - length, "%s%lld", i > 0 ? "x" : "", (long long)shape[i]);
    return buffer;
}

static xai_status create_head(xai_tensor **out, xai_context *context, const int64_t *shape, size_t rank)
{
    xai_tensor *tensor;
    size_t size;
    char text[128];

    if (context == NULL || (shape == NULL && rank > 0))
        return xai__fail(XAI_E_INVALID, "%s is NULL", context == NULL ? "context" : "shape");
    if (rank > XAI_TENSOR_MAX_RANK)
        return xai__fail(XAI_E_INVALID, "rank is %zu, at most %d are allowed", rank, XAI_TENSOR_MAX_RANK);
    if (!xai__shape_size(&size, shape, rank))
        return xai__fail(XAI_E_INVALID, "no tensor can have shape %s", xai__shape_text(text, sizeof text, shape, rank));
    tensor = xai__zalloc_array(context, 1, sizeof *tensor);
    if (tensor == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&tensor->object, context);
    if (rank > 0)
        memcpy(tensor->shape, shape, rank * sizeof *shape);
    tensor->rank = rank;
    tensor->size = size;
    *out = tensor;
    return XAI_OK;
}

xai_status xai__tensor_create(xai_tensor **out, xai_context *context, const int64_t *shape, size_t rank)
{
    xai_tensor *tensor = NULL;
    xai_status status = create_head(&tensor, context, shape, rank);

    *out = NULL;
    if (status < 0)
        return status;
    tensor->data = xai__alloc_array(context, tensor->size, sizeof(float));
    tensor->owned = true;
    if (tensor->data == NULL) {
        xai_tensor_unref(tensor);
        return XAI_E_NO_MEMORY;
    }
    *out = tensor;
    return XAI_OK;
}

xai_status xai_tensor_create(xai_tensor **out, xai_context *context, const int64_t *shape, size_t rank)
{
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL)
        return xai__fail(XAI_E_INVALID, "out is NULL");
    status = xai__tensor_create(out, context, shape, rank);
    if (status == XAI_OK)
        memset((*out)->data, 0, (*out)->size * sizeof(float));
    return status;
}

xai_status xai_tensor_wrap(xai_tensor **out, xai_context *context, float *data, const int64_t *shape, size_t rank,
                           xai_destroy_fn destroy, void *user)
{
    xai_tensor *tensor = NULL;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL)
        return xai__fail(XAI_E_INVALID, "out is NULL");
    status = create_head(&tensor, context, shape, rank);
    if (status < 0)
        return status;
    if (tensor->size > 0 && (data == NULL || (uintptr_t)data % sizeof(float) != 0)) {
        xai_tensor_unref(tensor);
        return xai__fail(XAI_E_INVALID, "data is %s", data == NULL ? "NULL" : "not aligned to 4 bytes");
    }
    /* Last, so that on failure the caller still owns data and destroy is not called. */
    tensor->data = data;
    tensor->destroy = destroy;
    tensor->user = user;
    *out = tensor;
    return XAI_OK;
}

xai_tensor *xai_tensor_ref(xai_tensor *tensor)
{
    if (tensor != NULL)
        xai__object_ref(&tensor->object);
    return tensor;
}

void xai_tensor_unref(xai_tensor *tensor)
{
    xai_context *context;

    if (tensor == NULL || !xai__object_unref(&tensor->object))
        return;
    context = tensor->object.context;
    if (tensor->destroy != NULL)
        tensor->destroy(tensor->user);
    if (tensor->owned)
        xai__free(context, tensor->data);
    xai__free(context, tensor);
    xai_context_unref(context);
}

size_t xai_tensor_shape(const xai_tensor *tensor, int64_t *shape, size_t capacity)
{
    for (size_t i = 0; i < tensor->rank && i < capacity; i++)
        shape[i] = tensor->shape[i];
    return tensor->rank;
}

size_t xai_tensor_size(const xai_tensor *tensor)
{
    return tensor->size;
}

/* An empty tensor may own a block of no bytes; nobody is to point into it. */
float *xai_tensor_data(xai_tensor *tensor)
{
    return tensor->size > 0 ? tensor->data : NULL;
}

xai_status xai_tensor_check(const xai_tensor *tensor)
{
    size_t n_bad = 0, first = 0;

    xai__enter();
    for (size_t i = 0; i < tensor->size; i++) {
        if (isfinite(tensor->data[i]))
            continue;
        if (n_bad++ == 0)
            first = i;
    }
    if (n_bad > 0)
        return xai__fail(XAI_E_FORMAT, "%zu of %zu elements are NaN or infinite, the first at index %zu", n_bad,
                         tensor->size, first);
    return XAI_OK;
}
