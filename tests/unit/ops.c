/* SPDX-License-Identifier: MIT
 * Operators: every case of golden/ops.safetensors (made by golden/make_ops.py with PyTorch in double precision), whole
 * and by windows; what their shape rules refuse; what they do with NaN. */
#include <math.h>

#include "graph_reference.h"
#include "core/tensor.h"
#include "io/weights.h"

enum { MAX_PARTS = 8, N_ATTRIBUTES = 18 + 4 * XAI__MAX_RANK };

static xai_context *context;
static xai__weights *weights;

/* The case that is looked at, for messages. */
typedef struct example {
    char name[128];
    xai__graph graph;
    float *inputs[MAX_PARTS];
    size_t n_inputs;
    int32_t output;
    float *expected;
} example;

static void open_cases(void)
{
    context = testing_context(1);
    ck_assert_ok(xai__weights_open(&weights, context, testing_source("tests/golden/ops.safetensors")));
}

static void close_cases(void)
{
    xai__weights_close(weights);
    xai_context_unref(context);
}

static const xai__weight *find_part(const example *e, const char *part)
{
    char name[192];

    snprintf(name, sizeof name, "%s/%s", e->name, part);
    return xai__weights_find(weights, name);
}

static float *copy_elements(const xai__weight *weight)
{
    float *elements = malloc((xai__weight_size(weight) + 1) * sizeof *elements);

    ck_assert_ptr_nonnull(elements);
    ck_assert_ok(xai__weight_to_f32(elements, weight));
    return elements;
}

static uint32_t find_op(const char *name)
{
    for (uint32_t op = 0; op < XAI__N_OPERATORS; op++) {
        const char *known = xai__op_find(op)->name;

        if (strncmp(name, known, strlen(known)) == 0 && name[strlen(known)] == '/')
            return op;
    }
    ck_abort_msg("'%s' is no case of an operator", name);
    return 0;
}

static void read_extents(int64_t *out, const float *row)
{
    for (size_t i = 0; i < XAI__MAX_RANK; i++)
        out[i] = (int64_t)row[i];
}

/* The order is make_ops.py's. */
static xai__attributes read_attributes(const example *e)
{
    const xai__weight *weight = find_part(e, "attributes");
    xai__attributes a = xai__attributes_default();
    float *row;

    ck_assert_ptr_nonnull(weight);
    ck_assert_uint_eq(xai__weight_size(weight), N_ATTRIBUTES);
    row = copy_elements(weight);
    for (int i = 0; i < 2; i++) {
        a.kernel[i] = (int32_t)row[i];
        a.stride[i] = (int32_t)row[2 + i];
        a.dilation[i] = (int32_t)row[4 + i];
    }
    for (int i = 0; i < 4; i++)
        a.pads[i] = (int32_t)row[6 + i];
    a.groups = (int32_t)row[10];
    a.axis = (int32_t)row[11];
    a.ceil_mode = row[12] != 0;
    a.count_pad = row[13] != 0;
    a.low = row[14];
    a.high = row[15];
    a.epsilon = row[16];
    a.rank = (uint32_t)row[17];
    read_extents(a.begin, row + 18);
    read_extents(a.end, row + 18 + XAI__MAX_RANK);
    read_extents(a.step, row + 18 + 2 * XAI__MAX_RANK);
    read_extents(a.shape, row + 18 + 3 * XAI__MAX_RANK);
    free(row);
    return a;
}

static void open_example(example *e, const char *output)
{
    xai__attributes attributes;
    int32_t inputs[MAX_PARTS];

    *e = (example){ .n_inputs = 0 };
    snprintf(e->name, sizeof e->name, "%.*s", (int)(strrchr(output, '/') - output), output);
    attributes = read_attributes(e);
    xai__graph_init(&e->graph, context);
    for (;; e->n_inputs++) {
        char part[16];
        const xai__weight *weight;

        snprintf(part, sizeof part, "input%zu", e->n_inputs);
        weight = find_part(e, part);
        if (weight == NULL)
            break;
        e->inputs[e->n_inputs] = copy_elements(weight);
        inputs[e->n_inputs] = xai__graph_add_value(&e->graph, weight->shape, (uint32_t)weight->rank);
        if (e->n_inputs > 0) /* indices must be constant, others may be */
            e->graph.values[inputs[e->n_inputs]].constant.data = e->inputs[e->n_inputs];
    }
    e->output = xai__op_add(&e->graph, find_op(e->name), &attributes, inputs, e->n_inputs);
    ck_assert_msg(e->output >= 0, "%s: %s", e->name, xai_last_error());
    e->expected = copy_elements(find_part(e, "output"));
}

