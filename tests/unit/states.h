/* SPDX-License-Identifier: MIT
 * Runs that can be stopped anywhere, and their states, for tests of these. */
#ifndef XAI_STATES_H
#define XAI_STATES_H

#include "explained.h"

#include "explain/attribution.h"
#include "explain/perturb/state.h"

enum { SIDE = 12, N_PIXELS = SIDE * SIDE, N_TARGETS = 2 };

/* A black box that counts what it is asked, and fails when it is told to. */
typedef struct asked {
    uint64_t n, fails_at; /* 0: never */
    float shift;          /* of its scores */
} asked;

static inline int32_t state_answer(const float *batch, size_t n, float *scores, void *user)
{
    asked *a = user;

    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < N_TARGETS; k++) {
            float sum = a->shift;

            for (int p = 0; p < N_PIXELS; p++)
                sum += batch[i * N_PIXELS + p] * (float)((p * (29 + 12 * k) % 13) - 5) / 30;
            scores[i * N_TARGETS + k] = sum;
        }
    a->n += n;
    return a->fails_at != 0 && a->n >= a->fails_at;
}

static inline xai_tensor *state_input(xai_context *context, float first)
{
    const int64_t shape[4] = { 1, 1, SIDE, SIDE };
    xai_tensor *input = NULL;

    ck_assert_ok(xai_tensor_create(&input, context, shape, 4));
    for (int i = 0; i < N_PIXELS; i++)
        input->data[i] = (float)(i * 17 % 7) / 3;
    input->data[0] = first;
    return input;
}

/* --- runs --- */

/* Where one is stopped, and how it is run. */
typedef struct way {
    uint64_t stop, budget; /* stop 0: never */
    uint32_t n_threads;
} way;

static inline int32_t state_stop(uint64_t done, uint64_t total, void *user)
{
    (void)total;
    return done >= ((const way *)user)->stop;
}

typedef struct outcome {
    xai_attribution *maps[N_TARGETS];
    xai_status status;
    uint64_t n_asked; /* images, the picture as it is included */
} outcome;

/* Explains the picture by a method whose options hold the rest. */
typedef xai_status (*explain_fn)(xai_attribution **out, const xai_tensor *input, const xai_target *targets,
                                 const void *options, const xai_black_box *box, const xai_run_options *run,
                                 xai_state *state);

static inline xai_status state_by_rise(xai_attribution **out, const xai_tensor *input, const xai_target *targets,
                                       const void *options, const xai_black_box *box, const xai_run_options *run,
                                       xai_state *state)
{
    xai_rise_options o = *(const xai_rise_options *)options;

    o.struct_size = sizeof o;
    o.black_box = box;
    o.run = run;
    o.state = state;
    return xai_rise_compute(out, NULL, input, targets, N_TARGETS, &o);
}

static inline outcome state_run(explain_fn explain, const void *options, way how, xai_state *state)
{
    static const xai_target targets[N_TARGETS] = { { .index = 0, .score = XAI_SCORE_PROBABILITY }, { .index = 1 } };
    xai_context *context = testing_context(how.n_threads);
    xai_tensor *input = state_input(context, 0);
    asked a = { 0 };
    const xai_black_box box = { .struct_size = sizeof box,
                                .predict = state_answer,
                                .user = &a,
                                .n_classes = N_TARGETS,
                                .shape = { 1, SIDE, SIDE } };
    const xai_run_options run = { .struct_size = sizeof run,
                                  .seed = 5,
                                  .memory_budget = how.budget,
                                  .progress = how.stop > 0 ? state_stop : NULL,
                                  .user = &how };
    outcome out = { .status = XAI_OK };

    out.status = explain(out.maps, input, targets, options, &box, &run, state);
    ck_assert_msg(out.status >= 0, "%s", xai_last_error());
    out.n_asked = a.n;
    xai_tensor_unref(input);
    xai_context_unref(context);
    return out;
}

static inline void state_drop(outcome *o)
{
    for (int t = 0; t < N_TARGETS; t++)
        xai_attribution_unref(o->maps[t]);
}

static inline void state_check_outcome(const outcome *a, const outcome *b)
{
    ck_assert_int_eq(a->status, b->status);
    for (int t = 0; t < N_TARGETS; t++) {
        const xai_attribution *x = a->maps[t], *y = b->maps[t];

        ck_assert_uint_eq(x->map->size, y->map->size);
        ck_assert_mem_eq(x->map->data, y->map->data, x->map->size * sizeof(float));
        if (x->errors != NULL)
            ck_assert_mem_eq(x->errors->data, y->errors->data, x->errors->size * sizeof(float));
        ck_assert_uint_eq(x->n_notes, y->n_notes);
        for (size_t i = 0; i < x->n_notes; i++)
            ck_assert_mem_eq(&x->notes[i].value, &y->notes[i].value, sizeof(double));
        for (size_t i = 0; i < 2 * x->n_coefficients; i++)
            ck_assert_mem_eq(&x->coefficients[i], &y->coefficients[i], sizeof(double));
    }
}

