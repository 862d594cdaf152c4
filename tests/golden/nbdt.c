/* SPDX-License-Identifier: MIT
 * Neural-backed decision trees on CIFAR-10's pictures: a published network with nbdt's hierarchy, and the network that
 * the examples bring along, held to what its card says. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "testing.h"

#define MODEL "examples/models/resnet9_cifar10.json"

enum { N_CLASSES = 10, SIDE = 32 };

/* A network and a hierarchy of its classes. */
typedef struct decider {
    xai_context *context;
    xai_model *model;
    xai_tree *tree;
    xai_session *session;
} decider;

/* How many of the pictures each way of deciding gets right. */
typedef struct score {
    int n, plain, hard, soft;
} score;

static decider load_example(void)
{
    decider d = { .context = testing_context(2) };

    ck_assert_ok(xai_model_load(&d.model, d.context, testing_source(MODEL), NULL));
    ck_assert_ok(xai_tree_load(&d.tree, d.context, xai_model_hierarchy(d.model)));
    ck_assert_ok(xai_session_create(&d.session, d.model, NULL));
    return d;
}

static void end(decider *d)
{
    xai_session_unref(d->session);
    xai_tree_unref(d->tree);
    xai_model_unref(d->model);
    xai_context_unref(d->context);
}

static int largest(const float *row)
{
    int best = 0;

    for (int i = 1; i < N_CLASSES; i++)
        best = row[i] > row[best] ? i : best;
    return best;
}

static bool is_right(const xai_tree *tree, const xai_tensor *logits, uint32_t mode, int label)
{
    xai_tensor *out = NULL;
    bool right;

    ck_assert_ok(xai_tree_predict(&out, tree, logits, mode));
    right = largest(xai_tensor_data(out)) == label;
    xai_tensor_unref(out);
    return right;
}

static xai_tensor *prepare(decider *d, const uint8_t *pixels)
{
    xai_image *image = NULL;
    xai_tensor *input = NULL;

    ck_assert_ok(xai_image_create(&image, d->context, pixels, SIDE, SIDE));
    ck_assert_ok(xai_model_prepare(&input, d->model, image));
    xai_image_unref(image);
    return input;
}

static void count_picture(score *s, decider *d, const uint8_t *pixels, int label)
{
    xai_tensor *input = prepare(d, pixels), *logits = NULL;

    ck_assert_ok(xai_session_forward(&logits, d->session, input));
    s->n++;
    s->plain += largest(xai_tensor_data(logits)) == label;
    s->hard += is_right(d->tree, logits, XAI_TREE_HARD, label);
    s->soft += is_right(d->tree, logits, XAI_TREE_SOFT, label);
    xai_tensor_unref(logits);
    xai_tensor_unref(input);
}

/* Pictures as rows of a PNG, labels a line each. False where the data is absent. */
static bool count_pictures(score *s, decider *d, const char *name)
{
    char path[128];
    xai_image *rows = NULL;
    FILE *labels;

    snprintf(path, sizeof path, "cifar10/%s.png", name);
    if (testing_data(path) == NULL)
        return false;
    ck_assert_ok(xai_image_load(&rows, d->context, testing_data(path), 0));
    snprintf(path, sizeof path, "cifar10/%s.labels.txt", name);
    labels = fopen(testing_data(path), "r");
    ck_assert_ptr_nonnull(labels);
    for (int row = 0; row < xai_image_height(rows); row++) {
        int label;

        ck_assert_int_eq(fscanf(labels, "%d", &label), 1);
        count_picture(s, d, xai_image_pixels(rows) + (size_t)row * SIDE * SIDE * 3, label);
    }
    fclose(labels);
    xai_image_unref(rows);
    return true;
}

/* --- someone else's network --- */

static decider load_resnet56(void)
{
    decider d = { .context = testing_context(2) };

    if (testing_data("cifar10-resnet/resnet56-4bfd9763.th") == NULL ||
        testing_data("nbdt/hierarchies/CIFAR10/graph-induced-wrn28_10_cifar10.json") == NULL)
        return d;
    ck_assert_ok(xai_tree_load(&d.tree, d.context,
                               testing_data("nbdt/hierarchies/CIFAR10/graph-induced-wrn28_10_cifar10.json")));
    ck_assert_ok(xai_model_build(&d.model, d.context, "cifar_resnet56",
                                 testing_data("cifar10-resnet/resnet56-4bfd9763.th"), NULL));
    ck_assert_ok(xai_session_create(&d.session, d.model, NULL));
    return d;
}

START_TEST(hard_rules_of_resnet56)
{
    decider d = load_resnet56();
    score s = { 0 };

    if (d.model != NULL && count_pictures(&s, &d, "cifar10_test50")) {
        ck_assert_int_eq(s.n, 50);
        ck_assert_int_eq(s.plain, 48);
        ck_assert_int_eq(s.hard, 47);
    }
    end(&d);
}
END_TEST

