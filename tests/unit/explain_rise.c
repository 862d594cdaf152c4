/* SPDX-License-Identifier: MIT
 * RISE: eclique's masks and map, every profile against its formula, honest error bars, when it stops, what it refuses.
 */
#include "explained.h"

#include <math.h>

#include "core/rng.h"
#include "explain/attribution.h"
#include "explain/perturb/rise.h"
#include "io/weights.h"

/* --- eclique's masks and map --- */

static const struct original {
    const char *name;
    uint32_t height, width, grid;
    double keep;
    size_t n;
    uint64_t seed;
} originals[] = {
    { "square", 32, 32, 8, 0.5, 12, 0 },
    { "wide", 21, 34, 5, 0.1, 10, 7 },
    { "single", 16, 16, 4, 0.7, 6, 4294967295 },
};

enum { N_ORIGINALS = sizeof originals / sizeof *originals };

/* One class, the sigmoid of a weighted sum of all of an image's elements, as make_rise.py has it. */
static int32_t weigh(const float *batch, size_t n, float *scores, void *user)
{
    size_t size = *(const size_t *)user;

    for (size_t i = 0; i < n; i++) {
        double z = 0;

        for (size_t j = 0; j < size; j++)
            z += batch[i * size + j] * ((double)(j * 37 % 23) - 11);
        scores[i] = (float)(1 / (1 + exp(-z / 40)));
    }
    return 0;
}

static xai_tensor *read_vector(xai_context *context, const char *name, const char *part)
{
    xai__weights *vectors = NULL;
    const xai__weight *weight;
    xai_tensor *tensor = NULL;
    char full[64];

    snprintf(full, sizeof full, "%s.%s", name, part);
    ck_assert_ok(xai__weights_open(&vectors, context, testing_source("tests/golden/rise.safetensors")));
    weight = xai__weights_find(vectors, full);
    ck_assert_ptr_nonnull(weight);
    ck_assert_ok(xai__tensor_create(&tensor, context, weight->shape, weight->rank));
    memcpy(tensor->data, weight->data, tensor->size * sizeof(float));
    xai__weights_close(vectors);
    return tensor;
}

static void check_masks(xai_context *context, const struct original *o)
{
    xai_tensor *expected = read_vector(context, o->name, "masks");
    xai__rise_masks m = { .context = context, .grid = o->grid, .keep = o->keep, .seed = o->seed, .shared_shifts = 1 };
    size_t n_pixels = (size_t)o->height * o->width;
    float *mask = xai__alloc_array(context, n_pixels, sizeof *mask);

    ck_assert_ok(xai__rise_masks_init(&m, o->height, o->width, XAI__RISE_MIRROR));
    ck_assert_ok(xai__rise_masks_draw(&m, o->n));
    for (size_t i = o->n; i-- > 0;) { /* any order */
        xai__rise_mask(mask, &m, i);
        ck_assert_mem_eq(mask, expected->data + i * n_pixels, n_pixels * sizeof *mask);
    }
    xai__rise_masks_fini(&m);
    xai__free(context, mask);
    xai_tensor_unref(expected);
}

static void check_original(xai_context *context, const struct original *o)
{
    xai_tensor *expected = read_vector(context, o->name, "map"), *input = NULL, *map;
    const int64_t shape[4] = { 1, 3, o->height, o->width };
    size_t size = (size_t)3 * o->height * o->width;
    xai_black_box box = {
        .struct_size = sizeof box, .predict = weigh, .user = &size, .n_classes = 1, .kind = XAI_PREDICT_PROBABILITIES
    };
    xai_run_options run = { .struct_size = sizeof run, .seed = o->seed };
    xai_rise_options options = { .struct_size = sizeof options,
                                 .profile = "rise",
                                 .black_box = &box,
                                 .run = &run,
                                 .n_masks = o->n,
                                 .grid = o->grid,
                                 .keep = (float)o->keep };
    xai_attribution *a = NULL;

    ck_assert_ok(xai_tensor_create(&input, context, shape, 4));
    for (size_t i = 0; i < size; i++)
        input->data[i] = (float)((double)(i * 53 % 29) / 14 - 1);
    ck_assert_ok(xai_rise_compute(&a, NULL, input, NULL, 0, &options));
    map = explained_raw_map(a);
    for (size_t i = 0; i < map->size; i++)
        ck_assert_float_eq_tol(map->data[i], expected->data[i], 1e-5f);
    xai_tensor_unref(map);
    xai_tensor_unref(expected);
    xai_tensor_unref(input);
    xai_attribution_unref(a);
}

