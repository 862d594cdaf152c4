/* SPDX-License-Identifier: MIT
 * Influence: training sets from lists and callbacks, caches that grow, what is refused, the same bits for any threads.
 */
#include "influence_folder.h"

#include "model/parameter_names.h"

/* Paths of a test; files_path() has one buffer. */
typedef struct paths {
    char list[8192], cache[8192];
} paths;

static xai_training_options list_options(const folder *f, paths *p, bool has_cache)
{
    snprintf(p->list, sizeof p->list, "%s", files_path(f->path, "list.txt"));
    snprintf(p->cache, sizeof p->cache, "%s", files_path(f->path, "cache"));
    return (xai_training_options){ .struct_size = sizeof(xai_training_options),
                                   .list = p->list,
                                   .cache = has_cache ? p->cache : NULL };
}

static void check_same(const xai_training *a, const xai_training *b)
{
    ck_assert_uint_eq(xai_training_count(a), xai_training_count(b));
    for (size_t i = 0; i < a->n; i++) {
        ck_assert_int_eq(xai_training_label(a, i), xai_training_label(b, i));
        ck_assert_mem_eq(a->features + i * a->stride, b->features + i * b->stride, a->n_features * sizeof(float));
    }
}

static int32_t stop_at_once(uint64_t done, uint64_t total, void *user)
{
    ck_assert(done <= total);
    ++*(int *)user;
    return 1;
}

START_TEST(list_and_callback_agree)
{
    folder f = folder_begin(1);
    paths p;
    xai_training_options options = list_options(&f, &p, false), others = options_of(&f.source);
    xai_training *list = NULL, *callback = NULL;
    xai_image *image = NULL;

    ck_assert_ok(xai_training_open(&list, f.session, &options));
    ck_assert_ok(xai_training_open(&callback, f.session, &others));
    ck_assert_uint_eq(xai_training_count(list), N_PICTURES);
    check_same(list, callback);
    ck_assert_str_eq(xai_training_path(list, 11), "11 a.png");
    ck_assert_ptr_null(xai_training_path(callback, 11));
    ck_assert_ptr_null(xai_training_path(list, N_PICTURES));
    ck_assert_int_eq(xai_training_label(list, N_PICTURES), -1);
    ck_assert_ok(xai_training_image(&image, list, 11));
    ck_assert_int_eq(xai_image_width(image), 17);
    xai_image_unref(image);
    ck_assert_fails(xai_training_image(&image, list, N_PICTURES), XAI_E_INVALID, "there is no example 37");
    xai_training_unref(list);
    xai_training_unref(callback);
    folder_end(&f);
}
END_TEST

/* A cache that was stopped, and one cut off within a record, go on and end as if nothing had happened. */
START_TEST(resumes)
{
    folder f = folder_begin(2);
    paths p;
    int calls = 0;
    const xai_run_options run = { .struct_size = sizeof run, .progress = stop_at_once, .user = &calls };
    xai_training_options options = list_options(&f, &p, false);
    xai_training *whole = NULL, *part = NULL;

    ck_assert_ok(xai_training_open(&whole, f.session, &options));
    options = list_options(&f, &p, true);
    options.run = &run;
    ck_assert_int_eq(xai_training_open(&part, f.session, &options), XAI_PARTIAL);
    ck_assert_uint_eq(xai_training_count(part), 16);
    ck_assert_mem_eq(part->features, whole->features, 40 * sizeof(float));
    xai_training_unref(part);
    ck_assert_int_eq(truncate(p.cache, 64 + 10 * (16 + 40 * 4) + 23), 0);
    ck_assert_int_eq(xai_training_open(&part, f.session, &options), XAI_PARTIAL);
    ck_assert_uint_eq(xai_training_count(part), 26);
    xai_training_unref(part);
    options.run = NULL;
    ck_assert_ok(xai_training_open(&part, f.session, &options));
    check_same(whole, part);
    xai_training_unref(part);
    options.run = &run;
    calls = 0;
    ck_assert_ok(xai_training_open(&part, f.session, &options));
    ck_assert_int_eq(calls, 0); /* nothing was left to do */
    check_same(whole, part);
    xai_training_unref(part);
    xai_training_unref(whole);
    folder_end(&f);
}
END_TEST

