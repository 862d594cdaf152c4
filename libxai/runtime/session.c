/* SPDX-License-Identifier: MIT
 * Sessions: a model being run. */
#include "runtime/session.h"

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/tensor.h"
#include "graph/names.h"

/* Of memory for a run's values; a batch that needs more is run in chunks. */
enum { DEFAULT_BUDGET = 256 << 20 };

/* --- handles --- */

xai_status xai_session_create(xai_session **out, xai_model *model, const xai_session_options *options)
{
    xai_session_options read;
    xai_session *session;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || model == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "model");
    status = XAI__OPTIONS_READ(&read, options);
    if (status < 0)
        return status;
    if (read.purpose > XAI_PURPOSE_WINDOWED || read.reserved != 0)
        return xai__fail(XAI_E_INVALID, "purpose is %u, reserved is %u", read.purpose, read.reserved);
    session = xai__zalloc_array(model->object.context, 1, sizeof *session);
    if (session == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&session->object, model->object.context);
    session->model = xai_model_ref(model);
    session->memory_budget = read.memory_budget != 0 ? read.memory_budget : DEFAULT_BUDGET;
    session->purpose = read.purpose;
    atomic_init(&session->cancel, false);
    pthread_mutex_init(&session->lock, NULL);
    *out = session;
    return XAI_OK;
}

xai_session *xai_session_ref(xai_session *session)
{
    if (session != NULL)
        xai__object_ref(&session->object);
    return session;
}

void xai_session_unref(xai_session *session)
{
    xai_context *context;

    if (session == NULL || !xai__object_unref(&session->object))
        return;
    context = session->object.context;
    pthread_mutex_lock(&session->lock);
    xai__session_sweep(session); /* every hook had a reference to the session, so all of them are dropped */
    pthread_mutex_unlock(&session->lock);
    pthread_mutex_destroy(&session->lock);
    xai__free(context, session->arena);
    xai__free(context, session->scratch);
    xai_model_unref(session->model);
    xai__free(context, session);
    xai_context_unref(context);
}

void xai_session_cancel(xai_session *session)
{
    atomic_store(&session->cancel, true);
}

/* One run at a time: its arena and the list of hooks belong to it. Who comes second is told, not kept waiting: the
 * first may be waiting in a hook for what the second was to do. */
xai_status xai__session_claim(xai_session *session)
{
    xai_status status = XAI_OK;

    pthread_mutex_lock(&session->lock);
    if (session->is_running) {
        status = xai__fail(XAI_E_BUSY, "the session is running a forward pass");
    } else {
        xai__session_sweep(session);
        session->is_running = true;
    }
    pthread_mutex_unlock(&session->lock);
    return status;
}

void xai__session_release(xai_session *session)
{
    pthread_mutex_lock(&session->lock);
    session->is_running = false;
    xai__session_sweep(session);
    pthread_mutex_unlock(&session->lock);
}

/* --- forward passes --- */

static xai_status run_to_output(xai_tensor **out, xai_session *session, int32_t feed, const xai_tensor *fed)
{
    const xai__request request = {
        .feed = feed, .fed = fed, .fetches = &session->model->graph.output, .n_fetches = 1, .fires_hooks = true
    };

    return xai__session_run(out, session, &request);
}

static xai_status check_arguments(xai_tensor **out, const xai_session *session, const void *input)
{
    if (out == NULL || session == NULL || input == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : session == NULL ? "session" : "the input");
    return XAI_OK;
}

xai_status xai_session_forward(xai_tensor **out, xai_session *session, const xai_tensor *input)
{
    xai_status status;

    XAI__ENTER(out);
    status = check_arguments(out, session, input);
    return status < 0 ? status : run_to_output(out, session, session->model->graph.input, input);
}

xai_status xai_session_forward_from(xai_tensor **out, xai_session *session, const char *value, const xai_tensor *fed)
{
    xai_status status;
    int32_t feed;

    XAI__ENTER(out);
    status = check_arguments(out, session, fed);
    if (status == XAI_OK && value == NULL)
        status = xai__fail(XAI_E_INVALID, "value is NULL");
    if (status == XAI_OK)
        status = xai__graph_find(&feed, &session->model->graph, value);
    return status < 0 ? status : run_to_output(out, session, feed, fed);
}
