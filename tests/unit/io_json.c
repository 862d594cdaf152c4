/* SPDX-License-Identifier: MIT
 * JSON in: what is taken, what is refused and in which words, and lookups. */
#include "testing.h"

#include <math.h>

#include "core/memory.h"
#include "core/text.h"
#include "io/json.h"

static xai_context *context;

static void set_up(void)
{
    context = testing_context(1);
}

static void tear_down(void)
{
    xai_context_unref(context);
}

static xai_status parse(xai__json **out, const char *text)
{
    return xai__json_parse(out, context, "file.json", text, strlen(text), NULL);
}

static xai__json *good(const char *text)
{
    xai__json *json;

    ck_assert_ok(parse(&json, text));
    return json;
}

typedef struct bad_row {
    const char *text;
    xai_status status;
    const char *words;
} bad_row;

static const bad_row bad_rows[] = {
    { "", XAI_E_FORMAT, "file.json: line 1, byte 0: the text ends where JSON should be" },
    { "  ", XAI_E_FORMAT, "byte 2: the text ends where JSON" },
    { "nul", XAI_E_FORMAT, "'n' where JSON" },
    { "NaN", XAI_E_FORMAT, "'N' where JSON" },
    { "[-Infinity]", XAI_E_FORMAT, "not a number" },
    { "[Infinity]", XAI_E_FORMAT, "'I' where a value" },
    { "True", XAI_E_FORMAT, "'T' where JSON" },
    { "{\"a\":1,\"a\":2}", XAI_E_FORMAT, "byte 11: the key \"a\" stands twice" },
    { "{\"a\":1,\"\\u0061\":2}", XAI_E_FORMAT, "the key \"a\" stands twice" },
    { "{\"a\":{},\"b\":{\"x\":0,\"x\":0}}", XAI_E_FORMAT, "the key \"x\" stands twice" },
    { "{\"0\":0,\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"3\":1}", XAI_E_FORMAT,
      "the key \"3\" stands twice" },
    { "{'a':1}", XAI_E_FORMAT, "''' where a key in double quotes" },
    { "['a']", XAI_E_FORMAT, "''' where a value" },
    { "{a:1}", XAI_E_FORMAT, "'a' where a key" },
    { "{\"a\" 1}", XAI_E_FORMAT, "'1' where a colon" },
    { "{\"a\":}", XAI_E_FORMAT, "'}' where a value" },
    { "{\"a\":1,}", XAI_E_FORMAT, "'}' where a key" },
    { "{,}", XAI_E_FORMAT, "',' where a key" },
    { "[1,]", XAI_E_FORMAT, "']' where a value" },
    { "[,1]", XAI_E_FORMAT, "',' where a value" },
    { "[1 2]", XAI_E_FORMAT, "'2' where a comma or ']'" },
    { "{\"a\":1 \"b\":2}", XAI_E_FORMAT, "'\"' where a comma or '}'" },
    { "[1}", XAI_E_FORMAT, "'}' where a comma or ']'" },
    { "{\"a\":1]", XAI_E_FORMAT, "']' where a comma or '}'" },
    { "[1", XAI_E_FORMAT, "the text ends where a comma or ']'" },
    { "{\"a\"", XAI_E_FORMAT, "the text ends where a colon" },
    { "[]]", XAI_E_FORMAT, "']' where the end should be" },
    { "{} {}", XAI_E_FORMAT, "'{' where the end should be" },
    { "1 // one", XAI_E_FORMAT, "'/' where the end should be" },
    { "/* c */ 1", XAI_E_FORMAT, "'/' where JSON" },
    { "\"abc", XAI_E_FORMAT, "byte 0: a text without its closing quote" },
    { "\"abc\\\"", XAI_E_FORMAT, "without its closing quote" },
    { "\"a\nb\"", XAI_E_FORMAT, "control character 0x0a" },
    { "\"a\tb\"", XAI_E_FORMAT, "control character 0x09" },
    { "\"\\x41\"", XAI_E_FORMAT, "unknown escape" },
    { "\"\\", XAI_E_FORMAT, "unknown escape" },
    { "\"\\u12\"", XAI_E_FORMAT, "four hexadecimal digits" },
    { "\"\\u12g4\"", XAI_E_FORMAT, "four hexadecimal digits" },
    { "\"\\u0000\"", XAI_E_FORMAT, "no name holds a NUL" },
    { "{\"a\\u0000b\":1}", XAI_E_FORMAT, "no name holds a NUL" },
    { "\"\\ud800\"", XAI_E_FORMAT, "half of a surrogate pair" },
    { "\"\\ud800x\"", XAI_E_FORMAT, "half of a surrogate pair" },
    { "\"\\ud800\\u0041\"", XAI_E_FORMAT, "half of a surrogate pair" },
    { "\"\\udc00\"", XAI_E_FORMAT, "half of a surrogate pair" },
    { "\"\xc0\x80\"", XAI_E_FORMAT, "byte 1: not UTF-8" },
    { "\"\xed\xa0\x80\"", XAI_E_FORMAT, "not UTF-8" },
    { "\"\xf4\x90\x80\x80\"", XAI_E_FORMAT, "not UTF-8" },
    { "\"\xe2\x82\"", XAI_E_FORMAT, "not UTF-8" },
    { "[\xff]", XAI_E_FORMAT, "byte 0xff where a value" },
    { "\xef\xbb\xbf{}", XAI_E_FORMAT, "byte order mark" },
    { "\xff\xfe{}", XAI_E_FORMAT, "UTF-16" },
    { "\xfe\xff{}", XAI_E_FORMAT, "UTF-16" },
    { "01", XAI_E_FORMAT, "not a number" },
    { "-", XAI_E_FORMAT, "not a number" },
    { "-01", XAI_E_FORMAT, "not a number" },
    { "+1", XAI_E_FORMAT, "'+' where JSON" },
    { ".5", XAI_E_FORMAT, "'.' where JSON" },
    { "1.", XAI_E_FORMAT, "not a number" },
    { "1.e5", XAI_E_FORMAT, "not a number" },
    { "1e", XAI_E_FORMAT, "not a number" },
    { "1e+", XAI_E_FORMAT, "not a number" },
    { "0x10", XAI_E_FORMAT, "'x' where the end" },
    { "1e400", XAI_E_FORMAT, "no double holds" },
    { "[\n1,\n2,\n x]", XAI_E_FORMAT, "line 4, byte 9: 'x' where a value" },
};

