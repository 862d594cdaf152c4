/* SPDX-License-Identifier: MIT
 * The CAM family on small networks: which layers, which profiles, many targets, flat maps, memory, and what is refused.
 */
#include "explained.h"
#include "graph_reference.h"

#include <math.h>

#include "explain/cam/cam.h"

static const char *const methods[] = { "cam",          "gradcam",  "gradcam++",           "xgradcam",
                                       "layercam",     "hirescam", "gradcam-elementwise", "eigencam",
                                       "eigengradcam", "scorecam", "ablationcam",         "reciprocam" };

enum { N_METHODS = sizeof methods / sizeof *methods };

static xai_cam *create(explained *f, const char *method, const char *layer)
{
    xai_cam_options options = {
        .struct_size = sizeof options, .method = method, .layers = &layer, .n_layers = layer != NULL
    };
    xai_cam *cam = NULL;

    ck_assert_ok(xai_cam_create(&cam, f->session, &options));
    return cam;
}

/* The raw map of one target; the caller unrefs it. */
static xai_tensor *explain(explained *f, const char *method, const char *layer, const xai_target *target)
{
    xai_cam *cam = create(f, method, layer);
    xai_attribution *a = NULL;
    xai_tensor *map;

    ck_assert_ok(xai_cam_compute(&a, cam, f->input, target, target != NULL));
    map = explained_raw_map(a);
    xai_attribution_unref(a);
    xai_cam_unref(cam);
    return map;
}

static void assert_same(const xai_tensor *a, const xai_tensor *b)
{
    ck_assert_uint_eq(a->size, b->size);
    ck_assert_int_eq(memcmp(a->data, b->data, a->size * sizeof(float)), 0);
}

/* Together or one by one, the same bits. */
START_TEST(targets_share_a_pass)
{
    explained f = explained_begin(network_residual);
    const xai_target targets[4] = { { .index = 2 },
                                    { .index = -1, .score = XAI_SCORE_PROBABILITY },
                                    { .index = 2, .against = 5, .score = XAI_SCORE_MARGIN },
                                    { .index = 9 } };
    xai_cam *cam = create(&f, methods[_i], NULL);
    xai_attribution *a[4] = { NULL };

    ck_assert_ok(xai_cam_compute(a, cam, f.input, targets, 4));
    for (size_t t = 0; t < 4; t++) {
        xai_tensor *alone = explain(&f, methods[_i], NULL, &targets[t]), *together = explained_raw_map(a[t]);

        assert_same(alone, together);
        xai_tensor_unref(alone);
        xai_tensor_unref(together);
        xai_attribution_unref(a[t]);
    }
    xai_cam_unref(cam);
    explained_end(&f);
}
END_TEST

/* Elements of values, in between classes: each value has a backward pass of its own. */
START_TEST(elements_of_values)
{
    explained f = explained_begin(network_residual);
    const xai_target targets[3] = { { .index = 3 },
                                    { .index = 100, .value = "b.add", .score = XAI_SCORE_VALUE },
                                    { .index = 4 } };
    xai_cam *cam = create(&f, "hirescam", "a.relu");
    xai_attribution *a[3] = { NULL };
    graph_reference values;

    graph_reference_run(&values, &f.model->graph, f.model->graph.input, f.input->data);
    ck_assert_ok(xai_cam_compute(a, cam, f.input, targets, 3));
    ck_assert_double_eq_tol(xai_attribution_score(a[1]), graph_reference_value(&values, "b.add")[100], 1e-4);
    for (size_t t = 0; t < 3; t++) {
        xai_tensor *alone = explain(&f, "hirescam", "a.relu", &targets[t]), *together = explained_raw_map(a[t]);

        assert_same(alone, together);
        xai_tensor_unref(alone);
        xai_tensor_unref(together);
        xai_attribution_unref(a[t]);
    }
    xai_cam_unref(cam);
    graph_reference_free(&values);
    explained_end(&f);
}
END_TEST

