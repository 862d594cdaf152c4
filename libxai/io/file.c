/* SPDX-License-Identifier: MIT
 * Files as bytes, for reading. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "io/file_name.h"

/* Below this a mapping costs more than a copy: a system call, a page fault a page, and a whole page for the last bytes.
 */
enum { SMALL_FILE = 1 << 16 };

/* What an empty or failed file points to, so that data + size is always a pointer. */
static const unsigned char nothing[1];

/* A scheme as RFC 3986 has it, then "://"; one letter is a drive of Windows. */
static bool is_url(const char *path)
{
    const char *at = path;

    while ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
           (at > path && strchr("0123456789+-.", *at) && *at))
        at++;
    return at > path + 1 && strncmp(at, "://", 3) == 0;
}

xai_status xai__file_check_path(const char *path)
{
    if (path == NULL)
        return xai__fail(XAI_E_INVALID, "path is NULL");
    if (*path == '\0')
        return xai__fail(XAI_E_INVALID, "the path is empty");
    if (is_url(path))
        return xai__fail(XAI_E_UNSUPPORTED, "%.200s is a URL; download it first, libxai opens files only", path);
    return XAI_OK;
}

const char *xai__file_tail(const char *path)
{
    const size_t longest = 240;
    size_t length = strlen(path);

    return length <= longest ? path : path + length - longest;
}

/* The end of a path tells more than its beginning, and a message has room for one sentence. */
char *xai__file_name(xai_context *context, const char *path)
{
    const char *tail = xai__file_tail(path);

    return xai__format(context, "%s%s", tail != path ? "..." : "", tail);
}

/* A system call that ran out of memory is reported like every other allocation. */
xai_status xai__file_fail_errno(const char *name, const char *verb, int error)
{
    char text[128];

    if (error == ENOMEM)
        return xai__fail_memory();
    return xai__fail(XAI_E_IO, "%s: cannot %s: %s", name, verb, strerror_r(error, text, sizeof text));
}

xai_status xai__file_fail(const xai__file *file, xai_status status, size_t offset, const char *format, ...)
{
    char words[512];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return xai__fail(status, "%s: byte %zu: %s", file->name, offset, words);
}

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISFIFO(mode))
        return "a pipe";
    if (S_ISSOCK(mode))
        return "a socket";
    return "a device";
}

static xai_status check_status(const xai__file *file, const struct stat *info)
{
    if (!S_ISREG(info->st_mode))
        return xai__fail(XAI_E_IO, "%s is %s, not a file", file->name, kind_of(info->st_mode));
    if (info->st_size < 0 || (uint64_t)info->st_size > PTRDIFF_MAX)
        return xai__fail(XAI_E_LIMIT, "%s: %lld bytes are more than this machine can address", file->name,
                         (long long)info->st_size);
    return XAI_OK;
}

/* Signals may interrupt, and a network file system may give less than was asked for. */
static xai_status read_whole(xai__file *file, int fd, size_t size)
{
    unsigned char *bytes = xai__alloc(file->context, size);

    file->copy = bytes;
    if (bytes == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t at = 0; at < size;) {
        ssize_t n = read(fd, bytes + at, size - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return xai__file_fail_errno(file->name, "read", errno);
        if (n == 0)
            return xai__fail(XAI_E_IO, "%s: became shorter while it was read: %zu of %zu bytes", file->name, at, size);
        at += (size_t)n;
    }
    file->data = bytes;
    return XAI_OK;
}

/* Decides by the open descriptor: a path could name another file a moment later. A mapping shows a file that is cut
 * short under it as a bus error; whoever cannot rule that out asks the context for copies. */
static xai_status take(xai__file *file, int fd)
{
    struct stat info;
    xai_status status;
    size_t size;

    if (fstat(fd, &info) < 0)
        return xai__file_fail_errno(file->name, "read", errno);
    status = check_status(file, &info);
    if (status < 0)
        return status;
    size = (size_t)info.st_size;
    file->size = size;
    if (size > SMALL_FILE && !(file->context->flags & XAI_CONTEXT_COPY_WEIGHTS)) {
        void *mapping = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

        if (mapping != MAP_FAILED) {
            file->mapping = mapping;
            file->data = mapping;
            return XAI_OK;
        }
    }
    /* A file system that cannot map still reads. */
    return read_whole(file, fd, size);
}

xai_status xai__file_open(xai__file *file, xai_context *context, const char *path)
{
    xai_status status = xai__file_check_path(path);
    int fd;

    *file = (xai__file){ .context = context, .data = nothing };
    if (status == XAI_OK && (file->name = xai__file_name(context, path)) == NULL)
        status = XAI_E_NO_MEMORY;
    if (status == XAI_OK) {
        /* Without O_NONBLOCK a pipe would make us wait for its writer. */
        do
            fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        while (fd < 0 && errno == EINTR);
        status = fd < 0 ? xai__file_fail_errno(file->name, "open", errno) : take(file, fd);
        if (fd >= 0)
            close(fd);
    }
    if (status < 0)
        xai__file_close(file);
    return status;
}

/* A copy, because readers keep pointers into the bytes for as long as what they read lives. */
xai_status xai__file_wrap(xai__file *file, xai_context *context, const void *bytes, size_t size)
{
    *file = (xai__file){ .context = context, .size = size };
    file->name = xai__strdup(context, "buffer");
    file->copy = xai__alloc(context, size);
    if (file->name == NULL || file->copy == NULL) {
        xai__file_close(file);
        return XAI_E_NO_MEMORY;
    }
    if (size > 0)
        memcpy(file->copy, bytes, size);
    file->data = file->copy;
    return XAI_OK;
}

/* The first and the last page may hold bytes of others, so the range is rounded inwards. The mapping was never written
 * to, so what is dropped here comes back from the file. */
void xai__file_forget(const xai__file *file, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t begin, end;

    if (file->mapping == NULL || bytes < file->data || bytes >= file->data + file->size)
        return;
    begin = (size_t)(bytes - file->data);
    size = size < file->size - begin ? size : file->size - begin;
    end = (begin + size) / page * page;
    begin = (begin + page - 1) / page * page;
    if (begin < end)
        madvise((unsigned char *)file->mapping + begin, end - begin, MADV_DONTNEED);
}

void xai__file_close(xai__file *file)
{
    if (file->mapping != NULL)
        munmap(file->mapping, file->size);
    if (file->context != NULL) {
        xai__free(file->context, file->copy);
        xai__free(file->context, file->name);
    }
    *file = (xai__file){ 0 };
}
