/* SPDX-License-Identifier: MIT
 * Which layers a class activation map looks at. */
#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "explain/cam/cam.h"
#include "graph/names.h"

static bool is_map(const xai__value *value)
{
    return value->rank == 4 && !xai__value_is_constant(value);
}

static xai_status check_map(const xai__value *layer)
{
    char text[128];

    if (is_map(layer))
        return XAI_OK;
    return xai__fail(XAI_E_SHAPE, "layer '%s' is %s, but a class activation map needs 1xCxHxW", layer->name,
                     xai__shape_text(text, sizeof text, layer->shape, layer->rank));
}

/* A hook point in the middle of a block will do, as in the tutorial, if it has as many channels as the classifier
 * reads.
 */
static xai_status check_channels(const xai_cam *cam)
{
    const xai__value *layer = xai__cam_layer(cam, 0);
    int64_t expected = cam->classifier.is_map ? cam->classifier.n_classes : cam->classifier.n_inputs;
    char text[128];

    if (layer->rank == 4 && layer->shape[1] == expected)
        return XAI_OK;
    return xai__fail(XAI_E_SHAPE, "layer '%s' is %s, but the classifier needs a map of %lld channels", layer->name,
                     xai__shape_text(text, sizeof text, layer->shape, layer->rank), (long long)expected);
}

/* --- plain CAM's classifier --- */

/* VGG flattens its maps: there is no one weight a channel that a sum could use. */
static xai_status need_classifier(xai_cam *cam, const char *name)
{
    xai_status status = xai__classifier_of(&cam->classifier, cam->session->model, name);

    if (status == XAI_OK && cam->classifier.layer < 0)
        status = xai__fail(XAI_E_UNSUPPORTED,
                           "cam needs a global average pool before the classifier, which %s lacks; use gradcam",
                           cam->session->model->architecture);
    return status;
}

/* --- the rule --- */

/* Input of the last global average pool, else the last map of more than one pixel; -1: there is none. */
static int32_t default_layer(const xai__graph *graph)
{
    int32_t last = xai__last_pooled(graph);

    for (size_t n = graph->n_nodes; n-- > 0 && last < 0;) {
        const xai__value *value = &graph->values[graph->nodes[n].output];

        if (is_map(value) && value->shape[2] * value->shape[3] > 1)
            last = graph->nodes[n].output;
    }
    return last;
}

static xai_status add_layer(xai_cam *cam, const char *name)
{
    return xai__graph_find(&cam->layers[cam->n_layers++], &cam->session->model->graph, name);
}

/* What the profile, the manifest or the network names. */
static xai_status choose_layer(xai_cam *cam)
{
    const xai_model *model = cam->session->model;
    const char *name = cam->profile->base.draws_as_tutorial ? model->tutorial_layer : NULL;
    int32_t layer;

    if (name == NULL)
        name = model->cam_layer;
    if (name != NULL)
        return add_layer(cam, name);
    layer = cam->classifier.node >= 0 ? cam->classifier.layer : default_layer(&model->graph);
    if (layer < 0)
        return xai__fail(XAI_E_UNSUPPORTED, "%s has no layer of 1xCxHxW; name a layer", model->architecture);
    cam->layers[cam->n_layers++] = layer;
    return XAI_OK;
}

/* The first candidate that the network has. One that it lacks is no failure, so its message goes. */
static xai_status take_candidate(xai_cam *cam, const xai_cam_options *options)
{
    for (size_t i = 0; i < options->n_layers; i++)
        if (xai__graph_find(&cam->layers[0], &cam->session->model->graph, options->layers[i]) == XAI_OK) {
            cam->n_layers = 1;
            xai__enter();
            return XAI_OK;
        }
    return xai__fail(XAI_E_NOT_FOUND, "%s has none of the %zu candidate layers, from '%.40s' to '%.40s'",
                     cam->session->model->architecture, options->n_layers, options->layers[0],
                     options->layers[options->n_layers - 1]);
}

/* Every name must be there: a layer that is left out silently would be another explanation. */
static xai_status name_layers(xai_cam *cam, const xai_cam_options *options)
{
    xai_status status = XAI_OK;

    if (options->flags & XAI_CAM_ANY_LAYER)
        return take_candidate(cam, options);
    for (size_t i = 0; i < options->n_layers && status == XAI_OK; i++)
        status = add_layer(cam, options->layers[i]);
    return status;
}

xai_status xai__cam_find_layers(xai_cam *cam, const xai_cam_options *options)
{
    size_t room = options->n_layers > 0 ? options->n_layers : 1;
    bool is_plain = cam->method->weights == xai__cam_classifier_weights;
    xai_status status = XAI_OK;

    cam->classifier.node = -1;
    cam->layers = xai__alloc_array(cam->object.context, room, sizeof *cam->layers);
    if (cam->layers == NULL)
        return XAI_E_NO_MEMORY;
    if (is_plain)
        status = need_classifier(cam, options->classifier);
    if (status == XAI_OK)
        status = options->n_layers > 0 ? name_layers(cam, options) : choose_layer(cam);
    if (status == XAI_OK && is_plain)
        return check_channels(cam);
    for (size_t i = 0; i < cam->n_layers && status == XAI_OK; i++)
        status = check_map(xai__cam_layer(cam, i));
    return status;
}
