/* SPDX-License-Identifier: MIT
 * safetensors: rows 1 to 34 of the table of bad inputs, each with its status and its words. */
#include "testing.h"

#include "core/text.h"
#include "io/dtype.h"
#include "io/weights.h"

static xai_context *context;

static void set_up(void)
{
    context = testing_context(1);
}

static void tear_down(void)
{
    xai_context_unref(context);
}

/* A length, a header, and n_data bytes that count up. */
static xai_status open_length(xai__weights **out, uint64_t length, const char *header, size_t size, size_t n_data)
{
    unsigned char *bytes = malloc(8 + size + n_data);
    xai_status status;

    for (size_t i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(length >> 8 * i);
    memcpy(bytes + 8, header, size);
    for (size_t i = 0; i < n_data; i++)
        bytes[8 + size + i] = (unsigned char)i;
    status = xai__weights_open_memory(out, context, bytes, 8 + size + n_data);
    free(bytes);
    return status;
}

static xai_status open_header(xai__weights **out, const char *header, size_t n_data)
{
    return open_length(out, strlen(header), header, strlen(header), n_data);
}

typedef struct header_row {
    const char *header;
    size_t n_data;
    xai_status status;
    const char *words;
} header_row;

#define F32X1(begin, end) "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" #begin "," #end "]}"

static const header_row good_rows[] = {
    { "{}", 0, XAI_OK, "" },
    { "{}       ", 0, XAI_OK, "" },
    { "{\"a\":" F32X1(0, 4) "}", 4, XAI_OK, "" },
    { "{ \"a\" :\n" F32X1(0, 4) "}  ", 4, XAI_OK, "" },
    { "{\"b\":" F32X1(4, 8) ",\"a\":" F32X1(0, 4) "}", 8, XAI_OK, "" },
    { "{\"__metadata__\":{\"format\":\"pt\"},\"a\":" F32X1(0, 4) "}", 4, XAI_OK, "" },
    { "{\"__metadata__\":null,\"a\":" F32X1(0, 4) "}", 4, XAI_OK, "" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, XAI_OK, "" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\"b\":" F32X1(0, 4) "}", 4, XAI_OK, "" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":[1,{}]}}", 4, XAI_OK, "" },
    { "{\"a\":{\"dtype\":\"F4\",\"shape\":[2,3],\"data_offsets\":[0,3]}}", 3, XAI_OK, "" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[0,8589934592,8589934592],\"data_offsets\":[0,0]}}", 0, XAI_OK, "" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[8589934592,8589934592,0],\"data_offsets\":[0,0]}}", 0, XAI_OK, "" },
    { "{\"\":" F32X1(0, 4) "}", 4, XAI_OK, "" },
};

static const header_row bad_rows[] = {
    /* 6, 9: the header is no object */
    { " {}", 0, XAI_E_FORMAT, "does not begin with '{'" },
    { "[]", 0, XAI_E_FORMAT, "does not begin with '{'" },
    { "\"a\"", 0, XAI_E_FORMAT, "does not begin with '{'" },
    { "12", 0, XAI_E_FORMAT, "does not begin with '{'" },
    { "\xef\xbb\xbf{}", 0, XAI_E_FORMAT, "does not begin with '{'" },
    /* 7, 30: texts */
    { "{\"\xff\":" F32X1(0, 4) "}", 4, XAI_E_FORMAT, "byte 10: not UTF-8" },
    { "{\"\xc0\x80\":" F32X1(0, 4) "}", 4, XAI_E_FORMAT, "not UTF-8" },
    { "{\"\\ud800\":" F32X1(0, 4) "}", 4, XAI_E_FORMAT, "half of a surrogate pair" },
    { "{\"a\\u0000b\":" F32X1(0, 4) "}", 4, XAI_E_FORMAT, "NUL" },
    /* 8: what follows */
    { "{}\n", 0, XAI_E_FORMAT, "byte 0x0a where the end" },
    { "{}x", 0, XAI_E_FORMAT, "'x' where the end" },
    { "{} {}", 0, XAI_E_FORMAT, "'{' where the end" },
    /* 11, 12, 13: duplicates */
    { "{\"a\":" F32X1(0, 4) ",\"a\":" F32X1(0, 4) "}", 4, XAI_E_FORMAT, "the key \"a\" stands twice" },
    { "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, XAI_E_FORMAT,
      "the key \"dtype\" stands twice" },
    { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, XAI_E_FORMAT, "the key \"__metadata__\" stands twice" },
    { "{\"__metadata__\":{\"k\":\"a\",\"k\":\"b\"}}", 0, XAI_E_FORMAT, "the key \"k\" stands twice" },
    /* 14: metadata */
    { "{\"__metadata__\":{\"k\":1}}", 0, XAI_E_FORMAT, "at __metadata__.k: expected a text, found an integer" },
    { "{\"__metadata__\":[]}", 0, XAI_E_FORMAT, "at __metadata__: expected an object" },
    /* 16: types */
    { "{\"a\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, XAI_E_UNSUPPORTED,
      "type \"f32\" is unknown" },
    { "{\"a\":{\"dtype\":\"F128\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, XAI_E_UNSUPPORTED, "at a: the type" },
    { "{\"a\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, XAI_E_FORMAT, "at a.dtype: expected a text" },
    { "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, XAI_E_FORMAT, "at a: the key \"dtype\" is missing" },
    { "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, XAI_E_FORMAT, "at a: the key \"shape\" is missing" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, XAI_E_FORMAT, "the key \"data_offsets\" is missing" },
    { "{\"a\":7}", 4, XAI_E_FORMAT, "at a: expected an object, found an integer" },
    /* 17: numbers */
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, XAI_E_FORMAT,
      "at a.shape[0]: -1 is not between" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, XAI_E_FORMAT,
      "expected an integer, found a number" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1e0],\"data_offsets\":[0,4]}}", 4, XAI_E_FORMAT, "expected an integer" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[18446744073709551616],\"data_offsets\":[0,4]}}", 4, XAI_E_FORMAT,
      "expected an integer" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1099511627777],\"data_offsets\":[0,4]}}", 4, XAI_E_FORMAT,
      "1099511627777 is not between" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":\"1\",\"data_offsets\":[0,4]}}", 4, XAI_E_FORMAT,
      "at a.shape: expected an array" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,18446744073709551615]}}", 4, XAI_E_FORMAT,
      "expected an integer" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, XAI_E_FORMAT,
      "at a.data_offsets[0]: -4" },
    /* 18, 19: offsets */
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4]}}", 4, XAI_E_FORMAT,
      "1 numbers; a beginning and an end" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, XAI_E_FORMAT, "3 numbers" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":{}}}", 4, XAI_E_FORMAT,
      "expected an array, found an object" },
    { "{\"a\":" F32X1(4, 0) "}", 4, XAI_E_FORMAT, "ends at 0, before its beginning at 4" },
    /* 20 to 24: places */
    { "{\"a\":" F32X1(4, 8) "}", 8, XAI_E_FORMAT,
      "tensor a begins at 4 of the data, the one before it ends at 0: a hole" },
    { "{\"a\":" F32X1(0, 4) ",\"b\":" F32X1(8, 12) "}", 12, XAI_E_FORMAT, "tensor b begins at 8 of the data" },
    { "{\"a\":" F32X1(0, 4) ",\"b\":" F32X1(2, 6) "}", 6, XAI_E_FORMAT, "they overlap" },
    { "{\"a\":" F32X1(0, 4) ",\"b\":" F32X1(0, 4) "}", 4, XAI_E_FORMAT, "they overlap" },
    { "{\"a\":" F32X1(0, 4) "}", 5, XAI_E_FORMAT, "1 bytes follow the last tensor" },
    { "{}", 1, XAI_E_FORMAT, "1 bytes follow the last tensor" },
    { "{\"a\":" F32X1(0, 4) "}", 3, XAI_E_FORMAT, "at a: ends at 4, but only 3 bytes of data" },
    { "{\"a\":" F32X1(4611686018427387904, 4611686018427387908) "}", 4, XAI_E_FORMAT, "but only 4 bytes" },
    /* 25, 26, 27: sizes */
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, XAI_E_FORMAT,
      "take 8 bytes, its offsets 4" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,4]}}", 4, XAI_E_FORMAT,
      "take 0 bytes, its offsets 4" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[8589934592,8589934592],\"data_offsets\":[0,0]}}", 0, XAI_E_FORMAT,
      "product of its shape overflows" },
    { "{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2, XAI_E_FORMAT,
      "12 bits are no whole number of bytes" },
    { "{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, XAI_E_FORMAT, "6 bits" },
    /* 28: dimensions */
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, XAI_E_UNSUPPORTED,
      "at a.shape: 9 dimensions; at most 8" },
};

