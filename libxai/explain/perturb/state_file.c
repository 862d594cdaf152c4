/* SPDX-License-Identifier: MIT
 * States as bytes: a head, the facts, the records, a checksum of all before it. Little-endian on every machine. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/crc32.h"
#include "core/error.h"
#include "core/little_endian.h"
#include "core/memory.h"
#include "explain/perturb/state.h"
#include "io/file.h"

/* Bytes of the head: magic, version and number of facts (4 each), number of targets, number of records (8 each). */
enum { HEAD = 32, CHECKSUM = 4, VERSION = 1, WORD = 8 };

/* Of numbers in single precision, none is larger than a difference of two. */
static const double LARGEST_SCORE = 2 * (double)FLT_MAX;

static const unsigned char magic[8] = { 'X', 'A', 'I', 'S', 'T', 'A', 'T', 'E' };

static uint32_t checksum(const unsigned char *bytes, size_t size)
{
    xai__crc32_table table;

    xai__crc32_init(&table);
    return xai__crc32(&table, 0, bytes, size);
}

/* --- writing --- */

/* What lies in memory is no larger, so this cannot overflow. */
static size_t size_of(const xai_state *state)
{
    size_t n_facts = state->n > 0 ? state->n_facts : 0;

    return HEAD + WORD * (n_facts + state->n * xai__state_width(state)) + CHECKSUM;
}

static void write_bytes(unsigned char *bytes, const xai_state *state)
{
    bool is_used = state->n > 0;
    size_t n_facts = is_used ? state->n_facts : 0, n_words = state->n * xai__state_width(state);
    unsigned char *at = bytes + sizeof magic;

    memcpy(bytes, magic, sizeof magic);
    at = xai__store_le(at, VERSION, 4);
    at = xai__store_le(at, n_facts, 4);
    at = xai__store_le(at, is_used ? state->n_targets : 0, WORD);
    at = xai__store_le(at, state->n, WORD);
    for (size_t i = 0; i < n_facts; i++)
        at = xai__store_le(at, state->facts[i], WORD);
    for (size_t i = 0; i < n_words; i++)
        at = xai__store_le(at, state->records[i], WORD);
    xai__store_le(at, checksum(bytes, (size_t)(at - bytes)), CHECKSUM);
}

size_t xai_state_export(const xai_state *state, void *buffer, size_t capacity)
{
    size_t size = size_of(state);

    if (size <= capacity)
        write_bytes(buffer, state);
    return size;
}

xai_status xai_state_save(const xai_state *state, const char *path)
{
    xai_context *context;
    unsigned char *bytes;
    xai_status status;
    size_t size;

    xai__enter();
    if (state == NULL)
        return xai__fail(XAI_E_INVALID, "state is NULL");
    status = xai__file_check_path(path);
    if (status < 0)
        return status;
    context = state->object.context;
    size = size_of(state);
    bytes = xai__alloc(context, size);
    if (bytes == NULL)
        return XAI_E_NO_MEMORY;
    write_bytes(bytes, state);
    status = xai__file_write(context, path, bytes, size);
    xai__free(context, bytes);
    return status;
}

/* --- reading --- */

/* What a head says. */
typedef struct head {
    size_t n_facts, n_targets, n_records;
} head;

static xai_status check_magic(const xai__file *file)
{
    uint64_t version;

    if (file->size < HEAD + CHECKSUM)
        return xai__file_fail(file, XAI_E_FORMAT, file->size, "is cut off, a state has %d bytes or more",
                              HEAD + CHECKSUM);
    if (memcmp(file->data, magic, sizeof magic) != 0)
        return xai__file_fail(file, XAI_E_FORMAT, 0, "is not a saved state");
    version = xai__load_le(file->data + 8, 4);
    if (version != VERSION)
        return xai__file_fail(file, XAI_E_UNSUPPORTED, 8, "is a state of format %llu, this version reads format %d",
                              (unsigned long long)version, VERSION);
    return XAI_OK;
}

