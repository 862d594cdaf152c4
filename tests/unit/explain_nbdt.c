/* SPDX-License-Identifier: MIT
 * Networks that decide along a hierarchy: the rules' own numbers, decisions that can be hooked, gradients. */
#include <math.h>

#include "graph_reference.h"
#include "networks.h"
#include "runtime/session.h"

#define LEAF(id, class) "{\"id\": \"" id "\", \"class\": " #class "}"
#define NODE(id)        "{\"id\": \"" id "\"}"
#define LINK(from, to)  "{\"source\": \"" from "\", \"target\": \"" to "\"}"

/* Hierarchies of five classes, with the ids of their nodes in order. */
static const struct {
    const char *text, *ids;
} hierarchies[] = {
    /* Families of one, two and three; leaves at every depth; classes in an order of their own. */
    { "{\"nodes\": [" NODE("x") "," LEAF("e", 3) "," NODE("r") "," LEAF("a", 4) "," NODE("y") "," LEAF("b", 0) "," LEAF("c", 2) "," LEAF(
          "d",
          1) "," NODE("z") "], \"links\": [" LINK("r",
                                                  "x") "," LINK("r",
                                                                "a") "," LINK("x",
                                                                              "b") ","
                                                                                   "" LINK("x", "y") "," LINK("y", "c") "," LINK(
                                                                                       "y",
                                                                                       "d") "," LINK("y",
                                                                                                     "z") "," LINK("z",
                                                                                                                   "e") "]}",
      "xeraybcdz" },
    /* The root has them all: a plain softmax. */
    { "{\"nodes\": [" NODE("a") "," NODE("b") "," NODE("c") "," NODE("d") "," NODE("e") "," NODE(
          "r") "], \"links\": [" LINK("r", "a") "," LINK("r", "b") "," LINK("r", "c") "," LINK("r",
                                                                                               "d") "," LINK("r",
                                                                                                             "e") "]}",
      "abcder" },
    /* A chain. */
    { "{\"nodes\": [" NODE("r") "," NODE("1") "," NODE("2") "," NODE("3") "," NODE("a") "," NODE("b") "," NODE("c") "," NODE("d") "," NODE("e") "], \"links\": [" LINK(
          "r",
          "a") "," LINK("r",
                        "1") "," LINK("1",
                                      "b") "," LINK("1",
                                                    "2") "," LINK("2",
                                                                  "c") "," LINK("2",
                                                                                "3") "," LINK("3",
                                                                                              "d") "," LINK("3",
                                                                                                            "e") "]}",
      "r123abcde" },
};

enum { N_HIERARCHIES = sizeof hierarchies / sizeof *hierarchies, N_IMAGES = 3 };

/* A network, a hierarchy of its classes, the two joined, and what the network says of some noise. */
typedef struct fixture {
    xai_context *context;
    xai_model *network, *model;
    xai_tree *tree;
    xai_session *session;
    xai_tensor *input, *logits;
} fixture;

static xai_tree *read_tree(xai_context *context, const char *text)
{
    xai_tree *tree = NULL;

    ck_assert_ok(xai_tree_load_memory(&tree, context, text, strlen(text)));
    return tree;
}

static xai_tensor *forward(xai_model *model, const xai_tensor *input)
{
    xai_session *session = NULL;
    xai_tensor *out = NULL;

    ck_assert_ok(xai_session_create(&session, model, NULL));
    ck_assert_ok(xai_session_forward(&out, session, input));
    xai_session_unref(session);
    return out;
}

static void join(fixture *f)
{
    f->input = network_input(f->network, N_IMAGES, 5);
    f->logits = forward(f->network, f->input);
    for (size_t i = 0; i < f->logits->size; i++) /* far enough apart for products to differ */
        ck_assert(isfinite(f->logits->data[i]));
    ck_assert_ok(xai_model_with_tree(&f->model, f->network, f->tree, NULL));
    ck_assert_ok(xai_session_create(&f->session, f->model, NULL));
}

static fixture begin(int hierarchy)
{
    fixture f = { .context = testing_context(2) };

    f.network = network_dense(f.context);
    f.tree = read_tree(f.context, hierarchies[hierarchy].text);
    join(&f);
    return f;
}

