/* SPDX-License-Identifier: MIT
 * Gradients of a convolution's weights against plain loops in double precision. */
#include "weights.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_IMAGES = 3, MACS = 2000000 };

typedef struct trial {
    const runner *r;
    uint64_t seed;
    enum mode mode;
    xai__op_desc desc;
    value dy, x, out; /* out: in_c * out_c / groups channels of kernel_h x kernel_w */
    planned k;
} trial;

static bool fail(const trial *t, const char *what)
{
    const xai__op_desc *d = &t->desc;

    printf("# %s: seed %llu, mode %d, dy %dx%dx%d, x %dx%dx%d, kernel %dx%d, stride %d %d, dilation %d %d, pads %d %d, "
           "groups %u, %d images: %s\n",
           t->k.kernel != NULL ? t->k.kernel->name : t->r->level, (unsigned long long)t->seed, t->mode, d->in_c,
           d->in_h, d->in_w, d->out_c, d->out_h, d->out_w, d->kernel_h, d->kernel_w, d->stride_h, d->stride_w,
           d->dilation_h, d->dilation_w, d->pad_top, d->pad_left, d->groups, t->dy.n, what);
    return false;
}

/* --- data --- */

static float number(xai__rng *rng, enum mode mode)
{
    static const float odd[] = { 0.0f, -0.0f, 1e-40f, 1e15f, -1e15f, INFINITY, -INFINITY, NAN };

    if (mode == MODE_EXACT)
        return (float)rng_int(rng, -4, 4);
    if (mode == MODE_EXTREME && rng_int(rng, 0, 400) == 0)
        return odd[rng_int(rng, 0, 7)];
    return (float)(2 * xai__rng_uniform(rng) - 1);
}

static void fill(value *v, xai__rng *rng, enum mode mode)
{
    for (int32_t n = 0; n < v->n; n++)
        for (int32_t c = 0; c < v->c; c++)
            for (int32_t y = 0; y < v->h; y++)
                for (int32_t x = 0; x < v->w; x++)
                    *value_at(v, n, c, y, x) = number(rng, mode);
    value_zero_tails(v);
    value_remember(v);
}

static void describe(xai__op_desc *d, const shape *s)
{
    *d = (xai__op_desc){ .op = XAI__CONV_WEIGHTS,
                         .groups = s->groups,
                         .in_c = s->out_c,
                         .out_c = s->in_c,
                         .out_h = s->in_h,
                         .out_w = s->in_w,
                         .kernel_h = s->kernel[0],
                         .kernel_w = s->kernel[1],
                         .stride_h = s->stride[0],
                         .stride_w = s->stride[1],
                         .dilation_h = s->dilation[0],
                         .dilation_w = s->dilation[1],
                         .pad_top = s->pads[0],
                         .pad_left = s->pads[1],
                         .in_layout = XAI__BLOCKED,
                         .out_layout = XAI__PLAIN };
    shape_outputs(s, &d->in_h, &d->in_w);
}

static bool begin(trial *t, const runner *r, const shape *s, int32_t n_images, uint32_t arrangement, xai__rng *rng)
{
    const xai__op_desc *d = &t->desc;
    problem p = { 0 };

    t->r = r;
    describe(&t->desc, s);
    p.desc = t->desc;
    t->k = runner_plan(r, &p, 0);
    if (t->k.kernel == NULL)
        return false;
    value_make(&t->dy, n_images, d->in_c, d->in_h, d->in_w,
               t->k.kernel->in_layout == XAI__PLAIN ? LAYOUT_PLAIN : LAYOUT_BLOCKED, arrangement);
    value_make(&t->x, n_images, d->out_c, d->out_h, d->out_w, LAYOUT_PLAIN, 0);
    value_make(&t->out, n_images, d->in_c * (d->out_c / (int32_t)d->groups), d->kernel_h, d->kernel_w, LAYOUT_PLAIN, 0);
    fill(&t->dy, rng, t->mode);
    fill(&t->x, rng, t->mode);
    return true;
}

static void end(trial *t)
{
    if (t->k.kernel != NULL)
        runner_free(t->r, &t->k);
    value_free(&t->dy);
    value_free(&t->x);
    value_free(&t->out);
}

static void run(trial *t, int32_t image, int32_t n_images, uint32_t order)
{
    const xai__view x = value_from(&t->x, image);
    const xai__args args = {
        .n_images = (size_t)n_images, .in = value_from(&t->dy, image), .out = value_from(&t->out, image), .operands = &x
    };

    runner_run(&t->k, &args, order);
}

/* --- the checks --- */

typedef struct sum {
    double value, magnitude;
    int64_t n;
    bool is_certain; /* nothing that is not finite can have met a zero beside the maps */
} sum;

static sum expect(const trial *t, int32_t image, int32_t o, int32_t c, int32_t ky, int32_t kx)
{
    const xai__op_desc *d = &t->desc;
    const int32_t n_in = d->in_c / (int32_t)d->groups, n_out = d->out_c / (int32_t)d->groups;
    sum s = { .is_certain = true };

    for (int32_t y = 0; y < d->in_h; y++)
        for (int32_t column = 0; column < d->in_w; column++) {
            const int32_t iy = y * d->stride_h - d->pad_top + ky * d->dilation_h,
                          ix = column * d->stride_w - d->pad_left + kx * d->dilation_w;
            const double dy = (double)*value_at(&t->dy, image, o, y, column);
            double product;

            s.is_certain &= isfinite(dy) || (ix >= 0 && ix < d->out_w);
            if (iy < 0 || ix < 0 || iy >= d->out_h || ix >= d->out_w)
                continue;
            product = dy * (double)*value_at(&t->x, image, o / n_in * n_out + c, iy, ix);
            s.value += product;
            s.magnitude += fabs(product);
            s.n++;
        }
    /* Rows of dy end in zeros where lanes are pixels, over which other inputs lie. */
    for (int32_t y = 0; n_in == 1 && n_out == 1 && y < d->out_h; y++)
        for (int32_t x = 0; x < d->out_w; x++)
            s.is_certain &= isfinite(*value_at(&t->x, image, o, y, x)) != 0;
    return s;
}

