/* SPDX-License-Identifier: MIT
 * Objectives: what each kind makes of a layer's elements, and the sum of several. */
#include "explain/visualize/objective.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "graph/names.h"

/* What a kind needs to be told, or must not be. */
enum { LAYER = 1, CHANNEL = 2, POSITION = 4, DIRECTION = 8, PARAMETER = 16 };

typedef struct objective_kind {
    const char *name;
    uint32_t needs;
    bool couples; /* xai__diversity() */

    /* The score of one image's elements; adds share times its gradient to seed. NULL: not of a layer. */
    double (*evaluate)(float *seed, const xai__term *term, const float *elements, double share);
    xai__penalty_fn penalty; /* NULL: not of pictures */
} objective_kind;

/* --- kinds --- */

/* The mean of one channel over its map. Sums are double: they are told to people, and an order of summing must not show
 * in them. */
static double evaluate_channel(float *seed, const xai__term *t, const float *elements, double share)
{
    size_t n = t->height * t->width, first = (size_t)t->spec.channel * n;
    double sum = 0;

    for (size_t i = first; i < first + n; i++) {
        sum += elements[i];
        seed[i] += (float)(share / (double)n);
    }
    return sum / (double)n;
}

static double evaluate_neuron(float *seed, const xai__term *t, const float *elements, double share)
{
    size_t at = ((size_t)t->spec.channel * t->height + (size_t)t->spec.y) * t->width + (size_t)t->spec.x;

    seed[at] += (float)share;
    return elements[at];
}

/* The mean of squares over all channels: whatever the layer sees already, more of it. */
static double evaluate_deepdream(float *seed, const xai__term *t, const float *elements, double share)
{
    size_t n = t->n_channels * t->height * t->width;
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += (double)elements[i] * elements[i];
        seed[i] += (float)(2 * share / (double)n * elements[i]);
    }
    return sum / (double)n;
}

/* The channels of one position beside a direction. */
typedef struct comparison {
    double dot, norm, norm_direction;
} comparison;

static comparison compare(const xai__term *t, const float *direction, const float *elements, size_t position)
{
    size_t n = t->height * t->width;
    double dot = 0, square = 0, square_direction = 0;

    for (size_t c = 0; c < t->n_channels; c++) {
        double x = elements[c * n + position], d = direction[c];

        dot += x * d;
        square += x * x;
        square_direction += d * d;
    }
    return (comparison){ dot, sqrt(square), sqrt(square_direction) };
}

/* seed += a * direction + b * elements, at one position. */
static void add_combination(float *seed, const xai__term *t, const float *direction, const float *elements,
                            size_t position, double a, double b)
{
    size_t n = t->height * t->width;

    for (size_t c = 0; c < t->n_channels; c++)
        seed[c * n + position] += (float)(a * direction[c] + b * elements[c * n + position]);
}

static const float *direction_of(const xai__term *t)
{
    return t->spec.direction->data;
}

/* The mean over positions of cos(x, d) = x.d / (|x| |d|), with slope d / (|x| |d|) - cos x / |x|^2. torch bounds both
 * norms from below; where the bound holds the norm is constant and the second part is 0. */
static double evaluate_direction(float *seed, const xai__term *t, const float *elements, double share)
{
    const double least = 1e-8;
    size_t n = t->height * t->width;
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        comparison c = compare(t, direction_of(t), elements, i);
        double norms = fmax(c.norm, least) * fmax(c.norm_direction, least), cosine = c.dot / norms;

        add_combination(seed, t, direction_of(t), elements, i, share / (double)n / norms,
                        c.norm > least ? -share / (double)n * cosine / (c.norm * c.norm) : 0);
        sum += cosine;
    }
    return sum / (double)n;
}

/* lucid's direction with cossim_pow p: the mean of x.d max(cos, 0.1)^p. Below the floor the cosine has no slope, so
 * that what points away is still pulled by its product. */
