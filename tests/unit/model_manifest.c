/* SPDX-License-Identifier: MIT
 * Manifests and labels: what they set, and each way in which they can be wrong. */
#include "files.h"

#include "model/manifest.h"
#include "model/labels.h"

static const char *const names[] = { "m.json", "labels.txt", "labels.json", NULL };

/* Loads a manifest with this text; the folder is gone afterwards. */
static xai_status load(const char *text)
{
    xai_context *context = testing_context(1);
    char *folder = files_folder();
    xai_model *model = NULL;
    xai_status status = xai_model_load(&model, context, files_write_text(folder, "m.json", text), NULL);

    if (status < 0)
        ck_assert_ptr_null(model);
    xai_model_unref(model);
    files_remove(folder, names);
    xai_context_unref(context);
    return status;
}

#define ARCH "\"xai\": 1, \"arch\": \"cifar_resnet20\", \"weights\": \"w.safetensors\""

static const struct {
    const char *text;
    xai_status status;
    const char *words;
} bad[] = {
    { "", XAI_E_FORMAT, "m.json" },
    { "[]", XAI_E_FORMAT, "m.json" },
    { "{}", XAI_E_FORMAT, "xai" },
    { "{\"xai\": 2, \"arch\": \"resnet18\"}", XAI_E_FORMAT, "xai" },
    { "{\"xai\": 1}", XAI_E_FORMAT, "arch" },
    { "{\"xai\": 1, \"arch\": 5}", XAI_E_FORMAT, "arch" },
    { "{\"xai\": 1, \"arch\": \"resnet18\"}", XAI_E_FORMAT, "names no weights" },
    { "{\"xai\": 1, \"arch\": \"resnet19\", \"weights\": \"w\"}", XAI_E_NOT_FOUND,
      "no architecture 'resnet19'; there are resnet18" },
    { "{\"xai\": 1, \"onnx\": \"m.onnx\"}", XAI_E_UNSUPPORTED, "ONNX" },
    { "{" ARCH ", \"arch\": \"resnet18\"}", XAI_E_FORMAT, "arch" },
    { "{" ARCH ", \"colour\": 1}", XAI_E_FORMAT, "colour" },
    { "{" ARCH ", \"input\": 3}", XAI_E_FORMAT, "input" },
    { "{" ARCH ", \"input\": {\"size\": 3}}", XAI_E_FORMAT, "size" },
    { "{" ARCH ", \"input\": {\"resize\": 0}}", XAI_E_FORMAT, "resize" },
    { "{" ARCH ", \"input\": {\"resize\": 1e9}}", XAI_E_FORMAT, "resize" },
    { "{" ARCH ", \"input\": {\"crop\": [32]}}", XAI_E_FORMAT, "crop" },
    { "{" ARCH ", \"input\": {\"crop\": [32, 32, 3]}}", XAI_E_FORMAT, "has 3 numbers, expected height and width" },
    { "{" ARCH ", \"input\": {\"mean\": [0, 0]}}", XAI_E_FORMAT, "mean" },
    { "{" ARCH ", \"input\": {\"std\": [1, 1, 0]}}", XAI_E_FORMAT, "0 cannot be used" },
    { "{" ARCH ", \"input\": {\"std\": [1, 1, 1e-60]}}", XAI_E_FORMAT, "cannot be used" },
    { "{" ARCH ", \"input\": {\"scale\": 1e60}}", XAI_E_FORMAT, "cannot be used" },
    { "{" ARCH ", \"input\": {\"interpolation\": \"area\"}}", XAI_E_FORMAT,
      "interpolation is 'area', expected bilinear or bicubic" },
    { "{" ARCH ", \"input\": {\"channels\": \"GBR\"}}", XAI_E_FORMAT, "expected RGB or BGR" },
    { "{" ARCH ", \"sha256\": \"12\"}", XAI_E_FORMAT, "64 lower-case hexadecimal digits" },
    { "{" ARCH ", \"normalise\": \"sigmoid\"}", XAI_E_FORMAT, "expected softmax or none" },
    { "{" ARCH ", \"cam_layer\": 4}", XAI_E_FORMAT, "cam_layer" },
    { "{\"xai\": 1, \"arch\": \"resnet18\", \"weights\": \"../w.pth\"}", XAI_E_FORMAT,
      "'../w.pth' leaves the manifest's folder" },
    { "{\"xai\": 1, \"arch\": \"resnet18\", \"weights\": \"/w.pth\"}", XAI_E_FORMAT, "leaves the manifest's folder" },
    { "{\"xai\": 1, \"arch\": \"resnet18\", \"weights\": \"a/../../w.pth\"}", XAI_E_FORMAT,
      "leaves the manifest's folder" },
    { "{\"xai\": 1, \"arch\": \"resnet18\", \"weights\": \"\"}", XAI_E_FORMAT, "leaves the manifest's folder" },
    { "{" ARCH ", \"labels\": \"x/..\"}", XAI_E_FORMAT, "leaves the manifest's folder" },
    { "{" ARCH ", \"hierarchy\": \"../h.json\"}", XAI_E_FORMAT, "'../h.json' leaves the manifest's folder" },
    { "{" ARCH ", \"hierarchy\": \"/h.json\"}", XAI_E_FORMAT, "leaves the manifest's folder" },
    { "{" ARCH ", \"hierarchy\": [1]}", XAI_E_FORMAT, "hierarchy" },
    { "{" ARCH "}", XAI_E_IO, "w.safetensors" },
};

