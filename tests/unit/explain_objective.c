/* SPDX-License-Identifier: MIT
 * Objectives: values by their definitions, gradients beside differences, and what is refused. */
#include "explained.h"

#include <math.h>

#include "explain/visualize/objective.h"

enum { N_PICTURES = 3 };

/* A model whose layers have all shapes that objectives take: "b.relu" 40 x 2 x 2 or so, "fc" a list. */
static explained begin(void)
{
    return explained_begin(network_residual);
}

static float *noise(size_t n, uint64_t seed, double low)
{
    float *data = calloc(n, sizeof *data);

    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < n; i++)
        data[i] = (float)(low + (1 - low) * xai__rng_uniform_at(seed, i));
    return data;
}

static xai_tensor *make_direction(const explained *e, int64_t n)
{
    xai_tensor *direction = NULL;

    ck_assert_ok(xai_tensor_create(&direction, e->context, &n, 1));
    for (int64_t i = 0; i < n; i++)
        direction->data[i] = (float)(xai__rng_uniform_at(11, (uint64_t)i) - 0.3);
    return direction;
}

/* --- gradients --- */

static const xai_objective layer_objectives[] = {
    { .layer = "b.relu", .channel = 3 },
    { .layer = "b.relu", .channel = 3, .weight = -2.5f, .picture = 2 },
    { .layer = "b.relu", .channel = 7, .ramp = XAI_RAMP_RISING },
    { .layer = "b.relu", .channel = 7, .ramp = XAI_RAMP_FALLING, .weight = 0.5f },
    { .kind = XAI_OBJECTIVE_NEURON, .layer = "b.relu", .channel = 5, .y = -1, .x = 0 },
    { .kind = XAI_OBJECTIVE_DIRECTION, .layer = "b.relu" },
    { .kind = XAI_OBJECTIVE_DOT, .layer = "b.relu" },
    { .kind = XAI_OBJECTIVE_DOT, .layer = "b.relu", .parameter = 2 },
    { .kind = XAI_OBJECTIVE_CLASS, .channel = 4 },
    { .kind = XAI_OBJECTIVE_DEEPDREAM, .layer = "b.relu" },
    { .kind = XAI_OBJECTIVE_DIVERSITY, .layer = "b.relu", .weight = 3 },
    { .kind = XAI_OBJECTIVE_DIVERSITY, .layer = "b.relu", .picture = 1 },
};

enum { N_LAYER_OBJECTIVES = sizeof layer_objectives / sizeof *layer_objectives };

static double sum_at(xai__objectives *o, int32_t value, float *seed, const float *elements)
{
    ck_assert_ok(xai__objectives_evaluate(o, value, seed, elements, 0, N_PICTURES));
    return xai__objectives_sum(o);
}

START_TEST(gradient_at_layers)
{
    explained e = begin();
    xai_objective objective = layer_objectives[_i];
    xai_tensor *direction = make_direction(&e, 40);
    xai__objectives o;
    float *elements, *seed, *ignored;
    int32_t value;
    size_t n, n_nonzero = 0;
    const float step = 1.0f / 128;

    if (objective.kind == XAI_OBJECTIVE_DIRECTION || objective.kind == XAI_OBJECTIVE_DOT)
        objective.direction = direction;
    ck_assert_ok(xai__objectives_init(&o, e.model, &objective, 1, N_PICTURES));
    value = o.terms[0].value;
    n = N_PICTURES * e.model->graph.values[value].size;
    elements = noise(n, 3, -0.2);
    seed = noise(n, 4, 0);
    ignored = noise(n, 5, 0);
    sum_at(&o, value, seed, elements);
    for (size_t i = 0; i < n; i++) {
        float kept = elements[i];
        double up, down;

        elements[i] = kept + step;
        up = sum_at(&o, value, ignored, elements);
        elements[i] = kept - step;
        down = sum_at(&o, value, ignored, elements);
        elements[i] = kept;
        n_nonzero += seed[i] != 0;
        ck_assert_msg(fabs((up - down) / (2 * (double)step) - seed[i]) < 2e-4 * (0.02 + fabs(seed[i])) + 2e-6,
                      "element %zu: %g, differences say %g", i, (double)seed[i], (up - down) / (2 * (double)step));
    }
    ck_assert_uint_gt(n_nonzero, 0);
    xai__objectives_fini(&o);
    free(elements);
    free(seed);
    free(ignored);
    xai_tensor_unref(direction);
    explained_end(&e);
}
END_TEST

static const xai_objective penalties[] = {
    { .kind = XAI_OBJECTIVE_TV },
    { .kind = XAI_OBJECTIVE_L1, .parameter = 0.5f, .weight = 2 },
    { .kind = XAI_OBJECTIVE_L2, .parameter = 0.5f },
    { .kind = XAI_OBJECTIVE_L2, .picture = 3 },
};

