/* SPDX-License-Identifier: MIT
 * Influence: options, handles, and what all methods check alike. */
#include "explain/influence/influence.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/sort.h"
#include "core/tensor.h"
#include "core/text.h"

/* Beyond so many unknowns factorising takes longer than the steps of conjugate gradients. */
enum { MOST_FACTORISED = 2048 };

static const xai__influence_method *const methods[] = { &xai__influence_last_layer, &xai__influence_layers,
                                                        &xai__influence_tracin_fast, &xai__influence_tracin };
static const char *const solvers[XAI__N_SOLVERS] = { "cholesky", "cg", "lissa" };
static const char *const profiles[] = { "default", "captum" };

enum { N_METHODS = sizeof methods / sizeof methods[0] };

/* --- options --- */

/* Index of name in a list of n, or a sentence that lists what there is: the list is made of the rows, so that it cannot
 * fall behind them. */
static xai_status find_name(uint32_t *out, xai_context *context, const char *kind, const char *name,
                            const char *const *names, size_t n)
{
    xai__text text;

    for (*out = 0; *out < n; ++*out)
        if (strcmp(names[*out], name) == 0)
            return XAI_OK;
    xai__text_init(&text, context);
    for (size_t i = 0; i < n; i++)
        xai__text_add(&text, "%s%s", i > 0 ? ", " : "", names[i]);
    xai__fail(XAI_E_NOT_FOUND, "no %s is named '%.64s'; there are %s", kind, name, xai__text_get(&text));
    xai__text_fini(&text);
    return XAI_E_NOT_FOUND;
}

/* No name is the method that is exact and fast. */
static xai_status find_method(xai_influence *influence)
{
    const char *names[N_METHODS], *name = influence->options.method;
    uint32_t index;
    xai_status status;

    for (size_t i = 0; i < N_METHODS; i++)
        names[i] = methods[i]->name;
    status = find_name(&index, influence->object.context, "method", name != NULL ? name : "last-layer", names,
                       N_METHODS);
    influence->method = status == XAI_OK ? methods[index] : NULL;
    return status;
}

/* Options that only some methods have, and whether they are set. One that would be ignored is refused: who sets a
 * damping for TracIn expects another result. */
static xai_status check_owned(const xai_influence *influence)
{
    const xai_influence_options *o = &influence->options;
    const struct {
        const char *name;
        uint32_t needs;
        bool is_set;
    } owned[] = {
        { "solver", XAI__INFLUENCE_SOLVES, o->solver != NULL },
        { "damping", XAI__INFLUENCE_SOLVES, o->damping != 0 },
        { "tolerance", XAI__INFLUENCE_SOLVES, o->tolerance != 0 },
        { "scale", XAI__INFLUENCE_SOLVES, o->scale != 0 },
        { "max_iterations", XAI__INFLUENCE_SOLVES, o->max_iterations != 0 },
        { "n_samples", XAI__INFLUENCE_SOLVES, o->n_samples != 0 },
        { "batch", XAI__INFLUENCE_SOLVES, o->batch != 0 },
        { "flags", XAI__INFLUENCE_SOLVES, o->flags != 0 },
        { "product", XAI__INFLUENCE_PRODUCT, o->product != NULL },
        { "parameters", XAI__INFLUENCE_PARAMETERS, o->n_parameters != 0 },
        { "learning_rates", XAI__INFLUENCE_RATES, o->learning_rates != NULL },
    };

    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        if (owned[i].is_set && (influence->method->options & owned[i].needs) == 0)
            return xai__fail(XAI_E_INVALID, "method '%s' has no option %s", influence->method->name, owned[i].name);
    if (o->flags & ~(uint32_t)XAI_INFLUENCE_PENALTY)
        return xai__fail(XAI_E_INVALID, "flags of influence are %u", o->flags);
    if (!(o->damping >= 0) || !(o->tolerance >= 0) || !(o->scale >= 0) || isinf(o->damping + o->tolerance + o->scale))
        return xai__fail(XAI_E_INVALID, "damping %g, tolerance %g and scale %g must be numbers from 0 on", o->damping,
                         o->tolerance, o->scale);
    return XAI_OK;
}

/* The factor is worth its time only where every question is then cheap; other parameters than the last layer's have no
 * matrix that could be written down. */
