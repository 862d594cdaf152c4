/* SPDX-License-Identifier: MIT
 * States of occlusion, LIME and KernelSHAP: gone on with to the same bits, or refused. */
#include "states.h"

static xai_status by_occlusion(xai_attribution **out, const xai_tensor *input, const xai_target *targets,
                               const void *options, const xai_black_box *box, const xai_run_options *run,
                               xai_state *state)
{
    xai_occlusion_options o = *(const xai_occlusion_options *)options;

    o.struct_size = sizeof o;
    o.black_box = box;
    o.run = run;
    o.state = state;
    return xai_occlusion_compute(out, NULL, input, targets, N_TARGETS, &o);
}

/* Nine segments: rows of squares. */
static xai_segments *cut(const xai_tensor *input)
{
    xai_segments *segments = NULL;
    int32_t labels[N_PIXELS];

    for (int i = 0; i < N_PIXELS; i++)
        labels[i] = i / SIDE / 4 * 3 + i % SIDE / 4;
    ck_assert_ok(xai_segments_wrap(&segments, input->object.context, labels, SIDE, SIDE));
    return segments;
}

static xai_status by_lime(xai_attribution **out, const xai_tensor *input, const xai_target *targets,
                          const void *options, const xai_black_box *box, const xai_run_options *run, xai_state *state)
{
    xai_lime_options o = *(const xai_lime_options *)options;
    xai_segments *segments = cut(input);
    xai_status status;

    o.struct_size = sizeof o;
    o.black_box = box;
    o.run = run;
    o.state = state;
    status = xai_lime_compute(out, NULL, input, segments, targets, N_TARGETS, &o);
    xai_segments_unref(segments);
    return status;
}

static xai_status by_shap(xai_attribution **out, const xai_tensor *input, const xai_target *targets,
                          const void *options, const xai_black_box *box, const xai_run_options *run, xai_state *state)
{
    xai_shap_options o = *(const xai_shap_options *)options;
    xai_segments *segments = cut(input);
    xai_status status;

    o.struct_size = sizeof o;
    o.black_box = box;
    o.run = run;
    o.state = state;
    status = xai_shap_compute(out, NULL, input, segments, targets, N_TARGETS, &o);
    xai_segments_unref(segments);
    return status;
}

