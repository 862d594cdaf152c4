/* SPDX-License-Identifier: MIT
 * Influence by solving: methods that agree, influence on oneself, remarks and progress, parameters that are shared. */
#include "influence_folder.h"

/* Self-influence is the influence on the example's own loss. */
START_TEST(self_is_diagonal)
{
    static const char *const methods[] = { "last-layer", "tracin-fast" };
    folder f = folder_begin(1);
    xai_training *set = open_source(f.model, &f.source);
    xai_influence_options options = { .struct_size = sizeof options, .method = methods[_i] };
    xai_influence *influence = NULL;
    double own[N_PICTURES], scores[N_PICTURES];

    ck_assert_ok(xai_influence_create(&influence, &set, 1, &options));
    ck_assert_ok(xai_influence_self(own, NULL, influence));
    for (size_t i = 0; i < N_PICTURES; i += 5) {
        xai_tensor *x = NULL;

        ck_assert_ok(xai_tensor_create(&x, f.context, (const int64_t[]){ 1, (int64_t)set->n_features }, 2));
        memcpy(x->data, set->features + i * set->stride, set->n_features * sizeof(float));
        ck_assert_ok(xai_influence_compute(scores, NULL, influence, x, &f.source.labels[i]));
        ck_assert_double_eq_tol(scores[i], own[i], 1e-9 * own[i]);
        xai_tensor_unref(x);
    }
    xai_influence_unref(influence);
    xai_training_unref(set);
    folder_end(&f);
}
END_TEST

/* Through the layer that decides, the general method is the exact one: its Gauss-Newton matrix is the Hessian. */
START_TEST(layers_agree)
{
    static const struct {
        const char *solver, *product;
        double damping, tolerance, apart;
    } cases[] = {
        { "cg", NULL, 0, 1e-5, 1e-4 },
        { "lissa", NULL, 0.01, 1e-3, 1e-2 },
        { "cg", "gradients", 0.1, 0.05, 0.1 },
        { "cg", NULL, 0, 1e-5, 1e-4 }, /* with a budget that holds one picture's gradients */
    };
    static const char *const names[2] = { "fc.bias", "fc.weight" };
    folder f = folder_begin(1);
    const xai_run_options poor = { .struct_size = sizeof poor, .memory_budget = _i == 3 ? 1 : 0 };
    xai_training *set = open_source(f.model, &f.source);
    xai_tensor *tests = network_input(f.model, 2, 9);
    xai_influence_options exact = { .struct_size = sizeof exact, .damping = cases[_i].damping }, options = exact;
    double expected[2 * N_PICTURES], scores[2 * N_PICTURES], own[2][N_PICTURES], residual = 0;
    float rounded[2 * N_PICTURES];
    xai_influence_record records[2];
    xai_influence *influence = NULL;

    ck_assert_ok(xai_influence_create(&influence, &set, 1, &exact));
    ck_assert_ok(xai_influence_compute(expected, NULL, influence, tests, NULL));
    ck_assert_ok(xai_influence_self(own[0], NULL, influence));
    xai_influence_unref(influence);
    options.method = "layers";
    options.solver = cases[_i].solver;
    options.product = cases[_i].product;
    options.tolerance = cases[_i].tolerance;
    options.parameters = _i == 0 ? names : NULL;
    options.n_parameters = _i == 0 ? 2 : 0;
    options.run = &poor;
    ck_assert_ok(xai_influence_create(&influence, &set, 1, &options));
    ck_assert_ok(xai_influence_compute(scores, records, influence, tests, NULL));
    ck_assert(records[1].residual <= cases[_i].tolerance && records[1].n_iterations > 0);
    for (size_t i = 0; i < 2 * N_PICTURES; i++)
        rounded[i] = (float)expected[i];
    for (size_t t = 0; t < 2; t++) {
        double largest = 0, worst = 0, r = pearson(scores + t * N_PICTURES, rounded + t * N_PICTURES, N_PICTURES);

        for (size_t i = t * N_PICTURES; i < (t + 1) * N_PICTURES; i++) {
            largest = fmax(largest, fabs(expected[i]));
            worst = fmax(worst, fabs(scores[i] - expected[i]));
        }
        ck_assert_msg(r >= 0.99 && worst <= cases[_i].apart * largest, "case %d: r %g, %g of %g apart", _i, r, worst,
                      largest);
    }
    if (_i == 0) {
        ck_assert_ok(xai_influence_self(own[1], &residual, influence));
        ck_assert(residual > 0 && residual <= cases[_i].tolerance);
        for (size_t i = 0; i < N_PICTURES; i++)
            ck_assert_double_eq_tol(own[1][i], own[0][i], 1e-4 * own[0][i]);
    }
    xai_influence_unref(influence);
    xai_tensor_unref(tests);
    xai_training_unref(set);
    folder_end(&f);
}
END_TEST

