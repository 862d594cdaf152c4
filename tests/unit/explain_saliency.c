/* SPDX-License-Identifier: MIT
 * Gradient saliency on small networks: formulas, completeness, the same bits however it is run, and what is refused. */
#include "explained.h"

#include <math.h>

#include <xai/cam.h>
#include <xai/saliency.h>

static explained begin_with(xai_model *(*make)(xai_context *context), uint32_t n_threads, uint64_t budget)
{
    return explained_in(testing_context(n_threads), make, budget);
}

static xai_tensor *map_of(xai_attribution *a)
{
    xai_tensor *map = NULL;

    ck_assert_ok(xai_attribution_map(&map, a, 0, 0, XAI_NORMALISE_PROFILE));
    xai_attribution_unref(a);
    return map;
}

static xai_tensor *explain(explained *f, const xai_target *target, const xai_saliency_options *options)
{
    xai_attribution *a = NULL;

    ck_assert_ok(xai_saliency_compute(&a, f->session, f->input, target, target != NULL, options));
    return map_of(a);
}

/* The gradient itself: SmoothGrad with one sample and no noise. */
static xai_tensor *gradient(explained *f, const xai_target *target)
{
    xai_tensor *none = NULL, *map;
    xai_saliency_options options = { .struct_size = sizeof options,
                                     .method = "smoothgrad",
                                     .flags = XAI_SALIENCY_KEEP_CHANNELS };

    ck_assert_ok(xai_tensor_create(&none, f->context, f->input->shape, 4));
    options.noise = none;
    map = explain(f, target, &options);
    xai_tensor_unref(none);
    return map;
}

static xai_saliency_options method(const char *name)
{
    return (xai_saliency_options){ .struct_size = sizeof(xai_saliency_options), .method = name };
}

/* --- formulas --- */

static double score(explained *f, const xai_target *target)
{
    xai_tensor *logits = NULL;
    double value;

    ck_assert_ok(xai_session_forward(&logits, f->session, f->input));
    value = logits->data[target->index] - (target->score == XAI_SCORE_MARGIN ? logits->data[target->against] : 0);
    xai_tensor_unref(logits);
    return value;
}

/* Where the network has no kinks within the step, the gradient is the difference quotient. */
START_TEST(is_the_derivative)
{
    static const xai_target targets[2] = { { .index = 2 }, { .index = 1, .against = 3, .score = XAI_SCORE_MARGIN } };
    explained f = explained_begin(network_dense);
    xai_tensor *map = gradient(&f, &targets[_i]);
    const float step = 1.0f / 64;
    int agree = 0;

    for (size_t i = 0; i < f.input->size; i += 7) {
        float kept = f.input->data[i];
        double up, down;

        f.input->data[i] = kept + step;
        up = score(&f, &targets[_i]);
        f.input->data[i] = kept - step;
        down = score(&f, &targets[_i]);
        f.input->data[i] = kept;
        agree += fabs((up - down) / (2.0 * step) - map->data[i]) < 1e-3;
    }
    ck_assert_int_ge(agree, 55); /* of 60 */
    xai_tensor_unref(map);
    explained_end(&f);
}
END_TEST

START_TEST(channels)
{
    explained f = explained_begin(network_residual);
    const xai_target target = { .index = 3 };
    xai_saliency_options saliency = method("saliency"), product = method("inputxgrad");
    xai_tensor *g = gradient(&f, &target), *largest = explain(&f, &target, &saliency),
               *sum = explain(&f, &target, &product), *kept;
    size_t n = largest->size;

    product.flags = saliency.flags = XAI_SALIENCY_KEEP_CHANNELS;
    kept = explain(&f, &target, &product);
    ck_assert_uint_eq(largest->rank, 2);
    ck_assert_uint_eq(kept->rank, 3);
    ck_assert_uint_eq(kept->size, 3 * n);
    for (size_t i = 0; i < n; i++) {
        double x[3], expected = 0, total = 0;

        for (size_t c = 0; c < 3; c++) {
            x[c] = (double)g->data[c * n + i] * f.input->data[c * n + i];
            ck_assert_float_eq(kept->data[c * n + i], (float)x[c]);
            expected = fmax(expected, fabs((double)g->data[c * n + i]));
            total += x[c];
        }
        ck_assert_float_eq(largest->data[i], (float)expected);
        ck_assert_float_eq(sum->data[i], (float)total);
    }
    xai_tensor_unref(kept);
    kept = explain(&f, &target, &saliency);
    for (size_t i = 0; i < kept->size; i++)
        ck_assert_float_eq(kept->data[i], fabsf(g->data[i]));
    xai_tensor_unref(kept);
    xai_tensor_unref(sum);
    xai_tensor_unref(largest);
    xai_tensor_unref(g);
    explained_end(&f);
}
END_TEST

