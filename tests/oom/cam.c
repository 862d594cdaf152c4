/* SPDX-License-Identifier: MIT
 * The CAM family when memory runs out: gradients, several layers, smoothing, and trials with and without a way around.
 */
#include "networks.h"
#include "oom.h"

typedef struct cam_case {
    xai_model *model;
    xai_tensor *input;
    xai_cam_options options;
} cam_case;

/* Plans are kept with the model: without them each attempt makes its own. */
static void drop_cache(xai_model *model)
{
    if (model->cache != NULL)
        model->free_cache(model->object.context, model->cache);
    model->cache = NULL;
}

static xai_status explain(void *user)
{
    const cam_case *now = user;
    const xai_target targets[2] = { { .index = 2 }, { .index = -1, .score = XAI_SCORE_PROBABILITY } };
    xai_attribution *attributions[2] = { NULL };
    xai_session *session = NULL;
    xai_cam *cam = NULL;
    xai_tensor *map = NULL;
    char text[2048];
    xai_status status = xai_session_create(&session, now->model, NULL);

    if (status == XAI_OK)
        status = xai_cam_create(&cam, session, &now->options);
    if (status == XAI_OK)
        status = xai_cam_compute(attributions, cam, now->input, targets, 2);
    if (status == XAI_OK)
        status = xai_attribution_map(&map, attributions[1], 17, 19, XAI_NORMALISE_PROFILE);
    if (status == XAI_OK && xai_attribution_json(attributions[0], text, sizeof text) == 0)
        status = XAI_E_NO_MEMORY;
    if (status == XAI_FLAT)
        status = XAI_OK;
    xai_tensor_unref(map);
    xai_attribution_unref(attributions[0]);
    xai_attribution_unref(attributions[1]);
    xai_cam_unref(cam);
    xai_session_unref(session);
    drop_cache(now->model);
    return status;
}

START_TEST(explaining)
{
    static const char *const two[] = { "a", "b" }, *const sum[] = { "b" }, *const branch[] = { "b.conv2" };
    static const struct {
        const char *method, *profile;
        const char *const *layers;
        size_t n_layers;
        uint32_t flags;
    } rows[] = {
        { "layercam", NULL, two, 2, XAI_CAM_EIGEN_SMOOTH | XAI_CAM_AUG_SMOOTH },
        { "gradcam++", "torchcam", two, 2, 0 },
        { "scorecam", NULL, sum, 1, 0 },
        { "ablationcam", NULL, branch, 1, 0 },
        { "reciprocam", NULL, sum, 1, 0 },
    };
    xai_context *context = testing_context(1);
    cam_case now = { .model = network_residual(context) };

    now.input = network_input(now.model, 1, 4);
    now.options = (xai_cam_options){ .struct_size = sizeof now.options,
                                     .method = rows[_i].method,
                                     .profile = rows[_i].profile,
                                     .layers = rows[_i].layers,
                                     .n_layers = rows[_i].n_layers,
                                     .flags = rows[_i].flags };
    oom_run(rows[_i].method, explain, &now, 0);
    xai_tensor_unref(now.input);
    xai_model_unref(now.model);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_cam");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, explaining, 0, 5);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
