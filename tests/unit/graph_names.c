/* SPDX-License-Identifier: MIT
 * Names of values: last calls, calls of reused modules, containers, aliases, and what is said where there is none. */
#include "testing.h"

#include "core/text.h"
#include "graph/names.h"
#include "model/specialise.h"
#include "ops/op.h"

static xai_context *context;
static xai__graph graph;

/* A chain of elementwise nodes: value k comes out of node k - 1. */
static int32_t add(const char *path)
{
    const xai__attributes attributes = xai__attributes_default();
    int32_t last = (int32_t)graph.n_values - 1;
    int32_t value = xai__op_add(&graph, strcmp(path, "drop") == 0 ? XAI__OP_IDENTITY : XAI__OP_RELU, &attributes, &last,
                                1);

    ck_assert_int_ge(value, 0);
    ck_assert_ok(xai__graph_name(&graph, value, path));
    return value;
}

/* Two residual blocks, in which relu is called twice, and a head. */
static void open_graph(void)
{
    static const char *const paths[] = { "conv1",          "layer1.0.conv1",
                                         "layer1.0.relu",  "layer1.0.down.0",
                                         "layer1.0.conv2", "layer1.0.relu",
                                         "layer1.1.relu",  "layer10.conv",
                                         "drop",           "fc" };
    const int64_t shape[2] = { 1, 3 };

    context = testing_context(1);
    xai__graph_init(&graph, context);
    graph.input = xai__graph_add_value(&graph, shape, 2);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        graph.output = add(paths[i]);
    ck_assert_ok(xai__graph_name(&graph, 1, "layer1.0.shortcut"));
    ck_assert_ok(xai__graph_finish_names(&graph));
}

static void close_graph(void)
{
    xai__graph_fini(&graph);
    xai_context_unref(context);
}

static const struct {
    const char *name;
    int32_t value;
} hits[] = {
    { "conv1", 1 },           { "layer1.0.conv1", 2 },    { "layer1.0.relu", 6 },   { "layer1.0.relu#1", 3 },
    { "layer1.0.relu#2", 6 }, { "layer1.0.down", 4 },     { "layer1.0.down.0", 4 }, { "layer1.0", 6 },
    { "layer1", 7 },          { "layer1.1", 7 },          { "layer10", 8 },         { "fc", 10 },
    { "fc#1", 10 },           { "layer1.0.shortcut", 1 },
};

START_TEST(finds)
{
    int32_t value = -1;

    ck_assert_ok(xai__graph_find(&value, &graph, hits[_i].name));
    ck_assert_msg(value == hits[_i].value, "%s is value %d, expected %d", hits[_i].name, value, hits[_i].value);
}
END_TEST

static const char *const misses[] = { "",
                                      ".",
                                      "layer",
                                      "layer1.",
                                      "layer1.0.relu#",
                                      "layer1.0.relu#0",
                                      "layer1.0.relu#3",
                                      "layer1.0.relu#1x",
                                      "layer1.0.relu#-1",
                                      "layer1.0.relu#4294967297",
                                      "#1",
                                      "FC" };

START_TEST(finds_nothing)
{
    int32_t value = 7;

    ck_assert_fails(xai__graph_find(&value, &graph, misses[_i]), XAI_E_NOT_FOUND, misses[_i]);
    ck_assert_int_eq(value, -1);
}
END_TEST

START_TEST(lists_near_names)
{
    int32_t value;

    ck_assert_fails(xai__graph_find(&value, &graph, "layer1.0.conv3"), XAI_E_NOT_FOUND,
                    "near names: layer1.0.conv1, layer1.0.conv2, ");
    ck_assert_fails(xai__graph_find(&value, &graph, "conv"), XAI_E_NOT_FOUND, "near names: conv1, ");
}
END_TEST

/* A name that is a whole line, or longer than the message: the sentence stays whole. */
START_TEST(keeps_sentences_whole)
{
    char name[2000];
    int32_t value;

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_fails(xai__graph_find(&value, &graph, name), XAI_E_NOT_FOUND, "near names: ");
}
END_TEST

START_TEST(gives_canonical_names)
{
    ck_assert_str_eq(graph.values[3].name, "layer1.0.relu#1");
    ck_assert_str_eq(graph.values[6].name, "layer1.0.relu");
    ck_assert_str_eq(graph.values[1].name, "conv1");
}
END_TEST

static const struct {
    int32_t value;
    const char *aliases;
} others[] = {
    { 1, "layer1.0.shortcut" }, { 3, "" },  { 4, "layer1.0.down" }, { 6, "layer1.0" }, { 7, "layer1.1, layer1" },
    { 8, "layer10" },           { 10, "" },
};

START_TEST(lists_aliases)
{
    xai__text text;

    xai__text_init(&text, context);
    xai__graph_aliases(&text, &graph, others[_i].value);
    ck_assert_str_eq(xai__text_get(&text), others[_i].aliases);
    xai__text_fini(&text);
}
END_TEST

/* A tensor's name in a file may hold a '#'. */
START_TEST(prefers_a_name_with_a_hash)
{
    int32_t value = add("fc#1");

    ck_assert_ok(xai__graph_finish_names(&graph));
    ck_assert_ok(xai__graph_find(&value, &graph, "fc#1"));
    ck_assert_int_eq(value, 11);
}
END_TEST

START_TEST(survives_specialisation)
{
    xai__text text;
    int32_t value;

    ck_assert_ok(xai__specialise(&graph));
    ck_assert_ok(xai__graph_find(&value, &graph, "drop"));
    ck_assert_int_eq(value, 8);
    ck_assert_str_eq(graph.values[8].name, "layer10.conv");
    ck_assert_ptr_null(graph.values[9].name);
    ck_assert_fails(xai__graph_find(&value, &graph, "drip"), XAI_E_NOT_FOUND, "near names");
    xai__text_init(&text, context);
    xai__graph_aliases(&text, &graph, 8);
    ck_assert_str_eq(xai__text_get(&text), "drop, layer10");
    xai__graph_aliases(&text, &graph, 9);
    ck_assert_str_eq(xai__text_get(&text), "drop, layer10");
    xai__text_fini(&text);
}
END_TEST

static Suite *names_suite(void)
{
    Suite *suite = suite_create("graph_names");
    TCase *cases = tcase_create("names");

    tcase_add_checked_fixture(cases, open_graph, close_graph);
    tcase_add_loop_test(cases, finds, 0, (int)(sizeof hits / sizeof *hits));
    tcase_add_loop_test(cases, finds_nothing, 0, (int)(sizeof misses / sizeof *misses));
    tcase_add_test(cases, lists_near_names);
    tcase_add_test(cases, keeps_sentences_whole);
    tcase_add_test(cases, gives_canonical_names);
    tcase_add_loop_test(cases, lists_aliases, 0, (int)(sizeof others / sizeof *others));
    tcase_add_test(cases, prefers_a_name_with_a_hash);
    tcase_add_test(cases, survives_specialisation);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(names_suite)