START_TEST(eclique)
{
    xai_context *context = testing_context(2);

    for (size_t i = 0; i < N_ORIGINALS; i++) {
        check_masks(context, &originals[i]);
        check_original(context, &originals[i]);
    }
    xai_context_unref(context);
}
END_TEST

/* One grid, enlarged as the others do; the grid and the shift are make_rise.py's. */
START_TEST(zooms)
{
    enum { H = 20, W = 33, CELLS = 7 };
    static const struct {
        const char *name;
        uint32_t zoom;
    } cases[] = { { "torchray", XAI__RISE_PADDED }, { "xplique", XAI__RISE_EDGE }, { "openvino", XAI__RISE_CUBIC } };
    xai_context *context = testing_context(1);
    uint8_t cells[CELLS * CELLS];
    uint32_t shifts[2] = { 1, 2 };
    float mask[H * W];

    for (int i = 0; i < CELLS * CELLS; i++)
        cells[i] = 7 * i * i % 3 > 0;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        xai__rise_masks m = { .context = context, .grid = CELLS, .keep = 0.5, .shared_shifts = 1 };
        xai_tensor *expected = read_vector(context, cases[k].name, "mask");

        ck_assert_ok(xai__rise_masks_init(&m, H, W, cases[k].zoom));
        ck_assert_uint_ge(m.rows.n_shifts, 2);
        m.cells = cells;
        m.shifts = shifts;
        xai__rise_mask(mask, &m, 0);
        for (size_t i = 0; i < expected->size; i++)
            ck_assert_float_eq_tol(mask[i], expected->data[i], 2e-6f);
        m.cells = NULL;
        m.shifts = NULL;
        xai__rise_masks_fini(&m);
        xai_tensor_unref(expected);
    }
    xai_context_unref(context);
}
END_TEST

/* --- a linear model --- */

enum { SIDE = 12, N_PIXELS = SIDE * SIDE, GRID = 4 };

/* Class 0 is a weighted sum of pixels, and a constant that a debiased map does not see. */
static double weight_of(size_t pixel)
{
    return ((double)(pixel * 29 % 13) - 4) / 30;
}

static int32_t add_linearly(const float *batch, size_t n, float *scores, void *user)
{
    (void)user;
    for (size_t i = 0; i < n; i++) {
        double sum = 2;

        for (size_t j = 0; j < N_PIXELS; j++)
            sum += weight_of(j) * batch[i * N_PIXELS + j];
        scores[i] = (float)sum;
    }
    return 0;
}

/* The same and noise, of which no control explains anything. user: counts the images. */
static int32_t add_noisily(const float *batch, size_t n, float *scores, void *user)
{
    uint64_t *count = user;

    add_linearly(batch, n, scores, NULL);
    for (size_t i = 0; i < n; i++)
        scores[i] += (float)(xai__rng_uniform_at(1, (*count)++) * 4 - 2);
    return 0;
}

static uint64_t noise_count;

static const xai_black_box noisy = { .struct_size = sizeof noisy,
                                     .predict = add_noisily,
                                     .user = &noise_count,
                                     .n_classes = 1,
                                     .kind = XAI_PREDICT_PROBABILITIES };

static const xai_black_box linear = {
    .struct_size = sizeof linear, .predict = add_linearly, .n_classes = 1, .kind = XAI_PREDICT_PROBABILITIES
};

static xai_tensor *make_input(xai_context *context)
{
    const int64_t shape[4] = { 1, 1, SIDE, SIDE };
    xai_tensor *input = NULL;

    ck_assert_ok(xai_tensor_create(&input, context, shape, 4));
    for (size_t i = 0; i < N_PIXELS; i++)
        input->data[i] = (float)(i * 17 % 7) / 3;
    return input;
}

