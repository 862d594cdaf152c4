/* SPDX-License-Identifier: MIT
 * Random numbers: the published vectors of splitmix64 and xoshiro256**, and what Python draws (golden/draw.py). */
#include "testing.h"

#include "core/rng.h"

START_TEST(seeds_by_splitmix)
{
    xai__rng rng;

    xai__rng_seed(&rng, 0);
    ck_assert_uint_eq(rng.state[0], 0xe220a8397b1dcdaf);
    ck_assert_uint_eq(rng.state[1], 0x6e789e6aa1b965f4);
    ck_assert_uint_eq(rng.state[2], 0x06c45d188009454f);
    ck_assert_uint_eq(rng.state[3], 0xf88bb8a8724c81ec);
}
END_TEST

START_TEST(is_xoshiro)
{
    static const uint64_t expected[] = {
        11520,
        0,
        1509978240,
        1215971899390074240,
        1216172134540287360,
        607988272756665600,
        UINT64_C(16172922978634559625),
        8476171486693032832,
        UINT64_C(10595114339597558777),
        2904607092377533576,
    };
    xai__rng rng = { { 1, 2, 3, 4 } };

    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_uint_eq(xai__rng_next(&rng), expected[i]);
}
END_TEST

START_TEST(uniform_is_below_one)
{
    double sum = 0;
    xai__rng rng;

    xai__rng_seed(&rng, 1);
    for (int i = 0; i < 10000; i++) {
        double u = xai__rng_uniform(&rng);

        ck_assert(u >= 0 && u < 1);
        sum += u;
    }
    ck_assert_double_eq_tol(sum / 10000, 0.5, 0.02);
}
END_TEST

/* uniform("conv1.weight", 3, seed=7) in golden/draw.py. */
START_TEST(any_element_at_once)
{
    const uint64_t key = UINT64_C(0x69a29a2cee47d254) ^ xai__mix64(7);

    ck_assert_uint_eq(xai__mix64(0), 0);
    ck_assert_uint_eq(xai__mix64(1), 0x5692161d100b05e5);
    ck_assert_uint_eq(xai__mix64(UINT64_MAX), 0xb4d055fcf2cbbd7b);
    ck_assert_double_eq(xai__rng_uniform_at(key, 2), 0.25527002147456723);
    ck_assert_double_eq(xai__rng_uniform_at(key, 0), 0.9491341576822425);
    ck_assert_double_eq(xai__rng_uniform_at(key, 1), 0.016598590728194473);
}
END_TEST

static Suite *rng_suite(void)
{
    Suite *suite = suite_create("core_rng");
    TCase *cases = tcase_create("rng");

    tcase_add_test(cases, seeds_by_splitmix);
    tcase_add_test(cases, is_xoshiro);
    tcase_add_test(cases, uniform_is_below_one);
    tcase_add_test(cases, any_element_at_once);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(rng_suite)
