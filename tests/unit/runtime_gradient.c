/* SPDX-License-Identifier: MIT
 * Gradients of whole networks: equal to the gradient graph's references, whatever is asked for with them. */
#include "graph_reference.h"
#include "networks.h"

#include <math.h>

#include "model/gradient.h"
#include "runtime/session.h"

typedef xai_model *(*make_fn)(xai_context *context);

static const make_fn makers[] = { network_residual, network_preactivation, network_dense };
static const char *const chains[] = { "native", "ref", "native-avx2", "native-baseline" };

enum { N_MAKERS = sizeof makers / sizeof *makers, N_CHAINS = sizeof chains / sizeof *chains, MOST = 64 };

/* Seeds that differ from element to element, image to image and target to target. */
static float seed_element(size_t target, size_t image, size_t i)
{
    return (float)((double)((i * 7 + target * 5 + image * 3) % 11) / 5.0 - 1.0);
}

static xai_status fill_seed(void *user, float *seed, size_t target, size_t first, size_t n, xai_tensor *const *fetched)
{
    const size_t *size = user;

    (void)fetched;
    for (size_t image = first; image < first + n; image++)
        for (size_t i = 0; i < *size; i++)
            seed[image * *size + i] = seed_element(target, image, i);
    return XAI_OK;
}

/* The named values and the parameters that `of` depends on. */
static size_t list_wrt(int32_t *wrt, const xai_model *model, int32_t of, uint32_t rule)
{
    xai__gradient *gradient = NULL;
    size_t n = 0;

    ck_assert_ok(xai__gradient_build(&gradient, &model->graph, of, rule));
    for (size_t i = 0; i < model->graph.n_values && n < MOST; i++)
        if (gradient->values[i] >= 0)
            wrt[n++] = (int32_t)i;
    xai__gradient_free(gradient);
    return n;
}

/* The request that every test makes: gradients of `of` with respect to wrt. */
typedef struct question {
    int32_t of;
    uint32_t rule;
    size_t n_wrt, n_targets, size;
    int32_t wrt[MOST];
} question;

static question ask(const xai_model *model, int32_t of, uint32_t rule, size_t n_targets)
{
    question q = { .of = of, .rule = rule, .n_targets = n_targets, .size = model->graph.values[of].size };

    q.n_wrt = list_wrt(q.wrt, model, of, rule);
    ck_assert_uint_gt(q.n_wrt, 0);
    return q;
}

static xai_status answer(xai_tensor **out, xai_tensor **gradients, xai_session *session, const xai_tensor *input,
                         question *q)
{
    const xai__graph *graph = &session->model->graph;
    const xai__backward backward = { .of = q->of,
                                     .rule = q->rule,
                                     .wrt = q->wrt,
                                     .n_wrt = q->n_wrt,
                                     .n_targets = q->n_targets,
                                     .seed = fill_seed,
                                     .user = &q->size,
                                     .out = gradients };

    return xai__session_run(
        out, session,
        &(xai__request){
            .feed = graph->input, .fed = input, .fetches = &graph->output, .n_fetches = 1, .backward = &backward });
}

static void drop(xai_tensor *out, xai_tensor **gradients, size_t n)
{
    xai_tensor_unref(out);
    for (size_t i = 0; i < n; i++)
        xai_tensor_unref(gradients[i]);
}

static float largest(const float *data, size_t n)
{
    float most = 0;

    for (size_t i = 0; i < n; i++)
        most = fmaxf(most, fabsf(data[i]));
    return most;
}

static void assert_near(const float *got, const float *expected, size_t n, const char *what)
{
    float scale = fmaxf(largest(expected, n), 1e-3f);

    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabsf(got[i] - expected[i]) <= 2e-5f * scale, "%s, element %zu: %g, expected %g", what, i,
                      (double)got[i], (double)expected[i]);
}

/* One image of one target against the references of the gradient graph. */
static void compare(const xai_model *model, const question *q, const xai_tensor *input, size_t image, size_t target,
                    xai_tensor *const *gradients)
{
    const size_t input_size = model->graph.values[model->graph.input].size;
    xai__gradient *gradient = NULL;
    graph_reference r;
    float *seed = calloc(q->size, sizeof *seed);

    ck_assert_ptr_nonnull(seed);
    ck_assert_ok(xai__gradient_build(&gradient, &model->graph, q->of, q->rule));
    graph_reference_run(&r, &gradient->graph, model->graph.input, input->data + image * input_size);
    for (size_t i = 0; i < q->size; i++)
        seed[i] = seed_element(target, image, i);
    graph_reference_feed(&r, gradient->seed, seed);
    for (size_t i = q->n_wrt; i-- > 0;) { /* from the output back, so that the first to differ is named */
        const xai__value *value = &model->graph.values[q->wrt[i]];
        int32_t found;

        ck_assert_ok(xai__gradient_find(&found, gradient, q->wrt[i]));
        assert_near(gradients[target * q->n_wrt + i]->data + image * value->size, graph_reference_at(&r, found),
                    value->size, value->name != NULL ? value->name : "a parameter");
    }
    graph_reference_free(&r);
    xai__gradient_free(gradient);
    free(seed);
}

