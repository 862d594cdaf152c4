/* SPDX-License-Identifier: MIT
 * Packed weights out of files of any type: the same bits, no second copy of the weights, shared by threads. */
#include "retyped.h"

#include <pthread.h>
#include <stdatomic.h>

#include "backends/registry.h"
#include "core/tensor.h"
#include "model/model.h"
#include "networks.h"

static const uint32_t dtypes[] = { XAI__DTYPE_F16, XAI__DTYPE_BF16, XAI__DTYPE_F64, RETYPED_ODD };
static const char *const chains[] = { "native", "ref", "native-baseline", "openblas,ref" };

enum { N_DTYPES = sizeof dtypes / sizeof *dtypes, N_CHAINS = sizeof chains / sizeof *chains };

static const char *const files[] = { "f32", "other", NULL };

/* What a model says in many ways, one behind the other. */
typedef struct answers {
    float data[4096];
    size_t n;
} answers;

static void add(answers *a, xai_tensor *tensor)
{
    ck_assert_uint_le(a->n + tensor->size, sizeof a->data / sizeof *a->data);
    memcpy(a->data + a->n, tensor->data, tensor->size * sizeof(float));
    a->n += tensor->size;
    xai_tensor_unref(tensor);
}

static void add_map(answers *a, xai_attribution *attribution)
{
    xai_tensor *map = NULL;

    ck_assert_ok(xai_attribution_map(&map, attribution, 0, 0, XAI_NORMALISE_NONE));
    add(a, map);
    xai_attribution_unref(attribution);
}

/* Logits of a plan for another purpose each time, so that weights are packed again after their file was let go. */
static void add_logits(answers *a, xai_model *model, const xai_tensor *input, uint32_t purpose)
{
    const xai_session_options options = { .struct_size = sizeof options, .purpose = purpose };
    xai_session *session = NULL;
    xai_tensor *logits = NULL;

    ck_assert_ok(xai_session_create(&session, model, &options));
    ck_assert_ok(xai_session_forward(&logits, session, input));
    add(a, logits);
    xai_session_unref(session);
}

/* A gradient wants weights transposed. */
static void add_explanations(answers *a, xai_model *model, const xai_tensor *input)
{
    const xai_cam_options options = { .struct_size = sizeof options, .method = "cam" };
    xai_session *session = network_session(model, 0);
    xai_attribution *attribution = NULL;
    xai_cam *cam = NULL;

    ck_assert_ok(xai_saliency_compute(&attribution, session, input, NULL, 0, NULL));
    add_map(a, attribution);
    ck_assert_ok(xai_cam_create(&cam, session, &options));
    ck_assert_ok(xai_cam_compute(&attribution, cam, input, NULL, 0));
    add_map(a, attribution);
    xai_cam_unref(cam);
    xai_session_unref(session);
}

static void add_class_weights(answers *a, xai_model *model)
{
    xai_tensor *weights = NULL;

    ck_assert_ok(xai_model_class_weights(&weights, model));
    add(a, weights);
}

static answers ask(xai_model *model, bool explains_first)
{
    xai_tensor *input = network_input(model, 1, 3);
    answers a = { .n = 0 };

    for (int i = 0; i < 2; i++)
        if (i == (int)explains_first)
            for (uint32_t purpose = 0; purpose < 3; purpose++)
                add_logits(&a, model, input, purpose);
        else
            add_explanations(&a, model, input);
    add_class_weights(&a, model);
    xai_tensor_unref(input);
    return a;
}

static bool is_built_in(const char *chain)
{
    size_t length = strcspn(chain, ",");

    for (size_t i = 0; xai__backends_name(i) != NULL; i++)
        if (strlen(xai__backends_name(i)) == length && memcmp(xai__backends_name(i), chain, length) == 0)
            return true;
    return false;
}

static void compare(const char *chain, uint32_t dtype, uint32_t n_threads, bool explains_first)
{
    xai_context *context = network_context(chain, n_threads);
    char *folder = files_folder();
    xai_model *models[2];
    answers a[2];

    retyped_write(context, folder, "f32", XAI__DTYPE_F32);
    retyped_write(context, folder, "other", dtype);
    for (int i = 0; i < 2; i++) {
        models[i] = retyped_model(context, folder, files[i]);
        a[i] = ask(models[i], explains_first);
    }
    ck_assert_uint_eq(a[0].n, a[1].n);
    ck_assert_mem_eq(a[0].data, a[1].data, a[0].n * sizeof *a[0].data);
    ck_assert_uint_eq(xai__model_digest(models[0]), xai__model_digest(models[1]));
    for (int i = 0; i < 2; i++)
        xai_model_unref(models[i]);
    files_remove(folder, files);
    xai_context_unref(context);
}

