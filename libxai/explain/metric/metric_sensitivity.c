/* SPDX-License-Identifier: MIT
 * Sensitivity: how much a map changes if its input hardly does. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "core/rng.h"
#include "core/tensor.h"
#include "explain/explainer.h"
#include "explain/metric/metric.h"

enum { DEFAULT_SAMPLES = 10 };

static const double DEFAULT_RADIUS = 0.02;

/* What Quantus adds to the distance of two inputs. */
static const double DISTANCE_EPSILON = 1e-10;

/* What is made of the samples, in the order of their names. */
enum measure { LARGEST, MEAN, LIPSCHITZ };

/* A measurement in progress. */
typedef struct sensitivity {
    xai_sensitivity_options options;
    xai_run_options run;
    xai_explainer explainer;
    xai_session *session;
    const xai_tensor *input;
    const xai_target *target; /* NULL: none */
    enum measure measure;
    xai_tensor *map, *noisy;
    double norm, largest, sum;
    size_t n_samples, n_done;
} sensitivity;

/* --- norms --- */

static double largest_of(const xai_tensor *map)
{
    double largest = 0;

    /* In place of fmax(), whose reduction GCC 12 for AArch64 cannot compile at -O3. */
    for (size_t i = 0; i < map->size; i++) {
        double size = fabs((double)map->data[i]);

        largest = size > largest ? size : largest;
    }
    return largest > 0 ? largest : 1;
}

/* Of a map, or of the difference of two; each is divided first. */
static double norm_of(const xai_tensor *a, double divisor, const xai_tensor *b, double divisor_b)
{
    double sum = 0;

    for (size_t i = 0; i < a->size; i++) {
        double x = (double)a->data[i] / divisor - (b != NULL ? (double)b->data[i] / divisor_b : 0);

        sum += x * x;
    }
    return sqrt(sum);
}

/* A callback may be wrong about its own maps. */
static xai_status check_shape(const xai_tensor *map, const xai_tensor *first)
{
    char got[128], wanted[128];

    if (map->rank == first->rank && memcmp(map->shape, first->shape, map->rank * sizeof *map->shape) == 0)
        return XAI_OK;
    return xai__fail(XAI_E_SHAPE, "a map is %s, the first one was %s",
                     xai__shape_text(got, sizeof got, map->shape, map->rank),
                     xai__shape_text(wanted, sizeof wanted, first->shape, first->rank));
}

/* --- samples --- */

/* Random numbers by index, so that no sample depends on those before it. */
static void perturb(sensitivity *s, size_t index)
{
    const xai_tensor *given = s->options.perturbations;
    double radius = s->options.radius != 0 ? (double)s->options.radius : DEFAULT_RADIUS;
    uint64_t first = (uint64_t)index * s->input->size;

    for (size_t i = 0; i < s->input->size; i++) {
        double noise = given != NULL ? (double)given->data[first + i]
                                     : radius * (2 * xai__rng_uniform_at(s->run.seed, first + i) - 1);

        s->noisy->data[i] = (float)((double)s->input->data[i] + noise);
    }
}

/* Of the map, as a share of it; or, of both as shares of their largest magnitude, for each unit that the input moved.
 */
static double change_of(const sensitivity *s, const xai_tensor *map)
{
    if (s->measure != LIPSCHITZ)
        return norm_of(map, 1, s->map, 1) / (s->norm != 0 ? s->norm : 1);
    return norm_of(map, largest_of(map), s->map, largest_of(s->map)) /
           (norm_of(s->noisy, 1, s->input, 1) + DISTANCE_EPSILON);
}

static xai_status run_sample(sensitivity *s, size_t index)
{
    xai_tensor *map = NULL;
    xai_status status;
    double change;

    perturb(s, index);
    status = xai__explainer_map(&map, &s->explainer, s->session, s->noisy, s->target);
    if (status == XAI_OK)
        status = check_shape(map, s->map);
    if (status == XAI_OK) {
        change = change_of(s, map);
        s->largest = change > s->largest ? change : s->largest;
        s->sum += change;
        s->n_done++;
    }
    xai_tensor_unref(map);
    return status;
}

