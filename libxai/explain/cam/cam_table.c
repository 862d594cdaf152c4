/* SPDX-License-Identifier: MIT
 * The methods and profiles of class activation maps, a row each. */
#include <string.h>

#include "core/error.h"
#include "core/text.h"
#include "explain/cam/cam.h"

enum {
    PLAIN = 1u << XAI__CAM_PLAIN | 1u << XAI__CAM_TUTORIAL | 1u << XAI__CAM_TORCHCAM,
    PGC = 1u << XAI__CAM_DEFAULT | 1u << XAI__CAM_PGC,
    TORCHCAM = 1u << XAI__CAM_TORCHCAM,
    CAPTUM = 1u << XAI__CAM_CAPTUM,
    KAZUTO = 1u << XAI__CAM_KAZUTO
};

static const xai__cam_method methods[] = {
    { .name = "cam", .profiles = PLAIN, .weights = xai__cam_classifier_weights },
    { .name = "gradcam",
      .profiles = PGC | TORCHCAM | CAPTUM | KAZUTO,
      .needs_gradients = true,
      .is_rectified = true,
      .channel = xai__cam_mean_gradient },
    { .name = "gradcam++",
      .profiles = PGC | TORCHCAM,
      .needs_gradients = true,
      .is_rectified = true,
      .channel = xai__cam_plus_plus,
      .torchcam_channel = xai__cam_plus_plus_torchcam },
    { .name = "xgradcam",
      .profiles = PGC | TORCHCAM,
      .needs_gradients = true,
      .is_rectified = true,
      .channel = xai__cam_axiom,
      .torchcam_channel = xai__cam_axiom_torchcam },
    { .name = "layercam",
      .profiles = PGC | TORCHCAM,
      .needs_gradients = true,
      .is_rectified = true,
      .element = xai__cam_layer_element },
    { .name = "hirescam", .profiles = PGC, .needs_gradients = true, .is_rectified = true, .element = xai__cam_product },
    { .name = "gradcam-elementwise",
      .profiles = PGC,
      .needs_gradients = true,
      .is_rectified = true,
      .element = xai__cam_rectified_product },
    { .name = "eigencam", .profiles = PGC, .is_rectified = true, .is_projected = true, .element = xai__cam_activation },
    { .name = "eigengradcam",
      .profiles = PGC,
      .needs_gradients = true,
      .is_rectified = true,
      .is_projected = true,
      .element = xai__cam_product },
    { .name = "scorecam", .profiles = PGC | TORCHCAM, .is_rectified = true, .weights = xai__cam_score_weights },
    { .name = "ablationcam", .profiles = PGC, .is_rectified = true, .weights = xai__cam_ablation_weights },
    { .name = "reciprocam", .profiles = 1u << XAI__CAM_DEFAULT, .maps = xai__cam_reciprocal_maps },
};

/* pytorch-grad-cam scales before and after it resizes, with an epsilon;
 * torchcam before; kazuto after; captum not at all, and repeats pixels where others interpolate. */
static const xai__cam_profile profiles[] = {
    { .base = { .name = "default" }, .index = XAI__CAM_PLAIN },
    { .base = { .name = "default", .epsilon = 1e-7f, .rescales = true },
      .index = XAI__CAM_DEFAULT,
      .fusion = XAI__CAM_MEAN,
      .smooths = true },
    { .base = { .name = "tutorial", .draws_as_tutorial = true }, .index = XAI__CAM_TUTORIAL },
    { .base = { .name = "pytorch-grad-cam", .epsilon = 1e-7f, .rescales = true },
      .index = XAI__CAM_PGC,
      .fusion = XAI__CAM_MEAN,
      .smooths = true },
    { .base = { .name = "torchcam", .epsilon = 1e-8f }, .index = XAI__CAM_TORCHCAM, .fusion = XAI__CAM_MAX },
    { .base = { .name = "captum", .is_raw = true, .filter = XAI__MAP_NEAREST }, .index = XAI__CAM_CAPTUM },
    { .base = { .name = "kazuto", .scales_last = true }, .index = XAI__CAM_KAZUTO },
};

/* Lists are made of the rows, so that they cannot fall behind. */
static xai_status fail_method(xai_context *context, const char *name)
{
    xai__text list;
    xai_status status;

    xai__text_init(&list, context);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        xai__text_add(&list, "%s%s", i > 0 ? ", " : "", methods[i].name);
    status = xai__fail(XAI_E_NOT_FOUND, "there is no method '%.40s'; there are %s", name, xai__text_get(&list));
    xai__text_fini(&list);
    return status;
}

xai_status xai__cam_find_method(const xai__cam_method **out, xai_context *context, const char *name)
{
    *out = &methods[0];
    if (name == NULL)
        return XAI_OK;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].name, name) == 0) {
            *out = &methods[i];
            return XAI_OK;
        }
    return fail_method(context, name);
}

static xai_status fail_profile(xai_context *context, const xai__cam_method *method, const char *name)
{
    xai__text list;
    xai_status status;

    xai__text_init(&list, context);
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if (method->profiles & 1u << profiles[i].index)
            xai__text_add(&list, "%s%s", list.length > 0 ? ", " : "", profiles[i].base.name);
    status = xai__fail(XAI_E_NOT_FOUND, "method %s has no profile '%.40s'; it has %s", method->name, name,
                       xai__text_get(&list));
    xai__text_fini(&list);
    return status;
}

xai_status xai__cam_find_profile(const xai__cam_profile **out, xai_context *context, const xai__cam_method *method,
                                 const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if ((method->profiles & 1u << profiles[i].index) &&
            strcmp(profiles[i].base.name, name != NULL ? name : "default") == 0) {
            *out = &profiles[i];
            return XAI_OK;
        }
    return fail_profile(context, method, name);
}
