/* SPDX-License-Identifier: MIT
 * CSV files and tables: RFC 4180's cases, numbers, labels and classes, and files that are none. */
#include <math.h>

#include "files.h"
#include "io/csv.h"

static xai_context *context;

static void set_up(void)
{
    context = testing_context(1);
}

static void tear_down(void)
{
    xai_context_unref(context);
}

static xai__csv read_csv(const char *text)
{
    xai__file file = { 0 };
    xai__csv csv = { 0 };

    ck_assert_ok(xai__file_wrap(&file, context, text, strlen(text)));
    ck_assert_ok(xai__csv_read(&csv, &file));
    xai__file_close(&file);
    return csv;
}

static void check_cells(const char *text, size_t n_columns, const char *const *cells, size_t n)
{
    xai__csv csv = read_csv(text);

    ck_assert_msg(csv.n_columns == n_columns, "%s: %zu columns", text, csv.n_columns);
    ck_assert_msg(csv.n_rows * csv.n_columns == n, "%s: %zu rows", text, csv.n_rows);
    for (size_t i = 0; i < n; i++)
        ck_assert_str_eq(xai__csv_cell(&csv, i / n_columns, i % n_columns), cells[i]);
    xai__csv_fini(&csv);
}

static const struct {
    const char *text;
    size_t n_columns, n;
    const char *cells[8];
} good[] = {
    { "a,b\n1,2\n", 2, 4, { "a", "b", "1", "2" } },
    { "a,b\r\n1,2", 2, 4, { "a", "b", "1", "2" } },
    { "\xef\xbb\xbf"
      "a,b\n,\n",
      2,
      4,
      { "a", "b", "", "" } },
    { "a,b\n1,", 2, 4, { "a", "b", "1", "" } },
    { "a\n\nx\n", 1, 3, { "a", "", "x" } },
    { "\n\na,b\n\r\n\n1,2\n\n", 2, 4, { "a", "b", "1", "2" } },
    { "\"a,\"\"b\"\"\r\nc\",\"\"\n\"1\",\"\"\"\"", 2, 4, { "a,\"b\"\r\nc", "", "1", "\"" } },
    { "gr\xc3\xb6\xc3\x9f"
      "e",
      1,
      1,
      { "gr\xc3\xb6\xc3\x9f"
        "e" } },
};

START_TEST(rfc_4180)
{
    check_cells(good[_i].text, good[_i].n_columns, good[_i].cells, good[_i].n);
}
END_TEST

static const struct {
    const char *text, *words;
} bad[] = {
    { "", "is empty, expected a header line" },
    { "\n\n", "is empty, expected a header line" },
    { "a,b\n1,2\n3\n", "line 3: has 1 cells, but the header has 2" },
    { "a,b\n\n\"1\n2\",2,3\n", "line 3: has 3 cells" },
    { "a,b\n1,x\"y\n", "line 2: a quote in a cell that does not begin with one" },
    { "a,b\n1,\"y\"z\n", "line 2: text behind a closing quote" },
    { "a,b\n1,\"y\n\n", "line 2: a quote is opened, but not closed" },
    { "a,b\r1,2\r", "line 1: a carriage return without a line feed" },
    { "a,b\n1,\xff\n", "byte 6: is not UTF-8" },
};

START_TEST(refuses_damaged_files)
{
    xai_table *table = (xai_table *)context;

    ck_assert_fails(xai_table_load_memory(&table, context, bad[_i].text, strlen(bad[_i].text)), XAI_E_FORMAT,
                    bad[_i].words);
    ck_assert_ptr_null(table);
}
END_TEST

START_TEST(refuses_nul)
{
    xai_table *table;

    ck_assert_fails(xai_table_load_memory(&table, context, "a\n1\0", 4), XAI_E_FORMAT, "byte 3: is a NUL");
    ck_assert_fails(xai_table_load_memory(&table, context, NULL, 4), XAI_E_INVALID, "bytes is NULL");
    ck_assert_fails(xai_table_load(&table, context, "/nowhere/at/all.csv"), XAI_E_IO, "all.csv");
}
END_TEST

static xai_table *load(const char *text)
{
    xai_table *table = NULL;

    ck_assert_ok(xai_table_load_memory(&table, context, text, strlen(text)));
    return table;
}

START_TEST(numbers)
{
    static const float expected[] = { 4, 1, NAN, -0.5f, 6e-3f, 3 };
    const size_t columns[] = { 2, 0 };
    char *folder = files_folder();
    const char *path = files_write_text(folder, "t.csv", "a,text,c\n1,x,4\n-.5,\"\",\n+3,z,6e-3\n");
    xai_table *table = NULL, *empty = load("a,b\n");
    xai_tensor *out = NULL;
    int64_t shape[2];

    ck_assert_ok(xai_table_load(&table, context, path));
    ck_assert_uint_eq(xai_table_n_rows(table), 3);
    ck_assert_uint_eq(xai_table_n_columns(table), 3);
    ck_assert_str_eq(xai_table_column_name(table, 1), "text");
    ck_assert_ptr_null(xai_table_column_name(table, 3));
    ck_assert_ok(xai_table_numbers(&out, table, columns, 2));
    xai_tensor_shape(out, shape, 2);
    ck_assert(shape[0] == 3 && shape[1] == 2);
    for (size_t i = 0; i < 6; i++)
        ck_assert(isnan(expected[i]) ? isnan(xai_tensor_data(out)[i]) : xai_tensor_data(out)[i] == expected[i]);
    xai_tensor_unref(out);
    ck_assert_ok(xai_table_numbers(&out, empty, columns + 1, 1));
    ck_assert_uint_eq(xai_tensor_size(out), 0);
    xai_tensor_unref(out);
    ck_assert_ptr_eq(xai_table_ref(table), table);
    xai_table_unref(table);
    xai_table_unref(table);
    xai_table_unref(empty);
    xai_table_unref(NULL);
    files_remove(folder, (const char *const[]){ "t.csv", NULL });
}
END_TEST

