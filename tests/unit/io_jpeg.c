/* SPDX-License-Identifier: MIT
 * JPEG files and EXIF blocks with one thing changed, and what becomes of them. */
#include "unit/pictures.h"

#include <turbojpeg.h>

#include "core/memory.h"
#include "io/exif.h"
#include "io/jpeg.h"
#include "io/jpeg_header.h"

/* A file that can grow. */
typedef struct jpeg_file {
    unsigned char bytes[16384];
    size_t size;
} jpeg_file;

enum { WIDTH = 24, HEIGHT = 16 };

static void make_file(jpeg_file *file, xai_context *context)
{
    xai_image *image = testing_picture(context, WIDTH, HEIGHT);
    unsigned char *bytes;

    ck_assert_ok(xai__jpeg_encode(&bytes, &file->size, image, 75));
    ck_assert_uint_le(file->size, sizeof file->bytes);
    memcpy(file->bytes, bytes, file->size);
    xai__free(context, bytes);
    xai_image_unref(image);
}

/* Offset of a marker in front of the entropy-coded bytes. */
static size_t find_marker(const jpeg_file *file, unsigned char marker)
{
    size_t at = 2;

    while (file->bytes[at + 1] != marker) {
        ck_assert_uint_lt(at, file->size);
        at += 2 + ((size_t)file->bytes[at + 2] << 8 | file->bytes[at + 3]);
    }
    return at;
}

static void insert(jpeg_file *file, size_t at, const void *bytes, size_t size)
{
    ck_assert_uint_le(file->size + size, sizeof file->bytes);
    memmove(file->bytes + at + size, file->bytes + at, file->size - at);
    memcpy(file->bytes + at, bytes, size);
    file->size += size;
}

static xai_status decode(xai_image **image, xai_context *context, const jpeg_file *file)
{
    return xai_image_decode(image, context, file->bytes, file->size, 0);
}

/* offset counts from the frame marker: 1 its kind, 4 precision, 5 height, 7 width, 9 components, 11 sampling. */
static const struct {
    size_t offset, size;
    const char *bytes;
    xai_status status;
    const char *words;
} frames[] = {
    { 1, 1, "\xc3", XAI_E_UNSUPPORTED, "lossless" },
    { 1, 1, "\xcb", XAI_E_UNSUPPORTED, "lossless" },
    { 1, 1, "\xc5", XAI_E_UNSUPPORTED, "hierarchical JPEG (SOF5)" },
    { 1, 1, "\xcf", XAI_E_UNSUPPORTED, "hierarchical JPEG (SOF15)" },
    { 1, 1, "\xc4", XAI_E_FORMAT, "scan before the frame" },
    { 1, 1, "\xfe", XAI_E_FORMAT, "scan before the frame" },
    { 4, 1, "\x0c", XAI_E_UNSUPPORTED, "12 bits" },
    { 4, 1, "\x10", XAI_E_UNSUPPORTED, "16 bits" },
    { 5, 2, "\0\0", XAI_E_UNSUPPORTED, "DNL" },
    { 7, 2, "\0\0", XAI_E_FORMAT, "0x16" },
    { 5, 4, "\xff\xff\xff\xff", XAI_E_LIMIT, "65535x65535" },
    { 9, 1, "\2", XAI_E_FORMAT, "frame header of 15 bytes" },
    { 9, 1, "\4", XAI_E_FORMAT, "frame header of 15 bytes" },
    { 11, 1, "\0", XAI_E_FORMAT, "damaged JPEG" },
    { 2, 2, "\0\1", XAI_E_FORMAT, "no frame header" },
    { 2, 2, "\0\7", XAI_E_FORMAT, "frame header of 5 bytes" },
    { 2, 2, "\xff\xff", XAI_E_FORMAT, "no frame header" },
};

START_TEST(bad_frames)
{
    xai_context *context = testing_context(1);
    jpeg_file file;
    xai_image *image;

    make_file(&file, context);
    memcpy(file.bytes + find_marker(&file, 0xC0) + frames[_i].offset, frames[_i].bytes, frames[_i].size);
    ck_assert_fails(decode(&image, context, &file), frames[_i].status, frames[_i].words);
    ck_assert_ptr_null(image);
    xai_context_unref(context);
}
END_TEST

START_TEST(two_components)
{
    static const unsigned char bytes[] = { 0xFF, 0xD8, 0xFF, 0xC0, 0, 14, 8,    0, 1,    0,
                                           1,    2,    1,    0x11, 0, 2,  0x11, 0, 0xFF, 0xD9 };
    xai_context *context = testing_context(1);
    xai_image *image;

    ck_assert_fails(xai_image_decode(&image, context, bytes, sizeof bytes, 0), XAI_E_UNSUPPORTED, "2 colour");
    xai_context_unref(context);
}
END_TEST

