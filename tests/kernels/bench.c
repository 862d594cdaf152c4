/* SPDX-License-Identifier: MIT
 * Timings of kernels. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 25 };

/* Layers of ResNet-18, MobileNet-like and CIFAR networks. */
static const struct row {
    const char *name;
    shape shape;
} rows[] = {
#define CONV(c, size, out, k, s, p)                                                                                    \
    {                                                                                                                  \
        XAI__CONV, c, size, size, out, { k, k }, { s, s }, { 1, 1 }, { p, p, p, p }, 1, 0, 0, XAI__BLOCKED,            \
            XAI__BLOCKED                                                                                               \
    }
#define GRADIENT(c, size, out, k, p)                                                                                   \
    {                                                                                                                  \
        XAI__CONV_DATA, c, size, size, out, { k, k }, { 2, 2 }, { 1, 1 }, { p, p, p, p }, 1, 0, 0, XAI__BLOCKED,       \
            XAI__BLOCKED                                                                                               \
    }
    { "stem 7x7/2 3->64 @224",
      { XAI__CONV, 3, 224, 224, 64, { 7, 7 }, { 2, 2 }, { 1, 1 }, { 3, 3, 3, 3 }, 1, 0, 0, XAI__PLAIN, XAI__BLOCKED } },
    { "stem 3x3/2 3->32 @224",
      { XAI__CONV, 3, 224, 224, 32, { 3, 3 }, { 2, 2 }, { 1, 1 }, { 1, 1, 1, 1 }, 1, 0, 0, XAI__PLAIN, XAI__BLOCKED } },
    { "stem 3x3 3->16 @32",
      { XAI__CONV, 3, 32, 32, 16, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1, 0, 0, XAI__PLAIN, XAI__BLOCKED } },
    { "3x3 64 @56", CONV(64, 56, 64, 3, 1, 1) },
    { "3x3 128 @28", CONV(128, 28, 128, 3, 1, 1) },
    { "3x3 256 @14", CONV(256, 14, 256, 3, 1, 1) },
    { "3x3 512 @7", CONV(512, 7, 512, 3, 1, 1) },
    { "3x3/2 64->128 @56", CONV(64, 56, 128, 3, 2, 1) },
    { "3x3/2 256->512 @14", CONV(256, 14, 512, 3, 2, 1) },
    { "1x1/2 64->128 @56", CONV(64, 56, 128, 1, 2, 0) },
    { "1x1/2 256->512 @14", CONV(256, 14, 512, 1, 2, 0) },
    { "3x3 16 @32", CONV(16, 32, 16, 3, 1, 1) },
    { "3x3 64 @8", CONV(64, 8, 64, 3, 1, 1) },
    { "3x3 160 @32", CONV(160, 32, 160, 3, 1, 1) },
    { "1x1 24->144 @56", CONV(24, 56, 144, 1, 1, 0) },
    { "1x1 144->24 @56", CONV(144, 56, 24, 1, 1, 0) },
    { "1x1 96->576 @14", CONV(96, 14, 576, 1, 1, 0) },
    { "1x1 320->1280 @7", CONV(320, 7, 1280, 1, 1, 0) },
    { "depthwise 3x3 144 @56",
      { XAI__CONV,
        144,
        56,
        56,
        144,
        { 3, 3 },
        { 1, 1 },
        { 1, 1 },
        { 1, 1, 1, 1 },
        144,
        0,
        0,
        XAI__BLOCKED,
        XAI__BLOCKED } },
    { "depthwise 5x5/2 240 @28",
      { XAI__CONV,
        240,
        28,
        28,
        240,
        { 5, 5 },
        { 2, 2 },
        { 1, 1 },
        { 2, 2, 2, 2 },
        240,
        0,
        0,
        XAI__BLOCKED,
        XAI__BLOCKED } },
    { "32 groups 3x3 128 @56",
      { XAI__CONV,
        128,
        56,
        56,
        128,
        { 3, 3 },
        { 1, 1 },
        { 1, 1 },
        { 1, 1, 1, 1 },
        32,
        0,
        0,
        XAI__BLOCKED,
        XAI__BLOCKED } },
    { "fc 512->1000",
      { XAI__GEMM, 512, 1, 1, 1000, { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0, 0, 0, 0 }, 1, 0, 0, XAI__PLAIN, XAI__PLAIN } },
    { "max 3x3/2 64 @112",
      { XAI__POOL,
        64,
        112,
        112,
        64,
        { 3, 3 },
        { 2, 2 },
        { 1, 1 },
        { 1, 1, 1, 1 },
        1,
        XAI__POOL_MAX,
        0,
        XAI__BLOCKED,
        XAI__BLOCKED } },
    { "max pool gradient @56",
      { XAI__POOL_DATA,
        64,
        56,
        56,
        64,
        { 3, 3 },
        { 2, 2 },
        { 1, 1 },
        { 1, 1, 1, 1 },
        1,
        XAI__POOL_MAX,
        0,
        XAI__BLOCKED,
        XAI__BLOCKED } },
    { "gradient 3x3/2 128 @28", GRADIENT(128, 28, 64, 3, 1) },
    { "gradient 3x3/2 256 @14", GRADIENT(256, 14, 128, 3, 1) },
    { "gradient 3x3/2 512 @7", GRADIENT(512, 7, 256, 3, 1) },
    { "gradient 1x1/2 128 @28", GRADIENT(128, 28, 64, 1, 0) },
    { "gradient 1x1/2 512 @7", GRADIENT(512, 7, 256, 1, 0) },
    { "gradient stem 7x7/2 64->3",
      { XAI__CONV_DATA,
        64,
        112,
        112,
        3,
        { 7, 7 },
        { 2, 2 },
        { 1, 1 },
        { 3, 3, 3, 3 },
        1,
        0,
        0,
        XAI__BLOCKED,
        XAI__PLAIN } },
    { "gradient stem 3x3/2 32->3",
      { XAI__CONV_DATA,
        32,
        112,
        112,
        3,
        { 3, 3 },
        { 2, 2 },
        { 1, 1 },
        { 1, 1, 1, 1 },
        1,
        0,
        0,
        XAI__BLOCKED,
        XAI__PLAIN } },
    { "gradient stem 3x3 16->3",
      { XAI__CONV_DATA,
        16,
        32,
        32,
        3,
        { 3, 3 },
        { 1, 1 },
        { 1, 1 },
        { 1, 1, 1, 1 },
        1,
        0,
        0,
        XAI__BLOCKED,
        XAI__PLAIN } },
    { "3x3 16->3 @32",
      { XAI__CONV, 16, 32, 32, 3, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1, 0, 0, XAI__BLOCKED, XAI__PLAIN } },
    { "average 7x7 512",
      { XAI__POOL,
        512,
        7,
        7,
        512,
        { 7, 7 },
        { 1, 1 },
        { 1, 1 },
        { 0, 0, 0, 0 },
        1,
        XAI__POOL_AVERAGE,
        0,
        XAI__BLOCKED,
        XAI__BLOCKED } },
    { "plain to blocked 64 @56",
      { XAI__MAP, 64, 56, 56, 64, { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0, 0, 0, 0 }, 1, 0, 0, XAI__PLAIN, XAI__BLOCKED } },
    { "blocked to plain 64 @56",
      { XAI__MAP, 64, 56, 56, 64, { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0, 0, 0, 0 }, 1, 0, 0, XAI__BLOCKED, XAI__PLAIN } },
};

