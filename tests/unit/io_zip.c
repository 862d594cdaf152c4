/* SPDX-License-Identifier: MIT
 * Zip files: row 51 of the table of bad inputs and its neighbours, by one wrong field at a time. */
#include "testing.h"

#include "bytes.h"
#include "core/text.h"
#include "io/zip.h"

static xai_context *context;
static bytes made;
static bytes_zip at;

static const bytes_entry entries[] = { { "w/data.pkl", "\x80\2}.", 4 },
                                       { "w/data/0", "0123456789abcdef", 16 },
                                       { "w/empty", "", 0 } };

static void set_up(void)
{
    context = testing_context(1);
    bytes_make_zip(&made, &at, entries, 3);
}

static void tear_down(void)
{
    xai_context_unref(context);
}

static xai_status open_bytes(const bytes *b)
{
    xai__file file;
    xai__zip zip = { 0 };
    xai_status status;

    ck_assert_ok(xai__file_wrap(&file, context, b->data, b->size));
    status = xai__zip_open(&zip, &file);
    if (status < 0)
        ck_assert_ptr_null(zip.entries);
    xai__zip_close(&zip);
    xai__file_close(&file);
    return status;
}

START_TEST(finds_entries)
{
    const xai__zip_entry *entry;
    xai__file file;
    xai__zip zip;

    ck_assert_ok(xai__file_wrap(&file, context, made.data, made.size));
    ck_assert_ok(xai__zip_open(&zip, &file));
    ck_assert_uint_eq(zip.count, 3);
    entry = xai__zip_find(&zip, "w/data/0");
    ck_assert_ptr_nonnull(entry);
    ck_assert_uint_eq(entry->size, 16);
    ck_assert_mem_eq(file.data + entry->data, "0123456789abcdef", 16);
    for (size_t i = 0; i < 3; i++)
        ck_assert_ok(xai__zip_check(&zip, &zip.entries[i]));
    ck_assert_ptr_null(xai__zip_find(&zip, "w/data/1"));
    ck_assert_ptr_null(xai__zip_find(&zip, "W/DATA/0"));
    ck_assert_ptr_null(xai__zip_find(&zip, ""));
    ck_assert_ok(xai__zip_require_stored(&zip));
    xai__zip_close(&zip);
    xai__zip_close(&zip);
    xai__file_close(&file);
}
END_TEST

enum part { LOCAL0, LOCAL1, DATA1, CENTRAL0, CENTRAL1, END64, LOCATOR, END };

static size_t offset_of(enum part part)
{
    const size_t offsets[] = { at.local[0],   at.local[1], at.data[1], at.central[0],
                               at.central[1], at.end64,    at.locator, at.end };

    return offsets[part];
}

typedef struct field_row {
    enum part part;
    size_t offset, size;
    uint64_t value;
    xai_status status;
    const char *words;
} field_row;

