/* SPDX-License-Identifier: MIT
 * RISE: whether the maps have settled. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"
#include "explain/perturb/rise.h"

/* The first look comes after so many masks; the next ones each after 2^(1/2) times as many, so that the one before the
 * last saw half. */
enum { FIRST_LOOK = 128, N_KEPT = 3 };

/* Of the pixels that either of two regions has, the share that both must have. */
static const double SAME_REGION = 0.9;

static uint64_t next_after(uint64_t n)
{
    return (uint64_t)((double)n * 1.41421356237309504880 / 2 + 0.5) * 2; /* even: whole pairs */
}

/* --- standard errors --- */

static bool is_precise(const xai__rise *r)
{
    size_t n = r->n_pixels;
    double low = r->map[0], high = r->map[0], squares = 0;

    for (size_t i = 0; i < n; i++) {
        low = fmin(low, r->map[i]);
        high = fmax(high, r->map[i]);
        squares += (double)r->errors[i] * r->errors[i];
    }
    return sqrt(squares / (double)n) <= (double)r->options.max_error * (high - low);
}

/* --- top regions --- */

static size_t words_of(const xai__rise *r)
{
    return (r->n_pixels + 63) / 64;
}

/* Look number look's region of a target. */
static uint64_t *region_of(const xai__rise *r, size_t look, size_t target)
{
    return r->regions + (look % N_KEPT * r->n_targets + target) * words_of(r);
}

static int compare_falling(const void *user, uint32_t a, uint32_t b)
{
    const float *map = user;

    return (map[a] < map[b]) - (map[a] > map[b]);
}

static xai_status mark_region(xai__rise *r, size_t target)
{
    size_t n = r->n_pixels, n_top = (size_t)ceil((double)r->options.top_region * (double)n);
    uint32_t *order = xai__alloc_array(r->scorer.context, n, sizeof *order);
    uint64_t *region = region_of(r, r->n_looks, target);

    if (order == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    xai__sort(order, n, compare_falling, r->map);
    memset(region, 0, words_of(r) * sizeof *region);
    for (size_t i = 0; i < n_top && i < n; i++)
        region[order[i] / 64] |= (uint64_t)1 << order[i] % 64;
    xai__free(r->scorer.context, order);
    return XAI_OK;
}

static size_t count_bits(uint64_t word)
{
    size_t n = 0;

    for (; word != 0; word &= word - 1)
        n++;
    return n;
}

static bool is_same_region(const xai__rise *r, size_t target)
{
    const uint64_t *now, *then;
    size_t both = 0, either = 0;

    if (r->n_looks + 1 < N_KEPT)
        return false;
    now = region_of(r, r->n_looks, target);
    then = region_of(r, r->n_looks + 1 - N_KEPT, target);
    for (size_t i = 0; i < words_of(r); i++) {
        both += count_bits(now[i] & then[i]);
        either += count_bits(now[i] | then[i]);
    }
    return (double)both >= SAME_REGION * (double)either;
}

/* --- looking --- */

static xai_status prepare(xai__rise *r)
{
    size_t n = words_of(r);

    if (r->options.top_region <= 0 || r->regions != NULL)
        return XAI_OK;
    if (!xai__mul_size(&n, n, r->n_targets))
        return xai__fail_memory();
    r->regions = xai__alloc_array(r->scorer.context, n, N_KEPT * sizeof *r->regions);
    return r->regions != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* Either rule is enough, but for all targets alike. */
static xai_status look(bool *settled, xai__rise *r)
{
    bool precise = r->options.max_error > 0, same = r->options.top_region > 0;
    xai_status status = prepare(r);

    if (status == XAI_OK)
        status = xai__rise_gather(r);
    for (size_t t = 0; t < r->n_targets && status == XAI_OK; t++) {
        xai__rise_read(r->map, r->errors, r, t);
        precise = precise && is_precise(r);
        if (r->options.top_region > 0)
            status = mark_region(r, t);
        same = same && status == XAI_OK && is_same_region(r, t);
    }
    r->n_looks++;
    *settled = precise || same;
    return status;
}

xai_status xai__rise_look(bool *settled, xai__rise *r)
{
    *settled = false;
    if (r->options.max_error <= 0 && r->options.top_region <= 0)
        return XAI_OK;
    if (r->next_look == 0)
        r->next_look = FIRST_LOOK;
    if (r->n_done < r->next_look)
        return XAI_OK;
    r->next_look = next_after(r->next_look);
    return look(settled, r);
}

void xai__rise_forget(xai__rise *r)
{
    xai__free(r->scorer.context, r->regions);
}