static xai_status choose_solver(xai_influence *influence)
{
    const xai_influence_options *o = &influence->options;
    const xai_training *t = influence->checkpoints[0];
    bool is_last = influence->method->has_features;
    xai_status status;

    if (o->solver == NULL) {
        influence->solver = is_last && t->n_classes * t->n_inputs <= MOST_FACTORISED ? XAI__SOLVER_CHOLESKY
                                                                                     : XAI__SOLVER_CG;
        return XAI_OK;
    }
    status = find_name(&influence->solver, influence->object.context, "solver", o->solver, solvers, XAI__N_SOLVERS);
    if (status == XAI_OK && influence->solver == XAI__SOLVER_CHOLESKY && !is_last)
        status = xai__fail(XAI_E_INVALID, "method '%s' has no solver 'cholesky'", influence->method->name);
    return status;
}

/* Only tracin has originals that differ from one another. */
static xai_status choose_profile(xai_influence *influence)
{
    const char *name = influence->options.profile != NULL ? influence->options.profile : profiles[0];
    uint32_t index;
    xai_status status = find_name(&index, influence->object.context, "profile of influence", name, profiles, 2);

    influence->is_captum = index == 1;
    if (status == XAI_OK && index == 1 && (influence->method->options & XAI__INFLUENCE_PROFILE) == 0)
        status = xai__fail(XAI_E_NOT_FOUND, "method '%s' has no profile 'captum'; it has default",
                           influence->method->name);
    return status;
}

/* Tolerances are what each solver reaches: double arithmetic, float32 gradients, sampled steps. */
static void fill_defaults(xai_influence *influence)
{
    xai_influence_options *o = &influence->options;
    bool is_lissa = influence->solver == XAI__SOLVER_LISSA;

    o->damping = o->damping > 0 ? o->damping : 1e-3;
    if (o->tolerance <= 0)
        o->tolerance = is_lissa ? 0.1 : influence->method->has_features ? 1e-6 : 1e-3;
    if (o->max_iterations == 0)
        o->max_iterations = is_lissa ? 10000 : 1000;
    o->n_samples = o->n_samples > 0 ? o->n_samples : 1;
}

/* Scores of checkpoints are added up, so they must be about the same examples. */
static xai_status check_checkpoints(const xai_influence *influence)
{
    const xai_training *first = influence->checkpoints[0];

    if (influence->n_checkpoints > 1 && (influence->method->options & XAI__INFLUENCE_RATES) == 0)
        return xai__fail(XAI_E_INVALID, "method '%s' takes one checkpoint, got %zu", influence->method->name,
                         influence->n_checkpoints);
    for (size_t i = 0; i < influence->n_checkpoints; i++) {
        const xai_training *t = influence->checkpoints[i];

        if (t->n != first->n || t->n_classes != first->n_classes ||
            memcmp(t->examples.labels, first->examples.labels, t->n * sizeof *t->examples.labels) != 0)
            return xai__fail(XAI_E_INVALID, "checkpoint %zu has other examples, labels or classes than checkpoint 0",
                             i);
        if (!influence->method->has_features && t->session == NULL)
            return xai__fail(XAI_E_UNSUPPORTED, "method '%s' needs pictures, checkpoint %zu has features alone",
                             influence->method->name, i);
    }
    return XAI_OK;
}

/* Kept as doubles of our own: the caller's array may go when the call returns. */
static xai_status copy_rates(xai_influence *influence)
{
    const double *given = influence->options.learning_rates;

    influence->rates = xai__alloc_array(influence->object.context, influence->n_checkpoints, sizeof *influence->rates);
    if (influence->rates == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < influence->n_checkpoints; i++) {
        influence->rates[i] = given != NULL ? given[i] : 1;
        if (!isfinite(influence->rates[i]))
            return xai__fail(XAI_E_INVALID, "learning rate %zu is not finite", i);
    }
    return XAI_OK;
}

/* In this order, since each check reads what the one before has found: the method decides which options there may be,
 * the solver what 0 stands for. */
