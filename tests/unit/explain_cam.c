/* SPDX-License-Identifier: MIT
 * Class activation maps on small networks: the formula, profiles, targets, and what is refused. */
#include "explained.h"
#include "graph_reference.h"

#include <math.h>

#include <xai/cam.h>

static xai_cam *create(explained *f, const char *layer, const char *profile)
{
    xai_cam_options options = {
        .struct_size = sizeof options, .profile = profile, .layers = &layer, .n_layers = layer != NULL
    };
    xai_cam *cam = NULL;

    ck_assert_ok(xai_cam_create(&cam, f->session, &options));
    return cam;
}

/* The weighted sum by the definition, from the references' values. */
static float expected_at(const xai_model *model, const graph_reference *values, const char *layer, int64_t target,
                         int64_t pixel)
{
    const xai__graph *graph = &model->graph;
    const float *weights = graph->values[graph->nodes[graph->values[graph->output].producer].inputs[1]].constant.data;
    const xai__value *value;
    int32_t index;
    double sum = 0;

    ck_assert_ok(xai__graph_find(&index, graph, layer));
    value = &graph->values[index];
    for (int64_t k = 0; k < value->shape[1]; k++)
        sum += (double)weights[target * value->shape[1] + k] *
               graph_reference_at(values, index)[k * value->shape[2] * value->shape[3] + pixel];
    return (float)sum;
}

START_TEST(weighted_sum)
{
    explained f = explained_begin(network_residual);
    graph_reference values;
    xai_target targets[3] = { { .index = -1 },
                              { .index = 4 },
                              { .index = 4, .against = 7, .score = XAI_SCORE_MARGIN } };
    xai_attribution *a[3] = { NULL };
    xai_cam *cam = create(&f, NULL, NULL);

    graph_reference_run(&values, &f.model->graph, f.model->graph.input, f.input->data);
    ck_assert_ok(xai_cam_compute(a, cam, f.input, targets, 3));
    for (size_t t = 0; t < 3; t++) {
        xai_tensor *map = explained_raw_map(a[t]);
        int64_t index = xai_attribution_target(a[t]);

        ck_assert_int_eq(map->shape[0], 3); /* b.relu, found before the pool */
        ck_assert_int_eq(map->shape[1], 3);
        for (int64_t i = 0; i < 9; i++) {
            float expected = expected_at(f.model, &values, "b.relu", index, i);

            if (t == 2)
                expected -= expected_at(f.model, &values, "b.relu", 7, i);
            ck_assert_float_eq_tol(map->data[i], expected, 1e-4f);
        }
        xai_tensor_unref(map);
    }
    /* The top class is the one with the largest logit, and its score is that logit. */
    for (int64_t i = 0; i < 10; i++)
        ck_assert_double_ge(xai_attribution_score(a[0]) + 1e-5, graph_reference_at(&values, f.model->graph.output)[i]);
    ck_assert_double_eq_tol(xai_attribution_score(a[1]), graph_reference_at(&values, f.model->graph.output)[4], 1e-4);
    for (size_t t = 0; t < 3; t++)
        xai_attribution_unref(a[t]);
    xai_cam_unref(cam);
    graph_reference_free(&values);
    explained_end(&f);
}
END_TEST

START_TEST(tutorial_transposes)
{
    explained f = explained_begin(network_dense); /* 10 x 14 */
    xai_attribution *upright = NULL, *tutorial = NULL;
    xai_cam *a = create(&f, "all", NULL), *b = create(&f, "all", "tutorial");
    xai_tensor *map, *transposed;

    ck_assert_ok(xai_cam_compute(&upright, a, f.input, NULL, 0));
    ck_assert_ok(xai_cam_compute(&tutorial, b, f.input, NULL, 0));
    map = explained_raw_map(upright);
    transposed = explained_raw_map(tutorial);
    ck_assert_int_eq(map->shape[0], 10);
    ck_assert_int_eq(transposed->shape[0], 14);
    for (int64_t y = 0; y < 10; y++)
        for (int64_t x = 0; x < 14; x++)
            ck_assert_float_eq(map->data[y * 14 + x], transposed->data[x * 10 + y]);
    xai_tensor_unref(map);
    xai_tensor_unref(transposed);
    xai_attribution_unref(upright);
    xai_attribution_unref(tutorial);
    xai_cam_unref(a);
    xai_cam_unref(b);
    explained_end(&f);
}
END_TEST

