/* SPDX-License-Identifier: MIT
 * States as bytes: read back as they were written; refused where they are damaged, cut off or forged. */
#include <unistd.h>

#include "core/crc32.h"
#include "states.h"

enum { HEAD = 32 };

static unsigned char *example(size_t *size)
{
    const attempt own = { .seed = 1, .n_targets = 2, .second = 1 };
    xai_state *state = state_make();
    unsigned char *bytes;

    ck_assert_ok(state_try(&own, state));
    bytes = state_export(size, state);
    xai_state_unref(state);
    return bytes;
}

/* Makes the checksum fit what stands before it. */
static void sign(unsigned char *bytes, size_t size)
{
    xai__crc32_table table;
    uint32_t crc;

    xai__crc32_init(&table);
    crc = xai__crc32(&table, 0, bytes, size - 4);
    for (int i = 0; i < 4; i++)
        bytes[size - 4 + i] = (unsigned char)(crc >> 8 * i);
}

static xai_status load(xai_context *context, const unsigned char *bytes, size_t size)
{
    xai_state *state = (xai_state *)&state;
    xai_status status = xai_state_load_memory(&state, context, bytes, size);

    ck_assert((status == XAI_OK) == (state != NULL));
    ck_assert((status == XAI_OK) == (xai_last_error()[0] == '\0'));
    xai_state_unref(state);
    return status;
}

START_TEST(damaged)
{
    xai_context *context = testing_context(1);
    size_t size;
    unsigned char *bytes = example(&size);

    ck_assert_ok(load(context, bytes, size));
    for (size_t n = 0; n < size; n++)
        ck_assert_int_eq(load(context, bytes, n), XAI_E_FORMAT);
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit++) {
            xai_status status;

            bytes[i] ^= (unsigned char)(1 << bit);
            status = load(context, bytes, size);
            ck_assert_int_eq(status, i >= 8 && i < 12 ? XAI_E_UNSUPPORTED : XAI_E_FORMAT);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
    bytes = realloc(bytes, size + 1);
    ck_assert_fails(load(context, bytes, size + 1), XAI_E_FORMAT, "too long");
    free(bytes);
    xai_context_unref(context);
}
END_TEST

/* Whoever writes these makes the checksum fit as well. */
START_TEST(signed_damage)
{
    static const struct {
        size_t at, n; /* bytes that become 0xff */
        const char *words;
    } cases[] = {
        { 12, 4, "4294967295 facts" },
        { 16, 8, "18446744073709551615 targets" },
        { 24, 8, "18446744073709551615 records" },
        { 23, 1, "targets" }, /* 2^56 and more */
        { 31, 1, "records" },
    };
    xai_context *context = testing_context(1);
    size_t size;
    unsigned char *bytes = example(&size), *forged = malloc(size);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(forged, bytes, size);
        memset(forged + cases[i].at, 0xff, cases[i].n);
        sign(forged, size);
        ck_assert_fails(load(context, forged, size), XAI_E_FORMAT, cases[i].words);
    }
    for (size_t at = 12; at < HEAD; at++) { /* one more or less of each, and far more */
        for (int step = -1; step <= 64; step += step == 1 ? 63 : 2) {
            memcpy(forged, bytes, size);
            forged[at] = (unsigned char)(forged[at] + step);
            sign(forged, size);
            ck_assert_int_eq(load(context, forged, size), XAI_E_FORMAT);
        }
    }
    memcpy(forged, bytes, size);
    memset(forged + size - 12, 0xff, 8);
    sign(forged, size);
    ck_assert_fails(load(context, forged, size), XAI_E_FORMAT, "a score is");
    memcpy(forged, bytes, size);
    forged[8] = 2;
    sign(forged, size);
    ck_assert_fails(load(context, forged, size), XAI_E_UNSUPPORTED, "format 2, this version reads format 1");
    ck_assert_fails(load(context, (const unsigned char *)"no state, but long enough for one...", 36), XAI_E_FORMAT,
                    "is not a saved state");
    free(forged);
    free(bytes);
    xai_context_unref(context);
}
END_TEST

