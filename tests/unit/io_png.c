/* SPDX-License-Identifier: MIT
 * PNG files made here, byte by byte: each kind of sample, and each kind of damage. */
#include "unit/pictures.h"

#include "core/context.h"
#include "core/memory.h"
#include "io/png.h"

/* A file that grows. */
typedef struct png_file {
    unsigned char bytes[4096];
    size_t size;
} png_file;

static void put(png_file *file, const void *bytes, size_t size)
{
    ck_assert_uint_le(file->size + size, sizeof file->bytes);
    memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

static void put_number(png_file *file, uint32_t number)
{
    unsigned char bytes[4] = { number >> 24, number >> 16, number >> 8, number };

    put(file, bytes, 4);
}

static void put_chunk(png_file *file, const char *type, const void *body, size_t size)
{
    size_t start = file->size + 4;

    put_number(file, (uint32_t)size);
    put(file, type, 4);
    put(file, body, size);
    put_number(file, testing_crc(file->bytes + start, size + 4));
}

static void put_header(png_file *file, uint32_t width, uint32_t height, int depth, int type, int interlace)
{
    png_file body = { .size = 0 };
    unsigned char rest[5] = { (unsigned char)depth, (unsigned char)type, 0, 0, (unsigned char)interlace };

    put(file, "\x89PNG\r\n\x1a\n", 8);
    put_number(&body, width);
    put_number(&body, height);
    put(&body, rest, 5);
    put_chunk(file, "IHDR", body.bytes, body.size);
}

static uint32_t adler(const unsigned char *bytes, size_t size)
{
    uint32_t a = 1, b = 0;

    for (size_t i = 0; i < size; i++) {
        a = (a + bytes[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

/* One stored block: zlib needs no compressor. */
static void put_data(png_file *file, const unsigned char *rows, size_t size)
{
    png_file body = { .size = 0 };
    unsigned char head[7] = { 0x78, 1, 1, size & 255, size >> 8, ~size & 255, (~size >> 8) & 255 };

    put(&body, head, 7);
    put(&body, rows, size);
    put_number(&body, adler(rows, size));
    put_chunk(file, "IDAT", body.bytes, body.size);
}

static void put_end(png_file *file)
{
    put_chunk(file, "IEND", "", 0);
}

/* Two rows of 4 x 2 pixels, the second one behind a filter byte 2 (up): the same again. */
typedef struct sample_case {
    const char *name;
    int depth, type;
    const char *row;
    size_t row_size;
    const char *palette, *transparency;
    size_t palette_size, transparency_size;
    unsigned char rgb[12];
} sample_case;

static const sample_case samples[] = {
    { "grey 1", 1, 0, "\x50", 1, .rgb = { 0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255 } },
    { "grey 2", 2, 0, "\x1b", 1, .rgb = { 0, 0, 0, 85, 85, 85, 170, 170, 170, 255, 255, 255 } },
    { "grey 4", 4, 0, "\x0f\x7a", 2, .rgb = { 0, 0, 0, 255, 255, 255, 119, 119, 119, 170, 170, 170 } },
    { "grey 8", 8, 0, "\x00\x01\x80\xff", 4, .rgb = { 0, 0, 0, 1, 1, 1, 128, 128, 128, 255, 255, 255 } },
    { "grey 8 with one transparent", 8, 0, "\x00\x01\x80\xff", 4, .transparency = "\0\x80", .transparency_size = 2,
      .rgb = { 0, 0, 0, 1, 1, 1, 128, 128, 128, 255, 255, 255 } },
    { "grey 16 is cut off", 16, 0, "\0\0\0\x7f\0\xff\1\0", 8,
      .rgb = { 0, 0, 0, 127, 127, 127, 255, 255, 255, 255, 255, 255 } },
    { "colour 8", 8, 2, "\1\2\3\4\5\6\7\10\11\12\13\14", 12, .rgb = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } },
    { "colour 16 loses the lower byte", 16, 2, "\1\xff\2\xff\3\xff\4\0\5\0\6\0\7\1\10\1\11\1\12\1\13\1\14\1", 24,
      .rgb = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } },
    { "palette 1", 1, 3, "\x50", 1, "\1\2\3\4\5\6", .palette_size = 6, .rgb = { 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6 } },
    { "palette 8, indices beyond it are black", 8, 3, "\0\1\2\xff", 4, "\1\2\3\4\5\6", .palette_size = 6,
      .rgb = { 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0 } },
    { "palette 4 with more transparencies than colours", 4, 3, "\x01\x01", 2, "\1\2\3\4\5\6", "\0\1\2\3\4", 6, 5,
      .rgb = { 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6 } },
    { "grey and alpha 8", 8, 4, "\1\0\2\1\3\2\4\xff", 8, .rgb = { 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4 } },
    { "grey and alpha 16", 16, 4, "\1\xff\0\0\2\xff\0\0\3\xff\0\0\4\xff\0\0", 16,
      .rgb = { 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4 } },
    { "colour and alpha 8", 8, 6, "\1\2\3\0\4\5\6\1\7\10\11\2\12\13\14\xff", 16,
      .rgb = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } },
    { "colour and alpha 16", 16, 6, "\1\0\2\0\3\0\0\0\4\0\5\0\6\0\0\0\7\0\10\0\11\0\0\0\12\0\13\0\14\0\0\0", 32,
      .rgb = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } },
};

/* Interlaced, 4 x 2 pixels are: pass 1 pixel (0,0); pass 4 pixel (2,0); pass 6 pixels (1,0) (3,0); pass 7 the second
 * row. Only whole bytes a pixel, which is enough for the order. */
static size_t interlace(unsigned char *rows, const sample_case *sample)
{
    static const int order[] = { -1, 0, -1, 2, -1, 1, 3, -1, 0, 1, 2, 3 };
    size_t pixel = sample->row_size / 4, size = 0;

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (order[i] < 0)
            rows[size++] = 0;
        else
            memcpy(rows + size, sample->row + pixel * (size_t)order[i], pixel);
        size += order[i] < 0 ? 0 : pixel;
    }
    return size;
}

