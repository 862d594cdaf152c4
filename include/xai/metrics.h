/* SPDX-License-Identifier: MIT
 * Metrics: how good a map is, and how far two of them agree. */
#ifndef XAI_METRICS_H
#define XAI_METRICS_H

#include <xai/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Options of xai_metric_map() and xai_metric_agreement(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_metric_options {
    size_t struct_size;       /**< sizeof(xai_metric_options). */
    const char *profile;      /**< "default", "quantus", or for the pointing game also "torchray". NULL: "default". */
    const xai_tensor *region; /**< Where the object is, of the map's shape: inside wherever it is not 0. Not kept. */
    int64_t box[4];     /**< Left, top, width and height in pixels of the map: the region, if @p region is NULL. All 0:
                           none. */
    uint32_t tolerance; /**< pointing-game: the region is hit from less than so many pixels away, so that 1 is a hit
                           itself. 0: 15; profile "quantus": 1. */
    uint32_t k;         /**< top-k-intersection: how many elements. 0: 1000, but at most a tenth of the map. */
} xai_metric_options;

/**
 * Measure one map, without the network.
 *
 * Of the map alone:
 * - `sparseness`: Gini index of the magnitudes, 0 (even) to 1 (one pixel). Chalasani et al.: Concise Explanations of
 *   Neural Networks using Adversarial Training, ICML 2020.
 * - `complexity`: entropy of the magnitudes' shares in nats, 0 (one pixel) to the logarithm of the number of elements.
 *   Bhatt, Weller, Moura: Evaluating and Aggregating Feature-based Model Explanations, IJCAI 2020.
 *
 * Of the map and a region, which one of `region` and `box` gives:
 * - `pointing-game`: 1 if the largest element hits the region, else 0. Zhang et al.: Top-down Neural Attention by
 *   Excitation Backprop, ECCV 2016.
 * - `relevance-mass`: share of the map inside. `relevance-rank`: of the n largest elements, the share inside, n being
 *   the region's size. Arras, Osman, Samek: CLEVR-XAI, Information Fusion 2022.
 * - `top-k-intersection`: of the k largest elements, the share inside. Theiner et al.: Interpretable Semantic Photo
 *   Geolocation, WACV 2022.
 * - `localisation-auc`: chance that an element inside is larger than one outside. Fawcett: An introduction to ROC
 *   analysis, 2006.
 *
 * Profile "quantus" follows Quantus' defaults: relevance-mass adds up values of both signs, where "default" takes those
 * above zero, since a map speaks for a class where it is positive; the pointing game has no tolerance, where "default"
 * and "torchray" have TorchRay's.
 *
 * @param[out] out  The number; 0 on failure.
 * @param map       H x W; of any shape for sparseness and complexity. Larger means more important. Not modified.
 * @param metric    One of the names above.
 * @param options   NULL for the defaults.
 * @return 0; XAI_FLAT if the map is the same everywhere: the number is the limit that maps nearly flat come to, and for
 * the order of elements that of equal ones in row-major order; XAI_E_NOT_FOUND for an unknown metric or profile (the
 * message lists what there is); XAI_E_INVALID for NaN or infinity in the map, for a region that is missing, empty or
 * everything, or that the metric does not have; XAI_E_SHAPE for shapes that do not fit; XAI_E_LIMIT for 2^32 elements
 * or more; XAI_E_ABI; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_metric_map(double *out, const xai_tensor *map, const char *metric,
                                  const xai_metric_options *options);

/**
 * Measure how far two maps agree.
 *
 * - `pearson`: correlation of the values. `spearman`: of their ranks, equal values sharing the mean of theirs.
 * - `top-k-intersection`: of the k largest elements of one map, the share that is among those of the other. Ghorbani,
 *   Abid, Zou: Interpretation of Neural Networks is Fragile, AAAI 2019.
 * - `ssim`: structural similarity in windows of 7 x 7, mean over the places where one fits; the range of values is
 *   that of both maps together. Wang et al.: Image Quality Assessment, 2004, as scikit-image and Quantus compute it.
 *
 * The profiles "default" and "quantus" are the same here: there are both so that one name goes for all metrics.
 *
 * @param[out] out  The number; 0 on failure.
 * @param a         A map; H x W for ssim. Not modified.
 * @param b         Another one of its shape. Not modified.
 * @param metric    One of the names above.
 * @param options   NULL for the defaults. They give no region.
 * @return 0; XAI_FLAT if one of the maps is the same everywhere, so that there is no correlation: the number is 0;
 * XAI_E_SHAPE for maps of different shapes, or for ssim of a map smaller than its window; else as xai_metric_map().
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_metric_agreement(double *out, const xai_tensor *a, const xai_tensor *b, const char *metric,
                                        const xai_metric_options *options);

#ifdef __cplusplus
}
#endif
#endif
