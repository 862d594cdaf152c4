/* SPDX-License-Identifier: MIT
 * Guided Grad-CAM: guided backpropagation where Grad-CAM finds the class. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "explain/cam/cam.h"
#include "explain/saliency/saliency.h"
#include "io/resample.h"

static bool is_captum(const xai__saliency *s)
{
    return strcmp(s->profile->name, "captum") == 0;
}

/* May what lies behind the layer be computed from its value alone? Not where something leads around it. An edit hook
 * would edit the layer a second time. */
static xai_status find_shared_pass(xai__saliency *s)
{
    if (xai__session_is_edited(s->session) || s->cam->n_layers != 1 ||
        s->cam->layers[0] == s->session->model->graph.input)
        return XAI_OK;
    return xai__cam_is_cut(&s->shares_pass, s->cam, s->cam->layers[0], &s->targets);
}

/* Grad-CAM follows the plain rule, so its gradients are others than the guided ones; the forward pass is the same. */
xai_status xai__saliency_begin_guided(xai__saliency *s)
{
    xai_context *context = s->input->object.context;
    const xai_cam_options options = { .struct_size = sizeof options,
                                      .method = "gradcam",
                                      .profile = is_captum(s) ? "captum" : "pytorch-grad-cam",
                                      .layers = &s->options.layer,
                                      .n_layers = s->options.layer != NULL };
    xai_status status = xai_cam_create(&s->cam, s->session, &options);

    s->activation = xai__zalloc_array(context, s->targets.n, sizeof(xai_attribution *));
    s->regions = xai__zalloc_array(context, s->targets.n, sizeof(xai_tensor *));
    if (status == XAI_OK && (s->activation == NULL || s->regions == NULL))
        status = XAI_E_NO_MEMORY;
    if (status == XAI_OK)
        status = find_shared_pass(s);
    return status < 0 || s->shares_pass ? status : xai__saliency_find_regions(s);
}

/* Grad-CAM of the same targets, each at the input's size. pytorch-grad-cam scales it to 0..1 and interpolates; captum
 * rectifies it and repeats its pixels. */
xai_status xai__saliency_find_regions(xai__saliency *s)
{
    const int64_t *shape = s->input->shape;
    xai_status status = s->shares_pass
                            ? xai__cam_compute_behind(s->activation, s->cam, s->input, s->layer, &s->targets)
                            : xai_cam_compute(s->activation, s->cam, s->input, s->targets.items, s->targets.n);

    for (size_t i = 0; i < s->targets.n && status >= 0; i++)
        status = xai_attribution_map(&s->regions[i], s->activation[i], shape[2], shape[3],
                                     is_captum(s) ? XAI_NORMALISE_NONE : XAI_NORMALISE_PROFILE);
    return status < 0 ? status : XAI_OK;
}

/* Guided gradient times region, the region for all channels alike. What Grad-CAM finds against the class is left out:
 * pytorch-grad-cam's region has no negative part, of captum's it is cut off. */
void xai__saliency_end_guided(const xai__saliency *s, xai_attribution *a, size_t target, double *sum,
                              const double *squares)
{
    const xai_tensor *region = s->regions[target];

    for (size_t i = 0; i < s->n_elements; i++) {
        double weight = region->data[i % region->size];

        sum[i] *= weight > 0 ? weight : 0;
    }
    a->layer = s->activation[target]->layer; /* handed over */
    s->activation[target]->layer = NULL;
}