START_TEST(occlusion_stopped)
{
    static const uint64_t stops[] = { 1, 2, 9, 15 };
    static const xai_occlusion_options cases[] = {
        { .window_height = 4 },
        { .profile = "captum", .window_height = 5, .window_width = 3, .fill = "blur" },
        { .profile = "kazuto", .window_height = 7, .stride_height = 1 },
        { .profile = "xplique", .window_height = 3, .stride_height = 2 },
        { .window_height = 3, .stride_height = 1, .share = 0.3f },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        state_check_stops(by_occlusion, &cases[i], 1, stops, 4);
}
END_TEST

START_TEST(segments_stopped)
{
    static const uint64_t stops[] = { 1, 2, 30, 111, 199 }, later[] = { 40, 111 };
    static const xai_lime_options limes[] = {
        { .n_samples = 200 },
        { .n_samples = 70, .n_repeats = 3, .n_features = 4 },
        { .profile = "captum", .n_samples = 200 },
    };
    static const xai_shap_options shaps[] = { { .n_samples = 200 }, { .profile = "captum", .n_samples = 200 } };

    for (size_t i = 0; i < sizeof limes / sizeof *limes; i++)
        state_check_stops(by_lime, &limes[i], 1, stops, 5);
    for (size_t i = 0; i < sizeof shaps / sizeof *shaps; i++)
        state_check_stops(by_shap, &shaps[i], 2, later, 2);
}
END_TEST

static xai_status explain_windows(xai_attribution **out, xai_model *model, const xai_session_options *how, float share,
                                  uint64_t stop, xai_state *state)
{
    static const xai_target targets[N_TARGETS] = { { .index = -1 }, { .index = 4, .score = XAI_SCORE_PROBABILITY } };
    way end = { .stop = stop };
    const xai_run_options run = {
        .struct_size = sizeof run, .memory_budget = 1, .progress = stop > 0 ? state_stop : NULL, .user = &end
    };
    const xai_occlusion_options options = {
        .struct_size = sizeof options, .window_height = 5, .share = share, .run = &run, .state = state
    };
    xai_tensor *input = network_input(model, 1, 9);
    xai_session *session = NULL;
    xai_status status;

    ck_assert_ok(xai_session_create(&session, model, how));
    status = xai_occlusion_compute(out, session, input, targets, N_TARGETS, &options);
    ck_assert_msg(status >= 0, "%s", xai_last_error());
    xai_session_unref(session);
    xai_tensor_unref(input);
    return status;
}

/* Regions and whole pictures take over from each other, from a session of another purpose too. */
START_TEST(regions_stopped)
{
    const xai_model_options small = { .struct_size = sizeof small, .seed = 3 };
    const xai_session_options regions = { .struct_size = sizeof regions }, whole = {
        .struct_size = sizeof whole, .memory_budget = 1, .purpose = XAI_PURPOSE_THROUGHPUT
    };

    for (int i = 0; i < 4; i++) {
        float share = i % 2 == 0 ? 0 : 0.8f;
        const xai_session_options *first = i / 2 == 0 ? &regions : &whole, *second = i / 2 == 0 ? &whole : &regions;
        xai_context *context = testing_context(2);
        xai_state *state = state_make();
        xai_attribution *expected[N_TARGETS], *now[N_TARGETS];
        xai_model *model = NULL;

        ck_assert_ok(xai_model_build(&model, context, "cifar_resnet20", NULL, &small));
        ck_assert_ok(explain_windows(expected, model, &regions, share, 0, NULL));
        ck_assert_double_lt(xai_attribution_number(expected[0], "computed_share"), 1);
        for (uint64_t stop = 17; stop < 40; stop += 17) {
            ck_assert_int_eq(explain_windows(now, model, stop == 17 ? first : second, share, stop, state), XAI_PARTIAL);
            ck_assert_uint_ge(xai_state_n_images(state), stop);
            xai_attribution_unref(now[0]);
            xai_attribution_unref(now[1]);
            state = state_send(state);
        }
        ck_assert_ok(explain_windows(now, model, first, share, 0, state));
        for (int t = 0; t < N_TARGETS; t++) {
            ck_assert_mem_eq(now[t]->map->data, expected[t]->map->data, now[t]->map->size * sizeof(float));
            xai_attribution_unref(now[t]);
            xai_attribution_unref(expected[t]);
        }
        xai_state_unref(state);
        xai_model_unref(model);
        xai_context_unref(context);
    }
}
END_TEST

/* What a run of either has, one with the other options may use, or says what differs. */
static void check_next(explain_fn explain, const void *first, const void *second, const char *words)
{
    static const xai_target targets[N_TARGETS] = { { .index = 0 }, { .index = 1 } };
    xai_context *context = testing_context(1);
    xai_tensor *input = state_input(context, 0);
    asked count = { 0 };
    const xai_black_box box = {
        .struct_size = sizeof box, .predict = state_answer, .user = &count, .n_classes = N_TARGETS
    };
    const xai_run_options run = { .struct_size = sizeof run };
    xai_attribution *maps[N_TARGETS];
    xai_state *state = state_make();

    ck_assert_ok(explain(maps, input, targets, first, &box, &run, state));
    xai_attribution_unref(maps[0]);
    xai_attribution_unref(maps[1]);
    state = state_send(state);
    ck_assert_fails(explain(maps, input, targets, second, &box, &run, state), XAI_E_INVALID, words);
    ck_assert_ptr_null(maps[0]);
    xai_state_unref(state);
    xai_tensor_unref(input);
    xai_context_unref(context);
}

START_TEST(other_windows)
{
    const xai_occlusion_options own = { .window_height = 4, .stride_height = 2 };
    const struct {
        xai_occlusion_options options;
        const char *words;
    } cases[] = {
        { { .window_height = 5, .stride_height = 2 }, "window_height 4, this run has 5" },
        { { .window_height = 4, .window_width = 6, .stride_height = 2 }, "window_width 4, this run has 6" },
        { { .window_height = 4, .stride_height = 1, .stride_width = 2 }, "stride_height 2, this run has 1" },
        { { .window_height = 4, .stride_height = 2, .stride_width = 1 }, "stride_width 2, this run has 1" },
        { { .window_height = 4, .stride_height = 2, .fill = "mean" }, "another fill or baseline" },
        { { .window_height = 4, .stride_height = 2, .share = 0.5f }, "share 0, this run has 0.5" },
        { { .window_height = 4, .stride_height = 2, .profile = "xplique" }, "another profile" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_next(by_occlusion, &own, &cases[i].options, cases[i].words);
}
END_TEST

/* A longer run of LIME begins with the samples of a shorter one, but its repeats do not; shap's depends on how many
 * there are. */
START_TEST(other_samples)
{
    const xai_lime_options few = { .n_samples = 50 }, many = { .n_samples = 120 },
                           repeats = { .n_samples = 50, .n_repeats = 3 },
                           others = { .n_samples = 60, .n_repeats = 3, .alpha = 2 },
                           hidden = { .n_samples = 50, .hide = XAI_HIDE_VALUE };
    const xai_shap_options shaps[2] = { { .n_samples = 100 }, { .n_samples = 200 } };
    const xai_lime_options *const order[] = { &few, &many, &few, &repeats };
    xai_state *state = state_make();

    for (size_t i = 0; i < 3; i++) {
        outcome whole = state_run(by_lime, order[i], (way){ .n_threads = 1 }, NULL),
                now = state_run(by_lime, order[i], (way){ .n_threads = 2 }, state);

        state_check_outcome(&now, &whole);
        state_drop(&whole);
        state_drop(&now);
    }
    xai_state_unref(state);
    state = state_make();
    for (size_t i = 0; i < 4; i += 3) {
        outcome now = state_run(by_lime, order[i], (way){ .n_threads = 2 }, state);

        ck_assert_uint_eq(now.n_asked, i == 0 ? 51 : 101);
        state_drop(&now);
    }
    xai_state_unref(state);
    check_next(by_lime, &repeats, &others, "image 50 of the state was made of another sample");
    check_next(by_lime, &few, &hidden, "another hide or baseline");
    check_next(by_shap, &shaps[0], &shaps[1], "of another sample than this run's");
}
END_TEST

/* LIME's state is none of KernelSHAP's, other segments make other pictures, and seeds other samples. */
START_TEST(other_segments)
{
    xai_context *context = testing_context(1);
    xai_tensor *input = state_input(context, 0), *samples = NULL;
    xai_segments *segments = cut(input), *others = NULL;
    asked count = { 0 };
    const xai_black_box box = {
        .struct_size = sizeof box, .predict = state_answer, .user = &count, .n_classes = N_TARGETS
    };
    xai_run_options run = { .struct_size = sizeof run };
    xai_lime_options lime = {
        .struct_size = sizeof lime, .n_samples = 40, .black_box = &box, .run = &run, .state = state_make()
    };
    const xai_shap_options shap = {
        .struct_size = sizeof shap, .n_samples = 40, .black_box = &box, .state = lime.state
    };
    int32_t labels[N_PIXELS];
    xai_attribution *a = NULL;

    for (int i = 0; i < N_PIXELS; i++)
        labels[i] = i % 9;
    ck_assert_ok(xai_segments_wrap(&others, context, labels, SIDE, SIDE));
    ck_assert_ok(xai_tensor_create(&samples, context, (const int64_t[]){ 12, 9 }, 2));
    for (int i = 0; i < 12 * 9; i++)
        samples->data[i] = (float)(i % 3 == 0);
    ck_assert_ok(xai_lime_compute(&a, NULL, input, segments, NULL, 0, &lime));
    xai_attribution_unref(a);
    ck_assert_fails(xai_lime_compute(&a, NULL, input, others, NULL, 0, &lime), XAI_E_INVALID, "another segmentation");
    ck_assert_fails(xai_shap_compute(&a, NULL, input, segments, NULL, 0, &shap), XAI_E_INVALID, "another method");
    run.seed = 4;
    ck_assert_fails(xai_lime_compute(&a, NULL, input, segments, NULL, 0, &lime), XAI_E_INVALID,
                    "seed 0, this run has 4");
    run.seed = 0;
    lime.n_samples = 0;
    lime.samples = samples;
    ck_assert_fails(xai_lime_compute(&a, NULL, input, segments, NULL, 0, &lime), XAI_E_INVALID,
                    "another source of samples");
    ck_assert_ptr_null(a);
    xai_state_unref(lime.state);
    xai_segments_unref(segments);
    xai_segments_unref(others);
    xai_tensor_unref(samples);
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_state_methods");
    TCase *c = tcase_create("methods");

    tcase_set_timeout(c, 120);
    tcase_add_test(c, occlusion_stopped);
    tcase_add_test(c, segments_stopped);
    tcase_add_test(c, regions_stopped);
    tcase_add_test(c, other_windows);
    tcase_add_test(c, other_samples);
    tcase_add_test(c, other_segments);
    suite_add_tcase(suite, c);
    return suite;
}

TESTING_MAIN(make_suite)
