/* SPDX-License-Identifier: MIT
 * Tensors as views of storages: checked against the storage's end, and copied where they do not lie in order. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "io/dtype.h"
#include "io/pth.h"

/* Elements of the view and the offset of its last one, offset + the sum of (extent - 1) stride; false on overflow.
 * Strides are not negative, so the last is the furthest, and comparing it with the storage's end checks all of them. */
static bool measure(const xai__pickle_tensor *t, size_t *count, size_t *last)
{
    *last = (size_t)t->offset;
    if (!xai__shape_size(count, t->shape, t->rank) || (uint64_t)t->offset > PTRDIFF_MAX)
        return false;
    for (size_t i = 0; i<t->rank && * count> 0; i++) {
        size_t reach;

        if ((uint64_t)t->strides[i] > PTRDIFF_MAX ||
            !xai__mul_size(&reach, (size_t)t->shape[i] - 1, (size_t)t->strides[i]) ||
            !xai__add_size(last, *last, reach))
            return false;
    }
    return true;
}

/* Whether the elements lie side by side in the order of their indices. Extents of one may have any stride: nobody steps
 * along them. */
static bool is_compact(const xai__pickle_tensor *t)
{
    int64_t expected = 1;

    for (size_t i = t->rank; i-- > 0;) {
        if (t->shape[i] == 1)
            continue;
        if (t->strides[i] != expected)
            return false;
        expected *= t->shape[i];
    }
    return true;
}

/* Copies a view in the order of its indices, like an odometer. */
static void gather(unsigned char *to, const unsigned char *from, const xai__pickle_tensor *t, size_t count,
                   size_t width)
{
    int64_t index[XAI__WEIGHT_MAX_RANK] = { 0 };
    size_t at = 0;

    for (size_t i = 0; i < count; i++, to += width) {
        memcpy(to, from + at * width, width);
        for (size_t axis = t->rank; axis-- > 0;) {
            at += (size_t)t->strides[axis];
            if (++index[axis] < t->shape[axis])
                break;
            at -= (size_t)t->strides[axis] * (size_t)t->shape[axis];
            index[axis] = 0;
        }
    }
}

static xai_status fail_bounds(const xai__pickle *pickle, const xai__pickle_tensor *t, const char *name,
                              const xai__pickle_storage *storage)
{
    char text[200];

    return xai__file_fail(
        pickle->file, XAI_E_FORMAT, t->at, "tensor %.100s of shape %s reaches beyond its storage %llu of %zu bytes",
        name, xai__shape_text(text, sizeof text, t->shape, t->rank), (unsigned long long)storage->key, storage->size);
}

xai_status xai__pth_view(xai__weights *set, const xai__pickle *pickle, const xai__pickle_tensor *t, const char *name,
                         xai__weight *weight)
{
    const xai__pickle_storage *storage = &pickle->storages[t->storage];
    size_t width = xai__dtype_bits(t->dtype) / 8, count = 0, last = 0;
    const unsigned char *from;
    void *copy;
    xai_status status;

    if (!measure(t, &count, &last) || (count > 0 && last >= storage->size / width))
        return fail_bounds(pickle, t, name, storage);
    *weight = (xai__weight){ .name = name, .dtype = t->dtype, .rank = t->rank };
    memcpy(weight->shape, t->shape, sizeof weight->shape);
    from = storage->data + (count > 0 ? (size_t)t->offset * width : 0);
    weight->data = from;
    /* A view that repeats elements has more of them than its storage has bytes for. */
    if (!xai__mul_size(&weight->bytes, count, width))
        return fail_bounds(pickle, t, name, storage);
    if (count == 0 || is_compact(t))
        return XAI_OK;
    status = xai__weights_keep(&copy, set, weight->bytes, name);
    if (status < 0)
        return status;
    gather(copy, from, t, count, width);
    weight->data = copy;
    return XAI_OK;
}
