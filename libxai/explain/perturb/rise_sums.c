/* SPDX-License-Identifier: MIT
 * RISE: sums over masks, and the map with its standard errors that they make. */
#include <math.h>

#include "core/error.h"
#include "core/memory.h"
#include "explain/perturb/rise.h"

/* Keeps pixels that no mask shows finite, as xplique does. */
static const double RATIO_EPSILON = 1e-4;

xai_status xai__rise_sums_init(xai__rise_sums *s)
{
    size_t n = s->n_pixels, n_all;

    if (!xai__mul_size(&n_all, n, 2 + 3 * s->n_targets))
        return xai__fail_memory();
    /* One block, m first: freeing it frees all. */
    s->m = xai__zalloc_array(s->context, n_all, sizeof *s->m);
    if (s->m == NULL)
        return XAI_E_NO_MEMORY;
    s->mm = s->m + n;
    s->sm = s->mm + n;
    s->smm = s->sm + n * s->n_targets;
    s->ssmm = s->smm + n * s->n_targets;
    return XAI_OK;
}

void xai__rise_sums_fini(xai__rise_sums *s)
{
    xai__free(s->context, s->m);
}

/* Three sums, so that a map and its errors can be read at any time without the masks: of s m the map, of (s m)^2 its
 * variance, of s m^2 what the ratio's residuals need besides. In double, since they grow with thousands of masks. */
static void add_target(xai__rise_sums *s, size_t target, double score, const float *mask)
{
    double *sm = s->sm + target * s->n_pixels, *smm = s->smm + target * s->n_pixels,
           *ssmm = s->ssmm + target * s->n_pixels;

    for (size_t i = 0; i < s->n_pixels; i++) {
        double m = mask[i], product = score * m;

        sm[i] += product;
        smm[i] += product * m;
        ssmm[i] += product * product;
    }
}

void xai__rise_sums_add(xai__rise_sums *s, const double *scores, const float *mask)
{
    for (size_t i = 0; i < s->n_pixels; i++) {
        double m = mask[i];

        s->m[i] += m;
        s->mm[i] += m * m;
    }
    for (size_t t = 0; t < s->n_targets; t++)
        add_target(s, t, scores[t], mask);
    s->n_units++;
}

static double factor_of(const xai__rise_sums *s)
{
    double n = (double)s->n_units;

    switch (s->estimate) {
    case XAI__RISE_MEAN:
        return 1 / (n * s->keep);
    case XAI__RISE_PLAIN_MEAN:
        return 1 / n;
    default:
        return 1;
    }
}

/* A variance that rounding made negative is 0. The error of a ratio is that of its residuals, s less the ratio, over
 * the sum of the masks. */
void xai__rise_sums_read(float *map, float *errors, const xai__rise_sums *s, size_t target)
{
    const double *sm = s->sm + target * s->n_pixels, *smm = s->smm + target * s->n_pixels,
                 *ssmm = s->ssmm + target * s->n_pixels;
    double n = (double)s->n_units, factor = n > 0 ? factor_of(s) : 0;

    for (size_t i = 0; i < s->n_pixels; i++) {
        double c = 0, f = factor, sum, variance;

        if (s->estimate == XAI__RISE_RATIO) {
            f = 1 / (s->m[i] + RATIO_EPSILON);
            c = sm[i] * f;
        }
        sum = sm[i] - c * s->m[i];
        variance = n > 1 ? (ssmm[i] - 2 * c * smm[i] + c * c * s->mm[i] - sum * sum / n) / (n - 1) : 0;
        map[i] = (float)(s->estimate == XAI__RISE_RATIO ? c : sum * f);
        errors[i] = (float)(variance > 0 ? sqrt(n * variance) * f : 0);
    }
}
