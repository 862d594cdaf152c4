/* SPDX-License-Identifier: MIT
 * Class activation maps: the handle, its options, and the attributions that it makes. */
#include "explain/cam/cam.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/tensor.h"

enum { ALL_FLAGS = XAI_CAM_EIGEN_SMOOTH | XAI_CAM_AUG_SMOOTH | XAI_CAM_ANY_LAYER };

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
    xai__free(context, cam->layers);
    xai__free(context, cam);
    xai_context_unref(context);
}

/* --- set-up --- */

static xai_status check_names(const xai_cam_options *options)
{
    if (options->n_layers > 0 && options->layers == NULL)
        return xai__fail(XAI_E_INVALID, "layers is NULL, n_layers is %zu", options->n_layers);
    for (size_t i = 0; i < options->n_layers; i++)
        if (options->layers[i] == NULL)
            return xai__fail(XAI_E_INVALID, "layer %zu of %zu is NULL", i, options->n_layers);
    if (options->fuse > XAI_FUSE_MAX || (options->flags & ~(uint32_t)ALL_FLAGS) != 0)
        return xai__fail(XAI_E_INVALID, "fuse is %u, flags are %#x", options->fuse, options->flags);
    return XAI_OK;
}

/* Several layers where the original takes one would be a method of nobody. */
static xai_status check_fusion(xai_cam *cam, const xai_cam_options *options)
{
    bool is_list = options->n_layers > 1 && !(options->flags & XAI_CAM_ANY_LAYER);

    cam->fusion = options->fuse != XAI_FUSE_PROFILE ? options->fuse : cam->profile->fusion;
    if (is_list && cam->method->weights == xai__cam_classifier_weights)
        return xai__fail(XAI_E_INVALID, "method cam takes one layer, got %zu", options->n_layers);
    if (is_list && cam->profile->fusion == XAI__CAM_ALONE)
        return xai__fail(XAI_E_UNSUPPORTED, "profile %s of method %s takes one layer, got %zu", cam->profile->base.name,
                         cam->method->name, options->n_layers);
    return XAI_OK;
}

/* Smoothing is pytorch-grad-cam's: with the scaling of others it would be a method of nobody. */
static xai_status check_smoothing(xai_cam *cam, const xai_cam_options *options)
{
    cam->flags = options->flags;
    if ((options->flags & (XAI_CAM_EIGEN_SMOOTH | XAI_CAM_AUG_SMOOTH)) && !cam->profile->smooths)
        return xai__fail(XAI_E_UNSUPPORTED,
                         "profile %s of method %s has no smoothing; default and pytorch-grad-cam have, of all methods "
                         "but cam",
                         cam->profile->base.name, cam->method->name);
    if ((options->flags & XAI_CAM_EIGEN_SMOOTH) && cam->method->maps != NULL)
        return xai__fail(XAI_E_UNSUPPORTED, "method %s weighs no channels that eigen_smooth could project",
                         cam->method->name);
    return XAI_OK;
}

