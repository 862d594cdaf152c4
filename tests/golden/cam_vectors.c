/* SPDX-License-Identifier: MIT
 * The CAM family on a small network with random weights, beside its definitions in double precision: cam.safetensors,
 * made by make_cam.py. A vector's name says all: "METHOD PROFILE LAYERS FUSE SMOOTHING TARGET GRID". */
#include <math.h>

#include "core/rng.h"
#include "io/weights.h"
#include "testing.h"

enum { SEED = 7, HEIGHT = 24, WIDTH = 20, MOST_LAYERS = 3 };

static xai_context *context;
static xai_model *model;
static xai_session *session;
static xai_tensor *input;
static xai__weights *vectors;

/* draw.py's picture("input"). */
static void draw_picture(float *picture)
{
    uint64_t key = 0xcbf29ce484222325u;

    for (const char *c = "input"; *c != '\0'; c++)
        key = (key ^ (unsigned char)*c) * 0x100000001b3u;
    key ^= xai__mix64(SEED);
    for (size_t i = 0; i < 3 * HEIGHT * WIDTH; i++) {
        double slope = (double)(i % (HEIGHT * WIDTH) / WIDTH) / HEIGHT - (double)(i % WIDTH) / WIDTH;

        picture[i] = (float)((2 * xai__rng_uniform_at(key, i) - 1) + slope);
    }
}

static void set_up(void)
{
    const int64_t shape[4] = { 1, 3, HEIGHT, WIDTH };
    const xai_model_options options = {
        .struct_size = sizeof options, .crop_height = HEIGHT, .crop_width = WIDTH, .seed = SEED
    };

    context = testing_context(2);
    ck_assert_ok(xai_model_build(&model, context, "cifar_resnet20", NULL, &options));
    ck_assert_ok(xai_session_create(&session, model, NULL));
    ck_assert_ok(xai_tensor_create(&input, context, shape, 4));
    draw_picture(xai_tensor_data(input));
    ck_assert_ok(xai__weights_open(&vectors, context, testing_source("tests/golden/cam.safetensors")));
}

static void tear_down(void)
{
    xai__weights_close(vectors);
    xai_tensor_unref(input);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
}

/* What a name says. */
typedef struct recipe {
    char method[32], profile[32], layers[64], fuse[8], smoothing[16], target[32], grid[8];
    const char *names[MOST_LAYERS];
    size_t n_layers;
} recipe;

static recipe read_recipe(const char *name)
{
    recipe r = { .n_layers = 0 };

    ck_assert_int_eq(sscanf(name, "%31s %31s %63s %7s %15s %31s %7s", r.method, r.profile, r.layers, r.fuse,
                            r.smoothing, r.target, r.grid),
                     7);
    return r;
}

static void split_layers(recipe *r)
{
    char *at = r->layers;

    while (at != NULL) {
        char *plus = strchr(at, '+');

        ck_assert_uint_lt(r->n_layers, MOST_LAYERS);
        r->names[r->n_layers++] = at;
        if (plus != NULL)
            *plus++ = '\0';
        at = plus;
    }
}

static xai_target read_target(const recipe *r)
{
    static char value[32];
    long long index = 0, against = 0;
    xai_target target = { .index = 0 };

    if (sscanf(r->target, "logit:%lld", &index) == 1) {
        target.score = XAI_SCORE_LOGIT;
    } else if (sscanf(r->target, "probability:%lld", &index) == 1) {
        target.score = XAI_SCORE_PROBABILITY;
    } else if (sscanf(r->target, "margin:%lld:%lld", &index, &against) == 2) {
        target.score = XAI_SCORE_MARGIN;
        target.against = against;
    } else {
        ck_assert_int_eq(sscanf(r->target, "value:%31[^:]:%lld", value, &index), 2);
        target.score = XAI_SCORE_VALUE;
        target.value = value;
    }
    target.index = index;
    return target;
}

static xai_attribution *explain(recipe *r)
{
    xai_cam_options options = { .struct_size = sizeof options, .method = r->method, .profile = r->profile };
    xai_target target = read_target(r);
    xai_attribution *attribution = NULL;
    xai_cam *cam = NULL;

    split_layers(r);
    options.layers = r->names;
    options.n_layers = r->n_layers;
    options.fuse = strcmp(r->fuse, "mean") == 0  ? XAI_FUSE_MEAN
                   : strcmp(r->fuse, "max") == 0 ? XAI_FUSE_MAX
                                                 : XAI_FUSE_PROFILE;
    options.flags = (strstr(r->smoothing, "eigen") != NULL ? XAI_CAM_EIGEN_SMOOTH : 0u) |
                    (strstr(r->smoothing, "aug") != NULL ? XAI_CAM_AUG_SMOOTH : 0u);
    ck_assert_ok(xai_cam_create(&cam, session, &options));
    ck_assert_ok(xai_cam_compute(&attribution, cam, input, &target, 1));
    xai_cam_unref(cam);
    return attribution;
}

/* 1e-5 on maps of 0 to 1, and of the largest where they are raw; ablation's weights are differences of nearly equal
 * scores, which float32 networks give to 1e-7 of the scores and not of the differences. A map that is the same
 * everywhere is all zeros. */
static void compare(const char *name, xai_tensor *got, xai_status remark, const float *expected)
{
    double worst = 0, largest = 0;
    bool is_raw = strstr(name, "captum") != NULL;
    double tolerance = strncmp(name, "ablationcam", 11) == 0 ? 4e-5 : 1e-5;

    for (size_t i = 0; i < xai_tensor_size(got); i++) {
        worst = fmax(worst, fabs((double)xai_tensor_data(got)[i] - expected[i]));
        largest = fmax(largest, fabs((double)expected[i]));
    }
    ck_assert_msg((largest == 0) == (remark == XAI_FLAT), "%s: remark %d, largest %g", name, remark, largest);
    ck_assert_msg(worst <= tolerance * (is_raw ? largest : 1), "%s: off by %g of %g", name, worst, largest);
}

START_TEST(every_vector)
{
    const xai__weight *vector = xai__weights_at(vectors, (size_t)_i);
    recipe r = read_recipe(vector->name);
    bool is_own = strcmp(r.grid, "own") == 0;
    xai_attribution *attribution = explain(&r);
    float *expected = malloc(xai__weight_size(vector) * sizeof *expected);
    xai_tensor *got = NULL;
    xai_status remark;

    ck_assert_ptr_nonnull(expected);
    ck_assert_ok(xai__weight_to_f32(expected, vector));
    remark = xai_attribution_map(&got, attribution, is_own ? 0 : HEIGHT, is_own ? 0 : WIDTH, XAI_NORMALISE_PROFILE);
    ck_assert_int_ge(remark, 0);
    ck_assert_uint_eq(xai_tensor_size(got), xai__weight_size(vector));
    compare(vector->name, got, remark, expected);
    xai_tensor_unref(got);
    free(expected);
    xai_attribution_unref(attribution);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("cam_vectors");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 120);
    tcase_add_unchecked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, every_vector, 0, 49);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
