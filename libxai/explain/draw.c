/* SPDX-License-Identifier: MIT
 * Attributions as pictures. */
#include "core/error.h"
#include "core/tensor.h"
#include "explain/attribution.h"
#include "io/overlay.h"

/* Half heat, half photograph. */
static const double OPACITY = 0.5;

static xai_status check(const void *out, const xai_attribution *attribution)
{
    if (out == NULL || attribution == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "attribution");
    return XAI_OK;
}

/* As the tutorial draws: from the small map, so that the picture shows the resampling of its colours. */
static xai_status draw_as_tutorial(xai_image **out, const xai_attribution *a, const xai_image *under)
{
    xai_image *heat = NULL, *combined = NULL, *blank = NULL;
    xai_tensor *map = NULL;
    xai_status remark = xai_attribution_map(&map, a, 0, 0, XAI_NORMALISE_PROFILE), status = remark;

    if (status >= 0 && under == NULL)
        status = xai_image_create(&blank, a->object.context, NULL, (int32_t)a->input_width, (int32_t)a->input_height);
    if (status >= 0)
        status = xai__overlay_tutorial(&heat, &combined, map->data, map->shape[0], map->shape[1],
                                       under != NULL ? under : blank);
    if (status >= 0)
        *out = xai_image_ref(under != NULL ? combined : heat);
    xai_image_unref(heat);
    xai_image_unref(combined);
    xai_image_unref(blank);
    xai_tensor_unref(map);
    return status < 0 ? status : remark;
}

static xai_status draw_with(xai_image **out, const xai_attribution *a, const xai_image *under,
                            const xai__colormap *colormap)
{
    int64_t height = under != NULL ? under->height : a->input_height,
            width = under != NULL ? under->width : a->input_width;
    xai_image *heat = NULL;
    xai_tensor *map = NULL;
    xai_status remark = xai_attribution_map(&map, a, height, width, XAI_NORMALISE_PROFILE), status = remark;

    if (status >= 0)
        status = xai__overlay_paint(&heat, a->object.context, map->data, height, width, colormap, XAI__ROUND_NEAREST);
    if (status >= 0 && under != NULL)
        status = xai__overlay_blend(out, under, heat, OPACITY, XAI__ROUND_NEAREST);
    else if (status >= 0)
        *out = xai_image_ref(heat);
    xai_image_unref(heat);
    xai_tensor_unref(map);
    return status < 0 ? status : remark;
}

xai_status xai_attribution_draw(xai_image **out, const xai_attribution *attribution, const xai_image *under,
                                const char *style)
{
    const xai__colormap *colormap;
    xai_status status;

    XAI__ENTER(out);
    status = check(out, attribution);
    if (status < 0)
        return status;
    if (style == NULL && attribution->profile->draws_as_tutorial)
        return draw_as_tutorial(out, attribution, under);
    colormap = xai__colormap_find(style != NULL ? style : "jet");
    if (colormap == NULL)
        return xai__fail(XAI_E_NOT_FOUND,
                         "there is no colour map '%.40s'; there are jet, jet_r, viridis, turbo, gray, RdBu", style);
    return draw_with(out, attribution, under, colormap);
}
