/* SPDX-License-Identifier: MIT
 * States: the scores that a run has had so far, and what tells one run from another.
 *
 * Everything that these methods find out comes from scores, in an order that the options alone decide; all the rest
 * (sums, fits, when to look) is made anew from them. So a state needs to know nothing of any method, and one that is
 * gone on with ends in the same bits because the same code adds the same numbers. */
#ifndef XAI__EXPLAIN_PERTURB_STATE_H
#define XAI__EXPLAIN_PERTURB_STATE_H

#include <stdatomic.h>

#include <xai/state.h>

#include "core/object.h"
#include "explain/perturb/scorer.h"

enum { XAI__STATE_MAX_FACTS = 32 };

/* Something that two runs must share to have the same images and scores. */
typedef struct xai__fact {
    const char *name; /* static, as users know it */
    uint32_t kind;    /* of enum xai__fact_kind */
    uint64_t value;
} xai__fact;

enum xai__fact_kind {
    XAI__FACT_DIGEST, /* of something that is the same or another */
    XAI__FACT_COUNT,
    XAI__FACT_REAL /* bits of a double */
};

/* A list of them; the order is part of the file's format. n counts those that found no room as well: a run that has
 * such is refused, for two that differ in one of them would take each other's scores. */
typedef struct xai__facts {
    xai__fact items[XAI__STATE_MAX_FACTS];
    size_t n;
} xai__facts;

void xai__facts_digest(xai__facts *facts, const char *name, uint64_t digest);
void xai__facts_count(xai__facts *facts, const char *name, uint64_t count);
void xai__facts_real(xai__facts *facts, const char *name, double real);

struct xai_state {
    xai__object object;
    atomic_bool is_running;
    uint64_t facts[XAI__STATE_MAX_FACTS];
    size_t n_facts, n_targets;
    uint64_t *records; /* n of 1 + n_targets words: what an image is made of, bits of its scores. The first one is of
                          the picture as it is */
    size_t n;          /* 0: no run has used it yet, and the facts mean nothing */
    size_t at;         /* record that the run comes to next */
};

/* Words of a record. */
static inline size_t xai__state_width(const xai_state *state)
{
    return 1 + state->n_targets;
}

/* Makes the state that options name (NULL: none, and out is NULL) part of a run, from its first image on; or refuses
 * it, with out NULL. own: the method's facts; those of classifier, picture and targets are added here. */
xai_status xai__state_begin(xai_state **out, xai_state *state, const xai__scorer *scorer, const char *method,
                            const char *profile, const xai__facts *own);

/* The run is over. NULL is nothing. */
void xai__state_end(xai_state *state);

/* Images whose scores are known already, from the next one on. NULL: none. */
size_t xai__state_left(const xai_state *state);

/* The next one's scores, a target each. Fails if it was made of something else than id says. */
xai_status xai__state_recall(double *scores, xai_state *state, uint64_t id);

/* Adds the scores of the next one, which was not known. NULL is nothing. */
xai_status xai__state_add(xai_state *state, uint64_t id, const double *scores);

#endif
