/* SPDX-License-Identifier: MIT
 * Pictures: the files of XAI_TEST_DATA against Pillow, what is refused, saving, references. */
#include "unit/pictures.h"

#include <stdbool.h>
#include <unistd.h>

#include "golden/pictures.h"
#include "io/image.h"

START_TEST(files_equal_pillow)
{
    xai_context *context = testing_context(1);
    const char *path = testing_data(pictures[_i].path);
    xai_image *image;

    if (path != NULL) {
        ck_assert_ok(xai_image_load(&image, context, path, 0));
        ck_assert_int_eq(xai_image_width(image), pictures[_i].width);
        ck_assert_int_eq(xai_image_height(image), pictures[_i].height);
        ck_assert_msg(testing_image_crc(image) == pictures[_i].crc, "%s", pictures[_i].path);
        xai_image_unref(image);
        ck_assert_ok(xai_image_load(&image, context, path, XAI_IMAGE_EXIF));
        ck_assert_msg(testing_image_crc(image) == pictures[_i].upright_crc, "%s, upright", pictures[_i].path);
        xai_image_unref(image);
    }
    xai_context_unref(context);
}
END_TEST

static const struct {
    const char *path;
    xai_status status;
    const char *words;
} refused[] = {
    { "images-loader/libjpeg-turbo/monkey12.jpg", XAI_E_UNSUPPORTED, "12 bits" },
    { "images-loader/libjpeg-turbo/testorig.ppm", XAI_E_FORMAT, "PPM" },
    { "images-loader/pillow/broken.png", XAI_E_FORMAT, "damaged PNG" },
    { "images-loader/pillow/broken_data_stream.png", XAI_E_FORMAT, "damaged PNG" },
    { "images-loader/pillow/LICENSE.txt", XAI_E_FORMAT, "neither PNG nor JPEG" },
    { "images-loader/pngsuite/xc1n0g08.png", XAI_E_FORMAT, "damaged PNG" },
    { "images-loader/pngsuite/xc9n2c08.png", XAI_E_FORMAT, "damaged PNG" },
    { "images-loader/pngsuite/xcrn0g04.png", XAI_E_FORMAT, "first 8 bytes are damaged" },
    { "images-loader/pngsuite/xcsn0g01.png", XAI_E_FORMAT, "CRC" },
    { "images-loader/pngsuite/xd0n2c08.png", XAI_E_FORMAT, "damaged PNG" },
    { "images-loader/pngsuite/xd3n2c08.png", XAI_E_FORMAT, "damaged PNG" },
    { "images-loader/pngsuite/xd9n2c08.png", XAI_E_FORMAT, "damaged PNG" },
    { "images-loader/pngsuite/xdtn0g01.png", XAI_E_FORMAT, "damaged PNG" },
    { "images-loader/pngsuite/xhdn0g08.png", XAI_E_FORMAT, "CRC" },
    { "images-loader/pngsuite/xlfn0g04.png", XAI_E_FORMAT, "first 8 bytes are damaged" },
    { "images-loader/pngsuite/xs1n0g01.png", XAI_E_FORMAT, "first 8 bytes are damaged" },
    { "images-loader/pngsuite/xs2n0g01.png", XAI_E_FORMAT, "first 8 bytes are damaged" },
    { "images-loader/pngsuite/xs4n0g01.png", XAI_E_FORMAT, "first 8 bytes are damaged" },
    { "images-loader/pngsuite/xs7n0g01.png", XAI_E_FORMAT, "first 8 bytes are damaged" },
};

START_TEST(broken_files_are_refused)
{
    xai_context *context = testing_context(1);
    const char *path = testing_data(refused[_i].path);
    xai_image *image;

    if (path != NULL) {
        ck_assert_fails(xai_image_load(&image, context, path, 0), refused[_i].status, refused[_i].words);
        ck_assert_ptr_null(image);
        ck_assert_ptr_nonnull(strstr(xai_last_error(), strrchr(refused[_i].path, '/') + 1));
    }
    xai_context_unref(context);
}
END_TEST

/* Three zTXt chunks that would unpack to 2 MiB each: never unpacked. */
START_TEST(text_bomb_is_passed_over)
{
    xai_context *context = testing_context(1);
    const char *path = testing_data("images-loader/pillow/png_decompression_dos.png");
    xai_image *image;

    if (path != NULL) {
        ck_assert_ok(xai_image_load(&image, context, path, 0));
        xai_image_unref(image);
    }
    xai_context_unref(context);
}
END_TEST

