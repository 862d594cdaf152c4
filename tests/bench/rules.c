/* SPDX-License-Identifier: MIT
 * Times of hierarchies: loading, rules on ready logits, clustering. Uses nbdt's files where $XAI_TEST_DATA has them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <xai/xai.h>

#include "core/rng.h"

static xai_context *context;

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, xai_last_error());
    exit(1);
}

/* The best of several rounds of so many calls, in milliseconds a call. Short rounds find the moments at which nobody
 * else has the processor. */
static double best(void (*call)(void *user), void *user, int n_rounds, int n_calls)
{
    double least = INFINITY;

    for (int round = 0; round < n_rounds; round++) {
        double began = seconds(), each;

        for (int i = 0; i < n_calls; i++)
            call(user);
        each = (seconds() - began) * 1e3 / n_calls;
        least = each < least ? each : least;
    }
    return least;
}

static void fill(float *data, size_t n, uint64_t seed)
{
    xai__rng rng;

    xai__rng_seed(&rng, seed);
    for (size_t i = 0; i < n; i++)
        data[i] = (float)(xai__rng_uniform(&rng) * 10 - 5);
}

static xai_tensor *random_tensor(int64_t rows, int64_t columns)
{
    const int64_t shape[2] = { rows, columns };
    xai_tensor *tensor;

    if (xai_tensor_create(&tensor, context, shape, 2) < 0)
        die("tensor");
    fill(xai_tensor_data(tensor), xai_tensor_size(tensor), 1);
    return tensor;
}

typedef struct job {
    const char *path;
    const xai_tree *tree;
    xai_tensor *rows;
    uint32_t mode;
} job;

static void load(void *user)
{
    xai_tree *tree;

    if (xai_tree_load(&tree, context, ((job *)user)->path) < 0)
        die("load");
    xai_tree_unref(tree);
}

static void predict(void *user)
{
    const job *j = user;
    xai_tensor *out;

    if (xai_tree_predict(&out, j->tree, j->rows, j->mode) < 0)
        die("predict");
    xai_tensor_unref(out);
}

static void decide(void *user)
{
    const job *j = user;
    xai_decision steps[64];
    size_t n;

    if (xai_tree_decisions(&n, j->tree, xai_tensor_data(j->rows), j->mode, steps, 64) < 0)
        die("decide");
}

static void predict_and_decide(void *user)
{
    predict(user);
    decide(user);
}

static void cluster(void *user)
{
    const xai_induce_options options = { .struct_size = sizeof options, .wordnet = "" };
    const job *j = user;
    int64_t shape[2];
    xai_tree *tree;

    xai_tensor_shape(j->rows, shape, 2);
    if (xai_tree_induce(&tree, context, j->rows, (size_t)shape[0], &options) < 0)
        die("induce");
    xai_tree_unref(tree);
}

static void time_file(const char *root, const char *name)
{
    static const char *const modes[] = { "hard", "soft" };
    char path[4096];
    xai_tree *tree;
    job j = { .path = path };

    snprintf(path, sizeof path, "%s/nbdt/hierarchies/%s", root, name);
    if (xai_tree_load(&tree, context, path) < 0)
        die(name);
    j.tree = tree;
    printf("%s: %zu classes, %zu nodes\n  load %.3f ms\n", name, xai_tree_n_classes(tree), xai_tree_n_nodes(tree),
           best(load, &j, 20, 1));
    for (j.mode = XAI_TREE_HARD; j.mode <= XAI_TREE_SOFT; j.mode++) {
        j.rows = random_tensor(1, (int64_t)xai_tree_n_classes(tree));
        printf("  %s: predict %.4f ms, decide %.4f ms, both %.4f ms", modes[j.mode], best(predict, &j, 200, 10),
               best(decide, &j, 200, 10), best(predict_and_decide, &j, 200, 10));
        xai_tensor_unref(j.rows);
        j.rows = random_tensor(256, (int64_t)xai_tree_n_classes(tree));
        printf(", 256 rows: %.4f ms a row\n", best(predict, &j, 20, 1) / 256);
        xai_tensor_unref(j.rows);
    }
    xai_tree_unref(tree);
}

static void time_clustering(int64_t n_classes, int64_t n_inputs)
{
    job j = { .rows = random_tensor(n_classes, n_inputs) };

    printf("induce from %lld x %lld weights: %.1f ms\n", (long long)n_classes, (long long)n_inputs,
           best(cluster, &j, 3, 1));
    xai_tensor_unref(j.rows);
}

int main(void)
{
    const char *root = getenv("XAI_TEST_DATA");
    const xai_context_options options = { .struct_size = sizeof options };

    if (xai_context_create(&context, &options) < 0)
        die("context");
    if (root == NULL)
        puts("SKIP: XAI_TEST_DATA is not set, so nbdt's files are not timed");
    else {
        time_file(root, "CIFAR10/graph-induced-wrn28_10_cifar10.json");
        time_file(root, "CIFAR100/graph-induced.json");
        time_file(root, "Imagenet1000/graph-induced-efficientnet_b7b.json");
    }
    time_clustering(10, 64);
    time_clustering(1000, 512);
    time_clustering(1000, 2048);
    xai_context_unref(context);
    return 0;
}
