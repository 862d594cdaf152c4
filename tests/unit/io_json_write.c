/* SPDX-License-Identifier: MIT
 * JSON out: the text, and that what is written reads back. */
#include "testing.h"

#include <math.h>

#include "core/rng.h"
#include "io/json.h"
#include "io/json_write.h"

static xai_context *context;
static xai__json_writer writer;

static void set_up(void)
{
    context = testing_context(1);
    xai__json_writer_init(&writer, context);
}

static void tear_down(void)
{
    xai__json_writer_fini(&writer);
    xai_context_unref(context);
}

static const char *text_of(void)
{
    const char *text;
    size_t length;

    ck_assert_ok(xai__json_writer_text(&writer, &text, &length));
    ck_assert_uint_eq(length, strlen(text));
    return text;
}

START_TEST(writes_compactly)
{
    xai__json_write_object(&writer, NULL);
    xai__json_write_string(&writer, "path", "a/b \"c\" \\ \b\f\n\r\t\x01\x1f\x7f");
    xai__json_write_string(&writer, "caf\xc3\xa9", "\xf0\x9f\x98\x80");
    xai__json_write_string(&writer, "none", NULL);
    xai__json_write_array(&writer, "list");
    xai__json_write_integer(&writer, NULL, 0);
    xai__json_write_integer(&writer, NULL, INT64_MIN);
    xai__json_write_integer(&writer, NULL, INT64_MAX);
    xai__json_write_unsigned(&writer, NULL, UINT64_MAX);
    xai__json_write_bool(&writer, NULL, true);
    xai__json_write_bool(&writer, NULL, false);
    xai__json_write_null(&writer, NULL);
    xai__json_write_end(&writer);
    xai__json_write_array(&writer, "empty");
    xai__json_write_end(&writer);
    xai__json_write_object(&writer, "numbers");
    xai__json_write_number(&writer, "tenth", 0.1);
    xai__json_write_float(&writer, "float tenth", 0.1f);
    xai__json_write_number(&writer, "small", 1e-7);
    xai__json_write_number(&writer, "nan", NAN);
    xai__json_write_float(&writer, "infinite", -INFINITY);
    xai__json_write_end(&writer);
    xai__json_write_end(&writer);
    ck_assert_str_eq(
        text_of(),
        "{\"path\":\"a/b \\\"c\\\" \\\\ "
        "\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\",\"caf\xc3\xa9\":\"\xf0\x9f\x98\x80\",\"none\":null,"
        "\"list\":[0,-9223372036854775808,9223372036854775807,18446744073709551615,true,false,null],\"empty\":[],"
        "\"numbers\":{\"tenth\":0.1,\"float tenth\":0.1,\"small\":1e-07,\"nan\":null,\"infinite\":null}}");
}
END_TEST

START_TEST(mends_names)
{
    xai__json_write_string(&writer, NULL,
                           "a\xff"
                           "b\xc3");
    ck_assert_str_eq(text_of(), "\"a\xef\xbf\xbd"
                                "b\xef\xbf\xbd\"");
}
END_TEST

START_TEST(copies_what_fits)
{
    char buffer[4];

    xai__json_write_array(&writer, NULL);
    xai__json_write_integer(&writer, NULL, 123456);
    ck_assert_uint_eq(xai__json_writer_copy(&writer, buffer, sizeof buffer), 0);
    xai__json_writer_fini(&writer);
    xai__json_write_array(&writer, NULL);
    xai__json_write_integer(&writer, NULL, 123456);
    xai__json_write_end(&writer);
    ck_assert_uint_eq(xai__json_writer_copy(&writer, buffer, sizeof buffer), 8);
    ck_assert_str_eq(buffer, "[12");
    ck_assert_uint_eq(xai__json_writer_copy(&writer, NULL, 0), 8);
}
END_TEST

START_TEST(misuse_is_reported)
{
    const char *text;

    ck_assert_fails(xai__json_writer_text(&writer, &text, NULL), XAI_E_INTERNAL, "not finished");
    xai__json_writer_fini(&writer);
    xai__json_write_object(&writer, NULL);
    xai__json_write_integer(&writer, NULL, 1);
    xai__json_write_end(&writer);
    ck_assert_fails(xai__json_writer_text(&writer, &text, NULL), XAI_E_INTERNAL, "without a key");
    ck_assert_ptr_null(text);
    xai__json_writer_fini(&writer);
    xai__json_write_object(&writer, NULL);
    xai__json_write_integer(&writer, "a", 1);
    xai__json_write_integer(&writer, "a", 1);
    xai__json_write_end(&writer);
    ck_assert_fails(xai__json_writer_text(&writer, &text, NULL), XAI_E_INTERNAL, "added twice");
    xai__json_writer_fini(&writer);
    xai__json_write_end(&writer);
    ck_assert_fails(xai__json_writer_text(&writer, &text, NULL), XAI_E_INTERNAL, "more ends");
}
END_TEST

/* Random documents come back through the reader. */
START_TEST(reads_back)
{
    enum { MANY = 3000 };
    xai__json_value root, member;
    xai__json *json;
    xai__rng rng;
    const char *text;
    char key[32], value[32];
    size_t length;

    xai__rng_seed(&rng, 3);
    xai__json_write_object(&writer, NULL);
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "key %d\n", i);
        for (int k = 0; k < 31; k++)
            value[k] = (char)(1 + xai__rng_next(&rng) % 127);
        value[31] = '\0';
        xai__json_write_object(&writer, key);
        xai__json_write_string(&writer, "text", value);
        xai__json_write_number(&writer, "number", xai__rng_uniform(&rng));
        xai__json_write_end(&writer);
    }
    xai__json_write_end(&writer);
    ck_assert_ok(xai__json_writer_text(&writer, &text, &length));
    ck_assert_ok(xai__json_parse(&json, context, "back", text, length, NULL));
    root = xai__json_root(json);
    ck_assert_uint_eq(xai__json_count(root), MANY);
    xai__rng_seed(&rng, 3);
    for (int i = 0; i < MANY; i++) {
        double number;

        snprintf(key, sizeof key, "key %d\n", i);
        for (int k = 0; k < 31; k++)
            value[k] = (char)(1 + xai__rng_next(&rng) % 127);
        ck_assert_ok(xai__json_get(&member, root, key));
        ck_assert_ok(xai__json_get_string(&text, member, "text"));
        ck_assert_str_eq(text, value);
        ck_assert_ok(xai__json_get_number(&number, member, "number"));
        ck_assert(number == xai__rng_uniform(&rng));
    }
    xai__json_free(json);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_json_write");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, writes_compactly);
    tcase_add_test(cases, mends_names);
    tcase_add_test(cases, copies_what_fits);
    tcase_add_test(cases, misuse_is_reported);
    tcase_add_test(cases, reads_back);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
