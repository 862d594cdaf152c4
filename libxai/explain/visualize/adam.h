/* SPDX-License-Identifier: MIT
 * Adam (Kingma, Ba: ICLR 2015), as torch.optim.Adam computes it in float32. */
#ifndef XAI__EXPLAIN_VISUALIZE_ADAM_H
#define XAI__EXPLAIN_VISUALIZE_ADAM_H

#include <xai/context.h>

typedef struct xai__adam {
    xai_context *context;
    size_t n, n_steps;      /* numbers; steps taken */
    float *mean, *variance; /* running ones */
    double learning_rate;
} xai__adam;

/* On failure there is nothing to free. */
xai_status xai__adam_init(xai__adam *out, xai_context *context, size_t n, double learning_rate);
void xai__adam_fini(xai__adam *adam);

/* One step downhill. */
void xai__adam_step(xai__adam *adam, float *values, const float *gradient);

#endif
