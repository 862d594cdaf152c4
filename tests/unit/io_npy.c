/* SPDX-License-Identifier: MIT
 * NumPy files: numpy's own, damaged ones, and what xai_tensor_save() writes. */
#include "testing.h"

#include <math.h>
#include <unistd.h>

#include "core/cpu.h"
#include "core/memory.h"
#include "io/dtype.h"
#include "io/file.h"

static xai_context *context;
static const char path[] = "xai-io-npy.npy";

static void set_up(void)
{
    context = testing_context(1);
}

static void tear_down(void)
{
    unlink(path);
    xai_context_unref(context);
}

static const char *vector(const char *name)
{
    char relative[128];

    snprintf(relative, sizeof relative, "tests/golden/npy/%s.npy", name);
    return testing_source(relative);
}

/* What make_npy.py put at element i. */
static float expected(char kind, size_t i)
{
    switch (kind) {
    case 'i':
        return (float)i - 4;
    case 'u':
        return (float)i;
    case 'b':
        return i % 3 == 1;
    default:
        return (float)i / 2 - 1;
    }
}

static const struct {
    const char *name;
    char kind;
    size_t rank;
    int64_t shape[8];
} vectors[] = {
    { "le_f2", 'f', 2, { 3, 5 } },      { "be_f2", 'f', 2, { 3, 5 } },
    { "le_f4", 'f', 2, { 3, 5 } },      { "be_f4", 'f', 2, { 3, 5 } },
    { "le_f8", 'f', 2, { 3, 5 } },      { "be_f8", 'f', 2, { 3, 5 } },
    { "na_b1", 'b', 2, { 3, 5 } },      { "na_i1", 'i', 2, { 3, 5 } },
    { "na_u1", 'u', 2, { 3, 5 } },      { "le_i2", 'i', 2, { 3, 5 } },
    { "be_i2", 'i', 2, { 3, 5 } },      { "le_u2", 'u', 2, { 3, 5 } },
    { "be_u2", 'u', 2, { 3, 5 } },      { "le_i4", 'i', 2, { 3, 5 } },
    { "be_i4", 'i', 2, { 3, 5 } },      { "le_u4", 'u', 2, { 3, 5 } },
    { "be_u4", 'u', 2, { 3, 5 } },      { "le_i8", 'i', 2, { 3, 5 } },
    { "be_i8", 'i', 2, { 3, 5 } },      { "le_u8", 'u', 2, { 3, 5 } },
    { "be_u8", 'u', 2, { 3, 5 } },      { "rank0", 'f', 0, { 0 } },
    { "rank1", 'f', 1, { 7 } },         { "rank8", 'f', 8, { 1, 2, 1, 3, 1, 2, 1, 2 } },
    { "empty", 'f', 2, { 0, 4 } },      { "fortran", 'f', 3, { 2, 3, 4 } },
    { "fortran_f8", 'f', 2, { 5, 4 } }, { "version2", 'f', 2, { 3, 5 } },
    { "version3", 'f', 2, { 3, 5 } },
};

START_TEST(reads_numpys_files)
{
    for (size_t v = 0; v < sizeof vectors / sizeof *vectors; v++) {
        int64_t shape[8] = { 0 };
        xai_tensor *tensor;

        ck_assert_ok(xai_tensor_load(&tensor, context, vector(vectors[v].name)));
        ck_assert_uint_eq(xai_tensor_shape(tensor, shape, 8), vectors[v].rank);
        ck_assert_mem_eq(shape, vectors[v].shape, sizeof shape);
        for (size_t i = 0; i < xai_tensor_size(tensor); i++)
            ck_assert_msg(xai_tensor_data(tensor)[i] == expected(vectors[v].kind, i), "%s: element %zu is %g",
                          vectors[v].name, i, (double)xai_tensor_data(tensor)[i]);
        xai_tensor_unref(tensor);
    }
}
END_TEST