static void make_sample(png_file *file, const sample_case *sample, bool interlaced)
{
    unsigned char rows[128] = { 0 };
    size_t size = 2 * (sample->row_size + 1);

    put_header(file, 4, 2, sample->depth, sample->type, interlaced);
    if (sample->palette != NULL)
        put_chunk(file, "PLTE", sample->palette, sample->palette_size);
    if (sample->transparency != NULL)
        put_chunk(file, "tRNS", sample->transparency, sample->transparency_size);
    memcpy(rows + 1, sample->row, sample->row_size);
    rows[sample->row_size + 1] = 2;
    if (interlaced)
        size = interlace(rows, sample);
    put_data(file, rows, size);
    put_end(file);
}

static void check_sample(xai_context *context, const sample_case *sample, bool interlaced)
{
    png_file file = { .size = 0 };
    xai_image *image;

    make_sample(&file, sample, interlaced);
    ck_assert_msg(xai_image_decode(&image, context, file.bytes, file.size, 0) == XAI_OK, "%s: %s", sample->name,
                  xai_last_error());
    ck_assert_int_eq(xai_image_width(image), 4);
    ck_assert_int_eq(xai_image_height(image), 2);
    for (size_t y = 0; y < 2; y++)
        ck_assert_msg(memcmp(xai_image_pixels(image) + 12 * y, sample->rgb, 12) == 0, "%s, row %zu", sample->name, y);
    xai_image_unref(image);
}

START_TEST(samples_become_rgb)
{
    xai_context *context = testing_context(1);

    check_sample(context, &samples[_i], false);
    if (samples[_i].depth >= 8)
        check_sample(context, &samples[_i], true);
    xai_context_unref(context);
}
END_TEST

