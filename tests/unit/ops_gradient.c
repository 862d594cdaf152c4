/* SPDX-License-Identifier: MIT
 * Every operator's VJP, against central differences in double precision for random attributes, and at the kinks. */
#include "graph_reference.h"
#include "operator_double.h"
#include "operator_trial.h"
#include "ops/shape.h"

enum { N_TRIALS = 20, N_ELEMENTS = 60 };

static xai_context *context;

static void open_context(void)
{
    context = testing_context(1);
}

static void close_context(void)
{
    xai_context_unref(context);
}

static void call_vjp(trial *t, uint32_t rule)
{
    const xai__op_vjp vjp = { &t->graph, 0, t->seed, rule, t->gradients };

    ck_assert_msg(xai__op_find(t->op)->vjp(&vjp) == XAI_OK, "%s: %s", trial_describe(t), xai_last_error());
}

/* What is differentiated: the sum of dy times the output. */
typedef struct loss {
    const trial *trial;
    operator_double forward;
    double step; /* of the differences */
} loss;

static loss open_loss(const trial *t)
{
    loss l = { t, { t->op, t->attributes, t->n_inputs }, operator_is_known(t->op) ? 1e-5 : 1 };

    l.forward.value = &t->graph.values[t->output];
    l.forward.out = malloc((l.forward.value->size + 1) * sizeof *l.forward.out);
    ck_assert_ptr_nonnull(l.forward.out);
    for (size_t i = 0; i < t->n_inputs; i++) {
        const xai__value *value = &t->graph.values[t->inputs[i]];

        l.forward.values[i] = value;
        l.forward.inputs[i] = malloc((value->size + 1) * sizeof *l.forward.inputs[i]);
        ck_assert_ptr_nonnull(l.forward.inputs[i]);
        for (size_t j = 0; j < value->size; j++)
            l.forward.inputs[i][j] = t->data[i][j];
    }
    return l;
}

static void close_loss(loss *l)
{
    for (size_t i = 0; i < TRIAL_PARTS; i++)
        free(l->forward.inputs[i]);
    free(l->forward.out);
}

/* Gradients' operators by their own references: they are linear in each input, so a difference over whole steps is
 * exact but for rounding. */
static void compute_linear(const loss *l)
{
    const operator_double *f = &l->forward;
    float *inputs[TRIAL_PARTS] = { NULL }, *out = malloc((f->value->size + 1) * sizeof *out);

    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < f->n_inputs; i++) {
        inputs[i] = malloc((f->values[i]->size + 1) * sizeof *inputs[i]);
        ck_assert_ptr_nonnull(inputs[i]);
        for (size_t j = 0; j < f->values[i]->size; j++)
            inputs[i][j] = (float)f->inputs[i][j];
    }
    xai__op_compute(&l->trial->graph, 0, (const float *const *)inputs, out, NULL);
    for (size_t i = 0; i < f->value->size; i++)
        f->out[i] = out[i];
    for (size_t i = 0; i < f->n_inputs; i++)
        free(inputs[i]);
    free(out);
}

static double evaluate(loss *l)
{
    double sum = 0;

    if (operator_is_known(l->forward.op))
        operator_compute(&l->forward);
    else
        compute_linear(l);
    for (size_t i = 0; i < l->forward.value->size; i++)
        sum += l->forward.out[i] * l->trial->dy[i];
    return sum;
}

static double difference(loss *l, size_t input, size_t i)
{
    double *x = &l->forward.inputs[input][i], middle = *x, above, below;

    *x = middle + l->step;
    above = evaluate(l);
    *x = middle - l->step;
    below = evaluate(l);
    *x = middle;
    return (above - below) / (2 * l->step);
}

/* Every element of a small input, a random choice of a large one's. Tolerance: floats are summed up to a few hundred at
 * a time. */
static void check_gradient(trial *t, loss *l, size_t input, const float *gradient)
{
    const size_t size = l->forward.values[input]->size, n = size < N_ELEMENTS ? size : N_ELEMENTS;
    const double tolerance = operator_is_known(t->op) ? 4e-6 : 4e-5;

    for (size_t k = 0; k < n; k++) {
        const size_t i = n == size ? k : (size_t)(xai__rng_uniform(&t->rng) * (double)size);
        const double expected = difference(l, input, i), got = gradient[i];

        ck_assert_msg(fabs(got - expected) <= tolerance * (1 + fabs(expected)),
                      "%s: gradient of input %zu, element %zu is %.9g, differences give %.9g", trial_describe(t), input,
                      i, got, expected);
    }
}

