/* SPDX-License-Identifier: MIT
 * States: the handle, which run one belongs to, scores kept and taken again. */
#include "explain/perturb/state.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/cpu.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"

/* Other runtimes promise no bits, so a black box is still the same one if its scores differ by so much. */
static const double SAME_SCORE = 1e-4;

/* --- handle --- */

xai_status xai_state_create(xai_state **out, xai_context *context)
{
    xai_state *state;

    XAI__ENTER(out);
    if (out == NULL || context == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "context");
    state = xai__zalloc_array(context, 1, sizeof *state);
    if (state == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&state->object, context);
    atomic_init(&state->is_running, false);
    *out = state;
    return XAI_OK;
}

xai_state *xai_state_ref(xai_state *state)
{
    if (state != NULL)
        xai__object_ref(&state->object);
    return state;
}

void xai_state_unref(xai_state *state)
{
    xai_context *context;

    if (state == NULL || !xai__object_unref(&state->object))
        return;
    context = state->object.context;
    xai__free(context, state->records);
    xai__free(context, state);
    xai_context_unref(context);
}

uint64_t xai_state_n_images(const xai_state *state)
{
    return state->n > 0 ? state->n - 1 : 0;
}

/* --- facts --- */

static void add_fact(xai__facts *facts, const char *name, uint32_t kind, uint64_t value)
{
    if (facts->n < XAI__STATE_MAX_FACTS)
        facts->items[facts->n] = (xai__fact){ name, kind, value };
    facts->n++;
}

void xai__facts_digest(xai__facts *facts, const char *name, uint64_t digest)
{
    add_fact(facts, name, XAI__FACT_DIGEST, digest);
}

void xai__facts_count(xai__facts *facts, const char *name, uint64_t count)
{
    add_fact(facts, name, XAI__FACT_COUNT, count);
}

void xai__facts_real(xai__facts *facts, const char *name, double real)
{
    uint64_t bits;

    memcpy(&bits, &real, sizeof bits);
    add_fact(facts, name, XAI__FACT_REAL, bits);
}

static void add_text(xai__facts *facts, const char *name, const char *text)
{
    xai__facts_digest(facts, name, xai__hash(0, text, strlen(text)));
}

/* Whatever bits depend on. Of a black box nobody knows that. */
static void add_classifier(xai__facts *facts, const xai__scorer *s)
{
    const uint64_t vectors = XAI__CPU_AVX2 | XAI__CPU_AVX512 | XAI__CPU_NEON;

    add_text(facts, "kind of classifier", s->session != NULL ? "a session" : "a black box");
    if (s->session == NULL) {
        xai__facts_count(facts, "n_classes", s->box.n_classes);
        xai__facts_count(facts, "kind", s->box.kind);
        return;
    }
    xai__facts_digest(facts, "model", xai__model_digest(s->session->model));
    xai__facts_digest(facts, "purpose", s->is_windowed ? XAI_PURPOSE_WINDOWED : s->session->purpose);
    add_text(facts, "chain of backends", s->context->backends);
    xai__facts_digest(facts, "kind of processor", s->context->cpu_features & vectors);
}

/* Classes are resolved: "the top one" and its number are the same target. */
static uint64_t hash_targets(const xai__targets *targets)
{
    uint64_t digest = targets->n;

    for (size_t i = 0; i < targets->n; i++) {
        const xai_target *t = &targets->items[i];
        const uint64_t words[3] = { (uint64_t)t->index, t->score == XAI_SCORE_MARGIN ? (uint64_t)t->against : 0,
                                    t->score };

        digest = xai__hash(digest, words, sizeof words);
        if (t->score == XAI_SCORE_VALUE)
            digest = xai__hash(digest, t->value, strlen(t->value));
    }
    return digest;
}

static xai_status collect(xai__facts *facts, const xai__scorer *s, const char *method, const char *profile,
                          const xai__facts *own)
{
    facts->n = 0;
    add_text(facts, "version of libxai", xai_version_string());
    add_text(facts, "method", method);
    add_text(facts, "profile", profile);
    add_classifier(facts, s);
    xai__facts_count(facts, "channels", (uint64_t)s->input->shape[1]);
    xai__facts_count(facts, "height", (uint64_t)s->input->shape[2]);
    xai__facts_count(facts, "width", (uint64_t)s->input->shape[3]);
    xai__facts_digest(facts, "picture", xai__hash(0, s->input->data, s->input->size * sizeof(float)));
    xai__facts_digest(facts, "list of targets", hash_targets(&s->targets));
    for (size_t i = 0; i < own->n && i < XAI__STATE_MAX_FACTS; i++)
        add_fact(facts, own->items[i].name, own->items[i].kind, own->items[i].value);
    if (facts->n > XAI__STATE_MAX_FACTS)
        return xai__fail(XAI_E_INTERNAL, "%s: a run of it has more facts than the %d that a state holds", method,
                         XAI__STATE_MAX_FACTS);
    return XAI_OK;
}

