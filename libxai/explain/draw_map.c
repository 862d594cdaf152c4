/* SPDX-License-Identifier: MIT
 * Maps made ready for the eye: channels put together, smoothed, clipped at a percentile, scaled, resized. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/tensor.h"
#include "explain/draw.h"
#include "explain/gauss.h"

/* --- one number a pixel --- */

/* As the method puts its channels together: what is signed adds up, of magnitudes the largest counts. */
static float join_channels(const float *values, size_t n_channels, size_t stride, bool is_signed)
{
    float joined = 0;

    for (size_t c = 0; c < n_channels; c++) {
        float value = values[c * stride];

        if (is_signed)
            joined += value;
        else
            joined = value > joined ? value : joined;
    }
    return joined;
}

static xai_status flatten(xai_tensor **out, const xai_attribution *a, bool one_sided)
{
    const xai_tensor *map = a->map;
    const int64_t *shape = map->shape + map->rank - 2;
    size_t n = (size_t)(shape[0] * shape[1]), n_channels = map->size / n;
    xai_status status = xai__tensor_create(out, a->object.context, shape, 2);

    for (size_t i = 0; i < n && status == XAI_OK; i++) {
        float value = n_channels > 1 ? join_channels(map->data + i, n_channels, n, a->is_signed) : map->data[i];

        (*out)->data[i] = one_sided && a->is_signed && value < 0 ? 0 : value;
    }
    return status;
}

/* --- scaling --- */

/* Bits of |value|: they rise with it, both zeros are 0, infinity is above all numbers and NaN above that. */
static uint32_t order_bits(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits & 0x7fffffff;
}

static float from_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The magnitude at a rank, counted from 0, byte by byte from the top: magnitudes are ordered as their bits are. Four
 * passes over the map and no memory; sorting would need a copy. */
static float select_magnitude(const float *data, size_t n, size_t rank)
{
    uint32_t prefix = 0, mask = 0;

    for (int shift = 24; shift >= 0; shift -= 8) {
        size_t counts[256] = { 0 };
        uint32_t byte = 0;

        for (size_t i = 0; i < n; i++)
            if ((order_bits(data[i]) & mask) == prefix)
                counts[order_bits(data[i]) >> shift & 255]++;
        while (byte < 255 && rank >= counts[byte])
            rank -= counts[byte++];
        prefix |= byte << shift;
        mask |= 255u << shift;
    }
    return from_bits(prefix);
}

/* The magnitude that a share of all does not pass; the largest one where that would be nothing. */
static float find_limit(const float *data, size_t n, double percentile)
{
    size_t rank = (size_t)ceil(percentile / 100 * (double)n);
    float limit = select_magnitude(data, n, rank > 0 ? rank - 1 : 0);

    return limit > 0 ? limit : select_magnitude(data, n, n - 1);
}

static float lowest(const xai_tensor *map)
{
    float low = map->data[0];

    for (size_t i = 1; i < map->size; i++)
        low = map->data[i] < low ? map->data[i] : low;
    return low;
}

/* To 0..1 from the smallest value on, or to -1..1 about zero; what is beyond the percentile is cut off. A limit that is
 * not a positive number (all values alike, or more NaN than the percentile leaves out) makes a flat map. */
static xai_status scale(xai_tensor *map, bool is_signed, double percentile)
{
    float low = is_signed ? 0 : lowest(map), limit;

    for (size_t i = 0; i < map->size; i++)
        map->data[i] -= low;
    limit = find_limit(map->data, map->size, percentile);
    if (!(limit > 0) || !isfinite(limit)) {
        memset(map->data, 0, map->size * sizeof *map->data);
        return XAI_FLAT;
    }
    for (size_t i = 0; i < map->size; i++) {
        float value = map->data[i] / limit;

        map->data[i] = value > 1 ? 1 : value < -1 ? -1 : value;
    }
    return XAI_OK;
}

xai_status xai__draw_scale(xai_tensor *map, const xai__drawing *d, bool is_signed)
{
    xai_status status = XAI_OK;

    if (d->options.smooth > 0)
        status = xai__gauss_smooth(map->data, map->object.context, 1, map->shape[0], map->shape[1],
                                   (double)d->options.smooth * (double)map->shape[1], 3);
    return status < 0 ? status : scale(map, is_signed, (double)d->options.percentile);
}

xai_status xai__draw_map(xai_tensor **out, const xai__drawing *d, bool one_sided)
{
    const xai_attribution *a = d->attribution;
    bool is_signed = a->is_signed && !one_sided, is_raw = a->profile->is_raw || a->is_signed || a->map->rank > 2;
    xai_tensor *map = NULL;
    xai_status status, remark;

    /* A profile that scales its maps has the word, unless more is asked for. */
    if (!is_raw && !xai__draw_is_changed(&d->options))
        return xai_attribution_map(out, a, d->height, d->width, XAI_NORMALISE_PROFILE);
    status = flatten(&map, a, one_sided);
    /* On the method's own grid, so that the percentile is one of its values and not of what lies between them. */
    remark = status < 0 ? status : xai__draw_scale(map, d, is_signed);
    status = remark < 0 ? remark : xai__map_resize(&map, d->height, d->width, a->profile->filter);
    if (status < 0) {
        xai_tensor_unref(map);
        return status;
    }
    *out = map;
    return remark;
}
