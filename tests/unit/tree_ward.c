/* SPDX-License-Identifier: MIT
 * Ward clustering against scipy's merges, on random matrices, on matrices full of ties and on a network's weights. */
#include "tree/ward.h"

#include "core/rng.h"
#include "io/weights.h"
#include "testing.h"
#include "ward_vectors.h"

static xai_context *context;

static void set_up(void)
{
    context = testing_context(2);
}

static void tear_down(void)
{
    xai_context_unref(context);
}

/* The numbers of make_ward.py. */
static float *make_matrix(const ward_case *one)
{
    float *rows = malloc(one->n * one->k * sizeof *rows);

    for (size_t i = 0; i < one->n * one->k; i++) {
        uint64_t bits = xai__mix64((i + 1) * 0x9e3779b97f4a7c15u) >> 40;

        rows[i] = one->levels > 0 ? (float)(bits % one->levels) : (float)((double)bits / (1 << 23) - 1);
    }
    return rows;
}

static void check(const char *name, const float *rows, size_t n, size_t k, const ward_row *expected)
{
    xai__ward_merge *merges = malloc(n * sizeof *merges);

    ck_assert_ok(xai__ward(merges, context, rows, n, k));
    for (size_t i = 0; i + 1 < n; i++) {
        ck_assert_msg(merges[i].a == expected[i].a && merges[i].b == expected[i].b,
                      "%s, merge %zu: got %u and %u, expected %u and %u", name, i, merges[i].a, merges[i].b,
                      expected[i].a, expected[i].b);
        ck_assert_double_eq_tol(merges[i].height, expected[i].height, 1e-12 * (1 + expected[i].height));
    }
    free(merges);
}

START_TEST(as_scipy)
{
    const ward_case *one = &ward_cases[_i];
    float *rows = make_matrix(one);

    check(one->name, rows, one->n, one->k, one->merges);
    free(rows);
}
END_TEST

START_TEST(weights_of_resnet56)
{
    const char *file = testing_data("cifar10-resnet/resnet56.safetensors");
    xai__weights *weights = NULL;
    float rows[640];

    if (file == NULL)
        return;
    ck_assert_ok(xai__weights_open(&weights, context, file));
    ck_assert_ok(xai__weight_to_f32(rows, xai__weights_find(weights, "linear.weight")));
    check("resnet56", rows, 10, 64, resnet56_merges);
    xai__weights_close(weights);
}
END_TEST

/* Rows so near each other that rounding decides: every cluster is merged once all the same. */
START_TEST(nearly_equal_rows)
{
    enum { N = 300 };
    float rows[N * 2];
    xai__ward_merge merges[N];
    uint8_t merged[2 * N] = { 0 };

    for (int i = 0; i < 2 * N; i++)
        rows[i] = 1 + (float)(i * 37 % 11) * 1.2e-7f;
    ck_assert_ok(xai__ward(merges, context, rows, N, 2));
    for (int k = 0; k < N - 1; k++) {
        ck_assert(merges[k].a < merges[k].b && merges[k].b < (uint32_t)(N + k));
        ck_assert(!merged[merges[k].a] && !merged[merges[k].b]);
        ck_assert(k == 0 || merges[k].height >= merges[k - 1].height);
        merged[merges[k].a] = merged[merges[k].b] = 1;
    }
}
END_TEST

START_TEST(sizes)
{
    xai__ward_merge none = { 7, 7, 7 };
    const float rows[3] = { 1, 2, 3 };

    ck_assert_ok(xai__ward(&none, context, rows, 1, 3));
    ck_assert_uint_eq(none.a, 7);
    ck_assert_fails(xai__ward(&none, context, rows, XAI__WARD_MAX_ROWS + 1, 1), XAI_E_LIMIT, "16385 classes");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tree_ward");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, as_scipy, 0, sizeof ward_cases / sizeof *ward_cases);
    tcase_add_test(cases, weights_of_resnet56);
    tcase_add_test(cases, nearly_equal_rows);
    tcase_add_test(cases, sizes);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