/* Cut anywhere, a file is refused; but what follows the pixels is not needed. */
START_TEST(truncated)
{
    xai_context *context = testing_context(1);
    png_file file = { .size = 0 };
    xai_image *image;

    make_sample(&file, &samples[_i], samples[_i].depth >= 8);
    for (size_t size = 0; size < file.size - 12; size++) {
        ck_assert_int_eq(xai_image_decode(&image, context, file.bytes, size, 0), XAI_E_FORMAT);
        ck_assert_ptr_null(image);
    }
    ck_assert_ok(xai_image_decode(&image, context, file.bytes, file.size - 12, 0));
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

/* Every bit of every byte before IEND turned over: damage is refused, wherever it is. */
START_TEST(damaged)
{
    xai_context *context = testing_context(1);
    png_file file = { .size = 0 };
    xai_image *image;

    make_sample(&file, &samples[_i], false);
    for (size_t bit = 0; bit < 8 * (file.size - 12); bit++) {
        file.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        ck_assert_msg(xai_image_decode(&image, context, file.bytes, file.size, 0) < 0, "byte %zu", bit / 8);
        file.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    xai_context_unref(context);
}
END_TEST

static const struct {
    uint32_t width, height;
    int depth, type;
    xai_status status;
    const char *words;
} headers[] = {
    { 0, 1, 8, 2, XAI_E_FORMAT, "IHDR" },
    { 1, 0, 8, 2, XAI_E_FORMAT, "IHDR" },
    { 0x80000000u, 1, 8, 2, XAI_E_FORMAT, "" },
    { 1, 0xffffffffu, 8, 2, XAI_E_FORMAT, "" },
    { 30000, 30000, 8, 0, XAI_E_LIMIT, "30000x30000" },
    { 0x7fffffffu, 0x7fffffffu, 16, 6, XAI_E_LIMIT, "max_pixels" },
    { 0x7fffffffu, 1, 16, 6, XAI_E_LIMIT, "2147483647x1" },
    { 1, 1, 3, 0, XAI_E_FORMAT, "IHDR" },
    { 1, 1, 4, 2, XAI_E_FORMAT, "IHDR" },
    { 1, 1, 16, 3, XAI_E_FORMAT, "IHDR" },
    { 1, 1, 8, 5, XAI_E_FORMAT, "IHDR" },
    { 1, 1, 8, 3, XAI_E_FORMAT, "PLTE" },
};

START_TEST(bad_headers)
{
    xai_context *context = testing_context(1);
    png_file file = { .size = 0 };
    xai_image *image;

    put_header(&file, headers[_i].width, headers[_i].height, headers[_i].depth, headers[_i].type, 0);
    put_data(&file, (const unsigned char *)"\0\0\0\0", 4);
    put_end(&file);
    ck_assert_fails(xai_image_decode(&image, context, file.bytes, file.size, 0), headers[_i].status, headers[_i].words);
    ck_assert_ptr_null(image);
    xai_context_unref(context);
}
END_TEST

/* A picture of 1 x 1 with one more chunk before its data. */
static xai_status decode_with(xai_image **image, xai_context *context, const char *type, const void *body, size_t size)
{
    png_file file = { .size = 0 };

    put_header(&file, 1, 1, 8, 2, 0);
    put_chunk(&file, type, body, size);
    put_data(&file, (const unsigned char *)"\0\1\2\3", 4);
    put_end(&file);
    return xai_image_decode(image, context, file.bytes, file.size, 0);
}

START_TEST(ancillary_chunks_are_passed_over)
{
    static const char *const types[] = {
        "iCCP", "zTXt", "iTXt", "gAMA", "sBIT", "bKGD", "hIST", "acTL", "fdAT", "quUx"
    };
    xai_context *context = testing_context(1);
    xai_image *image;

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        ck_assert_ok(decode_with(&image, context, types[i], "x\0\0 not what it should be", 24));
        ck_assert_int_eq(xai_image_pixels(image)[2], 3);
        xai_image_unref(image);
    }
    ck_assert_fails(decode_with(&image, context, "QUUX", "", 0), XAI_E_FORMAT, "QUUX");
    xai_context_unref(context);
}
END_TEST

START_TEST(orientation)
{
    static const unsigned char tiff[] = "MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0";
    xai_context *context = testing_context(1);
    png_file file = { .size = 0 };
    xai_image *image;

    put_header(&file, 2, 1, 8, 0, 0);
    put_chunk(&file, "eXIf", tiff, sizeof tiff - 1);
    put_data(&file, (const unsigned char *)"\0\1\2", 3);
    put_end(&file);
    ck_assert_ok(xai_image_decode(&image, context, file.bytes, file.size, 0));
    ck_assert_int_eq(xai_image_width(image), 2);
    xai_image_unref(image);
    ck_assert_ok(xai_image_decode(&image, context, file.bytes, file.size, XAI_IMAGE_EXIF));
    ck_assert_int_eq(xai_image_width(image), 1);
    ck_assert_int_eq(xai_image_height(image), 2);
    ck_assert_int_eq(xai_image_pixels(image)[0], 1);
    xai_image_unref(image);
    ck_assert_uint_eq(xai__png_orientation(file.bytes, file.size), 6);
    ck_assert_uint_eq(xai__png_orientation(file.bytes, 40), 1);
    xai_context_unref(context);
}
END_TEST

START_TEST(data_of_another_length)
{
    xai_context *context = testing_context(1);
    xai_image *image;

    for (size_t size = 0; size < 12; size++) {
        png_file file = { .size = 0 };
        unsigned char rows[12] = { 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9 };

        put_header(&file, 1, 2, 8, 2, 0);
        put_data(&file, rows, size);
        put_end(&file);
        if (size < 8) {
            ck_assert_fails(xai_image_decode(&image, context, file.bytes, file.size, 0), XAI_E_FORMAT, "damaged PNG");
            continue;
        }
        ck_assert_ok(xai_image_decode(&image, context, file.bytes, file.size, 0));
        xai_image_unref(image);
    }
    xai_context_unref(context);
}
END_TEST

START_TEST(encoded_is_decoded)
{
    static const int32_t sizes[][2] = { { 1, 1 }, { 7, 3 }, { 300, 200 } };
    xai_context *context = testing_context(1);
    unsigned char *bytes;
    size_t size;

    for (size_t i = 0; i < 3; i++) {
        xai_image *image = testing_picture(context, sizes[i][0], sizes[i][1]), *read;

        ck_assert_ok(xai__png_encode(&bytes, &size, image, 0));
        ck_assert_ok(xai_image_decode(&read, context, bytes, size, 0));
        testing_images_close(image, read, 0);
        xai__free(context, bytes);
        xai_image_unref(image);
        xai_image_unref(read);
    }
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_png");
    TCase *cases = tcase_create("all");
    int n_samples = sizeof samples / sizeof *samples;

    tcase_add_loop_test(cases, samples_become_rgb, 0, n_samples);
    tcase_add_loop_test(cases, truncated, 0, n_samples);
    tcase_add_loop_test(cases, damaged, 0, n_samples);
    tcase_add_loop_test(cases, bad_headers, 0, sizeof headers / sizeof *headers);
    tcase_add_test(cases, ancillary_chunks_are_passed_over);
    tcase_add_test(cases, orientation);
    tcase_add_test(cases, data_of_another_length);
    tcase_add_test(cases, encoded_is_decoded);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
