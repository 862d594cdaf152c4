/* SPDX-License-Identifier: MIT
 * torch's weight files: the zip of today and the row of pickles before 1.6.
 *
 * Both hold the same: a pickle that describes the object, and the bytes of the storages that it mentions. In a zip file
 * each storage is an entry, NAME/data/KEY, beside NAME/data.pkl. The older kind is a row of pickles, then a list of
 * keys, then the storages in the order of that list, each behind its number of elements. A tensor becomes a view of
 * these bytes where they lie in order, and is copied only where they do not. */
#include "io/pth.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/little_endian.h"
#include "core/memory.h"
#include "core/sort.h"
#include "io/dtype.h"
#include "io/zip.h"

enum { MAX_PREFIX = 512 };

/* By key; equal keys stay in the order in which they were mentioned, as xai__sort() leaves equals. */
static int compare_keys(const void *user, uint32_t a, uint32_t b)
{
    const xai__pickle_storage *storages = user;

    return storages[a].key < storages[b].key ? -1 : storages[a].key > storages[b].key;
}

xai_status xai__pth_sort_storages(const xai__pickle *pickle, uint32_t *order)
{
    const xai__pickle_storage *storages = pickle->storages;

    for (size_t i = 0; i < pickle->n_storages; i++)
        order[i] = (uint32_t)i;
    xai__sort(order, pickle->n_storages, compare_keys, storages);
    for (size_t i = 1; i < pickle->n_storages; i++) {
        const xai__pickle_storage *a = &storages[order[i - 1]], *b = &storages[order[i]];

        if (a->key == b->key && (a->dtype != b->dtype || a->count != b->count))
            return xai__file_fail(pickle->file, XAI_E_FORMAT, b->at,
                                  "storage %llu is mentioned with two types or two sizes", (unsigned long long)a->key);
    }
    return XAI_OK;
}

xai_status xai__pth_storage_size(const xai__pickle *pickle, const xai__pickle_storage *storage, size_t *size)
{
    size_t width = storage->dtype == XAI__N_DTYPES ? 1 : xai__dtype_bits(storage->dtype) / 8;

    if ((uint64_t)storage->count > PTRDIFF_MAX || !xai__mul_size(size, (size_t)storage->count, width))
        return xai__file_fail(pickle->file, XAI_E_FORMAT, storage->at, "storage %llu cannot have %lld elements",
                              (unsigned long long)storage->key, (long long)storage->count);
    return XAI_OK;
}

/* Reads the object, finds its storages, collects its tensors: the same for both kinds of file. */
typedef xai_status (*find_fn)(void *user, xai__pickle *pickle, const uint32_t *order);

static xai_status collect(xai__weights *set, xai__pickle *pickle, find_fn find, void *user)
{
    uint32_t *order = xai__alloc_array(set->context, pickle->n_storages, sizeof *order);
    xai_status status = order == NULL ? XAI_E_NO_MEMORY : xai__pth_sort_storages(pickle, order);

    if (status == XAI_OK)
        status = find(user, pickle, order);
    xai__free(set->context, order);
    return status < 0 ? status : xai__pth_collect(set, pickle);
}

/* A zip file in which torch put everything below one folder. Too large for a stack, mostly for its checksum table. */
typedef struct archive {
    xai__zip zip;
    char name[MAX_PREFIX + 64]; /* of an entry */
    size_t prefix;              /* length of the folder's name and its slash */
} archive;

/* An entry of the one folder. Names are short and ours; the room behind the prefix is enough for all of them. */
static const xai__zip_entry *find_entry(archive *a, const char *name)
{
    snprintf(a->name + a->prefix, sizeof a->name - a->prefix, "%s", name);
    return xai__zip_find(&a->zip, a->name);
}

