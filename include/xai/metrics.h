/* SPDX-License-Identifier: MIT
 * Metrics: how good a map is, how true to the network, and how far two of them agree. */
#ifndef XAI_METRICS_H
#define XAI_METRICS_H

#include <xai/attribution.h>
#include <xai/predict.h>
#include <xai/run.h>
#include <xai/segments.h>

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
 * - `effective-complexity`: number of elements whose magnitude is above 1e-5 of the largest. Nguyen, Martinez: On
 *   Quantitative Aspects of Model Interpretability, 2020.
 *
 * Of the map and a region, which one of `region` and `box` gives:
 * - `pointing-game`: 1 if the largest element hits the region, else 0. Zhang et al.: Top-down Neural Attention by
 *   Excitation Backprop, ECCV 2016.
 * - `attribution-localisation`: share of the magnitudes inside. Kohlbrenner et al.: Towards Best Practice in Explaining
 *   Neural Network Decisions with LRP, IJCNN 2020.
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

/** Flags of xai_faithfulness_options. @since 0.1 */
enum xai_faithfulness_flag {
    XAI_FAITHFULNESS_SCALED = 1,     /**< infidelity: the map is first scaled so that it fits best (captum's
                                        normalize). */
    XAI_FAITHFULNESS_TIMES_INPUT = 2 /**< infidelity: the map is multiplied by input less baseline, as those of
                                        integrated gradients are, so that perturbations are divided by it (captum's
                                        multiply_by_inputs). */
};

/** Options of xai_metric_faithfulness(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_faithfulness_options {
    size_t struct_size;             /**< sizeof(xai_faithfulness_options). */
    const char *profile;            /**< "default", or one that the metric has, see there. NULL: "default". */
    const xai_black_box *black_box; /**< What is asked in place of a session, which is NULL then. Not kept. */
    const xai_run_options *run;     /**< Seed, memory, progress. NULL: defaults. */
    const char *substrate;          /**< What takes the place of pixels where a metric removes any: "zero" (the mean
                                       colour), "blur" (RISE's Gaussian, 11 pixels wide, sigma 5), "min" (the smallest
                                       value) or "mean" (of all values). NULL: as the profile has it. */
    const xai_tensor *baseline; /**< The same, given, of the input's shape; for infidelity see the flag. Not kept. */
    const xai_tensor *perturbations; /**< infidelity: what is taken from the input, N x C x H x W; N is the number of
                                        samples. road: what is added to imputed pixels, N being 1 or the number of
                                        images. NULL: Gaussian noise. Not kept. */
    float sigma;        /**< Standard deviation of the noise. infidelity: as a share of the input's range (largest less
                           smallest value); 0: 0.1. road: 0: 0.01. */
    uint32_t n_samples; /**< infidelity: how many perturbations; 0: 10. faithfulness-correlation: subsets; 0: 100.
                           monotonicity-correlation: values a step; 0: 8, profile "quantus" 100. */
    uint32_t step;      /**< Pixels (profile "quantus": elements) that go in one step; faithfulness-correlation: in a
                           subset, 0: 224, or half of a smaller image. Else 0: as @p n_steps says. */
    uint32_t n_steps;   /**< How many steps; of selectivity, region-perturbation and irof, how many regions go. 0: as
                           the profile has it. */
    uint32_t flags;     /**< Of enum xai_faithfulness_flag. */
    uint32_t reserved;  /**< 0. */
    const xai_segments *segments; /**< irof: what goes together, of the input's size. NULL: about 100 by slic, of the
                                     input stretched to bytes. Not kept. */
    uint32_t patch;               /**< selectivity, region-perturbation: side of a square in pixels. 0: 8. */
    uint32_t reserved_2;          /**< 0. */
} xai_faithfulness_options;

