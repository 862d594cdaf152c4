/* SPDX-License-Identifier: MIT
 * Attributions as pictures. */
#include "explain/draw.h"

#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "core/tensor.h"
#include "io/overlay.h"

/* What kinds of drawing differ in. */
static const struct kind {
    const char *name;
    bool needs_picture, one_sided;
    xai_status (*draw)(xai_image **out, const xai__drawing *d, const xai_tensor *map);
    float smooth; /* by default, of maps that have a number a pixel of the input */
} kinds[] = {
    [XAI_DRAW_HEAT] = { "heat", false, false, xai__draw_heat, 0 },
    [XAI_DRAW_MASKED] = { "masked", true, true, xai__draw_masked, 0.03f },
    [XAI_DRAW_CONTOURS] = { "contours", true, true, xai__draw_contours, 0.03f },
    [XAI_DRAW_ERRORS] = { "errors", false, false, xai__draw_heat, 0 },
};

static xai_status check(const void *out, const xai_attribution *attribution)
{
    if (out == NULL || attribution == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "attribution");
    return XAI_OK;
}

/* As the tutorial draws: from the small map, so that the picture shows the resampling of its colours. Without a picture
 * a blank one gives the size, and what is blended with it is dropped. */
static xai_status draw_as_tutorial(xai_image **out, const xai__drawing *d)
{
    const xai_attribution *a = d->attribution;
    xai_image *heat = NULL, *combined = NULL, *blank = NULL;
    xai_tensor *map = NULL;
    xai_status remark = xai_attribution_map(&map, a, 0, 0, XAI_NORMALISE_PROFILE), status;

    if (remark == XAI_OK && xai__draw_is_changed(&d->options))
        remark = xai__draw_scale(map, d, false);
    status = remark;
    if (status >= 0 && d->under == NULL)
        status = xai_image_create(&blank, a->object.context, NULL, (int32_t)a->input_width, (int32_t)a->input_height);
    if (status >= 0)
        status = xai__overlay_tutorial(&heat, &combined, map->data, map->shape[0], map->shape[1],
                                       d->under != NULL ? d->under : blank, (double)d->options.opacity);
    if (status >= 0)
        *out = xai_image_ref(d->under != NULL ? combined : heat);
    xai_image_unref(heat);
    xai_image_unref(combined);
    xai_image_unref(blank);
    xai_tensor_unref(map);
    return status < 0 ? status : remark;
}

/* --- options --- */

/* A name with _r runs backwards; the tutorial's is in the tables. */
static xai_status find_colors(xai__drawing *d, const char *style)
{
    size_t length = strlen(style);
    char name[16];

    d->colormap = xai__colormap_find(style);
    if (d->colormap == NULL && length > 2 && length - 2 < sizeof name && strcmp(style + length - 2, "_r") == 0) {
        memcpy(name, style, length - 2);
        name[length - 2] = '\0';
        d->colormap = xai__colormap_find(name);
        d->is_flipped = true;
    }
    if (d->colormap == NULL)
        return xai__fail(XAI_E_NOT_FOUND,
                         "there is no colour map '%.40s'; there are jet, viridis, turbo, gray, RdBu, and each with _r",
                         style);
    return XAI_OK;
}

static const char *default_style(const xai__drawing *d)
{
    if (d->options.kind == XAI_DRAW_ERRORS)
        return "viridis";
    if (d->attribution->is_signed && d->options.kind == XAI_DRAW_HEAT)
        return "RdBu_r";
    return d->attribution->profile->is_raw && d->under == NULL ? "gray" : "jet";
}

static xai_status check_options(const xai_draw_options *o)
{
    const struct {
        const char *name;
        double value, low, high;
    } rows[] = { { "opacity", (double)o->opacity, 0, 1 },
                 { "percentile", (double)o->percentile, 0, 100 },
                 { "smooth", (double)o->smooth, -1, 1 },
                 { "n_levels", o->n_levels, 0, 64 } };

    if (o->reserved != 0)
        return xai__fail(XAI_E_INVALID, "reserved is %u", o->reserved);
    if (o->kind >= sizeof kinds / sizeof *kinds)
        return xai__fail(XAI_E_INVALID, "there is no kind %u of drawing", o->kind);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!(rows[i].value >= rows[i].low && rows[i].value <= rows[i].high))
            return xai__fail(XAI_E_INVALID, "%s is %g, expected %g to %g", rows[i].name, rows[i].value, rows[i].low,
                             rows[i].high);
    return XAI_OK;
}

