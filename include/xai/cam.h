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

/** How the maps of several layers become one. @since 0.1 */
enum xai_fuse {
    XAI_FUSE_PROFILE = 0, /**< As the profile does: pytorch-grad-cam takes the mean, torchcam the maximum. */
    XAI_FUSE_MEAN = 1,    /**< Their mean. */
    XAI_FUSE_MAX = 2      /**< The largest, element by element. */
};

/** Bits of xai_cam_options.flags. @since 0.1 */
enum xai_cam_flag {
    XAI_CAM_EIGEN_SMOOTH = 1, /**< The weighed channels are projected on their first principal component instead of
                                 added up. */
    XAI_CAM_AUG_SMOOTH = 2,   /**< Mean over six passes: the input mirrored or not, times 0.9, 1 and 1.1. */
    XAI_CAM_ANY_LAYER = 4     /**< `layers` are candidates: the first that the network has is the target layer. */
};

/** Options of xai_cam_create(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_cam_options {
    size_t struct_size; /**< sizeof(xai_cam_options). */
    const char *method; /**< One of the methods below. NULL: "cam". */
    const char
        *profile; /**< Whose conventions to follow: "default", "tutorial" (the map transposed, drawn as the tutorial
                     does), "pytorch-grad-cam", "torchcam", "captum" (raw, not rectified, enlarged by repeating pixels),
                     "kazuto" (scaled after enlarging). Each method has some of them. NULL: "default". */
    const char
        *classifier; /**< Value name of the linear layer whose weights `cam` uses. NULL: found from the output back. */
    const char *const *layers; /**< Target layers, values of 1 x C x H x W; `cam` takes one. NULL: the manifest's
                                  cam_layer, else the input of the last global average pool, else (not `cam`) the last
                                  map of more than one pixel; profile "tutorial" on a ResNet: its last conv2. */
    size_t n_layers;           /**< Number of @p layers; 0: choose. */
    uint32_t fuse;             /**< One of enum xai_fuse; matters with several layers. */
    uint32_t flags;            /**< Bits of enum xai_cam_flag. */
} xai_cam_options;

/**
 * Set up a class activation map.
 *
 * A are the activations of the target layer, g the gradients of the score with respect to them, n the elements of a
 * channel. All but `cam` and `reciprocam` are rectified.
 *
 * - `cam`: sum over k of weight[class][k] A[k], the classifier's weights, no bias. Zhou et al. 2016.
 * - `gradcam`: weights mean(g[k]). Selvaraju et al. 2017.
 * - `gradcam++`: weights sum of relu(g) g^2 / (2 g^2 + sum(A[k]) g^3 + 1e-6). Chattopadhay et al. 2018.
 * - `xgradcam`: weights sum(g A[k]) / (sum(A[k]) + 1e-7). Fu et al. 2020.
 * - `layercam`: sum over k of relu(g) A. Jiang et al. 2021.
 * - `hirescam`: sum over k of g A. Draelos, Carin 2020.
 * - `gradcam-elementwise`: sum over k of relu(g A).
 * - `eigencam`: the first principal component of A, with the sign that goes with the channels' mean; the same for all
 *   targets. Muhammad, Yeasin 2020.
 * - `eigengradcam`: that of g A.
 * - `scorecam`: weights softmax over k of the score of the input masked by A[k]; C forward passes. Wang et al. 2020.
 * - `ablationcam`: weights (score - score without channel k) / score. Ramaswamy et al. 2020.
 * - `reciprocam`: the score of the layer with all positions but one zero. Byun, Lee 2022.
 *
 * The last three need no gradients. `ablationcam` and `reciprocam` run only what lies behind the target layer, where
 * nothing leads around it. They, and `scorecam`, run in batches within the session's memory budget.
 *
 * @param[out] out  The method, one reference. NULL on failure.
 * @param session   Session of the model to explain; kept alive.
 * @param options   NULL for the defaults.
 * @return 0; XAI_E_NOT_FOUND for an unknown layer, method or profile (the message lists what there is);
 * XAI_E_UNSUPPORTED if `cam` finds no global average pool before the classifier (the message says what to use), if the
 * profile takes one layer or has no smoothing; XAI_E_SHAPE if the layer is no map, or its channels are not the
 * classifier's inputs; XAI_E_INVALID; XAI_E_ABI; XAI_E_NO_MEMORY.
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
 * The map is on the layer's own grid. Of several layers: profile "torchcam" on the largest layer's, else on the
 * input's, as with XAI_CAM_AUG_SMOOTH. xai_attribution_map() scales and resizes it as the profile does, and says
 * XAI_FLAT where there is nothing to scale.
 *
 * @param[out] out   Room for @p n_targets attributions (one if it is 0), one reference each. All NULL on failure.
 * @param cam        The method.
 * @param input      One image, 1 x C x H x W as xai_model_prepare() gives. Not modified, not kept.
 * @param targets    Scores to explain; all share one forward pass (elements of several values: one a value). NULL with
 * @p n_targets 0: the top class.
 * @param n_targets  Number of @p targets.
 * @return 0; XAI_E_INVALID for a class out of range, for a score that the method has no map for (`cam` and
 * XAI_SCORE_VALUE) or that does not depend on the layer; XAI_E_UNSUPPORTED if the method needs a gradient that an
 * operator lacks; any error of xai_session_forward().
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