/* No pool before the classifier (VGG): the last map is the layer. */
static xai_model *network_flat(xai_context *context)
{
    network n = network_begin(context, 3, 4, 4);
    int32_t x = network_unary(&n, XAI__OP_RELU, network_conv(&n, 0, 8, 3, 1, 1, true, "features"), "relu");

    return network_end(&n, network_linear(&n, network_flatten(&n, x, "flatten"), 4, "fc"));
}

/* HiResCAM on the input of a linear layer is exact: what the positions give adds up to the score without its bias. */
START_TEST(last_map_without_a_pool)
{
    explained f = explained_begin(network_flat);
    const xai_target target = { .index = 2 };
    const xai__graph *graph = &f.model->graph;
    const xai__node *fc = &graph->nodes[graph->values[graph->output].producer];
    xai_cam_options options = { .struct_size = sizeof options, .method = "gradcam", .profile = "captum" };
    xai_cam *cam = NULL;
    xai_attribution *a = NULL;
    xai_tensor *map;
    double sum = 0;

    ck_assert_ok(xai_cam_create(&cam, f.session, &options));
    ck_assert_str_eq(xai__cam_layer(cam, 0)->name, "relu");
    xai_cam_unref(cam);
    cam = create(&f, "hirescam", NULL);
    ck_assert_ok(xai_cam_compute(&a, cam, f.input, &target, 1));
    map = explained_raw_map(a);
    for (size_t i = 0; i < map->size; i++)
        sum += map->data[i];
    ck_assert_double_ge(sum + 1e-4, xai_attribution_score(a) - graph->values[fc->inputs[2]].constant.data[2]);
    xai_tensor_unref(map);
    xai_attribution_unref(a);
    xai_cam_unref(cam);
    explained_end(&f);
}
END_TEST

START_TEST(candidates)
{
    static const char *const names[] = { "features.7", "encoder", "b", "a" }, *const none[] = { "x", "y" };
    explained f = explained_begin(network_residual);
    xai_cam_options options = { .struct_size = sizeof options,
                                .method = "gradcam",
                                .profile = "captum",
                                .layers = names,
                                .n_layers = 4,
                                .flags = XAI_CAM_ANY_LAYER };
    xai_cam *cam = NULL;

    ck_assert_ok(xai_cam_create(&cam, f.session, &options));
    ck_assert_uint_eq(cam->n_layers, 1);
    ck_assert_str_eq(xai__cam_layer(cam, 0)->name, "b.relu");
    ck_assert_str_eq(xai_last_error(), ""); /* a candidate that is not there is no failure */
    xai_cam_unref(cam);
    options.layers = none;
    options.n_layers = 2;
    ck_assert_fails(xai_cam_create(&cam, f.session, &options), XAI_E_NOT_FOUND, "none of the 2 candidate layers");
    explained_end(&f);
}
END_TEST

/* A classifier that does not look gives no gradients, and no drop: zeros and a remark, never NaN. */
START_TEST(flat_maps)
{
    explained f = explained_begin(network_preactivation);
    const xai__graph *graph = &f.model->graph;
    const xai__node *fc = &graph->nodes[graph->values[graph->output].producer];
    xai_cam *cam;
    xai_attribution *a = NULL;
    const xai_tensor *input = f.input;

    memset((float *)graph->values[fc->inputs[1]].constant.data, 0, graph->values[fc->inputs[1]].size * sizeof(float));
    memset((float *)graph->values[fc->inputs[2]].constant.data, 0, graph->values[fc->inputs[2]].size * sizeof(float));
    cam = create(&f, methods[_i], NULL);
    ck_assert_ok(xai_cam_compute(&a, cam, input, NULL, 0));
    for (int64_t size = 0; size < 30; size += 15) {
        xai_tensor *map = NULL;
        xai_status remark = xai_attribution_map(&map, a, size, size, XAI_NORMALISE_PROFILE);
        bool sees = strcmp(methods[_i], "eigencam") == 0 || strcmp(methods[_i], "scorecam") == 0;

        ck_assert_int_eq(remark, sees ? XAI_OK : XAI_FLAT); /* those two look at the layer itself */
        for (size_t i = 0; i < map->size; i++)
            ck_assert(isfinite(map->data[i]) && (sees || map->data[i] == 0));
        xai_tensor_unref(map);
    }
    xai_attribution_unref(a);
    xai_cam_unref(cam);
    explained_end(&f);
}
END_TEST

