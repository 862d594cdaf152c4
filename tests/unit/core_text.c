/* SPDX-License-Identifier: MIT
 * Texts that grow, messages of errors, UTF-8. */
#include "testing.h"

#include "core/error.h"
#include "core/text.h"
#include "core/utf8.h"

START_TEST(grows)
{
    xai_context *context = testing_context(1);
    xai__text text;
    char expected[6000] = "";

    xai__text_init(&text, context);
    ck_assert_str_eq(xai__text_get(&text), "");
    for (int i = 0; i < 1000; i++) {
        xai__text_add(&text, "%d,", i);
        sprintf(expected + strlen(expected), "%d,", i);
    }
    xai__text_add(&text, "%s", "");
    ck_assert_str_eq(xai__text_get(&text), expected);
    ck_assert_uint_eq(text.length, strlen(expected));
    ck_assert(!text.failed);
    xai__text_fini(&text);
    xai__text_fini(&text);
    xai_context_unref(context);
}
END_TEST

START_TEST(copies_what_fits)
{
    xai_context *context = testing_context(1);
    xai__text text;
    char buffer[5] = "....";

    xai__text_init(&text, context);
    ck_assert_uint_eq(xai__text_copy(&text, buffer, sizeof buffer), 0);
    ck_assert_str_eq(buffer, "");
    xai__text_add(&text, "%s", "seventeen letters");
    ck_assert_uint_eq(xai__text_copy(&text, buffer, sizeof buffer), 17);
    ck_assert_str_eq(buffer, "seve");
    ck_assert_uint_eq(xai__text_copy(&text, NULL, 0), 17);
    xai__text_fini(&text);
    xai_context_unref(context);
}
END_TEST

static void *allocate_once(size_t size, size_t alignment, void *user)
{
    size_t *left = user;
    void *data = NULL;

    if (*left == 0)
        return NULL;
    --*left;
    return posix_memalign(&data, alignment, size) == 0 ? data : NULL;
}

static void release(void *data, size_t size, void *user)
{
    free(data);
}

/* What was added before memory ran out stays, and the flag tells. */
START_TEST(fails_once_and_for_all)
{
    size_t left = SIZE_MAX;
    const xai_allocator allocator = { allocate_once, release, &left };
    const xai_context_options options = { .struct_size = sizeof options, .allocator = &allocator };
    xai_context *context = NULL;
    xai__text text;

    ck_assert_ok(xai_context_create(&context, &options));
    xai__text_init(&text, context);
    left = 1;
    xai__text_add(&text, "kept");
    xai__text_add(&text, "%1000d", 1);
    ck_assert(text.failed);
    xai__text_add(&text, "x");
    ck_assert_str_eq(xai__text_get(&text), "kept");
    ck_assert_str_eq(xai_last_error(), "out of memory");
    xai__text_fini(&text);
    xai_context_unref(context);
}
END_TEST

START_TEST(messages_are_one_line_of_utf8)
{
    char name[3000];

    ck_assert_int_eq(xai__fail(XAI_E_FORMAT, "layer '%s'", "a\nb\x01\xff\xc3\xa9\x7f"), XAI_E_FORMAT);
    ck_assert_str_eq(xai_last_error(), "layer 'a?b??\xc3\xa9?'");
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    xai__fail(XAI_E_IO, "%s", name);
    ck_assert_uint_eq(strlen(xai_last_error()), 1023);
    ck_assert_int_eq(xai__fail_in(XAI_E_IO, "file"), XAI_E_IO);
    ck_assert_uint_eq(strlen(xai_last_error()), 1023);
    ck_assert_int_eq(strncmp(xai_last_error(), "file: nnn", 9), 0);
    xai__enter();
    ck_assert_str_eq(xai_last_error(), "");
}
END_TEST

