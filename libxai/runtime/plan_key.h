/* SPDX-License-Identifier: MIT
 * Keys of plans: what is fed, computed and delivered. */
#ifndef XAI__RUNTIME_PLAN_KEY_H
#define XAI__RUNTIME_PLAN_KEY_H

#include "graph/graph.h"

/* What a plan is compiled for: the key in the model's cache. */
typedef struct xai__plan_key {
    const xai__graph *graph;
    struct xai__gradient *gradient; /* that the graph belongs to; NULL: it is the model's own */
    uint32_t purpose;
    size_t n_early;       /* nodes that run before the last feed is there; all of them where there is one feed */
    const int32_t *feeds; /* values; the second, if there is one, is a gradient's seed */
    size_t n_feeds;
    const int32_t *taps; /* values delivered, ascending: fetches and hooked values */
    size_t n_taps;
    const int32_t *cuts; /* values that a hook may edit, ascending; each is a tap too */
    size_t n_cuts;
    const int32_t *fetches; /* values that must be computed, ascending; each is a tap too */
    size_t n_fetches;
} xai__plan_key;

/* Copies a key with its arrays, which lie in one block that *values points to, for the caller to free. */
xai_status xai__plan_key_copy(xai__plan_key *out, int32_t **values, xai_context *context, const xai__plan_key *key);

bool xai__plan_key_equal(const xai__plan_key *a, const xai__plan_key *b);

#endif
