/* SPDX-License-Identifier: MIT
 * Runs a call again and again, each time with another allocation that fails, those inside other libraries included. */
#ifndef XAI_OOM_H
#define XAI_OOM_H

#include <stdbool.h>

#include "testing.h"

/* malloc.c: the n-th allocation from now on fails, and all after it too unless once is set; a negative n: none. */
void oom_arm(long n, bool once);

/* True if one has failed since. */
bool oom_struck(void);

/* Blocks that are allocated and not freed. */
long oom_n_blocks(void);

/* One round of attempt() for each allocation that it makes. */
static inline void oom_run_mode(const char *name, xai_status (*attempt)(void *user), void *user, long *n_lost,
                                bool once)
{
    bool struck = true;

    for (long n = 0; struck; n++) {
        long n_before = oom_n_blocks(), n_after;
        xai_status status;

        oom_arm(n, once);
        status = attempt(user);
        n_after = oom_n_blocks();
        struck = oom_struck();
        oom_arm(-1, false);
        ck_assert_msg(status == XAI_OK || (struck && status == XAI_E_NO_MEMORY), "%s, allocation %ld: %s (%s)", name, n,
                      xai_last_error(), xai_status_name(status));
        ck_assert_msg(status == XAI_OK || strcmp(xai_last_error(), "out of memory") == 0, "%s, allocation %ld: %s",
                      name, n, xai_last_error());
        *n_lost -= n_after - n_before;
        ck_assert_msg(*n_lost >= 0 && n_after >= n_before, "%s, allocation %ld: %ld blocks leaked", name, n,
                      n_after - n_before);
    }
}

/* Calls attempt() until no allocation fails any more: first with memory that stays away, then with memory that comes
 * back, which is when forgotten checks show. Each time it either succeeds or says that memory ran out, and gives back
 * all it took. attempt() frees what it got itself. n_lost: blocks that other libraries are known to lose, over all
 * calls of one mode together. */
static inline void oom_run(const char *name, xai_status (*attempt)(void *user), void *user, long n_lost)
{
    ck_assert_msg(attempt(user) == XAI_OK, "%s: %s", name, xai_last_error()); /* also lets libraries settle */
    for (int once = 0; once < 2; once++) {
        long n_left = n_lost;

        oom_run_mode(name, attempt, user, &n_left, once);
    }
}

#endif
