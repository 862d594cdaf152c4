/* SPDX-License-Identifier: MIT
 * Occlusion from coarse to fine: the bits of the windows that are run, what lies between them, grids of every shape,
 * stops, and what is refused. Profile kazuto, whose map has an element a window, shows single windows. */
#include "explained.h"

#include "explain/attribution.h"
#include "runtime/session.h"

/* A black box that looks at images of a height and width, counts them, and sums pixels or their squares' differences.
 */
typedef struct looker {
    size_t n_pixels, n_looked_at;
    bool is_linear;
} looker;

static int32_t look(const float *batch, size_t n, float *scores, void *user)
{
    looker *l = user;

    l->n_looked_at += n;
    for (size_t i = 0; i < n; i++) {
        const float *image = batch + i * l->n_pixels;
        double sum = 0;

        for (size_t j = 0; j < l->n_pixels; j++)
            sum += l->is_linear ? image[j]
                                : sin(image[j] * (double)(1 + j % 7)) * cos((double)image[(j + 5) % l->n_pixels]);
        scores[2 * i] = (float)sum;
        scores[2 * i + 1] = (float)(-3 * sum);
    }
    return 0;
}

static xai_tensor *make_image(xai_context *context, int64_t height, int64_t width, bool is_slope)
{
    const int64_t shape[4] = { 1, 1, height, width };
    xai_tensor *input = NULL;

    ck_assert_ok(xai_tensor_create(&input, context, shape, 4));
    for (int64_t i = 0; i < height * width; i++)
        input->data[i] = is_slope ? (float)(3 + i / width - 2 * (i % width)) : (float)(i * 37 % 101) / 31 - 1;
    return input;
}

/* The options' box looks; returns the raw map. */
static xai_attribution *occlude(looker *l, const xai_tensor *input, const char *profile, uint32_t window,
                                uint32_t stride, float share)
{
    const xai_black_box box = { .struct_size = sizeof box,
                                .predict = look,
                                .user = l,
                                .n_classes = 2,
                                .shape = { 1, input->shape[2], input->shape[3] } };
    const xai_target target = { .index = 0 };
    xai_occlusion_options options = { .struct_size = sizeof options,
                                      .profile = profile,
                                      .black_box = &box,
                                      .window_height = window,
                                      .stride_height = stride,
                                      .stride_width = stride,
                                      .share = share };
    xai_attribution *a = NULL;

    l->n_pixels = input->size;
    l->n_looked_at = 0;
    ck_assert_ok(xai_occlusion_compute(&a, NULL, input, &target, 1, &options));
    return a;
}

/* How many windows have the bits of the full run; neighbours of what is random are not met by interpolation. */
static size_t count_equal(const xai_attribution *a, const xai_attribution *full)
{
    size_t n = 0;

    for (size_t i = 0; i < full->map->size; i++)
        n += memcmp(&a->map->data[i], &full->map->data[i], sizeof(float)) == 0;
    return n;
}

/* kazuto's last window of a row lies outside, so that its value is 0 and hidden windows may be met by chance. */
START_TEST(bits)
{
    static const float shares[] = { 0.05f, 0.1f, 0.25f, 0.5f, 0.9f };
    xai_context *context = testing_context(2);
    xai_tensor *input = make_image(context, 33, 29, false);
    looker l = { .is_linear = false };
    xai_attribution *full = occlude(&l, input, "kazuto", 5, 1, 0);
    size_t n = full->map->size;

    ck_assert_uint_eq(n, 29 * 25);
    ck_assert_uint_eq(l.n_looked_at, n + 1);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        xai_attribution *a = occlude(&l, input, "kazuto", 5, 1, shares[i]);
        size_t n_wanted = (size_t)ceil((double)shares[i] * (double)n);

        ck_assert_double_eq(xai_attribution_number(a, "windows"), (double)n_wanted);
        ck_assert_double_eq(xai_attribution_number(a, "windows_in_all"), (double)n);
        ck_assert_uint_eq(l.n_looked_at, n_wanted + 1);
        ck_assert_uint_ge(count_equal(a, full), n_wanted);
        ck_assert_uint_le(count_equal(a, full), n_wanted + 29);
        ck_assert_double_gt(explained_correlation(a->map, full->map), shares[i] < 0.1f ? 0.1 : 0.3);
        xai_attribution_unref(a);
    }
    xai_attribution_unref(full);
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

/* Where drops change evenly from window to window, interpolation is exact, whatever the shape of the grid; and all of
 * the windows, or a share that rounds up to all, are the full run. */
