/* SPDX-License-Identifier: MIT
 * Solvers for symmetric positive systems: conjugate gradients, LiSSA; and what is left of a right side. All in double.
 */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "explain/influence/influence.h"

/* a += scale * b. */
static void add_scaled(double *a, double scale, const double *b, size_t n)
{
    for (size_t k = 0; k < n; k++)
        a[k] += scale * b[k];
}

/* --- Cholesky --- */

/* The factor's upper half still holds the matrix's own; each of its elements stands for two. */
double xai__cholesky_residual(double *r, const double *factor, const double *diagonal, const double *x, const double *g,
                              size_t n)
{
    double norm = xai__dot(g, g, n);

    for (size_t i = 0; i < n; i++)
        r[i] = diagonal[i] * x[i] - g[i];
    for (size_t i = 0; i < n; i++) {
        const double *row = factor + i * n + i + 1;

        r[i] += xai__dot(row, x + i + 1, n - i - 1);
        add_scaled(r + i + 1, x[i], row, n - i - 1);
    }
    return norm > 0 ? sqrt(xai__dot(r, r, n) / norm) : 0;
}

/* --- residuals and eigenvalues --- */

static xai_status multiply(double *out, const xai__hessian *h, const double *v)
{
    return h->multiply(h->user, out, v, NULL, 0);
}

xai_status xai__solve_residual(double *out, const xai__hessian *h, const double *s, const double *g)
{
    double *product = xai__alloc_array(h->context, h->n, sizeof *product), norm = xai__dot(g, g, h->n);
    xai_status status = product != NULL ? multiply(product, h, s) : XAI_E_NO_MEMORY;

    if (status == XAI_OK) {
        add_scaled(product, -1, g, h->n);
        *out = norm > 0 ? sqrt(xai__dot(product, product, h->n) / norm) : 0;
    }
    xai__free(h->context, product);
    return status;
}

/* v -> H v / |v|, and v' H v of the last unit vector. That lies below the eigenvalue and rises to it: after so many
 * steps it is near, and who uses it adds a margin. */
xai_status xai__solve_largest(double *out, const xai__hessian *h, uint64_t seed)
{
    enum { STEPS = 20 };
    double *v = xai__alloc_array(h->context, h->n, sizeof *v), *product = xai__alloc_array(h->context, h->n, sizeof *v);
    xai_status status = v != NULL && product != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    *out = 0;
    for (size_t k = 0; k < h->n && status == XAI_OK; k++)
        v[k] = 2 * xai__rng_uniform_at(xai__mix64(seed), k) - 1;
    for (size_t i = 0; i < STEPS && status == XAI_OK; i++) {
        double norm = sqrt(xai__dot(v, v, h->n));

        for (size_t k = 0; k < h->n; k++)
            v[k] /= norm > 0 ? norm : 1;
        status = multiply(product, h, v);
        if (status == XAI_OK) {
            *out = xai__dot(v, product, h->n);
            memcpy(v, product, h->n * sizeof *v);
        }
    }
    xai__free(h->context, v);
    xai__free(h->context, product);
    return status;
}

/* --- conjugate gradients --- */

typedef struct gradients {
    const xai__hessian *h;
    double *s, *r, *z, *p, *product; /* solution; residual, the same preconditioned, direction, its product */
    double product_of_residuals;     /* r' z */
} gradients;

/* By the diagonal: features differ in scale by orders of magnitude, and this takes that out. */
static void precondition(gradients *c)
{
    for (size_t k = 0; k < c->h->n; k++)
        c->z[k] = c->h->diagonal != NULL ? c->r[k] / c->h->diagonal[k] : c->r[k];
}

/* One step of Hestenes and Stiefel's: along the direction p by r'z / p'Hp, which makes the residual orthogonal to all
 * before; the next direction is z + (new r'z / old r'z) p. A direction without positive curvature has no bottom to go
 * to: H is not what it should be, and no step is taken. */
static xai_status step(gradients *c)
{
    size_t n = c->h->n;
    double curvature, next, along;
    xai_status status = multiply(c->product, c->h, c->p);

    if (status < 0)
        return status;
    curvature = xai__dot(c->p, c->product, n);
    if (!(curvature > 0))
        return xai__fail(XAI_E_LIMIT, "the Hessian is not positive: a direction's curvature is %g; raise the damping",
                         curvature);
    along = c->product_of_residuals / curvature;
    add_scaled(c->s, along, c->p, n);
    add_scaled(c->r, -along, c->product, n);
    precondition(c);
    next = xai__dot(c->r, c->z, n);
    for (size_t k = 0; k < n; k++)
        c->p[k] = c->z[k] + next / c->product_of_residuals * c->p[k];
    c->product_of_residuals = next;
    return XAI_OK;
}

/* How many steps there will be is unknown; the limit of all runs is what can be promised. */
static bool says_stop(const xai__solver_options *options, uint64_t done, uint32_t n_runs)
{
    const uint64_t most = (uint64_t)options->max_iterations * n_runs;

    return options->progress != NULL && options->progress(done, most, options->user) != 0;
}