/* Mean over the shifts of the products of two pixels' weights of a cell, summed over the cells: along one side. */
static double overlap(const xai__rise_side *side, size_t a, size_t b)
{
    double sum = 0;

    for (uint32_t shift = 0; shift < side->n_shifts; shift++)
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++) {
                const xai__rise_tap *p = &side->taps[a + shift], *q = &side->taps[b + shift];

                sum += p->cells[i] == q->cells[j] ? p->weights[i] * q->weights[j] : 0;
            }
    return sum / side->n_shifts;
}

/* What infinitely many masks would give: the covariance of the sum with each pixel's mask, over keep. */
static void expect_linear(double *out, xai_context *context, const xai_tensor *input, double keep, bool is_debiased)
{
    xai__rise_masks m = { .context = context, .grid = GRID, .keep = keep, .shared_shifts = 1 };
    double mean = 2;

    ck_assert_ok(xai__rise_masks_init(&m, SIDE, SIDE, XAI__RISE_MIRROR));
    for (size_t j = 0; j < N_PIXELS; j++)
        mean += keep * weight_of(j) * input->data[j];
    for (size_t p = 0; p < N_PIXELS; p++) {
        double covariance = 0;

        for (size_t j = 0; j < N_PIXELS; j++)
            covariance += weight_of(j) * input->data[j] * overlap(&m.rows, p / SIDE, j / SIDE) *
                          overlap(&m.columns, p % SIDE, j % SIDE);
        out[p] = (1 - keep) * covariance + (is_debiased ? 0 : mean);
    }
    xai__rise_masks_fini(&m);
}

/* The intervals of 200 runs contain the truth about 95 times in 100, and the runs' mean is it. */
static void check_coverage(xai_context *context, const xai_black_box *box, const char *profile, float keep,
                           uint32_t flags)
{
    enum { N_RUNS = 200, N_MASKS = 400 };
    xai_tensor *input = make_input(context);
    double truth[N_PIXELS], means[N_PIXELS] = { 0 }, spread = 0, worst = 0;
    size_t n_covered = 0;

    expect_linear(truth, context, input, (double)keep, strcmp(profile, "default") == 0);
    for (uint64_t seed = 0; seed < N_RUNS; seed++) {
        xai_run_options run = { .struct_size = sizeof run, .seed = seed };
        xai_rise_options options = { .struct_size = sizeof options,
                                     .profile = profile,
                                     .black_box = box,
                                     .run = &run,
                                     .n_masks = N_MASKS,
                                     .grid = GRID,
                                     .keep = keep,
                                     .flags = flags };
        xai_attribution *a = NULL;

        ck_assert_ok(xai_rise_compute(&a, NULL, input, NULL, 0, &options));
        for (size_t i = 0; i < N_PIXELS; i++) {
            n_covered += fabs(a->map->data[i] - truth[i]) <= 1.96 * (double)a->errors->data[i];
            means[i] += (double)a->map->data[i] / N_RUNS;
        }
        spread += xai_attribution_number(a, "standard_error") / N_RUNS;
        xai_attribution_unref(a);
    }
    for (size_t i = 0; i < N_PIXELS; i++)
        worst = fmax(worst, fabs(means[i] - truth[i]));
    printf("# %s, %s%s, keep %g: 95 %% intervals cover %.2f %%; mean error %.2g, off by at most %.2g\n",
           box == &noisy ? "noisy" : "linear", profile, flags != 0 ? " not in pairs" : "", (double)keep,
           100.0 * (double)n_covered / (N_RUNS * N_PIXELS), spread, worst);
    ck_assert_double_ge((double)n_covered, 0.93 * N_RUNS * N_PIXELS);
    ck_assert_double_le((double)n_covered, 0.97 * N_RUNS * N_PIXELS);
    ck_assert_double_le(worst, 5 * spread / sqrt(N_RUNS));
    xai_tensor_unref(input);
}

START_TEST(coverage)
{
    xai_context *context = testing_context(1);

    for (size_t i = 0; i < 2; i++) {
        const xai_black_box *box = i == 0 ? &linear : &noisy;

        check_coverage(context, box, "default", 0.5f, 0);
        check_coverage(context, box, "default", 0.5f, XAI_RISE_UNPAIRED);
        check_coverage(context, box, "default", 0.25f, 0);
        check_coverage(context, box, "rise", 0.5f, 0);
    }
    xai_context_unref(context);
}
END_TEST