/* A message that is cut in the middle of a character. */
START_TEST(a_cut_message_is_utf8)
{
    char name[1400];

    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 == 0 ? '\xc3' : '\xa9';
    name[sizeof name - 1] = '\0';
    xai__fail(XAI_E_IO, "%s", name);
    ck_assert_uint_eq(xai__utf8_check(xai_last_error(), strlen(xai_last_error())), strlen(xai_last_error()));
    xai__fail(XAI_E_IO, "x%s", name);
    ck_assert_uint_eq(xai__utf8_check(xai_last_error(), strlen(xai_last_error())), strlen(xai_last_error()));
}
END_TEST

START_TEST(names_every_status)
{
    ck_assert_str_eq(xai_status_name(XAI_OK), "XAI_OK");
    ck_assert_str_eq(xai_status_name(XAI_PARTIAL), "XAI_PARTIAL");
    ck_assert_str_eq(xai_status_name(XAI_FLAT), "XAI_FLAT");
    ck_assert_str_eq(xai_status_name(XAI_E_INVALID), "XAI_E_INVALID");
    ck_assert_str_eq(xai_status_name(XAI_E_INTERNAL), "XAI_E_INTERNAL");
    ck_assert_str_eq(xai_status_name(99), "unknown status");
    ck_assert_str_eq(xai_status_name(INT32_MIN), "unknown status");
}
END_TEST

static const struct {
    const char *bytes;
    size_t length; /* of the first character */
} characters[] = {
    { "a", 1 },
    { "\x7f", 1 },
    { "\xc2\x80", 2 },
    { "\xdf\xbf", 2 },
    { "\xe0\xa0\x80", 3 },
    { "\xed\x9f\xbf", 3 },
    { "\xef\xbf\xbf", 3 },
    { "\xf0\x90\x80\x80", 4 },
    { "\xf4\x8f\xbf\xbf", 4 },
    { "\x80", 0 },             /* a continuation */
    { "\xc1\xbf", 0 },         /* over-long */
    { "\xe0\x9f\xbf", 0 },     /* over-long */
    { "\xf0\x8f\xbf\xbf", 0 }, /* over-long */
    { "\xed\xa0\x80", 0 },     /* a surrogate */
    { "\xf4\x90\x80\x80", 0 }, /* beyond U+10FFFF */
    { "\xf5\x80\x80\x80", 0 },
    { "\xff", 0 },
    { "\xc3", 0 }, /* cut short */
    { "\xe2\x82", 0 },
    { "\xf0\x90\x80", 0 },
    { "\xc3\x28", 0 },
};

START_TEST(measures_characters)
{
    const char *bytes = characters[_i].bytes;

    ck_assert_uint_eq(xai__utf8_length((const unsigned char *)bytes, strlen(bytes)), characters[_i].length);
}
END_TEST

START_TEST(writes_what_it_reads)
{
    static const uint32_t codes[] = { 0x41, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff };

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char out[4];
        size_t n = xai__utf8_write(out, codes[i]);

        ck_assert_uint_eq(xai__utf8_length((unsigned char *)out, n), n);
        ck_assert_uint_eq(n, codes[i] < 0x80 ? 1 : codes[i] < 0x800 ? 2 : codes[i] < 0x10000 ? 3 : 4);
    }
    ck_assert_uint_eq(xai__utf8_check("ab\xffz", 4), 2);
}
END_TEST

static Suite *text_suite(void)
{
    Suite *suite = suite_create("core_text");
    TCase *cases = tcase_create("text");

    tcase_add_test(cases, grows);
    tcase_add_test(cases, copies_what_fits);
    tcase_add_test(cases, fails_once_and_for_all);
    tcase_add_test(cases, messages_are_one_line_of_utf8);
    tcase_add_test(cases, a_cut_message_is_utf8);
    tcase_add_test(cases, names_every_status);
    tcase_add_loop_test(cases, measures_characters, 0, (int)(sizeof characters / sizeof *characters));
    tcase_add_test(cases, writes_what_it_reads);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(text_suite)
