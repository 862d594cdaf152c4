/* SPDX-License-Identifier: MIT
 * SVG out: words that stay words, widths, lines, the frame. */
#include "io/svg.h"
#include "testing.h"

static xai_context *context;
static xai__text text;

static void set_up(void)
{
    context = testing_context(1);
    xai__text_init(&text, context);
}

static void tear_down(void)
{
    xai__text_fini(&text);
    xai_context_unref(context);
}

START_TEST(escapes_words)
{
    xai__svg_words(&text, "<a b=\"c\" d='e'>&amp;\t\n");
    ck_assert_str_eq(xai__text_get(&text), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;\t\n");
}
END_TEST

/* XML has no way to say these. */
START_TEST(replaces_what_xml_lacks)
{
    xai__svg_words(&text, "a\x01\x1bz \xff\xc3(\xe7\x8c\xab");
    ck_assert_str_eq(xai__text_get(&text), "a\xef\xbf\xbd\xef\xbf\xbdz \xef\xbf\xbd\xef\xbf\xbd(\xe7\x8c\xab");
}
END_TEST

START_TEST(measures_words)
{
    ck_assert_uint_eq(xai__svg_width("", 12, false), 0);
    ck_assert_uint_eq(xai__svg_width("iii", 64, false), 54);
    ck_assert_uint_eq(xai__svg_width("W", 64, true), 71);
    ck_assert_uint_eq(xai__svg_width("e\xcc\x81", 64, false), 39); /* a combining accent */
    ck_assert_uint_ge(xai__svg_width("\xe7\x8c\xab", 64, false), 64);
    ck_assert_uint_gt(xai__svg_width("\xff", 64, false), 0);
}
END_TEST

START_TEST(fits_whole_characters)
{
    ck_assert_uint_eq(xai__svg_fit("iiii", 64, false, 54), 3);
    ck_assert_uint_eq(xai__svg_fit("iiii", 64, false, 1000), 4);
    ck_assert_uint_eq(xai__svg_fit("WW", 64, false, 1), 1); /* one at least, or a loop would not end */
    ck_assert_uint_eq(xai__svg_fit("\xe7\x8c\xab\xe7\x8c\xab", 64, false, 100), 3);
    ck_assert_uint_eq(xai__svg_fit("", 64, false, 100), 0);
}
END_TEST

START_TEST(breaks_lines_at_blanks)
{
    const char *words = "one two three";

    ck_assert_uint_eq(xai__svg_fit_line(words, 12, false, xai__svg_width("one two", 12, false)), 4);
    ck_assert_uint_eq(xai__svg_fit_line(words, 12, false, xai__svg_width("one two ", 12, false)), 8);
    ck_assert_uint_eq(xai__svg_fit_line(words, 12, false, 1000), 13);
    ck_assert_uint_eq(xai__svg_fit_line("unbroken", 12, false, xai__svg_width("unb", 12, false)), 3);
}
END_TEST

START_TEST(frames_a_picture)
{
    xai__svg_begin(&text, 30, 20, "a < b", "", "text{}");
    xai__svg_end(&text);
    ck_assert_str_eq(xai__text_get(&text),
                     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                     "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"30\" height=\"20\" viewBox=\"0 0 30 20\" "
                     "role=\"img\">\n"
                     "<title>a &lt; b</title>\n"
                     "<style>text{}</style>\n"
                     "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
                     "</svg>\n");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_svg");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, escapes_words);
    tcase_add_test(cases, replaces_what_xml_lacks);
    tcase_add_test(cases, measures_words);
    tcase_add_test(cases, fits_whole_characters);
    tcase_add_test(cases, breaks_lines_at_blanks);
    tcase_add_test(cases, frames_a_picture);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
