/* SPDX-License-Identifier: MIT
 * State dicts: every weight file that we have against what torch reads in it, names, lookups, and safetensors out. */
#include "testing.h"

#include <unistd.h>

#include "core/memory.h"
#include "core/sha256.h"
#include "io/dtype.h"
#include "io/file.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "io/weights.h"

static xai_context *context;
static const char out_path[] = "xai-io-weights.safetensors";

static void set_up(void)
{
    context = testing_context(1);
}

static void tear_down(void)
{
    unlink(out_path);
    xai_context_unref(context);
}

static const char *vector(const char *name)
{
    char relative[256];

    snprintf(relative, sizeof relative, "tests/golden/weights/%s", name);
    return testing_source(relative);
}

static xai__weights *open_vector(const char *name)
{
    xai__weights *weights;

    ck_assert_ok(xai__weights_open(&weights, context, vector(name)));
    return weights;
}

/* entry: [type, [extents], digest] */
static void check_tensor(const char *file, const xai__weight *weight, xai__json_value entry)
{
    xai__json_value item, extent;
    const char *text;
    char digest[65];
    size_t axis = 0;

    ck_assert_ok(xai__json_at(&item, entry, 0));
    ck_assert_ok(xai__json_string(&text, item));
    ck_assert_str_eq(xai__dtype_name(weight->dtype), text);
    ck_assert_ok(xai__json_at(&item, entry, 1));
    ck_assert_uint_eq(xai__json_count(item), weight->rank);
    for (bool more = xai__json_first(&extent, item); more; more = xai__json_next(&extent)) {
        int64_t expected;

        ck_assert_ok(xai__json_integer(&expected, extent, 0, INT64_MAX));
        ck_assert_int_eq(weight->shape[axis++], expected);
    }
    ck_assert_ok(xai__json_at(&item, entry, 2));
    ck_assert_ok(xai__json_string(&text, item));
    xai__sha256_text(digest, weight->data, weight->bytes, 0);
    digest[16] = '\0';
    ck_assert_msg(strcmp(digest, text) == 0, "%s: %s has other elements than torch reads", file, weight->name);
}

/* The same tensors in the same order. */
static void check_file(const char *path, xai__json_value file)
{
    xai__weights *weights;
    xai__json_value entry;
    size_t i = 0;

    ck_assert_ok(xai__weights_open(&weights, context, path));
    ck_assert_uint_eq(xai__weights_count(weights), xai__json_count(file));
    for (bool more = xai__json_first(&entry, file); more; more = xai__json_next(&entry)) {
        const xai__weight *weight = xai__weights_find(weights, xai__json_key(entry));

        ck_assert_msg(weight != NULL, "%s: %s was not found", path, xai__json_key(entry));
        ck_assert_msg(weight == xai__weights_at(weights, i++), "%s: %s has another place", path, xai__json_key(entry));
        check_tensor(path, weight, entry);
    }
    xai__weights_close(weights);
}

START_TEST(every_file_as_torch_reads_it)
{
    xai__json *digests;
    xai__json_value file;
    size_t n_read = 0;

    ck_assert_ok(xai__json_load(&digests, context, vector("digests.json"), NULL));
    for (bool more = xai__json_first(&file, xai__json_root(digests)); more; more = xai__json_next(&file)) {
        const char *name = xai__json_key(file);
        const char *path = strncmp(name, "data/", 5) == 0 ? testing_data(name + 5) : vector(name);

        if (path != NULL)
            check_file(path, file);
        n_read += path != NULL;
    }
    ck_assert_uint_ge(n_read, 10);
    xai__json_free(digests);
}
END_TEST

/* Files as torch's users have them, beside the same tensors as safetensors. */
START_TEST(pairs_are_equal)
{
    static const char *const pairs[][2] = {
        { "cifar10-resnet/resnet20-12fca82f.th", "cifar10-resnet/resnet20.safetensors" },
        { "cifar10-resnet/resnet56-4bfd9763.th", "cifar10-resnet/resnet56.safetensors" },
    };

    for (size_t p = 0; p < 2; p++) {
        xai__weights *sides[2];
        const char *path = testing_data(pairs[p][0]);

        if (path == NULL)
            return;
        ck_assert_ok(xai__weights_open(&sides[0], context, path));
        ck_assert_ok(xai__weights_open(&sides[1], context, testing_data(pairs[p][1])));
        ck_assert_uint_eq(xai__weights_count(sides[0]), xai__weights_count(sides[1]));
        for (size_t i = 0; i < xai__weights_count(sides[0]); i++) {
            const xai__weight *a = xai__weights_at(sides[0], i), *b = xai__weights_find(sides[1], a->name);

            ck_assert_ptr_nonnull(b);
            ck_assert_uint_eq(a->dtype, b->dtype);
            ck_assert_uint_eq(a->bytes, b->bytes);
            ck_assert_mem_eq(a->shape, b->shape, sizeof a->shape);
            ck_assert_mem_eq(a->data, b->data, a->bytes);
        }
        xai__weights_close(sides[0]);
        xai__weights_close(sides[1]);
    }
}
END_TEST