START_TEST(refuses_other_types)
{
    static const struct {
        const char *name, *words;
    } rows[] = {
        { "refused_complex", "type <c8 are not read" }, { "refused_text", "type <U1 are not read" },
        { "refused_object", "type |O are not read" },   { "refused_struct", "structs are not read" },
        { "refused_rank9", "more than 8 dimensions" },
    };
    xai_tensor *tensor = (xai_tensor *)1;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_fails(xai_tensor_load(&tensor, context, vector(rows[i].name)), XAI_E_UNSUPPORTED, rows[i].words);
        ck_assert_ptr_null(tensor);
    }
}
END_TEST

/* Writes magic, version 1, the header with its length, and n_data zero bytes. */
static void put(const char *header, size_t n_data)
{
    size_t length = strlen(header);
    FILE *stream = fopen(path, "wb");

    ck_assert_ptr_nonnull(stream);
    fwrite("\x93NUMPY\x01\x00", 1, 8, stream);
    fputc((int)(length & 0xff), stream);
    fputc((int)(length >> 8), stream);
    fwrite(header, 1, length, stream);
    for (size_t i = 0; i < n_data; i++)
        fputc(0, stream);
    fclose(stream);
}

#define HEAD "{'descr': '<f4', 'fortran_order': False, "

static const struct {
    const char *header;
    size_t n_data;
    xai_status status; /* XAI_OK: it is read */
    const char *words;
} headers[] = {
    { HEAD "'shape': (2, 3), }\n", 24, XAI_OK, "" },
    { "{ \"shape\" :(2,3),\"descr\":\"<f4\",'fortran_order':False}", 24, XAI_OK, "" },
    { HEAD "'shape': (10L,)}", 40, XAI_OK, "" },
    { HEAD "'shape': (2, 3,)}", 24, XAI_OK, "" },
    { HEAD "'shape': (2, 3), }\n", 23, XAI_E_FORMAT, "shape 2x3 and type F32 takes 24 bytes, 23 follow" },
    { HEAD "'shape': (2, 3), }\n", 25, XAI_E_FORMAT, "takes 24 bytes, 25 follow" },
    { HEAD "'shape': (2)}", 8, XAI_E_FORMAT, "comma of a shape with one extent" },
    { HEAD "'shape': (2 3)}", 24, XAI_E_FORMAT, "a comma in the shape" },
    { HEAD "'shape': (,)}", 4, XAI_E_FORMAT, "an extent" },
    { HEAD "'shape': (-1,)}", 4, XAI_E_FORMAT, "an extent" },
    { HEAD "'shape': (99999999999999999999,)}", 4, XAI_E_FORMAT, "below 2^63" },
    { HEAD "'shape': (4294967296, 4294967296, 4294967296)}", 4, XAI_E_FORMAT, "no array can have shape" },
    { HEAD "'shape': (0, 9223372036854775807, 9)}", 0, XAI_E_FORMAT, "no array can have shape" },
    { HEAD "'shape': [2, 3]}", 24, XAI_E_FORMAT, "opening parenthesis" },
    { HEAD "'shape': (2, 3)", 24, XAI_E_FORMAT, "a comma or a closing brace" },
    { HEAD "'shape': (2, 3", 24, XAI_E_FORMAT, "a comma in the shape" },
    { HEAD "'shape': (2, 3)} x", 24, XAI_E_FORMAT, "its end" },
    { HEAD "'shape': (2, 3), 'shape': (2, 3)}", 24, XAI_E_FORMAT, "key shape is unknown or stands twice" },
    { HEAD "'shape': (2, 3), 'x': 1}", 24, XAI_E_FORMAT, "key x is unknown" },
    { HEAD "}", 4, XAI_E_FORMAT, "descr, fortran_order or shape" },
    { "{}", 4, XAI_E_FORMAT, "descr, fortran_order or shape" },
    { "", 4, XAI_E_FORMAT, "opening brace" },
    { "[]", 4, XAI_E_FORMAT, "opening brace" },
    { "{'descr' '<f4'}", 4, XAI_E_FORMAT, "a colon" },
    { "{descr: '<f4'}", 4, XAI_E_FORMAT, "a text in quotes" },
    { "{'des\\x63r': '<f4'}", 4, XAI_E_FORMAT, "the end of a short text" },
    { "{'descr", 0, XAI_E_FORMAT, "the end of a short text" },
    { "{'descrdescrdescrdescrdescr': 1}", 0, XAI_E_FORMAT, "the end of a short text" },
    { "{'fortran_order': 0}", 4, XAI_E_FORMAT, "True or False" },
    { "{'descr': 'f4'}", 4, XAI_E_UNSUPPORTED, "type f4" },
    { "{'descr': '|f4'}", 4, XAI_E_UNSUPPORTED, "type |f4" },
    { "{'descr': ''}", 4, XAI_E_UNSUPPORTED, "type " },
    { "{'descr': __import__('os')}", 4, XAI_E_FORMAT, "a text in quotes" },
};

