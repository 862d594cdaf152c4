/* SPDX-License-Identifier: MIT
 * Pictures when memory runs out: decoded, turned, resized, saved. */
#include "oom.h"

#include <sys/stat.h>
#include <unistd.h>

#include "io/resample.h"

/* What an attempt works on. Attempts assert nothing themselves, for Check asks for memory too. */
typedef struct picture_case {
    xai_context *context;
    unsigned char bytes[4096];
    size_t size;
    xai_image *image;
    int32_t width, height;
    uint32_t filter;
    char folder[256], path[4352];
} picture_case;

static xai_status drop(xai_status status, xai_image *image)
{
    bool right = (image != NULL) == (status == XAI_OK);

    xai_image_unref(image);
    return right ? status : XAI_E_INTERNAL;
}

static xai_status decode(void *user)
{
    picture_case *now = user;
    xai_image *image;
    xai_status status = xai_image_decode(&image, now->context, now->bytes, now->size, XAI_IMAGE_EXIF);

    return drop(status, image);
}

static xai_status load(void *user)
{
    picture_case *now = user;
    xai_image *image;
    xai_status status = xai_image_load(&image, now->context, now->path, 0);

    return drop(status, image);
}

static xai_status resize(void *user)
{
    picture_case *now = user;
    xai_image *image;
    xai_status status = xai_image_resize(&image, now->image, now->width, now->height, now->filter);

    return drop(status, image);
}

static xai_status crop(void *user)
{
    picture_case *now = user;
    xai_image *image;
    xai_status status = xai__image_resize_crop(&image, now->image, now->height, now->height, now->width, now->filter);

    return drop(status, image);
}

/* Afterwards the folder holds the file or nothing: only an empty one can be removed. */
static xai_status save(void *user)
{
    picture_case *now = user;
    xai_status status = xai_image_save(now->image, now->path, 0);
    bool there = unlink(now->path) == 0;

    if (there != (status == XAI_OK) || rmdir(now->folder) != 0 || mkdir(now->folder, 0700) != 0)
        return XAI_E_INTERNAL;
    return status;
}

static void read_seed(picture_case *now, const char *name)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "tests/fuzz/corpus/image/%s", name);
    snprintf(now->path, sizeof now->path, "%s", testing_source(path));
    file = fopen(now->path, "rb");
    ck_assert_ptr_nonnull(file);
    now->size = fread(now->bytes, 1, sizeof now->bytes, file);
    fclose(file);
}

/* TurboJPEG 2.1.5 loses libjpeg's memory manager where the allocation after that fails, while it makes a handle. */
static long lost_by_turbojpeg(const char *name)
{
    return strstr(name, "jp") != NULL ? 1 : 0;
}

static const char *const seeds[] = {
    "png-0-1-0",     "png-0-16-1",    "png-2-8-1",
    "png-3-4-0",     "png-6-16-0",    "png-exif",
    "jpeg-L",        "jpeg-RGB",      "jpeg-RGB-progressive",
    "jpeg-CMYK",     "jpeg-422",      "jpeg-CMYK-progressive",
    "jpeg-turned-6", "jpeg-restarts",
};

START_TEST(decoding)
{
    picture_case now = { .context = testing_context(1) };

    read_seed(&now, seeds[_i]);
    oom_run(seeds[_i], decode, &now, lost_by_turbojpeg(seeds[_i]));
    oom_run(seeds[_i], load, &now, lost_by_turbojpeg(seeds[_i]));
    xai_context_unref(now.context);
}
END_TEST

START_TEST(resizing)
{
    static const int32_t sizes[][2] = { { 30, 20 }, { 60, 20 }, { 30, 40 }, { 50, 10 }, { 60, 40 } };
    picture_case now = { .context = testing_context(1) };

    ck_assert_ok(xai_image_create(&now.image, now.context, NULL, 60, 40));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (now.filter = 0; now.filter < 3; now.filter++) {
            now.width = sizes[i][0];
            now.height = sizes[i][1];
            oom_run("resize", resize, &now, 0);
        }
    now.filter = XAI_FILTER_BILINEAR;
    now.width = 30;
    now.height = 20;
    oom_run("crop", crop, &now, 0);
    xai_image_unref(now.image);
    xai_context_unref(now.context);
}
END_TEST

START_TEST(saving)
{
    static const char *const names[] = { "a.png", "a.jpg" };
    picture_case now = { .context = testing_context(1) };
    const char *root = getenv("TMPDIR");

    ck_assert_ok(xai_image_create(&now.image, now.context, NULL, 60, 40));
    snprintf(now.folder, sizeof now.folder, "%s/xai-oom-XXXXXX", root != NULL ? root : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(now.folder));
    snprintf(now.path, sizeof now.path, "%s/%s", now.folder, names[_i]);
    oom_run(names[_i], save, &now, lost_by_turbojpeg(names[_i]));
    ck_assert_int_eq(rmdir(now.folder), 0);
    xai_image_unref(now.image);
    xai_context_unref(now.context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_image");
    TCase *cases = tcase_create("all");

    tcase_add_loop_test(cases, decoding, 0, sizeof seeds / sizeof *seeds);
    tcase_add_test(cases, resizing);
    tcase_add_loop_test(cases, saving, 0, 2);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
