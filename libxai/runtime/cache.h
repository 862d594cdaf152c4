/* SPDX-License-Identifier: MIT
 * What a model keeps for its sessions: the open backends, packed weights, and the plans used last. */
#ifndef XAI__RUNTIME_CACHE_H
#define XAI__RUNTIME_CACHE_H

#include "model/model.h"
#include "runtime/plan.h"

/* The plan for a key, compiled if it is not there; one reference. Takes the model's lock. */
xai_status xai__cache_plan(xai__plan **out, xai_model *model, const xai__plan_key *key);

/* Drops a reference. Takes the model's lock. */
void xai__cache_release(xai_model *model, xai__plan *plan);

#endif
