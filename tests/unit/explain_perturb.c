/* SPDX-License-Identifier: MIT
 * The perturbation engine: order, batches, threads, stops, sessions and black boxes, and what is refused. */
#include "explained.h"

#include <math.h>

#include "explain/perturb/perturb.h"

enum { N_IMAGES = 23, N_PIXELS = 12, N_CLASSES = 3 };

/* --- a black box whose answers are known --- */

/* Class k scores the sum of pixels times (k + 1); counts what it is asked. */
typedef struct oracle {
    size_t n_calls, n_images, largest;
    int32_t answer;
    float poison; /* given for the last class when not 0 */
} oracle;

static int32_t predict(const float *batch, size_t n, float *scores, void *user)
{
    oracle *o = user;

    o->n_calls++;
    o->n_images += n;
    o->largest = n > o->largest ? n : o->largest;
    for (size_t i = 0; i < n; i++) {
        float sum = 0;

        for (size_t j = 0; j < N_PIXELS; j++)
            sum += batch[i * N_PIXELS + j];
        for (size_t k = 0; k < N_CLASSES; k++)
            scores[i * N_CLASSES + k] = sum * (float)(k + 1);
        if (o->poison != 0)
            scores[i * N_CLASSES + N_CLASSES - 1] = o->poison;
    }
    return o->answer;
}

static xai_black_box box_of(oracle *o)
{
    return (
        xai_black_box){ .struct_size = sizeof(xai_black_box), .predict = predict, .user = o, .n_classes = N_CLASSES };
}

static xai_tensor *make_input(xai_context *context)
{
    const int64_t shape[4] = { 1, 1, 3, 4 };
    xai_tensor *input = NULL;

    ck_assert_ok(xai_tensor_create(&input, context, shape, 4));
    for (size_t i = 0; i < N_PIXELS; i++)
        input->data[i] = 1;
    return input;
}

/* --- a stream that is easily checked --- */

typedef struct watch {
    const float *plain;
    size_t size;
    uint64_t n_taken, enough; /* enough: number of the last image wanted */
    double scores[N_IMAGES][2];
    size_t n_targets;
    uint64_t done, total, stop_at; /* as progress() was told last */
} watch;

/* The image times a number that grows with its index; the note holds the index. */
static void make(void *user, uint64_t index, float *image, void *note)
{
    const watch *w = user;

    for (size_t i = 0; i < w->size; i++)
        image[i] = w->plain[i] * (float)(index + 1) / N_IMAGES;
    memcpy(note, &index, sizeof index);
}

static xai_status take(void *user, uint64_t index, const double *scores, const void *note)
{
    watch *w = user;
    uint64_t noted;

    memcpy(&noted, note, sizeof noted);
    ck_assert_uint_eq(noted, index);
    ck_assert_uint_eq(index, w->n_taken);
    w->n_taken = index + 1;
    memcpy(w->scores[index], scores, w->n_targets * sizeof *scores);
    return w->enough != 0 && index == w->enough ? XAI__PERTURB_ENOUGH : XAI_OK;
}

static int32_t progress(uint64_t done, uint64_t total, void *user)
{
    watch *w = user;

    w->done = done;
    w->total = total;
    return w->stop_at != 0 && done >= w->stop_at;
}

static xai_status run(watch *w, const xai__scorer *s, uint64_t budget, uint64_t *n_done)
{
    const xai_run_options options = {
        .struct_size = sizeof options, .memory_budget = budget, .progress = progress, .user = w
    };

    w->plain = s->input->data;
    w->size = s->input->size;
    w->n_targets = s->targets.n;
    return xai__perturb_run(
        n_done, s,
        &(xai__perturbation){
            .count = N_IMAGES, .make = make, .take = take, .user = w, .note_size = sizeof(uint64_t), .run = &options });
}

/* --- tests --- */

