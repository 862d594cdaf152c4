/* SPDX-License-Identifier: MIT
 * Regions: windows give the bits that whole pictures have in the same plan, whatever network, window, budget, threads.
 */
#include "networks.h"

#include "runtime/region.h"

enum { MOST_FETCHES = 4, MOST_WINDOWS = 128 };

static const char *const chains[] = { "native", "native-avx2", "native-baseline", "ref" };

/* --- networks --- */

static int32_t pool(network *n, uint32_t op, int32_t x, int32_t kernel, int32_t stride, int32_t pad, bool ceil_mode,
                    const char *name)
{
    xai__attributes a = xai__attributes_default();

    a.kernel[0] = a.kernel[1] = kernel;
    a.stride[0] = a.stride[1] = stride;
    a.pads[0] = a.pads[1] = a.pads[2] = a.pads[3] = pad;
    a.ceil_mode = ceil_mode;
    a.count_pad = true;
    return network_name(n, xai__op_add(&n->model->graph, op, &a, &x, 1), name);
}

/* Pools that round up, with counted padding and without (the reference's); depthwise and grouped convolutions. */
static xai_model *network_pools(xai_context *context)
{
    network n = network_begin(context, 3, 27, 38);
    int32_t x = network_unary(&n, XAI__OP_RELU, network_conv(&n, 0, 32, 3, 1, 1, true, "stem"), "relu");

    x = pool(&n, XAI__OP_MAX_POOL, x, 3, 2, 0, true, "pool1");
    x = network_unary(&n, XAI__OP_CLIP, network_conv(&n, x, 32, 5, 1, 32, true, "depthwise"), "clip");
    x = pool(&n, XAI__OP_AVERAGE_POOL, x, 3, 2, 1, true, "pool2");
    x = network_unary(&n, XAI__OP_SILU, network_conv(&n, x, 48, 3, 1, 2, true, "grouped"), "silu");
    x = pool(&n, XAI__OP_AVERAGE_POOL, x, 2, 2, 0, false, "pool3");
    return network_end(&n, network_head(&n, x, 9));
}

/* As VGG ends: the map becomes a vector; and probabilities. Strides leave pixels that nobody sees. */
static xai_model *network_vector(xai_context *context)
{
    network n = network_begin(context, 1, 19, 26);
    int32_t x = network_unary(&n, XAI__OP_RELU, network_conv(&n, 0, 16, 1, 3, 1, true, "stem"), "relu");
    xai__attributes a = xai__attributes_default();

    x = network_unary(&n, XAI__OP_HARD_SWISH, network_conv(&n, x, 20, 3, 2, 1, true, "conv"), "swish");
    x = network_linear(&n, network_flatten(&n, x, "flatten"), 33, "fc1");
    x = network_linear(&n, network_unary(&n, XAI__OP_RELU, x, "relu1"), 6, "fc2");
    a.axis = 1;
    x = network_name(&n, xai__op_add(&n.model->graph, XAI__OP_SOFTMAX, &a, &x, 1), "softmax");
    return network_end(&n, x);
}

/* Dilation, a slice of the rows, a sum of two branches that see different distances. */
static xai_model *network_branches(xai_context *context)
{
    network n = network_begin(context, 4, 24, 15);
    const int64_t shape[4] = { 16, 16, 3, 3 };
    int32_t x = network_conv(&n, 0, 16, 3, 1, 1, true, "stem"), inputs[2], y;
    xai__attributes a = xai__attributes_default();

    for (int i = 0; i < 2; i++) {
        a.kernel[i] = 3;
        a.dilation[i] = a.pads[i] = a.pads[i + 2] = 2 + i;
    }
    inputs[0] = x;
    inputs[1] = network_constant(&n, shape, 4, 0.1);
    y = network_name(&n, xai__op_add(&n.model->graph, XAI__OP_CONV, &a, inputs, 2), "dilated");
    x = network_binary(&n, XAI__OP_ADD, network_conv(&n, x, 16, 1, 1, 1, false, "point"), y, "sum");
    a = xai__attributes_default();
    for (int i = 0; i < 4; i++) {
        a.begin[i] = i == 2 ? 3 : 0;
        a.end[i] = n.model->graph.values[x].shape[i];
        a.step[i] = 1;
    }
    y = network_name(&n, xai__op_add(&n.model->graph, XAI__OP_SLICE, &a, &x, 1), "slice");
    x = network_conv(&n, network_unary(&n, XAI__OP_SIGMOID, y, "sigmoid"), 8, 3, 2, 1, true, "conv");
    return network_end(&n, network_head(&n, x, 4));
}