/* The file's own size bounds all numbers, so that what is allocated for them exists. */
static xai_status read_head(head *out, const xai__file *file)
{
    uint64_t n_words = (file->size - HEAD - CHECKSUM) / WORD, n_facts = xai__load_le(file->data + 12, 4),
             n_targets = xai__load_le(file->data + 16, WORD), n_records = xai__load_le(file->data + 24, WORD);
    bool is_used = n_records > 0;

    if (n_facts > XAI__STATE_MAX_FACTS || n_targets > n_words || n_records > n_words || is_used != (n_facts > 0) ||
        is_used != (n_targets > 0))
        return xai__file_fail(file, XAI_E_FORMAT, 12, "%llu facts, %llu targets and %llu records do not fit %zu bytes",
                              (unsigned long long)n_facts, (unsigned long long)n_targets, (unsigned long long)n_records,
                              file->size);
    /* Of a pair of numbers below 2^61 the product may not fit. */
    if (is_used && (n_words < n_facts || (n_words - n_facts) / (1 + n_targets) != n_records))
        return xai__file_fail(file, XAI_E_FORMAT, file->size, "is cut off or too long for %llu records of %llu targets",
                              (unsigned long long)n_records, (unsigned long long)n_targets);
    *out = (head){ (size_t)n_facts, (size_t)n_targets, (size_t)n_records };
    return XAI_OK;
}

static xai_status check_bytes(const xai__file *file, const head *h)
{
    size_t size = HEAD + WORD * (h->n_facts + h->n_records * (1 + h->n_targets));
    uint32_t stated, found;

    if (file->size != size + CHECKSUM)
        return xai__file_fail(file, XAI_E_FORMAT, file->size, "is cut off or too long, expected %zu bytes",
                              size + CHECKSUM);
    stated = (uint32_t)xai__load_le(file->data + size, CHECKSUM);
    found = checksum(file->data, size);
    if (stated != found)
        return xai__file_fail(file, XAI_E_FORMAT, size, "is damaged: its checksum is %08x, it says %08x", found,
                              stated);
    return XAI_OK;
}

/* A checksum is easily made to fit, so scores are looked at as well. */
static xai_status read_records(xai_state *state, const xai__file *file, const head *h)
{
    const unsigned char *at = file->data + HEAD;
    size_t width, room = 1;

    state->n_facts = h->n_facts;
    state->n_targets = h->n_targets;
    width = xai__state_width(state);
    for (size_t i = 0; i < h->n_facts; i++, at += WORD)
        state->facts[i] = xai__load_le(at, WORD);
    if (h->n_records == 0)
        return XAI_OK;
    while (room < h->n_records)
        room *= 2; /* as xai__grow() wants it */
    state->records = xai__alloc_array(state->object.context, room, width * sizeof *state->records);
    if (state->records == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < h->n_records * width; i++, at += WORD) {
        double score;

        state->records[i] = xai__load_le(at, WORD);
        memcpy(&score, &state->records[i], sizeof score);
        if (i % width > 0 && !(fabs(score) <= LARGEST_SCORE))
            return xai__file_fail(file, XAI_E_FORMAT, (size_t)(at - file->data), "a score is %g", score);
    }
    state->n = h->n_records;
    return XAI_OK;
}

static xai_status read_state(xai_state **out, const xai__file *file)
{
    xai_state *state = NULL;
    head h = { 0 };
    xai_status status = check_magic(file);

    if (status == XAI_OK)
        status = read_head(&h, file);
    if (status == XAI_OK)
        status = check_bytes(file, &h);
    if (status == XAI_OK)
        status = xai_state_create(&state, file->context);
    if (status == XAI_OK)
        status = read_records(state, file, &h);
    if (status < 0)
        xai_state_unref(state);
    else
        *out = state;
    return status;
}

static xai_status check_arguments(const void *out, const xai_context *context)
{
    if (out == NULL || context == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "context");
    return XAI_OK;
}

xai_status xai_state_load(xai_state **out, xai_context *context, const char *path)
{
    xai__file file = { 0 };
    xai_status status;

    XAI__ENTER(out);
    status = check_arguments(out, context);
    if (status == XAI_OK)
        status = xai__file_open(&file, context, path);
    if (status == XAI_OK)
        status = read_state(out, &file);
    xai__file_close(&file);
    return status;
}

xai_status xai_state_load_memory(xai_state **out, xai_context *context, const void *bytes, size_t size)
{
    xai__file file = { 0 };
    xai_status status;

    XAI__ENTER(out);
    status = check_arguments(out, context);
    if (status == XAI_OK && bytes == NULL && size > 0)
        status = xai__fail(XAI_E_INVALID, "bytes is NULL");
    if (status == XAI_OK)
        status = xai__file_wrap(&file, context, bytes, size);
    if (status == XAI_OK)
        status = read_state(out, &file);
    xai__file_close(&file);
    return status;
}
