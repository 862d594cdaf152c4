/* SPDX-License-Identifier: MIT
 * numpy's RandomState, to the bit. */
#include "core/mt19937.h"
#include "testing.h"

/* numpy 2.4.6: RandomState(7).randint(0, 1000), .randint(0, 2, 10), .random_sample(), .permutation(6), in this order.
 */
START_TEST(test_stream)
{
    static const uint32_t bits[10] = { 0, 1, 0, 1, 1, 1, 1, 0, 1, 0 }, wanted[6] = { 3, 5, 0, 4, 2, 1 };
    uint32_t order[6];
    xai__mt19937 rng;

    xai__mt19937_seed(&rng, 7);
    ck_assert_uint_eq(xai__mt19937_upto(&rng, 999), 175);
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(xai__mt19937_upto(&rng, 1), bits[i]);
    ck_assert_double_eq(xai__mt19937_uniform(&rng), 0.26387083903789865);
    xai__mt19937_permutation(&rng, order, 6);
    ck_assert_mem_eq(order, wanted, sizeof wanted);
    for (int i = 0; i < 700; i++)
        xai__mt19937_next(&rng);
    ck_assert_double_eq(xai__mt19937_uniform(&rng), 0.33587149650473713);
    ck_assert_uint_eq(xai__mt19937_upto(&rng, 0), 0);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("core_mt19937");
    TCase *tcase = tcase_create("numpy");

    tcase_add_test(tcase, test_stream);
    suite_add_tcase(suite, tcase);
    return suite;
}

TESTING_MAIN(make_suite)
