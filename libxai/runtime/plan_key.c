/* SPDX-License-Identifier: MIT
 * Keys of plans. */
#include "runtime/plan_key.h"

#include <string.h>

#include "core/memory.h"

static const int32_t *put(int32_t **at, const int32_t *values, size_t n)
{
    int32_t *first = *at;

    for (size_t i = 0; i < n; i++)
        first[i] = values[i];
    *at += n;
    return first;
}

xai_status xai__plan_key_copy(xai__plan_key *out, int32_t **values, xai_context *context, const xai__plan_key *key)
{
    int32_t *at = xai__alloc_array(context, key->n_taps + key->n_cuts + key->n_fetches + key->n_feeds, sizeof *at);

    if (at == NULL)
        return XAI_E_NO_MEMORY;
    *values = at;
    *out = *key;
    out->taps = put(&at, key->taps, key->n_taps);
    out->cuts = put(&at, key->cuts, key->n_cuts);
    out->fetches = put(&at, key->fetches, key->n_fetches);
    out->feeds = put(&at, key->feeds, key->n_feeds);
    return XAI_OK;
}

static bool same_values(const int32_t *a, size_t n_a, const int32_t *b, size_t n_b)
{
    return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof *a) == 0);
}

bool xai__plan_key_equal(const xai__plan_key *a, const xai__plan_key *b)
{
    return a->graph == b->graph && a->purpose == b->purpose &&
           same_values(a->feeds, a->n_feeds, b->feeds, b->n_feeds) &&
           same_values(a->taps, a->n_taps, b->taps, b->n_taps) && same_values(a->cuts, a->n_cuts, b->cuts, b->n_cuts) &&
           same_values(a->fetches, a->n_fetches, b->fetches, b->n_fetches);
}
