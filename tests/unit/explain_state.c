/* SPDX-License-Identifier: MIT
 * States: runs that were stopped anywhere and gone on with have the bits of those that were not; other runs' states are
 * refused. */
#include "states.h"

/* Limits too tight to be met, so that there are looks, but all masks are run. */
static const struct rise_case {
    const char *name;
    xai_rise_options options;
} rise_cases[] = {
    { "pairs", { .grid = 4, .n_masks = 301, .max_error = 1e-9f } },
    { "not in pairs", { .grid = 4, .n_masks = 300, .flags = XAI_RISE_UNPAIRED, .max_error = 1e-9f } },
    { "keep 0.25", { .grid = 5, .n_masks = 300, .keep = 0.25f } },
    { "settles", { .grid = 4, .n_masks = 4000, .top_region = 0.3f } },
    { "rise", { .profile = "rise", .n_masks = 300 } },
    { "torchray", { .profile = "torchray", .n_masks = 300, .max_error = 1e-9f } },
    { "xplique", { .profile = "xplique", .n_masks = 300 } },
    { "openvino", { .profile = "openvino", .n_masks = 300, .top_region = 0.3f } },
    { "dianna", { .profile = "dianna", .n_masks = 300 } },
};

enum { N_RISE_CASES = sizeof rise_cases / sizeof *rise_cases };

START_TEST(rise_stopped)
{
    /* half a pair, within what 32 masks of xplique share, before, at and behind looks */
    static const uint64_t stops[] = { 1, 2, 7, 40, 127, 128, 181, 255 };
    const struct rise_case *c = &rise_cases[_i];

    printf("# %s\n", c->name);
    state_check_stops(state_by_rise, &c->options, 1, stops, sizeof stops / sizeof *stops);
    state_check_stops(state_by_rise, &c->options, 1, (const uint64_t[]){ 130 }, 1);
}
END_TEST

/* Beyond what the control variate holds at a time. */
START_TEST(rise_long)
{
    static const uint64_t stops[] = { 4095, 4096, 6001 };
    const xai_rise_options options = { .grid = 4, .n_masks = 9002, .max_error = 1e-9f };

    state_check_stops(state_by_rise, &options, 1, stops, 3);
}
END_TEST

/* A state of one number of masks serves a run of more or fewer, and one with other limits. */
START_TEST(rise_other_limits)
{
    static const struct {
        uint64_t n_masks;
        float max_error, top_region;
    } later[] = { { 500, 0, 0 }, { 100, 0, 0 }, { 33, 0, 0 }, { 4000, 0.2f, 0 }, { 4000, 0, 0.3f }, { 1000, 0, 0 } };

    for (size_t i = 0; i < N_RISE_CASES; i++) {
        xai_rise_options options = rise_cases[i].options;
        xai_state *state = state_make();
        outcome o;

        if (options.profile != NULL && strcmp(options.profile, "rise") == 0) {
            xai_state_unref(state);
            continue;
        }
        o = state_run(state_by_rise, &options, (way){ .n_threads = 1, .stop = 201 }, state);
        state_drop(&o);
        for (size_t k = 0; k < sizeof later / sizeof *later; k++) {
            outcome whole;

            options.n_masks = later[k].n_masks;
            options.max_error = later[k].max_error;
            options.top_region = later[k].top_region;
            whole = state_run(state_by_rise, &options, (way){ .n_threads = 2 }, NULL);
            state = state_send(state);
            o = state_run(state_by_rise, &options, (way){ .n_threads = 1, .budget = 1 }, state);
            state_check_outcome(&o, &whole);
            state_drop(&o);
            state_drop(&whole);
        }
        xai_state_unref(state);
    }
}
END_TEST

