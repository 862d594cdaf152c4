/* SPDX-License-Identifier: MIT
 * Attributions. */
#ifndef XAI__EXPLAIN_ATTRIBUTION_H
#define XAI__EXPLAIN_ATTRIBUTION_H

#include <xai/attribution.h>

#include "core/object.h"

/* How a profile scales a map, and how it draws it. */
typedef struct xai__profile {
    const char *name;
    float epsilon; /* added to the divisor: (x - min) / (max - min + epsilon) */
    bool draws_as_tutorial;
} xai__profile;

struct xai_attribution {
    xai__object object;
    xai_tensor *map; /* H x W, the method's own grid */
    const char *method;
    const xai__profile *profile;
    char *layer; /* names, comma-separated */
    int64_t input_height, input_width;
    xai_target target; /* index resolved */
    char *label;       /* NULL: the model has none */
    double score, probability;
    uint32_t purpose;
    bool is_exact; /* the backends keep the bit promises */
    uint64_t model_digest, input_digest;
};

/* What every method knows about a prediction, from its logits: fills target, score, probability and label of a new
 * attribution. */
xai_status xai__attribution_create(xai_attribution **out, xai_session *session, const xai_tensor *input,
                                   const float *logits, const xai_target *target);

/* Fails unless the target is a class of the model and a score of a kind below n_kinds. */
xai_status xai__target_check(const xai_model *model, const xai_target *target, uint32_t n_kinds);

#endif