static void flip(const char *path, long offset)
{
    FILE *file = fopen(path, "r+b");
    int byte;

    ck_assert_ptr_nonnull(file);
    fseek(file, offset, SEEK_SET);
    byte = fgetc(file);
    fseek(file, offset, SEEK_SET);
    fputc(byte ^ 0x10, file);
    fclose(file);
}

START_TEST(damaged_caches)
{
    static const struct {
        long offset;
        const char *words;
    } damages[] = {
        { 0, "is not a file of features" },
        { 8, "another byte order" },
        { 16, "the header is damaged" },
        { 40, "the header is damaged" },
        { 56, "the header is damaged" },
        { 64, "record 0 of 37 is damaged" },
        { 64 + 9 * 176 + 70, "record 9 of 37 is damaged" },
    };
    folder f = folder_begin(1);
    paths p;
    xai_training_options options = list_options(&f, &p, true);
    xai_training *set = NULL;

    ck_assert_ok(xai_training_open(&set, f.session, &options));
    xai_training_unref(set);
    flip(p.cache, damages[_i].offset);
    ck_assert_fails(xai_training_open(&set, f.session, &options), XAI_E_FORMAT, damages[_i].words);
    ck_assert_ptr_null(set);
    flip(p.cache, damages[_i].offset);
    flip(p.cache, 64 + 36 * 176 + 20); /* the last record is made again */
    ck_assert_ok(xai_training_open(&set, f.session, &options));
    ck_assert_uint_eq(xai_training_count(set), N_PICTURES);
    xai_training_unref(set);
    folder_end(&f);
}
END_TEST

/* Another preparation, another layer, another list: each cache knows what it is about. */
START_TEST(foreign_caches)
{
    folder f = folder_begin(1);
    paths p;
    xai_training_options options = list_options(&f, &p, true);
    xai_training *set = NULL;

    ck_assert_ok(xai_training_open(&set, f.session, &options));
    xai_training_unref(set);
    f.model->preparation.mean[1] = 0.4f;
    ck_assert_fails(xai_training_open(&set, f.session, &options), XAI_E_FORMAT, "features of another model");
    f.model->preparation.mean[1] = 0.5f;
    files_write_text(f.path, "list.txt", "0 a.png\t1\n2 a.png\t1\n");
    ck_assert_fails(xai_training_open(&set, f.session, &options), XAI_E_FORMAT, "holds 37 examples, there are only 2");
    unlink(p.cache);
    ck_assert_ok(xai_training_open(&set, f.session, &options));
    xai_training_unref(set);
    files_write_text(f.path, "list.txt", "0 a.png\t1\n3 a.png\t1\n");
    ck_assert_fails(xai_training_open(&set, f.session, &options), XAI_E_FORMAT,
                    "record 1 is of another picture than 3 a.png");
    files_write_text(f.path, "list.txt", "0 a.png\t4\n2 a.png\t5\n"); /* labels may change */
    ck_assert_ok(xai_training_open(&set, f.session, &options));
    ck_assert_int_eq(xai_training_label(set, 1), 5);
    xai_training_unref(set);
    folder_end(&f);
}
END_TEST

START_TEST(bad_lists)
{
    static const struct {
        const char *text, *words;
        xai_status status;
    } lists[] = {
        { "", "holds no examples", XAI_E_FORMAT },
        { "# nothing\n\n", "holds no examples", XAI_E_FORMAT },
        { "0 a.png\t1\nalone.png\n", "line 2: expected a path, then a tab, comma or blank, then a label",
          XAI_E_FORMAT },
        { "\t3\n", "line 1: expected a path", XAI_E_FORMAT },
        { "a.png,\n", "line 1: the label is empty", XAI_E_FORMAT },
        { "0 a.png\t10\n", "line 1: ", XAI_E_NOT_FOUND },
        { "0 a.png\t-1\n", "line 1: ", XAI_E_NOT_FOUND },
        { "0 a.png\ttop\n", "line 1: 'top' is not the label of an example", XAI_E_INVALID },
        { "none.png\t1\n", "none.png", XAI_E_IO },
        { "list.txt\t1\n", "list.txt", XAI_E_FORMAT },
    };
    folder f = folder_begin(1);
    paths p;
    xai_training_options options = list_options(&f, &p, false);
    xai_training *set = NULL;

    files_write_text(f.path, "list.txt", lists[_i].text);
    ck_assert_fails(xai_training_open(&set, f.session, &options), lists[_i].status, lists[_i].words);
    ck_assert_ptr_null(set);
    folder_end(&f);
}
END_TEST