START_TEST(bad_manifests)
{
    xai_status status = load(bad[_i].text);

    ck_assert_msg(status == bad[_i].status, "%s: got %s (%s)", bad[_i].text, xai_status_name(status), xai_last_error());
    ck_assert_msg(strstr(xai_last_error(), bad[_i].words) != NULL, "%s: \"%s\" lacks \"%s\"", bad[_i].text,
                  xai_last_error(), bad[_i].words);
}
END_TEST

START_TEST(everything_set)
{
    static const char text[] =
        "{\"xai\": 1, \"arch\": \"resnet18\", \"weights\": \"sub/w.pth\", \"labels\": [\"a\"], \"input\": "
        "{\"resize\": 256, \"crop\": [224, 200], \"interpolation\": \"bicubic\", \"scale\": 1, \"mean\": [1, 2, 3], "
        "\"std\": [4, 5, 6], \"channels\": \"BGR\"}, \"cam_layer\": \"layer3\", \"classifier\": \"fc\", "
        "\"hierarchy\": \"h.json\", \"normalise\": \"none\"}";
    xai_context *context = testing_context(1);
    char *folder = files_folder();
    xai__preparation p = { 0 };
    xai__manifest m;

    ck_assert_ok(xai__manifest_load(&m, context, files_write_text(folder, "m.json", text)));
    ck_assert_ok(xai__manifest_input(&m, &p));
    ck_assert_str_eq(m.weights, files_path(folder, "sub/w.pth"));
    ck_assert_str_eq(m.hierarchy, files_path(folder, "h.json"));
    ck_assert(m.has_inline_labels && m.gives_probabilities && p.is_bgr);
    ck_assert_int_eq(p.resize, 256);
    ck_assert_int_eq(p.crop_height, 224);
    ck_assert_int_eq(p.crop_width, 200);
    ck_assert_uint_eq(p.filter, XAI_FILTER_BICUBIC);
    ck_assert_float_eq(p.mean[2], 3);
    ck_assert_float_eq(p.std[0], 4);
    ck_assert_str_eq(m.cam_layer, "layer3");
    xai__manifest_fini(&m, context);
    files_remove(folder, names);
    xai_context_unref(context);
}
END_TEST

/* --- labels --- */

static const struct {
    const char *name, *text;
    xai_status status;
    const char *words; /* the error's, or the three labels */
} label_files[] = {
    { "labels.txt", "cat\ndog\nowl\n", XAI_OK, "cat|dog|owl" },
    { "labels.txt", "cat\r\ndog, hound\r\n", XAI_E_SHAPE, "has 2 lines, the model has 3 classes" },
    { "labels.txt", "cat\r\ndog, hound\r\nowl", XAI_OK, "cat|dog, hound|owl" },
    { "labels.txt", "", XAI_E_SHAPE, "has 0 lines" },
    { "labels.json", "[\"cat\", \"dog\", \"owl\"]", XAI_OK, "cat|dog|owl" },
    { "labels.json", " {\"2\": \"owl\", \"0\": \"cat\", \"1\": \"dog\"}", XAI_OK, "cat|dog|owl" },
    { "labels.json", "{\"0\": \"cat\", \"1\": \"dog\"}", XAI_E_SHAPE, "has 2 labels" },
    { "labels.json", "{\"0\": \"cat\", \"1\": \"dog\", \"3\": \"owl\"}", XAI_E_FORMAT, "'3' is no class index" },
    { "labels.json", "{\"0\": \"cat\", \"1\": \"dog\", \"01\": \"owl\"}", XAI_E_FORMAT, "'01' is no class index" },
    { "labels.json", "{\"0\": \"cat\", \"1\": \"dog\", \"-2\": \"owl\"}", XAI_E_FORMAT, "'-2' is no class index" },
    { "labels.json", "{\"0\": \"cat\", \"0\": \"dog\", \"1\": \"owl\"}", XAI_E_FORMAT, "labels.json" },
    { "labels.json", "[\"cat\", \"dog\", 5]", XAI_E_FORMAT, "labels.json" },
    { "labels.json", "[\"cat\", \"dog\", \"owl\"", XAI_E_FORMAT, "labels.json" },
};

START_TEST(labels)
{
    xai_context *context = testing_context(1);
    char *folder = files_folder(), joined[64] = "";
    xai__labels read = { NULL, 0 };
    xai_status status = xai__labels_load(&read, context,
                                         files_write_text(folder, label_files[_i].name, label_files[_i].text), 3);

    ck_assert_msg(status == label_files[_i].status, "%s: %s (%s)", label_files[_i].text, xai_status_name(status),
                  xai_last_error());
    if (status == XAI_OK) {
        snprintf(joined, sizeof joined, "%s|%s|%s", read.texts[0], read.texts[1], read.texts[2]);
        ck_assert_str_eq(joined, label_files[_i].words);
    } else {
        ck_assert_msg(strstr(xai_last_error(), label_files[_i].words) != NULL, "%s", xai_last_error());
        ck_assert_ptr_null(read.texts);
    }
    xai__labels_fini(&read, context);
    files_remove(folder, names);
    xai_context_unref(context);
}
END_TEST

