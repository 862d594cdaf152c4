/* SPDX-License-Identifier: MIT
 * Metrics that explain again and again: sensitivity, and what is left once parameters are random. */
#include <math.h>

#include <xai/metrics.h>

#include "explained.h"

#include "explain/metric/metric_parameters.h"

static explained e;

static void set_up(void)
{
    e = explained_begin(network_residual);
}

static void tear_down(void)
{
    explained_end(&e);
}

static xai_explainer by(const char *method)
{
    return (xai_explainer){ .struct_size = sizeof(xai_explainer), .method = method };
}

/* The input is its own map: a map that knows nothing of the network. */
static int32_t echo(xai_tensor **map, xai_session *session, const xai_tensor *input, const xai_target *target,
                    void *user)
{
    ++*(int *)user;
    *map = xai_tensor_ref((xai_tensor *)input);
    return 0;
}

static int32_t refuse(xai_tensor **map, xai_session *session, const xai_tensor *input, const xai_target *target,
                      void *user)
{
    return *(int *)user;
}

static xai_explainer by_callback(xai_explain_fn explain, int *user)
{
    return (xai_explainer){ .struct_size = sizeof(xai_explainer), .explain = explain, .user = user };
}

/* --- sensitivity --- */

/* Of a map that is its input: |noise| / |input|, with noise of which all is known. */
START_TEST(known_sensitivity)
{
    const int64_t shape[4] = { 2, 3, 21, 17 };
    xai_sensitivity_options options = { .struct_size = sizeof options };
    xai_tensor *noise = NULL;
    int n_calls = 0;
    xai_explainer explainer = by_callback(echo, &n_calls);
    double value, mean, norm = 0, largest = 0;

    ck_assert_ok(xai_tensor_create(&noise, e.context, shape, 4));
    noise->data[7] = 0.25f;
    noise->data[noise->size - 1] = 0.75f;
    options.perturbations = noise;
    for (size_t i = 0; i < e.input->size; i++)
        norm += (double)e.input->data[i] * (double)e.input->data[i];
    ck_assert_ok(xai_metric_sensitivity(&value, NULL, e.input, NULL, &explainer, "max-sensitivity", &options));
    ck_assert_double_eq_tol(value, 0.75 / sqrt(norm), 1e-6);
    ck_assert_ok(xai_metric_sensitivity(&mean, NULL, e.input, NULL, &explainer, "avg-sensitivity", &options));
    ck_assert_double_eq_tol(mean, 0.5 / sqrt(norm), 1e-6);
    ck_assert_int_eq(n_calls, 6);
    for (size_t i = 0; i < e.input->size; i++)
        largest = fmax(largest, fabs((double)e.input->data[i]));
    ck_assert_ok(xai_metric_sensitivity(&value, NULL, e.input, NULL, &explainer, "local-lipschitz", &options));
    ck_assert_double_eq_tol(value, 1 / largest, 1e-5); /* the noise leaves the largest one alone */
    xai_tensor_unref(noise);
}
END_TEST

START_TEST(sensitivity_of_methods)
{
    static const char *const methods[] = { "gradcam", "saliency", "ig" };
    xai_run_options run = { .struct_size = sizeof run };
    const xai_sensitivity_options options = { .struct_size = sizeof options, .run = &run, .n_samples = 3 };

    for (size_t i = 0; i < 3; i++) {
        xai_explainer explainer = by(methods[i]);
        double first, again, other;

        run.seed = 1;
        ck_assert_ok(xai_metric_sensitivity(&first, e.session, e.input, NULL, &explainer, "max-sensitivity", &options));
        ck_assert_ok(xai_metric_sensitivity(&again, e.session, e.input, NULL, &explainer, "max-sensitivity", &options));
        run.seed = 2;
        ck_assert_ok(xai_metric_sensitivity(&other, e.session, e.input, NULL, &explainer, "max-sensitivity", &options));
        ck_assert_double_gt(first, 0);
        ck_assert_double_lt(first, 10);
        ck_assert_mem_eq(&first, &again, sizeof first);
        ck_assert_double_ne(first, other);
    }
}
END_TEST

/* --- randomisation --- */

START_TEST(layers)
{
    static const char *const expected[] = { "fc",      "b.conv2", "b.conv1", "b.down.1", "b.down.0", "a.bn2",
                                            "a.conv2", "a.bn1",   "a.conv1", "bn1",      "conv1" };

    for (size_t i = 0; i < 11; i++)
        ck_assert_str_eq(xai_metric_layer(e.model, i), expected[i]);
    ck_assert_ptr_null(xai_metric_layer(e.model, 11));
}
END_TEST

