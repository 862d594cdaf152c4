/* SPDX-License-Identifier: MIT
 * States: what a long method has asked a classifier so far, to be saved and gone on with, in another process too. */
#ifndef XAI_STATE_H
#define XAI_STATE_H

#include <xai/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The scores of every image that a run of RISE, occlusion, LIME or KernelSHAP has had scored, and which run that was.
 *
 * Name one in a method's options: the run takes the scores that the state holds in place of asking for them, asks for
 * the rest and adds them one by one. So the result has the bits of a run with the same options that was never stopped,
 * wherever the one before ended: stopped by its progress callback, cancelled, failed, or done with fewer samples. The
 * state may be saved at any time between two images, from inside a progress callback too.
 *
 * It belongs to one method, profile, classifier, picture and list of targets, and to the options that the images are
 * made by; what a method's options say of theirs tells which these are. A run that differs is refused, and a model is
 * known again by its weights and by the scores of the picture as it is. Threads, memory budgets and when to stop may
 * differ.
 *
 * One run at a time, and one thread at a time.
 * @since 0.1
 */
typedef struct xai_state xai_state;

/**
 * Make an empty state, for any run.
 *
 * @param[out] out  The state, one reference. NULL on failure.
 * @param context   Context; kept alive.
 * @return 0; XAI_E_INVALID; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_state_create(xai_state **out, xai_context *context);

/**
 * Read a state that xai_state_save() wrote.
 *
 * @param[out] out  The state, one reference. NULL on failure.
 * @param context   Context; kept alive.
 * @param path      File to read.
 * @return 0; XAI_E_IO; XAI_E_FORMAT for a file that is damaged, cut off or something else (the message has the offset);
 * XAI_E_UNSUPPORTED for the format of a later version; XAI_E_NO_MEMORY. Takes no more memory than three
 * times the file.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_state_load(xai_state **out, xai_context *context, const char *path);

/**
 * Read a state from memory.
 *
 * @param[out] out  The state, one reference. NULL on failure.
 * @param context   Context; kept alive.
 * @param bytes     What xai_state_export() wrote; not kept.
 * @param size      Its length in bytes.
 * @return As xai_state_load(), without XAI_E_IO.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_state_load_memory(xai_state **out, xai_context *context, const void *bytes, size_t size);

/** Add a reference. @param state  May be NULL. @return @p state. Any thread. @since 0.1 */
XAI_API xai_state *xai_state_ref(xai_state *state);

/** Drop a reference; the last one frees it. @param state  May be NULL. Any thread. @since 0.1 */
XAI_API void xai_state_unref(xai_state *state);

/**
 * Write a state to a file that appears whole or not at all, in place of one that is there.
 *
 * @param state  The state. Not modified.
 * @param path   File to write; the same bytes on every machine: 8 an image, and 8 for each of its targets.
 * @return 0; XAI_E_INVALID; XAI_E_IO; XAI_E_NO_MEMORY.
 *
 * Any thread, but not while a run on another one adds to it.
 * @since 0.1
 */
XAI_API xai_status xai_state_save(const xai_state *state, const char *path);

/**
 * Write a state to memory.
 *
 * @param state     The state. Not modified.
 * @param buffer    Receives the bytes if all of them fit, else nothing; may be NULL if @p capacity is 0.
 * @param capacity  Size of @p buffer in bytes.
 * @return Size of all bytes. Never 0: this cannot fail.
 *
 * Any thread, but not while a run on another one adds to it.
 * @since 0.1
 */
XAI_API size_t xai_state_export(const xai_state *state, void *buffer, size_t capacity);

/**
 * Count what a state holds.
 *
 * @param state  The state.
 * @return Images whose scores it holds, beside the picture as it is. RISE's profile "dianna": with the 900 of its
 * search.
 *
 * Any thread, but not while a run on another one adds to it.
 * @since 0.1
 */
XAI_API uint64_t xai_state_n_images(const xai_state *state);

#ifdef __cplusplus
}
#endif
#endif
