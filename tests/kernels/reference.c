/* SPDX-License-Identifier: MIT
 * Plain loops in double precision, with a bound on what float32 may make of them. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "backends/native/winograd.h"
#include "problem.h"

static const double UNIT = FLT_EPSILON / 2, TINY = 1.5e-45;

/* What rounding a result may add: nothing where it is certain and float32 holds it. */
static double rounding(double v, double error)
{
    return error == 0 && (double)(float)v == v ? 0 : (fabs(v) + error) * UNIT + TINY;
}

static bound make(double v, double error)
{
    return (bound){ v, isfinite(v) ? error : 0 };
}

/* Sums with the rounding of any order. */
typedef struct sum {
    double value, magnitude;
    int64_t n;
} sum;

static void add(sum *s, double term)
{
    s->value += term;
    s->magnitude += fabs(term);
    s->n++;
}

static bound total(const sum *s, enum mode mode)
{
    return make(s->value, mode == MODE_EXACT ? 0 : (double)(s->n + 1) * (UNIT * s->magnitude + TINY));
}

static bound gemm(const problem *p, int32_t n, int32_t c, int32_t y)
{
    sum s = { 0 };

    for (int32_t k = 0; k < p->desc.in_c; k++)
        add(&s, (double)*value_at(&p->in, n, k, y, 0) * p->weights[(int64_t)c * p->desc.in_c + k]);
    return total(&s, p->mode);
}

/* The input of tap (ky, kx) of output (y, x), NULL in the padding. */
static const float *tap_at(const problem *p, int32_t n, int32_t c, int32_t y, int32_t x, int32_t ky, int32_t kx)
{
    const xai__op_desc *d = &p->desc;
    int32_t in_y = y * d->stride_h - d->pad_top + ky * d->dilation_h;
    int32_t in_x = x * d->stride_w - d->pad_left + kx * d->dilation_w;

    if (in_y < 0 || in_x < 0 || in_y >= d->in_h || in_x >= d->in_w)
        return NULL;
    return value_at(&p->in, n, c, in_y, in_x);
}

/* --- Winograd's filtering --- */

/* One direction: points, then infinity; how often a point's inputs and an output's products count, at most. */
static void make_sharing(double share[XAI__WINOGRAD_TILE][3], int32_t tile)
{
    const double a = XAI__WINOGRAD_A, b = XAI__WINOGRAD_B;
    const double points[2][5] = { { 0, 1, -1 }, { 0, a, -a, b, -b } }, *point = points[tile == 4];
    const int n = tile + 1;

    memset(share, 0, sizeof(double[XAI__WINOGRAD_TILE][3]));
    for (int i = 0; i <= n; i++) {
        double polynomial[7] = { 1 }, inputs = 0, distance = 1;

        /* The product of all other points' factors; behind all of them, of every point's. */
        for (int j = 0; j < n; j++) {
            if (j == i)
                continue;
            for (int k = 6; k >= 0; k--)
                polynomial[k] = (k > 0 ? polynomial[k - 1] : 0) - point[j] * polynomial[k];
            distance *= i < n ? fabs(point[i] - point[j]) : 1;
        }
        for (int k = 0; k < 7; k++)
            inputs += fabs(polynomial[k]);
        for (int y = 0; y < tile; y++)
            for (int k = 0; k < 3; k++)
                share[y][k] += i < n ? pow(fabs(point[i]), y + k) * inputs / distance
                                     : (y == tile - 1 && k == 2) * inputs;
    }
}

/* The largest magnitude in the patch of a tile. */
static double patch_size(const problem *p, int32_t n, int32_t c, int32_t y, int32_t x)
{
    double most = 0;

    for (int32_t r = y; r < y + p->tile + 2; r++)
        for (int32_t q = x; q < x + p->tile + 2; q++)
            if (r >= 0 && q >= 0 && r < p->desc.in_h && q < p->desc.in_w) {
                double v = fabs((double)*value_at(&p->in, n, c, r, q));

                most = v <= most || isnan(most) ? most : v;
            }
    return most;
}

/* Every output of a tile is a sum of what goes into all of them. |A| (|G||g||G|' * |B||d||B|') |A|' is the sum of the
 * magnitudes: with d as large as its largest value, a sum over weights. Roundings on the way of one of them: at most 4
 * in either direction of either transform, one for the weight, in_c for the sum. What is not finite spreads over the
 * tile, and so does the rounding of what is huge: of the stages behind, no bound is left then. */
