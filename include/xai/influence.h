/* SPDX-License-Identifier: MIT
 * Influence: which training pictures made a prediction, and which of them look mislabelled. */
#ifndef XAI_INFLUENCE_H
#define XAI_INFLUENCE_H

#include <xai/image.h>
#include <xai/run.h>
#include <xai/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A training set as one network sees it: for each example its label and its features, which are the input of the layer
 * that the network decides with. Never changes.
 * @since 0.1
 */
typedef struct xai_training xai_training;

/** A method of influence, ready for questions: the Hessian is factorised, gradients' norms are known. @since 0.1 */
typedef struct xai_influence xai_influence;

/** Flags of xai_training_options. @since 0.1 */
enum xai_training_flags {
    XAI_TRAINING_EXIF = 1 /**< Turn the pictures of a list as their EXIF orientation says. */
};

/**
 * Give one example of a training set.
 *
 * @param[out] image  The picture, a reference that the library drops. NULL: only the label is asked for, because the
 *                    features are in the cache.
 * @param[out] label  Class index.
 * @param index       0 to n_examples - 1.
 * @param user        The pointer given beside the callback.
 * @return 0; anything else ends the call with XAI_E_CALLBACK.
 *
 * Runs on the thread that called the library. It must not call the session.
 * @since 0.1
 */
typedef int32_t (*xai_example_fn)(xai_image **image, int64_t *label, size_t index, void *user);

/** Options of xai_training_open(). Zero it, set struct_size, set list, or example and n_examples. @since 0.1 */
typedef struct xai_training_options {
    size_t struct_size; /**< sizeof(xai_training_options). */
    const char *list;   /**< Text file, an example a line: path, then a tab, comma or blank, then a class index or
                           label. Paths are relative to the list's folder. Lines that are empty or begin with # are
                           skipped. */
    const char *cache;  /**< File for the features. What it holds is not computed again; what is missing is added, batch
                           by batch, so that a run that was cut off goes on where it stopped. It is mapped, so that
                           features take no memory. NULL: they are kept in memory. */
    const char *classifier;     /**< Name of the layer that decides, a linear layer or 1x1 convolution. NULL: the
                                   manifest's, else the last one. */
    xai_example_fn example;     /**< In place of a list. */
    void *user;                 /**< For @p example. */
    size_t n_examples;          /**< That @p example gives. */
    const xai_run_options *run; /**< progress, in pictures; memory_budget: of features in memory where no cache is
                                   named, 0: 1 GiB. The seed is not used. NULL: defaults. */
    uint32_t flags;             /**< Of enum xai_training_flags. */
    uint32_t reserved;          /**< 0. */
} xai_training_options;

/**
 * Compute the features of a training set, or take them out of a cache.
 *
 * @param[out] out  The training set, one reference. NULL on failure.
 * @param session   Session of the network that was trained; kept alive. Its EDIT hooks apply, others do not fire.
 * @param options   The examples.
 * @return 0; XAI_PARTIAL if progress stopped it (the set is that of the examples done so far); XAI_E_IO for a picture,
 * list or cache that cannot be opened; XAI_E_FORMAT for a damaged one, for features that are not finite, and for a
 * cache that belongs to another model, layer or list (the message says which); XAI_E_NOT_FOUND for a label that the
 * model lacks; XAI_E_INVALID for a label out of range; XAI_E_LIMIT where the features are more than the budget;
 *         XAI_E_BUSY if another process writes the cache; XAI_E_UNSUPPORTED if the output is not a softmax of one
 * linear layer; XAI_E_CALLBACK; XAI_E_ABI; XAI_E_NO_MEMORY; any error of xai_session_forward().
 *
 * One call at a time per session.
 * @since 0.1
 */
XAI_API xai_status xai_training_open(xai_training **out, xai_session *session, const xai_training_options *options);

/**
 * Make a training set of features that the caller has, of a network in any runtime or of no network at all: softmax
 * regression over columns of numbers.
 *
 * @param[out] out    The training set, one reference. NULL on failure.
 * @param context     Context; kept alive.
 * @param features    N x D. Kept, so nobody may write it.
 * @param labels      N class indices; copied.
 * @param weights     C x D; copied. Logits are weights times features plus bias.
 * @param bias        C; copied. NULL: the layer has none.
 * @return 0; XAI_E_SHAPE if shapes do not fit together; XAI_E_INVALID for a label out of range; XAI_E_FORMAT for
 * numbers that are not finite; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_training_wrap(xai_training **out, xai_context *context, xai_tensor *features,
                                     const int64_t *labels, const xai_tensor *weights, const xai_tensor *bias);

/** Add a reference. @param training  May be NULL. @return @p training. Any thread. @since 0.1 */
XAI_API xai_training *xai_training_ref(xai_training *training);

/** Drop a reference; the last one frees it. @param training  May be NULL. Any thread. @since 0.1 */
XAI_API void xai_training_unref(xai_training *training);