/* The copy has other parameters, the model keeps its own, and an unmarked layer is shared. */
START_TEST(copies)
{
    xai__graph *graph = &e.model->graph, *other;
    bool *marked = calloc(graph->n_nodes, sizeof *marked);
    xai_model *copy = NULL;
    size_t n_changed = 0;

    ck_assert_ok(xai__parameters_mark(marked, graph, "a"));
    ck_assert_ok(xai__parameters_randomise(&copy, e.model, marked, 3));
    other = &copy->graph;
    for (size_t i = 0; i < graph->n_nodes; i++)
        for (size_t j = 1; j < graph->nodes[i].n_inputs; j++) {
            int32_t value = graph->nodes[i].inputs[j];

            if (value >= 0 && xai__graph_is_constant(graph, value))
                ck_assert_int_eq(graph->values[value].constant.data != other->values[value].constant.data, marked[i]);
            n_changed += marked[i];
        }
    ck_assert_uint_eq(n_changed, 2 * (1 + 4)); /* two weights, two batch norms */
    ck_assert_uint_ne(xai__model_digest(copy), xai__model_digest(e.model));
    xai_model_unref(copy);
    free(marked);
}
END_TEST

static double first_of(xai_tensor *tensor)
{
    double value = tensor->data[0];

    xai_tensor_unref(tensor);
    return value;
}

/* A map of the picture alone does not notice; the gradient's does. */
START_TEST(sanity)
{
    int n_calls = 0;
    xai_explainer blind = by_callback(echo, &n_calls), seeing = by("inputxgrad");
    xai_randomisation_options options = { .struct_size = sizeof options };
    xai_tensor *agreement = NULL;

    ck_assert_ok(xai_metric_randomisation(&agreement, e.session, e.input, NULL, &blind, &options));
    ck_assert_int_eq(agreement->size, 11);
    ck_assert_int_eq(n_calls, 12);
    for (size_t i = 0; i < agreement->size; i++)
        ck_assert_double_eq_tol(agreement->data[i], 1, 1e-6);
    xai_tensor_unref(agreement);
    options.flags = XAI_RANDOMISATION_SIGNED;
    options.measure = "pearson";
    ck_assert_ok(xai_metric_randomisation(&agreement, e.session, e.input, NULL, &seeing, &options));
    ck_assert_double_lt(fabs((double)agreement->data[10]), 0.4);
    xai_tensor_unref(agreement);
}
END_TEST

/* The last of a cascade is all layers at once; one alone is what the first of a cascade is. */
START_TEST(cascades)
{
    static const char *const all[] = { "fc", "b", "a", "bn1", "conv1" }, *const one[] = { "conv1" };
    xai_explainer explainer = by("saliency");
    xai_randomisation_options options = { .struct_size = sizeof options, .layers = all, .n_layers = 5 };
    xai_tensor *cascade = NULL, *full = NULL, *alone = NULL;

    ck_assert_ok(xai_metric_randomisation(&cascade, e.session, e.input, NULL, &explainer, &options));
    ck_assert_ok(xai_metric_randomisation(&full, e.session, e.input, NULL, &explainer, NULL));
    ck_assert_float_eq(cascade->data[4], full->data[10]);
    ck_assert_float_eq(cascade->data[0], full->data[0]);
    xai_tensor_unref(full);
    options.flags = XAI_RANDOMISATION_INDEPENDENT;
    ck_assert_ok(xai_metric_randomisation(&full, e.session, e.input, NULL, &explainer, &options));
    ck_assert_float_eq(cascade->data[0], full->data[0]);
    ck_assert_float_ne(cascade->data[4], full->data[4]);
    options.layers = one;
    options.n_layers = 1;
    ck_assert_ok(xai_metric_randomisation(&alone, e.session, e.input, NULL, &explainer, &options));
    ck_assert_double_eq(first_of(alone), (double)full->data[4]);
    xai_tensor_unref(full);
    xai_tensor_unref(cascade);
}
END_TEST

static int32_t stop_at_two(uint64_t done, uint64_t total, void *user)
{
    return done == 2;
}

START_TEST(stopped)
{
    const xai_run_options run = { .struct_size = sizeof run, .progress = stop_at_two };
    const xai_randomisation_options options = { .struct_size = sizeof options, .run = &run };
    const xai_sensitivity_options few = { .struct_size = sizeof few, .run = &run };
    xai_explainer explainer = by("gradcam");
    xai_tensor *agreement = NULL;
    double value = 0;

    ck_assert_int_eq(xai_metric_randomisation(&agreement, e.session, e.input, NULL, &explainer, &options), XAI_PARTIAL);
    ck_assert_int_eq(agreement->size, 2);
    xai_tensor_unref(agreement);
    ck_assert_int_eq(xai_metric_sensitivity(&value, e.session, e.input, NULL, &explainer, "avg-sensitivity", &few),
                     XAI_PARTIAL);
    ck_assert_double_gt(value, 0);
}
END_TEST