/* Deeper layers: products with the matrix are those of a sum of squares, so a score with itself is not negative, and a
 * solve is one. */
START_TEST(deep_layers)
{
    static const char *const names[1] = { "b.conv1" };
    folder f = folder_begin(2);
    xai_training *set = open_source(f.model, &f.source);
    xai_influence_options options = {
        .struct_size = sizeof options, .method = "layers", .parameters = names, .n_parameters = 1, .damping = 0.01
    };
    xai_influence_record record;
    double scores[N_PICTURES];
    xai_influence *influence = NULL;
    xai_tensor *tests = network_input(f.model, 1, 9);

    ck_assert_ok(xai_influence_create(&influence, &set, 1, &options));
    ck_assert_uint_eq(influence->hessian.n, 40 * 24 * 9 + 40);
    ck_assert_ok(xai_influence_compute(scores, &record, influence, tests, NULL));
    ck_assert(record.residual > 0 && record.residual <= 1e-3);
    xai_influence_unref(influence);
    xai_tensor_unref(tests);
    xai_training_unref(set);
    folder_end(&f);
}
END_TEST

/* Stops once: at the first call, then never again. */
static int32_t stop_once(uint64_t done, uint64_t total, void *user)
{
    ck_assert(done <= total);
    return ++*(int *)user == 1;
}

/* A solve that was stopped and is good enough leaves its remark on the whole, however the solves behind it end. */
START_TEST(self_keeps_the_remark)
{
    static const char *const methods[] = { "last-layer", "layers" };
    folder f = folder_begin(1);
    xai_training *set = open_source(f.model, &f.source);
    int calls = 0;
    const xai_run_options run = { .struct_size = sizeof run, .progress = stop_once, .user = &calls };
    const xai_influence_options options = { .struct_size = sizeof options,
                                            .method = methods[_i],
                                            .solver = "cg",
                                            .damping = 100, /* so that one step is enough */
                                            .tolerance = 1e-2,
                                            .run = &run };
    double own[N_PICTURES], residual;
    xai_influence *influence = NULL;

    ck_assert_ok(xai_influence_create(&influence, &set, 1, &options));
    ck_assert_int_eq(xai_influence_self(own, &residual, influence), XAI_PARTIAL);
    ck_assert_int_gt(calls, 1);
    xai_influence_unref(influence);
    xai_training_unref(set);
    folder_end(&f);
}
END_TEST

static int32_t count(uint64_t done, uint64_t total, void *user)
{
    uint64_t *last = user;

    ck_assert_msg(done <= total, "%llu of %llu", (unsigned long long)done, (unsigned long long)total);
    ck_assert_uint_gt(done, *last);
    *last = done;
    return 0;
}

/* Several runs of LiSSA are one solve to whoever watches. */
START_TEST(lissa_tells_no_more_than_all)
{
    folder f = folder_begin(1);
    xai_training *set = open_source(f.model, &f.source);
    xai_tensor *tests = network_input(f.model, 1, 9);
    uint64_t last = 0;
    const xai_run_options run = { .struct_size = sizeof run, .progress = count, .user = &last };
    xai_influence_options options = { .struct_size = sizeof options,
                                      .solver = "lissa",
                                      .damping = 1,
                                      .tolerance = 1e6,
                                      .max_iterations = 5,
                                      .n_samples = 3,
                                      .batch = 4,
                                      .run = &run };
    double scores[N_PICTURES];
    xai_influence *influence = NULL;

    ck_assert_ok(xai_influence_create(&influence, &set, 1, &options));
    ck_assert_ok(xai_influence_compute(scores, NULL, influence, tests, NULL));
    ck_assert_uint_eq(last, 15);
    xai_influence_unref(influence);
    xai_tensor_unref(tests);
    xai_training_unref(set);
    folder_end(&f);
}
END_TEST