/* The attributions add up to what the score changes by between the two ends. */
START_TEST(completeness)
{
    static const char *const quadratures[] = { "gausslegendre", "riemann-left", "riemann-right", "riemann-middle",
                                               "riemann-trapezoid" };
    explained f = explained_begin(network_residual);
    const xai_target target = { .index = 3 };
    xai_saliency_options options = method("ig");
    xai_attribution *a = NULL;
    xai_tensor *map = NULL;
    double sum = 0, difference, error;

    options.n_steps = 400;
    options.quadrature = quadratures[_i];
    options.baseline_value = 3;
    ck_assert_ok(xai_saliency_compute(&a, f.session, f.input, &target, 1, &options));
    error = xai_attribution_number(a, "completeness_error");
    difference = xai_attribution_score(a) - xai_attribution_number(a, "score_at_baseline");
    ck_assert_double_eq_tol(xai_attribution_score(a), score(&f, &target), 1e-6);
    ck_assert_double_eq(xai_attribution_number(a, "steps"), 400);
    ck_assert(isnan(xai_attribution_number(a, "samples")));
    map = map_of(a);
    for (size_t i = 0; i < map->size; i++)
        sum += map->data[i];
    ck_assert_double_eq_tol(sum - difference, error, 1e-5);
    ck_assert_double_le(fabs(error), 0.01 * fabs(difference));
    ck_assert_double_ge(fabs(difference), 0.01);
    xai_tensor_unref(map);
    explained_end(&f);
}
END_TEST

/* A baseline that is given as a tensor is the one that is given as a number. */
START_TEST(baselines)
{
    explained f = explained_begin(network_residual);
    xai_saliency_options options = method("ig");
    xai_tensor *baseline = NULL, *by_number, *by_tensor;

    ck_assert_ok(xai_tensor_create(&baseline, f.context, f.input->shape, 4));
    for (size_t i = 0; i < baseline->size; i++)
        baseline->data[i] = 0.5f;
    options.n_steps = 5;
    options.baseline_value = 0.5f;
    by_number = explain(&f, NULL, &options);
    options.baseline_value = 0;
    options.baseline = baseline;
    by_tensor = explain(&f, NULL, &options);
    ck_assert_mem_eq(by_number->data, by_tensor->data, by_number->size * sizeof(float));
    xai_tensor_unref(by_number);
    xai_tensor_unref(by_tensor);
    xai_tensor_unref(baseline);
    explained_end(&f);
}
END_TEST

enum { N_SAMPLES = 3 };

