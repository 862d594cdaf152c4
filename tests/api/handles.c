/* SPDX-License-Identifier: MIT
 * Every handle: made, shared, dropped, alive as long as its children need it, NULL where making it failed. */
#include "testing.h"

/* One of every handle, each made with the one before. */
enum { CONTEXT, TENSOR, IMAGE, MODEL, SESSION, HOOK, CAM, ATTRIBUTION, TABLE, TREE, N_HANDLES };

typedef struct family {
    void *members[N_HANDLES];
} family;

/* The functions of a noun with their types worn off, so that they fit one table. */
#define FORGET_TYPES(noun)                                                                                             \
    static void *ref_##noun(void *object)                                                                              \
    {                                                                                                                  \
        return xai_##noun##_ref(object);                                                                               \
    }                                                                                                                  \
    static void unref_##noun(void *object)                                                                             \
    {                                                                                                                  \
        xai_##noun##_unref(object);                                                                                    \
    }

FORGET_TYPES(context)
FORGET_TYPES(tensor)
FORGET_TYPES(image)
FORGET_TYPES(model)
FORGET_TYPES(session)
FORGET_TYPES(hook)
FORGET_TYPES(cam)
FORGET_TYPES(attribution)
FORGET_TYPES(table)
FORGET_TYPES(tree)

static xai_status make_context(void **out, family *f)
{
    xai_context_options options = { .struct_size = sizeof options, .n_threads = 1 };

    return xai_context_create((xai_context **)out, &options);
}

static xai_status make_tensor(void **out, family *f)
{
    static const int64_t shape[] = { 1, 3, 32, 32 };

    return xai_tensor_create((xai_tensor **)out, f->members[CONTEXT], shape, 4);
}

static xai_status make_image(void **out, family *f)
{
    return xai_image_create((xai_image **)out, f->members[CONTEXT], NULL, 32, 32);
}

static xai_status make_model(void **out, family *f)
{
    return xai_model_build((xai_model **)out, f->members[CONTEXT], "cifar_resnet20", NULL, NULL);
}

static xai_status make_session(void **out, family *f)
{
    return xai_session_create((xai_session **)out, f->members[MODEL], NULL);
}

static xai_status make_hook(void **out, family *f)
{
    return xai_hook_attach((xai_hook **)out, f->members[SESSION], "conv1", XAI_HOOK_CAPTURE, NULL, NULL, NULL);
}

static xai_status make_cam(void **out, family *f)
{
    return xai_cam_create((xai_cam **)out, f->members[SESSION], NULL);
}

static xai_status make_attribution(void **out, family *f)
{
    return xai_cam_compute((xai_attribution **)out, f->members[CAM], f->members[TENSOR], NULL, 0);
}

static xai_status make_table(void **out, family *f)
{
    return xai_table_load_memory((xai_table **)out, f->members[CONTEXT], "a,b\n1,2\n", 8);
}

static xai_status make_tree(void **out, family *f)
{
    static const char text[] = "{\"nodes\":[{\"id\":\"a\"}],\"links\":[]}";

    return xai_tree_load_memory((xai_tree **)out, f->members[CONTEXT], text, sizeof text - 1);
}

static const struct {
    const char *name;
    xai_status (*make)(void **out, family *f);
    void *(*ref)(void *object);
    void (*unref)(void *object);
    int needs; /* the member that make uses, or -1 */
} handles[N_HANDLES] = {
    [CONTEXT] = { "context", make_context, ref_context, unref_context, -1 },
    [TENSOR] = { "tensor", make_tensor, ref_tensor, unref_tensor, CONTEXT },
    [IMAGE] = { "image", make_image, ref_image, unref_image, CONTEXT },
    [MODEL] = { "model", make_model, ref_model, unref_model, CONTEXT },
    [SESSION] = { "session", make_session, ref_session, unref_session, MODEL },
    [HOOK] = { "hook", make_hook, ref_hook, unref_hook, SESSION },
    [CAM] = { "cam", make_cam, ref_cam, unref_cam, SESSION },
    [ATTRIBUTION] = { "attribution", make_attribution, ref_attribution, unref_attribution, CAM },
    [TABLE] = { "table", make_table, ref_table, unref_table, CONTEXT },
    [TREE] = { "tree", make_tree, ref_tree, unref_tree, CONTEXT },
};

static void make_family(family *f)
{
    memset(f, 0, sizeof *f);
    for (int i = 0; i < N_HANDLES; i++) {
        ck_assert_ok(handles[i].make(&f->members[i], f));
        ck_assert_msg(f->members[i] != NULL, "%s", handles[i].name);
    }
}

/* NULL in, NULL out, and nothing happens. */
START_TEST(null_is_nothing)
{
    ck_assert_ptr_null(handles[_i].ref(NULL));
    handles[_i].unref(NULL);
}
END_TEST

