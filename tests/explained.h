/* SPDX-License-Identifier: MIT
 * A small network with a session and an input, for tests of explainers. */
#ifndef XAI_EXPLAINED_H
#define XAI_EXPLAINED_H

#include <math.h>

#include "core/memory.h"
#include "networks.h"

typedef struct explained {
    xai_context *context;
    xai_model *model;
    xai_session *session;
    xai_tensor *input;
} explained;

/* Takes over the context; a budget of 0 is the default. */
static inline explained explained_in(xai_context *context, xai_model *(*make)(xai_context *context), uint64_t budget)
{
    explained e = { .context = context };

    e.model = make(e.context);
    e.input = network_input(e.model, 1, 4);
    e.session = network_session(e.model, budget);
    return e;
}

static inline explained explained_begin(xai_model *(*make)(xai_context *context))
{
    return explained_in(testing_context(1), make, 0);
}

static inline void explained_end(explained *e)
{
    xai_tensor_unref(e->input);
    xai_session_unref(e->session);
    xai_model_unref(e->model);
    xai_context_unref(e->context);
}

static inline xai_tensor *explained_raw_map(const xai_attribution *a)
{
    xai_tensor *map = NULL;

    ck_assert_ok(xai_attribution_map(&map, a, 0, 0, XAI_NORMALISE_NONE));
    return map;
}

static inline double explained_correlation(const xai_tensor *a, const xai_tensor *b)
{
    double sums[5] = { 0 }, n = (double)a->size;

    for (size_t i = 0; i < a->size; i++) {
        double x = a->data[i], y = b->data[i];

        sums[0] += x;
        sums[1] += y;
        sums[2] += x * x;
        sums[3] += y * y;
        sums[4] += x * y;
    }
    return (sums[4] - sums[0] * sums[1] / n) /
           sqrt((sums[2] - sums[0] * sums[0] / n) * (sums[3] - sums[1] * sums[1] / n));
}

/* What a context holds of memory. */
typedef struct explained_ledger {
    int64_t bytes, calls;
} explained_ledger;

static inline void *explained_allocate(size_t size, size_t alignment, void *user)
{
    explained_ledger *l = user;

    l->bytes += (int64_t)size;
    l->calls++;
    return xai__system_allocator.allocate(size, alignment, xai__system_allocator.user);
}

static inline void explained_release(void *data, size_t size, void *user)
{
    explained_ledger *l = user;

    l->bytes -= (int64_t)size;
    xai__system_allocator.release(data, size, xai__system_allocator.user);
}

/* The ledger has to outlive it. */
static inline explained explained_counting(xai_model *(*make)(xai_context *context), explained_ledger *ledger)
{
    const xai_allocator allocator = { explained_allocate, explained_release, ledger };
    const xai_context_options options = { .struct_size = sizeof options, .allocator = &allocator, .n_threads = 1 };
    xai_context *context = NULL;

    ck_assert_ok(xai_context_create(&context, &options));
    return explained_in(context, make, 0);
}

#endif
