/* SPDX-License-Identifier: MIT
 * Gradient saliency, its drawings and contact sheets when memory runs out. */
#include "networks.h"
#include "oom.h"

typedef struct saliency_case {
    xai_model *model;
    xai_tensor *input;
    xai_image *picture;
    xai_saliency_options options;
} saliency_case;

/* Plans are kept with the model: without them each attempt makes its own. */
static void drop_cache(xai_model *model)
{
    if (model->cache != NULL)
        model->free_cache(model->object.context, model->cache);
    model->cache = NULL;
}

static xai_status draw(xai_image **out, const saliency_case *now, const xai_attribution *a, uint32_t kind)
{
    const xai_draw_options options = { .struct_size = sizeof options, .kind = kind };
    xai_status status = xai_attribution_draw_with(out, a, now->picture, &options);

    return status == XAI_FLAT ? XAI_OK : status;
}

static xai_status explain(void *user)
{
    static const char *const labels[3] = { "heat", "masked", "contours" };
    const saliency_case *now = user;
    const xai_target targets[2] = { { .index = 2 }, { .index = 5, .value = "a.relu", .score = XAI_SCORE_VALUE } };
    size_t n_targets = strcmp(now->options.method, "guided-gradcam") == 0 ? 1 : 2;
    xai_attribution *maps[2] = { NULL };
    xai_image *drawn[3] = { NULL }, *sheet = NULL;
    xai_session *session = NULL;
    xai_status status = xai_session_create(&session, now->model, NULL);

    if (status == XAI_OK)
        status = xai_saliency_compute(maps, session, now->input, targets, n_targets, &now->options);
    for (uint32_t kind = 0; kind < 3 && status == XAI_OK; kind++)
        status = draw(&drawn[kind], now, maps[0], kind);
    if (status == XAI_OK)
        status = xai_image_sheet(&sheet, now->model->object.context, (const xai_image *const *)drawn, labels, 3, 2);
    xai_image_unref(sheet);
    for (size_t i = 0; i < 3; i++)
        xai_image_unref(drawn[i]);
    for (size_t i = 0; i < 2; i++)
        xai_attribution_unref(maps[i]);
    xai_session_unref(session);
    drop_cache(now->model);
    return status;
}

START_TEST(explaining)
{
    static const char *const methods[] = { "saliency", "ig", "vargrad", "guided-gradcam" };
    xai_context *context = testing_context(1);
    saliency_case now = { .model = network_residual(context) };

    now.input = network_input(now.model, 1, 4);
    now.options = (xai_saliency_options){ .struct_size = sizeof now.options, .method = methods[_i] };
    now.options.n_steps = strcmp(methods[_i], "ig") == 0 ? 3 : 0;
    now.options.n_samples = strcmp(methods[_i], "vargrad") == 0 ? 3 : 0;
    ck_assert_ok(xai_image_create(&now.picture, context, NULL, 17, 21));
    oom_run(methods[_i], explain, &now, 0);
    xai_image_unref(now.picture);
    xai_tensor_unref(now.input);
    xai_model_unref(now.model);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_saliency");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, explaining, 0, 4);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
