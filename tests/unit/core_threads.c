/* SPDX-License-Identifier: MIT
 * The thread pool: every task once, taken by one at a time, harmless after fork. */
#include "testing.h"

#include <sys/wait.h>
#include <unistd.h>

#include "core/threads.h"

enum { N_TASKS = 1000 };

typedef struct marks {
    int count[N_TASKS];
    size_t lane[N_TASKS];
} marks;

static void mark(void *job, size_t index, size_t lane)
{
    marks *m = job;

    m->count[index]++;
    m->lane[index] = lane;
}

static void run_and_check(xai_context *context, size_t n_tasks)
{
    marks m = { 0 };
    xai__team team = xai__team_take(context);

    xai__team_run(&team, n_tasks, mark, &m);
    for (size_t i = 0; i < N_TASKS; i++) {
        ck_assert_int_eq(m.count[i], i < n_tasks);
        ck_assert_uint_lt(m.lane[i], xai__team_size(&team));
    }
    xai__team_give_back(&team);
}

START_TEST(every_task_once)
{
    static const uint32_t n_threads[] = { 1, 2, 3, 8 };
    static const size_t n_tasks[] = { 0, 1, 2, 3, 7, 8, 9, 1000 };

    xai_context *context = testing_context(n_threads[_i]);
    for (int round = 0; round < 30; round++)
        for (size_t i = 0; i < sizeof n_tasks / sizeof *n_tasks; i++)
            run_and_check(context, n_tasks[i]);
    xai_context_unref(context);
}
END_TEST

START_TEST(second_team_is_alone)
{
    xai_context *context = testing_context(4);
    xai__team first = xai__team_take(context), second = xai__team_take(context);

    ck_assert_uint_eq(xai__team_size(&first), 4);
    ck_assert_uint_eq(xai__team_size(&second), 1);
    xai__team_give_back(&second);
    xai__team_give_back(&first);
    first = xai__team_take(context);
    ck_assert_uint_eq(xai__team_size(&first), 4);
    xai__team_give_back(&first);
    xai_context_unref(context);
}
END_TEST

/* Long pauses between jobs let the workers go to sleep. */
START_TEST(sleepers_wake)
{
    xai_context *context = testing_context(2);
    xai__team team = xai__team_take(context);

    for (int round = 0; round < 3; round++) {
        marks m = { 0 };

        usleep(50000);
        xai__team_run(&team, N_TASKS, mark, &m);
        ck_assert_int_eq(m.count[N_TASKS - 1], 1);
    }
    xai__team_give_back(&team);
    xai_context_unref(context);
}
END_TEST

START_TEST(after_fork)
{
    xai_context *context = testing_context(2);
    int state;
    pid_t child;

    run_and_check(context, N_TASKS);
    child = fork();
    if (child == 0) {
        xai__team team = xai__team_take(context);
        size_t size = xai__team_size(&team);

        xai__team_give_back(&team);
        xai_context_unref(context);
        _exit(size == 1 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert_int_eq(state, 0);
    xai_context_unref(context);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("core_threads");
    TCase *cases = tcase_create("all");

    tcase_add_loop_test(cases, every_task_once, 0, 4);
    tcase_add_test(cases, second_team_is_alone);
    tcase_add_test(cases, sleepers_wake);
    tcase_add_test(cases, after_fork);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