START_TEST(normalised_and_resized)
{
    explained f = explained_begin(network_residual);
    xai_cam *cam = create(&f, NULL, NULL);
    xai_attribution *a = NULL;
    xai_tensor *map = NULL;
    float low = INFINITY, high = -INFINITY;

    ck_assert_ok(xai_cam_compute(&a, cam, f.input, NULL, 0));
    ck_assert_ok(xai_attribution_map(&map, a, 3, 3, XAI_NORMALISE_MIN_MAX));
    for (size_t i = 0; i < map->size; i++) {
        low = fminf(low, map->data[i]);
        high = fmaxf(high, map->data[i]);
    }
    ck_assert_float_eq(low, 0.0f);
    ck_assert_float_eq(high, 1.0f);
    xai_tensor_unref(map);
    ck_assert_ok(xai_attribution_map(&map, a, 21, 17, XAI_NORMALISE_PROFILE));
    ck_assert_int_eq(map->shape[0], 21);
    ck_assert_int_eq(map->shape[1], 17);
    xai_tensor_unref(map);
    ck_assert_fails(xai_attribution_map(&map, a, 21, 0, 0), XAI_E_INVALID, "21 x 0");
    ck_assert_fails(xai_attribution_map(&map, a, 0, 0, 7), XAI_E_INVALID, "normalisation 7");
    xai_attribution_unref(a);
    xai_cam_unref(cam);
    explained_end(&f);
}
END_TEST

/* A network that sees nothing gives a map that is the same everywhere: zeros and a remark, never NaN. */
START_TEST(flat_map)
{
    explained f = explained_begin(network_preactivation);
    xai_cam *cam = create(&f, NULL, NULL);
    xai_attribution *a = NULL;
    xai_tensor *map = NULL;
    const xai__node *last = &f.model->graph.nodes[f.model->graph.values[f.model->graph.output].producer];
    float *weights = (float *)f.model->graph.values[last->inputs[1]].constant.data;

    memset(weights, 0, f.model->graph.values[last->inputs[1]].size * sizeof(float));
    ck_assert_ok(xai_cam_compute(&a, cam, f.input, NULL, 0));
    ck_assert_int_eq(xai_attribution_map(&map, a, 12, 12, XAI_NORMALISE_PROFILE), XAI_FLAT);
    for (size_t i = 0; i < map->size; i++)
        ck_assert_float_eq(map->data[i], 0.0f);
    xai_tensor_unref(map);
    xai_attribution_unref(a);
    xai_cam_unref(cam);
    explained_end(&f);
}
END_TEST

/* A convolution before the pool (SqueezeNet): the class's own rectified map. */
static xai_model *network_squeeze(xai_context *context)
{
    network n = network_begin(context, 3, 9, 9);
    int32_t x = network_unary(&n, XAI__OP_RELU, network_conv(&n, 0, 20, 3, 1, 1, true, "features"), "relu");

    x = network_unary(&n, XAI__OP_RELU, network_conv(&n, x, 6, 1, 1, 1, true, "classifier.1"), "classifier.2");
    x = network_unary(&n, XAI__OP_GLOBAL_AVERAGE_POOL, x, "classifier.3");
    return network_end(&n, network_flatten(&n, x, "flatten"));
}

