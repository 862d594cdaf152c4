/* SPDX-License-Identifier: MIT
 * Influence against a float64 oracle in NumPy and against captum (make_influence.py). */
#include "influence_sets.h"

enum { N_RATES = 3 };

static xai_context *context;
static xai__weights *vectors;

static void open_vectors(void)
{
    context = testing_context(2);
    ck_assert_ok(xai__weights_open(&vectors, context, testing_source("tests/golden/influence.safetensors")));
}

static void close_vectors(void)
{
    xai__weights_close(vectors);
    xai_context_unref(context);
}

static xai_tensor *read(const char *name)
{
    const xai__weight *weight = xai__weights_find(vectors, name);
    xai_tensor *tensor = NULL;

    ck_assert_msg(weight != NULL, "no vector %s", name);
    ck_assert_ok(xai_tensor_create(&tensor, context, weight->shape, weight->rank));
    ck_assert_ok(xai__weight_to_f32(tensor->data, weight));
    return tensor;
}

static int64_t *read_labels(const char *name)
{
    xai_tensor *tensor = read(name);
    int64_t *labels = calloc(tensor->size, sizeof *labels);

    for (size_t i = 0; i < tensor->size; i++)
        labels[i] = (int64_t)tensor->data[i];
    xai_tensor_unref(tensor);
    return labels;
}

/* No number may be off by more than tolerance times the largest expected. */
static void check(const double *got, const char *name, double tolerance)
{
    xai_tensor *expected = read(name);
    double largest = 0, worst = 0;

    for (size_t i = 0; i < expected->size; i++)
        largest = fmax(largest, fabs((double)expected->data[i]));
    for (size_t i = 0; i < expected->size; i++)
        worst = fmax(worst, fabs(got[i] - (double)expected->data[i]));
    ck_assert_msg(worst <= tolerance * largest, "%s: %g of %g apart", name, worst, largest);
    xai_tensor_unref(expected);
}

/* --- the layer that decides --- */

typedef struct question {
    xai_training *set;
    xai_tensor *tests;
    int64_t *labels;
    double *scores;
    xai_influence_record records[6];
} question;

static question begin(bool has_bias)
{
    xai_tensor *x = read("x"), *w = read("w"), *b = read("b");
    int64_t *y = read_labels("y");
    question q = { .tests = read("x_test"), .labels = read_labels("y_test") };

    ck_assert_ok(xai_training_wrap(&q.set, context, x, y, w, has_bias ? b : NULL));
    q.scores = calloc(6 * xai_training_count(q.set), sizeof *q.scores);
    xai_tensor_unref(x);
    xai_tensor_unref(w);
    xai_tensor_unref(b);
    free(y);
    return q;
}

static void end(question *q)
{
    xai_training_unref(q->set);
    xai_tensor_unref(q->tests);
    free(q->labels);
    free(q->scores);
}

static void ask(question *q, const xai_influence_options *options)
{
    xai_influence *influence = NULL;

    ck_assert_ok(xai_influence_create(&influence, &q->set, 1, options));
    ck_assert_ok(xai_influence_compute(q->scores, q->records, influence, q->tests, q->labels));
    xai_influence_unref(influence);
}

static void ask_self(question *q, const xai_influence_options *options, double most)
{
    xai_influence *influence = NULL;
    double residual = -1;

    ck_assert_ok(xai_influence_create(&influence, &q->set, 1, options));
    ck_assert_ok(xai_influence_self(q->scores, &residual, influence));
    ck_assert(residual > 0 && residual <= most);
    xai_influence_unref(influence);
}

START_TEST(last_layer)
{
    static const char *const solvers[] = { "cholesky", "cg", NULL };
    question with = begin(true), without = begin(false);
    xai_influence_options options = { .struct_size = sizeof options, .solver = solvers[_i], .tolerance = 1e-9 };

    ask(&with, &options);
    check(with.scores, "scores", 1e-6);
    for (size_t i = 0; i < 6; i++) {
        ck_assert(with.records[i].residual > 0 && with.records[i].residual <= 1e-9);
        ck_assert_int_eq(with.records[i].label, with.labels[i]);
        ck_assert((with.records[i].n_iterations > 0) == (_i == 1));
    }
    ask_self(&with, &options, 1e-9);
    check(with.scores, "self", 1e-6);
    ask(&without, &options);
    check(without.scores, "nobias.scores", 1e-6);
    ask_self(&without, &options, 1e-9);
    check(without.scores, "nobias.self", 1e-6);
    options.flags = XAI_INFLUENCE_PENALTY;
    ask(&with, &options);
    check(with.scores, "penalised", 1e-6);
    ask(&without, &options);
    check(without.scores, "nobias.penalised", 1e-6);
    end(&with);
    end(&without);
}
END_TEST