static bound shared(const problem *p, bound direct, int32_t n, int32_t c, int32_t y, int32_t x)
{
    const xai__op_desc *d = &p->desc;
    const int32_t top = y / p->tile * p->tile, left = x / p->tile * p->tile;
    const float *weights = p->weights + (int64_t)c * d->in_c * 9;
    double share[XAI__WINOGRAD_TILE][3], magnitude = 0;

    make_sharing(share, p->tile);
    for (int32_t i = 0; i < d->in_c; i++, weights += 9) {
        double size = patch_size(p, n, i, top - d->pad_top, left - d->pad_left);

        if (!(size < 1e9))
            return (bound){ 0, INFINITY };
        for (int tap = 0; tap < 9; tap++)
            magnitude += size * fabs((double)weights[tap]) * share[y - top][tap / 3] * share[x - left][tap % 3];
    }
    /* Small integers and halves are exact. */
    if (p->mode == MODE_EXACT && p->tile == 2)
        return direct;
    return make(direct.value, (d->in_c + 17) * (UNIT * magnitude + TINY));
}

static bound conv(const problem *p, int32_t n, int32_t c, int32_t y, int32_t x)
{
    const xai__op_desc *d = &p->desc;
    int32_t n_inputs = d->in_c / (int32_t)d->groups, group = c / (d->out_c / (int32_t)d->groups);
    const float *weights = p->weights + (int64_t)c * n_inputs * d->kernel_h * d->kernel_w;
    sum s = { 0 };

    for (int32_t i = 0; i < n_inputs; i++)
        for (int32_t ky = 0; ky < d->kernel_h; ky++)
            for (int32_t kx = 0; kx < d->kernel_w; kx++, weights++) {
                const float *tap = tap_at(p, n, group * n_inputs + i, y, x, ky, kx);

                if (tap != NULL)
                    add(&s, (double)*tap * *weights);
            }
    return p->tile > 0 ? shared(p, total(&s, p->mode), n, c, y, x) : total(&s, p->mode);
}

/* The place along one axis of what lies under tap k of output i; -1: none does. */
static int32_t place_under(int32_t i, int32_t k, int32_t pad, int32_t stride, int32_t dilation, int32_t in)
{
    int32_t at = i + pad - k * dilation;

    return at >= 0 && at % stride == 0 && at / stride < in ? at / stride : -1;
}

static bound conv_data(const problem *p, int32_t n, int32_t c, int32_t y, int32_t x)
{
    const xai__op_desc *d = &p->desc;
    int32_t n_inputs = d->in_c / (int32_t)d->groups, n_outputs = d->out_c / (int32_t)d->groups;
    int32_t first = c / n_outputs * n_inputs, taps = d->kernel_h * d->kernel_w;
    sum s = { 0 };

    for (int32_t i = first; i < first + n_inputs; i++)
        for (int32_t tap = 0; tap < taps; tap++) {
            int32_t in_y = place_under(y, tap / d->kernel_w, d->pad_top, d->stride_h, d->dilation_h, d->in_h);
            int32_t in_x = place_under(x, tap % d->kernel_w, d->pad_left, d->stride_w, d->dilation_w, d->in_w);

            if (in_y >= 0 && in_x >= 0)
                add(&s, (double)*value_at(&p->in, n, i, in_y, in_x) *
                            p->weights[((int64_t)i * n_outputs + c % n_outputs) * taps + tap]);
        }
    return total(&s, p->mode);
}

/* Which pixel of x is the maximum of window (oy, ox), counted row by row; -1: none is inside. */
static int64_t maximum_of(const problem *p, int32_t n, int32_t c, int32_t oy, int32_t ox)
{
    const xai__op_desc *d = &p->desc;
    float most = -INFINITY;
    int64_t best = -1;

    for (int32_t tap = 0; tap < d->kernel_h * d->kernel_w; tap++) {
        int32_t y = oy * d->stride_h - d->pad_top + tap / d->kernel_w * d->dilation_h;
        int32_t x = ox * d->stride_w - d->pad_left + tap % d->kernel_w * d->dilation_w;
        float v;

        if (y < 0 || x < 0 || y >= d->out_h || x >= d->out_w)
            continue;
        v = *value_at(&p->operands[0], n, c, y, x);
        if (best < 0 || v > most || isnan(v)) {
            most = v;
            best = (int64_t)y * d->out_w + x;
        }
    }
    return best;
}

static bound pool_data(const problem *p, int32_t n, int32_t c, int32_t y, int32_t x)
{
    const xai__op_desc *d = &p->desc;
    sum s = { 0 };

    for (int32_t oy = 0; oy < d->in_h; oy++)
        for (int32_t ox = 0; ox < d->in_w; ox++)
            if (maximum_of(p, n, c, oy, ox) == (int64_t)y * d->out_w + x)
                add(&s, *value_at(&p->in, n, c, oy, ox));
    return total(&s, p->mode);
}

static bound average_data(const problem *p, int32_t n, int32_t c)
{
    double share = *value_at(&p->in, n, c, 0, 0) / ((double)p->desc.out_h * p->desc.out_w);

    return make(share, rounding(share, 0));
}

