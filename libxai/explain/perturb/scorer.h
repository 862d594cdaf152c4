/* SPDX-License-Identifier: MIT
 * Scorers: what methods that only look at answers ask, a session or a black box. */
#ifndef XAI__EXPLAIN_PERTURB_SCORER_H
#define XAI__EXPLAIN_PERTURB_SCORER_H

#include <xai/predict.h>

#include "core/tensor.h"
#include "explain/attribution.h"
#include "explain/target.h"
#include "runtime/session.h"

/* The scores of one image's targets, asked of one source. */
typedef struct xai__scorer {
    xai_context *context; /* the input's */
    xai_session *session; /* NULL: the black box */
    xai_black_box box;
    const xai_tensor *input; /* the image as it is */
    xai__targets targets;    /* resolved */
    int32_t *values;         /* what the session fetches, each once; n_values of them */
    size_t *value_of;        /* a target each: index into values */
    xai_tensor **plain;      /* what the values hold for the image as it is, 1 x size */
    double *plain_scores;    /* a target each */
    size_t n_values;
    bool gives_probabilities;
    bool is_windowed; /* a session is asked in its plan for windows, whatever its purpose */
} xai__scorer;

/* Checks session or box (one of them is NULL), input and targets, and scores the input. targets NULL with n_targets 0:
 * the top class, whose score is of kind top_score. Free it in either case. session, input and the box's user are
 * borrowed. */
xai_status xai__scorer_init(xai__scorer *out, xai_session *session, const xai_black_box *box, const xai_tensor *input,
                            const xai_target *targets, size_t n_targets, uint32_t top_score);

/* The same with is_windowed. */
xai_status xai__scorer_init_windowed(xai__scorer *out, xai_session *session, const xai_black_box *box,
                                     const xai_tensor *input, const xai_target *targets, size_t n_targets,
                                     uint32_t top_score);
void xai__scorer_fini(xai__scorer *scorer);

/* Scores images, N x C x H x W: scores[image * targets.n + target]. A score that is not finite is an error. */
xai_status xai__scorer_score(double *scores, const xai__scorer *scorer, const xai_tensor *images);

/* The same from what the values hold, n images of each. */
xai_status xai__scorer_read(double *scores, const xai__scorer *scorer, const float *const *elements, size_t n_images);

/* A new attribution of a target, with everything but the method's own part. */
xai_status xai__scorer_attribution(xai_attribution **out, const xai__scorer *scorer, size_t target);

/* The session's budget, or what a session's would be by default. */
uint64_t xai__scorer_budget(const xai__scorer *scorer);

#endif