START_TEST(refuses_bad_texts)
{
    for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
        xai__json *json = (xai__json *)1;

        ck_assert_fails(parse(&json, bad_rows[i].text), bad_rows[i].status, bad_rows[i].words);
        ck_assert_ptr_null(json);
    }
}
END_TEST

START_TEST(utf16_is_named)
{
    xai__json *json;

    ck_assert_fails(xai__json_parse(&json, context, "f", "{\0}\0", 4, NULL), XAI_E_FORMAT, "UTF-16");
    ck_assert_fails(xai__json_parse(&json, context, "f", "\0{\0}", 4, NULL), XAI_E_FORMAT, "UTF-16");
    ck_assert_fails(xai__json_parse(&json, context, "f", "{}\0", 3, NULL), XAI_E_FORMAT, "byte 0x00 where the end");
}
END_TEST

START_TEST(every_cut_is_refused)
{
    static const char text[] =
        "{\"k\\u00e9y\": [1, -2.5e-3, true, null, \"\\ud83d\\ude00 \xc3\xa9\"], \"o\": {\"x\": {}}}";
    xai__json *json;

    for (size_t size = 0; size < sizeof text - 1; size++) {
        ck_assert_int_eq(xai__json_parse(&json, context, "cut", text, size, NULL), XAI_E_FORMAT);
        ck_assert_ptr_null(json);
    }
    xai__json_free(good(text));
}
END_TEST

START_TEST(depth_is_bounded)
{
    enum { DEEP = 100000 };
    char *text = malloc(DEEP + 1);
    xai__json *json;

    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    ck_assert_ok(xai__json_parse(&json, context, "deep", text, 128, NULL));
    xai__json_free(json);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    ck_assert_fails(xai__json_parse(&json, context, "deep", text, 130, NULL), XAI_E_LIMIT, "nested more than 64 deep");
    memset(text, '[', DEEP);
    ck_assert_fails(xai__json_parse(&json, context, "deep", text, DEEP, NULL), XAI_E_LIMIT, "byte 64: nested");
    free(text);
}
END_TEST

START_TEST(budgets_hold)
{
    xai__json_options options = { .max_size = 10, .max_values = 3 };
    xai__json *json;

    ck_assert_ok(xai__json_parse(&json, context, "b", "[1,2]", 5, &options));
    xai__json_free(json);
    ck_assert_fails(xai__json_parse(&json, context, "b", "[1,2,3]", 7, &options), XAI_E_LIMIT, "more than 3 values");
    ck_assert_fails(xai__json_parse(&json, context, "b", "[1,   2    ]", 12, &options), XAI_E_LIMIT, "at most 10");
}
END_TEST

START_TEST(tail_is_the_callers)
{
    xai__json_options options = { .tail = " ", .offset = 8 };
    xai__json *json;

    ck_assert_ok(xai__json_parse(&json, context, "t", "{}   ", 5, &options));
    xai__json_free(json);
    ck_assert_fails(xai__json_parse(&json, context, "t", "{}\n", 3, &options), XAI_E_FORMAT,
                    "byte 10: byte 0x0a where the end");
    ck_assert_fails(xai__json_parse(&json, context, "t", "{}\0", 3, &options), XAI_E_FORMAT, "byte 0x00 where the end");
    xai__json_free(good("{} \r\n\t"));
}
END_TEST

