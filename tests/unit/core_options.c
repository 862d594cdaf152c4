/* SPDX-License-Identifier: MIT
 * The reader of options structs, with callers older and newer than the library; errors and versions. */
#include "testing.h"

#include "core/error.h"
#include "core/options.h"

typedef struct known {
    size_t struct_size;
    uint32_t first, second;
} known;

typedef struct newer {
    size_t struct_size;
    uint32_t first, second;
    uint64_t third;
} newer;

START_TEST(older_caller)
{
    known in = { .struct_size = sizeof(size_t) + 4, .first = 1, .second = 99 }, out;

    ck_assert_ok(XAI__OPTIONS_READ(&out, &in));
    ck_assert_uint_eq(out.first, 1);
    ck_assert_uint_eq(out.second, 0);
}
END_TEST

START_TEST(newer_caller)
{
    newer in = { .struct_size = sizeof in, .first = 1, .second = 2 };
    known out;

    ck_assert_ok(xai__options_read(&out, sizeof out, &in, "in"));
    ck_assert_uint_eq(out.second, 2);
    in.third = 1;
    ck_assert_fails(xai__options_read(&out, sizeof out, &in, "in"), XAI_E_ABI, "in: byte 16 is set");
}
END_TEST

START_TEST(nonsense_sizes)
{
    known in = { .struct_size = 0 }, out;

    ck_assert_ok(xai__options_read(&out, sizeof out, NULL, "in"));
    ck_assert_uint_eq(out.first, 0);
    ck_assert_fails(XAI__OPTIONS_READ(&out, &in), XAI_E_ABI, "struct_size is 0");
    in.struct_size = (size_t)-1;
    ck_assert_fails(XAI__OPTIONS_READ(&out, &in), XAI_E_ABI, "struct_size");
}
END_TEST

START_TEST(context_options)
{
    xai_context_options options = { .struct_size = sizeof options, .n_threads = 1000 };
    xai_allocator half = { NULL, NULL, NULL };
    xai_context *context = (xai_context *)&options;

    ck_assert_fails(xai_context_create(&context, &options), XAI_E_INVALID, "n_threads is 1000");
    ck_assert_ptr_null(context);
    options.n_threads = 1;
    options.allocator = &half;
    ck_assert_fails(xai_context_create(&context, &options), XAI_E_INVALID, "allocator");
    ck_assert_fails(xai_context_create(NULL, NULL), XAI_E_INVALID, "out is NULL");
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(xai_status_name(XAI_E_INTERNAL), "XAI_E_INTERNAL");
    ck_assert_str_eq(xai_status_name(XAI_E_SHAPE), "XAI_E_SHAPE");
    ck_assert_str_eq(xai_status_name(XAI_FLAT), "XAI_FLAT");
    ck_assert_str_eq(xai_status_name(-99), "unknown status");
    ck_assert_str_eq(xai_status_name(3), "unknown status");
    ck_assert_uint_eq(xai_version(), 100);
    ck_assert_str_eq(xai_version_string(), "0.1.0");
}
END_TEST

START_TEST(prefix_keeps_the_message)
{
    ck_assert_int_eq(xai__fail_in(xai__fail(XAI_E_FORMAT, "byte %d is bad", 7), "a.png"), XAI_E_FORMAT);
    ck_assert_str_eq(xai_last_error(), "a.png: byte 7 is bad");
    xai__enter();
    ck_assert_str_eq(xai_last_error(), "");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("core_options");
    TCase *cases = tcase_create("all");

    tcase_add_test(cases, older_caller);
    tcase_add_test(cases, newer_caller);
    tcase_add_test(cases, nonsense_sizes);
    tcase_add_test(cases, context_options);
    tcase_add_test(cases, names);
    tcase_add_test(cases, prefix_keeps_the_message);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
