/* SPDX-License-Identifier: MIT
 * Superpixels: pictures cut into segments, which LIME and KernelSHAP switch on and off. */
#ifndef XAI_SEGMENTS_H
#define XAI_SEGMENTS_H

#include <xai/image.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which segment each pixel of a picture belongs to: H x W labels from 0 to their number - 1. Never changes.
 * @since 0.1 */
typedef struct xai_segments xai_segments;

/** Flags of xai_segment_options. @since 0.1 */
enum xai_segment_flag {
    XAI_SEGMENT_SET_SEED = 1,      /**< seed holds a value: needed because zero is a value. */
    XAI_SEGMENT_KEEP_FRAGMENTS = 2 /**< slic: do not merge small or disconnected parts into their neighbours. */
};

/**
 * How to cut a picture. Zero it, set struct_size, set what you need; what another method has is refused.
 * @since 0.1
 */
typedef struct xai_segment_options {
    size_t struct_size;  /**< sizeof(xai_segment_options). */
    const char *method;  /**< "quickshift", "slic", "felzenszwalb" or "grid". NULL: "quickshift". */
    uint64_t seed;       /**< quickshift: of the noise that breaks ties, with XAI_SEGMENT_SET_SEED. Else 42, as
                            scikit-image and LIME have it. */
    double kernel_size;  /**< quickshift: standard deviation of the density's kernel, in pixels; the search window ends
                            at three of them. 0: 4; at least 1. */
    double max_dist;     /**< quickshift: no pixel follows one further away than this. 0: 200. */
    double ratio;        /**< quickshift: weight of colour (CIELAB) against place. 0: 0.2. */
    double compactness;  /**< slic: weight of place against colour. 0: 10. */
    double scale;        /**< felzenszwalb: larger makes larger segments. 0: 100. */
    double sigma;        /**< Standard deviation of a Gaussian that smooths the picture first, in pixels. 0: 0.8 for
                            felzenszwalb, none for the others; negative: none. */
    uint32_t n_segments; /**< slic: how many are wanted, about. 0: 100. */
    uint32_t n_iterations; /**< slic: rounds of k-means at most. 0: 10. */
    uint32_t min_size;     /**< felzenszwalb: pixels of the smallest segment. 0: 50. */
    uint32_t n_rows;       /**< grid: rows of rectangles. 0: 8. */
    uint32_t n_columns;    /**< grid: columns of rectangles. 0: as many as rows. */
    uint32_t flags;        /**< Of enum xai_segment_flag. */
} xai_segment_options;

/**
 * Cut a picture into superpixels.
 *
 * - `quickshift`: pixels climb to the nearest pixel of higher density in colour and place. Vedaldi, Soatto: Quick Shift
 *   and Kernel Methods for Mode Seeking, ECCV 2008. LIME's parameters are the defaults.
 * - `slic`: k-means in colour and place. Achanta et al.: SLIC Superpixels Compared to State-of-the-Art Superpixel
 *   Methods, TPAMI 2012.
 * - `felzenszwalb`: a minimum spanning tree, cut where colours change. Felzenszwalb, Huttenlocher: Efficient
 *   Graph-Based Image Segmentation, IJCV 2004.
 * - `grid`: equal rectangles.
 *
 * @param[out] out  The segments, one reference. NULL on failure.
 * @param image     The picture as the network sees it: xai_model_crop()'s. Not modified, not kept.
 * @param options   NULL for the defaults.
 * @return 0; XAI_E_NOT_FOUND for an unknown method (the message lists them); XAI_E_INVALID for a parameter out of
 * range, or for one that the method does not have; XAI_E_LIMIT for 2^30 pixels or more; XAI_E_ABI; XAI_E_NO_MEMORY.
 *
 * The first three give the labels of scikit-image 0.26 for the same parameters (its slic begins at 1, ours at 0). Uses
 * the context's threads; the labels do not depend on their number. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_segments_create(xai_segments **out, const xai_image *image, const xai_segment_options *options);

/**
 * Take segments that something else made.
 *
 * @param[out] out  The segments, one reference. NULL on failure.
 * @param context   Context; kept alive.
 * @param labels    H x W numbers >= 0, row-major; copied. Gaps are closed: the smallest becomes 0, the next 1 ...
 * @param width     Pixels a row, > 0.
 * @param height    Rows, > 0.
 * @return 0; XAI_E_INVALID for a negative label or an empty map; XAI_E_LIMIT for more pixels than the context allows;
 * XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_segments_wrap(xai_segments **out, xai_context *context, const int32_t *labels, int32_t width,
                                     int32_t height);

/** Add a reference. @param segments  May be NULL. @return @p segments. Any thread. @since 0.1 */
XAI_API xai_segments *xai_segments_ref(xai_segments *segments);

/** Drop a reference; the last one frees it. @param segments  May be NULL. Any thread. @since 0.1 */
XAI_API void xai_segments_unref(xai_segments *segments);

/** Count the segments. @param segments  The segments. @return Their number. Any thread. @since 0.1 */
XAI_API size_t xai_segments_count(const xai_segments *segments);

/** Width. @param segments  The segments. @return Pixels a row. Any thread. @since 0.1 */
XAI_API int32_t xai_segments_width(const xai_segments *segments);

/** Height. @param segments  The segments. @return Rows. Any thread. @since 0.1 */
XAI_API int32_t xai_segments_height(const xai_segments *segments);

/**
 * Reach the labels.
 *
 * @param segments  The segments.
 * @return H x W labels, row-major, 0 to xai_segments_count() - 1, borrowed: valid while @p segments lives.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API const int32_t *xai_segments_labels(const xai_segments *segments);

/** Options of xai_segments_draw(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_segments_draw_options {
    size_t struct_size;     /**< sizeof(xai_segments_draw_options). */
    const uint32_t *chosen; /**< Segments to single out, by label. NULL: none, every boundary is drawn. */
    size_t n_chosen;        /**< Number of @p chosen. */
    float dim;              /**< Share of their brightness that the other pixels lose, 0 to 1; needs @p chosen. */
    uint8_t color[3];       /**< Red, green and blue of the lines. All 0: yellow. */
    uint8_t no_lines;       /**< 1: no lines. */
} xai_segments_draw_options;

/**
 * Draw boundaries between segments, or around some of them, over a picture.
 *
 * @param[out] out   The picture, one reference: the size of @p under. NULL on failure.
 * @param segments   The segments.
 * @param under      Picture to draw over, not modified. Where it is larger or smaller than the segments, labels are
 * looked up at the nearest pixel.
 * @param options    NULL for the defaults.
 * @return 0; XAI_E_INVALID for a label out of range or another option out of range; XAI_E_ABI; XAI_E_NO_MEMORY.
 *
 * Lines lie where scikit-image's mark_boundaries() puts them: on the smaller label's side, or just outside of what is
 * chosen. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_segments_draw(xai_image **out, const xai_segments *segments, const xai_image *under,
                                     const xai_segments_draw_options *options);

#ifdef __cplusplus
}
#endif
#endif
