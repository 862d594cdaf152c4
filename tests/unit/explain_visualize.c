/* SPDX-License-Identifier: MIT
 * Feature visualisation on small networks: objectives rise, the same bits however it is run, watchers, and what is
 * refused. */
#include "explained.h"

#include <math.h>

enum { N_STEPS = 12, SIDE = 16, MAX_PICTURES = 3 };

/* Pictures and trace of a run. */
typedef struct drawn {
    xai_image *images[MAX_PICTURES];
    size_t n;
    xai_tensor *trace;
} drawn;

/* Pictures are prepared as most networks want them. */
static explained prepared(explained e)
{
    e.model->preparation = (xai__preparation){ .scale = 1 / 255.0f,
                                               .mean = { .5f, .4f, .3f },
                                               .std = { .2f, .3f, .4f } };
    return e;
}

static explained begin(void)
{
    return prepared(explained_begin(network_residual));
}

static xai_visualize_options options_with(uint32_t flags)
{
    return (xai_visualize_options){
        .struct_size = sizeof(xai_visualize_options), .n_steps = N_STEPS, .width = SIDE, .height = SIDE, .flags = flags
    };
}

static drawn draw(const explained *e, size_t n_pictures, const xai_objective *objectives, size_t n_objectives,
                  const xai_visualize_options *options)
{
    drawn d = { .n = n_pictures };

    ck_assert_ok(xai_visualize(d.images, n_pictures, &d.trace, e->session, objectives, n_objectives, options));
    return d;
}

static void drop(drawn *d)
{
    for (size_t i = 0; i < d->n; i++)
        xai_image_unref(d->images[i]);
    xai_tensor_unref(d->trace);
}

/* A weighted sum with terms of two layers, of the pictures, and one that couples them. */
static const xai_objective many[] = {
    { .layer = "b.relu", .channel = 3, .picture = 1 },
    { .layer = "a.relu", .channel = 2, .weight = 0.5f },
    { .kind = XAI_OBJECTIVE_DIVERSITY, .layer = "b.relu", .weight = 0.1f },
    { .kind = XAI_OBJECTIVE_TV, .weight = 1e-3f },
    { .kind = XAI_OBJECTIVE_CLASS, .channel = 1, .ramp = XAI_RAMP_RISING },
};

enum { N_MANY = sizeof many / sizeof *many };

/* --- objectives rise --- */

START_TEST(rises)
{
    static const xai_objective objectives[] = {
        { .layer = "a.conv1", .channel = 3 },
        { .kind = XAI_OBJECTIVE_NEURON, .layer = "a.conv1", .channel = 5, .y = -1, .x = -1 },
        { .kind = XAI_OBJECTIVE_CLASS, .channel = 4 },
        { .kind = XAI_OBJECTIVE_DEEPDREAM, .layer = "b.relu" },
        { .kind = XAI_OBJECTIVE_TV },
        { .kind = XAI_OBJECTIVE_L2, .parameter = 0.25f },
        { .kind = XAI_OBJECTIVE_CLASS, .channel = 4, .weight = -1 },
    };

    for (int pixel = 0; pixel < 2; pixel++) {
        explained e = begin();
        xai_visualize_options options = options_with(XAI_VISUALIZE_PLAIN);
        double sign = objectives[_i].weight < 0 ? -1 : 1;
        drawn d;

        options.parameterisation = pixel ? "pixel" : "fourier";
        options.deviation = objectives[_i].kind == XAI_OBJECTIVE_TV ? 1 : 0; /* what is flat cannot be flattened */
        d = draw(&e, 1, &objectives[_i], 1, &options);
        ck_assert_uint_eq(d.trace->size, N_STEPS);
        ck_assert_msg(sign * d.trace->data[N_STEPS - 1] > sign * d.trace->data[0], "%s: from %g to %g",
                      options.parameterisation, (double)d.trace->data[0], (double)d.trace->data[N_STEPS - 1]);
        ck_assert_int_eq(xai_image_width(d.images[0]), SIDE);
        drop(&d);
        explained_end(&e);
    }
}
END_TEST

/* The trace is what the model says of the picture: without transforms and at the model's size, the first row is the
 * forward pass of the start. */
