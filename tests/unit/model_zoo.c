/* SPDX-License-Identifier: MIT
 * The zoo: what state dicts must hold, what is said where they do not, sizes of inputs, names. Numbers are compared in
 * golden/zoo.c. */
#include "testing.h"

#include "core/memory.h"
#include "graph/names.h"
#include "io/weights.h"
#include "model/zoo.h"

static xai_context *context;
static xai__graph graph;

static void open_context(void)
{
    context = testing_context(1);
    xai__graph_init(&graph, context);
}

static void close_context(void)
{
    xai__graph_fini(&graph);
    xai_context_unref(context);
}

static void reopen_graph(void)
{
    xai__graph_fini(&graph);
    xai__graph_init(&graph, context);
}

/* --- a state dict that can be spoiled --- */

/* Tensors of zeros as safetensors text: "name" and its extents. */
typedef struct dict {
    char json[1 << 17];
    size_t length, offset, n_tensors;
} dict;

static void add_tensor(dict *d, const char *name, const int64_t *shape, uint32_t rank)
{
    size_t size = 4;

    d->length += (size_t)snprintf(d->json + d->length, sizeof d->json - d->length,
                                  "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", d->n_tensors++ > 0 ? "," : "{", name);
    for (uint32_t i = 0; i < rank; i++) {
        d->length += (size_t)snprintf(d->json + d->length, sizeof d->json - d->length, "%s%lld", i > 0 ? "," : "",
                                      (long long)shape[i]);
        size *= (size_t)shape[i];
    }
    d->length += (size_t)snprintf(d->json + d->length, sizeof d->json - d->length, "],\"data_offsets\":[%zu,%zu]}",
                                  d->offset, d->offset + size);
    d->offset += size;
    ck_assert_uint_lt(d->length, sizeof d->json - 64);
}

static xai__weights *open_dict(dict *d)
{
    xai__weights *weights = NULL;
    size_t header, size;
    unsigned char *bytes;

    d->length += (size_t)snprintf(d->json + d->length, sizeof d->json - d->length, "}");
    header = (d->length + 7) / 8 * 8;
    size = 8 + header + d->offset;
    bytes = calloc(size, 1);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(header >> 8 * i);
    memset(bytes + 8, ' ', header);
    memcpy(bytes + 8, d->json, d->length);
    ck_assert_ok(xai__weights_open_memory(&weights, context, bytes, size));
    free(bytes);
    return weights;
}

/* The parameters of cifar_resnet20, but for those whose name holds one of the words. */
static const char *const norm_parts[] = { "weight", "bias", "running_mean", "running_var", "num_batches_tracked" };

static bool is_left_out(const char *name, const char *const *words)
{
    for (; words != NULL && *words != NULL; words++)
        if (strstr(name, *words) != NULL)
            return true;
    return false;
}

static void add_layer(dict *d, const char *const *left_out, const char *path, int index, int64_t channels,
                      int64_t inputs)
{
    const int64_t shape[4] = { channels, inputs, 3, 3 };
    char name[128];

    snprintf(name, sizeof name, "%sconv%d.weight", path, index);
    if (!is_left_out(name, left_out))
        add_tensor(d, name, shape, 4);
    for (size_t i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "%sbn%d.%s", path, index, norm_parts[i]);
        if (!is_left_out(name, left_out))
            add_tensor(d, name, &channels, i < 4);
    }
}

static void add_resnet20(dict *d, const char *const *left_out)
{
    const int64_t shape[2] = { 10, 64 };
    int64_t inputs = 16;

    add_layer(d, left_out, "", 1, 16, 3);
    for (int stage = 0; stage < 3; stage++)
        for (int block = 0; block < 3; block++) {
            char path[32];

            snprintf(path, sizeof path, "layer%d.%d.", stage + 1, block);
            add_layer(d, left_out, path, 1, 16 << stage, inputs);
            add_layer(d, left_out, path, 2, 16 << stage, 16 << stage);
            inputs = 16 << stage;
        }
    if (!is_left_out("linear.weight", left_out))
        add_tensor(d, "linear.weight", shape, 2);
    if (!is_left_out("linear.bias", left_out))
        add_tensor(d, "linear.bias", shape, 1);
}