START_TEST(memory_reads_the_same)
{
    static const char *const names[] = { "zip.pth", "legacy.pth", "reference.safetensors" };

    for (size_t n = 0; n < 3; n++) {
        xai__weights *weights = open_vector(names[n]), *copy;
        const void *bytes;
        size_t size;

        bytes = xai__weights_bytes(weights, &size);
        ck_assert_ok(xai__weights_open_memory(&copy, context, bytes, size));
        ck_assert_str_eq(xai__weights_name(copy), "buffer");
        ck_assert_ptr_nonnull(strstr(xai__weights_name(weights), names[n]));
        ck_assert_uint_eq(xai__weights_count(copy), xai__weights_count(weights));
        for (size_t i = 0; i < xai__weights_count(copy); i++) {
            ck_assert_str_eq(xai__weights_at(copy, i)->name, xai__weights_at(weights, i)->name);
            ck_assert_mem_eq(xai__weights_at(copy, i)->data, xai__weights_at(weights, i)->data,
                             xai__weights_at(copy, i)->bytes);
        }
        xai__weights_close(weights);
        xai__weights_close(copy);
    }
    xai__weights_close(NULL);
}
END_TEST

START_TEST(wrappers_are_opened)
{
    xai__weights *weights = open_vector("checkpoint.pth");

    ck_assert_ptr_nonnull(xai__weights_find(weights, "conv.weight"));
    ck_assert_ptr_null(xai__weights_find(weights, "module.conv.weight"));
    ck_assert_ptr_null(xai__weights_find(weights, ""));
    ck_assert_uint_eq(xai__weights_n_ignored(weights), 8);
    ck_assert_str_eq(xai__weights_ignored(weights, 0), "epoch");
    ck_assert_str_eq(xai__weights_ignored(weights, 3), "optimizer");
    xai__weights_close(weights);

    weights = open_vector("net.pth");
    ck_assert_ptr_nonnull(xai__weights_find(weights, "a"));
    xai__weights_close(weights);

    weights = open_vector("nested.pth");
    ck_assert_ptr_nonnull(xai__weights_find(weights, "layer.0.codes"));
    ck_assert_ptr_nonnull(xai__weights_find(weights, "layer.list.0"));
    ck_assert_ptr_nonnull(xai__weights_find(weights, "fc_bias"));
    ck_assert_uint_eq(xai__weights_n_ignored(weights), 2);
    ck_assert_str_eq(xai__weights_ignored(weights, 0), "layer.0.k");
    ck_assert_str_eq(xai__weights_ignored(weights, 1), "layer.list.1");
    xai__weights_close(weights);
}
END_TEST

/* Element i of every type's tensor is i - 7, or i where the type has no sign. */
START_TEST(types_widen)
{
    xai__weights *weights = open_vector("zip.pth");
    float wide[6];

    for (size_t i = 0; i < 16; i++) {
        const xai__weight *weight = xai__weights_at(weights, i);
        bool no_sign = weight->dtype == XAI__DTYPE_BOOL || *xai__dtype_name(weight->dtype) == 'U';

        ck_assert_uint_eq(xai__weight_size(weight), 6);
        if (weight->dtype == XAI__DTYPE_C64 || strncmp(xai__dtype_name(weight->dtype), "F8", 2) == 0) {
            ck_assert_fails(xai__weight_to_f32(wide, weight), XAI_E_UNSUPPORTED, weight->name);
            continue;
        }
        ck_assert_ok(xai__weight_to_f32(wide, weight));
        for (int k = 0; k < 6; k++) {
            float expected = weight->dtype == XAI__DTYPE_BOOL ? (float)(k > 0) : (float)(no_sign ? k : k - 7);

            ck_assert_msg(wide[k] == expected, "%s: element %d is %g", weight->name, k, (double)wide[k]);
        }
    }
    xai__weights_close(weights);
}
END_TEST

START_TEST(floats_are_borrowed_where_aligned)
{
    xai__weights *weights = open_vector("zip.pth");
    xai__weight odd = *xai__weights_find(weights, "float32.weight");

    ck_assert_ptr_eq(xai__weight_borrow_f32(&odd), odd.data);
    ck_assert_ptr_null(xai__weight_borrow_f32(xai__weights_find(weights, "float16.weight")));
    odd.data = (const char *)odd.data + 1;
    ck_assert_ptr_null(xai__weight_borrow_f32(&odd));
    xai__weights_close(weights);
}
END_TEST