/* --- models without a manifest --- */

START_TEST(random_weights)
{
    xai_context *context = testing_context(1);
    xai_model_options options = { .struct_size = sizeof options, .crop_height = 40, .crop_width = 48 };
    xai_model *model = NULL;
    int64_t shape[4];

    ck_assert_ok(xai_model_build(&model, context, "cifar_resnet20", NULL, &options));
    ck_assert_str_eq(xai_model_architecture(model), "cifar_resnet20");
    ck_assert_uint_eq(xai_model_input_shape(model, shape, 4), 4);
    ck_assert_int_eq(shape[2], 40);
    ck_assert_int_eq(shape[3], 48);
    ck_assert_int_eq(model->preparation.resize, 48); /* the crop brings its resize along */
    ck_assert_uint_eq(xai_model_n_classes(model), 10);
    ck_assert_ptr_null(xai_model_label(model, 3));
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

START_TEST(bad_options)
{
    xai_context *context = testing_context(1);
    xai_model_options options = { .struct_size = sizeof options, .crop_height = -1 };
    xai_model *model = NULL;

    ck_assert_fails(xai_model_build(&model, context, "cifar_resnet20", NULL, &options), XAI_E_INVALID,
                    "crop_height is -1");
    options.crop_height = 0;
    options.flags = XAI_MODEL_SET_STD;
    ck_assert_fails(xai_model_build(&model, context, "cifar_resnet20", NULL, &options), XAI_E_INVALID, "std[0] is 0");
    options.flags = 64;
    ck_assert_fails(xai_model_build(&model, context, "cifar_resnet20", NULL, &options), XAI_E_INVALID, "flags 0x40");
    ck_assert_fails(xai_model_build(&model, context, "resnet1", NULL, NULL), XAI_E_NOT_FOUND,
                    "no architecture 'resnet1'");
    ck_assert_fails(xai_model_build(&model, context, NULL, NULL, NULL), XAI_E_INVALID, "NULL");
    ck_assert_fails(xai_model_build_memory(&model, context, "resnet18", "xyz", 3, NULL), XAI_E_FORMAT, "");
    ck_assert_fails(xai_model_load(&model, context, "/nowhere/m.json", NULL), XAI_E_IO, "/nowhere/m.json");
    options.flags = 0;
    options.crop_height = options.crop_width = 1;
    ck_assert_ok(xai_model_build(&model, context, "cifar_resnet20", NULL, &options));
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

START_TEST(classes)
{
    static const char text[] =
        "[\"tench, Tinca tinca\", \"crane\", \"crane\", \"owl\", \"e\", \"f\", \"g\", \"h\", \"i\", \"crane fly\"]";
    xai_context *context = testing_context(1);
    char *folder = files_folder();
    xai_model_options options = { .struct_size = sizeof options };
    xai_model *model = NULL;
    int64_t index;

    options.labels = files_write_text(folder, "labels.json", text);
    ck_assert_ok(xai_model_build(&model, context, "cifar_resnet20", NULL, &options));
    ck_assert_ok(xai_model_find_class(&index, model, "tench"));
    ck_assert_int_eq(index, 0);
    ck_assert_ok(xai_model_find_class(&index, model, "tench, Tinca tinca"));
    ck_assert_int_eq(index, 0);
    ck_assert_ok(xai_model_find_class(&index, model, "9"));
    ck_assert_int_eq(index, 9);
    ck_assert_ok(xai_model_find_class(&index, model, "top"));
    ck_assert_int_eq(index, -1);
    ck_assert_ok(xai_model_find_class(&index, model, "crane fly"));
    ck_assert_int_eq(index, 9);
    ck_assert_fails(xai_model_find_class(&index, model, "crane"), XAI_E_INVALID,
                    "'crane' fits class 1 (crane) and class 2 (crane)");
    ck_assert_fails(xai_model_find_class(&index, model, "10"), XAI_E_NOT_FOUND, "no class 10");
    ck_assert_fails(xai_model_find_class(&index, model, "3x"), XAI_E_NOT_FOUND, "no class 3x");
    ck_assert_fails(xai_model_find_class(&index, model, "ten"), XAI_E_NOT_FOUND, "no class is labelled 'ten'");
    xai_model_unref(model);
    files_remove(folder, names);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("model_manifest");
    TCase *cases = tcase_create("all");

    tcase_add_loop_test(cases, bad_manifests, 0, sizeof bad / sizeof *bad);
    tcase_add_test(cases, everything_set);
    tcase_add_loop_test(cases, labels, 0, sizeof label_files / sizeof *label_files);
    tcase_add_test(cases, random_weights);
    tcase_add_test(cases, bad_options);
    tcase_add_test(cases, classes);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