static xai_status read_options(xai_influence *influence, const xai_influence_options *options)
{
    xai_status status = xai__options_read(&influence->options, sizeof influence->options, options, "options");

    if (status == XAI_OK)
        status = xai__options_read(&influence->run, sizeof influence->run, influence->options.run, "options->run");
    if (status == XAI_OK)
        status = find_method(influence);
    if (status == XAI_OK)
        status = check_owned(influence);
    if (status == XAI_OK)
        status = choose_solver(influence);
    if (status == XAI_OK)
        status = choose_profile(influence);
    if (status == XAI_OK)
        status = check_checkpoints(influence);
    if (status == XAI_OK)
        status = copy_rates(influence);
    if (status == XAI_OK)
        fill_defaults(influence);
    return status;
}

/* --- solving --- */

/* What solvers see of the options: they know nothing of methods, names and training sets. */
static xai__solver_options solver_options(const xai_influence *influence)
{
    const xai_influence_options *o = &influence->options;

    return (xai__solver_options){ .tolerance = o->tolerance,
                                  .scale = o->scale,
                                  .max_iterations = o->max_iterations,
                                  .n_samples = o->n_samples,
                                  .batch = o->batch,
                                  .seed = influence->run.seed,
                                  .progress = influence->run.progress,
                                  .user = influence->run.user };
}

/* A wrong answer looks like any other, so it is not handed out; a stopped solve may be good enough all the same. */
static xai_status check_residual(const xai_influence *influence, const xai__solution *solution)
{
    if (solution->residual <= influence->options.tolerance)
        return solution->is_stopped ? XAI_PARTIAL : XAI_OK;
    return xai__fail(
        XAI_E_LIMIT,
        "the solve's residual %.3g is above the tolerance %.3g after %llu iterations of %s%s: raise damping "
        "(%g), max_iterations or the tolerance",
        solution->residual, influence->options.tolerance, (unsigned long long)solution->n_iterations,
        solvers[influence->solver], solution->is_stopped ? ", stopped" : "", influence->options.damping);
}

/* Two triangular solves. The residual comes from the matrix itself, whose other half the factor leaves as it was: one
 * product more, and it sees errors of the factor that the factor cannot. */
static xai_status solve_directly(double *s, xai__solution *solution, const xai_influence *influence, const double *g)
{
    size_t n = influence->hessian.n;
    double *r = xai__alloc_array(influence->object.context, n, sizeof *r);

    *solution = (xai__solution){ 0 };
    if (r == NULL)
        return XAI_E_NO_MEMORY;
    memcpy(s, g, n * sizeof *s);
    xai__cholesky_solve(s, influence->factor, n);
    solution->residual = xai__cholesky_residual(r, influence->factor, influence->hessian.diagonal, s, g, n);
    xai__free(influence->object.context, r);
    return XAI_OK;
}

xai_status xai__influence_solve(double *s, xai__solution *solution, const xai_influence *influence, const double *g)
{
    const xai__solver_options options = solver_options(influence);
    xai_status status;

    if (influence->solver == XAI__SOLVER_CHOLESKY)
        status = solve_directly(s, solution, influence, g);
    else if (influence->solver == XAI__SOLVER_CG)
        status = xai__solve_cg(s, solution, &influence->hessian, g, &options);
    else
        status = xai__solve_lissa(s, solution, &influence->hessian, g, &options);
    return status < 0 ? status : check_residual(influence, solution);
}

/* LiSSA's recursion shrinks only what its matrix H / scale leaves below 1, so a scale that is too small diverges; one
 * that is too large only takes more steps. */
xai_status xai__influence_choose_scale(xai_influence *influence)
{
    double largest;
    xai_status status;

    if (influence->solver != XAI__SOLVER_LISSA || influence->options.scale > 0)
        return XAI_OK;
    status = xai__solve_largest(&largest, &influence->hessian, influence->run.seed);
    influence->options.scale = 1.1 * largest; /* power iteration comes from below */
    return status;
}

/* --- handles --- */

/* References are counted as they are taken, so that a failure gives back just those. */
static xai_status begin(xai_influence *influence, xai_training *const *checkpoints, size_t n_checkpoints,
                        const xai_influence_options *options)
{
    xai_status status;

    influence->checkpoints = xai__zalloc_array(influence->object.context, n_checkpoints,
                                               sizeof *influence->checkpoints);
    if (influence->checkpoints == NULL)
        return XAI_E_NO_MEMORY;
    for (; influence->n_checkpoints < n_checkpoints; influence->n_checkpoints++)
        influence->checkpoints[influence->n_checkpoints] = xai_training_ref(checkpoints[influence->n_checkpoints]);
    status = read_options(influence, options);
    return status < 0 ? status : influence->method->begin(influence);
}

