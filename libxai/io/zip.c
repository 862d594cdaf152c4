/* SPDX-License-Identifier: MIT
 * Zip files with stored entries. Sizes come from the central directory (torch leaves them out of the local headers),
 * and what the two say twice must be equal, so that no other reader can see other bytes in the file than this one.
 *
 * A zip file is read from its end: the end record says where the central directory lies, whose entries say where the
 * local headers lie, behind each of which are a name, an extra field and the bytes (APPNOTE 6.3). Where 32 bits are too
 * few a value is all ones, and the true one stands in a second end record or in an extra field of id 1. torch writes
 * both end records always, and fills extra fields so that the bytes begin at a multiple of 64. */
#include "io/zip.h"

#include <string.h>

#include "core/error.h"
#include "core/little_endian.h"
#include "core/memory.h"
#include "core/sort.h"
#include "core/utf8.h"

enum {
    MAX_ENTRIES = 200000,
    MAX_NAME = 1024,
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR_SIZE = 20,
    CENTRAL_SIZE = 46,
    LOCAL_SIZE = 30,
    /* An entry may have its sizes behind its data and a name in UTF-8. */
    FLAG_DESCRIPTOR = 1 << 3,
    FLAG_UTF8 = 1 << 11
};

#define SATURATED UINT32_MAX

/* Where the central directory lies, and how many entries it is said to have. */
typedef struct directory {
    uint64_t start, size, count;
} directory;

/* A little-endian number of size bytes; the caller has made sure that they are there. */
static uint64_t load(const xai__file *file, size_t at, size_t size)
{
    return xai__load_le(file->data + at, size);
}

static bool has_signature(const xai__file *file, size_t at, unsigned char third, unsigned char fourth)
{
    const unsigned char signature[4] = { 'P', 'K', third, fourth };

    return memcmp(file->data + at, signature, 4) == 0;
}

/* Names are cut: what is wrong must stay in the sentence. */
static xai_status fail_name(const xai__file *file, const xai__zip_entry *entry, const char *what)
{
    return xai__file_fail(file, XAI_E_FORMAT, entry->start, "zip entry %.*s: %s",
                          (int)(entry->name_length < 100 ? entry->name_length : 100), entry->name, what);
}

/* The 64-bit end record stands right before its locator, which is 20 bytes and says where the record begins. */
static xai_status read_end64(const xai__file *file, size_t locator, directory *dir, size_t *end)
{
    uint64_t at = load(file, locator + 8, 8);

    if (load(file, locator + 4, 4) != 0 || load(file, locator + 16, 4) != 1)
        return xai__file_fail(file, XAI_E_UNSUPPORTED, locator, "a zip file in several parts");
    if (locator < END64_SIZE || at != locator - END64_SIZE || !has_signature(file, (size_t)at, 6, 6) ||
        load(file, (size_t)at + 4, 8) != END64_SIZE - 12)
        return xai__file_fail(file, XAI_E_FORMAT, locator, "the zip64 end record is not where its locator says");
    *end = (size_t)at;
    if (load(file, *end + 16, 8) != 0 || load(file, *end + 24, 8) != load(file, *end + 32, 8))
        return xai__file_fail(file, XAI_E_UNSUPPORTED, *end, "a zip file in several parts");
    *dir = (directory){ .count = load(file, *end + 32, 8),
                        .size = load(file, *end + 40, 8),
                        .start = load(file, *end + 48, 8) };
    return XAI_OK;
}

/* A small value that the 64-bit record repeats must be the same there. */
static bool agrees(uint64_t small, uint64_t saturated, uint64_t large)
{
    return small == large || small == saturated;
}

/* last: where the directory has to end, at the first of the end records. Its start and size come from the file, so both
 * are compared with where it lies before anything is read there. */
static xai_status check_directory(const xai__file *file, const directory *dir, size_t last)
{
    if (dir->start > last || dir->size != last - dir->start)
        return xai__file_fail(file, XAI_E_FORMAT, last,
                              "the zip directory (%llu bytes at %llu) does not end at the end record (%zu)",
                              (unsigned long long)dir->size, (unsigned long long)dir->start, last);
    if (dir->count > MAX_ENTRIES)
        return xai__file_fail(file, XAI_E_LIMIT, last, "%llu zip entries; at most %d are read",
                              (unsigned long long)dir->count, MAX_ENTRIES);
    if (dir->count > dir->size / CENTRAL_SIZE)
        return xai__file_fail(file, XAI_E_FORMAT, last, "%llu entries do not fit a zip directory of %llu bytes",
                              (unsigned long long)dir->count, (unsigned long long)dir->size);
    return XAI_OK;
}