static void end(fixture *f)
{
    xai_tensor_unref(f->logits);
    xai_tensor_unref(f->input);
    xai_session_unref(f->session);
    xai_tree_unref(f->tree);
    xai_model_unref(f->model);
    xai_model_unref(f->network);
    xai_context_unref(f->context);
}

/* What the rules make of the network's logits. */
static void check_probabilities(fixture *f)
{
    xai_tensor *got = NULL, *expected = NULL;

    ck_assert_ok(xai_session_forward(&got, f->session, f->input));
    ck_assert_ok(xai_tree_predict(&expected, f->tree, f->logits, XAI_TREE_SOFT));
    ck_assert_uint_eq(got->size, expected->size);
    for (size_t i = 0; i < got->size; i++)
        ck_assert_double_eq_tol(got->data[i], expected->data[i], 1e-6);
    xai_tensor_unref(got);
    xai_tensor_unref(expected);
}

START_TEST(gives_the_rules_probabilities)
{
    fixture f = begin(_i);

    check_probabilities(&f);
    end(&f);
}
END_TEST

/* Any number of classes, deep and wide trees. */
START_TEST(takes_nbdts_hierarchies)
{
    static const struct {
        const char *file;
        int64_t n_classes;
    } rows[] = {
        { "CIFAR10/graph-induced-wrn28_10_cifar10", 10 },
        { "CIFAR10/graph-wordnet", 10 },
        { "CIFAR100/graph-wordnet", 100 },
        { "TinyImagenet200/graph-wordnet", 200 },
        { "TinyImagenet200/graph-induced", 200 },
        { "Imagenet1000/graph-induced-efficientnet_b7b", 1000 },
    };
    fixture f = { .context = testing_context(2) };
    network n = network_begin(f.context, 3, 5, 5);
    char path[128];

    f.network = network_end(&n, network_linear(&n, network_flatten(&n, 0, "flatten"), rows[_i].n_classes, "fc"));
    snprintf(path, sizeof path, "nbdt/hierarchies/%s.json", rows[_i].file);
    if (testing_data(path) != NULL) {
        ck_assert_ok(xai_tree_load(&f.tree, f.context, testing_data(path)));
        join(&f);
        check_probabilities(&f);
    }
    end(&f);
}
END_TEST

/* Nodes stand in the order of the file, and the path of the rules has the same probabilities. */
START_TEST(decisions_can_be_hooked)
{
    fixture f = begin(_i);
    xai_tensor *out = NULL, *decisions = NULL;
    const char *ids = hierarchies[_i].ids;
    xai_hook *hook = NULL;

    ck_assert_ok(xai_hook_attach(&hook, f.session, "tree.decisions", XAI_HOOK_CAPTURE, NULL, NULL, NULL));
    ck_assert_ok(xai_session_forward(&out, f.session, f.input));
    ck_assert_ok(xai_hook_output(&decisions, hook));
    ck_assert_uint_eq(decisions->size, N_IMAGES * strlen(ids));
    for (size_t image = 0; image < N_IMAGES; image++) {
        xai_decision steps[8];
        size_t n;

        ck_assert_ok(xai_tree_decisions(&n, f.tree, f.logits->data + 5 * image, XAI_TREE_HARD, steps, 8));
        ck_assert_uint_gt(n, 1);
        for (size_t i = 0; i < n; i++) {
            size_t at = (size_t)(strchr(ids, steps[i].node[0]) - ids);

            ck_assert_double_eq_tol(decisions->data[image * strlen(ids) + at], steps[i].probability, 1e-6);
        }
    }
    xai_hook_unref(hook);
    xai_tensor_unref(decisions);
    xai_tensor_unref(out);
    end(&f);
}
END_TEST

/* --- gradients --- */

/* Of the probability of one class. */
static xai_status seed_class(void *user, float *seed, size_t target, size_t first, size_t n, xai_tensor *const *fetched)
{
    (void)user;
    (void)fetched;
    for (size_t image = first; image < first + n; image++)
        for (size_t c = 0; c < 5; c++)
            seed[image * 5 + c] = c == target;
    return XAI_OK;
}

