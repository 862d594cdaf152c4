/* SPDX-License-Identifier: MIT
 * safetensors files: a JSON header that says where each tensor lies, then the bytes.
 *
 * Eight bytes hold the header's length, little-endian; the header maps names to dtype, shape and data_offsets, begin
 * and end behind the header. Tensors cover the rest of the file without holes and without overlap, in any order of
 * names. Their places need not be aligned, whatever the usual writers do. */
#include <string.h>

#include "core/error.h"
#include "core/little_endian.h"
#include "core/memory.h"
#include "core/sort.h"
#include "io/dtype.h"
#include "io/json.h"
#include "io/weights_set.h"

enum { MAX_HEADER = 100000000, PREFIX = 8 };

/* More than any file holds. It also bounds what stands beside a zero, where the size of the data says nothing. */
static const int64_t MAX_EXTENT = (int64_t)1 << 40;

/* Where the tensors of a set lie, by index. */
typedef struct layout {
    const xai__weights *set;
    const unsigned char *buffer;
    size_t size;
} layout;

/* Texts about the file. None is kept; but where they have another shape, the file is not what it says it is. */
static xai_status check_metadata(xai__json_value metadata)
{
    xai__json_value member;
    const char *text;

    /* The reference takes null for "not there". */
    if (xai__json_kind(metadata) == XAI__JSON_NULL)
        return XAI_OK;
    if (xai__json_expect(metadata, XAI__JSON_OBJECT) < 0)
        return XAI_E_FORMAT;
    for (bool more = xai__json_first(&member, metadata); more; more = xai__json_next(&member))
        if (xai__json_string(&text, member) < 0)
            return XAI_E_FORMAT;
    return XAI_OK;
}

/* Names are spelled as the format has them: "f32" is none. */
static xai_status read_dtype(xai__weight *weight, xai__json_value entry)
{
    const char *name;
    xai_status status = xai__json_get_string(&name, entry, "dtype");

    if (status < 0)
        return status;
    weight->dtype = xai__dtype_find(name);
    if (weight->dtype == XAI__N_DTYPES)
        return xai__json_fail(entry, XAI_E_UNSUPPORTED, "the type \"%.40s\" is unknown", name);
    return XAI_OK;
}

/* Extents are bounded one by one, so that a zero among them excuses nothing. */
static xai_status read_shape(xai__weight *weight, xai__json_value entry)
{
    xai__json_value shape, extent;
    xai_status status = xai__json_get(&shape, entry, "shape");

    if (status == XAI_OK)
        status = xai__json_expect(shape, XAI__JSON_ARRAY);
    if (status < 0)
        return status;
    if (xai__json_count(shape) > XAI__WEIGHT_MAX_RANK)
        return xai__json_fail(shape, XAI_E_UNSUPPORTED, "%zu dimensions; at most %d are read", xai__json_count(shape),
                              XAI__WEIGHT_MAX_RANK);
    for (bool more = xai__json_first(&extent, shape); more; more = xai__json_next(&extent)) {
        status = xai__json_integer(&weight->shape[weight->rank++], extent, 0, MAX_EXTENT);
        if (status < 0)
            return status;
    }
    return XAI_OK;
}

/* Begin and end, relative to the end of the header. Whether the file reaches so far is for the caller to see. */
static xai_status read_offsets(size_t offsets[2], xai__json_value entry)
{
    xai__json_value pair, member;
    xai_status status = xai__json_get(&pair, entry, "data_offsets");

    if (status == XAI_OK)
        status = xai__json_expect(pair, XAI__JSON_ARRAY);
    if (status < 0)
        return status;
    if (xai__json_count(pair) != 2)
        return xai__json_fail(pair, XAI_E_FORMAT, "%zu numbers; a beginning and an end are needed",
                              xai__json_count(pair));
    for (size_t i = 0; i < 2; i++) {
        int64_t offset = 0;

        status = xai__json_at(&member, pair, i);
        if (status == XAI_OK)
            status = xai__json_integer(&offset, member, 0, PTRDIFF_MAX);
        if (status < 0)
            return status;
        offsets[i] = (size_t)offset;
    }
    if (offsets[1] < offsets[0])
        return xai__json_fail(pair, XAI_E_FORMAT, "ends at %zu, before its beginning at %zu", offsets[1], offsets[0]);
    return XAI_OK;
}

/* Bits of all elements, 0 if there are none whatever the other extents are; false on overflow. */
static bool count_bits(size_t *bits, const xai__weight *weight)
{
    *bits = xai__dtype_bits(weight->dtype);
    for (size_t i = 0; i < weight->rank; i++) {
        if (weight->shape[i] == 0) {
            *bits = 0;
            return true;
        }
    }
    for (size_t i = 0; i < weight->rank; i++)
        if (!xai__mul_size(bits, *bits, (size_t)weight->shape[i]))
            return false;
    return true;
}