/* Builds cifar_resnet20 out of what is in the dict. */
static xai_status build(dict *d)
{
    xai__weights *weights = open_dict(d);
    xai_status status = xai__zoo_build(&graph, xai__zoo_find("cifar_resnet20"), weights, 0, 32, 32);

    xai__weights_close(weights);
    reopen_graph();
    free(d);
    return status;
}

static dict *new_dict(const char *const *left_out)
{
    dict *d = calloc(1, sizeof *d);

    ck_assert_ptr_nonnull(d);
    add_resnet20(d, left_out);
    return d;
}

START_TEST(takes_a_state_dict_that_fits)
{
    const char *const counts[] = { "num_batches_tracked", NULL };

    ck_assert_ok(build(new_dict(NULL)));
    ck_assert_ok(build(new_dict(counts)));
}
END_TEST

START_TEST(names_missing_tensors)
{
    const char *const one[] = { "layer2.1.bn2.running_var", NULL }, *const many[] = { "bn1", NULL };

    ck_assert_fails(build(new_dict(one)), XAI_E_NOT_FOUND,
                    "buffer: tensors do not fit cifar_resnet20: missing: layer2.1.bn2.running_var");
    ck_assert_fails(
        build(new_dict(many)), XAI_E_NOT_FOUND,
        "missing: bn1.weight, bn1.bias, bn1.running_mean, bn1.running_var, layer1.0.bn1.weight, layer1.0.bn1.bias, "
        "layer1.0.bn1.running_mean, layer1.0.bn1.running_var and 32 more");
    ck_assert_ptr_null(strstr(xai_last_error(), "unexpected"));
}
END_TEST

START_TEST(names_unexpected_tensors)
{
    const int64_t n = 3;
    dict *d = new_dict(NULL);

    add_tensor(d, "classifier.weight", &n, 1);
    ck_assert_fails(build(d), XAI_E_NOT_FOUND, "unexpected: classifier.weight");
    d = new_dict(NULL);
    for (int i = 0; i < 20; i++) {
        char name[32];

        snprintf(name, sizeof name, "extra.%02d", i);
        add_tensor(d, name, &n, 1);
    }
    ck_assert_fails(build(d), XAI_E_NOT_FOUND, "unexpected: extra.00, extra.01");
    ck_assert_ptr_nonnull(strstr(xai_last_error(), "extra.07 and 12 more"));
}
END_TEST

START_TEST(names_tensors_of_another_shape)
{
    const char *const linear[] = { "linear.", NULL };
    const int64_t shape[2] = { 100, 64 };
    dict *d = new_dict(linear);

    add_tensor(d, "linear.weight", shape, 2);
    add_tensor(d, "linear.bias", shape, 1);
    ck_assert_fails(build(d), XAI_E_SHAPE,
                    "of another shape: linear.weight is 100x64, expected 10x64, linear.bias is 100, expected 10");
}
END_TEST

/* Names come from files: however long, every kind is heard. */
START_TEST(names_everything_at_once)
{
    const char *const out[] = { "conv", "linear.bias", NULL };
    const int64_t n = 3;
    char name[400];
    dict *d = new_dict(out);

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (int i = 0; i < 9; i++) {
        name[0] = (char)('a' + i);
        add_tensor(d, name, &n, 1);
    }
    add_tensor(d, "linear.bias", &n, 1);
    ck_assert_fails(build(d), XAI_E_NOT_FOUND, "missing: conv1.weight, ");
    ck_assert_ptr_nonnull(strstr(xai_last_error(), "; unexpected: annn"));
    ck_assert_ptr_nonnull(strstr(xai_last_error(), "; of another shape: linear.bias is 3, expected 10"));
    ck_assert_uint_lt(strlen(xai_last_error()), 1023);
}
END_TEST

