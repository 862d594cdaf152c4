/* SPDX-License-Identifier: MIT
 * Whole networks beside PyTorch: with random weights (zoo.txt and zoo.safetensors, made by make_zoo.py), module by
 * module through the operators' references and to the logits through sessions; and with real ones. */
#include <math.h>

#include "draw.h"
#include "graph_reference.h"
#include "io/weights.h"
#include "model/zoo.h"

/* As make_zoo.py has them: cases with every module, and with logits. */
enum { N_WATCHED = 15, N_CASES = 23 };

/* Where a network's lines begin in zoo.txt. */
typedef struct entry {
    char name[64];
    int height, width;
    long at;
} entry;

static xai_context *context;
static xai__weights *logits;
static FILE *file;
static entry entries[N_WATCHED + 1];
static int n_entries;

static bool read_line(char *line, size_t capacity)
{
    return fgets(line, (int)capacity, file) != NULL;
}

static void open_vectors(void)
{
    char line[256];

    context = testing_context(2);
    ck_assert_ok(xai__weights_open(&logits, context, testing_source("tests/golden/zoo.safetensors")));
    file = fopen(testing_source("tests/golden/zoo.txt"), "r");
    ck_assert_ptr_nonnull(file);
    for (n_entries = 0; read_line(line, sizeof line);) {
        entry *e = &entries[n_entries];

        if (sscanf(line, "case %63s %d %d", e->name, &e->height, &e->width) != 3)
            continue;
        e->at = ftell(file);
        ck_assert_int_le(++n_entries, N_WATCHED);
    }
    ck_assert_int_eq(n_entries, N_WATCHED);
    ck_assert_uint_eq(xai__weights_count(logits), N_CASES);
}

static void close_vectors(void)
{
    fclose(file);
    xai__weights_close(logits);
    xai_context_unref(context);
}

/* draw.py's picture("input"). */
static float *find_logits(const char *name, int height, int width)
{
    char key[128];
    const xai__weight *weight;
    float *elements;

    snprintf(key, sizeof key, "%s %dx%d", name, height, width);
    weight = xai__weights_find(logits, key);
    ck_assert_ptr_nonnull(weight);
    elements = malloc(xai__weight_size(weight) * sizeof *elements);
    ck_assert_ptr_nonnull(elements);
    ck_assert_ok(xai__weight_to_f32(elements, weight));
    return elements;
}

/* --- module by module --- */

/* Tolerance: float32 between the layers of up to 50, against doubles throughout. */
static void check_module(const graph_reference *run, const char *name, const double expected[4])
{
    const float *elements = graph_reference_value(run, name);
    int32_t value = -1;
    double got[4] = { 0 }, tolerance = 2e-5 * expected[1] + 1e-12;
    size_t n;

    ck_assert_ok(xai__graph_find(&value, run->graph, name));
    n = run->graph->values[value].size;
    for (size_t i = 0; i < n; i++) {
        got[0] += elements[i] / (double)n;
        got[1] += fabs((double)elements[i]) / (double)n;
    }
    got[2] = elements[0];
    got[3] = elements[n - 1];
    for (int i = 0; i < 4; i++)
        ck_assert_msg(fabs(got[i] - expected[i]) <= tolerance + 2e-5 * fabs(expected[i]),
                      "%s: figure %d is %.8g, expected %.8g", name, i, got[i], expected[i]);
}

START_TEST(every_module)
{
    const entry *e = &entries[_i];
    char line[256], name[128];
    double figures[4];
    float *picture, *expected;
    xai__graph graph;
    graph_reference run;
    int n = 0;

    picture = draw_picture(e->height, e->width);
    expected = find_logits(e->name, e->height, e->width);
    xai__graph_init(&graph, context);
    ck_assert_ok(xai__zoo_build(&graph, xai__zoo_find(e->name), NULL, SEED, e->height, e->width));
    graph_reference_run(&run, &graph, graph.input, picture);
    ck_assert_int_eq(fseek(file, e->at, SEEK_SET), 0);
    for (; read_line(line, sizeof line) && strncmp(line, "case ", 5) != 0; n++) {
        ck_assert_int_eq(
            sscanf(line, "%127s %lf %lf %lf %lf", name, &figures[0], &figures[1], &figures[2], &figures[3]), 5);
        check_module(&run, name, figures);
    }
    ck_assert_int_gt(n, 20);
    ck_assert_double_le(
        relative_error(graph_reference_at(&run, graph.output), expected, graph.values[graph.output].size), 1e-5);
    graph_reference_free(&run);
    xai__graph_fini(&graph);
    free(expected);
    free(picture);
}
END_TEST