/** Count the examples. @param training  The training set. @return Their number. Any thread. @since 0.1 */
XAI_API size_t xai_training_count(const xai_training *training);

/**
 * Read a label.
 *
 * @param training  The training set.
 * @param index     0 to xai_training_count() - 1.
 * @return Class index; -1 if @p index is out of range.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API int64_t xai_training_label(const xai_training *training, size_t index);

/**
 * Name a picture.
 *
 * @param training  The training set.
 * @param index     0 to xai_training_count() - 1.
 * @return Path as it stands in the list, borrowed from the training set; NULL without a list or if @p index is out of
 * range.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API const char *xai_training_path(const xai_training *training, size_t index);

/**
 * Load a picture again.
 *
 * @param[out] out  The picture, one reference. NULL on failure.
 * @param training  The training set.
 * @param index     0 to xai_training_count() - 1.
 * @return 0; XAI_E_INVALID for a bad index; XAI_E_UNSUPPORTED for a set of features alone; any error of
 *         xai_image_load(); XAI_E_CALLBACK.
 *
 * Any thread; calls the example callback where there is one.
 * @since 0.1
 */
XAI_API xai_status xai_training_image(xai_image **out, const xai_training *training, size_t index);

/** Flags of xai_influence_options. @since 0.1 */
enum xai_influence_flags {
    XAI_INFLUENCE_PENALTY = 1 /**< The gradient of a training example includes damping * parameters, as in Koh and
                                 Liang's program, whose loss of each example holds the penalty. */
};

/** Options of xai_influence_create(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_influence_options {
    size_t struct_size;  /**< sizeof(xai_influence_options). */
    const char *method;  /**< "last-layer", "layers", "tracin-fast" or "tracin". NULL: "last-layer". */
    const char *solver;  /**< "cholesky" (last-layer alone), "cg" or "lissa". NULL: last-layer: "cholesky" up to 2048
                            parameters of the layer, "cg" beyond; layers: "cg". */
    const char *product; /**< layers: products with the Hessian: "gauss-newton", or "gradients": differences of them.
                            NULL: "gauss-newton". */
    const char *profile; /**< "default" or "captum" (tracin-fast leaves out the bias). NULL: "default". */
    const char *const *parameters; /**< layers, tracin: names as xai_model_parameter_name() gives, or of layers, for all
                                      parameters of each. */
    size_t n_parameters;           /**< Number of @p parameters. 0: those of the layer that decides (layers), all
                                      (tracin). */
    const double *learning_rates;  /**< tracin-fast, tracin: one a checkpoint. NULL: all are 1. */
    const xai_run_options *run;    /**< seed: of lissa's batches; memory_budget: of gradients, 0: 256 MiB (tracin goes
                                      through the training set once for each group of tests whose gradients fit);
                                      progress: of long solves. NULL: defaults. */
    double damping;                /**< Added to the Hessian's diagonal; the L2 penalty that training used, if it used
                                      one: damping / 2 * |parameters|^2. 0: 0.001. */
    double tolerance; /**< Largest residual |(H + damping) s - g| / |g| of a solve that counts as solved. 0: 1e-6
                         (last-layer), 1e-3 (layers), 0.1 (lissa). */
    double scale; /**< lissa: divides the Hessian, whose eigenvalues must be below it. 0: found by power iteration. */
    uint32_t max_iterations; /**< cg, lissa: at most so many. 0: 1000 (cg), 10000 (lissa). */
    uint32_t n_samples;      /**< lissa: runs whose mean is taken. 0: 1. */
    uint32_t batch;          /**< lissa: examples that a step looks at. 0: all. */
    uint32_t flags;          /**< Of enum xai_influence_flags. */
} xai_influence_options;

/** What was found out about one test example. Filled by xai_influence_compute(). @since 0.1 */
typedef struct xai_influence_record {
    int64_t prediction;    /**< Class of the largest logit. */
    int64_t label;         /**< Class whose loss was explained. */
    double loss;           /**< Cross-entropy of that class. */
    double residual;       /**< |(H + damping) s - g| / |g| of the solve, computed afresh. 0 where nothing is solved. */
    uint64_t n_iterations; /**< Of the solver; 0 where it has none. */
} xai_influence_record;

