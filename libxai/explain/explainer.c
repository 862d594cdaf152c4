/* SPDX-License-Identifier: MIT
 * Explainers: one way to make maps, a method's name or a callback. */
#include "explain/explainer.h"

#include <math.h>
#include <string.h>

#include <xai/cam.h>
#include <xai/saliency.h>

#include "core/error.h"
#include "core/options.h"
#include "core/tensor.h"
#include "explain/metric/metric.h"
#include "explain/perturb/scorer.h"

/* Which family a name belongs to; the first row that is no CAM begins the gradients. */
static const char *const methods[] = {
    "cam",      "gradcam",      "gradcam++", "xgradcam",    "layercam",      "hirescam", "gradcam-elementwise",
    "eigencam", "eigengradcam", "scorecam",  "ablationcam", "reciprocam",    "saliency", "inputxgrad",
    "guided",   "deconvnet",    "ig",        "smoothgrad",  "smoothgrad-sq", "vargrad",  "guided-gradcam",
};

enum { N_METHODS = sizeof methods / sizeof *methods, FIRST_GRADIENT = 12 };

/* N_METHODS: none. */
static size_t find_method(const char *name)
{
    size_t i = 0;

    while (i < N_METHODS && strcmp(methods[i], name) != 0)
        i++;
    return i;
}

/* --- reading --- */

static xai_status check_method(const xai_explainer *e, const xai_session *session)
{
    size_t method = find_method(e->method);

    if (session == NULL)
        return xai__fail(XAI_E_INVALID, "session is NULL, and method %s needs one", e->method);
    if (method == N_METHODS)
        return xai__metric_unknown(session->object.context, "method", e->method, methods, N_METHODS, sizeof *methods);
    if (method < FIRST_GRADIENT && e->flags != 0)
        return xai__fail(XAI_E_INVALID, "method %s has no channels to keep", e->method);
    return XAI_OK;
}

xai_status xai__explainer_read(xai_explainer *out, const xai_explainer *explainer, const xai_session *session)
{
    xai_status status;

    if (explainer == NULL)
        return xai__fail(XAI_E_INVALID, "explainer is NULL");
    status = XAI__OPTIONS_READ(out, explainer);
    if (status < 0)
        return status;
    if (out->reserved != 0 || (out->flags & ~(uint32_t)XAI_EXPLAINER_KEEP_CHANNELS) != 0)
        return xai__fail(XAI_E_INVALID, "an explainer's flags are %u, reserved is %u", out->flags, out->reserved);
    if ((out->method != NULL) == (out->explain != NULL))
        return xai__fail(XAI_E_INVALID, "an explainer has %s",
                         out->method != NULL ? "both a method and a callback" : "neither a method nor a callback");
    return out->method != NULL ? check_method(out, session) : XAI_OK;
}

/* The class is settled once: under noise or random parameters another one may be on top, and its map is another
 * question. */
xai_status xai__explainer_resolve(xai_target *out, bool *has_target, xai_session *session, const xai_tensor *input,
                                  const xai_target *target)
{
    xai__scorer scorer;
    xai_status status;

    *out = target != NULL ? *target : (xai_target){ .index = -1 };
    *has_target = session != NULL || target != NULL;
    if (session == NULL)
        return XAI_OK;
    status = xai__scorer_init(&scorer, session, NULL, input, out, 1, XAI_SCORE_LOGIT);
    if (status == XAI_OK)
        out->index = scorer.targets.items[0].index;
    xai__scorer_fini(&scorer);
    return status;
}

/* --- maps --- */

/* No target is the top class: then the number of targets is 0, and the pointer is not looked at. */
static xai_status run_cam(xai_attribution **out, const xai_explainer *e, xai_session *session, const xai_tensor *input,
                          const xai_target *target)
{
    const xai_cam_options options = { .struct_size = sizeof options,
                                      .method = e->method,
                                      .profile = e->profile,
                                      .layers = e->layer != NULL ? &e->layer : NULL,
                                      .n_layers = e->layer != NULL };
    xai_cam *cam = NULL;
    xai_status status = xai_cam_create(&cam, session, &options);

    if (status == XAI_OK)
        status = xai_cam_compute(out, cam, input, target, target != NULL);
    xai_cam_unref(cam);
    return status;
}

static xai_status run_saliency(xai_attribution **out, const xai_explainer *e, xai_session *session,
                               const xai_tensor *input, const xai_target *target)
{
    const xai_saliency_options options = {
        .struct_size = sizeof options,
        .method = e->method,
        .profile = e->profile,
        .layer = e->layer,
        .run = e->run,
        .flags = (e->flags & XAI_EXPLAINER_KEEP_CHANNELS) != 0 ? XAI_SALIENCY_KEEP_CHANNELS : 0,
    };

    return xai_saliency_compute(out, session, input, target, target != NULL, &options);
}

/* Raw: scaled maps would hide how far they moved. A flat one is no error here. */
static xai_status run_method(xai_tensor **out, const xai_explainer *e, xai_session *session, const xai_tensor *input,
                             const xai_target *target)
{
    xai_attribution *attribution = NULL;
    xai_status status = find_method(e->method) < FIRST_GRADIENT ? run_cam(&attribution, e, session, input, target)
                                                                : run_saliency(&attribution, e, session, input, target);

    if (status == XAI_PARTIAL)
        status = xai__fail(XAI_E_CALLBACK, "the method's own progress callback stopped it");
    if (status >= 0)
        status = xai_attribution_map(out, attribution, 0, 0, XAI_NORMALISE_NONE);
    xai_attribution_unref(attribution);
    return status;
}

static xai_status call_back(xai_tensor **out, const xai_explainer *e, xai_session *session, const xai_tensor *input,
                            const xai_target *target)
{
    int32_t answer = e->explain(out, session, input, target, e->user);

    if (answer != 0)
        return xai__fail(XAI_E_CALLBACK, "the explain callback returned %d", answer);
    return *out != NULL ? XAI_OK : xai__fail(XAI_E_CALLBACK, "the explain callback made no map");
}

xai_status xai__explainer_map(xai_tensor **out, const xai_explainer *explainer, xai_session *session,
                              const xai_tensor *input, const xai_target *target)
{
    xai_tensor *map = NULL;
    xai_status status = explainer->explain != NULL ? call_back(&map, explainer, session, input, target)
                                                   : run_method(&map, explainer, session, input, target);

    /* Metrics sort, rank and correlate maps: one NaN would make the number that comes out one, without a word. */
    for (size_t i = 0; status == XAI_OK && i < map->size; i++)
        if (!isfinite(map->data[i]))
            status = xai__fail(XAI_E_INVALID, "element %zu of the map is %g", i, (double)map->data[i]);
    if (status < 0)
        xai_tensor_unref(map);
    else
        *out = map;
    return status;
}