START_TEST(trace_is_the_models)
{
    enum { HEIGHT = 21, WIDTH = 17 };
    explained e = begin();
    const int64_t shape[4] = { 1, 3, HEIGHT, WIDTH };
    const xai_objective objective = { .kind = XAI_OBJECTIVE_CLASS, .channel = 6 };
    xai_visualize_options options = options_with(XAI_VISUALIZE_PLAIN | XAI_VISUALIZE_CORRELATED);
    xai__preparation *p = &e.model->preparation;
    xai_tensor *start = NULL, *logits = NULL;
    drawn d;

    p->is_bgr = _i;
    ck_assert_ok(xai_tensor_create(&start, e.context, shape, 4));
    for (size_t i = 0; i < start->size; i++) {
        size_t c = i / (HEIGHT * WIDTH), from = p->is_bgr ? 2 - c : c;

        start->data[from * HEIGHT * WIDTH + i % (HEIGHT * WIDTH)] = (float)sin((double)i);
        e.input->data[i] = (float)((1 / (1 + exp(-sin((double)i))) - p->mean[c]) / p->std[c]);
    }
    ck_assert_ok(xai_session_forward(&logits, e.session, e.input));
    options.parameterisation = "pixel";
    options.start = start;
    options.width = WIDTH;
    options.height = HEIGHT;
    d = draw(&e, 1, &objective, 1, &options);
    ck_assert_double_eq_tol(d.trace->data[0], logits->data[6], 1e-5);
    drop(&d);
    xai_tensor_unref(logits);
    xai_tensor_unref(start);
    explained_end(&e);
}
END_TEST

/* --- the same bits --- */

static drawn draw_many(uint32_t n_threads, uint64_t budget, uint64_t seed)
{
    explained e = prepared(explained_in(testing_context(n_threads), network_residual, budget));
    const xai_run_options run = { .struct_size = sizeof run, .seed = seed };
    xai_visualize_options options = options_with(0);
    drawn d;

    options.run = &run;
    d = draw(&e, MAX_PICTURES, many, N_MANY, &options);
    explained_end(&e);
    return d;
}

static bool are_same(const drawn *a, const drawn *b)
{
    bool same = memcmp(a->trace->data, b->trace->data, a->trace->size * sizeof(float)) == 0;

    for (size_t i = 0; i < a->n; i++)
        same &= memcmp(xai_image_pixels(a->images[i]), xai_image_pixels(b->images[i]), SIDE * SIDE * 3) == 0;
    return same;
}

START_TEST(same_bits)
{
    drawn first = draw_many(1, 0, 3), threads = draw_many(4, 0, 3), little = draw_many(2, 1, 3),
          other = draw_many(1, 0, 4);

    ck_assert(are_same(&first, &threads));
    ck_assert(are_same(&first, &little));
    ck_assert(!are_same(&first, &other));
    drop(&first);
    drop(&threads);
    drop(&little);
    drop(&other);
}
END_TEST

/* Objectives that are each for one picture leave the others alone. */
START_TEST(pictures_are_their_own)
{
    static const xai_objective both[] = { { .layer = "b.relu", .channel = 3, .picture = 1 },
                                          { .layer = "b.relu", .channel = 5, .picture = 2 } };
    explained e = begin();
    xai_visualize_options options = options_with(0);
    drawn two = draw(&e, 2, both, 2, &options), one = draw(&e, 1, both, 1, &options);

    ck_assert_mem_eq(xai_image_pixels(two.images[0]), xai_image_pixels(one.images[0]), SIDE * SIDE * 3);
    for (size_t i = 0; i < N_STEPS; i++)
        ck_assert_float_eq(two.trace->data[2 * i], one.trace->data[i]);
    drop(&two);
    drop(&one);
    explained_end(&e);
}
END_TEST

/* --- beginnings --- */

START_TEST(begins_with_a_picture)
{
    explained e = begin();
    const xai_objective objective = { .kind = XAI_OBJECTIVE_DEEPDREAM, .layer = "a.relu" };
    xai_visualize_options options = options_with(XAI_VISUALIZE_PLAIN);
    xai_image *image = NULL;
    uint8_t *pixels;
    int worst = 0;
    drawn d;

    ck_assert_ok(xai_image_create(&image, e.context, NULL, SIDE, SIDE));
    pixels = xai_image_pixels(image);
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        pixels[i] = (uint8_t)(64 + i / 6);
    options.picture = image;
    options.n_steps = 1;
    options.learning_rate = 1e-4f;
    d = draw(&e, 1, &objective, 1, &options);
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        worst = abs(xai_image_pixels(d.images[0])[i] - pixels[i]) > worst
                    ? abs(xai_image_pixels(d.images[0])[i] - pixels[i])
                    : worst;
    ck_assert_int_le(worst, 3);
    drop(&d);
    xai_image_unref(image);
    explained_end(&e);
}
END_TEST