static int32_t refuse(xai_image **image, int64_t *label, size_t index, void *user)
{
    *label = 0;
    return image != NULL && index == 2 ? 7 : 0;
}

START_TEST(bad_sets)
{
    folder f = folder_begin(1);
    const xai_run_options poor = { .struct_size = sizeof poor, .memory_budget = 1000 };
    xai_training_options options = options_of(&f.source);
    xai_training *set = NULL;
    xai_tensor *image = NULL;

    options.list = "list.txt";
    ck_assert_fails(xai_training_open(&set, f.session, &options), XAI_E_INVALID, "got both");
    options.list = NULL;
    options.flags = 8;
    ck_assert_fails(xai_training_open(&set, f.session, &options), XAI_E_INVALID, "flags");
    options.flags = 0;
    options.run = &poor;
    ck_assert_fails(xai_training_open(&set, f.session, &options), XAI_E_LIMIT, "name a cache file");
    options.run = NULL;
    options.classifier = "a.conv1";
    ck_assert_fails(xai_training_open(&set, f.session, &options), XAI_E_UNSUPPORTED, "'a.conv1'");
    options.classifier = NULL;
    f.source.labels[5] = 10;
    ck_assert_fails(xai_training_open(&set, f.session, &options), XAI_E_INVALID, "example 5 has label 10");
    options.example = refuse;
    ck_assert_fails(xai_training_open(&set, f.session, &options), XAI_E_CALLBACK, "gave no picture for example 0");
    options.example = NULL;
    ck_assert_fails(xai_training_open(&set, f.session, &options), XAI_E_INVALID, "got neither");
    ck_assert_fails(xai_training_wrap(&set, f.context, NULL, f.source.labels, NULL, NULL), XAI_E_INVALID, "features");
    ck_assert_ok(xai_tensor_create(&image, f.context, (const int64_t[]){ 2, 3 }, 2));
    ck_assert_fails(xai_training_wrap(&set, f.context, image, f.source.labels, f.source.inputs, NULL), XAI_E_SHAPE,
                    "got 2x3, 37x3x21x17 and none");
    image->data[4] = NAN;
    ck_assert_fails(xai_training_wrap(&set, f.context, image, f.source.labels, image, NULL), XAI_E_FORMAT, "NaN");
    xai_tensor_unref(image);
    folder_end(&f);
}
END_TEST

/* --- methods --- */

START_TEST(same_bits)
{
    static const char *const methods[] = { "last-layer", "last-layer", "tracin-fast", "tracin", "layers" };
    static const char *const solvers[] = { NULL, "cg", NULL, NULL, NULL };
    double scores[3][2 * N_PICTURES], own[3][N_PICTURES];

    for (uint32_t i = 0; i < 3; i++) {
        folder f = folder_begin(i + 1);
        xai_training *set = open_source(f.model, &f.source);
        xai_tensor *tests = network_input(f.model, 2, 9);
        xai_influence_options options = { .struct_size = sizeof options, .method = methods[_i], .solver = solvers[_i] };
        xai_influence_record records[2];
        xai_influence *influence = NULL;

        ck_assert_ok(xai_influence_create(&influence, &set, 1, &options));
        ck_assert_ok(xai_influence_compute(scores[i], records, influence, tests, NULL));
        ck_assert_int_eq(records[1].label, records[1].prediction);
        ck_assert_ok(xai_influence_self(own[i], NULL, influence));
        for (size_t k = 0; k < N_PICTURES; k++)
            ck_assert_double_ge(own[i][k], 0);
        ck_assert_mem_eq(scores[i], scores[0], sizeof scores[0]);
        ck_assert_mem_eq(own[i], own[0], sizeof own[0]);
        xai_influence_unref(influence);
        xai_training_unref(set);
        xai_tensor_unref(tests);
        folder_end(&f);
    }
}
END_TEST

/* What an allocator has handed out, and had at most. */
typedef struct tally {
    size_t now, most;
} tally;