START_TEST(header_literals)
{
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        xai_tensor *tensor = (xai_tensor *)1;

        put(headers[i].header, headers[i].n_data);
        if (headers[i].status == XAI_OK) {
            ck_assert_ok(xai_tensor_load(&tensor, context, path));
            xai_tensor_unref(tensor);
            continue;
        }
        ck_assert_fails(xai_tensor_load(&tensor, context, path), headers[i].status, headers[i].words);
        ck_assert_ptr_null(tensor);
    }
}
END_TEST

START_TEST(every_cut_is_refused)
{
    xai_tensor *tensor;
    xai__file file;

    ck_assert_ok(xai__file_open(&file, context, vector("fortran")));
    for (size_t size = 0; size < file.size; size++) {
        ck_assert_ok(xai__file_write(context, path, file.data, size));
        ck_assert_int_eq(xai_tensor_load(&tensor, context, path), XAI_E_FORMAT);
        ck_assert_ptr_null(tensor);
        ck_assert_ptr_nonnull(strstr(xai_last_error(), path));
    }
    xai__file_close(&file);
}
END_TEST

START_TEST(other_files_are_named)
{
    static const unsigned char version4[16] = "\x93NUMPY\x04\x00", minor[16] = "\x93NUMPY\x01\x01",
                               long_head[16] = "\x93NUMPY\x02\x00\xff\xff\xff\xff";
    xai_tensor *tensor;

    ck_assert_fails(xai_tensor_load(&tensor, context, testing_source("LICENSE")), XAI_E_FORMAT, "not a NumPy file");
    ck_assert_ok(xai__file_write(context, path, version4, sizeof version4));
    ck_assert_fails(xai_tensor_load(&tensor, context, path), XAI_E_UNSUPPORTED, "version 4.0");
    ck_assert_ok(xai__file_write(context, path, minor, sizeof minor));
    ck_assert_fails(xai_tensor_load(&tensor, context, path), XAI_E_UNSUPPORTED, "version 1.1");
    ck_assert_ok(xai__file_write(context, path, long_head, sizeof long_head));
    ck_assert_fails(xai_tensor_load(&tensor, context, path), XAI_E_LIMIT, "4294967295 bytes");
    ck_assert_fails(xai_tensor_load(NULL, context, path), XAI_E_INVALID, "out is NULL");
    ck_assert_fails(xai_tensor_load(&tensor, NULL, path), XAI_E_INVALID, "context is NULL");
}
END_TEST

/* numpy.save() writes the same bytes. */
START_TEST(saves_as_numpy_does)
{
    static const char *const names[] = { "rank0", "rank1", "rank8", "empty", "le_f4" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        xai__file theirs, ours;
        xai_tensor *tensor;

        ck_assert_ok(xai_tensor_load(&tensor, context, vector(names[i])));
        ck_assert_ok(xai_tensor_save(tensor, path));
        ck_assert_ok(xai__file_open(&theirs, context, vector(names[i])));
        ck_assert_ok(xai__file_open(&ours, context, path));
        ck_assert_uint_eq(theirs.size, ours.size);
        ck_assert_mem_eq(theirs.data, ours.data, ours.size);
        xai__file_close(&theirs);
        xai__file_close(&ours);
        xai_tensor_unref(tensor);
    }
    ck_assert_fails(xai_tensor_save(NULL, path), XAI_E_INVALID, "tensor is NULL");
}
END_TEST