/* A callback that fails leaves no map, but what it gave before is kept: of the first image, of dianna's search, ... */
START_TEST(failed_callback)
{
    static const uint64_t places[] = { 2, 3, 8, 250, 902, 1000 };
    const xai_rise_options cases[] = { { .n_masks = 2000 }, { .profile = "dianna", .n_masks = 200 } };
    xai_context *context = testing_context(1);
    xai_tensor *input = state_input(context, 0);
    const xai_run_options run = { .struct_size = sizeof run, .seed = 5, .memory_budget = 1 };

    for (size_t i = 0; i < 2; i++) {
        outcome whole = state_run(state_by_rise, &cases[i], (way){ .n_threads = 1 }, NULL), o;
        static const xai_target targets[N_TARGETS] = { { .index = 0, .score = XAI_SCORE_PROBABILITY }, { .index = 1 } };
        xai_state *state = state_make();

        for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
            asked a = { .fails_at = 1 + places[k] - xai_state_n_images(state) };
            const xai_black_box box = {
                .struct_size = sizeof box, .predict = state_answer, .user = &a, .n_classes = N_TARGETS
            };
            xai_attribution *maps[N_TARGETS] = { NULL };

            ck_assert_fails(state_by_rise(maps, input, targets, &cases[i], &box, &run, state), XAI_E_CALLBACK,
                            "returned 1");
            ck_assert_ptr_null(maps[0]);
            ck_assert_uint_eq(xai_state_n_images(state), places[k] - 1);
            state = state_send(state);
        }
        o = state_run(state_by_rise, &cases[i], (way){ .n_threads = 2 }, state);
        state_check_outcome(&o, &whole);
        state_drop(&o);
        state_drop(&whole);
        xai_state_unref(state);
    }
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

/* --- sessions --- */

typedef struct cancelling {
    xai_session *session;
    uint64_t at;
} cancelling;

static int32_t cancel_at(uint64_t done, uint64_t total, void *user)
{
    const cancelling *c = user;

    (void)total;
    if (done >= c->at)
        xai_session_cancel(c->session);
    return 0;
}

static const xai_target session_targets[2] = { { .index = -1, .score = XAI_SCORE_PROBABILITY },
                                               { .index = 5, .value = "a.relu", .score = XAI_SCORE_VALUE } };

static xai_status explain_session(xai_attribution **out, explained *e, const char *profile, xai_state *state,
                                  uint64_t cancel)
{
    cancelling c = { e->session, cancel };
    const xai_run_options run = {
        .struct_size = sizeof run, .memory_budget = cancel, .progress = cancel > 0 ? cancel_at : NULL, .user = &c
    };
    const xai_rise_options options = {
        .struct_size = sizeof options, .profile = profile, .run = &run, .n_masks = 60, .grid = 4, .state = state
    };

    return xai_rise_compute(out, e->session, e->input, session_targets, 2, &options);
}

/* A cancelled run has no map, but its state goes on, in a session of another model of the same weights. */
START_TEST(cancelled_session)
{
    static const char *const profiles[] = { "default", "rise", "dianna" };

    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        explained e = explained_begin(network_residual), other;
        xai_state *state = state_make();
        xai_attribution *whole[2], *now[2];

        ck_assert_ok(explain_session(whole, &e, profiles[i], NULL, 0));
        for (uint64_t at = 1; at < 50; at += 24) {
            ck_assert_fails(explain_session(now, &e, profiles[i], state, at), XAI_E_CANCELLED, "cancelled");
            ck_assert_ptr_null(now[0]);
            ck_assert_uint_ge(xai_state_n_images(state), at);
        }
        other = explained_in(testing_context(2), network_residual, (uint64_t)1 << 31);
        state = state_send(state);
        ck_assert_ok(explain_session(now, &other, profiles[i], state, 0));
        for (int t = 0; t < 2; t++) {
            ck_assert_mem_eq(now[t]->map->data, whole[t]->map->data, whole[t]->map->size * sizeof(float));
            ck_assert_mem_eq(now[t]->errors->data, whole[t]->errors->data, whole[t]->errors->size * sizeof(float));
            xai_attribution_unref(now[t]);
            xai_attribution_unref(whole[t]);
        }
        xai_state_unref(state);
        explained_end(&other);
        explained_end(&e);
    }
}
END_TEST

/* --- refused --- */

