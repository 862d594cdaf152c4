/* SPDX-License-Identifier: MIT
 * Occlusion of the tutorial's photograph through a real ResNet-18, beside captum's map. */
#include "photograph.h"

#include <math.h>

/* The originals' float32 scores differ from ours by this much; captum's map is a mean of their differences. */
static const double TOLERANCE = 1e-5;

START_TEST(captum)
{
    photograph p = photograph_begin("native", 2);
    xai_occlusion_options options = {
        .struct_size = sizeof options, .profile = "captum", .window_height = 32, .stride_height = 16
    };
    const xai_target target = { .index = PHOTOGRAPH_PERSIAN_CAT };
    xai_tensor *input = p.context != NULL ? photograph_golden(p.context, "input") : NULL, *map = NULL, *expected;
    xai_attribution *a = NULL;
    double worst = 0, largest = 0;

    if (input == NULL) {
        photograph_end(&p);
        return;
    }
    memcpy(xai_tensor_data(p.input), xai_tensor_data(input), xai_tensor_size(p.input) * sizeof(float));
    expected = photograph_golden(p.context, "t0.occlusion.w32s16");
    ck_assert_ok(xai_occlusion_compute(&a, p.session, p.input, &target, 1, &options));
    ck_assert_ok(xai_attribution_map(&map, a, 0, 0, XAI_NORMALISE_PROFILE));
    ck_assert_uint_eq(xai_tensor_size(map), xai_tensor_size(expected));
    for (size_t i = 0; i < xai_tensor_size(map); i++) {
        worst = fmax(worst, fabs((double)xai_tensor_data(map)[i] - xai_tensor_data(expected)[i]));
        largest = fmax(largest, fabs(xai_tensor_data(expected)[i]));
    }
    printf("# captum's occlusion: largest difference %.2g of %.3g\n", worst, largest);
    ck_assert_double_le(worst, TOLERANCE * fmax(largest, 1));
    xai_tensor_unref(map);
    xai_tensor_unref(expected);
    xai_tensor_unref(input);
    xai_attribution_unref(a);
    photograph_end(&p);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("golden_occlusion");
    TCase *c = tcase_create("occlusion");

    tcase_set_timeout(c, 300);
    tcase_add_test(c, captum);
    suite_add_tcase(suite, c);
    return suite;
}

TESTING_MAIN(make_suite)