/* Beyond what is held at a time: as many threads, or a mask more, change what they should. */
START_TEST(long_streams)
{
    enum { N_MASKS = 9002 };
    double truth[N_PIXELS], worst = 0;
    xai_attribution *a[2] = { NULL };

    for (uint32_t i = 0; i < 2; i++) {
        xai_context *context = testing_context(i + 1);
        xai_tensor *input = make_input(context);
        xai_rise_options options = {
            .struct_size = sizeof options, .black_box = &noisy, .n_masks = N_MASKS, .grid = GRID
        };

        noise_count = 0;
        expect_linear(truth, context, input, 0.5, true);
        ck_assert_ok(xai_rise_compute(&a[i], NULL, input, NULL, 0, &options));
        xai_tensor_unref(input);
        xai_context_unref(context);
    }
    ck_assert_mem_eq(a[0]->map->data, a[1]->map->data, sizeof(float) * N_PIXELS);
    ck_assert_mem_eq(a[0]->errors->data, a[1]->errors->data, sizeof(float) * N_PIXELS);
    for (size_t i = 0; i < N_PIXELS; i++)
        worst = fmax(worst, fabs(a[0]->map->data[i] - truth[i]) / (double)a[0]->errors->data[i]);
    ck_assert_double_le(worst, 4.5);
    /* a score's noise varies by 4 / 3, half a pair's difference by half of it, a mask by no more than 1 / 4 */
    ck_assert_double_le(xai_attribution_number(a[0], "standard_error"), 1.1 * sqrt(4.0 / 3 / N_MASKS));
    xai_attribution_unref(a[0]);
    xai_attribution_unref(a[1]);
}
END_TEST

/* --- every profile by its formula --- */

static const struct formula {
    const char *profile;
    uint32_t zoom, shared_shifts, grid;
    bool has_numpy, sigmoid, is_ratio, divides, counts;
} formulas[] = {
    { "rise", XAI__RISE_MIRROR, 1, 8, true, false, false, true, true },
    { "torchray", XAI__RISE_PADDED, 1, 7, false, true, false, false, true },
    { "xplique", XAI__RISE_EDGE, 32, 7, false, false, true, false, false },
    { "openvino", XAI__RISE_CUBIC, 1, 8, false, false, false, false, false },
    { "dianna", XAI__RISE_MIRROR, 1, 8, false, false, false, true, true },
};

static double score_linearly(const xai_tensor *input, const float *mask)
{
    float image[N_PIXELS], score;

    for (size_t i = 0; i < N_PIXELS; i++)
        image[i] = input->data[i] * mask[i];
    add_linearly(image, 1, &score, NULL);
    return score;
}

static void check_formula(xai_context *context, const struct formula *f)
{
    enum { N_MASKS = 40 };
    const double keep = 0.25;
    xai_tensor *input = make_input(context), *map = NULL;
    xai_run_options run = { .struct_size = sizeof run, .seed = 5, .memory_budget = 1 };
    xai_rise_options options = { .struct_size = sizeof options,
                                 .profile = f->profile,
                                 .black_box = &linear,
                                 .run = &run,
                                 .n_masks = N_MASKS,
                                 .keep = (float)keep };
    xai__rise_masks m = {
        .context = context, .grid = f->grid, .keep = keep, .seed = 5, .shared_shifts = f->shared_shifts
    };
    double sums[N_PIXELS] = { 0 }, masks[N_PIXELS] = { 0 };
    xai_attribution *a = NULL;

    ck_assert_ok(xai__rise_masks_init(&m, SIDE, SIDE, f->zoom));
    if (f->has_numpy)
        ck_assert_ok(xai__rise_masks_draw(&m, N_MASKS));
    for (uint64_t i = 0; i < N_MASKS; i++) {
        float mask[N_PIXELS];
        double score;

        xai__rise_mask(mask, &m, i);
        score = score_linearly(input, mask);
        if (f->sigmoid)
            score = 1 / (1 + exp(-score));
        for (size_t p = 0; p < N_PIXELS; p++) {
            ck_assert_float_ge(mask[p], -1e-6f);
            ck_assert_float_le(mask[p], 1 + 1e-6f);
            sums[p] += score * mask[p];
            masks[p] += mask[p];
        }
    }
    ck_assert_ok(xai_rise_compute(&a, NULL, input, NULL, 0, &options));
    ck_assert_ok(xai_attribution_map(&map, a, 0, 0, XAI_NORMALISE_NONE));
    for (size_t p = 0; p < N_PIXELS; p++) {
        double expected = sums[p] / (f->is_ratio ? masks[p] + 1e-4 : 1) / (f->counts ? N_MASKS : 1) /
                          (f->divides ? keep : 1);

        ck_assert_double_eq_tol(map->data[p], expected, 1e-5 * fmax(1, fabs(expected)));
    }
    xai__rise_masks_fini(&m);
    xai_tensor_unref(map);
    xai_tensor_unref(input);
    xai_attribution_unref(a);
}