START_TEST(other_runs)
{
    static const struct {
        attempt now;
        const char *words;
    } cases[] = {
        { { .first = 1 }, "another picture" },
        { { .seed = 3 }, "seed 0, this run has 3" },
        { { .options.grid = 5 }, "grid 4, this run has 5" },
        { { .options.keep = 0.25f }, "keep 0.5, this run has 0.25" },
        { { .options.flags = XAI_RISE_UNPAIRED }, "another way to pair masks" },
        { { .options.profile = "torchray" }, "another profile" },
        { { .n_targets = 2, .second = 1 }, "another list of targets" },
        { { .kind = XAI_PREDICT_PROBABILITIES }, "kind 0, this run has 1" },
        { { .shift = 0.1f }, "the classifier is another one" },
    };
    const attempt own = { .seed = 0 }, one = { .options = { .profile = "rise" } },
                  more = { .options = { .profile = "rise", .n_masks = 9 } };
    xai_state *state = state_make(), *before = state_make();

    ck_assert_ok(state_try(&own, state));
    ck_assert_ok(state_try(&own, before));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_fails(state_try(&cases[i].now, state), XAI_E_INVALID, cases[i].words);
        state_check_same(state, before);
    }
    ck_assert_ok(state_try(&own, state)); /* it is as it was */
    xai_state_unref(state);
    xai_state_unref(before);

    state = state_make();
    ck_assert_ok(state_try(&one, state));
    ck_assert_fails(state_try(&more, state), XAI_E_INVALID, "n_masks 8, this run has 9");
    xai_state_unref(state);
}
END_TEST

START_TEST(other_sessions)
{
    explained e = explained_begin(network_residual), other = explained_begin(network_dense);
    const xai_session_options latency = { .struct_size = sizeof latency, .purpose = XAI_PURPOSE_LATENCY },
                              many = { .struct_size = sizeof many, .purpose = XAI_PURPOSE_THROUGHPUT };
    const xai_target target = { .index = 1 };
    xai_rise_options options = { .struct_size = sizeof options, .n_masks = 8, .grid = 4, .state = state_make() };
    asked count = { 0 };
    const xai_black_box box = {
        .struct_size = sizeof box, .predict = state_answer, .user = &count, .n_classes = N_TARGETS
    };
    xai_session *sessions[2] = { NULL };
    xai_tensor *input = state_input(e.context, 0);
    xai_attribution *a = NULL;

    ck_assert_ok(xai_session_create(&sessions[0], e.model, &latency));
    ck_assert_ok(xai_session_create(&sessions[1], e.model, &many));
    ck_assert_ok(xai_rise_compute(&a, sessions[0], e.input, &target, 1, &options));
    xai_attribution_unref(a);
    ck_assert_fails(xai_rise_compute(&a, sessions[1], e.input, &target, 1, &options), XAI_E_INVALID, "another purpose");
    ck_assert_fails(xai_rise_compute(&a, other.session, other.input, &target, 1, &options), XAI_E_INVALID,
                    "another model");
    options.black_box = &box;
    ck_assert_fails(xai_rise_compute(&a, NULL, input, &target, 1, &options), XAI_E_INVALID,
                    "another kind of classifier");
    ck_assert_ptr_null(a);
    xai_state_unref(options.state);
    xai_tensor_unref(input);
    xai_session_unref(sessions[0]);
    xai_session_unref(sessions[1]);
    explained_end(&e);
    explained_end(&other);
}
END_TEST