static void close_example(example *e)
{
    for (size_t i = 0; i < e->n_inputs; i++)
        free(e->inputs[i]);
    free(e->expected);
    xai__graph_fini(&e->graph);
}

static void check_shape(const example *e)
{
    const xai__value *value = &e->graph.values[e->output];
    const xai__weight *weight = find_part(e, "output");
    char is[128], expected[128];

    ck_assert_str_eq(xai__shape_text(is, sizeof is, value->shape, value->rank),
                     xai__shape_text(expected, sizeof expected, weight->shape, weight->rank));
}

/* Tolerance: one rounding to float of what double precision gives, and one more where a bias is added. */
static void check_elements(const example *e, const float *out)
{
    for (size_t i = 0; i < e->graph.values[e->output].size; i++) {
        const float a = out[i], b = e->expected[i];
        const bool same = a == b || (isnan(a) && isnan(b)) || fabsf(a - b) <= 5e-7f * (1 + fabsf(b));

        ck_assert_msg(same, "%s: element %zu is %.9g, expected %.9g", e->name, i, (double)a, (double)b);
    }
}

static float *compute(const example *e, const xai__op_window *window, float *out)
{
    if (out == NULL)
        out = malloc((e->graph.values[e->output].size + 1) * sizeof *out);
    ck_assert_ptr_nonnull(out);
    xai__op_compute(&e->graph, 0, (const float *const *)e->inputs, out, window);
    return out;
}

static void check_whole(example *e)
{
    float *out = compute(e, NULL, NULL);

    check_shape(e);
    check_elements(e, out);
    free(out);
}

static bool is_local(uint32_t op)
{
    return op == XAI__OP_CONV || op == XAI__OP_MAX_POOL || op == XAI__OP_AVERAGE_POOL || op == XAI__OP_CONV_DATA ||
           op == XAI__OP_MAX_POOL_DATA || op == XAI__OP_AVERAGE_POOL_DATA;
}

/* Elements inside are those of the full result, bit for bit; local operators leave the others alone. */
static void compare_window(const example *e, const float *whole, const float *part, const xai__op_window *w)
{
    const xai__value *value = &e->graph.values[e->output];
    static const float untouched = 1e30f;

    for (size_t i = 0; i < value->size; i++) {
        int64_t y = (int64_t)i / value->shape[3] % value->shape[2], x = (int64_t)i % value->shape[3];
        bool inside = y >= w->y0 && y < w->y1 && x >= w->x0 && x < w->x1;

        if (inside || !is_local(e->graph.nodes[0].op))
            ck_assert_msg(memcmp(&part[i], &whole[i], sizeof *part) == 0, "%s: element %zu by a window", e->name, i);
        else
            ck_assert_msg(part[i] == untouched, "%s: element %zu lies outside the window", e->name, i);
    }
}

static void check_windows(example *e)
{
    const xai__value *value = &e->graph.values[e->output];
    const int64_t h = value->shape[2], w = value->shape[3];
    const xai__op_window windows[] = { { 0, (h + 1) / 2, 0, (w + 1) / 2 },
                                       { h / 2, h, w / 2, w },
                                       { h - 1, h, 0, w },
                                       { 0, h, w / 3, w / 3 + 1 },
                                       { 0, 0, 0, 0 } };
    float *whole, *part;

    if (value->rank != 4)
        return;
    whole = compute(e, NULL, NULL);
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        part = malloc((value->size + 1) * sizeof *part);
        ck_assert_ptr_nonnull(part);
        for (size_t j = 0; j < value->size; j++)
            part[j] = 1e30f;
        compare_window(e, whole, compute(e, &windows[i], part), &windows[i]);
        free(part);
    }
    free(whole);
}

static size_t for_each_case(void (*check)(example *))
{
    size_t n = 0;

    for (size_t i = 0; i < xai__weights_count(weights); i++) {
        const char *name = xai__weights_at(weights, i)->name, *slash = strrchr(name, '/');
        example e;

        ck_assert_ptr_nonnull(slash);
        if (strcmp(slash, "/output") != 0)
            continue;
        open_example(&e, name);
        check(&e);
        close_example(&e);
        n++;
    }
    return n;
}

