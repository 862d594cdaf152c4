/* SPDX-License-Identifier: MIT
 * Metrics that ask the network, as their parts see them: a stream of changed images, and what is made of its scores. */
#ifndef XAI__EXPLAIN_METRIC_METRIC_FAITHFULNESS_H
#define XAI__EXPLAIN_METRIC_METRIC_FAITHFULNESS_H

#include "explain/metric/metric.h"
#include "explain/perturb/perturb.h"

/* Whose conventions; a metric has those whose bits are set. */
enum xai__metric_profile {
    XAI__METRIC_DEFAULT = 1,
    XAI__METRIC_RISE = 2,
    XAI__METRIC_TORCHCAM = 4,
    XAI__METRIC_XPLIQUE = 8,
    XAI__METRIC_QUANTUS = 16,
    XAI__METRIC_PYTORCH_GRAD_CAM = 32,
    XAI__METRIC_CAPTUM = 64
};

/* A metric at work. */
typedef struct xai__faithfulness {
    const struct xai__faithfulness_row *row;
    xai_faithfulness_options options;
    xai_run_options run;
    uint32_t profile;
    xai_context *context;
    xai__scorer scorer;
    const float *input;
    double *values; /* the map's */
    size_t n_values, n_channels, n_pixels, n_elements;
    float *substrate; /* of the input's size; NULL where the metric needs none */

    /* Of a curve. */
    uint32_t *position; /* in the order in which elements go */
    size_t n_ranked, step, n_steps;

    /* Of the images: their scores and what make() noted of them. */
    size_t n_done;
    double *scores, *notes;
    void *own; /* what make() reads beside this */
} xai__faithfulness;

/* What sets a metric apart. */
typedef struct xai__faithfulness_row {
    const char *name;
    xai_status (*measure)(double *out, xai_tensor **curve, xai__faithfulness *f);
    uint32_t profiles, keeps_channels; /* of enum xai__metric_profile */
    uint32_t needs;                    /* options: enum xai__faithfulness_need */
    uint32_t top_score;                /* of the top class, where no target is given */
} xai__faithfulness_row;

enum xai__faithfulness_need {
    XAI__FAITHFULNESS_SUBSTRATE = 1,
    XAI__FAITHFULNESS_SAMPLES = 2,
    XAI__FAITHFULNESS_BASELINE = 4,
    XAI__FAITHFULNESS_NOISE = 8,
    XAI__FAITHFULNESS_FLAGS = 16,
    XAI__FAITHFULNESS_PATCH = 32,
    XAI__FAITHFULNESS_SEGMENTS = 64,
    XAI__FAITHFULNESS_STEP_SIZE = 128,
    XAI__FAITHFULNESS_N_STEPS = 256
};

xai_status xai__faithfulness_deletion(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_insertion(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_drop(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_increase(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_gain(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_infidelity(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_completeness(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_estimate(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_correlation(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_monotonicity(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_monotonicity_correlation(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_selectivity(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_region_perturbation(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_irof(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_road(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_road_most(double *out, xai_tensor **curve, xai__faithfulness *f);
xai_status xai__faithfulness_road_least(double *out, xai_tensor **curve, xai__faithfulness *f);

/* Fills f->position and f->n_ranked: pixels in descending order of the map, or with Quantus single elements. */
xai_status xai__faithfulness_rank(xai__faithfulness *f);

/* Fills f->step and f->n_steps as the options and the profile say; n_default: our steps, 0 for RISE's 224. */
xai_status xai__faithfulness_choose_steps(xai__faithfulness *f, size_t n_default);

/* Makes scores 1 where the target's class is the top one, else 0. */
xai_status xai__faithfulness_ask_for_top(xai__faithfulness *f);

/* Scores n images: make() fills image number index and may note a number of it. user is f. */
xai_status xai__faithfulness_run(xai__faithfulness *f, size_t n,
                                 void (*make)(void *user, uint64_t index, float *image, void *note));

/* A new curve, 2 x n_done, which ends where a watcher stopped the run: the share of what has changed in each image, and
 * its score. */
xai_status xai__faithfulness_curve(xai_tensor **curve, const xai__faithfulness *f,
                                   double (*share)(const xai__faithfulness *f, size_t index));

/* The input's smallest and largest element. */
void xai__faithfulness_range(float *low, float *high, const xai__faithfulness *f);

/* Fills f->substrate: the baseline that is given, else what the options name, else fallback. */
xai_status xai__faithfulness_fill_substrate(xai__faithfulness *f, const char *fallback);

#endif
