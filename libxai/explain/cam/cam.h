/* SPDX-License-Identifier: MIT
 * The class activation maps: what a method is, and what it works on. */
#ifndef XAI__EXPLAIN_CAM_CAM_H
#define XAI__EXPLAIN_CAM_CAM_H

#include <xai/cam.h>

#include "explain/attribution.h"
#include "explain/classifier.h"
#include "explain/target.h"
#include "runtime/session.h"

/* One pass of one input through the network: what all methods start from. */
typedef struct xai__cam_pass {
    xai_cam *cam;
    const xai_tensor *input;
    const xai_tensor *layer; /* what an earlier pass gave at the only layer: only what lies behind is run; or NULL */
    xai__targets *targets;
    xai_tensor **activations; /* one a layer */
    xai_tensor **elements;    /* one a target: the value whose element is explained */
    xai_tensor **gradients;   /* n_layers a target; NULL where the method needs none */
} xai__cam_pass;

/* A channel of a layer, n elements: its weight. Double, for there may be many elements. */
typedef double (*xai__cam_channel_fn)(const float *activations, const float *gradients, int64_t n);

/* An element of a layer: its part of the map. */
typedef float (*xai__cam_element_fn)(float activation, float gradient);

/* A layer, for all targets at once: the weights of its channels, out[target * channels + channel]. */
typedef xai_status (*xai__cam_weights_fn)(double *out, const xai__cam_pass *pass, size_t layer);

/* A layer, for all targets at once: the maps themselves, out[target * n + element]. */
typedef xai_status (*xai__cam_maps_fn)(float *out, const xai__cam_pass *pass, size_t layer);

/* A method is one row: exactly one of the four functions says what the channels are worth. */
typedef struct xai__cam_method {
    const char *name;
    uint32_t profiles; /* bits of enum xai__cam_profile_index */
    bool needs_gradients, is_rectified;
    bool is_projected; /* the channels are projected on their first principal component, not added up */
    xai__cam_channel_fn channel, torchcam_channel; /* the latter: NULL where torchcam computes the same */
    xai__cam_element_fn element;
    xai__cam_weights_fn weights;
    xai__cam_maps_fn maps;
} xai__cam_method;

enum xai__cam_profile_index {
    XAI__CAM_PLAIN, /* "default" of plain cam */
    XAI__CAM_DEFAULT,
    XAI__CAM_TUTORIAL,
    XAI__CAM_PGC,
    XAI__CAM_TORCHCAM,
    XAI__CAM_CAPTUM,
    XAI__CAM_KAZUTO
};

/* How several maps become one. */
enum xai__cam_fusion { XAI__CAM_ALONE, XAI__CAM_MEAN, XAI__CAM_MAX };

/* A profile, and what it changes beside the scaling. */
typedef struct xai__cam_profile {
    xai__profile base;
    uint32_t index;  /* one of enum xai__cam_profile_index */
    uint32_t fusion; /* of its original; ALONE: it takes one layer */
    bool smooths;    /* its original knows eigen_smooth and aug_smooth */
} xai__cam_profile;

struct xai_cam {
    xai__object object;
    xai_session *session;
    const xai__cam_method *method;
    const xai__cam_profile *profile;
    uint32_t fusion, flags;
    xai__classifier classifier; /* plain cam's */
    int32_t *layers;
    size_t n_layers;
};

/* The value of a layer. */
const xai__value *xai__cam_layer(const xai_cam *cam, size_t layer);

/* cam_table.c: the rows. XAI_E_NOT_FOUND lists what there is. */
xai_status xai__cam_find_method(const xai__cam_method **out, xai_context *context, const char *name);
xai_status xai__cam_find_profile(const xai__cam_profile **out, xai_context *context, const xai__cam_method *method,
                                 const char *name);

/* cam_layers.c: fills cam->layers by the options, the manifest, the profile, the network. */
xai_status xai__cam_find_layers(xai_cam *cam, const xai_cam_options *options);

/* cam_pass.c: one forward pass, and gradients where the method needs them. The first three fields and targets are set.
 * Free it in either case. */
xai_status xai__cam_pass_run(xai__cam_pass *pass);
void xai__cam_pass_free(xai__cam_pass *pass);

/* cam_maps.c: the map of one layer for every target, out[target * n + element]. */
xai_status xai__cam_maps(float *out, const xai__cam_pass *pass, size_t layer);

/* cam_fuse.c: the pass as one map a target, new references; all NULL on failure. */
xai_status xai__cam_fuse(xai_tensor **out, const xai__cam_pass *pass);

/* Is the profile's scaling in what cam_fuse.c gives already? */
bool xai__cam_is_scaled(const xai_cam *cam);

/* Replaces the maps of a pass by the mean over six passes: mirrored or not, 0.9, 1 and 1.1 times as bright. */
xai_status xai__cam_augment(xai_tensor **maps, const xai__cam_pass *pass);

/* cam_eigen.c: projection of c channels of n elements, centred, on their first principal component; of the two signs
 * the one that goes with the channels' mean. */
xai_status xai__cam_project(float *out, xai_context *context, const float *channels, size_t c, size_t n);

/* cam_weights.c: what a channel or an element is worth. */
double xai__cam_mean_gradient(const float *a, const float *g, int64_t n);
double xai__cam_plus_plus(const float *a, const float *g, int64_t n);
double xai__cam_plus_plus_torchcam(const float *a, const float *g, int64_t n);
double xai__cam_axiom(const float *a, const float *g, int64_t n);
double xai__cam_axiom_torchcam(const float *a, const float *g, int64_t n);
float xai__cam_layer_element(float a, float g);
float xai__cam_product(float a, float g);
float xai__cam_rectified_product(float a, float g);
float xai__cam_activation(float a, float g);
xai_status xai__cam_classifier_weights(double *out, const xai__cam_pass *pass, size_t layer);

/* Is there no way from the input to the targets but through the value? */
xai_status xai__cam_is_cut(bool *out, const xai_cam *cam, int32_t value, const xai__targets *targets);

/* The attributions of targets of one value, from what an earlier pass gave at the cam's only layer, which is a cut. */
xai_status xai__cam_compute_behind(xai_attribution **out, xai_cam *cam, const xai_tensor *input,
                                   const xai_tensor *layer, xai__targets *targets);

/* cam_mask.c: what a channel or a position is worth to the score, by trying. */
xai_status xai__cam_score_weights(double *out, const xai__cam_pass *pass, size_t layer);
xai_status xai__cam_ablation_weights(double *out, const xai__cam_pass *pass, size_t layer);
xai_status xai__cam_reciprocal_maps(float *out, const xai__cam_pass *pass, size_t layer);

#endif