typedef xai_model *(*make_fn)(xai_context *context);

static const struct network_row {
    make_fn make;
    const char *fetches[MOST_FETCHES]; /* beside the output */
} networks[] = {
    { network_residual, { "maxpool", "a.relu", "b.clip" } },
    { network_preactivation, { "unit0.add", "relu" } },
    { network_dense, { "ab", "odd", "scaled" } },
    { network_pools, { "pool2", "silu" } },
    { network_vector, { "relu", "input", "fc1" } },
    { network_branches, { "sum", "sigmoid" } },
};

enum { N_NETWORKS = sizeof networks / sizeof *networks, N_CHAINS = sizeof chains / sizeof *chains };

/* --- a trial: windows of a picture, and the same pictures whole --- */

typedef struct trial {
    xai_model *model;
    xai_session *session; /* WINDOWED */
    xai_tensor *clean, *other;
    int32_t fetches[MOST_FETCHES];
    size_t n_fetches;
    xai__patch patches[MOST_WINDOWS];
    size_t n;
    xai_tensor *expected[MOST_FETCHES];
} trial;

static void trial_begin(trial *t, xai_model *model, const char *const *fetches)
{
    xai_session_options options = { .struct_size = sizeof options, .purpose = XAI_PURPOSE_WINDOWED };

    memset(t, 0, sizeof *t);
    t->model = model;
    ck_assert_ok(xai_session_create(&t->session, model, &options));
    t->clean = network_input(model, 1, 11);
    t->other = network_input(model, 1, 12);
    t->fetches[t->n_fetches++] = model->graph.output;
    for (size_t i = 0; fetches != NULL && i < MOST_FETCHES && fetches[i] != NULL; i++)
        ck_assert_ok(xai__graph_find(&t->fetches[t->n_fetches++], &model->graph, fetches[i]));
}

static void add_window(trial *t, int64_t y, int64_t x, int64_t height, int64_t width)
{
    const int64_t *shape = t->clean->shape;
    xai__patch *p = &t->patches[t->n++];

    ck_assert_uint_le(t->n, MOST_WINDOWS);
    *p = (xai__patch){ .c1 = (int32_t)shape[1], .picture = t->other->data };
    p->y0 = (int32_t)(y < 0 ? 0 : y);
    p->x0 = (int32_t)(x < 0 ? 0 : x);
    p->y1 = (int32_t)(y + height > shape[2] ? shape[2] : y + height);
    p->x1 = (int32_t)(x + width > shape[3] ? shape[3] : x + width);
}

