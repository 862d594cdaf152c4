/* SPDX-License-Identifier: MIT
 * Explainers: one way to make maps, a method's name or a callback. */
#ifndef XAI__EXPLAIN_EXPLAINER_H
#define XAI__EXPLAIN_EXPLAINER_H

#include <stdbool.h>

#include <xai/metrics.h>

/* Copies what the caller hands in; fails unless it is one way, and one that session (NULL: none) allows. */
xai_status xai__explainer_read(xai_explainer *out, const xai_explainer *explainer, const xai_session *session);

/* The target that all explanations are of: a copy of the caller's (NULL: the top class), its class resolved by what the
 * session says of input. has_target: false where there is neither session nor target. */
xai_status xai__explainer_resolve(xai_target *out, bool *has_target, xai_session *session, const xai_tensor *input,
                                  const xai_target *target);

/* A new raw map, every element finite. target may be NULL. */
xai_status xai__explainer_map(xai_tensor **out, const xai_explainer *explainer, xai_session *session,
                              const xai_tensor *input, const xai_target *target);

#endif