/* Trials in batches of any size, on any number of threads: the same bits. */
START_TEST(budget_changes_no_bit)
{
    static const char *const tried[] = { "scorecam", "ablationcam", "reciprocam" };
    explained f = explained_begin(network_residual), tight = explained_in(testing_context(3), network_residual, 4096);
    static const char *const layers[] = { "b", "b.conv2" }; /* a cut, and one with a way around */

    for (size_t i = 0; i < 2; i++) {
        xai_tensor *a = explain(&f, tried[_i], layers[i], NULL), *b = explain(&tight, tried[_i], layers[i], NULL);

        assert_same(a, b);
        xai_tensor_unref(a);
        xai_tensor_unref(b);
    }
    explained_end(&f);
    explained_end(&tight);
}
END_TEST

static int32_t erase(xai_hook *hook, xai_tensor *value, void *user)
{
    (void)hook;
    ++*(int *)user;
    memset(value->data, 0, value->size * sizeof(float));
    return 0;
}

/* Edits belong to the function that is explained: an erased layer explains nothing. */
START_TEST(edits_apply)
{
    explained f = explained_begin(network_residual);
    xai_hook *hook = NULL;
    int calls = 0;
    xai_tensor *map;

    ck_assert_ok(xai_hook_attach(&hook, f.session, "b", XAI_HOOK_EDIT, erase, &calls, NULL));
    map = explain(&f, methods[_i], "a", NULL);
    ck_assert_int_gt(calls, 0);
    for (size_t i = 0; i < map->size && strcmp(methods[_i], "hirescam") == 0; i++)
        ck_assert(isfinite(map->data[i]));
    xai_tensor_unref(map);
    xai_hook_unref(hook);
    explained_end(&f);
}
END_TEST

static int32_t treble(xai_hook *hook, xai_tensor *value, void *user)
{
    (void)hook;
    (void)user;
    for (size_t i = 0; i < value->size; i++)
        value->data[i] *= 3;
    return 0;
}

/* What is tried at an edited layer is the edited value, and the edit does not come over it again: a position that is
 * three times as large speaks three times as loud behind a layer that is linear. */
START_TEST(edits_of_the_layer_apply_once)
{
    explained f = explained_begin(network_residual);
    const xai_target target = { .index = 3 };
    const xai__graph *graph = &f.model->graph;
    const xai__node *fc = &graph->nodes[graph->values[graph->output].producer];
    const float bias = graph->values[fc->inputs[2]].constant.data[3];
    xai_tensor *plain = explain(&f, "reciprocam", "b", &target), *edited;
    xai_hook *hook = NULL;

    ck_assert_ok(xai_hook_attach(&hook, f.session, "b", XAI_HOOK_EDIT, treble, NULL, NULL));
    edited = explain(&f, "reciprocam", "b", &target);
    for (size_t i = 0; i < plain->size; i++)
        ck_assert_float_eq_tol(edited->data[i] - bias, 3 * (plain->data[i] - bias), 1e-4f);
    xai_tensor_unref(plain);
    xai_tensor_unref(edited);
    xai_hook_unref(hook);
    explained_end(&f);
}
END_TEST

/* --- other weights, another map (Adebayo et al. 2018) --- */

