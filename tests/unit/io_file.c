/* SPDX-License-Identifier: MIT
 * Files: what is opened, what is refused, and that nothing is left half-written. */
#include "testing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"

static xai_context *context;
static char folder[] = "xai-io-file-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void set_up(void)
{
    context = testing_context(1);
    strcpy(folder, "xai-io-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static size_t count_files(bool empty)
{
    DIR *dir = opendir(folder);
    size_t n = 0;

    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        n++;
        if (empty)
            unlink(in_folder(entry->d_name));
    }
    closedir(dir);
    return n;
}

static void tear_down(void)
{
    count_files(true);
    ck_assert_int_eq(rmdir(folder), 0);
    xai_context_unref(context);
}

static void put(const char *path, const void *bytes, size_t size)
{
    FILE *stream = fopen(path, "wb");

    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(bytes, 1, size, stream), size);
    fclose(stream);
}

START_TEST(reads_every_size)
{
    static const size_t sizes[] = { 0, 1, 4096, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 300001 };

    for (int copy = 0; copy < 2; copy++) {
        xai_context_options options = { .struct_size = sizeof options, .flags = copy ? XAI_CONTEXT_COPY_WEIGHTS : 0 };
        xai_context *other;

        ck_assert_ok(xai_context_create(&other, &options));
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            unsigned char *bytes = malloc(sizes[i] + 1);
            xai__file file;

            for (size_t k = 0; k < sizes[i]; k++)
                bytes[k] = (unsigned char)(k * 7 + i);
            put(in_folder("bytes"), bytes, sizes[i]);
            ck_assert_ok(xai__file_open(&file, other, in_folder("bytes")));
            ck_assert_uint_eq(file.size, sizes[i]);
            ck_assert_ptr_nonnull(file.data);
            ck_assert_int_eq(memcmp(file.data, bytes, sizes[i]), 0);
            ck_assert_int_eq(file.mapping != NULL, sizes[i] > 1 << 16 && !copy);
            xai__file_close(&file);
            xai__file_close(&file);
            free(bytes);
        }
        xai_context_unref(other);
    }
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
    xai__file file;

    ck_assert_fails(xai__file_open(&file, context, in_folder("none")), XAI_E_IO, "none: cannot open: No such file");
    ck_assert_ptr_null(file.data);
    ck_assert_fails(xai__file_open(&file, context, folder), XAI_E_IO, "is a directory");
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    ck_assert_fails(xai__file_open(&file, context, in_folder("pipe")), XAI_E_IO, "is a pipe");
    ck_assert_fails(xai__file_open(&file, context, "/dev/zero"), XAI_E_IO, "is a device");
    ck_assert_fails(xai__file_open(&file, context, "https://example.org/w.pth"), XAI_E_UNSUPPORTED, "is a URL");
    ck_assert_fails(xai__file_open(&file, context, "S3+x://bucket/w"), XAI_E_UNSUPPORTED, "is a URL");
    ck_assert_fails(xai__file_open(&file, context, "c://x"), XAI_E_IO, "cannot open");
    ck_assert_fails(xai__file_open(&file, context, ""), XAI_E_INVALID, "empty");
    ck_assert_fails(xai__file_open(&file, context, NULL), XAI_E_INVALID, "NULL");
    xai__file_close(&file);
}
END_TEST

START_TEST(long_path_keeps_the_reason)
{
    char path[3000];
    xai__file file;

    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = '\0';
    ck_assert_fails(xai__file_open(&file, context, path), XAI_E_IO, "File name too long");
}
END_TEST

START_TEST(wraps_a_copy)
{
    char bytes[] = "abc";
    xai__file file;

    ck_assert_ok(xai__file_wrap(&file, context, bytes, 3));
    bytes[0] = 'x';
    ck_assert_int_eq(memcmp(file.data, "abc", 3), 0);
    ck_assert_fails(xai__file_fail(&file, XAI_E_FORMAT, 2, "bad %s", "c"), XAI_E_FORMAT, "buffer: byte 2: bad c");
    xai__file_close(&file);
    ck_assert_ok(xai__file_wrap(&file, context, NULL, 0));
    ck_assert_ptr_nonnull(file.data);
    xai__file_close(&file);
}
END_TEST

