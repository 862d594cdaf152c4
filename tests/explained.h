/* SPDX-License-Identifier: MIT
 * A small network with a session and an input, for tests of explainers. */
#ifndef XAI_EXPLAINED_H
#define XAI_EXPLAINED_H

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

#endif
