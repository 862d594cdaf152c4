/* SPDX-License-Identifier: MIT
 * States when memory runs out: kept, written, read, gone on with. */
#include "oom.h"

#include <unistd.h>

enum { SIDE = 6 };

typedef struct state_case {
    xai_context *context;
    xai_tensor *input;
    const char *profile; /* of RISE */
    char path[64];
} state_case;

static int32_t sum(const float *batch, size_t n, float *scores, void *user)
{
    (void)user;
    for (size_t i = 0; i < n; i++) {
        scores[2 * i] = scores[2 * i + 1] = 0;
        for (int j = 0; j < SIDE * SIDE; j++)
            scores[2 * i + j % 2] += *batch++;
    }
    return 0;
}

static int32_t stop(uint64_t done, uint64_t total, void *user)
{
    (void)user;
    return done < total && done > 16;
}

static const xai_black_box box = { .struct_size = sizeof box, .predict = sum, .n_classes = 2 };

/* XAI_PARTIAL, the first time, is what it should be. */
static xai_status explain(const state_case *now, xai_state *state, bool stops)
{
    static const xai_target targets[2] = { { .index = 0 }, { .index = 1 } };
    const xai_run_options run = { .struct_size = sizeof run, .progress = stops ? stop : NULL };
    const xai_rise_options rise = { .struct_size = sizeof rise,
                                    .profile = now->profile,
                                    .black_box = &box,
                                    .run = &run,
                                    .n_masks = 40,
                                    .grid = 3,
                                    .state = state };
    xai_attribution *maps[2] = { NULL, NULL };
    xai_status status = xai_rise_compute(maps, NULL, now->input, targets, 2, &rise);

    xai_attribution_unref(maps[0]);
    xai_attribution_unref(maps[1]);
    return status;
}

/* Whatever fails, the state that is left can be gone on with. */
static xai_status go_on(void *user)
{
    const state_case *now = user;
    xai_state *state = NULL, *read = NULL;
    unsigned char bytes[4096];
    xai_status status = xai_state_create(&state, now->context);

    if (status == XAI_OK)
        status = explain(now, state, true);
    if (status == XAI_PARTIAL)
        status = xai_state_export(state, bytes, sizeof bytes) <= sizeof bytes ? xai_state_save(state, now->path)
                                                                              : XAI_E_INTERNAL;
    if (status == XAI_OK)
        status = xai_state_load_memory(&read, now->context, bytes, xai_state_export(state, NULL, 0));
    xai_state_unref(state);
    state = NULL;
    if (status == XAI_OK)
        status = xai_state_load(&state, now->context, now->path);
    if (status == XAI_OK)
        status = explain(now, state, false);
    if (status == XAI_OK)
        status = explain(now, read, false);
    if (status == XAI_OK && xai_state_n_images(read) != xai_state_n_images(state))
        status = XAI_E_INTERNAL;
    xai_state_unref(state);
    xai_state_unref(read);
    return status;
}

START_TEST(going_on)
{
    static const char *const profiles[] = { "default", "rise" };
    const int64_t shape[4] = { 1, 1, SIDE, SIDE };
    state_case now = { .context = testing_context(1), .profile = profiles[_i], .path = "/tmp/xai_oom_state_XXXXXX" };
    int fd = mkstemp(now.path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_ok(xai_tensor_create(&now.input, now.context, shape, 4));
    for (int i = 0; i < SIDE * SIDE; i++)
        xai_tensor_data(now.input)[i] = (float)(i % 5);
    oom_run(now.profile, go_on, &now, 0);
    unlink(now.path);
    xai_tensor_unref(now.input);
    xai_context_unref(now.context);
}
END_TEST

/* A run that memory stops keeps what it has, and ends in the same map. */
START_TEST(kept)
{
    const int64_t shape[4] = { 1, 1, SIDE, SIDE };
    state_case now = { .context = testing_context(1), .profile = "default" };
    xai_state *state = NULL;
    xai_status status = XAI_E_NO_MEMORY;
    uint64_t n_images = 0;

    ck_assert_ok(xai_tensor_create(&now.input, now.context, shape, 4));
    for (int i = 0; i < SIDE * SIDE; i++)
        xai_tensor_data(now.input)[i] = (float)(i % 5);
    ck_assert_ok(xai_state_create(&state, now.context));
    for (long n = 0; status != XAI_OK; n++) {
        oom_arm(n, false);
        status = explain(&now, state, false);
        oom_arm(-1, false);
        ck_assert(status == XAI_OK || status == XAI_E_NO_MEMORY);
        ck_assert_uint_ge(xai_state_n_images(state), n_images);
        n_images = xai_state_n_images(state);
    }
    ck_assert_uint_eq(n_images, 40);
    xai_state_unref(state);
    xai_tensor_unref(now.input);
    xai_context_unref(now.context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_state");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, going_on, 0, 2);
    tcase_add_test(cases, kept);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
