/* SPDX-License-Identifier: MIT
 * A training set in a folder: pictures, and a list of them, for tests of influence. */
#ifndef XAI_INFLUENCE_FOLDER_H
#define XAI_INFLUENCE_FOLDER_H

#include "files.h"
#include "influence_sets.h"

/* A small network with pictures and labels in a folder. */
typedef struct folder {
    xai_context *context;
    xai_model *model;
    xai_session *session;
    example_source source;
    char *path;
} folder;

enum { N_PICTURES = 37 };

static inline folder folder_begin(uint32_t n_threads)
{
    folder f = { .context = testing_context(n_threads), .path = files_folder() };
    char name[32], line[64], list[64 * N_PICTURES] = "# pictures\n\n";

    f.model = network_residual(f.context);
    prepare_plainly(f.model);
    f.session = network_session(f.model, 0);
    f.source = random_source(f.model, N_PICTURES, 3);
    for (size_t i = 0; i < N_PICTURES; i++) {
        xai_image *image = NULL;
        int64_t label;

        ck_assert_int_eq(give_example(&image, &label, i, &f.source), 0);
        snprintf(name, sizeof name, "%zu a.png", i);
        snprintf(line, sizeof line, i % 2 == 0 ? "%s\t%d\r\n" : "%s , %d\n", name, (int)label);
        strcat(list, line);
        ck_assert_ok(xai_image_save(image, files_path(f.path, name), 0));
        xai_image_unref(image);
    }
    files_write_text(f.path, "list.txt", list);
    return f;
}

static inline void folder_end(folder *f)
{
    char name[32];

    for (size_t i = 0; i < N_PICTURES; i++) {
        snprintf(name, sizeof name, "%zu a.png", i);
        unlink(files_path(f->path, name));
    }
    free_source(&f->source);
    xai_session_unref(f->session);
    xai_model_unref(f->model);
    xai_context_unref(f->context);
    unlink(files_path(f->path, "cache"));
    files_remove(f->path, (const char *const[]){ "list.txt", NULL });
}

#endif
