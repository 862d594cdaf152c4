/* SPDX-License-Identifier: MIT
 * The first principal component of a layer: the map that most of its channels have in common. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/rng.h"
#include "explain/cam/cam.h"
#include "explain/dot.h"

enum { N_BASIS = 24, N_RESTARTS = 100, N_SWEEPS = 40 };

/* Relative to the eigenvalue: maps are compared to seven digits. */
static const double TOLERANCE = 1e-11;

/* The largest eigenvalue of X'X by Lanczos' method, restarted: X holds the c channels of n elements, centred over the
 * elements. Its eigenvector is the first right singular vector, which the original takes from a whole decomposition.
 * Products with X are all that is needed, so neither Gram matrix is made: c x c or n x n, up to 2048^2 and 12544^2. */
typedef struct search {
    const double *x;
    size_t c, n;
    double *basis; /* N_BASIS x n, orthonormal */
    double *image; /* n: X'X times the newest basis vector */
    double *best;  /* n: the eigenvector so far */
    double value;
    double projected[N_BASIS][N_BASIS]; /* X'X in the basis; the eigenvalues once diagonalised */
    double vectors[N_BASIS][N_BASIS];
    size_t size;
} search;

static void add_scaled(double *out, const double *v, double factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] += factor * v[i];
}

/* Returns the length it had. */
static double normalise(double *v, size_t n)
{
    double length = sqrt(xai__dot(v, v, n));

    for (size_t i = 0; i < n && length > 0; i++)
        v[i] /= length;
    return length;
}

/* A channel at a time: its share of X v, spread over its own elements. */
static void multiply(double *out, const search *s, const double *v)
{
    memset(out, 0, s->n * sizeof *out);
    for (size_t k = 0; k < s->c; k++)
        add_scaled(out, s->x + k * s->n, xai__dot(s->x + k * s->n, v, s->n), s->n);
}

/* Gram and Schmidt's, against the basis so far. Twice, for the first time leaves rounding errors, which grow from
 * vector to vector until the basis has the same direction twice. */
static void make_orthogonal(double *v, const search *s)
{
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < s->size; i++)
            add_scaled(v, s->basis + i * s->n, -xai__dot(s->basis + i * s->n, v, s->n), s->n);
}

/* Fills the basis from s->best on, until it is full or nothing new comes: then it holds all of X'X that the start can
 * reach, and the eigenvalue is exact. */
static void grow_basis(search *s)
{
    double length, scale = 0;

    memcpy(s->basis, s->best, s->n * sizeof *s->basis);
    s->size = 0;
    do {
        double *newest = s->basis + s->size * s->n;

        s->size++;
        multiply(s->image, s, newest);
        for (size_t i = 0; i < s->size; i++)
            s->projected[i][s->size - 1] = s->projected[s->size - 1][i] = xai__dot(s->basis + i * s->n, s->image, s->n);
        scale = fmax(scale, sqrt(xai__dot(s->image, s->image, s->n)));
        make_orthogonal(s->image, s);
        length = normalise(s->image, s->n);
        if (s->size < N_BASIS)
            memcpy(newest + s->n, s->image, s->n * sizeof *newest);
    } while (s->size < N_BASIS && length > 1e-14 * scale);
}

/* One Jacobi rotation that makes element (p, q) zero. Of the two angles the smaller one, by its tangent t, so that what
 * is already small elsewhere stays so. */
static void rotate(search *s, size_t p, size_t q)
{
    double theta = (s->projected[q][q] - s->projected[p][p]) / (2 * s->projected[p][q]);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    double cosine = 1 / sqrt(t * t + 1), sine = t * cosine;

    for (size_t i = 0; i < s->size; i++) {
        double a = s->projected[i][p], b = s->projected[i][q];

        s->projected[i][p] = cosine * a - sine * b;
        s->projected[i][q] = sine * a + cosine * b;
    }
    for (size_t i = 0; i < s->size; i++) {
        double a = s->projected[p][i], b = s->projected[q][i], c = s->vectors[i][p], d = s->vectors[i][q];

        s->projected[p][i] = cosine * a - sine * b;
        s->projected[q][i] = sine * a + cosine * b;
        s->vectors[i][p] = cosine * c - sine * d;
        s->vectors[i][q] = sine * c + cosine * d;
    }
}

