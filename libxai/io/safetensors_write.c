/* SPDX-License-Identifier: MIT
 * Writing safetensors files. */
#include "io/safetensors.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"
#include "io/dtype.h"
#include "io/file.h"
#include "io/json_write.h"

enum { MAX_HEADER = 100000000, ALIGNMENT = 8 };

/* The reference's order: widest types first, so that every tensor begins at a multiple of its element's size. */
static int compare_weights(const void *user, uint32_t a, uint32_t b)
{
    const xai__weight *weights = user;

    if (weights[a].dtype != weights[b].dtype)
        return weights[a].dtype > weights[b].dtype ? -1 : 1;
    return strcmp(weights[a].name, weights[b].name);
}

/* One entry of the header: the same three members in the reference's order. */
static void describe(xai__json_writer *json, const xai__weight *weight, size_t start)
{
    xai__json_write_object(json, weight->name);
    xai__json_write_string(json, "dtype", xai__dtype_name(weight->dtype));
    xai__json_write_array(json, "shape");
    for (size_t i = 0; i < weight->rank; i++)
        xai__json_write_integer(json, NULL, weight->shape[i]);
    xai__json_write_end(json);
    xai__json_write_array(json, "data_offsets");
    xai__json_write_integer(json, NULL, (int64_t)start);
    xai__json_write_integer(json, NULL, (int64_t)(start + weight->bytes));
    xai__json_write_end(json);
    xai__json_write_end(json);
}

/* Places are given out in the order in which the bytes will be written. */
static xai_status describe_all(xai__json_writer *json, const xai__weight *weights, const uint32_t *order, size_t count)
{
    size_t start = 0;

    xai__json_write_object(json, NULL);
    for (size_t i = 0; i < count; i++) {
        const xai__weight *weight = &weights[order[i]];

        /* What stands under this key are texts about the file, for every reader. */
        if (strcmp(weight->name, "__metadata__") == 0)
            return xai__fail(XAI_E_INVALID, "no tensor can be named __metadata__ in a safetensors file");
        if (weight->bytes > PTRDIFF_MAX - start)
            return xai__fail(XAI_E_LIMIT, "the tensors take more bytes than a file can have");
        describe(json, weight, start);
        start += weight->bytes;
    }
    xai__json_write_end(json);
    return XAI_OK;
}

/* Blanks behind the header put the data at a multiple of 8. */
static xai_status add_header(xai__file_writer *writer, xai__json_writer *json)
{
    static const char blanks[ALIGNMENT + 1] = "        ";
    unsigned char prefix[8];
    const char *text;
    size_t length, padded;
    xai_status status = xai__json_writer_text(json, &text, &length);

    if (status < 0)
        return status;
    padded = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (padded > MAX_HEADER)
        return xai__fail(XAI_E_LIMIT, "a safetensors header of %zu bytes; at most %d are allowed", padded, MAX_HEADER);
    for (size_t i = 0; i < sizeof prefix; i++)
        prefix[i] = (unsigned char)((uint64_t)padded >> 8 * i);
    status = xai__file_writer_add(writer, prefix, sizeof prefix);
    if (status == XAI_OK)
        status = xai__file_writer_add(writer, text, length);
    return status < 0 ? status : xai__file_writer_add(writer, blanks, padded - length);
}

static xai_status write_file(xai__file_writer *writer, xai__json_writer *json, const xai__weight *weights,
                             const uint32_t *order, size_t count)
{
    xai_status status = add_header(writer, json);

    for (size_t i = 0; i < count && status == XAI_OK; i++)
        status = xai__file_writer_add(writer, weights[order[i]].data, weights[order[i]].bytes);
    return status < 0 ? status : xai__file_writer_commit(writer);
}

xai_status xai__safetensors_write(xai_context *context, const char *path, const xai__weight *weights, size_t count)
{
    xai__file_writer writer = { 0 };
    xai__json_writer json;
    uint32_t *order = xai__alloc_array(context, count, sizeof *order);
    xai_status status = order == NULL ? XAI_E_NO_MEMORY : XAI_OK;

    xai__json_writer_init(&json, context);
    if (status == XAI_OK) {
        for (size_t i = 0; i < count; i++)
            order[i] = (uint32_t)i;
        xai__sort(order, count, compare_weights, weights);
        status = describe_all(&json, weights, order, count);
    }
    if (status == XAI_OK)
        status = xai__file_writer_open(&writer, context, path);
    if (status == XAI_OK)
        status = write_file(&writer, &json, weights, order, count);
    xai__file_writer_close(&writer);
    xai__json_writer_fini(&json);
    xai__free(context, order);
    return status;
}
