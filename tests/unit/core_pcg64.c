/* SPDX-License-Identifier: MIT
 * numpy's default_rng: raw numbers to the bit, normal ones closely, and as many draws for them. */
#include <math.h>

#include "core/pcg64.h"
#include "testing.h"

/* numpy 2.4.6: default_rng(seed).bit_generator.random_raw(2); the first and the 200000th standard_normal(). */
static const struct {
    uint64_t seed, raw[2];
    double first, last;
} streams[] = {
    { 42, { 14276969152011380360u, 8095878257575067585u }, 0.30471707975443135, 0.26900288242347326 },
    { 0, { 11749869230777074271u, 4976686463289251617u }, 0.1257302210933933, -0.26553977625065545 },
    { 12345678901234u, { 7496343037614434180u, 483370428031952295u }, -0.39223355291470824, -0.7947533006670466 },
};

START_TEST(test_stream)
{
    static xai__pcg64 rng;
    double x = 0;

    xai__pcg64_seed(&rng, streams[_i].seed);
    for (int i = 0; i < 2; i++)
        ck_assert_uint_eq(xai__pcg64_next(&rng), streams[_i].raw[i]);
    xai__pcg64_seed(&rng, streams[_i].seed);
    ck_assert_double_eq_tol(xai__pcg64_normal(&rng), streams[_i].first, 1e-14);
    for (int i = 1; i < 200000; i++)
        x = xai__pcg64_normal(&rng);
    ck_assert_double_eq_tol(x, streams[_i].last, 1e-14);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("core_pcg64");
    TCase *tcase = tcase_create("numpy");

    tcase_add_loop_test(tcase, test_stream, 0, sizeof streams / sizeof *streams);
    suite_add_tcase(suite, tcase);
    return suite;
}

TESTING_MAIN(make_suite)
