/* SPDX-License-Identifier: MIT
 * Looks at the names of files to write before anything is computed: a slip in one should cost a second, not the hour of
 * work that was to go into the file. What remains (a disk that fills up) shows when it is written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "xai_cli.h"

const char *const cli_picture_endings[] = { ".png", ".jpg", ".jpeg", NULL };

static bool ends_with_one(const char *path, const char *const *endings)
{
    size_t length = strlen(path);

    for (; *endings != NULL; endings++) {
        size_t n = strlen(*endings);
        if (length > n && strcasecmp(path + length - n, *endings) == 0)
            return true;
    }
    return false;
}

static int refuse_ending(const cli_args *cli, const char *path, const char *const *endings)
{
    char *list = cli_format("%s", endings[0]);
    int status;

    for (size_t i = 1; endings[i] != NULL; i++) {
        char *longer = cli_format("%s%s%s", list, endings[i + 1] == NULL ? " or " : ", ", endings[i]);
        free(list);
        list = longer;
    }
    status = cli_misuse(cli, "%s: expected a name that ends with %s", path, list);
    free(list);
    return status;
}

int cli_check_output(const cli_args *cli, const char *path, const char *const *endings)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    char *folder;
    int status = CLI_GO_ON;

    if (path == NULL)
        return CLI_GO_ON;
    if (cli_is_url(cli, path))
        return CLI_FAILED;
    if (endings != NULL && !ends_with_one(path, endings))
        return refuse_ending(cli, path, endings);
    folder = slash != NULL ? cli_format("%.*s/", (int)(slash - path), path) : cli_format(".");
    if (access(folder, W_OK | X_OK) != 0)
        status = cli_fail(cli, "%s: cannot write: %s", path, strerror(errno));
    free(folder);
    return status;
}