static bool has_gradient(const trial *t, size_t input)
{
    if (t->op == XAI__OP_GATHER || t->op == XAI__OP_SCATTER_SUM)
        return input == 0;
    return t->op != XAI__OP_BATCH_NORM || input < 3;
}

static void check_inputs(trial *t, loss *l)
{
    graph_reference r;

    graph_reference_run(&r, &t->graph, t->seed, t->dy);
    for (size_t i = 0; i < t->n_inputs; i++) {
        const xai__value *value = &t->graph.values[t->inputs[i]];
        const int32_t gradient = t->gradients[i];

        ck_assert_msg((gradient >= 0) == has_gradient(t, i), "%s: input %zu", trial_describe(t), i);
        if (gradient < 0)
            continue;
        ck_assert_msg(xai__shape_is(&t->graph.values[gradient], value->shape, value->rank), "%s: input %zu",
                      trial_describe(t), i);
        check_gradient(t, l, i, graph_reference_at(&r, gradient));
    }
    graph_reference_free(&r);
}

/* The rows' references and the double precision that differences are taken of are the same function. */
static void check_forward(const trial *t, loss *l)
{
    float *out = malloc((l->forward.value->size + 1) * sizeof *out);

    ck_assert_ptr_nonnull(out);
    xai__op_compute(&t->graph, 0, (const float *const *)t->data, out, NULL);
    evaluate(l);
    for (size_t i = 0; i < l->forward.value->size; i++)
        ck_assert_msg(fabs(out[i] - l->forward.out[i]) <= 1e-6 * (1 + fabs(l->forward.out[i])),
                      "%s: element %zu is %.9g, in double precision %.9g", trial_describe(t), i, (double)out[i],
                      l->forward.out[i]);
    free(out);
}

START_TEST(equals_central_differences)
{
    const uint32_t op = (uint32_t)_i;
    trial t;
    loss l;

    for (int number = 0; number < N_TRIALS && trial_draws[op] != NULL; number++) {
        trial_open(&t, context, op, number);
        call_vjp(&t, XAI__RELU_PLAIN);
        l = open_loss(&t);
        check_forward(&t, &l);
        check_inputs(&t, &l);
        close_loss(&l);
        trial_close(&t);
    }
}
END_TEST

/* A row without a VJP is one of these, and every other is looked at above. */
START_TEST(only_these_have_no_vjp)
{
    static const uint32_t none[] = { XAI__OP_MASK, XAI__OP_ACTIVATION_DATA, XAI__OP_SOFTMAX_DATA, XAI__OP_MAX_POOL_DATA,
                                     XAI__OP_SUM_TO };
    size_t n = 0;

    for (uint32_t op = 0; op < XAI__N_OPERATORS; op++) {
        ck_assert_msg((xai__op_find(op)->vjp != NULL) == (trial_draws[op] != NULL), "%s", xai__op_find(op)->name);
        n += xai__op_find(op)->vjp == NULL;
    }
    ck_assert_uint_eq(n, sizeof none / sizeof *none);
    for (size_t i = 0; i < n; i++)
        ck_assert(xai__op_find(none[i])->vjp == NULL);
}
END_TEST

/* guided: what is negative behind the slope is stopped; deconvnet: what is negative in dy, whatever the slope. */
static void check_rules(trial *t)
{
    int32_t values[XAI__N_RELU_RULES];
    graph_reference r;

    for (uint32_t rule = 0; rule < XAI__N_RELU_RULES; rule++) {
        call_vjp(t, rule);
        values[rule] = t->gradients[0];
    }
    graph_reference_run(&r, &t->graph, t->seed, t->dy);
    for (size_t i = 0; i < t->graph.values[t->output].size; i++) {
        const float plain = graph_reference_at(&r, values[XAI__RELU_PLAIN])[i];
        const float guided = graph_reference_at(&r, values[XAI__RELU_GUIDED])[i];
        const float deconvnet = graph_reference_at(&r, values[XAI__RELU_DECONVNET])[i];

        ck_assert_msg(guided == fmaxf(plain, 0), "%s: guided, element %zu is %g", trial_describe(t), i, (double)guided);
        ck_assert_msg(deconvnet == fmaxf(t->dy[i], 0), "%s: deconvnet, element %zu is %g", trial_describe(t), i,
                      (double)deconvnet);
    }
    graph_reference_free(&r);
}

START_TEST(rules_stop_what_is_negative)
{
    trial t;

    for (int number = 0; number < N_TRIALS; number++) {
        trial_open(&t, context, (uint32_t)_i, number);
        check_rules(&t);
        trial_close(&t);
    }
}
END_TEST

