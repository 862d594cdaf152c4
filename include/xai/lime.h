/* SPDX-License-Identifier: MIT
 * LIME and KernelSHAP: what each segment of a picture adds to a score, from what the model says with segments hidden.
 */
#ifndef XAI_LIME_H
#define XAI_LIME_H

#include <xai/attribution.h>
#include <xai/predict.h>
#include <xai/run.h>
#include <xai/segments.h>
#include <xai/state.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What hidden segments show. @since 0.1 */
enum xai_hide {
    XAI_HIDE_DEFAULT = 0, /**< As the profile has it: LIME's show their mean, KernelSHAP's and captum's hide_value. */
    XAI_HIDE_MEAN = 1,    /**< Each its own mean colour. */
    XAI_HIDE_VALUE = 2    /**< hide_value in every channel; 0 is the mean colour of the data set. */
};

/** Options of xai_lime_compute(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_lime_options {
    size_t struct_size;        /**< sizeof(xai_lime_options). */
    const char *profile;       /**< "default", "lime" or "captum". NULL: "default". */
    const char *selection;     /**< Which segments get a coefficient: "none" (all), "highest_weights",
                                  "forward_selection", or "auto": forward for six and fewer, else the highest weights.
                                  NULL: "auto". Not for captum. */
    const xai_tensor *samples; /**< N x segments of 0 (hidden) and 1 (seen), in place of random numbers. Not kept. */
    const xai_tensor
        *baseline; /**< What hidden segments show, of the input's shape. Not kept. NULL: as @p hide says. */
    const xai_run_options *run;     /**< Seed (below 2^32), memory, progress. NULL: defaults. */
    const xai_black_box *black_box; /**< What is explained in place of a session, which is NULL then. Not kept. */
    double kernel_width;            /**< Larger lets samples far from the picture count more. 0: 0.25; captum: 1. At
                                       least 1e-150. */
    double alpha;                   /**< Penalty: ridge 0 means 1; captum's lasso 0 means 0.01. */
    uint32_t n_samples;             /**< 0: 1000; captum: 25. */
    uint32_t n_features;            /**< How many segments get a coefficient at most. 0: all. Not for captum. */
    uint32_t n_repeats; /**< Runs with seeds one apart, to see how stable the result is; the result is that of
                           the first. 0: 1. Not with @p samples. */
    uint32_t n_top;     /**< How many segments with the largest coefficients repeats are compared by. 0: 5. */
    float hide_value;   /**< In units of the prepared input. */
    uint32_t hide;      /**< One of enum xai_hide. */
    xai_state *state;   /**< What earlier runs found out: gone on with, and added to. Not kept. NULL: none. They may
                           have had another n_repeats, without repeats another n_samples, and any option that scores do
                           not depend on. */
} xai_lime_options;

/**
 * Explain scores of one image by LIME: a linear model of which segments are seen.
 *
 * Samples hide random halves of the segments; the closer one is to the whole picture, the more it weighs. Ribeiro,
 * Singh, Guestrin: "Why Should I Trust You?", KDD 2016. Profile "lime" (and the default) is lime 0.2.0.1: its samples
 * for the same seed, kernel, selection and ridge; "captum" is captum's Lime: its kernel and lasso.
 *
 * @param[out] out   Room for @p n_targets attributions (one if it is 0), one reference each. All NULL on failure. The
 *                   map is H x W of @p input: each pixel has its segment's coefficient.
 * @param session    Session of the model to explain; NULL with a black box in the options.
 * @param input      One image, 1 x C x H x W as xai_model_prepare() gives. Not modified, not kept.
 * @param segments   H x W segments of it. Not kept.
 * @param targets    Scores to explain; all share the passes. NULL with @p n_targets 0: the top class's probability.
 * @param n_targets  Number of @p targets.
 * @param options    NULL for the defaults.
 * @return 0; XAI_PARTIAL if the progress callback stopped it (fitted to the samples done so far); XAI_E_NOT_FOUND for
 * an unknown profile, selection or value; XAI_E_INVALID for a class or an option out of range, or one that the profile
 * does not have, and for a state that was saved for another run (the message says what differs); XAI_E_SHAPE for an
 * input, segments, samples or a baseline that do not fit; XAI_E_BUSY if the state is part of another run; XAI_E_ABI;
 * XAI_E_NO_MEMORY; any error of xai_session_forward().
 *
 * xai_attribution_number() gives "samples", "segments", "intercept", "r_squared" (weighted), "local_prediction" (the
 * linear model's score of the whole picture) and, with repeats, "stability": the mean Jaccard index of the top segments
 * of two runs. The session's hooks do not fire, EDIT hooks excepted. The same bits for any number of threads and any
 * memory budget. One call at a time per session.
 * @since 0.1
 */
