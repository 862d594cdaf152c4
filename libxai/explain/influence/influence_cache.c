/* SPDX-License-Identifier: MIT
 * Features in a file that grows, so that what was computed before a run was cut off is not computed again. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"
#include "explain/influence/influence.h"
#include "io/file_name.h"

static const char magic[8] = { 'X', 'A', 'I', 'F', 'E', 'A', 'T', '1' };

/* A machine of the other byte order reads this number otherwise. */
static const uint64_t byte_order = 0x0102030405060708u;

/* Features of one example are held in memory while they are written; a header that asks for more is a hostile one. */
enum { MOST_FEATURES = 1 << 26 };

typedef struct header {
    char magic[8];
    uint64_t byte_order;
    xai__features_kind kind;
    uint64_t digest; /* of all above */
    uint64_t reserved[2];
} header;

_Static_assert(sizeof(header) == XAI__FEATURES_HEADER, "a header has padding");

/* Designated members zero the rest, the reserved words included. */
static header make_header(const xai__features_kind *kind)
{
    header h = { .byte_order = byte_order, .kind = *kind };

    memcpy(h.magic, magic, sizeof magic);
    h.digest = xai__hash(0, &h, offsetof(header, digest));
    return h;
}

/* Two words in front: the key, and the digest of key and features. */
static size_t record_size(const xai__features_kind *kind)
{
    return XAI__FEATURES_RECORD + (size_t)kind->n_features * sizeof(float);
}

/* In a file that was checked: record is below the number of whole ones. */
static const unsigned char *record_at(const xai__file *file, const xai__features_kind *kind, size_t record)
{
    return file->data + XAI__FEATURES_HEADER + record * record_size(kind);
}

uint64_t xai__features_key(const xai__file *file, const xai__features_kind *kind, size_t record)
{
    uint64_t key;

    memcpy(&key, record_at(file, kind, record), sizeof key);
    return key;
}

/* Mappings and copies begin on whole pages or at 64 bytes, and both sizes are multiples of 4. */
const float *xai__features_at(const xai__file *file, const xai__features_kind *kind, size_t record)
{
    return (const float *)(const void *)(record_at(file, kind, record) + XAI__FEATURES_RECORD);
}

/* Each mismatch has a sentence of its own: a stale cache is common, and what is stale decides what to do. */
static xai_status check_header(const xai__file *file, const xai__features_kind *kind)
{
    header h;

    if (file->size < sizeof h)
        return xai__file_fail(file, XAI_E_FORMAT, file->size, "a header of %d bytes is cut off", XAI__FEATURES_HEADER);
    memcpy(&h, file->data, sizeof h);
    if (memcmp(h.magic, magic, sizeof magic) != 0)
        return xai__file_fail(file, XAI_E_FORMAT, 0, "is not a file of features");
    if (h.byte_order != byte_order)
        return xai__file_fail(file, XAI_E_FORMAT, offsetof(header, byte_order),
                              "was written on a machine of another byte order");
    if (h.digest != xai__hash(0, &h, offsetof(header, digest)) || h.reserved[0] != 0 || h.reserved[1] != 0)
        return xai__file_fail(file, XAI_E_FORMAT, offsetof(header, digest), "the header is damaged");
    if (h.kind.model != kind->model)
        return xai__file_fail(file, XAI_E_FORMAT, offsetof(header, kind), "holds features of another model");
    if (h.kind.layer != kind->layer || h.kind.n_features != kind->n_features)
        return xai__file_fail(file, XAI_E_FORMAT, offsetof(header, kind) + 8,
                              "holds features of another layer: %llu an example, expected %llu",
                              (unsigned long long)h.kind.n_features, (unsigned long long)kind->n_features);
    return XAI_OK;
}

/* Finds bytes that were changed or never written; it does not withstand somebody who wants to deceive. */
static uint64_t digest_record(uint64_t key, const float *features, const xai__features_kind *kind)
{
    return xai__hash(key, features, (size_t)kind->n_features * sizeof(float));
}

/* The key is the digest's seed, so that a record cannot be taken for another picture's. */
static bool is_whole(const xai__file *file, const xai__features_kind *kind, size_t record)
{
    uint64_t key = xai__features_key(file, kind, record), digest;

    memcpy(&digest, record_at(file, kind, record) + sizeof key, sizeof digest);
    return digest == digest_record(key, xai__features_at(file, kind, record), kind);
}

