/* SPDX-License-Identifier: MIT
 * Plans and sessions: equal to the operators' references, hooks cost no bit, batches, threads and budgets neither. */
#include "graph_reference.h"
#include "networks.h"

#include <math.h>

#include "backends/registry.h"
#include "runtime/cache.h"
#include "runtime/session.h"

typedef xai_model *(*make_fn)(xai_context *context);

static const make_fn makers[] = { network_residual, network_preactivation, network_dense, network_inverted };
static const char *const chains[] = { "native", "ref", "native-avx2", "native-baseline" };

enum { N_MAKERS = sizeof makers / sizeof *makers, N_CHAINS = sizeof chains / sizeof *chains };

/* Backends that promise closeness, not bits. */
static const char *const close_chains[] = { "openblas", "openblas,native", "openblas,ref" };

enum { N_CLOSE = sizeof close_chains / sizeof *close_chains };

static bool is_built_in(const char *backend)
{
    for (size_t i = 0; xai__backends_name(i) != NULL; i++)
        if (strcmp(xai__backends_name(i), backend) == 0)
            return true;
    return false;
}

static xai_tensor *forward(xai_session *session, const xai_tensor *input)
{
    xai_tensor *logits = NULL;

    ck_assert_ok(xai_session_forward(&logits, session, input));
    return logits;
}

static void assert_same_bits(const xai_tensor *a, const float *b, size_t n)
{
    ck_assert_uint_eq(a->size, n);
    ck_assert_msg(memcmp(a->data, b, n * sizeof(float)) == 0, "bits differ");
}

static xai_hook *capture(xai_session *session, const char *value)
{
    xai_hook *hook = NULL;

    ck_assert_ok(xai_hook_attach(&hook, session, value, XAI_HOOK_CAPTURE, NULL, NULL, NULL));
    return hook;
}

/* Hooks on every named value; returned in an array that ends with NULL. */
static xai_hook **capture_all(xai_session *session, const xai_model *model)
{
    xai_hook **hooks = calloc(model->graph.n_values + 1, sizeof *hooks);
    size_t n = 0;

    for (size_t i = 0; i < model->graph.n_values; i++)
        if (model->graph.values[i].name != NULL)
            hooks[n++] = capture(session, model->graph.values[i].name);
    return hooks;
}

static void drop_all(xai_hook **hooks)
{
    for (size_t i = 0; hooks[i] != NULL; i++)
        xai_hook_unref(hooks[i]);
    free(hooks);
}

static void assert_close(const xai_hook *hook, const float *expected, size_t n)
{
    xai_tensor *got = NULL;
    float scale = 1e-3f;

    ck_assert_ok(xai_hook_output(&got, hook));
    ck_assert_uint_eq(got->size, n);
    for (size_t i = 0; i < n; i++)
        scale = fmaxf(scale, fabsf(expected[i]));
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabsf(got->data[i] - expected[i]) <= 2e-5f * scale, "%s[%zu]: %g, reference %g",
                      xai_hook_value(hook), i, got->data[i], expected[i]);
    xai_tensor_unref(got);
}

/* Every value of a network equals what the references give. */
static void check_values(const char *chain, make_fn maker)
{
    xai_context *context = network_context(chain, 2);
    xai_model *model = maker(context);
    xai_session *session = network_session(model, 0);
    xai_tensor *input = network_input(model, 1, 3), *logits;
    xai_hook **hooks = capture_all(session, model);
    graph_reference expected;

    graph_reference_run(&expected, &model->graph, model->graph.input, input->data);
    logits = forward(session, input);
    for (size_t i = 0, n = 0; i < model->graph.n_values; i++)
        if (model->graph.values[i].name != NULL)
            assert_close(hooks[n++], graph_reference_at(&expected, (int32_t)i), model->graph.values[i].size);
    drop_all(hooks);
    graph_reference_free(&expected);
    xai_tensor_unref(logits);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}

START_TEST(equals_references)
{
    check_values(chains[_i % N_CHAINS], makers[_i / N_CHAINS]);
}
END_TEST

/* Only where the build has the backend: kernels/ says that it is skipped elsewhere. */
START_TEST(equals_references_closely)
{
    if (is_built_in("openblas"))
        check_values(close_chains[_i % N_CLOSE], makers[_i / N_CLOSE]);
}
END_TEST

/* Logits with every value hooked equal logits with none, and the same kernels run: only stores and deliveries differ.
 */
