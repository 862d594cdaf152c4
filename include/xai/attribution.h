/* SPDX-License-Identifier: MIT
 * Attributions: the result of every explanation, and how it becomes a picture. */
#ifndef XAI_ATTRIBUTION_H
#define XAI_ATTRIBUTION_H

#include <xai/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An explanation of one score of one image: the raw map on the method's own grid and how it was made. Never changes.
 * @since 0.1 */
typedef struct xai_attribution xai_attribution;

/** What of a class is explained. @since 0.1 */
enum xai_score {
    XAI_SCORE_LOGIT = 0,       /**< The class's output as it is. */
    XAI_SCORE_PROBABILITY = 1, /**< Its softmax probability. */
    XAI_SCORE_MARGIN = 2,      /**< Its logit minus that of class `against`. */
    XAI_SCORE_VALUE = 3        /**< Element `index` of the named value. */
};

/**
 * Which score to explain. Used in arrays, so it carries no size and never changes; unused fields are 0.
 * @since 0.1
 */
typedef struct xai_target {
    int64_t index;     /**< Class index; -1: the class with the largest logit. */
    int64_t against;   /**< The other class, for XAI_SCORE_MARGIN. */
    const char *value; /**< Name of a value, for XAI_SCORE_VALUE. */
    uint32_t score;    /**< One of enum xai_score. */
    uint32_t reserved; /**< 0. */
} xai_target;

/** How xai_attribution_map() scales what it returns. @since 0.1 */
enum xai_normalise {
    XAI_NORMALISE_PROFILE = 0, /**< As the attribution's profile does. */
    XAI_NORMALISE_NONE = 1,    /**< Raw values. */
    XAI_NORMALISE_MIN_MAX = 2  /**< (x - min) / (max - min), 0 to 1. */
};

/** Add a reference. @param attribution  May be NULL. @return @p attribution. Any thread. @since 0.1 */
XAI_API xai_attribution *xai_attribution_ref(xai_attribution *attribution);

/** Drop a reference; the last one frees it. @param attribution  May be NULL. Any thread. @since 0.1 */
XAI_API void xai_attribution_unref(xai_attribution *attribution);

/**
 * Read the map.
 *
 * @param[out] out     H x W, or C x H x W where the method kept the channels, one reference. NULL on failure.
 * @param attribution  The attribution.
 * @param height       Rows wanted; 0 with @p width 0: the method's own grid.
 * @param width        Columns wanted.
 * @param normalise    One of enum xai_normalise. Scaling comes before resizing, unless the profile does otherwise.
 * @return 0; XAI_FLAT if the map is the same everywhere and normalising was asked for (then it is all zeros, never
 * NaN); XAI_E_INVALID; XAI_E_NO_MEMORY.
 *
 * Resized half-pixel bilinear (torch's align_corners=False, OpenCV's INTER_LINEAR); profile "captum" of a class
 * activation map by the nearest pixel. Profiles "default" and "pytorch-grad-cam" of the methods with gradients scale
 * again after resizing, "kazuto" only then. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_attribution_map(xai_tensor **out, const xai_attribution *attribution, int64_t height,
                                       int64_t width, uint32_t normalise);

/**
 * Read the standard errors of a map that was made of random samples.
 *
 * @param[out] out     H x W, one reference: about 95 of 100 raw map values lie within 1.96 of these of what infinitely
 *                     many samples would give. NULL on failure.
 * @param attribution  The attribution, of RISE.
 * @param height       Rows wanted; 0 with @p width 0: the method's own grid.
 * @param width        Columns wanted. Resized half-pixel bilinear.
 * @return 0; XAI_E_UNSUPPORTED if the method leaves none; XAI_E_INVALID; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_attribution_error_map(xai_tensor **out, const xai_attribution *attribution, int64_t height,
                                             int64_t width);

/** Class explained. @param attribution  The attribution. @return Class index, never -1. Any thread. @since 0.1 */
XAI_API int64_t xai_attribution_target(const xai_attribution *attribution);

/** Score explained. @param attribution  The attribution. @return The score's value for the whole image. Any thread.
 * @since 0.1 */
XAI_API double xai_attribution_score(const xai_attribution *attribution);