/* The recurrence's own residual may drift from the true one, so it runs to a tenth of the tolerance. */
static xai_status iterate(gradients *c, xai__solution *solution, const xai__solver_options *options, double norm)
{
    xai_status status = XAI_OK;

    while (status == XAI_OK && solution->n_iterations < options->max_iterations && !solution->is_stopped &&
           sqrt(xai__dot(c->r, c->r, c->h->n)) > 0.1 * options->tolerance * norm) {
        status = step(c);
        solution->n_iterations++;
        solution->is_stopped = says_stop(options, solution->n_iterations, 1);
    }
    return status;
}

xai_status xai__solve_cg(double *s, xai__solution *solution, const xai__hessian *h, const double *g,
                         const xai__solver_options *options)
{
    size_t n = h->n;
    double *memory = xai__alloc_array(h->context, n, 4 * sizeof *memory), norm = sqrt(xai__dot(g, g, n));
    gradients c = { .h = h, .s = s, .r = memory };
    xai_status status;

    *solution = (xai__solution){ 0 };
    if (memory == NULL)
        return XAI_E_NO_MEMORY;
    c.z = memory + n;
    c.p = memory + 2 * n;
    c.product = memory + 3 * n;
    memset(s, 0, n * sizeof *s);
    memcpy(c.r, g, n * sizeof *g);
    precondition(&c);
    memcpy(c.p, c.z, n * sizeof *c.p);
    c.product_of_residuals = xai__dot(c.r, c.z, n);
    status = iterate(&c, solution, options, norm);
    xai__free(h->context, memory);
    return status < 0 ? status : xai__solve_residual(&solution->residual, h, s, g);
}

/* --- LiSSA --- */

/* One run (Agarwal, Bullins, Hazan): h <- g + (1 - damping / scale) h - H h / scale, whose fixed point is scale times
 * the solution. Koh and Liang's program does not divide the damping, so that its fixed point is that of damping *
 * scale. Products over all examples have the damping in them, those over a batch do not. Batches are drawn with
 * replacement. */
static xai_status run_lissa(double *s, double *product, uint32_t *batch, xai__solution *solution, const xai__hessian *h,
                            const double *g, const xai__solver_options *options, xai__rng *rng)
{
    size_t n = h->n;
    xai_status status = XAI_OK;

    memcpy(s, g, n * sizeof *s);
    for (uint32_t i = 0; i < options->max_iterations && status == XAI_OK && !solution->is_stopped; i++) {
        double moved = 0, size = 0;

        for (uint32_t b = 0; b < options->batch; b++)
            batch[b] = (uint32_t)(xai__rng_uniform(rng) * (double)h->n_examples);
        status = h->multiply(h->user, product, s, options->batch > 0 ? batch : NULL, options->batch);
        for (size_t k = 0; k < n && status == XAI_OK; k++) {
            double damped = product[k] + (options->batch > 0 ? h->damping * s[k] : 0);
            double change = g[k] - damped / options->scale;

            s[k] += change;
            moved += change * change;
            size += s[k] * s[k];
        }
        solution->n_iterations++;
        if (status == XAI_OK && !isfinite(size))
            return xai__fail(XAI_E_LIMIT, "LiSSA diverges: scale %g is below the Hessian's largest eigenvalue",
                             options->scale);
        /* Without sampling the change is the residual itself, in units of g. */
        if (options->batch == 0 && moved <= 0.01 * options->tolerance * options->tolerance * xai__dot(g, g, n))
            break;
        solution->is_stopped = says_stop(options, solution->n_iterations, options->n_samples);
    }
    return status;
}

/* Sampled runs differ, so their mean is taken; what it is worth is measured on the whole set. */
xai_status xai__solve_lissa(double *s, xai__solution *solution, const xai__hessian *h, const double *g,
                            const xai__solver_options *options)
{
    size_t n = h->n;
    double *memory = xai__alloc_array(h->context, n, 2 * sizeof *memory);
    uint32_t *batch = xai__alloc_array(h->context, options->batch, sizeof *batch), done = 0;
    xai_status status = memory != NULL && batch != NULL ? XAI_OK : XAI_E_NO_MEMORY;
    xai__rng rng;

    *solution = (xai__solution){ 0 };
    memset(s, 0, n * sizeof *s);
    xai__rng_seed(&rng, options->seed);
    for (; done < options->n_samples && status == XAI_OK && !solution->is_stopped; done++) {
        status = run_lissa(memory, memory + n, batch, solution, h, g, options, &rng);
        if (status == XAI_OK)
            add_scaled(s, 1 / options->scale, memory, n);
    }
    for (size_t k = 0; k < n && done > 0; k++)
        s[k] /= done;
    xai__free(h->context, memory);
    xai__free(h->context, batch);
    return status < 0 ? status : xai__solve_residual(&solution->residual, h, s, g);
}
