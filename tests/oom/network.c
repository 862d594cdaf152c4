/* SPDX-License-Identifier: MIT
 * A network when memory runs out: built, planned, hooked, run, explained and drawn. */
#include "oom.h"

typedef struct network_case {
    xai_context *context;
    xai_image *image;
} network_case;

/* What one attempt makes, so that it can be given back wherever it stops. */
typedef struct made {
    xai_model *model;
    xai_session *session;
    xai_tensor *input, *logits;
    xai_hook *hook;
    xai_cam *cam;
    xai_attribution *attribution;
    xai_image *drawn;
} made;

static void give_back(made *m)
{
    xai_image_unref(m->drawn);
    xai_attribution_unref(m->attribution);
    xai_cam_unref(m->cam);
    xai_hook_unref(m->hook);
    xai_tensor_unref(m->logits);
    xai_tensor_unref(m->input);
    xai_session_unref(m->session);
    xai_model_unref(m->model);
}

/* From nothing to a drawn explanation, on maps of a few pixels. */
static xai_status explain(void *user)
{
    const network_case *now = user;
    const xai_model_options options = { .struct_size = sizeof options, .resize = 8, .crop_height = 8, .crop_width = 8 };
    made m = { NULL };
    xai_layer layer = { .struct_size = sizeof layer };
    xai_status status = xai_model_build(&m.model, now->context, "cifar_resnet20", NULL, &options);

    if (status == XAI_OK)
        status = xai_model_layer(&layer, m.model, 3);
    if (status == XAI_OK)
        status = xai_model_prepare(&m.input, m.model, now->image);
    if (status == XAI_OK)
        status = xai_session_create(&m.session, m.model, NULL);
    if (status == XAI_OK)
        status = xai_hook_attach(&m.hook, m.session, "layer2.1.bn2", XAI_HOOK_CAPTURE, NULL, NULL, NULL);
    if (status == XAI_OK)
        status = xai_session_forward(&m.logits, m.session, m.input);
    if (status == XAI_OK)
        status = xai_cam_create(&m.cam, m.session, NULL);
    if (status == XAI_OK)
        status = xai_cam_compute(&m.attribution, m.cam, m.input, NULL, 0);
    if (status == XAI_OK)
        status = xai_attribution_draw(&m.drawn, m.attribution, now->image, NULL);
    give_back(&m);
    return status;
}

START_TEST(explaining)
{
    network_case now = { .context = testing_context(1) };

    ck_assert_ok(xai_image_create(&now.image, now.context, NULL, 10, 9));
    xai_image_pixels(now.image)[100] = 255;
    oom_run("explaining", explain, &now, 0);
    xai_image_unref(now.image);
    xai_context_unref(now.context);
}
END_TEST

/* A network joined with a hierarchy of its classes. */
static xai_status decide(void *user)
{
    static const char text[] =
        "{\"nodes\": [{\"id\": \"r\"}, {\"id\": \"i\"}, {\"id\": \"0\"}, {\"id\": \"1\"}, {\"id\": \"2\"}, {\"id\": "
        "\"3\"}, {\"id\": \"4\"}, {\"id\": \"5\"}, {\"id\": \"6\"}, {\"id\": \"7\"}, {\"id\": \"8\"}, {\"id\": "
        "\"9\"}], "
        "\"links\": [{\"source\": \"r\", \"target\": \"i\"}, {\"source\": \"r\", \"target\": \"0\"}, {\"source\": "
        "\"i\", "
        "\"target\": \"1\"}, {\"source\": \"i\", \"target\": \"2\"}, {\"source\": \"i\", \"target\": \"3\"}, "
        "{\"source\": \"r\", "
        "\"target\": \"4\"}, {\"source\": \"r\", \"target\": \"5\"}, {\"source\": \"r\", \"target\": \"6\"}, "
        "{\"source\": \"r\", "
        "\"target\": \"7\"}, {\"source\": \"r\", \"target\": \"8\"}, {\"source\": \"r\", \"target\": \"9\"}]}";
    const network_case *now = user;
    const xai_model_options options = { .struct_size = sizeof options, .resize = 8, .crop_height = 8, .crop_width = 8 };
    made m = { NULL };
    xai_model *network = NULL;
    xai_tree *tree = NULL;
    xai_status status = xai_model_build(&network, now->context, "cifar_resnet20", NULL, &options);

    if (status == XAI_OK)
        status = xai_tree_load_memory(&tree, now->context, text, strlen(text));
    if (status == XAI_OK)
        status = xai_model_with_tree(&m.model, network, tree, NULL);
    if (status == XAI_OK)
        status = xai_model_prepare(&m.input, m.model, now->image);
    if (status == XAI_OK)
        status = xai_session_create(&m.session, m.model, NULL);
    if (status == XAI_OK)
        status = xai_session_forward(&m.logits, m.session, m.input);
    xai_tree_unref(tree);
    xai_model_unref(network);
    give_back(&m);
    return status;
}

START_TEST(deciding)
{
    network_case now = { .context = testing_context(1) };

    ck_assert_ok(xai_image_create(&now.image, now.context, NULL, 10, 9));
    oom_run("deciding", decide, &now, 0);
    xai_image_unref(now.image);
    xai_context_unref(now.context);
}
END_TEST

/* Weights that are widened whenever they are read, for kernels, for gradients and for plain references. */
static xai_status widen(void *user)
{
    const xai_model_options options = { .struct_size = sizeof options, .resize = 8, .crop_height = 8, .crop_width = 8 };
    const network_case *now = user;
    made m = { NULL };
    xai_status status = xai_model_build(&m.model, now->context, "resnet9_cifar10",
                                        testing_source("examples/models/resnet9_cifar10.safetensors"), &options);

    if (status == XAI_OK)
        status = xai_model_prepare(&m.input, m.model, now->image);
    if (status == XAI_OK)
        status = xai_session_create(&m.session, m.model, NULL);
    if (status == XAI_OK)
        status = xai_session_forward(&m.logits, m.session, m.input);
    if (status == XAI_OK)
        status = xai_saliency_compute(&m.attribution, m.session, m.input, NULL, 0, NULL);
    give_back(&m);
    return status;
}

START_TEST(widening)
{
    static const char *const backends[] = { "native", "ref" };
    const xai_context_options options = { .struct_size = sizeof options, .backends = backends[_i], .n_threads = 1 };
    network_case now = { NULL };

    ck_assert_ok(xai_context_create(&now.context, &options));
    ck_assert_ok(xai_image_create(&now.image, now.context, NULL, 16, 16));
    oom_run("widening", widen, &now, 0);
    xai_image_unref(now.image);
    xai_context_unref(now.context);
}
END_TEST

/* Contexts and tensors have nothing beneath them. */
static xai_status create_context(void *user)
{
    const xai_context_options options = { .struct_size = sizeof options, .n_threads = 1 };
    const int64_t shape[2] = { 3, 5 };
    xai_context *context = NULL;
    xai_tensor *tensor = NULL;
    xai_status status = xai_context_create(&context, &options);

    if (status == XAI_OK)
        status = xai_tensor_create(&tensor, context, shape, 2);
    xai_tensor_unref(tensor);
    xai_context_unref(context);
    return status;
}

START_TEST(creating)
{
    oom_run("creating", create_context, NULL, 0);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_network");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, creating);
    tcase_add_loop_test(cases, widening, 0, 2);
    tcase_add_test(cases, explaining);
    tcase_add_test(cases, deciding);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
