/* SPDX-License-Identifier: MIT
 * Numbers as text, UTF-8, sorting. */
#include "testing.h"

#include <float.h>
#include <locale.h>
#include <math.h>

#include "core/number.h"
#include "core/rng.h"
#include "core/sort.h"
#include "core/utf8.h"

static double read_back(const char *text)
{
    double value = NAN;

    ck_assert_msg(xai__number_read(&value, text, strlen(text)), "%s", text);
    return value;
}

START_TEST(writes_the_shortest)
{
    static const struct {
        double number;
        const char *text;
    } rows[] = {
        { 0.0, "0.0" },
        { -0.0, "-0.0" },
        { 1.0, "1.0" },
        { 0.1, "0.1" },
        { -123.456, "-123.456" },
        { 1e16, "1e+16" },
        { 9999999999999998.0, "9999999999999998.0" },
        { 1e-4, "0.0001" },
        { 1e-5, "1e-05" },
        { 0.00012345, "0.00012345" },
        { 1.0 / 3.0, "0.3333333333333333" },
        { 2.0 / 3.0, "0.6666666666666666" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 5e-324, "5e-324" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" },
        { DBL_MAX, "1.7976931348623157e+308" },
        { 100.0, "100.0" },
        { 120.5, "120.5" },
    };
    char buffer[XAI__NUMBER_SIZE];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_str_eq(xai__number_write(buffer, rows[i].number), rows[i].text);
    ck_assert_str_eq(xai__number_write_float(buffer, 0.1f), "0.1");
    ck_assert_str_eq(xai__number_write_float(buffer, 0.5636f), "0.5636");
    ck_assert_str_eq(xai__number_write_float(buffer, 16777216.0f), "16777216.0");
    ck_assert_str_eq(xai__number_write_float(buffer, FLT_MAX), "3.4028235e+38");
    ck_assert_str_eq(xai__number_write_float(buffer, 1e-45f), "1e-45");
}
END_TEST

START_TEST(random_bits_read_back)
{
    xai__rng rng;
    char buffer[XAI__NUMBER_SIZE];

    xai__rng_seed(&rng, 7);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = xai__rng_next(&rng);
        uint32_t low = (uint32_t)bits;
        double number;
        float single;

        memcpy(&number, &bits, sizeof number);
        memcpy(&single, &low, sizeof single);
        if (isfinite(number))
            ck_assert(read_back(xai__number_write(buffer, number)) == number);
        if (isfinite(single))
            ck_assert((float)read_back(xai__number_write_float(buffer, single)) == single);
    }
}
END_TEST

/* strtod() in the C locale is the judge. */
START_TEST(reads_as_the_library_does)
{
    static const char *const texts[] = { "0",
                                         "-0",
                                         "1",
                                         "+1",
                                         "1.",
                                         ".5",
                                         "1e5",
                                         "1E-5",
                                         "1.5e+3",
                                         "0.000123",
                                         "00012",
                                         "1e-400",
                                         "1e308",
                                         "123456789012345678901234567890",
                                         "9007199254740993",
                                         "9007199254740992.9999999999",
                                         "2.2250738585072011e-308",
                                         "4.9e-324",
                                         "2.4703282292062328e-324",
                                         "2.4703282292062327e-324",
                                         "1e22",
                                         "1e23",
                                         "8.41e21",
                                         "0.1e-6",
                                         "100000000000000000000000e-23",
                                         "0e99999999999" };
    static const char *const bad[] = { "",     "-",   ".",   "e5",    "1e",  "1e+", "1 ",   " 1",
                                       "0x10", "nan", "inf", "1e400", "1,5", "--1", "1.2.3" };
    double unused;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(read_back(texts[i]) == strtod(texts[i], NULL), "%s", texts[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!xai__number_read(&unused, bad[i], strlen(bad[i])), "%s", bad[i]);
}
END_TEST

START_TEST(long_numbers)
{
    char text[600];
    double value;

    memset(text, '9', sizeof text);
    ck_assert(!xai__number_read(&value, text, 513));
    ck_assert(xai__number_read(&value, text, 300));
    ck_assert(value == 1e300);
    ck_assert(!xai__number_read(&value, text, 400));
    memset(text, '0', sizeof text);
    text[1] = '.';
    ck_assert(xai__number_read(&value, text, 512));
    ck_assert(value == 0.0);
}
END_TEST

START_TEST(locale_changes_nothing)
{
    static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF", "ps_AF.UTF-8" };
    char buffer[XAI__NUMBER_SIZE];
    bool any = false;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (setlocale(LC_NUMERIC, names[i]) == NULL)
            continue;
        any = true;
        ck_assert_str_eq(xai__number_write(buffer, 1234.5678), "1234.5678");
        ck_assert(read_back("1234567890.12345678901") == 1234567890.12345678901);
    }
    setlocale(LC_NUMERIC, "C");
    if (!any)
        fprintf(stderr, "SKIP: no locale with a decimal comma is installed\n");
}
END_TEST

