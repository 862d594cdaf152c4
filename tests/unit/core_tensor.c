/* SPDX-License-Identifier: MIT
 * Tensors and random numbers. */
#include "testing.h"

#include <math.h>

#include "core/rng.h"
#include "core/tensor.h"

static int n_destroyed;

static void destroy(void *user)
{
    ck_assert_ptr_eq(user, &n_destroyed);
    n_destroyed++;
}

START_TEST(create_is_zero)
{
    xai_context *context = testing_context(1);
    int64_t shape[] = { 2, 0, 3 }, read[2] = { -1, -1 };
    xai_tensor *tensor;

    ck_assert_ok(xai_tensor_create(&tensor, context, shape, 3));
    ck_assert_uint_eq(xai_tensor_size(tensor), 0);
    ck_assert_ptr_null(xai_tensor_data(tensor));
    ck_assert_uint_eq(xai_tensor_shape(tensor, read, 2), 3);
    ck_assert_int_eq(read[0], 2);
    xai_tensor_unref(tensor);

    ck_assert_ok(xai_tensor_create(&tensor, context, NULL, 0));
    ck_assert_uint_eq(xai_tensor_size(tensor), 1);
    ck_assert_float_eq(xai_tensor_data(tensor)[0], 0.0f);
    ck_assert_ptr_eq(xai_tensor_ref(tensor), tensor);
    xai_tensor_unref(tensor);
    xai_tensor_unref(tensor);
    xai_tensor_unref(NULL);
    xai_context_unref(context);
}
END_TEST

START_TEST(wrap_destroys_once)
{
    xai_context *context = testing_context(1);
    float data[6] = { 1, 2, 3, 4, 5, 6 };
    int64_t shape[] = { 2, 3 };
    xai_tensor *tensor;

    ck_assert_ok(xai_tensor_wrap(&tensor, context, data, shape, 2, destroy, &n_destroyed));
    ck_assert_ptr_eq(xai_tensor_data(tensor), data);
    xai_context_unref(context); /* the tensor keeps it */
    xai_tensor_unref(tensor);
    ck_assert_int_eq(n_destroyed, 1);
}
END_TEST

START_TEST(bad_arguments)
{
    xai_context *context = testing_context(1);
    int64_t shape[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    xai_tensor *tensor;
    float *odd = (float *)((char *)shape + 1);

    ck_assert_fails(xai_tensor_create(&tensor, context, shape, 9), XAI_E_INVALID, "rank is 9");
    ck_assert_ptr_null(tensor);
    shape[1] = -2;
    ck_assert_fails(xai_tensor_create(&tensor, context, shape, 2), XAI_E_INVALID, "1x-2");
    ck_assert_fails(xai_tensor_create(&tensor, NULL, shape, 1), XAI_E_INVALID, "context is NULL");
    ck_assert_fails(xai_tensor_wrap(&tensor, context, odd, shape, 1, NULL, NULL), XAI_E_INVALID, "aligned");
    ck_assert_fails(xai_tensor_wrap(&tensor, context, NULL, shape, 1, NULL, NULL), XAI_E_INVALID, "NULL");
    shape[0] = shape[1] = (int64_t)1 << 33;
    ck_assert_fails(xai_tensor_create(&tensor, context, shape, 2), XAI_E_INVALID, "8589934592x8589934592");
    shape[2] = 0; /* no excuse for the overflow before it */
    ck_assert_fails(xai_tensor_create(&tensor, context, shape, 3), XAI_E_INVALID, "x0");
    xai_context_unref(context);
}
END_TEST

START_TEST(check_counts)
{
    xai_context *context = testing_context(1);
    float data[4] = { 1, NAN, 2, INFINITY };
    int64_t shape[] = { 4 };
    xai_tensor *tensor;

    ck_assert_ok(xai_tensor_wrap(&tensor, context, data, shape, 1, NULL, NULL));
    ck_assert_fails(xai_tensor_check(tensor), XAI_E_FORMAT, "2 of 4 elements");
    data[1] = data[3] = 0;
    ck_assert_ok(xai_tensor_check(tensor));
    xai_tensor_unref(tensor);
    xai_context_unref(context);
}
END_TEST

/* First outputs of xoshiro256** for the splitmix64 states of seed 0, computed independently in Python. */
START_TEST(random_stream)
{
    xai__rng rng;
    double sum = 0;

    xai__rng_seed(&rng, 0);
    ck_assert_uint_eq(xai__rng_next(&rng), 0x99ec5f36cb75f2b4u);
    ck_assert_uint_eq(xai__rng_next(&rng), 0xbf6e1f784956452au);
    for (int i = 0; i < 10000; i++)
        sum += xai__rng_uniform(&rng);
    ck_assert_double_eq_tol(sum / 10000, 0.5, 0.02);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("core_tensor");
    TCase *cases = tcase_create("all");

    tcase_add_test(cases, create_is_zero);
    tcase_add_test(cases, wrap_destroys_once);
    tcase_add_test(cases, bad_arguments);
    tcase_add_test(cases, check_counts);
    tcase_add_test(cases, random_stream);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