START_TEST(grids)
{
    static const int64_t sizes[][2] = { { 3, 3 },  { 3, 4 }, { 4, 3 },   { 3, 20 },  { 20, 3 }, { 4, 17 },
                                        { 19, 4 }, { 5, 5 }, { 12, 31 }, { 23, 22 }, { 35, 8 } };
    xai_context *context = testing_context(1);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint32_t stride = 1; stride <= 3; stride++) {
            xai_tensor *input = make_image(context, sizes[i][0], sizes[i][1], true);
            looker l = { .is_linear = true };
            xai_attribution *full = occlude(&l, input, "xplique", 3, stride, 0);

            for (float share = 0.001f; share <= 1; share += 0.111f) {
                xai_attribution *a = occlude(&l, input, "xplique", 3, stride, share);

                for (size_t j = 0; j < input->size; j++)
                    ck_assert_msg(fabsf(a->map->data[j] - full->map->data[j]) <= 1e-3f,
                                  "%lldx%lld, stride %u, share %g", (long long)sizes[i][0], (long long)sizes[i][1],
                                  stride, (double)share);
                xai_attribution_unref(a);
            }
            xai_attribution_unref(full);
            xai_tensor_unref(input);
        }
    xai_context_unref(context);
}
END_TEST

/* A spot is in no window of the first pass but one; all windows that cover it are found and run. */
START_TEST(looks_closer)
{
    xai_context *context = testing_context(1);
    xai_tensor *input = make_image(context, 64, 64, false);
    looker l = { .is_linear = true };
    xai_attribution *full, *a;

    memset(input->data, 0, input->size * sizeof(float));
    for (int64_t y = 40; y < 46; y++)
        for (int64_t x = 20; x < 26; x++)
            input->data[y * 64 + x] = (float)(1 + x % 3);
    full = occlude(&l, input, "default", 8, 2, 0);
    a = occlude(&l, input, "default", 8, 2, 0.25f);
    ck_assert_double_eq(xai_attribution_number(a, "windows"), ceil(0.25 * xai_attribution_number(full, "windows")));
    for (int64_t y = 40; y < 46; y++)
        for (int64_t x = 20; x < 26; x++)
            ck_assert_float_eq_tol(a->map->data[y * 64 + x], full->map->data[y * 64 + x], 1e-4f);
    ck_assert_double_gt(explained_correlation(a->map, full->map), 0.99);
    xai_attribution_unref(a);
    xai_attribution_unref(full);
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

/* Regions, whole pictures, threads and budgets: the same windows and the same bits, those of the full run. */
START_TEST(sessions)
{
    const xai_model_options small = { .struct_size = sizeof small, .seed = 3 };
    const xai_target targets[2] = { { .index = -1 }, { .index = 4, .score = XAI_SCORE_PROBABILITY } };
    const struct {
        uint32_t purpose, flags, n_threads;
        uint64_t budget;
        float share;
        bool computes_less;
    } ways[] = { { XAI_PURPOSE_WINDOWED, XAI_OCCLUSION_WHOLE, 1, 0, 0, false },
                 { XAI_PURPOSE_WINDOWED, XAI_OCCLUSION_WHOLE, 1, 0, 0.3f, false },
                 { XAI_PURPOSE_LATENCY, 0, 1, 0, 0.3f, true },
                 { XAI_PURPOSE_WINDOWED, 0, 2, 0, 0.3f, true },
                 { XAI_PURPOSE_THROUGHPUT, 0, 2, 1, 0.3f, false } };
    xai_tensor *full[2] = { NULL }, *first[2] = { NULL };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        xai_context *context = testing_context(ways[i].n_threads);
        const xai_session_options session_options = { .struct_size = sizeof session_options,
                                                      .memory_budget = ways[i].budget,
                                                      .purpose = ways[i].purpose };
        const xai_occlusion_options options = { .struct_size = sizeof options,
                                                .profile = "kazuto",
                                                .window_height = 5,
                                                .stride_height = 2,
                                                .flags = ways[i].flags,
                                                .share = ways[i].share };
        xai_model *model = NULL;
        xai_session *session = NULL;
        xai_attribution *a[2];
        xai_tensor *input;

        ck_assert_ok(xai_model_build(&model, context, "cifar_resnet20", NULL, &small));
        ck_assert_ok(xai_session_create(&session, model, &session_options));
        input = network_input(model, 1, 9);
        ck_assert_ok(xai_occlusion_compute(a, session, input, targets, 2, &options));
        ck_assert_msg((xai_attribution_number(a[0], "computed_share") < 1) == ways[i].computes_less, "way %zu: %g", i,
                      xai_attribution_number(a[0], "computed_share"));
        for (int t = 0; t < 2; t++) {
            if (i == 0) {
                full[t] = explained_raw_map(a[t]);
            } else {
                size_t n = 0, n_run = (size_t)xai_attribution_number(a[t], "windows");

                for (size_t j = 0; j < full[t]->size; j++)
                    n += a[t]->map->data[j] == full[t]->data[j];
                ck_assert_uint_eq(n_run, (size_t)ceil(0.3 * (double)full[t]->size));
                ck_assert_uint_ge(n, n_run);
                ck_assert_uint_lt(n, full[t]->size / 2);
            }
            if (i == 1)
                first[t] = explained_raw_map(a[t]);
            if (i > 1)
                ck_assert_mem_eq(a[t]->map->data, first[t]->data, first[t]->size * sizeof(float));
            xai_attribution_unref(a[t]);
        }
        xai_tensor_unref(input);
        xai_session_unref(session);
        xai_model_unref(model);
        xai_context_unref(context);
    }
    for (int t = 0; t < 2; t++) {
        xai_tensor_unref(first[t]);
        xai_tensor_unref(full[t]);
    }
}
END_TEST