/**
 * Prepare a method for questions.
 *
 * With L the cross-entropy, g_i its gradient at training example i, g_t at a test example and H the mean Hessian over
 * the training set (docs/influence.md has formulas and sources):
 * - `last-layer`: g_t' (H + damping)^-1 g_i / n over weights and bias of the layer that decides. Koh, Liang:
 *   Understanding Black-box Predictions via Influence Functions, ICML 2017. Exact, all in double.
 * - `layers`: the same over any parameters, by conjugate gradients or LiSSA (Agarwal, Bullins, Hazan: Second-Order
 *   Stochastic Optimization, 2017).
 * - `tracin`: the sum over checkpoints of learning rate * g_t' g_i. Pruthi, Liu, Kale, Sundararajan: Estimating
 * Training Data Influence by Tracing Gradient Descent, NeurIPS 2020.
 * - `tracin-fast`: the same over the layer that decides, from features alone.
 *
 * @param[out] out       The method, one reference. NULL on failure.
 * @param checkpoints    The training set as each checkpoint of the network sees it; kept alive. One, for methods other
 *                       than tracin.
 * @param n_checkpoints  Number of @p checkpoints.
 * @param options        NULL for the defaults.
 * @return 0; XAI_E_NOT_FOUND for an unknown method, solver, product, profile or parameter; XAI_E_INVALID for an option
 *         that the method does not have, and for checkpoints with other examples or classes; XAI_E_UNSUPPORTED if a
 *         method needs pictures and the set has features alone; XAI_E_LIMIT if the Hessian cannot be factorised;
 * XAI_E_ABI; XAI_E_NO_MEMORY.
 *
 * One call at a time per session of the training sets.
 * @since 0.1
 */
XAI_API xai_status xai_influence_create(xai_influence **out, xai_training *const *checkpoints, size_t n_checkpoints,
                                        const xai_influence_options *options);

/** Add a reference. @param influence  May be NULL. @return @p influence. Any thread. @since 0.1 */
XAI_API xai_influence *xai_influence_ref(xai_influence *influence);

/** Drop a reference; the last one frees it. @param influence  May be NULL. Any thread. @since 0.1 */
XAI_API void xai_influence_unref(xai_influence *influence);

/**
 * Ask how each training example influenced the loss of test examples.
 *
 * A score is positive where the example helped: the loss of the test example would rise without it (for last-layer and
 * layers, by about the score if the network were trained again without it). It is negative where the example harmed.
 *
 * @param[out] scores   N x xai_training_count(), row by row.
 * @param[out] records  N records. May be NULL.
 * @param influence     The method.
 * @param inputs        N x C x H x W as xai_model_prepare() gives, or N x D features. Not modified, not kept.
 * @param labels        N classes whose loss is explained; -1, and NULL for all: the predicted one.
 * @return 0; XAI_PARTIAL if progress stopped a solve that is good enough already; XAI_E_LIMIT if the residual of a
 * solve is above the tolerance (the message says by how much); XAI_E_SHAPE; XAI_E_INVALID for a class out of range;
 * XAI_E_UNSUPPORTED for pictures where the set has features alone, or the other way round for layers and tracin, and
 * for product "gradients" while the session has EDIT hooks; XAI_E_FORMAT for numbers that are not finite;
 * XAI_E_CANCELLED; XAI_E_NO_MEMORY; any error of xai_session_forward().
 *
 * On failure the scores are undefined. The same bits for any number of threads. One call at a time per session; for
 * features with last-layer or tracin-fast, any thread at any time.
 * @since 0.1
 */
XAI_API xai_status xai_influence_compute(double *scores, xai_influence_record *records, xai_influence *influence,
                                         const xai_tensor *inputs, const int64_t *labels);

/**
 * Ask how much each training example made its own prediction. High scores stand out among mislabelled examples.
 *
 * @param[out] scores    xai_training_count() scores, none negative: those of xai_influence_compute() with the example
 *                       itself, under its label.
 * @param[out] residual  Largest residual of the solves that were checked. May be NULL.
 * @param influence      The method.
 * @return As xai_influence_compute().
 *
 * Of a Cholesky solve, a random vector and the example with the highest score are checked; of others, every example.
 * One call at a time per session; with last-layer or tracin-fast, any thread at any time.
 * @since 0.1
 */
XAI_API xai_status xai_influence_self(double *scores, double *residual, xai_influence *influence);

/**
 * Sort examples by score, highest first, equal ones by index.
 *
 * @param[out] order  @p n indices.
 * @param scores      @p n scores.
 * @param n           Number of examples, at most 2^32 - 1.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API void xai_influence_rank(uint32_t *order, const double *scores, size_t n);

/**
 * Write a page about one prediction: HTML with the most helpful and the most harmful training pictures in it.
 *
 * @param path      File to write. It appears whole or not at all.
 * @param training  The training set; its pictures are loaded again.
 * @param scores    xai_training_count() scores of the test picture.
 * @param test      The test picture.
 * @param name      Its name. NULL: "test picture".
 * @param record    What xai_influence_compute() found out about it.
 * @param n_shown   Pictures of each kind, at most 500. 0: 12.
 * @return 0; XAI_E_IO; XAI_E_INVALID; XAI_E_UNSUPPORTED for a set of features alone, or without PNG; XAI_E_NO_MEMORY;
 * any error of xai_training_image().
 *
 * The page loads nothing and runs nothing. Any thread; calls the example callback where there is one.
 * @since 0.1
 */
XAI_API xai_status xai_influence_page(const char *path, const xai_training *training, const double *scores,
                                      const xai_image *test, const char *name, const xai_influence_record *record,
                                      size_t n_shown);

#ifdef __cplusplus
}
#endif
#endif
