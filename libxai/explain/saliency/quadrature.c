/* SPDX-License-Identifier: MIT
 * Quadrature: nodes and weights on the interval from 0 to 1. */
#include "explain/saliency/quadrature.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/error.h"

/* Each root costs four rounds of Newton of n steps each: these take two seconds, ten times as many would take minutes
 * in which nothing could be cancelled. */
enum { MOST_ROOTS = 16384 };

static const double PI = 3.14159265358979323846;

/* P_n(x) and its derivative, by the three-term recurrence k P_k = (2k - 1) x P_(k-1) - (k - 1) P_(k-2). |x| < 1: at the
 * ends the derivative's formula divides by 0, but no root lies there. */
static double legendre(double *derivative, size_t n, double x)
{
    double before = 1, p = x;

    for (size_t k = 2; k <= n; k++) {
        double next = ((2.0 * (double)k - 1) * x * p - ((double)k - 1) * before) / (double)k;

        before = p;
        p = next;
    }
    *derivative = (double)n * (x * p - before) / (x * x - 1);
    return p;
}

/* Newton's method from the asymptotic place of each root; roots are symmetric about the middle. Weights on -1 .. 1 are
 * 2 / ((1 - x^2) P_n'(x)^2), half of which stand for the shorter interval from 0 to 1. For odd n the middle is a root
 * exactly; Newton would leave it off by a rounding. The slope is taken once more where the root came to rest. */
static void gauss_legendre(double *nodes, double *weights, size_t n)
{
    for (size_t i = 0; i < (n + 1) / 2; i++) {
        double x = cos(PI * ((double)i + 0.75) / ((double)n + 0.5)), slope = 1;

        if (2 * i + 1 == n)
            x = 0;
        for (int round = 0; round < 20; round++) {
            double step = legendre(&slope, n, x) / slope;

            x -= step;
            if (fabs(step) < 1e-16)
                break;
        }
        legendre(&slope, n, x);
        nodes[n - 1 - i] = (1 + x) / 2;
        nodes[i] = (1 - x) / 2;
        weights[i] = weights[n - 1 - i] = 1 / ((1 - x * x) * slope * slope);
    }
}

static void left(double *nodes, double *weights, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        nodes[i] = (double)i / (double)n;
        weights[i] = 1.0 / (double)n;
    }
}

static void right(double *nodes, double *weights, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        nodes[i] = ((double)i + 1) / (double)n;
        weights[i] = 1.0 / (double)n;
    }
}

static void middle(double *nodes, double *weights, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        nodes[i] = ((double)i + 0.5) / (double)n;
        weights[i] = 1.0 / (double)n;
    }
}

/* n nodes with both ends among them, but steps of 1/n as captum has them: the weights add up to (n - 1) / n. */
static void trapezoid(double *nodes, double *weights, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        nodes[i] = n > 1 ? (double)i / (double)(n - 1) : 0;
        weights[i] = 1.0 / (double)n;
    }
    weights[0] /= 2;
    weights[n - 1] /= 2;
}

xai_status xai__quadrature(double *nodes, double *weights, size_t n, const char *name)
{
    static const struct {
        const char *name;
        void (*fill)(double *nodes, double *weights, size_t n);
        size_t most;
    } rows[] = { { "gausslegendre", gauss_legendre, MOST_ROOTS },
                 { "riemann-left", left, SIZE_MAX },
                 { "riemann-right", right, SIZE_MAX },
                 { "riemann-middle", middle, SIZE_MAX },
                 { "riemann-trapezoid", trapezoid, SIZE_MAX } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        if (n > rows[i].most)
            return xai__fail(XAI_E_INVALID, "%s has at most %zu points, got %zu; take riemann-middle", name,
                             rows[i].most, n);
        rows[i].fill(nodes, weights, n);
        return XAI_OK;
    }
    return xai__fail(XAI_E_NOT_FOUND,
                     "there is no quadrature '%.40s'; there are gausslegendre, riemann-left, riemann-right, "
                     "riemann-middle, riemann-trapezoid",
                     name);
}
