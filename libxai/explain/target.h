/* SPDX-License-Identifier: MIT
 * Targets: the scores that are explained, as numbers and as gradients. */
#ifndef XAI__EXPLAIN_TARGET_H
#define XAI__EXPLAIN_TARGET_H

#include <xai/attribution.h>

#include "model/model.h"

/* Beside enum xai_score, for those who ask for it inside: 1 if no element is larger than the target's, else 0. */
enum { XAI__SCORE_IS_TOP = 100 };

/* The list that a caller hands in, as functions of values. */
typedef struct xai__targets {
    const xai_model *model; /* NULL: a black box's */
    xai_context *context;
    xai_target *items; /* copies; an index of -1 becomes that of the largest element in the first image that is seen */
    int32_t *values;   /* what each is a function of: the output, or the value that it names */
    size_t n;
} xai__targets;

/* Checks and copies them; n_targets 0 is the top class. n_kinds: scores of enum xai_score that the method can explain.
 * On failure there is nothing to free. */
xai_status xai__targets_init(xai__targets *out, const xai_model *model, const xai_target *targets, size_t n_targets,
                             uint32_t n_kinds);
void xai__targets_fini(xai__targets *targets);

/* The same for a black box, whose n_classes outputs have no name; every value is 0. */
xai_status xai__targets_init_classes(xai__targets *out, xai_context *context, int64_t n_classes,
                                     const xai_target *targets, size_t n_targets);

/* A view of those from first on that are functions of one value, which one backward pass can share; returns the index
 * behind them. The view needs no freeing. */
size_t xai__targets_share(xai__targets *part, const xai__targets *targets, size_t first);

/* Seed callback of xai__backward: user is an xai__targets whose members share a value, and the request's first fetch is
 * that value. */
xai_status xai__targets_seed(void *user, float *seed, size_t target, size_t first, size_t n,
                             xai_tensor *const *fetched);

/* Fails unless the target is a class of the model, or an element of the value that it names, and its score a kind below
 * n_kinds. value: what it is a function of. */
xai_status xai__target_check(int32_t *value, const xai_model *model, const xai_target *target, uint32_t n_kinds);

/* Makes -1 the index of the largest of the n elements. */
void xai__target_resolve(xai_target *target, const float *elements, size_t n);

/* The score, from the n elements of its value. The index is resolved. */
double xai__target_score(const xai_target *target, const xai_model *model, const float *elements, size_t n);

/* The same where only this is known of the model: whether its outputs are probabilities already. */
double xai__target_score_of(const xai_target *target, bool gives_probabilities, const float *elements, size_t n);
double xai__target_probability_of(bool gives_probabilities, const float *elements, size_t n, int64_t index);

/* The gradient of the score with respect to the elements. */
void xai__target_gradient(float *out, const xai_target *target, const xai_model *model, const float *elements,
                          size_t n);

/* Softmax probability of one class, or the output itself where the model's output is normalised. */
double xai__target_probability(const xai_model *model, const float *logits, size_t n, int64_t index);

#endif
