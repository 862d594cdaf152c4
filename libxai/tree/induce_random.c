/* SPDX-License-Identifier: MIT
 * A random hierarchy, to compare others with: classes shuffled, then grouped level by level. */
#include "core/memory.h"
#include "core/rng.h"
#include "tree/induce.h"

/* Fisher and Yates: every order is as likely as any other. */
static void shuffle(uint32_t *level, uint32_t n, uint64_t seed)
{
    xai__rng rng;

    xai__rng_seed(&rng, seed);
    for (uint32_t i = n; i-- > 1;) {
        uint32_t j = (uint32_t)(xai__rng_uniform(&rng) * (i + 1)), swap = level[i];

        level[i] = level[j];
        level[j] = swap;
    }
}

/* Joins neighbours on a level; one that is left alone moves up as it is. */
static xai_status group(xai__induction *in, uint32_t *level, uint32_t *n)
{
    uint32_t n_above = 0;

    for (uint32_t at = 0; at < *n; at += in->branching) {
        uint32_t size = *n - at < in->branching ? *n - at : in->branching, node = level[at];
        xai_status status = size > 1 ? xai__induction_add_inner(&node, in, XAI__HYPERNYMS_NONE, XAI__HYPERNYMS_NONE)
                                     : XAI_OK;

        if (status < 0)
            return status;
        for (uint32_t i = 0; size > 1 && i < size; i++)
            xai__draft_link(&in->draft, node, level[at + i]);
        level[n_above++] = node;
        /* A branching near 2^32 would step past the end and round to the beginning. */
        if (*n - at <= in->branching)
            break;
    }
    *n = n_above;
    return XAI_OK;
}

xai_status xai__induce_random(uint32_t *root, xai__induction *in)
{
    uint32_t n = in->n_classes;
    uint32_t *level = xai__alloc_array(in->context, n, sizeof *level);
    xai_status status = level != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    for (uint32_t i = 0; i < n && status == XAI_OK; i++) {
        level[i] = i;
        status = xai__induction_add_leaf(in, i);
    }
    if (status == XAI_OK)
        shuffle(level, n, in->options->seed);
    while (status == XAI_OK && n > 1)
        status = group(in, level, &n);
    *root = status == XAI_OK ? level[0] : 0;
    xai__free(in->context, level);
    return status;
}
