/* SPDX-License-Identifier: MIT
 * Class activation maps. */
#ifndef XAI_CAM_H
#define XAI_CAM_H

#include <xai/attribution.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A class activation map method set up on a session: which method, which layer. @since 0.1 */
typedef struct xai_cam xai_cam;

/** Options of xai_cam_create(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_cam_options {
    size_t struct_size;  /**< sizeof(xai_cam_options). */
    const char *method;  /**< "cam". NULL: "cam". */
    const char *profile; /**< "default", "tutorial" (the map transposed, drawn as the tutorial does) or "torchcam".
                            NULL: "default". */
    const char
        *classifier; /**< Value name of the linear layer whose weights are used. NULL: found from the output back. */
    const char *const *layers; /**< Target layers; `cam` takes one. NULL: the manifest's cam_layer, else the input of
                                  the last global average pool; profile "tutorial" on a ResNet: its last conv2. */
    size_t n_layers;           /**< Number of @p layers; 0: choose. */
} xai_cam_options;

/**
 * Set up a class activation map.
 *
 * @param[out] out  The method, one reference. NULL on failure.
 * @param session   Session of the model to explain; kept alive.
 * @param options   NULL for the defaults.
 * @return 0; XAI_E_NOT_FOUND for an unknown layer, method or profile (the message lists what there is);
 * XAI_E_UNSUPPORTED if the network has no global average pool before its classifier (the message says what to use);
 * XAI_E_SHAPE if the layer's channels are not the classifier's inputs; XAI_E_ABI; XAI_E_NO_MEMORY.
 *
 * One call at a time per session.
 * @since 0.1
 */
XAI_API xai_status xai_cam_create(xai_cam **out, xai_session *session, const xai_cam_options *options);

/** Add a reference. @param cam  May be NULL. @return @p cam. Any thread. @since 0.1 */
XAI_API xai_cam *xai_cam_ref(xai_cam *cam);

/** Drop a reference; the last one frees it. @param cam  May be NULL. Any thread. @since 0.1 */
XAI_API void xai_cam_unref(xai_cam *cam);

/**
 * Compute the class activation map of one image.
 *
 * The map is sum over k of weight[class][k] * A[k], on the layer's own grid; no ReLU, the bias left out.
 * Zhou et al.: Learning Deep Features for Discriminative Localization, CVPR 2016.
 *
 * @param[out] out   Room for @p n_targets attributions (one if it is 0), one reference each. All NULL on failure.
 * @param cam        The method.
 * @param input      One image, 1 x C x H x W as xai_model_prepare() gives. Not modified, not kept.
 * @param targets    Scores to explain; all share one forward pass. NULL with @p n_targets 0: the top class.
 * @param n_targets  Number of @p targets.
 * @return 0; XAI_E_INVALID for a class out of range or a score that `cam` has no map for; any error of
 * xai_session_forward().
 *
 * The session's hooks do not fire, EDIT hooks excepted: they change the function that is explained. One call at a time
 * per session.
 * @since 0.1
 */
XAI_API xai_status xai_cam_compute(xai_attribution **out, xai_cam *cam, const xai_tensor *input,
                                   const xai_target *targets, size_t n_targets);

#ifdef __cplusplus
}
#endif
#endif
