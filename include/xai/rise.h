/* SPDX-License-Identifier: MIT
 * RISE: random masks, weighed by the score that each leaves. */
#ifndef XAI_RISE_H
#define XAI_RISE_H

#include <xai/attribution.h>
#include <xai/predict.h>
#include <xai/run.h>
#include <xai/state.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bits of xai_rise_options.flags. @since 0.1 */
enum xai_rise_flag {
    XAI_RISE_PAIRED = 1,  /**< Profile "default" with a keep of 0.5, where it is so anyway; else an error: masks come in
                             pairs, of which one hides what the other shows. */
    XAI_RISE_UNPAIRED = 2 /**< Profile "default": every mask is drawn anew. */
};

/** Options of xai_rise_compute(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_rise_options {
    size_t struct_size;             /**< sizeof(xai_rise_options). */
    const char *profile;            /**< "default", "rise", "torchray", "xplique", "openvino" or "dianna". NULL:
                                       "default". */
    const xai_black_box *black_box; /**< Explained in place of a session, which is NULL then. Not kept. */
    const xai_run_options *run;     /**< Seed (profile "rise": below 2^32), memory, progress. NULL: defaults. */
    uint64_t n_masks;  /**< Masks at most. 0: 4000; profile "rise": 2000; "torchray": 8000; "openvino": 5000;
                          "dianna": 1000. */
    uint32_t grid;     /**< Cells of a mask along each side, at most the image's. 0: 8; profiles "torchray",
                          "xplique": 7. */
    float keep;        /**< Probability that a cell is seen, above 0 and below 1. 0: 0.5; profile "dianna":
                          that of 0.1 to 0.9 under which the scores of 100 masks vary most. */
    float max_error;   /**< Stop once the standard error (root mean square over the pixels) is at most this share of the
                          map's range. 0: do not look. */
    float top_region;  /**< Stop once the pixels with this share of the highest values have settled: nine tenths of them
                          and of those after half the masks are the same. Above 0 and below 1. 0: do not look. */
    uint32_t flags;    /**< Of enum xai_rise_flag. */
    uint32_t reserved; /**< 0. */
    xai_state *state;  /**< What earlier runs found out: gone on with, and added to. Not kept. NULL: none. n_masks
                          (except of profile "rise"), max_error and top_region may be others than theirs. */
} xai_rise_options;

/**
 * Explain scores of one image by RISE: cover it with random masks and see which seen pixels go with high scores.
 *
 * Petsiuk, Das, Saenko: RISE, BMVC 2018. Masks are coarse grids of seen and hidden cells, enlarged smoothly and shifted
 * at random; they multiply the prepared input, so what is hidden has the mean colour. Profiles (docs/rise.md):
 * - `default`: the covariance of score and mask over `keep`, which is RISE's expectation less its constant part; maps
 *   are signed. Masks come in pairs where `keep` is 0.5 (their number is rounded up to even), and what a linear
 * function of the mask says of the score is a control variate, fitted so that it adds no bias.
 * - `rise`: eclique/RISE's sum of score times mask over N and keep, with numpy's masks for the same seed.
 * - `torchray`: no division by keep, sigmoid of the logit, masks padded by a cell.
 * - `xplique`: divided by the sum of the masks; the score is the logit; 32 masks share a shift.
 * - `openvino`: cubic masks, clipped; the sum.
 * - `dianna`: as rise, its keep found first.
 * Only `rise` has the random numbers of its original.
 *
 * @param[out] out   Room for @p n_targets attributions (one if it is 0), one reference each. All NULL on failure. Maps
 *                   are H x W of @p input; xai_attribution_error_map() has the standard error of each pixel.
 * @param session    Session of the model to explain. NULL: options->black_box is explained.
 * @param input      One image, 1 x C x H x W as xai_model_prepare() gives. Not modified, not kept.
 * @param targets    Scores to explain; all share the masks. NULL with @p n_targets 0: the probability of the top class
 *                   (profiles `torchray`, `xplique`: its logit).
 * @param n_targets  Number of @p targets.
 * @param options    NULL for the defaults.
 * @return 0; XAI_PARTIAL if the progress callback stopped it (the map of the masks done so far); XAI_E_NOT_FOUND for an
 * unknown profile or value; XAI_E_INVALID for a class or an option out of range, and for a state that was saved for
 * another run (the message says what differs); XAI_E_SHAPE for an input that does not fit; XAI_E_CALLBACK if the black
 * box failed; XAI_E_BUSY if the state is part of another run; XAI_E_ABI; XAI_E_NO_MEMORY; any error of
 * xai_session_forward().
 *
 * xai_attribution_number() gives "masks" (done), "keep", "standard_error" (root mean square over the pixels) and, where
 * it was asked to look, "settled" (1, or 0 if the masks ran out first). Whether to stop is looked at after fixed
 * numbers of masks. The session's hooks do not fire, EDIT hooks excepted. The same bits for any number of threads and
 * any memory budget. One call at a time per session.
 * @since 0.1
 */
XAI_API xai_status xai_rise_compute(xai_attribution **out, xai_session *session, const xai_tensor *input,
                                    const xai_target *targets, size_t n_targets, const xai_rise_options *options);

#ifdef __cplusplus
}
#endif
#endif