static bool holds(const trial *t, const sum *s, float got)
{
    if (!s->is_certain)
        return true;
    if (isnan(s->value))
        return isnan(got);
    if (isinf(s->value))
        return got == (float)s->value;
    if (t->mode == MODE_EXACT)
        return got == (float)s->value;
    return fabs(got - s->value) <= (double)(s->n + 2) * (FLT_EPSILON / 2 * s->magnitude + 1.5e-45) * 1.01;
}

/* Every weight of small problems, evenly spread ones of large problems. */
static bool check_values(const trial *t)
{
    const value *out = &t->out;
    const int32_t n_out = t->desc.out_c / (int32_t)t->desc.groups;
    const int64_t n = (int64_t)out->n * out->c * out->h * out->w,
                  most = MACS / ((int64_t)t->desc.in_h * t->desc.in_w + 8) + 50, step = (n / most + 1) | 1;

    for (int64_t i = 0; i < n; i += step) {
        const int32_t kx = (int32_t)(i % out->w), ky = (int32_t)(i / out->w % out->h),
                      channel = (int32_t)(i / out->w / out->h % out->c),
                      image = (int32_t)(i / out->w / out->h / out->c);
        const sum s = expect(t, image, channel / n_out, channel % n_out, ky, kx);
        const float got = *value_at(out, image, channel, ky, kx);

        if (!holds(t, &s, got)) {
            printf("# image %d, weight %d %d %d %d: got %.9g, expected %.12g of %.3g\n", image, channel / n_out,
                   channel % n_out, ky, kx, (double)got, s.value, s.magnitude);
            return fail(t, "a wrong weight");
        }
    }
    return true;
}

static bool same_bits(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i])))
            return false;
    return true;
}

static bool check_runs(trial *t)
{
    const size_t size = t->out.size;
    float *whole = malloc(size * sizeof *whole);
    bool good;

    value_poison(&t->out);
    value_own(&t->out, NULL);
    run(t, 0, t->out.n, 0);
    memcpy(whole, t->out.memory, size * sizeof *whole);
    good = value_find_trespass(&t->out) < 0 || fail(t, "written outside, or not everywhere");
    good = good && ((memcmp(t->dy.memory, t->dy.before, t->dy.size * sizeof(float)) == 0 &&
                     memcmp(t->x.memory, t->x.before, t->x.size * sizeof(float)) == 0) ||
                    fail(t, "an input was written"));
    good = good && check_values(t);
    value_poison(&t->out);
    for (int32_t image = t->out.n; image-- > 0;)
        run(t, image, 1, 1 + (uint32_t)image % 2);
    good = good && (same_bits(whole, t->out.memory, size) || fail(t, "alone and in a batch"));
    free(whole);
    return good;
}

bool weights_check(const runner *r, uint64_t seed)
{
    static const enum family families[] = { DENSE, DENSE, STEM, FILTER, BLOCK_GROUPS, FEW, DEPTHWISE, DEPTHWISE };
    trial t = { .seed = seed };
    xai__rng rng;
    shape s;
    bool good;

    xai__rng_seed(&rng, seed);
    s = shape_random(&rng, families[rng_int(&rng, 0, 7)]);
    t.mode = (enum mode)rng_int(&rng, 0, N_MODES - 1);
    good = begin(&t, r, &s, rng_int(&rng, 1, MAX_IMAGES), (uint32_t)rng_int(&rng, 0, MISALIGNED | GAPS | SLICED), &rng)
               ? check_runs(&t)
               : fail(&t, "no kernel takes it");
    end(&t);
    return good;
}

/* --- bench --- */

void weights_bench(const runner *r)
{
    static const shape shapes[] = {
        { XAI__CONV, 3, 224, 224, 64, { 7, 7 }, { 2, 2 }, { 1, 1 }, { 3, 3, 3, 3 }, 1, 0, 0, 0, 0, 0 },
        { XAI__CONV, 64, 56, 56, 64, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1, 0, 0, 0, 0, 0 },
        { XAI__CONV, 128, 28, 28, 256, { 3, 3 }, { 2, 2 }, { 1, 1 }, { 1, 1, 1, 1 }, 1, 0, 0, 0, 0, 0 },
        { XAI__CONV, 512, 7, 7, 512, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1, 0, 0, 0, 0, 0 },
        { XAI__CONV, 1024, 14, 14, 256, { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0, 0, 0, 0 }, 1, 0, 0, 0, 0, 0 },
    };

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const shape *s = &shapes[i];
        trial t = { .mode = MODE_RANDOM };
        double best = INFINITY, macs;
        xai__rng rng;

        xai__rng_seed(&rng, 1);
        if (begin(&t, r, s, 1, 0, &rng)) {
            for (int round = 0; round < 20; round++) {
                const double start = runner_now();

                run(&t, 0, 1, 0);
                best = fmin(best, runner_now() - start);
            }
            macs = (double)t.desc.in_h * t.desc.in_w * t.out.c * t.out.h * t.out.w;
            printf("%-34s %4dx%3dx%3d -> %4d, %dx%d / %d: %9.3f ms, %6.1f GMAC/s\n", t.k.kernel->name, s->in_c, s->in_h,
                   s->in_w, s->out_c, s->kernel[0], s->kernel[1], s->stride[0], best * 1e3, macs / best * 1e-9);
        }
        end(&t);
    }
}
