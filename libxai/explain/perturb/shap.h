/* SPDX-License-Identifier: MIT
 * KernelSHAP as its parts see it. */
#ifndef XAI__EXPLAIN_PERTURB_SHAP_H
#define XAI__EXPLAIN_PERTURB_SHAP_H

#include "explain/perturb/coalition.h"

typedef struct xai__shap {
    xai__coalitions coalitions;
    xai_shap_options options;
    const xai__profile *profile;
    bool is_captum;
    double *empty;       /* scores with everything hidden, a target each */
    double *weights;     /* a coalition each */
    uint32_t *draws;     /* how often each was drawn; 0: it belongs to the one before it */
    size_t n_enumerated; /* of the coalitions, the first ones */
} xai__shap;

/* Fills masks, weights and draws as shap does: sizes from the outside in are enumerated as long as the samples that
 * their weight gives them suffice, the rest is drawn in pairs. May leave fewer coalitions than there is room for. */
xai_status xai__shap_sample(xai__shap *s);

/* Fills masks and draws as captum does: the whole, nothing, and sizes drawn by the Shapley kernel. */
xai_status xai__shap_draw(xai__shap *s);

#endif
