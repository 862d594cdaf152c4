/* SPDX-License-Identifier: MIT
 * States when memory runs out: kept, written, read, gone on with. */
#include "oom.h"

#include <unistd.h>

enum { SIDE = 6 };

typedef struct state_case {
    xai_context *context;
    xai_tensor *input;
    const char *how; /* a profile of RISE, or another method */
    xai_segments *segments;
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
    return done < total && done >= 16;
}

static const xai_black_box box = { .struct_size = sizeof box, .predict = sum, .n_classes = 2 };

static xai_status by_windows(xai_attribution **out, const state_case *now, const xai_target *targets,
                             const xai_run_options *run, xai_state *state)
{
    const xai_occlusion_options options = { .struct_size = sizeof options,
                                            .black_box = &box,
                                            .run = run,
                                            .window_height = 2,
                                            .stride_height = 1,
                                            .state = state };

    return xai_occlusion_compute(out, NULL, now->input, targets, 2, &options);
}

static xai_status by_samples(xai_attribution **out, const state_case *now, const xai_target *targets,
                             const xai_run_options *run, xai_state *state)
{
    const xai_lime_options options = {
        .struct_size = sizeof options, .black_box = &box, .run = run, .n_samples = 40, .state = state
    };

    return xai_lime_compute(out, NULL, now->input, now->segments, targets, 2, &options);
}

/* XAI_PARTIAL, the first time, is what it should be. */
static xai_status explain(const state_case *now, xai_state *state, bool stops)
{
    static const xai_target targets[2] = { { .index = 0 }, { .index = 1 } };
    const xai_run_options run = { .struct_size = sizeof run, .progress = stops ? stop : NULL };
    const xai_rise_options rise = { .struct_size = sizeof rise,
                                    .profile = now->how,
                                    .black_box = &box,
                                    .run = &run,
                                    .n_masks = 40,
                                    .grid = 3,
                                    .state = state };
    xai_attribution *maps[2] = { NULL, NULL };
    xai_status status;

    if (strcmp(now->how, "occlusion") == 0)
        status = by_windows(maps, now, targets, &run, state);
    else if (strcmp(now->how, "lime") == 0)
        status = by_samples(maps, now, targets, &run, state);
    else
        status = xai_rise_compute(maps, NULL, now->input, targets, 2, &rise);
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

static state_case begin(const char *how)
{
    const int64_t shape[4] = { 1, 1, SIDE, SIDE };
    state_case now = { .context = testing_context(1), .how = how };
    int32_t labels[SIDE * SIDE];

    ck_assert_ok(xai_tensor_create(&now.input, now.context, shape, 4));
    for (int i = 0; i < SIDE * SIDE; i++) {
        xai_tensor_data(now.input)[i] = (float)(i % 5);
        labels[i] = i / 6;
    }
    ck_assert_ok(xai_segments_wrap(&now.segments, now.context, labels, SIDE, SIDE));
    return now;
}

static void end(state_case *now)
{
    xai_segments_unref(now->segments);
    xai_tensor_unref(now->input);
    xai_context_unref(now->context);
}

START_TEST(going_on)
{
    static const char *const ways[] = { "default", "rise", "occlusion", "lime" };
    state_case now = begin(ways[_i]);
    int fd;

    strcpy(now.path, "/tmp/xai_oom_state_XXXXXX");
    fd = mkstemp(now.path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    oom_run(now.how, go_on, &now, 0);
    unlink(now.path);
    end(&now);
}
END_TEST

/* A run that memory stops keeps what it has, and goes on from there. */
START_TEST(kept)
{
    state_case now = begin("default");
    xai_state *state = NULL;
    xai_status status = XAI_E_NO_MEMORY;
    uint64_t n_images = 0;

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
    end(&now);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_state");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, going_on, 0, 4);
    tcase_add_test(cases, kept);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
