/* SPDX-License-Identifier: MIT
 * What every long computation can be told: where its random numbers start, how much memory it may take, who watches. */
#ifndef XAI_RUN_H
#define XAI_RUN_H

#include <xai/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * How to run a method that takes many passes. Other options structs point to one; zero it, set struct_size, set what
 * you need.
 *
 * None of these but the seed changes a bit of a finished result.
 * @since 0.1
 */
typedef struct xai_run_options {
    size_t struct_size;       /**< sizeof(xai_run_options). */
    uint64_t seed;            /**< Where random numbers start. The same seed gives the same numbers on every machine. */
    uint64_t memory_budget;   /**< Bytes of pictures and gradients that are kept at once, beside the session's own
                                 budget. 0: an eighth of the session's. */
    xai_progress_fn progress; /**< Called after each batch; non-zero stops the method, which returns XAI_PARTIAL and the
                                 result so far. NULL: nobody watches. To stop without a result, call
                                 xai_session_cancel(). */
    void *user;               /**< For @p progress. */
} xai_run_options;

#ifdef __cplusplus
}
#endif
#endif