START_TEST(classifier_before_the_pool)
{
    explained f = explained_begin(network_squeeze);
    xai_target target = { .index = 3 };
    xai_cam *cam = create(&f, NULL, NULL);
    graph_reference values;
    xai_attribution *a = NULL;
    xai_tensor *map;
    const float *relu;

    graph_reference_run(&values, &f.model->graph, f.model->graph.input, f.input->data);
    relu = graph_reference_value(&values, "classifier.2");
    ck_assert_ok(xai_cam_compute(&a, cam, f.input, &target, 1));
    map = explained_raw_map(a);
    for (size_t i = 0; i < 81; i++)
        ck_assert_float_eq_tol(map->data[i], relu[3 * 81 + i], 1e-5f);
    xai_tensor_unref(map);
    xai_attribution_unref(a);
    xai_cam_unref(cam);
    graph_reference_free(&values);
    explained_end(&f);
}
END_TEST

/* No pool before the classifier (VGG). */
static xai_model *network_flat(xai_context *context)
{
    network n = network_begin(context, 3, 4, 4);
    int32_t x = network_unary(&n, XAI__OP_RELU, network_conv(&n, 0, 8, 3, 1, 1, true, "features"), "relu");

    return network_end(&n, network_linear(&n, network_flatten(&n, x, "flatten"), 4, "fc"));
}

/* A row a class, of a linear layer and of a 1x1 convolution before the pool. */
START_TEST(weights_of_classes)
{
    xai_model *(*const makers[])(xai_context *) = { network_flat, network_squeeze };
    const int64_t shapes[][2] = { { 4, 128 }, { 6, 20 } };

    for (int i = 0; i < 2; i++) {
        explained f = explained_begin(makers[i]);
        const xai__graph *graph = &f.model->graph;
        const float *weights = NULL;
        xai_tensor *rows = NULL;

        for (size_t k = 0; k < graph->n_nodes; k++) /* the last layer with weights */
            if (graph->nodes[k].op == XAI__OP_GEMM || graph->nodes[k].op == XAI__OP_CONV)
                weights = graph->values[graph->nodes[k].inputs[1]].constant.data;
        ck_assert_ok(xai_model_class_weights(&rows, f.model));
        ck_assert(rows->rank == 2 && rows->shape[0] == shapes[i][0] && rows->shape[1] == shapes[i][1]);
        ck_assert_mem_eq(rows->data, weights, xai_tensor_size(rows) * sizeof(float));
        xai_tensor_unref(rows);
        ck_assert_fails(xai_model_class_weights(NULL, f.model), XAI_E_INVALID, "out is NULL");
        ck_assert_fails(xai_model_class_weights(&rows, NULL), XAI_E_INVALID, "model is NULL");
        ck_assert_ptr_null(rows);
        explained_end(&f);
    }
}
END_TEST

START_TEST(refused)
{
    static const char *const two[2] = { "conv1", "b" };
    explained f = explained_begin(network_residual), flat = explained_begin(network_flat);
    xai_cam_options options = { .struct_size = sizeof options, .method = "gradkam" };
    xai_target far = { .index = 10 }, odd = { .index = 1, .score = XAI_SCORE_VALUE };
    xai_attribution *a = (xai_attribution *)&options;
    xai_cam *cam = NULL;
    xai_tensor *batch = network_input(f.model, 2, 1);

    ck_assert_fails(xai_cam_create(&cam, f.session, &options), XAI_E_NOT_FOUND,
                    "no method 'gradkam'; there are cam, gradcam, gradcam++");
    options.method = "cam";
    options.profile = "rise";
    ck_assert_fails(xai_cam_create(&cam, f.session, &options), XAI_E_NOT_FOUND,
                    "no profile 'rise'; it has default, tutorial");
    options.profile = NULL;
    options.layers = two;
    options.n_layers = 2;
    ck_assert_fails(xai_cam_create(&cam, f.session, &options), XAI_E_INVALID, "takes one layer, got 2");
    options.n_layers = 1;
    ck_assert_fails(xai_cam_create(&cam, f.session, &options), XAI_E_SHAPE,
                    "'conv1' is 1x24x11x9, but the classifier needs a map of 40");
    options.n_layers = 0;
    options.classifier = "a.conv1";
    ck_assert_fails(xai_cam_create(&cam, f.session, &options), XAI_E_UNSUPPORTED,
                    "'a.conv1' is not the output of a linear layer");
    ck_assert_fails(xai_cam_create(&cam, flat.session, NULL), XAI_E_UNSUPPORTED, "use gradcam");
    ck_assert_ptr_null(cam);

    ck_assert_ok(xai_cam_create(&cam, f.session, NULL));
    ck_assert_fails(xai_cam_compute(&a, cam, f.input, &far, 1), XAI_E_INVALID, "no class 10, the model has 10");
    ck_assert_ptr_null(a);
    ck_assert_fails(xai_cam_compute(&a, cam, f.input, &odd, 1), XAI_E_INVALID, "score 3");
    ck_assert_fails(xai_cam_compute(&a, cam, batch, NULL, 0), XAI_E_SHAPE, "one image is explained at a time, got 2");
    xai_cam_unref(cam);
    xai_tensor_unref(batch);
    explained_end(&f);
    explained_end(&flat);
}
END_TEST