/**
 * Measure how true a map is to the network, by asking the network.
 *
 * With y the score of the input x, larger elements of the map meaning more important:
 * - `deletion`: area under the score while pixels are replaced, the most important first; small is good. `insertion`:
 *   while they appear on a substrate; large is good. Petsiuk, Das, Saenko: RISE, BMVC 2018. Profiles "rise" (steps of
 *   224 of 224 x 224 pixels; zeros for deletion, blur for insertion; of equal elements the last one first), "torchcam"
 *   (20 steps, zeros), "xplique" (10 steps, zeros), "quantus" (deletion only: pixel flipping by single elements, which
 *   become the smallest value; the score before the first step does not count, and the area is not divided by the
 *   number of steps). "default" is "rise" with equal elements in row-major order and steps of their true width.
 * - `average-drop`: share of the score that is lost if the input is multiplied by the map. `increase-in-confidence`: 1
 *   if it grows instead, else 0. `average-gain`: what it gains, as a share of what is missing to 1. Chattopadhay et
 *   al.: Grad-CAM++, WACV 2018; Zhang et al.: Opti-CAM, 2024. One image's part: average over images yourself.
 *   Profiles "torchcam" (the map as it is), "pytorch-grad-cam" (also, and the drop is not divided by y), "xplique"
 *   (magnitudes from 0 to 1). "default" takes what is positive, divided by the largest.
 * - `infidelity`: mean of (sum of perturbation times map, less y(x) - y(x - perturbation))^2. Yeh et al.: On the
 *   (In)fidelity and Sensitivity of Explanations, NeurIPS 2019. Profile "captum" is the same as "default". A map
 *   without channels counts for each of them.
 * - `completeness`: sum of the map less y(x) - y(substrate). Sundararajan, Taly, Yan: Axiomatic Attribution for Deep
 *   Networks, ICML 2017. Profile "captum" is the same as "default".
 * - `faithfulness-estimate`: correlation, over 224 steps, of the map's sum over the pixels of a step and of what the
 *   score loses when these alone become the substrate. Alvarez-Melis, Jaakkola: Towards Robust Interpretability with
 *   Self-Explaining Neural Networks, NeurIPS 2018. `faithfulness-correlation`: the same over random subsets. Bhatt,
 *   Weller, Moura, IJCAI 2020; Ancona et al.'s sensitivity-n, ICLR 2018. Profile "quantus": single elements, one a
 * step, become the smallest value; subsets come from numpy's global generator, run->seed being its seed.
 * - `monotonicity`: share of the steps at which the score does not fall while pixels appear on the substrate, the
 *   smallest magnitudes first. Arya et al.: One Explanation Does Not Fit All, 2019. `monotonicity-correlation`: rank
 *   correlation of the sum of magnitudes over a step and the mean square of what the score changes by when its pixels
 *   take random values, one for all. Nguyen, Martinez: On Quantitative Aspects of Model Interpretability, 2020. Profile
 *   "quantus": single elements, values from 0 to 1 of numpy's global generator.
 * - `selectivity`: area under the score while squares become the substrate, those with the largest sums first.
 *   Montavon, Samek, Müller: Methods for Interpreting and Understanding Deep Neural Networks, 2018.
 *   `region-perturbation`: mean of what the score has lost, over the whole image and the first 100 squares. Samek et
 *   al.: Evaluating the Visualization of What a Deep Neural Network Has Learned, 2017. `irof`: area over the score as a
 *   share of the first one while segments become the mean, those with the largest means first. Rieger, Hansen: IROF,
 *   2020. Profile "quantus": areas have widths of 1 and begin behind the first region, which becomes the smallest value
 *   or, for irof, the mean of what the image has become by then.
 * - `road-most`: mean of what the score gains when 10, 20, ... 90 % of the pixels, the largest of the map, become what
 *   their neighbours foretell, plus noise; small is good. `road-least`: the smallest; large is good. `road`: half of
 *   the second less the first. Rong et al.: A Consistent and Efficient Evaluation Strategy for Attribution Methods,
 * ICML 2022. Profile "pytorch-grad-cam" is the same as "default"; "quantus" (road-most only): how often the class is
 * still the top one, over 1, 3, ... 99 %.
 *
 * @param[out] out    The number; 0 on failure.
 * @param[out] curve  deletion, insertion, monotonicity, selectivity, region-perturbation, irof, road-most, road-least:
 * 2 x N, the share of pixels (or regions) that are changed and the score; one reference. NULL for the others and on
 * failure. May be NULL if nobody wants it.
 * @param session     Session of the model; NULL with a black box in the options.
 * @param input       One image, 1 x C x H x W as xai_model_prepare() gives. Not modified, not kept.
 * @param map         H x W of @p input; C x H x W for infidelity and completeness, for profiles "xplique" (their mean
 *                    counts) and, ROAD excepted, "quantus". Not modified.
 * @param target      The score. NULL: the top class's probability; its logit for infidelity and completeness.
 * @param metric      One of the names above.
 * @param options     NULL for the defaults.
 * @return 0; XAI_FLAT if the map is the same everywhere; XAI_PARTIAL if the progress callback stopped it (the part of
 * the curve, or the mean of the samples, so far); XAI_E_NOT_FOUND for an unknown metric, profile or substrate (the
 * message lists what there is); XAI_E_INVALID for NaN or infinity in the map, or an option that the metric does not
 * have; XAI_E_SHAPE for a map, baseline or perturbations that do not fit; XAI_E_LIMIT for 2^32 elements or more;
 * XAI_E_CALLBACK; XAI_E_ABI; XAI_E_NO_MEMORY; any error of xai_session_forward().
 *
 * The same bits for any number of threads and any memory budget. Capture and observe hooks do not fire. One call at a
 * time per session.
 * @since 0.1
 */