START_TEST(hooks_cost_no_bit)
{
    xai_context *context = network_context(chains[_i % N_CHAINS], 1);
    xai_model *model = makers[_i / N_CHAINS](context);
    xai_session *session = network_session(model, 0);
    xai_tensor *input = network_input(model, 2, 5), *bare = forward(session, input), *hooked;
    xai_hook **hooks = capture_all(session, model);

    hooked = forward(session, input);
    assert_same_bits(hooked, bare->data, bare->size);
    drop_all(hooks);
    xai_tensor_unref(hooked);
    hooked = forward(session, input);
    assert_same_bits(hooked, bare->data, bare->size);
    xai_tensor_unref(hooked);
    xai_tensor_unref(bare);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

/* The kernels of a plan in order, as text; deliveries left out. */
static void list_kernels(char *out, size_t capacity, xai_model *model, const int32_t *taps, size_t n_taps)
{
    const xai__plan_key key = { .graph = &model->graph,
                                .n_early = model->graph.n_nodes,
                                .feeds = &model->graph.input,
                                .n_feeds = 1,
                                .taps = taps,
                                .n_taps = n_taps,
                                .fetches = &model->graph.output,
                                .n_fetches = 1 };
    xai__plan *plan = NULL;
    size_t length = 0;

    ck_assert_ok(xai__cache_plan(&plan, model, &key));
    out[0] = '\0';
    for (size_t i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].kind != XAI__STEP_DELIVER)
            length += (size_t)snprintf(out + length, capacity - length, "%d:%s ", plan->steps[i].node,
                                       plan->steps[i].kernel != NULL ? plan->steps[i].kernel->name : "ref");
    xai__cache_release(model, plan);
}