/* Unknown members of an entry are left alone, as the reference does. */
static xai_status read_entry(xai__weights *set, const layout *where, xai__json_value entry)
{
    xai__weight weight = { .name = xai__json_key(entry) };
    size_t offsets[2] = { 0, 0 }, bits;
    xai_status status = xai__json_expect(entry, XAI__JSON_OBJECT);

    if (status == XAI_OK)
        status = read_dtype(&weight, entry);
    if (status == XAI_OK)
        status = read_shape(&weight, entry);
    if (status == XAI_OK)
        status = read_offsets(offsets, entry);
    if (status < 0)
        return status;
    if (!count_bits(&bits, &weight))
        return xai__json_fail(entry, XAI_E_FORMAT, "the product of its shape overflows");
    if (bits % 8 != 0)
        return xai__json_fail(entry, XAI_E_FORMAT, "%zu bits are no whole number of bytes", bits);
    weight.bytes = offsets[1] - offsets[0];
    if (weight.bytes != bits / 8)
        return xai__json_fail(entry, XAI_E_FORMAT, "its shape and type take %zu bytes, its offsets %zu", bits / 8,
                              weight.bytes);
    if (offsets[1] > where->size)
        return xai__json_fail(entry, XAI_E_FORMAT, "ends at %zu, but only %zu bytes of data follow the header",
                              offsets[1], where->size);
    weight.data = where->buffer + offsets[0];
    return xai__weights_add(set, &weight, set->file.size - where->size + offsets[0]);
}

/* Offsets are not kept: they are where the data is. */
static size_t start_of(const layout *where, uint32_t index)
{
    return (size_t)((const unsigned char *)where->set->items[index].data - where->buffer);
}

/* By beginning, then by end, so that empty tensors come before the one that shares their place. */
static int compare_places(const void *user, uint32_t a, uint32_t b)
{
    const layout *where = user;
    size_t first = start_of(where, a), second = start_of(where, b);

    if (first == second) {
        first = where->set->items[a].bytes;
        second = where->set->items[b].bytes;
    }
    return first < second ? -1 : first > second;
}

/* order: the tensors by place. Each has to begin where the one before it ended, and the last has to end the file. */
static xai_status check_places(const layout *where, const uint32_t *order)
{
    const xai__weights *set = where->set;
    size_t end = 0, base = set->file.size - where->size;

    for (size_t i = 0; i < set->count; i++) {
        const xai__weight *weight = &set->items[order[i]];
        size_t start = start_of(where, order[i]);

        if (start != end)
            return xai__file_fail(&set->file, XAI_E_FORMAT, base + start,
                                  "tensor %.100s begins at %zu of the data, the one before it ends at %zu: %s",
                                  weight->name, start, end, start > end ? "a hole" : "they overlap");
        end += weight->bytes;
    }
    if (end != where->size)
        return xai__file_fail(&set->file, XAI_E_FORMAT, base + end, "%zu bytes follow the last tensor",
                              where->size - end);
    return XAI_OK;
}

/* No holes, no overlap, no tail: nothing in the file is unnamed, and no byte has two names. */
static xai_status check_layout(const layout *where)
{
    xai_context *context = where->set->context;
    uint32_t *order = xai__alloc_array(context, where->set->count, sizeof *order);
    xai_status status;

    if (order == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < where->set->count; i++)
        order[i] = (uint32_t)i;
    xai__sort(order, where->set->count, compare_places, where);
    status = check_places(where, order);
    xai__free(context, order);
    return status;
}

static xai_status read_header(xai__weights *set, const layout *where, const xai__json *json)
{
    xai__json_value root = xai__json_root(json), entry;
    xai_status status = XAI_OK;

    for (bool more = xai__json_first(&entry, root); more && status == XAI_OK; more = xai__json_next(&entry)) {
        if (strcmp(xai__json_key(entry), "__metadata__") == 0)
            status = check_metadata(entry);
        else
            status = read_entry(set, where, entry);
    }
    return status < 0 ? status : check_layout(where);
}

/* The length is checked before anything is done with it. */
static xai_status check_prefix(const xai__file *file, size_t *length)
{
    uint64_t stated;

    if (file->size < PREFIX)
        return xai__file_fail(file, XAI_E_FORMAT, file->size, "%zu bytes are too few for a safetensors file",
                              file->size);
    stated = xai__load_le(file->data, PREFIX);
    if (stated > MAX_HEADER)
        return xai__file_fail(file, XAI_E_LIMIT, 0, "a safetensors header of %llu bytes; at most %d are read",
                              (unsigned long long)stated, MAX_HEADER);
    if (stated > file->size - PREFIX)
        return xai__file_fail(file, XAI_E_FORMAT, 0,
                              "the safetensors header of %llu bytes does not fit the file of %zu",
                              (unsigned long long)stated, file->size);
    *length = (size_t)stated;
    if (*length == 0 || file->data[PREFIX] != '{')
        return xai__file_fail(file, XAI_E_FORMAT, PREFIX, "the safetensors header does not begin with '{'");
    return XAI_OK;
}

xai_status xai__safetensors_read(xai__weights *set)
{
    xai__json_options options = { .max_size = MAX_HEADER, .offset = PREFIX, .tail = " " };
    const xai__file *file = &set->file;
    size_t length = 0;
    xai__json *json;
    layout where = { .set = set };
    xai_status status = check_prefix(file, &length);

    if (status < 0)
        return status;
    where.buffer = file->data + PREFIX + length;
    where.size = file->size - PREFIX - length;
    /* Names and sizes are copied into the set, so the document goes; the tensors stay where the file is mapped. */
    status = xai__json_parse(&json, set->context, file->name, file->data + PREFIX, length, &options);
    if (status == XAI_OK)
        status = read_header(set, &where, json);
    xai__json_free(json);
    return status;
}
