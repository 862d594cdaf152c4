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

/* Where a place of a plan lies in some memory; data NULL: nowhere. */
typedef xai__view (*xai__locate_fn)(const void *memory, int32_t place);

/* What a kernel is called with. The arguments point into it, so it stays where it is. */
typedef struct xai__call {
    xai__args args; /* n_images, windows and shared_scratch are the caller's to set */
    xai__view operands[XAI__MAX_STAGES], stores[XAI__MAX_STAGES + 1];
} xai__call;

void xai__call_bind(xai__call *call, const xai__plan *plan, const xai__step *step, xai__locate_fn locate,
                    const void *memory);

/* All tasks of a bound kernel, each lane with task_scratch bytes of scratch memory. */
void xai__call_run(const xai__call *call, const xai__step *step, xai__team *team, void *scratch, size_t task_scratch);

struct xai__op_window;

/* One image of a step by reference, or a window of it (NULL: everything). */
void xai__step_compute(const xai__plan *plan, const xai__step *step, size_t image, const struct xai__op_window *window,
                       xai__locate_fn locate, const void *memory);

/* One image of a place's value, compact, from where the place begins. */
void xai__place_read(float *out, const xai__plan *plan, const xai__place *place, const float *from);

#endif