static double evaluate_dot(float *seed, const xai__term *t, const float *elements, double share)
{
    const double epsilon = 1e-4, floor = 0.1;
    size_t n = t->height * t->width;
    double sum = 0, power = t->spec.parameter;

    for (size_t i = 0; i < n; i++) {
        comparison c = compare(t, direction_of(t), elements, i);
        double norm = c.norm + epsilon, norms = norm * (c.norm_direction + epsilon), cosine = c.dot / norms,
               floored = fmax(cosine, floor), factor = pow(floored, power),
               slope = cosine > floor ? c.dot * power * pow(floored, power - 1) : 0; /* of the cosine */

        add_combination(seed, t, direction_of(t), elements, i, share / (double)n * (factor + slope / norms),
                        c.norm > 0 ? -share / (double)n * slope * cosine / (norm * c.norm) : 0);
        sum += c.dot * factor;
    }
    return sum / (double)n;
}

/* In the order of enum xai_objective_kind; class is a channel of the model's output. */
static const objective_kind kinds[] = {
    [XAI_OBJECTIVE_CHANNEL] = { "channel", LAYER | CHANNEL, .evaluate = evaluate_channel },
    [XAI_OBJECTIVE_NEURON] = { "neuron", LAYER | CHANNEL | POSITION, .evaluate = evaluate_neuron },
    [XAI_OBJECTIVE_DIRECTION] = { "direction", LAYER | DIRECTION, .evaluate = evaluate_direction },
    [XAI_OBJECTIVE_DOT] = { "dot", LAYER | DIRECTION | PARAMETER, .evaluate = evaluate_dot },
    [XAI_OBJECTIVE_CLASS] = { "class", CHANNEL, .evaluate = evaluate_channel },
    [XAI_OBJECTIVE_DEEPDREAM] = { "deepdream", LAYER, .evaluate = evaluate_deepdream },
    [XAI_OBJECTIVE_DIVERSITY] = { "diversity", LAYER, .couples = true },
    [XAI_OBJECTIVE_TV] = { "tv", 0, .penalty = xai__penalty_total_variation },
    [XAI_OBJECTIVE_L1] = { "l1", PARAMETER, .penalty = xai__penalty_l1 },
    [XAI_OBJECTIVE_L2] = { "l2", PARAMETER, .penalty = xai__penalty_l2 },
    [XAI_OBJECTIVE_BLUR] = { "blur", 0, .penalty = xai__penalty_blur },
};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

static const objective_kind *kind_of(const xai__term *term)
{
    return &kinds[term->spec.kind];
}

bool xai__term_couples(const xai__term *term)
{
    return kind_of(term)->couples;
}

/* --- checks --- */

/* What is missing, and what is given that the kind does not have. */
static xai_status check_needs(const xai_objective *o, size_t index)
{
    const objective_kind *kind = &kinds[o->kind];
    const struct {
        const char *name;
        bool given, is_optional;
        uint32_t need;
    } rows[] = {
        { "layer", o->layer != NULL, false, LAYER },         { "direction", o->direction != NULL, false, DIRECTION },
        { "channel", o->channel != 0, true, CHANNEL },       { "position", o->y != 0 || o->x != 0, true, POSITION },
        { "parameter", o->parameter != 0, true, PARAMETER },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool is_needed = (kind->needs & rows[i].need) != 0;

        if (rows[i].given && !is_needed)
            return xai__fail(XAI_E_INVALID, "objective %zu: %s has no %s", index, kind->name, rows[i].name);
        if (!rows[i].given && !rows[i].is_optional && is_needed)
            return xai__fail(XAI_E_INVALID, "objective %zu: %s needs a %s", index, kind->name, rows[i].name);
    }
    return XAI_OK;
}