/* The end record is the last thing in the file: torch writes no comment, in which a second one could hide. */
static xai_status find_directory(const xai__file *file, directory *dir)
{
    /* Both wrap for files that are too short; each is looked at only where it did not. */
    size_t end = file->size - END_SIZE, locator = end - LOCATOR_SIZE, last = end;
    uint64_t count, size, start;

    if (file->size < END_SIZE || !has_signature(file, end, 5, 6) || load(file, end + 20, 2) != 0)
        return xai__file_fail(file, XAI_E_FORMAT, file->size,
                              "the zip file does not end with its end record: cut short, or a comment follows");
    count = load(file, end + 10, 2);
    size = load(file, end + 12, 4);
    start = load(file, end + 16, 4);
    if (load(file, end + 4, 4) != 0 || load(file, end + 8, 2) != count)
        return xai__file_fail(file, XAI_E_UNSUPPORTED, end, "a zip file in several parts");
    *dir = (directory){ start, size, count };
    if (end >= LOCATOR_SIZE && has_signature(file, locator, 6, 7)) {
        xai_status status = read_end64(file, locator, dir, &last);

        if (status < 0)
            return status;
        if (!agrees(count, UINT16_MAX, dir->count) || !agrees(size, SATURATED, dir->size) ||
            !agrees(start, SATURATED, dir->start))
            return xai__file_fail(file, XAI_E_FORMAT, end, "the zip file's two end records differ");
    }
    return check_directory(file, dir, last);
}

/* Replaces saturated 32-bit values, in this order, by those of the zip64 field (id 1); false if it lacks one. The field
 * holds only the values that are saturated, so where one stands depends on the others. */
static bool read_extra64(const xai__file *file, size_t at, size_t length, uint64_t *const values[3])
{
    size_t end = at + length;

    while (end - at >= 4) {
        size_t id = (size_t)load(file, at, 2), size = (size_t)load(file, at + 2, 2);

        at += 4;
        if (size > end - at)
            return false;
        if (id != 1) {
            at += size;
            continue;
        }
        end = at + size;
        for (size_t i = 0; i < 3; i++) {
            if (*values[i] != SATURATED)
                continue;
            if (end - at < 8)
                return false;
            *values[i] = load(file, at, 8);
            at += 8;
        }
        return true;
    }
    return *values[0] != SATURATED && *values[1] != SATURATED && *values[2] != SATURATED;
}

/* Names are never used as paths here, but whoever unpacks the file later would. */
static const char *name_fault(const xai__zip_entry *entry)
{
    const char *name = entry->name;
    size_t length = entry->name_length;

    if (length == 0 || length > MAX_NAME)
        return "the name is empty or too long";
    if (name[0] == '/' || xai__utf8_check(name, length) != length)
        return "the name is absolute or not UTF-8";
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == '\\' || name[i] == 0x7f)
            return "the name has a character that no file name should have";
    for (size_t i = 0; i + 1 < length; i++)
        if (name[i] == '.' && name[i + 1] == '.' && (i == 0 || name[i - 1] == '/') &&
            (i + 2 == length || name[i + 2] == '/'))
            return "the name climbs out of its folder";
    return NULL;
}

/* A compressed entry is refused later, when it is known what kind of file this is. */
static xai_status check_central(const xai__file *file, const xai__zip_entry *entry, uint64_t size)
{
    const char *fault = name_fault(entry);

    if (fault != NULL)
        return fail_name(file, entry, fault);
    if (entry->flags & 1)
        return fail_name(file, entry, "encrypted");
    if (entry->flags & ~(FLAG_DESCRIPTOR | FLAG_UTF8))
        return fail_name(file, entry, "unknown flags");
    if (entry->method == 0 && size != entry->size)
        return fail_name(file, entry, "stored and true size differ");
    return XAI_OK;
}

/* Reads the entry of the central directory at *at and moves on. Until read_local() has been there, start is the place
 * of this entry, for messages, and data that of the local header. */