START_TEST(utf8_is_strict)
{
    static const struct {
        const char *bytes;
        size_t bad; /* offset */
    } rows[] = {
        { "plain", 5 },
        { "\xc3\xa9", 2 },
        { "\xe2\x82\xac", 3 },
        { "\xf0\x9f\x98\x80", 4 },
        { "\xc0\x80", 0 },
        { "\xc1\xbf", 0 },
        { "a\xe0\x9f\xbf", 1 },
        { "\xe0\xa0\x80", 3 },
        { "\xed\x9f\xbf", 3 },
        { "\xed\xa0\x80", 0 },
        { "\xf0\x8f\xbf\xbf", 0 },
        { "\xf4\x8f\xbf\xbf", 4 },
        { "\xf4\x90\x80\x80", 0 },
        { "\xf5\x80\x80\x80", 0 },
        { "\xff", 0 },
        { "ab\x80", 2 },
        { "\xe2\x82", 0 },
        { "\xf0\x9f\x98", 0 },
        { "\xe2\x28\xa1", 0 },
        { "\xf0\x9f\x28\x80", 0 },
    };
    char out[4];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_uint_eq(xai__utf8_check(rows[i].bytes, strlen(rows[i].bytes)), rows[i].bad);
    for (uint32_t code = 0; code < 0x110000; code += code < 0xd000 ? 1 : 7) {
        if (code >= 0xd800 && code < 0xe000)
            continue;
        ck_assert_uint_eq(xai__utf8_check(out, xai__utf8_write(out, code)), xai__utf8_length((unsigned char *)out, 4));
    }
}
END_TEST

static int compare_values(const void *user, uint32_t a, uint32_t b)
{
    const uint32_t *values = user;

    return values[a] < values[b] ? -1 : values[a] > values[b];
}

START_TEST(sort_is_stable_in_index)
{
    enum { MOST = 1000 };
    static uint32_t values[MOST], order[MOST];
    xai__rng rng;

    xai__rng_seed(&rng, 1);
    for (uint32_t count = 0; count <= MOST; count = count < 20 ? count + 1 : count * 2 - 11) {
        for (uint32_t range = 1; range <= MOST; range *= 10) {
            for (uint32_t i = 0; i < count; i++) {
                values[i] = (uint32_t)(xai__rng_next(&rng) % range);
                order[i] = count - 1 - i;
            }
            xai__sort(order, count, compare_values, values);
            for (uint32_t i = 1; i < count; i++) {
                int sign = compare_values(values, order[i - 1], order[i]);

                ck_assert(sign < 0 || (sign == 0 && order[i - 1] < order[i]));
            }
        }
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("core_number");
    TCase *cases = tcase_create("all");

    tcase_add_test(cases, writes_the_shortest);
    tcase_add_test(cases, random_bits_read_back);
    tcase_add_test(cases, reads_as_the_library_does);
    tcase_add_test(cases, long_numbers);
    tcase_add_test(cases, locale_changes_nothing);
    tcase_add_test(cases, utf8_is_strict);
    tcase_add_test(cases, sort_is_stable_in_index);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
