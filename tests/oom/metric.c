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

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_metric");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, maps, 0, 5);
    tcase_add_test(cases, unknown);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
