/* SPDX-License-Identifier: MIT
 * Occlusion and RISE when memory runs out. */
#include "networks.h"
#include "oom.h"

typedef struct perturb_case {
    xai_model *model;
    xai_tensor *input;
    bool is_rise;
    float share;         /* of occlusion's windows */
    const char *variant; /* of occlusion the fill, of RISE the profile */
} perturb_case;

/* Plans are kept with the model: without them each attempt makes its own. */
static void drop_cache(xai_model *model)
{
    if (model->cache != NULL)
        model->free_cache(model->object.context, model->cache);
    model->cache = NULL;
}

static xai_status compute(xai_attribution **maps, xai_session *session, const perturb_case *now)
{
    const xai_target targets[2] = { { .index = 2, .score = XAI_SCORE_PROBABILITY },
                                    { .index = 5, .value = "a.relu", .score = XAI_SCORE_VALUE } };
    const xai_occlusion_options occlusion = { .struct_size = sizeof occlusion,
                                              .fill = now->variant,
                                              .share = now->share,
                                              .stride_height = now->share > 0 ? 2 : 0,
                                              .window_height = 8 };
    const xai_rise_options rise = {
        .struct_size = sizeof rise, .profile = now->variant, .n_masks = 130, .grid = 4, .top_region = 0.2f
    };

    if (now->is_rise)
        return xai_rise_compute(maps, session, now->input, targets, 2, &rise);
    return xai_occlusion_compute(maps, session, now->input, targets, 2, &occlusion);
}

static xai_status explain(void *user)
{
    const perturb_case *now = user;
    const xai_draw_options options = { .struct_size = sizeof options, .kind = XAI_DRAW_ERRORS };
    xai_attribution *maps[2] = { NULL };
    xai_tensor *errors = NULL;
    xai_image *drawn = NULL;
    xai_session *session = NULL;
    xai_status status = xai_session_create(&session, now->model, NULL);

    if (status == XAI_OK)
        status = compute(maps, session, now);
    if (status == XAI_OK && now->is_rise)
        status = xai_attribution_error_map(&errors, maps[0], 30, 20);
    if (status == XAI_OK && now->is_rise)
        status = xai_attribution_draw_with(&drawn, maps[1], NULL, &options);
    xai_image_unref(drawn);
    xai_tensor_unref(errors);
    xai_attribution_unref(maps[0]);
    xai_attribution_unref(maps[1]);
    xai_session_unref(session);
    drop_cache(now->model);
    return status;
}

START_TEST(explaining)
{
    static const struct {
        const char *name, *variant;
        bool is_rise;
        float share;
    } cases[] = { { "occlusion", "blur", false, 0 },
                  { "occlusion, coarse to fine", "mean", false, 0.5f },
                  { "rise default", "default", true, 0 },
                  { "rise numpy", "rise", true, 0 } };
    xai_context *context = testing_context(1);
    perturb_case now = { .model = network_residual(context),
                         .variant = cases[_i].variant,
                         .is_rise = cases[_i].is_rise,
                         .share = cases[_i].share };

    now.input = network_input(now.model, 1, 4);
    oom_run(cases[_i].name, explain, &now, 0);
    xai_tensor_unref(now.input);
    xai_model_unref(now.model);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_perturb");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, explaining, 0, 4);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
