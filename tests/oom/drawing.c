/* SPDX-License-Identifier: MIT
 * Trees when memory runs out while they are drawn: the file is whole, or it is not there. */
#include "oom.h"

#include <sys/stat.h>
#include <unistd.h>

static const char json[] =
    "{\"nodes\":[{\"id\":\"r\",\"label\":\"whole\"},{\"id\":\"a\"},{\"id\":\"b\",\"label\":\"cat <b>\"},"
    "{\"id\":\"c\",\"label\":\"a long name, so long that a picture has to cut it short somewhere in the middle of "
    "it\"}],"
    "\"links\":[{\"source\":\"r\",\"target\":\"a\"},{\"source\":\"a\",\"target\":\"b\"},{\"source\":\"a\","
    "\"target\":\"c\"}]}";
static const float logits[2] = { 1, 2 };

typedef struct drawing {
    xai_tree *tree;
    xai_export_options options;
    uint32_t format;
    char folder[256], path[512];
} drawing;

static xai_status save(void *user)
{
    const drawing *now = user;
    xai_status status = xai_tree_save(now->tree, now->path, &now->options);
    bool there = unlink(now->path) == 0;

    /* Only an empty folder can be removed. */
    if (there != (status == XAI_OK) || rmdir(now->folder) != 0 || mkdir(now->folder, 0700) != 0)
        return XAI_E_INTERNAL;
    return status;
}

static xai_status export(void *user)
{
    const drawing *now = user;
    char buffer[64] = "before";
    size_t length = xai_tree_export(now->tree, now->format, &now->options, buffer, sizeof buffer);

    /* A half is never taken for the whole. */
    if ((length > 0) != (buffer[0] != '\0'))
        return XAI_E_INTERNAL;
    return length > 0 ? XAI_OK : XAI_E_NO_MEMORY;
}

static const char *const endings[] = { "txt", "json", "dot", "svg", "html" };

START_TEST(drawings)
{
    xai_context *context = testing_context(1);
    drawing now = { .options = { .struct_size = sizeof now.options, .row = logits, .row_size = 2, .title = "a title" },
                    .format = (uint32_t)_i };

    snprintf(now.folder, sizeof now.folder, "%s/xai-oom-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(now.folder));
    snprintf(now.path, sizeof now.path, "%s/tree.%s", now.folder, endings[_i]);
    ck_assert_ok(xai_tree_load_memory(&now.tree, context, json, sizeof json - 1));
    oom_run(endings[_i], save, &now, 0);
    oom_run(endings[_i], export, &now, 0);
    xai_tree_unref(now.tree);
    rmdir(now.folder);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_drawing");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, drawings, 0, sizeof endings / sizeof *endings);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