START_TEST(equals_pytorch)
{
    ck_assert_uint_gt(for_each_case(check_whole), 75);
}
END_TEST

START_TEST(windows_equal_the_whole)
{
    ck_assert_uint_gt(for_each_case(check_windows), 75);
}
END_TEST

static bool operators_seen[XAI__N_OPERATORS];

static void mark_operator(example *e)
{
    operators_seen[e->graph.nodes[0].op] = true;
}

START_TEST(every_operator_has_a_case)
{
    for_each_case(mark_operator);
    for (uint32_t op = 0; op < XAI__N_OPERATORS; op++)
        ck_assert_msg(operators_seen[op], "no case of %s", xai__op_find(op)->name);
}
END_TEST

/* What a shape rule is given, and words of what it says. */
typedef struct refusal {
    uint32_t op;
    const char *words;
    xai_status status;
    xai__attributes attributes;
    int64_t shapes[3][5]; /* rank, then extents; rank 0: no such input */
} refusal;

#define DEFAULTS  .stride = { 1, 1 }, .dilation = { 1, 1 }, .groups = 1
#define KERNEL(n) .kernel = { n, n }, DEFAULTS

static const refusal refusals[] = {
    { XAI__OP_CONV, "Conv: has 1 inputs", XAI_E_FORMAT, { KERNEL(1) }, { { 4, 1, 3, 8, 8 } } },
    { XAI__OP_CONV,
      "input 0 has shape 1x3, expected 4",
      XAI_E_SHAPE,
      { KERNEL(1) },
      { { 2, 1, 3 }, { 4, 2, 3, 1, 1 } } },
    { XAI__OP_CONV, "3 channels in 1 groups", XAI_E_SHAPE, { KERNEL(1) }, { { 4, 1, 3, 8, 8 }, { 4, 2, 4, 1, 1 } } },
    { XAI__OP_CONV,
      "3 channels in 2 groups",
      XAI_E_SHAPE,
      { .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 }, .groups = 2 },
      { { 4, 1, 3, 8, 8 }, { 4, 2, 1, 1, 1 } } },
    { XAI__OP_CONV,
      "in 0 groups",
      XAI_E_SHAPE,
      { .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 } },
      { { 4, 1, 3, 8, 8 }, { 4, 2, 3, 1, 1 } } },
    { XAI__OP_CONV,
      "kernel is 1x1, weights are 3x3",
      XAI_E_SHAPE,
      { KERNEL(1) },
      { { 4, 1, 3, 8, 8 }, { 4, 2, 3, 3, 3 } } },
    { XAI__OP_CONV,
      "input 2 has shape 3, expected 2",
      XAI_E_SHAPE,
      { KERNEL(1) },
      { { 4, 1, 3, 8, 8 }, { 4, 2, 3, 1, 1 }, { 1, 3 } } },
    { XAI__OP_CONV,
      "a window of 9 does not fit into 8",
      XAI_E_SHAPE,
      { KERNEL(9) },
      { { 4, 1, 3, 8, 8 }, { 4, 2, 3, 9, 9 } } },
    { XAI__OP_CONV,
      "stride 0",
      XAI_E_FORMAT,
      { .kernel = { 1, 1 }, .dilation = { 1, 1 }, .groups = 1 },
      { { 4, 1, 3, 8, 8 }, { 4, 2, 3, 1, 1 } } },
    { XAI__OP_CONV,
      "padding of -1",
      XAI_E_FORMAT,
      { KERNEL(1), .pads = { -1, 0, 0, 0 } },
      { { 4, 1, 3, 8, 8 }, { 4, 2, 3, 1, 1 } } },
    { XAI__OP_GEMM, "input has 5 columns, weights expect 6", XAI_E_SHAPE, { DEFAULTS }, { { 2, 1, 5 }, { 2, 4, 6 } } },
    { XAI__OP_GEMM,
      "input 2 has shape 5, expected 4",
      XAI_E_SHAPE,
      { DEFAULTS },
      { { 2, 1, 6 }, { 2, 4, 6 }, { 1, 5 } } },
    { XAI__OP_BATCH_NORM,
      "BatchNormalization: has 2 inputs",
      XAI_E_FORMAT,
      { DEFAULTS },
      { { 4, 1, 3, 2, 2 }, { 1, 3 } } },
    { XAI__OP_ADD,
      "1x3x4x4 and 1x2x4x4 cannot be broadcast",
      XAI_E_SHAPE,
      { DEFAULTS },
      { { 4, 1, 3, 4, 4 }, { 4, 1, 2, 4, 4 } } },
    { XAI__OP_CONCAT, "axis is 4", XAI_E_FORMAT, { .axis = 4 }, { { 4, 1, 3, 4, 4 } } },
    { XAI__OP_CONCAT, "axis is -1", XAI_E_FORMAT, { .axis = -1 }, { { 4, 1, 3, 4, 4 } } },
    { XAI__OP_CONCAT,
      "part 1 has extent 5 along axis 3, part 0 has 4",
      XAI_E_SHAPE,
      { .axis = 1 },
      { { 4, 1, 3, 4, 4 }, { 4, 1, 3, 4, 5 } } },
    { XAI__OP_CONCAT, "input 1 has shape 1x3", XAI_E_SHAPE, { .axis = 1 }, { { 4, 1, 3, 4, 4 }, { 2, 1, 3 } } },
    { XAI__OP_MAX_POOL,
      "padding of 2 is not smaller",
      XAI_E_FORMAT,
      { KERNEL(2), .pads = { 0, 0, 2, 0 } },
      { { 4, 1, 3, 8, 8 } } },
    { XAI__OP_AVERAGE_POOL,
      "dilation",
      XAI_E_UNSUPPORTED,
      { .kernel = { 2, 2 }, .stride = { 1, 1 }, .dilation = { 2, 1 } },
      { { 4, 1, 3, 8, 8 } } },
    { XAI__OP_GLOBAL_AVERAGE_POOL, "expected 4 dimensions", XAI_E_SHAPE, { DEFAULTS }, { { 2, 1, 3 } } },
    { XAI__OP_RESHAPE,
      "1x3x2x2 cannot become 1x13",
      XAI_E_SHAPE,
      { .rank = 2, .shape = { 1, 13 } },
      { { 4, 1, 3, 2, 2 } } },
    { XAI__OP_RESHAPE, "cannot become", XAI_E_SHAPE, { .rank = 2, .shape = { -1, -12 } }, { { 4, 1, 3, 2, 2 } } },
    { XAI__OP_SOFTMAX, "axis is 2", XAI_E_FORMAT, { .axis = 2 }, { { 2, 1, 3 } } },
    { XAI__OP_SLICE,
      "axis 1: from 0 to 4 by 1 does not fit into 3",
      XAI_E_SHAPE,
      { .end = { 1, 4 }, .step = { 1, 1 } },
      { { 2, 1, 3 } } },
    { XAI__OP_SLICE, "by 0", XAI_E_SHAPE, { .end = { 1, 3 }, .step = { 1, 0 } }, { { 2, 1, 3 } } },
    { XAI__OP_PAD, "axis 1: padding of -1", XAI_E_FORMAT, { .begin = { 0, -1 } }, { { 2, 1, 3 } } },
    { XAI__OP_PAD, "axis 1: 3 elements with a step of -2", XAI_E_FORMAT, { .step = { 1, -2 } }, { { 2, 1, 3 } } },
    { XAI__OP_GATHER, "input 0 has shape 3, expected 2", XAI_E_SHAPE, { DEFAULTS }, { { 1, 3 }, { 1, 2 } } },
    { XAI__OP_GATHER, "no constant vector", XAI_E_UNSUPPORTED, { DEFAULTS }, { { 2, 1, 3 }, { 1, 2 } } },
    { XAI__OP_SCATTER_SUM,
      "the sums are 2x4 in 2 dimensions, the input has 1 rows",
      XAI_E_FORMAT,
      { .rank = 2, .shape = { 2, 4 } },
      { { 2, 1, 3 }, { 1, 3 } } },
    { XAI__OP_CONV_DATA,
      "the gradient has shape 1x2x8x7, what it belongs to has 1x2x8x8",
      XAI_E_SHAPE,
      { KERNEL(1), .rank = 4, .shape = { 1, 3, 8, 8 } },
      { { 4, 1, 2, 8, 7 }, { 4, 2, 3, 1, 1 } } },
    { XAI__OP_CONV_DATA,
      "Conv: input has 4 channels in 1 groups",
      XAI_E_SHAPE,
      { KERNEL(1), .rank = 4, .shape = { 1, 4, 8, 8 } },
      { { 4, 1, 2, 8, 8 }, { 4, 2, 3, 1, 1 } } },
    { XAI__OP_CONV_DATA,
      "shape has 9 dimensions",
      XAI_E_FORMAT,
      { KERNEL(1), .rank = 9 },
      { { 4, 1, 2, 8, 8 }, { 4, 2, 3, 1, 1 } } },
    { XAI__OP_CONV_WEIGHTS,
      "Conv: kernel is 1x1, weights are 3x3",
      XAI_E_SHAPE,
      { KERNEL(1), .rank = 4, .shape = { 2, 3, 3, 3 } },
      { { 4, 1, 2, 8, 8 }, { 4, 1, 3, 8, 8 } } },
    { XAI__OP_CONV_WEIGHTS,
      "shape -2x3x1x1 is not possible",
      XAI_E_SHAPE,
      { KERNEL(1), .rank = 4, .shape = { -2, 3, 1, 1 } },
      { { 4, 1, 2, 8, 8 }, { 4, 1, 3, 8, 8 } } },
    { XAI__OP_GEMM_DATA,
      "the gradient has 5 columns, input 1 has 4 rows",
      XAI_E_SHAPE,
      { DEFAULTS },
      { { 2, 1, 5 }, { 2, 4, 6 } } },
    { XAI__OP_GEMM_WEIGHTS,
      "the gradient has 2 rows, input 1 has 1 rows",
      XAI_E_SHAPE,
      { DEFAULTS },
      { { 2, 2, 5 }, { 2, 1, 6 } } },
    { XAI__OP_MASK, "rule 4 is not known", XAI_E_FORMAT, { .axis = 4 }, { { 2, 1, 3 }, { 2, 1, 3 } } },
    { XAI__OP_MASK,
      "input 1 has shape 1x4, input 0 has 1x3",
      XAI_E_SHAPE,
      { .axis = 0 },
      { { 2, 1, 3 }, { 2, 1, 4 } } },
    { XAI__OP_ACTIVATION_DATA,
      "operator 3 is no smooth activation",
      XAI_E_FORMAT,
      { .axis = XAI__OP_RELU },
      { { 2, 1, 3 }, { 2, 1, 3 } } },
    { XAI__OP_ACTIVATION_DATA, "is no smooth activation", XAI_E_FORMAT, { .axis = -1 }, { { 2, 1, 3 }, { 2, 1, 3 } } },
    { XAI__OP_SOFTMAX_DATA, "axis is 2", XAI_E_FORMAT, { .axis = 2 }, { { 2, 1, 3 }, { 2, 1, 3 } } },
    { XAI__OP_MAX_POOL_DATA,
      "the gradient has shape 1x3x8x8, what it belongs to has 1x3x7x7",
      XAI_E_SHAPE,
      { KERNEL(2) },
      { { 4, 1, 3, 8, 8 }, { 4, 1, 3, 8, 8 } } },
    { XAI__OP_AVERAGE_POOL_DATA,
      "AveragePool: dilation is not supported",
      XAI_E_UNSUPPORTED,
      { .kernel = { 2, 2 }, .stride = { 1, 1 }, .dilation = { 2, 1 }, .rank = 4, .shape = { 1, 3, 8, 8 } },
      { { 4, 1, 3, 6, 7 } } },
    { XAI__OP_GLOBAL_AVERAGE_POOL_DATA,
      "the gradient has shape 1x3, what it belongs to has 1x3x1x1",
      XAI_E_SHAPE,
      { DEFAULTS, .rank = 4, .shape = { 1, 3, 8, 8 } },
      { { 2, 1, 3 } } },
    { XAI__OP_SUM_TO,
      "1x2 cannot be broadcast to 1x3",
      XAI_E_SHAPE,
      { .rank = 2, .shape = { 1, 2 } },
      { { 2, 1, 3 } } },
    { XAI__OP_SUM_TO,
      "1x1x3 cannot be broadcast to 1x3",
      XAI_E_SHAPE,
      { .rank = 3, .shape = { 1, 1, 3 } },
      { { 2, 1, 3 } } },
};

