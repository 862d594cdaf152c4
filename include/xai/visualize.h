/* SPDX-License-Identifier: MIT
 * Feature visualisation: pictures that make a neuron, a channel or a class answer as strongly as can be. */
#ifndef XAI_VISUALIZE_H
#define XAI_VISUALIZE_H

#include <xai/image.h>
#include <xai/run.h>
#include <xai/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is to become large. Means are over the pictures that an objective is for. @since 0.1 */
enum xai_objective_kind {
    XAI_OBJECTIVE_CHANNEL = 0,   /**< Mean of channel `channel` of the layer. */
    XAI_OBJECTIVE_NEURON = 1,    /**< Element (`channel`, `y`, `x`) of the layer. */
    XAI_OBJECTIVE_DIRECTION = 2, /**< Mean over positions of the cosine between the layer's channels and `direction`, as
                                    lucent has it. */
    XAI_OBJECTIVE_DOT = 3,       /**< Mean over positions of their product with `direction`, times the cosine, at least
                                    0.1, to the power of `parameter`: lucid's direction with its cossim_pow. */
    XAI_OBJECTIVE_CLASS = 4,     /**< Output `channel` of the model: a logit, where it gives logits. */
    XAI_OBJECTIVE_DEEPDREAM = 5, /**< Mean of the layer's squares. */
    XAI_OBJECTIVE_DIVERSITY = 6, /**< Minus the similarity of the pictures to each other: cosines between the Gram
                                    matrices of their channels, for each picture summed over the others. */
    XAI_OBJECTIVE_TV = 7,        /**< Minus the total variation of the picture: sums of what neighbours differ by. */
    XAI_OBJECTIVE_L1 = 8,        /**< Minus the sum of the picture's distances from `parameter`, 0 to 1. */
    XAI_OBJECTIVE_L2 = 9,        /**< Minus the root of the sum of their squares, and 1e-6. */
    XAI_OBJECTIVE_BLUR = 10      /**< Minus half the sum of squares of what the picture differs from its blurred self
                                    by; in the gradient the blurred one is held. */
};

/** How an objective's weight changes over the pictures, for interpolation: one falling, another rising. @since 0.1 */
enum xai_ramp {
    XAI_RAMP_NONE = 0,    /**< The weight is the same for all. */
    XAI_RAMP_FALLING = 1, /**< From 1 at the first picture to 0 at the last; a sum over the pictures, not a mean. */
    XAI_RAMP_RISING = 2   /**< From 0 to 1, likewise. */
};

/**
 * One term of a weighted sum. Used in arrays, so it carries no size and never changes; unused fields are 0.
 * @since 0.1
 */
typedef struct xai_objective {
    const char *layer;           /**< Name of a value. NULL for a class and for what is asked of the picture itself. */
    const xai_tensor *direction; /**< As many numbers as the layer has channels. Not kept. */
    int64_t channel;             /**< Channel, or class index. */
    int64_t y;                   /**< Row of a neuron; -1: the middle, the later one of two. */
    int64_t x;                   /**< Its column, likewise. */
    uint32_t kind;               /**< One of enum xai_objective_kind. */
    uint32_t ramp;               /**< One of enum xai_ramp. */
    uint32_t picture;            /**< 1 for the first picture alone, 2 for the second ...; 0: all. */
    float weight;                /**< 0: 1. A negative one makes the objective small. */
    float parameter;             /**< See the kinds. */
    uint32_t reserved;           /**< 0. */
} xai_objective;

/** Flags of xai_visualize_options. @since 0.1 */
enum xai_visualize_flags {
    XAI_VISUALIZE_PLAIN = 1,     /**< No transforms: the model sees the picture as it is. */
    XAI_VISUALIZE_REDIRECT = 2,  /**< In the first 16 steps, take a picture whose gradient is 0 everywhere, because
                                    rectifiers let nothing through, once more with rectifiers that stop only what is
                                    negative. Profile "lucid" does. */
    XAI_VISUALIZE_CORRELATED = 4 /**< Optimise red, green and blue themselves, in place of decorrelated colours. */
};