/* Computes the gradient of input 0 of a node for a dy of 1, 2, 3 ... */
static void backward(float *dx, uint32_t op, const xai__attributes *attributes, const int64_t *shape, uint32_t rank,
                     const float *x)
{
    xai__graph graph;
    graph_reference r;
    int32_t input, seed, gradient = -1;
    xai__value y;
    float *dy;

    xai__graph_init(&graph, context);
    input = xai__graph_add_constant(&graph, shape, rank, x);
    ck_assert_int_ge(xai__op_add(&graph, op, attributes, &input, 1), 0);
    y = graph.values[graph.nodes[0].output];
    dy = malloc((y.size + 1) * sizeof *dy);
    ck_assert_ptr_nonnull(dy);
    for (size_t i = 0; i < y.size; i++)
        dy[i] = (float)(i + 1);
    seed = xai__graph_add_value(&graph, y.shape, y.rank);
    ck_assert_ok(xai__op_find(op)->vjp(&(xai__op_vjp){ &graph, 0, seed, XAI__RELU_PLAIN, &gradient }));
    graph_reference_run(&r, &graph, seed, dy);
    memcpy(dx, graph_reference_at(&r, gradient), graph.values[input].size * sizeof *dx);
    graph_reference_free(&r);
    free(dy);
    xai__graph_fini(&graph);
}

/* A slope at a point where it could be another one. */
typedef struct kink {
    uint32_t op;
    float x, slope; /* of torch 2.15, but for a mask, which stops at NaN */
} kink;

static const kink kinks[] = {
    { XAI__OP_RELU, 0, 0 },
    { XAI__OP_RELU, -0.0f, 0 },
    { XAI__OP_RELU, 1e-30f, 1 },
    { XAI__OP_RELU, INFINITY, 1 },
    { XAI__OP_RELU, NAN, 0 },
    { XAI__OP_CLIP, -3, 0 },
    { XAI__OP_CLIP, -2.9999998f, 1 },
    { XAI__OP_CLIP, 0, 1 },
    { XAI__OP_CLIP, 2.9999998f, 1 },
    { XAI__OP_CLIP, 3, 0 },
    { XAI__OP_CLIP, INFINITY, 0 },
    { XAI__OP_CLIP, NAN, 0 },
    { XAI__OP_SIGMOID, -INFINITY, 0 },
    { XAI__OP_SIGMOID, 0, 0.25f },
    { XAI__OP_SIGMOID, INFINITY, 0 },
    { XAI__OP_SIGMOID, NAN, NAN },
    { XAI__OP_SILU, 0, 0.5f },
    { XAI__OP_SILU, -INFINITY, NAN },
    { XAI__OP_SILU, NAN, NAN },
    { XAI__OP_HARD_SIGMOID, -3, 0 },
    { XAI__OP_HARD_SIGMOID, -2.9999998f, 1.0f / 6 },
    { XAI__OP_HARD_SIGMOID, 2.9999998f, 1.0f / 6 },
    { XAI__OP_HARD_SIGMOID, 3, 0 },
    { XAI__OP_HARD_SIGMOID, NAN, 0 },
    { XAI__OP_HARD_SWISH, -INFINITY, 0 },
    { XAI__OP_HARD_SWISH, -3, 0 },
    { XAI__OP_HARD_SWISH, -2.9999998f, -0.49999991f },
    { XAI__OP_HARD_SWISH, 2.9999998f, 1.4999999f },
    { XAI__OP_HARD_SWISH, 3, 1 },
    { XAI__OP_HARD_SWISH, INFINITY, 1 },
    { XAI__OP_HARD_SWISH, NAN, 1 },
};

START_TEST(slopes_at_kinks_are_torchs)
{
    const kink *k = &kinks[_i];
    const int64_t shape[2] = { 1, 1 };
    xai__attributes a = xai__attributes_default();
    float slope;

    a.low = k->op == XAI__OP_CLIP ? -3 : 1.0f / 6;
    a.high = k->op == XAI__OP_CLIP ? 3 : 0.5f;
    backward(&slope, k->op, &a, shape, 2, &k->x);
    ck_assert_msg(isnan(k->slope) ? isnan(slope) : fabsf(slope - k->slope) < 2e-7f, "%s at %.9g: %.9g, expected %.9g",
                  xai__op_find(k->op)->name, (double)k->x, (double)slope, (double)k->slope);
}
END_TEST

/* 2x2 pixels under one window, and where torch 2.15 sends the gradient. */
static const struct {
    float x[4];
    size_t at;
} maxima[] = {
    { { 1, 1, 1, 1 }, 0 },
    { { 0, 2, 2, 1 }, 1 },
    { { 0.0f, -0.0f, 0, 0 }, 0 },
    { { -0.0f, 0.0f, 0, 0 }, 0 },
    { { NAN, 1, 1, NAN }, 3 },
    { { NAN, NAN, 5, 1 }, 1 },
    { { -INFINITY, -INFINITY, -INFINITY, -INFINITY }, 0 },
};

