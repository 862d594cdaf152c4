/* SPDX-License-Identifier: MIT
 * The context's thread pool. A forward pass takes it whole by one atomic exchange, or runs on the calling thread. */
#ifndef XAI__CORE_THREADS_H
#define XAI__CORE_THREADS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <xai/context.h>

/* One piece of work. lane: 0 to xai__team_size() - 1, for scratch memory. */
typedef void (*xai__task_fn)(void *job, size_t index, size_t lane);

typedef struct xai__pool {
    uint32_t n_threads; /* the caller's included */
    int spins;          /* before giving way */
    atomic_bool taken;
    bool started;
    pid_t owner;    /* process that started the workers; a forked child has none */
    size_t n_lanes; /* workers that could be started, and the caller */
    atomic_size_t n_started;
    pthread_t *workers;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    uint64_t rouse;      /* under lock: counts calls for the workers to get up */
    uint32_t n_asleep;   /* under lock */
    atomic_bool running; /* a team is out: spin rather than sleep */
    atomic_bool stop;
    _Alignas(64) atomic_uint_least64_t generation; /* counts jobs */
    _Alignas(64) atomic_uint_least32_t n_busy;
    xai__task_fn call;
    void *job;
    size_t n_tasks;
} xai__pool;

/* The right to use a pool; alone where it was taken. */
typedef struct xai__team {
    xai__pool *pool; /* NULL: the calling thread alone */
} xai__team;

void xai__pool_init(xai__pool *pool, uint32_t n_threads);
void xai__pool_fini(xai__pool *pool, xai_context *context);

/* Never fails: without threads the team is the caller. */
xai__team xai__team_take(xai_context *context);
void xai__team_give_back(xai__team *team);

size_t xai__team_size(const xai__team *team);

/* Runs tasks 0 to n_tasks - 1, a contiguous share a thread, and returns when all are done. Which thread runs what
 * depends on n_tasks and the team's size only. */
void xai__team_run(xai__team *team, size_t n_tasks, xai__task_fn call, void *job);

#endif
