/* SPDX-License-Identifier: MIT
 * Sessions, as explainers use them: any values fetched from any value fed. */
#ifndef XAI__RUNTIME_SESSION_H
#define XAI__RUNTIME_SESSION_H

#include <pthread.h>
#include <stdatomic.h>

#include <xai/hook.h>

#include "model/model.h"

struct xai_session {
    xai__object object;
    xai_model *model;
    uint64_t memory_budget;
    uint32_t purpose;
    atomic_bool cancel;
    pthread_mutex_t lock; /* for what follows */
    bool is_running;
    xai_hook *hooks; /* in order of attachment; not references: a hook keeps its session alive */

    /* Of the run in progress. */
    float *arena;
    size_t arena_size; /* floats */
    void *scratch;
    size_t scratch_size; /* bytes */
};

struct xai_hook {
    xai__object object;
    xai_session *session;
    xai_hook *next;
    int32_t value;
    uint32_t kind;
    xai_hook_fn call;
    void *user;
    xai_destroy_fn destroy;
    atomic_bool is_dropped; /* the session takes it off when it is not running */
    xai_tensor *captured;
};

/* Gradients of one value, behind the forward pass of a request. */
typedef struct xai__backward {
    int32_t of;         /* value that is differentiated */
    uint32_t rule;      /* one of enum xai__relu_rule */
    const int32_t *wrt; /* values, or parameters, whose gradients are wanted */
    size_t n_wrt;
    size_t n_targets; /* seeds; all share the forward pass */

    /* Fills the seed of images first to first + n, seed + first * size of the value: the gradient of the target's score
     * with respect to `of`. What the request fetches is complete for these images. */
    xai_status (*seed)(void *user, float *seed, size_t target, size_t first, size_t n, xai_tensor *const *fetched);
    void *user;
    xai_tensor **out; /* room for n_targets x n_wrt: N x the value's shape each, new references; NULL on failure */
} xai__backward;

/* What to compute from what. */
typedef struct xai__request {
    int32_t feed;          /* value */
    const xai_tensor *fed; /* N x its shape */
    const int32_t *fetches;
    size_t n_fetches;
    bool fires_hooks;              /* capture and observe hooks too; edit hooks always apply */
    bool is_windowed;              /* in the plan for windows, whatever the session's purpose */
    const xai__backward *backward; /* NULL: no gradients */
} xai__request;

/* Runs the session. out has room for n_fetches tensors, N x the value's shape each, new references; all NULL on
 * failure. */
xai_status xai__session_run(xai_tensor **out, xai_session *session, const xai__request *request);

/* Fails unless tensor is N x the value's shape; N through n_images. */
xai_status xai__check_fed(size_t *n_images, const xai__graph *graph, int32_t value, const xai_tensor *tensor);

/* True if every backend that the model's context names keeps the bit promises. Opens them if need be. */
xai_status xai__model_is_exact(bool *out, xai_model *model);

/* The right to run the session, for one at a time: XAI_E_BUSY if it is taken. Its hooks stay as they are until it is
 * given back. */
xai_status xai__session_claim(xai_session *session);
void xai__session_release(xai_session *session);

/* Is there an edit hook? */
bool xai__session_is_edited(xai_session *session);

/* Frees hooks that were dropped while the session ran. The session's lock is held, and is released meanwhile. */
void xai__session_sweep(xai_session *session);

#endif
