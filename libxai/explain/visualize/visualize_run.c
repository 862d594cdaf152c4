/* SPDX-License-Identifier: MIT
 * The steps of a visualisation: draw, transform, differentiate, carry back, step uphill. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/tensor.h"
#include "explain/visualize/visualize.h"

enum { N_PLANES = 3 };

/* --- what the model sees --- */

/* As the model's pictures are prepared, from 0 .. 1 in place of 0 .. 255. */
static void prepare(float *seen, const xai__preparation *p, size_t n)
{
    float unit = 255 * p->scale;

    for (size_t i = 0; i < n && p->is_bgr; i++) {
        float red = seen[i];

        seen[i] = seen[2 * n + i];
        seen[2 * n + i] = red;
    }
    for (size_t c = 0; c < N_PLANES; c++)
        for (size_t i = c * n; i < (c + 1) * n; i++)
            seen[i] = (seen[i] * unit - p->mean[c]) / p->std[c];
}

/* The transpose: the means drop out, and channels are turned round last. */
static void prepare_back(float *of_seen, const xai__preparation *p, size_t n)
{
    float unit = 255 * p->scale;

    for (size_t c = 0; c < N_PLANES; c++)
        for (size_t i = c * n; i < (c + 1) * n; i++)
            of_seen[i] *= unit / p->std[c];
    for (size_t i = 0; i < n && p->is_bgr; i++) {
        float blue = of_seen[i];

        of_seen[i] = of_seen[2 * n + i];
        of_seen[2 * n + i] = blue;
    }
}

static void see(void *user, size_t picture, size_t lane)
{
    xai__visualization *v = user;
    float *seen = v->seen->data + picture * v->seen_size;

    xai__transform_run(seen, &v->transform, v->pictures + picture * v->picture_size, N_PLANES,
                       v->scratch + lane * v->lane, v->largest);
    prepare(seen, &v->session->model->preparation, v->seen_size / N_PLANES);
}

static void see_back(void *user, size_t picture, size_t lane)
{
    xai__visualization *v = user;
    float *of_seen = v->of_seen + picture * v->seen_size;

    prepare_back(of_seen, &v->session->model->preparation, v->seen_size / N_PLANES);
    xai__transform_adjoint(v->of_pictures + picture * v->picture_size, &v->transform, of_seen, N_PLANES,
                           v->scratch + lane * v->lane, v->largest);
}

/* --- looks --- */

/* A learning rate that is far too large ends in NaN, which is drawn black. */
static void quantise(xai_image *image, const float *picture)
{
    size_t n = (size_t)image->width * (size_t)image->height;

    for (size_t c = 0; c < N_PLANES; c++)
        for (size_t i = 0; i < n; i++) {
            float value = picture[c * n + i];

            image->pixels[N_PLANES * i + c] = (uint8_t)(value > 0 ? value * 255 + 0.5f : 0);
        }
}

xai_status xai__visualization_look(xai__visualization *v)
{
    xai__team team = xai__team_take(v->context);
    xai_status status = XAI_OK;

    xai__parameterisation_draw(v->pictures, &v->parameters, &team);
    xai__team_give_back(&team);
    for (size_t i = 0; i < v->n_pictures && status == XAI_OK; i++) {
        xai_image_unref(v->images[i]);
        v->images[i] = NULL;
        status = xai__image_create(&v->images[i], v->context, v->options.width, v->options.height);
        if (status == XAI_OK)
            quantise(v->images[i], v->pictures + i * v->picture_size);
    }
    return status;
}

/* --- steps --- */

/* The team is given back before the model runs, which takes it for itself. */
static void look_through(xai__visualization *v)
{
    const int64_t *shape = v->seen->shape;
    xai__team team = xai__team_take(v->context);

    xai__transform_draw(&v->transform, (v->options.flags & XAI_VISUALIZE_PLAIN) != 0 ? NULL : v->profile,
                        v->options.height, v->options.width, (size_t)shape[2], (size_t)shape[3], v->run.seed,
                        v->n_done);
    xai__parameterisation_draw(v->pictures, &v->parameters, &team);
    xai__team_run(&team, v->n_pictures, see, v);
    xai__team_give_back(&team);
}

/* Penalties are asked of the pictures as they were drawn, before any transform. */
static void carry_back(xai__visualization *v)
{
    xai__team team = xai__team_take(v->context);

    xai__team_run(&team, v->n_pictures, see_back, v);
    xai__objectives_evaluate_pictures(&v->objectives, v->of_pictures, v->pictures, v->options.height, v->options.width);
    xai__parameterisation_gradient(v->of_parameters, &v->parameters, v->pictures, v->of_pictures, &team);
    xai__team_give_back(&team);
}

/* The trace tells the scores of the parameters before the step, which are those that the gradient is of. */
static xai_status take_step(xai__visualization *v)
{
    xai_status status;

    look_through(v);
    status = xai__visualization_differentiate(v);
    if (status < 0)
        return status;
    carry_back(v);
    for (size_t i = 0; i < v->objectives.n; i++)
        v->trace[v->n_done * v->objectives.n + i] = (float)xai__objectives_score(&v->objectives, i);
    for (size_t i = 0; i < v->parameters.n_values; i++) /* Adam goes downhill */
        v->of_parameters[i] = -v->of_parameters[i];
    xai__adam_step(&v->adam, v->parameters.values, v->of_parameters);
    v->n_done++;
    return XAI_OK;
}

/* Both watchers are told, whatever the other answers. */
static xai_status tell(xai__visualization *v)
{
    const xai_visualize_options *o = &v->options;
    bool stops = false;

    if (v->run.progress != NULL)
        stops = v->run.progress(v->n_done, o->n_steps, v->run.user) != 0;
    if (o->watch != NULL && (v->n_done % o->watch_every == 0 || v->n_done == o->n_steps)) {
        xai_status status = xai__visualization_look(v);

        if (status < 0)
            return status;
        stops |= o->watch(v->images, v->n_pictures, v->n_done, o->n_steps, xai__objectives_sum(&v->objectives),
                          o->user) != 0;
    }
    return stops && v->n_done < o->n_steps ? XAI_PARTIAL : XAI_OK;
}

xai_status xai__visualization_run(xai__visualization *v)
{
    xai_status status = XAI_OK;

    while (v->n_done < v->options.n_steps && status == XAI_OK) {
        status = take_step(v);
        if (status == XAI_OK)
            status = tell(v);
    }
    return status;
}
