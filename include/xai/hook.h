/* SPDX-License-Identifier: MIT
 * Hooks: look at any named value while a session runs, keep it, or change it. */
#ifndef XAI_HOOK_H
#define XAI_HOOK_H

#include <xai/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A hook on one value of a session. It ends with its last reference or with the session, whichever comes first. @since
 * 0.1 */
typedef struct xai_hook xai_hook;

/** What a hook does. @since 0.1 */
enum xai_hook_kind {
    XAI_HOOK_CAPTURE = 0, /**< Keep the value of the last forward pass for xai_hook_output(). Needs no callback. */
    XAI_HOOK_OBSERVE = 1, /**< Show the value to a callback, which must not write it. */
    XAI_HOOK_EDIT = 2     /**< Show the value to a callback that may write it; everything downstream sees the change. */
};

/**
 * Receive a hooked value.
 *
 * @param hook   The hook; borrowed.
 * @param value  The whole batch, N x the value's shape for one image (N x C x H x W), compact; borrowed for the call.
 * Only an EDIT hook may write it.
 * @param user   The pointer given to xai_hook_attach().
 * @return 0 to go on; anything else ends the forward pass with XAI_E_CALLBACK.
 *
 * Runs on the thread that called xai_session_forward(), once per forward pass, in the order in which values are
 * computed, then in the order of attachment. Calls into the same session answer XAI_E_BUSY.
 * @since 0.1
 */
typedef int32_t (*xai_hook_fn)(xai_hook *hook, xai_tensor *value, void *user);

/**
 * Attach a hook to a named value.
 *
 * @param[out] out  The hook, one reference. NULL on failure; then @p destroy is not called.
 * @param session   The session.
 * @param value     A name that `xai layers` lists: a module path ("layer4.1.conv2": that module's raw output), a
 * container
 *                  ("layer4": its last child's output), "path#k" for call k of a module that is called several times.
 * @param kind      One of enum xai_hook_kind.
 * @param call      The callback; may be NULL for CAPTURE.
 * @param user      For @p call.
 * @param destroy   Called with @p user when the hook is gone. May be NULL.
 * @return 0; XAI_E_NOT_FOUND (the message lists near names); XAI_E_INVALID; XAI_E_BUSY from inside a callback;
 * XAI_E_NO_MEMORY.
 *
 * Watching costs one store of the value and nothing else: the same kernels run and the logits keep their bits. An EDIT
 * hook on a view (Flatten) or on the input is fine too. One call at a time per session.
 * @since 0.1
 */
XAI_API xai_status xai_hook_attach(xai_hook **out, xai_session *session, const char *value, uint32_t kind,
                                   xai_hook_fn call, void *user, xai_destroy_fn destroy);

/** Add a reference. @param hook  May be NULL. @return @p hook. Any thread. @since 0.1 */
XAI_API xai_hook *xai_hook_ref(xai_hook *hook);

/**
 * Drop a reference; the last one detaches the hook.
 *
 * @param hook  May be NULL.
 *
 * Any thread: the session takes the hook off at its next call.
 * @since 0.1
 */
XAI_API void xai_hook_unref(xai_hook *hook);

/** Name the hooked value. @param hook  The hook. @return Canonical name, borrowed from the hook. Any thread. @since 0.1
 */
XAI_API const char *xai_hook_value(const xai_hook *hook);

/**
 * Get what a CAPTURE hook kept.
 *
 * @param[out] out  The value of the last forward pass, N x the value's shape for one image, one reference; it outlives
 * session and hook and is not written again. NULL on failure.
 * @param hook      A CAPTURE hook.
 * @return 0; XAI_E_NOT_FOUND before the first forward pass; XAI_E_INVALID for another kind.
 *
 * Any thread, but not while the session runs.
 * @since 0.1
 */
XAI_API xai_status xai_hook_output(xai_tensor **out, const xai_hook *hook);

#ifdef __cplusplus
}
#endif
#endif