/* --- through sessions --- */

static void check_session(const char *name, int height, int width)
{
    const xai_model_options options = {
        .struct_size = sizeof options, .crop_height = height, .crop_width = width, .seed = SEED
    };
    const int64_t shape[4] = { 1, 3, height, width };
    float *picture = draw_picture(height, width), *expected = find_logits(name, height, width);
    xai_model *model = NULL;
    xai_session *session = NULL;
    xai_tensor *input = NULL, *output = NULL;
    double error;

    ck_assert_ok(xai_model_build(&model, context, name, NULL, &options));
    ck_assert_ok(xai_session_create(&session, model, NULL));
    ck_assert_ok(xai_tensor_wrap(&input, context, picture, shape, 4, NULL, NULL));
    ck_assert_ok(xai_session_forward(&output, session, input));
    error = relative_error(xai_tensor_data(output), expected, xai_tensor_size(output));
    ck_assert_msg(error <= 1e-5, "%s %dx%d: logits are off by %g of the largest", name, height, width, error);
    xai_tensor_unref(output);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    free(expected);
    free(picture);
}

START_TEST(every_network)
{
    int height, width;
    char name[64];

    ck_assert_int_eq(sscanf(xai__weights_at(logits, (size_t)_i)->name, "%63s %dx%d", name, &height, &width), 3);
    check_session(name, height, width);
}
END_TEST

/* --- real weights --- */

/* The logits of a session that has these weights, beside the references'. */
static void check_purposes(const char *backends, const char *name, const char *path, xai_tensor *input,
                           const float *expected)
{
    const xai_context_options options = { .struct_size = sizeof options, .backends = backends };
    xai_context *own = NULL;
    xai_model *model = NULL;

    ck_assert_ok(xai_context_create(&own, &options));
    for (uint32_t purpose = XAI_PURPOSE_LATENCY; purpose <= XAI_PURPOSE_WINDOWED; purpose++) {
        const xai_session_options how = { .struct_size = sizeof how, .purpose = purpose };
        xai_session *session = NULL;
        xai_tensor *output = NULL;
        xai_status status;
        double error;

        ck_assert_ok(xai_model_build(&model, own, name, path, NULL));
        ck_assert_ok(xai_session_create(&session, model, &how));
        status = xai_session_forward(&output, session, input);
        if (status == XAI_E_UNSUPPORTED) {
            printf("# SKIP %s: %s\n", backends, xai_last_error());
        } else {
            ck_assert_ok(status);
            error = relative_error(xai_tensor_data(output), expected, xai_tensor_size(output));
            printf("# %s, %s, purpose %u: logits are off by %.2g of the largest\n", name, backends, purpose, error);
            ck_assert_double_le(error, 2e-5);
        }
        xai_tensor_unref(output);
        xai_session_unref(session);
        xai_model_unref(model);
    }
    xai_context_unref(own);
}

static void check_levels(const char *name, const char *path, xai_tensor *picture, const float *expected)
{
    static const char *const levels[] = { "native-avx512", "native-avx2", "native-baseline" };
    const int64_t shape[4] = { 1, 3, 224, 224 };
    xai_tensor *input = NULL;

    ck_assert_ok(xai_tensor_create(&input, context, shape, 4));
    memcpy(xai_tensor_data(input), xai_tensor_data(picture), xai_tensor_size(input) * sizeof(float));
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        check_purposes(levels[i], name, path, input, expected);
    xai_tensor_unref(input);
}

