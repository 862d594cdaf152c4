/* SPDX-License-Identifier: MIT
 * Gaussian smoothing: sums that stay, edges, and bells of any width. */
#include "testing.h"

#include <math.h>

#include "explain/gauss.h"

enum { HEIGHT = 5, WIDTH = 7, N_PIXELS = HEIGHT * WIDTH };

/* A bell by the definition, along both axes, with the edge repeated. */
static double expected_at(const float *plane, int y, int x, double sigma, int radius)
{
    double sum = 0, all = 0;

    for (int dy = -radius; dy <= radius; dy++)
        for (int dx = -radius; dx <= radius; dx++) {
            int row = y + dy < 0         ? 0
                      : y + dy >= HEIGHT ? HEIGHT - 1
                                         : y + dy,
                column = x + dx < 0        ? 0
                         : x + dx >= WIDTH ? WIDTH - 1
                                           : x + dx;
            double weight = exp(-0.5 * (dy * dy + dx * dx) / (sigma * sigma));

            sum += weight * (double)plane[row * WIDTH + column];
            all += weight;
        }
    return sum / all;
}

static void fill(float *planes)
{
    for (int i = 0; i < 2 * N_PIXELS; i++)
        planes[i] = (float)(i * 29 % 17) - 8;
}

START_TEST(bell)
{
    static const double sigmas[] = { 0.01, 0.7, 2.5, 6.9 };
    xai_context *context = testing_context(1);
    float planes[2 * N_PIXELS], smooth[2 * N_PIXELS];

    fill(planes);
    fill(smooth);
    ck_assert_ok(xai__gauss_smooth(smooth, context, 2, HEIGHT, WIDTH, sigmas[_i], 4));
    for (int i = 0; i < 2 * N_PIXELS; i++)
        ck_assert_double_eq_tol((double)smooth[i],
                                expected_at(planes + i / N_PIXELS * N_PIXELS, i % N_PIXELS / WIDTH, i % WIDTH,
                                            sigmas[_i], (int)ceil(4 * sigmas[_i])),
                                1e-5);
    xai_context_unref(context);
}
END_TEST

/* Wider than the picture, all bells are that of its longer side: no weights that fill the memory, no endless sums. */
START_TEST(endless_bell)
{
    static const double sigmas[] = { 8, 1e7, 1e300, INFINITY };
    xai_context *context = testing_context(1);
    float widest[2 * N_PIXELS], smooth[2 * N_PIXELS];

    fill(widest);
    fill(smooth);
    ck_assert_ok(xai__gauss_smooth(widest, context, 2, HEIGHT, WIDTH, WIDTH, 4));
    ck_assert_ok(xai__gauss_smooth(smooth, context, 2, HEIGHT, WIDTH, sigmas[_i], 4));
    ck_assert_mem_eq(smooth, widest, sizeof smooth);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_gauss");
    TCase *cases = tcase_create("all");

    tcase_add_loop_test(cases, bell, 0, 4);
    tcase_add_loop_test(cases, endless_bell, 0, 4);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
