/* SPDX-License-Identifier: MIT
 * Watching long methods: a bar on a terminal, Ctrl-C, which keeps what there is so far, and states that are gone on
 * with. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xai_cli.h"

/* A process that is killed loses this much, if its state is kept. */
enum { SAVE_SECONDS = 60 };

enum { BAR = 30, EXIT_INTERRUPTED = 130 };

/* All that a handler may write. */
static volatile sig_atomic_t was_interrupted;

/* Whose pass a Ctrl-C ends. Cancelling stores a flag and does nothing else, which a handler may. */
static xai_session *volatile cancelled;

/* A second Ctrl-C ends the program. */
static void interrupt(int number)
{
    xai_session *session = cancelled;

    was_interrupted = 1;
    if (session != NULL)
        xai_session_cancel(session);
    signal(number, SIG_DFL);
}

/* --- states --- */

int cli_kept_open(cli_kept *kept, const cli_args *cli, xai_context *context, char *path)
{
    bool is_new = access(path, F_OK) < 0 && errno == ENOENT;
    xai_status status;

    *kept = (cli_kept){ .path = path, .last = cli_seconds() };
    status = is_new ? xai_state_create(&kept->state, context) : xai_state_load(&kept->state, context, path);
    if (status < XAI_OK)
        return cli_fail_library(cli);
    kept->n_saved = xai_state_n_images(kept->state);
    if (!is_new)
        cli_note(cli, "%s: has the scores of %llu pictures, going on from there", path,
                 (unsigned long long)kept->n_saved);
    return CLI_GO_ON;
}

static int save(cli_kept *kept, const cli_args *cli)
{
    uint64_t n = xai_state_n_images(kept->state);

    kept->last = cli_seconds();
    if (n <= kept->n_saved)
        return CLI_GO_ON;
    if (xai_state_save(kept->state, kept->path) < XAI_OK)
        return cli_fail_library(cli);
    kept->n_saved = n;
    return CLI_GO_ON;
}

int cli_kept_close(cli_kept *kept, const cli_args *cli)
{
    int status = kept->state != NULL ? save(kept, cli) : CLI_GO_ON;

    xai_state_unref(kept->state);
    free(kept->path);
    *kept = (cli_kept){ 0 };
    return status;
}

/* --- watching --- */

/* What was known before took no time. */
static double seconds_left(const cli_watch *w, uint64_t done, uint64_t total)
{
    uint64_t known = w->n_known < done ? w->n_known : done;
    double passed = cli_seconds() - w->start;

    return done > known ? passed * (double)(total - done) / (double)(done - known) : 0;
}

static void draw_bar(const cli_watch *w, uint64_t done, uint64_t total)
{
    double share = total > 0 ? (double)done / (double)total : 1;
    int filled = (int)(share * BAR);
    char bar[BAR + 1];

    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)filled);
    bar[BAR] = '\0';
    fprintf(stderr, "\r[%s] %3.0f%%, %.0f s left ", bar, 100 * share, seconds_left(w, done, total));
    fflush(stderr);
}

/* Called by the library between its steps; a value other than 0 stops it with what it has. */
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
    if (w->kept != NULL && now - w->kept->last > SAVE_SECONDS)
        save(w->kept, w->cli);
    w->is_interrupted = was_interrupted != 0;
    return w->is_interrupted;
}

void cli_watch_begin(cli_watch *w, const cli_args *cli, xai_run_options *run)
{
    struct sigaction action = { .sa_handler = interrupt };

    *w = (cli_watch){ .cli = cli, .has_bar = !cli->quiet && isatty(STDERR_FILENO), .start = cli_seconds() };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    run->progress = watch;
    run->user = w;
}

/* Overwritten with blanks: not every terminal knows how to erase a line. */
void cli_watch_end(cli_watch *w)
{
    if (w->is_drawn)
        fprintf(stderr, "\r%*s\r", BAR + 32, "");
    w->is_drawn = false;
    w->kept = NULL;
    w->n_known = 0;
    w->start = cli_seconds();
}

void cli_watch_keep(cli_watch *w, cli_kept *kept)
{
    w->kept = kept;
    w->n_known = xai_state_n_images(kept->state);
}

void cli_watch_cancels(xai_session *session)
{
    cancelled = session;
}

int cli_watch_exit(int status)
{
    return was_interrupted != 0 ? EXIT_INTERRUPTED : status;
}