START_TEST(takes_good_headers)
{
    for (size_t i = 0; i < sizeof good_rows / sizeof *good_rows; i++) {
        xai__weights *weights;

        ck_assert_ok(open_header(&weights, good_rows[i].header, good_rows[i].n_data));
        xai__weights_close(weights);
    }
}
END_TEST

START_TEST(refuses_bad_headers)
{
    for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
        xai__weights *weights = (xai__weights *)1;

        ck_assert_fails(open_header(&weights, bad_rows[i].header, bad_rows[i].n_data), bad_rows[i].status,
                        bad_rows[i].words);
        ck_assert_ptr_null(weights);
        ck_assert_ptr_nonnull(strstr(xai_last_error(), "byte "));
    }
}
END_TEST

/* 1 to 5 */
START_TEST(lengths)
{
    xai__weights *weights;

    ck_assert_fails(xai__weights_open_memory(&weights, context, "", 0), XAI_E_FORMAT, "the file is empty");
    ck_assert_fails(xai__weights_open_memory(&weights, context, "\2\0\0", 3), XAI_E_FORMAT, "3 bytes are too few");
    ck_assert_fails(open_length(&weights, 0, "{}", 2, 0), XAI_E_FORMAT, "does not begin with '{'");
    ck_assert_fails(open_length(&weights, 0, "", 0, 0), XAI_E_FORMAT, "does not begin with '{'");
    ck_assert_fails(open_length(&weights, 100000001, "{}", 2, 0), XAI_E_LIMIT,
                    "header of 100000001 bytes; at most 100000000");
    ck_assert_fails(open_length(&weights, UINT64_C(1) << 63, "{}", 2, 0), XAI_E_LIMIT, "9223372036854775808 bytes");
    ck_assert_fails(open_length(&weights, UINT64_MAX - 7, "{}", 2, 0), XAI_E_LIMIT, "at most 100000000");
    ck_assert_fails(open_length(&weights, 3, "{}", 2, 0), XAI_E_FORMAT, "of 3 bytes does not fit the file of 10");
    ck_assert_fails(open_length(&weights, 1, "{}", 2, 0), XAI_E_FORMAT, "the text ends where a key");
    ck_assert_fails(open_length(&weights, 3, "{}\0", 3, 0), XAI_E_FORMAT, "byte 0x00 where the end");
}
END_TEST

