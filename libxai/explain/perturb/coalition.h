/* SPDX-License-Identifier: MIT
 * Coalitions of segments: pictures of which some segments are seen and the others hidden, and what the model says. */
#ifndef XAI__EXPLAIN_PERTURB_COALITION_H
#define XAI__EXPLAIN_PERTURB_COALITION_H

#include <xai/lime.h>

#include "explain/perturb/perturb.h"
#include "explain/segment/segment.h"

typedef struct xai__coalitions {
    /* Given. */
    xai_session *session; /* NULL: the black box */
    const xai_tensor *input;
    const xai_segments *segments;
    xai_run_options run;

    /* What hidden segments show: the baseline; NULL: hide_value, or their mean. */
    const xai_tensor *baseline;
    float hide_value;
    bool hides_mean;

    xai__scorer scorer;
    xai_state *state; /* the options', once it is part of the run */
    size_t n_targets, n_segments, n_pixels, n_channels;
    float *hidden;  /* the picture with everything hidden */
    uint8_t *masks; /* n x n_segments: 1 is seen; filled by the method */
    double *scores; /* n x n_targets */
    size_t n, n_done;
} xai__coalitions;

/* The options about hiding that LIME and KernelSHAP share, checked and taken over. */
xai_status xai__coalitions_hide(xai__coalitions *c, const xai_tensor *baseline, uint32_t hide, float value,
                                bool mean_is_default);

/* Scores the whole picture, the top class's probability if there are no targets; checks segments and baseline against
 * it and makes the hidden picture. */
xai_status xai__coalitions_begin(xai__coalitions *c, const xai_black_box *box, const xai_target *targets,
                                 size_t n_targets);
void xai__coalitions_fini(xai__coalitions *c);

/* Makes the options' state (NULL: none) part of the run; the coalitions themselves are compared one by one. is_drawn:
 * their random numbers come from the seed. */
xai_status xai__coalitions_resume(xai__coalitions *c, xai_state *state, bool is_drawn, const char *method,
                                  const char *profile);

/* Room for n coalitions, all hidden. */
xai_status xai__coalitions_create(xai__coalitions *c, size_t n);

/* Takes the rows of samples, n x segments of 0 and 1. */
xai_status xai__coalitions_take(xai__coalitions *c, const xai_tensor *samples);

/* Scores all; XAI_PARTIAL: n_done of them, at least one. */
xai_status xai__coalitions_score(xai__coalitions *c);

/* Every target's score with everything hidden. */
xai_status xai__coalitions_score_hidden(double *out, const xai__coalitions *c);

/* An attribution with a coefficient a segment, painted on its pixels. */
xai_status xai__coalitions_attribution(xai_attribution **out, const xai__coalitions *c, size_t target,
                                       const double *coefficients, const double *standard_errors);

/* The public functions' beginning and end: out is emptied, and again on failure. */
xai_status xai__coalitions_enter(xai_attribution **out, const xai_segments *segments, size_t n_targets);
void xai__coalitions_leave(xai_attribution **out, size_t n_targets, xai_status status);

#endif