static double probability(const fixture *f, const float *logits, size_t k, double step, size_t c)
{
    const int64_t shape[2] = { 1, 5 };
    xai_tensor *row = NULL, *out = NULL;
    double p;

    ck_assert_ok(xai_tensor_create(&row, f->context, shape, 2));
    memcpy(row->data, logits, 5 * sizeof *logits);
    row->data[k] += (float)step;
    ck_assert_ok(xai_tree_predict(&out, f->tree, row, XAI_TREE_SOFT));
    p = out->data[c];
    xai_tensor_unref(row);
    xai_tensor_unref(out);
    return p;
}

/* Two central differences, extrapolated: the rules' results are floats, so steps must be wide. */
static double slope(const fixture *f, const float *logits, size_t k, size_t c)
{
    const double h = 0.125;
    double wide = (probability(f, logits, k, h, c) - probability(f, logits, k, -h, c)) / (2 * h);
    double narrow = (probability(f, logits, k, h / 2, c) - probability(f, logits, k, -h / 2, c)) / h;

    return (4 * narrow - wide) / 3;
}

START_TEST(gradients_flow_through_decisions)
{
    fixture f = begin(_i);
    const int32_t logits = f.network->graph.output, input = f.network->graph.input, wrt[2] = { logits, input };
    xai_tensor *out = NULL, *gradients[2 * 5];
    const xai__backward backward = {
        .of = f.model->graph.output, .wrt = wrt, .n_wrt = 2, .n_targets = 5, .seed = seed_class, .out = gradients
    };
    float largest = 0;

    ck_assert_ok(xai__session_run(
        &out, f.session,
        &(xai__request){
            .feed = input, .fed = f.input, .fetches = &f.model->graph.output, .n_fetches = 1, .backward = &backward }));
    for (size_t image = 0; image < N_IMAGES; image++)
        for (size_t c = 0; c < 5; c++)
            for (size_t k = 0; k < 5; k++)
                ck_assert_double_eq_tol(gradients[2 * c]->data[5 * image + k],
                                        slope(&f, f.logits->data + 5 * image, k, c), 1e-5);
    for (size_t i = 0; i < gradients[1]->size; i++)
        largest = fmaxf(largest, fabsf(gradients[1]->data[i]));
    ck_assert_float_gt(largest, 0);
    for (size_t i = 0; i < 10; i++)
        xai_tensor_unref(gradients[i]);
    xai_tensor_unref(out);
    end(&f);
}
END_TEST

/* --- the model --- */