xai_status xai_influence_create(xai_influence **out, xai_training *const *checkpoints, size_t n_checkpoints,
                                const xai_influence_options *options)
{
    xai_influence *influence;
    xai_context *context;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || checkpoints == NULL || n_checkpoints == 0)
        return xai__fail(XAI_E_INVALID, out == NULL ? "out is NULL" : "there are no checkpoints");
    for (size_t i = 0; i < n_checkpoints; i++)
        if (checkpoints[i] == NULL)
            return xai__fail(XAI_E_INVALID, "checkpoint %zu is NULL", i);
    context = checkpoints[0]->object.context;
    influence = xai__zalloc_array(context, 1, sizeof *influence);
    if (influence == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&influence->object, context);
    status = begin(influence, checkpoints, n_checkpoints, options);
    if (status < 0)
        xai_influence_unref(influence);
    else
        *out = influence;
    return status;
}

xai_influence *xai_influence_ref(xai_influence *influence)
{
    if (influence != NULL)
        xai__object_ref(&influence->object);
    return influence;
}

/* A method's own state first: it holds what belongs to the checkpoints. */
void xai_influence_unref(xai_influence *influence)
{
    xai_context *context;

    if (influence == NULL || !xai__object_unref(&influence->object))
        return;
    context = influence->object.context;
    if (influence->method != NULL && influence->method->end != NULL)
        influence->method->end(influence);
    xai__softmax_hessian_fini(&influence->softmax_hessian);
    for (size_t i = 0; i < influence->n_checkpoints; i++)
        xai_training_unref(influence->checkpoints[i]);
    xai__free(context, influence->checkpoints);
    xai__free(context, influence->rates);
    xai__free(context, influence->factor);
    xai__free(context, influence);
    xai_context_unref(context);
}

/* --- questions --- */

/* Two kinds of input have different ranks, so the rank says which is meant. */
static xai_status check_inputs(const xai_influence *influence, const xai_tensor *inputs)
{
    const xai_training *t = influence->checkpoints[0];
    char text[128];

    if (inputs->rank == 2 && inputs->shape[0] > 0 && inputs->shape[1] == (int64_t)t->n_features &&
        influence->method->has_features)
        return XAI_OK;
    if (inputs->rank == 4 && t->session != NULL)
        return XAI_OK; /* the session says what does not fit */
    xai__shape_text(text, sizeof text, inputs->shape, inputs->rank);
    if (!influence->method->has_features)
        return xai__fail(XAI_E_SHAPE, "method '%s' takes pictures N x C x H x W, got %s", influence->method->name,
                         text);
    return xai__fail(XAI_E_SHAPE, "expected N x %zu features%s, got %s", t->n_features,
                     t->session != NULL ? " or pictures N x C x H x W" : "", text);
}

xai_status xai_influence_compute(double *scores, xai_influence_record *records, xai_influence *influence,
                                 const xai_tensor *inputs, const int64_t *labels)
{
    const char *missing = scores == NULL      ? "scores"
                          : influence == NULL ? "influence"
                          : inputs == NULL    ? "inputs"
                                              : NULL;
    xai_status status;

    xai__enter();
    if (missing != NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", missing);
    status = check_inputs(influence, inputs);
    return status < 0 ? status : influence->method->ask(scores, records, influence, inputs, labels);
}

xai_status xai_influence_self(double *scores, double *residual, xai_influence *influence)
{
    double unused;

    xai__enter();
    if (scores == NULL || influence == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", scores == NULL ? "scores" : "influence");
    if (residual == NULL)
        residual = &unused;
    *residual = 0;
    return influence->method->self(scores, residual, influence);
}

/* Descending. Equal scores the sort leaves in the order of their indices. */
static int compare(const void *user, uint32_t a, uint32_t b)
{
    const double *scores = user;

    return scores[a] > scores[b] ? -1 : scores[a] < scores[b];
}

void xai_influence_rank(uint32_t *order, const double *scores, size_t n)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    xai__sort(order, n, compare, scores);
}
