/* SPDX-License-Identifier: MIT
 * A folder of its own for a test's files. */
#ifndef XAI_FILES_H
#define XAI_FILES_H

#include "testing.h"

#include <unistd.h>

/* A new folder below $TMPDIR; the text is the caller's to free after files_remove(). */
static inline char *files_folder(void)
{
    const char *base = getenv("TMPDIR");
    char *folder = malloc(4096);

    snprintf(folder, 4096, "%s/xai-test-XXXXXX", base != NULL ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    return folder;
}

/* Path of a file in it; the text is static. */
static inline const char *files_path(const char *folder, const char *name)
{
    static char path[8192];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline const char *files_write(const char *folder, const char *name, const void *bytes, size_t size)
{
    const char *path = files_path(folder, name);
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static inline const char *files_write_text(const char *folder, const char *name, const char *text)
{
    return files_write(folder, name, text, strlen(text));
}

/* Removes the folder with the files named, a list that ends with NULL. */
static inline void files_remove(char *folder, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++)
        unlink(files_path(folder, names[i]));
    ck_assert_int_eq(rmdir(folder), 0);
    free(folder);
}

#endif
