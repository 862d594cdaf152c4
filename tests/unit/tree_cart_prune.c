/* SPDX-License-Identifier: MIT
 * Pruning of CARTs: along the path, links found at once against those that are cut one by one, and a chain. What
 * scikit-learn prunes is in tree_cart.c. */
#include "cart_cases.h"
#include "core/memory.h"
#include "tree/cart_links.h"

static xai_context *context;

static void set_up(void)
{
    context = testing_context(1);
}

static void tear_down(void)
{
    xai_context_unref(context);
}

/* Pruned at any alpha of its path, a tree has the impurity that the path says; at the last one it is a leaf. */
START_TEST(prunes_along_its_path)
{
    cart_case l = { .criterion = "gini" };
    tables_table t = tables_make(3);
    xai_tree *tree = cart_case_fit(context, &l, &t, 3), *pruned = NULL;
    double alphas[512], impurities[512];
    size_t n = 0, n_before = tree->n_nodes;

    ck_assert_ok(xai_tree_pruning_path(&n, tree, alphas, impurities, 512));
    ck_assert_uint_gt(n, 4);
    for (size_t i = 0; i < n; i++) {
        const xai__cart *cart;
        double total = 0;
        ck_assert_ok(xai_tree_prune(&pruned, tree, alphas[i]));
        cart = xai__cart_of(pruned);
        for (size_t k = 0; k < pruned->n_nodes; k++)
            if (cart->nodes[k].left < 0)
                total += cart->nodes[k].impurity * cart->nodes[k].weight / cart->nodes[0].weight;
        /* Equal alphas go together. */
        if (i + 1 == n || alphas[i + 1] > alphas[i])
            ck_assert_double_eq_tol(total, impurities[i], 1e-9);
        ck_assert(pruned->n_nodes <= n_before);
        n_before = pruned->n_nodes;
        xai_tree_unref(pruned);
    }
    ck_assert_uint_eq(n_before, 1);
    ck_assert_fails(xai_tree_prune(&pruned, tree, -1), XAI_E_INVALID, "alpha is -1");
    ck_assert_fails(xai_tree_prune(&pruned, tree, NAN), XAI_E_INVALID, "alpha is");
    ck_assert_fails(xai_tree_prune(NULL, tree, 0), XAI_E_INVALID, "out is NULL");
    ck_assert_fails(xai_tree_pruning_path(NULL, tree, NULL, NULL, 0), XAI_E_INVALID, "n is NULL");
    ck_assert_ok(xai_tree_pruning_path(&n, tree, NULL, NULL, 0));
    ck_assert_uint_gt(n, 4);
    xai_tree_unref(tree);
    tables_free(&t);
}
END_TEST

/* A tree of n forks: each parts a leaf that is there, of choose(). Costs of nodes are set by the caller. */
static xai__cart *make_forks(size_t n, size_t (*choose)(size_t n_nodes, xai__rng *rng), xai__rng *rng)
{
    xai__cart *cart = NULL;

    ck_assert_ok(xai__cart_create(&cart, context, 1, 1, true));
    for (size_t i = 0; i < 2 * n + 1; i++) {
        xai__cart_node *node = xai__cart_add(cart);

        ck_assert_ptr_nonnull(node);
        *node = (xai__cart_node){ .weight = 1, .n_samples = 1 };
        xai__cart_make_leaf(node);
        cart->values[i] = 0;
        cart->tree.n_nodes++;
    }
    for (size_t i = 0; i < n; i++) {
        size_t at = choose(2 * i + 1, rng);

        while (cart->nodes[at].left >= 0) /* there is a leaf behind every fork */
            at = (size_t)cart->nodes[at].right;
        cart->nodes[at].left = (int32_t)(2 * i + 1);
        cart->nodes[at].right = (int32_t)(2 * i + 2);
        cart->nodes[at].feature = 0;
        cart->nodes[at].threshold = 0;
    }
    ck_assert_ok(xai__cart_finish(cart));
    return cart;
}