/* A watcher who stops behind so many windows, and checks what it is told. */
typedef struct watcher {
    uint64_t most, last, total;
} watcher;

static int32_t watch(uint64_t done, uint64_t total, void *user)
{
    watcher *w = user;

    ck_assert_uint_gt(done, w->last);
    ck_assert_uint_le(done, total);
    ck_assert(w->total == 0 || w->total == total);
    w->last = done;
    w->total = total;
    return done >= w->most;
}

/* Within the first pass what was not reached is 0; behind it the rest is interpolated. */
START_TEST(stops)
{
    static const struct {
        uint64_t most;
        bool is_filled, is_stopped;
    } cases[] = { { 1, false, true }, { 40, false, true }, { 100, true, true }, { 1000, true, false } };
    explained e = explained_begin(network_dense);
    xai_run_options run = { .struct_size = sizeof run, .memory_budget = 1, .progress = watch };
    xai_occlusion_options options = { .struct_size = sizeof options,
                                      .run = &run,
                                      .flags = XAI_OCCLUSION_WHOLE,
                                      .window_height = 1,
                                      .stride_height = 1,
                                      .share = 0.75f };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        watcher w = { .most = cases[i].most };
        xai_attribution *a = NULL;
        size_t n_zeros = 0;

        run.user = &w;
        ck_assert_int_eq(xai_occlusion_compute(&a, e.session, e.input, NULL, 0, &options),
                         cases[i].is_stopped ? XAI_PARTIAL : XAI_OK);
        ck_assert_uint_eq(w.total, 105); /* of 10 x 14; 40 or more of them in the first pass */
        ck_assert_double_eq(xai_attribution_number(a, "windows"), (double)w.last);
        for (size_t j = 0; j < a->map->size; j++) {
            ck_assert(isfinite(a->map->data[j]));
            n_zeros += a->map->data[j] == 0;
        }
        if (cases[i].is_filled)
            ck_assert_uint_eq(n_zeros, 0);
        else
            ck_assert_uint_eq(n_zeros, a->map->size - w.last);
        xai_attribution_unref(a);
    }
    explained_end(&e);
}
END_TEST

START_TEST(refused)
{
    static const float shares[] = { -0.25f, 1.5f, NAN, INFINITY };
    explained e = explained_begin(network_dense);

    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        const xai_occlusion_options options = { .struct_size = sizeof options, .window_height = 3, .share = shares[i] };
        xai_attribution *a = (xai_attribution *)&e;

        ck_assert_fails(xai_occlusion_compute(&a, e.session, e.input, NULL, 0, &options), XAI_E_INVALID,
                        "expected 0 to 1");
        ck_assert_ptr_null(a);
    }
    explained_end(&e);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_occlusion_coarse");
    TCase *c = tcase_create("coarse to fine");

    tcase_set_timeout(c, 60);
    tcase_add_test(c, bits);
    tcase_add_test(c, grids);
    tcase_add_test(c, looks_closer);
    tcase_add_test(c, sessions);
    tcase_add_test(c, stops);
    tcase_add_test(c, refused);
    suite_add_tcase(suite, c);
    return suite;
}

TESTING_MAIN(make_suite)