static xai_status check_numbers(const xai_objective *o, size_t index, size_t n_pictures)
{
    if (o->kind >= N_KINDS || o->ramp > XAI_RAMP_RISING || o->reserved != 0)
        return xai__fail(XAI_E_INVALID, "objective %zu: kind is %u, ramp is %u, reserved is %u", index, o->kind,
                         o->ramp, o->reserved);
    if (!isfinite(o->weight) || !isfinite(o->parameter))
        return xai__fail(XAI_E_INVALID, "objective %zu: weight is %g, parameter is %g; both have to be finite", index,
                         (double)o->weight, (double)o->parameter);
    if (o->picture > n_pictures)
        return xai__fail(XAI_E_INVALID, "objective %zu is for picture %u, there are %zu", index, o->picture,
                         n_pictures);
    if (o->ramp != XAI_RAMP_NONE && (o->picture != 0 || n_pictures < 2))
        return xai__fail(XAI_E_INVALID, "objective %zu: a ramp goes over all pictures, at least 2; there are %zu",
                         index, n_pictures);
    return XAI_OK;
}

/* -1 becomes the middle. */
static xai_status find_position(int64_t *at, size_t extent, const char *name, size_t index)
{
    if (*at < -1 || *at >= (int64_t)extent)
        return xai__fail(XAI_E_INVALID, "objective %zu: %s is %lld, the layer has %zu", index, name, (long long)*at,
                         extent);
    if (*at == -1)
        *at = (int64_t)extent / 2;
    return XAI_OK;
}

/* What only the layer can say: its extents, and whether channel, position and direction fit them. */
static xai_status measure(xai__term *t, const xai__graph *graph, size_t index)
{
    const xai__value *v = &graph->values[t->value];
    char text[128];

    if (v->rank != 2 && v->rank != 4)
        return xai__fail(XAI_E_UNSUPPORTED, "objective %zu: '%s' is %s, neither a list nor a map of channels", index,
                         v->name, xai__shape_text(text, sizeof text, v->shape, v->rank));
    t->n_channels = (size_t)v->shape[1];
    t->height = v->rank == 4 ? (size_t)v->shape[2] : 1;
    t->width = v->rank == 4 ? (size_t)v->shape[3] : 1;
    if ((kind_of(t)->needs & CHANNEL) != 0 && (t->spec.channel < 0 || t->spec.channel >= (int64_t)t->n_channels))
        return xai__fail(XAI_E_INVALID, "objective %zu: %s is %lld, '%s' has %zu", index,
                         t->spec.kind == XAI_OBJECTIVE_CLASS ? "the class" : "channel", (long long)t->spec.channel,
                         v->name, t->n_channels);
    if ((kind_of(t)->needs & DIRECTION) != 0 && t->spec.direction->size != t->n_channels)
        return xai__fail(XAI_E_SHAPE, "objective %zu: the direction has %zu numbers, '%s' has %zu channels", index,
                         t->spec.direction->size, v->name, t->n_channels);
    if ((kind_of(t)->needs & POSITION) != 0) {
        xai_status status = find_position(&t->spec.y, t->height, "y", index);

        return status < 0 ? status : find_position(&t->spec.x, t->width, "x", index);
    }
    return XAI_OK;
}

static xai_status init_term(xai__term *t, const xai__graph *graph, const xai_objective *spec, size_t index,
                            size_t n_pictures)
{
    xai_status status = check_numbers(spec, index, n_pictures);

    if (status == XAI_OK)
        status = check_needs(spec, index);
    if (status < 0)
        return status;
    t->spec = *spec;
    t->spec.weight = spec->weight != 0 ? spec->weight : 1;
    t->value = kind_of(t)->penalty != NULL ? -1 : graph->output;
    if (spec->layer != NULL)
        status = xai__graph_find(&t->value, graph, spec->layer);
    return status < 0 || t->value < 0 ? status : measure(t, graph, index);
}

/* --- the sum --- */

