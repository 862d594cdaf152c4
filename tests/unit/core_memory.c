/* SPDX-License-Identifier: MIT
 * Allocation, text and digests. */
#include "testing.h"

#include "core/hash.h"
#include "core/memory.h"
#include "core/text.h"

typedef struct counting {
    size_t live_bytes, live_blocks, calls, fail_at;
} counting;

static void *count_allocate(size_t size, size_t alignment, void *user)
{
    counting *counts = user;
    void *data = NULL;

    if (++counts->calls == counts->fail_at)
        return NULL;
    ck_assert_int_eq(posix_memalign(&data, alignment, size), 0);
    counts->live_bytes += size;
    counts->live_blocks++;
    return data;
}

static void count_release(void *data, size_t size, void *user)
{
    counting *counts = user;

    counts->live_bytes -= size;
    counts->live_blocks--;
    free(data);
}

static xai_context *counting_context(counting *counts)
{
    xai_allocator allocator = { count_allocate, count_release, counts };
    xai_context_options options = { .struct_size = sizeof options, .allocator = &allocator };
    xai_context *context = NULL;

    if (xai_context_create(&context, &options) < 0)
        ck_assert_ptr_null(context);
    return context;
}

START_TEST(sizes_balance)
{
    counting counts = { 0 };
    xai_context *context = counting_context(&counts);
    char *data = xai__alloc_array(context, 3, 7);

    ck_assert_uint_eq((uintptr_t)data % XAI__ALIGNMENT, 0);
    memcpy(data, "twenty bytes of text", 21);
    data = xai__realloc_array(context, data, 100, 7);
    ck_assert_str_eq(data, "twenty bytes of text");
    xai__free(context, data);
    xai__free(context, NULL);
    xai_context_unref(context);
    ck_assert_uint_eq(counts.live_blocks, 0);
    ck_assert_uint_eq(counts.live_bytes, 0);
}
END_TEST

START_TEST(overflow_is_no_memory)
{
    xai_context *context = testing_context(1);

    ck_assert_ptr_null(xai__alloc_array(context, SIZE_MAX / 2, 3));
    ck_assert_str_eq(xai_last_error(), "out of memory");
    ck_assert_ptr_null(xai__alloc(context, SIZE_MAX));
    ck_assert_ptr_null(xai__alloc(context, (size_t)PTRDIFF_MAX));
    xai_context_unref(context);
}
END_TEST

START_TEST(failing_context)
{
    for (size_t n = 1; n <= 2; n++) {
        counting counts = { .fail_at = n };

        ck_assert_ptr_null(counting_context(&counts));
        ck_assert_uint_eq(counts.live_blocks, 0);
        ck_assert_str_eq(xai_last_error(), "out of memory");
    }
}
END_TEST

START_TEST(text_grows)
{
    xai_context *context = testing_context(1);
    char buffer[8];
    xai__text text;

    xai__text_init(&text, context);
    ck_assert_str_eq(xai__text_get(&text), "");
    for (int i = 0; i < 100; i++)
        xai__text_add(&text, "%d,", i);
    ck_assert_uint_eq(text.length, 290);
    ck_assert_uint_eq(xai__text_copy(&text, buffer, sizeof buffer), 290);
    ck_assert_str_eq(buffer, "0,1,2,3");
    ck_assert_uint_eq(xai__text_copy(&text, NULL, 0), 290);
    xai__text_fini(&text);
    xai_context_unref(context);
}
END_TEST

START_TEST(hash_tells_apart)
{
    unsigned char bytes[100] = { 0 };
    uint64_t zero = xai__hash(0, bytes, sizeof bytes);

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = 1;
        ck_assert_uint_ne(xai__hash(0, bytes, sizeof bytes), zero);
        bytes[i] = 0;
    }
    ck_assert_uint_ne(xai__hash(0, bytes, 99), zero);
    ck_assert_uint_ne(xai__hash(1, bytes, 100), zero);
    ck_assert_uint_eq(xai__hash(0, bytes, 100), zero);
}
END_TEST

/* Pieces of any number of 32 bytes, and a last one of whatever is left. */
START_TEST(hash_takes_pieces)
{
    static const size_t pieces[] = { 32, 96, 160, 1024 };
    unsigned char bytes[999];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 31);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        xai__hasher hasher;

        xai__hasher_init(&hasher, 5, sizeof bytes);
        for (size_t at = 0; at < sizeof bytes; at += pieces[i])
            xai__hasher_add(&hasher, bytes + at, sizeof bytes - at < pieces[i] ? sizeof bytes - at : pieces[i]);
        ck_assert_uint_eq(xai__hasher_finish(&hasher), xai__hash(5, bytes, sizeof bytes));
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("core_memory");
    TCase *cases = tcase_create("all");

    tcase_add_test(cases, sizes_balance);
    tcase_add_test(cases, overflow_is_no_memory);
    tcase_add_test(cases, failing_context);
    tcase_add_test(cases, text_grows);
    tcase_add_test(cases, hash_tells_apart);
    tcase_add_test(cases, hash_takes_pieces);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