/* A rectifier that lets nothing through keeps the picture as it is, until gradients are redirected. */
START_TEST(redirects)
{
    enum { AT = 5 };
    const xai_objective objective = { .kind = XAI_OBJECTIVE_NEURON, .layer = "a.relu#1", .channel = AT },
                        before = { .kind = XAI_OBJECTIVE_NEURON, .layer = "a.bn1", .channel = AT };
    xai_visualize_options options = options_with(XAI_VISUALIZE_PLAIN);
    explained e = begin();
    drawn first, still, moved, lucid;
    int32_t norm;

    /* The shift of its batch norm just shuts the channel. */
    first = draw(&e, 1, &before, 1, &options);
    explained_end(&e);
    e = begin();
    ck_assert_ok(xai__graph_find(&norm, &e.model->graph, before.layer));
    for (size_t i = 0; i < e.model->graph.n_nodes; i++)
        if (e.model->graph.nodes[i].output == norm)
            ((float *)e.model->graph.values[e.model->graph.nodes[i].inputs[2]].constant.data)[AT] -=
                first.trace->data[0] + 0.001f;
    still = draw(&e, 1, &objective, 1, &options);
    options.flags |= XAI_VISUALIZE_REDIRECT;
    moved = draw(&e, 1, &objective, 1, &options);
    options.flags = XAI_VISUALIZE_PLAIN;
    options.profile = "lucid";
    lucid = draw(&e, 1, &objective, 1, &options);
    ck_assert_float_eq(still.trace->data[N_STEPS - 1], 0);
    ck_assert_float_gt(moved.trace->data[N_STEPS - 1], 0);
    ck_assert(are_same(&moved, &lucid));
    drop(&first);
    drop(&still);
    drop(&moved);
    drop(&lucid);
    explained_end(&e);
}
END_TEST

/* --- watchers --- */

typedef struct watcher {
    size_t n_calls, n_done, stop_at;
    xai_image *kept;
    double objective;
} watcher;

static int32_t watch(xai_image *const *pictures, size_t n_pictures, size_t n_done, size_t n_steps, double objective,
                     void *user)
{
    watcher *w = user;

    ck_assert_uint_eq(n_pictures, 1);
    ck_assert_uint_eq(n_steps, N_STEPS);
    xai_image_unref(w->kept);
    w->kept = xai_image_ref(pictures[0]);
    w->objective = objective;
    w->n_done = n_done;
    w->n_calls++;
    return n_done == w->stop_at;
}

static int32_t count(uint64_t done, uint64_t total, void *user)
{
    watcher *w = user;

    ck_assert_uint_eq(total, N_STEPS);
    w->n_calls++;
    return done == w->stop_at;
}

START_TEST(watched)
{
    explained e = begin();
    const xai_objective objective = { .layer = "b.relu", .channel = 3, .weight = 2 };
    watcher w = { 0 };
    xai_visualize_options options = options_with(0);
    drawn d;

    options.watch = watch;
    options.watch_every = 5;
    options.user = &w;
    d = draw(&e, 1, &objective, 1, &options);
    ck_assert_uint_eq(w.n_calls, 3);
    ck_assert_uint_eq(w.n_done, N_STEPS);
    ck_assert_mem_eq(xai_image_pixels(w.kept), xai_image_pixels(d.images[0]), SIDE * SIDE * 3);
    ck_assert_double_eq_tol(w.objective, 2 * (double)d.trace->data[N_STEPS - 1], 1e-6);
    drop(&d);

    /* Stopped, it keeps what is done so far. */
    w.stop_at = 5;
    d = (drawn){ .n = 1 };
    ck_assert_int_eq(xai_visualize(d.images, 1, &d.trace, e.session, &objective, 1, &options), XAI_PARTIAL);
    ck_assert_uint_eq(d.trace->size, 5);
    ck_assert_mem_eq(xai_image_pixels(w.kept), xai_image_pixels(d.images[0]), SIDE * SIDE * 3);
    drop(&d);
    xai_image_unref(w.kept);
    explained_end(&e);
}
END_TEST

START_TEST(progress)
{
    explained e = begin();
    const xai_objective objective = { .layer = "b.relu", .channel = 3 };
    watcher w = { .stop_at = 7 };
    const xai_run_options run = { .struct_size = sizeof run, .progress = count, .user = &w };
    xai_visualize_options options = options_with(0);
    drawn d = { .n = 1 };

    options.run = &run;
    ck_assert_int_eq(xai_visualize(d.images, 1, NULL, e.session, &objective, 1, &options), XAI_PARTIAL);
    ck_assert_uint_eq(w.n_calls, 7);
    ck_assert_ptr_nonnull(d.images[0]);
    drop(&d);
    explained_end(&e);
}
END_TEST

