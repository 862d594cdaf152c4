/* SPDX-License-Identifier: MIT
 * Constants: whole and in pieces, in place and widened, after their file's pages were let go. */
#include "retyped.h"

#include "graph/constant.h"

static const uint32_t dtypes[] = { XAI__DTYPE_F16, XAI__DTYPE_BF16, XAI__DTYPE_F32, XAI__DTYPE_F64, RETYPED_ODD };

enum { N_DTYPES = sizeof dtypes / sizeof *dtypes };

static const char *const files[] = { "w", NULL };

typedef struct opened {
    xai_context *context;
    char *folder;
    xai__weights *weights;
    const xai__weight *weight;
    xai__constant constant;
    size_t n;
} opened;

/* A weight of more than a page. */
static opened open_typed(uint32_t dtype)
{
    opened o = { .context = testing_context(1), .folder = files_folder() };

    retyped_write(o.context, o.folder, "w", dtype);
    ck_assert_ok(xai__weights_open(&o.weights, o.context, files_path(o.folder, "w")));
    o.weight = xai__weights_find(o.weights, "layer1.conv.weight");
    ck_assert_ptr_nonnull(o.weight);
    ck_assert_ok(xai__weight_check(o.weight));
    o.constant.data = xai__weight_borrow_f32(o.weight);
    if (o.constant.data == NULL)
        o.constant.weight = o.weight;
    o.n = xai__weight_size(o.weight);
    return o;
}

static void close_typed(opened *o)
{
    xai__weights_close(o->weights);
    files_remove(o->folder, files);
    xai_context_unref(o->context);
}

static float *read_whole(const opened *o)
{
    float *whole = malloc(o->n * sizeof *whole);

    ck_assert_ptr_nonnull(whole);
    ck_assert_ok(xai__weight_to_f32(whole, o->weight));
    return whole;
}

START_TEST(lies_in_place_only_as_aligned_float32)
{
    opened o = open_typed(dtypes[_i]);
    const xai__constant none = { 0 };

    ck_assert_int_eq(o.constant.data != NULL, dtypes[_i] == XAI__DTYPE_F32);
    ck_assert(xai__constant_exists(&o.constant) && !xai__constant_exists(&none));
    ck_assert_ptr_eq(xai__constant_id(&o.constant),
                     o.constant.data != NULL ? (const void *)o.constant.data : o.constant.weight);
    close_typed(&o);
}
END_TEST

/* Around the blocks that are widened at a time. */
START_TEST(reads_any_piece)
{
    static const size_t pieces[][2] = { { 0, 1 }, { 1, 255 }, { 3, 256 }, { 255, 258 }, { 1000, 1 }, { 17, 3000 } };
    opened o = open_typed(dtypes[_i]);
    float *whole = read_whole(&o), *piece = malloc(o.n * sizeof *piece);

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        memset(piece, 0xff, o.n * sizeof *piece);
        xai__constant_read(piece, &o.constant, pieces[i][0], pieces[i][1]);
        ck_assert_mem_eq(piece, whole + pieces[i][0], pieces[i][1] * sizeof *piece);
        ck_assert_mem_eq(piece + pieces[i][1], "\xff\xff\xff\xff", sizeof *piece);
    }
    xai__constant_read(piece, &o.constant, o.n - 1, 1);
    ck_assert_mem_eq(piece, whole + o.n - 1, sizeof *piece);
    free(piece);
    free(whole);
    close_typed(&o);
}
END_TEST

START_TEST(lends_all_of_it)
{
    opened o = open_typed(dtypes[_i]);
    float *whole = read_whole(&o), *copy;
    const float *lent = xai__constant_borrow(&copy, o.context, &o.constant, o.n);

    ck_assert_ptr_nonnull(lent);
    ck_assert_ptr_eq(lent, copy != NULL ? copy : o.constant.data);
    ck_assert_mem_eq(lent, whole, o.n * sizeof *whole);
    xai__free(o.context, copy);
    free(whole);
    close_typed(&o);
}
END_TEST

/* What was let go is read again, its neighbours too. */
START_TEST(survives_being_forgotten)
{
    opened o = open_typed(dtypes[_i]);
    float *whole = read_whole(&o), *again = malloc(o.n * sizeof *again);

    for (int time = 0; time < 2; time++) {
        xai__constant_forget(&o.constant, 0, o.n, o.weights);
        xai__constant_forget(&o.constant, 100, o.n - 200, o.weights);
        xai__constant_forget(&o.constant, 0, o.n, NULL);
        xai__constant_read(again, &o.constant, 0, o.n);
        ck_assert_mem_eq(again, whole, o.n * sizeof *whole);
    }
    free(again);
    free(whole);
    close_typed(&o);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("graph_constant");
    TCase *cases = tcase_create("all");

    tcase_add_loop_test(cases, lies_in_place_only_as_aligned_float32, 0, N_DTYPES);
    tcase_add_loop_test(cases, reads_any_piece, 0, N_DTYPES);
    tcase_add_loop_test(cases, lends_all_of_it, 0, N_DTYPES);
    tcase_add_loop_test(cases, survives_being_forgotten, 0, N_DTYPES);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
