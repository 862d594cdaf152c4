/* SPDX-License-Identifier: MIT
 * Objectives: terms of a weighted sum over layers and pictures, their values and gradients. */
#ifndef XAI__EXPLAIN_VISUALIZE_OBJECTIVE_H
#define XAI__EXPLAIN_VISUALIZE_OBJECTIVE_H

#include <xai/visualize.h>

#include "model/model.h"

/* One term. */
typedef struct xai__term {
    xai_objective spec; /* copied; weight filled in, positions found */
    int32_t value;      /* what it is a function of; -1: the pictures themselves */
    size_t n_channels, height, width;
} xai__term;

/* The sum. */
typedef struct xai__objectives {
    const xai_model *model;
    xai__term *terms;
    double *scores; /* a term and picture each, of the present step */
    size_t n, n_pictures;
} xai__objectives;

/* Checks and copies them; directions stay the caller's. On failure there is nothing to free. */
xai_status xai__objectives_init(xai__objectives *out, const xai_model *model, const xai_objective *objectives, size_t n,
                                size_t n_pictures);
void xai__objectives_fini(xai__objectives *objectives);

/* True for terms that couple pictures, so that they need all of them at once. */
bool xai__term_couples(const xai__term *term);

/* Evaluates the terms of a value for images first to first + n: keeps their scores, and writes the gradient of the
 * weighted sum to seed. Both arrays begin at image 0. Coupled terms want all images. */
xai_status xai__objectives_evaluate(xai__objectives *objectives, int32_t value, float *seed, const float *elements,
                                    size_t first, size_t n);

/* The same for what is asked of pictures, planes of height x width; the gradient is added. */
void xai__objectives_evaluate_pictures(xai__objectives *objectives, float *gradient, const float *pictures,
                                       size_t height, size_t width);

/* A term's value as it is told: a mean over its pictures, or the sum of a ramp. */
double xai__objectives_score(const xai__objectives *objectives, size_t term);

/* The weighted sum. */
double xai__objectives_sum(const xai__objectives *objectives);

/* What is asked of one picture, a row each in penalty.c: its value, and `share` times the gradient added. */
typedef double (*xai__penalty_fn)(float *gradient, const xai__term *term, const float *picture, size_t height,
                                  size_t width, double share);
double xai__penalty_total_variation(float *gradient, const xai__term *term, const float *picture, size_t height,
                                    size_t width, double share);
double xai__penalty_l1(float *gradient, const xai__term *term, const float *picture, size_t height, size_t width,
                       double share);
double xai__penalty_l2(float *gradient, const xai__term *term, const float *picture, size_t height, size_t width,
                       double share);
double xai__penalty_blur(float *gradient, const xai__term *term, const float *picture, size_t height, size_t width,
                         double share);

/* Diversity of all pictures: scores[i], and shares[i] times the gradient of picture i's score, added to seed. */
xai_status xai__diversity(double *scores, float *seed, const xai__term *term, const float *elements, size_t n_pictures,
                          const double *shares, xai_context *context);

#endif