enum { N_PENALTIES = sizeof penalties / sizeof *penalties, HEIGHT = 5, WIDTH = 4, N_PIXELS = 3 * HEIGHT * WIDTH };

static double sum_of_pictures(xai__objectives *o, float *gradient, const float *pictures)
{
    memset(gradient, 0, N_PICTURES * N_PIXELS * sizeof *gradient);
    xai__objectives_evaluate_pictures(o, gradient, pictures, HEIGHT, WIDTH);
    return xai__objectives_sum(o);
}

START_TEST(gradient_at_pictures)
{
    explained e = begin();
    float *pictures = noise(N_PICTURES * N_PIXELS, 6, 0), *gradient = noise(N_PICTURES * N_PIXELS, 7, 0),
          *ignored = noise(N_PICTURES * N_PIXELS, 8, 0);
    const float step = 1.0f / 4096; /* no two neighbours are as near, and no pixel as near to 0.5 */
    xai__objectives o;

    ck_assert_ok(xai__objectives_init(&o, e.model, &penalties[_i], 1, N_PICTURES));
    sum_of_pictures(&o, gradient, pictures);
    for (size_t i = 0; i < N_PICTURES * N_PIXELS; i++) {
        float kept = pictures[i];
        double up, down;

        pictures[i] = kept + step;
        up = sum_of_pictures(&o, ignored, pictures);
        pictures[i] = kept - step;
        down = sum_of_pictures(&o, ignored, pictures);
        pictures[i] = kept;
        ck_assert_msg(fabs((up - down) / (2 * (double)step) - gradient[i]) < 2e-3 * (0.1 + fabs(gradient[i])),
                      "pixel %zu: %g, differences say %g", i, (double)gradient[i], (up - down) / (2 * (double)step));
    }
    xai__objectives_fini(&o);
    free(pictures);
    free(gradient);
    free(ignored);
    explained_end(&e);
}
END_TEST

/* The blurred picture is held: a step along the gradient is a step towards it. */
START_TEST(blur)
{
    explained e = begin();
    const xai_objective objective = { .kind = XAI_OBJECTIVE_BLUR };
    float *pictures = calloc(N_PIXELS, sizeof *pictures), *gradient = calloc(N_PIXELS, sizeof *gradient);
    xai__objectives o;

    pictures[WIDTH + 1] = 1;      /* inside: itself counts twice among ten */
    pictures[HEIGHT * WIDTH] = 1; /* a corner: twice among five */
    ck_assert_ok(xai__objectives_init(&o, e.model, &objective, 1, 1));
    xai__objectives_evaluate_pictures(&o, gradient, pictures, HEIGHT, WIDTH);
    ck_assert_float_eq_tol(gradient[WIDTH + 1], -0.8f, 1e-6f);
    ck_assert_float_eq_tol(gradient[WIDTH + 2], 1 / 10.0f, 1e-6f);
    ck_assert_float_eq_tol(gradient[0], 1 / 5.0f, 1e-6f);
    ck_assert_float_eq_tol(gradient[HEIGHT * WIDTH], -0.6f, 1e-6f);
    ck_assert_float_eq_tol(gradient[HEIGHT * WIDTH + 1], 1 / 7.0f, 1e-6f);
    xai__objectives_fini(&o);
    free(pictures);
    free(gradient);
    explained_end(&e);
}
END_TEST

/* --- values --- */

static double value_of(const explained *e, const xai_objective *objective, const float *elements)
{
    xai__objectives o;
    float *seed;
    double value;

    ck_assert_ok(xai__objectives_init(&o, e->model, objective, 1, N_PICTURES));
    seed = noise(N_PICTURES * e->model->graph.values[o.terms[0].value].size, 1, 0);
    sum_at(&o, o.terms[0].value, seed, elements);
    value = xai__objectives_score(&o, 0);
    xai__objectives_fini(&o);
    free(seed);
    return value;
}

START_TEST(values_by_hand)
{
    explained e = begin();
    int32_t layer;
    const xai__value *v;
    float *elements;
    size_t n, n_positions;
    double sum = 0, squares = 0;

    ck_assert_ok(xai__graph_find(&layer, &e.model->graph, "b.relu"));
    v = &e.model->graph.values[layer];
    n = v->size;
    n_positions = n / 40;
    elements = noise(N_PICTURES * n, 9, -1);
    for (size_t i = 0; i < N_PICTURES * n; i++) {
        sum += i % n / n_positions == 3 ? elements[i] : 0;
        squares += (double)elements[i] * elements[i];
    }
    ck_assert_double_eq_tol(value_of(&e, &layer_objectives[0], elements), sum / (double)(N_PICTURES * n_positions),
                            1e-6);
    ck_assert_double_eq_tol(value_of(&e, &layer_objectives[9], elements), squares / (double)(N_PICTURES * n), 1e-6);

    /* The middle is the later one of two, in rows as in columns. */
    n = (n * 2) + (5 * n_positions) + (size_t)(v->shape[2] / 2) * (size_t)v->shape[3];
    ck_assert_double_eq(
        value_of(
            &e,
            &(xai_objective){ .kind = XAI_OBJECTIVE_NEURON, .layer = "b.relu", .channel = 5, .y = -1, .picture = 3 },
            elements),
        elements[n]);
    free(elements);
    explained_end(&e);
}
END_TEST

