/* SPDX-License-Identifier: MIT
 * What holds for every kernel: it gives what plain loops give, and the same bits alone, in a batch, in windows, with
 * taps, fused or stage by stage. */
#include "checks.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SAMPLES = 2500, MACS = 2000000 };

/* One problem on one level. */
typedef struct check {
    const runner *r;
    problem *p;
    planned k;
    value full;            /* what the whole run gave */
    double errors, values; /* sums of squares */
} check;

static bool fail(const check *c, const char *format, ...)
{
    char line[1024];
    va_list args;

    problem_describe(c->p, line, sizeof line);
    printf("# %s: %s\n# ", c->k.kernel != NULL ? c->k.kernel->name : c->r->level, line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    return false;
}

static bool same_float(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* NaN's bits depend on which operand the compiler puts first: two NaNs are the same. */
static bool same_bits(float a, float b)
{
    return same_float(a, b) || (a != a && b != b);
}

static void copy_out(value *to, const value *from)
{
    *to = *from;
    to->memory = malloc(from->size * sizeof *to->memory);
    to->before = NULL;
    to->owned = NULL;
    if (to->memory == NULL)
        abort();
    memcpy(to->memory, from->memory, from->size * sizeof *to->memory);
    to->view.data = to->memory + (from->view.data - from->memory);
}

/* Bits of an image inside a window. */
static bool same_image(const check *c, const value *a, int32_t image_a, const value *b, int32_t image_b,
                       const xai__window *w, const char *what)
{
    for (int32_t ch = 0; ch < a->c; ch++)
        for (int32_t y = w->y0; y < w->y1; y++)
            for (int32_t x = w->x0; x < w->x1; x++) {
                float va = *value_at(a, image_a, ch, y, x), vb = *value_at(b, image_b, ch, y, x);

                if (!same_bits(va, vb))
                    return fail(c, "%s: image %d, channel %d, pixel %d %d: %.9g and %.9g", what, image_a, ch, y, x, va,
                                vb);
            }
    return true;
}

static xai__window whole(const value *v)
{
    return (xai__window){ 0, v->h, 0, v->w };
}

static bool is_clean(const check *c, const value *v, const xai__window *windows, const char *what)
{
    int64_t at = value_find_trespass(v);

    if (at >= 0)
        return fail(c, "%s: float %lld (%lld from the first) %s", what, (long long)at,
                    (long long)(&v->memory[at] - v->view.data),
                    v->owned[at] ? "was not written" : "was written outside");
    if (!value_tails_are_zero(v, windows))
        return fail(c, "%s: lanes beyond C are not zero", what);
    return true;
}

static bool inputs_unchanged(const check *c)
{
    const problem *p = c->p;

    if (memcmp(p->in.memory, p->in.before, p->in.size * sizeof(float)) != 0)
        return fail(c, "the input was written");
    for (uint32_t i = 0; i <= XAI__MAX_STAGES; i++)
        if (p->operands[i].memory != NULL &&
            memcmp(p->operands[i].memory, p->operands[i].before, p->operands[i].size * sizeof(float)) != 0)
            return fail(c, "operand %u was written", i);
    return true;
}

/* --- the checks --- */

static int64_t cost_of(const xai__op_desc *d)
{
    int64_t taps = (int64_t)d->kernel_h * d->kernel_w;

    if (d->op == XAI__POOL_DATA)
        return taps * d->in_h * d->in_w;
    return d->op == XAI__CONV || d->op == XAI__CONV_DATA ? d->in_c / (int32_t)d->groups * taps + 8
           : d->op == XAI__GEMM                          ? d->in_c + 8
                                                         : taps + 8;
}

/* Bounds that hold for certain are wide where outputs share their sums; on the whole, errors stay far below them. */
static bool check_error(const check *c)
{
    const problem *p = c->p;
    const double most = 3e-6;

    if (p->tile == 0 || p->mode != MODE_RANDOM || p->desc.n_stages > 0 || c->errors <= most * most * c->values)
        return true;
    return fail(c, "the error is %.3g of the values, on the average", sqrt(c->errors / c->values));
}

static bool check_value(check *c, int64_t index)
{
    const problem *p = c->p;
    const value *out = &p->out;
    int32_t x = (int32_t)(index % out->w), y = (int32_t)(index / out->w % out->h);
    int32_t ch = (int32_t)(index / out->w / out->h % out->c), n = (int32_t)(index / out->w / out->h / out->c);
    bound want[XAI__MAX_STAGES + 1];
    float got = *value_at(&c->full, n, ch, y, x);

    problem_expect(p, want, n, ch, y, x);
    c->values += want[0].value * want[0].value;
    c->errors += (got - want[0].value) * (got - want[0].value);
    if (bound_holds(&want[p->desc.n_stages], got))
        return true;
    return fail(c, "image %d, channel %d, pixel %d %d: got %.9g, expected %.12g +- %.3g", n, ch, y, x, got,
                want[p->desc.n_stages].value, want[p->desc.n_stages].error);
}

/* Every output of small problems, evenly spread ones of large problems. */
static bool check_values(check *c)
{
    const value *out = &c->p->out;
    int64_t n = (int64_t)out->n * out->c * out->h * out->w, most = MACS / cost_of(&c->p->desc) + 50, step;

    most = most < MAX_SAMPLES ? most : MAX_SAMPLES;
    step = n / most + 1;
    step += step > 1 && step % 2 == 0; /* not in step with widths */
    for (int64_t i = 0; i < n; i += step)
        if (!check_value(c, i))
            return false;
    return check_value(c, n - 1) && check_error(c);
}

static bool run_whole(check *c)
{
    xai__args args = runner_args(c->p, &c->k);

    value_poison(&c->p->out);
    value_own(&c->p->out, NULL);
    runner_run(&c->k, &args, 0);
    copy_out(&c->full, &c->p->out);
    return is_clean(c, &c->p->out, NULL, "output") && inputs_unchanged(c);
}

static bool check_alone(check *c)
{
    problem *p = c->p;
    const xai__window all = whole(&p->out);

    for (int32_t i = 0; i < (int32_t)p->n_images; i++) {
        xai__args args = runner_args(p, &c->k);
        xai__view operands[XAI__MAX_STAGES + 1];

        for (uint32_t j = 0; j <= XAI__MAX_STAGES; j++)
            operands[j] = value_from(&p->operands[j], i);
        args.n_images = 1;
        args.in = value_from(&p->in, i);
        args.out = value_from(&p->out, i);
        args.operands = operands;
        value_poison(&p->out);
        runner_run(&c->k, &args, 1);
        if (!same_image(c, &p->out, i, &c->full, i, &all, "alone and in a batch"))
            return false;
    }
    return true;
}

/* Windows along every border, in the middle, of one pixel, of nothing, and the whole. */
static xai__window pick_window(xai__rng *rng, const value *out)
{
    xai__window w = { rng_int(rng, 0, out->h - 1), out->h, rng_int(rng, 0, out->w - 1), out->w };

    switch (rng_int(rng, 0, 5)) {
    case 0:
        return whole(out);
    case 1:
        return (xai__window){ w.y0, w.y0, w.x0, w.x1 };
    case 2:
        return (xai__window){ w.y0, w.y0 + 1, w.x0, w.x0 + 1 };
    case 3:
        return w;
    case 4:
        return (xai__window){ 0, w.y0 + 1, 0, w.x0 + 1 };
    default:
        w.y1 = rng_int(rng, w.y0 + 1, out->h);
        w.x1 = rng_int(rng, w.x0 + 1, out->w);
        return w;
    }
}

static bool check_windows(check *c)
{
    problem *p = c->p;
    xai__window windows[MAX_IMAGES];
    xai__args args = runner_args(p, &c->k);
    xai__rng rng;

    xai__rng_seed(&rng, p->seed ^ 77);
    for (int round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < p->n_images; i++)
            windows[i] = pick_window(&rng, &p->out);
        if (p->desc.op == XAI__GEMM)
            for (uint32_t i = 0; i < p->n_images; i++)
                windows[i].x0 = 0, windows[i].x1 = 1;
        args.windows = windows;
        value_poison(&p->out);
        value_own(&p->out, windows);
        runner_run(&c->k, &args, 2);
        if (!is_clean(c, &p->out, windows, "windows"))
            return false;
        for (int32_t i = 0; i < (int32_t)p->n_images; i++)
            if (!same_image(c, &p->out, i, &c->full, i, &windows[i], "window and whole"))
                return false;
    }
    return true;
}

/* A tap holds what the kernel with the stages so far gives, and the stages that are left, run alone, give the rest. */
static bool check_tap(check *c, uint32_t tap)
{
    const problem *p = c->p;
    planned prefix = runner_plan(c->r, p, tap);
    xai__args args = runner_args(p, &prefix);
    const xai__window all = whole(&p->out);
    bool good = true;
    value copy;

    copy_out(&copy, &p->out);
    args.out = copy.view;
    runner_run(&prefix, &args, 0);
    for (int32_t i = 0; i < (int32_t)p->n_images && good; i++)
        good = same_image(c, &p->taps[tap], i, &copy, i, &all, "tap and shorter chain");
    runner_free(c->r, &prefix);
    free(copy.memory);
    return good;
}

static bool check_rest(check *c, uint32_t tap)
{
    const problem *p = c->p;
    const bool is_gemm = p->desc.op == XAI__GEMM;
    xai__stage stages[XAI__MAX_STAGES];
    problem rest = { .seed = p->seed, .n_images = p->n_images, .in = p->taps[tap], .out = p->out };
    const xai__window all = whole(&p->out);
    bool good = true;
    planned k;
    xai__args args;

    memcpy(stages, p->stages + tap, (XAI__MAX_STAGES - tap) * sizeof *stages);
    rest.desc = p->desc;
    rest.desc.op = XAI__MAP;
    rest.desc.in_c = p->desc.out_c;
    rest.desc.in_h = p->desc.out_h;
    rest.desc.in_w = p->desc.out_w;
    rest.desc.in_layout = rest.desc.out_layout;
    rest.desc.stages = stages;
    if (is_gemm) /* a row of columns is not a plane of channels */
        return true;
    k = runner_plan(c->r, &rest, p->desc.n_stages - tap);
    args = runner_args(p, &k);
    args.in = p->taps[tap].view;
    value_poison(&c->p->out);
    runner_run(&k, &args, 0);
    for (int32_t i = 0; i < (int32_t)p->n_images && good; i++)
        good = same_image(c, &p->out, i, &c->full, i, &all, "stages alone and fused");
    runner_free(c->r, &k);
    return good;
}

static bool check_every_tap(check *c)
{
    problem *p = c->p;
    const xai__window all = whole(&p->out);
    xai__args args = runner_args(p, &c->k);

    args.stores = p->tap_views;
    value_poison(&p->out);
    for (uint32_t i = 0; i < p->desc.n_stages; i++) {
        value_poison(&p->taps[i]);
        value_own(&p->taps[i], NULL);
    }
    runner_run(&c->k, &args, 0);
    for (int32_t i = 0; i < (int32_t)p->n_images; i++)
        if (!same_image(c, &p->out, i, &c->full, i, &all, "with and without taps"))
            return false;
    for (uint32_t i = 0; i < p->desc.n_stages; i++)
        if (!is_clean(c, &p->taps[i], NULL, "tap") || !check_tap(c, i))
            return false;
    return true;
}

static bool check_taps(check *c)
{
    uint32_t n = c->p->desc.n_stages;

    return check_every_tap(c) && (n == 0 || check_rest(c, (uint32_t)(c->p->seed % n)));
}

/* NaN in a window of the input: no output outside reach() may notice, and where the taps have no gaps, the outputs that
 * notice fill it. */
static bool check_reach(check *c)
{
    problem *p = c->p;
    const xai__op_desc *d = &p->desc;
    xai__args args = runner_args(p, &c->k);
    xai__window dirty, reach, seen = { INT32_MAX, 0, INT32_MAX, 0 };
    bool exact = d->dilation_h == 1 && d->dilation_w == 1 && d->n_stages == 0 && d->stride_h <= d->kernel_h &&
                 d->stride_w <= d->kernel_w && d->op != XAI__POOL_DATA;
    xai__rng rng;

    xai__rng_seed(&rng, p->seed ^ 99);
    dirty = pick_window(&rng, &p->in);
    if (p->desc.op == XAI__GEMM)
        dirty.x0 = 0, dirty.x1 = 1;
    if (!xai__kernel_reach(&reach, c->k.kernel, dirty))
        return fail(c, "no reach");
    for (int32_t ch = 0; ch < p->in.c; ch++)
        for (int32_t y = dirty.y0; y < dirty.y1; y++)
            for (int32_t x = dirty.x0; x < dirty.x1; x++)
                *value_at(&p->in, 0, ch, y, x) = __builtin_nanf("");
    args.n_images = 1;
    runner_run(&c->k, &args, 0);
    for (int32_t ch = 0; ch < p->out.c; ch++)
        for (int32_t y = 0; y < p->out.h; y++)
            for (int32_t x = 0; x < p->out.w; x++) {
                if (same_bits(*value_at(&p->out, 0, ch, y, x), *value_at(&c->full, 0, ch, y, x)))
                    continue;
                if (y < reach.y0 || y >= reach.y1 || x < reach.x0 || x >= reach.x1)
                    return fail(c, "pixel %d %d noticed, beyond reach (%d %d, %d %d)", y, x, reach.y0, reach.y1,
                                reach.x0, reach.x1);
                seen.y0 = y < seen.y0 ? y : seen.y0;
                seen.y1 = y >= seen.y1 ? y + 1 : seen.y1;
                seen.x0 = x < seen.x0 ? x : seen.x0;
                seen.x1 = x >= seen.x1 ? x + 1 : seen.x1;
            }
    if (exact && d->op != XAI__GEMM && p->mode == MODE_RANDOM && reach.y0 < reach.y1 && reach.x0 < reach.x1 &&
        memcmp(&seen, &reach, sizeof seen) != 0)
        return fail(c, "reach (%d %d, %d %d) is wider than what noticed (%d %d, %d %d)", reach.y0, reach.y1, reach.x0,
                    reach.x1, seen.y0, seen.y1, seen.x0, seen.x1);
    memcpy(p->in.memory, p->in.before, p->in.size * sizeof(float));
    return true;
}

/* The output over the operand of an addition. */
static bool check_in_place(check *c)
{
    problem *p = c->p;
    const xai__window all = whole(&p->out);
    xai__args args = runner_args(p, &c->k);
    xai__view operands[XAI__MAX_STAGES + 1];

    for (uint32_t i = 0; i < p->desc.n_stages; i++) {
        value *operand = &p->operands[p->has_beside ? i + 1 : i]; /* not what the base itself reads */

        if (operand->memory == NULL || operand->arrangement & (ONE_IMAGE | ONE_PIXEL))
            continue;
        memcpy(operands, p->operand_views, sizeof operands);
        args.out = operand->view;
        args.operands = operands;
        runner_run(&c->k, &args, 0);
        for (int32_t n = 0; n < (int32_t)p->n_images; n++)
            if (!same_image(c, operand, n, &c->full, n, &all, "in place"))
                return false;
        memcpy(operand->memory, operand->before, operand->size * sizeof(float));
        return true;
    }
    return true;
}

static uint32_t kernel_layout(enum layout layout)
{
    return layout == LAYOUT_BLOCKED ? XAI__BLOCKED : XAI__PLAIN;
}

static bool check_layouts(check *c)
{
    const xai__kernel *k = c->k.kernel;

    if (k->in_layout != kernel_layout(c->p->in.layout) || k->out_layout != kernel_layout(c->p->out.layout))
        return fail(c, "layouts %u %u", k->in_layout, k->out_layout);
    return true;
}

typedef bool check_fn(check *c);

static bool check_all(const runner *r, problem *p, check_fn *const *checks, size_t n_checks)
{
    check c = { .r = r, .p = p, .k = runner_plan(r, p, p->desc.n_stages) };
    bool good = c.k.kernel != NULL || fail(&c, "no backend takes it");

    p->tile = good && strstr(c.k.kernel->name, "winograd") != NULL
                  ? c.k.kernel->name[strlen(c.k.kernel->name) - 1] - '0'
                  : 0;
    for (size_t i = 0; i < n_checks && good; i++)
        good = checks[i](&c);
    runner_free(r, &c.k);
    free(c.full.memory);
    return good;
}

bool check_problem(const runner *r, problem *p)
{
    static check_fn *const checks[] = { check_layouts, run_whole,  check_values,   check_alone,
                                        check_windows, check_taps, check_in_place, check_reach };

    return check_all(r, p, checks, sizeof checks / sizeof *checks);
}

bool check_results(const runner *r, problem *p)
{
    static check_fn *const checks[] = { check_layouts, run_whole,       check_values,
                                        check_alone,   check_every_tap, check_in_place };

    return check_all(r, p, checks, sizeof checks / sizeof *checks);
}