XAI_API xai_status xai_metric_faithfulness(double *out, xai_tensor **curve, xai_session *session,
                                           const xai_tensor *input, const xai_tensor *map, const xai_target *target,
                                           const char *metric, const xai_faithfulness_options *options);

/**
 * Draw curves of xai_metric_faithfulness() into one SVG file.
 *
 * @param path      File to write. It appears whole or not at all.
 * @param curves    @p n_curves tensors, 2 x N: shares from 0 to 1, and scores. Not modified.
 * @param names     What each is called below the picture, UTF-8; whatever is in it, it becomes no markup.
 * @param n_curves  1 to 8.
 * @param title     NULL or empty: none.
 * @return 0; XAI_E_SHAPE; XAI_E_INVALID, also for NaN and infinity; XAI_E_IO; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_metric_save_curves(const char *path, const xai_tensor *const *curves, const char *const *names,
                                          size_t n_curves, const char *title);

/**
 * Explain an image, for metrics that need many explanations.
 *
 * @param[out] map  The map, one reference, which the library drops. Always of the same shape.
 * @param session   Session to explain: the caller's, or that of a model with other parameters. NULL where the metric
 * got none.
 * @param input     1 x C x H x W, borrowed for the call.
 * @param target    The score, with its class resolved; NULL where the metric got neither a session nor a target.
 * @param user      The pointer given beside the callback.
 * @return 0; anything else ends the metric with XAI_E_CALLBACK.
 *
 * Runs on the thread that called the library. It may use @p session, and drops what references to it it takes before it
 * returns.
 * @since 0.1
 */
typedef int32_t (*xai_explain_fn)(xai_tensor **map, xai_session *session, const xai_tensor *input,
                                  const xai_target *target, void *user);

/** Flags of xai_explainer. @since 0.1 */
enum xai_explainer_flag {
    XAI_EXPLAINER_KEEP_CHANNELS = 1 /**< Methods of xai_saliency_compute(): the map is C x H x W. */
};

/** How maps are made, raw, for metrics that need many. Zero it, set struct_size, and method or explain. @since 0.1 */
typedef struct xai_explainer {
    size_t struct_size;         /**< sizeof(xai_explainer). */
    const char *method;         /**< One of xai_cam_create() or xai_saliency_compute(), with their defaults. */
    const char *profile;        /**< Its profile. NULL: "default". */
    const char *layer;          /**< Its target layer, where it has one. NULL: the method chooses. */
    const xai_run_options *run; /**< Of a method of xai_saliency_compute(): its seed and memory. NULL: defaults. */
    xai_explain_fn explain;     /**< In place of @p method. NULL: @p method. */
    void *user;                 /**< For @p explain. */
    uint32_t flags;             /**< Of enum xai_explainer_flag. */
    uint32_t reserved;          /**< 0. */
} xai_explainer;

/** Options of xai_metric_sensitivity(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_sensitivity_options {
    size_t struct_size;              /**< sizeof(xai_sensitivity_options). */
    const xai_run_options *run;      /**< Seed and progress. NULL: defaults. */
    const xai_tensor *perturbations; /**< What is added to the input, N x C x H x W; N is the number of samples. NULL:
                                        even noise. Not kept. */
    float radius;                    /**< The noise reaches from -radius to radius. 0: 0.02. */
    uint32_t n_samples;              /**< How many perturbations. 0: 10. */
} xai_sensitivity_options;