static int32_t never(xai_hook *hook, xai_tensor *value, void *user)
{
    ck_abort_msg("an observer fired during an explanation");
    return 1;
}

static int32_t erase(xai_hook *hook, xai_tensor *value, void *user)
{
    memset(value->data, 0, value->size * sizeof(float));
    return 0;
}

/* Watching hooks keep silent during an explanation; edits change the function that is explained. */
START_TEST(only_edits_apply)
{
    explained f = explained_begin(network_residual);
    xai_cam *cam = create(&f, NULL, NULL);
    xai_hook *observer = NULL, *edit = NULL;
    xai_attribution *a = NULL;
    xai_tensor *map = NULL;

    ck_assert_ok(xai_hook_attach(&observer, f.session, "b", XAI_HOOK_OBSERVE, never, NULL, NULL));
    ck_assert_ok(xai_hook_attach(&edit, f.session, "b", XAI_HOOK_EDIT, erase, NULL, NULL));
    ck_assert_ok(xai_cam_compute(&a, cam, f.input, NULL, 0));
    ck_assert_int_eq(xai_attribution_map(&map, a, 0, 0, XAI_NORMALISE_PROFILE), XAI_FLAT);
    xai_tensor_unref(map);
    xai_attribution_unref(a);
    xai_hook_unref(edit);
    xai_hook_unref(observer);
    xai_cam_unref(cam);
    explained_end(&f);
}
END_TEST

START_TEST(record)
{
    explained f = explained_begin(network_residual);
    xai_cam *cam = create(&f, NULL, NULL);
    xai_attribution *a = NULL;
    char text[2048];
    size_t length;

    ck_assert_ok(xai_cam_compute(&a, cam, f.input, NULL, 0));
    length = xai_attribution_json(a, text, sizeof text);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_uint_eq(xai_attribution_json(a, NULL, 0), length);
    ck_assert_ptr_nonnull(strstr(text, "\"method\":\"cam\",\"profile\":\"default\",\"layers\":[\"b.relu\"]"));
    ck_assert_ptr_nonnull(strstr(text, "\"shape\":[3,3]"));
    ck_assert_ptr_nonnull(strstr(text, "\"exact\":true"));
    ck_assert_ptr_nonnull(strstr(text, "\"version\":\"0.1.0\""));
    xai_attribution_unref(a);
    xai_cam_unref(cam);
    explained_end(&f);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_cam");
    TCase *cases = tcase_create("all");

    tcase_add_test(cases, weighted_sum);
    tcase_add_test(cases, tutorial_transposes);
    tcase_add_test(cases, normalised_and_resized);
    tcase_add_test(cases, flat_map);
    tcase_add_test(cases, classifier_before_the_pool);
    tcase_add_test(cases, weights_of_classes);
    tcase_add_test(cases, refused);
    tcase_add_test(cases, only_edits_apply);
    tcase_add_test(cases, record);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