/* Jacobi's method, row by row, until what is off the diagonal is no more than rounding. */
static void diagonalise(search *s)
{
    double trace = 0;
    bool is_done = false;

    memset(s->vectors, 0, sizeof s->vectors);
    for (size_t i = 0; i < s->size; i++) {
        s->vectors[i][i] = 1;
        trace += fabs(s->projected[i][i]);
    }
    for (int sweep = 0; sweep < N_SWEEPS && !is_done; sweep++) {
        is_done = true;
        for (size_t p = 0; p + 1 < s->size; p++)
            for (size_t q = p + 1; q < s->size; q++)
                if (fabs(s->projected[p][q]) > 1e-17 * trace) {
                    rotate(s, p, q);
                    is_done = false;
                }
    }
}

/* Back from the basis to maps. The basis is orthonormal, so normalising only removes rounding. */
static void take_largest(search *s)
{
    size_t best = 0;

    for (size_t i = 1; i < s->size; i++)
        if (s->projected[i][i] > s->projected[best][best])
            best = i;
    s->value = s->projected[best][best];
    memset(s->best, 0, s->n * sizeof *s->best);
    for (size_t i = 0; i < s->size; i++)
        add_scaled(s->best, s->basis + i * s->n, s->vectors[i][best], s->n);
    normalise(s->best, s->n);
}

/* Length of X'X v - value v. */
static double residual(search *s)
{
    multiply(s->image, s, s->best);
    add_scaled(s->image, s->best, -s->value, s->n);
    return sqrt(xai__dot(s->image, s->image, s->n));
}

/* From a start that no map is orthogonal to by construction; the same every time. */
static void find_largest(search *s)
{
    for (size_t i = 0; i < s->n; i++)
        s->best[i] = xai__rng_uniform_at(1, (uint64_t)i) - 0.5;
    normalise(s->best, s->n);
    for (int i = 0; i < N_RESTARTS; i++) {
        grow_basis(s);
        diagonalise(s);
        take_largest(s);
        if (residual(s) <= TOLERANCE * s->value)
            break;
    }
}

/* Elements that are no numbers count as 0. */
static void centre(double *out, const float *channels, size_t c, size_t n)
{
    for (size_t k = 0; k < c; k++) {
        const float *in = channels + k * n;
        double mean = 0, *x = out + k * n;

        for (size_t i = 0; i < n; i++)
            mean += x[i] = isfinite(in[i]) ? in[i] : 0;
        for (size_t i = 0; i < n; i++)
            x[i] -= mean / (double)n;
    }
}

/* The projection goes with the mean of the channels, not against it. The original leaves the sign to LAPACK, so that
 * its maps may come out inverted. */
static double sign_of(const search *s)
{
    double sum = 0;

    for (size_t k = 0; k < s->c; k++)
        sum += xai__dot(s->x + k * s->n, s->best, s->n);
    return sum < 0 ? -1 : 1;
}

xai_status xai__cam_project(float *out, xai_context *context, const float *channels, size_t c, size_t n)
{
    search *s = xai__zalloc_array(context, 1, sizeof *s);
    double *x = xai__alloc_array(context, c, n * sizeof *x);
    double *vectors = xai__alloc_array(context, n, (N_BASIS + 2) * sizeof *vectors);
    xai_status status = s != NULL && x != NULL && vectors != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    if (status == XAI_OK) {
        *s = (search){ .x = x, .c = c, .n = n, .basis = vectors };
        s->image = vectors + N_BASIS * n;
        s->best = s->image + n;
        centre(x, channels, c, n);
        find_largest(s);
        /* The singular vector times its value: what the channels' common part amounts to. Value 0: all are flat. */
        for (size_t i = 0; i < n; i++)
            out[i] = (float)(s->value > 0 ? sign_of(s) * sqrt(s->value) * s->best[i] : 0);
    }
    xai__free(context, s);
    xai__free(context, x);
    xai__free(context, vectors);
    return status;
}