START_TEST(widest_shape_fits_the_header)
{
    int64_t shape[8] = { INT64_MAX / 16, 0, INT64_MAX, 1, 1, 1, 1, 1 }, read[8];
    xai_tensor *tensor;

    shape[2] = 2;
    ck_assert_ok(xai_tensor_create(&tensor, context, shape, 8));
    ck_assert_ok(xai_tensor_save(tensor, path));
    xai_tensor_unref(tensor);
    ck_assert_ok(xai_tensor_load(&tensor, context, path));
    ck_assert_uint_eq(xai_tensor_shape(tensor, read, 8), 8);
    ck_assert_mem_eq(read, shape, sizeof read);
    xai_tensor_unref(tensor);
}
END_TEST

static double slow_half(uint16_t half)
{
    int exponent = half >> 10 & 31, mantissa = half & 1023;
    double value = exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, exponent - 25);

    if (exponent == 31)
        value = mantissa == 0 ? INFINITY : NAN;
    return half & 0x8000 ? -value : value;
}

START_TEST(every_half_widens)
{
    static uint16_t halves[65536];
    static float wide[65536], fast[65536];

    for (size_t i = 0; i < 65536; i++)
        halves[i] = (uint16_t)i;
    ck_assert(xai__dtype_widen(wide, halves, 65536, XAI__DTYPE_F16, false, 0));
    ck_assert(xai__dtype_widen(fast, halves, 65536, XAI__DTYPE_F16, false, xai__cpu_features()));
    ck_assert_mem_eq(fast, wide, sizeof wide); /* NaNs included */
    for (size_t i = 0; i < 65536; i++) {
        float slow = (float)slow_half((uint16_t)i);

        ck_assert_msg(isnan(slow) ? isnan(wide[i]) : slow == wide[i] && signbit(slow) == signbit(wide[i]),
                      "half 0x%04zx became %g", i, (double)wide[i]);
    }
}
END_TEST

START_TEST(unaligned_elements)
{
    unsigned char bytes[1 + 8 * 300];
    float wide[300];

    for (size_t i = 0; i < 300; i++) {
        double value = (double)i * 0.25;

        memcpy(bytes + 1 + 8 * i, &value, 8);
    }
    ck_assert(xai__dtype_widen(wide, bytes + 1, 300, XAI__DTYPE_F64, false, 0));
    for (size_t i = 0; i < 300; i++)
        ck_assert(wide[i] == (float)i * 0.25f);
    ck_assert(!xai__dtype_widen(wide, bytes, 300, XAI__DTYPE_C64, false, 0));
    ck_assert_uint_eq(xai__dtype_find("BF16"), XAI__DTYPE_BF16);
    ck_assert_uint_eq(xai__dtype_find("f32"), XAI__N_DTYPES);
    bytes[0] = 0x80;
    bytes[1] = 0x3f;
    ck_assert(xai__dtype_widen(wide, bytes, 1, XAI__DTYPE_BF16, false, 0));
    ck_assert(wide[0] == 1.0f);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_npy");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, reads_numpys_files);
    tcase_add_test(cases, refuses_other_types);
    tcase_add_test(cases, header_literals);
    tcase_add_test(cases, every_cut_is_refused);
    tcase_add_test(cases, other_files_are_named);
    tcase_add_test(cases, saves_as_numpy_does);
    tcase_add_test(cases, widest_shape_fits_the_header);
    tcase_add_test(cases, every_half_widens);
    tcase_add_test(cases, unaligned_elements);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