START_TEST(black_box)
{
    xai_context *context = testing_context(2);
    xai_tensor *input = make_input(context);
    const xai_target targets[2] = { { .index = 1 }, { .index = 2, .against = 0, .score = XAI_SCORE_MARGIN } };
    oracle o = { 0 };
    xai_black_box box = box_of(&o);
    watch w = { 0 };
    xai__scorer s;
    uint64_t n_done = 0;

    ck_assert_ok(xai__scorer_init(&s, NULL, &box, input, targets, 2, XAI_SCORE_LOGIT));
    ck_assert_double_eq(s.plain_scores[0], 24);
    ck_assert_double_eq(s.plain_scores[1], 24);
    ck_assert_ok(run(&w, &s, 5 * (N_PIXELS * sizeof(float) + 8 + 16), &n_done));
    ck_assert_uint_eq(n_done, N_IMAGES);
    ck_assert_uint_eq(w.done, N_IMAGES);
    ck_assert_uint_eq(w.total, N_IMAGES);
    ck_assert_uint_eq(o.largest, 5); /* what the budget holds */
    ck_assert_uint_eq(o.n_images, N_IMAGES + 1);
    for (size_t i = 0; i < N_IMAGES; i++)
        for (size_t t = 0; t < 2; t++)
            ck_assert_double_eq_tol(w.scores[i][t], 24.0 * (double)(i + 1) / N_IMAGES, 1e-5);
    xai__scorer_fini(&s);

    box.max_batch = 3;
    o = (oracle){ 0 };
    ck_assert_ok(xai__scorer_init(&s, NULL, &box, input, NULL, 0, XAI_SCORE_LOGIT));
    ck_assert_int_eq(s.targets.items[0].index, 2);
    w = (watch){ 0 };
    ck_assert_ok(run(&w, &s, 0, NULL));
    ck_assert_uint_eq(o.largest, 3);
    xai__scorer_fini(&s);
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

/* Whatever the budgets and the threads. */
START_TEST(same_bits)
{
    const xai_target targets[2] = { { .index = -1, .score = XAI_SCORE_PROBABILITY },
                                    { .index = 3, .value = "avgpool", .score = XAI_SCORE_VALUE } };
    const struct {
        uint32_t n_threads;
        uint64_t session, run;
    } ways[] = { { 1, 1, 1 }, { 1, 0, 0 }, { 2, 1 << 20, 5 << 10 }, { 3, 0, 1 << 20 } };
    watch first = { 0 };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        explained e = explained_in(testing_context(ways[i].n_threads), network_residual, ways[i].session);
        watch w = { 0 };
        xai__scorer s;

        ck_assert_ok(xai__scorer_init(&s, e.session, NULL, e.input, targets, 2, XAI_SCORE_LOGIT));
        ck_assert_uint_eq(s.n_values, 2);
        ck_assert_ok(run(&w, &s, ways[i].run, NULL));
        if (i == 0)
            first = w;
        ck_assert_mem_eq(w.scores, first.scores, sizeof w.scores);
        ck_assert_mem_eq(w.scores[N_IMAGES - 1], s.plain_scores, sizeof w.scores[0]);
        xai__scorer_fini(&s);
        explained_end(&e);
    }
}
END_TEST

START_TEST(stops)
{
    explained e = explained_begin(network_dense);
    const uint64_t two = 2 * (e.input->size * sizeof(float) + 8 + 8);
    watch w = { .stop_at = 6 };
    xai__scorer s;
    uint64_t n_done = 0;

    ck_assert_ok(xai__scorer_init(&s, e.session, NULL, e.input, NULL, 0, XAI_SCORE_LOGIT));
    ck_assert_int_eq(run(&w, &s, two, &n_done), XAI_PARTIAL);
    ck_assert_uint_eq(n_done, 6);
    w = (watch){ .stop_at = N_IMAGES };
    ck_assert_ok(run(&w, &s, two, &n_done));
    w = (watch){ .enough = 8 };
    ck_assert_ok(run(&w, &s, two, &n_done));
    ck_assert_uint_eq(n_done, 9);
    ck_assert_uint_eq(w.n_taken, 9);
    ck_assert_uint_eq(w.total, 9);
    xai__scorer_fini(&s);
    explained_end(&e);
}
END_TEST

/* --- memory --- */

/* What a context has allocated, and the most that it had at once. */
typedef struct tally {
    size_t now, most;
} tally;

static void *count_allocate(size_t size, size_t alignment, void *user)
{
    tally *t = user;
    void *data = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);

    t->now += data != NULL ? size : 0;
    t->most = t->now > t->most ? t->now : t->most;
    return data;
}

static void count_release(void *data, size_t size, void *user)
{
    ((tally *)user)->now -= size;
    free(data);
}

/* A run takes at most both budgets and the scores that a batch of 16 gives; several times as much is at hand. */
START_TEST(within_budget)
{
    enum { RUN = 60 << 10, SESSION = 128 << 10, SMALL = 16 << 10 };
    tally t = { 0 };
    const xai_allocator allocator = { count_allocate, count_release, &t };
    const xai_context_options options = { .struct_size = sizeof options, .allocator = &allocator, .n_threads = 1 };
    xai_context *context = NULL;
    explained e;
    xai__scorer s;
    watch w = { 0 };
    size_t before;

    ck_assert_ok(xai_context_create(&context, &options));
    e = explained_in(context, network_preactivation, SESSION);
    ck_assert_ok(xai__scorer_init(&s, e.session, NULL, e.input, NULL, 0, XAI_SCORE_LOGIT));
    ck_assert_ok(run(&w, &s, 1, NULL)); /* plans and packed weights are kept */
    before = t.now;
    t.most = t.now;
    w = (watch){ 0 };
    ck_assert_ok(run(&w, &s, RUN, NULL));
    printf("# %zu bytes of %d\n", t.most - before, RUN + SESSION);
    ck_assert_uint_le(t.most - before, RUN + SESSION + SMALL);
    ck_assert_uint_gt(t.most - before, 5 * e.input->size * sizeof(float)); /* and it uses them */
    xai__scorer_fini(&s);
    explained_end(&e);
    ck_assert_uint_eq(t.now, 0);
}
END_TEST