/* Every corner, every side and the middle, of one pixel and of more; everything, nothing, a channel; some at random. */
static void add_windows(trial *t, size_t n_random)
{
    const int64_t height = t->clean->shape[2], width = t->clean->shape[3];
    static const int64_t sizes[] = { 1, 5, 8 };
    xai__rng rng;

    for (size_t i = 0; i < 3; i++)
        for (int64_t y = 0; y < 3; y++)
            for (int64_t x = 0; x < 3; x++)
                add_window(t, y * (height - sizes[i]) / 2, x * (width - sizes[i]) / 2, sizes[i], sizes[i]);
    add_window(t, 0, 0, height, width);
    add_window(t, 0, 0, 0, 0);
    add_window(t, 2, 0, 3, width);
    add_window(t, 0, 4, height, 2);
    add_window(t, 3, 3, 4, 4);
    t->patches[t->n - 1].c1 = 1;
    xai__rng_seed(&rng, 5);
    for (size_t i = 0; i < n_random; i++) {
        int64_t y = (int64_t)(xai__rng_uniform(&rng) * (double)height),
                x = (int64_t)(xai__rng_uniform(&rng) * (double)width);

        add_window(t, y, x, 1 + (int64_t)(xai__rng_uniform(&rng) * 12), 1 + (int64_t)(xai__rng_uniform(&rng) * 12));
    }
}

static void paint(float *to, const float *from, const int64_t *shape, const xai__patch *p)
{
    for (int64_t c = p->c0; c < p->c1; c++)
        for (int64_t y = p->y0; y < p->y1; y++)
            for (int64_t x = p->x0; x < p->x1; x++)
                to[(c * shape[2] + y) * shape[3] + x] = from[(c * shape[2] + y) * shape[3] + x];
}

/* The same pictures whole, in a batch. */
static void run_whole(trial *t)
{
    int64_t shape[4];
    xai_tensor *batch = NULL;
    xai__request request = { .feed = t->model->graph.input, .fetches = t->fetches, .n_fetches = t->n_fetches };

    memcpy(shape, t->clean->shape, sizeof shape);
    shape[0] = (int64_t)t->n;
    ck_assert_ok(xai_tensor_create(&batch, t->model->object.context, shape, 4));
    for (size_t i = 0; i < t->n; i++) {
        float *picture = batch->data + i * t->clean->size;

        memcpy(picture, t->clean->data, t->clean->size * sizeof(float));
        paint(picture, t->patches[i].picture, shape, &t->patches[i]);
    }
    request.fed = batch;
    ck_assert_ok(xai__session_run(t->expected, t->session, &request));
    xai_tensor_unref(batch);
}

static void assert_same(const trial *t, size_t fetch, const float *got)
{
    const xai_tensor *expected = t->expected[fetch];
    const size_t size = expected->size / t->n;

    for (size_t i = 0; i < t->n * size; i++) {
        const xai__patch *p = &t->patches[i / size];

        if (memcmp(&expected->data[i], &got[i], sizeof *got) != 0)
            ck_abort_msg("'%s', window %zu [%d, %d) x [%d, %d), element %zu: %.9g, whole %.9g",
                         t->model->graph.values[t->fetches[fetch]].name, i / size, p->y0, p->y1, p->x0, p->x1, i % size,
                         got[i], expected->data[i]);
    }
}

static void check_clean(const trial *t, const xai__region *region)
{
    xai_tensor *whole[MOST_FETCHES];
    const xai__request request = {
        .feed = t->model->graph.input, .fed = t->clean, .fetches = t->fetches, .n_fetches = t->n_fetches
    };

    ck_assert_ok(xai__session_run(whole, t->session, &request));
    for (size_t i = 0; i < t->n_fetches; i++) {
        float *clean = malloc(whole[i]->size * sizeof *clean);

        xai__region_clean(region, i, clean);
        ck_assert_mem_eq(clean, whole[i]->data, whole[i]->size * sizeof *clean);
        free(clean);
        xai_tensor_unref(whole[i]);
    }
}

/* Twice, for what a run leaves behind must not be seen by the next. */
static void run_windows(trial *t, uint64_t budget)
{
    xai__region *region = NULL;
    float *out[MOST_FETCHES];

    ck_assert_ok(xai__region_create(&region, t->session, t->clean, t->fetches, t->n_fetches, budget));
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < t->n_fetches; i++)
            ck_assert_ptr_nonnull(out[i] = calloc(t->expected[i]->size, sizeof(float)));
        ck_assert_ok(xai__region_run(region, t->patches, t->n, out));
        for (size_t i = 0; i < t->n_fetches; i++) {
            assert_same(t, i, out[i]);
            free(out[i]);
        }
    }
    check_clean(t, region);
    xai__region_destroy(region);
}