/* Writing again what the reference wrote gives its bytes. */
START_TEST(writes_as_the_reference_does)
{
    xai__file theirs, ours;

    ck_assert_ok(xai_weights_convert(context, vector("reference.safetensors"), out_path));
    ck_assert_ok(xai__file_open(&theirs, context, vector("reference.safetensors")));
    ck_assert_ok(xai__file_open(&ours, context, out_path));
    ck_assert_uint_eq(ours.size, theirs.size);
    ck_assert_mem_eq(ours.data, theirs.data, ours.size);
    xai__file_close(&theirs);
    xai__file_close(&ours);
}
END_TEST

START_TEST(converts_every_kind)
{
    static const char *const names[] = { "zip.pth", "legacy.pth", "checkpoint.pth", "nested.pth", "many.pth" };

    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        xai__weights *before = open_vector(names[n]), *after;

        ck_assert_ok(xai_weights_convert(context, vector(names[n]), out_path));
        ck_assert_ok(xai__weights_open(&after, context, out_path));
        ck_assert_uint_eq(xai__weights_count(before), xai__weights_count(after));
        for (size_t i = 0; i < xai__weights_count(before); i++) {
            const xai__weight *a = xai__weights_at(before, i), *b = xai__weights_find(after, a->name);

            ck_assert_ptr_nonnull(b);
            ck_assert_uint_eq(a->dtype, b->dtype);
            ck_assert_uint_eq(a->rank, b->rank);
            ck_assert_mem_eq(a->shape, b->shape, sizeof a->shape);
            ck_assert_uint_eq(a->bytes, b->bytes);
            ck_assert_mem_eq(a->data, b->data, a->bytes);
            ck_assert_uint_eq((uintptr_t)b->data % (xai__dtype_bits(b->dtype) / 8), 0);
        }
        xai__weights_close(before);
        xai__weights_close(after);
    }
}
END_TEST

START_TEST(convert_refuses)
{
    ck_assert_fails(xai_weights_convert(NULL, "a", "b"), XAI_E_INVALID, "context is NULL");
    ck_assert_fails(xai_weights_convert(context, NULL, out_path), XAI_E_INVALID, "in is NULL");
    ck_assert_fails(xai_weights_convert(context, vector("zip.pth"), NULL), XAI_E_INVALID, "out is NULL");
    ck_assert_fails(xai_weights_convert(context, vector("none.pth"), out_path), XAI_E_IO, "none.pth: cannot open");
    ck_assert_fails(xai_weights_convert(context, vector("nothing.safetensors"), out_path), XAI_E_FORMAT, "no tensor");
    ck_assert_fails(xai_weights_convert(context, vector("zip.pth"), "/no/such/folder/x"), XAI_E_IO, "cannot write");
    ck_assert_int_ne(access(out_path, F_OK), 0);
}
END_TEST

/* The format keeps the name for texts beside the tensors: no reader would take such a file. */
START_TEST(writes_no_tensor_of_a_reserved_name)
{
    static const float number = 1;
    const xai__weight weights[] = { { .name = "a", .dtype = XAI__DTYPE_F32, .data = &number, .bytes = 4 },
                                    { .name = "__metadata__", .dtype = XAI__DTYPE_F32, .data = &number, .bytes = 4 } };

    ck_assert_fails(xai__safetensors_write(context, out_path, weights, 2), XAI_E_INVALID,
                    "no tensor can be named __metadata__");
    ck_assert_int_ne(access(out_path, F_OK), 0);
    ck_assert_ok(xai__safetensors_write(context, out_path, weights, 1));
}
END_TEST

START_TEST(strangers_are_named)
{
    static const struct {
        const char *bytes;
        size_t size;
        xai_status status;
        const char *words;
    } rows[] = {
        { "", 0, XAI_E_FORMAT, "the file is empty" },
        { "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", 55, XAI_E_UNSUPPORTED, "Git LFS pointer" },
        { "\x89HDF\r\n\x1a\n\0\0\0\0", 12, XAI_E_UNSUPPORTED, "HDF5" },
        { "GGUF\3\0\0\0\0\0\0\0", 12, XAI_E_UNSUPPORTED, "GGUF" },
        { "GGUF\3\0\0\0{\0\0\0\0\0\0\0", 16, XAI_E_UNSUPPORTED, "GGUF" }, /* of 123 tensors: '{' is its code */
        { "<script>{</script>", 18, XAI_E_UNSUPPORTED, "web page" },
        { "\x1f\x8b\x08\0\0\0\0\0\0\0", 10, XAI_E_UNSUPPORTED, "gzip" },
        { "\x93NUMPY\1\0v\0{'descr'", 18, XAI_E_UNSUPPORTED, "NumPy file" },
        { "<!DOCTYPE html>", 15, XAI_E_UNSUPPORTED, "web page" },
        { "hello, world", 12, XAI_E_FORMAT, "begins with bytes 68 65 6c 6c" },
        { "short", 5, XAI_E_FORMAT, "5 bytes are too few" },
        { "\x80\4\x95", 3, XAI_E_FORMAT, "not one of torch.save(), which writes protocol 2" },
        { "\x80\2}.", 4, XAI_E_FORMAT, "the magic number is missing" },
        { "PK\5\6", 4, XAI_E_FORMAT, "does not end with its end record" },
    };
    char tar[600] = "sys_info";
    xai__weights *weights = (xai__weights *)1;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_fails(xai__weights_open_memory(&weights, context, rows[i].bytes, rows[i].size), rows[i].status,
                        rows[i].words);
        ck_assert_ptr_null(weights);
    }
    memcpy(tar + 257, "ustar", 5);
    ck_assert_fails(xai__weights_open_memory(&weights, context, tar, sizeof tar), XAI_E_UNSUPPORTED, "a tar file");
}
END_TEST