XAI_API xai_status xai_lime_compute(xai_attribution **out, xai_session *session, const xai_tensor *input,
                                    const xai_segments *segments, const xai_target *targets, size_t n_targets,
                                    const xai_lime_options *options);

/** Options of xai_shap_compute(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_shap_options {
    size_t struct_size;        /**< sizeof(xai_shap_options). */
    const char *profile;       /**< "default", "shap" or "captum". NULL: "default". */
    const xai_tensor *samples; /**< N x segments of 0 (hidden) and 1 (seen), in place of random numbers; weighed by
                                  their size. Not kept. */
    const xai_tensor
        *baseline; /**< What hidden segments show, of the input's shape. Not kept. NULL: as @p hide says. */
    const xai_run_options *run;     /**< Seed (below 2^32), memory, progress. NULL: defaults. */
    const xai_black_box *black_box; /**< What is explained in place of a session, which is NULL then. Not kept. */
    uint32_t n_samples; /**< Coalitions scored. 0: twice the segments and 2048; captum: 25. No more than there
                           are. */
    float hide_value;   /**< In units of the prepared input. */
    uint32_t hide;      /**< One of enum xai_hide. */
    uint32_t reserved;  /**< 0. */
    xai_state *state;   /**< What earlier runs of as many samples found out: gone on with, and added to. Not kept. NULL:
                           none. */
} xai_shap_options;

/**
 * Explain scores of one image by KernelSHAP: Shapley values of its segments.
 *
 * The values add up to the score of the picture less that of the picture with everything hidden. Coalitions are
 * enumerated by size from the outside in as far as the samples go, the rest is drawn, each with its complement.
 * Lundberg, Lee: A Unified Approach to Interpreting Model Predictions, NeurIPS 2017. Profile "shap" (and the default)
 * is shap 0.51's KernelExplainer with l1_reg off, its coalitions for the same seed of numpy included; "captum" is
 * captum's KernelShap: the sum is held by two heavy samples, nothing is enumerated.
 *
 * @param[out] out   As xai_lime_compute().
 * @param session    As there.
 * @param input      As there.
 * @param segments   As there.
 * @param targets    As there.
 * @param n_targets  As there.
 * @param options    NULL for the defaults.
 * @return As xai_lime_compute(); XAI_E_INVALID also where the coalitions do not determine the values.
 *
 * xai_attribution_number() gives "samples", "segments", "enumerated" (of the samples), "expected" (the score with
 * everything hidden) and "additivity_error" (the sum of the values less the difference of the scores; captum's is not
 * held to 0). The standard errors are 0 where all coalitions were enumerated. One call at a time per session.
 * @since 0.1
 */
XAI_API xai_status xai_shap_compute(xai_attribution **out, xai_session *session, const xai_tensor *input,
                                    const xai_segments *segments, const xai_target *targets, size_t n_targets,
                                    const xai_shap_options *options);

/**
 * Read what each segment adds.
 *
 * @param attribution       LIME's or KernelSHAP's.
 * @param[out] coefficients Receives the first @p capacity of them, by label; may be NULL.
 * @param[out] errors       Receives as many standard errors; may be NULL. captum's LIME has none: zeros.
 * @param capacity          Room in either.
 * @return Number of segments; 0 for attributions of other methods.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API size_t xai_attribution_segments(const xai_attribution *attribution, double *coefficients, double *errors,
                                        size_t capacity);

/** Which segments xai_attribution_top() looks at. @since 0.1 */
enum xai_top {
    XAI_TOP_POSITIVE = 0, /**< Those that speak for the score. */
    XAI_TOP_NEGATIVE = 1, /**< Those that speak against it. */
    XAI_TOP_BOTH = 2      /**< All that have a coefficient other than 0. */
};

/**
 * List the segments with the largest coefficients, for xai_segments_draw().
 *
 * @param attribution    LIME's or KernelSHAP's.
 * @param[out] segments  Receives labels, the largest magnitude first; of equals the smaller label.
 * @param capacity       Most that are wanted.
 * @param which          One of enum xai_top.
 * @return Number written; 0 for attributions of other methods or another @p which.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API size_t xai_attribution_top(const xai_attribution *attribution, uint32_t *segments, size_t capacity,
                                   uint32_t which);

#ifdef __cplusplus
}
#endif
#endif