static xai_status refuse(const xai__fact *fact, uint64_t saved)
{
    double reals[2];

    if (fact->kind == XAI__FACT_DIGEST)
        return xai__fail(XAI_E_INVALID, "the state was saved for another %s", fact->name);
    if (fact->kind == XAI__FACT_COUNT)
        return xai__fail(XAI_E_INVALID, "the state was saved for %s %llu, this run has %llu", fact->name,
                         (unsigned long long)saved, (unsigned long long)fact->value);
    memcpy(&reals[0], &saved, sizeof saved);
    memcpy(&reals[1], &fact->value, sizeof fact->value);
    return xai__fail(XAI_E_INVALID, "the state was saved for %s %g, this run has %g", fact->name, reals[0], reals[1]);
}

static xai_status compare_facts(const xai_state *state, const xai__facts *facts)
{
    for (size_t i = 0; i < facts->n && i < state->n_facts; i++)
        if (state->facts[i] != facts->items[i].value)
            return refuse(&facts->items[i], state->facts[i]);
    if (state->n_facts != facts->n)
        return xai__fail(XAI_E_INVALID, "the state has %zu facts of its run, this version of libxai knows %zu",
                         state->n_facts, facts->n);
    return XAI_OK;
}

/* --- runs --- */

static const uint64_t *record_at(const xai_state *state, size_t i)
{
    return state->records + i * xai__state_width(state);
}

/* Hooks that edit, or another model of the same weights, show here. */
static xai_status compare_picture(const xai_state *state, const xai__scorer *s)
{
    const uint64_t *record = record_at(state, 0) + 1;

    if (state->n_targets != s->targets.n)
        return xai__fail(XAI_E_INVALID, "the state has scores of %zu targets, this run has %zu", state->n_targets,
                         s->targets.n);
    for (size_t t = 0; t < state->n_targets; t++) {
        double saved, now = s->plain_scores[t], room = s->session != NULL ? 0 : SAME_SCORE * fmax(1, fabs(now));

        memcpy(&saved, &record[t], sizeof saved);
        if (!(fabs(saved - now) <= room))
            return xai__fail(XAI_E_INVALID,
                             "the state was saved when the picture's score was %.9g, it is %.9g now: the classifier is "
                             "another one",
                             saved, now);
    }
    return XAI_OK;
}

/* A state without images, of a run that failed at once, belongs to nobody. */
static xai_status adopt(xai_state *state, const xai__scorer *s, const xai__facts *facts)
{
    xai__free(state->object.context, state->records);
    state->records = NULL;
    state->n = 0;
    state->n_facts = facts->n;
    for (size_t i = 0; i < facts->n; i++)
        state->facts[i] = facts->items[i].value;
    state->n_targets = s->targets.n;
    return xai__state_add(state, 0, s->plain_scores);
}

/* Makes an unused state the run's, or sees whether it is of such a run. */
static xai_status take(xai_state *state, const xai__scorer *scorer, const xai__facts *facts)
{
    xai_status status;

    if (state->n <= 1)
        return adopt(state, scorer, facts);
    status = compare_facts(state, facts);
    return status < 0 ? status : compare_picture(state, scorer);
}

xai_status xai__state_begin(xai_state **out, xai_state *state, const xai__scorer *scorer, const char *method,
                            const char *profile, const xai__facts *own)
{
    xai__facts facts;
    xai_status status;

    *out = NULL;
    if (state == NULL)
        return XAI_OK;
    if (atomic_exchange(&state->is_running, true))
        return xai__fail(XAI_E_BUSY, "the state is part of a run already");
    status = collect(&facts, scorer, method, profile, own);
    if (status == XAI_OK)
        status = take(state, scorer, &facts);
    state->at = 1;
    if (status == XAI_OK)
        *out = state;
    else
        atomic_store(&state->is_running, false);
    return status;
}

void xai__state_end(xai_state *state)
{
    if (state != NULL)
        atomic_store(&state->is_running, false);
}

size_t xai__state_left(const xai_state *state)
{
    return state != NULL ? state->n - state->at : 0;
}

xai_status xai__state_recall(double *scores, xai_state *state, uint64_t id)
{
    const uint64_t *record = record_at(state, state->at);

    if (record[0] != id)
        return xai__fail(XAI_E_INVALID, "image %zu of the state was made of another sample than this run's",
                         state->at - 1);
    memcpy(scores, record + 1, state->n_targets * sizeof *scores);
    state->at++;
    return XAI_OK;
}

xai_status xai__state_add(xai_state *state, uint64_t id, const double *scores)
{
    uint64_t *record;
    size_t size;

    if (state == NULL)
        return XAI_OK;
    if (!xai__mul_size(&size, xai__state_width(state), sizeof *record))
        return xai__fail_memory();
    record = xai__grow(state->object.context, &state->records, state->n, size);
    if (record == NULL)
        return XAI_E_NO_MEMORY;
    record[0] = id;
    memcpy(record + 1, scores, state->n_targets * sizeof *scores);
    state->at = ++state->n;
    return XAI_OK;
}