START_TEST(shape_rules_say_what_does_not_fit)
{
    const refusal *r = &refusals[_i];
    int32_t inputs[3];
    size_t n = 0;
    xai__graph graph;

    xai__graph_init(&graph, context);
    for (; n < 3 && r->shapes[n][0] > 0; n++)
        inputs[n] = xai__graph_add_value(&graph, r->shapes[n] + 1, (uint32_t)r->shapes[n][0]);
    ck_assert_fails(xai__op_add(&graph, r->op, &r->attributes, inputs, n), r->status, r->words);
    ck_assert_ptr_nonnull(strstr(xai_last_error(), xai__op_find(r->op)->name));
    ck_assert_uint_eq(graph.n_nodes, 0);
    xai__graph_fini(&graph);
}
END_TEST

/* Indices are trusted later, so each is looked at. */
START_TEST(indices_must_fit)
{
    static const struct {
        float indices[2];
        const char *words;
    } rows[] = {
        { { 0, 3 }, "index 1 is 3, expected a whole number from 0 to 2" },
        { { -1, 0 }, "index 0 is -1" },
        { { 0.5f, 0 }, "index 0 is 0.5" },
        { { 0, NAN }, "index 1 is nan" },
        { { INFINITY, 0 }, "index 0 is inf" },
    };
    const int64_t shape[2] = { 1, 3 }, two = 2, sums[2] = { 1, 2 };
    xai__attributes a = xai__attributes_default();
    xai__graph graph;
    int32_t inputs[2];

    a.rank = 2;
    memcpy(a.shape, shape, sizeof shape);
    xai__graph_init(&graph, context);
    inputs[1] = xai__graph_add_constant(&graph, &two, 1, rows[_i].indices);
    inputs[0] = xai__graph_add_value(&graph, shape, 2);
    ck_assert_fails(xai__op_add(&graph, XAI__OP_GATHER, &a, inputs, 2), XAI_E_FORMAT, rows[_i].words);
    inputs[0] = xai__graph_add_value(&graph, sums, 2);
    ck_assert_fails(xai__op_add(&graph, XAI__OP_SCATTER_SUM, &a, inputs, 2), XAI_E_FORMAT, rows[_i].words);
    xai__graph_fini(&graph);
}
END_TEST