static const struct {
    const char *bytes;
    size_t size;
    const char *words;
} strangers[] = {
    { "", 0, "empty" },
    { "version https://git-lfs.github.com/spec/v1\noid sha256:00\n", 57, "Git LFS pointer" },
    { "GIF89a\1\0\1\0", 10, "a GIF" },
    { "RIFF\x24\0\0\0WEBPVP8 ", 16, "a WebP" },
    { "BM\x46\0\0\0\0\0\0\0", 10, "a BMP" },
    { "P6\n2 2\n255\n", 11, "a PPM" },
    { "\0\0\0\030ftypheic\0\0\0\0", 16, "a HEIC" },
    { "\0\0\0\030ftypavif\0\0\0\0", 16, "an AVIF" },
    { "II*\0\x08\0\0\0", 8, "a TIFF" },
    { "<svg xmlns=\"", 12, "SVG" },
    { "P", 1, "neither PNG nor JPEG" },
    { "P6\n9", 4, "a PPM" },
    { "P6\0\0", 4, "neither PNG nor JPEG" },
    { "\x89PNG\r\n\x1a", 7, "first 8 bytes are damaged" },
    { "\x89PNG\r\n\x1a\n", 8, "ends too early" },
    { "\xff\xd8", 2, "no frame header" },
    { "\xff", 1, "neither PNG nor JPEG" },
};

START_TEST(other_formats_are_named)
{
    xai_context *context = testing_context(1);
    xai_image *image;

    ck_assert_fails(xai_image_decode(&image, context, strangers[_i].bytes, strangers[_i].size, 0), XAI_E_FORMAT,
                    strangers[_i].words);
    ck_assert_ptr_null(image);
    xai_context_unref(context);
}
END_TEST

static const char *temporary(const char *name)
{
    static char path[256];
    const char *folder = getenv("TMPDIR");

    snprintf(path, sizeof path, "%s/xai-%d-%s", folder != NULL ? folder : "/tmp", (int)getpid(), name);
    return path;
}

static void check_saved(xai_context *context, const char *name, int32_t quality, int tolerance)
{
    xai_image *image = testing_picture(context, 37, 23), *read;
    uint8_t *pixels = xai_image_pixels(image);

    /* JPEG is close where the picture is smooth. */
    for (size_t i = 0; tolerance > 0 && i < 37 * 23; i++)
        pixels[3 * i] = pixels[3 * i + 2] = pixels[3 * i + 1] = (uint8_t)(i % 37 * 4);
    ck_assert_ok(xai_image_save(image, temporary(name), quality));
    ck_assert_ok(xai_image_load(&read, context, temporary(name), 0));
    testing_images_close(image, read, tolerance);
    xai_image_unref(image);
    xai_image_unref(read);
    ck_assert_int_eq(unlink(temporary(name)), 0);
}

START_TEST(saved_is_read_back)
{
    xai_context *context = testing_context(1);

    check_saved(context, "a.png", 0, 0);
    check_saved(context, "a.PNG", 100, 0);
    check_saved(context, "a.jpg", 100, 3);
    check_saved(context, "a.JPEG", 0, 8);
    xai_context_unref(context);
}
END_TEST