static xai_status read_central(const xai__file *file, const directory *dir, size_t *at, xai__zip_entry *entry)
{
    size_t end = (size_t)(dir->start + dir->size), from = *at, extra_length, length;
    uint64_t stored, size, start;

    if (end - from < CENTRAL_SIZE || !has_signature(file, from, 1, 2))
        return xai__file_fail(file, XAI_E_FORMAT, from, "no entry of the zip directory here");
    entry->name_length = (size_t)load(file, from + 28, 2);
    extra_length = (size_t)load(file, from + 30, 2);
    length = CENTRAL_SIZE + entry->name_length + extra_length + (size_t)load(file, from + 32, 2);
    if (length > end - from)
        return xai__file_fail(file, XAI_E_FORMAT, from, "an entry of the zip directory that reaches beyond its end");
    stored = load(file, from + 20, 4);
    size = load(file, from + 24, 4);
    start = load(file, from + 42, 4);
    entry->name = (const char *)file->data + from + CENTRAL_SIZE;
    entry->start = from;
    if (!read_extra64(file, from + CENTRAL_SIZE + entry->name_length, extra_length,
                      (uint64_t *const[3]){ &size, &stored, &start }))
        return fail_name(file, entry, "its zip64 sizes are missing");
    if (stored > dir->start || start > dir->start)
        return fail_name(file, entry, "reaches into the zip directory");
    entry->flags = (uint16_t)load(file, from + 8, 2);
    entry->crc = (uint32_t)load(file, from + 16, 4);
    entry->size = (size_t)stored;
    entry->method = (uint16_t)load(file, from + 10, 2);
    *at = from + length;
    if (load(file, from + 34, 2) != 0)
        return fail_name(file, entry, "lies in another part of the zip file");
    entry->data = (size_t)start;
    return check_central(file, entry, size);
}

/* A local header leaves out what stands behind the data, and what does not fit 32 bits. */
static bool repeats(const xai__file *file, size_t at, const xai__zip_entry *entry, uint64_t value, uint64_t saturated)
{
    uint64_t local = load(file, at, 4);

    return agrees(local, saturated, value) || (local == 0 && entry->flags & FLAG_DESCRIPTOR);
}

/* Finds the data behind the local header, whose offset is in entry->data. */
static xai_status read_local(const xai__file *file, const directory *dir, xai__zip_entry *entry)
{
    size_t at = entry->data, name_length, extra_length;

    entry->start = at;
    if (dir->start - at < LOCAL_SIZE || !has_signature(file, at, 3, 4))
        return fail_name(file, entry, "no local header where the directory says");
    name_length = (size_t)load(file, at + 26, 2);
    extra_length = (size_t)load(file, at + 28, 2);
    if (dir->start - at - LOCAL_SIZE < name_length + extra_length ||
        dir->start - at - LOCAL_SIZE - name_length - extra_length < entry->size)
        return fail_name(file, entry, "reaches into the zip directory");
    if (name_length != entry->name_length || memcmp(file->data + at + LOCAL_SIZE, entry->name, name_length) != 0)
        return fail_name(file, entry, "has another name in its local header");
    if (load(file, at + 6, 2) != entry->flags || load(file, at + 8, 2) != entry->method)
        return fail_name(file, entry, "has other flags or another method in its local header");
    if (!repeats(file, at + 14, entry, entry->crc, entry->crc) ||
        !repeats(file, at + 18, entry, entry->size, SATURATED) ||
        (entry->method == 0 && !repeats(file, at + 22, entry, entry->size, SATURATED)))
        return fail_name(file, entry, "has another size or checksum in its local header");
    entry->data = at + LOCAL_SIZE + name_length + extra_length;
    return XAI_OK;
}

/* ASCII only: the readers that ignore case do no more. */
static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* One order for sorting and for searching: names that differ only in case are equal in it, and refused. */
static int compare_text(const char *a, size_t a_length, const char *b, size_t b_length)
{
    for (size_t i = 0; i < a_length && i < b_length; i++)
        if (lower(a[i]) != lower(b[i]))
            return lower(a[i]) < lower(b[i]) ? -1 : 1;
    return a_length < b_length ? -1 : a_length > b_length;
}

static int compare_names(const void *user, uint32_t a, uint32_t b)
{
    const xai__zip_entry *entries = user;

    return compare_text(entries[a].name, entries[a].name_length, entries[b].name, entries[b].name_length);
}

static int compare_starts(const void *user, uint32_t a, uint32_t b)
{
    const xai__zip_entry *entries = user;

    return entries[a].start < entries[b].start ? -1 : entries[a].start > entries[b].start;
}

/* Sorted by place, each entry must end before the next one's header: overlapping ones are how small files claim to hold
 * large ones. What lies between entries, descriptors and fill, is nobody's. */