START_TEST(profiles)
{
    xai_context *context = testing_context(2);

    for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++)
        check_formula(context, &formulas[i]);
    xai_context_unref(context);
}
END_TEST

/* Both masks of a pair together show everything; a mask's mean is what it keeps. */
START_TEST(masks)
{
    xai_context *context = testing_context(1);
    xai__rise_masks m = {
        .context = context, .grid = 8, .keep = 0.5, .seed = 3, .is_paired = true, .shared_shifts = 1
    };
    enum { H = 20, W = 33, N = 400 };
    static float mask[H * W], other[H * W];
    double mean = 0;

    ck_assert_ok(xai__rise_masks_init(&m, H, W, XAI__RISE_MIRROR));
    for (uint64_t i = 0; i < N; i += 2) {
        xai__rise_mask(mask, &m, i);
        xai__rise_mask(other, &m, i + 1);
        for (size_t p = 0; p < H * W; p++) {
            ck_assert_float_eq_tol(mask[p] + other[p], 1, 1e-6f);
            mean += mask[p] / (H * W * N / 2.0);
        }
    }
    ck_assert_double_eq_tol(mean, 0.5, 0.02);
    xai__rise_masks_fini(&m);
    xai_context_unref(context);
}
END_TEST

/* dianna's keep is the one of nine under which scores vary most: of a sum, those near a half. */
START_TEST(keep)
{
    xai_context *context = testing_context(1);
    xai_tensor *input = make_input(context);
    xai_rise_options options = {
        .struct_size = sizeof options, .profile = "dianna", .black_box = &linear, .n_masks = 10
    };
    xai_attribution *a = NULL;

    ck_assert_ok(xai_rise_compute(&a, NULL, input, NULL, 0, &options));
    ck_assert_double_ge(xai_attribution_number(a, "keep"), 0.3);
    ck_assert_double_le(xai_attribution_number(a, "keep"), 0.7);
    xai_attribution_unref(a);
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

/* --- runs --- */

START_TEST(same_bits)
{
    const xai_target targets[2] = { { .index = -1, .score = XAI_SCORE_PROBABILITY }, { .index = 4 } };
    const struct {
        uint32_t n_threads;
        uint64_t session, run;
    } ways[] = { { 1, 64 << 20, 64 << 20 }, { 2, (uint64_t)2 << 30, (uint64_t)2 << 30 }, { 3, 1, 1 } };
    xai_tensor *first[2] = { NULL };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        explained e = explained_in(testing_context(ways[i].n_threads), network_residual, ways[i].session);
        xai_run_options run = { .struct_size = sizeof run, .seed = 11, .memory_budget = ways[i].run };
        xai_rise_options options = {
            .struct_size = sizeof options, .run = &run, .n_masks = 51, .flags = XAI_RISE_PAIRED
        };
        xai_attribution *a[2] = { NULL };

        ck_assert_ok(xai_rise_compute(a, e.session, e.input, targets, 2, &options));
        ck_assert_double_eq(xai_attribution_number(a[0], "masks"), 52); /* whole pairs */
        for (int t = 0; t < 2; t++) {
            xai_tensor *map = explained_raw_map(a[t]);

            if (i == 0)
                first[t] = xai_tensor_ref(map);
            ck_assert_mem_eq(map->data, first[t]->data, map->size * sizeof(float));
            xai_tensor_unref(map);
            xai_attribution_unref(a[t]);
        }
        explained_end(&e);
    }
    xai_tensor_unref(first[0]);
    xai_tensor_unref(first[1]);
}
END_TEST