/* Mean, mean square and variance of gradients that are taken one by one; captum's are those of magnitudes. */
START_TEST(under_noise)
{
    static const char *const names[] = { "smoothgrad", "smoothgrad-sq", "vargrad" };
    bool is_captum = _i % 2 == 1;
    explained f = explained_begin(network_residual);
    const xai_target target = { .index = 6 };
    xai_saliency_options options = method(names[_i / 2]);
    xai_tensor *noise = network_input(f.model, N_SAMPLES, 9), *samples[N_SAMPLES], *map;
    size_t n = f.input->size;

    options.noise = noise;
    options.flags = XAI_SALIENCY_KEEP_CHANNELS;
    options.profile = is_captum ? "captum" : NULL;
    map = explain(&f, &target, &options);
    for (size_t s = 0; s < N_SAMPLES; s++) {
        for (size_t i = 0; i < n; i++)
            f.input->data[i] += noise->data[s * n + i];
        samples[s] = gradient(&f, &target);
        xai_tensor_unref(f.input);
        f.input = network_input(f.model, 1, 4);
    }
    for (size_t i = 0; i < n; i++) {
        double mean = 0, square = 0;

        for (size_t s = 0; s < N_SAMPLES; s++) {
            double g = samples[s]->data[i];

            mean += (is_captum ? fabs(g) : g) / N_SAMPLES;
            square += g * g / N_SAMPLES;
        }
        ck_assert_double_eq_tol(map->data[i], _i / 2 == 0 ? mean : _i / 2 == 1 ? square : square - mean * mean, 1e-7);
    }
    for (size_t s = 0; s < N_SAMPLES; s++)
        xai_tensor_unref(samples[s]);
    xai_tensor_unref(map);
    xai_tensor_unref(noise);
    explained_end(&f);
}
END_TEST

/* Random noise: what is asked for, and another seed another map. */
START_TEST(seeded)
{
    explained f = explained_begin(network_residual);
    xai_run_options run = { .struct_size = sizeof run, .seed = 5 };
    xai_saliency_options options = method("smoothgrad");
    xai_attribution *a = NULL;
    xai_tensor *first, *again, *other;
    char text[2048];

    options.run = &run;
    ck_assert_ok(xai_saliency_compute(&a, f.session, f.input, NULL, 0, &options));
    ck_assert_double_eq(xai_attribution_number(a, "samples"), 20);
    ck_assert_double_eq_tol(xai_attribution_number(a, "sigma"), 0.2, 0.01);
    ck_assert_uint_lt(xai_attribution_json(a, text, sizeof text), sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "\"seed\":5"));
    ck_assert_ptr_nonnull(strstr(text, "\"layers\":[]"));
    first = map_of(a);
    again = explain(&f, NULL, &options);
    run.seed = UINT64_MAX;
    ck_assert_ok(xai_saliency_compute(&a, f.session, f.input, NULL, 0, &options));
    xai_attribution_json(a, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "\"seed\":18446744073709551615"));
    xai_attribution_unref(a);
    run.seed = 6;
    other = explain(&f, NULL, &options);
    ck_assert_mem_eq(first->data, again->data, first->size * sizeof(float));
    ck_assert_mem_ne(first->data, other->data, first->size * sizeof(float));
    options.profile = "captum";
    ck_assert_ok(xai_saliency_compute(&a, f.session, f.input, NULL, 0, &options));
    ck_assert_double_eq(xai_attribution_number(a, "samples"), 5);
    ck_assert_double_eq(xai_attribution_number(a, "sigma"), 1);
    xai_attribution_unref(a);
    xai_tensor_unref(first);
    xai_tensor_unref(again);
    xai_tensor_unref(other);
    explained_end(&f);
}
END_TEST

/* --- Guided Grad-CAM --- */

static int32_t double_it(xai_hook *hook, xai_tensor *value, void *user)
{
    for (size_t i = 0; i < value->size; i++)
        value->data[i] *= 2;
    return 0;
}

/* Grad-CAM of the same layer, at the input's size. */
static xai_tensor *region_of(explained *f, const char *layer)
{
    const xai_cam_options options = {
        .struct_size = sizeof options, .method = "gradcam", .profile = "captum", .layers = &layer, .n_layers = 1
    };
    xai_attribution *a = NULL;
    xai_tensor *region = NULL;
    xai_cam *cam = NULL;

    ck_assert_ok(xai_cam_create(&cam, f->session, &options));
    ck_assert_ok(xai_cam_compute(&a, cam, f->input, NULL, 0));
    ck_assert_ok(xai_attribution_map(&region, a, f->input->shape[2], f->input->shape[3], XAI_NORMALISE_NONE));
    xai_attribution_unref(a);
    xai_cam_unref(cam);
    return region;
}

/* The product of what two methods give, however the passes are shared: behind a layer that all paths go through, behind
 * one that a shortcut leads around, under a hook that edits the layer. */