START_TEST(gives_the_same_bits_in_every_type)
{
    const char *chain = chains[_i / N_DTYPES];

    if (!is_built_in(chain)) {
        fprintf(stderr, "SKIP: %s is not built in\n", chain);
        return;
    }
    compare(chain, dtypes[_i % N_DTYPES], 1, _i % 2 == 0);
    if (_i / N_DTYPES == 0)
        compare(chain, dtypes[_i % N_DTYPES], 3, _i % 2 == 1);
}
END_TEST

/* --- memory --- */

typedef struct meter {
    atomic_size_t now, peak;
} meter;

static void *allocate(size_t size, size_t alignment, void *user)
{
    meter *m = user;
    size_t now = atomic_fetch_add(&m->now, size) + size;
    void *data = NULL;

    if (now > atomic_load(&m->peak))
        atomic_store(&m->peak, now);
    return posix_memalign(&data, alignment, size) == 0 ? data : NULL;
}

static void release(void *data, size_t size, void *user)
{
    atomic_fetch_sub(&((meter *)user)->now, size);
    free(data);
}

typedef struct metered {
    size_t loaded, peak;
} metered;

/* Of one file: what a loaded model holds, and the most there ever was until the first answer. */
static metered measure(const char *folder, const char *name)
{
    meter m = { 0, 0 };
    const xai_allocator allocator = { allocate, release, &m };
    const xai_context_options options = { .struct_size = sizeof options, .allocator = &allocator, .n_threads = 1 };
    xai_context *context = NULL;
    answers a = { .n = 0 };
    xai_model *model;
    xai_tensor *input;
    metered measured;

    ck_assert_ok(xai_context_create(&context, &options));
    model = retyped_model(context, folder, name);
    measured.loaded = atomic_load(&m.now);
    input = network_input(model, 1, 3);
    add_logits(&a, model, input, XAI_PURPOSE_LATENCY);
    measured.peak = atomic_load(&m.peak);
    xai_tensor_unref(input);
    xai_model_unref(model);
    xai_context_unref(context);
    ck_assert_uint_eq(atomic_load(&m.now), 0);
    return measured;
}

/* The network has 0.7 million weights, its largest layer 0.2: neither all nor a layer may lie there twice. */
START_TEST(holds_no_second_copy)
{
    xai_context *context = testing_context(1);
    char *folder = files_folder();
    metered f32, other;

    retyped_write(context, folder, "f32", XAI__DTYPE_F32);
    retyped_write(context, folder, "other", dtypes[_i]);
    f32 = measure(folder, "f32");
    other = measure(folder, "other");
    ck_assert_uint_lt(other.loaded, f32.loaded + 4096);
    ck_assert_uint_lt(other.peak, f32.peak + 200000);
    files_remove(folder, files);
    xai_context_unref(context);
}
END_TEST

/* --- threads --- */

enum { N_THREADS = 4, N_ROUNDS = 3 };

typedef struct asking {
    xai_model *model;
    answers a;
    bool explains_first;
} asking;

static void *ask_thread(void *user)
{
    asking *q = user;

    for (int i = 0; i < N_ROUNDS; i++)
        q->a = ask(q->model, q->explains_first);
    return NULL;
}

/* Sessions that come and go, and plans and packed weights with them. */
START_TEST(is_shared_by_threads)
{
    xai_context *context = testing_context(2);
    char *folder = files_folder();
    pthread_t threads[N_THREADS];
    static asking questions[N_THREADS];
    xai_model *model;
    answers alone[2];

    retyped_write(context, folder, "other", dtypes[_i]);
    model = retyped_model(context, folder, "other");
    for (int i = 0; i < 2; i++)
        alone[i] = ask(model, i == 1);
    xai_model_unref(model);
    model = retyped_model(context, folder, "other");
    for (int i = 0; i < N_THREADS; i++) {
        questions[i] = (asking){ .model = model, .explains_first = i % 2 == 1 };
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_thread, &questions[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_mem_eq(questions[i].a.data, alone[i % 2].data, alone[i % 2].n * sizeof(float));
    }
    xai_model_unref(model);
    files_remove(folder, files);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("runtime_packed");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, gives_the_same_bits_in_every_type, 0, N_DTYPES * N_CHAINS);
    tcase_add_loop_test(cases, holds_no_second_copy, 0, N_DTYPES);
    tcase_add_loop_test(cases, is_shared_by_threads, 0, N_DTYPES);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
