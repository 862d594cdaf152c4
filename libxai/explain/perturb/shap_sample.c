/* SPDX-License-Identifier: MIT
 * KernelSHAP's coalitions: enumerated from the outside in, then drawn, with numpy's random numbers. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"
#include "core/mt19937.h"
#include "explain/perturb/shap.h"

/* Sizes 1, 2 ... each stand for themselves and their complements; the middle one of an even number for itself. */
typedef struct sampling {
    xai__shap *s;
    size_t m, n_sizes, n_paired;
    double *shares;  /* of the weight, a size each */
    double *scratch; /* as many */
    uint32_t *order; /* m: a permutation, or the members of a combination */
    uint32_t *table; /* of drawn coalitions: their number + 1, found by hash */
    size_t table_size, n;
    xai__mt19937 rng;
} sampling;

/* Exact below 2^53, and where it is not, no size of that many is enumerated. */
static double choose(size_t m, size_t k)
{
    double ways = 1;

    for (size_t i = 1; i <= k; i++)
        ways = ways * (double)(m - k + i) / (double)i;
    return rint(ways);
}

static uint8_t *row_of(const sampling *p, size_t i)
{
    return p->s->coalitions.masks + i * p->m;
}

/* Of the newest row. */
static void add_complement(sampling *p)
{
    const uint8_t *last = row_of(p, p->n - 1);
    uint8_t *row = row_of(p, p->n);

    for (size_t j = 0; j < p->m; j++)
        row[j] = last[j] == 0;
    p->n++;
}

/* The Shapley kernel's weight of all coalitions of a size, and of its complement's, as a share of the whole. */
static void share_weight(sampling *p)
{
    double sum = 0;

    for (size_t k = 1; k <= p->n_sizes; k++) {
        p->shares[k - 1] = (double)(p->m - 1) / ((double)k * (double)(p->m - k)) * (k <= p->n_paired ? 2 : 1);
        sum += p->shares[k - 1];
    }
    for (size_t k = 0; k < p->n_sizes; k++)
        p->shares[k] /= sum;
}

/* --- enumerated --- */

/* The next combination of k of m in lexicographic order; false behind the last. */
static bool next_combination(uint32_t *members, size_t k, size_t m)
{
    size_t i = k;

    while (i > 0 && members[i - 1] == m - k + i - 1)
        i--;
    if (i == 0)
        return false;
    members[i - 1]++;
    for (size_t j = i; j < k; j++)
        members[j] = members[j - 1] + 1;
    return true;
}

/* In shap's order, each coalition with its complement behind it, so that samples can be compared row by row. */
static void add_size(sampling *p, size_t k)
{
    double weight = p->shares[k - 1] / choose(p->m, k) / (k <= p->n_paired ? 2 : 1);

    for (size_t j = 0; j < k; j++)
        p->order[j] = (uint32_t)j;
    do {
        uint8_t *row = row_of(p, p->n);

        memset(row, 0, p->m);
        for (size_t j = 0; j < k; j++)
            row[p->order[j]] = 1;
        p->s->weights[p->n++] = weight;
        if (k <= p->n_paired) {
            p->s->weights[p->n] = weight;
            add_complement(p);
        }
    } while (next_combination(p->order, k, p->m));
}

/* A size is enumerated while its share of the samples left covers it. Returns how many sizes are. */
static size_t enumerate(sampling *p)
{
    double left = (double)p->s->coalitions.n, *remaining = p->scratch;

    memcpy(remaining, p->shares, p->n_sizes * sizeof *remaining);
    for (size_t k = 1; k <= p->n_sizes; k++) {
        double all = choose(p->m, k) * (k <= p->n_paired ? 2 : 1), share = remaining[k - 1];

        if (!(left * share / all >= 1 - 1e-8) || all > (double)(p->s->coalitions.n - p->n))
            return k - 1;
        left -= all;
        for (size_t i = 0; i < p->n_sizes && share < 1; i++)
            remaining[i] /= 1 - share;
        add_size(p, k);
    }
    return p->n_sizes;
}

/* --- drawn --- */

/* The loop ends at n - 1, for the last sum may fall short of 1 by rounding. numpy's choice() with probabilities: where
 * a uniform number falls among their sums. */
static size_t pick(const double *sums, size_t n, double u)
{
    size_t i = 0;

    while (i < n - 1 && sums[i] <= u)
        i++;
    return i;
}

/* The place of a coalition in the table: its own, or the free one where it belongs. */
static uint32_t *find_drawn(const sampling *p, const uint8_t *row)
{
    size_t i = xai__hash(0, row, p->m) & (p->table_size - 1);

    while (p->table[i] != 0 && memcmp(row_of(p, p->table[i] - 1), row, p->m) != 0)
        i = (i + 1) & (p->table_size - 1);
    return &p->table[i];
}

/* One draw of a size, into the row behind the last: new coalitions stay, known ones weigh more. */
static void draw_one(sampling *p, size_t k)
{
    uint8_t *row = row_of(p, p->n);
    const bool is_paired = k <= p->n_paired;
    uint32_t *known;

    xai__mt19937_permutation(&p->rng, p->order, p->m);
    memset(row, 0, p->m);
    for (size_t j = 0; j < k; j++)
        row[p->order[j]] = 1;
    known = find_drawn(p, row);
    if (*known != 0) {
        p->s->weights[*known - 1] += 1;
        p->s->draws[*known - 1] += 1;
        if (is_paired && *known < p->n)
            p->s->weights[*known] += 1;
        return;
    }
    p->s->weights[p->n] = 1;
    p->s->draws[p->n++] = 1;
    *known = (uint32_t)p->n;
    if (is_paired && p->n < p->s->coalitions.n) {
        p->s->weights[p->n] = 1;
        add_complement(p);
    }
}