START_TEST(guided_product)
{
    static const char *const layers[] = { "b.relu", "a.conv1" };
    explained f = explained_begin(network_residual);
    xai_saliency_options options = method("guided"), both = method("guided-gradcam");
    xai_tensor *guided, *region, *map;
    xai_hook *hook = NULL;

    both.layer = layers[_i % 2];
    both.profile = "captum";
    if (_i >= 2)
        ck_assert_ok(xai_hook_attach(&hook, f.session, both.layer, XAI_HOOK_EDIT, double_it, NULL, NULL));
    guided = explain(&f, NULL, &options);
    region = region_of(&f, both.layer);
    map = explain(&f, NULL, &both);
    for (size_t i = 0; i < map->size; i++) {
        double weight = region->data[i] > 0 ? region->data[i] : 0;

        ck_assert_double_eq_tol(map->data[i], guided->data[i] * weight, 1e-6 * (1 + fabs(guided->data[i] * weight)));
    }
    xai_tensor_unref(guided);
    xai_tensor_unref(region);
    xai_tensor_unref(map);
    xai_hook_unref(hook);
    explained_end(&f);
}
END_TEST

/* --- the same bits --- */

/* The last one only explains what lies behind its layer. */
static const char *const all_methods[] = { "saliency",   "inputxgrad",    "guided",  "deconvnet",     "ig",
                                           "smoothgrad", "smoothgrad-sq", "vargrad", "guided-gradcam" };

enum { N_METHODS = sizeof all_methods / sizeof *all_methods };

START_TEST(same_bits)
{
    explained narrow = begin_with(network_residual, 1, 1), wide = begin_with(network_residual, 4, 0);
    xai_run_options small = { .struct_size = sizeof small, .memory_budget = 1 };
    xai_saliency_options options = method(all_methods[_i]);
    const xai_target targets[4] = { { .index = 1 },
                                    { .index = -1, .score = XAI_SCORE_PROBABILITY },
                                    { .index = 7, .value = "a.relu", .score = XAI_SCORE_VALUE },
                                    { .index = -1 } };
    xai_attribution *maps[4] = { NULL };

    ck_assert_ok(xai_saliency_compute(maps, wide.session, wide.input, targets, 4, &options));
    ck_assert_int_eq(xai_attribution_target(maps[1]), xai_attribution_target(maps[3]));
    options.run = &small;
    for (size_t i = 0; i < 4; i++) {
        xai_tensor *alone = explain(&narrow, &targets[i], &options), *together = map_of(maps[i]);

        ck_assert_uint_eq(alone->size, 21 * 17);
        ck_assert_mem_eq(alone->data, together->data, alone->size * sizeof(float));
        xai_tensor_unref(alone);
        xai_tensor_unref(together);
    }
    explained_end(&narrow);
    explained_end(&wide);
}
END_TEST

/* --- other weights, another map (Adebayo et al. 2018) --- */

static xai_tensor *explain_seed(xai_context *context, const char *name, uint64_t seed)
{
    const xai_model_options other = {
        .struct_size = sizeof other, .resize = 24, .crop_height = 24, .crop_width = 24, .seed = seed
    };
    const xai_saliency_options options = method(name);
    explained f = { .context = xai_context_ref(context) };
    xai_tensor *map;

    ck_assert_ok(xai_model_build(&f.model, context, "cifar_resnet20", NULL, &other));
    ck_assert_ok(xai_session_create(&f.session, f.model, NULL));
    f.input = network_input(f.model, 1, 4);
    map = explain(&f, &(xai_target){ .index = 3 }, &options);
    explained_end(&f);
    return map;
}

START_TEST(weights_matter)
{
    xai_context *context = testing_context(1);
    const char *name = all_methods[_i];
    xai_tensor *a = explain_seed(context, name, 1), *b = explain_seed(context, name, 1),
               *c = explain_seed(context, name, 2);

    ck_assert_mem_eq(a->data, b->data, a->size * sizeof(float));
    ck_assert_msg(fabs(explained_correlation(a, c)) < 0.9, "%s: maps of two networks correlate by %g", name,
                  explained_correlation(a, c));
    xai_tensor_unref(a);
    xai_tensor_unref(b);
    xai_tensor_unref(c);
    xai_context_unref(context);
}
END_TEST