/* Bytes of a state, which the caller frees. */
static inline unsigned char *state_export(size_t *size, const xai_state *state)
{
    unsigned char *bytes;

    *size = xai_state_export(state, NULL, 0);
    bytes = malloc(*size);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(xai_state_export(state, bytes, *size), *size);
    return bytes;
}

/* As another process would have it: from its bytes, in another context. */
static inline xai_state *state_send(xai_state *state)
{
    xai_context *context = testing_context(1);
    xai_state *sent = NULL;
    size_t size, again;
    unsigned char *bytes = state_export(&size, state), *other;

    ck_assert_ok(xai_state_load_memory(&sent, context, bytes, size));
    other = state_export(&again, sent);
    ck_assert_uint_eq(again, size);
    ck_assert_mem_eq(other, bytes, size);
    ck_assert_uint_eq(xai_state_n_images(sent), xai_state_n_images(state));
    free(other);
    free(bytes);
    xai_state_unref(state);
    xai_context_unref(context);
    return sent;
}

static inline xai_state *state_make(void)
{
    xai_context *context = testing_context(1);
    xai_state *state = NULL;

    ck_assert_ok(xai_state_create(&state, context));
    xai_context_unref(context);
    return state;
}

static inline void state_check_same(const xai_state *a, const xai_state *b)
{
    size_t sizes[2];
    unsigned char *bytes[2] = { state_export(&sizes[0], a), state_export(&sizes[1], b) };

    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert_mem_eq(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* Stopped at each of the places, one after the other, and gone on with each time: as if it had not been stopped, and
 * nothing is asked twice but the n_beside images that are not kept. A batch may reach beyond where a run settles. */
static inline void state_check_stops(explain_fn explain, const void *options, uint64_t n_beside, const uint64_t *stops,
                                     size_t n_stops)
{
    xai_state *whole_state = state_make(), *state = state_make();
    outcome plain = state_run(explain, options, (way){ .n_threads = 1 }, NULL),
            whole = state_run(explain, options, (way){ .n_threads = 1 }, whole_state);
    uint64_t n_before = 0, n_kept;

    state_check_outcome(&plain, &whole); /* keeping a state changes nothing */
    for (size_t i = 0; i <= n_stops; i++) {
        way how = { .stop = i < n_stops ? stops[i] : 0, .budget = i % 2 == 0 ? 1 : 1 << 20, .n_threads = 1 + i % 3 };
        outcome now = state_run(explain, options, how, state);

        n_kept = xai_state_n_images(state) - n_before + n_beside;
        n_before = xai_state_n_images(state);
        ck_assert_uint_ge(now.n_asked, n_kept);
        ck_assert_uint_le(now.n_asked, i < n_stops ? n_kept : n_kept + 15);
        if (i < n_stops)
            ck_assert_int_eq(now.status, XAI_PARTIAL);
        else
            state_check_outcome(&now, &whole);
        state_drop(&now);
        state = state_send(state);
    }
    state_check_same(state, whole_state);
    state_drop(&plain);
    state_drop(&whole);
    xai_state_unref(whole_state);
    xai_state_unref(state);
}

/* --- attempts --- */

/* A run of a few masks with another picture, other targets, another seed, ... */
typedef struct attempt {
    xai_rise_options options;
    uint64_t seed;
    float first, shift;
    size_t n_targets;
    int64_t second; /* target */
    uint32_t kind;  /* of the black box */
} attempt;

static inline xai_status state_try(const attempt *a, xai_state *state)
{
    const xai_target targets[N_TARGETS] = { { .index = 0 }, { .index = a->second } };
    xai_context *context = testing_context(1);
    xai_tensor *input = state_input(context, a->first);
    asked count = { .shift = a->shift };
    const xai_black_box box = {
        .struct_size = sizeof box, .predict = state_answer, .user = &count, .n_classes = N_TARGETS, .kind = a->kind
    };
    const xai_run_options run = { .struct_size = sizeof run, .seed = a->seed };
    xai_rise_options options = a->options;
    xai_attribution *maps[N_TARGETS] = { NULL };
    xai_status status;

    options.struct_size = sizeof options;
    options.black_box = &box;
    options.run = &run;
    options.state = state;
    if (options.n_masks == 0)
        options.n_masks = 8;
    if (options.grid == 0)
        options.grid = 4;
    status = xai_rise_compute(maps, NULL, input, targets, a->n_targets > 0 ? a->n_targets : 1, &options);
    ck_assert((status >= 0) == (maps[0] != NULL));
    xai_attribution_unref(maps[0]);
    xai_attribution_unref(maps[1]);
    xai_tensor_unref(input);
    xai_context_unref(context);
    return status;
}

#endif