static xai_status check_overlap(xai__zip *zip)
{
    xai__sort(zip->order, zip->count, compare_starts, zip->entries);
    for (size_t i = 1; i < zip->count; i++) {
        const xai__zip_entry *before = &zip->entries[zip->order[i - 1]], *entry = &zip->entries[zip->order[i]];

        if (entry->start < before->data + before->size)
            return fail_name(zip->file, entry, "overlaps the entry before it");
    }
    return XAI_OK;
}

/* Some readers take the first of two equal names and some the last; some ignore case. */
static xai_status check_names(xai__zip *zip)
{
    xai__sort(zip->order, zip->count, compare_names, zip->entries);
    for (size_t i = 1; i < zip->count; i++)
        if (compare_names(zip->entries, zip->order[i - 1], zip->order[i]) == 0)
            return fail_name(zip->file, &zip->entries[zip->order[i]],
                             "a second entry has this name, or one that differs only in case");
    return XAI_OK;
}

static xai_status read_entries(xai__zip *zip, const directory *dir)
{
    size_t at = (size_t)dir->start;

    for (size_t i = 0; i < zip->count; i++) {
        xai_status status = read_central(zip->file, dir, &at, &zip->entries[i]);

        if (status == XAI_OK)
            status = read_local(zip->file, dir, &zip->entries[i]);
        if (status < 0)
            return status;
        zip->order[i] = (uint32_t)i;
    }
    if (at != dir->start + dir->size)
        return xai__file_fail(zip->file, XAI_E_FORMAT, at, "the zip directory has more than the %zu entries it states",
                              zip->count);
    return XAI_OK;
}

xai_status xai__zip_open(xai__zip *zip, const xai__file *file)
{
    directory dir = { 0 };
    xai_status status = find_directory(file, &dir);

    memset(zip, 0, sizeof *zip);
    zip->file = file;
    if (status < 0)
        return status;
    zip->count = (size_t)dir.count;
    zip->entries = xai__zalloc_array(file->context, zip->count, sizeof *zip->entries);
    zip->order = xai__alloc_array(file->context, zip->count, sizeof *zip->order);
    if (zip->entries == NULL || zip->order == NULL)
        status = XAI_E_NO_MEMORY;
    if (status == XAI_OK)
        status = read_entries(zip, &dir);
    if (status == XAI_OK)
        status = check_overlap(zip);
    if (status == XAI_OK)
        status = check_names(zip);
    if (status < 0) {
        xai__zip_close(zip);
        return status;
    }
    xai__crc32_init(&zip->crc);
    return XAI_OK;
}

void xai__zip_close(xai__zip *zip)
{
    if (zip->file != NULL) {
        xai__free(zip->file->context, zip->entries);
        xai__free(zip->file->context, zip->order);
    }
    memset(zip, 0, sizeof *zip);
}

const xai__zip_entry *xai__zip_find(const xai__zip *zip, const char *name)
{
    size_t length = strlen(name), low = 0, high = zip->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const xai__zip_entry *entry = &zip->entries[zip->order[middle]];
        int sign = compare_text(name, length, entry->name, entry->name_length);

        if (sign == 0)
            return memcmp(name, entry->name, length) == 0 ? entry : NULL;
        if (sign < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Nothing is unpacked, so no file can be larger in memory than on disk. */
static xai_status require_stored(const xai__zip *zip, const xai__zip_entry *entry)
{
    if (entry->method == 0)
        return XAI_OK;
    return xai__file_fail(zip->file, XAI_E_UNSUPPORTED, entry->start,
                          "zip entry %.*s is compressed (method %d); torch.save() stores entries as they are",
                          (int)(entry->name_length < 100 ? entry->name_length : 100), entry->name, entry->method);
}

xai_status xai__zip_require_stored(const xai__zip *zip)
{
    xai_status status = XAI_OK;

    for (size_t i = 0; i < zip->count && status == XAI_OK; i++)
        status = require_stored(zip, &zip->entries[i]);
    return status;
}

/* Python's and torch's readers do not look at checksums of stored entries everywhere; a flipped bit in a weight would
 * show as a wrong class. */
xai_status xai__zip_check(const xai__zip *zip, const xai__zip_entry *entry)
{
    xai_status status = require_stored(zip, entry);
    uint32_t crc;

    if (status < 0)
        return status;
    crc = xai__crc32(&zip->crc, 0, zip->file->data + entry->data, entry->size);
    if (crc != entry->crc)
        return xai__file_fail(zip->file, XAI_E_FORMAT, entry->data,
                              "zip entry %.*s is damaged: checksum %08x, expected %08x",
                              (int)(entry->name_length < 100 ? entry->name_length : 100), entry->name, crc, entry->crc);
    return XAI_OK;
}