/* --- memory --- */

/* As many bytes after the last explanation as after the second. */
START_TEST(memory_stays_flat)
{
    explained_ledger l = { 0 };
    explained f = explained_counting(network_residual, &l);
    const xai_saliency_options options = method(all_methods[_i]);
    int n = _i == 0 ? 1000 : 20;
    int64_t bytes = 0;

    for (int i = 0; i < n; i++) {
        xai_tensor_unref(explain(&f, NULL, &options));
        if (i == 1)
            bytes = l.bytes;
    }
    ck_assert_int_eq(l.bytes, bytes);
    explained_end(&f);
    ck_assert_int_eq(l.bytes, 0);
    ck_assert_int_gt(l.calls, n);
}
END_TEST

/* --- stopping --- */

typedef struct watch {
    uint64_t calls, done, total, stop_at;
} watch;

static int32_t look(uint64_t done, uint64_t total, void *user)
{
    watch *w = user;

    ck_assert_uint_gt(done, w->calls == 0 ? 0 : w->done);
    *w = (watch){ w->calls + 1, done, total, w->stop_at };
    return done >= w->stop_at;
}

START_TEST(stopped)
{
    explained f = explained_begin(network_residual);
    watch w = { .stop_at = 1 };
    const xai_run_options run = { .struct_size = sizeof run, .memory_budget = 1, .progress = look, .user = &w };
    xai_saliency_options options = method(_i == 0 ? "ig" : "smoothgrad");
    xai_attribution *a = NULL;
    xai_tensor *map;

    options.run = &run;
    w.stop_at = 4;
    ck_assert_int_eq(xai_saliency_compute(&a, f.session, f.input, NULL, 0, &options), XAI_PARTIAL);
    ck_assert_uint_eq(w.calls, 4);
    ck_assert_uint_eq(w.total, _i == 0 ? 50 : 20);
    ck_assert_double_eq(xai_attribution_number(a, _i == 0 ? "steps" : "samples"), 4);
    map = map_of(a);
    for (size_t i = 0; i < map->size; i++)
        ck_assert(isfinite(map->data[i]));
    xai_tensor_unref(map);

    w = (watch){ .stop_at = 1000 };
    ck_assert_ok(xai_saliency_compute(&a, f.session, f.input, NULL, 0, &options));
    ck_assert_uint_eq(w.done, w.total);
    xai_attribution_unref(a);
    xai_session_cancel(f.session);
    ck_assert_int_eq(xai_saliency_compute(&a, f.session, f.input, NULL, 0, &options), XAI_E_CANCELLED);
    ck_assert_ptr_null(a);
    explained_end(&f);
}
END_TEST

/* --- nothing to see, and what is refused --- */

START_TEST(flat_map)
{
    explained f = explained_begin(network_residual);
    const xai_saliency_options options = method("inputxgrad");
    xai_attribution *a = NULL;
    xai_tensor *map = NULL;
    xai_image *picture = NULL;

    memset(f.input->data, 0, f.input->size * sizeof(float));
    ck_assert_ok(xai_saliency_compute(&a, f.session, f.input, NULL, 0, &options));
    ck_assert_int_eq(xai_attribution_map(&map, a, 0, 0, XAI_NORMALISE_MIN_MAX), XAI_FLAT);
    for (size_t i = 0; i < map->size; i++)
        ck_assert_float_eq(map->data[i], 0);
    ck_assert_int_eq(xai_attribution_draw(&picture, a, NULL, NULL), XAI_FLAT);
    xai_image_unref(picture);
    xai_tensor_unref(map);
    xai_attribution_unref(a);
    explained_end(&f);
}
END_TEST

static void check_refused(explained *f, xai_saliency_options options, xai_status status, const char *words)
{
    xai_attribution *a = (xai_attribution *)f;

    ck_assert_fails(xai_saliency_compute(&a, f->session, f->input, NULL, 0, &options), status, words);
    ck_assert_ptr_null(a);
}