/* Raw gradients have a few values far above the rest, which would all be dark but for the percentile. Only maps with a
 * value a pixel are grainy: a map of 7 x 7 is smooth once it is enlarged. */
static void fill_defaults(xai__drawing *d)
{
    const xai_attribution *a = d->attribution;
    bool is_fine = a->map->shape[a->map->rank - 1] == a->input_width;
    xai_draw_options *o = &d->options;

    if (o->opacity <= 0)
        o->opacity = 0.5f;
    if (o->percentile <= 0)
        o->percentile = a->profile->is_raw ? 99 : 100;
    if (o->smooth == 0 && a->profile->is_raw && is_fine)
        o->smooth = kinds[o->kind].smooth;
    if (o->n_levels == 0)
        o->n_levels = 3;
}

static xai_status read_options(xai__drawing *d, const xai_draw_options *options)
{
    xai_status status = XAI__OPTIONS_READ(&d->options, options);

    if (status == XAI_OK)
        status = check_options(&d->options);
    if (status < 0)
        return status;
    if (kinds[d->options.kind].needs_picture && d->under == NULL)
        return xai__fail(XAI_E_INVALID, "a %s drawing needs a picture under it", kinds[d->options.kind].name);
    fill_defaults(d);
    return find_colors(d, d->options.style != NULL ? d->options.style : default_style(d));
}

/* --- the public functions --- */

/* What the errors look like as a map of their own; borrows from the attribution. */
static xai_status take_errors(xai_attribution *out, const xai_attribution *attribution)
{
    if (attribution->errors == NULL)
        return xai__fail(XAI_E_UNSUPPORTED, "%s leaves no standard errors of pixels", attribution->method);
    *out = *attribution;
    out->map = attribution->errors;
    out->is_signed = false;
    return XAI_OK;
}

static xai_status draw(xai_image **out, const xai_attribution *attribution, const xai_image *under,
                       const xai_draw_options *options)
{
    xai__drawing d = { .attribution = attribution,
                       .under = under,
                       .height = under != NULL ? under->height : attribution->input_height,
                       .width = under != NULL ? under->width : attribution->input_width };
    xai_attribution errors;
    xai_tensor *map = NULL;
    xai_status status = read_options(&d, options), remark;

    if (status == XAI_OK && d.options.kind == XAI_DRAW_ERRORS) {
        status = take_errors(&errors, attribution);
        d.attribution = &errors;
    }
    if (status < 0)
        return status;
    /* A style that is asked for has the word over the profile's. */
    if (d.options.kind == XAI_DRAW_HEAT && d.options.style == NULL && attribution->profile->draws_as_tutorial)
        return draw_as_tutorial(out, &d);
    status = remark = xai__draw_map(&map, &d, kinds[d.options.kind].one_sided);
    if (status >= 0)
        status = kinds[d.options.kind].draw(out, &d, map);
    xai_tensor_unref(map);
    return status < 0 ? status : remark;
}

xai_status xai_attribution_draw_with(xai_image **out, const xai_attribution *attribution, const xai_image *under,
                                     const xai_draw_options *options)
{
    xai_status status;

    XAI__ENTER(out);
    status = check(out, attribution);
    return status < 0 ? status : draw(out, attribution, under, options);
}

xai_status xai_attribution_draw(xai_image **out, const xai_attribution *attribution, const xai_image *under,
                                const char *style)
{
    const xai_draw_options options = { .struct_size = sizeof options, .style = style };
    xai_status status;

    XAI__ENTER(out);
    status = check(out, attribution);
    return status < 0 ? status : draw(out, attribution, under, &options);
}
