/* SPDX-License-Identifier: MIT
 * Weights, tables, JSON and NumPy files when memory runs out: read, converted, saved. */
#include "oom.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/json.h"
#include "io/json_write.h"
#include "io/weights.h"

/* A small file of ours, and a folder to write into. */
typedef struct data_case {
    xai_context *context;
    unsigned char bytes[1 << 14];
    size_t size;
    char path[16384], folder[256], out[512];
} data_case;

static xai_status read_weights(void *user)
{
    const data_case *now = user;
    xai__weights *weights = NULL;
    xai_status status = xai__weights_open_memory(&weights, now->context, now->bytes, now->size);

    xai__weights_close(weights);
    return status;
}

static xai_status read_table(void *user)
{
    const data_case *now = user;
    const char *labels[2];
    const size_t column = 0;
    xai_table *table = NULL;
    xai_tensor *numbers = NULL, *classes = NULL;
    size_t n = 0;
    xai_status status = xai_table_load_memory(&table, now->context, now->bytes, now->size);

    if (status == XAI_OK)
        status = xai_table_numbers(&numbers, table, &column, 1);
    if (status == XAI_OK)
        status = xai_table_labels(&n, table, column, labels, 2);
    if (status == XAI_OK && n > 0)
        status = xai_table_classes(&classes, table, column, labels, n < 2 ? n : 2);
    xai_tensor_unref(classes);
    xai_tensor_unref(numbers);
    xai_table_unref(table);
    return status;
}

static xai_status read_json(void *user)
{
    const data_case *now = user;
    xai__json *json = NULL;
    xai_status status = xai__json_parse(&json, now->context, "seed", now->bytes, now->size, NULL);

    xai__json_free(json);
    return status;
}

/* Afterwards the folder holds the file or nothing: only an empty one can be removed. */
static xai_status check_folder(const data_case *now, xai_status status)
{
    bool there = unlink(now->out) == 0;

    if (there != (status == XAI_OK) || rmdir(now->folder) != 0 || mkdir(now->folder, 0700) != 0)
        return XAI_E_INTERNAL;
    return status;
}

static xai_status convert(void *user)
{
    const data_case *now = user;

    return check_folder(now, xai_weights_convert(now->context, now->path, now->out));
}

static xai_status load_and_save(void *user)
{
    const data_case *now = user;
    xai_tensor *tensor = NULL;
    xai_status status = xai_tensor_load(&tensor, now->context, now->path);

    if (status == XAI_OK)
        status = check_folder(now, xai_tensor_save(tensor, now->out));
    xai_tensor_unref(tensor);
    return status;
}

static void read_seed(data_case *now, const char *folder, const char *name)
{
    FILE *file;

    snprintf(now->path, sizeof now->path, "%s/%s", folder, name);
    file = fopen(now->path, "rb");
    ck_assert_ptr_nonnull(file);
    now->size = fread(now->bytes, 1, sizeof now->bytes, file);
    fclose(file);
}

/* Runs an attempt on every file of a folder of ours that is well formed; there must be some. */
static void run_folder(const char *below, xai_status (*attempt)(void *user))
{
    data_case *now = calloc(1, sizeof *now);
    char folder[8192];
    size_t n_good = 0;
    DIR *dir;

    now->context = testing_context(1);
    snprintf(now->folder, sizeof now->folder, "%s/xai-oom-XXXXXX",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(now->folder));
    snprintf(now->out, sizeof now->out, "%s/out", now->folder);
    snprintf(folder, sizeof folder, "%s/%s", testing_source("tests"), below);
    dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        read_seed(now, folder, entry->d_name);
        if (now->size == sizeof now->bytes || attempt(now) != XAI_OK)
            continue;
        oom_run(entry->d_name, attempt, now, 0);
        n_good++;
    }
    closedir(dir);
    ck_assert_uint_gt(n_good, 0);
    rmdir(now->folder);
    xai_context_unref(now->context);
    free(now);
}

static const struct {
    const char *folder;
    xai_status (*attempt)(void *user);
} rows[] = {
    { "fuzz/corpus/safetensors", read_weights }, { "golden/weights", read_weights },
    { "fuzz/corpus/csv", read_table },           { "fuzz/corpus/json", read_json },
    { "fuzz/corpus/safetensors", convert },      { "golden/weights", convert },
    { "fuzz/corpus/npy", load_and_save },
};

START_TEST(corpora)
{
    run_folder(rows[_i].folder, rows[_i].attempt);
}
END_TEST

/* Every kind of member, an object that grows, and a text that has to be mended. */
static xai_status write_json(void *user)
{
    const char *text;
    char key[16];
    xai__json_writer writer;
    xai_status status;

    xai__json_writer_init(&writer, user);
    xai__json_write_object(&writer, NULL);
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof key, "key %d", i);
        xai__json_write_integer(&writer, key, i);
    }
    xai__json_write_array(&writer, "more");
    xai__json_write_number(&writer, NULL, 0.1);
    xai__json_write_float(&writer, NULL, 0.1f);
    xai__json_write_bool(&writer, NULL, true);
    xai__json_write_null(&writer, NULL);
    xai__json_write_string(&writer, NULL, "a text that is longer than what a string holds within itself \n");
    xai__json_write_string(&writer, NULL, "\xff");
    xai__json_write_end(&writer);
    xai__json_write_end(&writer);
    status = xai__json_writer_text(&writer, &text, NULL);
    /* What is written is whole, or nothing is. */
    if ((status == XAI_OK) != (text != NULL) ||
        (text != NULL && strstr(text, "\"key 39\":39,\"more\":[0.1,0.1,true,null,\"a text that is") == NULL))
        status = XAI_E_INTERNAL;
    xai__json_writer_fini(&writer);
    return status;
}

START_TEST(writing_json)
{
    xai_context *context = testing_context(1);

    oom_run("writing JSON", write_json, context, 0);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_data");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, corpora, 0, sizeof rows / sizeof *rows);
    tcase_add_test(cases, writing_json);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
