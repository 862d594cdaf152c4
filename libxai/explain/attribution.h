/* SPDX-License-Identifier: MIT
 * Attributions. */
#ifndef XAI__EXPLAIN_ATTRIBUTION_H
#define XAI__EXPLAIN_ATTRIBUTION_H

#include <xai/attribution.h>

#include "core/object.h"
#include "explain/target.h"
#include "io/resample.h"

/* How a profile scales a map, and how it draws it. */
typedef struct xai__profile {
    const char *name;
    float epsilon; /* added to the divisor: (x - min) / (max - min + epsilon) */
    bool draws_as_tutorial;
    bool is_raw;      /* XAI_NORMALISE_PROFILE leaves the values as they are */
    bool rescales;    /* once more after resizing */
    bool scales_last; /* only after resizing */
    enum xai__map_filter filter;
} xai__profile;

/* A number that a method adds to the record. */
typedef struct xai__note {
    const char *name; /* static */
    double value;
} xai__note;

enum { XAI__MAX_NOTES = 8 };

struct xai_attribution {
    xai__object object;
    xai_tensor *map;    /* H x W, the method's own grid; C x H x W where channels are kept */
    xai_tensor *errors; /* standard errors of the map's elements; NULL: the method has none */
    const char *method;
    const xai__profile *profile;
    char *layer; /* n_layers names, each with its NUL; NULL: the method has none */
    size_t n_layers;
    int64_t input_height, input_width;
    xai_target target; /* index resolved */
    char *label;       /* NULL: the model has none */
    char *value;       /* the target's, NULL where it is a class */
    double score, probability;
    double *coefficients; /* of segments, and behind them their standard errors; NULL: the method has none */
    size_t n_coefficients;
    bool is_signed; /* zero is the middle of the map, not its end */
    bool is_scaled; /* as the profile does, already */
    xai__note notes[XAI__MAX_NOTES];
    size_t n_notes;
    uint64_t seed; /* of random numbers */
    bool has_seed;
    uint32_t purpose;
    bool is_exact;     /* the backends keep the bit promises */
    bool is_black_box; /* no session: no purpose, backends or digest of a model */
    uint64_t model_digest, input_digest;
};

/* Fails unless input is one image as the session's model takes it. */
xai_status xai__attribution_check_input(const xai_session *session, const xai_tensor *input);

/* Empties a caller's room for results, one a target or one for none; NULL: there is none. */
void xai__attributions_empty(xai_attribution **out, size_t n_targets);

/* Takes back what a method that fails has given so far. */
void xai__attributions_drop(xai_attribution **out, size_t n);

/* What every method knows about a prediction, from the n elements of the value that the target is a function of (the
 * logits, if it is a class): fills target, score, probability and label of a new attribution. */
xai_status xai__attribution_create(xai_attribution **out, xai_session *session, const xai_tensor *input,
                                   const float *elements, size_t n, const xai_target *target);

/* The same for a black box, of whose classes only the numbers are known. */
xai_status xai__attribution_create_black_box(xai_attribution **out, const xai_tensor *input, bool gives_probabilities,
                                             const float *elements, size_t n, const xai_target *target);

/* Scales a map, in place, as a profile does before resizing; XAI_FLAT leaves zeros. */
xai_status xai__map_scale(xai_tensor *map, const xai__profile *profile);

/* Replaces a map, each channel of it, by one of another size. On failure it stays. */
xai_status xai__map_resize(xai_tensor **map, int64_t height, int64_t width, enum xai__map_filter filter);

/* Everything that a profile does to a map: scales, resizes (height 0: stays on its grid) and scales. */
xai_status xai__map_finish(xai_tensor **map, const xai__profile *profile, int64_t height, int64_t width);

/* Adds a number to the record; the name is static. */
void xai__attribution_note(xai_attribution *attribution, const char *name, double value);

#endif