/* Agreement with the exact answer: exactly the same from full batches, closely from samples. */
START_TEST(lissa)
{
    question q = begin(true);
    xai_tensor *expected = read("scores");
    xai_influence_options options = { .struct_size = sizeof options, .solver = "lissa", .tolerance = 1e-3 };

    ask(&q, &options);
    check(q.scores, "scores", 1e-3);
    options.batch = 20;
    options.n_samples = 4;
    options.max_iterations = 3000;
    options.scale = 30;
    options.tolerance = 0.5;
    ask(&q, &options);
    for (size_t i = 0; i < 6; i++)
        ck_assert_double_ge(pearson(q.scores + i * 150, expected->data + i * 150, 150), 0.99);
    xai_tensor_unref(expected);
    end(&q);
}
END_TEST

/* --- TracIn --- */

/* make_influence.py's network at a checkpoint. */
static xai_model *make_model(size_t checkpoint)
{
    static const char *const names[2][2] = { { "conv.weight", "conv.bias" }, { "fc.weight", "fc.bias" } };
    network n = network_begin(context, 3, 6, 6);
    int32_t x = network_unary(&n, XAI__OP_RELU, network_conv(&n, 0, 4, 3, 1, 1, true, "conv"), "relu");
    xai_model *model = network_end(&n, network_head(&n, x, 3));

    for (size_t i = 0, layer = 0; i < model->graph.n_nodes; i++) {
        const xai__node *node = &model->graph.nodes[i];

        if (node->op != XAI__OP_CONV && node->op != XAI__OP_GEMM)
            continue;
        for (size_t k = 0; k < 2; k++) {
            char name[64];
            xai_tensor *tensor;

            snprintf(name, sizeof name, "%zu.%s", checkpoint, names[layer][k]);
            tensor = read(name);
            memcpy((float *)model->graph.values[node->inputs[1 + k]].constant.data, tensor->data,
                   tensor->size * sizeof(float));
            xai_tensor_unref(tensor);
        }
        layer++;
    }
    return model;
}

typedef struct checkpoints {
    example_source source;
    xai_model *models[N_RATES];
    xai_training *sets[N_RATES];
    xai_tensor *tests;
    int64_t *test_labels;
    double rates[N_RATES];
} checkpoints;

static checkpoints open_checkpoints(void)
{
    checkpoints c = { .tests = read("tests"), .test_labels = read_labels("test_labels") };
    xai_tensor *images = read("images"), *rates = read("rates");

    c.source = (example_source){ images, read_labels("labels") };
    for (size_t i = 0; i < N_RATES; i++) {
        c.models[i] = make_model(i);
        c.sets[i] = open_source(c.models[i], &c.source);
        c.rates[i] = (double)rates->data[i];
    }
    xai_tensor_unref(rates);
    return c;
}

static void close_checkpoints(checkpoints *c)
{
    for (size_t i = 0; i < N_RATES; i++) {
        xai_training_unref(c->sets[i]);
        xai_model_unref(c->models[i]);
    }
    xai_tensor_unref(c->tests);
    xai_tensor_unref(c->source.inputs);
    free(c->source.labels);
    free(c->test_labels);
}

START_TEST(tracin)
{
    static const char *const methods[] = { "tracin-fast", "tracin" };
    static const char *const names[][2] = { { "fast.scores", "fast.self" }, { "tracin.scores", "tracin.self" } };
    checkpoints c = open_checkpoints();
    xai_influence_options options = {
        .struct_size = sizeof options, .method = methods[_i], .profile = "captum", .learning_rates = c.rates
    };
    xai_influence *influence = NULL;
    double scores[3 * 10], residual = -1;

    ck_assert_ok(xai_influence_create(&influence, c.sets, N_RATES, &options));
    ck_assert_ok(xai_influence_compute(scores, NULL, influence, c.tests, c.test_labels));
    check(scores, names[_i][0], 1e-5);
    ck_assert_ok(xai_influence_self(scores, &residual, influence));
    check(scores, names[_i][1], 1e-5);
    ck_assert_double_eq(residual, 0);
    xai_influence_unref(influence);
    close_checkpoints(&c);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("golden_influence");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, open_vectors, close_vectors);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, last_layer, 0, 3);
    tcase_add_test(cases, lissa);
    tcase_add_loop_test(cases, tracin, 0, 2);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
