/* SPDX-License-Identifier: MIT
 * Hooks: attached to a value of a session, delivered by its runs. */
#include <xai/hook.h>

#include "core/error.h"
#include "core/memory.h"
#include "graph/names.h"
#include "runtime/session.h"

static void free_hook(xai_hook *hook)
{
    xai_context *context = hook->object.context;

    if (hook->destroy != NULL)
        hook->destroy(hook->user);
    xai_tensor_unref(hook->captured);
    xai__free(context, hook);
    xai_context_unref(context);
}

/* Takes dropped hooks off the list, as a list of their own. A run walks the hooks without the lock, so nothing may
 * leave while one goes on. */
static xai_hook *unlink_dropped(xai_session *session)
{
    xai_hook *dropped = NULL, **link = &session->hooks;

    while (*link != NULL) {
        xai_hook *hook = *link;

        if (!atomic_load(&hook->is_dropped)) {
            link = &hook->next;
            continue;
        }
        *link = hook->next;
        hook->next = dropped;
        dropped = hook;
    }
    return dropped;
}

void xai__session_sweep(xai_session *session)
{
    xai_hook *dropped = session->is_running ? NULL : unlink_dropped(session);

    if (dropped == NULL)
        return;
    /* A destroy callback may call the library. */
    pthread_mutex_unlock(&session->lock);
    while (dropped != NULL) {
        xai_hook *next = dropped->next;

        free_hook(dropped);
        dropped = next;
    }
    pthread_mutex_lock(&session->lock);
}

bool xai__session_is_edited(xai_session *session)
{
    bool is_edited = false;

    pthread_mutex_lock(&session->lock);
    for (const xai_hook *hook = session->hooks; hook != NULL && !is_edited; hook = hook->next)
        is_edited = hook->kind == XAI_HOOK_EDIT && !atomic_load(&hook->is_dropped);
    pthread_mutex_unlock(&session->lock);
    return is_edited;
}

/* At the end: hooks on one value fire in the order in which they were attached. */
static xai_status append(xai_session *session, xai_hook *hook)
{
    xai_status status = XAI_OK;
    xai_hook **link = &session->hooks;

    pthread_mutex_lock(&session->lock);
    if (session->is_running) {
        status = xai__fail(XAI_E_BUSY, "the session is running a forward pass");
    } else {
        while (*link != NULL)
            link = &(*link)->next;
        *link = hook;
    }
    pthread_mutex_unlock(&session->lock);
    return status;
}

static xai_status check(xai_hook **out, const xai_session *session, const char *value, uint32_t kind, xai_hook_fn call)
{
    if (out == NULL || session == NULL || value == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : session == NULL ? "session" : "value");
    if (kind > XAI_HOOK_EDIT)
        return xai__fail(XAI_E_INVALID, "there is no kind %u of hook", kind);
    if (call == NULL && kind != XAI_HOOK_CAPTURE)
        return xai__fail(XAI_E_INVALID, "a hook that observes or edits needs a callback");
    return XAI_OK;
}

xai_status xai_hook_attach(xai_hook **out, xai_session *session, const char *value, uint32_t kind, xai_hook_fn call,
                           void *user, xai_destroy_fn destroy)
{
    xai_context *context;
    xai_hook *hook;
    xai_status status;
    int32_t index;

    XAI__ENTER(out);
    status = check(out, session, value, kind, call);
    if (status == XAI_OK)
        status = xai__graph_find(&index, &session->model->graph, value);
    if (status < 0)
        return status;
    context = session->object.context;
    hook = xai__zalloc_array(context, 1, sizeof *hook);
    if (hook == NULL)
        return XAI_E_NO_MEMORY;
    hook->value = index;
    hook->kind = kind;
    hook->call = call;
    hook->user = user;
    atomic_init(&hook->is_dropped, false);
    xai__object_init(&hook->object, context);
    hook->session = xai_session_ref(session);
    /* Whole before it is on the list: another thread's forward pass may fire it at once. */
    status = append(session, hook);
    if (status < 0) {
        free_hook(hook); /* has no destroy yet: user stays the caller's */
        xai_session_unref(session);
        return status;
    }
    hook->destroy = destroy;
    *out = hook;
    return XAI_OK;
}

xai_hook *xai_hook_ref(xai_hook *hook)
{
    if (hook != NULL)
        xai__object_ref(&hook->object);
    return hook;
}

void xai_hook_unref(xai_hook *hook)
{
    xai_session *session;

    if (hook == NULL || !xai__object_unref(&hook->object))
        return;
    session = hook->session;
    pthread_mutex_lock(&session->lock);
    atomic_store(&hook->is_dropped, true);
    xai__session_sweep(session);
    pthread_mutex_unlock(&session->lock);
    xai_session_unref(session);
}

const char *xai_hook_value(const xai_hook *hook)
{
    return hook->session->model->graph.values[hook->value].name;
}

xai_status xai_hook_output(xai_tensor **out, const xai_hook *hook)
{
    XAI__ENTER(out);
    if (out == NULL || hook == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "hook");
    if (hook->kind != XAI_HOOK_CAPTURE)
        return xai__fail(XAI_E_INVALID, "the hook on '%s' does not capture", xai_hook_value(hook));
    if (hook->captured == NULL)
        return xai__fail(XAI_E_NOT_FOUND, "'%s' was not computed yet", xai_hook_value(hook));
    *out = xai_tensor_ref(hook->captured);
    return XAI_OK;
}
