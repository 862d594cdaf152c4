/* SPDX-License-Identifier: MIT
 * Runs a kernel as the runtime does, only less kindly: tasks in any order, scratch memory full of rubbish. */
#ifndef XAI_TESTS_KERNELS_RUNNER_H
#define XAI_TESTS_KERNELS_RUNNER_H

#include "backends/native/run.h"
#include "backends/registry.h"
#include "problem.h"

typedef struct runner {
    xai_context *context;
    xai__chain *chain;
    const char *level; /* "avx2" */
    uint32_t purpose;
    xai__level *favoured; /* in place of the chain's: the level with other costs, so that another method is chosen */
} runner;

/* False if the processor lacks the level. */
bool runner_open(runner *r, const char *level);

/* Of another backend; false if the build lacks it. */
bool runner_open_backend(runner *r, const char *name);
void runner_close(runner *r);

/* Makes it choose Winograd's filtering of this tile, 2 or 4, wherever there is any. */
void runner_favour(runner *r, xai__level *level, int32_t tile);

/* A kernel for the first n_stages of the problem, with its weights packed; kernel NULL if no backend takes it. */
typedef struct planned {
    xai__kernel *kernel;
    float *packed;
    void *scratch;
} planned;

planned runner_plan(const runner *r, const problem *p, uint32_t n_stages);
void runner_free(const runner *r, planned *k);

/* Everything there is to a problem: all images, no taps, no windows. */
xai__args runner_args(const problem *p, const planned *k);

/* order: 0 as they come, 1 backwards, else scattered. */
void runner_run(const planned *k, const xai__args *args, uint32_t order);

double runner_now(void);

#endif