/* Complex numbers, of 8 bytes each. */
START_TEST(names_a_type_that_cannot_be_used)
{
    const char *const out[] = { "linear.bias", NULL };
    const int64_t n = 20;
    dict *d = new_dict(out);
    char *entry;

    add_tensor(d, "linear.bias", &n, 1);
    entry = strstr(d->json, "\"linear.bias\"");
    ck_assert_ptr_nonnull(entry);
    d->length = (size_t)(entry - d->json);
    d->length += (size_t)sprintf(entry, "\"linear.bias\":{\"dtype\":\"C64\",\"shape\":[10],\"data_offsets\":[%zu,%zu]}",
                                 d->offset - 80, d->offset);
    ck_assert_fails(build(d), XAI_E_UNSUPPORTED, "linear.bias");
}
END_TEST

/* --- real files --- */

START_TEST(refuses_nested_names)
{
    const char *path = testing_data("imagenet-resnet18-pq/resnet18_small_blocks.pth");
    xai__weights *weights = NULL;

    if (path == NULL)
        return;
    ck_assert_ok(xai__weights_open(&weights, context, path));
    ck_assert_fails(xai__zoo_build(&graph, xai__zoo_find("resnet18"), weights, 0, 224, 224), XAI_E_NOT_FOUND,
                    "missing: ");
    ck_assert_ptr_nonnull(strstr(xai_last_error(), "resnet18_small_blocks.pth"));
    xai__weights_close(weights);
}
END_TEST

/* Float32 tensors are used where they lie. */
START_TEST(borrows_what_lies_right)
{
    const char *path = testing_data("cifar10-resnet/resnet20.safetensors");
    xai__weights *weights = NULL;
    const char *bytes;
    size_t size, n = 0;

    if (path == NULL)
        return;
    ck_assert_ok(xai__weights_open(&weights, context, path));
    ck_assert_ok(xai__zoo_build(&graph, xai__zoo_find("cifar_resnet20"), weights, 0, 32, 32));
    bytes = xai__weights_bytes(weights, &size);
    for (size_t i = 0; i < graph.n_values; i++) {
        const char *constant = (const char *)graph.values[i].constant.data;

        n += constant >= bytes && constant < bytes + size;
    }
    ck_assert_uint_eq(n, 97); /* 19 convolutions, 19 batch norms of 4, the linear layer's 2 */
    reopen_graph();
    xai__weights_close(weights);
}
END_TEST

/* --- architectures --- */

START_TEST(builds_every_architecture)
{
    for (size_t i = 0; xai_architecture(i) != NULL; i++) {
        const xai__architecture *a = xai__zoo_find(xai_architecture(i));
        int32_t value;

        ck_assert_ptr_nonnull(a);
        ck_assert_ok(xai__zoo_build(&graph, a, NULL, 1, a->crop, a->crop));
        ck_assert_int_eq(graph.values[graph.output].shape[0], 1);
        ck_assert_int_eq(graph.values[graph.output].shape[1], a->n_classes);
        if (a->cam_layer != NULL)
            ck_assert_ok(xai__graph_find(&value, &graph, a->cam_layer));
        if (a->tutorial_layer != NULL)
            ck_assert_ok(xai__graph_find(&value, &graph, a->tutorial_layer));
        reopen_graph();
    }
    ck_assert_ptr_null(xai__zoo_find("resnet19"));
}
END_TEST

START_TEST(takes_other_sizes)
{
    static const char *const names[] = { "resnet18", "cifar_resnet20", "wrn16_10_cifar10", "efficientnet_lite0" };

    for (size_t i = 0; i < 4; i++) {
        const xai__architecture *a = xai__zoo_find(names[i]);

        ck_assert_ok(xai__zoo_build(&graph, a, NULL, 0, 97, 131));
        ck_assert_int_eq(graph.values[graph.output].shape[1], a->n_classes);
        reopen_graph();
        ck_assert_ok(xai__zoo_build(&graph, a, NULL, 0, 1, 1));
        reopen_graph();
        ck_assert_fails(xai__zoo_build(&graph, a, NULL, 0, 0, 131), XAI_E_SHAPE, "0x131");
        reopen_graph();
        ck_assert_int_eq(xai__zoo_build(&graph, a, NULL, 0, 1 << 15, 1 << 15), XAI_E_LIMIT);
        reopen_graph();
    }
}
END_TEST