static const field_row rows[] = {
    { END, 0, 4, 0, XAI_E_FORMAT, "does not end with its end record" },
    { END, 20, 2, 1, XAI_E_FORMAT, "or a comment follows" },
    { END, 4, 2, 1, XAI_E_UNSUPPORTED, "several parts" },
    { END, 8, 2, 2, XAI_E_UNSUPPORTED, "several parts" },
    { END, 12, 4, 7, XAI_E_FORMAT, "two end records differ" },
    { END, 16, 4, 7, XAI_E_FORMAT, "two end records differ" },
    { LOCATOR, 0, 4, 0, XAI_E_FORMAT, "does not end at the end record" },
    { LOCATOR, 4, 4, 1, XAI_E_UNSUPPORTED, "several parts" },
    { LOCATOR, 8, 8, 0, XAI_E_FORMAT, "zip64 end record is not where" },
    { LOCATOR, 8, 8, UINT64_MAX, XAI_E_FORMAT, "zip64 end record is not where" },
    { LOCATOR, 16, 4, 2, XAI_E_UNSUPPORTED, "several parts" },
    { END64, 4, 8, 45, XAI_E_FORMAT, "zip64 end record is not where" },
    { END64, 16, 4, 1, XAI_E_UNSUPPORTED, "several parts" },
    { END64, 24, 8, 2, XAI_E_UNSUPPORTED, "several parts" },
    { END64, 40, 8, 1, XAI_E_FORMAT, "two end records differ" },
    { END64, 48, 8, 1, XAI_E_FORMAT, "two end records differ" },
    { CENTRAL0, 0, 4, 0, XAI_E_FORMAT, "no entry of the zip directory here" },
    { CENTRAL0, 8, 2, 0x0809, XAI_E_FORMAT, "w/data.pkl: encrypted" },
    { CENTRAL0, 8, 2, 0x2808, XAI_E_FORMAT, "unknown flags" },
    { CENTRAL0, 8, 2, 0x0008, XAI_E_FORMAT, "other flags or another method" },
    { CENTRAL1, 10, 2, 8, XAI_E_FORMAT, "other flags or another method" },
    { LOCAL1, 8, 2, 8, XAI_E_FORMAT, "other flags or another method" },
    { CENTRAL1, 20, 4, 15, XAI_E_FORMAT, "stored and true size differ" },
    { CENTRAL1, 24, 4, 15, XAI_E_FORMAT, "stored and true size differ" },
    { CENTRAL1, 20, 8, UINT64_C(0x7000000070000000), XAI_E_FORMAT, "reaches into the zip directory" },
    { CENTRAL1, 20, 8, UINT64_MAX, XAI_E_FORMAT, "zip64 sizes are missing" },
    { CENTRAL1, 42, 4, UINT32_MAX, XAI_E_FORMAT, "zip64 sizes are missing" },
    { CENTRAL1, 42, 4, 0x7fffffff, XAI_E_FORMAT, "reaches into the zip directory" },
    { CENTRAL1, 42, 4, 1, XAI_E_FORMAT, "no local header where the directory says" },
    { CENTRAL1, 42, 4, 0, XAI_E_FORMAT, "has another name in its local header" },
    { CENTRAL1, 28, 2, 0, XAI_E_FORMAT, "name is empty" },
    { CENTRAL1, 28, 2, 7, XAI_E_FORMAT, "has another name in its local header" },
    { CENTRAL1, 28, 2, 2000, XAI_E_FORMAT, "reaches beyond its end" },
    { CENTRAL1, 34, 2, 1, XAI_E_FORMAT, "another part of the zip file" },
    { CENTRAL1, 46, 1, '/', XAI_E_FORMAT, "absolute or not UTF-8" },
    { CENTRAL1, 46, 1, 0xff, XAI_E_FORMAT, "absolute or not UTF-8" },
    { CENTRAL1, 46, 1, '\n', XAI_E_FORMAT, "no file name should have" },
    { CENTRAL1, 46, 1, '\\', XAI_E_FORMAT, "no file name should have" },
    { CENTRAL1, 46, 1, '\0', XAI_E_FORMAT, "no file name should have" },
    { CENTRAL1, 46, 3, 0x2f2e2e, XAI_E_FORMAT, "climbs out of its folder" },
    { CENTRAL1, 46, 1, 'v', XAI_E_FORMAT, "another name in its local header" },
    { LOCAL1, 0, 4, 0, XAI_E_FORMAT, "no local header" },
    { LOCAL1, 14, 4, 1, XAI_E_FORMAT, "another size or checksum" },
    { LOCAL1, 18, 4, 15, XAI_E_FORMAT, "another size or checksum" },
    { LOCAL1, 22, 4, 15, XAI_E_FORMAT, "another size or checksum" },
    { LOCAL1, 26, 2, 60000, XAI_E_FORMAT, "reaches into the zip directory" },
    { LOCAL1, 28, 2, 60000, XAI_E_FORMAT, "reaches into the zip directory" },
    /* What may be repeated in a local header, and what a 64-bit entry has there. */
    { LOCAL1, 18, 4, 16, XAI_OK, "" },
    { LOCAL1, 18, 8, UINT64_MAX, XAI_OK, "" },
};

START_TEST(one_wrong_field)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bytes changed = made;
        xai_status status;

        bytes_put(&changed, offset_of(rows[i].part) + rows[i].offset, rows[i].value, rows[i].size);
        status = open_bytes(&changed);
        ck_assert_msg(status == rows[i].status && strstr(xai_last_error(), rows[i].words) != NULL,
                      "row %zu: %s (%s), expected \"%s\"", i, xai_status_name(status), xai_last_error(), rows[i].words);
    }
}
END_TEST

static void set_counts(bytes *b, uint64_t count)
{
    bytes_put(b, at.end64 + 24, count, 8);
    bytes_put(b, at.end64 + 32, count, 8);
    bytes_put(b, at.end + 8, count < UINT16_MAX ? count : UINT16_MAX, 2);
    bytes_put(b, at.end + 10, count < UINT16_MAX ? count : UINT16_MAX, 2);
}

START_TEST(counts_that_lie)
{
    bytes changed = made;

    set_counts(&changed, 2);
    ck_assert_fails(open_bytes(&changed), XAI_E_FORMAT, "more than the 2 entries it states");
    set_counts(&changed, 4);
    ck_assert_fails(open_bytes(&changed), XAI_E_FORMAT, "4 entries do not fit");
    set_counts(&changed, 200001);
    ck_assert_fails(open_bytes(&changed), XAI_E_LIMIT, "200001 zip entries; at most 200000");
    set_counts(&changed, UINT64_MAX);
    ck_assert_fails(open_bytes(&changed), XAI_E_LIMIT, "zip entries");
}
END_TEST

START_TEST(compressed_entries)
{
    xai__file file;
    xai__zip zip;

    bytes_put(&made, at.local[1] + 8, 8, 2);
    bytes_put(&made, at.central[1] + 10, 8, 2);
    bytes_put(&made, at.central[1] + 24, 1000000000, 4);
    ck_assert_ok(xai__file_wrap(&file, context, made.data, made.size));
    ck_assert_ok(xai__zip_open(&zip, &file));
    ck_assert_fails(xai__zip_require_stored(&zip), XAI_E_UNSUPPORTED, "w/data/0 is compressed (method 8)");
    ck_assert_fails(xai__zip_check(&zip, xai__zip_find(&zip, "w/data/0")), XAI_E_UNSUPPORTED, "is compressed");
    xai__zip_close(&zip);
    xai__file_close(&file);
}
END_TEST