/* The last record may be what a run left that was cut off; one before it is damage. */
xai_status xai__features_check(size_t *n_records, const xai__file *file, const xai__features_kind *kind)
{
    xai_status status = check_header(file, kind);
    size_t n, whole = 0;

    *n_records = 0;
    if (status < 0)
        return status;
    if (kind->n_features == 0 || kind->n_features > MOST_FEATURES)
        return xai__file_fail(file, XAI_E_LIMIT, 32, "%llu features an example", (unsigned long long)kind->n_features);
    n = (file->size - XAI__FEATURES_HEADER) / record_size(kind);
    while (whole < n && is_whole(file, kind, whole))
        whole++;
    if (whole + 1 < n)
        return xai__file_fail(file, XAI_E_FORMAT, (size_t)(record_at(file, kind, whole) - file->data),
                              "record %zu of %zu is damaged", whole, n);
    *n_records = whole;
    return XAI_OK;
}

/* --- writing --- */

/* At an offset, so that a record is either whole or lies behind the last whole one. */
static xai_status write_at(const xai__features_writer *w, const void *bytes, size_t size, size_t offset)
{
    const unsigned char *at = bytes;

    while (size > 0) {
        ssize_t n = pwrite(w->fd, at, size, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return xai__file_fail_errno(w->name, "write", errno);
        at += n;
        size -= (size_t)n;
        offset += (size_t)n;
    }
    return XAI_OK;
}

static size_t offset_of(const xai__features_writer *w, size_t record)
{
    return XAI__FEATURES_HEADER + record * record_size(&w->kind);
}

/* A new file gets its header; an old one is checked, and loses a record that is cut off. */
static xai_status begin_file(xai__features_writer *w, const char *path)
{
    const header h = make_header(&w->kind);
    struct stat info;
    xai__file file;
    xai_status status;

    if (fstat(w->fd, &info) < 0)
        return xai__file_fail_errno(w->name, "read", errno);
    if (S_ISREG(info.st_mode) && info.st_size == 0)
        return write_at(w, &h, sizeof h, 0);
    status = xai__file_open(&file, w->context, path);
    if (status == XAI_OK)
        status = xai__features_check(&w->n_records, &file, &w->kind);
    xai__file_close(&file);
    if (status == XAI_OK && ftruncate(w->fd, (off_t)offset_of(w, w->n_records)) < 0)
        status = xai__file_fail_errno(w->name, "shorten", errno);
    return status;
}

/* The lock goes with the descriptor: a process that dies leaves none behind. */
xai_status xai__features_writer_open(xai__features_writer *writer, xai_context *context, const char *path,
                                     const xai__features_kind *kind)
{
    xai_status status = xai__file_check_path(path);

    *writer = (xai__features_writer){ .context = context, .kind = *kind, .fd = -1 };
    if (status < 0)
        return status;
    writer->name = xai__file_name(context, path);
    writer->record = xai__alloc(context, record_size(kind));
    if (writer->name == NULL || writer->record == NULL)
        return XAI_E_NO_MEMORY;
    do
        writer->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    while (writer->fd < 0 && errno == EINTR);
    if (writer->fd < 0)
        return xai__file_fail_errno(writer->name, "open", errno);
    if (flock(writer->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        return xai__fail(XAI_E_BUSY, "%s: another process is adding to it", writer->name);
    return begin_file(writer, path);
}

/* One write a record: where a program is killed, the file ends at a whole one or within the last. */
xai_status xai__features_writer_add(xai__features_writer *writer, uint64_t key, const float *features)
{
    const uint64_t head[2] = { key, digest_record(key, features, &writer->kind) };
    size_t size = record_size(&writer->kind);
    xai_status status;

    memcpy(writer->record, head, sizeof head);
    memcpy(writer->record + sizeof head, features, size - sizeof head);
    status = write_at(writer, writer->record, size, offset_of(writer, writer->n_records));
    if (status == XAI_OK)
        writer->n_records++;
    return status;
}

/* Closing gives back the lock. Records were written by then, so nothing is left to fail. */
void xai__features_writer_close(xai__features_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    xai__free(writer->context, writer->name);
    xai__free(writer->context, writer->record);
    *writer = (xai__features_writer){ .fd = -1 };
}