/* A second folder could hold a second object, for readers that look elsewhere. */
static xai_status find_prefix(archive *a)
{
    const xai__zip_entry *first = a->zip.entries;
    const char *slash = a->zip.count > 0 ? memchr(first->name, '/', first->name_length) : NULL;

    if (slash == NULL || slash - first->name >= MAX_PREFIX)
        return xai__fail(XAI_E_FORMAT, "%s: a zip file, but not one of torch.save(): its entries stand in no folder",
                         a->zip.file->name);
    a->prefix = (size_t)(slash - first->name) + 1;
    memcpy(a->name, first->name, a->prefix);
    for (size_t i = 0; i < a->zip.count; i++) {
        const xai__zip_entry *entry = &a->zip.entries[i];

        if (entry->name_length <= a->prefix || memcmp(entry->name, a->name, a->prefix) != 0)
            return xai__file_fail(a->zip.file, XAI_E_FORMAT, entry->start,
                                  "zip entry %.*s stands outside the folder of the first one",
                                  (int)(entry->name_length < 100 ? entry->name_length : 100), entry->name);
    }
    return XAI_OK;
}

/* torch.jit.save() keeps programs; their weights are not where a state dict has them. */
static xai_status refuse_script(archive *a)
{
    bool script = find_entry(a, "constants.pkl") != NULL;

    for (size_t i = 0; i < a->zip.count && !script; i++)
        script = a->zip.entries[i].name_length > a->prefix + 5 &&
                 memcmp(a->zip.entries[i].name + a->prefix, "code/", 5) == 0;
    if (script)
        return xai__fail(XAI_E_UNSUPPORTED,
                         "%s: a TorchScript program; save model.state_dict() instead; nothing was run",
                         a->zip.file->name);
    return XAI_OK;
}

/* A record that torch leaves out where it has its usual value. */
static xai_status check_record(archive *a, const char *name, const char *expected)
{
    const xai__zip_entry *entry = find_entry(a, name);
    xai_status status;

    if (entry == NULL)
        return XAI_OK;
    status = xai__zip_check(&a->zip, entry);
    if (status < 0)
        return status;
    if (entry->size != strlen(expected) || memcmp(a->zip.file->data + entry->data, expected, entry->size) != 0)
        return xai__file_fail(a->zip.file, XAI_E_UNSUPPORTED, entry->data, "%s is \"%.*s\"; only \"%s\" is read", name,
                              (int)(entry->size < 20 ? entry->size : 20), a->zip.file->data + entry->data, expected);
    return XAI_OK;
}

/* Size and checksum are compared before any tensor is a view of the bytes. */
static xai_status find_record(archive *a, xai__pickle *pickle, xai__pickle_storage *storage)
{
    const xai__zip_entry *entry;
    char name[40];
    size_t size;
    xai_status status = xai__pth_storage_size(pickle, storage, &size);

    if (status < 0)
        return status;
    snprintf(name, sizeof name, "data/%llu", (unsigned long long)storage->key);
    entry = find_entry(a, name);
    if (entry == NULL)
        return xai__file_fail(pickle->file, XAI_E_FORMAT, storage->at, "the zip entry %s is missing", a->name);
    if (entry->size != size)
        return xai__file_fail(pickle->file, XAI_E_FORMAT, storage->at,
                              "storage %llu should have %zu bytes, its zip entry has %zu",
                              (unsigned long long)storage->key, size, entry->size);
    storage->data = pickle->file->data + entry->data;
    storage->size = size;
    return xai__zip_check(&a->zip, entry);
}

/* Views share a storage: its record is looked up once. */
static xai_status find_in_zip(void *user, xai__pickle *pickle, const uint32_t *order)
{
    for (size_t i = 0; i < pickle->n_storages; i++) {
        xai__pickle_storage *storage = &pickle->storages[order[i]];
        const xai__pickle_storage *before = i > 0 ? &pickle->storages[order[i - 1]] : NULL;
        xai_status status = XAI_OK;

        if (before != NULL && before->key == storage->key) {
            storage->data = before->data;
            storage->size = before->size;
        } else {
            status = find_record(user, pickle, storage);
        }
        if (status < 0)
            return status;
    }
    return XAI_OK;
}

/* torch writes nothing behind the pickle in its entry; something that is there was put there for another reader. */
static xai_status read_object(archive *a, xai__pickle *pickle)
{
    const xai__file *file = a->zip.file;
    const xai__zip_entry *entry = find_entry(a, "data.pkl");
    xai_status status;

    if (entry == NULL)
        return xai__fail(XAI_E_FORMAT, "%s: a zip file, but not one of torch.save(): the entry %.100s is missing",
                         file->name, a->name);
    status = xai__zip_check(&a->zip, entry);
    if (status == XAI_OK)
        status = xai__pickle_read(pickle, file, entry->data, entry->data + entry->size);
    if (status < 0)
        return status;
    if (pickle->end != entry->data + entry->size)
        return xai__file_fail(file, XAI_E_FORMAT, pickle->end, "bytes follow the pickle's stop opcode");
    return XAI_OK;
}

