/* SPDX-License-Identifier: MIT
 * State dicts: which format a file has, names, lookups.
 *
 * The readers add tensors in the order of their files. Names are copied into blocks of the set, small ones many to a
 * block; elements stay in the file, and only those that had to be put in order are kept in blocks of their own. */
#include "io/weights.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"
#include "io/dtype.h"
#include "io/weights_set.h"

enum { NAME_BLOCK = 16384, SPARE = 64 << 20 };

/* Elements begin at a multiple of 64, as kernels like them. */
struct xai__weights_block {
    struct xai__weights_block *next;
    _Alignas(64) unsigned char bytes[];
};

/* Files that people hand over in place of weights. */
static const struct {
    size_t offset;
    const char *bytes;
    size_t size;
    const char *words;
} strangers[] = {
    { 0, "version https://git-lfs", 23, "a Git LFS pointer, not the weights: fetch the file itself with git lfs pull" },
    { 257, "ustar", 5,
      "a tar file, as only the oldest versions of torch wrote them; load and save it with a newer one" },
    { 0, "\x89HDF", 4, "an HDF5 file (Keras); safetensors and torch files are read" },
    { 0, "GGUF", 4, "a GGUF file; safetensors and torch files are read" },
    { 0, "\x1f\x8b", 2, "compressed with gzip; unpack it first" },
    { 0, "\x93NUMPY", 6, "a NumPy file, which holds one array without a name; safetensors and torch files are read" },
    { 0, "<", 1, "a web page or XML, not weights" },
};

static bool starts_with(const xai__file *file, size_t offset, const char *bytes, size_t size)
{
    return file->size >= offset + size && memcmp(file->data + offset, bytes, size) == 0;
}

/* Their sentence says what to do instead. */
static xai_status refuse_stranger(const xai__file *file)
{
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        if (starts_with(file, strangers[i].offset, strangers[i].bytes, strangers[i].size))
            return xai__file_fail(file, XAI_E_UNSUPPORTED, 0, "%s", strangers[i].words);
    return XAI_OK;
}

/* Bytes decide; what the file is called does not. '{' where a safetensors header begins is not enough by itself: it is
 * also the 123 of a GGUF file's number of tensors. But no header is 4 GiB long, so the upper half of its length is 0.
 */
static xai_status read_any(xai__weights *set)
{
    const xai__file *file = &set->file;
    bool has_brace = starts_with(file, 8, "{", 1), may_be_length = starts_with(file, 4, "\0\0\0\0", 4);
    xai_status status;

    if (file->size == 0)
        return xai__fail(XAI_E_FORMAT, "%s: the file is empty", file->name);
    if (has_brace && may_be_length)
        return xai__safetensors_read(set);
    if (starts_with(file, 0, "PK", 2))
        return xai__pth_read_zip(set);
    if (starts_with(file, 0, "\x80", 1))
        return xai__pth_read_legacy(set);
    status = refuse_stranger(file);
    if (status < 0)
        return status;
    /* A damaged header or length: that reader's words tell more than that nothing was recognised. */
    if (file->size < 8 || may_be_length || has_brace)
        return xai__safetensors_read(set);
    return xai__file_fail(file, XAI_E_FORMAT, 0,
                          "neither safetensors nor a torch file: it begins with bytes %02x %02x %02x %02x",
                          file->data[0], file->data[1], file->data[2], file->data[3]);
}

static int compare_names(const void *user, uint32_t a, uint32_t b)
{
    const xai__weight *items = user;

    return strcmp(items[a].name, items[b].name);
}

/* Nested names joined by dots can meet, whatever the container promised: "a.b" and "b" below "a" are one name. Sorted,
 * equal ones are neighbours, and lookups take log n steps. */
static xai_status sort_names(xai__weights *set)
{
    set->order = xai__alloc_array(set->context, set->count, sizeof *set->order);
    if (set->order == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < set->count; i++)
        set->order[i] = (uint32_t)i;
    xai__sort(set->order, set->count, compare_names, set->items);
    for (size_t i = 1; i < set->count; i++)
        if (compare_names(set->items, set->order[i - 1], set->order[i]) == 0)
            return xai__fail(XAI_E_FORMAT, "%s: two tensors are named %.100s", set->file.name,
                             set->items[set->order[i]].name);
    return XAI_OK;
}