START_TEST(hooks_change_no_kernel)
{
    xai_context *context = testing_context(1);
    xai_model *model = makers[_i](context);
    int32_t *taps = malloc(model->graph.n_values * sizeof *taps);
    char bare[4096], hooked[4096];
    size_t n = 0;

    for (size_t i = 0; i < model->graph.n_values; i++)
        if (model->graph.values[i].name != NULL)
            taps[n++] = (int32_t)i;
    list_kernels(bare, sizeof bare, model, &model->graph.output, 1);
    list_kernels(hooked, sizeof hooked, model, taps, n);
    ck_assert_str_eq(bare, hooked);
    free(taps);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

/* A chain of convolution, batch norm, addition and ReLU is one step. */
START_TEST(chains_are_fused)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_residual(context);
    char kernels[4096];
    size_t n_steps = 0;

    list_kernels(kernels, sizeof kernels, model, &model->graph.output, 1);
    for (const char *at = kernels; *at != '\0'; at++)
        n_steps += *at == ' ';
    /* conv1, maxpool, a.conv1, a.conv2, b.down.0, b.conv1, b.conv2, avgpool, fc */
    ck_assert_msg(n_steps == 9, "%zu steps: %s", n_steps, kernels);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

/* a.conv1 with a.conv2, b.conv2 with b.conv3; b.conv1 feeds two. Others must see a tapped value whole. */
START_TEST(large_values_stay_in_the_cache)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_inverted(context);
    int32_t fetched[2] = { -1, model->graph.output };
    size_t n_pairs[2] = { 0, 0 }, arenas[2];

    ck_assert_ok(xai__graph_find(&fetched[0], &model->graph, "a.clip1"));
    for (size_t i = 0; i < 2; i++) {
        const xai__plan_key key = { .graph = &model->graph,
                                    .n_early = model->graph.n_nodes,
                                    .feeds = &model->graph.input,
                                    .n_feeds = 1,
                                    .taps = fetched + i,
                                    .n_taps = 2 - i,
                                    .fetches = fetched + i,
                                    .n_fetches = 2 - i };
        xai__plan *plan = NULL;

        ck_assert_ok(xai__cache_plan(&plan, model, &key));
        arenas[i] = plan->arena;
        for (size_t j = 0; j < plan->n_steps; j++)
            n_pairs[i] += plan->steps[j].pair.n_rows > 0;
        xai__cache_release(model, plan);
    }
    ck_assert_uint_eq(n_pairs[0], 1);
    ck_assert_uint_eq(n_pairs[1], 2);
    /* a.clip1 passes through scratch memory where nobody watches it. */
    ck_assert_uint_le(arenas[1] + model->graph.values[fetched[0]].size, arenas[0]);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

/* The same bits for 1, 2, 3 and 8 threads, for an image alone and in a batch of 5, for any budget, and again. */
START_TEST(same_bits)
{
    static const uint32_t n_threads[] = { 1, 2, 3, 8 };
    float alone[16];
    size_t n_classes = 0;

    for (size_t t = 0; t < 4; t++) {
        xai_context *context = network_context(chains[_i % N_CHAINS], n_threads[t]);
        xai_model *model = makers[_i / N_CHAINS](context);
        xai_tensor *five = network_input(model, 5, 11), *one = NULL, *logits;
        const int64_t shape[4] = { 1, five->shape[1], five->shape[2], five->shape[3] };

        ck_assert_ok(xai_tensor_wrap(&one, context, five->data + 3 * (five->size / 5), shape, 4, NULL, NULL));
        for (uint64_t budget = 0; budget < 3; budget++) { /* default; one at a time; two at a time */
            xai_session *session = network_session(model, budget == 2 ? 200000 : budget);

            logits = forward(session, one);
            n_classes = logits->size;
            if (t == 0 && budget == 0)
                memcpy(alone, logits->data, n_classes * sizeof(float));
            assert_same_bits(logits, alone, n_classes);
            xai_tensor_unref(logits);
            logits = forward(session, five);
            ck_assert(memcmp(logits->data + 3 * n_classes, alone, n_classes * sizeof(float)) == 0);
            xai_tensor_unref(logits);
            xai_session_unref(session);
        }
        xai_tensor_unref(one);
        xai_tensor_unref(five);
        xai_model_unref(model);
        xai_context_unref(context);
    }
}
END_TEST

/* From any value through which everything flows, the rest of the network gives the same bits. */
START_TEST(feeds_from_the_middle)
{
    static const char *const values[] = { "conv1", "maxpool", "a.relu", "b.relu", "avgpool", "flatten", "fc", "input" };
    xai_context *context = testing_context(1);
    xai_model *model = network_residual(context);
    xai_session *session = network_session(model, 0);
    xai_tensor *input = network_input(model, 3, 1), *logits, *again = NULL, *fed = NULL;

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        xai_hook *hook = capture(session, values[i]);

        logits = forward(session, input);
        ck_assert_ok(xai_hook_output(&fed, hook));
        ck_assert_ok(xai_session_forward_from(&again, session, values[i], fed));
        assert_same_bits(again, logits->data, logits->size);
        xai_tensor_unref(again);
        xai_tensor_unref(fed);
        xai_tensor_unref(logits);
        xai_hook_unref(hook);
    }
    ck_assert_fails(xai_session_forward_from(&again, session, "a.bn2", input), XAI_E_SHAPE, "'a.bn2' takes Nx24x6x5");
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

START_TEST(residuals_lead_around)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_residual(context);
    xai_session *session = network_session(model, 0);
    const int64_t shape[4] = { 1, 24, 6, 5 };
    xai_tensor *fed = NULL, *out = NULL;

    ck_assert_ok(xai_tensor_create(&fed, context, shape, 4));
    ck_assert_fails(xai_session_forward_from(&out, session, "a.bn2", fed), XAI_E_UNSUPPORTED,
                    "'a.bn2': another path leads around it");
    ck_assert_ptr_null(out);
    xai_tensor_unref(fed);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

/* --- hooks that edit --- */

static int32_t double_it(xai_hook *hook, xai_tensor *value, void *user)
{
    for (size_t i = 0; i < value->size; i++)
        value->data[i] *= 2;
    ++*(int *)user;
    return 0;
}

static int32_t leave_it(xai_hook *hook, xai_tensor *value, void *user)
{
    return 0;
}

/* Editing a value is the same as feeding the edited value, wherever it lies in a chain; on each value in turn. */
START_TEST(edits_reach_what_follows)
{
    xai_context *context = network_context(chains[_i % N_CHAINS], 2);
    xai_model *model = makers[_i / N_CHAINS](context);
    xai_session *session = network_session(model, 0);
    xai_tensor *input = network_input(model, 2, 9), *plain = forward(session, input);

    for (size_t v = 0; v < model->graph.n_values; v++) {
        const char *name = model->graph.values[v].name;
        xai_tensor *edited = NULL, *fed = NULL, *logits, *neutral;
        xai_hook *edit = NULL, *after;
        int calls = 0;

        if (name == NULL)
            continue;
        ck_assert_ok(xai_hook_attach(&edit, session, name, XAI_HOOK_EDIT, double_it, &calls, NULL));
        after = capture(session, name);
        logits = forward(session, input);
        ck_assert_int_eq(calls, 1);
        ck_assert_ok(xai_hook_output(&fed, after));
        xai_hook_unref(edit);
        xai_hook_unref(after);
        /* Where everything flows through the value, feeding it says the same. */
        if (xai_session_forward_from(&edited, session, name, fed) == XAI_OK)
            assert_same_bits(logits, edited->data, edited->size);
        /* A hook that edits nothing cuts the chain, which changes no bit. */
        ck_assert_ok(xai_hook_attach(&edit, session, name, XAI_HOOK_EDIT, leave_it, NULL, NULL));
        neutral = forward(session, input);
        assert_same_bits(neutral, plain->data, plain->size);
        xai_hook_unref(edit);
        xai_tensor_unref(neutral);
        xai_tensor_unref(edited);
        xai_tensor_unref(fed);
        xai_tensor_unref(logits);
    }
    xai_tensor_unref(plain);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

/* The reference says what an edit in the middle of a residual block must do; nothing else sees it. */
START_TEST(edit_spares_the_shortcut)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_residual(context);
    xai_session *session = network_session(model, 0);
    xai_tensor *input = network_input(model, 1, 9), *logits, *sum = NULL;
    graph_reference values;
    xai_hook *edit = NULL, *seen = capture(session, "a.add");
    const float *bn2, *pool;
    int calls = 0;

    graph_reference_run(&values, &model->graph, model->graph.input, input->data);
    bn2 = graph_reference_value(&values, "a.bn2");
    pool = graph_reference_value(&values, "maxpool");
    ck_assert_ok(xai_hook_attach(&edit, session, "a.bn2", XAI_HOOK_EDIT, double_it, &calls, NULL));
    logits = forward(session, input);
    ck_assert_ok(xai_hook_output(&sum, seen));
    for (size_t i = 0; i < sum->size; i++)
        ck_assert_float_eq_tol(sum->data[i], 2 * bn2[i] + pool[i], 1e-4f);
    graph_reference_free(&values);
    xai_tensor_unref(sum);
    xai_tensor_unref(logits);
    xai_tensor_unref(input);
    xai_hook_unref(edit);
    xai_hook_unref(seen);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

/* --- order and manners --- */

typedef struct witness {
    const char *order[8];
    size_t n;
    xai_session *session;
    xai_status inside;
    int32_t answer;
} witness;

static int32_t note(xai_hook *hook, xai_tensor *value, void *user)
{
    witness *w = user;
    xai_tensor *out = NULL;
    xai_hook *another = NULL;

    w->order[w->n++] = xai_hook_value(hook);
    w->inside = xai_session_forward(&out, w->session, value);
    ck_assert_int_eq(xai_hook_attach(&another, w->session, "fc", XAI_HOOK_CAPTURE, NULL, NULL, NULL), XAI_E_BUSY);
    return w->answer;
}

START_TEST(observers_in_graph_order)
{
    static const char *const attached[] = { "fc", "conv1", "a.relu", "a.bn1", "input" };
    static const char *const expected[] = { "input", "conv1", "a.bn1", "a.relu", "fc" };
    xai_context *context = testing_context(2);
    xai_model *model = network_residual(context);
    xai_session *session = network_session(model, 1); /* image by image: callbacks still see the batch once */
    xai_tensor *input = network_input(model, 3, 9), *logits = NULL;
    witness w = { .session = session };
    xai_hook *hooks[5];

    for (size_t i = 0; i < 5; i++)
        ck_assert_ok(xai_hook_attach(&hooks[i], session, attached[i], XAI_HOOK_OBSERVE, note, &w, NULL));
    logits = forward(session, input);
    ck_assert_uint_eq(w.n, 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_str_eq(w.order[i], expected[i]);
    ck_assert_int_eq(w.inside, XAI_E_BUSY);
    xai_tensor_unref(logits);

    w.answer = 42;
    w.n = 0;
    ck_assert_fails(xai_session_forward(&logits, session, input), XAI_E_CALLBACK, "the hook on 'input' returned 42");
    ck_assert_ptr_null(logits);
    ck_assert_uint_eq(w.n, 1);
    for (size_t i = 0; i < 5; i++)
        xai_hook_unref(hooks[i]);
    logits = forward(session, input);
    ck_assert_uint_eq(w.n, 1);
    xai_tensor_unref(logits);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

static int n_destroyed;

static void count_destroyed(void *user)
{
    n_destroyed++;
}

static int32_t drop_itself(xai_hook *hook, xai_tensor *value, void *user)
{
    xai_hook_unref(hook);
    ck_assert_int_eq(n_destroyed, 0);
    return 0;
}

START_TEST(hook_dropped_while_running)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_residual(context);
    xai_session *session = network_session(model, 0);
    xai_tensor *input = network_input(model, 1, 9), *logits;
    xai_hook *hook = NULL;

    n_destroyed = 0;
    ck_assert_ok(xai_hook_attach(&hook, session, "conv1", XAI_HOOK_OBSERVE, drop_itself, NULL, count_destroyed));
    logits = forward(session, input);
    ck_assert_int_eq(n_destroyed, 1);
    xai_tensor_unref(logits);
    logits = forward(session, input);
    xai_tensor_unref(logits);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

START_TEST(captured_value_outlives_all)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_residual(context);
    xai_session *session = network_session(model, 0);
    xai_tensor *input = network_input(model, 2, 9), *logits, *kept = NULL;
    xai_hook *hook = capture(session, "b"); /* a container: its last child's output */

    ck_assert_str_eq(xai_hook_value(hook), "b.relu");
    ck_assert_fails(xai_hook_output(&kept, hook), XAI_E_NOT_FOUND, "'b.relu' was not computed yet");
    logits = forward(session, input);
    ck_assert_ok(xai_hook_output(&kept, hook));
    xai_tensor_unref(logits);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_hook_unref(hook);
    xai_model_unref(model);
    xai_context_unref(context);
    ck_assert_int_eq(kept->shape[0], 2);
    ck_assert_int_eq(kept->shape[1], 40);
    ck_assert(isfinite(kept->data[0]));
    xai_tensor_unref(kept);
}
END_TEST

START_TEST(cancelled)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_residual(context);
    xai_session *session = network_session(model, 0);
    xai_tensor *input = network_input(model, 1, 9), *logits = NULL;

    xai_session_cancel(session);
    ck_assert_fails(xai_session_forward(&logits, session, input), XAI_E_CANCELLED, "cancelled");
    ck_assert_ptr_null(logits);
    logits = forward(session, input);
    xai_tensor_unref(logits);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

START_TEST(bad_arguments)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_residual(context);
    xai_session *session = network_session(model, 0);
    xai_session_options options = { .struct_size = sizeof options, .purpose = 9 };
    const int64_t shape[4] = { 1, 3, 20, 17 };
    xai_tensor *wrong = NULL, *out = NULL;
    xai_session *other = NULL;
    xai_hook *hook = NULL;

    ck_assert_ok(xai_tensor_create(&wrong, context, shape, 4));
    ck_assert_fails(xai_session_forward(&out, session, wrong), XAI_E_SHAPE,
                    "'input' takes Nx3x21x17 with N >= 1, got 1x3x20x17");
    ck_assert_fails(xai_session_forward(&out, session, NULL), XAI_E_INVALID, "NULL");
    ck_assert_fails(xai_session_create(&other, model, &options), XAI_E_INVALID, "purpose is 9");
    ck_assert_fails(xai_hook_attach(&hook, session, "a.conv3", XAI_HOOK_CAPTURE, NULL, NULL, NULL), XAI_E_NOT_FOUND,
                    "no value is named 'a.conv3'; near names: a.conv");
    ck_assert_fails(xai_hook_attach(&hook, session, "fc", XAI_HOOK_EDIT, NULL, NULL, NULL), XAI_E_INVALID,
                    "needs a callback");
    ck_assert_fails(xai_hook_attach(&hook, session, "fc", 3, NULL, NULL, NULL), XAI_E_INVALID, "kind 3");
    xai_tensor_unref(wrong);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("runtime_session");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, equals_references, 0, N_MAKERS * N_CHAINS);
    tcase_add_loop_test(cases, equals_references_closely, 0, N_MAKERS * N_CLOSE);
    tcase_add_loop_test(cases, hooks_cost_no_bit, 0, N_MAKERS * N_CHAINS);
    tcase_add_loop_test(cases, hooks_change_no_kernel, 0, N_MAKERS);
    tcase_add_test(cases, chains_are_fused);
    tcase_add_test(cases, large_values_stay_in_the_cache);
    tcase_add_loop_test(cases, same_bits, 0, N_MAKERS * N_CHAINS);
    tcase_add_test(cases, feeds_from_the_middle);
    tcase_add_test(cases, residuals_lead_around);
    tcase_add_loop_test(cases, edits_reach_what_follows, 0, N_MAKERS * N_CHAINS);
    tcase_add_test(cases, edit_spares_the_shortcut);
    tcase_add_test(cases, observers_in_graph_order);
    tcase_add_test(cases, hook_dropped_while_running);
    tcase_add_test(cases, captured_value_outlives_all);
    tcase_add_test(cases, cancelled);
    tcase_add_test(cases, bad_arguments);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
