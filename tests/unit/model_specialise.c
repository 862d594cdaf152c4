/* SPDX-License-Identifier: MIT
 * Specialisation: Identity nodes become aliases, constants are computed, results stay. */
#include "networks.h"

#include "model/specialise.h"

static xai_tensor *forward(xai_model *model, const xai_tensor *input)
{
    xai_session *session = NULL;
    xai_tensor *out = NULL;

    ck_assert_ok(xai_session_create(&session, model, NULL));
    ck_assert_ok(xai_session_forward(&out, session, input));
    xai_session_unref(session);
    return out;
}

static xai_model *network_with_identities(xai_context *context, bool specialise)
{
    const int64_t shape[4] = { 1, 12, 1, 1 };
    network n = network_begin(context, 3, 8, 8);
    int32_t x = network_unary(&n, XAI__OP_IDENTITY, 0, "normalise"), sum;

    x = network_conv(&n, x, 12, 3, 1, 1, true, "conv");
    x = network_unary(&n, XAI__OP_IDENTITY, network_unary(&n, XAI__OP_RELU, x, "relu"), "dropout");
    sum = xai__op_add(&n.model->graph, XAI__OP_ADD, &(xai__attributes){ 0 },
                      (int32_t[2]){ network_constant(&n, shape, 4, 1), network_constant(&n, shape, 4, 1) }, 2);
    ck_assert_int_ge(sum, 0);
    x = network_binary(&n, XAI__OP_MUL, x, sum, "scale");
    x = network_unary(&n, XAI__OP_IDENTITY, network_head(&n, x, 5), "last");
    network_end(&n, x);
    if (specialise)
        ck_assert_ok(xai__specialise(&n.model->graph));
    return n.model;
}

START_TEST(same_result)
{
    xai_context *context = testing_context(1);
    xai_model *plain = network_with_identities(context, false), *special = network_with_identities(context, true);
    xai_tensor *input = network_input(plain, 2, 1), *a = forward(plain, input), *b = forward(special, input);

    ck_assert_uint_eq(plain->graph.n_nodes - special->graph.n_nodes, 4); /* three identities, one constant sum */
    ck_assert(memcmp(a->data, b->data, a->size * sizeof(float)) == 0);
    for (size_t i = 0; i < special->graph.n_nodes; i++)
        ck_assert_uint_ne(special->graph.nodes[i].op, XAI__OP_IDENTITY);
    xai_tensor_unref(a);
    xai_tensor_unref(b);
    xai_tensor_unref(input);
    xai_model_unref(plain);
    xai_model_unref(special);
    xai_context_unref(context);
}
END_TEST

START_TEST(names_become_aliases)
{
    xai_context *context = testing_context(1);
    xai_model *model = network_with_identities(context, true);
    int32_t relu, dropout, input, output;
    xai__text text;

    ck_assert_ok(xai__graph_find(&relu, &model->graph, "relu"));
    ck_assert_ok(xai__graph_find(&dropout, &model->graph, "dropout"));
    ck_assert_int_eq(relu, dropout);
    ck_assert_ok(xai__graph_find(&input, &model->graph, "normalise"));
    ck_assert_int_eq(input, model->graph.input);
    ck_assert_ok(xai__graph_find(&output, &model->graph, "last"));
    ck_assert_int_eq(output, model->graph.output);
    ck_assert_str_eq(model->graph.values[output].name, "fc");
    xai__text_init(&text, context);
    xai__graph_aliases(&text, &model->graph, relu);
    ck_assert_str_eq(xai__text_get(&text), "dropout");
    xai__text_fini(&text);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("model_specialise");
    TCase *cases = tcase_create("all");

    tcase_add_test(cases, same_result);
    tcase_add_test(cases, names_become_aliases);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
