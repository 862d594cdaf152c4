/* SPDX-License-Identifier: MIT
 * What the list of stages costs: convolution, affine and ReLU as stages and hard-coded, in turns, on one thread.
 *
 * Usage: epilogue [ROUNDS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "backends/native/kernel.h"
#include "backends/native/native.h"
#include "core/context.h"
#include "core/memory.h"

extern const xai__dot_table bench_dot_baseline, bench_dot_avx2, bench_dot_avx512;

static const struct shape {
    int32_t in_c, out_c, size, kernel;
} shapes[] = { { 64, 64, 56, 3 }, { 24, 144, 56, 1 }, { 64, 64, 56, 1 }, { 512, 512, 7, 3 } };

typedef struct problem {
    xai__native_kernel *kernel;
    xai__args args;
    float *scale, *shift, *packed, *raw;
    xai__stage stages[2];
    xai__op_desc desc;
} problem;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *numbers(xai_context *context, size_t n)
{
    float *data = xai__alloc_array(context, n, sizeof *data);

    if (data == NULL)
        exit(EXIT_FAILURE);
    for (size_t i = 0; i < n; i++)
        data[i] = (float)((int)(i * 2654435761u >> 20 & 1023) - 512) / 512.0f;
    return data;
}

static xai__view map(xai_context *context, int32_t channels, int32_t size)
{
    int64_t row = size * XAI__BLOCK, block = size * row;
    size_t n = (size_t)(xai__blocks_of(channels) * block);

    return (xai__view){ numbers(context, n), (int64_t)n, block, row, XAI__BLOCK };
}

static void set_up(problem *p, xai_context *context, const struct shape *s, const xai__level *level)
{
    size_t depth = (size_t)(s->in_c * s->kernel * s->kernel);
    const xai__backend *native = &xai__backend_native;
    xai__kernel *kernel;

    p->scale = numbers(context, (size_t)s->out_c + XAI__BLOCK);
    p->shift = numbers(context, (size_t)s->out_c + XAI__BLOCK);
    p->stages[0] = (xai__stage){
        .kind = XAI__AFFINE, .scale = p->scale, .shift = p->shift, .operand = -1, .keeps_zero = true
    };
    p->stages[1] = (xai__stage){ .kind = XAI__ACT, .function = XAI__RELU, .operand = -1, .keeps_zero = true };
    p->desc = (xai__op_desc){ .op = XAI__CONV,
                              .purpose = XAI__WINDOWED, /* sums directly */
                              .n_stages = 2,
                              .groups = 1,
                              .in_c = s->in_c,
                              .in_h = s->size,
                              .in_w = s->size,
                              .out_c = s->out_c,
                              .out_h = s->size,
                              .out_w = s->size,
                              .kernel_h = s->kernel,
                              .kernel_w = s->kernel,
                              .stride_h = 1,
                              .stride_w = 1,
                              .dilation_h = 1,
                              .dilation_w = 1,
                              .pad_top = s->kernel / 2,
                              .pad_left = s->kernel / 2,
                              .in_layout = XAI__BLOCKED,
                              .out_layout = XAI__BLOCKED,
                              .stages = p->stages };
    if (native->plan(&kernel, (void *)level, context, &p->desc) < 0)
        exit(EXIT_FAILURE);
    p->kernel = (xai__native_kernel *)kernel;
    p->raw = numbers(context, (size_t)s->out_c * depth);
    p->packed = numbers(context, kernel->packing.bytes / sizeof(float));
    for (size_t i = 0; i < kernel->packing.n_parts; i++)
        kernel->packing.pack(p->packed, p->raw + i * kernel->packing.part_size, &p->desc, i);
    p->args = (xai__args){ .n_images = 1, .packed = p->packed };
    p->args.in = map(context, s->in_c, s->size);
    p->args.out = map(context, s->out_c, s->size);
}

static void tear_down(problem *p, xai_context *context)
{
    xai__free(context, p->scale);
    xai__free(context, p->shift);
    xai__free(context, p->raw);
    xai__free(context, p->packed);
    xai__free(context, p->args.in.data);
    xai__free(context, p->args.out.data);
    xai__free(context, p->kernel);
}

static double time_once(const problem *p, const xai__level *level)
{
    double start = now();

    p->kernel->level = level;
    for (size_t i = 0, n = xai__grid_n_tasks(p->kernel, &p->args); i < n; i++)
        xai__grid_task(p->kernel, &p->args, i, NULL);
    return now() - start;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void bench(xai_context *context, const struct shape *s, const xai__level *level, const xai__dot_table *fixed,
                  size_t rounds)
{
    const xai__level hard = { level->name, level->cpu_features, fixed, level->lane };
    double *staged = malloc(rounds * sizeof *staged), *coded = malloc(rounds * sizeof *coded);
    double flop = 2.0 * s->in_c * s->out_c * s->size * s->size * s->kernel * s->kernel;
    problem p;

    if (staged == NULL || coded == NULL)
        exit(EXIT_FAILURE);
    set_up(&p, context, s, level);
    for (size_t i = 0; i < rounds; i++) {
        staged[i] = time_once(&p, level);
        coded[i] = time_once(&p, &hard);
    }
    qsort(staged, rounds, sizeof *staged, compare);
    qsort(coded, rounds, sizeof *coded, compare);
    printf("%-9s %3d -> %3d %dx%d at %3d: hard-coded %8.1f us, stages %8.1f us (%5.1f GFLOP/s), %+5.2f %% (medians), "
           "%+5.2f %% (minima)\n",
           level->name, s->in_c, s->out_c, s->kernel, s->kernel, s->size, 1e6 * coded[rounds / 2],
           1e6 * staged[rounds / 2], 1e-9 * flop / staged[rounds / 2],
           100 * (staged[rounds / 2] / coded[rounds / 2] - 1), 100 * (staged[0] / coded[0] - 1));
    tear_down(&p, context);
    free(staged);
    free(coded);
}

int main(int argc, char **argv)
{
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 301;
    xai_context *context;

    if (rounds == 0 || xai_context_create(&context, NULL) < 0)
        return EXIT_FAILURE;
    for (size_t l = 0; xai__level_at(l) != NULL; l++) {
        const xai__level *level = xai__level_find(xai__level_at(l)->name, context->cpu_features);
        const xai__dot_table *fixed = &bench_dot_baseline;

        if (level == NULL)
            continue;
#ifdef __x86_64__
        if (level->cpu_features != 0)
            fixed = level->name[3] == '2' ? &bench_dot_avx2 : &bench_dot_avx512;
#endif
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            bench(context, &shapes[i], level, fixed, rounds);
    }
    xai_context_unref(context);
    return EXIT_SUCCESS;
}
