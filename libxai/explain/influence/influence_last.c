/* SPDX-License-Identifier: MIT
 * Exact influence through the layer that decides, and TracIn through it: features are all they need. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "core/tensor.h"
#include "core/threads.h"
#include "explain/influence/influence.h"

/* Features of the test examples at a checkpoint: as they are, or of their pictures. A new reference. */
static xai_status look_at_inputs(xai_tensor **out, const xai_training *training, const xai_tensor *inputs)
{
    if (inputs->rank == 4)
        return xai__training_features(out, training, inputs);
    *out = xai_tensor_ref((xai_tensor *)inputs);
    return XAI_OK;
}

/* --- last-layer --- */

/* The matrix is written where its factor will be. */
static xai_status factorise(xai_influence *influence)
{
    size_t n = influence->hessian.n, size, row;

    if (!xai__mul_size(&size, n, n))
        return xai__fail_memory();
    influence->factor = xai__alloc_array(influence->object.context, size, sizeof *influence->factor);
    if (influence->factor == NULL)
        return XAI_E_NO_MEMORY;
    xai__softmax_hessian_matrix(influence->factor, &influence->softmax_hessian);
    row = xai__cholesky_factor(influence->factor, n, 0);
    if (row < n)
        return xai__fail(XAI_E_LIMIT, "the Hessian cannot be factorised: pivot %zu of %zu is %g; raise the damping",
                         row, n, influence->factor[row * n + row]);
    return XAI_OK;
}

static xai_status begin_last_layer(xai_influence *influence)
{
    xai_status status = xai__softmax_hessian_init(&influence->softmax_hessian, &influence->hessian,
                                                  influence->checkpoints[0], influence->options.damping);

    if (status == XAI_OK && influence->solver == XAI__SOLVER_CHOLESKY)
        status = factorise(influence);
    return status < 0 ? status : xai__influence_choose_scale(influence);
}

/* s' damping * parameters: what the penalty in a training example's loss adds to every score. */
static double penalty(const xai_influence *influence, const double *s)
{
    const xai_training *t = influence->checkpoints[0];

    if ((influence->options.flags & XAI_INFLUENCE_PENALTY) == 0)
        return 0;
    return influence->options.damping * xai__dot(s, t->weights, influence->hessian.n);
}

/* Removing one of n examples takes 1 / n of its gradient from the mean. */
static xai_status score(double *scores, const xai_influence *influence, const double *s)
{
    size_t n = influence->checkpoints[0]->n;
    double more = penalty(influence, s);
    xai_status status = xai__softmax_hessian_scores(scores, &influence->softmax_hessian, s);

    for (size_t i = 0; i < n && status == XAI_OK; i++)
        scores[i] = (scores[i] + more) / (double)n;
    return status;
}

/* One test example: (H + damping) s = g, then scores s' g_i / n. memory holds g, s and the gradient at the logits,
 * which has n_classes elements and so fits into the third part. */
static xai_status ask_one(double *scores, xai_influence_record *record, const xai_influence *influence, const float *x,
                          int64_t label, double *memory)
{
    size_t n = influence->hessian.n;
    double *g = memory, *s = memory + n, *residual = memory + 2 * n;
    xai__solution solution;
    xai_status remark, status = xai__softmax_look(record, g, residual, influence->checkpoints[0], x, label);

    if (status < 0)
        return status;
    remark = xai__influence_solve(s, &solution, influence, g);
    if (remark < 0)
        return remark;
    record->residual = solution.residual;
    record->n_iterations = solution.n_iterations;
    status = score(scores, influence, s);
    return status < 0 ? status : remark;
}

/* One after the other: a question is a solve, which has the threads to itself. */
static xai_status ask_last_layer(double *scores, xai_influence_record *records, xai_influence *influence,
                                 const xai_tensor *inputs, const int64_t *labels)
{
    const xai_training *t = influence->checkpoints[0];
    size_t n_tests = (size_t)inputs->shape[0];
    xai_tensor *x = NULL;
    double *memory = xai__alloc_array(influence->object.context, 3 * influence->hessian.n, sizeof *memory);
    xai_status remark = XAI_OK, status = memory != NULL ? look_at_inputs(&x, t, inputs) : XAI_E_NO_MEMORY;

    for (size_t i = 0; i < n_tests && status >= 0; i++) {
        xai_influence_record record;

        status = ask_one(scores + i * t->n, &record, influence, x->data + i * t->n_features,
                         labels != NULL ? labels[i] : -1, memory);
        if (records != NULL && status >= 0)
            records[i] = record;
        remark = status > 0 ? status : remark;
    }
    xai_tensor_unref(x);
    xai__free(influence->object.context, memory);
    return status < 0 ? status : remark;
}