static void trial_end(trial *t)
{
    for (size_t i = 0; i < t->n_fetches; i++)
        xai_tensor_unref(t->expected[i]);
    xai_tensor_unref(t->clean);
    xai_tensor_unref(t->other);
    xai_session_unref(t->session);
    xai_model_unref(t->model);
}

/* The least budget in which this works, to a hundredth. */
static uint64_t least_budget(const trial *t)
{
    uint64_t low = 0, high = 64 << 20;

    while (high - low > high / 100) {
        uint64_t middle = (low + high) / 2;
        xai__region *region = NULL;
        xai_status status = xai__region_create(&region, t->session, t->clean, t->fetches, t->n_fetches, middle);

        ck_assert(status == XAI_OK || status == XAI_E_LIMIT);
        *(status == XAI_OK ? &high : &low) = middle;
        xai__region_destroy(region);
    }
    return high;
}

/* --- small networks --- */

static bool runs_here(const char *chain)
{
    xai_context *context = NULL;
    xai_model *model;
    xai_session *session;
    xai_tensor *input, *out = NULL;
    xai_status status;

    context = network_context(chain, 1);
    model = network_dense(context);
    session = network_session(model, 0);
    input = network_input(model, 1, 1);
    status = xai_session_forward(&out, session, input);
    if (status < 0)
        fprintf(stderr, "SKIP: %s: %s\n", chain, xai_last_error());
    xai_tensor_unref(out);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
    return status == XAI_OK;
}

START_TEST(windows_have_the_bits_of_whole_pictures)
{
    const struct network_row *row = &networks[_i % N_NETWORKS];
    const char *chain = chains[_i / N_NETWORKS];

    if (!runs_here(chain))
        return;
    for (uint32_t n_threads = 1; n_threads <= 2; n_threads++) {
        xai_context *context = network_context(chain, n_threads);
        trial t;
        uint64_t least;

        trial_begin(&t, row->make(context), row->fetches);
        add_windows(&t, 30);
        run_whole(&t);
        least = least_budget(&t);
        for (uint64_t budget = least; budget < 40 * least; budget = budget * 7 / 4)
            run_windows(&t, budget);
        trial_end(&t);
        xai_context_unref(context);
    }
}
END_TEST

/* --- whole networks --- */

static const struct zoo_row {
    const char *architecture, *weights;
    int32_t side;
    size_t n_windows;
} zoo[] = {
    { "resnet18", "imagenet-resnet18-pq/resnet18.safetensors", 224, 12 },
    { "cifar_resnet56", "cifar10-resnet/resnet56.safetensors", 32, 24 },
    { "mobilenet_v2", NULL, 224, 8 },
    { "efficientnet_lite0", NULL, 224, 8 },
    { "vgg16", NULL, 224, 3 },
};

enum { N_ZOO = sizeof zoo / sizeof *zoo };

/* Patches of an eighth of the picture, from one corner to the other. */
static void add_diagonal(trial *t, size_t n, int64_t side)
{
    int64_t patch = side / 8 > 16 ? 16 : side / 8;

    for (size_t i = 0; i < n; i++)
        add_window(t, (int64_t)i * (side - patch) / (int64_t)(n - 1), (int64_t)(n - 1 - i) * 5 % (side - patch), patch,
                   patch);
}