/**
 * Receive the pictures so far.
 *
 * @param pictures    @p n_pictures pictures, borrowed for the call; take references to keep them.
 * @param n_pictures  Their number.
 * @param n_done      Steps done.
 * @param n_steps     Steps in all.
 * @param objective   The weighted sum in the last step.
 * @param user        As given in the options.
 * @return Non-zero to stop.
 *
 * Called on the thread that called xai_visualize().
 * @since 0.1
 */
typedef int32_t (*xai_visualize_fn)(xai_image *const *pictures, size_t n_pictures, size_t n_done, size_t n_steps,
                                    double objective, void *user);

/** Options of xai_visualize(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_visualize_options {
    size_t struct_size;           /**< sizeof(xai_visualize_options). */
    const char *parameterisation; /**< "fourier" or "pixel": what is optimised. NULL: "fourier". */
    const char *profile;          /**< "default", "lucent" or "lucid": how transforms are computed. NULL:
                                     "default". */
    const xai_tensor *start;  /**< Parameters to begin with: N x 3 x height x width for "pixel", N x 3 x height x (width
                                 / 2 + 1) x 2 for "fourier". NULL: random ones. Not kept. */
    const xai_image *picture; /**< A picture to begin with, resized to the size; all begin with it. NULL: none. Not
                                 kept. */
    const xai_run_options *run; /**< Seed, progress. Called after every step. NULL: defaults. */
    xai_visualize_fn watch;     /**< Called every @p watch_every steps. NULL: nobody watches. */
    void *user;                 /**< For @p watch. */
    uint32_t n_steps;           /**< 0: 512. */
    uint32_t width;             /**< Of the pictures, at least 2. 0: 128. */
    uint32_t height;            /**< Likewise. */
    uint32_t watch_every;       /**< Steps. 0: 1. */
    uint32_t flags;             /**< Of enum xai_visualize_flags. */
    float learning_rate;        /**< Adam's. 0: 0.05. */
    float deviation;            /**< Standard deviation of the random parameters. 0: 0.01. */
    uint32_t reserved;          /**< 0. */
} xai_visualize_options;

/**
 * Optimise pictures until a weighted sum of objectives is as large as it gets.
 *
 * Olah, Mordvintsev, Schubert: Feature Visualization, Distill 2017, as lucid and lucent compute it: parameters become
 * pictures through decorrelated colours and a sigmoid, random transforms keep them robust, the model's gradient is
 * carried back through all of it, and Adam takes a step. See docs/visualize.md.
 *
 * @param[out] out     Room for the pictures, one reference each. All NULL on failure.
 * @param n_pictures   Pictures to optimise together, each from random numbers of its own: 1 to 4096.
 * @param[out] trace   n_steps x @p n_objectives: each objective, without its weight, as each step found it, behind that
 *                     step's transforms. One reference; NULL on failure. May be NULL.
 * @param session      Session of the model, whose input is RGB. Its size is the model's: what the transforms leave of a
 *                     picture is resized to it.
 * @param objectives   What to make large.
 * @param n_objectives Their number, at least 1.
 * @param options      NULL for the defaults.
 * @return 0; XAI_PARTIAL if a callback stopped it (pictures and trace of the steps done so far); XAI_E_NOT_FOUND for an
 * unknown layer, parameterisation or profile; XAI_E_INVALID for a channel, position, class, picture or option out of
 * range, or for a layer that does not depend on the input; XAI_E_SHAPE for a direction or start that does not fit;
 * XAI_E_UNSUPPORTED for an operator without a gradient or a model whose input is not RGB; XAI_E_ABI; XAI_E_NO_MEMORY;
 * any error of xai_session_forward().
 *
 * The session's hooks do not fire, EDIT hooks excepted. The same seed gives the same bits for any number of threads and
 * any memory budget. One call at a time per session.
 * @since 0.1
 */
XAI_API xai_status xai_visualize(xai_image **out, size_t n_pictures, xai_tensor **trace, xai_session *session,
                                 const xai_objective *objectives, size_t n_objectives,
                                 const xai_visualize_options *options);

#ifdef __cplusplus
}
#endif
#endif