/* Each draw of a paired size gives two coalitions, so it counts half. */
static double *sum_shares(sampling *p, size_t first)
{
    double sum = 0;

    for (size_t k = first; k < p->n_sizes; k++) {
        sum += p->shares[k] / (k < p->n_paired ? 2 : 1);
        p->scratch[k] = sum;
    }
    for (size_t k = first; k < p->n_sizes; k++)
        p->scratch[k] /= sum;
    return p->scratch + first;
}

/* Sizes of up to four times as many draws as are needed are drawn first, as shap does, for many will be known. */
static xai_status draw_rest(sampling *p, size_t first)
{
    xai_context *context = p->s->coalitions.scorer.context;
    size_t room = p->s->coalitions.n, begin = p->n, n_sizes = 4 * (room - begin);
    double *sums = sum_shares(p, first), share = 0, drawn = 0;
    uint32_t *sizes = xai__alloc_array(context, n_sizes, sizeof *sizes);

    if (sizes == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n_sizes; i++)
        sizes[i] = (uint32_t)(first + 1 + pick(sums, p->n_sizes - first, xai__mt19937_uniform(&p->rng)));
    for (size_t i = 0; i < n_sizes && p->n < room; i++)
        draw_one(p, sizes[i]);
    for (size_t k = first; k < p->n_sizes; k++)
        share += p->shares[k];
    for (size_t i = begin; i < p->n; i++)
        drawn += p->s->weights[i];
    for (size_t i = begin; i < p->n; i++)
        p->s->weights[i] *= share / drawn;
    xai__free(context, sizes);
    return XAI_OK;
}

/* The table is at most half full, so probing stays short. */
static xai_status create_sampling(sampling *p)
{
    xai_context *context = p->s->coalitions.scorer.context;

    p->m = p->s->coalitions.n_segments;
    p->n_sizes = p->m / 2;
    p->n_paired = (p->m - 1) / 2;
    for (p->table_size = 16; p->table_size < 2 * p->s->coalitions.n; p->table_size *= 2)
        continue;
    p->shares = xai__alloc_array(context, p->n_sizes, sizeof *p->shares);
    p->scratch = xai__alloc_array(context, p->n_sizes, sizeof *p->scratch);
    p->order = xai__alloc_array(context, p->m, sizeof *p->order);
    p->table = xai__zalloc_array(context, p->table_size, sizeof *p->table);
    if (p->shares == NULL || p->scratch == NULL || p->order == NULL || p->table == NULL)
        return XAI_E_NO_MEMORY;
    xai__mt19937_seed(&p->rng, (uint32_t)p->s->coalitions.run.seed);
    return XAI_OK;
}

static void free_sampling(sampling *p)
{
    xai_context *context = p->s->coalitions.scorer.context;

    xai__free(context, p->shares);
    xai__free(context, p->scratch);
    xai__free(context, p->order);
    xai__free(context, p->table);
}

xai_status xai__shap_sample(xai__shap *s)
{
    sampling p = { .s = s };
    xai_status status = create_sampling(&p);
    size_t n_full;

    /* A single segment has the whole difference, whatever is scored. */
    if (status == XAI_OK && p.m > 1) {
        share_weight(&p);
        n_full = enumerate(&p);
        s->n_enumerated = p.n;
        if (n_full < p.n_sizes && p.n < s->coalitions.n)
            status = draw_rest(&p, n_full);
    }
    s->coalitions.n = p.n;
    free_sampling(&p);
    return status;
}

/* --- captum --- */

/* The first two rows, everything seen and everything hidden, are what holds captum's ends; its sizes have the kernel's
 * weight, and the rows of a size are even. Torch's random numbers are not reproduced: here they come from the seed. */
xai_status xai__shap_draw(xai__shap *s)
{
    sampling p = { .s = s };
    size_t n = s->coalitions.n, m = s->coalitions.n_segments;
    double *sums, sum = 0;
    xai_status status = create_sampling(&p);

    sums = xai__alloc_array(s->coalitions.scorer.context, m, sizeof *sums);
    if (status == XAI_OK && sums == NULL)
        status = XAI_E_NO_MEMORY;
    for (size_t k = 1; k < m && status == XAI_OK; k++)
        sums[k - 1] = sum += 1 / ((double)k * (double)(m - k));
    for (size_t i = 0; i < n && status == XAI_OK; i++) {
        uint8_t *row = row_of(&p, i);

        s->draws[i] = 1;
        if (i == 0)
            memset(row, 1, m);
        if (i < 2 || m < 2)
            continue;
        xai__mt19937_permutation(&p.rng, p.order, m);
        for (size_t j = 0, k = 1 + pick(sums, m - 1, sum * xai__mt19937_uniform(&p.rng)); j < k; j++)
            row[p.order[j]] = 1;
    }
    xai__free(s->coalitions.scorer.context, sums);
    free_sampling(&p);
    return status;
}