START_TEST(networks_have_the_bits_of_whole_pictures)
{
    const struct zoo_row *row = &zoo[_i];
    const char *path = row->weights != NULL ? testing_data(row->weights) : NULL;
    xai_context *context;
    xai_model *model = NULL;
    trial t;

    if (row->weights != NULL && path == NULL)
        return;
    context = network_context("native", 2);
    ck_assert_ok(xai_model_build(&model, context, row->architecture, path, NULL));
    trial_begin(&t, model, NULL);
    add_diagonal(&t, row->n_windows, row->side);
    run_whole(&t);
    run_windows(&t, 256 << 20);
    trial_end(&t);
    xai_context_unref(context);
}
END_TEST

/* --- arithmetic --- */

START_TEST(share_of_the_arithmetic)
{
    xai_context *context = network_context("native", 1);
    xai__region *region = NULL;
    double share;
    trial t;

    trial_begin(&t, network_residual(context), NULL);
    ck_assert_ok(xai__region_create(&region, t.session, t.clean, t.fetches, t.n_fetches, 64 << 20));
    add_window(&t, 0, 0, 21, 17);
    ck_assert(xai__region_share(region, t.patches, 1) == 1);
    add_window(&t, 0, 0, 0, 0);
    ck_assert(xai__region_share(region, t.patches + 1, 1) == 0);
    ck_assert(xai__region_share(region, t.patches, 2) == 0.5);
    add_window(&t, 0, 0, 1, 1);
    share = xai__region_share(region, t.patches + 2, 1);
    ck_assert_msg(share > 0.01 && share < 0.5, "share %g", share);
    xai__region_destroy(region);
    trial_end(&t);
    xai_context_unref(context);
}
END_TEST

/* --- errors --- */

static int32_t no_edit(xai_hook *hook, xai_tensor *value, void *user)
{
    (void)hook;
    (void)value;
    (void)user;
    return 0;
}

START_TEST(refuses)
{
    xai_context *context = network_context("native", 1);
    xai__region *region = NULL;
    xai_tensor *two;
    xai_hook *hook = NULL;
    float logits[10], *out = logits;
    trial t;

    trial_begin(&t, network_residual(context), NULL);
    two = network_input(t.model, 2, 1);
    ck_assert_fails(xai__region_create(&region, t.session, two, t.fetches, 1, 64 << 20), XAI_E_SHAPE, "got 2");
    ck_assert_fails(xai__region_create(&region, t.session, t.clean, t.fetches, 1, 1000), XAI_E_LIMIT, "1000 bytes");
    ck_assert_ptr_null(region);
    ck_assert_ok(xai_hook_attach(&hook, t.session, "relu", XAI_HOOK_EDIT, no_edit, NULL, NULL));
    ck_assert_fails(xai__region_create(&region, t.session, t.clean, t.fetches, 1, 64 << 20), XAI_E_UNSUPPORTED,
                    "edits 'relu'");
    xai_hook_unref(hook);
    ck_assert_ok(xai__region_create(&region, t.session, t.clean, t.fetches, 1, 64 << 20));
    add_window(&t, 0, 0, 3, 3);
    t.patches[0].y1 = 22;
    ck_assert_fails(xai__region_run(region, t.patches, 1, &out), XAI_E_INVALID,
                    "window 0 is [0, 22) x [0, 3) of channels [0, 3), the picture is 3x21x17");
    t.patches[0].y1 = 3;
    xai_session_cancel(t.session);
    ck_assert_fails(xai__region_run(region, t.patches, 1, &out), XAI_E_CANCELLED, "cancelled");
    ck_assert_ok(xai__region_run(region, t.patches, 1, &out));
    xai__region_destroy(region);
    xai__region_destroy(NULL);
    xai_tensor_unref(two);
    trial_end(&t);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("runtime_region");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 240);
    tcase_add_loop_test(cases, windows_have_the_bits_of_whole_pictures, 0, N_NETWORKS * N_CHAINS);
    tcase_add_loop_test(cases, networks_have_the_bits_of_whole_pictures, 0, N_ZOO);
    tcase_add_test(cases, share_of_the_arithmetic);
    tcase_add_test(cases, refuses);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
