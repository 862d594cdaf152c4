/* SPDX-License-Identifier: MIT
 * Black boxes: classifiers that run somewhere else, explained through one callback. */
#ifndef XAI_PREDICT_H
#define XAI_PREDICT_H

#include <xai/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Score a batch of images.
 *
 * @param batch    N x C x H x W, f32, prepared as the explained image is. Borrowed for the call.
 * @param n        Images in @p batch, at least 1; it changes from call to call.
 * @param scores   Room for @p n x n_classes numbers, a row an image. The callback fills all of them with finite
 *                 numbers, and an image's row must not depend on the other images of the batch.
 * @param user     The pointer given beside the callback.
 * @return 0; anything else ends the method with XAI_E_CALLBACK.
 *
 * Runs on the thread that called the library, which is not using its threads meanwhile: the callback may run a session
 * of the same context, but not call into the objects of the call that it serves.
 * @since 0.1
 */
typedef int32_t (*xai_predict_fn)(const float *batch, size_t n, float *scores, void *user);

/** What a black box gives. @since 0.1 */
enum xai_predict_kind {
    XAI_PREDICT_LOGITS = 0,       /**< Logits: softmax makes probabilities of them. */
    XAI_PREDICT_PROBABILITIES = 1 /**< Probabilities: XAI_SCORE_PROBABILITY takes them as they are. */
};

/**
 * A classifier of which nothing is known but what it answers. Methods that need no gradients take one in place of a
 * session. Zero it, set struct_size, predict and n_classes.
 *
 * Targets of a black box are classes: it has no values that could be named. Labels are the caller's affair.
 * @since 0.1
 */
typedef struct xai_black_box {
    size_t struct_size;     /**< sizeof(xai_black_box). */
    xai_predict_fn predict; /**< Scores images. Not NULL. */
    void *user;             /**< For @p predict. */
    uint64_t n_classes;     /**< Scores an image, 1 to 1048576. */
    int64_t shape[3];       /**< C, H, W that @p predict takes; an input of another shape is refused. All 0: any. */
    uint64_t max_batch;     /**< Most images that @p predict takes at once. 0: as many as the memory budget holds. */
    uint32_t kind;          /**< One of enum xai_predict_kind. */
    uint32_t reserved;      /**< 0. */
} xai_black_box;

#ifdef __cplusplus
}
#endif
#endif
