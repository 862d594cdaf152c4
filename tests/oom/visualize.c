/* SPDX-License-Identifier: MIT
 * Feature visualisation while memory runs out. */
#include "networks.h"
#include "oom.h"

typedef struct visualize_case {
    xai_model *model;
    xai_visualize_options options;
} visualize_case;

/* Packed weights and plans go, so that each round allocates them again. */
static void drop_cache(xai_model *model)
{
    if (model->cache != NULL)
        model->free_cache(model->object.context, model->cache);
    model->cache = NULL;
}

static int32_t watch(xai_image *const *pictures, size_t n_pictures, size_t n_done, size_t n_steps, double objective,
                     void *user)
{
    return 0;
}

static xai_status visualize(void *user)
{
    static const xai_objective objectives[] = {
        { .layer = "b.relu", .channel = 3 },
        { .kind = XAI_OBJECTIVE_DIVERSITY, .layer = "a.relu" },
        { .kind = XAI_OBJECTIVE_TV, .weight = 0.01f },
    };
    visualize_case *now = user;
    xai_image *pictures[2] = { NULL };
    xai_tensor *trace = NULL;
    xai_session *session = NULL;
    xai_status status = xai_session_create(&session, now->model, NULL);

    if (status == XAI_OK)
        status = xai_visualize(pictures, 2, &trace, session, objectives, 3, &now->options);
    if (status != XAI_OK && (trace != NULL || pictures[0] != NULL || pictures[1] != NULL))
        status = XAI_E_INTERNAL; /* asserting would allocate */
    xai_image_unref(pictures[0]);
    xai_image_unref(pictures[1]);
    xai_tensor_unref(trace);
    xai_session_unref(session);
    drop_cache(now->model);
    return status;
}

START_TEST(visualizing)
{
    static const char *const names[] = { "pixel", "fourier" };
    xai_context *context = testing_context(1);
    visualize_case now = { .model = network_residual(context) };
    xai_image *picture = NULL;

    now.model->preparation = (xai__preparation){ .scale = 1 / 255.0f, .std = { 1, 1, 1 } };
    ck_assert_ok(xai_image_create(&picture, context, NULL, 20, 20));
    now.options = (xai_visualize_options){ .struct_size = sizeof now.options,
                                           .parameterisation = names[_i],
                                           .n_steps = 2,
                                           .width = 12,
                                           .height = 10,
                                           .watch = watch,
                                           .picture = _i == 1 ? picture : NULL };
    oom_run(names[_i], visualize, &now, 0);
    xai_image_unref(picture);
    xai_model_unref(now.model);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_visualize");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, visualizing, 0, 2);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
