/* SPDX-License-Identifier: MIT
 * The linear parts of feature visualisation, each beside its definition and its transpose: spectra, warps, transforms;
 * parameterisations and Adam. */
#include "testing.h"

#include <math.h>

#include "core/context.h"
#include "core/memory.h"
#include "core/rng.h"
#include "explain/visualize/adam.h"
#include "explain/visualize/parameterisation.h"
#include "explain/visualize/transform.h"

static void fill(float *data, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        data[i] = (float)(2 * xai__rng_uniform_at(seed, i) - 1);
}

static float *noise(size_t n, uint64_t seed)
{
    float *data = calloc(n > 0 ? n : 1, sizeof *data);

    ck_assert_ptr_nonnull(data);
    fill(data, n, seed);
    return data;
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* <A x, y> = <x, A' y>, as far as float sums go. */
static void check_transpose(const float *ax, const float *y, size_t n_y, const float *x, const float *aty, size_t n_x)
{
    double left = dot(ax, y, n_y), right = dot(x, aty, n_x), scale = sqrt(dot(ax, ax, n_y) * dot(y, y, n_y));

    ck_assert_msg(fabs(left - right) <= 1e-5 * scale, "<Ax, y> = %.9g, <x, A'y> = %.9g, |Ax||y| = %g", left, right,
                  scale);
}

/* --- spectra --- */

static const size_t sizes[][2] = { { 8, 8 }, { 7, 9 }, { 6, 5 }, { 5, 6 }, { 2, 2 }, { 3, 2 }, { 33, 20 }, { 1, 3 } };

enum { N_SIZES = sizeof sizes / sizeof *sizes };

/* The definition: every column stands once or, with its mirror image, twice. */
static double inverse_at(const float *spectrum, size_t height, size_t width, size_t y, size_t x)
{
    const double two_pi = 6.28318530717958647692;
    size_t n_columns = width / 2 + 1;
    double sum = 0;

    for (size_t v = 0; v < height; v++)
        for (size_t u = 0; u < n_columns; u++) {
            double angle = two_pi * ((double)(v * y) / (double)height + (double)(u * x) / (double)width),
                   weight = u == 0 || 2 * u == width ? 1 : 2;

            sum += weight * (cos(angle) * spectrum[2 * (v * n_columns + u)] -
                             sin(angle) * spectrum[2 * (v * n_columns + u) + 1]);
        }
    return sum / sqrt((double)(height * width));
}

START_TEST(inverse_transform)
{
    size_t height = sizes[_i][0], width = sizes[_i][1], n = height * width, n_spectrum = 2 * height * (width / 2 + 1);
    xai_context *context = testing_context(1);
    float *spectrum = noise(n_spectrum, 1), *picture = noise(n, 2), *other = noise(n, 3), *back = noise(n_spectrum, 4),
          *scratch;
    xai__fourier f;

    ck_assert_ok(xai__fourier_init(&f, context, height, width));
    scratch = noise(f.n_scratch, 5);
    xai__fourier_inverse(picture, &f, spectrum, scratch);
    for (size_t i = 0; i < n; i++)
        ck_assert_double_eq_tol(picture[i], inverse_at(spectrum, height, width, i / width, i % width), 1e-5);
    xai__fourier_adjoint(back, &f, other, scratch);
    check_transpose(picture, other, n, spectrum, back, n_spectrum);

    /* Divided by how often columns stand there, the adjoint is the forward transform. */
    for (size_t i = 0; i < n_spectrum; i++)
        back[i] /= xai__fourier_weight(&f, i / 2 % f.n_columns);
    xai__fourier_inverse(picture, &f, back, scratch);
    for (size_t i = 0; i < n; i++)
        ck_assert_double_eq_tol(picture[i], other[i], 1e-5);
    xai__fourier_fini(&f);
    free(spectrum);
    free(picture);
    free(other);
    free(back);
    free(scratch);
    xai_context_unref(context);
}
END_TEST

/* --- warps --- */

static const xai__warp *make_warp(int index)
{
    static xai__warp warp;

    switch (index) {
    case 0:
        warp = xai__warp_shift(9, 7, 12, 13, -2, -3, 0);
        break;
    case 1:
        warp = xai__warp_shift(9, 7, 4, 5, 3, 2, 0);
        break;
    case 2:
        warp = xai__warp_shift(9, 7, 9, 7, 4.25, -1.5, 0);
        break;
    case 3:
        warp = xai__warp_aligned(9, 7, 20, 5);
        break;
    case 4:
        warp = xai__warp_legacy(9, 7, 14, 6);
        break;
    case 5:
        warp = xai__warp_rotation(9, 70, 0.3);
        break;
    case 6:
        warp = xai__warp_rotation(9, 7, -0.17);
        warp.is_nearest = true;
        break;
    default:
        warp = xai__warp_shift(9, 7, 5, 5, 40, -50, 0);
    }
    return &warp;
}

enum { N_WARPS = 8, N_PLANES = 3 };

START_TEST(warps)
{
    const xai__warp *w = make_warp(_i);
    size_t n_in = N_PLANES * w->in_height * w->in_width, n_out = N_PLANES * w->out_height * w->out_width;
    float *in = noise(n_in, 1), *out = noise(n_out, 2), *other = noise(n_out, 3), *back = noise(n_in, 4);

    xai__warp_run(out, w, in, N_PLANES);
    xai__warp_adjoint(back, w, other, N_PLANES);
    check_transpose(out, other, n_out, in, back, n_in);
    free(in);
    free(out);
    free(other);
    free(back);
}
END_TEST

static void check_row(const xai__warp *w, const float *in, const float *expected)
{
    float out[64];

    xai__warp_run(out, w, in, 1);
    for (size_t i = 0; i < w->out_height * w->out_width; i++)
        ck_assert_msg(fabsf(out[i] - expected[i]) < 1e-6f, "pixel %zu is %g, expected %g", i, (double)out[i],
                      (double)expected[i]);
}

START_TEST(warps_by_hand)
{
    const float in[4] = { 0, 1, 2, 3 };
    xai__warp turn = xai__warp_rotation(2, 2, 1.5707963267948966);

    xai__warp shift = xai__warp_shift(2, 2, 3, 3, -1, -1, 0.5f);
    xai__warp aligned = xai__warp_aligned(2, 2, 3, 3), legacy = xai__warp_legacy(2, 2, 4, 4);

    check_row(&shift, in, (const float[]){ .5f, .5f, .5f, .5f, 0, 1, .5f, 2, 3 });
    check_row(&aligned, in, (const float[]){ 0, .5f, 1, 1, 1.5f, 2, 2, 2.5f, 3 });
    check_row(&legacy, in, (const float[]){ 0, .5f, 1, 1, 1, 1.5f, 2, 2, 2, 2.5f, 3, 3, 2, 2.5f, 3, 3 });
    check_row(&turn, in, (const float[]){ 1, 3, 0, 2 });
    turn.is_nearest = true;
    check_row(&turn, in, (const float[]){ 1, 3, 0, 2 });
    shift.y[2] = -0.5;
    check_row(&shift, in, (const float[]){ .5f, .25f, .75f, .5f, 1, 2, .5f, 1.25f, 1.75f });
}
END_TEST

/* --- transforms --- */

static const char *const profiles[] = { "default", "lucid", NULL, "lucent" };

/* Affine: the difference of two pictures is what the adjoint knows of. */
START_TEST(transforms)
{
    enum { HEIGHT = 40, WIDTH = 28, TO = 32 };
    const xai__transform_profile *profile = profiles[_i] != NULL ? xai__transform_profile_find(profiles[_i]) : NULL;
    size_t n = N_PLANES * HEIGHT * WIDTH, n_to = N_PLANES * TO * TO,
           largest = xai__transform_largest(HEIGHT, WIDTH, TO, TO);
    float *black = calloc(n, sizeof *black), *in = noise(n, 1), *of_black = noise(n_to, 2), *of_in = noise(n_to, 3),
          *other = noise(n_to, 4), *back = noise(n, 5), *scratch = noise(2 * N_PLANES * largest, 6);
    double first_jitter = 0;
    bool differs = false;

    for (size_t step = 0; step < 60; step++) {
        xai__transform t, again;

        xai__transform_draw(&t, profile, HEIGHT, WIDTH, TO, TO, 7, step);
        xai__transform_draw(&again, profile, HEIGHT, WIDTH, TO, TO, 7, step);
        ck_assert_uint_eq(t.n, again.n);
        for (size_t i = 0; i < t.n; i++) {
            ck_assert_uint_le(t.warps[i].out_height * t.warps[i].out_width, largest);
            ck_assert_double_eq(t.warps[i].y[2], again.warps[i].y[2]);
        }
        differs |= step > 0 && t.n > 1 && t.warps[1].y[2] != first_jitter;
        first_jitter = t.n > 1 && step == 0 ? t.warps[1].y[2] : first_jitter;
        xai__transform_run(of_black, &t, black, N_PLANES, scratch, largest);
        xai__transform_run(of_in, &t, in, N_PLANES, scratch, largest);
        for (size_t i = 0; i < n_to; i++)
            of_in[i] -= of_black[i];
        xai__transform_adjoint(back, &t, other, N_PLANES, scratch, largest);
        check_transpose(of_in, other, n_to, in, back, n);
    }
    ck_assert(differs == (profile != NULL));
    free(black);
    free(in);
    free(of_black);
    free(of_in);
    free(other);
    free(back);
    free(scratch);
}
END_TEST

START_TEST(unknown_profile)
{
    ck_assert_ptr_null(xai__transform_profile_find("xplique"));
    ck_assert_ptr_nonnull(strstr(xai_last_error(), "'xplique'"));
}
END_TEST

/* --- parameterisations --- */

enum { SIDE = 12, N_PIXELS = SIDE * SIDE };

static xai__parameterisation parameters(xai_context *context, int index)
{
    xai__parameterisation p = { .is_fourier = (index & 1) != 0,
                                .is_correlated = (index & 2) != 0,
                                .n_pictures = 2,
                                .height = SIDE,
                                .width = SIDE };

    ck_assert_ok(xai__parameterisation_init(&p, context));
    return p;
}

/* What the gradient of <weights, pictures> says beside differences. */
START_TEST(parameter_gradient)
{
    enum { N = 2 * N_PLANES * N_PIXELS };
    xai_context *context = testing_context(2);
    xai__parameterisation p = parameters(context, _i);
    float *pictures = noise(N, 1), *weights = noise(N, 2), *gradient = noise(p.n_values, 3);
    xai__team team = xai__team_take(context);
    const float step = 1.0f / 64;

    xai__parameterisation_start(&p, 5, 0.3);
    xai__parameterisation_draw(pictures, &p, &team);
    xai__parameterisation_gradient(gradient, &p, pictures, weights, &team);
    for (size_t i = 0; i < p.n_values; i += 13) {
        float kept = p.values[i];
        double up, down;

        p.values[i] = kept + step;
        xai__parameterisation_draw(pictures, &p, &team);
        up = dot(weights, pictures, N);
        p.values[i] = kept - step;
        xai__parameterisation_draw(pictures, &p, &team);
        down = dot(weights, pictures, N);
        p.values[i] = kept;
        ck_assert_msg(fabs((up - down) / (2 * step) - gradient[i]) < 2e-4 * (1 + fabs(gradient[i])),
                      "parameter %zu: %g, differences say %g", i, (double)gradient[i], (up - down) / (2 * step));
    }
    xai__team_give_back(&team);
    xai__parameterisation_fini(&p);
    free(pictures);
    free(weights);
    free(gradient);
    xai_context_unref(context);
}
END_TEST

START_TEST(imitation)
{
    enum { N = 2 * N_PLANES * N_PIXELS };
    xai_context *context = testing_context(1);
    xai__parameterisation p = parameters(context, _i);
    xai__team team = xai__team_take(context);
    float *pictures = noise(N, 1);
    xai_image *image = NULL;

    ck_assert_ok(xai_image_create(&image, context, NULL, SIDE, SIDE));
    for (size_t i = 0; i < N_PLANES * N_PIXELS; i++)
        xai_image_pixels(image)[i] = (uint8_t)(xai__rng_uniform_at(9, i) * 256);
    xai__parameterisation_imitate(&p, image);
    xai__parameterisation_draw(pictures, &p, &team);
    for (size_t i = 0; i < N; i++) {
        size_t picture = i / (N_PLANES * N_PIXELS), c = i / N_PIXELS % N_PLANES, at = i % N_PIXELS;

        ck_assert_msg(fabs((double)pictures[i] - xai_image_pixels(image)[N_PLANES * at + c] / 255.0) < 0.003,
                      "picture %zu, plane %zu, pixel %zu: %g", picture, c, at, (double)pictures[i]);
    }
    xai_image_unref(image);
    xai__team_give_back(&team);
    xai__parameterisation_fini(&p);
    free(pictures);
    xai_context_unref(context);
}
END_TEST

/* A picture's start is its own: the same alone and beside others. */
START_TEST(beginnings)
{
    xai_context *context = testing_context(1);
    xai__parameterisation p = parameters(context, 1), one = { .is_fourier = true, .height = SIDE, .width = SIDE };
    double square = 0;

    one.n_pictures = 1;
    ck_assert_ok(xai__parameterisation_init(&one, context));
    xai__parameterisation_start(&p, 3, 0.01);
    xai__parameterisation_start(&one, 3, 0.01);
    ck_assert_mem_eq(p.values, one.values, one.n_values * sizeof(float));
    ck_assert_mem_ne(p.values, p.values + one.n_values, one.n_values * sizeof(float));
    for (size_t i = 0; i < p.n_values; i++)
        square += (double)p.values[i] * p.values[i];
    ck_assert_double_eq_tol(sqrt(square / (double)p.n_values), 0.01, 0.001);
    xai__parameterisation_fini(&p);
    xai__parameterisation_fini(&one);
    xai_context_unref(context);
}
END_TEST

/* --- Adam --- */

/* The formula in double, on a bowl. */
START_TEST(adam)
{
    xai_context *context = testing_context(1);
    float value = 3, gradient;
    double expected = 3, mean = 0, variance = 0;
    xai__adam a;

    ck_assert_ok(xai__adam_init(&a, context, 1, 0.05));
    for (int t = 1; t <= 200; t++) {
        double slope = 2 * (expected - 1);

        mean = 0.9 * mean + 0.1 * slope;
        variance = 0.999 * variance + 0.001 * slope * slope;
        expected -= 0.05 * (mean / (1 - pow(0.9, t))) / (sqrt(variance / (1 - pow(0.999, t))) + 1e-8);
        gradient = 2 * (value - 1);
        xai__adam_step(&a, &value, &gradient);
        ck_assert_double_eq_tol(value, expected, 1e-4);
    }
    ck_assert_double_eq_tol(value, 1, 0.1);
    xai__adam_fini(&a);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_parameterisation");
    TCase *cases = tcase_create("all");

    tcase_add_loop_test(cases, inverse_transform, 0, N_SIZES);
    tcase_add_loop_test(cases, warps, 0, N_WARPS);
    tcase_add_test(cases, warps_by_hand);
    tcase_add_loop_test(cases, transforms, 0, 4);
    tcase_add_test(cases, unknown_profile);
    tcase_add_loop_test(cases, parameter_gradient, 0, 4);
    tcase_add_loop_test(cases, imitation, 0, 4);
    tcase_add_test(cases, beginnings);
    tcase_add_test(cases, adam);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
