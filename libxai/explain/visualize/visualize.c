/* SPDX-License-Identifier: MIT
 * Feature visualisation: options, memory, results. */
#include "explain/visualize/visualize.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/tensor.h"

enum { DEFAULT_STEPS = 512, DEFAULT_SIDE = 128, MAX_SIDE = 4096, MAX_PICTURES = 4096, N_PLANES = 3 };

static const float DEFAULT_RATE = 0.05f, DEFAULT_DEVIATION = 0.01f;

enum { ALL_FLAGS = XAI_VISUALIZE_PLAIN | XAI_VISUALIZE_REDIRECT | XAI_VISUALIZE_CORRELATED };

/* --- options --- */

static xai_status find_parameterisation(bool *is_fourier, const char *name)
{
    *is_fourier = name == NULL || strcmp(name, "fourier") == 0;
    if (!*is_fourier && strcmp(name, "pixel") != 0)
        return xai__fail(XAI_E_NOT_FOUND, "there is no parameterisation '%.40s'; there are fourier, pixel", name);
    return XAI_OK;
}

static xai_status check_values(const xai_visualize_options *o)
{
    if ((o->flags & ~(uint32_t)ALL_FLAGS) != 0 || o->reserved != 0)
        return xai__fail(XAI_E_INVALID, "flags are %u, reserved is %u", o->flags, o->reserved);
    if (!isfinite(o->learning_rate) || o->learning_rate < 0)
        return xai__fail(XAI_E_INVALID, "learning_rate is %g, expected a number above 0", (double)o->learning_rate);
    if (!isfinite(o->deviation) || o->deviation < 0)
        return xai__fail(XAI_E_INVALID, "deviation is %g, expected a number above 0", (double)o->deviation);
    if (o->width < 2 || o->height < 2 || o->width > MAX_SIDE || o->height > MAX_SIDE)
        return xai__fail(XAI_E_INVALID, "pictures are %u x %u, a side is 2 to %d", o->width, o->height, MAX_SIDE);
    if ((o->start != NULL) + (o->picture != NULL) + (o->deviation != 0) > 1)
        return xai__fail(XAI_E_INVALID, "start, picture and deviation each say where to begin; give one");
    return XAI_OK;
}

/* deviation stays 0 where it is not given, which tells it from one that contradicts a start. */
static void fill_in(xai_visualize_options *o)
{
    o->n_steps = o->n_steps != 0 ? o->n_steps : DEFAULT_STEPS;
    o->width = o->width != 0 ? o->width : DEFAULT_SIDE;
    o->height = o->height != 0 ? o->height : DEFAULT_SIDE;
    o->watch_every = o->watch_every != 0 ? o->watch_every : 1;
    o->learning_rate = o->learning_rate != 0 ? o->learning_rate : DEFAULT_RATE;
}

static xai_status read_options(xai__visualization *v, const xai_visualize_options *options)
{
    xai_visualize_options *o = &v->options;
    xai_status status = XAI__OPTIONS_READ(o, options);

    if (status == XAI_OK)
        status = XAI__OPTIONS_READ(&v->run, o->run);
    if (status == XAI_OK)
        status = find_parameterisation(&v->parameters.is_fourier, o->parameterisation);
    if (status < 0)
        return status;
    v->profile = xai__transform_profile_find(o->profile);
    if (v->profile == NULL)
        return XAI_E_NOT_FOUND;
    fill_in(o);
    if (v->profile->redirects)
        o->flags |= XAI_VISUALIZE_REDIRECT;
    return check_values(o);
}

/* Parameters are colours, so the input must be, too. */
static xai_status check_model(const xai_model *model)
{
    const xai__value *input = &model->graph.values[model->graph.input];
    char text[128];

    if (input->rank == 4 && input->shape[1] == N_PLANES)
        return XAI_OK;
    return xai__fail(XAI_E_UNSUPPORTED, "visualisation draws RGB pictures, '%s' is %s", input->name,
                     xai__shape_text(text, sizeof text, input->shape, input->rank));
}

/* --- memory --- */

/* Terms of one layer share its passes. */
static xai_status collect_layers(xai__visualization *v)
{
    const xai__objectives *o = &v->objectives;

    v->layers = xai__alloc_array(v->context, o->n, sizeof *v->layers);
    if (v->layers == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < o->n; i++) {
        bool is_new = o->terms[i].value >= 0;

        for (size_t k = 0; k < v->n_layers; k++)
            is_new &= v->layers[k] != o->terms[i].value;
        if (is_new)
            v->layers[v->n_layers++] = o->terms[i].value;
    }
    return XAI_OK;
}