static size_t choose_any(size_t n_nodes, xai__rng *rng)
{
    return (size_t)(xai__rng_uniform(rng) * (double)n_nodes);
}

static size_t choose_last(size_t n_nodes, xai__rng *rng)
{
    (void)rng;
    return n_nodes - 1;
}

/* Links that are found at once are those that are cut one by one, whatever the costs: rising ones as well, which no fit
 * makes but a file may have. */
START_TEST(finds_the_links_that_are_cut)
{
    xai__rng rng;

    xai__rng_seed(&rng, 5);
    for (int round = 0; round < 200; round++) {
        size_t n_forks = 1 + (size_t)(xai__rng_uniform(&rng) * 120), n = 0;
        xai__cart *cart = make_forks(n_forks, choose_any, &rng);
        double alphas[128], impurities[128], share = round % 3 == 0 ? 1 : 0.7;
        xai__cart_link *links = NULL;
        uint32_t order[256];

        for (size_t i = 0; i < cart->tree.n_nodes; i++) /* children's are smaller, but for every third tree */
            cart->nodes[i].impurity = xai__rng_uniform(&rng) * pow(share, (double)i);
        ck_assert_ok(xai_tree_pruning_path(&n, &cart->tree, alphas, impurities, 128));
        ck_assert_ok(xai__cart_links_find(&links, cart));
        ck_assert_uint_eq(xai__cart_links_sort(order, links, cart->tree.n_nodes), n - 1);
        for (size_t i = 1; i < n; i++) {
            const xai__cart_link *link = &links[order[i - 1]];

            ck_assert_double_eq_tol(link->alpha, alphas[i], 1e-12 * (1 + fabs(alphas[i])));
            ck_assert_double_eq_tol(link->rise, impurities[i] - impurities[i - 1], 1e-11);
        }
        xai__free(context, links);
        xai_tree_unref(&cart->tree);
    }
}
END_TEST

/* Each fork below another: a way of 150,000. A fork with k forks in its branch costs k^2, so the last one is cut first,
 * at 1, and the one above it for 2 k - 1 more. */
START_TEST(prunes_a_chain)
{
    enum { N_FORKS = 150000, HALF = N_FORKS / 2 };
    xai__cart *cart = make_forks(N_FORKS, choose_last, NULL);
    double *alphas = calloc(N_FORKS + 1, sizeof *alphas), *impurities = calloc(N_FORKS + 1, sizeof *impurities);
    xai_tree *pruned = NULL;
    size_t n = 0;

    for (size_t i = 0; i < N_FORKS; i++) {
        double k = (double)(N_FORKS - i);

        cart->nodes[2 * i].impurity = k * k;
    }
    ck_assert_ok(xai_tree_pruning_path(&n, &cart->tree, alphas, impurities, N_FORKS + 1));
    ck_assert_uint_eq(n, N_FORKS + 1);
    for (size_t k = 1; k < n; k++) {
        ck_assert_double_eq(alphas[k], 2 * (double)k - 1);
        ck_assert_double_eq(impurities[k], (double)k * (double)k);
    }
    ck_assert_ok(xai_tree_prune(&pruned, &cart->tree, 2.0 * HALF - 1));
    ck_assert_uint_eq(pruned->n_nodes, N_FORKS + 1);
    xai_tree_unref(pruned);
    ck_assert_ok(xai_tree_prune(&pruned, &cart->tree, 0));
    ck_assert_uint_eq(pruned->n_nodes, 2 * N_FORKS + 1);
    xai_tree_unref(pruned);
    ck_assert_ok(xai_tree_prune(&pruned, &cart->tree, 1e9));
    ck_assert_uint_eq(pruned->n_nodes, 1);
    xai_tree_unref(pruned);
    xai_tree_unref(&cart->tree);
    free(impurities);
    free(alphas);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tree_cart_prune");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, prunes_along_its_path);
    tcase_add_test(cases, finds_the_links_that_are_cut);
    tcase_add_test(cases, prunes_a_chain);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