/* In this order, so that the message is about the first thing that a reader of the options would doubt. */
static xai_status set_up(xai_cam *cam, const xai_cam_options *options)
{
    xai_context *context = cam->object.context;
    xai_status status = xai__cam_find_method(&cam->method, context, options->method);

    if (status == XAI_OK)
        status = xai__cam_find_profile(&cam->profile, context, cam->method, options->profile);
    if (status == XAI_OK)
        status = check_names(options);
    if (status == XAI_OK)
        status = check_fusion(cam, options);
    if (status == XAI_OK)
        status = check_smoothing(cam, options);
    return status == XAI_OK ? xai__cam_find_layers(cam, options) : status;
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

/* --- the attributions --- */

/* Names one behind the other, each with its NUL. */
static xai_status name_layers(xai_attribution *a, const xai_cam *cam)
{
    size_t size = 0, at = 0;

    for (size_t i = 0; i < cam->n_layers; i++)
        size += strlen(xai__cam_layer(cam, i)->name) + 1;
    a->layer = xai__alloc_array(cam->object.context, size, 1);
    if (a->layer == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < cam->n_layers; i++) {
        const char *name = xai__cam_layer(cam, i)->name;

        memcpy(a->layer + at, name, strlen(name) + 1);
        at += strlen(name) + 1;
    }
    a->n_layers = cam->n_layers;
    return XAI_OK;
}

/* The attribution of one target; the map is shared, for nobody changes it any more. */
static xai_status describe(xai_attribution **out, const xai__cam_pass *pass, size_t target, xai_tensor *map)
{
    const xai_cam *cam = pass->cam;
    const xai_tensor *elements = pass->elements[target];
    xai_status status = xai__attribution_create(out, cam->session, pass->input, elements->data, elements->size,
                                                &pass->targets->items[target]);

    if (status < 0)
        return status;
    (*out)->method = cam->method->name;
    (*out)->profile = &cam->profile->base;
    (*out)->map = xai_tensor_ref(map);
    (*out)->is_scaled = xai__cam_is_scaled(cam);
    (*out)->is_signed = cam->profile->base.is_raw;
    return name_layers(*out, cam);
}

static xai_status describe_all(xai_attribution **out, const xai__cam_pass *pass, xai_tensor *const *maps)
{
    xai_status status = XAI_OK;

    for (size_t i = 0; i < pass->targets->n && status == XAI_OK; i++)
        status = describe(&out[i], pass, i, maps[i]);
    if (status < 0)
        xai__attributions_drop(out, pass->targets->n);
    return status;
}

/* Pass, maps, one map a target, record. The pass outlives smoothing, whose first version it is. */
static xai_status explain(xai_attribution **out, xai_cam *cam, const xai_tensor *input, const xai_tensor *layer,
                          xai__targets *targets)
{
    xai_context *context = cam->object.context;
    xai_tensor **maps = xai__zalloc_array(context, targets->n, sizeof *maps);
    xai__cam_pass pass = { .cam = cam, .input = input, .layer = layer, .targets = targets };
    xai_status status;

    if (maps == NULL)
        return XAI_E_NO_MEMORY;
    status = xai__cam_pass_run(&pass);
    if (status == XAI_OK)
        status = xai__cam_fuse(maps, &pass);
    if (status == XAI_OK && (cam->flags & XAI_CAM_AUG_SMOOTH))
        status = xai__cam_augment(maps, &pass);
    if (status == XAI_OK)
        status = describe_all(out, &pass, maps);
    for (size_t i = 0; i < targets->n; i++)
        xai_tensor_unref(maps[i]);
    xai__free(context, maps);
    xai__cam_pass_free(&pass);
    return status;
}

xai_status xai__cam_compute_behind(xai_attribution **out, xai_cam *cam, const xai_tensor *input,
                                   const xai_tensor *layer, xai__targets *targets)
{
    return explain(out, cam, input, layer, targets);
}

xai_status xai_cam_compute(xai_attribution **out, xai_cam *cam, const xai_tensor *input, const xai_target *targets,
                           size_t n_targets)
{
    xai__targets list;
    uint32_t n_kinds;
    xai_status status;

    xai__enter();
    xai__attributions_empty(out, n_targets);
    if (out == NULL || cam == NULL || input == NULL || (targets == NULL && n_targets > 0))
        return xai__fail(XAI_E_INVALID, "%s is NULL",
                         out == NULL     ? "out"
                         : cam == NULL   ? "cam"
                         : input == NULL ? "input"
                                         : "targets");
    status = xai__attribution_check_input(cam->session, input);
    if (status < 0)
        return status;
    /* The classifier's weights belong to classes, not to elements of any value. */
    n_kinds = cam->method->weights == xai__cam_classifier_weights ? XAI_SCORE_VALUE : XAI_SCORE_VALUE + 1;
    status = xai__targets_init(&list, cam->session->model, targets, n_targets, n_kinds);
    if (status < 0)
        return status;
    status = explain(out, cam, input, NULL, &list);
    xai__targets_fini(&list);
    return status;
}