static xai_tensor *explain_seed(xai_context *context, const char *method, uint64_t seed)
{
    const xai_model_options options = {
        .struct_size = sizeof options, .resize = 24, .crop_height = 24, .crop_width = 24, .seed = seed
    };
    const char *layer = strcmp(method, "cam") == 0 ? NULL : "layer2";
    explained f = { .context = context };
    xai_tensor *map;

    ck_assert_ok(xai_model_build(&f.model, context, "cifar_resnet20", NULL, &options));
    ck_assert_ok(xai_session_create(&f.session, f.model, NULL));
    f.input = network_input(f.model, 1, 4);
    map = explain(&f, method, layer, &(xai_target){ .index = 3 });
    xai_tensor_unref(f.input);
    xai_session_unref(f.session);
    xai_model_unref(f.model);
    return map;
}

START_TEST(weights_matter)
{
    xai_context *context = testing_context(1);
    xai_tensor *a = explain_seed(context, methods[_i], 1), *b = explain_seed(context, methods[_i], 1),
               *c = explain_seed(context, methods[_i], 2);

    assert_same(a, b);
    ck_assert_msg(fabs(explained_correlation(a, c)) < 0.9, "%s: maps of two networks correlate by %g", methods[_i],
                  explained_correlation(a, c));
    xai_tensor_unref(a);
    xai_tensor_unref(b);
    xai_tensor_unref(c);
    xai_context_unref(context);
}
END_TEST

/* --- memory --- */

/* As many bytes after the hundredth explanation as after the second. */
START_TEST(memory_stays_flat)
{
    explained_ledger l = { 0 };
    explained f = explained_counting(network_residual, &l);
    int64_t bytes = 0;
    int n = strcmp(methods[_i], "scorecam") == 0 ? 10 : 100;

    for (int i = 0; i < n; i++) {
        xai_tensor_unref(explain(&f, methods[_i], NULL, NULL));
        if (i == 1)
            bytes = l.bytes;
    }
    ck_assert_int_eq(l.bytes, bytes);
    explained_end(&f);
    ck_assert_int_eq(l.bytes, 0);
    ck_assert_int_gt(l.calls, 0);
}
END_TEST

/* --- the record --- */

START_TEST(record_of_layers)
{
    static const char *const names[] = { "a", "b" };
    explained f = explained_begin(network_residual);
    xai_cam_options options = {
        .struct_size = sizeof options, .method = "layercam", .profile = "torchcam", .layers = names, .n_layers = 2
    };
    xai_cam *cam = NULL;
    xai_attribution *a = NULL;
    xai_tensor *map;
    char text[2048];

    ck_assert_ok(xai_cam_create(&cam, f.session, &options));
    ck_assert_ok(xai_cam_compute(&a, cam, f.input, NULL, 0));
    xai_attribution_json(a, text, sizeof text);
    ck_assert_ptr_nonnull(
        strstr(text, "\"method\":\"layercam\",\"profile\":\"torchcam\",\"layers\":[\"a.relu\",\"b.relu\"]"));
    map = explained_raw_map(a);
    ck_assert_int_eq(map->shape[0], 6); /* a's grid, the larger one */
    ck_assert_int_eq(map->shape[1], 5);
    xai_tensor_unref(map);
    xai_attribution_unref(a);
    xai_cam_unref(cam);
    explained_end(&f);
}
END_TEST

/* --- what is refused --- */

static void refuse(explained *f, const xai_cam_options *options, xai_status status, const char *words)
{
    xai_cam *cam = (xai_cam *)f;

    ck_assert_fails(xai_cam_create(&cam, f->session, options), status, words);
    ck_assert_ptr_null(cam);
}