static void *tally_allocate(size_t size, size_t alignment, void *user)
{
    tally *t = user;

    t->now += size;
    t->most = t->now > t->most ? t->now : t->most;
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void tally_release(void *data, size_t size, void *user)
{
    tally *t = user;

    t->now -= data != NULL ? size : 0;
    free(data);
}

enum { N_TESTS = 64 };

static void ask_tracin(double *scores, size_t *taken, xai_training *set, const xai_tensor *tests, tally *t,
                       uint64_t budget)
{
    const xai_run_options run = { .struct_size = sizeof run, .memory_budget = budget };
    const xai_influence_options options = { .struct_size = sizeof options, .method = "tracin", .run = &run };
    xai_influence *influence = NULL;
    size_t before;

    ck_assert_ok(xai_influence_create(&influence, &set, 1, &options));
    before = t->most = t->now;
    ck_assert_ok(xai_influence_compute(scores, NULL, influence, tests, NULL));
    *taken = t->most - before;
    xai_influence_unref(influence);
}

/* Tests' gradients count as well: those that do not fit wait for their turn, with the same bits. */
START_TEST(tracin_keeps_within_its_budget)
{
    tally t = { 0 };
    const xai_allocator allocator = { .allocate = tally_allocate, .release = tally_release, .user = &t };
    const xai_context_options options = { .struct_size = sizeof options, .n_threads = 1, .allocator = &allocator };
    double *scores = calloc(N_TESTS * N_PICTURES, sizeof *scores), *other = calloc(N_TESTS * N_PICTURES, sizeof *other);
    size_t row = 0, taken;
    xai_context *context = NULL;
    xai_training *set;
    xai_model *model;
    example_source source;
    xai_tensor *tests;

    ck_assert_ok(xai_context_create(&context, &options));
    model = network_residual(context);
    prepare_plainly(model);
    source = random_source(model, N_PICTURES, 3);
    set = open_source(model, &source);
    tests = network_input(model, N_TESTS, 9);
    for (size_t i = 0; i < xai_model_n_parameters(model); i++) {
        int64_t shape[4] = { 1, 1, 1, 1 };

        xai_model_parameter_shape(model, i, shape, 4);
        row += (size_t)(shape[0] * shape[1] * shape[2] * shape[3]) * sizeof(float);
    }
    ask_tracin(scores, &taken, set, tests, &t, UINT64_C(1) << 30);
    ck_assert_uint_gt(taken, N_TESTS * row);
    for (size_t n_rows = 0; n_rows < N_TESTS + 10; n_rows += n_rows < 6 ? 1 : 17) {
        ask_tracin(other, &taken, set, tests, &t, n_rows > 0 ? n_rows * row : 1);
        ck_assert_mem_eq(other, scores, N_TESTS * N_PICTURES * sizeof *scores);
        ck_assert_uint_lt(taken, (n_rows + 6) * row); /* three at least, and what a pass takes beside gradients */
    }
    xai_tensor_unref(tests);
    xai_training_unref(set);
    free_source(&source);
    xai_model_unref(model);
    xai_context_unref(context);
    ck_assert_uint_eq(t.now, 0);
    free(scores);
    free(other);
}
END_TEST

START_TEST(parameter_names)
{
    static const char *const expected[] = { "conv1.weight",   "bn1.weight",      "bn1.bias",        "a.conv1.weight",
                                            "a.bn1.weight",   "a.bn1.bias",      "a.conv2.weight",  "a.bn2.weight",
                                            "a.bn2.bias",     "b.down.0.weight", "b.down.1.weight", "b.down.1.bias",
                                            "b.conv1.weight", "b.conv1.bias",    "b.conv2.weight",  "b.conv2.bias",
                                            "fc.weight",      "fc.bias" };
    xai_context *context = testing_context(1);
    xai_model *model = network_residual(context);
    int64_t shape[4] = { 0 };
    char name[64];

    ck_assert_uint_eq(xai_model_n_parameters(model), 18);
    for (size_t i = 0; i < 18; i++) {
        ck_assert_uint_eq(xai_model_parameter_name(model, i, name, sizeof name), strlen(expected[i]));
        ck_assert_str_eq(name, expected[i]);
    }
    ck_assert_uint_eq(xai_model_parameter_shape(model, 12, shape, 4), 4);
    ck_assert(shape[0] == 40 && shape[1] == 24 && shape[2] == 3 && shape[3] == 3);
    ck_assert_uint_eq(xai_model_parameter_name(model, 18, name, sizeof name), 0);
    ck_assert_str_eq(name, "");
    ck_assert_uint_eq(xai_model_parameter_shape(model, 18, shape, 4), 0);
    ck_assert_uint_eq(xai_model_parameter_name(model, 17, NULL, 0), 7);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

/* Another convolution with the weights of one that is there. */
static int32_t convolve_again(network *n, int32_t x, int32_t first, const char *name)
{
    const xai__node node = n->model->graph.nodes[n->model->graph.values[first].producer];
    const int32_t inputs[3] = { x, node.inputs[1], node.inputs[2] };

    return network_name(n, xai__op_add(&n->model->graph, XAI__OP_CONV, &node.attributes, inputs, 3), name);
}

/* A module that is called twice, and one that has the weights of another: each tensor counts once, by a name that a
 * state dict could have. */
START_TEST(shared_parameters)
{
    static const char *const expected[] = { "conv.weight", "conv.bias", "fc.weight", "fc.bias" };
    xai_context *context = testing_context(1);
    network n = network_begin(context, 4, 9, 9);
    int32_t first = network_conv(&n, 0, 4, 3, 1, 1, true, "conv"), x = convolve_again(&n, first, first, "conv");
    xai_model *model = network_end(&n, network_head(&n, convolve_again(&n, x, first, "tied"), 3));
    int32_t *values = NULL;
    size_t n_values = 0;
    char name[64];

    ck_assert_uint_eq(xai_model_n_parameters(model), 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(xai_model_parameter_name(model, i, name, sizeof name), strlen(expected[i]));
        ck_assert_str_eq(name, expected[i]);
    }
    ck_assert_uint_eq(xai_model_parameter_name(model, 4, name, sizeof name), 0);
    ck_assert_ok(xai__parameters_find(&values, &n_values, &model->graph, "conv.weight"));
    ck_assert_ok(xai__parameters_find(&values, &n_values, &model->graph, "tied.weight"));
    ck_assert_ok(xai__parameters_find(&values, &n_values, &model->graph, "conv#1"));
    ck_assert_uint_eq(n_values, 2);
    xai__free(context, values);
    xai_model_unref(model);
    xai_context_unref(context);
}
END_TEST

/* The page holds its pictures, and what names say stays words. */
START_TEST(page)
{
    folder f = folder_begin(1);
    xai_training *set = open_source(f.model, &f.source);
    double scores[N_PICTURES];
    const xai_influence_record record = { .prediction = 3, .label = 4, .loss = 1.5, .residual = 1e-9 };
    char path[8192], *text = calloc(1, 1 << 20);
    xai_image *image = NULL;
    size_t n_images = 0;
    FILE *file;

    for (size_t i = 0; i < N_PICTURES; i++)
        scores[i] = 5.5 - (double)i;
    snprintf(path, sizeof path, "%s", files_path(f.path, "cache"));
    ck_assert_ok(xai_training_image(&image, set, 0));
    ck_assert_ok(xai_influence_page(path, set, scores, image, "<script>&.png", &record, 8));
    file = fopen(path, "rb");
    ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, file), 2000);
    fclose(file);
    for (const char *at = strstr(text, "<img "); at != NULL; at = strstr(at + 1, "<img "))
        n_images++;
    ck_assert_uint_eq(n_images, 1 + 6 + 8); /* the test, the six that help, eight that harm */
    ck_assert_ptr_null(strstr(text, "<script>"));
    ck_assert_ptr_nonnull(strstr(text, "&lt;script&gt;&amp;.png"));
    ck_assert_ptr_nonnull(strstr(text, "data:image/png;base64,iVBORw0KGgo"));
    scores[5] = INFINITY;
    ck_assert_fails(xai_influence_page(path, set, scores, image, NULL, &record, 8), XAI_E_INVALID,
                    "score 5 is not finite");
    scores[5] = 0.5;
    ck_assert_fails(xai_influence_page("", set, scores, image, NULL, &record, 8), XAI_E_INVALID, "empty");
    ck_assert_fails(xai_influence_page(path, set, scores, image, NULL, &record, 501), XAI_E_INVALID, "got 501");
    xai_image_unref(image);
    free(text);
    xai_training_unref(set);
    folder_end(&f);
}
END_TEST