START_TEST(photograph_by_references)
{
    const char *found = testing_data("imagenet-resnet18-pq/resnet18.safetensors");
    xai__weights *weights = NULL;
    xai_tensor *input = NULL, *expected = NULL;
    xai__graph graph;
    graph_reference run;
    char path[4096];

    if (found == NULL)
        return;
    snprintf(path, sizeof path, "%s", found);
    ck_assert_ok(xai__weights_open(&weights, context, path));
    ck_assert_ok(xai_tensor_load(&input, context, testing_data("../golden/catdog/input.npy")));
    ck_assert_ok(xai_tensor_load(&expected, context, testing_data("../golden/catdog/logits.npy")));
    xai__graph_init(&graph, context);
    ck_assert_ok(xai__zoo_build(&graph, xai__zoo_find("resnet18"), weights, 0, 224, 224));
    graph_reference_run(&run, &graph, graph.input, xai_tensor_data(input));
    ck_assert_double_le(relative_error(graph_reference_at(&run, graph.output), xai_tensor_data(expected), 1000), 1e-5);
    check_levels("resnet18", path, input, graph_reference_at(&run, graph.output));
    graph_reference_free(&run);
    xai__graph_fini(&graph);
    xai__weights_close(weights);
    xai_tensor_unref(input);
    xai_tensor_unref(expected);
}
END_TEST

/* One 32x32 picture a row. */
static int classify_row(xai_session *session, const xai_model *model, xai_image *rows, int row)
{
    const uint8_t *pixels = xai_image_pixels(rows) + (size_t)row * 32 * 32 * 3;
    xai_image *image = NULL;
    xai_tensor *input = NULL, *output = NULL;
    int best = 0;

    ck_assert_ok(xai_image_create(&image, context, pixels, 32, 32));
    ck_assert_ok(xai_model_prepare(&input, model, image));
    ck_assert_ok(xai_session_forward(&output, session, input));
    for (int i = 1; i < 10; i++)
        best = xai_tensor_data(output)[i] > xai_tensor_data(output)[best] ? i : best;
    xai_tensor_unref(output);
    xai_tensor_unref(input);
    xai_image_unref(image);
    return best;
}

static int count_right(const char *name, const char *weights, xai_image *rows, FILE *labels)
{
    xai_model *model = NULL;
    xai_session *session = NULL;
    int right = 0, label;

    ck_assert_ok(xai_model_build(&model, context, name, weights, NULL));
    ck_assert_ok(xai_session_create(&session, model, NULL));
    for (int row = 0; row < xai_image_height(rows); row++) {
        ck_assert_int_eq(fscanf(labels, "%d", &label), 1);
        right += classify_row(session, model, rows, row) == label;
    }
    xai_session_unref(session);
    xai_model_unref(model);
    return right;
}

START_TEST(cifar_pictures)
{
    static const struct {
        const char *name, *weights;
        int right;
    } rows[] = {
        { "cifar_resnet20", "cifar10-resnet/resnet20-12fca82f.th", 47 },
        { "cifar_resnet56", "cifar10-resnet/resnet56-4bfd9763.th", 48 },
        { "cifar_resnet20", "cifar10-resnet/resnet20.safetensors", 47 },
        { "cifar_resnet56", "cifar10-resnet/resnet56.safetensors", 48 },
    };
    const char *path = testing_data("cifar10/cifar10_test50.png");
    xai_image *pictures = NULL;
    FILE *labels;

    if (path == NULL || testing_data(rows[_i].weights) == NULL)
        return;
    ck_assert_ok(xai_image_load(&pictures, context, testing_data("cifar10/cifar10_test50.png"), 0));
    ck_assert_int_eq(xai_image_width(pictures), 32 * 32);
    ck_assert_int_eq(xai_image_height(pictures), 50);
    labels = fopen(testing_data("cifar10/cifar10_test50.labels.txt"), "r");
    ck_assert_ptr_nonnull(labels);
    ck_assert_int_eq(count_right(rows[_i].name, testing_data(rows[_i].weights), pictures, labels), rows[_i].right);
    fclose(labels);
    xai_image_unref(pictures);
}
END_TEST

static Suite *zoo_suite(void)
{
    Suite *suite = suite_create("zoo");
    TCase *cases = tcase_create("zoo");

    tcase_set_timeout(cases, 300);
    tcase_add_unchecked_fixture(cases, open_vectors, close_vectors);
    tcase_add_loop_test(cases, every_module, 0, N_WATCHED);
    tcase_add_loop_test(cases, every_network, 0, N_CASES);
    tcase_add_test(cases, photograph_by_references);
    tcase_add_loop_test(cases, cifar_pictures, 0, 4);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(zoo_suite)