enum { LARGE_FILE = 16 << 20 };

/* Bytes of ours that are in memory; 0 where the system does not say. */
static size_t resident(void)
{
    FILE *stream = fopen("/proc/self/statm", "r");
    size_t all, pages = 0;

    if (stream == NULL)
        return 0;
    if (fscanf(stream, "%zu %zu", &all, &pages) != 2)
        pages = 0;
    fclose(stream);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* What is let go comes back when it is read; memory that is not the mapping's stays what it is. */
START_TEST(forgets_what_can_be_read_again)
{
    unsigned char *bytes = malloc(LARGE_FILE);
    size_t before;
    xai__file file;

    for (size_t k = 0; k < LARGE_FILE; k++)
        bytes[k] = (unsigned char)(k * 7 + k / 4096);
    put(in_folder("large"), bytes, LARGE_FILE);
    ck_assert_ok(xai__file_open(&file, context, in_folder("large")));
    ck_assert_ptr_nonnull(file.mapping);
    ck_assert_int_eq(memcmp(file.data, bytes, LARGE_FILE), 0);
    before = resident();
    xai__file_forget(&file, file.data + 1, LARGE_FILE - 2);
    if (before > 0)
        ck_assert_uint_lt(resident(), before - LARGE_FILE / 2);
    ck_assert_int_eq(memcmp(file.data, bytes, LARGE_FILE), 0);
    xai__file_forget(&file, file.data + 4095, 1);
    xai__file_forget(&file, file.data + LARGE_FILE - 1, LARGE_FILE); /* more than there is */
    xai__file_forget(&file, file.data + LARGE_FILE, 4096);
    xai__file_forget(&file, bytes, LARGE_FILE);
    ck_assert_int_eq(memcmp(file.data, bytes, LARGE_FILE), 0);
    xai__file_close(&file);
    ck_assert_ok(xai__file_wrap(&file, context, bytes, LARGE_FILE));
    xai__file_forget(&file, file.data, LARGE_FILE);
    ck_assert_int_eq(memcmp(file.data, bytes, LARGE_FILE), 0);
    xai__file_close(&file);
    free(bytes);
}
END_TEST

static void expect(const char *path, const char *text)
{
    xai__file file;

    ck_assert_ok(xai__file_open(&file, context, path));
    ck_assert_uint_eq(file.size, strlen(text));
    ck_assert_int_eq(memcmp(file.data, text, file.size), 0);
    xai__file_close(&file);
}

START_TEST(writes_whole_or_not_at_all)
{
    xai__file_writer writer;

    ck_assert_ok(xai__file_write(context, in_folder("out"), "first", 5));
    expect(in_folder("out"), "first");
    ck_assert_ok(xai__file_writer_open(&writer, context, in_folder("out")));
    ck_assert_ok(xai__file_writer_add(&writer, "second", 6));
    expect(in_folder("out"), "first");
    ck_assert_uint_eq(count_files(false), 2);
    xai__file_writer_close(&writer);
    ck_assert_uint_eq(count_files(false), 1);
    expect(in_folder("out"), "first");
    ck_assert_ok(xai__file_write(context, in_folder("out"), "", 0));
    expect(in_folder("out"), "");
}
END_TEST

START_TEST(keeps_links_and_modes)
{
    struct stat info;

    put(in_folder("target"), "old", 3);
    ck_assert_int_eq(chmod(in_folder("target"), 0640), 0);
    ck_assert_int_eq(symlink("target", in_folder("link")), 0);
    ck_assert_ok(xai__file_write(context, in_folder("link"), "new", 3));
    expect(in_folder("target"), "new");
    ck_assert_int_eq(lstat(in_folder("link"), &info), 0);
    ck_assert(S_ISLNK(info.st_mode));
    ck_assert_int_eq(stat(in_folder("target"), &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0640);
}
END_TEST

START_TEST(keeps_every_mode)
{
    static const mode_t modes[] = { 0000, 0200, 0600, 0444, 0666, 0777 };

    if (geteuid() != 0) {
        printf("# SKIP: only root may write files of mode 000\n");
        return;
    }
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct stat info;

        put(in_folder("kept"), "old", 3);
        ck_assert_int_eq(chmod(in_folder("kept"), modes[i]), 0);
        ck_assert_ok(xai__file_write(context, in_folder("kept"), "new", 3));
        expect(in_folder("kept"), "new");
        ck_assert_int_eq(stat(in_folder("kept"), &info), 0);
        ck_assert_uint_eq(info.st_mode & 0777, modes[i]);
    }
}
END_TEST

/* The folder would let it be renamed over. */
START_TEST(leaves_what_may_not_be_written)
{
    const uid_t us = geteuid();
    xai_status status;

    put(in_folder("kept"), "old", 3);
    ck_assert_int_eq(chmod(in_folder("kept"), 0444), 0);
    ck_assert_int_eq(chmod(folder, 0777), 0);
    /* Root may write whatever it likes, so be nobody for a moment. */
    ck_assert_int_eq(us == 0 ? seteuid(65534) : 0, 0);
    status = xai__file_write(context, in_folder("kept"), "new", 3);
    ck_assert_int_eq(us == 0 ? seteuid(us) : 0, 0);
    ck_assert_fails(status, XAI_E_IO, "kept: cannot write: Permission denied");
    expect(in_folder("kept"), "old");
    ck_assert_uint_eq(count_files(false), 1);
}
END_TEST

START_TEST(refuses_to_replace)
{
    ck_assert_fails(xai__file_write(context, folder, "x", 1), XAI_E_IO, "is a directory");
    ck_assert_fails(xai__file_write(context, "/dev/null", "x", 1), XAI_E_IO, "/dev/null is not a regular file");
    ck_assert_fails(xai__file_write(context, in_folder("no/such"), "x", 1), XAI_E_IO, "cannot write: No such file");
    ck_assert_int_eq(symlink("nowhere", in_folder("dangling")), 0);
    ck_assert_fails(xai__file_write(context, in_folder("dangling"), "x", 1), XAI_E_IO, "symbolic link");
    ck_assert_fails(xai__file_write(context, "http://x/y", "x", 1), XAI_E_UNSUPPORTED, "is a URL");
    ck_assert_uint_eq(count_files(false), 1);
}
END_TEST

START_TEST(full_disk_leaves_nothing)
{
    /* Once /dev/full takes the descriptor, the disk is full. */
    char *bytes = calloc(1, 1 << 20);
    xai__file_writer writer;
    int full;

    ck_assert_ok(xai__file_writer_open(&writer, context, in_folder("big")));
    full = open("/dev/full", O_WRONLY);
    ck_assert_int_ge(full, 0);
    ck_assert_int_ge(dup2(full, writer.fd), 0);
    close(full);
    ck_assert_fails(xai__file_writer_add(&writer, bytes, 1 << 20), XAI_E_IO, "big: cannot write: No space left");
    xai__file_writer_close(&writer);
    ck_assert_uint_eq(count_files(false), 0);
    free(bytes);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_file");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, reads_every_size);
    tcase_add_test(cases, refuses_what_is_no_file);
    tcase_add_test(cases, long_path_keeps_the_reason);
    tcase_add_test(cases, wraps_a_copy);
    tcase_add_test(cases, forgets_what_can_be_read_again);
    tcase_add_test(cases, writes_whole_or_not_at_all);
    tcase_add_test(cases, keeps_links_and_modes);
    tcase_add_test(cases, keeps_every_mode);
    tcase_add_test(cases, leaves_what_may_not_be_written);
    tcase_add_test(cases, refuses_to_replace);
    tcase_add_test(cases, full_disk_leaves_nothing);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