/* A TorchScript file is told before its compressed entries are, since that is what its user has to know. */
static xai_status read_archive(xai__weights *set, archive *a)
{
    xai__pickle pickle = { 0 };
    xai_status status = find_prefix(a);

    if (status == XAI_OK)
        status = refuse_script(a);
    if (status == XAI_OK)
        status = xai__zip_require_stored(&a->zip);
    if (status == XAI_OK)
        status = check_record(a, "byteorder", "little");
    if (status == XAI_OK)
        status = check_record(a, ".format_version", "1");
    if (status == XAI_OK)
        status = read_object(a, &pickle);
    if (status == XAI_OK)
        status = collect(set, &pickle, find_in_zip, a);
    xai__pickle_free(&pickle);
    return status;
}

xai_status xai__pth_read_zip(xai__weights *set)
{
    archive *a = xai__zalloc_array(set->context, 1, sizeof *a);
    xai_status status;

    if (a == NULL)
        return XAI_E_NO_MEMORY;
    status = xai__zip_open(&a->zip, &set->file);
    if (status == XAI_OK)
        status = read_archive(set, a);
    xai__zip_close(&a->zip);
    xai__free(set->context, a);
    return status;
}

/* The magic number, 1001, a dict about the machine, the object, the storages' keys, the storages. */
static const unsigned char magic[] = { 0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                       0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.' };

/* *at: where the pickle begins, then where it ended; the same below. */
static xai_status check_version(const xai__file *file, size_t *at)
{
    xai__pickle pickle = { 0 };
    xai_status status = xai__pickle_read(&pickle, file, *at, file->size);

    if (status < 0)
        return status;
    if (pickle.values[pickle.root].kind != XAI__PICKLE_INTEGER || pickle.values[pickle.root].integer != 1001)
        status = xai__file_fail(file, XAI_E_UNSUPPORTED, *at, "a torch file of a version other than 1001");
    *at = pickle.end;
    xai__pickle_free(&pickle);
    return status;
}

/* Other things that it says, the sizes of C's types, were never read by anyone. */
static xai_status check_machine(const xai__file *file, size_t *at)
{
    xai__pickle pickle = { 0 };
    const xai__pickle_value *root, *little;
    xai_status status = xai__pickle_read(&pickle, file, *at, file->size);

    if (status < 0)
        return status;
    root = &pickle.values[pickle.root];
    little = root->kind == XAI__PICKLE_DICT ? xai__pickle_find(&pickle, root, "little_endian") : NULL;
    if (little == NULL || little->kind != XAI__PICKLE_BOOL)
        status = xai__file_fail(file, XAI_E_FORMAT, *at, "the torch file does not say which byte order it has");
    else if (!little->integer)
        status = xai__file_fail(file, XAI_E_UNSUPPORTED, *at, "a torch file in big-endian byte order");
    *at = pickle.end;
    xai__pickle_free(&pickle);
    return status;
}

/* Where the list of keys and the storages begin. */
typedef struct tail {
    size_t at;
} tail;

/* The first storage with this key in the sorted order; n_storages if there is none. */
static size_t find_key(const xai__pickle *pickle, const uint32_t *order, uint64_t key)
{
    size_t low = 0, high = pickle->n_storages;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (pickle->storages[order[middle]].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < pickle->n_storages && pickle->storages[order[low]].key == key ? low : pickle->n_storages;
}

/* Takes the storage that lies at *at: its count, then its bytes, for all mentions of its key. The count stands in the
 * file twice, in the pickle and here, and both have to say the same. */
static xai_status take_storage(xai__pickle *pickle, const uint32_t *order, size_t position, size_t *at)
{
    const xai__file *file = pickle->file;
    xai__pickle_storage *storage = &pickle->storages[order[position]];
    unsigned long long key = (unsigned long long)storage->key;
    size_t size;
    xai_status status = xai__pth_storage_size(pickle, storage, &size);

    if (status < 0)
        return status;
    if (storage->dtype == XAI__N_DTYPES)
        return xai__file_fail(file, XAI_E_UNSUPPORTED, storage->at,
                              "storage %llu has no type, which torch itself refuses here", key);
    if (storage->data != NULL)
        return xai__file_fail(file, XAI_E_FORMAT, *at, "storage %llu is listed twice", key);
    if (file->size - *at < 8 || xai__load_le(file->data + *at, 8) != (uint64_t)storage->count)
        return xai__file_fail(file, XAI_E_FORMAT, *at, "storage %llu does not begin with its size of %lld elements",
                              key, (long long)storage->count);
    *at += 8;
    if (file->size - *at < size)
        return xai__file_fail(file, XAI_E_FORMAT, *at, "storage %llu of %zu bytes is cut short after %zu", key, size,
                              file->size - *at);
    for (size_t i = position; i < pickle->n_storages && pickle->storages[order[i]].key == storage->key; i++) {
        pickle->storages[order[i]].data = file->data + *at;
        pickle->storages[order[i]].size = size;
    }
    *at += size;
    return XAI_OK;
}

/* They follow the list in its order, without gaps, up to the end of the file. */
static xai_status take_storages(const xai__pickle *keys, xai__pickle *pickle, const uint32_t *order)
{
    const xai__file *file = pickle->file;
    const xai__pickle_value *list = &keys->values[keys->root];
    size_t at = keys->end;
    uint32_t cell;

    if (list->kind != XAI__PICKLE_LIST)
        return xai__file_fail(file, XAI_E_FORMAT, at, "%s instead of the list of storages",
                              xai__pickle_kind_name(list));
    cell = list->count > 0 ? list->cells.first : XAI__PICKLE_END;
    for (; cell != XAI__PICKLE_END; cell = keys->cells[cell].next) {
        size_t position = pickle->n_storages;
        uint64_t key;
        xai_status status;

        if (xai__pickle_decimal(keys, &keys->values[keys->cells[cell].value], &key))
            position = find_key(pickle, order, key);
        if (position == pickle->n_storages)
            return xai__file_fail(file, XAI_E_FORMAT, at, "the list of storages names one that no tensor uses");
        status = take_storage(pickle, order, position, &at);
        if (status < 0)
            return status;
    }
    if (at != file->size)
        return xai__file_fail(file, XAI_E_FORMAT, at, "%zu bytes follow the last storage", file->size - at);
    return XAI_OK;
}

static xai_status find_in_tail(void *user, xai__pickle *pickle, const uint32_t *order)
{
    const tail *from = user;
    xai__pickle keys = { 0 };
    xai_status status = xai__pickle_read(&keys, pickle->file, from->at, pickle->file->size);

    if (status == XAI_OK)
        status = take_storages(&keys, pickle, order);
    for (size_t i = 0; i < pickle->n_storages && status == XAI_OK; i++)
        if (pickle->storages[i].data == NULL)
            status = xai__file_fail(pickle->file, XAI_E_FORMAT, pickle->storages[i].at,
                                    "storage %llu is missing from the file's list",
                                    (unsigned long long)pickle->storages[i].key);
    xai__pickle_free(&keys);
    return status;
}

/* Each pickle begins where the one before it stopped. */
xai_status xai__pth_read_legacy(xai__weights *set)
{
    const xai__file *file = &set->file;
    size_t at = sizeof magic;
    xai__pickle pickle = { 0 };
    xai_status status;
    tail from;

    if (file->size < sizeof magic || memcmp(file->data, magic, sizeof magic) != 0)
        return xai__file_fail(file, XAI_E_FORMAT, 0,
                              file->size > 1 && file->data[1] > 2
                                  ? "a pickle, but not one of torch.save(), which writes protocol 2"
                                  : "a pickle, but not one of torch.save(): the magic number is missing");
    status = check_version(file, &at);
    if (status == XAI_OK)
        status = check_machine(file, &at);
    if (status == XAI_OK)
        status = xai__pickle_read(&pickle, file, at, file->size);
    from.at = pickle.end;
    if (status == XAI_OK)
        status = collect(set, &pickle, find_in_tail, &from);
    xai__pickle_free(&pickle);
    return status;
}
