/* SPDX-License-Identifier: MIT
 * Watching long methods: a bar on a terminal, and Ctrl-C, which keeps what there is so far. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "xai_cli.h"

enum { BAR = 30, EXIT_INTERRUPTED = 130 };

static volatile sig_atomic_t was_interrupted;

/* A second Ctrl-C ends the program. */
static void interrupt(int number)
{
    was_interrupted = 1;
    signal(number, SIG_DFL);
}

static void draw_bar(const cli_watch *w, uint64_t done, uint64_t total)
{
    double passed = cli_seconds() - w->start, share = total > 0 ? (double)done / (double)total : 1;
    int filled = (int)(share * BAR);
    char bar[BAR + 1];

    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)filled);
    bar[BAR] = '\0';
    fprintf(stderr, "\r[%s] %3.0f%%, %.0f s left ", bar, 100 * share, share > 0 ? passed / share - passed : 0.0);
    fflush(stderr);
}

static int32_t watch(uint64_t done, uint64_t total, void *user)
{
    cli_watch *w = user;
    double now = cli_seconds();

    /* Ten times a second is enough for anybody. */
    if (w->has_bar && (now - w->last > 0.1 || done == total)) {
        draw_bar(w, done, total);
        w->last = now;
        w->is_drawn = true;
    }
    w->is_interrupted = was_interrupted != 0;
    return w->is_interrupted;
}

void cli_watch_begin(cli_watch *w, const cli_args *cli, xai_run_options *run)
{
    struct sigaction action = { .sa_handler = interrupt };

    *w = (cli_watch){ .has_bar = !cli->quiet && isatty(STDERR_FILENO), .start = cli_seconds() };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    run->progress = watch;
    run->user = w;
}

void cli_watch_end(cli_watch *w)
{
    if (w->is_drawn)
        fprintf(stderr, "\r%*s\r", BAR + 32, "");
    w->is_drawn = false;
    w->start = cli_seconds();
}

int cli_watch_exit(int status)
{
    return was_interrupted != 0 ? EXIT_INTERRUPTED : status;
}
