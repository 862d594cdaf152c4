/* SPDX-License-Identifier: MIT
 * Runs kernels. */
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/native/native.h"
#include "core/context.h"

static bool open_chain(runner *r, const char *label, const char *backends)
{
    xai_context_options options = { .struct_size = sizeof options, .backends = backends, .n_threads = 1 };

    *r = (runner){ .level = label };
    if (xai_context_create(&r->context, &options) == XAI_OK && xai__chain_open(&r->chain, r->context) == XAI_OK)
        return true;
    runner_close(r);
    return false;
}

bool runner_open(runner *r, const char *level)
{
    char name[32];

    snprintf(name, sizeof name, "native-%s", level);
    return open_chain(r, level, name);
}

bool runner_open_backend(runner *r, const char *name)
{
    return open_chain(r, name, name);
}

void runner_close(runner *r)
{
    xai__chain_close(r->chain);
    xai_context_unref(r->context);
    *r = (runner){ 0 };
}

void runner_favour(runner *r, xai__level *level, int32_t tile)
{
    *level = *(const xai__level *)xai__native_level(r->level, r->context->cpu_features);
    level->costs.weights = 0;
    level->costs.winograd_in[tile == 4] = -1e9f;
    r->favoured = level;
    r->purpose = XAI__THROUGHPUT;
}

static xai_status plan(xai__kernel **out, const runner *r, const xai__op_desc *desc)
{
    if (r->favoured != NULL)
        return xai__backend_native.plan(out, r->favoured, r->context, desc);
    return xai__chain_plan(out, r->chain, desc);
}

static void *rubbish(size_t size)
{
    void *data = NULL;

    if (posix_memalign(&data, 64, size > 0 ? size : 1) != 0)
        abort();
    memset(data, 0xff, size);
    return data;
}

/* A part that has weights of its own is given no others, so that address sanitizers see whether that is true. */
static void pack_part(const planned *k, const problem *p, const xai__op_desc *desc, size_t part)
{
    const xai__packing *packing = &k->kernel->packing;
    const size_t first = part * packing->part_size;
    size_t n = p->n_weights - first;
    float *own;

    if (packing->part_size > 0 && n > packing->part_size)
        n = packing->part_size;
    own = malloc(n * sizeof *own);
    if (own == NULL)
        abort();
    memcpy(own, p->weights + first, n * sizeof *own);
    packing->pack(k->packed, own, desc, part);
    free(own);
}

planned runner_plan(const runner *r, const problem *p, uint32_t n_stages)
{
    xai__op_desc desc = p->desc;
    planned k = { 0 };

    desc.n_stages = n_stages;
    desc.purpose = r->purpose;
    if (plan(&k.kernel, r, &desc) != XAI_OK)
        return k;
    k.packed = rubbish(k.kernel->packing.bytes);
    k.scratch = rubbish(k.kernel->task_scratch);
    for (size_t i = k.kernel->packing.n_parts; i-- > 0;)
        pack_part(&k, p, &desc, i);
    return k;
}

void runner_free(const runner *r, planned *k)
{
    xai__kernel_free(k->kernel, r->context);
    free(k->packed);
    free(k->scratch);
    *k = (planned){ 0 };
}

xai__args runner_args(const problem *p, const planned *k)
{
    return (xai__args){
        .n_images = p->n_images,
        .in = p->in.view,
        .out = p->out.view,
        .operands = p->operand_views,
        .packed = k->kernel->packing.format != 0 ? k->packed : p->weights,
    };
}

void runner_run(const planned *k, const xai__args *args, uint32_t order)
{
    size_t n = xai__kernel_n_tasks(k->kernel, args);

    for (size_t i = 0; i < n; i++) {
        size_t index = order == 0 ? i : order == 1 ? n - 1 - i : (i % 2 == 0 ? i / 2 : n - 1 - i / 2);

        if (k->kernel->task_scratch > 0)
            memset(k->scratch, 0xff, k->kernel->task_scratch);
        xai__kernel_task(k->kernel, args, index, k->scratch);
    }
}

double runner_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
