/* SPDX-License-Identifier: MIT
 * The Hessian of a softmax layer over a training set: mean of (diag p - p p') times x x', as a matrix and by products.
 * Threads share classes or examples, never a sum, so that their number changes no bit. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/threads.h"
#include "explain/influence/influence.h"

enum { BLOCK = 256, CHUNK = 16 };

/* What tasks share. */
typedef struct job {
    const xai__softmax_hessian *linear;
    const xai_training *t;
    const double *v; /* n_classes x n_inputs */
    double *out;
    double *z;                /* BLOCK x n_classes, or n_classes a lane */
    const uint32_t *examples; /* NULL: all in order */
    size_t first, n;          /* of the block */
    double weight;            /* of one example */
    double damping;
} job;

static const float *features(const job *j, size_t i)
{
    size_t index = j->examples != NULL ? j->examples[j->first + i] : j->first + i;

    return j->t->features + index * j->t->stride;
}

static const double *probabilities(const job *j, size_t i)
{
    size_t index = j->examples != NULL ? j->examples[j->first + i] : j->first + i;

    return j->linear->probabilities + index * j->t->n_classes;
}

/* A team is taken for one run only, so that sessions in other threads find the pool free in between. */
static void run(const xai_training *t, size_t n_tasks, xai__task_fn call, job *j)
{
    xai__team team = xai__team_take(t->object.context);

    xai__team_run(&team, n_tasks, call, j);
    xai__team_give_back(&team);
}

static size_t n_chunks(size_t n)
{
    return (n + CHUNK - 1) / CHUNK;
}

static size_t chunk_end(const job *j, size_t chunk)
{
    size_t end = (chunk + 1) * CHUNK;

    return end < j->n ? end : j->n;
}

/* --- products --- */

/* For each example u = V x, then p u less p times p' u: what the loss's curvature makes of it. */
static void curve_chunk(void *user, size_t chunk, size_t lane)
{
    const job *j = user;
    size_t n = j->t->n_classes;

    (void)lane;
    for (size_t i = chunk * CHUNK; i < chunk_end(j, chunk); i++) {
        const double *p = probabilities(j, i);
        double *u = j->z + i * n, mean = 0;

        xai__softmax_apply(u, j->t, j->v, features(j, i));
        for (size_t c = 0; c < n; c++)
            mean += p[c] * u[c];
        for (size_t c = 0; c < n; c++)
            u[c] = j->weight * p[c] * (u[c] - mean);
    }
}

/* A class's row of the product, over the examples in their order. */
static void add_row(void *user, size_t c, size_t lane)
{
    const job *j = user;
    size_t n = j->t->n_features;
    double *row = j->out + c * j->t->n_inputs;

    (void)lane;
    for (size_t i = 0; i < j->n; i++) {
        double w = j->z[i * j->t->n_classes + c];
        const float *x = features(j, i);

        for (size_t k = 0; k < n; k++)
            row[k] += w * (double)x[k];
        if (j->t->n_inputs > n)
            row[n] += w;
    }
}

/* out = H v over the examples, H = mean of (diag p - p p') (x) x x', without ever making it: n_classes * n_inputs
 * numbers a side. Blocks bound the memory; within one, first examples are shared out, whose rows of z no other task
 * writes, then classes, whose rows of out none does. */
static xai_status multiply(void *user, double *out, const double *v, const uint32_t *examples, size_t n_examples)
{
    const xai__softmax_hessian *linear = user;
    const xai_training *t = linear->training;
    size_t n = examples != NULL ? n_examples : t->n, size = t->n_classes * t->n_inputs;
    job j = { .linear = linear, .t = t, .v = v, .out = out, .examples = examples, .weight = 1.0 / (double)n };

    j.z = xai__alloc_array(t->object.context, BLOCK * t->n_classes, sizeof *j.z);
    if (j.z == NULL)
        return XAI_E_NO_MEMORY;
    memset(out, 0, size * sizeof *out);
    for (j.first = 0; j.first < n; j.first += BLOCK) {
        j.n = n - j.first < BLOCK ? n - j.first : BLOCK;
        run(t, n_chunks(j.n), curve_chunk, &j);
        run(t, t->n_classes, add_row, &j);
    }
    for (size_t k = 0; k < size && examples == NULL; k++)
        out[k] += linear->damping * v[k];
    xai__free(t->object.context, j.z);
    return XAI_OK;
}

/* --- the matrix --- */

/* The lower half of block (a, b), a >= b: sum of w x x' with w = p_a (delta(a, b) - p_b). */
static void add_products(double *out, size_t size, double w, const float *x, const xai_training *t)
{
    size_t n = t->n_features;

    for (size_t k = 0; k < n; k++) {
        double wx = w * (double)x[k], *row = out + k * size;

        for (size_t l = 0; l <= k; l++)
            row[l] += wx * (double)x[l];
    }
    if (t->n_inputs == n)
        return;
    for (size_t l = 0; l < n; l++)
        out[n * size + l] += w * (double)x[l];
    out[n * size + n] += w;
}

/* x x' is symmetric, so half of it is computed. */
static void mirror(double *block, size_t size, size_t n)
{
    for (size_t k = 0; k < n; k++)
        for (size_t l = k + 1; l < n; l++)
            block[k * size + l] = block[l * size + k];
}

