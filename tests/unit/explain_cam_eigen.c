/* SPDX-License-Identifier: MIT
 * The first principal component: an eigenvector, the largest one, with the promised sign, whatever the shape. */
#include <math.h>

#include "core/rng.h"
#include "explain/cam/cam.h"
#include "testing.h"

enum { MOST = 4096 };

static float channels[MOST], map[MOST];
static double centred[MOST], image[MOST];

static void centre(int64_t c, int64_t n)
{
    for (int64_t k = 0; k < c; k++) {
        double mean = 0;

        for (int64_t i = 0; i < n; i++)
            mean += channels[k * n + i] / (double)n;
        for (int64_t i = 0; i < n; i++)
            centred[k * n + i] = channels[k * n + i] - mean;
    }
}

/* image = X'X p. */
static void multiply(int64_t c, int64_t n, const double *p)
{
    memset(image, 0, sizeof image);
    for (int64_t k = 0; k < c; k++) {
        double sum = 0;

        for (int64_t i = 0; i < n; i++)
            sum += centred[k * n + i] * p[i];
        for (int64_t i = 0; i < n; i++)
            image[i] += sum * centred[k * n + i];
    }
}

static double square(const double *p, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += p[i] * p[i];
    return sum;
}

/* No direction holds more of the channels than the projection's: tried by plain power iteration. */
static double largest_eigenvalue(int64_t c, int64_t n, int rounds)
{
    static double p[MOST];
    double length = 0;

    for (int64_t i = 0; i < n; i++)
        p[i] = cos((double)(3 * i + 1));
    for (int round = 0; round < rounds; round++) {
        length = sqrt(square(p, n));
        for (int64_t i = 0; i < n && length > 0; i++)
            p[i] /= length;
        multiply(c, n, p);
        memcpy(p, image, sizeof p);
    }
    return sqrt(square(p, n));
}

static void fill(int64_t c, int64_t n, uint64_t seed)
{
    xai__rng rng;

    xai__rng_seed(&rng, seed);
    for (int64_t i = 0; i < c * n; i++)
        channels[i] = (float)(xai__rng_uniform(&rng) * ((double)(i % n) / (double)n + 0.2));
}

START_TEST(is_the_largest_eigenvector)
{
    static const int64_t shapes[][2] = { { 5, 49 },  { 64, 49 }, { 80, 6 },  { 1, 30 },
                                         { 300, 2 }, { 30, 30 }, { 2, 2000 } };
    int64_t c = shapes[_i][0], n = shapes[_i][1];
    xai_context *context = testing_context(1);
    double p[MOST] = { 0 }, lambda, worst = 0, with_mean = 0;

    fill(c, n, (uint64_t)_i + 3);
    centre(c, n);
    ck_assert_ok(xai__cam_project(map, context, channels, c, n));
    for (int64_t i = 0; i < n; i++)
        p[i] = map[i];
    lambda = square(p, n); /* the singular value is the projection's length */
    multiply(c, n, p);
    for (int64_t i = 0; i < n; i++)
        worst = fmax(worst, fabs(image[i] - lambda * p[i]));
    ck_assert_double_le(worst, 1e-5 * lambda * sqrt(lambda));
    ck_assert_double_ge(lambda * (1 + 1e-5), largest_eigenvalue(c, n, 300));
    for (int64_t k = 0; k < c; k++)
        for (int64_t i = 0; i < n; i++)
            with_mean += centred[k * n + i] * p[i];
    ck_assert_double_ge(with_mean, 0);
    xai_context_unref(context);
}
END_TEST

/* The sign of what is put in does not turn the map round. */
START_TEST(sign_follows_the_mean)
{
    xai_context *context = testing_context(1);
    float other[49];

    fill(20, 49, 1);
    ck_assert_ok(xai__cam_project(map, context, channels, 20, 49));
    for (int i = 0; i < 20 * 49; i++)
        channels[i] = -channels[i];
    ck_assert_ok(xai__cam_project(other, context, channels, 20, 49));
    for (int i = 0; i < 49; i++)
        ck_assert_float_eq_tol(map[i], -other[i], 1e-4f);
    xai_context_unref(context);
}
END_TEST

START_TEST(nothing_to_see)
{
    xai_context *context = testing_context(1);

    for (int i = 0; i < 60; i++)
        channels[i] = (float)(i / 12); /* each channel the same everywhere */
    ck_assert_ok(xai__cam_project(map, context, channels, 5, 12));
    for (int i = 0; i < 12; i++)
        ck_assert_float_eq(map[i], 0.0f);
    channels[0] = NAN; /* counts as 0 */
    ck_assert_ok(xai__cam_project(map, context, channels, 1, 1));
    ck_assert_float_eq(map[0], 0.0f);
    xai_context_unref(context);
}
END_TEST

/* Two channels that have nothing in common and weigh the same: some direction of their plane, and numbers. */
START_TEST(equal_components)
{
    xai_context *context = testing_context(1);
    double length = 0;

    memset(channels, 0, sizeof channels);
    channels[0] = channels[8 + 2] = 1;
    channels[1] = channels[8 + 3] = -1;
    ck_assert_ok(xai__cam_project(map, context, channels, 2, 8));
    for (int i = 0; i < 8; i++)
        length += (double)map[i] * map[i];
    ck_assert_double_eq_tol(length, 2.0, 1e-6);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_cam_eigen");
    TCase *cases = tcase_create("all");

    tcase_add_loop_test(cases, is_the_largest_eigenvector, 0, 7);
    tcase_add_test(cases, sign_follows_the_mean);
    tcase_add_test(cases, nothing_to_see);
    tcase_add_test(cases, equal_components);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