static bound pool(const problem *p, int32_t n, int32_t c, int32_t y, int32_t x)
{
    const xai__op_desc *d = &p->desc;
    double most = -INFINITY, divisor = (double)d->kernel_h * d->kernel_w;
    sum s = { 0 };
    bound mean;

    for (int32_t ky = 0; ky < d->kernel_h; ky++)
        for (int32_t kx = 0; kx < d->kernel_w; kx++) {
            const float *tap = tap_at(p, n, c, y, x, ky, kx);

            if (tap == NULL)
                continue;
            add(&s, *tap);
            most = isnan(most) || *tap < most ? most : *tap;
        }
    if (d->pool == XAI__POOL_MAX)
        return make(most, 0);
    divisor = d->count_pad ? divisor : (double)s.n;
    mean = total(&s, p->mode);
    return make(mean.value / divisor, mean.error / divisor + rounding(mean.value / divisor, mean.error / divisor));
}

static bound pad_channels(const problem *p, int32_t n, int32_t c, int32_t y, int32_t x)
{
    const int32_t from = c - p->desc.first_channel;

    return make(from >= 0 && from < p->desc.in_c ? *value_at(&p->in, n, from, y, x) : 0, 0);
}

static bound base(const problem *p, int32_t n, int32_t c, int32_t y, int32_t x)
{
    switch (p->desc.op) {
    case XAI__CONV:
        return conv(p, n, c, y, x);
    case XAI__GEMM:
        return gemm(p, n, c, y);
    case XAI__POOL:
        return pool(p, n, c, y, x);
    case XAI__CONV_DATA:
        return conv_data(p, n, c, y, x);
    case XAI__POOL_DATA:
        return p->desc.pool == XAI__POOL_MAX ? pool_data(p, n, c, y, x) : average_data(p, n, c);
    case XAI__PAD_CHANNELS:
        return pad_channels(p, n, c, y, x);
    default:
        return make(*value_at(&p->in, n, c, y, x), 0);
    }
}

static bound product(bound a, double b)
{
    return make(a.value * b, a.error * fabs(b) + rounding(a.value * b, a.error * fabs(b)));
}

static bound plus(bound a, double b)
{
    return make(a.value + b, a.error + rounding(a.value + b, a.error));
}

static bound clip(bound a, double low, double high)
{
    return make(a.value < low ? low : a.value > high ? high : a.value, a.error);
}

static bound act(const xai__stage *stage, bound v)
{
    bound gate;

    switch (stage->function) {
    case XAI__RELU:
        return make(v.value < 0 ? 0 : v.value, v.error);
    case XAI__CLIP:
        return clip(v, stage->low, stage->high);
    case XAI__HARD_SIGMOID:
        return clip(plus(product(v, stage->low), stage->high), 0, 1);
    default: /* HARD_SWISH; 1/6 is rounded too */
        gate = clip(plus(product(v, 1.0 / 6), 0.5), 0, 1);
        gate.error += fabs(v.value) < 4 ? UNIT : 0;
        v.error = v.error * gate.value + gate.error * fabs(v.value);
        return make(v.value * gate.value, v.error + rounding(v.value * gate.value, v.error));
    }
}

static bound mask(const xai__stage *stage, bound v, double y)
{
    bool seed = v.value > 0, positive = y > 0;
    bool holds = stage->function == XAI__MASK_POSITIVE ? positive
                 : stage->function == XAI__MASK_SEED   ? seed
                 : stage->function == XAI__MASK_BOTH   ? positive && seed
                                                       : y > stage->low && y < stage->high;

    return holds ? v
                 : make(0, stage->function == XAI__MASK_POSITIVE || stage->function == XAI__MASK_INSIDE ? 0 : v.error);
}

static bound apply(const problem *p, uint32_t i, bound v, int32_t n, int32_t c, int32_t y, int32_t x)
{
    const xai__stage *stage = &p->stages[i];
    double operand = stage->operand >= 0 ? *value_at(&p->operands[stage->operand], n, c, y, x) : 0;

    switch (stage->kind) {
    case XAI__AFFINE:
        v = stage->scale != NULL ? product(v, stage->scale[c]) : v;
        return stage->shift != NULL ? plus(v, stage->shift[c]) : v;
    case XAI__ADD:
        return plus(v, operand);
    case XAI__MUL:
        return product(v, operand);
    case XAI__ACT:
        return act(stage, v);
    default:
        return mask(stage, v, operand);
    }
}

void problem_expect(const problem *p, bound out[XAI__MAX_STAGES + 1], int32_t n, int32_t c, int32_t y, int32_t x)
{
    out[0] = base(p, n, c, y, x);
    for (uint32_t i = 0; i < p->desc.n_stages; i++)
        out[i + 1] = isinf(out[0].error) ? out[0] : apply(p, i, out[i], n, c, y, x);
}

bool bound_holds(const bound *b, float got)
{
    if (isinf(b->error))
        return true;
    if (isnan(b->value))
        return isnan(got);
    if (isinf(b->value))
        return got == (float)b->value;
    return fabs(got - b->value) <= b->error * 1.01;
}
