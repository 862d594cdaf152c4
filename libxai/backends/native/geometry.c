/* SPDX-License-Identifier: MIT
 * Windows that slide. */
#include "backends/native/geometry.h"

void xai__axes_of(xai__axis *rows, xai__axis *cols, const xai__op_desc *desc)
{
    *rows = (xai__axis){ desc->in_h, desc->out_h, desc->kernel_h, desc->stride_h, desc->dilation_h, desc->pad_top };
    *cols = (xai__axis){ desc->in_w, desc->out_w, desc->kernel_w, desc->stride_w, desc->dilation_w, desc->pad_left };
}

/* a / b rounded up, b > 0. */
static int64_t divide_up(int64_t a, int64_t b)
{
    return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

static int32_t clamp(int64_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : (int32_t)value;
}

/* Taps lie dilation apart, so those inside the map are a range. */
static xai__span span_at(const xai__axis *a, int32_t out)
{
    int64_t before = a->pad - (int64_t)out * a->stride; /* how far the first tap lies before the map */
    xai__span span = { .first = out, .end = out + 1 };

    span.tap = clamp(divide_up(before, a->dilation), 0, a->kernel);
    span.tap_end = clamp(divide_up(before + a->in, a->dilation), span.tap, a->kernel);
    return span;
}

static bool is_whole(const xai__axis *a, const xai__span *span)
{
    return span->tap == 0 && span->tap_end == a->kernel;
}

xai__span xai__axis_span(const xai__axis *axis, int32_t first, int32_t end)
{
    xai__span span = span_at(axis, first);

    if (is_whole(axis, &span)) {
        /* As far as the last tap of the last output is still inside. */
        int64_t last_start = (int64_t)axis->in + axis->pad - (int64_t)(axis->kernel - 1) * axis->dilation - 1;

        span.end = clamp(last_start / axis->stride + 1, first + 1, end);
        return span;
    }
    while (span.end < end) {
        xai__span next = span_at(axis, span.end);

        if (next.tap != span.tap || next.tap_end != span.tap_end)
            break;
        span.end++;
    }
    return span;
}

void xai__axis_needs(const xai__axis *axis, int32_t *first, int32_t *end)
{
    int64_t low = (int64_t)*first * axis->stride - axis->pad;
    int64_t high = ((int64_t)*end - 1) * axis->stride - axis->pad + (int64_t)(axis->kernel - 1) * axis->dilation + 1;

    *first = clamp(low, 0, axis->in);
    *end = clamp(high, *first, axis->in);
}

static void reach_taps(const xai__axis *axis, int64_t *low, int64_t *high)
{
    int64_t span = (int64_t)(axis->kernel - 1) * axis->dilation;

    *low = divide_up(*low + axis->pad - span, axis->stride);
    *high = (*high - 1 + axis->pad) / axis->stride + 1;
}

/* A tile and a kernel of three taps see a patch of tile + 2 inputs. Its first input goes into the tile's first output
 * alone and its last into the last; what lies between is in the sums that all outputs share. */
static void reach_tiles(const xai__axis *axis, int32_t tile, int64_t *low, int64_t *high)
{
    int64_t first = *low + axis->pad, last = *high - 1 + axis->pad; /* as patches count them */

    *low = first / tile * tile;
    if (first % tile < 2)
        *low -= first % tile == 0 ? tile : 1;
    *high = last / tile * tile + (last % tile == 0 ? 1 : tile);
}

void xai__axis_reach(const xai__axis *axis, int32_t tile, int32_t *first, int32_t *end)
{
    int64_t low = *first, high = *end;

    if (*first >= *end) {
        *first = *end = 0;
        return;
    }
    if (tile > 1)
        reach_tiles(axis, tile, &low, &high);
    else
        reach_taps(axis, &low, &high);
    *first = clamp(low, 0, axis->out);
    *end = clamp(high, *first, axis->out);
}

void xai__axis_reach_back(const xai__axis *axis, int32_t *first, int32_t *end)
{
    int64_t reach = (int64_t)(axis->kernel - 1) * axis->dilation;
    int64_t low = (int64_t)*first * axis->stride - axis->pad;
    int64_t high = ((int64_t)*end - 1) * axis->stride - axis->pad + reach + 1;

    *first = clamp(low, 0, axis->out);
    *end = clamp(high, *first, axis->out);
}