START_TEST(torchs_other_files_are_refused)
{
    static const struct {
        const char *name, *words;
    } rows[] = {
        { "refused_evil.pth", "the pickle names posix.system" },
        { "refused_evil_legacy.pth", "the pickle names posix.system" },
        { "refused_module.pth", "names torch.nn.modules.linear.Linear" },
        { "refused_numpy.pth", "names numpy._core.multiarray.scalar" },
        { "refused_protocol4.pth", "pickle protocol 4" },
        { "refused_rank9.pth", "a tensor of 9 dimensions" },
        { "refused_script.pth", "a TorchScript program" },
    };
    xai__weights *weights;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_fails(xai__weights_open(&weights, context, vector(rows[i].name)), XAI_E_UNSUPPORTED, rows[i].words);
        ck_assert_ptr_nonnull(strstr(xai_last_error(), rows[i].name));
    }
}
END_TEST

/* A small file of each kind, cut at every byte, is refused with its name. */
START_TEST(every_cut_is_refused)
{
    static const char *const names[] = { "checkpoint.pth", "checkpoint_legacy.pth", "metadata.safetensors" };

    for (size_t n = 0; n < 3; n++) {
        xai__weights *whole = open_vector(names[n]), *cut;
        const unsigned char *bytes;
        size_t size;

        bytes = xai__weights_bytes(whole, &size);
        for (size_t k = 0; k < size; k++) {
            unsigned char *part = malloc(k + 1);
            xai_status status;

            memcpy(part, bytes, k);
            status = xai__weights_open_memory(&cut, context, part, k);
            ck_assert_msg(status == XAI_E_FORMAT, "%s cut at %zu: %s", names[n], k, xai_status_name(status));
            ck_assert_ptr_null(cut);
            ck_assert_int_eq(strncmp(xai_last_error(), "buffer: ", 8), 0);
            free(part);
        }
        xai__weights_close(whole);
    }
}
END_TEST

/* Any single bit may flip: the file is read or refused, and where its elements changed, a zip's checksum tells. */
START_TEST(every_flipped_bit_is_survived)
{
    static const char *const names[] = { "checkpoint.pth", "checkpoint_legacy.pth", "metadata.safetensors" };

    for (size_t n = 0; n < 3; n++) {
        xai__weights *whole = open_vector(names[n]), *flipped;
        unsigned char *bytes;
        size_t size;

        xai__weights_bytes(whole, &size);
        bytes = malloc(size);
        memcpy(bytes, xai__weights_bytes(whole, &size), size);
        for (size_t bit = 0; bit < size * 8; bit++) {
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            if (xai__weights_open_memory(&flipped, context, bytes, size) < 0) {
                ck_assert_ptr_null(flipped);
                ck_assert_uint_gt(strlen(xai_last_error()), 8);
            }
            xai__weights_close(flipped);
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        free(bytes);
        xai__weights_close(whole);
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_weights");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, every_file_as_torch_reads_it);
    tcase_add_test(cases, pairs_are_equal);
    tcase_add_test(cases, memory_reads_the_same);
    tcase_add_test(cases, wrappers_are_opened);
    tcase_add_test(cases, types_widen);
    tcase_add_test(cases, floats_are_borrowed_where_aligned);
    tcase_add_test(cases, writes_as_the_reference_does);
    tcase_add_test(cases, converts_every_kind);
    tcase_add_test(cases, convert_refuses);
    tcase_add_test(cases, writes_no_tensor_of_a_reserved_name);
    tcase_add_test(cases, strangers_are_named);
    tcase_add_test(cases, torchs_other_files_are_refused);
    tcase_add_test(cases, every_cut_is_refused);
    tcase_add_test(cases, every_flipped_bit_is_survived);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