START_TEST(damaged_data)
{
    xai__file file;
    xai__zip zip;

    made.data[at.data[1] + 3] ^= 1;
    ck_assert_ok(xai__file_wrap(&file, context, made.data, made.size));
    ck_assert_ok(xai__zip_open(&zip, &file));
    ck_assert_ok(xai__zip_check(&zip, xai__zip_find(&zip, "w/data.pkl")));
    ck_assert_fails(xai__zip_check(&zip, xai__zip_find(&zip, "w/data/0")), XAI_E_FORMAT,
                    "w/data/0 is damaged: checksum");
    xai__zip_close(&zip);
    xai__file_close(&file);
}
END_TEST

START_TEST(names_that_clash)
{
    static const bytes_entry twice[] = { { "w/a", "1", 1 }, { "w/b", "2", 1 }, { "w/a", "3", 1 } };
    static const bytes_entry cases[] = { { "w/data.pkl", "1", 1 }, { "w/x", "2", 1 }, { "w/DATA.PKL", "3", 1 } };

    bytes_make_zip(&made, &at, twice, 3);
    ck_assert_fails(open_bytes(&made), XAI_E_FORMAT, "w/a: a second entry has this name");
    bytes_make_zip(&made, &at, cases, 3);
    ck_assert_fails(open_bytes(&made), XAI_E_FORMAT, "differs only in case");
}
END_TEST

/* Two entries over the same bytes: the second's header stands inside the first's data. */
START_TEST(overlapping_entries)
{
    bytes inner = { .size = 0 };
    bytes_zip unused;
    const bytes_entry one[] = { { "w/in", "x", 1 } };
    bytes_entry both[] = { { "w/out", NULL, 0 }, { "w/in", "x", 1 } };

    bytes_make_zip(&inner, &unused, one, 1);
    both[0].data = inner.data;
    both[0].size = unused.central[0];
    bytes_make_zip(&made, &at, both, 2);
    ck_assert_ok(open_bytes(&made));
    bytes_put(&made, at.central[1] + 42, at.data[0], 4);
    ck_assert_fails(open_bytes(&made), XAI_E_FORMAT, "w/in: overlaps the entry before it");
}
END_TEST

/* An entry that states its sizes and offset in 64 bits, though they are small. */
START_TEST(sizes_in_64_bits)
{
    bytes wide = { .size = 0 };
    size_t from = at.central[1], behind = from + 46 + strlen(entries[1].name);

    bytes_add(&wide, made.data, behind);
    bytes_put(&wide, from + 20, UINT64_MAX, 8);
    bytes_put(&wide, from + 30, 28, 2);
    bytes_put(&wide, from + 42, UINT32_MAX, 4);
    bytes_number(&wide, 1, 2);
    bytes_number(&wide, 24, 2);
    bytes_number(&wide, 16, 8);
    bytes_number(&wide, 16, 8);
    bytes_number(&wide, at.local[1], 8);
    bytes_add(&wide, made.data + behind, made.size - behind);
    bytes_put(&wide, at.end64 + 28 + 40, at.end64 + 28 - at.central[0], 8);
    bytes_put(&wide, at.locator + 28 + 8, at.end64 + 28, 8);
    bytes_put(&wide, at.end + 28 + 12, at.end64 + 28 - at.central[0], 4);
    ck_assert_ok(open_bytes(&wide));
    bytes_put(&wide, behind + 2, 23, 2);
    ck_assert_fails(open_bytes(&wide), XAI_E_FORMAT, "zip64 sizes are missing");
    bytes_put(&wide, behind + 2, 25, 2);
    ck_assert_fails(open_bytes(&wide), XAI_E_FORMAT, "zip64 sizes are missing");
    bytes_put(&wide, behind, 2, 2);
    ck_assert_fails(open_bytes(&wide), XAI_E_FORMAT, "zip64 sizes are missing");
}
END_TEST

START_TEST(no_entries)
{
    bytes_make_zip(&made, &at, entries, 0);
    at.central[0] = 0;
    bytes_put(&made, at.end64 + 40, 0, 8);
    bytes_put(&made, at.end64 + 48, 0, 8);
    bytes_put(&made, at.end + 12, 0, 8);
    ck_assert_ok(open_bytes(&made));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_zip");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, finds_entries);
    tcase_add_test(cases, one_wrong_field);
    tcase_add_test(cases, counts_that_lie);
    tcase_add_test(cases, compressed_entries);
    tcase_add_test(cases, damaged_data);
    tcase_add_test(cases, names_that_clash);
    tcase_add_test(cases, overlapping_entries);
    tcase_add_test(cases, sizes_in_64_bits);
    tcase_add_test(cases, no_entries);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