/* 10 */
START_TEST(depth)
{
    char header[400] = "{\"a\":";
    xai__weights *weights;

    memset(header + 5, '[', 300);
    ck_assert_fails(open_header(&weights, header, 0), XAI_E_LIMIT, "nested more than 64 deep");
}
END_TEST

/* 29 */
START_TEST(many_tensors)
{
    xai__weights *weights;
    xai__text text;

    for (size_t count = 100000; count <= 100001; count++) {
        xai__text_init(&text, context);
        for (size_t i = 0; i < count; i++)
            xai__text_add(&text, "%c\"%zu\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[%zu,%zu]}",
                          i > 0 ? ',' : '{', i, i, i + 1);
        xai__text_add(&text, "}");
        if (count == 100000) {
            ck_assert_ok(open_header(&weights, xai__text_get(&text), count));
            ck_assert_uint_eq(xai__weights_count(weights), count);
            ck_assert_uint_eq(*(const unsigned char *)xai__weights_find(weights, "65537")->data, 1);
            xai__weights_close(weights);
        } else {
            ck_assert_fails(open_header(&weights, xai__text_get(&text), count), XAI_E_LIMIT,
                            "more than 100000 tensors");
        }
        xai__text_fini(&text);
    }
}
END_TEST

START_TEST(long_names)
{
    char header[2048];
    xai__weights *weights;

    for (int length = 512; length <= 513; length++) {
        snprintf(header, sizeof header, "{\"%0*d\":%s}", length, 0, F32X1(0, 4));
        if (length == 512) {
            ck_assert_ok(open_header(&weights, header, 4));
            xai__weights_close(weights);
        } else {
            ck_assert_fails(open_header(&weights, header, 4), XAI_E_LIMIT, "name of 513 bytes");
        }
    }
}
END_TEST

