/* SPDX-License-Identifier: MIT
 * Metrics when memory runs out. */
#include "networks.h"
#include "oom.h"

enum { SIDE = 12 };

typedef struct metric_case {
    const char *metric;
    xai_tensor *a, *b;
    bool is_pair;
} metric_case;

static xai_tensor *make_map(xai_context *context, uint64_t seed)
{
    const int64_t shape[2] = { SIDE, SIDE };
    xai_tensor *map = NULL;
    xai__rng rng;

    ck_assert_ok(xai_tensor_create(&map, context, shape, 2));
    xai__rng_seed(&rng, seed);
    for (size_t i = 0; i < map->size; i++)
        map->data[i] = (float)xai__rng_uniform(&rng);
    return map;
}

static xai_status measure(void *user)
{
    const metric_case *now = user;
    const xai_metric_options box = { .struct_size = sizeof box, .box = { 2, 2, 4, 4 } };
    double value;

    if (now->is_pair)
        return xai_metric_agreement(&value, now->a, now->b, now->metric, NULL);
    return xai_metric_map(&value, now->a, now->metric, strcmp(now->metric, "sparseness") == 0 ? NULL : &box);
}

START_TEST(maps)
{
    static const char *const metrics[] = { "sparseness", "relevance-rank", "spearman", "top-k-intersection", "ssim" };
    xai_context *context = testing_context(1);
    metric_case now = { .metric = metrics[_i], .is_pair = _i > 1 };

    now.a = make_map(context, 1);
    now.b = make_map(context, 2);
    oom_run(now.metric, measure, &now, 0);
    xai_tensor_unref(now.a);
    xai_tensor_unref(now.b);
    xai_context_unref(context);
}
END_TEST

/* The list of those that there are needs memory as well. */
static xai_status ask_for_unknown(void *user)
{
    const metric_case *now = user;
    double value;
    xai_status status = xai_metric_map(&value, now->a, "beauty", NULL);

    return status == XAI_E_NOT_FOUND ? XAI_OK : status;
}

START_TEST(unknown)
{
    xai_context *context = testing_context(1);
    metric_case now = { .a = make_map(context, 1) };

    oom_run("an unknown metric", ask_for_unknown, &now, 0);
    xai_tensor_unref(now.a);
    xai_context_unref(context);
}
END_TEST

/* --- metrics that ask the network --- */

typedef struct network_case {
    xai_model *model;
    xai_tensor *input, *map;
    const char *metric;
} network_case;

/* Plans are kept with the model: without them each attempt makes its own. */
static void drop_cache(xai_model *model)
{
    if (model->cache != NULL)
        model->free_cache(model->object.context, model->cache);
    model->cache = NULL;
}

static xai_status ask(xai_session *session, const network_case *now)
{
    static const char *const layers[] = { "fc", "b" };
    const xai_explainer explainer = { .struct_size = sizeof explainer, .method = "gradcam" };
    const xai_randomisation_options cascade = { .struct_size = sizeof cascade, .layers = layers, .n_layers = 2 };
    const xai_sensitivity_options few = { .struct_size = sizeof few, .n_samples = 2 };
    const xai_faithfulness_options steps = { .struct_size = sizeof steps, .n_steps = 3 };
    xai_tensor *answer = NULL;
    double value;
    xai_status status;

    if (strcmp(now->metric, "randomisation") == 0)
        status = xai_metric_randomisation(&answer, session, now->input, NULL, &explainer, &cascade);
    else if (strcmp(now->metric, "max-sensitivity") == 0)
        status = xai_metric_sensitivity(&value, session, now->input, NULL, &explainer, now->metric, &few);
    else
        status = xai_metric_faithfulness(
            &value, &answer, session, now->input, now->map, NULL, now->metric,
            strcmp(now->metric, "insertion") == 0 || strncmp(now->metric, "mono", 4) == 0 ? &steps : NULL);
    if (status >= XAI_OK && strcmp(now->metric, "insertion") == 0)
        status = xai_metric_save_curves("/dev/null/none", (const xai_tensor *const[]){ answer },
                                        (const char *const[]){ now->metric }, 1, now->metric);
    status = status == XAI_E_IO ? XAI_OK : status; /* nothing can be written there, but it was drawn */
    xai_tensor_unref(answer);
    return status == XAI_FLAT ? XAI_OK : status;
}

static xai_status ask_network(void *user)
{
    const network_case *now = user;
    xai_session *session = NULL;
    xai_status status = xai_session_create(&session, now->model, NULL);

    if (status == XAI_OK)
        status = ask(session, now);
    xai_session_unref(session);
    drop_cache(now->model);
    return status;
}

START_TEST(networks)
{
    static const char *const metrics[] = { "insertion",
                                           "average-drop",
                                           "infidelity",
                                           "max-sensitivity",
                                           "randomisation",
                                           "faithfulness-correlation",
                                           "monotonicity-correlation",
                                           "selectivity",
                                           "irof",
                                           "road" };
    const int64_t shape[2] = { 21, 17 };
    xai_context *context = testing_context(1);
    network_case now = { .model = network_residual(context), .metric = metrics[_i] };

    now.input = network_input(now.model, 1, 4);
    ck_assert_ok(xai_tensor_create(&now.map, context, shape, 2));
    for (size_t i = 0; i < now.map->size; i++)
        now.map->data[i] = now.input->data[i];
    oom_run(now.metric, ask_network, &now, 0);
    xai_tensor_unref(now.map);
    xai_tensor_unref(now.input);
    xai_model_unref(now.model);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_metric");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, maps, 0, 5);
    tcase_add_test(cases, unknown);
    tcase_add_loop_test(cases, networks, 0, 10);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
