/* SPDX-License-Identifier: MIT
 * Sessions: a model being run, with the memory and the hooks of one user. */
#ifndef XAI_SESSION_H
#define XAI_SESSION_H

#include <xai/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A model being run. One call at a time; one session a thread. @since 0.1 */
typedef struct xai_session xai_session;

/**
 * What a session's plans are made for. It is part of what decides the bits of a result, so every attribution records
 * it.
 * @since 0.1
 */
enum xai_purpose {
    XAI_PURPOSE_LATENCY = 0,    /**< One picture soon, with little memory. */
    XAI_PURPOSE_THROUGHPUT = 1, /**< Many pictures; may spend memory on prepared weights. */
    XAI_PURPOSE_WINDOWED = 2    /**< Many pictures that differ in a small window. */
};

/** Options of xai_session_create(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_session_options {
    size_t struct_size;     /**< sizeof(xai_session_options). */
    uint64_t memory_budget; /**< Bytes of activations; bounds how many images run at once and changes no bit. At least
                               one image always runs. 0: 256 MiB. */
    uint32_t purpose;       /**< One of enum xai_purpose. */
    uint32_t reserved;      /**< 0. */
} xai_session_options;

/**
 * Make a session.
 *
 * @param[out] out  The session, one reference. NULL on failure.
 * @param model     Model to run; kept alive.
 * @param options   NULL for the defaults.
 * @return 0; XAI_E_INVALID; XAI_E_ABI; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_session_create(xai_session **out, xai_model *model, const xai_session_options *options);

/** Add a reference. @param session  May be NULL. @return @p session. Any thread. @since 0.1 */
XAI_API xai_session *xai_session_ref(xai_session *session);

/** Drop a reference; the last one frees it. @param session  May be NULL. Any thread. @since 0.1 */
XAI_API void xai_session_unref(xai_session *session);

/**
 * Run the model.
 *
 * @param[out] out  Logits, N x classes, one reference. NULL on failure.
 * @param session   The session; its hooks fire.
 * @param input     N x C x H x W as xai_model_prepare() gives, N >= 1. Not modified, not kept.
 * @return 0; XAI_E_SHAPE if @p input does not fit the model; XAI_E_CALLBACK if a hook returned non-zero;
 * XAI_E_CANCELLED; XAI_E_BUSY from inside a hook; XAI_E_NO_MEMORY.
 *
 * The bits of an image's logits depend on model, image, instruction set, backends and purpose; not on threads, on the
 * other images of the batch, on the memory budget or on hooks that only watch. One call at a time per session.
 * @since 0.1
 */
XAI_API xai_status xai_session_forward(xai_tensor **out, xai_session *session, const xai_tensor *input);

/**
 * Run the model from a value in its middle on.
 *
 * @param[out] out  Logits, N x classes, one reference. NULL on failure.
 * @param session   The session; hooks on values that are still computed fire.
 * @param value     Name of the value that is fed.
 * @param fed       Its content, N x the value's shape for one image (the leading 1 replaced by N). Not modified, not
 * kept.
 * @return As xai_session_forward(), and XAI_E_NOT_FOUND for an unknown name, XAI_E_UNSUPPORTED if the logits need more
 * than this value (a residual connection goes around it).
 *
 * One call at a time per session.
 * @since 0.1
 */
XAI_API xai_status xai_session_forward_from(xai_tensor **out, xai_session *session, const char *value,
                                            const xai_tensor *fed);

/**
 * Stop the forward pass that the session is running, or the next one, with XAI_E_CANCELLED.
 *
 * @param session  The session. The caller holds a reference.
 *
 * The one call that is allowed from any thread while the session runs.
 * @since 0.1
 */
XAI_API void xai_session_cancel(xai_session *session);

#ifdef __cplusplus
}
#endif
#endif
