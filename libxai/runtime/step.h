/* SPDX-License-Identifier: MIT
 * Running a plan: step after step over as many images as fit into the arena. */
#ifndef XAI__RUNTIME_STEP_H
#define XAI__RUNTIME_STEP_H

#include "core/threads.h"
#include "runtime/plan.h"

/* Called for each tap, in graph order, when its value is complete for all images: shows taps[tap] to those who want it.
 * What it left there is written back if the value is one that may be edited. A negative status ends the run. */
typedef xai_status (*xai__deliver_fn)(void *user, size_t tap, xai_tensor *value);

/* Called for images first to first + n, once everything before the seed is computed: fills their part of the fed seed
 * for a target. A negative status ends the run. */
typedef xai_status (*xai__seed_fn)(void *user, size_t target, size_t first, size_t n);

/* A run of a whole batch. */
typedef struct xai__run {
    const xai__plan *plan;
    const xai_tensor *const *fed; /* one a feed of the key */
    xai_tensor **taps;            /* one a tap of the key: N x shape, filled by the run */
    xai_tensor **late_taps;       /* one a target and tap: those behind the seed; the others NULL */
    size_t n_targets;             /* times that the steps behind the seed run */
    xai__seed_fn seed;
    size_t n_images, chunk; /* in all; at a time */
    float *arena;           /* plan->arena * chunk */
    void *task_scratch;     /* plan->task_scratch a lane */
    xai__team *team;
    xai__deliver_fn deliver;
    void *user;
    atomic_bool *cancel;
} xai__run;

xai_status xai__run_plan(const xai__run *run);

#endif
