/* SPDX-License-Identifier: MIT
 * What a model keeps for its sessions: the open backends, packed weights, and the plans used last. */
#ifndef XAI__RUNTIME_CACHE_H
#define XAI__RUNTIME_CACHE_H

#include "model/gradient.h"
#include "model/model.h"
#include "runtime/plan.h"

/* The plan for a key over the model's graph, compiled if it is not there; one reference. Takes the model's lock. */
xai_status xai__cache_plan(xai__plan **out, xai_model *model, const xai__plan_key *key);

/* Drops a reference. Takes the model's lock. */
void xai__cache_release(xai_model *model, xai__plan *plan);

/* The gradient of a value under a rule, built if it is not there; one reference. Takes the model's lock. */
xai_status xai__cache_gradient(xai__gradient **out, xai_model *model, int32_t of, uint32_t rule);
void xai__cache_release_gradient(xai_model *model, xai__gradient *gradient);

#endif