static double peak(const char *level)
{
    double (*flop)(size_t, float *) = peak_flop_baseline;
    double best = 0;

#ifdef __x86_64__
    if (strcmp(level, "avx2") == 0)
        flop = peak_flop_avx2;
    if (strcmp(level, "avx512") == 0)
        flop = peak_flop_avx512;
#endif
    for (int i = 0; i < 40; i++) { /* the best: others may be using the processor */
        float sink[32] = { 0 };
        double start = runner_now(), n = flop(2000000, sink), rate = n / (runner_now() - start);

        best = rate > best ? rate : best;
    }
    return best;
}

static double flop_of(const problem *p)
{
    const xai__op_desc *d = &p->desc;
    double outputs = (double)d->out_c * d->out_h * d->out_w, depth = (double)d->in_c / d->groups;

    return d->op == XAI__CONV_DATA
               ? 2.0 * d->in_c * d->in_h * d->in_w * d->out_c / d->groups * d->kernel_h * d->kernel_w
           : d->op == XAI__CONV ? 2 * outputs * depth * d->kernel_h * d->kernel_w
           : d->op == XAI__GEMM ? 2 * outputs * depth
                                : 0;
}

static double time_run(const planned *k, const xai__args *args)
{
    double start = runner_now();

    runner_run(k, args, 0);
    return runner_now() - start;
}

static void bench_row(const runner *r, const struct row *row, uint32_t n_images, double limit)
{
    double best = 1e9, flop;
    size_t n_tasks;
    problem p;
    planned k;
    xai__args args;

    problem_make_plain(&p, &row->shape, n_images);
    k = runner_plan(r, &p, p.desc.n_stages);
    args = runner_args(&p, &k);
    n_tasks = xai__kernel_n_tasks(k.kernel, &args);
    for (int i = 0; i < ROUNDS; i++) {
        double t = time_run(&k, &args);

        best = t < best ? t : best;
    }
    flop = flop_of(&p);
    printf("# %-9s %-26s x%-2u %9.1f us an image, %4zu tasks of %6.1f us", r->level, row->name, n_images,
           1e6 * best / n_images, n_tasks, 1e6 * best / (double)n_tasks);
    if (flop > 0)
        printf(", %6.1f GFLOP/s, %5.1f %%", 1e-9 * flop * n_images / best, 100 * flop * n_images / best / limit);
    printf("\n");
    fflush(stdout);
    runner_free(r, &k);
    problem_free(&p);
}

void bench_level(const runner *r)
{
    double limit = peak(r->level);

    printf("# %s: peak %.1f GFLOP/s\n", r->level, 1e-9 * limit);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bench_row(r, &rows[i], 1, limit);
        bench_row(r, &rows[i], 8, limit);
    }
}