/* Pictures that are the same are alike in every other: each is worth minus their number. */
START_TEST(diversity_of_copies)
{
    explained e = begin();
    int32_t layer;
    size_t n;
    float *elements;

    ck_assert_ok(xai__graph_find(&layer, &e.model->graph, "b.relu"));
    n = e.model->graph.values[layer].size;
    elements = noise(N_PICTURES * n, 10, -1);
    for (size_t i = 1; i < N_PICTURES; i++)
        memcpy(elements + i * n, elements, n * sizeof *elements);
    ck_assert_double_eq_tol(value_of(&e, &layer_objectives[10], elements), 1.0 - N_PICTURES, 1e-5);
    free(elements);
    explained_end(&e);
}
END_TEST

/* --- what is refused --- */

START_TEST(refusals)
{
    static const struct {
        xai_objective objective;
        xai_status status;
        const char *words;
    } rows[] = {
        { { .kind = 11, .layer = "b.relu" }, XAI_E_INVALID, "kind is 11" },
        { { .layer = "b.relu", .ramp = 3 }, XAI_E_INVALID, "ramp is 3" },
        { { .layer = "b.relu", .reserved = 1 }, XAI_E_INVALID, "reserved is 1" },
        { { .layer = "b.relu", .weight = NAN }, XAI_E_INVALID, "weight is nan" },
        { { .layer = "b.relu", .parameter = 1 }, XAI_E_INVALID, "channel has no parameter" },
        { { .layer = "b.relu", .picture = 4 }, XAI_E_INVALID, "for picture 4, there are 3" },
        { { .layer = "b.relu", .picture = 1, .ramp = 1 }, XAI_E_INVALID, "a ramp goes over all" },
        { { .channel = 1 }, XAI_E_INVALID, "channel needs a layer" },
        { { .layer = "b.rel" }, XAI_E_NOT_FOUND, "b.relu" },
        { { .layer = "b.relu", .channel = 40 }, XAI_E_INVALID, "channel is 40, 'b.relu' has 40" },
        { { .layer = "b.relu", .channel = -1 }, XAI_E_INVALID, "channel is -1" },
        { { .layer = "b.relu", .y = 1 }, XAI_E_INVALID, "channel has no position" },
        { { .kind = XAI_OBJECTIVE_NEURON, .layer = "b.relu", .y = 9 }, XAI_E_INVALID, "y is 9, the layer has" },
        { { .kind = XAI_OBJECTIVE_NEURON, .layer = "b.relu", .x = -2 }, XAI_E_INVALID, "x is -2" },
        { { .kind = XAI_OBJECTIVE_CLASS, .channel = 10 }, XAI_E_INVALID, "the class is 10" },
        { { .kind = XAI_OBJECTIVE_CLASS, .layer = "fc" }, XAI_E_INVALID, "class has no layer" },
        { { .kind = XAI_OBJECTIVE_DIRECTION, .layer = "b.relu" }, XAI_E_INVALID, "direction needs a direction" },
        { { .kind = XAI_OBJECTIVE_TV, .channel = 1 }, XAI_E_INVALID, "tv has no channel" },
    };
    explained e = begin();
    xai_objective objective = { .kind = XAI_OBJECTIVE_DIRECTION, .layer = "b.relu" };
    xai__objectives o;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_fails(xai__objectives_init(&o, e.model, &rows[i].objective, 1, N_PICTURES), rows[i].status,
                        rows[i].words);
    objective.direction = make_direction(&e, 39);
    ck_assert_fails(xai__objectives_init(&o, e.model, &objective, 1, N_PICTURES), XAI_E_SHAPE, "39 numbers");
    xai_tensor_unref((xai_tensor *)objective.direction);
    objective = (xai_objective){ .layer = "b.relu", .ramp = XAI_RAMP_RISING };
    ck_assert_fails(xai__objectives_init(&o, e.model, &objective, 1, 1), XAI_E_INVALID, "at least 2; there are 1");
    ck_assert_fails(xai__objectives_init(&o, e.model, &objective, 0, 1), XAI_E_INVALID, "no objective");
    explained_end(&e);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_objective");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, gradient_at_layers, 0, N_LAYER_OBJECTIVES);
    tcase_add_loop_test(cases, gradient_at_pictures, 0, N_PENALTIES);
    tcase_add_test(cases, blur);
    tcase_add_test(cases, values_by_hand);
    tcase_add_test(cases, diversity_of_copies);
    tcase_add_test(cases, refusals);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
