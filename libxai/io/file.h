/* SPDX-License-Identifier: MIT
 * Files as bytes: opened whole for reading, written whole or not at all. */
#ifndef XAI__IO_FILE_H
#define XAI__IO_FILE_H

#include <stdbool.h>

#include <xai/context.h>

/* A file's bytes. Zero it before opening; the context is borrowed. */
typedef struct xai__file {
    xai_context *context;
    const unsigned char *data; /* never NULL once open */
    size_t size;
    char *name; /* for messages: the path, its end if it is very long */
    /* private */
    void *mapping; /* NULL: data is memory of ours */
    void *copy;
} xai__file;

/* Opens a regular file: a private mapping, or a copy where the file is small or the context asks for copies.
 * On failure the struct is zeroed. */
xai_status xai__file_open(xai__file *file, xai_context *context, const char *path);

/* The same over a copy of bytes in memory. */
xai_status xai__file_wrap(xai__file *file, xai_context *context, const void *bytes, size_t size);

/* Takes a zeroed or half-opened struct too, and zeroes it. */
void xai__file_close(xai__file *file);

/* Gives memory back that a mapping took: pages that lie wholly in these bytes are read anew when they are next touched.
 * Elsewhere it does nothing. Any thread. */
void xai__file_forget(const xai__file *file, const void *data, size_t size);

/* Fails with "NAME: byte OFFSET: " before the words. */
xai_status xai__file_fail(const xai__file *file, xai_status status, size_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* XAI_E_UNSUPPORTED with a sentence if path is empty or starts like a URL. */
xai_status xai__file_check_path(const char *path);

/* Writes bytes to a file that appears whole or not at all: made beside path under another name, then renamed. A file
 * that is replaced hands its permissions on; one that may not be written is XAI_E_IO. */
xai_status xai__file_write(xai_context *context, const char *path, const void *bytes, size_t size);

/* The same piece by piece. Zero it before opening. */
typedef struct xai__file_writer {
    xai_context *context;
    size_t size; /* bytes written so far */
    /* private */
    char *path; /* symbolic links followed */
    char *temporary;
    char *name;
    int fd; /* valid while temporary is not NULL */
} xai__file_writer;

xai_status xai__file_writer_open(xai__file_writer *writer, xai_context *context, const char *path);
xai_status xai__file_writer_add(xai__file_writer *writer, const void *bytes, size_t size);

/* Gives the file its name. */
xai_status xai__file_writer_commit(xai__file_writer *writer);

/* Removes what was written unless it was committed; takes a zeroed or half-opened struct too. */
void xai__file_writer_close(xai__file_writer *writer);

#endif