/* One convolution called twice: two nodes, one weight. */
static xai_model *network_tied(xai_context *context)
{
    network n = network_begin(context, 3, 8, 8);
    int32_t x = network_conv(&n, 0, 8, 3, 1, 1, false, "stem"), y, inputs[2];
    const xai__node *conv;

    y = network_unary(&n, XAI__OP_RELU, network_conv(&n, x, 8, 3, 1, 1, false, "tied"), "relu1");
    conv = &n.model->graph.nodes[n.model->graph.values[y].producer - 1];
    inputs[0] = y;
    inputs[1] = conv->inputs[1];
    x = xai__op_add(&n.model->graph, XAI__OP_CONV, &conv->attributes, inputs, 2);
    return network_end(&n, network_head(&n, network_unary(&n, XAI__OP_RELU, network_name(&n, x, "tied"), "relu2"), 5));
}

/* A parameter that two nodes share is one parameter: all of them are as if named one by one. */
START_TEST(tied_parameters_count_once)
{
    static const char *const names[3] = { "stem", "tied", "fc" };
    xai_context *context = testing_context(1);
    xai_model *model = network_tied(context);
    example_source source = random_source(model, 6, 3);
    xai_training *set = open_source(model, &source);
    xai_influence_options options = { .struct_size = sizeof options, .method = "tracin" };
    double all[6], named[6];
    xai_influence *influence = NULL;

    ck_assert_ok(xai_influence_create(&influence, &set, 1, &options));
    ck_assert_ok(xai_influence_self(all, NULL, influence));
    xai_influence_unref(influence);
    options.parameters = names;
    options.n_parameters = 3;
    ck_assert_ok(xai_influence_create(&influence, &set, 1, &options));
    ck_assert_ok(xai_influence_self(named, NULL, influence));
    for (size_t i = 0; i < 6; i++)
        ck_assert_double_eq_tol(all[i], named[i], 1e-6 * named[i]);
    xai_influence_unref(influence);
    xai_training_unref(set);
    free_source(&source);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

static int32_t halve(xai_hook *hook, xai_tensor *value, void *user)
{
    (void)hook;
    (void)user;
    for (size_t i = 0; i < value->size; i++)
        value->data[i] *= 0.5f;
    return 0;
}

/* Differences are taken in sessions of changed parameters, which the edits do not reach: they would be of another
 * function, 25 % off on this network. */
START_TEST(differences_under_edits)
{
    static const char *const products[] = { "gauss-newton", "gradients" };
    folder f = folder_begin(1);
    xai_training *set;
    xai_hook *hook = NULL;
    double scores[N_PICTURES];
    xai_tensor *tests = network_input(f.model, 1, 9);
    xai_training_options training = options_of(&f.source);

    ck_assert_ok(xai_hook_attach(&hook, f.session, "b", XAI_HOOK_EDIT, halve, NULL, NULL));
    ck_assert_ok(xai_training_open(&set, f.session, &training));
    for (int i = 0; i < 2; i++) {
        xai_influence_options options = {
            .struct_size = sizeof options, .method = "layers", .product = products[i], .damping = 0.1, .tolerance = 0.05
        };
        xai_influence *influence = NULL;

        ck_assert_ok(xai_influence_create(&influence, &set, 1, &options));
        if (i == 0)
            ck_assert_ok(xai_influence_compute(scores, NULL, influence, tests, NULL));
        else
            ck_assert_fails(xai_influence_compute(scores, NULL, influence, tests, NULL), XAI_E_UNSUPPORTED,
                            "product 'gradients' runs sessions of its own");
        xai_influence_unref(influence);
    }
    xai_hook_unref(hook);
    xai_tensor_unref(tests);
    xai_training_unref(set);
    folder_end(&f);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_influence_solve");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, self_is_diagonal, 0, 2);
    tcase_add_loop_test(cases, layers_agree, 0, 4);
    tcase_add_test(cases, deep_layers);
    tcase_add_loop_test(cases, self_keeps_the_remark, 0, 2);
    tcase_add_test(cases, lissa_tells_no_more_than_all);
    tcase_add_test(cases, tied_parameters_count_once);
    tcase_add_test(cases, differences_under_edits);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