static xai_status look(xai_session *session, const xai_black_box *box, const xai_tensor *input,
                       const xai_target *target)
{
    xai__scorer s;
    xai_status status = xai__scorer_init(&s, session, box, input, target, target != NULL, XAI_SCORE_LOGIT);

    xai__scorer_fini(&s);
    return status;
}

START_TEST(refused)
{
    explained e = explained_begin(network_dense);
    xai_tensor *input = make_input(e.context);
    const xai_target value = { .value = "fc", .score = XAI_SCORE_VALUE }, beyond = { .index = N_CLASSES };
    oracle o = { 0 };
    xai_black_box box = box_of(&o), bad = box;

    ck_assert_fails(look(NULL, NULL, input, NULL), XAI_E_INVALID, "session is NULL");
    ck_assert_fails(look(e.session, &box, input, NULL), XAI_E_INVALID, "both");
    ck_assert_fails(look(NULL, &box, NULL, NULL), XAI_E_INVALID, "input is NULL");
    ck_assert_fails(look(e.session, NULL, input, NULL), XAI_E_SHAPE, "3x10x14");
    ck_assert_fails(look(NULL, &box, input, &value), XAI_E_INVALID, "score 3");
    ck_assert_fails(look(NULL, &box, input, &beyond), XAI_E_INVALID, "no class 3");
    bad.predict = NULL;
    ck_assert_fails(look(NULL, &bad, input, NULL), XAI_E_INVALID, "no predict callback");
    bad = box;
    bad.n_classes = 0;
    ck_assert_fails(look(NULL, &bad, input, NULL), XAI_E_INVALID, "0 classes");
    bad = box;
    bad.kind = 2;
    ck_assert_fails(look(NULL, &bad, input, NULL), XAI_E_INVALID, "kind is 2");
    bad = box;
    bad.shape[0] = 3;
    ck_assert_fails(look(NULL, &bad, input, NULL), XAI_E_INVALID, "3x0x0");
    bad.shape[1] = bad.shape[2] = 8;
    ck_assert_fails(look(NULL, &bad, input, NULL), XAI_E_SHAPE, "takes 1x3x8x8, got 1x1x3x4");
    o.answer = 7;
    ck_assert_fails(look(NULL, &box, input, NULL), XAI_E_CALLBACK, "returned 7");
    o = (oracle){ .poison = NAN };
    ck_assert_fails(look(NULL, &box, input, NULL), XAI_E_CALLBACK, "nan for class 2");
    xai_tensor_unref(input);
    explained_end(&e);
}
END_TEST

/* What a black box's record says, and what it has no way to know. */
START_TEST(records)
{
    xai_context *context = testing_context(1);
    xai_tensor *input = make_input(context);
    oracle o = { 0 };
    xai_black_box box = box_of(&o);
    const xai_target target = { .index = 0, .score = XAI_SCORE_PROBABILITY };
    xai_attribution *a = NULL;
    xai__scorer s;

    for (uint32_t kind = 0; kind < 2; kind++) {
        double logit_sum = exp(12.0 - 36) + exp(24.0 - 36) + 1;

        box.kind = kind;
        ck_assert_ok(xai__scorer_init(&s, NULL, &box, input, &target, 1, XAI_SCORE_LOGIT));
        ck_assert_ok(xai__scorer_attribution(&a, &s, 0));
        ck_assert(a->is_black_box);
        ck_assert_int_eq(xai_attribution_target(a), 0);
        ck_assert_double_eq_tol(xai_attribution_score(a), kind == 0 ? exp(12.0 - 36) / logit_sum : 12, 1e-12);
        xai_attribution_unref(a);
        xai__scorer_fini(&s);
    }
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_perturb");
    TCase *c = tcase_create("perturb");

    tcase_add_test(c, black_box);
    tcase_add_test(c, same_bits);
    tcase_add_test(c, within_budget);
    tcase_add_test(c, stops);
    tcase_add_test(c, refused);
    tcase_add_test(c, records);
    suite_add_tcase(suite, c);
    return suite;
}

TESTING_MAIN(make_suite)
