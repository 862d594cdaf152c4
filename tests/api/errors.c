/* SPDX-License-Identifier: MIT
 * Bad arguments: every fallible function answers with the right status and a sentence that names the thing. */
#include "testing.h"

#include <unistd.h>

/* What most tests here stand on; made before each, dropped after it. */
static xai_context *context;
static xai_tensor *tensor; /* 1 x 3 x 32 x 32 */
static xai_image *image;
static xai_model *model;
static xai_session *session;

static void setup(void)
{
    static const int64_t shape[] = { 1, 3, 32, 32 };

    context = testing_context(1);
    ck_assert_ok(xai_tensor_create(&tensor, context, shape, 4));
    ck_assert_ok(xai_image_create(&image, context, NULL, 40, 36));
    ck_assert_ok(xai_model_build(&model, context, "cifar_resnet20", NULL, NULL));
    ck_assert_ok(xai_session_create(&session, model, NULL));
}

static void teardown(void)
{
    xai_session_unref(session);
    xai_model_unref(model);
    xai_image_unref(image);
    xai_tensor_unref(tensor);
    xai_context_unref(context);
}

/* The call fails so, and what it should have made is NULL. */
#define ck_assert_makes_nothing(type, call, status, words)                                                             \
    do {                                                                                                               \
        type *out = (type *)&context;                                                                                  \
        ck_assert_fails(call, status, words);                                                                          \
        ck_assert_msg(out == NULL, "%s left something in out", #call);                                                 \
    } while (0)

START_TEST(status_names)
{
    ck_assert_str_eq(xai_status_name(XAI_OK), "XAI_OK");
    ck_assert_str_eq(xai_status_name(XAI_FLAT), "XAI_FLAT");
    ck_assert_str_eq(xai_status_name(XAI_E_INTERNAL), "XAI_E_INTERNAL");
    ck_assert_str_eq(xai_status_name(-1000), "unknown status");
    ck_assert_str_eq(xai_status_name(1000), "unknown status");
    ck_assert_str_eq(xai_version_string(), "0.1.0");
    ck_assert_uint_eq(xai_version(), 100);
}
END_TEST

/* A success empties the message; unref leaves it alone. */
START_TEST(last_error_lives)
{
    xai_context *other = NULL;

    ck_assert_fails(xai_context_create(NULL, NULL), XAI_E_INVALID, "out is NULL");
    xai_context_unref(NULL);
    xai_tensor_unref(NULL);
    ck_assert_str_eq(xai_last_error(), "out is NULL");
    ck_assert_ok(xai_context_create(&other, NULL));
    ck_assert_str_eq(xai_last_error(), "");
    xai_context_unref(other);
}
END_TEST

static void *allocate(size_t size, size_t alignment, void *user)
{
    return NULL;
}

START_TEST(contexts)
{
    xai_allocator half = { .allocate = allocate };
    xai_context_options options = { .struct_size = sizeof options };

    options.n_threads = 257;
    ck_assert_makes_nothing(xai_context, xai_context_create(&out, &options), XAI_E_INVALID, "257");
    options.n_threads = 0;
    options.backends = "native,quantum";
    ck_assert_makes_nothing(xai_context, xai_context_create(&out, &options), XAI_E_NOT_FOUND, "quantum");
    options.backends = NULL;
    options.allocator = &half;
    ck_assert_makes_nothing(xai_context, xai_context_create(&out, &options), XAI_E_INVALID, "release");
    options.allocator = NULL;
    options.struct_size = 3;
    ck_assert_makes_nothing(xai_context, xai_context_create(&out, &options), XAI_E_ABI, "3");
    ck_assert_uint_eq(xai_context_json(context, NULL, 0) > 0, 1);
}
END_TEST

/* A newer program on an older library: an unknown tail is fine while it is zero. */
START_TEST(newer_options)
{
    struct {
        xai_context_options known;
        uint64_t unknown;
    } newer = { .known.struct_size = sizeof newer };
    xai_context *other = NULL;

    ck_assert_ok(xai_context_create(&other, &newer.known));
    xai_context_unref(other);
    newer.unknown = 1;
    ck_assert_makes_nothing(xai_context, xai_context_create(&out, &newer.known), XAI_E_ABI, "56 bytes");
}
END_TEST

START_TEST(tensors)
{
    int64_t shape[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, negative[] = { 2, -3 }, huge[] = { INT64_MAX, 4 };
    float data[2] = { 0 };
    char *odd = (char *)data + 1;

    ck_assert_fails(xai_tensor_create(NULL, context, shape, 1), XAI_E_INVALID, "out is NULL");
    ck_assert_makes_nothing(xai_tensor, xai_tensor_create(&out, NULL, shape, 1), XAI_E_INVALID, "context is NULL");
    ck_assert_makes_nothing(xai_tensor, xai_tensor_create(&out, context, NULL, 1), XAI_E_INVALID, "shape is NULL");
    ck_assert_makes_nothing(xai_tensor, xai_tensor_create(&out, context, shape, 9), XAI_E_INVALID, "9");
    ck_assert_makes_nothing(xai_tensor, xai_tensor_create(&out, context, negative, 2), XAI_E_INVALID, "2x-3");
    ck_assert_makes_nothing(xai_tensor, xai_tensor_create(&out, context, huge, 2), XAI_E_INVALID, "x4");
    ck_assert_fails(xai_tensor_wrap(NULL, context, data, shape, 1, NULL, NULL), XAI_E_INVALID, "out is NULL");
    ck_assert_makes_nothing(xai_tensor, xai_tensor_wrap(&out, NULL, data, shape, 1, NULL, NULL), XAI_E_INVALID,
                            "context is NULL");
    ck_assert_makes_nothing(xai_tensor, xai_tensor_wrap(&out, context, NULL, shape, 1, NULL, NULL), XAI_E_INVALID,
                            "data is NULL");
    ck_assert_makes_nothing(xai_tensor, xai_tensor_wrap(&out, context, (float *)(void *)odd, shape, 1, NULL, NULL),
                            XAI_E_INVALID, "aligned");
}
END_TEST

START_TEST(tensor_files)
{
    ck_assert_makes_nothing(xai_tensor, xai_tensor_load(&out, NULL, "a.npy"), XAI_E_INVALID, "context is NULL");
    ck_assert_makes_nothing(xai_tensor, xai_tensor_load(&out, context, NULL), XAI_E_INVALID, "path is NULL");
    ck_assert_makes_nothing(xai_tensor, xai_tensor_load(&out, context, "no/such.npy"), XAI_E_IO, "no/such.npy");
    ck_assert_makes_nothing(xai_tensor, xai_tensor_load(&out, context, testing_source("LICENSE")), XAI_E_FORMAT,
                            "LICENSE");
    ck_assert_fails(xai_tensor_save(NULL, "a.npy"), XAI_E_INVALID, "tensor is NULL");
    ck_assert_fails(xai_tensor_save(tensor, NULL), XAI_E_INVALID, "path is NULL");
    ck_assert_fails(xai_tensor_save(tensor, "no/such/folder/a.npy"), XAI_E_IO, "no/such/folder/a.npy");
    xai_tensor_data(tensor)[5] = xai_tensor_data(tensor)[0] / xai_tensor_data(tensor)[0];
    ck_assert_fails(xai_tensor_check(tensor), XAI_E_FORMAT, "1 of 3072");
}
END_TEST

START_TEST(images)
{
    ck_assert_fails(xai_image_create(NULL, context, NULL, 1, 1), XAI_E_INVALID, "out is NULL");
    ck_assert_makes_nothing(xai_image, xai_image_create(&out, context, NULL, 0, 7), XAI_E_INVALID, "0");
    ck_assert_makes_nothing(xai_image, xai_image_create(&out, context, NULL, 7, -2), XAI_E_INVALID, "-2");
    ck_assert_makes_nothing(xai_image, xai_image_create(&out, context, NULL, 1000000, 1000000), XAI_E_LIMIT,
                            "67108864");
    ck_assert_makes_nothing(xai_image, xai_image_resize(&out, NULL, 1, 1, 0), XAI_E_INVALID, "image is NULL");
    ck_assert_makes_nothing(xai_image, xai_image_resize(&out, image, 0, 1, 0), XAI_E_INVALID, "0");
    ck_assert_makes_nothing(xai_image, xai_image_resize(&out, image, 8, 8, 99), XAI_E_INVALID, "99");
    ck_assert_makes_nothing(xai_image, xai_image_load(&out, NULL, "a.png", 0), XAI_E_INVALID, "context is NULL");
    ck_assert_makes_nothing(xai_image, xai_image_load(&out, context, NULL, 0), XAI_E_INVALID, "path is NULL");
    ck_assert_makes_nothing(xai_image, xai_image_load(&out, context, "no/such.png", 0), XAI_E_IO, "no/such.png");
    ck_assert_makes_nothing(xai_image, xai_image_load(&out, context, testing_source("LICENSE"), 0), XAI_E_FORMAT,
                            "LICENSE");
    ck_assert_makes_nothing(xai_image, xai_image_decode(&out, context, NULL, 4, 0), XAI_E_INVALID, "bytes is NULL");
    ck_assert_makes_nothing(xai_image, xai_image_decode(&out, context, "text", 4, 0), XAI_E_FORMAT, "");
    ck_assert_makes_nothing(xai_image, xai_image_decode(&out, context, "", 0, 0), XAI_E_FORMAT, "");
    ck_assert_fails(xai_image_save(NULL, "a.png", 0), XAI_E_INVALID, "image is NULL");
    ck_assert_fails(xai_image_save(image, NULL, 0), XAI_E_INVALID, "path is NULL");
    ck_assert_fails(xai_image_save(image, "a.gif", 0), XAI_E_INVALID, "a.gif");
    ck_assert_fails(xai_image_save(image, "a.jpg", 101), XAI_E_INVALID, "101");
}
END_TEST

START_TEST(models)
{
    xai_model_options options = { .struct_size = sizeof options };

    ck_assert_makes_nothing(xai_model, xai_model_load(&out, NULL, "m.json", NULL), XAI_E_INVALID, "context is NULL");
    ck_assert_makes_nothing(xai_model, xai_model_load(&out, context, NULL, NULL), XAI_E_INVALID, "NULL");
    ck_assert_makes_nothing(xai_model, xai_model_load(&out, context, "no/such.json", NULL), XAI_E_IO, "no/such.json");
    ck_assert_makes_nothing(xai_model, xai_model_load(&out, context, testing_source("LICENSE"), NULL), XAI_E_FORMAT,
                            "LICENSE");
    ck_assert_makes_nothing(xai_model, xai_model_build(&out, context, NULL, NULL, NULL), XAI_E_INVALID, "NULL");
    ck_assert_makes_nothing(xai_model, xai_model_build(&out, context, "resnet17", NULL, NULL), XAI_E_NOT_FOUND,
                            "resnet17");
    ck_assert_makes_nothing(xai_model, xai_model_build(&out, context, "resnet18", "no/such.pth", NULL), XAI_E_IO,
                            "no/such.pth");
    ck_assert_makes_nothing(xai_model, xai_model_build(&out, context, "resnet18", testing_source("LICENSE"), NULL),
                            XAI_E_FORMAT, "LICENSE");
    ck_assert_makes_nothing(xai_model, xai_model_build_memory(&out, context, "resnet18", NULL, 9, NULL), XAI_E_INVALID,
                            "NULL");
    ck_assert_makes_nothing(xai_model, xai_model_build_memory(&out, context, "resnet18", "nonsense", 8, NULL),
                            XAI_E_FORMAT, "");
    options.crop_height = -4;
    ck_assert_makes_nothing(xai_model, xai_model_build(&out, context, "cifar_resnet20", NULL, &options), XAI_E_INVALID,
                            "-4");
    options = (xai_model_options){ .struct_size = sizeof options, .flags = XAI_MODEL_SET_STD };
    ck_assert_makes_nothing(xai_model, xai_model_build(&out, context, "cifar_resnet20", NULL, &options), XAI_E_INVALID,
                            "std");
    options = (xai_model_options){ .struct_size = sizeof options, .labels = "no/such.txt" };
    ck_assert_makes_nothing(xai_model, xai_model_build(&out, context, "cifar_resnet20", NULL, &options), XAI_E_IO,
                            "no/such.txt");
}
END_TEST

START_TEST(model_questions)
{
    xai_layer layer = { .struct_size = sizeof layer };
    int64_t class_index = 7;

    ck_assert_fails(xai_model_find_class(&class_index, model, "10"), XAI_E_NOT_FOUND, "10");
    ck_assert_int_eq(class_index, -1);
    ck_assert_fails(xai_model_find_class(&class_index, model, "unicorn"), XAI_E_NOT_FOUND, "unicorn");
    ck_assert_fails(xai_model_find_class(&class_index, model, NULL), XAI_E_INVALID, "NULL");
    ck_assert_fails(xai_model_find_class(NULL, model, "1"), XAI_E_INVALID, "out is NULL");
    ck_assert_ok(xai_model_find_class(&class_index, model, "top"));
    ck_assert_int_eq(class_index, -1);
    ck_assert_ok(xai_model_find_class(&class_index, model, "9"));
    ck_assert_int_eq(class_index, 9);
    ck_assert_ptr_null(xai_model_label(model, -1));
    ck_assert_ptr_null(xai_model_label(model, 10));
    ck_assert_fails(xai_model_layer(NULL, model, 0), XAI_E_INVALID, "out is NULL");
    ck_assert_fails(xai_model_layer(&layer, model, xai_model_n_layers(model)), XAI_E_INVALID, "layer");
    layer.struct_size = 2;
    ck_assert_fails(xai_model_layer(&layer, model, 0), XAI_E_ABI, "2");
    ck_assert_makes_nothing(xai_image, xai_model_crop(&out, model, NULL), XAI_E_INVALID, "image is NULL");
    ck_assert_makes_nothing(xai_image, xai_model_crop(&out, NULL, image), XAI_E_INVALID, "model is NULL");
    ck_assert_makes_nothing(xai_tensor, xai_model_prepare(&out, model, NULL), XAI_E_INVALID, "image is NULL");
    ck_assert_ptr_null(xai_architecture(10000));
    ck_assert_str_eq(xai_model_architecture(model), "cifar_resnet20");
}
END_TEST

START_TEST(crop_larger_than_resize)
{
    xai_model_options options = { .struct_size = sizeof options, .resize = 16 };
    xai_model *small = NULL;

    ck_assert_ok(xai_model_build(&small, context, "cifar_resnet20", NULL, &options));
    ck_assert_makes_nothing(xai_tensor, xai_model_prepare(&out, small, image), XAI_E_SHAPE, "32");
    xai_model_unref(small);
}
END_TEST

START_TEST(convert)
{
    const char *license = testing_source("LICENSE");

    ck_assert_fails(xai_weights_convert(NULL, "a.pth", "b.safetensors"), XAI_E_INVALID, "NULL");
    ck_assert_fails(xai_weights_convert(context, NULL, "b.safetensors"), XAI_E_INVALID, "NULL");
    ck_assert_fails(xai_weights_convert(context, "a.pth", NULL), XAI_E_INVALID, "NULL");
    ck_assert_fails(xai_weights_convert(context, "no/such.pth", "b.safetensors"), XAI_E_IO, "no/such.pth");
    ck_assert_fails(xai_weights_convert(context, license, "b.safetensors"), XAI_E_FORMAT, "LICENSE");
    ck_assert_int_ne(access("b.safetensors", F_OK), 0);
}
END_TEST

START_TEST(sessions)
{
    static const int64_t wrong[] = { 1, 3, 33, 32 }, flat[] = { 3072 }, none[] = { 0, 3, 32, 32 };
    static const int64_t *const shapes[] = { wrong, flat, none };
    static const size_t ranks[] = { 4, 1, 4 };
    static const char *const words[] = { "1x3x33x32", "3072", "0x3x32x32" };
    xai_session_options options = { .struct_size = sizeof options, .purpose = 9 };

    ck_assert_makes_nothing(xai_session, xai_session_create(&out, NULL, NULL), XAI_E_INVALID, "model is NULL");
    ck_assert_makes_nothing(xai_session, xai_session_create(&out, model, &options), XAI_E_INVALID, "9");
    options.struct_size = 1;
    ck_assert_makes_nothing(xai_session, xai_session_create(&out, model, &options), XAI_E_ABI, "1");
    ck_assert_makes_nothing(xai_tensor, xai_session_forward(&out, NULL, tensor), XAI_E_INVALID, "session is NULL");
    ck_assert_makes_nothing(xai_tensor, xai_session_forward(&out, session, NULL), XAI_E_INVALID, "NULL");
    for (size_t i = 0; i < 3; i++) {
        xai_tensor *input = NULL;
        ck_assert_ok(xai_tensor_create(&input, context, shapes[i], ranks[i]));
        ck_assert_makes_nothing(xai_tensor, xai_session_forward(&out, session, input), XAI_E_SHAPE, words[i]);
        xai_tensor_unref(input);
    }
    ck_assert_makes_nothing(xai_tensor, xai_session_forward_from(&out, session, NULL, tensor), XAI_E_INVALID, "NULL");
    ck_assert_makes_nothing(xai_tensor, xai_session_forward_from(&out, session, "layer9", tensor), XAI_E_NOT_FOUND,
                            "layer9");
    ck_assert_makes_nothing(xai_tensor, xai_session_forward_from(&out, session, "layer1", tensor), XAI_E_SHAPE, "16");
    xai_session_cancel(session);
    ck_assert_makes_nothing(xai_tensor, xai_session_forward(&out, session, tensor), XAI_E_CANCELLED, "cancel");
}
END_TEST

static int32_t refuse(xai_hook *hook, xai_tensor *value, void *user)
{
    return 5;
}

static int32_t reenter(xai_hook *hook, xai_tensor *value, void *user)
{
    xai_tensor *out = NULL;
    xai_hook *other = NULL;

    *(xai_status *)user = xai_session_forward(&out, session, tensor);
    ck_assert_ptr_null(out);
    ck_assert_int_eq(xai_hook_attach(&other, session, "bn1", XAI_HOOK_CAPTURE, NULL, NULL, NULL), XAI_E_BUSY);
    return 0;
}

START_TEST(hooks)
{
    xai_hook *hook = NULL;
    xai_tensor *logits = NULL;
    xai_status inner = XAI_OK;

    ck_assert_makes_nothing(xai_hook, xai_hook_attach(&out, NULL, "conv1", 0, NULL, NULL, NULL), XAI_E_INVALID,
                            "session is NULL");
    ck_assert_makes_nothing(xai_hook, xai_hook_attach(&out, session, NULL, 0, NULL, NULL, NULL), XAI_E_INVALID,
                            "value is NULL");
    ck_assert_makes_nothing(xai_hook, xai_hook_attach(&out, session, "conv1", 7, refuse, NULL, NULL), XAI_E_INVALID,
                            "7");
    ck_assert_makes_nothing(xai_hook, xai_hook_attach(&out, session, "conv1", XAI_HOOK_EDIT, NULL, NULL, NULL),
                            XAI_E_INVALID, "call");
    ck_assert_makes_nothing(xai_hook, xai_hook_attach(&out, session, "layer1.0.conv9", 0, NULL, NULL, NULL),
                            XAI_E_NOT_FOUND, "layer1.0.conv1");

    ck_assert_ok(xai_hook_attach(&hook, session, "layer2", XAI_HOOK_OBSERVE, refuse, NULL, NULL));
    ck_assert_makes_nothing(xai_tensor, xai_session_forward(&out, session, tensor), XAI_E_CALLBACK, "layer2");
    ck_assert_makes_nothing(xai_tensor, xai_hook_output(&out, hook), XAI_E_INVALID, "does not capture");
    xai_hook_unref(hook);

    ck_assert_ok(xai_hook_attach(&hook, session, "layer2", XAI_HOOK_OBSERVE, reenter, &inner, NULL));
    ck_assert_ok(xai_session_forward(&logits, session, tensor));
    ck_assert_int_eq(inner, XAI_E_BUSY);
    xai_tensor_unref(logits);
    xai_hook_unref(hook);

    ck_assert_ok(xai_hook_attach(&hook, session, "layer2", XAI_HOOK_CAPTURE, NULL, NULL, NULL));
    ck_assert_makes_nothing(xai_tensor, xai_hook_output(&out, NULL), XAI_E_INVALID, "hook is NULL");
    ck_assert_makes_nothing(xai_tensor, xai_hook_output(&out, hook), XAI_E_NOT_FOUND, "layer2");
    xai_hook_unref(hook);
}
END_TEST

START_TEST(cams)
{
    static const char *const nowhere[] = { "layer9" }, *const two[] = { "layer2", "layer3" };
    xai_cam_options options = { .struct_size = sizeof options };
    xai_target target = { .index = 10 };
    xai_cam *cam = NULL;

    ck_assert_makes_nothing(xai_cam, xai_cam_create(&out, NULL, NULL), XAI_E_INVALID, "session is NULL");
    options.method = "clairvoyance";
    ck_assert_makes_nothing(xai_cam, xai_cam_create(&out, session, &options), XAI_E_NOT_FOUND, "clairvoyance");
    options.method = NULL;
    options.profile = "impressionist";
    ck_assert_makes_nothing(xai_cam, xai_cam_create(&out, session, &options), XAI_E_NOT_FOUND, "tutorial");
    options.profile = NULL;
    options.layers = nowhere;
    options.n_layers = 1;
    ck_assert_makes_nothing(xai_cam, xai_cam_create(&out, session, &options), XAI_E_NOT_FOUND, "layer9");
    options.layers = two;
    options.n_layers = 2;
    ck_assert_makes_nothing(xai_cam, xai_cam_create(&out, session, &options), XAI_E_INVALID, "2");
    options.layers = two;
    options.n_layers = 1;
    ck_assert_makes_nothing(xai_cam, xai_cam_create(&out, session, &options), XAI_E_SHAPE, "32");

    ck_assert_ok(xai_cam_create(&cam, session, NULL));
    ck_assert_makes_nothing(xai_attribution, xai_cam_compute(&out, cam, NULL, NULL, 0), XAI_E_INVALID, "NULL");
    ck_assert_makes_nothing(xai_attribution, xai_cam_compute(&out, NULL, tensor, NULL, 0), XAI_E_INVALID, "NULL");
    ck_assert_makes_nothing(xai_attribution, xai_cam_compute(&out, cam, tensor, &target, 1), XAI_E_INVALID, "10");
    target = (xai_target){ .index = 1, .score = 77 };
    ck_assert_makes_nothing(xai_attribution, xai_cam_compute(&out, cam, tensor, &target, 1), XAI_E_INVALID, "77");
    xai_cam_unref(cam);
}
END_TEST

START_TEST(attributions)
{
    xai_cam *cam = NULL;
    xai_attribution *map = NULL;
    xai_tensor *logits = NULL;

    ck_assert_ok(xai_cam_create(&cam, session, NULL));
    ck_assert_ok(xai_cam_compute(&map, cam, tensor, NULL, 0));
    ck_assert_makes_nothing(xai_tensor, xai_attribution_map(&out, NULL, 0, 0, 0), XAI_E_INVALID, "attribution is NULL");
    ck_assert_makes_nothing(xai_tensor, xai_attribution_map(&out, map, -1, 5, 0), XAI_E_INVALID, "-1");
    ck_assert_makes_nothing(xai_tensor, xai_attribution_map(&out, map, 0, 0, 44), XAI_E_INVALID, "44");
    ck_assert_makes_nothing(xai_image, xai_attribution_draw(&out, map, NULL, "plaid"), XAI_E_NOT_FOUND, "plaid");
    ck_assert_makes_nothing(xai_image, xai_attribution_draw(&out, NULL, NULL, NULL), XAI_E_INVALID, "NULL");
    ck_assert_uint_eq(xai_attribution_json(map, NULL, 0) > 2, 1);
    ck_assert_ok(xai_session_forward(&logits, session, tensor));
    ck_assert_double_eq(xai_attribution_score(map), (double)xai_tensor_data(logits)[xai_attribution_target(map)]);
    xai_tensor_unref(logits);
    xai_attribution_unref(map);
    xai_cam_unref(cam);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("errors");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, status_names);
    tcase_add_test(cases, last_error_lives);
    tcase_add_test(cases, contexts);
    tcase_add_test(cases, newer_options);
    tcase_add_test(cases, tensors);
    tcase_add_test(cases, tensor_files);
    tcase_add_test(cases, images);
    tcase_add_test(cases, models);
    tcase_add_test(cases, model_questions);
    tcase_add_test(cases, crop_larger_than_resize);
    tcase_add_test(cases, convert);
    tcase_add_test(cases, sessions);
    tcase_add_test(cases, hooks);
    tcase_add_test(cases, cams);
    tcase_add_test(cases, attributions);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
