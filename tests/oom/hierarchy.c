/* SPDX-License-Identifier: MIT
 * Hierarchies when memory runs out: read, built by each method, decided, used as a loss. */
#include "oom.h"
#include "wordnet.h"

static const char json[] =
    "{\"nodes\":[{\"id\":\"r\",\"label\":\"whole\",\"contraction\":{\"s\":{\"label\":\"S\"},\"t\":{}}},{\"id\":\"a\"},"
    "{\"id\":\"b\",\"label\":\"cat\"},{\"id\":\"c\"}],\"edges\":[{\"source\":\"r\",\"target\":\"a\"},"
    "{\"source\":\"a\",\"target\":\"b\"},{\"source\":\"a\",\"target\":\"c\"}]}";

enum { N_CLASSES = 5 };

typedef struct hierarchy_case {
    xai_context *context;
    xai_induce_options options;
    xai_tensor *weights, *rows;
    xai_tree *tree;
    uint32_t mode;
} hierarchy_case;

static xai_status load(void *user)
{
    const hierarchy_case *now = user;
    xai_tree *tree;
    xai_status status = xai_tree_load_memory(&tree, now->context, json, sizeof json - 1);

    xai_tree_unref(tree);
    return status;
}

static xai_status build(void *user)
{
    const hierarchy_case *now = user;
    xai_tree *tree;
    xai_status status = xai_tree_induce(&tree, now->context, now->weights, N_CLASSES, &now->options);

    xai_tree_unref(tree);
    return status;
}

static xai_status use(void *user)
{
    const hierarchy_case *now = user;
    const int32_t classes[2] = { 1, 0 };
    xai_tensor *out, *gradient = NULL;
    double loss;
    size_t n;
    xai_status status = xai_tree_predict(&out, now->tree, now->rows, now->mode);

    if (status == XAI_OK)
        status = xai_tree_decisions(&n, now->tree, xai_tensor_data(now->rows), now->mode, NULL, 0);
    if (status == XAI_OK)
        status = xai_tree_loss(&gradient, &loss, now->tree, now->rows, classes, now->mode, 1, 1);
    xai_tensor_unref(gradient);
    xai_tensor_unref(out);
    return status;
}

static xai_tensor *make_tensor(xai_context *context, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = { rows, columns };
    xai_tensor *tensor = NULL;

    ck_assert_ok(xai_tensor_create(&tensor, context, shape, 2));
    for (int64_t i = 0; i < rows * columns; i++)
        xai_tensor_data(tensor)[i] = (float)(i * i % 11);
    return tensor;
}

START_TEST(reading_and_deciding)
{
    hierarchy_case now = { .context = testing_context(1) };

    oom_run("reading", load, &now, 0);
    ck_assert_ok(xai_tree_load_memory(&now.tree, now.context, json, sizeof json - 1));
    now.rows = make_tensor(now.context, 2, 2);
    for (now.mode = XAI_TREE_HARD; now.mode <= XAI_TREE_SOFT; now.mode++)
        oom_run("deciding", use, &now, 0);
    xai_tensor_unref(now.rows);
    xai_tree_unref(now.tree);
    xai_context_unref(now.context);
}
END_TEST

START_TEST(building)
{
    static const char *const methods[] = { "induced", "wordnet", "random" };
    static const char *const labels[N_CLASSES] = { "cat", "dog", "horse", "car", "truck" };
    hierarchy_case now = { .context = testing_context(1) };
    wordnet_files db;

    wordnet_make(&db, wordnet_animals, sizeof wordnet_animals / sizeof *wordnet_animals);
    now.weights = make_tensor(now.context, N_CLASSES, 3);
    now.options = (xai_induce_options){
        .struct_size = sizeof now.options, .method = methods[_i], .labels = labels, .wordnet = db.folder
    };
    oom_run(methods[_i], build, &now, 0);
    xai_tensor_unref(now.weights);
    wordnet_remove(&db);
    xai_context_unref(now.context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_hierarchy");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, reading_and_deciding);
    tcase_add_loop_test(cases, building, 0, 3);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