/* Tasks number pairs of classes: 0 is (0, 0), then (1, 0), (1, 1), (2, 0) ... */
static void fill_block(void *user, size_t pair, size_t lane)
{
    const job *j = user;
    const xai_training *t = j->t;
    size_t a = 0, b = pair, size = t->n_classes * t->n_inputs;
    double *block;

    (void)lane;
    while (b > a)
        b -= ++a;
    block = j->out + a * t->n_inputs * size + b * t->n_inputs;
    for (size_t i = 0; i < t->n; i++) {
        const double *p = j->linear->probabilities + i * t->n_classes;
        double w = p[a] * ((a == b) - p[b]) * j->weight;

        add_products(block, size, w, t->features + i * t->stride, t);
    }
    if (a != b)
        mirror(block, size, t->n_inputs);
    for (size_t k = 0; k < t->n_inputs && a == b; k++)
        block[k * size + k] += j->damping;
}

/* Block rows are classes, blocks n_inputs x n_inputs. Of pairs a >= b, so all blocks on and below the diagonal are
 * filled, and those below it whole; the last line copies them up. */
void xai__softmax_hessian_matrix(double *out, const xai__softmax_hessian *linear)
{
    const xai_training *t = linear->training;
    size_t n = t->n_classes, size = n * t->n_inputs;
    job j = { .linear = linear, .t = t, .out = out, .weight = 1.0 / (double)t->n, .damping = linear->damping };

    memset(out, 0, size * size * sizeof *out);
    run(t, n * (n + 1) / 2, fill_block, &j);
    mirror(out, size, size);
}

/* --- scores --- */

/* s' g = (p - y)' S x, with S the n_classes x n_inputs that s is: the gradient itself, as large as s, is never made. */
static void score_chunk(void *user, size_t chunk, size_t lane)
{
    const job *j = user;
    size_t n = j->t->n_classes;
    double *u = j->z + lane * n;

    for (size_t i = chunk * CHUNK; i < chunk_end(j, chunk); i++) {
        const double *p = probabilities(j, i);
        double score = 0;

        xai__softmax_apply(u, j->t, j->v, features(j, i));
        for (size_t c = 0; c < n; c++)
            score += p[c] * u[c];
        j->out[i] = score - u[j->t->examples.labels[i]];
    }
}

xai_status xai__softmax_hessian_scores(double *scores, const xai__softmax_hessian *linear, const double *s)
{
    const xai_training *t = linear->training;
    job j = { .linear = linear, .t = t, .v = s, .out = scores, .n = t->n };
    xai__team team = xai__team_take(t->object.context);

    j.z = xai__alloc_array(t->object.context, xai__team_size(&team) * t->n_classes, sizeof *j.z);
    if (j.z != NULL)
        xai__team_run(&team, n_chunks(j.n), score_chunk, &j);
    xai__team_give_back(&team);
    xai__free(t->object.context, j.z);
    return j.z != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* --- life --- */

/* The softmax of every training example, once: every product needs it, and it costs half of one. */
static void fill_probabilities(void *user, size_t chunk, size_t lane)
{
    const job *j = user;
    size_t first = chunk * CHUNK;
    const xai__rows rows = { features(j, first), chunk_end(j, chunk) - first, j->t->stride };

    (void)lane;
    xai__softmax_residuals(j->out + first * j->t->n_classes, j->t, &rows, NULL);
}

/* Of class c: mean of p (1 - p) x^2, and the damping. Features differ by orders of magnitude, and dividing by it
 * takes that out of conjugate gradients. */
static void fill_diagonal(void *user, size_t c, size_t lane)
{
    const job *j = user;
    size_t n = j->t->n_features;
    double *row = j->out + c * j->t->n_inputs;

    (void)lane;
    for (size_t i = 0; i < j->n; i++) {
        const float *x = features(j, i);
        double p = probabilities(j, i)[c], w = j->weight * p * (1 - p);

        for (size_t k = 0; k < n; k++)
            row[k] += w * (double)x[k] * (double)x[k];
        if (j->t->n_inputs > n)
            row[n] += w;
    }
    for (size_t k = 0; k < j->t->n_inputs; k++)
        row[k] += j->damping;
}

xai_status xai__softmax_hessian_init(xai__softmax_hessian *linear, xai__hessian *hessian, const xai_training *training,
                                     double damping)
{
    xai_context *context = training->object.context;
    job j = {
        .linear = linear, .t = training, .n = training->n, .weight = 1.0 / (double)training->n, .damping = damping
    };
    size_t n_parameters = training->n_classes * training->n_inputs, size;

    *linear = (xai__softmax_hessian){ .training = training, .damping = damping };
    if (!xai__mul_size(&size, training->n, training->n_classes))
        return xai__fail_memory();
    linear->probabilities = xai__alloc_array(context, size, sizeof *linear->probabilities);
    linear->diagonal = xai__zalloc_array(context, n_parameters, sizeof *linear->diagonal);
    if (linear->probabilities == NULL || linear->diagonal == NULL)
        return XAI_E_NO_MEMORY;
    j.out = linear->probabilities;
    run(training, n_chunks(j.n), fill_probabilities, &j);
    j.out = linear->diagonal;
    run(training, training->n_classes, fill_diagonal, &j);
    *hessian = (xai__hessian){ .context = context,
                               .n = n_parameters,
                               .n_examples = training->n,
                               .damping = damping,
                               .multiply = multiply,
                               .user = linear,
                               .diagonal = linear->diagonal };
    return XAI_OK;
}

void xai__softmax_hessian_fini(xai__softmax_hessian *linear)
{
    if (linear->training == NULL)
        return;
    xai__free(linear->training->object.context, linear->probabilities);
    xai__free(linear->training->object.context, linear->diagonal);
}
