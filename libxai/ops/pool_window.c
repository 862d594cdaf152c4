/* SPDX-License-Identifier: MIT
 * What a pool and its gradient see of a window. */
#include "ops/pool_window.h"

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

xai__pool_span xai__pool_window(const xai__attributes *attributes, const int64_t extents[2], int64_t y, int64_t x)
{
    const xai__attributes *a = attributes;
    int64_t top = y * a->stride[0] - a->pads[0], left = x * a->stride[1] - a->pads[1];
    /* ceil_mode may let a window hang over the padding's end; what is beyond counts for nobody. */
    int64_t bottom = at_most(top + a->kernel[0], extents[0] + a->pads[2]),
            right = at_most(left + a->kernel[1], extents[1] + a->pads[3]);
    xai__pool_span s = { at_least(top, 0), at_most(bottom, extents[0]), at_least(left, 0), at_most(right, extents[1]),
                         0 };

    s.divisor = a->count_pad ? (bottom - top) * (right - left) : (s.y1 - s.y0) * (s.x1 - s.x0);
    return s;
}

int64_t xai__pool_maximum(const xai__attributes *attributes, const int64_t extents[2], const float *map, int64_t y,
                          int64_t x)
{
    const xai__attributes *a = attributes;
    int64_t best = -1;

    for (int64_t ky = 0; ky < a->kernel[0]; ky++) {
        int64_t iy = y * a->stride[0] - a->pads[0] + ky * a->dilation[0];

        for (int64_t kx = 0; iy >= 0 && iy < extents[0] && kx < a->kernel[1]; kx++) {
            int64_t ix = x * a->stride[1] - a->pads[1] + kx * a->dilation[1], at = iy * extents[1] + ix;

            if (ix >= 0 && ix < extents[1] && (best < 0 || map[at] > map[best] || map[at] != map[at]))
                best = at;
        }
    }
    return best;
}