/* Zeros: what is added to must begin with nothing. */
static xai_status allocate(float **out, const xai__visualization *v, size_t count, size_t size)
{
    size_t n;

    if (!xai__mul_size(&n, count, size))
        return xai__fail_memory();
    *out = xai__zalloc_array(v->context, n, sizeof **out);
    return *out == NULL ? XAI_E_NO_MEMORY : XAI_OK;
}

/* Seeds of the layers that need them ahead; the largest is enough, since layers take turns. */
static xai_status allocate_seeds(xai__visualization *v)
{
    size_t largest = 0;

    for (size_t i = 0; i < v->objectives.n; i++) {
        const xai__term *t = &v->objectives.terms[i];
        size_t size = xai__term_couples(t) ? t->n_channels * t->height * t->width : 0;

        largest = size > largest ? size : largest;
    }
    return largest > 0 ? allocate(&v->seeds, v, v->n_pictures, largest) : XAI_OK;
}

static xai_status allocate_all(xai__visualization *v)
{
    const int64_t *input = v->session->model->graph.values[v->session->model->graph.input].shape,
                  shape[4] = { (int64_t)v->n_pictures, N_PLANES, input[2], input[3] };
    size_t n = v->n_pictures, n_lanes = v->context->pool.n_threads;
    xai_status status = xai__tensor_create(&v->seen, v->context, shape, 4);

    v->seen_size = N_PLANES * (size_t)input[2] * (size_t)input[3];
    v->picture_size = N_PLANES * (size_t)v->options.height * v->options.width;
    v->largest = xai__transform_largest(v->options.height, v->options.width, (size_t)input[2], (size_t)input[3]);
    v->lane = 2 * N_PLANES * v->largest;
    if (status == XAI_OK)
        status = allocate(&v->pictures, v, n, v->picture_size);
    if (status == XAI_OK)
        status = allocate(&v->of_pictures, v, n, v->picture_size);
    if (status == XAI_OK)
        status = allocate(&v->of_seen, v, n, v->seen_size);
    if (status == XAI_OK)
        status = allocate(&v->of_parameters, v, 1, v->parameters.n_values);
    if (status == XAI_OK)
        status = allocate(&v->scratch, v, n_lanes, v->lane);
    if (status == XAI_OK)
        status = allocate(&v->trace, v, v->options.n_steps, v->objectives.n);
    return status == XAI_OK ? allocate_seeds(v) : status;
}

/* Takes what is half built: all of it is zero until it is made. */
static void clean_up(xai__visualization *v)
{
    for (size_t i = 0; v->images != NULL && i < v->n_pictures; i++)
        xai_image_unref(v->images[i]);
    xai__free(v->context, v->images);
    xai__free(v->context, v->layers);
    xai__free(v->context, v->pictures);
    xai__free(v->context, v->of_pictures);
    xai__free(v->context, v->of_seen);
    xai__free(v->context, v->of_parameters);
    xai__free(v->context, v->scratch);
    xai__free(v->context, v->seeds);
    xai__free(v->context, v->trace);
    xai_tensor_unref(v->seen);
    xai__objectives_fini(&v->objectives);
    xai__parameterisation_fini(&v->parameters);
    if (v->adam.context != NULL)
        xai__adam_fini(&v->adam);
}

/* --- where to begin --- */

/* Parameters as torch and lucent lay them out, a spectrum as N x 3 x H x (W / 2 + 1) x 2, so that a run of theirs can
 * be gone on with. */
static xai_status take_start(xai__visualization *v)
{
    const xai_tensor *start = v->options.start;
    int64_t height = v->options.height, width = v->options.width;
    const int64_t shape[5] = { (int64_t)v->n_pictures, N_PLANES, height,
                               v->parameters.is_fourier ? width / 2 + 1 : width, 2 };
    size_t rank = v->parameters.is_fourier ? 5 : 4;
    char wanted[128], got[128];

    if (start->rank != rank || memcmp(start->shape, shape, rank * sizeof *shape) != 0)
        return xai__fail(XAI_E_SHAPE, "start is %s, expected %s",
                         xai__shape_text(got, sizeof got, start->shape, start->rank),
                         xai__shape_text(wanted, sizeof wanted, shape, rank));
    memcpy(v->parameters.values, start->data, start->size * sizeof *start->data);
    return XAI_OK;
}

