/* SPDX-License-Identifier: MIT
 * Influence through any layers. Products with the Gauss-Newton matrix, mean of J' (diag p - p p') J with J the
 * gradients of all logits, or with the Hessian itself, as differences of gradients a step apart. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "explain/influence/influence_network.h"
#include "runtime/session.h"

/* Of a step, relative to the parameters: below it rounding shows, above it curvature changes. */
static const double relative_step = 3e-3;

static const char *const products[] = { "gauss-newton", "gradients" };

typedef struct layers {
    const xai_influence *influence;
    xai__network network;
    bool takes_differences;
    double *probabilities; /* n x n_classes */
    double *parameters;
    float *jacobians; /* of every example, NULL where that is too much */
    float *rows;      /* those of the pictures at hand */
    double *row;      /* one of them, as solvers want it */
} layers;

static const xai_training *training_of(const layers *l)
{
    return l->network.training;
}

static size_t index_of(const uint32_t *examples, size_t i)
{
    return examples != NULL ? examples[i] : i;
}

/* A gradient is of floats, what it is multiplied with of doubles. */
static double multiply_row(const float *row, const double *v, size_t n)
{
    double sums[4] = { 0 };

    for (size_t k = 0; k < n; k++)
        sums[k % 4] += (double)row[k] * v[k];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* --- Jacobians --- */

static size_t rows_size(const layers *l)
{
    return training_of(l)->n_classes * l->network.n;
}

/* Gradients of all logits for examples first to first + n: out[(example * n_classes + class) * n + element]. */
static xai_status compute_rows(float *out, const layers *l, const uint32_t *examples, size_t first, size_t n)
{
    xai_tensor *inputs = NULL;
    xai_status status = xai__network_inputs(&inputs, &l->network, examples, first, n);

    if (status == XAI_OK)
        status = xai__network_gradients(out, &l->network, inputs, NULL);
    xai_tensor_unref(inputs);
    return status;
}

/* Solvers multiply a hundred times, so what fits is computed once. */
static xai_status keep_jacobians(layers *l)
{
    size_t n = training_of(l)->n, at_once = l->network.n_at_once, size;
    xai_status status = XAI_OK;

    if (l->takes_differences || !xai__mul_size(&size, n, rows_size(l)) || size > l->network.budget / 2 / sizeof(float))
        return XAI_OK;
    l->jacobians = xai__alloc_array(l->influence->object.context, size, sizeof *l->jacobians);
    if (l->jacobians == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n && status == XAI_OK; i += at_once)
        status = compute_rows(l->jacobians + i * rows_size(l), l, NULL, i, n - i < at_once ? n - i : at_once);
    return status;
}

/* out += weight * J' (diag p - p p') J v, J being n_classes x n. With u = J v the middle is p (u - mean of u under p),
 * so that v' H v is the variance of u under p: never negative, which is what conjugate gradients need. u has room for
 * n_classes. */
static void add_curvature(double *out, const layers *l, const float *jacobian, const double *p, const double *v,
                          double weight, double *u)
{
    size_t n = l->network.n, n_classes = training_of(l)->n_classes;
    double mean = 0;

    for (size_t c = 0; c < n_classes; c++) {
        u[c] = multiply_row(jacobian + c * n, v, n);
        mean += p[c] * u[c];
    }
    for (size_t c = 0; c < n_classes; c++) {
        double w = weight * p[c] * (u[c] - mean);

        for (size_t k = 0; k < n; k++)
            out[k] += w * (double)jacobian[c * n + k];
    }
}

static xai_status multiply_curvature(const layers *l, double *out, const double *v, const uint32_t *examples, size_t n)
{
    size_t n_classes = training_of(l)->n_classes, at_once = l->jacobians != NULL ? n : l->network.n_at_once;
    double *u = xai__alloc_array(l->influence->object.context, n_classes, sizeof *u);
    xai_status status = u != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    for (size_t first = 0; first < n && status == XAI_OK; first += at_once) {
        size_t count = n - first < at_once ? n - first : at_once;

        if (l->jacobians == NULL)
            status = compute_rows(l->rows, l, examples, first, count);
        for (size_t i = first; i < first + count && status == XAI_OK; i++) {
            size_t index = index_of(examples, i);
            const float *j = l->jacobians != NULL ? l->jacobians + index * rows_size(l)
                                                  : l->rows + (i - first) * rows_size(l);

            add_curvature(out, l, j, l->probabilities + index * n_classes, v, 1.0 / (double)n, u);
        }
    }
    xai__free(l->influence->object.context, u);
    return status;
}

/* --- differences --- */

/* out += weight * the sum of the examples' gradients in a session of changed parameters. */
static xai_status add_gradients(double *out, const layers *l, xai_session *session, double weight,
                                const uint32_t *examples, size_t n)
{
    size_t at_once = l->network.n_at_once;
    xai__network network = l->network;
    int64_t *labels = xai__alloc_array(l->influence->object.context, at_once, sizeof *labels);
    xai_status status = labels != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    network.session = session;
    for (size_t first = 0; first < n && status == XAI_OK; first += at_once) {
        size_t count = n - first < at_once ? n - first : at_once;
        xai_tensor *inputs = NULL;

        for (size_t i = 0; i < count; i++)
            labels[i] = training_of(l)->examples.labels[index_of(examples, first + i)];
        status = xai__network_inputs(&inputs, &l->network, examples, first, count);
        if (status == XAI_OK)
            status = xai__network_gradients(l->rows, &network, inputs, labels);
        for (size_t i = 0; i < count * network.n && status == XAI_OK; i++)
            out[i % network.n] += weight * (double)l->rows[i];
        xai_tensor_unref(inputs);
    }
    xai__free(l->influence->object.context, labels);
    return status;
}

/* H v = (g(parameters + h v) - g(parameters - h v)) / 2 h, g being the mean gradient. Both sides, so that the error
 * falls with the square of the step; h v is relative_step times as long as the parameters, whatever the length of v. */
static xai_status multiply_differences(const layers *l, double *out, const double *v, const uint32_t *examples,
                                       size_t n)
{
    double norm = sqrt(xai__dot(v, v, l->network.n)), own = sqrt(xai__dot(l->parameters, l->parameters, l->network.n));
    double step = norm > 0 ? relative_step * (own > 0 ? own : 1) / norm : 0;
    xai_status status = XAI_OK;

    if (xai__session_is_edited(training_of(l)->session))
        return xai__fail(XAI_E_UNSUPPORTED,
                         "product '%s' runs sessions of its own, which a session's EDIT hooks do not "
                         "reach; take '%s'",
                         products[1], products[0]);
    for (int side = 1; side >= -1 && step > 0 && status == XAI_OK; side -= 2) {
        xai_session *session = NULL;

        status = xai__network_step(&session, &l->network, v, side * step);
        if (status == XAI_OK)
            status = add_gradients(out, l, session, side / (2 * step * (double)n), examples, n);
        xai_session_unref(session);
    }
    return status;
}

/* What solvers call. The damping belongs to the whole mean, not to a batch's share of it: LiSSA adds it by itself. */
static xai_status multiply(void *user, double *out, const double *v, const uint32_t *examples, size_t n_examples)
{
    const layers *l = user;
    size_t n = examples != NULL ? n_examples : training_of(l)->n;
    xai_status status;

    memset(out, 0, l->network.n * sizeof *out);
    status = l->takes_differences ? multiply_differences(l, out, v, examples, n)
                                  : multiply_curvature(l, out, v, examples, n);
    for (size_t k = 0; k < l->network.n && examples == NULL && status == XAI_OK; k++)
        out[k] += l->influence->hessian.damping * v[k];
    return status;
}

/* --- method --- */

/* Texts of the options are not kept, so this is the time to read it. */
static xai_status choose_product(layers *l)
{
    const char *name = l->influence->options.product;

    l->takes_differences = name != NULL && strcmp(name, products[1]) == 0;
    if (name == NULL || l->takes_differences || strcmp(name, products[0]) == 0)
        return XAI_OK;
    return xai__fail(XAI_E_NOT_FOUND, "no product is named '%.64s'; there are %s, %s", name, products[0], products[1]);
}

/* Probabilities come from the features in double: they are the same for all products. */
static xai_status allocate(layers *l)
{
    const xai_training *t = training_of(l);
    xai_context *context = l->influence->object.context;
    const xai__rows all = { t->features, t->n, t->stride };
    size_t n_probabilities, n_rows;

    if (!xai__mul_size(&n_probabilities, t->n, t->n_classes) ||
        !xai__mul_size(&n_rows, rows_size(l), l->network.n_at_once))
        return xai__fail_memory();
    l->probabilities = xai__alloc_array(context, n_probabilities, sizeof *l->probabilities);
    l->parameters = xai__alloc_array(context, l->network.n, sizeof *l->parameters);
    l->row = xai__alloc_array(context, l->network.n, sizeof *l->row);
    l->rows = xai__alloc_array(context, n_rows, sizeof *l->rows);
    if (l->probabilities == NULL || l->parameters == NULL || l->row == NULL || l->rows == NULL)
        return XAI_E_NO_MEMORY;
    xai__softmax_residuals(l->probabilities, t, &all, NULL);
    xai__network_parameters(l->parameters, &l->network);
    return XAI_OK;
}

/* What was made so far is freed by end(), whatever fails. */
static xai_status begin(xai_influence *influence)
{
    const xai_training *t = influence->checkpoints[0];
    layers *l = xai__zalloc_array(influence->object.context, 1, sizeof *l);
    xai_status status;

    if (l == NULL)
        return XAI_E_NO_MEMORY;
    influence->state = l;
    l->influence = influence;
    status = choose_product(l);
    if (status == XAI_OK)
        status = xai__network_init(&l->network, t, influence, false, t->n_classes);
    if (status == XAI_OK)
        status = allocate(l);
    if (status == XAI_OK)
        status = keep_jacobians(l);
    if (status < 0)
        return status;
    influence->hessian = (xai__hessian){ .context = influence->object.context,
                                         .n = l->network.n,
                                         .n_examples = t->n,
                                         .damping = influence->options.damping,
                                         .multiply = multiply,
                                         .user = l };
    return xai__influence_choose_scale(influence);
}

static void end(xai_influence *influence)
{
    xai_context *context = influence->object.context;
    layers *l = influence->state;

    if (l == NULL)
        return;
    xai__network_fini(&l->network);
    xai__free(context, l->probabilities);
    xai__free(context, l->parameters);
    xai__free(context, l->jacobians);
    xai__free(context, l->rows);
    xai__free(context, l->row);
    xai__free(context, l);
}

/* Gradients of training examples first to first + n, into l->rows. */
static xai_status look_at_examples(const layers *l, size_t first, size_t n)
{
    xai_tensor *inputs = NULL;
    xai_status status = xai__network_inputs(&inputs, &l->network, NULL, first, n);

    if (status == XAI_OK)
        status = xai__network_gradients(l->rows, &l->network, inputs, training_of(l)->examples.labels + first);
    xai_tensor_unref(inputs);
    return status;
}

/* Each training gradient is computed once for all tests. */
static xai_status score(double *scores, const layers *l, const double *s, size_t n_tests)
{
    size_t n = training_of(l)->n, at_once = l->network.n_at_once, size = l->network.n;
    bool has_penalty = (l->influence->options.flags & XAI_INFLUENCE_PENALTY) != 0;
    xai_status status = XAI_OK;

    for (size_t first = 0; first < n && status == XAI_OK; first += at_once) {
        size_t count = n - first < at_once ? n - first : at_once;

        status = look_at_examples(l, first, count);
        for (size_t t = 0; t < n_tests && status == XAI_OK; t++) {
            double more = has_penalty ? l->influence->options.damping * xai__dot(s + t * size, l->parameters, size) : 0;

            for (size_t i = 0; i < count; i++)
                scores[t * n + first + i] = (multiply_row(l->rows + i * size, s + t * size, size) + more) / (double)n;
        }
    }
    return status;
}

/* Gradients come as floats, solvers are double: l->row is the copy that they are asked with. */
static xai_status solve_row(double *s, xai__solution *solution, const layers *l, size_t row)
{
    for (size_t k = 0; k < l->network.n; k++)
        l->row[k] = (double)l->rows[row * l->network.n + k];
    return xai__influence_solve(s, solution, l->influence, l->row);
}

/* One picture at a time: a batch would need its gradients all at once, and a solve takes far longer than a pass. */
static xai_status solve_tests(double *s, xai_influence_record *records, const layers *l, const xai_tensor *inputs,
                              const int64_t *labels)
{
    xai_status status = XAI_OK, remark = XAI_OK;

    for (int64_t t = 0; t < inputs->shape[0] && status >= 0; t++) {
        xai_tensor *one = NULL;
        xai__solution solution;

        status = xai__network_tests(&one, inputs, (size_t)t, 1);
        if (status == XAI_OK)
            status = xai__network_gradients(l->rows, &l->network, one, &labels[t]);
        if (status == XAI_OK)
            status = solve_row(s + (size_t)t * l->network.n, &solution, l, 0);
        if (status >= 0) {
            records[t].residual = solution.residual;
            records[t].n_iterations = solution.n_iterations;
        }
        remark = status > 0 ? status : remark;
        xai_tensor_unref(one);
    }
    return status < 0 ? status : remark;
}

/* Solves come first, for all tests: then the training set streams past once, however many tests there are. */
static xai_status ask(double *scores, xai_influence_record *records, xai_influence *influence, const xai_tensor *inputs,
                      const int64_t *labels)
{
    const layers *l = influence->state;
    xai_context *context = influence->object.context;
    size_t n_tests = (size_t)inputs->shape[0], size;
    double *s = xai__mul_size(&size, n_tests, l->network.n) ? xai__alloc_array(context, size, sizeof *s) : NULL;
    xai_influence_record *own = xai__alloc_array(context, n_tests, sizeof *own);
    int64_t *resolved = xai__alloc_array(context, n_tests, sizeof *resolved);
    xai_status status = s != NULL && own != NULL && resolved != NULL ? XAI_OK : XAI_E_NO_MEMORY, remark = XAI_OK;

    for (size_t i = 0; i < n_tests && status == XAI_OK; i++)
        resolved[i] = labels != NULL ? labels[i] : -1;
    if (status == XAI_OK)
        status = xai__network_look(own, resolved, &l->network, inputs);
    if (status == XAI_OK)
        status = remark = solve_tests(s, own, l, inputs, resolved);
    if (status >= 0)
        status = score(scores, l, s, n_tests);
    for (size_t i = 0; i < n_tests && records != NULL && status >= 0; i++)
        records[i] = own[i];
    xai__free(context, s);
    xai__free(context, own);
    xai__free(context, resolved);
    return status < 0 ? status : remark;
}

static xai_status self(double *scores, double *residual, xai_influence *influence)
{
    const layers *l = influence->state;
    size_t n = training_of(l)->n;
    double *s = xai__alloc_array(influence->object.context, l->network.n, sizeof *s);
    xai_status status = s != NULL ? XAI_OK : XAI_E_NO_MEMORY, remark = XAI_OK;

    /* A solve uses the rows itself, so each example is looked at alone. */
    for (size_t i = 0; i < n && status >= 0; i++) {
        xai__solution solution = { 0 };

        status = look_at_examples(l, i, 1);
        if (status == XAI_OK)
            status = solve_row(s, &solution, l, 0);
        *residual = solution.residual > *residual ? solution.residual : *residual;
        scores[i] = xai__dot(s, l->row, l->network.n) / (double)n;
        remark = status > 0 ? status : remark;
    }
    xai__free(influence->object.context, s);
    return status < 0 ? status : remark;
}

const xai__influence_method xai__influence_layers = {
    "layers", XAI__INFLUENCE_SOLVES | XAI__INFLUENCE_PRODUCT | XAI__INFLUENCE_PARAMETERS, false, begin, ask, self, end
};