/* Headers of odd length put the elements anywhere; 31: their values are not judged. */
START_TEST(unaligned_and_not_finite)
{
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    unsigned char bytes[8 + sizeof header + 8] = { 0 };
    size_t length = sizeof header - 1;
    const xai__weight *weight;
    xai__weights *weights;
    float wide[2];

    for (size_t blanks = 0; blanks < 2; blanks++) {
        bytes[0] = (unsigned char)(length + blanks);
        memcpy(bytes + 8, header, length);
        memset(bytes + 8 + length, ' ', blanks);
        memcpy(bytes + 8 + length + blanks, "\0\0\x80\x3f\0\0\xc0\x7f", 8);
        ck_assert_ok(xai__weights_open_memory(&weights, context, bytes, 8 + length + blanks + 8));
        weight = xai__weights_at(weights, 0);
        ck_assert_ok(xai__weight_to_f32(wide, weight));
        ck_assert_float_eq(wide[0], 1.0f);
        ck_assert(wide[1] != wide[1]);
        ck_assert_int_eq(xai__weight_borrow_f32(weight) != NULL, (8 + length + blanks) % 4 == 0);
        xai__weights_close(weights);
    }
}
END_TEST

/* Names that differ after "module." is dropped cannot clash, and a name that is nothing but the prefix stays. */
START_TEST(prefixes)
{
    xai__weights *weights;

    ck_assert_ok(open_header(&weights, "{\"module.module.a\":" F32X1(0, 4) ",\"module.module.b\":" F32X1(4, 8) "}", 8));
    ck_assert_ptr_nonnull(xai__weights_find(weights, "a"));
    xai__weights_close(weights);
    ck_assert_ok(open_header(&weights, "{\"module.a\":" F32X1(0, 4) ",\"b\":" F32X1(4, 8) "}", 8));
    ck_assert_ptr_nonnull(xai__weights_find(weights, "module.a"));
    xai__weights_close(weights);
    ck_assert_ok(open_header(&weights, "{\"module.\":" F32X1(0, 4) "}", 4));
    ck_assert_ptr_nonnull(xai__weights_find(weights, "module."));
    xai__weights_close(weights);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_safetensors");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, takes_good_headers);
    tcase_add_test(cases, refuses_bad_headers);
    tcase_add_test(cases, lengths);
    tcase_add_test(cases, depth);
    tcase_add_test(cases, many_tensors);
    tcase_add_test(cases, long_names);
    tcase_add_test(cases, unaligned_and_not_finite);
    tcase_add_test(cases, prefixes);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