START_TEST(numbers_are_exact)
{
    static const struct {
        const char *text;
        enum xai__json_kind kind;
        int64_t integer;
        double number;
    } rows[] = {
        { "0", XAI__JSON_INTEGER, 0, 0 },
        { "-0", XAI__JSON_INTEGER, 0, 0 },
        { "9223372036854775807", XAI__JSON_INTEGER, INT64_MAX, 9223372036854775807.0 },
        { "-9223372036854775808", XAI__JSON_INTEGER, INT64_MIN, -9223372036854775808.0 },
        { "9223372036854775808", XAI__JSON_NUMBER, 0, 9223372036854775808.0 },
        { "99999999999999999999999", XAI__JSON_NUMBER, 0, 1e23 },
        { "9007199254740993", XAI__JSON_INTEGER, 9007199254740993, 9007199254740992.0 },
        { "1e0", XAI__JSON_NUMBER, 0, 1.0 },
        { "1.0", XAI__JSON_NUMBER, 0, 1.0 },
        { "-2.5E-3", XAI__JSON_NUMBER, 0, -0.0025 },
        { "0.00392156862745098", XAI__JSON_NUMBER, 0, 0.00392156862745098 },
        { "1e-400", XAI__JSON_NUMBER, 0, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        xai__json *json = good(rows[i].text);
        xai__json_value root = xai__json_root(json);
        int64_t integer = 0;
        double number;

        ck_assert_int_eq(xai__json_kind(root), rows[i].kind);
        if (rows[i].kind == XAI__JSON_INTEGER) {
            ck_assert_ok(xai__json_integer(&integer, root, INT64_MIN, INT64_MAX));
            ck_assert_int_eq(integer, rows[i].integer);
        } else {
            ck_assert_fails(xai__json_integer(&integer, root, INT64_MIN, INT64_MAX), XAI_E_FORMAT,
                            "at the top: expected an integer");
        }
        ck_assert_ok(xai__json_number(&number, root));
        ck_assert(number == rows[i].number);
        xai__json_free(json);
    }
}
END_TEST

START_TEST(texts_are_decoded)
{
    static const struct {
        const char *json, *text;
    } rows[] = {
        { "\"\"", "" },
        { "\"plain\"", "plain" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
        { "\"\\u00e9\\u20AC\"", "\xc3\xa9\xe2\x82\xac" },
        { "\"\\ud83d\\ude00\\uD83D\\uDE00\"", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80" },
        { "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "\"\\uffff\\u0001\x7f\"", "\xef\xbf\xbf\x01\x7f" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        xai__json *json = good(rows[i].json);
        const char *text;

        ck_assert_ok(xai__json_string(&text, xai__json_root(json)));
        ck_assert_str_eq(text, rows[i].text);
        ck_assert_uint_eq(xai__json_count(xai__json_root(json)), strlen(text));
        xai__json_free(json);
    }
}
END_TEST

START_TEST(members_are_found)
{
    xai__json *json = good("{\"a\": [10, [1, 2], {\"x\": true}, \"t\"], \"b\": null, \"c\": {}, \"d\": -1.5}");
    xai__json_value root = xai__json_root(json), a, element, x;
    const char *text;
    int64_t integer;
    double number;
    bool truth;

    ck_assert_uint_eq(xai__json_count(root), 4);
    ck_assert_ptr_null(xai__json_key(root));
    ck_assert_ok(xai__json_get(&a, root, "a"));
    ck_assert_str_eq(xai__json_key(a), "a");
    ck_assert_ok(xai__json_at(&element, a, 3));
    ck_assert_ok(xai__json_string(&text, element));
    ck_assert_str_eq(text, "t");
    ck_assert_ok(xai__json_at(&element, a, 1));
    ck_assert_ok(xai__json_at(&x, element, 1));
    ck_assert_ok(xai__json_integer(&integer, x, 0, 2));
    ck_assert_int_eq(integer, 2);
    ck_assert_fails(xai__json_integer(&integer, x, 3, 9), XAI_E_FORMAT, "at a[1][1]: 2 is not between 3 and 9");
    ck_assert_ok(xai__json_at(&element, a, 2));
    ck_assert_ok(xai__json_get_bool(&truth, element, "x"));
    ck_assert(truth);
    ck_assert_fails(xai__json_get_number(&number, element, "x"), XAI_E_FORMAT,
                    "file.json: line 1, byte 25: at a[2].x: expected a number, found true or false");
    ck_assert_fails(xai__json_get_number(&number, element, "y"), XAI_E_FORMAT, "at a[2]: the key \"y\" is missing");
    ck_assert_fails(xai__json_at(&x, a, 4), XAI_E_FORMAT, "at a: element 4 is missing, there are 4");
    ck_assert_fails(xai__json_at(&x, root, 0), XAI_E_FORMAT, "at the top: expected an array, found an object");
    ck_assert_fails(xai__json_get(&x, a, "k"), XAI_E_FORMAT, "expected an object, found an array");
    ck_assert_fails(xai__json_get_bool(&truth, root, "b"), XAI_E_FORMAT, "found null");
    ck_assert_fails(xai__json_get_string(&text, root, "d"), XAI_E_FORMAT, "at d: expected a text, found a number");
    ck_assert_fails(xai__json_get_integer(&integer, root, "d", 0, 1), XAI_E_FORMAT, "expected an integer");
    ck_assert_fails(xai__json_expect(root, XAI__JSON_ARRAY), XAI_E_FORMAT, "expected an array");
    ck_assert_ok(xai__json_get_number(&number, root, "d"));
    ck_assert(number == -1.5);
    ck_assert(!xai__json_first(&x, element) || strcmp(xai__json_key(x), "x") == 0);
    ck_assert_ok(xai__json_get(&element, root, "c"));
    ck_assert(!xai__json_first(&x, element));
    ck_assert(!xai__json_find(&x, a, "a"));
    xai__json_free(json);
}
END_TEST

START_TEST(unknown_keys_are_refused)
{
    static const char *const keys[] = { "a", "b", NULL };
    xai__json *json = good("{\"b\": 1}");

    ck_assert_ok(xai__json_only(xai__json_root(json), keys));
    xai__json_free(json);
    json = good("{\"b\": 1, \"c\": 2}");
    ck_assert_fails(xai__json_only(xai__json_root(json), keys), XAI_E_FORMAT, "at c: unknown key");
    xai__json_free(json);
    json = good("[]");
    ck_assert_fails(xai__json_only(xai__json_root(json), keys), XAI_E_FORMAT, "expected an object");
    xai__json_free(json);
}
END_TEST

/* Many keys that share a long beginning: both building and looking up stay quick. */
START_TEST(large_objects)
{
    enum { MANY = 100000 };
    xai__json_value member;
    xai__json *json;
    xai__text text;
    int64_t integer;
    char key[64];
    int n = 0;

    xai__text_init(&text, context);
    xai__text_add(&text, "{");
    for (int i = 0; i < MANY; i++)
        xai__text_add(&text, "%s\"a.long.common.prefix.%d\": %d", i > 0 ? ",\n" : "", i * 7 % MANY, i);
    xai__text_add(&text, "}");
    json = good(xai__text_get(&text));
    for (int i = 0; i < MANY; i += 13) {
        snprintf(key, sizeof key, "a.long.common.prefix.%d", i * 7 % MANY);
        ck_assert_ok(xai__json_get_integer(&integer, xai__json_root(json), key, 0, MANY));
        ck_assert_int_eq(integer, i);
    }
    ck_assert(!xai__json_find(&member, xai__json_root(json), "a.long.common.prefix.x"));
    for (bool more = xai__json_first(&member, xai__json_root(json)); more; more = xai__json_next(&member)) {
        ck_assert_ok(xai__json_integer(&integer, member, n, n));
        n++;
    }
    ck_assert_int_eq(n, MANY);
    xai__json_free(json);
    xai__text_fini(&text);
}
END_TEST

START_TEST(loads_files)
{
    char path[4096];
    xai__json *json;
    xai__json_value value;

    ck_assert_fails(xai__json_load(&json, context, "no-such.json", NULL), XAI_E_IO, "no-such.json: cannot open");
    ck_assert_ptr_null(json);
    snprintf(path, sizeof path, "%s", testing_source("examples/models/resnet18.json"));
    ck_assert_ok(xai__json_load(&json, context, path, NULL));
    ck_assert(xai__json_find(&value, xai__json_root(json), "arch"));
    xai__json_free(json);
    ck_assert_fails(xai__json_load(&json, context, testing_source("tests/testing.h"), NULL), XAI_E_FORMAT,
                    "testing.h: line 1, byte 0");
    xai__json_free(NULL);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_json");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, refuses_bad_texts);
    tcase_add_test(cases, utf16_is_named);
    tcase_add_test(cases, every_cut_is_refused);
    tcase_add_test(cases, depth_is_bounded);
    tcase_add_test(cases, budgets_hold);
    tcase_add_test(cases, tail_is_the_callers);
    tcase_add_test(cases, numbers_are_exact);
    tcase_add_test(cases, texts_are_decoded);
    tcase_add_test(cases, members_are_found);
    tcase_add_test(cases, unknown_keys_are_refused);
    tcase_add_test(cases, large_objects);
    tcase_add_test(cases, loads_files);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