/* Constants and names are the network's, which nobody else may hold any more. */
START_TEST(keeps_the_network)
{
    const xai_model_options options = { .struct_size = sizeof options, .resize = 8, .crop_height = 8, .crop_width = 8 };
    xai_context *context = testing_context(1);
    xai_tree *tree = read_tree(
        context,
        "{\"nodes\": [{\"id\": \"r\"}, {\"id\": \"0\"}, {\"id\": \"1\"}, {\"id\": \"2\"}, "
        "{\"id\": \"3\"}, {\"id\": \"4\"}, {\"id\": \"5\"}, {\"id\": \"6\"}, {\"id\": "
        "\"7\"}, {\"id\": \"8\"}, {\"id\": \"9\"}], \"links\": [" LINK("r", "0") "," LINK("r", "1") "," LINK(
            "r",
            "2") "," LINK("r",
                          "3") "," LINK("r",
                                        "4") "," LINK("r",
                                                      "5") "," LINK("r",
                                                                    "6") "," LINK("r",
                                                                                  "7") "," LINK("r",
                                                                                                "8") "," LINK("r",
                                                                                                              "9") "]"
                                                                                                                   "}");
    xai_model *base = NULL, *model = NULL;
    xai_session *session = NULL;
    xai_cam *cam = NULL;
    xai_tensor *input, *out;
    double sum = 0;
    size_t n;

    ck_assert_ok(xai_model_build(&base, context, "cifar_resnet20", NULL, &options));
    n = xai_model_n_layers(base);
    ck_assert_ok(xai_model_with_tree(&model, base, tree, NULL));
    for (size_t i = 0; i < base->graph.n_values; i++)
        ck_assert_mem_eq(&model->graph.values[i].constant, &base->graph.values[i].constant, sizeof(xai__constant));
    xai_tree_unref(tree);
    xai_model_unref(base);
    ck_assert_uint_gt(xai_model_n_layers(model), n);
    ck_assert_str_eq(xai_model_architecture(model), "cifar_resnet20 with a tree");
    input = network_input(model, 1, 3);
    out = forward(model, input);
    for (size_t i = 0; i < 10; i++)
        sum += out->data[i];
    ck_assert_double_eq_tol(sum, 1, 1e-6);
    ck_assert_ok(xai_session_create(&session, model, NULL));
    ck_assert_fails(xai_cam_create(&cam, session, NULL), XAI_E_UNSUPPORTED, "does not end with a linear layer");
    xai_session_unref(session);
    xai_tensor_unref(out);
    xai_tensor_unref(input);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

START_TEST(refusals)
{
    const xai_nbdt_options hard = { .struct_size = sizeof hard, .mode = "hard" };
    const xai_nbdt_options firm = { .struct_size = sizeof firm, .mode = "firm" };
    fixture f = begin(0);
    xai_model *other = network_residual(f.context), *out = f.model;

    ck_assert_fails(xai_model_with_tree(&out, other, f.tree, NULL), XAI_E_SHAPE,
                    "the hierarchy has 5 classes, but the network test network has 10");
    ck_assert_ptr_null(out);
    ck_assert_fails(xai_model_with_tree(&out, f.network, f.tree, &hard), XAI_E_UNSUPPORTED, "xai_tree_predict()");
    ck_assert_fails(xai_model_with_tree(&out, f.network, f.tree, &firm), XAI_E_NOT_FOUND, "'firm'; there is soft");
    ck_assert_fails(xai_model_with_tree(&out, f.model, f.tree, NULL), XAI_E_UNSUPPORTED, "gives probabilities");
    ck_assert_fails(xai_model_with_tree(&out, NULL, f.tree, NULL), XAI_E_INVALID, "model is NULL");
    ck_assert_fails(xai_model_with_tree(&out, f.network, NULL, NULL), XAI_E_INVALID, "tree is NULL");
    ck_assert_fails(xai_model_with_tree(NULL, f.network, f.tree, NULL), XAI_E_INVALID, "out is NULL");
    xai_model_unref(other);
    end(&f);
}
END_TEST

/* A chain so deep that its paths would fill memory. */
START_TEST(refuses_endless_paths)
{
    enum { N = 3000 };
    xai_context *context = testing_context(1);
    network n = network_begin(context, 1, 1, 1);
    xai_model *model = network_end(&n, network_linear(&n, network_flatten(&n, 0, "flatten"), N, "fc")), *out = NULL;
    size_t capacity = N * 200, at;
    char *text = malloc(capacity);
    xai_tree *tree;

    ck_assert_ptr_nonnull(text);
    at = (size_t)snprintf(text, capacity, "{\"nodes\": [{\"id\": \"i0\"}");
    for (int i = 1; i < N; i++)
        at += (size_t)snprintf(text + at, capacity - at, ", {\"id\": \"%c%d\"}, {\"id\": \"l%d\"}",
                               i < N - 1 ? 'i' : 'm', i, i);
    at += (size_t)snprintf(text + at, capacity - at, "], \"links\": [");
    for (int i = 1; i < N; i++)
        at += (size_t)snprintf(
            text + at, capacity - at,
            "%s{\"source\": \"i%d\", \"target\": \"%c%d\"}, {\"source\": \"i%d\", \"target\": \"l%d\"}",
            i > 1 ? ", " : "", i - 1, i < N - 1 ? 'i' : 'm', i, i - 1, i);
    snprintf(text + at, capacity - at, "]}");
    tree = read_tree(context, text);
    ck_assert_fails(xai_model_with_tree(&out, model, tree, NULL), XAI_E_LIMIT, "3000 classes, up to 2999 steps deep");
    xai_tree_unref(tree);
    xai_model_unref(model);
    xai_context_unref(context);
    free(text);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_nbdt");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, gives_the_rules_probabilities, 0, N_HIERARCHIES);
    tcase_add_loop_test(cases, takes_nbdts_hierarchies, 0, 6);
    tcase_add_loop_test(cases, decisions_can_be_hooked, 0, N_HIERARCHIES);
    tcase_add_loop_test(cases, gradients_flow_through_decisions, 0, N_HIERARCHIES);
    tcase_add_test(cases, keeps_the_network);
    tcase_add_test(cases, refusals);
    tcase_add_test(cases, refuses_endless_paths);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