/* Steps come from files: the largest number must not run over. */
START_TEST(a_huge_step_takes_one_element)
{
    const int64_t shape[2] = { 1, 5 };
    const xai__attributes a = { .begin = { 0, 2 }, .end = { 1, 5 }, .step = { 1, INT64_MAX } };
    const float x[5] = { 0, 1, 2, 3, 4 }, *const inputs[1] = { x };
    xai__graph graph;
    int32_t input;
    float out[5];

    xai__graph_init(&graph, context);
    input = xai__graph_add_value(&graph, shape, 2);
    ck_assert_int_ge(xai__op_add(&graph, XAI__OP_SLICE, &a, &input, 1), 0);
    ck_assert_int_eq(graph.values[1].shape[1], 1);
    xai__op_compute(&graph, 0, inputs, out, NULL);
    ck_assert_float_eq(out[0], 2);
    xai__graph_fini(&graph);
}
END_TEST

/* Several images in one value, as a reshape in a file may make them. */
START_TEST(convolves_every_image_of_a_value)
{
    const int64_t shape[4] = { 2, 1, 1, 2 }, kernel[4] = { 1, 1, 1, 1 };
    const float x[4] = { 1, 2, 3, 4 }, w[1] = { 10 }, *const inputs[2] = { x, w };
    const xai__attributes a = xai__attributes_default();
    xai__graph graph;
    int32_t indices[2];
    float out[4] = { 0 };

    xai__graph_init(&graph, context);
    indices[0] = xai__graph_add_value(&graph, shape, 4);
    indices[1] = xai__graph_add_value(&graph, kernel, 4);
    ck_assert_int_ge(xai__op_add(&graph, XAI__OP_CONV, &a, indices, 2), 0);
    xai__op_compute(&graph, 0, inputs, out, NULL);
    for (size_t i = 0; i < 4; i++)
        ck_assert_float_eq(out[i], 10 * x[i]);
    xai__graph_fini(&graph);
}
END_TEST

static Suite *ops_suite(void)
{
    Suite *suite = suite_create("ops");
    TCase *cases = tcase_create("ops");

    tcase_add_unchecked_fixture(cases, open_cases, close_cases);
    tcase_add_test(cases, equals_pytorch);
    tcase_add_test(cases, windows_equal_the_whole);
    tcase_add_test(cases, every_operator_has_a_case);
    tcase_add_loop_test(cases, indices_must_fit, 0, 5);
    tcase_add_loop_test(cases, shape_rules_say_what_does_not_fit, 0, (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(cases, a_huge_step_takes_one_element);
    tcase_add_test(cases, convolves_every_image_of_a_value);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(ops_suite)