static const struct {
    const char *cell, *words;
} texts[] = {
    { "x", "buffer: line 4, column 2 ('b'): 'x' is not a number; a missing value is an empty cell" },
    { "NA", "'NA' is not a number" },
    { "nan", "'nan' is not a number" },
    { "inf", "'inf' is not a number" },
    { " 1", "' 1' is not a number" },
    { "1 ", "'1 ' is not a number" },
    { "0x10", "'0x10' is not a number" },
    { "1,5", NULL }, /* two cells */
    { "\"1,5\"", "'1,5' is not a number" },
    { "1e39", "1e39 is beyond float32" },
};

START_TEST(refuses_texts)
{
    const size_t columns[] = { 0, 1, 2 };
    char text[128];
    xai_table *table = NULL;
    xai_tensor *out = (xai_tensor *)context;

    snprintf(text, sizeof text, "a,b,c\n1,2,3\n\n4,%s,6\n", texts[_i].cell);
    if (texts[_i].words == NULL) {
        ck_assert_fails(xai_table_load_memory(&table, context, text, strlen(text)), XAI_E_FORMAT, "has 4 cells");
        return;
    }
    table = load(text);
    ck_assert_fails(xai_table_numbers(&out, table, columns, 3), XAI_E_FORMAT, texts[_i].words);
    ck_assert_ptr_null(out);
    xai_table_unref(table);
}
END_TEST

START_TEST(labels_and_classes)
{
    static const char *const others[] = { "b", "a", "c" }, *const twice[] = { "a", "a" }, *const fewer[] = { "a" };
    xai_table *table = load("n,t\n10,b\n9,a\n1e1,b\n9,a\n-3,c\n");
    const char *labels[4] = { NULL };
    xai_tensor *out = NULL;
    size_t n;

    ck_assert_ok(xai_table_labels(&n, table, 0, labels, 4));
    ck_assert_uint_eq(n, 4);
    ck_assert_str_eq(labels[0], "-3");
    ck_assert_str_eq(labels[1], "9");
    ck_assert_str_eq(labels[2], "10");
    ck_assert_str_eq(labels[3], "1e1");
    ck_assert_ok(xai_table_labels(&n, table, 1, labels, 1));
    ck_assert_uint_eq(n, 3);
    ck_assert_str_eq(labels[0], "a");
    ck_assert_str_eq(labels[1], "9");
    ck_assert_ok(xai_table_classes(&out, table, 1, others, 3));
    ck_assert_mem_eq(xai_tensor_data(out), ((const float[]){ 0, 1, 0, 1, 2 }), 5 * sizeof(float));
    xai_tensor_unref(out);
    ck_assert_fails(xai_table_classes(&out, table, 1, twice, 2), XAI_E_INVALID, "two labels are 'a'");
    ck_assert_fails(xai_table_classes(&out, table, 1, fewer, 1), XAI_E_FORMAT,
                    "line 2, column 2 ('t'): 'b' is none of the 1 classes");
    ck_assert_fails(xai_table_classes(&out, table, 2, fewer, 1), XAI_E_INVALID, "has no column 2, only 2");
    ck_assert_fails(xai_table_classes(&out, table, 1, fewer, 0), XAI_E_INVALID, "n_labels is 0");
    ck_assert_ok(xai_table_labels(&n, table, 1, NULL, 0));
    xai_table_unref(table);
    table = load("n,t\n1,\n");
    ck_assert_fails(xai_table_labels(&n, table, 1, NULL, 0), XAI_E_FORMAT, "line 2, column 2 ('t'): is empty");
    xai_table_unref(table);
}
END_TEST

START_TEST(finds_columns)
{
    xai_table *table = load("a,b,a,c1,c2,c3,c4,c5,c6,c7,c8,c9,d1,d2\n");
    size_t column;

    ck_assert_ok(xai_table_find_column(&column, table, "b"));
    ck_assert_uint_eq(column, 1);
    ck_assert_fails(xai_table_find_column(&column, table, "a"), XAI_E_INVALID, "has 2 columns 'a'");
    ck_assert_fails(xai_table_find_column(&column, table, "z"), XAI_E_NOT_FOUND,
                    "has no column 'z'; it has 'a', 'b', 'a', 'c1'");
    ck_assert_fails(xai_table_find_column(&column, table, "z"), XAI_E_NOT_FOUND, "'c9' and 2 more");
    ck_assert_fails(xai_table_find_column(&column, table, NULL), XAI_E_INVALID, "name is NULL");
    xai_table_unref(table);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_csv");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, rfc_4180, 0, sizeof good / sizeof *good);
    tcase_add_loop_test(cases, refuses_damaged_files, 0, sizeof bad / sizeof *bad);
    tcase_add_test(cases, refuses_nul);
    tcase_add_test(cases, numbers);
    tcase_add_loop_test(cases, refuses_texts, 0, sizeof texts / sizeof *texts);
    tcase_add_test(cases, labels_and_classes);
    tcase_add_test(cases, finds_columns);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
