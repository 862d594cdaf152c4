/* SPDX-License-Identifier: MIT
 * Maps painted: heat, masks, contours. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/tensor.h"
#include "explain/draw.h"
#include "io/overlay.h"

/* How much of the picture is left where the map is lowest. */
static const double DIMMED = 0.12;

static size_t n_pixels(const xai__drawing *d)
{
    return (size_t)(d->height * d->width);
}

/* NaN, which no integer can hold, is 0. */
static uint8_t to_byte(double value)
{
    return (uint8_t)(!(value > 0) ? 0 : value > 255 ? 255 : rint(value));
}

/* --- heat --- */

/* From the drawing's range to that of colour maps. */
static float place_in_colors(const xai__drawing *d, float value)
{
    float place = d->attribution->is_signed ? (1 + value) / 2 : value;

    return d->is_flipped ? 1 - place : place;
}

static xai_status paint(xai_image **out, const xai__drawing *d, const xai_tensor *map)
{
    xai_tensor *places = NULL;
    xai_status status = xai__tensor_create(&places, map->object.context, map->shape, 2);

    if (status < 0)
        return status;
    for (size_t i = 0; i < map->size; i++)
        places->data[i] = place_in_colors(d, map->data[i]);
    status = xai__overlay_paint(out, map->object.context, places->data, d->height, d->width, d->colormap,
                                XAI__ROUND_NEAREST);
    xai_tensor_unref(places);
    return status;
}

/* Luma of BT.601, by which Pillow turns RGB into L. */
static double grey_of(const uint8_t *pixel)
{
    return 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
}

/* A signed map lies over a grey picture faded half-way to white, and only where it is not zero: its middle colour would
 * hide it all. The opacity is 2 o sqrt(|v|), at most 1: o where the map is at a quarter of its limit, since the root
 * lifts what is weak. */
static xai_status blend_signed(xai_image **out, const xai__drawing *d, const xai_tensor *map, const xai_image *heat)
{
    xai_status status = xai__image_create(out, map->object.context, d->width, d->height);

    for (size_t i = 0; i < n_pixels(d) && status == XAI_OK; i++) {
        double opacity = sqrt(fabs((double)map->data[i])), grey = 255 - (255 - grey_of(d->under->pixels + 3 * i)) / 2;

        opacity *= 2 * (double)d->options.opacity;
        opacity = opacity < 1 ? opacity : 1;
        for (size_t c = 0; c < 3; c++)
            (*out)->pixels[3 * i + c] = to_byte(opacity * heat->pixels[3 * i + c] + (1 - opacity) * grey);
    }
    return status;
}

xai_status xai__draw_heat(xai_image **out, const xai__drawing *d, const xai_tensor *map)
{
    xai_image *heat = NULL;
    xai_status status = paint(&heat, d, map);

    if (status < 0)
        return status;
    if (d->under == NULL)
        *out = xai_image_ref(heat);
    else if (d->attribution->is_signed)
        status = blend_signed(out, d, map, heat);
    else
        status = xai__overlay_blend(out, d->under, heat, (double)d->options.opacity, XAI__ROUND_NEAREST);
    xai_image_unref(heat);
    return status;
}

/* --- mask --- */

/* Every channel times the map, so that colours keep their hue where they get darker. */
xai_status xai__draw_masked(xai_image **out, const xai__drawing *d, const xai_tensor *map)
{
    xai_status status = xai__image_create(out, map->object.context, d->width, d->height);

    for (size_t i = 0; i < n_pixels(d) && status == XAI_OK; i++)
        for (size_t c = 0; c < 3; c++)
            (*out)->pixels[3 * i + c] = to_byte((DIMMED + (1 - DIMMED) * (double)map->data[i]) *
                                                d->under->pixels[3 * i + c]);
    return status;
}

/* --- contours --- */

/* How many levels a value has passed; NaN none. */
static uint32_t band_of(const xai__drawing *d, float value)
{
    double band = (double)value * (d->options.n_levels + 1);

    return !(band > 0) ? 0 : band >= d->options.n_levels ? d->options.n_levels : (uint32_t)band;
}

/* The highest level within reach, if another is within reach too; 0: no line goes here. */
static uint32_t level_at(const xai__drawing *d, const xai_tensor *map, int64_t y, int64_t x, int64_t reach)
{
    uint32_t low = d->options.n_levels, high = 0;

    for (int64_t v = y; v <= y + reach && v < d->height; v++)
        for (int64_t u = x; u <= x + reach && u < d->width; u++) {
            uint32_t band = band_of(d, map->data[v * d->width + u]);

            low = band < low ? band : low;
            high = band > high ? band : high;
        }
    return high > low ? high : 0;
}

static void color_of_level(uint8_t rgb[3], const xai__drawing *d, uint32_t level)
{
    float place = ((float)level - 0.5f) / (float)d->options.n_levels; /* the ends are often dark */

    if (d->is_flipped)
        place = 1 - place;
    xai__colormap_paint(rgb, &place, 1, d->colormap, XAI__ROUND_NEAREST);
}

/* Lines are as thick as the picture is large: one pixel up to 511 along the longer side, two from 512 on. */
xai_status xai__draw_contours(xai_image **out, const xai__drawing *d, const xai_tensor *map)
{
    int64_t longer = d->height > d->width ? d->height : d->width, reach = longer / 256 > 1 ? longer / 256 : 1;
    xai_status status = xai__image_create(out, map->object.context, d->width, d->height);

    if (status < 0)
        return status;
    memcpy((*out)->pixels, d->under->pixels, 3 * n_pixels(d));
    for (int64_t y = 0; y < d->height; y++)
        for (int64_t x = 0; x < d->width; x++) {
            uint32_t level = level_at(d, map, y, x, reach);

            if (level > 0)
                color_of_level((*out)->pixels + 3 * (y * d->width + x), d, level);
        }
    return XAI_OK;
}