START_TEST(every_gradient)
{
    xai_context *context = network_context(chains[_i % N_CHAINS], 2);
    xai_model *model = makers[_i / N_CHAINS % N_MAKERS](context);
    xai_session *session = network_session(model, 0);
    xai_tensor *input = network_input(model, 2, 3), *out = NULL, *gradients[2 * MOST];
    question q = ask(model, model->graph.output, (uint32_t)(_i / (N_CHAINS * N_MAKERS)), 2);

    ck_assert_ok(answer(&out, gradients, session, input, &q));
    for (size_t image = 0; image < 2; image++)
        for (size_t target = 0; target < 2; target++)
            compare(model, &q, input, image, target, gradients);
    drop(out, gradients, 2 * q.n_wrt);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

/* Everything at once is the yardstick; then other thread counts, budgets that cut the batch, and one image alone. */
START_TEST(same_bits)
{
    static const uint64_t budgets[] = { 0, 1, 400000 };
    xai_tensor *all = NULL, *whole[3 * MOST];

    for (int run = 0; run < 6; run++) {
        xai_context *context = network_context(chains[0], 1 + (uint32_t)run % 3);
        xai_model *model = makers[_i](context);
        xai_session *session = network_session(model, budgets[run / 2]);
        xai_tensor *input = network_input(model, 3, 3), *out = NULL, *gradients[3 * MOST];
        question q = ask(model, model->graph.output, XAI__RELU_PLAIN, 3);

        ck_assert_ok(answer(&out, gradients, session, input, &q));
        for (size_t i = 0; i < 3 * q.n_wrt; i++) {
            if (run == 0)
                whole[i] = xai_tensor_ref(gradients[i]);
            ck_assert_int_eq(memcmp(gradients[i]->data, whole[i]->data, whole[i]->size * sizeof(float)), 0);
        }
        drop(out, gradients, 3 * q.n_wrt);
        if (run == 5)
            drop(all, whole, 3 * q.n_wrt);
        xai_tensor_unref(input);
        xai_session_unref(session);
        xai_model_unref(model);
        xai_context_unref(context);
    }
}
END_TEST

/* A value in the middle is differentiated, also with respect to itself. */
START_TEST(of_the_middle)
{
    xai_context *context = network_context("native", 1);
    xai_model *model = network_residual(context);
    xai_session *session = network_session(model, 0);
    xai_tensor *input = network_input(model, 1, 3), *out = NULL, *gradients[MOST];
    int32_t middle = -1;
    question q;

    ck_assert_ok(xai__graph_find(&middle, &model->graph, "a.relu"));
    q = ask(model, middle, XAI__RELU_PLAIN, 1);
    ck_assert_int_eq(q.wrt[q.n_wrt - 1], middle);
    ck_assert_ok(answer(&out, gradients, session, input, &q));
    compare(model, &q, input, 0, 0, gradients);
    drop(out, gradients, q.n_wrt);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

static int32_t halve(xai_hook *hook, xai_tensor *value, void *user)
{
    (void)hook;
    ++*(int *)user;
    for (size_t i = 0; i < value->size; i++)
        value->data[i] *= 0.5f;
    return 0;
}

/* What follows b.relu is linear and its mask sees the same signs, so other logits come with the same gradient. */
START_TEST(edits_apply)
{
    xai_context *context = network_context("native", 1);
    xai_model *model = network_residual(context);
    xai_session *session = network_session(model, 0);
    xai_tensor *input = network_input(model, 1, 3), *plain = NULL, *edited = NULL, *gradients[MOST], *again[MOST];
    question q = ask(model, model->graph.output, XAI__RELU_PLAIN, 1);
    xai_hook *hook = NULL;
    int n_calls = 0;

    ck_assert_ok(answer(&plain, gradients, session, input, &q));
    ck_assert_ok(xai_hook_attach(&hook, session, "b.relu", XAI_HOOK_EDIT, halve, &n_calls, NULL));
    ck_assert_ok(answer(&edited, again, session, input, &q));
    ck_assert_int_eq(n_calls, 1);
    ck_assert_int_ne(memcmp(plain->data, edited->data, plain->size * sizeof(float)), 0);
    for (size_t i = 0; i < q.n_wrt; i++)
        if (q.wrt[i] == model->graph.input)
            assert_near(again[i]->data, gradients[i]->data, again[i]->size, "input");
    xai_hook_unref(hook);
    drop(plain, gradients, q.n_wrt);
    drop(edited, again, q.n_wrt);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

START_TEST(what_does_not_depend)
{
    xai_context *context = network_context("native", 1);
    xai_model *model = network_residual(context);
    xai_session *session = network_session(model, 0);
    xai_tensor *input = network_input(model, 1, 3), *out = NULL, *gradients[MOST];
    question q = { .n_wrt = 1, .n_targets = 1 };

    ck_assert_ok(xai__graph_find(&q.of, &model->graph, "a.relu"));
    ck_assert_ok(xai__graph_find(&q.wrt[0], &model->graph, "b.relu"));
    q.size = model->graph.values[q.of].size;
    ck_assert_fails(answer(&out, gradients, session, input, &q), XAI_E_INVALID, "does not depend on");
    ck_assert_ptr_null(out);
    ck_assert_ptr_null(gradients[0]);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("runtime_gradient");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, every_gradient, 0, N_CHAINS * N_MAKERS * XAI__N_RELU_RULES);
    tcase_add_loop_test(cases, same_bits, 0, N_MAKERS);
    tcase_add_test(cases, of_the_middle);
    tcase_add_test(cases, edits_apply);
    tcase_add_test(cases, what_does_not_depend);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