START_TEST(draws_the_same_weights_again)
{
    float first[3];

    for (uint64_t seed = 0; seed < 2; seed++) {
        for (int time = 0; time < 2; time++) {
            const float *weights;

            ck_assert_ok(xai__zoo_build(&graph, xai__zoo_find("cifar_resnet20"), NULL, seed, 32, 32));
            weights = graph.values[graph.nodes[0].inputs[1]].constant.data;
            if (time == 1)
                ck_assert_mem_eq(first, weights, sizeof first);
            else if (seed == 1)
                ck_assert_mem_ne(first, weights, sizeof first);
            memcpy(first, weights, sizeof first);
            reopen_graph();
        }
    }
}
END_TEST

/* --- every allocation fails in turn --- */

typedef struct failing {
    size_t live, calls, fail_at;
} failing;

static void *allocate(size_t size, size_t alignment, void *user)
{
    failing *f = user;
    void *data = NULL;

    if (++f->calls == f->fail_at || posix_memalign(&data, alignment, size) != 0)
        return NULL;
    f->live++;
    return data;
}

static void release(void *data, size_t size, void *user)
{
    ((failing *)user)->live--;
    free(data);
}

/* Random weights, or some of a state dict, so that complaints are made as well. */
static xai_status build_failing(xai_context *other, xai__weights *weights)
{
    xai__graph built;
    xai_status status;

    xai__graph_init(&built, other);
    status = xai__zoo_build(&built, xai__zoo_find("cifar_resnet20"), weights, 0, 8, 8);
    xai__graph_fini(&built);
    return status;
}

static void fail_in_turn(xai__weights *weights, xai_status expected)
{
    failing f = { 0 };
    const xai_allocator allocator = { allocate, release, &f };
    const xai_context_options options = { .struct_size = sizeof options, .allocator = &allocator };
    xai_context *other = NULL;
    size_t before;
    xai_status status;

    ck_assert_ok(xai_context_create(&other, &options));
    before = f.live;
    for (size_t n = 1;; n++) {
        f.calls = 0;
        f.fail_at = n;
        status = build_failing(other, weights);
        ck_assert_uint_eq(f.live, before);
        if (f.calls < n)
            break;
        ck_assert_msg(status == XAI_E_NO_MEMORY && strstr(xai_last_error(), "out of memory") != NULL,
                      "allocation %zu: %s (%s)", n, xai_status_name(status), xai_last_error());
    }
    ck_assert_int_eq(status, expected);
    xai_context_unref(other);
}

START_TEST(survives_every_allocation)
{
    const char *const out[] = { "linear.bias", NULL };
    dict *d = new_dict(out);
    xai__weights *weights = open_dict(d);

    free(d);
    fail_in_turn(NULL, XAI_OK);
    fail_in_turn(weights, XAI_E_NOT_FOUND);
    xai__weights_close(weights);
}
END_TEST

static Suite *zoo_suite(void)
{
    Suite *suite = suite_create("model_zoo");
    TCase *cases = tcase_create("zoo");

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, open_context, close_context);
    tcase_add_test(cases, takes_a_state_dict_that_fits);
    tcase_add_test(cases, names_missing_tensors);
    tcase_add_test(cases, names_unexpected_tensors);
    tcase_add_test(cases, names_tensors_of_another_shape);
    tcase_add_test(cases, names_everything_at_once);
    tcase_add_test(cases, names_a_type_that_cannot_be_used);
    tcase_add_test(cases, refuses_nested_names);
    tcase_add_test(cases, borrows_what_lies_right);
    tcase_add_test(cases, builds_every_architecture);
    tcase_add_test(cases, takes_other_sizes);
    tcase_add_test(cases, draws_the_same_weights_again);
    tcase_add_test(cases, survives_every_allocation);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(zoo_suite)
