/* SPDX-License-Identifier: MIT
 * Quickshift: a density of colour and place at every pixel, and the way up to the nearest denser one. */
#include <math.h>

#include "core/context.h"
#include "core/cpu.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pcg64.h"
#include "explain/segment/quickshift.h"

/* Parents are denser, so chains end. The first walk finds the root, the second points all on the way at it, so that who
 * comes to any of them later has one step to go. */
static void follow_to_roots(int32_t *parent, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int32_t root = (int32_t)i;

        while (parent[root] != root)
            root = parent[root];
        for (int32_t j = (int32_t)i, next; j != root; j = next) {
            next = parent[j];
            parent[j] = root;
        }
    }
}

/* N(0, 1e-5), row-major, from PCG64 as NumPy seeds it: in flat areas, of which screenshots are full, all densities are
 * equal, and scikit-image's own noise decides who is whose parent. */
static xai_status fill_noise(xai__climb *c, uint64_t seed)
{
    xai__pcg64 *rng = xai__alloc(c->s->context, sizeof *rng);

    if (rng == NULL)
        return XAI_E_NO_MEMORY;
    xai__pcg64_seed(rng, seed);
    for (size_t i = 0; i < c->s->n_pixels; i++)
        c->density[i] = 1e-5 * xai__pcg64_normal(rng);
    xai__free(c->s->context, rng);
    return XAI_OK;
}

static xai_status create_climb(xai__climb *c, size_t n_lanes)
{
    xai_context *context = c->s->context;
    size_t size = n_lanes * c->s->width;

    c->density = xai__alloc_array(context, c->s->n_pixels, sizeof *c->density);
    c->distances = xai__alloc_array(context, size, sizeof *c->distances);
    c->nearest = xai__alloc_array(context, size, sizeof *c->nearest);
    c->offsets = xai__alloc_array(context, size, sizeof *c->offsets);
    if (c->density == NULL || c->distances == NULL || c->nearest == NULL || c->offsets == NULL)
        return XAI_E_NO_MEMORY;
    return fill_noise(c, c->s->options.seed);
}

static const xai__quickshift *choose_rows(uint64_t features)
{
#if defined(__x86_64__)
    if ((features & XAI__CPU_AVX512) != 0)
        return &xai__quickshift_avx512;
    if ((features & XAI__CPU_AVX2) != 0)
        return &xai__quickshift_avx2;
#endif
    (void)features;
    return &xai__quickshift_baseline;
}

xai_status xai__segment_quickshift(xai__segmentation *s)
{
    const double size = s->options.kernel_size, longest = (double)(s->width > s->height ? s->width : s->height);
    xai__climb c = { .s = s, .factor = -0.5 / (size * size) };
    const xai__quickshift *rows = choose_rows(s->context->cpu_features);
    xai__team team;
    xai_status status;

    /* Beyond three deviations the kernel is 1e-2 of its top, and the original does not look there either. */
    c.reach = (ptrdiff_t)ceil(3 * size < longest ? 3 * size : longest);
    xai__segment_colours(s, true, 0, 1, 1);
    status = xai__segment_smooth(s, s->options.sigma);
    for (size_t i = 0; i < s->n_pixels * XAI__SEGMENT_CHANNELS && status == XAI_OK; i++)
        s->planes[0][i] *= s->options.ratio;
    team = xai__team_take(s->context);
    if (status == XAI_OK)
        status = create_climb(&c, xai__team_size(&team));
    if (status == XAI_OK) {
        xai__team_run(&team, s->height, rows->sum_row, &c);
        xai__team_run(&team, s->height, rows->climb_row, &c);
        follow_to_roots(s->labels, s->n_pixels);
    }
    xai__team_give_back(&team);
    xai__free(s->context, c.density);
    xai__free(s->context, c.distances);
    xai__free(s->context, c.nearest);
    xai__free(s->context, c.offsets);
    return status;
}