START_TEST(refused_options)
{
    static const char *const two[] = { "a", "b" }, *const flat[] = { "flatten" }, *const hole[] = { "a", NULL };
    static const struct {
        xai_cam_options options;
        xai_status status;
        const char *words;
    } rows[] = {
        { { .method = "gradcam", .profile = "rise" },
          XAI_E_NOT_FOUND,
          "method gradcam has no profile 'rise'; it has default, pytorch-grad-cam, torchcam, captum, kazuto" },
        { { .method = "hirescam", .profile = "torchcam" }, XAI_E_NOT_FOUND, "it has default, pytorch-grad-cam" },
        { { .method = "reciprocam", .profile = "captum" }, XAI_E_NOT_FOUND, "it has default" },
        { { .method = "gradcam", .profile = "captum", .layers = two, .n_layers = 2 },
          XAI_E_UNSUPPORTED,
          "profile captum of method gradcam takes one layer, got 2" },
        { { .method = "gradcam", .profile = "torchcam", .flags = XAI_CAM_AUG_SMOOTH },
          XAI_E_UNSUPPORTED,
          "profile torchcam of method gradcam has no smoothing" },
        { { .method = "cam", .flags = XAI_CAM_EIGEN_SMOOTH }, XAI_E_UNSUPPORTED, "method cam has no smoothing" },
        { { .method = "reciprocam", .flags = XAI_CAM_EIGEN_SMOOTH },
          XAI_E_UNSUPPORTED,
          "reciprocam weighs no channels" },
        { { .method = "gradcam", .layers = flat, .n_layers = 1 }, XAI_E_SHAPE, "'flatten' is 1x40, but a class" },
        { { .method = "gradcam", .layers = hole, .n_layers = 2 }, XAI_E_INVALID, "layer 1 of 2 is NULL" },
        { { .method = "gradcam", .n_layers = 2 }, XAI_E_INVALID, "layers is NULL" },
        { { .method = "gradcam", .fuse = 3 }, XAI_E_INVALID, "fuse is 3" },
        { { .method = "gradcam", .flags = 64 }, XAI_E_INVALID, "flags are 0x40" },
    };
    explained f = explained_begin(network_residual);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        xai_cam_options options = rows[i].options;

        options.struct_size = sizeof options;
        refuse(&f, &options, rows[i].status, rows[i].words);
    }
    explained_end(&f);
}
END_TEST

START_TEST(refused_targets)
{
    explained f = explained_begin(network_residual);
    const xai_target before = { .index = 1, .value = "conv1", .score = XAI_SCORE_VALUE },
                     beyond = { .index = 100000, .value = "b.add", .score = XAI_SCORE_VALUE },
                     nowhere = { .index = 1, .value = "c.add", .score = XAI_SCORE_VALUE };
    xai_attribution *a = (xai_attribution *)&f;
    xai_cam *cam = create(&f, "gradcam", "b");

    ck_assert_fails(xai_cam_compute(&a, cam, f.input, &before, 1), XAI_E_INVALID,
                    "'conv1' does not depend on 'b.relu'");
    ck_assert_ptr_null(a);
    ck_assert_fails(xai_cam_compute(&a, cam, f.input, &beyond, 1), XAI_E_INVALID, "none is number 100000");
    ck_assert_fails(xai_cam_compute(&a, cam, f.input, &nowhere, 1), XAI_E_NOT_FOUND, "c.add");
    xai_cam_unref(cam);
    explained_end(&f);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_cam_family");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 100);
    tcase_add_loop_test(cases, targets_share_a_pass, 0, N_METHODS);
    tcase_add_test(cases, elements_of_values);
    tcase_add_test(cases, last_map_without_a_pool);
    tcase_add_test(cases, candidates);
    tcase_add_loop_test(cases, flat_maps, 0, N_METHODS);
    tcase_add_loop_test(cases, budget_changes_no_bit, 0, 3);
    tcase_add_loop_test(cases, edits_apply, 1, N_METHODS);
    tcase_add_test(cases, edits_of_the_layer_apply_once);
    tcase_add_loop_test(cases, weights_matter, 0, N_METHODS);
    tcase_add_loop_test(cases, memory_stays_flat, 0, N_METHODS);
    tcase_add_test(cases, record_of_layers);
    tcase_add_test(cases, refused_options);
    tcase_add_test(cases, refused_targets);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