/* --- self-influence --- */

/* With H = L L', g' H^-1 g = |L^-1 g|^2: half a solve an example, and never negative, whatever rounding does. */
typedef struct self_job {
    const xai_influence *influence;
    double *scores, *memory; /* a gradient and a row of residuals a lane */
} self_job;

static size_t lane_size(const xai_influence *influence)
{
    return influence->hessian.n + influence->checkpoints[0]->n_classes;
}

static void look_at_own(double *g, double *residual, const xai_influence *influence, size_t index)
{
    const xai_training *t = influence->checkpoints[0];
    xai_influence_record record;

    /* Features and labels were checked when the set was made, so this cannot fail. */
    xai__softmax_look(&record, g, residual, t, t->features + index * t->stride, t->examples.labels[index]);
}

static void score_own(void *user, size_t index, size_t lane)
{
    const self_job *j = user;
    size_t n = j->influence->hessian.n;
    double *g = j->memory + lane * lane_size(j->influence);

    look_at_own(g, g + n, j->influence, index);
    xai__cholesky_forward(g, j->influence->factor, n);
    j->scores[index] = xai__dot(g, g, n) / (double)j->influence->checkpoints[0]->n;
}

/* Memory is a gradient a lane, not one an example. */
static xai_status score_all_own(double *scores, const xai_influence *influence)
{
    xai_context *context = influence->object.context;
    self_job j = { influence, scores, NULL };
    xai__team team = xai__team_take(context);

    j.memory = xai__alloc_array(context, xai__team_size(&team) * lane_size(influence), sizeof *j.memory);
    if (j.memory != NULL)
        xai__team_run(&team, influence->checkpoints[0]->n, score_own, &j);
    xai__team_give_back(&team);
    xai__free(context, j.memory);
    return j.memory != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* The whole solve for one right-hand side, to see that the factor is good. */
static xai_status probe(double *worst, const xai_influence *influence, double *g, double *s)
{
    xai__solution solution;
    xai_status status = xai__influence_solve(s, &solution, influence, g);

    *worst = status >= 0 && solution.residual > *worst ? solution.residual : *worst;
    return status;
}

/* Checking every example would cost as much again; a random vector sees all of the factor, the highest score is the one
 * that will be acted on. */
static xai_status check_factor(double *worst, const double *scores, const xai_influence *influence)
{
    size_t n = influence->hessian.n, highest = 0;
    double *g = xai__alloc_array(influence->object.context, 3 * n, sizeof *g);
    xai_status status;

    if (g == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < influence->checkpoints[0]->n; i++)
        highest = scores[i] > scores[highest] ? i : highest;
    for (size_t k = 0; k < n; k++)
        g[k] = 2 * xai__rng_uniform_at(xai__mix64(influence->run.seed), k) - 1;
    status = probe(worst, influence, g, g + n);
    if (status == XAI_OK) {
        look_at_own(g, g + 2 * n, influence, highest);
        status = probe(worst, influence, g, g + n);
    }
    xai__free(influence->object.context, g);
    return status;
}

/* Without a factor every example is a solve. */
static xai_status solve_all_own(double *scores, double *worst, const xai_influence *influence)
{
    size_t n = influence->hessian.n, n_examples = influence->checkpoints[0]->n;
    double *g = xai__alloc_array(influence->object.context, 3 * n, sizeof *g);
    xai_status status = g != NULL ? XAI_OK : XAI_E_NO_MEMORY, remark = XAI_OK;

    for (size_t i = 0; i < n_examples && status >= 0; i++) {
        look_at_own(g, g + 2 * n, influence, i);
        status = probe(worst, influence, g, g + n);
        scores[i] = xai__dot(g, g + n, n) / (double)n_examples;
        remark = status > 0 ? status : remark;
    }
    xai__free(influence->object.context, g);
    return status < 0 ? status : remark;
}

/* The penalty is left out: it would make a score of the parameters, not of the example. */
static xai_status self_last_layer(double *scores, double *residual, xai_influence *influence)
{
    xai_status status;

    if (influence->factor == NULL)
        return solve_all_own(scores, residual, influence);
    status = score_all_own(scores, influence);
    return status < 0 ? status : check_factor(residual, scores, influence);
}

const xai__influence_method xai__influence_last_layer = { "last-layer",   XAI__INFLUENCE_SOLVES, true, begin_last_layer,
                                                          ask_last_layer, self_last_layer,       NULL };
