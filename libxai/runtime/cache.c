/* SPDX-License-Identifier: MIT
 * What a model keeps for its sessions. */
#include "runtime/cache.h"

#include <string.h>

#include "core/memory.h"
#include "runtime/session.h"

/* Plans kept: enough for an explanation's several kinds of runs. One that falls out costs a compilation, no more: its
 * packed weights stay as long as any plan uses them. */
enum { N_PLANS = 8 };

struct xai__cache {
    xai__chain *chain;
    xai__packed_set packed;
    xai__plan *plans[N_PLANS];         /* the one used last first */
    xai__gradient *gradients[N_PLANS]; /* the one used last first; more live on while plans of theirs do */
};

/* Counts are plain: the model's lock is held wherever they change. */
static void drop_gradient(xai__gradient *gradient)
{
    if (gradient != NULL && --gradient->refs == 0)
        xai__gradient_free(gradient);
}

static void drop_plan(xai__cache *cache, xai__plan *plan)
{
    xai__gradient *gradient;

    if (plan == NULL || atomic_fetch_sub(&plan->refs, 1) != 1)
        return;
    gradient = plan->key.gradient; /* outlives the plan, whose steps point into its graph */
    xai__plan_free(plan, &cache->packed);
    drop_gradient(gradient);
}

static void free_cache(xai_context *context, xai__cache *cache)
{
    for (size_t i = 0; i < N_PLANS; i++) {
        drop_plan(cache, cache->plans[i]);
        drop_gradient(cache->gradients[i]);
    }
    if (cache->chain != NULL)
        xai__chain_close(cache->chain);
    xai__free(context, cache);
}

/* Opens the backends at the first plan, so that loading a model does not depend on them. */
static xai_status open_cache(xai_model *model)
{
    xai_context *context = model->object.context;
    xai__cache *cache;
    xai_status status;

    if (model->cache != NULL)
        return XAI_OK;
    cache = xai__zalloc_array(context, 1, sizeof *cache);
    if (cache == NULL)
        return XAI_E_NO_MEMORY;
    cache->packed = (xai__packed_set){ .context = context, .weights = xai__model_weights(model) };
    status = xai__chain_open(&cache->chain, context);
    if (status < 0) {
        free_cache(context, cache);
        return status;
    }
    model->cache = cache;
    model->free_cache = free_cache;
    return XAI_OK;
}

/* Puts a plan first; whichever was last falls out. */
static void put_first(xai__cache *cache, xai__plan *plan, size_t from)
{
    memmove(cache->plans + 1, cache->plans, from * sizeof *cache->plans);
    cache->plans[0] = plan;
}

static xai_status find_plan(xai__plan **out, xai__cache *cache, const xai__plan_key *key)
{
    xai_status status;

    for (size_t i = 0; i < N_PLANS && cache->plans[i] != NULL; i++)
        if (xai__plan_key_equal(&cache->plans[i]->key, key)) {
            *out = cache->plans[i];
            put_first(cache, *out, i);
            return XAI_OK;
        }
    /* Built under the lock: sessions that ask for the same plan at the same time wait, and find it. */
    status = xai__plan_build(out, &cache->packed, cache->chain, key);
    if (status == XAI_OK) {
        if (key->gradient != NULL)
            key->gradient->refs++;
        drop_plan(cache, cache->plans[N_PLANS - 1]);
        put_first(cache, *out, N_PLANS - 1);
    }
    return status;
}

static xai_status find_gradient(xai__gradient **out, xai__cache *cache, const xai__graph *network, int32_t of,
                                uint32_t rule)
{
    size_t at = 0;
    xai_status status = XAI_OK;

    while (at < N_PLANS && cache->gradients[at] != NULL &&
           (cache->gradients[at]->of != of || cache->gradients[at]->rule != rule))
        at++;
    if (at < N_PLANS && cache->gradients[at] != NULL) {
        *out = cache->gradients[at];
    } else {
        status = xai__gradient_build(out, network, of, rule);
        if (status < 0)
            return status;
        at = at < N_PLANS ? at : N_PLANS - 1;
        drop_gradient(cache->gradients[at]);
    }
    memmove(cache->gradients + 1, cache->gradients, at * sizeof *cache->gradients);
    cache->gradients[0] = *out;
    return status;
}

xai_status xai__cache_gradient(xai__gradient **out, xai_model *model, int32_t of, uint32_t rule)
{
    xai_status status;

    *out = NULL;
    pthread_mutex_lock(&model->lock);
    status = open_cache(model);
    if (status == XAI_OK)
        status = find_gradient(out, model->cache, &model->graph, of, rule);
    if (*out != NULL)
        (*out)->refs++;
    pthread_mutex_unlock(&model->lock);
    return status;
}

void xai__cache_release_gradient(xai_model *model, xai__gradient *gradient)
{
    pthread_mutex_lock(&model->lock);
    drop_gradient(gradient);
    pthread_mutex_unlock(&model->lock);
}

xai_status xai__cache_plan(xai__plan **out, xai_model *model, const xai__plan_key *key)
{
    xai_status status;

    *out = NULL;
    pthread_mutex_lock(&model->lock);
    status = open_cache(model);
    if (status == XAI_OK)
        status = find_plan(out, model->cache, key);
    if (*out != NULL)
        atomic_fetch_add(&(*out)->refs, 1);
    pthread_mutex_unlock(&model->lock);
    return status;
}

/* Frees nothing that is in use: the cache has a reference of its own until the plan falls out. */
void xai__cache_release(xai_model *model, xai__plan *plan)
{
    if (plan == NULL)
        return;
    pthread_mutex_lock(&model->lock);
    drop_plan(model->cache, plan);
    pthread_mutex_unlock(&model->lock);
}

xai_status xai__model_is_exact(bool *out, xai_model *model)
{
    xai_status status;

    pthread_mutex_lock(&model->lock);
    status = open_cache(model);
    *out = status == XAI_OK && xai__chain_is_exact(model->cache->chain);
    pthread_mutex_unlock(&model->lock);
    return status;
}
