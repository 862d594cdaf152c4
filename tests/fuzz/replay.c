/* SPDX-License-Identifier: MIT
 * Runs a fuzz target over the files of the folders that are named: what libFuzzer does with -runs=0. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each input in a block of its own size, so that a byte too many is seen. */
static int replay_file(const char *path)
{
    FILE *stream = fopen(path, "rb");
    uint8_t *data;
    long size;

    if (stream == NULL || fseek(stream, 0, SEEK_END) < 0 || (size = ftell(stream)) < 0) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return -1;
    }
    rewind(stream);
    data = malloc((size_t)size + (size == 0));
    if (data == NULL || fread(data, 1, (size_t)size, stream) != (size_t)size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return -1;
    }
    fclose(stream);
    /* Named beforehand: a crash would not say which it was. */
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return 1;
}

static int replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    int count = 0;

    if (dir == NULL) {
        fprintf(stderr, "%s: cannot be opened\n", folder);
        return -1;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL && count >= 0;) {
        char path[4096];

        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path || replay_file(path) < 0)
            count = -1;
        else
            count++;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int count = replay_folder(argv[i]);

        if (count <= 0) {
            fprintf(stderr, "%s: no input was run\n", argv[i]);
            return EXIT_FAILURE;
        }
        printf("%s: %d inputs\n", argv[i], count);
    }
    return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