/**
 * Measure how much a map changes if the input hardly does. Small is good.
 *
 * With m the map of the input, m' that of the input plus noise, and |.| the Euclidean norm: `max-sensitivity` is the
 * largest |m' - m| / |m|, `avg-sensitivity` their mean; a norm of 0 counts as 1. `local-lipschitz` is the largest
 * |m' - m| / |x' - x|, each map divided by its largest magnitude, as Quantus does; Alvarez-Melis, Jaakkola: On the
 * Robustness of Interpretability Methods, 2018. Yeh et al.: On the (In)fidelity and
 * Sensitivity of Explanations, NeurIPS 2019, as captum computes it.
 *
 * @param[out] out    The number; 0 on failure.
 * @param session     Session of the model; NULL if @p explainer has a callback that needs none.
 * @param input       One image, 1 x C x H x W. Not modified, not kept.
 * @param target      The score that is explained; the class that -1 finds for @p input stays. NULL: the top class.
 * @param explainer   How maps are made.
 * @param metric      One of the names above.
 * @param options     NULL for the defaults.
 * @return 0; XAI_PARTIAL if the progress callback stopped it (of the samples so far); XAI_E_NOT_FOUND for an unknown
 * metric or method; XAI_E_CALLBACK; XAI_E_SHAPE for perturbations that do not fit, or a map of another shape than the
 * first; XAI_E_INVALID, also for NaN or infinity in a map; XAI_E_ABI; XAI_E_NO_MEMORY; any error of the method.
 *
 * One call at a time per session.
 * @since 0.1
 */
XAI_API xai_status xai_metric_sensitivity(double *out, xai_session *session, const xai_tensor *input,
                                          const xai_target *target, const xai_explainer *explainer, const char *metric,
                                          const xai_sensitivity_options *options);

/** Flags of xai_randomisation_options. @since 0.1 */
enum xai_randomisation_flag {
    XAI_RANDOMISATION_INDEPENDENT = 1, /**< One layer at a time, not all up to it. */
    XAI_RANDOMISATION_SIGNED = 2       /**< Values are compared, not magnitudes. */
};

/** Options of xai_metric_randomisation(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_randomisation_options {
    size_t struct_size; /**< sizeof(xai_randomisation_options). */
    const char *const
        *layers;                /**< Names of values whose parameters are drawn anew, in this order; of a container,
                                   those  of everything in it. NULL: those of xai_metric_layer(), from the output back. */
    size_t n_layers;            /**< Number of @p layers. */
    const char *measure;        /**< One of xai_metric_agreement(). NULL: "spearman". */
    const xai_run_options *run; /**< Seed and progress. NULL: defaults. */
    uint32_t flags;             /**< Of enum xai_randomisation_flag. */
    uint32_t reserved;          /**< 0. */
} xai_randomisation_options;

/**
 * Name a layer with parameters: a convolution, a linear layer, a batch norm.
 *
 * @param model  The model.
 * @param index  0 is the one next to the output.
 * @return Its value's name, valid as long as @p model; NULL behind the last one.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API const char *xai_metric_layer(const xai_model *model, size_t index);

/**
 * Measure whether a map depends on what the network has learnt: how far the map of a copy with random parameters still
 * agrees with the map of the network itself. Near 0 is good; a map that stays as it was explains the picture, not the
 * network.
 *
 * Layers lose their parameters one after the other, from the output back, and keep what they were given (cascading), or
 * one at a time. Convolutions and linear layers get even numbers of a width that depends on their inputs, as in torch's
 * reset_parameters(); batch norms become 1, 0, 0, 1. Magnitudes are compared, divided by the largest, as in Quantus.
 * Adebayo et al.: Sanity Checks for Saliency Maps, NeurIPS 2018.
 *
 * @param[out] out   One number a layer, one reference: agreement of both maps once its parameters are random. NULL on
 *                   failure.
 * @param session    Session of the model; neither is changed.
 * @param input      One image, 1 x C x H x W. Not modified, not kept.
 * @param target     The score that is explained; the class that -1 finds for the network itself stays. NULL: the top
 *                   class.
 * @param explainer  How maps are made.
 * @param options    NULL for the defaults.
 * @return 0; XAI_PARTIAL if the progress callback stopped it (of the layers so far); XAI_FLAT if a map was the same
 * everywhere, which counts as no agreement; XAI_E_NOT_FOUND for an unknown layer, measure or method; XAI_E_INVALID,
 * also for a layer without parameters, NaN or infinity in a map; XAI_E_CALLBACK; XAI_E_ABI; XAI_E_NO_MEMORY; any error
 * of the method.
 *
 * Takes the memory of one copy of the parameters at a time. The same seed gives the same parameters for any number of
 * threads. One call at a time per session.
 * @since 0.1
 */
XAI_API xai_status xai_metric_randomisation(xai_tensor **out, xai_session *session, const xai_tensor *input,
                                            const xai_target *target, const xai_explainer *explainer,
                                            const xai_randomisation_options *options);

#ifdef __cplusplus
}
#endif
#endif