/* torch's DataParallel puts "module." before every name, and twice where it was wrapped twice. */
static void drop_prefix(xai__weights *set)
{
    static const char prefix[] = "module.";
    const size_t length = sizeof prefix - 1;

    if (set->count == 0)
        return;
    for (;;) {
        for (size_t i = 0; i < set->count; i++)
            if (strncmp(set->items[i].name, prefix, length) != 0 || set->items[i].name[length] == '\0')
                return;
        for (size_t i = 0; i < set->count; i++)
            set->items[i].name += length;
    }
}

/* What opening a file and taking one from memory do alike; status: how that went. Gives the set back if it failed. */
static xai_status finish(xai__weights **out, xai__weights *set, xai_status status)
{
    if (status == XAI_OK)
        status = read_any(set);
    if (status == XAI_OK) {
        drop_prefix(set);
        status = sort_names(set);
    }
    if (status < 0) {
        xai__weights_close(set);
        return status;
    }
    *out = set;
    return XAI_OK;
}

static xai__weights *make(xai_context *context)
{
    xai__weights *set = xai__zalloc_array(context, 1, sizeof *set);

    if (set != NULL)
        set->context = context;
    return set;
}

xai_status xai__weights_open(xai__weights **out, xai_context *context, const char *path)
{
    xai__weights *set = make(context);

    *out = NULL;
    if (set == NULL)
        return XAI_E_NO_MEMORY;
    return finish(out, set, xai__file_open(&set->file, context, path));
}

xai_status xai__weights_open_memory(xai__weights **out, xai_context *context, const void *bytes, size_t size)
{
    xai__weights *set = make(context);

    *out = NULL;
    if (set == NULL)
        return XAI_E_NO_MEMORY;
    return finish(out, set, xai__file_wrap(&set->file, context, bytes, size));
}

void xai__weights_close(xai__weights *set)
{
    if (set == NULL)
        return;
    while (set->blocks != NULL) {
        struct xai__weights_block *next = set->blocks->next;

        xai__free(set->context, set->blocks);
        set->blocks = next;
    }
    xai__free(set->context, set->items);
    xai__free(set->context, set->order);
    xai__free(set->context, set->ignored);
    xai__file_close(&set->file);
    xai__free(set->context, set);
}

/* Blocks are chained and freed with the set. */
static struct xai__weights_block *add_block(xai__weights *set, size_t size)
{
    struct xai__weights_block *block = NULL;
    size_t total;

    if (xai__add_size(&total, size, sizeof *block))
        block = xai__alloc(set->context, total);
    else
        xai__fail_memory();
    if (block == NULL)
        return NULL;
    block->next = set->blocks;
    set->blocks = block;
    set->kept += size;
    return block;
}

xai_status xai__weights_keep(void **out, xai__weights *set, size_t size, const char *name)
{
    struct xai__weights_block *block;

    *out = NULL;
    /* kept never exceeds the sum, so nothing wraps. */
    if (size > set->file.size + SPARE - set->kept)
        return xai__fail(XAI_E_LIMIT, "%s: tensor %.100s would take %zu bytes of memory, too much for a file of %zu",
                         set->file.name, name, size, set->file.size);
    block = add_block(set, size);
    if (block == NULL)
        return XAI_E_NO_MEMORY;
    *out = block->bytes;
    return XAI_OK;
}

/* Copies a text into the set. No name is longer than XAI__MAX_WEIGHT_NAME and a dot more, so that a block holds any. */
static const char *keep_name(xai__weights *set, const char *name)
{
    size_t size = strlen(name) + 1;
    char *copy;

    if (size > set->names_left) {
        struct xai__weights_block *block = add_block(set, NAME_BLOCK);

        if (block == NULL)
            return NULL;
        set->kept -= NAME_BLOCK; /* their number and length have limits of their own */
        set->names = (char *)block->bytes;
        set->names_left = NAME_BLOCK;
    }
    copy = memcpy(set->names, name, size);
    set->names += size;
    set->names_left -= size;
    return copy;
}

/* A pickle can repeat a long name for a few bytes each time. */
static xai_status check_name(const xai__weights *set, const char *name, size_t offset)
{
    size_t length = strlen(name);

    if (length > XAI__MAX_WEIGHT_NAME)
        return xai__file_fail(&set->file, XAI_E_LIMIT, offset,
                              "a tensor's name of %zu bytes; at most %d are read: %.60s...", length,
                              XAI__MAX_WEIGHT_NAME, name);
    return XAI_OK;
}

/* A network has some hundred tensors, so most sets grow once or twice. */
static size_t grown(size_t room)
{
    return room < 64 ? 64 : room * 2;
}

