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

/* They are UTF-8, so nothing else stops them. */
START_TEST(replaces_what_is_no_character)
{
    xai__svg_words(&text, "a\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd<");
    ck_assert_str_eq(xai__text_get(&text), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd&lt;");
}
END_TEST

/* Advance widths in DejaVu Sans and its bold, in 1/2048 of the font's size; at 2048 pixels these are pixels. */
START_TEST(widths_are_never_too_small)
{
    static const struct {
        const char *words;
        uint32_t regular, bold;
    } rows[] = {
        { "i", 569, 702 },          { "f", 721, 891 },
        { "A", 1401, 1585 },        { "m", 1995, 2134 },
        { "\xc3\xa9", 1260, 1389 }, { "\xc3\x86", 1995, 2222 },
        { "\xc5\x92", 2191, 2390 }, { "\xc2\xa9", 2048, 2048 },
        { "\xd0\xa9", 2240, 2715 }, { "\xd0\xb0", 1255, 1382 },
        { "\xce\xa9", 1565, 1741 }, { "\xe2\x80\xb0", 2748, 2949 },
        { "%", 1946, 2052 },        { "\xe2\x80\xa6", 2048, 2048 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_msg(xai__svg_width(rows[i].words, 2048, false) >= rows[i].regular, "%s", rows[i].words);
        ck_assert_msg(xai__svg_width(rows[i].words, 2048, true) >= rows[i].bold, "%s in bold", rows[i].words);
    }
    ck_assert_uint_le(xai__svg_width("\xc3\xa9", 2048, false), 1260 + 1260 / 8); /* nor far too large */
}
END_TEST

START_TEST(measures_words)
{
    ck_assert_uint_eq(xai__svg_width("", 12, false), 0);
    ck_assert_uint_eq(xai__svg_width("iii", 64, false), 54);
    ck_assert_uint_eq(xai__svg_width("W", 64, true), 71);
    ck_assert_uint_eq(xai__svg_width("e\xcc\x81", 64, false), 40); /* a combining accent */
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
    tcase_add_test(cases, replaces_what_is_no_character);
    tcase_add_test(cases, widths_are_never_too_small);
    tcase_add_test(cases, measures_words);
    tcase_add_test(cases, fits_whole_characters);
    tcase_add_test(cases, breaks_lines_at_blanks);
    tcase_add_test(cases, frames_a_picture);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