static xai_status try_options(xai_training *set, const xai_tensor *tests, const xai_influence_options *options)
{
    double scores[2 * N_PICTURES];
    xai_influence *influence = NULL;
    xai_status status = xai_influence_create(&influence, &set, 1, options);

    ck_assert((status < 0) == (influence == NULL));
    if (status == XAI_OK)
        status = xai_influence_compute(scores, NULL, influence, tests, NULL);
    xai_influence_unref(influence);
    return status;
}

START_TEST(refused)
{
    static const char *const no_such[1] = { "fx.weight" }, *const relu[1] = { "relu" };
    static const struct {
        xai_influence_options options;
        const char *words;
        xai_status status;
    } cases[] = {
        { { .method = "magic" }, "last-layer, ", XAI_E_NOT_FOUND },
        { { .solver = "magic" }, "cholesky, cg, lissa", XAI_E_NOT_FOUND },
        { { .profile = "magic" }, "default, captum", XAI_E_NOT_FOUND },
        { { .profile = "captum" }, "has no profile 'captum'", XAI_E_NOT_FOUND },
        { { .method = "tracin-fast", .damping = 1 }, "has no option damping", XAI_E_INVALID },
        { { .method = "layers", .product = "magic" }, "gauss-newton, gradients", XAI_E_NOT_FOUND },
        { { .method = "layers", .solver = "cholesky" }, "has no solver 'cholesky'", XAI_E_INVALID },
        { { .method = "layers", .parameters = no_such, .n_parameters = 1 }, "no value is named 'fx'", XAI_E_NOT_FOUND },
        { { .method = "tracin", .parameters = relu, .n_parameters = 1 }, "'relu' has no parameters", XAI_E_NOT_FOUND },
        { { .product = "gradients" }, "has no option product", XAI_E_INVALID },
        { { .flags = 6 }, "flags of influence are 6", XAI_E_INVALID },
        { { .damping = -1 }, "damping -1", XAI_E_INVALID },
        { { .solver = "cg", .max_iterations = 1 }, "after 1 iterations of cg: raise damping", XAI_E_LIMIT },
        { { .solver = "lissa", .scale = 1e-3 }, "LiSSA diverges: scale 0.001", XAI_E_LIMIT },
        { { .solver = "lissa", .max_iterations = 2, .tolerance = 1e-3 }, "iterations of lissa", XAI_E_LIMIT },
        { { .tolerance = 1e-300 }, "is above the tolerance 1e-300", XAI_E_LIMIT },
    };
    folder f = folder_begin(1);
    xai_training *set = open_source(f.model, &f.source);
    xai_tensor *tests = network_input(f.model, 2, 9), *features = NULL;
    xai_influence_options options = cases[_i].options;
    int64_t labels[2] = { 0, 10 };
    double scores[2 * N_PICTURES];
    xai_influence *influence = NULL;

    options.struct_size = sizeof options;
    ck_assert_fails(try_options(set, tests, &options), cases[_i].status, cases[_i].words);
    ck_assert_ok(xai_influence_create(&influence, &set, 1, NULL));
    ck_assert_fails(xai_influence_compute(scores, NULL, influence, tests, labels), XAI_E_INVALID, "no class 10");
    ck_assert_ok(xai_tensor_create(&features, f.context, (const int64_t[]){ 1, 7 }, 2));
    ck_assert_fails(xai_influence_compute(scores, NULL, influence, features, NULL), XAI_E_SHAPE, "got 1x7");
    xai_tensor_unref(features);
    xai_influence_unref(influence);
    xai_tensor_unref(tests);
    xai_training_unref(set);
    folder_end(&f);
}
END_TEST

START_TEST(ranks)
{
    const double scores[6] = { 0.5, -1, 3, 0.5, 3, -2 };
    static const uint32_t expected[6] = { 2, 4, 0, 3, 1, 5 };
    uint32_t order[6];

    xai_influence_rank(order, scores, 6);
    ck_assert_mem_eq(order, expected, sizeof order);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_influence");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, list_and_callback_agree);
    tcase_add_test(cases, resumes);
    tcase_add_loop_test(cases, damaged_caches, 0, 7);
    tcase_add_test(cases, foreign_caches);
    tcase_add_loop_test(cases, bad_lists, 0, 10);
    tcase_add_test(cases, bad_sets);
    tcase_add_loop_test(cases, same_bits, 0, 5);
    tcase_add_loop_test(cases, refused, 0, 16);
    tcase_add_test(cases, tracin_keeps_within_its_budget);
    tcase_add_test(cases, parameter_names);
    tcase_add_test(cases, shared_parameters);
    tcase_add_test(cases, page);
    tcase_add_test(cases, ranks);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