/* Facts and scores that nobody's run has, with a checksum that fits: refused by the run. */
START_TEST(forged_runs)
{
    const attempt own = { .seed = 1, .n_targets = 2, .second = 1 };
    xai_context *context = testing_context(1);
    size_t size, n_facts;
    unsigned char *bytes = example(&size), *forged = malloc(size);

    n_facts = bytes[12];
    for (size_t i = 0; i <= n_facts; i++) {
        xai_state *state = NULL;

        memcpy(forged, bytes, size);
        forged[HEAD + 8 * i] ^= 1; /* behind the facts lies the first record's number, of the picture as it is */
        sign(forged, size);
        ck_assert_ok(xai_state_load_memory(&state, context, forged, size));
        ck_assert_int_eq(state_try(&own, state), i < n_facts ? XAI_E_INVALID : XAI_OK);
        xai_state_unref(state);
    }
    for (size_t word = 0; word < 8; word++) { /* of records 1 to 8 each the number of its image */
        xai_state *state = NULL;

        memcpy(forged, bytes, size);
        forged[HEAD + 8 * (n_facts + 3 * (1 + word))] ^= 1;
        sign(forged, size);
        ck_assert_ok(xai_state_load_memory(&state, context, forged, size));
        ck_assert_fails(state_try(&own, state), XAI_E_INVALID, "of another sample than this run's");
        xai_state_unref(state);
    }
    free(forged);
    free(bytes);
    xai_context_unref(context);
}
END_TEST

START_TEST(files)
{
    const attempt own = { .seed = 1 };
    xai_context *context = testing_context(1);
    xai_state *state = state_make(), *read = NULL;
    char path[] = "/tmp/xai_state_XXXXXX", long_path[64];
    int fd = mkstemp(path);
    unsigned char small[4] = { 1, 2, 3, 4 };

    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_fails(xai_state_load(&read, context, path), XAI_E_FORMAT, "is cut off");
    ck_assert_ok(state_try(&own, state));
    ck_assert_ok(xai_state_save(state, path));
    ck_assert_ok(xai_state_load(&read, context, path));
    state_check_same(state, read);
    ck_assert_uint_eq(xai_state_export(read, small, sizeof small), xai_state_export(state, NULL, 0));
    ck_assert_uint_eq(small[0], 1); /* too small for it: nothing is written */
    xai_state_unref(read);
    snprintf(long_path, sizeof long_path, "%s/none", path);
    ck_assert_fails(xai_state_save(state, long_path), XAI_E_IO, "none");
    ck_assert_fails(xai_state_load(&read, context, long_path), XAI_E_IO, "none");
    ck_assert_fails(xai_state_save(state, ""), XAI_E_INVALID, "empty");
    ck_assert_fails(xai_state_save(NULL, path), XAI_E_INVALID, "state is NULL");
    ck_assert_fails(xai_state_load(NULL, context, path), XAI_E_INVALID, "out is NULL");
    ck_assert_fails(xai_state_load(&read, NULL, path), XAI_E_INVALID, "context is NULL");
    ck_assert_fails(xai_state_load(&read, context, NULL), XAI_E_INVALID, "path is NULL");
    ck_assert_fails(xai_state_load_memory(&read, context, NULL, 4), XAI_E_INVALID, "bytes is NULL");
    ck_assert_fails(xai_state_create(NULL, context), XAI_E_INVALID, "out is NULL");
    ck_assert_fails(xai_state_create(&read, NULL), XAI_E_INVALID, "context is NULL");
    ck_assert_ptr_null(read);
    unlink(path);
    xai_state_unref(state);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_state_file");
    TCase *c = tcase_create("bytes");

    tcase_set_timeout(c, 120);
    tcase_add_test(c, damaged);
    tcase_add_test(c, signed_damage);
    tcase_add_test(c, forged_runs);
    tcase_add_test(c, files);
    suite_add_tcase(suite, c);
    return suite;
}

TESTING_MAIN(make_suite)
