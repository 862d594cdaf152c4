/* SPDX-License-Identifier: MIT
 * Training sets, their caches and every method of influence when memory runs out. */
#include "files.h"
#include "influence_sets.h"
#include "oom.h"

enum { N = 5 };

typedef struct influence_case {
    xai_model *model;
    example_source source;
    xai_image *pictures[N];
    xai_tensor *tests;
    const char *cache; /* NULL: none */
    xai_influence_options options;
} influence_case;

static void drop_cache(xai_model *model)
{
    if (model->cache != NULL)
        model->free_cache(model->object.context, model->cache);
    model->cache = NULL;
}

/* Pictures are made beforehand: where a callback fails, it is not known that memory ran out. */
static int32_t give_made(xai_image **image, int64_t *label, size_t index, void *user)
{
    const influence_case *now = user;

    *label = now->source.labels[index];
    if (image != NULL)
        *image = xai_image_ref(now->pictures[index]);
    return 0;
}

static xai_status ask(void *user)
{
    influence_case *now = user;
    xai_training_options options = {
        .struct_size = sizeof options, .example = give_made, .user = now, .n_examples = N
    };
    xai_session *session = NULL;
    xai_training *set = NULL;
    xai_influence *influence = NULL;
    double scores[2 * N];
    xai_status status = xai_session_create(&session, now->model, NULL);

    options.cache = now->cache;
    if (now->cache != NULL)
        unlink(now->cache);
    if (status == XAI_OK)
        status = xai_training_open(&set, session, &options);
    if (status == XAI_OK)
        status = xai_influence_create(&influence, &set, 1, &now->options);
    if (status == XAI_OK)
        status = xai_influence_compute(scores, NULL, influence, now->tests, NULL);
    if (status == XAI_OK)
        status = xai_influence_self(scores, NULL, influence);
    xai_influence_unref(influence);
    xai_training_unref(set);
    xai_session_unref(session);
    drop_cache(now->model);
    return status;
}

START_TEST(asking)
{
    static const struct {
        const char *method, *solver;
    } cases[] = { { "last-layer", NULL }, { "last-layer", "cg" }, { "last-layer", "lissa" }, { "tracin-fast", NULL },
                  { "layers", NULL },     { "layers", "lissa" },  { "tracin", NULL } };
    xai_context *context = testing_context(1);
    char *folder = files_folder();
    char cache[8192];
    influence_case now = { .model = network_residual(context) };

    snprintf(cache, sizeof cache, "%s", files_path(folder, "cache"));
    prepare_plainly(now.model);
    now.source = random_source(now.model, N, 3);
    for (size_t i = 0; i < N; i++) {
        int64_t label;

        ck_assert_int_eq(give_example(&now.pictures[i], &label, i, &now.source), 0);
    }
    now.tests = network_input(now.model, 2, 4);
    now.cache = _i == 0 ? cache : NULL;
    now.options = (xai_influence_options){ .struct_size = sizeof now.options,
                                           .method = cases[_i].method,
                                           .solver = cases[_i].solver };
    oom_run(cases[_i].method, ask, &now, 0);
    for (size_t i = 0; i < N; i++)
        xai_image_unref(now.pictures[i]);
    free_source(&now.source);
    xai_tensor_unref(now.tests);
    xai_model_unref(now.model);
    xai_context_unref(context);
    unlink(cache);
    files_remove(folder, (const char *const[]){ NULL });
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("oom_influence");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, asking, 0, 7);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
