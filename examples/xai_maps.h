/* SPDX-License-Identifier: MIT
 * What commands that explain pictures share, and what sets one apart. */
#ifndef XAI_MAPS_H
#define XAI_MAPS_H

#include "xai_cli.h"

/* A family of methods, as a command offers it. */
typedef struct cli_explainer {
    const char *method;         /* without --method */
    const char *const *methods; /* all of them, for sheets; ends with NULL */

    /* Readies one method; CLI_GO_ON or an exit code after a message. */
    int (*begin)(void **state, const cli_args *cli, const cli_subject *subject, const char *method);

    xai_status (*explain)(xai_attribution **out, void *state, const xai_tensor *input, const xai_target *targets,
                          size_t n_targets);

    void (*end)(void *state); /* NULL is nothing */

    /* What only some families have. Sees the picture before it is explained; CLI_GO_ON or an exit code. */
    int (*look)(void *state, const xai_image *crop);

    /* Draws further pictures of a map, by their names, which end with NULL. */
    xai_status (*draw)(xai_image **out, void *state, const xai_attribution *map, const xai_image *crop,
                       const char *picture);
    const char *const *pictures;

    /* Makes the next explanation go on from a state, and add to it. NULL: the family has none. */
    void (*keep)(void *state, cli_kept *kept);

    /* True once the user stopped it: later pictures are left out. */
    int (*stopped)(void *state);

    /* What it does one after the other, as its attributions call their number: "masks". NULL if it cannot be stopped.
     */
    const char *counts;
} cli_explainer;

/* Runs a command of a family; an exit code. */
int cli_maps(const cli_args *cli, const cli_explainer *explainer);

/* What --draw, --colors and --clip ask for. */
int cli_draw_options(xai_draw_options *out, const cli_args *cli, bool is_overlay);

/* Says that a map is of less than was asked for. what: the picture or method that it is of. */
void cli_note_stopped(const cli_args *cli, const cli_explainer *explainer, const char *what,
                      const xai_attribution *map);

/* The classes that --target names, the top one without; the caller frees them. */
int cli_find_targets(xai_target **out, size_t *n, const cli_args *cli, const xai_model *model);

/* Draws --sheet: a row a picture, or several of one picture, with a cell a method. An exit code. */
int cli_sheet(const cli_args *cli, const cli_explainer *explainer);

#endif
