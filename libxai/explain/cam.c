/* SPDX-License-Identifier: MIT
 * Class activation maps: the classifier's weights, applied to the map before it was averaged. */
#include <xai/cam.h>

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/tensor.h"
#include "explain/attribution.h"
#include "explain/classifier.h"
#include "graph/names.h"
#include "runtime/session.h"

struct xai_cam {
    xai__object object;
    xai_session *session;
    const xai__profile *profile;
    xai__classifier classifier;
    int32_t layer;
    bool transposes;
};

/* As torchcam and the tutorial do it; the tutorial divides by the range alone. */
static const xai__profile profiles[] = {
    { .name = "default" },
    { .name = "tutorial", .draws_as_tutorial = true },
    { .name = "torchcam", .epsilon = 1e-8f },
};

/* --- handle --- */

xai_cam *xai_cam_ref(xai_cam *cam)
{
    if (cam != NULL)
        xai__object_ref(&cam->object);
    return cam;
}

void xai_cam_unref(xai_cam *cam)
{
    xai_context *context;

    if (cam == NULL || !xai__object_unref(&cam->object))
        return;
    context = cam->object.context;
    xai_session_unref(cam->session);
    xai__free(context, cam);
    xai_context_unref(context);
}

/* --- set-up --- */

static xai_status find_profile(const xai__profile **out, const char *name)
{
    *out = &profiles[0];
    for (size_t i = 0; name != NULL && i < sizeof profiles / sizeof *profiles; i++)
        if (strcmp(profiles[i].name, name) == 0) {
            *out = &profiles[i];
            return XAI_OK;
        }
    if (name != NULL)
        return xai__fail(XAI_E_NOT_FOUND, "method cam has no profile '%.40s'; it has default, tutorial, torchcam",
                         name);
    return XAI_OK;
}

/* The caller's layer, the profile's, the manifest's, the one before the pool. */
static xai_status find_layer(xai_cam *cam, const xai_cam_options *options)
{
    const xai_model *model = cam->session->model;
    const char *name = options->n_layers > 0 ? options->layers[0] : NULL;

    if (name == NULL && cam->transposes)
        name = model->tutorial_layer;
    if (name == NULL)
        name = model->cam_layer;
    if (name != NULL)
        return xai__graph_find(&cam->layer, &model->graph, name);
    cam->layer = cam->classifier.layer;
    return XAI_OK;
}

static xai_status check_layer(const xai_cam *cam)
{
    const xai__value *layer = &cam->session->model->graph.values[cam->layer];
    int64_t expected = cam->classifier.is_map ? cam->classifier.n_classes : cam->classifier.n_inputs;
    char text[128];

    if (layer->rank != 4 || layer->shape[1] != expected)
        return xai__fail(XAI_E_SHAPE, "layer '%s' is %s, but the classifier needs a map of %lld channels", layer->name,
                         xai__shape_text(text, sizeof text, layer->shape, layer->rank), (long long)expected);
    return XAI_OK;
}

static xai_status set_up(xai_cam *cam, const xai_cam_options *options)
{
    xai_status status = find_profile(&cam->profile, options->profile);

    cam->transposes = status == XAI_OK && cam->profile->draws_as_tutorial;
    if (status == XAI_OK)
        status = xai__classifier_of(&cam->classifier, cam->session->model, options->classifier);
    if (status == XAI_OK && cam->classifier.layer < 0)
        status = xai__fail(XAI_E_UNSUPPORTED,
                           "cam needs a global average pool before the classifier, which %s lacks; use gradcam",
                           cam->session->model->architecture);
    if (status == XAI_OK)
        status = find_layer(cam, options);
    return status == XAI_OK ? check_layer(cam) : status;
}

static xai_status check_options(const xai_cam_options *options)
{
    if (options->method != NULL && strcmp(options->method, "cam") != 0)
        return xai__fail(XAI_E_NOT_FOUND, "there is no method '%.40s'; there is cam", options->method);
    if (options->n_layers > 1 || (options->n_layers == 1 && (options->layers == NULL || options->layers[0] == NULL)))
        return xai__fail(XAI_E_INVALID, "method cam takes one layer, got %zu%s", options->n_layers,
                         options->n_layers == 1 ? " that is NULL" : "");
    return XAI_OK;
}

xai_status xai_cam_create(xai_cam **out, xai_session *session, const xai_cam_options *options)
{
    xai_cam_options read;
    xai_context *context;
    xai_cam *cam;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || session == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "session");
    status = XAI__OPTIONS_READ(&read, options);
    if (status == XAI_OK)
        status = check_options(&read);
    if (status < 0)
        return status;
    context = session->object.context;
    cam = xai__zalloc_array(context, 1, sizeof *cam);
    if (cam == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&cam->object, context);
    cam->session = xai_session_ref(session);
    status = set_up(cam, &read);
    if (status < 0)
        xai_cam_unref(cam);
    else
        *out = cam;
    return status;
}