START_TEST(refused)
{
    explained f = explained_begin(network_residual);
    xai_tensor *batch = network_input(f.model, 2, 4);
    const xai_target far = { .index = 10 };
    const xai_run_options odd = { .struct_size = 1 };
    const xai_saliency_options plain = method(NULL);
    xai_attribution *a = NULL;
#define OPTIONS(...) ((xai_saliency_options){ .struct_size = sizeof(xai_saliency_options), __VA_ARGS__ })

    check_refused(&f, OPTIONS(.method = "lime"), XAI_E_NOT_FOUND, "no method 'lime'; there are saliency, inputxgrad");
    check_refused(&f, OPTIONS(.profile = "kazuto"), XAI_E_NOT_FOUND, "it has default, captum");
    check_refused(&f, OPTIONS(.method = "ig", .quadrature = "simpson"), XAI_E_NOT_FOUND, "riemann-trapezoid");
    check_refused(&f, OPTIONS(.method = "ig", .n_steps = 1000000), XAI_E_INVALID,
                  "gausslegendre has at most 16384 points, got 1000000; take riemann-middle");
    check_refused(&f, OPTIONS(.n_steps = 3), XAI_E_INVALID, "method saliency has no option n_steps");
    check_refused(&f, OPTIONS(.method = "ig", .sigma = 1), XAI_E_INVALID, "method ig has no option sigma");
    check_refused(&f, OPTIONS(.method = "ig", .layer = "b"), XAI_E_INVALID, "no option layer");
    check_refused(&f, OPTIONS(.flags = 2), XAI_E_INVALID, "flags are 2");
    check_refused(&f, OPTIONS(.method = "vargrad", .sigma = -1), XAI_E_INVALID, "sigma is -1");
    check_refused(&f, OPTIONS(.method = "ig", .baseline_value = 1, .baseline = f.input), XAI_E_INVALID, "both");
    check_refused(&f, OPTIONS(.method = "vargrad", .noise = f.input, .n_samples = 1), XAI_E_INVALID, "n_samples too");
    check_refused(&f, OPTIONS(.method = "ig", .baseline = batch), XAI_E_SHAPE, "the baseline is 2x3x21x17");
    check_refused(&f, OPTIONS(.run = &odd), XAI_E_ABI, "");
    a = NULL;
    ck_assert_fails(xai_saliency_compute(&a, f.session, f.input, &far, 1, &plain), XAI_E_INVALID, "no class 10");
    ck_assert_fails(xai_saliency_compute(&a, f.session, batch, NULL, 0, NULL), XAI_E_SHAPE, "one image is explained");
    ck_assert_fails(xai_saliency_compute(NULL, f.session, batch, NULL, 0, NULL), XAI_E_INVALID, "out is NULL");
    ck_assert_fails(xai_saliency_compute(&a, NULL, batch, NULL, 0, NULL), XAI_E_INVALID, "session is NULL");
    ck_assert_fails(xai_saliency_compute(&a, f.session, NULL, NULL, 0, NULL), XAI_E_INVALID, "input is NULL");
    ck_assert_fails(xai_saliency_compute(&a, f.session, f.input, NULL, 1, NULL), XAI_E_INVALID, "targets is NULL");
    xai_tensor_unref(batch);
    explained_end(&f);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_saliency");
    TCase *cases = tcase_create("all");

    tcase_add_loop_test(cases, is_the_derivative, 0, 2);
    tcase_add_test(cases, channels);
    tcase_add_loop_test(cases, completeness, 0, 5);
    tcase_add_test(cases, baselines);
    tcase_add_loop_test(cases, under_noise, 0, 6);
    tcase_add_test(cases, seeded);
    tcase_add_loop_test(cases, guided_product, 0, 4);
    tcase_add_loop_test(cases, same_bits, 0, N_METHODS - 1);
    tcase_add_loop_test(cases, weights_matter, 0, N_METHODS);
    tcase_add_loop_test(cases, memory_stays_flat, 0, N_METHODS);
    tcase_add_loop_test(cases, stopped, 0, 2);
    tcase_add_test(cases, flat_map);
    tcase_add_test(cases, refused);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
