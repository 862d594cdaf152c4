/* SPDX-License-Identifier: MIT
 * Gradient saliency: how a score changes with each pixel. */
#ifndef XAI_SALIENCY_H
#define XAI_SALIENCY_H

#include <xai/attribution.h>
#include <xai/run.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Flags of xai_saliency_options. @since 0.1 */
enum xai_saliency_flags {
    XAI_SALIENCY_KEEP_CHANNELS = 1 /**< The map is C x H x W, as the method's original has it, in place of H x W. */
};

/** Options of xai_saliency_compute(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_saliency_options {
    size_t struct_size;     /**< sizeof(xai_saliency_options). */
    const char *method;     /**< "saliency", "inputxgrad", "guided", "deconvnet", "guided-gradcam", "ig", "smoothgrad",
                               "smoothgrad-sq" or "vargrad". NULL: "saliency". */
    const char *profile;    /**< "default", "captum", or for guided-gradcam also "pytorch-grad-cam". NULL: "default". */
    const char *layer;      /**< guided-gradcam: its target layer. NULL: as xai_cam_create() chooses. */
    const char *quadrature; /**< ig: "gausslegendre", "riemann-left", "riemann-right", "riemann-middle" or
                               "riemann-trapezoid". NULL: "gausslegendre". */
    const xai_tensor *baseline; /**< ig: where the path starts, of the input's shape. NULL: @p baseline_value
                                   everywhere. Not kept. */
    const xai_tensor *noise;    /**< smoothgrad and its kin: what is added to the input, N x C x H x W, in place of
                                   random numbers; N is the number of samples. Not kept. */
    const xai_run_options *run; /**< Seed, memory, progress. NULL: defaults. */
    float baseline_value;       /**< ig: in units of the prepared input, where 0 is the mean colour. */
    float sigma;        /**< smoothgrad and its kin: standard deviation of the noise, as a share of the input's range
                           (largest less smallest value); profile "captum": in the input's units. 0: 0.1; "captum": 1. */
    uint32_t n_steps;   /**< ig: points on the path. 0: 50; at most 16384 for gausslegendre. */
    uint32_t n_samples; /**< smoothgrad and its kin. 0: 20; profile "captum": 5. */
    uint32_t flags;     /**< Of enum xai_saliency_flags. */
    uint32_t reserved;  /**< 0. */
} xai_saliency_options;

/**
 * Explain scores of one image by their gradients with respect to its pixels.
 *
 * With g the gradient of the score at the input x (see docs/saliency.md for each formula, profile and source):
 * - `saliency`: |g|. Simonyan, Vedaldi, Zisserman: Deep Inside Convolutional Networks, 2013.
 * - `inputxgrad`: x * g. Shrikumar et al.: Not Just a Black Box, 2016.
 * - `guided`, `deconvnet`: g with rectifiers that stop negative gradients, or only those. Springenberg et al.: Striving
 *   for Simplicity, 2014; Zeiler, Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014.
 * - `guided-gradcam`: `guided` times the Grad-CAM map. Selvaraju et al.: Grad-CAM, ICCV 2017.
 * - `ig`: (x - baseline) * mean of g on the straight path from the baseline. Sundararajan, Taly, Yan: Axiomatic
 *   Attribution for Deep Networks, ICML 2017.
 * - `smoothgrad`, `smoothgrad-sq`, `vargrad`: mean, mean of squares and variance of g under noise. Smilkov et al.:
 *   SmoothGrad, 2017; Hooker et al.: A Benchmark for Interpretability Methods, 2019; Adebayo et al.: Sanity Checks for
 *   Saliency Maps, 2018.
 *
 * @param[out] out   Room for @p n_targets attributions (one if it is 0), one reference each. All NULL on failure. Maps
 *                   are H x W of @p input: the largest |.| of the channels for `saliency`, their sum for the others.
 * @param session    Session of the model to explain.
 * @param input      One image, 1 x C x H x W as xai_model_prepare() gives. Not modified, not kept.
 * @param targets    Scores to explain. Neighbours that are functions of one value (all classes are) share their passes.
 *                   NULL with @p n_targets 0: the top class.
 * @param n_targets  Number of @p targets.
 * @param options    NULL for the defaults.
 * @return 0; XAI_PARTIAL if the progress callback stopped it (the maps are made of the points done so far);
 * XAI_E_NOT_FOUND for an unknown method, profile, quadrature or value (the message lists what there is); XAI_E_INVALID
 * for a class out of range, or for an option that the method does not have; XAI_E_SHAPE for an input, a baseline or
 * noise that does not fit; XAI_E_UNSUPPORTED for an operator without a gradient; XAI_E_ABI; XAI_E_NO_MEMORY; any error
 * of xai_session_forward().
 *
 * xai_attribution_number() gives "completeness_error" of `ig`: the sum of the map less the difference of the scores.
 * The session's hooks do not fire, EDIT hooks excepted: they change the function that is explained. The same bits for
 * any number of threads and any memory budget. One call at a time per session.
 * @since 0.1
 */
XAI_API xai_status xai_saliency_compute(xai_attribution **out, xai_session *session, const xai_tensor *input,
                                        const xai_target *targets, size_t n_targets,
                                        const xai_saliency_options *options);

#ifdef __cplusplus
}
#endif
#endif
