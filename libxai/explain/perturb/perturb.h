/* SPDX-License-Identifier: MIT
 * The perturbation engine: a counted stream of changed images, scored batch by batch within a memory budget. */
#ifndef XAI__EXPLAIN_PERTURB_PERTURB_H
#define XAI__EXPLAIN_PERTURB_PERTURB_H

#include <xai/run.h>

#include "explain/perturb/scorer.h"
#include "explain/perturb/state.h"

/* What take() answers when it has seen enough. */
enum { XAI__PERTURB_ENOUGH = 100 };

/* A stream of images that are made from their numbers alone, so that batches and threads change no bit. */
typedef struct xai__perturbation {
    uint64_t first, count; /* numbers first to count - 1 are run */
    uint64_t total;        /* what progress counts up to; 0: count */

    /* Makes image number index, C x H x W. Several run at once, on any thread, in any order. note: note_size bytes that
     * stay with the image until it was taken. */
    void (*make)(void *user, uint64_t index, float *image, void *note);

    /* Takes the scores of an image, a target each; in order of index, on the caller's thread. 0 goes on,
     * XAI__PERTURB_ENOUGH ends the run as if the stream ended behind this image, a negative status fails it. */
    xai_status (*take)(void *user, uint64_t index, const double *scores, const void *note);

    /* What image number index is made of, in one number; NULL: its own number says it, together with the state's facts.
     */
    uint64_t (*identify)(void *user, uint64_t index);

    void *user;
    size_t note_size;
    xai_state *state;           /* NULL: none. Scores that it holds are not asked for, others are added to it */
    const xai_run_options *run; /* NULL: defaults. Its budget bounds pictures and notes, the session's its arena */
} xai__perturbation;

/* Runs the stream. n_done (may be NULL): number behind the last image that was taken. XAI_PARTIAL: the progress
 * callback stopped it. */
xai_status xai__perturb_run(uint64_t *n_done, const xai__scorer *scorer, const xai__perturbation *perturbation);

#endif