/* --- what is refused --- */

START_TEST(bad_options)
{
    static const struct {
        xai_visualize_options options;
        xai_status status;
        const char *words;
    } rows[] = {
        { { .struct_size = 3 }, XAI_E_ABI, "options" },
        { { .parameterisation = "cppn" }, XAI_E_NOT_FOUND, "'cppn'; there are fourier, pixel" },
        { { .profile = "captum" }, XAI_E_NOT_FOUND, "default, lucent, lucid" },
        { { .flags = 8 }, XAI_E_INVALID, "flags are 8" },
        { { .learning_rate = -1 }, XAI_E_INVALID, "learning_rate is -1" },
        { { .deviation = INFINITY }, XAI_E_INVALID, "deviation is inf" },
        { { .width = 1 }, XAI_E_INVALID, "pictures are 1 x 128" },
        { { .height = 5000 }, XAI_E_INVALID, "a side is 2 to 4096" },
    };
    explained e = begin();
    const xai_objective objective = { .layer = "b.relu" };
    xai_image *out[1];
    xai_tensor *trace;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        xai_visualize_options options = rows[i].options;

        options.struct_size = options.struct_size != 0 ? options.struct_size : sizeof options;
        out[0] = (xai_image *)&e;
        trace = (xai_tensor *)&e;
        ck_assert_fails(xai_visualize(out, 1, &trace, e.session, &objective, 1, &options), rows[i].status,
                        rows[i].words);
        ck_assert_ptr_null(out[0]);
        ck_assert_ptr_null(trace);
    }
    explained_end(&e);
}
END_TEST

START_TEST(bad_arguments)
{
    explained e = begin();
    const xai_objective objective = { .layer = "b.relu" }, early = { .layer = "nowhere" };
    xai_visualize_options options = options_with(0);
    xai_image *out[1];

    ck_assert_fails(xai_visualize(NULL, 1, NULL, e.session, &objective, 1, NULL), XAI_E_INVALID, "out is NULL");
    ck_assert_fails(xai_visualize(out, 1, NULL, NULL, &objective, 1, NULL), XAI_E_INVALID, "session is NULL");
    ck_assert_fails(xai_visualize(out, 1, NULL, e.session, NULL, 1, NULL), XAI_E_INVALID, "objectives is NULL");
    ck_assert_fails(xai_visualize(out, 0, NULL, e.session, &objective, 1, NULL), XAI_E_INVALID, "got 0");
    ck_assert_fails(xai_visualize(out, 1, NULL, e.session, &objective, 0, NULL), XAI_E_INVALID, "no objective");
    ck_assert_fails(xai_visualize(out, 1, NULL, e.session, &early, 1, NULL), XAI_E_NOT_FOUND, "nowhere");
    options.start = e.input;
    ck_assert_fails(xai_visualize(out, 1, NULL, e.session, &objective, 1, &options), XAI_E_SHAPE,
                    "start is 1x3x21x17, expected 1x3x16x9x2");
    options.deviation = 1;
    ck_assert_fails(xai_visualize(out, 1, NULL, e.session, &objective, 1, &options), XAI_E_INVALID, "give one");
    explained_end(&e);
}
END_TEST

static xai_model *network_gray(xai_context *context)
{
    network n = network_begin(context, 1, 8, 8);
    int32_t x = network_conv(&n, 0, 4, 3, 1, 1, true, "conv");

    return network_end(&n, network_head(&n, x, 3));
}

START_TEST(gray_models)
{
    explained e = explained_begin(network_gray);
    const xai_objective objective = { .layer = "conv" };
    xai_image *out[1];

    ck_assert_fails(xai_visualize(out, 1, NULL, e.session, &objective, 1, NULL), XAI_E_UNSUPPORTED,
                    "draws RGB pictures, 'input' is 1x1x8x8");
    explained_end(&e);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_visualize");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, rises, 0, 7);
    tcase_add_loop_test(cases, trace_is_the_models, 0, 2);
    tcase_add_test(cases, same_bits);
    tcase_add_test(cases, pictures_are_their_own);
    tcase_add_test(cases, begins_with_a_picture);
    tcase_add_test(cases, redirects);
    tcase_add_test(cases, watched);
    tcase_add_test(cases, progress);
    tcase_add_test(cases, bad_options);
    tcase_add_test(cases, bad_arguments);
    tcase_add_test(cases, gray_models);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