/* One image at a time: maps of a batch would take the memory of as many backward passes. */
static xai_status run_samples(sensitivity *s)
{
    xai_status status = xai__explainer_map(&s->map, &s->explainer, s->session, s->input, s->target);

    if (status == XAI_OK)
        status = xai__tensor_create(&s->noisy, s->input->object.context, s->input->shape, s->input->rank);
    if (status < 0)
        return status;
    s->norm = norm_of(s->map, 1, NULL, 1);
    for (size_t i = 0; i < s->n_samples && status == XAI_OK; i++) {
        status = run_sample(s, i);
        if (status == XAI_OK && s->run.progress != NULL && s->run.progress(i + 1, s->n_samples, s->run.user) != 0 &&
            i + 1 < s->n_samples)
            status = XAI_PARTIAL;
    }
    return status;
}

/* --- the public function --- */

static xai_status read_options(sensitivity *s, const xai_sensitivity_options *options, const xai_explainer *explainer)
{
    const xai_sensitivity_options *o = &s->options;
    xai_status status = XAI__OPTIONS_READ(&s->options, options);
    char got[128], wanted[128];

    if (status == XAI_OK)
        status = XAI__OPTIONS_READ(&s->run, o->run);
    if (status == XAI_OK)
        status = xai__explainer_read(&s->explainer, explainer, s->session);
    if (status < 0)
        return status;
    if (!isfinite(o->radius) || o->radius < 0)
        return xai__fail(XAI_E_INVALID, "radius is %g", (double)o->radius);
    if (o->perturbations != NULL && (o->radius != 0 || o->n_samples != 0))
        return xai__fail(XAI_E_INVALID, "perturbations are given, and radius or n_samples too");
    if (s->input->rank != 4 || s->input->shape[0] != 1)
        return xai__fail(XAI_E_SHAPE, "one image, 1xCxHxW, is explained at a time, got %s",
                         xai__shape_text(got, sizeof got, s->input->shape, s->input->rank));
    if (o->perturbations != NULL &&
        (o->perturbations->rank != 4 || o->perturbations->shape[0] < 1 ||
         memcmp(o->perturbations->shape + 1, s->input->shape + 1, 3 * sizeof *s->input->shape) != 0))
        return xai__fail(XAI_E_SHAPE, "the perturbations are %s, expected Nx%s with N >= 1",
                         xai__shape_text(got, sizeof got, o->perturbations->shape, o->perturbations->rank),
                         xai__shape_text(wanted, sizeof wanted, s->input->shape + 1, 3));
    s->n_samples = o->perturbations != NULL ? (size_t)o->perturbations->shape[0]
                   : o->n_samples != 0      ? o->n_samples
                                            : DEFAULT_SAMPLES;
    return XAI_OK;
}

static xai_status find_metric(enum measure *out, xai_context *context, const char *name)
{
    static const char *const names[] = { "max-sensitivity", "avg-sensitivity", "local-lipschitz" };
    enum { N_NAMES = sizeof names / sizeof *names };

    for (int i = 0; i < N_NAMES; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum measure)i;
            return XAI_OK;
        }
    return xai__metric_unknown(context, "metric of sensitivity", name, names, N_NAMES, sizeof *names);
}

xai_status xai_metric_sensitivity(double *out, xai_session *session, const xai_tensor *input, const xai_target *target,
                                  const xai_explainer *explainer, const char *metric,
                                  const xai_sensitivity_options *options)
{
    sensitivity s = { .session = session, .input = input };
    bool has_target = false;
    xai_target resolved;
    xai_status status;

    xai__enter();
    if (out == NULL || input == NULL || metric == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : input == NULL ? "input" : "metric");
    *out = 0;
    status = find_metric(&s.measure, input->object.context, metric);
    if (status == XAI_OK)
        status = read_options(&s, options, explainer);
    if (status == XAI_OK)
        status = xai__explainer_resolve(&resolved, &has_target, session, input, target);
    s.target = has_target ? &resolved : NULL;
    if (status == XAI_OK)
        status = run_samples(&s);
    if (status >= 0)
        *out = s.measure == MEAN ? s.sum / (double)s.n_done : s.largest;
    xai_tensor_unref(s.map);
    xai_tensor_unref(s.noisy);
    return status;
}