/* A stray byte is a warning; a quantization table that is missing is not, and must not pass for one. */
START_TEST(error_behind_a_warning)
{
    xai_context *context = testing_context(1);
    jpeg_file file;
    xai_image *image;

    make_file(&file, context);
    file.bytes[find_marker(&file, 0xC0) + 12] = 3;
    ck_assert_fails(decode(&image, context, &file), XAI_E_FORMAT, "Quantization table");
    insert(&file, 2, "\x01", 1);
    ck_assert_fails(decode(&image, context, &file), XAI_E_FORMAT, "Quantization table");
    ck_assert_ptr_null(image);
    xai_context_unref(context);
}
END_TEST

START_TEST(two_frames)
{
    xai_context *context = testing_context(1);
    jpeg_file file;
    xai_image *image;
    size_t at;

    make_file(&file, context);
    at = find_marker(&file, 0xC0);
    insert(&file, at, file.bytes + at, 19);
    ck_assert_fails(decode(&image, context, &file), XAI_E_FORMAT, "two frame headers");
    xai_context_unref(context);
}
END_TEST

START_TEST(truncated)
{
    xai_context *context = testing_context(1);
    jpeg_file file;
    xai_image *image;

    make_file(&file, context);
    for (; file.size-- > 0;) {
        ck_assert_int_eq(decode(&image, context, &file), XAI_E_FORMAT);
        ck_assert_ptr_null(image);
    }
    xai_context_unref(context);
}
END_TEST

