/* SPDX-License-Identifier: MIT
 * The context's thread pool. */
#include "core/threads.h"

#include <sched.h>
#include <stdint.h>
#include <unistd.h>

#include "core/context.h"
#include "core/cpu.h"
#include "core/memory.h"

/* Spins between the steps of a forward pass: short ones first, then giving way, then sleep (a long hook is running). */
enum { SPINS_HARD = 4000, SPINS_YIELDING = 2000 };

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Lane 0 is the caller. A static split: which lane runs a task depends on the numbers alone. */
static void run_share(xai__pool *pool, size_t lane, size_t n_lanes)
{
    size_t share = pool->n_tasks / n_lanes, rest = pool->n_tasks % n_lanes;
    size_t first = lane * share + (lane < rest ? lane : rest);
    size_t end = first + share + (lane < rest ? 1 : 0);

    for (size_t i = first; i < end; i++)
        pool->call(pool->job, i, lane);
}

static void sleep_until_roused(xai__pool *pool, uint64_t seen)
{
    uint64_t rouse;

    /* A job that is published between the caller's look and this lock is seen by the loop's condition; one that comes
     * later finds n_asleep above 0 and rouses. No wake-up is lost. */
    pthread_mutex_lock(&pool->lock);
    rouse = pool->rouse;
    pool->n_asleep++;
    while (pool->rouse == rouse && atomic_load(&pool->generation) == seen && !atomic_load(&pool->stop))
        pthread_cond_wait(&pool->wake, &pool->lock);
    pool->n_asleep--;
    pthread_mutex_unlock(&pool->lock);
}

/* True when there is a job that was not seen yet, false when the pool stops. */
static bool wait_for_job(xai__pool *pool, uint64_t seen)
{
    for (int spins = 0; atomic_load_explicit(&pool->generation, memory_order_acquire) == seen; spins++) {
        if (atomic_load_explicit(&pool->stop, memory_order_relaxed))
            return false;
        if (!atomic_load_explicit(&pool->running, memory_order_relaxed) || spins > pool->spins + SPINS_YIELDING) {
            sleep_until_roused(pool, seen);
            spins = 0;
        } else if (spins > pool->spins) {
            sched_yield();
        } else {
            pause_briefly();
        }
    }
    return true;
}

static void *work(void *argument)
{
    xai__pool *pool = argument;
    size_t lane = atomic_fetch_add(&pool->n_started, 1) + 1;
    uint64_t seen = 0;

    while (wait_for_job(pool, seen)) {
        seen++; /* never more than one behind: the next job waits for n_busy */
        run_share(pool, lane, pool->n_lanes);
        atomic_fetch_sub_explicit(&pool->n_busy, 1, memory_order_release);
    }
    return NULL;
}

/* Starts what can be started; a pool without workers is a caller alone. */
static void start_workers(xai__pool *pool, xai_context *context)
{
    size_t wanted = pool->n_threads - 1;

    pool->owner = getpid();
    pool->started = true;
    pool->n_lanes = 1;
    pool->workers = xai__alloc_array(context, wanted, sizeof *pool->workers);
    if (pool->workers == NULL)
        return;
    for (size_t i = 0; i < wanted; i++) {
        if (pthread_create(&pool->workers[i], NULL, work, pool) != 0)
            break;
        pool->n_lanes++;
    }
}

void xai__pool_init(xai__pool *pool, uint32_t n_threads)
{
    pool->n_threads = n_threads;
    pool->spins = n_threads <= xai__cpu_count() ? SPINS_HARD : 0; /* with more threads than cores, give way at once */
    atomic_init(&pool->taken, false);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
}

void xai__pool_fini(xai__pool *pool, xai_context *context)
{
    if (pool->started && pool->owner == getpid()) {
        pthread_mutex_lock(&pool->lock);
        atomic_store(&pool->stop, true);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->lock);
        for (size_t i = 0; i + 1 < pool->n_lanes; i++)
            pthread_join(pool->workers[i], NULL);
    }
    xai__free(context, pool->workers);
    /* In a forked child the workers that waited here are gone, and glibc would wait for them for ever. */
    if (pool->started && pool->owner != getpid())
        return;
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
}

static void rouse(xai__pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->rouse++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

xai__team xai__team_take(xai_context *context)
{
    xai__pool *pool = &context->pool;
    xai__team alone = { NULL };

    /* Who comes second works alone, with the same bits, rather than wait. */
    if (pool->n_threads < 2 || atomic_exchange(&pool->taken, true))
        return alone;
    if (!pool->started)
        start_workers(pool, context);
    /* A forked child has the pool but none of its threads. */
    if (pool->owner != getpid() || pool->n_lanes < 2) {
        atomic_store(&pool->taken, false);
        return alone;
    }
    atomic_store(&pool->running, true);
    rouse(pool);
    return (xai__team){ pool };
}

void xai__team_give_back(xai__team *team)
{
    if (team->pool != NULL) {
        atomic_store(&team->pool->running, false);
        atomic_store(&team->pool->taken, false);
        team->pool = NULL;
    }
}

size_t xai__team_size(const xai__team *team)
{
    return team->pool != NULL ? team->pool->n_lanes : 1;
}

/* The fields of the job are written before generation grows, and read after it was seen to have grown. */
static void publish(xai__pool *pool)
{
    bool asleep;

    atomic_store_explicit(&pool->n_busy, (uint32_t)(pool->n_lanes - 1), memory_order_relaxed);
    atomic_fetch_add(&pool->generation, 1);
    pthread_mutex_lock(&pool->lock);
    asleep = pool->n_asleep > 0;
    pthread_mutex_unlock(&pool->lock);
    if (asleep)
        rouse(pool);
}

void xai__team_run(xai__team *team, size_t n_tasks, xai__task_fn call, void *job)
{
    xai__pool *pool = team->pool;

    if (pool == NULL || n_tasks < 2) {
        for (size_t i = 0; i < n_tasks; i++)
            call(job, i, 0);
        return;
    }
    pool->call = call;
    pool->job = job;
    pool->n_tasks = n_tasks;
    publish(pool);
    run_share(pool, 0, pool->n_lanes);
    for (int spins = 0; atomic_load_explicit(&pool->n_busy, memory_order_acquire) != 0; spins++) {
        if (spins > pool->spins)
            sched_yield();
        else
            pause_briefly();
    }
}