/* A state without images has nothing that another run could spoil. */
START_TEST(unused)
{
    const attempt own = { .seed = 1 }, other = { .seed = 2 };
    const xai_rise_options options = { .n_masks = 8 };
    static const xai_target targets[N_TARGETS] = { { .index = 0 }, { .index = 1 } };
    xai_context *context = testing_context(1);
    xai_tensor *input = state_input(context, 0);
    asked a = { .fails_at = 2 };
    const xai_black_box box = {
        .struct_size = sizeof box, .predict = state_answer, .user = &a, .n_classes = N_TARGETS
    };
    const xai_run_options run = { .struct_size = sizeof run };
    xai_attribution *maps[N_TARGETS];
    xai_state *state = state_send(state_make());

    ck_assert_uint_eq(xai_state_n_images(state), 0);
    ck_assert_int_eq(state_by_rise(maps, input, targets, &options, &box, &run, state), XAI_E_CALLBACK);
    ck_assert_uint_eq(xai_state_n_images(state), 0);
    state = state_send(state);
    ck_assert_ok(state_try(&own, state));
    ck_assert_uint_eq(xai_state_n_images(state), 8);
    ck_assert_fails(state_try(&other, state), XAI_E_INVALID, "seed 1, this run has 2");
    ck_assert_ptr_eq(xai_state_ref(state), state);
    xai_state_unref(state);
    xai_state_unref(state);
    xai_state_unref(NULL);
    ck_assert_ptr_null(xai_state_ref(NULL));
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

/* From inside its own run. */
typedef struct nested {
    xai_state *state;
    xai_status status;
    int n;
} nested;

static int32_t ask_again(const float *batch, size_t n, float *scores, void *user)
{
    nested *inner = user;
    const attempt other = { .seed = 0 };
    asked count = { 0 };

    if (inner->n++ > 0) /* at first the picture as it is */
        inner->status = state_try(&other, inner->state);
    return state_answer(batch, n, scores, &count);
}

START_TEST(busy)
{
    xai_context *context = testing_context(1);
    xai_tensor *input = state_input(context, 0);
    nested inner = { .state = state_make() };
    const xai_black_box box = {
        .struct_size = sizeof box, .predict = ask_again, .user = &inner, .n_classes = N_TARGETS
    };
    const xai_rise_options options = {
        .struct_size = sizeof options, .black_box = &box, .n_masks = 4, .grid = 4, .state = inner.state
    };
    xai_attribution *a = NULL;

    ck_assert_ok(xai_rise_compute(&a, NULL, input, NULL, 0, &options));
    ck_assert_int_eq(inner.status, XAI_E_BUSY);
    xai_attribution_unref(a);
    xai_state_unref(inner.state);
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

/* A fact that found no room would let the state of another run pass. */
START_TEST(many_facts)
{
    xai_context *context = testing_context(1);
    xai_tensor *input = state_input(context, 0);
    asked a = { 0 };
    const xai_black_box box = {
        .struct_size = sizeof box, .predict = state_answer, .user = &a, .n_classes = N_TARGETS
    };
    xai_state *state = state_make(), *used = NULL;
    xai__facts own = { .n = 0 };
    xai__scorer scorer;

    ck_assert_ok(xai__scorer_init(&scorer, NULL, &box, input, NULL, 0, XAI_SCORE_PROBABILITY));
    for (size_t n = 0; n <= XAI__STATE_MAX_FACTS; n++) {
        xai_status status = xai__state_begin(&used, state, &scorer, "rise", "default", &own);

        ck_assert((status == XAI_OK) == (used != NULL));
        ck_assert(n > 12 || status == XAI_OK);
        ck_assert(n < XAI__STATE_MAX_FACTS || status < 0);
        if (status < 0)
            ck_assert_fails(status, XAI_E_INTERNAL, "more facts than the 32 that a state holds");
        xai__state_end(used);
        xai__facts_count(&own, "number", n);
    }
    ck_assert_ptr_null(used);
    xai__scorer_fini(&scorer);
    xai_state_unref(state);
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_state");
    TCase *c = tcase_create("states");

    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, rise_stopped, 0, N_RISE_CASES);
    tcase_add_test(c, rise_long);
    tcase_add_test(c, rise_other_limits);
    tcase_add_test(c, failed_callback);
    tcase_add_test(c, cancelled_session);
    tcase_add_test(c, other_runs);
    tcase_add_test(c, other_sessions);
    tcase_add_test(c, unused);
    tcase_add_test(c, busy);
    tcase_add_test(c, many_facts);
    suite_add_tcase(suite, c);
    return suite;
}

TESTING_MAIN(make_suite)