/* Damage may go unnoticed, as it does in Pillow, but nothing breaks. */
START_TEST(damaged)
{
    xai_context_options options = { .struct_size = sizeof options, .max_pixels = 100000 };
    xai_context *context;
    jpeg_file file;
    xai_image *image;

    ck_assert_ok(xai_context_create(&context, &options));
    make_file(&file, context);
    for (size_t bit = 0; bit < 8 * file.size; bit++) {
        xai_status status;

        file.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        status = xai_image_decode(&image, context, file.bytes, file.size, XAI_IMAGE_EXIF);
        ck_assert_msg(status == XAI_OK || status == XAI_E_FORMAT || status == XAI_E_UNSUPPORTED ||
                          status == XAI_E_LIMIT,
                      "bit %zu: %s", bit, xai_last_error());
        ck_assert((image != NULL) == (status == XAI_OK));
        ck_assert((xai_last_error()[0] != '\0') == (status != XAI_OK));
        xai_image_unref(image);
        file.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    xai_context_unref(context);
}
END_TEST

START_TEST(too_many_scans)
{
    static const unsigned char scan[] = { 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0 };
    xai_context *context = testing_context(1);
    jpeg_file file;
    xai_image *image;

    make_file(&file, context);
    for (int i = 0; i < 500; i++)
        insert(&file, file.size - 2, scan, sizeof scan);
    ck_assert_fails(decode(&image, context, &file), XAI_E_LIMIT, "501 scans");
    file.size -= 2 + 400 * sizeof scan; /* 101 scans over fewer pixels than a context allows, but each goes over all */
    insert(&file, file.size, "\xff\xd9", 2);
    memcpy(file.bytes + find_marker(&file, 0xC0) + 5, "\x20\0\x10\0", 4);
    ck_assert_fails(decode(&image, context, &file), XAI_E_LIMIT, "101 scans over 4096x8192");
    xai_context_unref(context);
}
END_TEST

static void check_same(xai_context *context, const jpeg_file *file, xai_image *expected)
{
    xai_image *image;

    ck_assert_ok(decode(&image, context, file));
    testing_images_close(image, expected, 0);
    xai_image_unref(image);
}

/* Fill bytes, stray bytes, comments with a marker inside, bytes after the end. */
START_TEST(harmless_oddities)
{
    xai_context *context = testing_context(1);
    jpeg_file file;
    xai_image *image;

    make_file(&file, context);
    ck_assert_ok(decode(&image, context, &file));
    insert(&file, find_marker(&file, 0xC0), "\xff\xff\xff", 3);
    check_same(context, &file, image);
    insert(&file, find_marker(&file, 0xDB), "\x01\x02\xff\x00\x03", 5);
    check_same(context, &file, image);
    insert(&file, 2, "\xff\xfe\0\x06\xff\xd9\xff\xc0", 8);
    check_same(context, &file, image);
    insert(&file, file.size, "\xff\xc3 rest", 7);
    check_same(context, &file, image);
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

START_TEST(encoder_is_baseline_444)
{
    xai_context *context = testing_context(1);
    xai__jpeg_header header;
    jpeg_file file;
    size_t at;

    make_file(&file, context);
    ck_assert_ok(xai__jpeg_header_read(&header, file.bytes, file.size));
    ck_assert_uint_eq(header.frame, 0xC0);
    ck_assert_uint_eq(header.n_scans, 1);
    ck_assert_int_eq(header.width, WIDTH);
    ck_assert_int_eq(header.height, HEIGHT);
    ck_assert(header.complete);
    at = find_marker(&file, 0xC0);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(file.bytes[at + 11 + 3 * i], 0x11);
    xai_context_unref(context);
}
END_TEST

/* A subsampling that TurboJPEG has no name for is decoded all the same: libjpeg knows what to do. */
START_TEST(rare_subsampling)
{
    static const unsigned char factors[] = { 0x12, 0x22, 0x41, 0x14, 0x31, 0x13, 0x24 };
    xai_context *context = testing_context(1);
    jpeg_file file;
    xai_image *image;

    make_file(&file, context);
    for (size_t i = 0; i < sizeof factors; i++) {
        file.bytes[find_marker(&file, 0xC0) + 11] = factors[i];
        ck_assert_ok(decode(&image, context, &file));
        ck_assert_int_eq(xai_image_width(image), WIDTH);
        xai_image_unref(image);
    }
    xai_context_unref(context);
}
END_TEST

/* A flat picture of one colour, coded by the library's own library. */
static void check_flat(xai_context *context, const unsigned char *pixel, int format, int subsampling,
                       const int expected[3])
{
    size_t n = format == TJPF_CMYK ? 4 : 1;
    unsigned char pixels[4 * 16 * 16], *bytes = NULL;
    unsigned long size = 0;
    tjhandle handle = tjInitCompress();
    xai_image *image;

    for (size_t i = 0; i < 16 * 16; i++)
        memcpy(pixels + n * i, pixel, n);
    ck_assert_int_eq(tjCompress2(handle, pixels, 16, 0, 16, format, &bytes, &size, subsampling, 100, 0), 0);
    tjDestroy(handle);
    ck_assert_ok(xai_image_decode(&image, context, bytes, size, 0));
    for (size_t i = 0; i < 3; i++)
        ck_assert_msg(abs(xai_image_pixels(image)[i] - expected[i]) <= 2, "%d, not %d", xai_image_pixels(image)[i],
                      expected[i]);
    xai_image_unref(image);
    tjFree(bytes);
}

START_TEST(grey_and_cmyk)
{
    xai_context *context = testing_context(1);

    check_flat(context, (const unsigned char *)"\x37", TJPF_GRAY, TJSAMP_GRAY, (int[]){ 55, 55, 55 });
    check_flat(context, (const unsigned char *)"\xff\xff\xff\xff", TJPF_CMYK, TJSAMP_444, (int[]){ 255, 255, 255 });
    check_flat(context, (const unsigned char *)"\x00\xff\xff\xff", TJPF_CMYK, TJSAMP_444, (int[]){ 0, 255, 255 });
    check_flat(context, (const unsigned char *)"\xff\xff\xff\x00", TJPF_CMYK, TJSAMP_444, (int[]){ 0, 0, 0 });
    check_flat(context, (const unsigned char *)"\x80\xff\x40\x80", TJPF_CMYK, TJSAMP_420, (int[]){ 64, 128, 32 });
    xai_context_unref(context);
}
END_TEST

/* Orientation 6 in each byte order and type, and blocks that lie. */
static const struct {
    const char *bytes;
    size_t size;
    uint32_t orientation;
} blocks[] = {
    { "II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0", 26, 6 },
    { "MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0", 26, 6 },
    { "MM\0*\0\0\0\x08\0\1\1\x12\0\4\0\0\0\1\0\0\0\6\0\0\0\0", 26, 6 },
    { "MM\0*\0\0\0\x08\0\1\1\x12\0\1\0\0\0\1\6\0\0\0\0\0\0\0", 26, 6 },
    { "MM\0*\0\0\0\x0a  \0\1\1\x12\0\3\0\0\0\1\0\6\0\0", 24, 6 },
    { "MM\0*\0\0\0\x08\0\2\1\x13\0\3\0\0\0\1\0\5\0\0\1\x12\0\3\0\0\0\1\0\3\0\0", 34, 3 },
    { "MM\0*\0\0\0\x08\xff\xff\1\x12\0\3\0\0\0\1\0\6\0\0", 22, 6 }, /* 65535 entries, one there */
    { "MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6", 20, 6 },
    { "MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0", 19, 1 },       /* cut off */
    { "MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\2\0\6\0\0", 22, 1 }, /* two values */
    { "MM\0*\0\0\0\x08\0\1\1\x12\0\2\0\0\0\1\0\6\0\0", 22, 1 }, /* text */
    { "MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x09\0\0", 22, 1 },
    { "MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\0\0\0", 22, 1 },
    { "MM\0*\xff\xff\xff\xff\0\1\1\x12\0\3\0\0\0\1\0\6\0\0", 22, 1 },
    { "MM\0*\0\0\0\x15\0\1\1\x12\0\3\0\0\0\1\0\6\0\0", 22, 1 },
    { "IM*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0", 22, 1 },
    { "II*\0\x08\0\0", 7, 1 },
    { "", 0, 1 },
};

START_TEST(exif_blocks)
{
    unsigned char *copy = malloc(blocks[_i].size + 1); /* so that a sanitizer sees the end */

    memcpy(copy, blocks[_i].bytes, blocks[_i].size);
    copy = realloc(copy, blocks[_i].size > 0 ? blocks[_i].size : 1);
    ck_assert_uint_eq(xai__exif_orientation(copy, blocks[_i].size), blocks[_i].orientation);
    free(copy);
}
END_TEST

/* Where the stored picture's first and second pixel of the first row stand in the upright one. */
static const struct {
    int32_t first_x, first_y, second_x, second_y;
} turned[9] = {
    [1] = { 0, 0, 1, 0 }, [2] = { 2, 0, 1, 0 }, [3] = { 2, 1, 1, 1 }, [4] = { 0, 1, 1, 1 },
    [5] = { 0, 0, 0, 1 }, [6] = { 1, 0, 1, 1 }, [7] = { 1, 2, 1, 1 }, [8] = { 0, 2, 0, 1 },
};

START_TEST(exif_turns)
{
    static const uint8_t pixels[18] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 };
    xai_context *context = testing_context(1);
    xai_image *image;
    int32_t width;

    ck_assert_ok(xai_image_create(&image, context, pixels, 3, 2));
    ck_assert_ok(xai__exif_apply(&image, (uint32_t)_i));
    width = xai_image_width(image);
    ck_assert_int_eq(width, _i >= 5 ? 2 : 3);
    ck_assert_int_eq(xai_image_height(image), _i >= 5 ? 3 : 2);
    ck_assert_mem_eq(xai_image_pixels(image) + 3 * (turned[_i].first_y * width + turned[_i].first_x), pixels, 3);
    ck_assert_mem_eq(xai_image_pixels(image) + 3 * (turned[_i].second_y * width + turned[_i].second_x), pixels + 3, 3);
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

START_TEST(exif_in_a_file)
{
    static const unsigned char segment[] = "\xff\xe1\0\x1e"
                                           "Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0";
    static const unsigned char second[] = "\xff\xe1\0\x1e"
                                          "Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\3\0\0";
    xai_context *context = testing_context(1);
    jpeg_file file;
    xai_image *image;

    make_file(&file, context);
    insert(&file, 2, second, sizeof second - 1);
    insert(&file, 2, segment, sizeof segment - 1);
    insert(&file, 2,
           "\xff\xe1\0\x0c"
           "http://ns.",
           14);
    ck_assert_ok(decode(&image, context, &file));
    ck_assert_int_eq(xai_image_width(image), WIDTH);
    xai_image_unref(image);
    ck_assert_ok(xai_image_decode(&image, context, file.bytes, file.size, XAI_IMAGE_EXIF));
    ck_assert_int_eq(xai_image_width(image), HEIGHT);
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_jpeg");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, bad_frames, 0, sizeof frames / sizeof *frames);
    tcase_add_test(cases, two_components);
    tcase_add_test(cases, error_behind_a_warning);
    tcase_add_test(cases, two_frames);
    tcase_add_test(cases, truncated);
    tcase_add_test(cases, damaged);
    tcase_add_test(cases, too_many_scans);
    tcase_add_test(cases, harmless_oddities);
    tcase_add_test(cases, encoder_is_baseline_444);
    tcase_add_test(cases, rare_subsampling);
    tcase_add_test(cases, grey_and_cmyk);
    tcase_add_loop_test(cases, exif_blocks, 0, sizeof blocks / sizeof *blocks);
    tcase_add_loop_test(cases, exif_turns, 1, 9);
    tcase_add_test(cases, exif_in_a_file);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
