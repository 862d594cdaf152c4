/* SPDX-License-Identifier: MIT
 * Occlusion: cover a patch of the picture and see what the score does. */
#ifndef XAI_OCCLUSION_H
#define XAI_OCCLUSION_H

#include <xai/attribution.h>
#include <xai/predict.h>
#include <xai/run.h>
#include <xai/state.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bits of xai_occlusion_options.flags. @since 0.1 */
enum xai_occlusion_flag {
    XAI_OCCLUSION_WHOLE = 1 /**< Run whole pictures in plans for the session's own purpose. Without it, plans are for
                               XAI_PURPOSE_WINDOWED, and only what a window reaches is computed where that pays. */
};

/** Options of xai_occlusion_compute(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_occlusion_options {
    size_t struct_size;             /**< sizeof(xai_occlusion_options). */
    const char *profile;            /**< "default", "captum", "kazuto" or "xplique". NULL: "default". */
    const xai_black_box *black_box; /**< Explained in place of a session, which is NULL then. Not kept. */
    const char *fill;               /**< What windows are filled with: "value" (fill_value everywhere), "mean" (the mean
                                       of each channel of the image) or "blur" (the image, blurred). NULL: "value". */
    const xai_tensor *baseline;     /**< Windows are filled with what this image, of the input's shape, has there; in
                                       place of @p fill. NULL: none. Not kept. */
    const xai_run_options *run;     /**< Memory, progress. NULL: defaults. */
    float fill_value;               /**< In units of the prepared input, where 0 is the mean colour. */
    float blur_sigma; /**< Standard deviation of the blur in pixels, at most the longer side. 0: a twentieth of the
                           shorter side. */
    uint32_t window_height; /**< Rows of a window. 0: 16; profile "kazuto": 35; "xplique": 3. */
    uint32_t window_width;  /**< Columns of a window. 0: as many as rows. */
    uint32_t stride_height; /**< Rows from window to window. 0: half a window, rounded up; profile "kazuto": 1;
                               "xplique": a window. Profiles "default", "captum": at most a window. */
    uint32_t stride_width;  /**< Columns from window to window. 0: chosen likewise. */
    uint32_t flags;         /**< Of enum xai_occlusion_flag. */
    uint32_t reserved;      /**< 0. */
    float share;         /**< Coarse to fine: share of the windows that are run, 0 to 1, first some all over the image,
                            then more where these say that the map is high or uneven. The others are interpolated. 0: all
                            are run. At least the four in the corners are. */
    uint32_t reserved_2; /**< 0. */
    xai_state *state;    /**< What earlier runs of the same share found out: gone on with, and added to. Not kept. NULL:
                            none. */
} xai_occlusion_options;

/**
 * Explain scores of one image by covering windows of it, one after the other.
 *
 * Zeiler, Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014. Profiles (docs/occlusion.md):
 * - `default`, `captum`: a pixel gets the mean drop of the score over the windows that cover it. The last windows of a
 *   row or column are cut off at the border. Captum's Occlusion with all channels in a window.
 * - `xplique`: the sum of the drops; windows that would cross the border are left out.
 * - `kazuto`: grad-cam-pytorch's: the image is padded by half a window and the map has an element a window: the score
 *   less that of the padded image, so that what speaks for a class is negative. As there, the windows of a row start
 *   one stride too far right. A session's model takes the padded image; an input that has that size already is not
 *   padded.
 *
 * @param[out] out   Room for @p n_targets attributions (one if it is 0), one reference each. All NULL on failure. Maps
 *                   are signed, H x W of @p input, in units of the score; profile `kazuto`: an element a window.
 * @param session    Session of the model to explain. NULL: options->black_box is explained.
 * @param input      One image, 1 x C x H x W as xai_model_prepare() gives. Not modified, not kept.
 * @param targets    Scores to explain; all share the windows. NULL with @p n_targets 0: the logit of the top class.
 * @param n_targets  Number of @p targets.
 * @param options    NULL for the defaults.
 * @return 0; XAI_PARTIAL if the progress callback stopped it (pixels whose windows were not reached are 0; with a
 * share, once its first pass is through, they are interpolated); XAI_E_NOT_FOUND for an unknown profile, fill or value;
 * XAI_E_INVALID for a window larger than the image, a stride larger than the window (profiles "default", "captum"), a
 * share out of range, a class out of range, a state that was saved for another run (the message says what differs);
 * XAI_E_SHAPE for an input or baseline that does not fit; XAI_E_CALLBACK if the black box failed; XAI_E_BUSY if the
 * state is part of another run; XAI_E_ABI; XAI_E_NO_MEMORY; any error of xai_session_forward().
 *
 * With a share, the windows that are run have the scores, bit by bit, that they have when all are; which they are
 * depends on all targets, and on nothing else. What is lost: windows that were not run are guessed, so that something
 * small between the windows of the first pass may be missed (docs/occlusion.md has numbers).
 *
 * xai_attribution_number() gives "windows" that were run, "windows_in_all" of the grid, and
 * "computed_share": how much of the arithmetic of whole pictures was done for those that were run,
 * 1 where windows reach nearly everything, the session's memory budget does not hold two pictures' values, or an EDIT
 * hook is attached; it changes no bit. The session's hooks do not fire, EDIT hooks excepted: they change the
 * function that is explained. The same bits for any number of threads and any memory budget. One call at a time per
 * session.
 * @since 0.1
 */
XAI_API xai_status xai_occlusion_compute(xai_attribution **out, xai_session *session, const xai_tensor *input,
                                         const xai_target *targets, size_t n_targets,
                                         const xai_occlusion_options *options);

#ifdef __cplusplus
}
#endif
#endif
