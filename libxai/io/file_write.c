/* SPDX-License-Identifier: MIT
 * Files as bytes, for writing: whole or not at all, though a power cut is not guarded against.
 *
 * The bytes go to a file beside the one that is meant, and rename() puts it in its place at the end. Whoever has the
 * old file open or mapped, this process included, keeps it whole. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"
#include "io/file_name.h"

/* A symbolic link is followed, so that the file it names is replaced and not the link. */
static xai_status resolve(xai__file_writer *writer, const char *path)
{
    struct stat info;
    char *real;

    if (lstat(path, &info) < 0 || !S_ISLNK(info.st_mode)) {
        writer->path = xai__strdup(writer->context, path);
        return writer->path != NULL ? XAI_OK : XAI_E_NO_MEMORY;
    }
    real = realpath(path, NULL);
    if (real == NULL)
        return xai__file_fail_errno(writer->name, "follow the symbolic link", errno);
    writer->path = xai__strdup(writer->context, real);
    free(real);
    return writer->path != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* Permissions of the file that is replaced, which the new one is to have. There is none: the umask decides. */
typedef struct permissions {
    bool are_known; /* none at all are some too */
    mode_t mode;
} permissions;

/* Renaming over /dev/null would replace the device. It asks the folder alone, so a file that may not be written is
 * looked for here: whoever protected it from programs that open files meant this one as well. */
static xai_status check_target(const xai__file_writer *writer, permissions *kept)
{
    struct stat info;

    if (stat(writer->path, &info) < 0)
        return XAI_OK;
    if (S_ISDIR(info.st_mode))
        return xai__fail(XAI_E_IO, "%s is a directory, not a file", writer->name);
    if (!S_ISREG(info.st_mode))
        return xai__fail(XAI_E_IO, "%s is not a regular file; only such files are written", writer->name);
    if (faccessat(AT_FDCWD, writer->path, W_OK, AT_EACCESS) < 0)
        return xai__file_fail_errno(writer->name, "write", errno);
    *kept = (permissions){ true, info.st_mode & 0777 };
    return XAI_OK;
}

/* In the same folder, so that renaming stays within one file system; short, so that it fits where the name did. */
static char *temporary_name(const xai__file_writer *writer, uint64_t salt)
{
    const char *slash = strrchr(writer->path, '/');
    int folder = slash != NULL ? (int)(slash - writer->path) + 1 : 0;
    struct timespec now;
    /* Different for two processes, two writers of one and two attempts of one; O_EXCL below catches what is left. */
    uint64_t noise[3] = { (uint64_t)getpid(), (uint64_t)(uintptr_t)writer, salt };

    clock_gettime(CLOCK_MONOTONIC, &now);
    return xai__format(writer->context, "%.*s.xai-%016llx.tmp", folder, writer->path,
                       (unsigned long long)xai__hash((uint64_t)now.tv_nsec, noise, sizeof noise));
}

/* O_EXCL: a link that waits under the guessed name is not followed. */
static xai_status create(xai__file_writer *writer)
{
    for (uint64_t attempt = 0;; attempt++) {
        char *name = temporary_name(writer, attempt);

        if (name == NULL)
            return XAI_E_NO_MEMORY;
        writer->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (writer->fd >= 0) {
            writer->temporary = name;
            return XAI_OK;
        }
        xai__free(writer->context, name);
        if ((errno != EEXIST && errno != EINTR) || attempt == 100)
            return xai__file_fail_errno(writer->name, "write", errno);
    }
}

xai_status xai__file_writer_open(xai__file_writer *writer, xai_context *context, const char *path)
{
    xai_status status = xai__file_check_path(path);
    permissions kept = { false, 0 };

    *writer = (xai__file_writer){ .context = context };
    if (status == XAI_OK && (writer->name = xai__file_name(context, path)) == NULL)
        status = XAI_E_NO_MEMORY;
    if (status == XAI_OK)
        status = resolve(writer, path);
    if (status == XAI_OK)
        status = check_target(writer, &kept);
    if (status == XAI_OK)
        status = create(writer);
    if (status == XAI_OK && kept.are_known && fchmod(writer->fd, kept.mode) < 0)
        status = xai__file_fail_errno(writer->name, "write", errno);
    if (status < 0)
        xai__file_writer_close(writer);
    return status;
}

/* A disk that fills up shows as a short write first. */
xai_status xai__file_writer_add(xai__file_writer *writer, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    for (size_t at = 0; at < size;) {
        ssize_t n = write(writer->fd, bytes + at, size - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return xai__file_fail_errno(writer->name, "write", errno);
        at += (size_t)n;
    }
    writer->size += size;
    return XAI_OK;
}

xai_status xai__file_writer_commit(xai__file_writer *writer)
{
    int failed = close(writer->fd);

    writer->fd = -1;
    /* close() reports what the network or a full disk refused late. */
    if (failed < 0 && errno != EINTR)
        return xai__file_fail_errno(writer->name, "write", errno);
    /* Until this has gone well temporary stays set, and closing the writer removes the file. */
    if (rename(writer->temporary, writer->path) < 0)
        return xai__file_fail_errno(writer->name, "write", errno);
    xai__free(writer->context, writer->temporary);
    writer->temporary = NULL;
    return XAI_OK;
}

void xai__file_writer_close(xai__file_writer *writer)
{
    if (writer->temporary != NULL) {
        if (writer->fd >= 0)
            close(writer->fd);
        unlink(writer->temporary);
    }
    if (writer->context != NULL) {
        xai__free(writer->context, writer->temporary);
        xai__free(writer->context, writer->path);
        xai__free(writer->context, writer->name);
    }
    *writer = (xai__file_writer){ 0 };
}

xai_status xai__file_write(xai_context *context, const char *path, const void *bytes, size_t size)
{
    xai__file_writer writer;
    xai_status status = xai__file_writer_open(&writer, context, path);

    if (status == XAI_OK)
        status = xai__file_writer_add(&writer, bytes, size);
    if (status == XAI_OK)
        status = xai__file_writer_commit(&writer);
    xai__file_writer_close(&writer);
    return status;
}
