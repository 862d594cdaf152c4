/* SPDX-License-Identifier: MIT
 * Pad by grey, jitter, scale, rotate, jitter: lucid's standard transforms, and lucent's, which differ in each. */
#include "explain/visualize/transform.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/rng.h"

/* Pixels of padding and jitter; scales are 1 - 5 / 50 to 1 + 5 / 50; turns are -10 to 10 degrees, and 5 times none. */
enum { PAD = 12, FIRST_JITTER = 8, LAST_JITTER = 4, N_SCALES = 11, N_TURNS = 21, N_UPRIGHT = 5 };

/* Random numbers of a step: the first is that of the first jitter's row. */
enum { ROW, COLUMN, SCALE, TURN, LAST_ROW, LAST_COLUMN, N_NUMBERS = 8 };

#define PI 3.14159265358979323846

static const xai__transform_profile profiles[] = {
    { .name = "default", .half_turn = PI },
    { .name = "lucent", .half_turn = PI, .stretches = true },
    { .name = "lucid",
      .half_turn = 3.14,
      .shrinks = true,
      .scales_legacy = true,
      .turns_nearest = true,
      .redirects = true },
};

const xai__transform_profile *xai__transform_profile_find(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if (strcmp(profiles[i].name, name != NULL ? name : "default") == 0)
            return &profiles[i];
    xai__fail(XAI_E_NOT_FOUND, "visualisation has no profile '%.40s'; it has default, lucent, lucid", name);
    return NULL;
}

/* --- drawing --- */

/* A transform under construction. */
typedef struct draft {
    xai__transform *out;
    const xai__transform_profile *profile;
    size_t height, width; /* of what comes out so far */
    uint64_t key;
    size_t first; /* number of the step's first random number */
} draft;

static void add(draft *d, xai__warp warp)
{
    d->out->warps[d->out->n++] = warp;
    d->height = warp.out_height;
    d->width = warp.out_width;
}

/* A whole number from 0 to n - 1. */
static size_t pick(const draft *d, size_t number, size_t n)
{
    return (size_t)(xai__rng_uniform_at(d->key, d->first + number) * (double)n);
}

static void add_padding(draft *d, size_t top, size_t left, size_t height, size_t width, float fill)
{
    add(d, xai__warp_shift(d->height, d->width, height, width, -(double)top, -(double)left, fill));
}

/* The length of kornia's pixel. */
static double unit(const draft *d, size_t n)
{
    return d->profile->stretches && n > 1 ? (double)n / (double)(n - 1) : 1;
}

/* Shrinking cuts a window of the size less `most` out at a random place; the other kind shifts by up to most - 1 to the
 * right and down, and what comes in is black. */
static void add_jitter(draft *d, size_t number, size_t most)
{
    size_t n = d->profile->shrinks ? most + 1 : most, row = pick(d, number, n), column = pick(d, number + 1, n);

    if (d->profile->shrinks)
        add(d, xai__warp_shift(d->height, d->width, d->height - most, d->width - most, (double)row, (double)column, 0));
    else
        add(d, xai__warp_shift(d->height, d->width, d->height, d->width, -(double)row * unit(d, d->height),
                               -(double)column * unit(d, d->width), 0));
}

static size_t round_up(double value)
{
    return (size_t)ceil(value);
}

/* lucent pads what it made smaller, by the same amount on both sides, and exchanges the sides of pictures that are not
 * square: its padding of rows goes to the left and the top, that of columns to the right and the bottom. */
static void add_scaling(draft *d)
{
    double scale = 1 + ((double)pick(d, SCALE, N_SCALES) - (N_SCALES - 1) / 2.0) / 50;
    size_t height = d->height, width = d->width, new_height = round_up(scale * (double)height),
           new_width = round_up(scale * (double)width), rows, columns;

    if (d->profile->scales_legacy) {
        add(d, xai__warp_legacy(height, width, (size_t)(scale * (double)height), (size_t)(scale * (double)width)));
        return;
    }
    rows = new_height < height ? round_up((double)(height - new_height) / 2) : 0;
    columns = new_width < width ? round_up((double)(width - new_width) / 2) : 0;
    add(d, xai__warp_aligned(height, width, new_height, new_width));
    if (rows + columns > 0)
        add_padding(d, rows, rows, new_height + rows + columns, new_width + rows + columns, 0);
}

static void add_turn(draft *d)
{
    size_t which = pick(d, TURN, N_TURNS + N_UPRIGHT);
    double degrees = which < N_TURNS ? (double)which - (N_TURNS - 1) / 2.0 : 0;
    xai__warp warp = xai__warp_rotation(d->height, d->width, degrees / 180 * d->profile->half_turn);
    double aspect = unit(d, d->height) / unit(d, d->width), y = ((double)d->height - 1) / 2,
           x = ((double)d->width - 1) / 2;

    /* The centre stays where it is. */
    warp.y[2] += x * warp.y[1] * (1 - aspect);
    warp.x[2] += y * warp.x[0] * (1 - 1 / aspect);
    warp.y[1] *= aspect;
    warp.x[0] /= aspect;
    warp.is_nearest = d->profile->turns_nearest;
    if (degrees != 0)
        add(d, warp);
}

static void add_standard(draft *d)
{
    add_padding(d, PAD, PAD, d->height + 2 * PAD, d->width + 2 * PAD, 0.5f);
    add_jitter(d, ROW, FIRST_JITTER);
    add_scaling(d);
    add_turn(d);
    add_jitter(d, LAST_ROW, LAST_JITTER);
}

void xai__transform_draw(xai__transform *out, const xai__transform_profile *profile, size_t height, size_t width,
                         size_t to_height, size_t to_width, uint64_t seed, size_t step)
{
    draft d = { .out = out,
                .profile = profile,
                .height = height,
                .width = width,
                .key = xai__mix64(xai__mix64(seed) ^ 0x7472616e73666f72u),
                .first = step * N_NUMBERS };

    out->n = 0;
    if (profile != NULL)
        add_standard(&d);
    if (out->n == 0 || d.height != to_height || d.width != to_width)
        add(&d, xai__warp_aligned(d.height, d.width, to_height, to_width));
}

/* The largest scale is 1.1, and padding may follow it; a plane of the model's input is the last. */
size_t xai__transform_largest(size_t height, size_t width, size_t to_height, size_t to_width)
{
    size_t longest = height > width ? height : width, most = (longest + 2 * PAD) * 11 / 10 + 2 * PAD,
           to = to_height * to_width;

    return to > most * most ? to : most * most;
}

/* --- running --- */

/* Between the first and the last, two halves of the scratch take turns: a warp reads one and writes the other. */
void xai__transform_run(float *out, const xai__transform *t, const float *picture, size_t n_planes, float *scratch,
                        size_t largest)
{
    const float *from = picture;

    for (size_t i = 0; i < t->n; i++) {
        float *to = i + 1 == t->n ? out : scratch + (i % 2) * n_planes * largest;

        xai__warp_run(to, &t->warps[i], from, n_planes);
        from = to;
    }
}

void xai__transform_adjoint(float *picture, const xai__transform *t, const float *out, size_t n_planes, float *scratch,
                            size_t largest)
{
    const float *from = out;

    for (size_t i = t->n; i-- > 0;) {
        float *to = i == 0 ? picture : scratch + (i % 2) * n_planes * largest;

        xai__warp_adjoint(to, &t->warps[i], from, n_planes);
        from = to;
    }
}