START_TEST(bad_saves)
{
    xai_context *context = testing_context(1);
    xai_image *image = testing_picture(context, 3, 3), *wide;

    ck_assert_fails(xai_image_save(image, "a.gif", 0), XAI_E_INVALID, ".png, .jpg or .jpeg");
    ck_assert_fails(xai_image_save(image, ".png", 0), XAI_E_INVALID, "must end");
    ck_assert_fails(xai_image_save(image, "a.jpg", 101), XAI_E_INVALID, "quality is 101");
    ck_assert_fails(xai_image_save(image, "a.jpg", -1), XAI_E_INVALID, "quality is -1");
    ck_assert_fails(xai_image_save(image, "no/such/folder/a.png", 0), XAI_E_IO, "no/such/folder");
    ck_assert_fails(xai_image_save(NULL, "a.png", 0), XAI_E_INVALID, "image is NULL");
    ck_assert_fails(xai_image_save(image, NULL, 0), XAI_E_INVALID, "path is NULL");
    ck_assert_ok(xai_image_create(&wide, context, NULL, 65501, 1));
    ck_assert_fails(xai_image_save(wide, "a.jpg", 0), XAI_E_INVALID, "65501x1");
    xai_image_unref(wide);
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

/* However long a name is, the message says what is wrong with it. */
START_TEST(long_names)
{
    xai_context *context = testing_context(1);
    xai_image *image = testing_picture(context, 3, 3), *wide;
    char path[3001];

    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    ck_assert_fails(xai_image_save(image, path, 0), XAI_E_INVALID, "xxx: the name must end in .png, .jpg or .jpeg");
    memcpy(path + sizeof path - 5, ".jpg", 5);
    ck_assert_fails(xai_image_save(image, path, 101), XAI_E_INVALID, "x.jpg: quality is 101");
    ck_assert_ok(xai_image_create(&wide, context, NULL, 65501, 1));
    ck_assert_fails(xai_image_save(wide, path, 0), XAI_E_INVALID, "x.jpg: the picture has 65501x1 pixels");
    xai_image_unref(wide);
    xai_image_unref(image);
    xai_context_unref(context);
}
END_TEST

START_TEST(created)
{
    xai_context *context = testing_context(1);
    uint8_t pixels[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
    xai_image *image;

    ck_assert_ok(xai_image_create(&image, context, pixels, 1, 4));
    ck_assert_mem_eq(xai_image_pixels(image), pixels, 12);
    ck_assert_ptr_eq(xai_image_ref(image), image);
    xai_image_unref(image);
    xai_context_unref(context); /* the picture keeps it */
    ck_assert_int_eq(xai_image_height(image), 4);
    xai_image_unref(image);
    xai_image_unref(xai_image_ref(NULL));
}
END_TEST

START_TEST(bad_arguments)
{
    xai_context_options options = { .struct_size = sizeof options, .max_pixels = 100 };
    xai_context *context;
    xai_image *image;

    ck_assert_ok(xai_context_create(&context, &options));
    ck_assert_fails(xai_image_create(&image, context, NULL, 0, 4), XAI_E_INVALID, "0x4");
    ck_assert_fails(xai_image_create(&image, context, NULL, 4, -4), XAI_E_INVALID, "4x-4");
    ck_assert_fails(xai_image_create(&image, context, NULL, 101, 1), XAI_E_LIMIT, "101x1");
    ck_assert_ptr_null(image);
    ck_assert_fails(xai_image_create(NULL, context, NULL, 1, 1), XAI_E_INVALID, "out is NULL");
    ck_assert_fails(xai_image_create(&image, NULL, NULL, 1, 1), XAI_E_INVALID, "context is NULL");
    ck_assert_fails(xai_image_decode(&image, context, NULL, 9, 0), XAI_E_INVALID, "bytes is NULL");
    ck_assert_fails(xai_image_decode(&image, context, NULL, 0, 0), XAI_E_FORMAT, "empty");
    ck_assert_fails(xai_image_decode(&image, context, "x", 1, 2), XAI_E_INVALID, "0x2");
    ck_assert_fails(xai_image_load(&image, context, NULL, 0), XAI_E_INVALID, "path is NULL");
    ck_assert_fails(xai_image_load(&image, context, "no such file.png", 0), XAI_E_IO, "no such file.png");
    xai_context_unref(context);
}
END_TEST

/* Two cells side by side, each picture in the middle of the larger one's cell, on white. */
START_TEST(sheet)
{
    static const char *const labels[2] = { NULL, "" };
    xai_context *context = testing_context(1);
    const xai_image *pair[2] = { NULL, NULL };
    static const char *const words[2] = { "a", "b" };
    xai_image *first = NULL, *whole = NULL, *plain = NULL;
    const uint8_t *pixels;
    size_t n_red = 0;

    ck_assert_ok(xai_image_create(&first, context, NULL, 20, 10));
    for (size_t i = 0; i < 20 * 10; i++)
        xai_image_pixels(first)[3 * i] = 255;
    pair[0] = first;
    ck_assert_ok(xai_image_sheet(&whole, context, pair, words, 2, 2));
    ck_assert_ok(xai_image_sheet(&plain, context, pair, labels, 2, 2));
    ck_assert_int_ge(xai_image_width(whole), 40);
    ck_assert_int_eq(xai_image_height(whole), xai_image_height(plain));
    ck_assert_int_ne(memcmp(xai_image_pixels(whole), xai_image_pixels(plain),
                            3 * (size_t)xai_image_width(plain) * (size_t)xai_image_height(plain)),
                     0);
    pixels = xai_image_pixels(plain);
    for (size_t i = 0; i < (size_t)xai_image_width(plain) * (size_t)xai_image_height(plain); i++) {
        bool is_red = pixels[3 * i] == 255 && pixels[3 * i + 1] == 0 && pixels[3 * i + 2] == 0;

        ck_assert(is_red || (pixels[3 * i] == 255 && pixels[3 * i + 1] == 255 && pixels[3 * i + 2] == 255));
        n_red += is_red;
    }
    ck_assert_uint_eq(n_red, 200);
    xai_image_unref(plain);
    ck_assert_fails(xai_image_sheet(&plain, context, pair, labels, 0, 2), XAI_E_INVALID, "");
    ck_assert_ptr_null(plain);
    xai_image_unref(whole);
    xai_image_unref(first);
    xai_context_unref(context);
}
END_TEST

static size_t count_ink(const xai_image *image, int32_t from_y)
{
    size_t n = 0;

    for (size_t i = 3 * (size_t)from_y * (size_t)image->width; i < 3 * (size_t)image->height * (size_t)image->width;
         i++)
        n += image->pixels[i] < 128;
    return n;
}

/* Labels are cut by characters: a letter of two bytes takes no more room than one of a single byte. */
START_TEST(labels_of_other_alphabets)
{
    xai_context *context = testing_context(1);
    xai_image *picture = NULL, *whole = NULL;
    char label[2 * 40 + 1] = "";

    for (int i = 0; i < 40; i++)
        strcat(label, "\xc3\xa9");
    ck_assert_ok(xai_image_create(&picture, context, NULL, 60, 10)); /* ten characters of the small size */
    memset(picture->pixels, 255, 3 * 60 * 10);
    ck_assert_ok(
        xai_image_sheet(&whole, context, (const xai_image *const[]){ picture }, (const char *const[]){ label }, 1, 1));
    ck_assert_uint_eq(count_ink(whole, 0) / 3, 10 * 20); /* dots of the box that stands for a strange letter */
    xai_image_unref(whole);
    xai_image_unref(picture);
    xai_context_unref(context);
}
END_TEST

/* What a label needs may be more than what a line of text usually holds. */
START_TEST(long_labels)
{
    xai_context *context = testing_context(1);
    xai_image *picture = NULL, *whole = NULL;
    char label[601];

    memset(label, '-', sizeof label - 1); /* five dots each */
    label[sizeof label - 1] = '\0';
    ck_assert_ok(xai_image_create(&picture, context, NULL, 600 * 6, 1));
    memset(picture->pixels, 255, 3 * 600 * 6);
    ck_assert_ok(
        xai_image_sheet(&whole, context, (const xai_image *const[]){ picture }, (const char *const[]){ label }, 1, 1));
    ck_assert_uint_eq(count_ink(whole, 0) / 3, 600 * 5);
    xai_image_unref(whole);
    xai_image_unref(picture);
    xai_context_unref(context);
}
END_TEST

/* Sizes near the largest number are refused, not added up beyond it. No pixel of such a picture is looked at. */
START_TEST(sheets_of_the_largest_pictures)
{
    xai_context *context = testing_context(1);
    const xai_image wide = { .width = INT32_MAX, .height = 1 }, high = { .width = 1, .height = INT32_MAX };
    xai_image *whole;

    ck_assert_fails(
        xai_image_sheet(&whole, context, (const xai_image *const[]){ &wide }, (const char *const[]){ NULL }, 1, 1),
        XAI_E_INVALID, "2147483663x");
    ck_assert_ptr_null(whole);
    ck_assert_fails(
        xai_image_sheet(&whole, context, (const xai_image *const[]){ &high }, (const char *const[]){ NULL }, 1, 1),
        XAI_E_INVALID, "x2147483687");
    ck_assert_ptr_null(whole);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_image");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, files_equal_pillow, 0, sizeof pictures / sizeof *pictures);
    tcase_add_loop_test(cases, broken_files_are_refused, 0, sizeof refused / sizeof *refused);
    tcase_add_test(cases, text_bomb_is_passed_over);
    tcase_add_loop_test(cases, other_formats_are_named, 0, sizeof strangers / sizeof *strangers);
    tcase_add_test(cases, saved_is_read_back);
    tcase_add_test(cases, bad_saves);
    tcase_add_test(cases, long_names);
    tcase_add_test(cases, created);
    tcase_add_test(cases, bad_arguments);
    tcase_add_test(cases, sheet);
    tcase_add_test(cases, labels_of_other_alphabets);
    tcase_add_test(cases, long_labels);
    tcase_add_test(cases, sheets_of_the_largest_pictures);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