xai_status xai__weights_add(xai__weights *set, const xai__weight *weight, size_t offset)
{
    xai_status status = check_name(set, weight->name, offset);

    if (status < 0)
        return status;
    if (set->count == XAI__MAX_WEIGHTS)
        return xai__file_fail(&set->file, XAI_E_LIMIT, offset, "more than %d tensors", XAI__MAX_WEIGHTS);
    if (set->count == set->room) {
        xai__weight *items = xai__realloc_array(set->context, set->items, grown(set->room), sizeof *items);

        if (items == NULL)
            return XAI_E_NO_MEMORY;
        set->items = items;
        set->room = grown(set->room);
    }
    set->items[set->count] = *weight;
    /* The reader's own name is a path that goes on to change, or lies in a document that is dropped. */
    set->items[set->count].set = set;
    set->items[set->count].name = keep_name(set, weight->name);
    if (set->items[set->count].name == NULL)
        return XAI_E_NO_MEMORY;
    set->count++;
    return XAI_OK;
}

xai_status xai__weights_ignore(xai__weights *set, const char *name)
{
    const char *kept;

    if (set->n_ignored == XAI__MAX_WEIGHTS)
        return xai__fail(XAI_E_LIMIT, "%s: more than %d values beside tensors", set->file.name, XAI__MAX_WEIGHTS);
    if (set->n_ignored == set->ignored_room) {
        const char **ignored = xai__realloc_array(set->context, set->ignored, grown(set->ignored_room),
                                                  sizeof *ignored);

        if (ignored == NULL)
            return XAI_E_NO_MEMORY;
        set->ignored = ignored;
        set->ignored_room = grown(set->ignored_room);
    }
    kept = keep_name(set, name);
    if (kept == NULL)
        return XAI_E_NO_MEMORY;
    set->ignored[set->n_ignored++] = kept;
    return XAI_OK;
}

size_t xai__weights_count(const xai__weights *set)
{
    return set->count;
}

const xai__weight *xai__weights_at(const xai__weights *set, size_t index)
{
    return &set->items[index];
}

const xai__weight *xai__weights_find(const xai__weights *set, const char *name)
{
    size_t low = 0, high = set->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const xai__weight *weight = &set->items[set->order[middle]];
        int sign = strcmp(name, weight->name);

        if (sign == 0)
            return weight;
        if (sign < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

size_t xai__weights_n_ignored(const xai__weights *set)
{
    return set->n_ignored;
}

const char *xai__weights_ignored(const xai__weights *set, size_t index)
{
    return set->ignored[index];
}

void xai__weights_forget(const xai__weights *set, const void *data, size_t size)
{
    xai__file_forget(&set->file, data, size);
}

const char *xai__weights_name(const xai__weights *set)
{
    return set->file.name;
}

const void *xai__weights_bytes(const xai__weights *set, size_t *size)
{
    *size = set->file.size;
    return set->file.data;
}

/* Counted in bits: elements of four and six of them take no whole number of bytes. */
size_t xai__weight_size(const xai__weight *weight)
{
    return weight->bytes * 8 / xai__dtype_bits(weight->dtype);
}

size_t xai__weight_element(const xai__weight *weight)
{
    return xai__dtype_bits(weight->dtype) / 8;
}

xai_status xai__weight_check(const xai__weight *weight)
{
    if (!xai__dtype_is_widened(weight->dtype))
        return xai__fail(XAI_E_UNSUPPORTED, "tensor %.100s has elements of type %s, which are not computed with",
                         weight->name, xai__dtype_name(weight->dtype));
    return XAI_OK;
}

void xai__weight_read(float *out, const xai__weight *weight, size_t first, size_t n)
{
    const unsigned char *bytes = weight->data;

    xai__dtype_widen(out, bytes + first * xai__weight_element(weight), n, weight->dtype, false,
                     weight->set != NULL ? weight->set->context->cpu_features : 0);
}

xai_status xai__weight_to_f32(float *out, const xai__weight *weight)
{
    xai_status status = xai__weight_check(weight);

    if (status == XAI_OK)
        xai__weight_read(out, weight, 0, xai__weight_size(weight));
    return status;
}

/* safetensors files need not be aligned, and torch's older files are not. */
const float *xai__weight_borrow_f32(const xai__weight *weight)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (weight->dtype == XAI__DTYPE_F32 && (uintptr_t)weight->data % _Alignof(float) == 0)
        return weight->data;
#endif
    (void)weight;
    return NULL;
}