/**
 * Read a number that the method left in the record, under the name that xai_attribution_json() gives it.
 *
 * @param attribution  The attribution.
 * @param name         Such as "completeness_error" (`ig`: sum of the map less the difference of the scores), "steps",
 * "score_at_baseline" or "samples".
 * @return The number; NaN if the method leaves none of that name.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API double xai_attribution_number(const xai_attribution *attribution, const char *name);

/** Kinds of drawing. @since 0.1 */
enum xai_draw_kind {
    XAI_DRAW_HEAT = 0,     /**< Colours, alone or over the picture. */
    XAI_DRAW_MASKED = 1,   /**< The picture, dimmed where the map is low; of a signed map, where it is not positive. */
    XAI_DRAW_CONTOURS = 2, /**< The picture, with lines of equal height; of a signed map, of its positive part. */
    XAI_DRAW_ERRORS = 3    /**< The standard errors of the map as heat, "viridis" by default. */
};

/** Options of xai_attribution_draw_with(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_draw_options {
    size_t struct_size; /**< sizeof(xai_draw_options). */
    const char *style;  /**< Colour map: "jet", "viridis", "turbo", "gray", "RdBu", or one of them with "_r", which runs
                           backwards. NULL: as the profile draws; else "RdBu_r" for the heat of signed maps (red speaks
                           for the class), "gray" for gradients without a picture, "jet". */
    uint32_t kind;      /**< One of enum xai_draw_kind. */
    uint32_t n_levels;  /**< Lines of XAI_DRAW_CONTOURS, evenly spaced. 0: 3; at most 64. */
    float opacity;      /**< Share of the colours over the picture, 0 to 1; for signed maps, where the map is at a
                           quarter of its limit. 0: 0.5. */
    float percentile;   /**< Magnitudes beyond this percentile get the end colours. 0: 99 for maps that their profile
                           leaves raw, 100 for others. */
    float smooth;       /**< Standard deviation of a Gaussian that smooths the map first, as a share of its width.
                           0: 0.03 for masks and contours of gradients, none else; negative: none. */
    uint32_t reserved;  /**< 0. */
} xai_draw_options;

/**
 * Draw the map.
 *
 * @param[out] out     The picture, one reference: the size of @p under, or of the model's input. NULL on failure.
 * @param attribution  The attribution.
 * @param under        Picture to draw over, usually xai_model_crop()'s; NULL: the colours alone.
 * @param options      NULL for the defaults.
 * @return 0; XAI_FLAT if the map is the same everywhere; XAI_E_NOT_FOUND for an unknown style; XAI_E_INVALID for
 * another option out of range, or for a mask or contours without @p under; XAI_E_UNSUPPORTED for errors where the
 * method leaves none; XAI_E_ABI; XAI_E_NO_MEMORY.
 *
 * Scaled from the smallest value to the largest, signed maps symmetrically about zero, then resized half-pixel
 * bilinear. Kept channels are put together as the method does. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_attribution_draw_with(xai_image **out, const xai_attribution *attribution,
                                             const xai_image *under, const xai_draw_options *options);

/**
 * Draw the map as heat: xai_attribution_draw_with() with a style and no other options.
 *
 * @param[out] out     The picture, one reference: the size of @p under, or of the model's input. NULL on failure.
 * @param attribution  The attribution.
 * @param under        Picture to blend with, usually xai_model_crop()'s; NULL: the colours alone.
 * @param style        NULL: as the profile draws ("jet", half and half; "tutorial": the tutorial's colours, resampling
 * and truncation). Else a colour map, as in xai_draw_options.
 * @return 0; XAI_FLAT; XAI_E_NOT_FOUND for an unknown style; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_attribution_draw(xai_image **out, const xai_attribution *attribution, const xai_image *under,
                                        const char *style);

/**
 * Describe the attribution as JSON: method, profile, layers, target, score, grid, range, purpose, backend, digests of
 * model and input, version.
 *
 * @param attribution  The attribution.
 * @param buffer       Where the NUL-terminated text goes; may be NULL if @p capacity is 0.
 * @param capacity     Size of @p buffer in bytes.
 * @return Length of the whole text without its NUL, as snprintf does; 0 if memory ran out.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API size_t xai_attribution_json(const xai_attribution *attribution, char *buffer, size_t capacity);

#ifdef __cplusplus
}
#endif
#endif