/* Bicubic keeps edges, of which dreams are made. */
static xai_status take_picture(xai__visualization *v)
{
    const xai_visualize_options *o = &v->options;
    xai_image *image = NULL;
    xai_status status = xai_image_resize(&image, o->picture, (int32_t)o->width, (int32_t)o->height, XAI_FILTER_BICUBIC);

    if (status == XAI_OK)
        xai__parameterisation_imitate(&v->parameters, image);
    xai_image_unref(image);
    return status;
}

static xai_status begin(xai__visualization *v)
{
    const xai_visualize_options *o = &v->options;
    xai__parameterisation *p = &v->parameters;
    xai_status status;

    p->is_correlated = (o->flags & XAI_VISUALIZE_CORRELATED) != 0;
    p->n_pictures = v->n_pictures;
    p->height = o->height;
    p->width = o->width;
    status = xai__parameterisation_init(p, v->context);
    if (status == XAI_OK)
        status = xai__adam_init(&v->adam, v->context, p->n_values, o->learning_rate);
    if (status < 0)
        return status;
    if (o->start != NULL)
        return take_start(v);
    if (o->picture != NULL)
        return take_picture(v);
    xai__parameterisation_start(p, v->run.seed, o->deviation != 0 ? o->deviation : DEFAULT_DEVIATION);
    return XAI_OK;
}

/* --- results --- */

/* Steps that a callback prevented have no row. */
static xai_status create_trace(xai_tensor **out, const xai__visualization *v)
{
    const int64_t shape[2] = { (int64_t)v->n_done, (int64_t)v->objectives.n };
    xai_status status = xai__tensor_create(out, v->context, shape, 2);

    if (status == XAI_OK)
        memcpy((*out)->data, v->trace, (*out)->size * sizeof *v->trace);
    return status;
}

/* A stop is a remark: pictures and trace of what was done are handed out all the same. */
static xai_status compute(xai_image **out, xai_tensor **trace, xai__visualization *v)
{
    xai_status status = begin(v), remark = XAI_OK;

    v->images = xai__zalloc_array(v->context, v->n_pictures, sizeof(xai_image *));
    if (status == XAI_OK && v->images == NULL)
        status = XAI_E_NO_MEMORY;
    if (status == XAI_OK)
        status = collect_layers(v);
    if (status == XAI_OK)
        status = allocate_all(v);
    if (status == XAI_OK)
        status = remark = xai__visualization_run(v);
    if (status >= 0)
        status = xai__visualization_look(v);
    if (status == XAI_OK && trace != NULL)
        status = create_trace(trace, v);
    for (size_t i = 0; i < v->n_pictures && status == XAI_OK; i++)
        out[i] = xai_image_ref(v->images[i]);
    return status < 0 ? status : remark;
}

static xai_status check_arguments(xai_image **out, size_t n_pictures, const xai_session *session,
                                  const xai_objective *objectives)
{
    const char *missing = out == NULL ? "out" : session == NULL ? "session" : objectives == NULL ? "objectives" : NULL;

    if (missing != NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", missing);
    if (n_pictures == 0 || n_pictures > MAX_PICTURES)
        return xai__fail(XAI_E_INVALID, "1 to %d pictures are optimised together, got %zu", MAX_PICTURES, n_pictures);
    return XAI_OK;
}

xai_status xai_visualize(xai_image **out, size_t n_pictures, xai_tensor **trace, xai_session *session,
                         const xai_objective *objectives, size_t n_objectives, const xai_visualize_options *options)
{
    xai__visualization v = { .session = session, .n_pictures = n_pictures };
    xai_status status;

    XAI__ENTER(trace);
    for (size_t i = 0; out != NULL && i < n_pictures; i++)
        out[i] = NULL;
    status = check_arguments(out, n_pictures, session, objectives);
    if (status == XAI_OK)
        status = read_options(&v, options);
    if (status == XAI_OK)
        status = check_model(session->model);
    if (status == XAI_OK)
        status = xai__objectives_init(&v.objectives, session->model, objectives, n_objectives, n_pictures);
    if (status < 0)
        return status;
    v.context = session->object.context;
    status = compute(out, trace, &v);
    clean_up(&v);
    return status;
}