/* --- refusals --- */

START_TEST(refused_explainers)
{
    int seven = 7, zero = 0;
    xai_explainer none = by(NULL), both = by_callback(echo, &zero), unknown = by("beauty"), cam = by("gradcam"),
                  angry = by_callback(refuse, &seven), lazy = by_callback(refuse, &zero);
    double value = 3;

    both.method = "gradcam";
    ck_assert_fails(xai_metric_sensitivity(&value, e.session, e.input, NULL, NULL, "max-sensitivity", NULL),
                    XAI_E_INVALID, "explainer is NULL");
    ck_assert_fails(xai_metric_sensitivity(&value, e.session, e.input, NULL, &none, "max-sensitivity", NULL),
                    XAI_E_INVALID, "neither");
    ck_assert_fails(xai_metric_sensitivity(&value, e.session, e.input, NULL, &both, "max-sensitivity", NULL),
                    XAI_E_INVALID, "both");
    ck_assert_fails(xai_metric_sensitivity(&value, e.session, e.input, NULL, &unknown, "max-sensitivity", NULL),
                    XAI_E_NOT_FOUND, "smoothgrad-sq");
    ck_assert_fails(xai_metric_sensitivity(&value, NULL, e.input, NULL, &cam, "max-sensitivity", NULL), XAI_E_INVALID,
                    "gradcam needs one");
    ck_assert_fails(xai_metric_sensitivity(&value, e.session, e.input, NULL, &angry, "max-sensitivity", NULL),
                    XAI_E_CALLBACK, "returned 7");
    ck_assert_fails(xai_metric_sensitivity(&value, e.session, e.input, NULL, &lazy, "max-sensitivity", NULL),
                    XAI_E_CALLBACK, "made no map");
    ck_assert_fails(xai_metric_sensitivity(&value, e.session, e.input, NULL, &cam, "min-sensitivity", NULL),
                    XAI_E_NOT_FOUND, "max-sensitivity, avg-sensitivity, local-lipschitz");
    cam.flags = XAI_EXPLAINER_KEEP_CHANNELS;
    ck_assert_fails(xai_metric_sensitivity(&value, e.session, e.input, NULL, &cam, "max-sensitivity", NULL),
                    XAI_E_INVALID, "no channels");
    ck_assert_double_eq(value, 0);
}
END_TEST

START_TEST(refused_layers)
{
    static const char *const missing[] = { "fc", "layer9" }, *const bare[] = { "relu" };
    xai_explainer explainer = by("gradcam");
    xai_randomisation_options options = { .struct_size = sizeof options, .layers = missing, .n_layers = 2 };
    xai_tensor *agreement = NULL;

    ck_assert_fails(xai_metric_randomisation(&agreement, e.session, e.input, NULL, &explainer, &options),
                    XAI_E_NOT_FOUND, "layer9");
    options.layers = bare;
    options.n_layers = 1;
    ck_assert_fails(xai_metric_randomisation(&agreement, e.session, e.input, NULL, &explainer, &options), XAI_E_INVALID,
                    "'relu' has no parameters");
    options.layers = NULL;
    ck_assert_fails(xai_metric_randomisation(&agreement, e.session, e.input, NULL, &explainer, &options), XAI_E_INVALID,
                    "n_layers 1");
    options.n_layers = 0;
    options.measure = "beauty";
    ck_assert_fails(xai_metric_randomisation(&agreement, e.session, e.input, NULL, &explainer, &options),
                    XAI_E_NOT_FOUND, "spearman");
    options.measure = NULL;
    options.flags = 8;
    ck_assert_fails(xai_metric_randomisation(&agreement, e.session, e.input, NULL, &explainer, &options), XAI_E_INVALID,
                    "flags are 8");
    ck_assert_fails(xai_metric_randomisation(&agreement, NULL, e.input, NULL, &explainer, NULL), XAI_E_INVALID,
                    "session is NULL");
    ck_assert_ptr_null(agreement);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_robustness");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, known_sensitivity);
    tcase_add_test(cases, sensitivity_of_methods);
    tcase_add_test(cases, layers);
    tcase_add_test(cases, copies);
    tcase_add_test(cases, sanity);
    tcase_add_test(cases, cascades);
    tcase_add_test(cases, stopped);
    tcase_add_test(cases, refused_explainers);
    tcase_add_test(cases, refused_layers);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
