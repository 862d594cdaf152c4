/* SPDX-License-Identifier: MIT
 * From what channels or elements are worth to the map of a layer. */
#include <math.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "explain/cam/cam.h"

const xai__value *xai__cam_layer(const xai_cam *cam, size_t layer)
{
    return &cam->session->model->graph.values[cam->layers[layer]];
}

/* One layer at work. */
typedef struct layer_work {
    const xai__cam_pass *pass;
    size_t layer;
    int64_t c, n;    /* channels, elements of each */
    const float *a;  /* activations */
    double *weights; /* c a target; NULL where elements are weighed */
    float *weighed;  /* c x n */
} layer_work;

/* Methods without gradients get the activations in their place, so that no function needs to check. */
static const float *gradients_of(const layer_work *w, size_t target)
{
    const xai__cam_pass *pass = w->pass;

    return pass->gradients != NULL ? pass->gradients[target * pass->cam->n_layers + w->layer]->data : w->a;
}

static xai__cam_channel_fn channel_of(const xai_cam *cam)
{
    const xai__cam_method *method = cam->method;

    return cam->profile->index == XAI__CAM_TORCHCAM && method->torchcam_channel != NULL ? method->torchcam_channel
                                                                                        : method->channel;
}

static xai_status find_weights(layer_work *w)
{
    const xai_cam *cam = w->pass->cam;
    xai__cam_channel_fn channel = channel_of(cam);
    size_t n_targets = w->pass->targets->n;

    if (channel == NULL && cam->method->weights == NULL)
        return XAI_OK;
    w->weights = xai__alloc_array(cam->object.context, n_targets, (size_t)w->c * sizeof *w->weights);
    if (w->weights == NULL)
        return XAI_E_NO_MEMORY;
    if (channel == NULL)
        return cam->method->weights(w->weights, w->pass, w->layer);
    for (size_t t = 0; t < n_targets; t++)
        for (int64_t k = 0; k < w->c; k++)
            w->weights[(int64_t)t * w->c + k] = channel(w->a + k * w->n, gradients_of(w, t) + k * w->n, w->n);
    return XAI_OK;
}

/* All channels are kept, for a projection needs them together. */
static void weigh(layer_work *w, size_t target)
{
    xai__cam_element_fn element = w->pass->cam->method->element;
    const float *g = gradients_of(w, target);

    for (int64_t k = 0; k < w->c; k++)
        for (int64_t i = k * w->n; i < (k + 1) * w->n; i++)
            w->weighed[i] = element != NULL ? element(w->a[i], g[i])
                                            : (float)(w->weights[(int64_t)target * w->c + k] * w->a[i]);
}

/* In double: hundreds of channels of both signs cancel. */
static void add_channels(float *out, const layer_work *w)
{
    for (int64_t i = 0; i < w->n; i++) {
        double sum = 0;

        for (int64_t k = 0; k < w->c; k++)
            sum += w->weighed[k * w->n + i];
        out[i] = (float)sum;
    }
}

static xai_status combine(float *out, layer_work *w, size_t target)
{
    const xai_cam *cam = w->pass->cam;

    weigh(w, target);
    if (cam->method->is_projected || (cam->flags & XAI_CAM_EIGEN_SMOOTH))
        return xai__cam_project(out, cam->object.context, w->weighed, (size_t)w->c, (size_t)w->n);
    add_channels(out, w);
    return XAI_OK;
}

/* NaN is not larger than 0 either. */
static void rectify(float *map, size_t n)
{
    for (size_t i = 0; i < n; i++)
        map[i] = map[i] > 0 ? map[i] : 0;
}

/* Profiles that leave maps raw leave their signs as well. */
xai_status xai__cam_maps(float *out, const xai__cam_pass *pass, size_t layer)
{
    const xai_cam *cam = pass->cam;
    const xai__value *value = xai__cam_layer(cam, layer);
    layer_work w = { .pass = pass,
                     .layer = layer,
                     .c = value->shape[1],
                     .n = value->shape[2] * value->shape[3],
                     .a = pass->activations[layer]->data };
    size_t n = (size_t)w.n;
    xai_status status;

    if (cam->method->maps != NULL)
        return cam->method->maps(out, pass, layer);
    status = find_weights(&w);
    w.weighed = xai__alloc_array(cam->object.context, value->size, sizeof *w.weighed);
    if (status == XAI_OK && w.weighed == NULL)
        status = XAI_E_NO_MEMORY;
    for (size_t t = 0; t < pass->targets->n && status == XAI_OK; t++)
        status = combine(out + t * n, &w, t);
    if (status == XAI_OK && cam->method->is_rectified && !cam->profile->base.is_raw)
        rectify(out, pass->targets->n * n);
    xai__free(cam->object.context, w.weights);
    xai__free(cam->object.context, w.weighed);
    return status;
}
