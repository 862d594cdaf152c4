/* SPDX-License-Identifier: MIT
 * libxai: explainable AI for image classifiers. This header includes all the others. */
#ifndef XAI_XAI_H
#define XAI_XAI_H

#include <xai/api.h>
#include <xai/attribution.h>
#include <xai/cam.h>
#include <xai/context.h>
#include <xai/hook.h>
#include <xai/image.h>
#include <xai/lime.h>
#include <xai/metrics.h>
#include <xai/influence.h>
#include <xai/model.h>
#include <xai/nbdt.h>
#include <xai/occlusion.h>
#include <xai/predict.h>
#include <xai/rise.h>
#include <xai/run.h>
#include <xai/saliency.h>
#include <xai/segments.h>
#include <xai/session.h>
#include <xai/state.h>
#include <xai/table.h>
#include <xai/tensor.h>
#include <xai/tree.h>
#include <xai/visualize.h>

#endif