/* As many drops as references; the leak checker sees to the rest. */
START_TEST(references_count)
{
    family f;

    make_family(&f);
    for (int i = 0; i < N_HANDLES; i++) {
        ck_assert_ptr_eq(handles[i].ref(f.members[i]), f.members[i]);
        handles[i].unref(f.members[i]);
        handles[i].unref(f.members[i]);
    }
}
END_TEST

/* Without what it is made from, a handle is not made, and the old pointer does not survive. */
START_TEST(out_is_null_on_failure)
{
    family empty = { { NULL } };
    void *out = &empty;

    if (handles[_i].needs < 0)
        return;
    ck_assert_int_eq(handles[_i].make(&out, &empty), XAI_E_INVALID);
    ck_assert_ptr_null(out);
    ck_assert_msg(strstr(xai_last_error(), handles[handles[_i].needs].name) != NULL, "%s", xai_last_error());
}
END_TEST

/* A garbage collector drops in any order: here parents first. */
START_TEST(children_keep_parents)
{
    family f;
    xai_tensor *logits = NULL, *map = NULL, *kept = NULL;

    make_family(&f);
    xai_context_unref(f.members[CONTEXT]);
    xai_model_unref(f.members[MODEL]);
    ck_assert_ok(xai_session_forward(&logits, f.members[SESSION], f.members[TENSOR]));
    ck_assert_ok(xai_hook_output(&kept, f.members[HOOK]));
    xai_session_unref(f.members[SESSION]);
    xai_cam_unref(f.members[CAM]);
    xai_hook_unref(f.members[HOOK]);
    ck_assert_uint_eq(xai_tensor_size(logits), 10);
    ck_assert_uint_eq(xai_tensor_size(kept), 16 * 32 * 32);
    ck_assert_ok(xai_attribution_map(&map, f.members[ATTRIBUTION], 0, 0, XAI_NORMALISE_NONE));
    ck_assert_uint_eq(xai_tensor_size(map), 8 * 8);
    xai_attribution_unref(f.members[ATTRIBUTION]);
    ck_assert_ok(xai_tensor_check(map));
    xai_tensor_unref(map);
    xai_tensor_unref(kept);
    xai_tensor_unref(logits);
    xai_tensor_unref(f.members[TENSOR]);
    xai_image_unref(f.members[IMAGE]);
    ck_assert_uint_eq(xai_table_n_rows(f.members[TABLE]), 1);
    xai_table_unref(f.members[TABLE]);
    ck_assert_uint_eq(xai_tree_n_nodes(f.members[TREE]), 1);
    xai_tree_unref(f.members[TREE]);
}
END_TEST

static void count(void *user)
{
    *(int *)user += 1;
}

/* destroy runs once, with the last reference, and not where making the object failed. */
START_TEST(destroy_runs_once)
{
    xai_context *context = testing_context(1);
    float data[6] = { 0 };
    int64_t shape[] = { 2, 3 }, bad[] = { 2, -3 };
    xai_tensor *tensor = NULL;
    int calls = 0;

    ck_assert_int_eq(xai_tensor_wrap(&tensor, context, data, bad, 2, count, &calls), XAI_E_INVALID);
    ck_assert_ptr_null(tensor);
    ck_assert_int_eq(calls, 0);
    ck_assert_ok(xai_tensor_wrap(&tensor, context, data, shape, 2, count, &calls));
    xai_tensor_ref(tensor);
    xai_tensor_unref(tensor);
    ck_assert_int_eq(calls, 0);
    xai_tensor_unref(tensor);
    ck_assert_int_eq(calls, 1);
    xai_context_unref(context);
}
END_TEST

/* A hook ends with its last reference or with the session, whichever comes first. */
START_TEST(hook_destroy)
{
    family f;
    xai_hook *hook = NULL;
    int calls = 0;

    make_family(&f);
    ck_assert_int_eq(xai_hook_attach(&hook, f.members[SESSION], "nowhere", XAI_HOOK_CAPTURE, NULL, &calls, count),
                     XAI_E_NOT_FOUND);
    ck_assert_ptr_null(hook);
    ck_assert_int_eq(calls, 0);
    ck_assert_ok(xai_hook_attach(&hook, f.members[SESSION], "bn1", XAI_HOOK_CAPTURE, NULL, &calls, count));
    for (int i = N_HANDLES - 1; i >= 0; i--)
        handles[i].unref(f.members[i]);
    xai_hook_unref(hook);
    ck_assert_int_eq(calls, 1);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("handles");
    TCase *cases = tcase_create("all");

    tcase_add_loop_test(cases, null_is_nothing, 0, N_HANDLES);
    tcase_add_test(cases, references_count);
    tcase_add_loop_test(cases, out_is_null_on_failure, 0, N_HANDLES);
    tcase_add_test(cases, children_keep_parents);
    tcase_add_test(cases, destroy_runs_once);
    tcase_add_test(cases, hook_destroy);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
