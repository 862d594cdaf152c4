/* SPDX-License-Identifier: MIT
 * Gradient saliency as its parts see it: a method says at which points gradients are taken and what is made of them. */
#ifndef XAI__EXPLAIN_SALIENCY_SALIENCY_H
#define XAI__EXPLAIN_SALIENCY_SALIENCY_H

#include <xai/cam.h>
#include <xai/saliency.h>

#include "core/tensor.h"
#include "explain/attribution.h"
#include "explain/target.h"
#include "runtime/session.h"

typedef struct xai__saliency xai__saliency;

/* How channels become one number a pixel. */
enum xai__reduction { XAI__SUM_OF_CHANNELS, XAI__LARGEST_CHANNEL };

/* Options that only some methods have. */
enum xai__saliency_needs { XAI__SALIENCY_PATH = 1, XAI__SALIENCY_NOISE = 2, XAI__SALIENCY_LAYER = 4 };

/* What sets a method apart, one row each. */
typedef struct xai__saliency_method {
    const char *name;
    uint32_t relu_rule; /* of enum xai__relu_rule */
    uint32_t reduction;
    uint32_t needs;
    bool is_signed, has_squares; /* has_squares: squares of gradients are added up too */

    /* Chooses the points and readies them; what it allocates goes with the computation. NULL: the input alone. */
    xai_status (*begin)(xai__saliency *s);

    /* Writes point number index, an image. NULL: it is the input. */
    void (*point)(const xai__saliency *s, size_t index, float *image);

    /* Turns the weighted sums of a target's gradients into its map, C x H x W, in place, and adds to the record. NULL:
     * they are the map. */
    void (*end)(const xai__saliency *s, xai_attribution *a, size_t target, double *sum, const double *squares);
} xai__saliency_method;

/* One computation, for targets that are functions of one value. */
struct xai__saliency {
    xai_session *session;
    const xai_tensor *input;
    const xai__saliency_method *method;
    const xai__profile *profile;
    xai_saliency_options options; /* defaults filled in */
    xai_run_options run;
    bool takes_absolute; /* |g| is added up in place of g */
    xai__targets targets;
    size_t n_elements; /* of the input */
    size_t n_points, n_done;
    double weight_done;

    /* The value that is explained, at the input and, of paths, at the baseline. */
    xai_tensor *ends;
    size_t n_value;

    double *sums; /* a target each: n_elements; behind them the squares; unset before the first point */

    double *nodes, *weights; /* of paths; weights NULL: all are 1 */
    float *baseline;         /* of paths: an image */
    double sigma;            /* of noise, in the input's units */
    xai_cam *cam;            /* of guided-gradcam */
    bool shares_pass;        /* its layer is fetched along with the gradients: */
    xai_tensor *layer;
    xai_attribution **activation; /* a target each */
    xai_tensor **regions;         /* theirs, at the input's size */
};

/* Computes what the targets want; on failure all of out are NULL. remark: XAI_PARTIAL if it was stopped. */
xai_status xai__saliency_run(xai_attribution **out, xai__saliency *s);

/* Paths. */
xai_status xai__saliency_begin_path(xai__saliency *s);
void xai__saliency_path_point(const xai__saliency *s, size_t index, float *image);
void xai__saliency_end_path(const xai__saliency *s, xai_attribution *a, size_t target, double *sum,
                            const double *squares);

/* Guided Grad-CAM. */
xai_status xai__saliency_begin_guided(xai__saliency *s);
xai_status xai__saliency_find_regions(xai__saliency *s);
void xai__saliency_end_guided(const xai__saliency *s, xai_attribution *a, size_t target, double *sum,
                              const double *squares);

/* Noise. */
xai_status xai__saliency_begin_noise(xai__saliency *s);
void xai__saliency_noise_point(const xai__saliency *s, size_t index, float *image);
void xai__saliency_end_mean(const xai__saliency *s, xai_attribution *a, size_t target, double *sum,
                            const double *squares);
void xai__saliency_end_mean_square(const xai__saliency *s, xai_attribution *a, size_t target, double *sum,
                                   const double *squares);
void xai__saliency_end_variance(const xai__saliency *s, xai_attribution *a, size_t target, double *sum,
                                const double *squares);

#endif