/* The rules inside the network and behind it. */
START_TEST(resnet56_as_a_tree)
{
    decider d = load_resnet56(), joined = d;
    xai_image *rows = NULL;

    if (d.model != NULL && testing_data("cifar10/cifar10_test50.png") != NULL) {
        ck_assert_ok(xai_image_load(&rows, d.context, testing_data("cifar10/cifar10_test50.png"), 0));
        ck_assert_ok(xai_model_with_tree(&joined.model, d.model, d.tree, NULL));
        ck_assert_ok(xai_session_create(&joined.session, joined.model, NULL));
        for (int row = 0; row < 50; row++) {
            xai_tensor *input = prepare(&d, xai_image_pixels(rows) + (size_t)row * SIDE * SIDE * 3);
            xai_tensor *logits = NULL, *expected = NULL, *got = NULL;

            ck_assert_ok(xai_session_forward(&logits, d.session, input));
            ck_assert_ok(xai_tree_predict(&expected, d.tree, logits, XAI_TREE_SOFT));
            ck_assert_ok(xai_session_forward(&got, joined.session, input));
            for (int i = 0; i < N_CLASSES; i++)
                ck_assert_double_eq_tol(xai_tensor_data(got)[i], xai_tensor_data(expected)[i], 1e-6);
            xai_tensor_unref(got);
            xai_tensor_unref(expected);
            xai_tensor_unref(logits);
            xai_tensor_unref(input);
        }
        xai_session_unref(joined.session);
        xai_model_unref(joined.model);
        xai_image_unref(rows);
    }
    end(&d);
}
END_TEST

/* --- our own network --- */

/* Grey, and a gradient of colours: numbers that are probabilities whatever they mean. */
START_TEST(the_example_gives_probabilities)
{
    decider d = load_example();
    xai_model *joined = NULL;
    xai_session *session = NULL;
    uint8_t pixels[SIDE * SIDE * 3];

    ck_assert_ok(xai_model_with_tree(&joined, d.model, d.tree, NULL));
    ck_assert_ok(xai_session_create(&session, joined, NULL));
    for (int picture = 0; picture < 2; picture++) {
        xai_tensor *input, *out = NULL;
        double sum = 0;

        for (size_t i = 0; i < sizeof pixels; i++)
            pixels[i] = (uint8_t)(picture == 0 ? 128 : i % 3 * 60 + i / 3 % SIDE * 4);
        input = prepare(&d, pixels);
        ck_assert_ok(xai_session_forward(&out, session, input));
        for (int i = 0; i < N_CLASSES; i++) {
            ck_assert(xai_tensor_data(out)[i] >= 0);
            sum += xai_tensor_data(out)[i];
        }
        ck_assert_double_eq_tol(sum, 1, 1e-5);
        xai_tensor_unref(out);
        xai_tensor_unref(input);
    }
    xai_session_unref(session);
    xai_model_unref(joined);
    end(&d);
}
END_TEST

START_TEST(the_example_names_its_classes)
{
    decider d = load_example();
    xai_decision steps[16];
    float row[N_CLASSES] = { 0 };
    size_t n;

    ck_assert_str_eq(xai_model_label(d.model, 0), "airplane");
    ck_assert_str_eq(xai_model_label(d.model, 9), "truck");
    for (int c = 0; c < N_CLASSES; c++) {
        row[c] = 20;
        ck_assert_ok(xai_tree_decisions(&n, d.tree, row, XAI_TREE_HARD, steps, 16));
        ck_assert_int_eq(steps[n - 1].class_index, c);
        row[c] = 0;
    }
    row[3] = 20; /* a cat: the tutorial's words are on its way */
    ck_assert_ok(xai_tree_decisions(&n, d.tree, row, XAI_TREE_HARD, steps, 16));
    ck_assert_uint_eq(n, 5);
    ck_assert_str_eq(steps[1].name, "animal");
    ck_assert_str_eq(steps[3].name, "carnivore");
    ck_assert_str_eq(steps[4].name, "cat");
    end(&d);
}
END_TEST

/* Fifty pictures of the test set, never used to choose anything. */
START_TEST(the_example_on_test_pictures)
{
    decider d = load_example();
    score s = { 0 };

    if (count_pictures(&s, &d, "cifar10_test50")) {
        printf("# of %d: %d plain, %d hard, %d soft\n", s.n, s.plain, s.hard, s.soft);
        ck_assert_int_ge(s.plain, 45);
        ck_assert_int_ge(s.hard, 44);
    }
    end(&d);
}
END_TEST

/* The figures of its card, of a thousand pictures that it was not trained on; other processors round otherwise, which
 * may turn a picture that hangs in the balance. */
START_TEST(the_example_on_held_out_pictures)
{
    decider d = load_example();
    score s = { 0 };

    if (count_pictures(&s, &d, "cifar10_batch_3")) {
        printf("# of %d: %d plain, %d hard, %d soft\n", s.n, s.plain, s.hard, s.soft);
        ck_assert_int_le(abs(s.plain - 908), 1);
        ck_assert_int_le(abs(s.hard - 912), 1);
        ck_assert_int_le(abs(s.soft - 913), 1);
    }
    end(&d);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("nbdt");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, hard_rules_of_resnet56);
    tcase_add_test(cases, resnet56_as_a_tree);
    tcase_add_test(cases, the_example_gives_probabilities);
    tcase_add_test(cases, the_example_names_its_classes);
    tcase_add_test(cases, the_example_on_test_pictures);
    tcase_add_test(cases, the_example_on_held_out_pictures);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