START_TEST(ties_go_to_the_first_maximum)
{
    const int64_t shape[4] = { 1, 1, 2, 2 };
    xai__attributes a = xai__attributes_default();
    float dx[4];

    a.kernel[0] = a.kernel[1] = 2;
    backward(dx, XAI__OP_MAX_POOL, &a, shape, 4, maxima[_i].x);
    for (size_t i = 0; i < 4; i++)
        ck_assert_float_eq(dx[i], i == maxima[_i].at ? 1 : 0);
}
END_TEST

/* A window whose taps all lie in the padding has no pixel to send its gradient to. */
START_TEST(a_window_without_pixels_sends_nothing)
{
    const int64_t shape[4] = { 1, 1, 1, 1 };
    xai__attributes a = xai__attributes_default();
    float dx, x = 5;

    a.kernel[0] = 2;
    a.dilation[0] = 2;
    a.pads[0] = a.pads[2] = 1;
    backward(&dx, XAI__OP_MAX_POOL, &a, shape, 4, &x);
    ck_assert_float_eq(dx, 0);
}
END_TEST

START_TEST(what_a_slice_leaves_out_gets_zeros)
{
    const int64_t shape[2] = { 1, 6 };
    const xai__attributes some = { .begin = { 0, 1 }, .end = { 1, 6 }, .step = { 1, 3 } };
    const xai__attributes none = { .begin = { 0, 2 }, .end = { 1, 2 }, .step = { 1, 1 } };
    const xai__attributes huge = { .begin = { 0, 4 }, .end = { 1, 6 }, .step = { 1, INT64_MAX } };
    const float x[6] = { 0 };
    float dx[6];

    backward(dx, XAI__OP_SLICE, &some, shape, 2, x);
    for (size_t i = 0; i < 6; i++)
        ck_assert_float_eq(dx[i], i == 1 ? 1 : (i == 4 ? 2 : 0));
    backward(dx, XAI__OP_SLICE, &none, shape, 2, x);
    for (size_t i = 0; i < 6; i++)
        ck_assert_float_eq(dx[i], 0);
    backward(dx, XAI__OP_SLICE, &huge, shape, 2, x);
    for (size_t i = 0; i < 6; i++)
        ck_assert_float_eq(dx[i], i == 4 ? 1 : 0);
}
END_TEST

START_TEST(batch_norm_needs_constants)
{
    const int64_t shape[2] = { 1, 3 };
    const xai__attributes a = xai__attributes_default();
    xai__graph graph;
    int32_t inputs[5], gradients[5] = { -1, -1, -1, -1, -1 };

    xai__graph_init(&graph, context);
    inputs[0] = xai__graph_add_value(&graph, shape, 2);
    for (size_t i = 1; i < 5; i++)
        inputs[i] = xai__graph_add_value(&graph, shape + 1, 1);
    ck_assert_int_ge(xai__op_add(&graph, XAI__OP_BATCH_NORM, &a, inputs, 5), 0);
    ck_assert_fails(xai__op_find(XAI__OP_BATCH_NORM)->vjp(&(xai__op_vjp){ &graph, 0, 5, 0, gradients }),
                    XAI_E_UNSUPPORTED, "BatchNormalization: the gradient needs input 1 to be constant");
    xai__graph_fini(&graph);
}
END_TEST

static Suite *ops_gradient_suite(void)
{
    Suite *suite = suite_create("ops_gradient");
    TCase *cases = tcase_create("ops_gradient");

    tcase_add_unchecked_fixture(cases, open_context, close_context);
    tcase_add_loop_test(cases, equals_central_differences, 0, XAI__N_OPERATORS);
    tcase_add_test(cases, only_these_have_no_vjp);
    tcase_add_loop_test(cases, rules_stop_what_is_negative, XAI__OP_RELU, XAI__OP_HARD_SWISH + 1);
    tcase_add_loop_test(cases, slopes_at_kinks_are_torchs, 0, (int)(sizeof kinks / sizeof *kinks));
    tcase_add_loop_test(cases, ties_go_to_the_first_maximum, 0, (int)(sizeof maxima / sizeof *maxima));
    tcase_add_test(cases, a_window_without_pixels_sends_nothing);
    tcase_add_test(cases, what_a_slice_leaves_out_gets_zeros);
    tcase_add_test(cases, batch_norm_needs_constants);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(ops_gradient_suite)
