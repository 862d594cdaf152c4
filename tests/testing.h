/* SPDX-License-Identifier: MIT
 * What every Check suite shares: its main, its context, its test data, its way to skip. */
#ifndef XAI_TESTING_H
#define XAI_TESTING_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xai/xai.h>

/* Fails with the library's own words. */
#define ck_assert_ok(expression)                                                                                       \
    do {                                                                                                               \
        xai_status ck_status_ = (expression);                                                                          \
        ck_assert_msg(ck_status_ == XAI_OK, "%s: %s (%s)", #expression, xai_last_error(),                              \
                      xai_status_name(ck_status_));                                                                    \
    } while (0)

/* The call fails with this status and its sentence holds these words. */
#define ck_assert_fails(expression, status, words)                                                                     \
    do {                                                                                                               \
        xai_status ck_status_ = (expression);                                                                          \
        ck_assert_msg(ck_status_ == (status), "%s: got %s (%s), expected %s", #expression,                             \
                      xai_status_name(ck_status_), xai_last_error(), #status);                                         \
        ck_assert_msg(strstr(xai_last_error(), (words)) != NULL, "%s: \"%s\" lacks \"%s\"", #expression,               \
                      xai_last_error(), (words));                                                                      \
    } while (0)

static inline xai_context *testing_context(uint32_t n_threads)
{
    xai_context_options options = { .struct_size = sizeof options, .n_threads = n_threads };
    xai_context *context = NULL;

    ck_assert_ok(xai_context_create(&context, &options));
    return context;
}

/* Path below $XAI_TEST_DATA, or NULL with a line that says what was skipped. The text is static. */
static inline const char *testing_data(const char *path)
{
    static char full[4096];
    const char *root = getenv("XAI_TEST_DATA");
    FILE *file;

    snprintf(full, sizeof full, "%s/%s", root != NULL ? root : "", path);
    file = root != NULL ? fopen(full, "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "SKIP: %s: XAI_TEST_DATA %s\n", path, root == NULL ? "is not set" : "has no such file");
        return NULL;
    }
    fclose(file);
    return full;
}

/* Path of a file of ours below the source folder. The text is static. */
static inline const char *testing_source(const char *path)
{
    static char full[4096];
    const char *root = getenv("XAI_SOURCE_ROOT");

    snprintf(full, sizeof full, "%s/%s", root != NULL ? root : ".", path);
    return full;
}

/* A suite's main. */
#define TESTING_MAIN(make_suite)                                                                                       \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        SRunner *runner = srunner_create(make_suite());                                                                \
        int failed;                                                                                                    \
                                                                                                                       \
        srunner_run_all(runner, CK_ENV);                                                                               \
        failed = srunner_ntests_failed(runner);                                                                        \
        srunner_free(runner);                                                                                          \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                                              \
    }

#endif
