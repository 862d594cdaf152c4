/* SPDX-License-Identifier: MIT
 * NumPy files. */
#include "io/npy.h"

#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "io/dtype.h"
#include "io/npy_header.h"

/* The shape is believed only after it was compared with what the file has: memory stays in proportion to the
 * file, four bytes for one at most, and as much again while Fortran order is turned. */
static xai_status check_size(const xai__npy_header *header, const xai__file *file)
{
    size_t count, bytes, have = file->size - header->data;
    char text[160];

    xai__shape_text(text, sizeof text, header->shape, header->rank);
    if (!xai__shape_size(&count, header->shape, header->rank) ||
        !xai__mul_size(&bytes, count, xai__dtype_bits(header->dtype) / 8))
        return xai__file_fail(file, XAI_E_FORMAT, header->data, "no array can have shape %s", text);
    if (bytes != have)
        return xai__file_fail(file, XAI_E_FORMAT, header->data,
                              "an array of shape %s and type %s takes %zu bytes, %zu follow", text,
                              xai__dtype_name(header->dtype), bytes, have);
    return XAI_OK;
}

/* Fortran order: the first index is the fastest in from. The indices count like an odometer in the order of to, the
 * last one fastest, and at follows them: each step adds a stride, and an axis that has run through takes all its steps
 * back. */
static void transpose(float *to, const float *from, const xai_tensor *tensor)
{
    size_t strides[XAI_TENSOR_MAX_RANK], stride = 1, at = 0;
    int64_t index[XAI_TENSOR_MAX_RANK] = { 0 };

    for (size_t axis = 0; axis < tensor->rank; axis++) {
        strides[axis] = stride;
        stride *= (size_t)tensor->shape[axis];
    }
    for (size_t i = 0; i < tensor->size; i++) {
        to[i] = from[at];
        for (size_t axis = tensor->rank; axis-- > 0;) {
            at += strides[axis];
            if (++index[axis] < tensor->shape[axis])
                break;
            at -= strides[axis] * (size_t)tensor->shape[axis];
            index[axis] = 0;
        }
    }
}

/* Fortran order needs a second copy for the time of the transposition. */
static xai_status fill(xai_tensor *tensor, const xai__npy_header *header, const xai__file *file)
{
    const unsigned char *elements = file->data + header->data;
    const uint64_t cpu_features = file->context->cpu_features;
    float *plain;

    if (!header->fortran || header->rank < 2) {
        xai__dtype_widen(tensor->data, elements, tensor->size, header->dtype, header->big_endian, cpu_features);
        return XAI_OK;
    }
    plain = xai__alloc_array(file->context, tensor->size, sizeof *plain);
    if (plain == NULL)
        return XAI_E_NO_MEMORY;
    xai__dtype_widen(plain, elements, tensor->size, header->dtype, header->big_endian, cpu_features);
    transpose(tensor->data, plain, tensor);
    xai__free(file->context, plain);
    return XAI_OK;
}

xai_status xai__npy_read(xai_tensor **out, const xai__file *file)
{
    xai__npy_header header = { 0 };
    xai_tensor *tensor = NULL;
    xai_status status = xai__npy_header_read(&header, file);

    if (status == XAI_OK)
        status = check_size(&header, file);
    if (status == XAI_OK)
        status = xai__tensor_create(&tensor, file->context, header.shape, header.rank);
    if (status == XAI_OK)
        status = fill(tensor, &header, file);
    if (status < 0) {
        xai_tensor_unref(tensor);
        return status;
    }
    *out = tensor;
    return XAI_OK;
}

xai_status xai_tensor_load(xai_tensor **out, xai_context *context, const char *path)
{
    xai__file file;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || context == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "context");
    status = xai__file_open(&file, context, path);
    if (status == XAI_OK)
        status = xai__npy_read(out, &file);
    xai__file_close(&file);
    return status;
}

/* As numpy.save() writes it: magic, version 1.0, two bytes of length, a Python dict, blanks and a line end, so that the
 * elements start at a multiple of 64. Eight extents of nineteen digits fit the room. */
static xai_status add_header(xai__file_writer *writer, const xai_tensor *tensor)
{
    unsigned char head[256];
    char *text = (char *)head + 10;
    size_t room = sizeof head - 10, length, total;

    length = (size_t)snprintf(text, room, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (size_t i = 0; i < tensor->rank; i++)
        length += (size_t)snprintf(text + length, room - length, "%s%lld", i > 0 ? ", " : "",
                                   (long long)tensor->shape[i]);
    length += (size_t)snprintf(text + length, room - length, "%s), }", tensor->rank == 1 ? "," : "");
    total = (10 + length + 1 + 63) / 64 * 64;
    memset(text + length, ' ', total - 10 - length);
    head[total - 1] = '\n';
    memcpy(head, "\x93NUMPY\x01\x00", 8);
    head[8] = (unsigned char)((total - 10) & 0xff);
    head[9] = (unsigned char)((total - 10) >> 8);
    return xai__file_writer_add(writer, head, total);
}

/* The host's floats as the file has them, little-endian. */
static xai_status add_elements(xai__file_writer *writer, const xai_tensor *tensor)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    xai_status status = XAI_OK;

    for (size_t i = 0; i < tensor->size && status == XAI_OK; i++) {
        uint32_t word;

        memcpy(&word, &tensor->data[i], sizeof word);
        word = __builtin_bswap32(word);
        status = xai__file_writer_add(writer, &word, sizeof word);
    }
    return status;
#else
    return xai__file_writer_add(writer, tensor->data, tensor->size * sizeof(float));
#endif
}

xai_status xai_tensor_save(const xai_tensor *tensor, const char *path)
{
    xai__file_writer writer;
    xai_status status;

    xai__enter();
    if (tensor == NULL)
        return xai__fail(XAI_E_INVALID, "tensor is NULL");
    status = xai__file_writer_open(&writer, tensor->object.context, path);
    if (status == XAI_OK)
        status = add_header(&writer, tensor);
    if (status == XAI_OK)
        status = add_elements(&writer, tensor);
    if (status == XAI_OK)
        status = xai__file_writer_commit(&writer);
    xai__file_writer_close(&writer);
    return status;
}
