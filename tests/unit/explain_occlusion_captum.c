/* SPDX-License-Identifier: MIT
 * Occlusion beside captum's maps of a made function, golden/occlusion.txt: windows and strides that do not divide the
 * picture, values and pictures as baselines. */
#include "explained.h"

#include <math.h>

#include "explain/attribution.h"

/* Scores are float32 here and float64 there; they are below 16. */
static const double TOLERANCE = 1e-5;

/* A line "case" of the file. */
typedef struct occlusion_case {
    int64_t shape[4];
    uint32_t window[2], stride[2];
    bool has_image; /* for a baseline, else: */
    float value;
} occlusion_case;

static double fraction(size_t i, size_t factor, size_t offset, size_t modulus, double shift)
{
    return (double)((i * factor + offset) % modulus) / (double)modulus - shift;
}

static int32_t score(const float *batch, size_t n, float *scores, void *user)
{
    const size_t size = *(const size_t *)user;

    for (size_t image = 0; image < n; image++) {
        double sum = 0, other = 0;

        for (size_t i = 0; i < size; i++) {
            sum += batch[image * size + i] * fraction(i, 53, 7, 89, 0.5);
            other += batch[image * size + i] * fraction(i, 29, 3, 97, 0.4);
        }
        scores[image] = (float)(sum + other * other / 16);
    }
    return 0;
}

static xai_tensor *make_image(xai_context *context, const occlusion_case *c, size_t factor, size_t offset,
                              size_t modulus, double shift)
{
    xai_tensor *image = NULL;

    ck_assert_ok(xai_tensor_create(&image, context, c->shape, 4));
    for (size_t i = 0; i < image->size; i++)
        image->data[i] = (float)fraction(i, factor, offset, modulus, shift);
    return image;
}

static bool read_case(occlusion_case *c, const char *line)
{
    char baseline[16];
    int shape[3];

    *c = (occlusion_case){ .shape = { 1 } };
    if (sscanf(line, "case %d %d %d %u %u %u %u %15s", &shape[0], &shape[1], &shape[2], &c->window[0], &c->window[1],
               &c->stride[0], &c->stride[1], baseline) != 8)
        return false;
    for (int i = 0; i < 3; i++)
        c->shape[i + 1] = shape[i];
    c->has_image = strcmp(baseline, "image") == 0;
    c->value = c->has_image ? 0 : strtof(baseline, NULL);
    return true;
}

static xai_tensor *occlude(xai_context *context, const occlusion_case *c)
{
    xai_tensor *input = make_image(context, c, 37, 11, 101, 0.3);
    xai_tensor *baseline = c->has_image ? make_image(context, c, 17, 5, 61, 0.4) : NULL, *map;
    size_t size = input->size;
    const xai_black_box box = { .struct_size = sizeof box, .predict = score, .user = &size, .n_classes = 1 };
    const xai_occlusion_options options = { .struct_size = sizeof options,
                                            .profile = "captum",
                                            .black_box = &box,
                                            .baseline = baseline,
                                            .fill_value = c->value,
                                            .window_height = c->window[0],
                                            .window_width = c->window[1],
                                            .stride_height = c->stride[0],
                                            .stride_width = c->stride[1] };
    const xai_target target = { .index = 0 };
    xai_attribution *a = NULL;

    ck_assert_ok(xai_occlusion_compute(&a, NULL, input, &target, 1, &options));
    map = explained_raw_map(a);
    xai_attribution_unref(a);
    xai_tensor_unref(baseline);
    xai_tensor_unref(input);
    return map;
}

static void check_case(FILE *file, xai_context *context, const occlusion_case *c)
{
    xai_tensor *map = occlude(context, c);

    ck_assert_uint_eq(map->size, (size_t)(c->shape[2] * c->shape[3]));
    for (size_t i = 0; i < map->size; i++) {
        double expected;

        ck_assert_int_eq(fscanf(file, "%lf", &expected), 1);
        ck_assert_double_eq_tol(map->data[i], expected, TOLERANCE);
    }
    xai_tensor_unref(map);
}

START_TEST(equal_to_captum)
{
    xai_context *context = testing_context(2);
    FILE *file = fopen(testing_source("tests/golden/occlusion.txt"), "r");
    char line[256];
    int n_cases = 0;

    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        occlusion_case c;

        if (read_case(&c, line)) {
            check_case(file, context, &c);
            n_cases++;
        }
    }
    fclose(file);
    ck_assert_int_eq(n_cases, 7);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("explain_occlusion_captum");
    TCase *c = tcase_create("occlusion");

    tcase_set_timeout(c, 60);
    tcase_add_test(c, equal_to_captum);
    suite_add_tcase(suite, c);
    return suite;
}

TESTING_MAIN(make_suite)