static int32_t stop_at(uint64_t done, uint64_t total, void *user)
{
    (void)total;
    return done >= *(const uint64_t *)user;
}

/* Where it stops does not depend on the batches; the maps of the masks so far are those of as many asked for. */
START_TEST(stops)
{
    xai_context *context = testing_context(1);
    xai_tensor *input = make_input(context);
    uint64_t stop = 30;
    xai_run_options run = { .struct_size = sizeof run, .memory_budget = 1 };
    xai_rise_options options = {
        .struct_size = sizeof options, .black_box = &linear, .run = &run, .grid = GRID, .max_error = 0.2f
    };
    xai_attribution *a = NULL, *b = NULL;
    double n_masks;

    ck_assert_ok(xai_rise_compute(&a, NULL, input, NULL, 0, &options));
    n_masks = xai_attribution_number(a, "masks");
    ck_assert_double_eq(xai_attribution_number(a, "settled"), 1);
    ck_assert_double_lt(n_masks, 4000);
    run.memory_budget = 1 << 20;
    ck_assert_ok(xai_rise_compute(&b, NULL, input, NULL, 0, &options));
    ck_assert_double_eq(xai_attribution_number(b, "masks"), n_masks);
    ck_assert_mem_eq(a->map->data, b->map->data, sizeof(float) * N_PIXELS);
    xai_attribution_unref(a);
    xai_attribution_unref(b);

    options.max_error = 0;
    options.top_region = 0.2f;
    options.n_masks = 1 << 20;
    ck_assert_ok(xai_rise_compute(&a, NULL, input, NULL, 0, &options));
    ck_assert_double_eq(xai_attribution_number(a, "settled"), 1);
    ck_assert_double_ge(xai_attribution_number(a, "masks"), 256);
    xai_attribution_unref(a);
    options.n_masks = 130; /* too few to know */
    ck_assert_ok(xai_rise_compute(&a, NULL, input, NULL, 0, &options));
    ck_assert_double_eq(xai_attribution_number(a, "settled"), 0);
    xai_attribution_unref(a);

    options = (xai_rise_options){ .struct_size = sizeof options, .black_box = &linear, .run = &run, .grid = GRID };
    run = (xai_run_options){ .struct_size = sizeof run, .memory_budget = 1, .progress = stop_at, .user = &stop };
    ck_assert_int_eq(xai_rise_compute(&a, NULL, input, NULL, 0, &options), XAI_PARTIAL);
    run.progress = NULL;
    options.n_masks = 30;
    ck_assert_ok(xai_rise_compute(&b, NULL, input, NULL, 0, &options));
    ck_assert_mem_eq(a->map->data, b->map->data, sizeof(float) * N_PIXELS);
    ck_assert_mem_eq(a->errors->data, b->errors->data, sizeof(float) * N_PIXELS);
    xai_attribution_unref(a);
    xai_attribution_unref(b);
    stop = 1; /* half a pair: nothing is known yet */
    run.progress = stop_at;
    options.flags = XAI_RISE_PAIRED;
    ck_assert_int_eq(xai_rise_compute(&a, NULL, input, NULL, 0, &options), XAI_PARTIAL);
    for (size_t i = 0; i < N_PIXELS; i++)
        ck_assert_float_eq(a->map->data[i], 0);
    xai_attribution_unref(a);
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

START_TEST(error_maps)
{
    xai_context *context = testing_context(1);
    xai_tensor *input = make_input(context), *errors = NULL;
    xai_rise_options options = { .struct_size = sizeof options, .black_box = &linear, .grid = GRID, .n_masks = 64 };
    xai_occlusion_options windows = { .struct_size = sizeof windows, .black_box = &linear, .window_height = 3 };
    xai_attribution *a = NULL;

    ck_assert_ok(xai_rise_compute(&a, NULL, input, NULL, 0, &options));
    ck_assert_ok(xai_attribution_error_map(&errors, a, 0, 0));
    ck_assert_mem_eq(errors->data, a->errors->data, sizeof(float) * N_PIXELS);
    xai_tensor_unref(errors);
    ck_assert_ok(xai_attribution_error_map(&errors, a, 24, 30));
    ck_assert_int_eq(errors->shape[1], 30);
    xai_tensor_unref(errors);
    ck_assert_fails(xai_attribution_error_map(&errors, a, 24, 0), XAI_E_INVALID, "24 x 0");
    xai_attribution_unref(a);
    ck_assert_ok(xai_occlusion_compute(&a, NULL, input, NULL, 0, &windows));
    ck_assert_fails(xai_attribution_error_map(&errors, a, 0, 0), XAI_E_UNSUPPORTED, "occlusion leaves no");
    ck_assert_ptr_null(errors);
    xai_attribution_unref(a);
    xai_tensor_unref(input);
    xai_context_unref(context);
}
END_TEST

static xai_status attempt(xai_rise_options options, uint64_t seed)
{
    xai_run_options run = { .struct_size = sizeof run, .seed = seed };
    explained e = explained_begin(network_dense);
    xai_attribution *a = (xai_attribution *)&e;
    xai_status status;

    options.struct_size = sizeof options;
    options.run = &run;
    options.n_masks = options.n_masks != 0 ? options.n_masks : 4;
    status = xai_rise_compute(&a, e.session, e.input, NULL, 0, &options);
    ck_assert_ptr_null(a);
    explained_end(&e);
    return status;
}

START_TEST(refused)
{
    ck_assert_fails(attempt((xai_rise_options){ .profile = "captum" }, 0), XAI_E_NOT_FOUND, "default, rise, torchray");
    ck_assert_fails(attempt((xai_rise_options){ .keep = 1 }, 0), XAI_E_INVALID, "keep is 1");
    ck_assert_fails(attempt((xai_rise_options){ .keep = NAN }, 0), XAI_E_INVALID, "keep is nan");
    ck_assert_fails(attempt((xai_rise_options){ .grid = 65 }, 0), XAI_E_INVALID, "finer than 64");
    ck_assert_fails(attempt((xai_rise_options){ .grid = 11 }, 0), XAI_E_INVALID, "11 cells does not fit");
    ck_assert_fails(attempt((xai_rise_options){ .n_masks = (uint64_t)1 << 33 }, 0), XAI_E_INVALID, "masks are more");
    ck_assert_fails(attempt((xai_rise_options){ .top_region = 1 }, 0), XAI_E_INVALID, "top_region is 1");
    ck_assert_fails(attempt((xai_rise_options){ .max_error = -1 }, 0), XAI_E_INVALID, "max_error is -1");
    ck_assert_fails(attempt((xai_rise_options){ .flags = 8 }, 0), XAI_E_INVALID, "flags are 8");
    ck_assert_fails(attempt((xai_rise_options){ .flags = 3 }, 0), XAI_E_INVALID, "both in pairs");
    ck_assert_fails(attempt((xai_rise_options){ .flags = XAI_RISE_PAIRED, .keep = 0.25f }, 0), XAI_E_INVALID,
                    "default and 0.25");
    ck_assert_fails(attempt((xai_rise_options){ .flags = XAI_RISE_PAIRED, .profile = "rise" }, 0), XAI_E_INVALID,
                    "got rise");
    ck_assert_fails(attempt((xai_rise_options){ .profile = "rise" }, (uint64_t)1 << 32), XAI_E_INVALID, "numpy's");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_rise");
    TCase *c = tcase_create("rise");

    tcase_set_timeout(c, 120);
    tcase_add_test(c, eclique);
    tcase_add_test(c, zooms);
    tcase_add_test(c, coverage);
    tcase_add_test(c, long_streams);
    tcase_add_test(c, profiles);
    tcase_add_test(c, masks);
    tcase_add_test(c, keep);
    tcase_add_test(c, same_bits);
    tcase_add_test(c, stops);
    tcase_add_test(c, error_maps);
    tcase_add_test(c, refused);
    suite_add_tcase(suite, c);
    return suite;
}

TESTING_MAIN(make_suite)