/* --- the map --- */

/* Weight of channel k for the target: of a margin, the difference. */
static double channel_weight(const xai__classifier *c, const xai_target *target, int64_t k)
{
    double weight;

    if (c->is_map)
        weight = k == target->index;
    else
        weight = c->weights[target->index * c->n_inputs + k];
    if (target->score == XAI_SCORE_MARGIN)
        weight -= c->is_map ? k == target->against : c->weights[target->against * c->n_inputs + k];
    return weight;
}

static void weigh_channels(float *out, const xai_cam *cam, const float *features, const xai_target *target)
{
    const xai__value *layer = &cam->session->model->graph.values[cam->layer];
    int64_t height = layer->shape[2], width = layer->shape[3], n = height * width;

    for (int64_t i = 0; i < n; i++) {
        int64_t at = cam->transposes ? i % width * height + i / width : i;
        double sum = 0;

        for (int64_t k = 0; k < layer->shape[1]; k++)
            sum += channel_weight(&cam->classifier, target, k) * features[k * n + i];
        out[at] = (float)sum;
    }
}

static xai_status explain(xai_attribution **out, xai_cam *cam, const xai_tensor *input, xai_tensor *const fetched[2],
                          const xai_target *target)
{
    const xai__value *layer = &cam->session->model->graph.values[cam->layer];
    const int64_t shape[2] = { layer->shape[cam->transposes ? 3 : 2], layer->shape[cam->transposes ? 2 : 3] };
    xai_context *context = cam->object.context;
    xai_attribution *a = NULL;
    xai_status status = xai__attribution_create(&a, cam->session, input, fetched[0]->data, fetched[0]->size, target);

    if (status < 0)
        return status;
    a->method = "cam";
    a->profile = cam->profile;
    a->layer = xai__strdup(context, layer->name);
    status = a->layer != NULL ? xai__tensor_create(&a->map, context, shape, 2) : XAI_E_NO_MEMORY;
    if (status < 0) {
        xai_attribution_unref(a);
        return status;
    }
    weigh_channels(a->map->data, cam, fetched[1]->data, &a->target);
    *out = a;
    return XAI_OK;
}

static xai_status check_input(const xai_cam *cam, const xai_tensor *input, const xai_target *targets, size_t n_targets)
{
    const xai_model *model = cam->session->model;
    int32_t value;
    size_t n_images;
    xai_status status = xai__check_fed(&n_images, &model->graph, model->graph.input, input);

    if (status == XAI_OK && n_images != 1)
        status = xai__fail(XAI_E_SHAPE, "one image is explained at a time, got %zu", n_images);
    for (size_t i = 0; i < n_targets && status == XAI_OK; i++)
        status = xai__target_check(&value, model, &targets[i], XAI_SCORE_VALUE);
    return status;
}

static xai_status explain_all(xai_attribution **out, xai_cam *cam, const xai_tensor *input, const xai_target *targets,
                              size_t n_targets)
{
    const xai__graph *graph = &cam->session->model->graph;
    const int32_t fetches[2] = { graph->output, cam->layer };
    const xai__request request = { .feed = graph->input, .fed = input, .fetches = fetches, .n_fetches = 2 };
    xai_tensor *fetched[2];
    xai_status status = xai__session_run(fetched, cam->session, &request);

    for (size_t i = 0; i < n_targets && status == XAI_OK; i++)
        status = explain(&out[i], cam, input, fetched, &targets[i]);
    for (size_t i = 0; i < n_targets && status < 0; i++) {
        xai_attribution_unref(out[i]);
        out[i] = NULL;
    }
    xai_tensor_unref(fetched[0]);
    xai_tensor_unref(fetched[1]);
    return status;
}

xai_status xai_cam_compute(xai_attribution **out, xai_cam *cam, const xai_tensor *input, const xai_target *targets,
                           size_t n_targets)
{
    static const xai_target top = { .index = -1 };
    xai_status status;

    xai__enter();
    for (size_t i = 0; out != NULL && i < (n_targets > 0 ? n_targets : 1); i++)
        out[i] = NULL;
    if (out == NULL || cam == NULL || input == NULL || (targets == NULL && n_targets > 0))
        return xai__fail(XAI_E_INVALID, "%s is NULL",
                         out == NULL     ? "out"
                         : cam == NULL   ? "cam"
                         : input == NULL ? "input"
                                         : "targets");
    if (n_targets == 0) {
        targets = &top;
        n_targets = 1;
    }
    status = check_input(cam, input, targets, n_targets);
    return status < 0 ? status : explain_all(out, cam, input, targets, n_targets);
}