xai_status xai__objectives_init(xai__objectives *out, const xai_model *model, const xai_objective *objectives, size_t n,
                                size_t n_pictures)
{
    xai_context *context = model->object.context;
    xai__objectives o = { .model = model, .n = n, .n_pictures = n_pictures };
    xai_status status = XAI_OK;
    size_t n_scores;

    if (n == 0)
        return xai__fail(XAI_E_INVALID, "there is no objective");
    if (!xai__mul_size(&n_scores, n, n_pictures))
        return xai__fail_memory();
    o.terms = xai__zalloc_array(context, n, sizeof *o.terms);
    o.scores = xai__zalloc_array(context, n_scores, sizeof *o.scores);
    if (o.terms == NULL || o.scores == NULL)
        status = XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n && status == XAI_OK; i++)
        status = init_term(&o.terms[i], &model->graph, &objectives[i], i, n_pictures);
    if (status < 0)
        xai__objectives_fini(&o);
    else
        *out = o;
    return status;
}

void xai__objectives_fini(xai__objectives *o)
{
    if (o->model == NULL)
        return;
    xai__free(o->model->object.context, o->terms);
    xai__free(o->model->object.context, o->scores);
    *o = (xai__objectives){ 0 };
}

/* How much of a term's weight a picture has: by its place on the ramp, all or nothing of one that the term is for, else
 * an equal share, so that the sum over pictures is their mean. */
static double ramp(const xai__objectives *o, const xai__term *t, size_t picture)
{
    double rising = o->n_pictures > 1 ? (double)picture / (double)(o->n_pictures - 1) : 0;

    if (t->spec.ramp != XAI_RAMP_NONE)
        return t->spec.ramp == XAI_RAMP_RISING ? rising : 1 - rising;
    if (t->spec.picture != 0)
        return t->spec.picture == picture + 1 ? 1 : 0;
    return 1 / (double)o->n_pictures;
}

/* Coupled terms write the scores of all pictures at once. */
static xai_status evaluate_coupled(xai__objectives *o, size_t term, float *seed, const float *elements)
{
    const xai__term *t = &o->terms[term];
    xai_context *context = o->model->object.context;
    double *shares = xai__alloc_array(context, o->n_pictures, sizeof *shares);
    xai_status status;

    if (shares == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < o->n_pictures; i++)
        shares[i] = t->spec.weight * ramp(o, t, i);
    status = xai__diversity(o->scores + term * o->n_pictures, seed, t, elements, o->n_pictures, shares, context);
    xai__free(context, shares);
    return status;
}

xai_status xai__objectives_evaluate(xai__objectives *o, int32_t value, float *seed, const float *elements, size_t first,
                                    size_t n)
{
    size_t size = o->model->graph.values[value].size;
    xai_status status = XAI_OK;

    memset(seed + first * size, 0, n * size * sizeof *seed);
    for (size_t i = 0; i < o->n && status == XAI_OK; i++) {
        const xai__term *t = &o->terms[i];

        if (t->value != value)
            continue;
        if (kind_of(t)->couples)
            status = evaluate_coupled(o, i, seed, elements);
        for (size_t k = first; k < first + n && !kind_of(t)->couples; k++)
            o->scores[i * o->n_pictures + k] = kind_of(t)->evaluate(seed + k * size, t, elements + k * size,
                                                                    t->spec.weight * ramp(o, t, k));
    }
    return status;
}

void xai__objectives_evaluate_pictures(xai__objectives *o, float *gradient, const float *pictures, size_t height,
                                       size_t width)
{
    size_t size = 3 * height * width;

    for (size_t i = 0; i < o->n; i++) {
        const xai__term *t = &o->terms[i];

        for (size_t k = 0; k < o->n_pictures && kind_of(t)->penalty != NULL; k++)
            o->scores[i * o->n_pictures + k] = kind_of(t)->penalty(gradient + k * size, t, pictures + k * size, height,
                                                                   width, t->spec.weight * ramp(o, t, k));
    }
}

double xai__objectives_score(const xai__objectives *o, size_t term)
{
    double sum = 0;

    for (size_t k = 0; k < o->n_pictures; k++)
        sum += ramp(o, &o->terms[term], k) * o->scores[term * o->n_pictures + k];
    return sum;
}

double xai__objectives_sum(const xai__objectives *o)
{
    double sum = 0;

    for (size_t i = 0; i < o->n; i++)
        sum += o->terms[i].spec.weight * xai__objectives_score(o, i);
    return sum;
}
