/* SPDX-License-Identifier: MIT
 * Resizing maps of floats, each way as the library that it is named after does it, to the bit: the grids of class
 * activation maps are seven by seven, and where a sample lies decides what the drawing shows. */
#include "io/resample.h"

#include "core/error.h"

/* Two neighbours and their weights. At the last sample both are the same one. */
typedef struct pair {
    int64_t low, high;
    float low_weight, high_weight;
} pair;

static pair make_pair(int64_t low, int64_t size, float high_weight)
{
    pair p = { low, low + 1 < size ? low + 1 : low, 1 - high_weight, high_weight };

    return p;
}

/* x = (at + 0.5) in / out - 0.5, not below 0. The single precision is torch's, and so is every rounding. */
static pair bilinear(int64_t at, int64_t in_size, int64_t out_size)
{
    float scale = (float)in_size / (float)out_size, x = scale * ((float)at + 0.5f) - 0.5f;
    int64_t low;

    x = x > 0 ? x : 0;
    low = (int64_t)x < in_size - 1 ? (int64_t)x : in_size - 1;
    return make_pair(low, in_size, x - (float)low < 1 ? x - (float)low : 1);
}

/* x = at (in - 1) / (out - 1): the outermost samples stay where they are. */
static pair bilinear_corners(int64_t at, int64_t in_size, int64_t out_size)
{
    float scale = out_size > 1 ? (float)(in_size - 1) / (float)(out_size - 1) : 0, x = scale * (float)at;
    int64_t low = (int64_t)x < in_size - 1 ? (int64_t)x : in_size - 1;

    return make_pair(low, in_size, x - (float)low < 1 ? x - (float)low : 1);
}

/* Beyond the first and last centre the map is mirrored about them; a centre is at most half a sample outside. */
static pair bilinear_mirror(int64_t at, int64_t in_size, int64_t out_size)
{
    double x = ((double)at + 0.5) * ((double)in_size / (double)out_size) - 0.5, last = (double)(in_size - 1);
    int64_t low;

    x = x < 0 ? -x : x > last ? 2 * last - x : x;
    x = x > 0 && in_size > 1 ? x : 0;
    low = (int64_t)x < in_size - 1 ? (int64_t)x : in_size - 1;
    return make_pair(low, in_size, (float)(x - (double)low));
}

/* floor(at in / out), torch's "nearest": no half pixel, and single precision, which can be one off for long lines. */
static pair nearest(int64_t at, int64_t in_size, int64_t out_size)
{
    int64_t low = (int64_t)((float)at * ((float)in_size / (float)out_size));

    low = low < in_size - 1 ? low : in_size - 1;
    return (pair){ low, low, 1, 0 };
}

typedef pair (*pair_fn)(int64_t at, int64_t in_size, int64_t out_size);

static const pair_fn pair_makers[] = {
    [XAI__MAP_BILINEAR] = bilinear,
    [XAI__MAP_BILINEAR_CORNERS] = bilinear_corners,
    [XAI__MAP_BILINEAR_MIRROR] = bilinear_mirror,
    [XAI__MAP_NEAREST] = nearest,
};

/* Along both rows first, then between them: the order of torch's upsample_bilinear2d. */
static void blend_row(float *out, const float *low, const float *high, const pair *row, const pair *columns, int64_t n)
{
    for (int64_t x = 0; x < n; x++) {
        const pair *column = &columns[x];
        float above = column->low_weight * low[column->low] + column->high_weight * low[column->high];
        float below = column->low_weight * high[column->low] + column->high_weight * high[column->high];

        out[x] = row->low_weight * above + row->high_weight * below;
    }
}

xai_status xai__resample_map(float *out, int64_t out_height, int64_t out_width, const float *in, int64_t in_height,
                             int64_t in_width, enum xai__map_filter filter)
{
    enum { STRIP = 128 }; /* columns whose neighbours are worked out once, without asking for memory */
    pair columns[STRIP];
    pair_fn make;

    if (out_height < 1 || out_width < 1 || in_height < 1 || in_width < 1 || filter > XAI__MAP_NEAREST)
        return xai__fail(XAI_E_INVALID, "cannot resize a map from %lldx%lld to %lldx%lld with filter %d",
                         (long long)in_height, (long long)in_width, (long long)out_height, (long long)out_width,
                         (int)filter);
    make = pair_makers[filter];
    for (int64_t x = 0; x < out_width; x += STRIP) {
        int64_t n = out_width - x < STRIP ? out_width - x : STRIP;

        for (int64_t i = 0; i < n; i++)
            columns[i] = make(x + i, in_width, out_width);
        for (int64_t y = 0; y < out_height; y++) {
            pair row = make(y, in_height, out_height);

            blend_row(out + y * out_width + x, in + row.low * in_width, in + row.high * in_width, &row, columns, n);
        }
    }
    return XAI_OK;
}
